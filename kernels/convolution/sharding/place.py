"""Putting an image on several devices, so that everything computed from it stays where it is."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import jax
import numpy as np
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec

from kernels.errors import MeshError, brief
from kernels.integers import per_axis

Entry = str | tuple[str, ...] | None  # the mesh axes that share out one array axis


def shard_image(
    image: Any,
    mesh: Mesh,
    *,
    spatial: Sequence[Entry],
    batch: Entry = None,
    channels: Entry = None,
    window: int | Sequence[int] = 1,
) -> jax.Array:
    """The image cut into blocks, one per device; convolutions of it exchange their borders only.

        block (i, j, ...) of the image  ->  device (i, j, ...) of the mesh

    Args:
        image: (batch..., spatial..., C), an array, or anything that NumPy can slice, such as a memory map:
            every process then reads its own blocks only.
        mesh: the devices, with named axes.
        spatial: for every spatial axis the mesh axis that shares it out, a tuple of them, or None.
        batch, channels: the same for the first batch axis, and for the channels.
        window: the sites that the largest kernel spans, dilation (size - 1) + 1, per spatial axis or for all;
            it is only checked against the blocks.

    Returns:
        The image as one array, distributed over the mesh.

    Raises:
        MeshError: the mesh has no such axis, or one is used twice, the sizes do not divide, or a halo is
            larger than a block.

    >>> mesh = Mesh(np.array(jax.devices()[:1]), ("rows",))
    >>> tuple(shard_image(np.zeros((8, 6, 3)), mesh, spatial=("rows", None), window=3).sharding.spec)
    ('rows', None, None)

    Source: Y. Xu et al., "GSPMD: general and scalable parallelization for ML computation graphs",
    arXiv:2105.04663, section 4.4, for halo exchange.
    """
    if not isinstance(mesh, Mesh | AbstractMesh):
        raise MeshError("mesh", "must be a jax.sharding.Mesh", brief(mesh), "use jax.make_mesh")
    image = np.asarray(image) if isinstance(image, list | tuple) else image
    spec = _spec(np.ndim(image), spatial, batch, channels)
    _check_names(spec, mesh)
    _check_sizes(np.shape(image), spec, mesh)
    _check_halos(np.shape(image), spec, mesh, window, len(spatial))
    sharding = NamedSharding(mesh, PartitionSpec(*spec))
    if isinstance(image, jax.Array):
        return jax.device_put(image, sharding)
    return jax.make_array_from_callback(np.shape(image), sharding, lambda index: np.asarray(image[index]))


def _spec(rank: int, spatial: Sequence[Entry], batch: Entry, channels: Entry) -> list[Entry]:
    """One entry per axis of the image."""
    ahead = rank - len(spatial) - 1
    if isinstance(spatial, str) or ahead < 0:
        raise MeshError(
            "spatial",
            f"must have one entry per spatial axis of an image with {rank} axes",
            brief(spatial),
            'say spatial=("rows", None) for an image (batch..., height, width, C) cut into rows',
        )
    if batch is not None and ahead == 0:
        raise MeshError("batch", "needs a batch axis", brief(batch), "leave it out, or add the axis")
    return [batch, *(None,) * (ahead - 1), *spatial, channels] if ahead else [*spatial, channels]


def _names(entry: Entry) -> tuple[str, ...]:
    return () if entry is None else entry if isinstance(entry, tuple) else (entry,)


def _check_names(spec: Sequence[Entry], mesh: Mesh) -> None:
    used = [name for entry in spec for name in _names(entry)]
    for name in used:
        if name not in mesh.axis_names:
            raise MeshError("mesh", f"must have the axis {name!r}", mesh.axis_names, "use one of its axes")
        if used.count(name) > 1:
            raise MeshError("mesh", f"can share out one axis of the image by {name!r}", used, "use it once")


def _check_sizes(shape: Sequence[int], spec: Sequence[Entry], mesh: Mesh) -> None:
    for axis, (size, entry) in enumerate(zip(shape, spec, strict=True)):
        shards = _shards(entry, mesh)
        if size % shards:
            least = shards * (size // shards)
            raise MeshError(
                f"axis {axis} of image",
                f"must divide into {shards} equal blocks",
                size,
                f"pad it to {least + shards}" + f" or crop it to {least}" * (least > 0),
            )


def _check_halos(
    shape: Sequence[int], spec: Sequence[Entry], mesh: Mesh, window: int | Sequence[int], rank: int
) -> None:
    windows = per_axis("window", window, rank, MeshError)
    first = len(shape) - 1 - rank
    for axis, sites in enumerate(windows, first):
        shards = _shards(spec[axis], mesh)
        block, halo = shape[axis] // shards, sites // 2
        if shards > 1 and halo > block:
            raise MeshError(
                "window",
                f"must reach no further than the neighbouring blocks of {block} along axis {axis}",
                f"{sites}, a halo of {halo}",
                f"share that axis out over at most {shape[axis] // halo} devices",
            )


def _shards(entry: Entry, mesh: Mesh) -> int:
    return prod(mesh.shape[name] for name in _names(entry))
