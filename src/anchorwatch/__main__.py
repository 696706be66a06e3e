"""`python -m anchorwatch` is the command line."""

from anchorwatch.cli.main import run

if __name__ == "__main__":
    run()
