"""What a layer is without a framework: frozen data, and pure functions of parameters and arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

import derive
from kernels.layers.core.fields import off_lattice_group, require_array, said
from kernels.pickling import Fields

Params = Mapping[str, Any]
S = TypeVar("S", bound="Spec")


class Outcome(NamedTuple):
    """What a layer returns, and its running statistics from now on."""

    y: jax.Array
    stats: Params


@dataclass(frozen=True, eq=False, repr=False)
class Spec(Fields, ABC):
    """A layer from field `into` to field `out`, equivariant under `group`.

    `params`: the names of its trained parameters, `stats` of what it keeps while it trains, and `random`
    whether it draws random numbers when it is called.
    """

    into: derive.Field
    out: derive.Field
    group: derive.SpaceGroup

    params: ClassVar[tuple[str, ...]] = ()
    stats: ClassVar[tuple[str, ...]] = ()
    random: ClassVar[bool] = False
    drawn: ClassVar[bool] = False  # whether parameters are drawn at random
    before: ClassVar[str] = ""  # what to do where the layer before returns another field

    @property
    def fields(self) -> tuple[derive.Field, derive.Field]:
        """Both fields under the one group of the layer, as `check_equivariance` takes them."""
        return under(self.into, self.group), under(self.out, self.group)

    def init(self, key: jax.Array | None) -> dict[str, Any]:
        """The parameters to begin with, by name."""
        return {}

    def init_stats(self) -> dict[str, jax.Array]:
        """The running statistics to begin with, by name."""
        return {}

    @abstractmethod
    def run(self, params: Params, x: jax.Array, stats: Params, key: Any, train: bool) -> Outcome:
        """The layer with running statistics and random numbers."""

    def __call__(
        self, params: Params, x: Any, *, stats: Params | None = None, key: Any = None, train: bool = False
    ) -> Outcome:
        """(batch..., spatial..., C) to an array of `out`, with any number of batch axes."""
        x = jnp.asarray(x)
        require_array(self.into, x)
        with jax.named_scope(type(self).__name__):
            return self.run(params, x, {} if stats is None else stats, key, train)

    def restricted(self: S, subgroup: derive.Group, params: Params) -> tuple[S, Params]:
        """The same function as a layer of a subgroup, and its parameters."""
        into, out = (restrict_field(field, subgroup) for field in (self.into, self.out))
        return replace(self, into=into, out=out, group=restrict_group(self.group, subgroup)), params

    # ---- content ----------------------------------------------------------------------------------------

    @cached_property
    def _content(self) -> tuple[Any, ...]:
        return (type(self), *(getattr(self, f.name) for f in fields(self) if f.compare))

    @cached_property
    def _hash(self) -> int:
        return hash(self._content)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Spec) and self._content == other._content)

    def __repr__(self) -> str:
        lattice = self.out.lattice
        more = f" on {lattice}" if lattice is not None and lattice != self.into.lattice else ""
        into, out = said(self.into.fibre), said(self.out.fibre)
        channels = into if into == out else f"{into} -> {out}"
        return f"{channels}{more}{self.details}"

    @property
    def details(self) -> str:
        """What else tells a layer from others of its kind, beginning with a comma."""
        return ""


class FunctionSpec(Spec):
    """A layer that is a function of its parameters and one array: no statistics, nothing random."""

    @abstractmethod
    def value(self, params: Params, x: jax.Array) -> jax.Array:
        """The layer as that function."""

    def run(self, params: Params, x: jax.Array, stats: Params, key: Any, train: bool) -> Outcome:
        return Outcome(self.value(params, x), stats)


def under(field: derive.Field, group: derive.SpaceGroup) -> derive.Field:
    """The field of a smaller group; what has no lattice, or meets a group of none, stays as it is."""
    return field if field.lattice is None or not group.dim else field.replace(group=group)


def restrict_group(group: derive.SpaceGroup, subgroup: derive.Group) -> derive.SpaceGroup:
    """A space group of which a subgroup of the point group is left."""
    return group.restrict(subgroup) if group.dim else off_lattice_group(subgroup)


def restrict_field(field: derive.Field, subgroup: derive.Group) -> derive.Field:
    """A field on which a subgroup of the point group acts."""
    return field.restrict(restrict_group(field.group, subgroup))


def numbers(x: jax.Array, params: Params, dtype: Any) -> tuple[jax.Array, Any]:
    """Input and parameters in the dtype of the computation: the one given, or what they promote to."""
    given = [a for a in (x, *jax.tree.leaves(dict(params))) if jnp.issubdtype(a.dtype, jnp.inexact)]
    kind = dtype or jnp.result_type(*given or [float])
    return x.astype(kind), jax.tree.map(lambda leaf: jnp.asarray(leaf).astype(kind), dict(params))


def floating(x: jax.Array) -> jax.Array:
    """The array, integers as floats."""
    return numbers(x, {}, None)[0]
