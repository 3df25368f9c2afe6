"""`python -m progic` is the command `progic`."""

from progic.cli import main

main()
