"""The one list of translation problems: what is asked, and the answer that must come back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp
from sympy import Eq, Ge, IndexedBase, Mod, Piecewise, Rational, Sum, ceiling, floor, oo

import derive as dv

A, K, b, x, y = (IndexedBase(name) for name in ("A", "K", "b", "x", "y"))
i, c = sp.symbols("i c", integer=True)
u, v, w = sp.symbols("u v w", integer=True)
p, q, r = (sp.Symbol(name + "'", integer=True) for name in "uvw")
du, dv_, dw = sp.symbols("du dv dw", integer=True)
s_u, s_v, s_w = sp.symbols("s_u s_v s_w", integer=True)
C, D, F, H, L, M, N, W, k = sp.symbols("C D F H L M N W k", integer=True, positive=True)
k0 = sp.Symbol("k", integer=True, positive=True)
HALF = Rational(1, 2)


def eq(left: Any, right: Any) -> Eq:
    return Eq(left, right, evaluate=False)


def over(term: Any, *limits: Any) -> Any:
    """The sum over the input channels, then over the given limits."""
    return Sum(term, (c, 0, C - 1), *limits)


def box(*symbols: Any, radius: Any = 1) -> tuple:
    return tuple((symbol, -radius, radius) for symbol in symbols)


def field(group: Any, channels: Any, **options: Any) -> dv.Field:
    return dv.Field(group, channels=channels, **options)


@dataclass(frozen=True)
class Side:
    """One field along one axis: how far T_s moves its sites, and how many sites there are (None: Z)."""

    step: Any
    size: Any = None
    window: bool = False


@dataclass(frozen=True)
class Case:
    """One problem. `into`, `out`: the two fields axis by axis (() where the field has no sites)."""

    name: str
    given: tuple
    form: Eq
    layer: Eq
    dim: Any
    bias_dim: Any
    out: tuple[Side, ...]
    into: tuple[Side, ...]
    assumptions: tuple = ()

    @cached_property
    def solution(self) -> dv.Solution:
        return dv.solve(*self.given)

    def __repr__(self) -> str:
        return self.name


def plain(group: Any, **options: Any) -> tuple:
    return field(group, "C", **options), field(group, "D", **options)


T1, T2, T3 = (dv.translations(n) for n in (1, 2, 3))
T1by2, T2by2, T1by6 = dv.translations(1, 2), dv.translations(2, 2), dv.translations(1, 6)
ALONG = dv.translations(2, period=(1, 0))
TORUS = {"grid": ("H", "W"), "boundary": "periodic"}
WINDOW = {"grid": ("H", "W"), "boundary": "zero"}

free, twice = Side(1), Side(2)
conv_2d = eq(A[i, u, v, c, p, q], K[i, c, p - u, q - v])
conv_1d = eq(A[i, u, c, p], K[i, c, p - u])
torus_2d = eq(A[i, u, v, c, p, q], K[i, c, Mod(p - u, H), Mod(q - v, W)])
near = K[i, c, du, dv_] * x[c, u + du, v + dv_]
around = K[i, c, Mod(du, H), Mod(dv_, W)] * x[c, Mod(u + du, H), Mod(v + dv_, W)]


def listed(*points: tuple[int, int]) -> Any:
    """A condition that holds at these displacements (du, dv) alone."""
    return sp.Or(*(sp.And(Eq(du, a), Eq(dv_, d)) for a, d in points))


CASES = [
    Case(
        "convolution 1-D",
        (*plain(T1), dv.box(1)),
        conv_1d,
        eq(y[i, u], over(K[i, c, du] * x[c, u + du], *box(du)) + b[i]),
        3 * C * D,
        D,
        (free,),
        (free,),
    ),
    Case(
        "convolution 2-D",
        (*plain(T2), dv.box(1)),
        conv_2d,
        eq(y[i, u, v], over(near, *box(du, dv_)) + b[i]),
        9 * C * D,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "convolution 3-D",
        (*plain(T3), dv.box(1)),
        eq(A[i, u, v, w, c, p, q, r], K[i, c, p - u, q - v, r - w]),
        eq(
            y[i, u, v, w],
            over(K[i, c, du, dv_, dw] * x[c, u + du, v + dv_, w + dw], *box(du, dv_, dw)) + b[i],
        ),
        27 * C * D,
        D,
        (free, free, free),
        (free, free, free),
    ),
    Case(
        "no support",
        plain(T2),
        conv_2d,
        eq(y[i, u, v], over(near, (du, -oo, oo), (dv_, -oo, oo)) + b[i]),
        oo,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "radius 0",
        (*plain(T2), dv.box(0)),
        conv_2d,
        eq(y[i, u, v], over(near, *box(du, dv_, radius=0)) + b[i]),
        C * D,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "symbolic radius",
        (*plain(T2), dv.box("k")),
        conv_2d,
        eq(y[i, u, v], over(near, *box(du, dv_, radius=k0)) + b[i]),
        C * D * (2 * k0 + 1) ** 2,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "dilated",
        (*plain(T2), dv.window(3, dilation=2)),
        conv_2d,
        eq(
            y[i, u, v],
            over(K[i, c, 2 * du, 2 * dv_] * x[c, u + 2 * du, v + 2 * dv_], *box(du, dv_)) + b[i],
        ),
        9 * C * D,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "even window",
        (field(T2, "C"), field(T2, "D", offset=HALF), dv.window(2)),
        conv_2d,
        eq(y[i, u, v], over(near, (du, 0, 1), (dv_, 0, 1)) + b[i]),
        4 * C * D,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "listed displacements",
        (*plain(T2), [(0, 0), (1, 0), (0, -2)]),
        conv_2d,
        eq(
            y[i, u, v],
            over(Piecewise((near, listed((0, 0), (1, 0), (0, -2))), (0, True)), (du, 0, 1), (dv_, -2, 0))
            + b[i],
        ),
        3 * C * D,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "ball",
        (*plain(T2), dv.ball(1)),
        conv_2d,
        eq(
            y[i, u, v],
            over(
                Piecewise((near, listed((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))), (0, True)),
                *box(du, dv_),
            )
            + b[i],
        ),
        5 * C * D,
        D,
        (free, free),
        (free, free),
    ),
    Case(
        "strided",
        (field(T2by2, "C"), field(T2by2, "D", spacing=2), dv.box(1)),
        eq(A[i, u, v, c, p, q], K[i, c, p - 2 * u, q - 2 * v]),
        eq(
            y[i, u, v],
            over(K[i, c, du, dv_] * x[c, 2 * u + du, 2 * v + dv_], *box(du, dv_)) + b[i],
        ),
        9 * C * D,
        D,
        (free, free),
        (twice, twice),
    ),
    Case(
        "transposed",
        (field(T1by2, "C", spacing=2), field(T1by2, "D"), dv.box(1)),
        eq(A[i, u, c, p], K[i, c, u - 2 * p]),
        eq(
            y[i, u],
            over(K[i, c, u - 2 * p] * x[c, p], (p, ceiling(u / 2 - HALF), floor(u / 2 + HALF)))
            + b[i, Mod(u, 2)],
        ),
        3 * C * D,
        2 * D,
        (twice,),
        (free,),
    ),
    Case(
        "rational, 2 against 3",
        (field(T1by6, "C", spacing=3), field(T1by6, "D", spacing=2), dv.box(2)),
        eq(A[i, u, c, p], K[i, c, 2 * u - 3 * p]),
        eq(
            y[i, u],
            over(
                K[i, c, 2 * u - 3 * p] * x[c, p],
                (p, ceiling(2 * u / 3 - Rational(2, 3)), floor(2 * u / 3 + Rational(2, 3))),
            )
            + b[i, Mod(u, 3)],
        ),
        5 * C * D,
        3 * D,
        (Side(3),),
        (twice,),
    ),
    Case(
        "polyphase",
        (*plain(T2by2), dv.box(1)),
        eq(A[i, u, v, c, p, q], K[i, c, Mod(u, 2), Mod(v, 2), p - u, q - v]),
        eq(
            y[i, u, v],
            over(K[i, c, Mod(u, 2), Mod(v, 2), du, dv_] * x[c, u + du, v + dv_], *box(du, dv_))
            + b[i, Mod(u, 2), Mod(v, 2)],
        ),
        36 * C * D,
        4 * D,
        (twice, twice),
        (twice, twice),
    ),
    Case(
        "one axis only",
        (*plain(ALONG, grid=(None, "F")), dv.box((1, None))),
        eq(A[i, u, v, c, p, q], K[i, c, p - u, v, q]),
        eq(y[i, u, v], over(K[i, c, du, v, q] * x[c, u + du, q], *box(du), (q, 0, F - 1)) + b[i, v]),
        3 * C * D * F**2,
        D * F,
        (free, Side(0, F)),
        (free, Side(0, F)),
    ),
    Case(
        "dense along u, phases along v",
        (*plain(dv.translations(2, period=(0, 2)), grid=("F", None)), dv.box((None, 1))),
        eq(A[i, u, v, c, p, q], K[i, c, Mod(v, 2), u, p, q - v]),
        eq(
            y[i, u, v],
            over(K[i, c, Mod(v, 2), u, p, dv_] * x[c, p, v + dv_], (p, 0, F - 1), *box(dv_))
            + b[i, u, Mod(v, 2)],
        ),
        6 * C * D * F**2,
        2 * D * F,
        (Side(0, F), twice),
        (Side(0, F), twice),
    ),
    Case(
        "global pooling",
        (field(T2, "C"), 4 * dv.trivial(T2.point)),
        eq(A[i, c, p, q], K[i, c]),
        eq(y[i], over(K[i, c] * x[c, p, q], (p, -oo, oo), (q, -oo, oo)) + b[i]),
        4 * C,
        4,
        (),
        (free, free),
    ),
    Case(
        "global pooling of a torus",
        (field(T2, "C", **TORUS), dv.trivial(T2.point)),
        eq(A[i, c, p, q], K[i, c]),
        eq(y[i], over(K[i, c] * x[c, Mod(p, H), Mod(q, W)], (p, 0, H - 1), (q, 0, W - 1)) + b[i]),
        C,
        1,
        (),
        (Side(1, H), Side(1, W)),
    ),
    Case(
        "from a fixed vector",
        (5 * dv.trivial(T2.point), field(T2, "D")),
        eq(A[i, u, v, c], K[i, c]),
        eq(y[i, u, v], Sum(K[i, c] * x[c], (c, 0, 4)) + b[i]),
        5 * D,
        D,
        (free, free),
        (),
    ),
    Case(
        "torus",
        plain(T2, **TORUS),
        torus_2d,
        eq(y[i, u, v], over(around, (du, 0, H - 1), (dv_, 0, W - 1)) + b[i]),
        C * D * H * W,
        D,
        (Side(1, H), Side(1, W)),
        (Side(1, H), Side(1, W)),
    ),
    Case(
        "torus, local",
        (*plain(T2, **TORUS), dv.box(1)),
        torus_2d,
        eq(y[i, u, v], over(around, *box(du, dv_)) + b[i]),
        9 * C * D,
        D,
        (Side(1, H), Side(1, W)),
        (Side(1, H), Side(1, W)),
        (Ge(H, 3), Ge(W, 3)),
    ),
    Case(
        "torus, symbolic radius",
        (*plain(T2, **TORUS), dv.box("k")),
        torus_2d,
        eq(y[i, u, v], over(around, *box(du, dv_, radius=k0)) + b[i]),
        C * D * (2 * k0 + 1) ** 2,
        D,
        (Side(1, H), Side(1, W)),
        (Side(1, H), Side(1, W)),
        (Ge(H, 2 * k0 + 1), Ge(W, 2 * k0 + 1)),
    ),
    Case(
        "window",
        plain(T2, **WINDOW),
        conv_2d,
        eq(y[i, u, v], over(near, (du, 1 - H, H - 1), (dv_, 1 - W, W - 1)) + b[i]),
        C * D * (2 * H - 1) * (2 * W - 1),
        D,
        (Side(1, H, True), Side(1, W, True)),
        (Side(1, H, True), Side(1, W, True)),
    ),
    Case(
        "window, local",
        (*plain(T2, **WINDOW), dv.box(1)),
        conv_2d,
        eq(y[i, u, v], over(near, *box(du, dv_)) + b[i]),
        9 * C * D,
        D,
        (Side(1, H, True), Side(1, W, True)),
        (Side(1, H, True), Side(1, W, True)),
        (Ge(H, 2), Ge(W, 2)),
    ),
    Case(
        "torus along u, window along v",
        (*plain(T2, grid=("H", "W"), boundary=("periodic", "zero")), dv.box(1)),
        eq(A[i, u, v, c, p, q], K[i, c, Mod(p - u, H), q - v]),
        eq(y[i, u, v], over(K[i, c, Mod(du, H), dv_] * x[c, Mod(u + du, H), v + dv_], *box(du, dv_)) + b[i]),
        9 * C * D,
        D,
        (Side(1, H), Side(1, W, True)),
        (Side(1, H), Side(1, W, True)),
        (Ge(H, 3), Ge(W, 2)),
    ),
    Case(
        "strided ring",
        (
            field(T1by2, "C", grid=12, boundary="periodic"),
            field(T1by2, "D", grid=6, boundary="periodic", spacing=2),
            dv.box(1),
        ),
        eq(A[i, u, c, p], K[i, c, Mod(p - 2 * u, 12)]),
        eq(y[i, u], over(K[i, c, Mod(du, 12)] * x[c, Mod(2 * u + du, 12)], *box(du)) + b[i]),
        3 * C * D,
        D,
        (Side(1, 6),),
        (Side(2, 12),),
    ),
    Case(
        "strided window",
        (
            field(T1by2, "C", grid=8, boundary="zero"),
            field(T1by2, "D", grid=4, boundary="zero", spacing=2),
        ),
        eq(A[i, u, c, p], K[i, c, p - 2 * u]),
        eq(y[i, u], over(K[i, c, du] * x[c, 2 * u + du], (du, -6, 7)) + b[i]),
        14 * C * D,
        D,
        (Side(1, 4, True),),
        (Side(2, 8, True),),
    ),
    Case(
        "strided window, local",
        (
            field(T1by2, "C", grid=8, boundary="zero"),
            field(T1by2, "D", grid=4, boundary="zero", spacing=2),
            dv.box(1),
        ),
        eq(A[i, u, c, p], K[i, c, p - 2 * u]),
        eq(y[i, u], over(K[i, c, du] * x[c, 2 * u + du], *box(du)) + b[i]),
        3 * C * D,
        D,
        (Side(1, 4, True),),
        (Side(2, 8, True),),
    ),
    Case(
        "polyphase window",
        plain(T1by2, grid="N", boundary="zero"),
        eq(A[i, u, c, p], K[i, c, Mod(u, 2), p - u]),
        eq(
            y[i, u],
            over(
                Piecewise(
                    (
                        K[i, c, Mod(u, 2), du] * x[c, u + du],
                        sp.And(
                            sp.Le(u + du - 2 * floor(u / 2), N - 1),
                            sp.Le(u - 2 * floor(u / 2 + du / 2), N - 1),
                        ),
                    ),
                    (0, True),
                ),
                (du, 1 - N, N - 1),
            )
            + b[i, Mod(u, 2)],
        ),
        C * D * (4 * N - 4),
        2 * D,
        (Side(2, N, True),),
        (Side(2, N, True),),
        (Ge(N, 2),),
    ),
    Case(
        "VALID window",
        (
            field(T1, "C", grid=5, boundary="zero"),
            field(T1, "D", grid=3, boundary="zero", offset=1),
            dv.box(1),
        ),
        conv_1d,
        eq(y[i, u], over(K[i, c, du] * x[c, u + du], (du, 0, 2)) + b[i]),
        3 * C * D,
        D,
        (Side(1, 3, True),),
        (Side(1, 5, True),),
    ),
    Case(
        "nothing moves",
        plain(dv.translations(1, 0), grid="N"),
        eq(A[i, u, c, p], K[i, c, u, p]),
        eq(y[i, u], over(K[i, c, u, p] * x[c, p], (p, 0, N - 1)) + b[i, u]),
        C * D * N**2,
        D * N,
        (Side(0, N),),
        (Side(0, N),),
    ),
]

BY_NAME = {case.name: case for case in CASES}
