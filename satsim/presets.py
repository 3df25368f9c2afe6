"""Real message services as presets of a link: one YAML file each, every value with its source or a mark."""

from importlib.resources import files
from typing import Any, get_args

from pydantic import Field, field_validator, model_validator

from satsim.complaints import nearest
from satsim.errors import InputError
from satsim.section import Section, listed
from satsim.yaml_text import parsed

FOLDER = files("satsim") / "presets"

Value = float | int | str | tuple[float, float]


class UnknownPreset(InputError):
    """A name that no preset has; says which are near."""

    def __init__(self, found: str) -> None:
        known = preset_names()
        self.found, self.allowed = found, ", ".join(known) + nearest(found, known, cutoff=0.5)
        super().__init__(f"preset: found {found!r}; allowed: {self.allowed}")


class Fact(Section):
    """One value of a service; a pair is the least and the most."""

    value: Value
    source: str | None = None  # an address, or a document and its page
    read: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}$")  # year and month when it stood there
    unverified: bool = False

    _list_to_tuple = field_validator("value", mode="before")(listed)

    @model_validator(mode="after")
    def _sourced_or_marked(self) -> "Fact":
        if (self.source is None) != self.unverified or (self.source is None) != (self.read is None):
            raise ValueError("a value has a source and when it was read, or is marked unverified")
        return self

    def __str__(self) -> str:
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        return " to ".join(each if isinstance(each, str) else f"{each:.15g}" for each in values)


class Preset(Section):
    """What is known of one service."""

    title: str
    status: str  # in service, ended, idealised
    note: str | None = None
    payload_up_bytes: Fact
    payload_down_bytes: Fact | None = None
    interval_s: Fact | None = None  # from one message to the next
    latency_s: Fact | None = None  # from the end of sending to the receiver
    success_rate: Fact | None = None
    copies: Fact | None = None  # how often the service itself sends a message
    acknowledgement: Fact | None = None
    overhead_bytes: Fact | None = None  # of a message, beside its payload
    billing_unit_bytes: Fact | None = None  # each begun one counts
    least_billed_bytes: Fact | None = None  # of a message, its overhead included
    price_usd: Fact | None = None  # of a unit
    transmit_power_w: Fact | None = None  # drawn while a message is sent
    transmit_s: Fact | None = None  # for which it is drawn

    def facts(self) -> dict[str, Fact]:
        """Return what is known, by name, in the order of the fields."""
        return {name: fact for name in FACTS if (fact := getattr(self, name)) is not None}

    def link_keys(self) -> dict[str, Any]:
        """Return the keys of a scenario's link that the service settles.

        From a range of latency each packet's is drawn; of one of power the middle is taken; one of intervals
        settles nothing: the scenario has to choose.
        """
        keys: dict[str, Any] = {"payload_bytes": self.payload_up_bytes.value}
        if self.interval_s is not None and isinstance(self.interval_s.value, int | float):
            keys["interval_s"] = self.interval_s.value
        if self.latency_s is not None and not isinstance(self.latency_s.value, str):
            keys["latency"] = _latency(self.latency_s)
        billing = {"unit_bytes": self.billing_unit_bytes, "least_bytes": self.least_billed_bytes}
        if any(billing.values()):
            known = {**billing, "overhead_bytes": self.overhead_bytes, "price_usd": self.price_usd}
            keys["billing"] = {name: fact.value for name, fact in known.items() if fact is not None}
        if self.transmit_power_w is not None and self.transmit_s is not None:
            power_w, message_s = _middle(self.transmit_power_w), _middle(self.transmit_s)
            keys["transmitter"] = {"power_w": power_w, "message_s": message_s}
        return keys


def _latency(fact: Fact) -> dict[str, Value]:
    if not isinstance(fact.value, tuple):
        return {"propagation_s": fact.value}
    least_s, most_s = fact.value
    return {"propagation_s": least_s, "jitter_s": most_s - least_s}


def _middle(fact: Fact) -> float:
    values = [float(value) for value in (fact.value if isinstance(fact.value, tuple) else (fact.value,))]
    return sum(values) / len(values)


FACTS = tuple(
    name
    for name, field in Preset.model_fields.items()
    if Fact in (field.annotation, *get_args(field.annotation))
)


def preset_names() -> list[str]:
    """Names of the presets in the package."""
    names = (entry.name for entry in FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def load_preset(name: str) -> Preset:
    """Read a preset; raises UnknownPreset for one that is not there."""
    if name not in preset_names():
        raise UnknownPreset(name)
    return Preset.model_validate(parsed((FOLDER / f"{name}.yaml").read_text("utf-8"), f"preset {name}"))
