"""Stacking convolutions is convolving their kernels: two layers are one layer, with a wider kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import sympy
from sympy import And, Eq, Expr, IndexedBase, Piecewise, Range, Sum, Symbol, Tuple

from derive.convolution.arrays import table
from derive.convolution.window import dimension, divides, positives, sites
from derive.derivation.chain import chain
from derive.derivation.derivation import Derivation
from derive.errors import SizeError, SymbolicError
from derive.pickling import Fields
from derive.symmetry.names import fresh, names_in, require_free, require_one_symbol_each
from derive.symmetry.sizes import per_axis
from derive.symmetry.spacegroup import axis_names

X, Y, Z, FIRST, SECOND, KERNEL = (IndexedBase(name) for name in ("x", "y", "z", "K1", "K2", "K"))
C, B, D = (Symbol(name, integer=True, positive=True) for name in "CBD")
c, h, i = (Symbol(name, integer=True) for name in "chi")
LETTERS = frozenset(("B", "C", "D", "h", "z", "K1", "K2"))  # channels, fields and kernels
Sites = tuple[Expr, ...]


@dataclass(frozen=True)
class Composition(Fields):
    """Two layers on Z^dim and the one layer that they are.

    `first`, `second`: the layers given; `layer`, `kernel`: the stacked layer and its kernel; `taps`: its taps
    along each axis, which is also the receptive field; `derivation`: the steps.
    """

    sizes: tuple[Sites, Sites]
    strides: tuple[Sites, Sites]
    dilation: tuple[Sites, Sites]

    @property
    def dim(self) -> int:
        return len(self.sizes[0])

    @cached_property
    def taps(self) -> Sites:
        """1 + e1 (k1 - 1) + s1 e2 (k2 - 1) along each axis."""
        axes = zip(*self.sizes, *self.dilation, self.strides[0], strict=True)
        return tuple(sympy.expand(1 + e1 * (k1 - 1) + s1 * e2 * (k2 - 1)) for k1, k2, e1, e2, s1 in axes)

    @cached_property
    def first(self) -> Eq:
        """y[h,u] = Sum(K1[h,c,du1] x[c, s1 u + e1 du1])."""
        read = _read(self._u, self._d1, self.strides[0], self.dilation[0])
        term = FIRST[(h, c, *self._d1)] * X[(c, *read)]
        return _equation(Y[(h, *self._u)], self._sum(term, c, *self._d1))

    @cached_property
    def second(self) -> Eq:
        """z[i,u] = Sum(K2[i,h,du2] y[h, s2 u + e2 du2])."""
        read = _read(self._u, self._d2, self.strides[1], self.dilation[1])
        term = SECOND[(i, h, *self._d2)] * Y[(h, *read)]
        return _equation(Z[(i, *self._u)], self._sum(term, h, *self._d2))

    @cached_property
    def kernel(self) -> Eq:
        """K[i,c,du] = Sum(K2[i,h,du2] K1[h,c,(du - s1 e2 du2)/e1]): the convolution of the kernels."""
        return _equation(KERNEL[(i, c, *self._d)], self._sum(self._through(sympy.S.One), h, *self._d2))

    @cached_property
    def layer(self) -> Eq:
        """z[i,u] = Sum(K[i,c,du] x[c, s1 s2 u + du])."""
        term = KERNEL[(i, c, *self._d)] * X[(c, *self._far)]
        return _equation(Z[(i, *self._u)], self._sum(term, c, *self._d))

    @cached_property
    def derivation(self) -> Derivation:
        """Substitute the first layer into the second and collect what multiplies each x."""
        inner = _read(self._u, self._d2, self.strides[1], self.dilation[1])
        read = _read(inner, self._d1, self.strides[0], self.dilation[0])
        both = SECOND[(i, h, *self._d2)] * FIRST[(h, c, *self._d1)] * X[(c, *read)]
        substituted = _equation(self.second.lhs, self._sum(both, h, c, *self._d1, *self._d2))
        term = self._through(X[(c, *self._far)])
        collected = _equation(self.second.lhs, self._sum(term, h, c, *self._d2, *self._d))
        named = Tuple(self.layer, self.kernel)
        counted = Tuple(*named, *(_equation(k, n) for k, n in zip(self._lengths, self.taps, strict=True)))
        return chain(
            Tuple(self.first, self.second),
            self._domains,
            [
                (
                    "write the second layer",
                    self.second,
                    "both layers act on all of Z, with no border between them",
                ),
                ("substitute the first layer", substituted, "put its sum in the place of y"),
                (
                    "collect the taps",
                    collected,
                    "take the whole displacement as the index: the taps of the first layer, and those of the "
                    "second at the first one's stride; K1 is 0 outside its taps",
                ),
                ("name the kernel", named, "what multiplies x depends on the displacement alone"),
                ("count the taps", counted, "the supports add up, as a Minkowski sum"),
            ],
        )

    def _through(self, factor: Expr) -> Expr:
        """K2 K1 times a factor, where the rest of the displacement is a tap of the first layer."""
        rest = [
            sympy.expand(d - s * e * d2)
            for d, d2, s, e in zip(self._d, self._d2, self.strides[0], self.dilation[1], strict=True)
        ]
        taps = [r / e for r, e in zip(rest, self.dilation[0], strict=True)]
        whole = And(*(divides(r, e) for r, e in zip(rest, self.dilation[0], strict=True)))
        term = SECOND[(i, h, *self._d2)] * FIRST[(h, c, *taps)] * factor
        return term if whole == sympy.true else Piecewise((term, whole), (0, True), evaluate=False)

    @property
    def _far(self) -> Sites:
        both = tuple(a * b for a, b in zip(*self.strides, strict=True))
        return tuple(sympy.expand(s * u + d) for s, u, d in zip(both, self._u, self._d, strict=True))

    def _letters(self, pattern: str) -> tuple[Symbol, ...]:
        return tuple(Symbol(pattern.format(name), integer=True) for name in axis_names(self.dim))

    @property
    def _u(self) -> tuple[Symbol, ...]:
        return self._letters("{}")

    @property
    def _d(self) -> tuple[Symbol, ...]:
        return self._letters("d{}")

    @property
    def _d1(self) -> tuple[Symbol, ...]:
        return self._letters("d{}1")

    @property
    def _d2(self) -> tuple[Symbol, ...]:
        return self._letters("d{}2")

    @property
    def _lengths(self) -> tuple[Symbol, ...]:
        names = ["k"] if self.dim == 1 else [f"k_{name}" for name in axis_names(self.dim)]
        given = names_in(self.sizes, self.strides, self.dilation)
        return tuple(Symbol(fresh(name, given)) for name in names)

    @cached_property
    def _extent(self) -> dict[Symbol, Expr]:
        taps = zip(
            (*self._d1, *self._d2, *self._d), (*self.sizes[0], *self.sizes[1], *self.taps), strict=True
        )
        return {i: D, h: B, c: C, **dict(taps)}

    @property
    def _domains(self) -> tuple[tuple[Symbol, sympy.Set], ...]:
        finite = [(s, Range(0, n)) for s, n in self._extent.items()]
        return (*finite[:3], *((u, sympy.S.Integers) for u in self._u), *finite[3:])

    def _sum(self, term: Expr, *indices: Symbol) -> Expr:
        return Sum(term, *((s, 0, sympy.expand(self._extent[s] - 1)) for s in indices))


def composition(
    dim: int = 1, *, kernel_sizes: Any = ("k1", "k2"), strides: Any = (1, 1), dilation: Any = (1, 1)
) -> Composition:
    """Two convolution layers, one after the other, as one: its kernel, and the steps that find it.

        K[i,c,d] = Sum(K2[i,h,d2] K1[h,c,(d - s1 e2 d2)/e1])       k = 1 + e1 (k1 - 1) + s1 e2 (k2 - 1)

    Each option is a pair, for the first and the second layer: an integer, a name, or one per axis.

    Raises SizeError.

    >>> from derive.derivation.render import text
    >>> both = composition(1, kernel_sizes=(3, 3))
    >>> print(text(both.kernel))
    K[i,c,du] = Sum(K1[h,c,du-du2]*K2[i,h,du2], (h, 0, B - 1), (du2, 0, 2))
    >>> both.taps
    (5,)

    Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    """
    dim = dimension(dim)
    found = Composition(
        _pair(kernel_sizes, dim, "kernel_sizes"),
        _pair(strides, dim, "strides"),
        _pair(dilation, dim, "dilation"),
    )
    given = (found.sizes, found.strides, found.dilation)
    for argument, value in zip(("kernel_sizes", "strides", "dilation"), given, strict=True):
        require_free(names_in(value), argument, LETTERS)
    require_one_symbol_each(sympy.Tuple(*map(sympy.sympify, given)).free_symbols)
    return found


def compose_kernels(
    first: Any, second: Any, *, dim: int = 1, strides: Any = 1, dilation: Any = (1, 1)
) -> Any:
    """The kernel of two layers stacked, `second` after `first`, as a SymPy array.

        K[d,c,i] = sum over d = e1 d1 + s1 d2 e2 and h of first[d1,c,h] second[d2,h,i]

    `first`, `second`: kernels of `dim` axes, or with channels last (in, out); `strides`: of the first layer;
    `dilation`: of both.

    Raises SizeError, ExactnessError.

    >>> compose_kernels(["a", "b"], ["c", "d"])
    [a*c, a*d + b*c, b*d]
    """
    dim = dimension(dim)
    one, two = table(first, "first"), table(second, "second")
    channels = len(one.shape) - dim
    if channels not in (0, 2) or len(two.shape) != len(one.shape):
        raise SizeError(
            "first, second",
            f"must both have {dim} axes, or {dim + 2} with channels",
            f"{len(one.shape)} and {len(two.shape)}",
            "give kernels of one rank, and dim",
        )
    if channels and one.shape[-1] != two.shape[-2]:
        raise SizeError(
            "second", "must read the channels that first writes", f"{two.shape[-2]}", f"give {one.shape[-1]}"
        )
    step = _numbers(positives(strides, dim, "strides"), "strides")
    e1, e2 = (_numbers(side, "dilation") for side in _pair(dilation, dim, "dilation"))
    total: dict[tuple[int, ...], Expr] = {}
    for a, b in product(one.indices(len(one.shape)), two.indices(len(two.shape))):
        if channels and a[-1] != b[-2]:
            continue
        taps = zip(a[:dim], b[:dim], e1, e2, step, strict=True)
        place = tuple(p * m + q * n * s for p, q, m, n, s in taps) + (a[-2:-1] + b[-1:] if channels else ())
        total[place] = total.get(place, sympy.S.Zero) + one[a] * two[b]
    shape = [max(place[axis] for place in total) + 1 for axis in range(dim)]
    shape += [int(one.shape[-2]), int(two.shape[-1])] if channels else []
    flat = [total.get(place, sympy.S.Zero) for place in product(*map(range, shape))]
    return sympy.ImmutableDenseNDimArray(flat, shape)


def receptive_field(kernel_sizes: Sequence[Any], strides: Any = 1, dilation: Any = 1) -> Expr:
    """How many input sites along one axis a stack of layers sees from one output site.

        1 + sum over layers l of e_l (k_l - 1) prod of the strides before l

    >>> receptive_field([3, 3]), receptive_field([3, 3, 3], strides=2), receptive_field(["k", "k"])
    (5, 15, 2*k - 1)
    """
    layers = sites(kernel_sizes, "kernel_sizes")
    steps, apart = (positives(v, len(layers), n) for v, n in ((strides, "strides"), (dilation, "dilation")))
    field, spacing = sympy.S.One, sympy.S.One
    for k, s, e in zip(layers, steps, apart, strict=True):
        field, spacing = field + e * (k - 1) * spacing, spacing * s
    return sympy.expand(field)


def _numbers(values: Sites, argument: str) -> list[int]:
    if not all(value.is_Integer for value in values):
        raise SymbolicError(argument, "must be numbers here", values, "give integers, or use composition()")
    return [int(value) for value in values]


def _pair(value: Any, dim: int, argument: str) -> tuple[Sites, Sites]:
    """What belongs to the first and to the second layer, per axis."""
    first, second = per_axis(value, 2, argument)
    return positives(first, dim, argument), positives(second, dim, argument)


def _read(at: Sequence[Expr], taps: Sequence[Expr], strides: Sites, dilation: Sites) -> Sites:
    axes = zip(at, taps, strides, dilation, strict=True)
    return tuple(sympy.expand(s * u + e * d) for u, d, s, e in axes)


def _equation(left: Expr, right: Expr) -> Eq:
    return Eq(left, right, evaluate=False)
