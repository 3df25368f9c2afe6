"""How long the handset takes before it can send, in a scenario or a scheme of its own."""

from typing import Literal

from pydantic import Field, model_validator

from satsim.section import WEEK_S, Section, not_allowed

SENDER_TEXT = "{encode_s} or {encode: measured}"


class SenderSettings(Section):
    """How long the handset takes to encode: a figure, or measured on this machine."""

    encode_s: float | None = Field(
        default=None, ge=0, le=WEEK_S, description="a number from 0 to 604800 (seconds)"
    )
    encode: Literal["measured"] | None = Field(default=None, description="measured")

    @model_validator(mode="after")
    def _exactly_one(self) -> "SenderSettings":
        if (self.encode_s is None) == (self.encode is None):
            raise not_allowed("either encode_s or encode")
        return self
