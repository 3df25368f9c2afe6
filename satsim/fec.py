"""Parity stages: an erasure code over the stages of an image, Reed-Solomon over GF(2^8) by zfec.

Systematic: the stages themselves are sent too, so each that arrives is of use before the code is.
"""

from collections.abc import Mapping, Sequence

import zfec

from satsim.units import MAX_STAGES

BLOCKS = 2 * MAX_STAGES  # stages and parity, at most; zfec's parity does not depend on how many are sent


def parity_stages(stages: Sequence[bytes], count: int) -> list[bytes]:
    """Return `count` parity stages, 1..64, as long as the longest stage; shorter ones count as padded."""
    longest = max(map(len, stages))
    padded = [stage.ljust(longest, b"\0") for stage in stages]
    n = len(stages)
    return list(zfec.Encoder(n, BLOCKS).encode(padded, range(n, n + count)))


def recover(n_stages: int, stages: Mapping[int, bytes], parity: Mapping[int, bytes]) -> dict[int, bytes]:
    """Return all stages, from any `n_stages` of stages and parity, numbered from 0 each; {} from fewer.

    A stage that was shorter than the longest comes back padded with zeros.
    """
    blocks = dict(stages) | {n_stages + number: block for number, block in parity.items()}
    if len(blocks) < n_stages:
        return {}
    longest = max(map(len, blocks.values()))
    numbers = sorted(blocks)[:n_stages]
    padded = [blocks[number].ljust(longest, b"\0") for number in numbers]
    return dict(enumerate(zfec.Decoder(n_stages, BLOCKS).decode(padded, numbers))) | dict(stages)
