"""Layers that work at every site by itself: nonlinear functions, dropout, and what pools a fibre."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

import derive
from kernels.errors import FieldError, brief, known
from kernels.layers.core.fibres import MIXED, PERMUTED, SIGNED, Layout, Part, layout
from kernels.layers.core.fields import read_field
from kernels.layers.core.spec import FunctionSpec, Outcome, Params, Spec, floating, numbers

Function = Callable[[jax.Array], jax.Array]
SAMPLES = (-3.0, -1.7, -1.0, -0.6, -0.2, -0.01, 0.0, 0.01, 0.2, 0.6, 1.0, 1.7, 3.0)
CACHED = 512
GROUP_POOLS = ("max", "mean", "norm")


# ---- one number at a time -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class ActivationSpec(FunctionSpec):
    """y = fn(x), entry by entry."""

    fn: Function

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        return self.fn(floating(x))

    @property
    def details(self) -> str:
        return f", {_name(self.fn)}"


def activation(field: derive.Field | derive.Representation, fn: Function) -> ActivationSpec:
    """A function of every channel by itself, where that commutes with the group.

        y[i] = fn(x[i])

    On channels that the group permutes any function does; where it changes signs, odd ones: fn(-x) = -fn(x),
    which is judged by values between -3 and 3. On channels that it mixes, such as irreducible ones of two
    dimensions, no function but a multiple does.

    Args:
        field: what it reads and returns.
        fn: a function of arrays, entry by entry, such as jax.nn.relu or jnp.tanh.

    Raises:
        FieldError: the function does not commute with the group on some channels.

    >>> G = derive.wallpaper("p4")
    >>> activation(8 * derive.regular(G.point), jax.nn.relu)
    8 regular, relu
    """
    field = read_field(field)
    require_function(fn)
    for part in layout(field.fibre).parts:
        _require_commutes(part, fn)
    return ActivationSpec(field, field, field.group, fn)


def _require_commutes(part: Part, fn: Function) -> None:
    if part.kind == MIXED:
        rule = f"acts on each channel alone, and on {part.where} the group acts otherwise: {part.why}"
        raise FieldError("Activation", rule, _name(fn), "use NormActivation or Gate there")
    if part.kind == SIGNED and not is_odd(fn):
        rule = f"must be odd, fn(-x) = -fn(x), where the group changes signs, as on {part.where}"
        remedy = "use an odd function such as jnp.tanh, or NormActivation or Gate"
        raise FieldError("Activation", rule, _name(fn), remedy)


@lru_cache(maxsize=CACHED)
def require_function(fn: Function, argument: str = "fn") -> None:
    """Refuse what is no function of one number at a time, judged by values."""
    remedy = "give a function such as jax.nn.relu or jnp.tanh"
    if not callable(fn):
        raise FieldError(argument, "must be a function of arrays", _name(fn), remedy)
    try:
        whole = sampled(fn, SAMPLES)
        each = np.array([sampled(fn, (v,)) for v in SAMPLES[:3]]).reshape(-1)
    except (TypeError, ValueError) as error:
        raise FieldError(argument, "must take one array", _name(fn), f"{remedy} ({error})") from error
    if whole.shape != (len(SAMPLES),) or not np.allclose(
        whole[:3], each, equal_nan=True, rtol=1e-5, atol=1e-6
    ):
        raise FieldError(argument, "must act on every entry by itself", _name(fn), remedy)


@lru_cache(maxsize=CACHED)
def is_odd(fn: Function) -> bool:
    """Whether fn(-x) = -fn(x) at the sample values."""
    ahead, back = sampled(fn, SAMPLES), sampled(fn, [-v for v in SAMPLES])
    return bool(np.allclose(ahead, -back, rtol=1e-5, atol=1e-6))


def sampled(fn: Function, values: Any) -> np.ndarray:
    """What a function makes of some numbers, also while a model is made inside of a transformation."""
    with jax.ensure_compile_time_eval():
        return np.asarray(fn(jnp.asarray(values, jnp.float32)))


def _name(fn: Any) -> str:
    return getattr(fn, "__name__", None) or repr(fn)


# ---- lengths --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class NormActivationSpec(FunctionSpec):
    """y = fn(|x| + b) x / |x|, piece by piece."""

    layout: Layout
    fn: Function
    dtype: Any
    param_dtype: Any
    params: ClassVar[tuple[str, ...]] = ("bias",)

    def init(self, key: jax.Array | None) -> dict[str, Any]:
        return {"bias": jnp.zeros((self.layout.copies,), self.param_dtype)}

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x, given = numbers(x, params, self.dtype)
        return self.layout.join([self._part(x, given["bias"], k) for k in range(len(self.layout.parts))])

    def _part(self, x: jax.Array, bias: jax.Array, k: int) -> jax.Array:
        part, b = self.layout.parts[k], self.layout.of_copies(bias, k)
        v = part.split(x)
        if part.dim == 1 and part.kind == PERMUTED:
            return self.fn(v + b)
        length = lengths(self.layout.squares(v, k))[..., None]
        return v * (self.fn(length + b) / jnp.maximum(length, math.sqrt(jnp.finfo(x.dtype).eps)))

    @property
    def details(self) -> str:
        return f", {_name(self.fn)}"


def norm_activation(
    field: derive.Field | derive.Representation,
    fn: Function = jax.nn.relu,
    *,
    dtype: Any = None,
    param_dtype: Any = jnp.float32,
) -> NormActivationSpec:
    """A function of the length of every piece, which keeps its direction, with a trained bias for each copy.

        y = fn(|x| + b) x / |x|        |x| the length that the group keeps; fn(x + b) of what does not move

    Args:
        field: what it reads and returns; any fibre of a compact group.
        fn: a function of arrays, entry by entry.
        dtype: of the computation, what input and bias promote to unless given; `param_dtype`: of the bias.

    Raises:
        FieldError: the group keeps no length, or fn is no such function.

    >>> G = derive.wallpaper("p4")
    >>> norm_activation(4 * derive.irreps(G.point)[2])
    4 f1, relu

    Source: D. Worrall et al., "Harmonic networks: deep translation and rotation equivariance", 2017.
    """
    field = read_field(field)
    require_function(fn)
    parts = layout(field.fibre, lengths=True)
    return NormActivationSpec(field, field, field.group, parts, fn, dtype, param_dtype)


def lengths(squares: jax.Array) -> jax.Array:
    """Square roots, with the gradient 0 at 0."""
    least = jnp.finfo(squares.dtype).tiny
    return jnp.where(squares > least, jnp.sqrt(jnp.maximum(squares, least)), 0)


# ---- gates ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class GateSpec(FunctionSpec):
    """y = x * fn(gate), piece by piece; scalars(x) for what does not move. Gates are the last channels."""

    before: ClassVar[str] = "make it first, and the layer before for its .into, which has the gates as well"

    layout: Layout
    fn: Function
    scalars: Function

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x, at = floating(x), sum(p.copies * p.dim for p in self.layout.parts)
        pieces = []
        for part in self.layout.parts:
            v = part.split(x)
            if is_scalar(part):
                pieces.append(self.scalars(v))
                continue
            pieces.append(v * self.fn(x[..., at : at + part.copies, None]))
            at += part.copies
        return self.layout.join(pieces)

    @property
    def details(self) -> str:
        return f", {_name(self.fn)}, {_name(self.scalars)} of scalars"


def is_scalar(part: Part) -> bool:
    """Whether a part is of single channels that do not move."""
    return part.dim == 1 and part.kind == PERMUTED


def gate(
    field: derive.Field | derive.Representation,
    fn: Function = jax.nn.sigmoid,
    *,
    scalars: Function = jax.nn.relu,
) -> GateSpec:
    """Every piece times a function of a scalar of its own; scalars of the field pass through `scalars`.

        y = x fn(s)        s: after the field one more channel for each copy of a piece that is no scalar

    Args:
        field: what it returns; it reads `.into`, the field with the gates after it.
        fn: of gates; `scalars`: of channels that do not move. Functions of arrays, entry by entry.

    Raises:
        FieldError: one of the two is no such function.

    >>> G = derive.wallpaper("p4")
    >>> gate(3 * derive.trivial(G.point) + 2 * derive.irreps(G.point)[2])
    3 trivial + 2 f1 + 2 trivial -> 3 trivial + 2 f1, sigmoid, relu of scalars

    Source: M. Weiler et al., "3D steerable CNNs: learning rotationally equivariant features", 2018.
    """
    out = read_field(field)
    require_function(fn)
    require_function(scalars, "scalars")
    parts = layout(out.fibre)
    gates = sum(p.copies for p in parts.parts if not is_scalar(p))
    one = derive.trivial(out.fibre.group)
    into = out.replace(fibre=out.fibre + gates * one) if gates else out
    return GateSpec(into, out, out.group, parts, fn, scalars)


# ---- dropout --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class DropoutSpec(Spec):
    """While training every fibre is kept with probability 1 - rate, and made larger by as much."""

    layout: Layout
    rate: float
    random: ClassVar[bool] = True

    def run(self, params: Params, x: jax.Array, stats: Params, key: Any, train: bool) -> Outcome:
        x = floating(x)
        if not train or self.rate == 0:
            return Outcome(x, stats)
        if self.rate == 1:
            return Outcome(jnp.zeros_like(x), stats)
        if key is None:
            raise FieldError(
                "key",
                "is needed by Dropout while training",
                None,
                "give key= (Flax: rngs=), or leave training",
            )
        kept = jax.random.bernoulli(key, 1 - self.rate, (*x.shape[:-1], self.layout.copies))
        scaled = jnp.where(kept, 1 / (1 - self.rate), 0).astype(x.dtype)
        return Outcome(x * self.layout.spread(scaled), stats)

    @property
    def details(self) -> str:
        return f", rate {self.rate:g}"


def dropout(field: derive.Field | derive.Representation, rate: float = 0.5) -> DropoutSpec:
    """Dropout of whole fibres: at every site each copy of a piece is kept or dropped as one.

        y = x k / (1 - rate)        k = 1 with probability 1 - rate, else 0, one for each copy of a piece

    Args:
        field: what it reads and returns.
        rate: the probability of dropping, between 0 and 1.

    Raises:
        FieldError: the rate is no probability.

    >>> dropout(8 * derive.regular(derive.wallpaper("p4").point), 0.1)
    8 regular, rate 0.1

    Source: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """
    field = read_field(field)
    try:
        number = float(rate)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1 or isinstance(rate, bool):
        raise FieldError("rate", "must be a probability", brief(rate), "give a number from 0 to 1")
    return DropoutSpec(field, field, field.group, layout(field.fibre), number)


# ---- pooling over fibres --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class GroupPoolSpec(FunctionSpec):
    """One scalar for every copy of a piece: its largest entry, their mean, or its length."""

    layout: Layout
    how: str

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x = floating(x)
        pools = {
            "max": lambda v, k: v.max(-1),
            "mean": lambda v, k: v.mean(-1),
            "norm": lambda v, k: lengths(self.layout.squares(v, k)),
        }
        pool = pools[self.how]
        pieces = [pool(part.split(x), k) for k, part in enumerate(self.layout.parts)]
        return jnp.concatenate(pieces, -1)

    @property
    def details(self) -> str:
        return f", {self.how}"


def group_pool(field: derive.Field | derive.Representation, how: str = "max") -> GroupPoolSpec:
    """One scalar for every copy of a piece, which the group leaves as it is.

        y = max_i x[i],  mean_i x[i]  or  |x|        over the entries of a copy

    Args:
        field: what it reads; it returns as many scalars as the fibre has copies of pieces.
        how: "max" or "mean" of fibres that the group permutes, "norm" of any.

    Raises:
        FieldError: the group does not permute the entries, or keeps no length.

    >>> group_pool(8 * derive.regular(derive.wallpaper("p4").point))
    8 regular -> 8 trivial, max

    Source: T. Cohen, M. Welling, "Group equivariant convolutional networks", 2016.
    """
    field = read_field(field)
    if not known(how, GROUP_POOLS):
        raise FieldError("how", f"must be one of {GROUP_POOLS}", brief(how), "use 'max'")
    parts = layout(field.fibre, lengths=how == "norm")
    for part in parts.parts:
        if how != "norm" and part.kind != PERMUTED:
            why = part.why or "signs change"
            rule = f"{how!r} needs fibres that the group permutes, and on {part.where} it does not: {why}"
            raise FieldError("how", rule, brief(how), "use GroupPool(field, 'norm')")
    out = field.replace(fibre=parts.copies * derive.trivial(field.fibre.group))
    return GroupPoolSpec(field, out, field.group, parts, how)
