"""Counted arithmetic, against what a layer's shape says."""

import subprocess
import sys

import torch
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from progic.codec import Codec
from progic.flops import counted_gflop, gflop_of
from progic.refine import RefinedCodec

Shape = tuple[int, ...]


def test_a_multiply_and_an_add_are_two() -> None:
    left, right = torch.ones(100, 200), torch.ones(200, 300)
    with counted_gflop() as found:
        left @ right
    assert found == [2 * 100 * 200 * 300 / 1e9]


def test_a_convolution_is_two_flop_for_each_weight_and_position() -> None:
    layer = nn.Conv2d(3, 8, 3, padding=1)
    with torch.inference_mode(), counted_gflop() as found:
        layer(torch.zeros(1, 3, 10, 20))
    assert found == [2 * 3 * 8 * 9 * 10 * 20 / 1e9]


def test_attention_is_counted_on_the_cpu_too() -> None:
    """Two matrix products for each of 2 photos and 4 heads: scores of 16 places for 16, and a mix of 8."""
    query, key, value = torch.ones(3, 2, 4, 16, 8)
    with torch.inference_mode(), counted_gflop() as found:
        nn.functional.scaled_dot_product_attention(query, key, value)
    assert found == [2 * (2 * 2 * 4 * 16 * 16 * 8) / 1e9]


def test_the_count_is_that_of_torchs_own_counter_which_loads_its_compiler(
    toy_codec: Codec, metric_weights: dict[str, torch.Tensor]
) -> None:
    """Of a search too: with its steps back through VGG16 and the decoder."""
    photo = Image.effect_noise((64, 64), 90).convert("RGB")
    attention = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _sdpa}
    for codec in (toy_codec, RefinedCodec(toy_codec, metric_weights, 1)):
        with FlopCounterMode(display=False, custom_mapping=attention) as theirs:
            stages = codec.encode(photo)
            codec.decode(stages, photo.size)
        with counted_gflop() as ours:
            codec.decode(codec.encode(photo), photo.size)
        assert ours == [theirs.get_total_flops() / 1e9]


def test_counting_loads_no_compiler() -> None:
    """It took 3 s of a run of 12."""
    code = "import progic, sys; from progic.flops import gflop_of; gflop_of(progic.load('f16-s'), (32, 32)); "
    loaded = "print(*{'torch._dynamo', 'sympy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code + loaded], capture_output=True, text=True, check=True)
    assert found.stdout == "\n"


def _sdpa(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    flop: int = sdpa_flop_count(query, key, value)  # type: ignore[no-untyped-call]
    return flop


def test_cost_grows_with_the_pixels_and_not_with_what_they_show(toy_codec: Codec) -> None:
    small, large = gflop_of(toy_codec, (64, 64)), gflop_of(toy_codec, (128, 128))
    assert large.decode > 3.5 * small.decode > 0  # windows of attention overlap the border a little
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    with counted_gflop() as found:
        stages = toy_codec.encode(noise)
    assert found == [small.encode]
    with counted_gflop() as found:
        toy_codec.decode(stages[:1], noise.size)
    assert found == [small.decode]


def test_steps_of_refinement_are_not_of_the_model(
    toy_codec: Codec, metric_weights: dict[str, torch.Tensor]
) -> None:
    size = (32, 32)
    assert gflop_of(RefinedCodec(toy_codec, metric_weights, 1), size) == gflop_of(toy_codec, size)
