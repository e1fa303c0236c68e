"""A statement of symmetry in, the complete answer out."""

from __future__ import annotations

from typing import Any

from derive.errors import SizeError
from derive.lattice.problem import make_problem
from derive.lattice.supports import require_invariant
from derive.solution import Solution
from derive.space.problem import make_space_problem
from derive.space.solution import SpaceSolution
from derive.symmetry.field import Field
from derive.symmetry.representation import Representation


def solve(
    x: Field | Representation,
    y: Field | Representation,
    support: Any = None,
    bias: bool = True,
    max_degree: int | None = None,
) -> Solution:
    """Every linear map T from field x to field y with T(g x) = g T(x) for every g of their group.

        A(g p, g q) = rho_out(g) A(p, q) rho_in(g)^-1        b(g p) = rho_out(g) b(p)

    `x`, `y`: fields of one group, or a representation for a side that does not move; `support`: box(r),
    window(k), ball(r) or any finite set of physical displacements position(q) - position(p), None for all;
    `bias`: whether an affine term is solved for as well. Sizes may be symbols.

    On R^n, between fields on euclidean(n, point), the answer is K(d) = sum_b f_b(|d|) P_b(d) with free radial
    functions; `support` is a ball, or None; `max_degree`: the highest harmonic degree of the P_b, needed for
    finite point groups, which leave kernels of every degree.

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
    >>> v = dv.Field(dv.euclidean(3, dv.special_orthogonal(3)), fibre=dv.irrep(dv.special_orthogonal(3), 1))
    >>> print(dv.text(dv.solve(v, v).form))
    K(d) = f_1(|d|)*I + f_2(|d|)*[d]_x + f_3(|d|)*S(d d^T)
    """
    if any(isinstance(field, Field) and field.continuous for field in (x, y)):
        return SpaceSolution(make_space_problem(x, y, support, bias, max_degree))
    if max_degree is not None:
        rule = "must be left out: only kernels on R^n have harmonic degrees"
        raise SizeError("max_degree", rule, max_degree, "use fields on euclidean(n, point)")
    problem = make_problem(x, y, support, bias)
    require_invariant(problem.group, problem.support)
    return Solution(problem)
