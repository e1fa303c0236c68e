"""K(d) = f_1(|d|) P_1(d) + f_2(|d|) P_2(d) + ..., as it is printed."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Add, Eq, Function, Le, Mul, Symbol, Tuple

from derive.notation import At, Named
from derive.space.answer import PairKernels, SpaceAnswer, SpacePair
from derive.space.equations import LENGTH, d

SHOWN = 36  # entries of a matrix of polynomials that is written out
LISTED = 40  # kernels that are written out
i, c = Symbol("i", integer=True), Symbol("c", integer=True)


def radial(number: int, *copies: Any) -> Any:
    """The free radial function of a kernel, for copies i and c."""
    return Function(f"f_{number}")(*copies, LENGTH)


def form(answer: SpaceAnswer) -> Eq | Tuple:
    """K(d) by its kernels, pair by pair of blocks: K_21 takes block 1 of the input to block 2 of the output.

    Kernels without a name are printed as P_b(d), and below as polynomials in d_1, d_2, ...
    """
    rows: list[Any] = []
    number = 1
    for at, pair in enumerate(answer.pairs):
        equations, number = _pair(answer, at, pair, number)
        rows += equations
    if not rows:
        rows = [Eq(At(Symbol("K"), d), sympy.S.Zero, evaluate=False)]
    if answer.problem.radius is not None:
        rows.append(Le(LENGTH, answer.problem.radius, evaluate=False))
    return rows[0] if len(rows) == 1 else Tuple(*rows)


def _pair(answer: SpaceAnswer, at: int, pair: SpacePair, number: int) -> tuple[list[Any], int]:
    kernels = pair.kernels
    copies = () if pair.copies_in == pair.copies_out == 1 else (i, c)
    terms, rows, count = [], [], kernels.starts[-1]
    named = all(kernels.kernel(k).name is not None for k in range(min(count, LISTED)))
    takes = kernels.names.argument if named else None
    for k in range(min(count, LISTED)):
        factor, definition = _factor(kernels, k, number + k, named)
        terms.append(Mul(radial(number + k, *copies), factor, evaluate=False))
        rows += definition
    if count > LISTED:
        terms.append(Named(f"({count - LISTED} more)", rf"\text{{({count - LISTED} more)}}"))
    total = Add(*terms, evaluate=False) if len(terms) > 1 else terms[0] if terms else sympy.S.Zero
    columns = len(answer.problem.x.fibre.blocks)
    name = "K" if len(answer.pairs) == 1 else "K_{}{}".format(*(k + 1 for k in divmod(at, columns)))
    left = Mul(At(Symbol(name), *copies, d), Named(takes, takes) if takes else 1)
    return [Eq(left, total, evaluate=False), *rows], number + count


def _factor(kernels: PairKernels, k: int, number: int, named: bool) -> tuple[Any, list[Eq]]:
    """A kernel by its name, or as P_k(d) with the polynomials it is."""
    kernel = kernels.kernel(k)
    if kernel.name is not None and (named or kernels.names.argument is None):
        return kernel.name, []
    called = At(Symbol(f"P_{number}"), d)
    small = kernel.matrix.rows * kernel.matrix.cols <= SHOWN
    return called, [Eq(called, kernel.matrix, evaluate=False)] if small else []
