"""Which trained model a scenario sends with, and how long it looks for codes."""

from typing import NamedTuple

from pydantic import Field, field_validator

from satsim.section import Section, not_allowed
from satsim.units import DOWNSAMPLING_FACTORS

STEPS_TEXT = "a whole number from 0 to 1000"


class Search(NamedTuple):
    """How codes are searched for (progic.refine)."""

    steps: int = 0
    stagewise: bool = False  # so many before each stage, else before all


class CodecSettings(Section):
    """Which trained model, and its N, L and f."""

    model: str = Field(default="f16-s", min_length=1, description="a bundled model's name or a weights file")
    stages: int = Field(default=5, ge=1, le=64, description="a whole number from 1 to 64")
    bits_per_index: int = Field(default=10, ge=1, le=16, description="a whole number from 1 to 16")
    downsampling_factor: int = Field(default=16, description="1, 2, 4, 8, 16, 32, 64 or 128")
    refine_steps: int = Field(default=0, ge=0, le=1000, description=STEPS_TEXT)
    refine_stagewise: bool = Field(default=False, description="true or false")

    @field_validator("downsampling_factor")
    @classmethod
    def _power_of_two(cls, factor: int) -> int:
        if factor not in DOWNSAMPLING_FACTORS:
            raise not_allowed("1, 2, 4, 8, 16, 32, 64 or 128")
        return factor

    def search(self, steps: int | None = None, stagewise: bool | None = None) -> Search:
        """Return the search that this says, or what a scheme says instead."""
        steps = self.refine_steps if steps is None else steps
        stagewise = self.refine_stagewise if stagewise is None else stagewise
        return Search(steps, stagewise) if steps else Search()
