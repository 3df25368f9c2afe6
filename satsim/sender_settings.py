"""How long the handset takes before it can send, in a scenario or a scheme of its own."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from satsim.codec_settings import Search
from satsim.section import WEEK_S, WEEK_TEXT, Else, Section, not_allowed

SENDER_TEXT = "{encode_s, refine_s} or {encode: measured}"


class Encoding(NamedTuple):
    """When a handset has the bytes that it sends."""

    encode_s: float  # from the photo on, for the first stage
    refine_s: float = 0.0  # more for each later one, one after the other


class SenderSettings(Section):
    """How long the handset takes to encode: figures, or measured on this machine.

    `refine_s` is what a search adds; of a stagewise one, that for each stage.
    """

    encode_s: float | None = Field(default=None, ge=0, le=WEEK_S, description=WEEK_TEXT)
    refine_s: Annotated[float | None, Else("0")] = Field(default=None, ge=0, le=WEEK_S, description=WEEK_TEXT)
    encode: Literal["measured"] | None = Field(default=None, description="measured")

    @model_validator(mode="after")
    def _exactly_one(self) -> "SenderSettings":
        if (self.encode_s is None) == (self.encode is None):
            raise not_allowed("either encode_s or encode")
        if self.encode is not None and self.refine_s is not None:
            raise not_allowed("refine_s with encode_s alone: a search is measured, too")
        return self

    def encoding(self, search: Search) -> Encoding:
        """Return the times of the figures, for a codec that searches so; 0 s where they are measured."""
        encode_s = self.encode_s or 0.0
        refine_s = self.refine_s or 0.0 if search.steps else 0.0
        return Encoding(encode_s + refine_s, refine_s if search.stagewise else 0.0)
