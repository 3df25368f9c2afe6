"""A range coder for indices, in whole bytes: the package `constriction`, with priors counted before."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from progic.analyses.extras import wanted

SMOOTHING = 0.5  # added to each count: a code never seen in training can be sent (Krichevsky and Trofimov)
WORD_BYTES = 4  # constriction's coder writes words of 32 bits


def prior_of(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Probability of each code, none zero, from how often it occurred."""
    smoothed = counts + SMOOTHING
    prior: NDArray[np.float64] = smoothed / smoothed.sum()
    return prior


def encode(parts: Sequence[NDArray[np.int64]], priors: Sequence[NDArray[np.float64]]) -> bytes:
    """Code parts one after the other, each by its prior, in as few whole bytes as `decode` needs.

    The coder's last word is cut to its first bytes, the least that still decode.
    """
    constriction = wanted("constriction", "range coding")
    coder = constriction.stream.queue.RangeEncoder()
    for part, prior in zip(parts, priors, strict=True):
        coder.encode(part.astype(np.int32), _model(constriction, prior))
    words = coder.get_compressed()
    if not len(words):
        return b""
    whole: bytes = words[:-1].astype(">u4").tobytes()
    last = int(words[-1])
    for kept in range(WORD_BYTES):
        spare = 8 * (WORD_BYTES - kept)
        for head in (last >> spare, (last >> spare) + 1):
            if head < 1 << 8 * kept:
                cut = whole + head.to_bytes(kept, "big")
                if _decodes_to(cut, parts, priors):
                    return cut
    return whole + last.to_bytes(WORD_BYTES, "big")


def decode(
    data: bytes, lengths: Sequence[int], priors: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.int64]]:
    """Inverse of `encode`, given how many indices each part has; AssertionError for other bytes."""
    constriction = wanted("constriction", "range coding")
    padded = data + bytes(-len(data) % WORD_BYTES)
    words = np.frombuffer(padded, dtype=">u4").astype(np.uint32)
    coder = constriction.stream.queue.RangeDecoder(words)
    pairs = zip(lengths, priors, strict=True)
    return [coder.decode(_model(constriction, prior), n).astype(np.int64) for n, prior in pairs]


def _decodes_to(
    data: bytes, parts: Sequence[NDArray[np.int64]], priors: Sequence[NDArray[np.float64]]
) -> bool:
    try:
        found = decode(data, [len(part) for part in parts], priors)
    except AssertionError:  # what the coder raises for bytes that are none of its own
        return False
    return all(np.array_equal(one, part) for one, part in zip(found, parts, strict=True))


def _model(constriction: Any, prior: NDArray[np.float64]) -> Any:
    return constriction.stream.model.Categorical(prior, perfect=False)
