"""A codec that is someone else's program: the keys of a scheme's `command`.

A scenario with a `command` runs programs: only load one that you would start yourself.
"""

import re
import shlex
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from satsim.section import Section, listed, not_allowed

Exchange = Literal["png", "yuv420"]

PLACEHOLDER = re.compile(r"\{(\w+)\}")
INPUT = {"png": "{png}", "yuv420": "{yuv}"}  # the placeholder of the picture that is encoded
ANYWHERE = ("{bitstream}", "{width}", "{height}", "{quality}")
QUALITIES_TEXT = "1 to 1000 numbers or texts from best to worst, or first..last"
COMMAND_TEXT = "{encode, decode, exchange, qualities, timeout_s, file}"
_RANGE = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})")
_MOST_QUALITIES = 1000


class CommandSettings(Section):
    """How a program is called to encode and to decode; no shell is asked.

    `{png}` or `{yuv}` stands for the picture to encode, `{bitstream}` for the coded file, `{out}` for the
    decoded picture, in the format of `exchange`; further `{width}`, `{height}`, `{budget_bytes}`, and
    `{quality}`: one of `qualities`, the best that fits the budget. `$NAME` is an environment variable.
    """

    encode: str = Field(max_length=4096, description="a command with {png} or {yuv}, and {bitstream}")
    decode: str = Field(max_length=4096, description="a command with {bitstream} and {out}")
    exchange: Exchange = Field(default="png", description="png or yuv420")
    qualities: tuple[int | float | str, ...] | None = Field(
        default=None, min_length=1, max_length=_MOST_QUALITIES, description=QUALITIES_TEXT
    )
    timeout_s: float = Field(
        default=600, gt=0, le=86400, description="a number above 0, up to 86400 (seconds for each call)"
    )
    file: str = Field(
        default="photo.bin",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="a file name, whose suffix may tell the program the format",
    )

    @field_validator("qualities", mode="before")
    @classmethod
    def _range_or_list(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return listed(value)
        ends = _RANGE.fullmatch(value)
        if ends is None or abs(int(ends[2]) - int(ends[1])) >= _MOST_QUALITIES:
            raise not_allowed(QUALITIES_TEXT)
        first, last = int(ends[1]), int(ends[2])
        return tuple(range(first, last + 1) if first <= last else range(first, last - 1, -1))

    @model_validator(mode="after")
    def _whole_commands(self) -> "CommandSettings":
        picture = INPUT[self.exchange]
        _check("encode", self.encode, (picture, "{bitstream}"), (*ANYWHERE, picture, "{budget_bytes}"))
        _check("decode", self.decode, ("{bitstream}", "{out}"), (*ANYWHERE[:3], "{out}"))
        if ("{quality}" in self.encode) != (self.qualities is not None):
            raise not_allowed("qualities and, in encode, {quality}; or neither")
        return self


def _check(key: str, command: str, needed: tuple[str, ...], known: tuple[str, ...]) -> None:
    try:
        words = shlex.split(command)
    except ValueError:
        raise not_allowed(f"{key} with its quotation marks closed") from None
    found = [f"{{{name}}}" for word in words for name in PLACEHOLDER.findall(word)]
    if any(each not in found for each in needed):
        raise not_allowed(f"{key} with {' and '.join(needed)}")
    unknown = next((each for each in found if each not in known), None)
    if unknown:
        raise not_allowed(f"{key} without {unknown}; it knows {', '.join(known)}")
