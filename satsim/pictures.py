"""The pictures of a run folder, read again."""

from pathlib import Path

from PIL import Image

from satsim.errors import RunFolderError


def read_picture(file: Path) -> Image.Image:
    """Return a picture as RGB; raises RunFolderError naming one that is missing or damaged."""
    try:
        with Image.open(file) as image:
            return image.convert("RGB")
    except Exception as error:  # Pillow's readers raise errors of any kind
        reason = getattr(error, "strerror", None) or "not a picture, or cut"
        raise RunFolderError(f"{file}: {reason}; allowed: the picture that `satsim run` wrote") from None
