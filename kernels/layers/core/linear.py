"""Layers with weights: the complete equivariant answer of `derive.solve`, lowered once per content."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

import derive
from kernels.equivariant import EquivariantOp, as_given
from kernels.errors import DtypeError, FieldError, PaddingError, brief, known
from kernels.integers import Ints, per_axis
from kernels.layers.core import fields
from kernels.layers.core.embedding import restricted_weights
from kernels.layers.core.fibres import Layout, layout
from kernels.layers.core.spec import FunctionSpec, Params, numbers, restrict_field, restrict_group
from kernels.layers.core.supports import SiteSupport, read_support
from kernels.lowering import lower

Init = str | Callable[..., jax.Array]
INITS = ("he", "lecun", "glorot")
CACHED = 1024


@dataclass(frozen=True, eq=False, repr=False)
class LinearSpec(FunctionSpec):
    """y = T x + b, T any equivariant map.

    `solution` is what was solved for and `op` what it became; `shift` the layout of a bias that is the same
    at every site, where the op has none of its own.
    """

    solution: Any = field(compare=False)
    op: EquivariantOp
    shift: Layout | None
    scale: Init
    dtype: Any
    param_dtype: Any
    padding: Any
    on_broken: str
    drawn: ClassVar[bool] = True

    @property
    def params(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("weight",) * bool(self.op.dim) + ("bias",) * bool(self.biases)

    @property
    def biases(self) -> int:
        """How many numbers the bias has."""
        return self.op.bias_dim if self.shift is None else self.shift.shifts

    def init(self, key: jax.Array | None) -> dict[str, Any]:
        """Weights drawn so that the output of unit inputs has a known variance; zero biases."""
        own = self.shift is None
        bias = self.op.init_bias() if own else jnp.zeros((self.biases,), self.param_dtype)
        return {
            name: _kept(part)
            for name, part in (("weight", self._drawn(key)), ("bias", bias))
            if name in self.params
        }

    def _drawn(self, key: Any) -> Any:
        if callable(self.scale):
            shapes = self.op.weight_shapes
            keys = jax.random.split(key, max(len(shapes), 1))
            return tuple(self.scale(k, s, self.param_dtype) for k, s in zip(keys, shapes, strict=False))
        gain = _gain(self.scale, self.op.channels_in, self.op.channels_out)
        return jax.tree.map(lambda w: w * jnp.asarray(gain, w.dtype), self.op.init(key))

    def weight(self, params: Params) -> Any:
        """The weights as the op takes them."""
        return as_given(_whole(params.get("weight", ()), self.op.weight_shapes))

    def bias(self, params: Params) -> list[jax.Array]:
        """The op's own biases, one array for each of its blocks."""
        return _whole(params.get("bias", ()), self.op.bias_shapes)

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x, given = numbers(x, params, self.dtype)
        own = self.shift is None and "bias" in given
        y = self.op(self.weight(given), x, as_given(self.bias(given)) if own else None)
        return y if self.shift is None else y + self.bias_vector(given).astype(y.dtype)

    def bias_vector(self, params: Params) -> jax.Array:
        """The bias that is the same at every site: one number per channel."""
        if self.shift is None or "bias" not in params:
            return jnp.zeros((self.op.channels_out,), self.param_dtype)
        return self.shift.join(self.shift.shifted(params["bias"][0]))

    def restricted(self, subgroup: derive.Group, params: Params) -> tuple[LinearSpec, Params]:
        x, y = (restrict_field(f, subgroup) for f in (self.into, self.out))
        parts = {"weight": _parts(self.weight(params)), "bias": self.bias(params)}
        solution, weight, bias = restricted_weights(self.solution, subgroup, parts)
        op = lower(solution, padding=self.padding, dtype=self.param_dtype, on_broken=self.on_broken)
        shift = None if self.shift is None else layout(y.fibre, fixed=True)
        if shift is not None:
            bias = [shift.coordinates(self.bias_vector(params))]
        spec = replace(
            self,
            into=x,
            out=y,
            group=restrict_group(self.group, subgroup),
            solution=solution,
            op=op,
            shift=shift,
        )
        given = {"weight": _kept(tuple(weight)), "bias": _kept(tuple(bias))}
        return spec, {name: given[name] for name in spec.params}

    @property
    def details(self) -> str:
        biases = f", {self.biases} bias{'es' * (self.biases > 1)}" if self.biases else ""
        return f", {self.op.dim} weights{biases}"


def _parts(given: Any) -> tuple[jax.Array, ...]:
    return tuple(given) if isinstance(given, tuple) else (given,)


def _kept(given: Any) -> tuple[jax.Array, ...]:
    """The arrays that hold numbers: of pairs of blocks without a map there is nothing to train or to save."""
    return tuple(part for part in _parts(given) if part.size)


def _whole(kept: Sequence[jax.Array], shapes: Sequence[tuple[int, ...]]) -> list[jax.Array]:
    """The inverse of `_kept`: one array for every shape."""
    parts = iter(kept)
    kind = kept[0].dtype if kept else jnp.float32
    return [next(parts) if math.prod(shape) else jnp.zeros(shape, kind) for shape in shapes]


def _gain(name: str, into: int, out: int) -> float:
    """The standard deviation of the output of unit inputs."""
    return {"he": math.sqrt(2), "lecun": 1.0, "glorot": math.sqrt(2 * into / (into + out))}[name]


# ---- what people give -----------------------------------------------------------------------------------


def conv(
    x: derive.Field,
    y: derive.Field | derive.Representation,
    support: Any,
    *,
    strides: Ints = 1,
    dilation: Ints = 1,
    padding: Any = None,
    bias: bool = True,
    init: Init = "he",
    dtype: Any = None,
    param_dtype: Any = jnp.float32,
    on_broken: str = "warn",
) -> LinearSpec:
    """The general equivariant convolution of field x, to the fibre of y on a lattice `strides` times coarser.

        y(p) = sum over d in support of K[d] x(p + d)  +  b        K, b all that the group permits

    Args:
        x: the field that it reads, often the `.out` of the layer before.
        y: a field or a representation: the fibre that it returns. Its lattice follows from x and the strides.
        support: derive.window(3), box, ball, hexagon or displacements, counted in sites of x. Between the
            sites of an even window the output's sites stand half a site apart from those of x.
        strides, dilation: an integer, or one per axis; `dilation` stretches the support.
        padding: as in `kernels.lower`: zeros, or a circle where x is periodic, unless given.
        bias: whether something is added that the group leaves as it is.
        init: "he" (variance 2 of unit inputs, which is 1 after a relu), "lecun" (variance 1), "glorot", or
            a function of (key, shape, dtype), such as jax.nn.initializers.normal(0.1), for the free weights.
        dtype: of the computation, what input and weights promote to unless given; `param_dtype`: of weights.
        on_broken: "warn", "error" or "ignore" where strides and sizes leave outputs beside the middle of
            the inputs, as in `kernels.lower`.

    Raises:
        FieldError, PaddingError, DtypeError: an argument does not fit. DeriveError: there is no such lattice
        or support.

    >>> G = derive.wallpaper("p4m")
    >>> layer = conv(derive.Field(G), 8 * derive.regular(G.point), derive.window(3), strides=2)
    >>> layer
    trivial -> 8 regular on Z^2, spacing (2, 2), 72 weights, 8 biases
    """
    x = fields.require_lattice(fields.read_field(x, "x"), "Conv")
    steps = per_axis("strides", strides, fields.rank(x))
    shape = _Shape(
        x, fields.read_fibre(y, x), read_support(support, x, dilation), steps, _hashable(padding), on_broken
    )
    return _finished(_conv(shape, bool(bias), _kind(param_dtype)), init, dtype, y)


def conv_transpose(
    x: derive.Field,
    y: derive.Field | derive.Representation,
    support: Any,
    *,
    strides: Ints = 2,
    dilation: Ints = 1,
    padding: Any = None,
    bias: bool = True,
    init: Init = "he",
    dtype: Any = None,
    param_dtype: Any = jnp.float32,
    on_broken: str = "warn",
) -> LinearSpec:
    """The general equivariant map from field x to the fibre of y, on a lattice `strides` times finer.

        y(p) = sum over q of K[q - p] x(q)  +  b        q - p in the support, p strides times as dense as q

    Args:
        x, y, bias, init, dtype, param_dtype, on_broken: as in `Conv`.
        support: counted in sites of the finer lattice. Of n sites an odd window makes strides * (n - 1) + 1,
            an even one strides * (n - 1) + 2, about the same middle; a periodic axis strides * n.
        strides, dilation: an integer, or one per axis.
        padding: None (as just said; SAME where weights repeat with a period), or as in `kernels.lower`.

    Raises:
        As `Conv`.

    >>> G = derive.wallpaper("p4")
    >>> conv_transpose(derive.Field(G), derive.trivial(G.point), derive.window(4))
    trivial on Z^2, spacing (1/2, 1/2), offset (-1/4, -1/4), 4 weights, 1 bias
    """
    x = fields.require_lattice(fields.read_field(x, "x"), "ConvTranspose")
    steps = per_axis("strides", strides, fields.rank(x))
    shape = _Shape(
        x, fields.read_fibre(y, x), read_support(support, x, dilation), steps, _hashable(padding), on_broken
    )
    return _finished(_conv_transpose(shape, bool(bias), _kind(param_dtype)), init, dtype, y)


def linear(
    V: derive.Representation | derive.Field,
    W: derive.Representation | derive.Field,
    *,
    bias: bool = True,
    init: Init = "he",
    dtype: Any = None,
    param_dtype: Any = jnp.float32,
) -> LinearSpec:
    """The general equivariant map from V to W, of representations; of a field, at every site by itself.

        y = A x + b        rho_W(g) A = A rho_V(g) for every g

    Args:
        V, W: representations of one group, or fields whose fibres are read.
        bias, init, dtype, param_dtype: as in `Conv`.

    Raises:
        FieldError, DtypeError: an argument does not fit. DeriveError: the answer is infinite.

    >>> S5 = derive.symmetric(5)
    >>> V = derive.permutation(S5)
    >>> linear(V**2, V)
    P*P -> P, 5 weights, 1 bias
    """
    x = fields.read_field(V, "V")
    return _finished(_linear(x, fields.read_fibre(W, x, "W"), bool(bias), _kind(param_dtype)), init, dtype)


def _finished(spec: LinearSpec, init: Init, dtype: Any, y: Any = None) -> LinearSpec:
    """The same layer with the options that need nothing solved."""
    if isinstance(y, derive.Field):
        _require_place(y, spec)
    if not callable(init) and not known(init, INITS):
        raise FieldError("init", f"must be one of {INITS} or a function", brief(init), "use init='he'")
    return replace(spec, scale=init, dtype=None if dtype is None else _kind(dtype, "dtype"))


def _require_place(y: derive.Field, spec: LinearSpec) -> None:
    """The lattice of y may be the usual one, that of x, or the one that is made of it: no other."""
    found = y.lattice
    if found in (None, spec.into.lattice, spec.out.lattice):
        return
    usual = set(found.spacing) == {1} and not any(found.offset) and set(found.grid) == {None}
    if not usual:
        rule = "may have no other lattice than x and strides make"
        raise FieldError("y", rule, y, f"leave spacing, offset and grid out, and get {spec.out}")


def _kind(dtype: Any, argument: str = "param_dtype") -> Any:
    try:
        kind = jnp.dtype(dtype)
    except TypeError:
        kind = None
    if kind is None or not jnp.issubdtype(kind, jnp.floating):
        raise DtypeError(argument, "must be a real floating-point dtype", dtype, "use jnp.float32")
    return kind


def _hashable(padding: Any) -> Any:
    if isinstance(padding, list | tuple | np.ndarray):
        return tuple(map(_hashable, padding))
    return int(padding) if isinstance(padding, np.integer) else padding


# ---- solved once per content ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shape:
    """Everything about a convolution but its weights."""

    x: derive.Field
    fibre: derive.Representation
    support: SiteSupport
    strides: tuple[int, ...]
    padding: Any
    on_broken: str


@lru_cache(maxsize=CACHED)
def _conv(shape: _Shape, bias: bool, param_dtype: Any) -> LinearSpec:
    x, spacing = shape.x, fields.lattice(shape.x).spacing
    support = shape.support.on(spacing)
    first = shape.support.first(spacing)
    shift = tuple(-d / s % 1 for d, s in zip(first, spacing, strict=True))
    ratio = tuple(map(Fraction, shape.strides))
    into, out, own = fields.moved(x, shape.fibre, ratio, shift, _sites(x, ratio, shift))
    solution = derive.solve(into, out, support=support, bias=bias)
    return _lowered(shape, solution, out, own, _border(x, shape.padding), None, param_dtype)


@lru_cache(maxsize=CACHED)
def _conv_transpose(shape: _Shape, bias: bool, param_dtype: Any) -> LinearSpec:
    x = shape.x
    ratio = tuple(Fraction(1, s) for s in shape.strides)
    fine = tuple(s * r for s, r in zip(fields.lattice(x).spacing, ratio, strict=True))
    support = shape.support.on(fine)
    between = tuple(d / s % 1 for d, s in zip(shape.support.first(fine), fine, strict=True))
    shift = tuple(-b * r for b, r in zip(between, ratio, strict=True))
    into, out, own = fields.moved(x, shape.fibre, ratio, shift, _sites(x, ratio, shift))
    solution = derive.solve(into, out, support=support, bias=False)
    padding = _border(x, shape.padding)
    tied = all(p in (0, s) for p, s in zip(into.group.period, fields.lattice(x).spacing, strict=True))
    if padding is None and tied and not all(fields.periodic(x)) and None in fields.grid(x):
        padding = _centred(solution, x, fine, between)
    constant = layout(shape.fibre, fixed=True) if bias else None
    return _lowered(shape, solution, out, own, padding, constant, param_dtype)


@lru_cache(maxsize=CACHED)
def _linear(x: derive.Field, fibre: derive.Representation, bias: bool, param_dtype: Any) -> LinearSpec:
    solution = derive.solve(x.fibre, fibre, bias=bias)
    op = lower(solution, dtype=param_dtype)
    out = x.replace(fibre=fibre)
    return LinearSpec(x, out, x.group, solution, op, None, "he", None, param_dtype, None, "ignore")


def _lowered(
    shape: _Shape, solution: Any, out: Any, own: Any, padding: Any, shift: Layout | None, param_dtype: Any
) -> LinearSpec:
    op = lower(solution, padding=padding, dtype=param_dtype, on_broken=shape.on_broken)
    out, group = out.replace(group=own), out.group
    said = padding, shape.on_broken
    return LinearSpec(shape.x, out, group, solution, op, shift, "he", None, param_dtype, *said)


def _sites(x: derive.Field, ratio: Sequence[Fraction], shift: Sequence[Fraction]) -> tuple[int | None, ...]:
    """How many sites the output has along every axis, where the input has a number of them."""
    found: list[int | None] = []
    for n, closed, r, d in zip(fields.grid(x), fields.periodic(x), ratio, shift, strict=True):
        if n is None:
            found.append(None)
        elif closed:
            found.append(max(int(n / r), 1))
        elif r < 1:
            found.append(int((n - 1 - 2 * d) / r) + 1)
        else:
            found.append(max(math.ceil((n - d) / r), 1))
    return tuple(found)


def _border(x: derive.Field, padding: Any) -> Any:
    """Padding is for arrays of any size; a field with a grid has a border of its own."""
    if padding is not None and any(n is not None for n in fields.grid(x)):
        raise PaddingError("padding", "is what the field's boundary says", padding, "leave it out")
    return padding


def _centred(solution: Any, x: derive.Field, fine: Any, between: Any) -> tuple[Any, ...]:
    """Borders of a finer output that is centred on its input: as many sites before as after."""
    region, closed, sizes = solution.problem.support, fields.periodic(x), fields.grid(x)
    pairs: list[Any] = []
    for axis, (step, half) in enumerate(zip(fine, between, strict=True)):
        values = region.values(axis)
        if values is None:
            raise FieldError("support", "must be bounded along every axis", "none", "use derive.window(4)")
        pair = int(half - values[0] / step), int(values[-1] / step + half)
        pairs.append("CIRCULAR" if closed[axis] else pair if sizes[axis] is None else "SAME")
    return tuple(pairs)
