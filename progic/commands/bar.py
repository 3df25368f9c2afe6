"""The bar that long commands of `progic` show."""

import sys

from rich.console import Console
from rich.progress import Progress


def progress_bar() -> Progress:
    """Return a bar on standard error, if that is a terminal; it goes when the work is done."""
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
