# make demo        install the package alone into .venv and run the demo
# make test        fast tests and the examples in docstrings
# make test-slow   statistical and other long tests
# make lint        ruff and mypy
# make bench       the scripts in tests/benchmarks
# make notebooks   execute notebooks/*.ipynb in place
# make clean       remove .venv and what tools left behind
#
# PYTHON=... names the interpreter for .venv; ARGS=... is handed on to pytest; DEMO_ARGS=... to the demo.

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.PHONY: demo test test-slow lint bench notebooks clean

demo: .venv/.installed
	$(BIN)/bayessynth demo $(DEMO_ARGS)

test: .venv/.installed-test
	$(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-slow: .venv/.installed-test
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.installed-test
	@set -e; for script in tests/benchmarks/bench_*.py; do \
		[ -e "$$script" ] || { echo "no benchmarks in tests/benchmarks"; break; }; \
		echo "== $$script"; $(BIN)/python "$$script"; \
	done

notebooks: .venv/.installed-test
	$(BIN)/python scripts/run_notebooks.py $(NOTEBOOK_ARGS)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist out
	find bayessynth tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@python='$(PYTHON)'; [ -n "$$python" ] || python=$$(sh scripts/find_python.sh) || exit 1; \
	echo "making .venv with $$python"; "$$python" -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

.venv/.installed-test: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet -c constraints.txt -e ".[test]"
	@touch $@ .venv/.installed
