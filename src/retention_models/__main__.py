"""`python -m retention_models` is the command `retention`."""

from retention_models.cli import main

if __name__ == "__main__":
    main()
