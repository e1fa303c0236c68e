"""Distribution as part of the type: meshes with explicit axes, which is what `jax.make_mesh` makes.

There every operation says how its result is distributed, from its operands alone: like the partitioner
(``partition.py``), but only where the mesh divides the axis, since a type knows no uneven blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec


def typed(x: Any, shape: Sequence[Any], entries: Sequence[Any], other: Any) -> Any:
    """The type of a result of this shape, distributed by these entries as far as it can be.

    It is updated from `x`, not made anew, so that what is known about its device axes is kept.
    """
    mesh = next((a.sharding.mesh for a in (x, other) if not a.sharding.mesh.empty), None)
    if mesh is None:
        return x.update(shape=tuple(shape), weak_type=False)
    spec: list[Any] = []
    used: set[Any] = set()
    for size, entry in zip(shape, entries, strict=True):
        names = _names(entry)
        fits = used.isdisjoint(names) and size % prod(mesh.shape[name] for name in names) == 0
        used.update(names if fits else ())
        spec.append(entry if fits else None)
    sharding = NamedSharding(mesh, PartitionSpec(*spec))
    return x.update(shape=tuple(shape), weak_type=False, sharding=sharding)


def spec(aval: Any) -> tuple[Any, ...]:
    """One entry per axis: the mesh axes that its type names."""
    given = tuple(aval.sharding.spec)
    return given + (None,) * (len(aval.shape) - len(given))


def like(array: jax.Array, aval: Any) -> jax.Array:
    """A cotangent distributed as the type of its value says."""
    wanted = aval.sharding
    if wanted.mesh.empty or jax.typeof(array).sharding.spec == wanted.spec:
        return array
    return jax.sharding.reshard(array, wanted)


def whole(array: jax.Array, axis: int) -> jax.Array:
    """All of one axis on every device, where the type says that it is shared out."""
    kind = jax.typeof(array)
    entries = spec(kind)
    if kind.sharding.mesh.empty or entries[axis] is None:
        return array
    entries = (*entries[:axis], None, *entries[axis + 1 :])
    return jax.sharding.reshard(array, NamedSharding(kind.sharding.mesh, PartitionSpec(*entries)))


def _names(entry: Any) -> tuple[Any, ...]:
    return () if entry is None else entry if isinstance(entry, tuple) else (entry,)
