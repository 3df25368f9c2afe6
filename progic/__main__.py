"""The command `progic`: what may end it before a command has begun, or after, is one line too."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from progic.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("progic: stopped\n")
        sys.exit(130)
    except OSError as error:  # of the help text on a full disk
        sys.stderr.write(f"progic: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
