#!/bin/sh
# Prints the path of a Python that can make the virtual environment: 3.12 or newer, with venv and pip inside.
# Tried in turn: PATH, pyenv's versions (newest first), uv's. The versions that constraints.txt was tested with
# come first. A found name is asked for its version, because pyenv's shims stand in PATH for Pythons that are
# not selected.

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12)); ' >/dev/null 2>&1 </dev/null &&
        "$1" -c 'import sys; print(sys.executable)' </dev/null
}

for name in python3.13 python3.12 python3.14 python3 python; do
    command -v "$name" >/dev/null 2>&1 && usable "$name" && exit 0
done

if [ -n "${HOME:-}" ] && [ -d "$HOME/.pyenv/versions" ]; then
    for version in $(ls "$HOME/.pyenv/versions" | sort -t . -k 1,1nr -k 2,2nr -k 3,3nr); do
        python="$HOME/.pyenv/versions/$version/bin/python"
        [ -x "$python" ] && usable "$python" && exit 0
    done
fi

if command -v uv >/dev/null 2>&1; then
    python=$(uv python find '>=3.12' 2>/dev/null </dev/null) && usable "$python" && exit 0
fi

echo "bayessynth needs Python 3.12 or newer with the venv module: none found in PATH, ~/.pyenv/versions or uv." >&2
echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
