"""Half precision where it is faster: without instructions for it a processor takes ten times as long."""

import torch


def fast_dtype(device: str) -> torch.dtype:
    """Bfloat16 where `device` (`cpu`, `cuda`) has instructions for it, else float32."""
    if device == "cpu" and not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return torch.float32  # such builds lack what answers the question
    has_bf16 = device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.bfloat16 if has_bf16 else torch.float32


def fast_precision(device: str) -> torch.autocast:
    """Convolutions and products in `fast_dtype` in what follows."""
    half = fast_dtype(device) == torch.bfloat16
    return torch.autocast(device, dtype=torch.bfloat16, enabled=half)
