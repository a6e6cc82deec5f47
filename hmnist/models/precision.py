"""In which numbers convolutions are trained: bfloat16 where the processor has it, else float32."""

import platform
from functools import cache
from pathlib import Path

__all__ = ["training_precision"]

_CPU_FLAGS = ("avx512_bf16", "amx_bf16")


@cache
def training_precision() -> str:
    """Return the Keras policy to train convolutions with.

    ``mixed_bfloat16`` keeps the weights in float32 and multiplies in bfloat16. It trains half as
    fast again on processors with instructions for it, and many times slower on others. What was
    trained is used in float32 either way, so that a run predicts the same everywhere.

    Examples
    --------
    >>> training_precision() in {"mixed_bfloat16", "float32"}
    True
    """
    return "mixed_bfloat16" if _flags() & set(_CPU_FLAGS) else "float32"


def _flags() -> set[str]:
    """Return what the processor says it can do; only Linux on x86-64 tells."""
    if platform.machine() != "x86_64":
        return set()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    return {
        flag
        for line in lines
        if line.startswith("flags")
        for flag in line.partition(":")[2].split()
    }
