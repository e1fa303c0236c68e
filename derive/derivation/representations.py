"""The equation without a lattice, for whole representations: rho_y(g) A = A rho_x(g)."""

from __future__ import annotations

import sympy
from sympy import Eq, IndexedBase, Sum, Symbol

from derive.derivation.operator import Notation
from derive.lattice.problem import Problem
from derive.notation import Mixing
from derive.symmetry.names import fresh

INDICES = "ijck"


def commutes(problem: Problem) -> tuple[Eq, ...]:
    """rho_y(g) A = A rho_x(g), entry by entry, for every generator."""
    i, j, c = (Symbol(name, integer=True) for name in "ijc")
    A = IndexedBase("A")
    return tuple(
        Eq(
            _over(out[i, j] * A[j, c], j, problem.y.channels),
            _over(A[i, j] * into[j, c], j, problem.x.channels),
            evaluate=False,
        )
        for _, out, into in _matrices(problem)
    )


def equivariant(problem: Problem) -> tuple[Eq, ...]:
    """T(rho_x(g) x) = rho_y(g) T(x), both sides written out, for every generator.

    For an element of a Lie algebra this is the derivative along exp(t X), without what is constant.
    """
    n = Notation(problem)
    i, j, c, k = (Symbol(name, integer=True) for name in ("i", "j", "c", n.fresh("k")))
    A, b = n.A, n.b
    algebra = problem.group.point.algebra

    def sides(out: IndexedBase, into: IndexedBase, name: str) -> tuple[sympy.Expr, sympy.Expr]:
        left = _over(_over(A[i, c] * into[c, k] * n.x[k], k, problem.x.channels), c, problem.x.channels)
        right = _over(_over(out[i, j] * A[j, c] * n.x[c], c, problem.x.channels), j, problem.y.channels)
        if not problem.bias:
            return left, right
        return left + (0 if name in algebra else b[i]), right + _over(out[i, j] * b[j], j, problem.y.channels)

    return tuple(Eq(*sides(out, into, g), evaluate=False) for g, out, into in _matrices(problem))


def _matrices(problem: Problem) -> list[tuple[str, IndexedBase, IndexedBase]]:
    """Every generator with rho_y and rho_x of it; one that is called like an index is printed as c_0."""
    generators = problem.group.point.generators
    taken = {*INDICES, *generators}
    printed = {g: fresh(f"{g}_0", taken) if g in INDICES else g for g in generators}
    return [(g, IndexedBase(Mixing("y", p)), IndexedBase(Mixing("x", p))) for g, p in printed.items()]


def _over(term: sympy.Expr, index: Symbol, size: sympy.Expr) -> sympy.Expr:
    return Sum(term, (index, 0, size - 1))
