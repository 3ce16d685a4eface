"""Run the command line as ``python -m bayessynth``."""

from bayessynth.cli import main

if __name__ == "__main__":
    main()
