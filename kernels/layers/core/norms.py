"""Normalisation that commutes with the group: means of what does not move, one scale for each piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import lax

import derive
from kernels.errors import FieldError, brief
from kernels.layers.core.fibres import Layout, layout
from kernels.layers.core.fields import read_field
from kernels.layers.core.spec import FunctionSpec, Outcome, Params, Spec, numbers


@dataclass(frozen=True, eq=False, repr=False)
class NormSpec(Spec):
    """y = scale (x - mean) / sqrt(variance + epsilon) + bias, piece by piece."""

    layout: Layout
    epsilon: float
    affine: bool
    dtype: Any
    param_dtype: Any

    @property
    def params(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("scale",) * self.affine + ("bias",) * (self.affine and self.layout.shifts > 0)

    def init(self, key: jax.Array | None) -> dict[str, Any]:
        ones = jnp.ones((self.layout.copies,), self.param_dtype)
        zeros = jnp.zeros((self.layout.shifts,), self.param_dtype)
        return {name: value for name, value in (("scale", ones), ("bias", zeros)) if name in self.params}

    def _scaled(self, pieces: list[jax.Array], given: Params) -> jax.Array:
        """The trained scales and shifts of normalised parts."""
        if "scale" in given:
            scales = [self.layout.of_copies(given["scale"], k) for k in range(len(pieces))]
            pieces = [v * s for v, s in zip(pieces, scales, strict=True)]
        if "bias" in given:
            pieces = [v + b for v, b in zip(pieces, self.layout.shifted(given["bias"]), strict=True)]
        return self.layout.join(pieces)


def _read(field: Any, epsilon: Any) -> tuple[derive.Field, Layout, float]:
    field = read_field(field)
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not epsilon > 0:
        raise FieldError("epsilon", "must be a positive number", brief(epsilon), "use epsilon=1e-5")
    return field, layout(field.fibre, fixed=True, lengths=True), float(epsilon)


# ---- over the batch -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class BatchNormSpec(NormSpec):
    """Statistics over samples and sites; outside of training those that were kept."""

    momentum: float
    axis_name: Any
    stats: ClassVar[tuple[str, ...]] = ("mean", "variance")

    def init_stats(self) -> dict[str, jax.Array]:
        channels = int(self.into.fibre.dim)
        return {
            "mean": jnp.zeros((channels,), jnp.float32),
            "variance": jnp.ones((self.layout.copies,), jnp.float32),
        }

    def run(self, params: Params, x: jax.Array, stats: Params, key: Any, train: bool) -> Outcome:
        x, given = numbers(x, params, self.dtype)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        if train:
            found = self._measured(wide)
            stats = {name: self._kept(stats[name], found[name]) for name in self.stats}
        else:
            found = {name: jnp.asarray(stats[name]).astype(wide.dtype) for name in self.stats}
        parts = self.layout.parts
        pieces = [
            (part.split(wide) - part.split(found["mean"]))
            * lax.rsqrt(self.layout.of_copies(found["variance"], k) + self.epsilon)
            for k, part in enumerate(parts)
        ]
        return Outcome(self._scaled([v.astype(x.dtype) for v in pieces], given), stats)

    def _measured(self, x: jax.Array) -> dict[str, jax.Array]:
        """The mean of what does not move, and the mean square of the rest: (C,) and one for each copy."""
        axes = tuple(range(x.ndim - 1))
        mean = self._over(jnp.mean(x, axes))
        still = self.layout.join(
            [self.layout.still(part.split(mean), k) for k, part in enumerate(self.layout.parts)]
        )
        squares = [
            self.layout.squares(part.split(x - still), k) / part.dim
            for k, part in enumerate(self.layout.parts)
        ]
        variance = self._over(jnp.mean(jnp.concatenate(squares, -1), axes))
        return {"mean": still, "variance": variance}

    def _over(self, value: jax.Array) -> jax.Array:
        """The mean over a mapped axis too, where there is one."""
        return value if self.axis_name is None else lax.pmean(value, self.axis_name)

    def _kept(self, old: Any, new: jax.Array) -> jax.Array:
        old = jnp.asarray(old)
        return self.momentum * old + (1 - self.momentum) * lax.stop_gradient(new).astype(old.dtype)

    def affine_map(self, params: Params, stats: Params) -> tuple[jax.Array, jax.Array]:
        """What it does outside of training: y = a x + c, one number per channel each."""
        channels = int(self.into.fibre.dim)
        rows = jnp.stack([jnp.zeros(channels, jnp.float32), jnp.ones(channels, jnp.float32)])
        c, both = self.run(params, rows, stats, None, False).y
        return both - c, c

    @property
    def details(self) -> str:
        return f", {self.layout.copies} scales, {self.layout.shifts} shifts" if self.affine else ""


def batch_norm(
    field: derive.Field | derive.Representation,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-5,
    affine: bool = True,
    axis_name: Any = None,
    dtype: Any = None,
    param_dtype: Any = jnp.float32,
) -> BatchNormSpec:
    """Batch normalisation with one scale for each copy of a piece, and means of what does not move.

        y = scale (x - P mean) / sqrt(mean |x - P mean|^2 / dim + epsilon) + shift

    P projects on what the group fixes: nothing for an irreducible piece that is no scalar, the mean of its
    entries for a fibre that is permuted. Means are over all batch axes and sites.

    Args:
        field: what it reads and returns.
        momentum: how much of the running statistics stays; `epsilon`: added to variances.
        affine: whether scales and shifts are trained.
        axis_name: a mapped axis (of jax.vmap or shard_map) over which means run too.
        dtype: of the result, what input and scales promote to unless given; `param_dtype`: of scales.

    Raises:
        FieldError: the group keeps no length, or a number does not fit.

    >>> batch_norm(8 * derive.regular(derive.wallpaper("p4").point))
    8 regular, 8 scales, 8 shifts

    Source: S. Ioffe, C. Szegedy, "Batch normalization", 2015.
    """
    field, parts, epsilon = _read(field, epsilon)
    if isinstance(momentum, bool) or not isinstance(momentum, int | float) or not 0 <= momentum < 1:
        raise FieldError("momentum", "must be a number from 0 to 1", brief(momentum), "use momentum=0.99")
    return BatchNormSpec(
        field,
        field,
        field.group,
        parts,
        epsilon,
        bool(affine),
        dtype,
        param_dtype,
        float(momentum),
        axis_name,
    )


# ---- over the channels ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class LayerNormSpec(NormSpec, FunctionSpec):
    """Statistics at every site by itself, over the copies of each piece."""

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x, given = numbers(x, params, self.dtype)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        pieces = [self._normed(wide, k).astype(x.dtype) for k in range(len(self.layout.parts))]
        return self._scaled(pieces, given)

    def _normed(self, x: jax.Array, k: int) -> jax.Array:
        part = self.layout.parts[k]
        v = part.split(x)
        v = v - self.layout.still(jnp.mean(v, -2, keepdims=True), k)
        variance = jnp.mean(self.layout.squares(v, k), -1)[..., None, None] / part.dim
        return v * lax.rsqrt(variance + self.epsilon)

    @property
    def details(self) -> str:
        return f", {self.layout.copies} scales, {self.layout.shifts} shifts" if self.affine else ""


def layer_norm(
    field: derive.Field | derive.Representation,
    *,
    epsilon: float = 1e-5,
    affine: bool = True,
    dtype: Any = None,
    param_dtype: Any = jnp.float32,
) -> LayerNormSpec:
    """Layer normalisation at every site: the copies of each piece together, one scale for each copy.

        y = scale (x - P mean) / sqrt(mean |x - P mean|^2 / dim + epsilon) + shift

    P as in `BatchNorm`; means are over the copies of one piece. A scalar of which there is one copy becomes
    its shift, as it would be with one channel in the usual layer.

    Args:
        field, epsilon, affine, dtype, param_dtype: as in `BatchNorm`.

    Raises:
        FieldError: the group keeps no length, or a number does not fit.

    >>> layer_norm(8 * derive.regular(derive.wallpaper("p4").point))
    8 regular, 8 scales, 8 shifts

    Source: J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016.
    """
    field, parts, epsilon = _read(field, epsilon)
    return LayerNormSpec(field, field, field.group, parts, epsilon, bool(affine), dtype, param_dtype)
