"""The command `satsim`: what may end it before a command has begun, or after, is one line too."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from satsim.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("satsim: stopped\n")
        sys.exit(130)
    except OSError as error:  # of the help text on a full disk
        sys.stderr.write(f"satsim: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
