"""The command `mien`, and `python -m mien`: what catches Ctrl-C before the rest is imported."""

import sys


def main() -> int:
    """Run the command line; return its exit status."""
    try:
        from mien.cli import main as command

        return command()
    except KeyboardInterrupt:
        print("mien: interrupted", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
