"""A convolution on several devices: every device computes its own part, by the policy's choice for that part.

While `jit` traces, nobody knows how arrays are distributed. So the two primitives are lowered to calls that
XLA's partitioner asks, once it knows, what to do: ``_Split`` answers. Axes of the batch, of the image and of
the channels may be distributed over any axes of the mesh:

    batch             every device its samples              in the kernel adjoint, a sum over devices
    image             neighbours exchange a halo            in the kernel adjoint, a sum over devices
    input channels    a sum over devices                    in the kernel adjoint, every device its channels
    output channels   every device its channels             likewise

Groups are distributed whole. An axis that cannot stay distributed is gathered: it is then right, and slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import jax
from jax import lax
from jax.experimental.custom_partitioning import (
    ArrayMapping,
    CompoundFactor,
    SdyShardingRule,
    custom_partitioning,
)
from jax.interpreters import mlir
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kernels.convolution.borders import circle
from kernels.convolution.sharding import cache_name, halo
from kernels.convolution.sharding.halo import Names
from kernels.jax_versions import told_devices, under_one_name


def lowering(primitive: Any, plain: Callable[..., Any]) -> Callable[..., Any]:
    """The lowering rule of `primitive`: `plain` on one device, split on several."""
    told_devices.add(primitive)

    def rule(ctx: Any, *operands: Any, **options: Any) -> Any:
        ctx = _bare(ctx)
        if not _several(ctx):
            return plain(ctx, *operands, **options)
        split = mlir.lower_fun(lambda *arrays: _split(primitive, arrays, options), multiple_results=False)
        results = split(ctx, *operands)
        name = cache_name.of(primitive.name, options, ctx.module_context.axis_context.device_assignment)
        if name is not None:
            under_one_name(ctx, results, name)
        return results

    return rule


def _bare(ctx: Any) -> Any:
    """Types without their device axes: these matter between operations, not within one that is lowered."""
    bare = (
        [jax.core.ShapedArray(a.shape, a.dtype) for a in avals] for avals in (ctx.avals_in, ctx.avals_out)
    )
    return ctx.replace(**dict(zip(("avals_in", "avals_out"), bare, strict=True)))


def _several(ctx: Any) -> bool:
    """Whether the program is for several known devices, that neither `shard_map` nor `export` has taken."""
    module = ctx.module_context
    if getattr(module.lowering_parameters, "for_export", False):
        return False
    devices = getattr(module.axis_context, "device_assignment", None)
    return devices is not None and len(devices) > 1


def _split(primitive: Any, arrays: Sequence[jax.Array], options: dict[str, Any]) -> jax.Array:
    split = _Split(primitive, options)
    call = custom_partitioning(lambda x, other: primitive.bind(x, other, **options))
    call.def_partition(split.partition, split.infer, sharding_rule=split.rule(*arrays))
    return call(*arrays)


class _Share(NamedTuple):
    """An image axis: the mesh axes that share it out, and what the shares need of each other."""

    names: Names
    halo: halo.Halo


class _Roles(NamedTuple):
    """The mesh axes of every role; with groups, channels in and out are one role."""

    batch: Names
    image: tuple[_Share | None, ...]
    inputs: Names
    outputs: Names

    @property
    def spatial(self) -> tuple[Names, ...]:
        return tuple(share.names if share else () for share in self.image)


class _Split(NamedTuple):
    """One primitive with its options, ready to be partitioned."""

    primitive: Any
    options: dict[str, Any]

    @property
    def adjoint(self) -> bool:
        """Whether this is the adjoint with respect to the kernel."""
        return "size" in self.options

    @property
    def groups(self) -> int:
        return self.options["groups"]

    @property
    def turned(self) -> bool:
        """Whether the kernel is kept with its channels swapped: (taps..., outputs / groups, inputs)."""
        return self.options["turned"]

    def channels(self, inputs: Any, outputs: Any) -> tuple[Any, Any]:
        """What belongs to the two channel axes of the kernel, of what belongs to inputs and to outputs."""
        return (outputs, inputs) if self.turned else (inputs, outputs)

    def order(self, x: Any, kernel: Any, y: Any) -> tuple[Any, Any, Any]:
        """Both operands and the result, of (x, kernel, y); its own inverse."""
        return (x, y, kernel) if self.adjoint else (x, kernel, y)

    # ---- what XLA is told before it decides ---------------------------------------------------------------

    def rule(self, x: Any, other: Any) -> SdyShardingRule:
        """Which axes are distributed alike, which are summed over, which stay whole."""
        axes = range(len(self.options["strides"]))
        image, taps = [f"u{a}" for a in axes], [f"k{a}" for a in axes]
        inputs, outputs, sizes = self._channels(x.shape[-1], self._outputs(other))
        within, _ = self.channels("inputs", "outputs")
        image_x, image_y = ArrayMapping("batch", *image, inputs), ArrayMapping("batch", *image, outputs)
        last = self.channels(inputs, outputs)[1]
        mappings = self.order(image_x, ArrayMapping(*taps, within, last), image_y)
        summed = {"batch", *image} if self.adjoint else {"inputs"} if self.groups == 1 else set()
        whole = {*taps, *({within, *sizes} - {"group"} if self.groups > 1 else ())}
        sizes.pop(within, None)  # the kernel has this one as an axis of its own
        return SdyShardingRule(
            mappings[:2],
            mappings[2:],
            reduction_factors=_as_they_come(summed, mappings),
            need_replication_factors=_as_they_come(whole, mappings),
            **sizes,  # type: ignore[arg-type]
        )

    def _outputs(self, other: Any) -> int:
        """The number of output channels, from the second operand."""
        return other.shape[-2] * self.groups if self.turned and not self.adjoint else other.shape[-1]

    def _channels(self, inputs: int, outputs: int) -> tuple[Any, Any, dict[str, int]]:
        """The factors of both channel axes: groups, and channels within a group where there are several."""
        if self.groups == 1:
            return "inputs", "outputs", {}
        parts = {"inputs": inputs // self.groups, "outputs": outputs // self.groups}
        sizes = {name: size for name, size in parts.items() if size > 1}
        first, second = (CompoundFactor("group", name) if name in sizes else "group" for name in parts)
        return first, second, sizes if len(sizes) < 2 else sizes | {"group": self.groups}

    def infer(self, mesh: Mesh, operands: Any, result: Any) -> NamedSharding:
        """The result's distribution, from the operands': what partitioners before Shardy ask."""
        _, _, sharding = self._shardings(mesh, self._roles(mesh, operands, result))
        return sharding

    # ---- what it is told back -----------------------------------------------------------------------------

    def partition(self, mesh: Mesh, operands: Any, result: Any) -> Any:
        """The program of one device, and how the arrays have to be distributed for it."""
        roles = self._roles(mesh, operands, result)
        *first, last = self._shardings(mesh, roles)
        options = self._local_options(roles, _count(mesh, roles.outputs))
        return mesh, lambda x, other: self._local(x, other, roles, options), last, tuple(first)

    def _shardings(self, mesh: Mesh, roles: _Roles) -> list[NamedSharding]:
        within, last = self.channels(roles.inputs, roles.outputs)
        specs = self.order(
            (roles.batch, *roles.spatial, roles.inputs),
            (*((),) * len(roles.image), within if self.groups == 1 else (), last),
            (roles.batch, *roles.spatial, roles.outputs),
        )
        return [NamedSharding(mesh, PartitionSpec(*(names or None for names in spec))) for spec in specs]

    def _roles(self, mesh: Mesh, operands: Any, result: Any) -> _Roles:
        """The mesh axes of every role: those that the arrays have, as long as the role can use them."""
        x, kernel, y = self.order(operands[0], operands[1], result)
        free = set(mesh.axis_names)

        def take(size: int, *places: tuple[Any, int]) -> Names:
            """The axes at the first of these places that has any, if they are free and divide the size."""
            names = next(filter(None, (_names(array, axis) for array, axis in places)), ())
            if not free.issuperset(names) or size % _count(mesh, names):
                return ()
            free.difference_update(names)
            return names

        def share(a: int) -> _Share | None:
            names = _names(x, a + 1) or _names(y, a + 1)
            plan = halo.plan(self._axis(a, x, kernel, y), _count(mesh, names)) if names else None
            if plan is None or not free.issuperset(names):
                return None
            free.difference_update(names)
            return _Share(names, plan)

        batch = take(x.shape[0], (x, 0), (y, 0))
        image = tuple(share(a) for a in range(len(self.options["strides"])))
        if self.groups > 1:
            groups = take(self.groups, (x, -1), (y, -1), (kernel, -1))
            return _Roles(batch, image, groups, groups)
        of_inputs, of_outputs = self.channels(-2, -1)
        outputs = take(y.shape[-1], (kernel, of_outputs), (y, -1))
        return _Roles(batch, image, take(x.shape[-1], (x, -1), (kernel, of_inputs)), outputs)

    def _axis(self, a: int, x: Any, kernel: Any, y: Any) -> halo.Axis:
        of = self.options
        return halo.Axis(
            sites=x.shape[a + 1],
            outputs=y.shape[a + 1],
            taps=kernel.shape[a],
            stride=of["strides"][a],
            low=of["padding"][a][0],
            base=of["lhs_dilation"][a],
            dilation=of["rhs_dilation"][a],
            circle=of["circle"][a],
        )

    # ---- what one device does -----------------------------------------------------------------------------

    def _local_options(self, roles: _Roles, shards: int) -> dict[str, Any]:
        """The options for one device's part: no border where the halo is in place, its own groups."""
        here = {name: list(self.options[name]) for name in ("padding", "lhs_dilation", "circle")}
        for a, one in enumerate(roles.image):
            if one is not None:
                here["padding"][a] = one.halo.pads
                here["lhs_dilation"][a] = one.halo.base
                here["circle"][a] = circle.LINE
        whole = self.groups // shards if self.groups > 1 else 1
        return self.options | {name: tuple(value) for name, value in here.items()} | {"groups": whole}

    def _local(self, x: jax.Array, other: jax.Array, roles: _Roles, options: dict[str, Any]) -> jax.Array:
        """Halos in, the same primitive, sums over devices out."""
        for a, one in enumerate(roles.image):
            if one is not None:
                x = halo.exchange(x, a + 1, one.halo, one.names)
                if self.adjoint:
                    other = halo.masked(other, a + 1, one.halo.outputs, one.halo.shards, one.names)
        y = self.primitive.bind(x, other, **options)
        if self.adjoint:
            summed = (*roles.batch, *(name for names in roles.spatial for name in names))
        else:
            summed = roles.inputs if self.groups == 1 else ()
        return lax.psum(y, summed) if summed else y


def _as_they_come(factors: set[str], mappings: Sequence[Any]) -> tuple[str, ...]:
    """The factors in the order in which the axes name them, as Shardy wants them."""
    axes = (axis if isinstance(axis, tuple) else (axis,) for mapping in mappings for axis in mapping)
    return tuple(dict.fromkeys(name for axis in axes for name in axis if name in factors))


def _names(array: Any, axis: int) -> Names:
    """The mesh axes that share out an axis of an array."""
    names = tuple(getattr(array.sharding, "spec", None) or (None,) * len(array.shape))[axis]
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def _count(mesh: Mesh, names: Names) -> int:
    return prod(mesh.shape[name] for name in names)
