"""The `image` of a scenario.

Each field's `description` says what is allowed; error messages quote it (satsim.complaints).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from satsim.section import Else, Section, listed, of_a_file

Side = Annotated[int, Field(ge=1, le=4096)]
PHOTO_PATH = "the path of a photo, relative to the scenario file"
SIZE_TEXT = "[width, height], each a whole number from 1 to 4096 (pixels)"


class ImageSettings(Section):
    """The photo: the size at which it is sent, and that at which it is shown and scored.

    The photo is fitted to `shown`, which is the original of all scores and marks; it is sent shrunk to `size`
    (Lanczos), and the receiver enlarges what it decodes (bicubic). Bits per pixel count pixels that are sent.
    """

    path: Annotated[Path, of_a_file(PHOTO_PATH)] = Field(strict=False, description=PHOTO_PATH)
    size: tuple[Side, Side] = Field(default=(256, 256), description=SIZE_TEXT)
    shown: Annotated[tuple[Side, Side] | None, Else("image.size")] = Field(
        default=None, description=f"{SIZE_TEXT}, at least image.size"
    )
    fit: Literal["crop", "pad"] = Field(default="crop", description="crop or pad")

    _list_to_tuple = field_validator("size", "shown", mode="before")(listed)

    @property
    def original_size(self) -> tuple[int, int]:
        """Width and height at which pictures are shown and scored, in pixels."""
        return self.shown or self.size
