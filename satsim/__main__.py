"""The command `satsim`, which Ctrl-C may end while what it needs is still being imported."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from satsim.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("satsim: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
