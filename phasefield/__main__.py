"""`python -m phasefield` is the command `phasefield`."""

from phasefield.cli.main import main

if __name__ == "__main__":
    main()
