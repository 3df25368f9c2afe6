"""`python -m satsim` is the command `satsim`."""

from satsim.cli import main

main()
