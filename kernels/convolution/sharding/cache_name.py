"""What a program on several devices is known by, so that JAX's persistent compile cache finds it again.

The part of each device is decided inside XLA, after the key of the cache has been made: so the key has to say
all that it is decided from. What XLA is asked to compile says shapes, meshes and distributions; the options,
the thresholds in effect, and the rules by which implementations are chosen and written, are said here. Two
texts that differ here are two programs; rules that change are other rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax

from kernels.convolution.choice import in_effect

SOURCES = Path(__file__).parents[2]


def of(primitive: str, options: dict[str, Any], devices: Sequence[Any]) -> str | None:
    """The name of one convolution's answer to the partitioner; None where its rules cannot be read.

    >>> of("conv", {"groups": 1}, ()) == of("conv", {"groups": 1}, ()) != of("conv", {"groups": 2}, ())
    True
    """
    rules = _rules()
    if rules is None:
        return None
    places = [(device.platform, device.id) for device in devices]
    wide = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]
    said = (primitive, sorted(options.items()), places, wide, in_effect.read(), rules)
    return f"kernels.{primitive} {hashlib.sha256(repr(said).encode()).hexdigest()}"


@cache
def _rules() -> str | None:
    """The digest of all code that decides and writes the part of a device, and of the JAX that runs it."""
    files = sorted(SOURCES.rglob("*.py"))
    digest = hashlib.sha256(jax.__version__.encode())
    for file in files:
        digest.update(file.relative_to(SOURCES).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest() if files else None
