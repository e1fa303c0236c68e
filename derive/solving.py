"""A statement of symmetry in, the complete answer out."""

from __future__ import annotations

from typing import Any

from derive.lattice.problem import make_problem
from derive.lattice.supports import require_invariant
from derive.solution import Solution
from derive.symmetry.field import Field
from derive.symmetry.representation import Representation


def solve(
    x: Field | Representation, y: Field | Representation, support: Any = None, bias: bool = True
) -> Solution:
    """Every linear map T from field x to field y with T(g x) = g T(x) for every g of their group.

        A(g p, g q) = rho_out(g) A(p, q) rho_in(g)^-1        b(g p) = rho_out(g) b(p)

    `x`, `y`: fields of one group, or a representation for a side that does not move; `support`: box(r),
    window(k), ball(r) or any finite set of physical displacements position(q) - position(p), None for all;
    `bias`: whether an affine term is solved for as well. Sizes may be symbols.

    Raises SupportError, GridError, LatticeError or RepresentationError, each saying what to do instead.

    >>> import derive as dv
    >>> G = dv.translations(2)
    >>> solution = dv.solve(dv.Field(G, channels="C"), dv.Field(G, channels="D"), support=dv.box(1))
    >>> solution.dim, solution.bias_dim
    (9*C*D, D)
    >>> S5 = dv.symmetric(5)
    >>> V = dv.permutation(S5)
    >>> dv.solve(V**2, V**2).dim
    15
    """
    problem = make_problem(x, y, support, bias)
    require_invariant(problem.group, problem.support)
    return Solution(problem)
