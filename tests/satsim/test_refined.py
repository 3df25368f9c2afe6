"""A scenario's codec.refine_steps reaches the codec that sends, and nothing else."""

import progic
from progic.refine import RefinedCodec
from satsim.intake import load_model
from satsim.settings import CodecSettings


def test_refine_steps_are_those_of_the_codec_that_sends() -> None:
    slow = load_model(CodecSettings(refine_steps=7))
    assert isinstance(slow, RefinedCodec)
    assert slow.steps == 7
    plain = load_model(CodecSettings())
    assert type(plain) is progic.Codec
    assert plain.fingerprint == slow.fingerprint  # receivers need not know
