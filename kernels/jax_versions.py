"""What JAX has moved between the versions that this library runs with, asked for by feature, here only."""

from __future__ import annotations

from typing import Any

try:
    from jax.errors import InconclusiveDimensionOperation
except ImportError:  # JAX 0.10.0
    from jax.extend.core import InconclusiveDimensionOperation

try:  # the primitives whose lowering is told the device assignment; XLA partitions others by itself
    from jax._src.dispatch import prim_requires_devices_during_lowering as told_devices
except ImportError:
    told_devices = set()

__all__ = ["InconclusiveDimensionOperation", "told_devices", "varying"]


def varying(aval: Any) -> frozenset[Any]:
    """The mesh axes over which a value varies inside `jax.shard_map`."""
    kind = getattr(aval, "manual_axis_type", None)
    return frozenset(getattr(aval, "vma", ()) if kind is None else kind.varying)
