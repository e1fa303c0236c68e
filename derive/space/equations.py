"""What is written on R^n: the operator as an integral, what translations and the point group ask, the form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import (
    Eq,
    Function,
    ImmutableMatrix,
    IndexedBase,
    Integral,
    MatMul,
    MatrixSymbol,
    Sum,
    Symbol,
    Tuple,
)

from derive.notation import Length, Named
from derive.pickling import Fields
from derive.space.answer import PairKernels, SpaceAnswer, SpacePair
from derive.space.problem import SpaceProblem
from derive.symmetry.spacegroup import axis_names

SHOWN = 36  # entries of a matrix of polynomials that is written out
LISTED = 40  # kernels that are written out


@dataclass(frozen=True)
class Letters(Fields):
    """The letters of equations on R^n: sites u, v, w and u', v', w', channels i and c."""

    problem: SpaceProblem

    @property
    def x(self) -> IndexedBase:
        return IndexedBase(self.problem.x.name or "x")

    @property
    def y(self) -> IndexedBase:
        return IndexedBase(self.problem.y.name or ("y" if (self.problem.x.name or "x") != "y" else "y_0"))

    A, b, K = IndexedBase("A"), IndexedBase("b"), IndexedBase("K")
    i, c = Symbol("i", integer=True), Symbol("c", integer=True)
    d = Symbol("d")

    @cached_property
    def out(self) -> tuple[Symbol, ...]:
        return tuple(Symbol(name, real=True) for name in axis_names(self.problem.group.dim))

    @cached_property
    def into(self) -> tuple[Symbol, ...]:
        return tuple(Symbol(name + "'", real=True) for name in axis_names(self.problem.group.dim))

    @cached_property
    def shifts(self) -> tuple[Symbol, ...]:
        return tuple(Symbol(f"s_{name}", real=True) for name in axis_names(self.problem.group.dim))

    @property
    def length(self) -> Length:
        return Length("d")

    def total(self, term: Any, over: tuple[Symbol, ...]) -> Any:
        """The integral over R^n and the sum over channels."""
        summed = Sum(term, (self.c, 0, sympy.sympify(self.problem.x.channels) - 1))
        return Integral(summed, *((s, -sympy.oo, sympy.oo) for s in over))

    def affine(self, total: Any, at: tuple[Any, ...]) -> Any:
        return total + self.b[(self.i, *at)] if self.problem.bias else total

    def f(self, number: int, *copies: Any) -> Any:
        """The free radial function of a kernel."""
        return Function(f"f_{number}")(*copies, self.length)


def operator(n: Letters) -> Eq:
    """y[i,u,v] = Integral(Sum(A[i,u,v,c,u',v'] x[c,u',v'])) + b[i,u,v]."""
    total = n.total(n.A[(n.i, *n.out, n.c, *n.into)] * n.x[(n.c, *n.into)], n.into)
    return Eq(n.y[(n.i, *n.out)], n.affine(total, n.out), evaluate=False)


def translation(n: Letters) -> Eq:
    """A[i,u+s_u,c,u'+s_u] = A[i,u,c,u']."""
    out, into = (tuple(a + s for a, s in zip(at, n.shifts, strict=True)) for at in (n.out, n.into))
    return Eq(n.A[(n.i, *out, n.c, *into)], n.A[(n.i, *n.out, n.c, *n.into)], evaluate=False)


def kernel_of(n: Letters) -> Eq:
    """A[i,u,v,c,u',v'] = K[i,c,u'-u,v'-v]."""
    d = tuple(q - p for p, q in zip(n.out, n.into, strict=True))
    return Eq(n.A[(n.i, *n.out, n.c, *n.into)], n.K[(n.i, n.c, *d)], evaluate=False)


def layer(n: Letters) -> Eq:
    """y[i,u,v] = Integral(Sum(K[i,c,du,dv] x[c,u+du,v+dv])) + b[i]."""
    moves = tuple(Symbol(f"d{u.name}", real=True) for u in n.out)
    at = tuple(u + d for u, d in zip(n.out, moves, strict=True))
    total = n.total(n.K[(n.i, n.c, *moves)] * n.x[(n.c, *at)], moves)
    return Eq(n.y[(n.i, *n.out)], total + n.b[n.i] if n.problem.bias else total, evaluate=False)


# ---- matrices by name ------------------------------------------------------------------------------------


def rho(side: str, generator: str, size: Any) -> MatrixSymbol:
    """The matrix of a generator on the input, on the output, or on displacements (M)."""
    name = f"M({generator})" if side == "M" else f"rho_{side}({generator})"
    return MatrixSymbol(name, size, size)


def point_constraint(n: Letters, generator: str) -> Eq:
    """K(M d) rho_x = rho_y K(d); for an algebra (X d) . grad K + K rho_x = rho_y K."""
    size = n.problem.group.dim
    rows, columns = (sympy.sympify(f.channels) for f in (n.problem.y, n.problem.x))
    into, out = rho("x", generator, columns), rho("y", generator, rows)
    K, d = kernel_symbol("K(d)", "K(d)", n), MatrixSymbol("d", size, 1)
    if generator in n.problem.group.point.algebra:
        slope = kernel_symbol(f"D[M({generator}) d] K(d)", rf"D_{{M({generator})\, d}} K(d)", n)
        return Eq(slope + MatMul(K, into, evaluate=False), MatMul(out, K, evaluate=False), evaluate=False)
    del d
    moved = kernel_symbol(f"K(M({generator}) d)", rf"K(M({generator})\, d)", n)
    return Eq(MatMul(moved, into, evaluate=False), MatMul(out, K, evaluate=False), evaluate=False)


def kernel_symbol(text: str, tex: str, n: Letters) -> MatrixSymbol:
    """A matrix-valued function of a displacement, by what it is called."""
    del tex
    return MatrixSymbol(text, sympy.sympify(n.problem.y.channels), sympy.sympify(n.problem.x.channels))


# ---- the form --------------------------------------------------------------------------------------------


def form(answer: SpaceAnswer, n: Letters) -> Eq | Tuple:
    """K(d) = f_1(|d|) P_1(d) + f_2(|d|) P_2(d) + ..., by pairs of blocks."""
    rows: list[Any] = []
    number = 1
    for at, pair in enumerate(answer.pairs):
        equations, number = _pair_form(answer, n, at, pair, number)
        rows += equations
    if not rows:
        rows = [Eq(Function("K")(n.d), sympy.S.Zero, evaluate=False)]
    if n.problem.radius is not None:
        rows.append(sympy.Le(n.length, n.problem.radius, evaluate=False))
    return rows[0] if len(rows) == 1 else Tuple(*rows)


def _pair_form(
    answer: SpaceAnswer, n: Letters, at: int, pair: SpacePair, number: int
) -> tuple[list[Any], int]:
    kernels = pair.kernels
    takes = kernels.names.argument
    single = pair.copies_in == 1 and pair.copies_out == 1
    copies = () if single else (n.i, n.c)
    terms, rows = [], []
    count = kernels.starts[-1]
    for k in range(min(count, LISTED)):
        factor, definition = _factor(kernels, k, number, n, takes)
        terms.append(sympy.Mul(n.f(number, *copies), factor, evaluate=False))
        rows += definition
        number += 1
    if count > LISTED:
        terms.append(Symbol(f"... {count - LISTED} more"))
        number += count - LISTED
    left = _left(answer, n, at, copies, takes if not rows else None)
    total = sympy.Add(*terms, evaluate=False) if len(terms) > 1 else (terms[0] if terms else sympy.S.Zero)
    return [Eq(left, total, evaluate=False), *rows], number


def _factor(kernels: PairKernels, k: int, number: int, n: Letters, takes: str | None) -> tuple[Any, list[Eq]]:
    """A kernel by its name, or as P_k(d) with the polynomials it is."""
    kernel = kernels.kernel(k)
    if kernel.name is not None:
        return kernel.name, []
    called = Function(f"P_{number}")(n.d)
    small = kernel.matrix.rows * kernel.matrix.cols <= SHOWN
    called_on = Named(f"P_{number}(d) {takes}", rf"P_{{{number}}}(d)\, {takes}") if takes else called
    return called_on, [Eq(called, kernel.matrix, evaluate=False)] if small else []


def _left(answer: SpaceAnswer, n: Letters, at: int, copies: tuple[Any, ...], takes: str | None) -> Any:
    columns = len(n.problem.x.fibre.blocks)
    row, column = divmod(at, columns)
    name = "K" if len(answer.pairs) == 1 else f"K_{row + 1}{column + 1}"
    if takes:
        inside = ", ".join(map(str, (*copies, "d")))
        return Named(f"{name}({inside}) {takes}", rf"{sympy.latex(Symbol(name))}({inside})\, {takes}")
    return Function(name)(*copies, n.d)


def matrices(n: Letters, generator: str) -> tuple[Eq, ...]:
    """M(g), rho_x(g) and rho_y(g) written out."""
    group = n.problem.group
    made = [Eq(rho("M", generator, group.dim), group.action[generator], evaluate=False)]
    for side, field in (("x", n.problem.x), ("y", n.problem.y)):
        matrix = ImmutableMatrix(field.fibre.matrix(generator))
        made.append(Eq(rho(side, generator, matrix.rows), matrix, evaluate=False))
    return tuple(made)
