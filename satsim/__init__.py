"""satsim puts a photo's bytes on a simulated satellite short-message link and says what is seen, and when."""

from importlib.metadata import version


def __getattr__(name: str) -> str:
    if name == "__version__":
        return version("progic-satsim")
    raise AttributeError(f"module 'satsim' has no attribute {name!r}")
