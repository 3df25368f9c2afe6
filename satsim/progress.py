"""How long work says how far it is."""

from collections.abc import Callable

Progress = Callable[[str, float], None]  # what is being done, and how much of the whole is done, 0 to 1
