"""Hypothesis without its 200 ms deadline: a busy machine is no fault in the code."""

from hypothesis import settings

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
