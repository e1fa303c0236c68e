"""The complete answer on R^n: kernels with free radial functions, their proof, and how they were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, Tuple

from derive.answer.basis import Basis
from derive.certificate.certificate import Certificate
from derive.derivation.derivation import Derivation
from derive.errors import GroupError, InfiniteError, brief
from derive.solution import Solution
from derive.space import equations
from derive.space.answer import Kernels, SpaceAnswer
from derive.space.certificate import certify_space
from derive.space.derivation import derive_space
from derive.space.differential import Differential, differential
from derive.space.form import form
from derive.space.plain import numbered, plain_space
from derive.space.problem import SpaceProblem
from derive.space.reasons import why_zero
from derive.space.strata import Stratum, special_orbits


@dataclass(frozen=True)
class SpaceSolution(Solution):
    """All K with K(g d) = rho_y(g) K(d) rho_x(g)^-1 on R^n: K(d) = sum_b f_b(|d|) P_b(d).

    `dim` free radial functions f_b where the point group takes every direction to every other. Where it does
    not, `dim` is the number of free values per generic orbit of directions, and `kernels` are the P_b up to
    harmonic degree `max_degree`.
    """

    problem: SpaceProblem  # type: ignore[assignment]

    @cached_property
    def answer(self) -> Any:
        """The kernels, pair by pair of blocks and degree by degree."""
        return SpaceAnswer(self.problem)

    @property
    def bias_answer(self) -> Any:
        """Vectors of the output that the point group fixes."""
        return self.answer.constant

    # ---- equations --------------------------------------------------------------------------------------

    @cached_property
    def _letters(self) -> equations.Letters:
        return equations.letters(self.problem.x, self.problem.y)

    @cached_property
    def operator(self) -> Eq:
        """T(x)(p) = Integral(A(p, q) x(q), q) + b(p), with nothing tied yet."""
        return equations.operator(self._letters, self.problem.bias)

    @cached_property
    def equation(self) -> Eq | Tuple:
        """T(g x) = g T(x): for translations T_s, and for every h of the point group."""
        return equations.equivariance(self._letters)

    @cached_property
    def constraint(self) -> Eq | Tuple:
        """A(p + s, q + s) = A(p, q), so that A(p, q) = K(q - p); and K(h d) rho_x(h) = rho_y(h) K(d)."""
        n = self._letters
        found = [
            equations.translation_constraint(),
            equations.kernel_of(),
            equations.point_constraint(n),
        ]
        return Tuple(*found, *([equations.bias_constraint(n)] if self.problem.bias else []))

    @cached_property
    def form(self) -> Eq | Tuple:
        """K(d) = f_1(|d|) P_1(d) + f_2(|d|) P_2(d) + ..., each P_b by its name or as polynomials."""
        return form(self.answer)

    @cached_property
    def layer(self) -> Eq:
        """T(x)(p) = Integral(K(d) x(p + d), d) + b."""
        return equations.layer(self._letters, self.problem.bias)

    # ---- counts -----------------------------------------------------------------------------------------

    @cached_property
    def dim(self) -> sympy.Expr:
        """The number of free radial functions; for finite point groups of free values per generic orbit."""
        if self.problem.group.transitive:
            return self.answer.dim
        return sympy.sympify(self.problem.x.channels * self.problem.y.channels)

    @cached_property
    def bias_dim(self) -> sympy.Expr:
        """How many numbers the bias holds."""
        return sympy.sympify(self.answer.constant.dim) if self.problem.bias else sympy.S.Zero

    @cached_property
    def at_origin(self) -> sympy.Expr:
        """How many numbers are free in K(0), which the whole point group fixes."""
        return sympy.sympify(self.answer.at_origin.dim)

    @property
    def by_degree(self) -> tuple[sympy.Expr, ...]:
        """How many kernels P_b there are of harmonic degree 0, 1, 2, ..."""
        return self.answer.by_degree

    @property
    def kernels(self) -> Kernels:
        """The P_b: degree, parity, and the matrix of harmonic polynomials in d_1, d_2, ..."""
        return Kernels(self.answer)

    @cached_property
    def special_orbits(self) -> tuple[Stratum, ...]:
        """Axes and mirrors of a finite point group, with the number of maps that are free there."""
        return special_orbits(self.problem)

    @property
    def assumptions(self) -> tuple[sympy.Basic, ...]:
        """What is presumed: that K ends at the radius, if it is given."""
        return () if self.problem.radius is None else (self.problem.radius > 0,)

    @property
    def basis(self) -> Basis:
        """The kernels P_b; `basis[k].dense()` is an array of polynomials."""
        return Basis(self.answer)

    def differential(self, order: int) -> Differential:
        """All equivariant differential operators of an order: the polynomial kernels K(d) as K(D).

        >>> import derive as dv
        >>> v = dv.Field(dv.euclidean(3), fibre=dv.irrep(dv.orthogonal(3), 1))
        >>> print(dv.solve(v, v).differential(2))
        differential operators of order 2, 1o -> 1o on R^3 under O(3): 2
          1. Laplacian = |d|^2 I
          2. grad div = d d^T
          with d = (D_1, D_2, D_3)
        """
        return differential(self.problem, self.answer, order)

    # ---- proofs -----------------------------------------------------------------------------------------

    @cached_property
    def derivation(self) -> Derivation:
        """The numbered steps: translations, the point group, a direction, polynomials, the count."""
        return derive_space(self.answer)

    @cached_property
    def certificate(self) -> Certificate:
        """The proof that the kernels are right and complete."""
        return certify_space(self.answer)

    def why_zero(self) -> str:
        """Why no kernel is equivariant."""
        if self.answer.dim != 0:
            return f"the answer is not zero: {self.answer.dim} kernels have free radial functions"
        return why_zero(self.problem)

    # ---- numbers ----------------------------------------------------------------------------------------

    def plain(self, sizes: Mapping[str, int] | None = None, channels: Sequence[int] | None = None) -> Any:
        """The kernels P_b and the bias as NumPy arrays, which `kernels.lower` reads."""
        problem = numbered(self.problem, sizes, channels)
        solved = self if problem == self.problem else SpaceSolution(problem)
        return plain_space(solved.answer, repr(solved))

    # ---- what has no meaning here -----------------------------------------------------------------------

    @property
    def tying(self) -> Any:
        """Refused: weights on R^n are functions."""
        raise _endless("tying")

    def project(self, a: Any) -> Any:
        """Refused: weights on R^n are functions."""
        raise _endless("project")

    def restrict(self, subgroup: Any) -> Any:
        """Refused: solve for the fields of the subgroup instead, `x.restrict(E.restrict(subgroup))`."""
        remedy = "solve(x.restrict(E.restrict(subgroup)), y.restrict(E.restrict(subgroup)), ...)"
        raise GroupError("restrict", "is not written for solutions on R^n", brief(subgroup), remedy)

    def __repr__(self) -> str:
        bias = f", bias {self.bias_dim}" if self.problem.bias else ""
        if self.problem.group.transitive:
            what = f"{self.dim} free radial functions"
        else:
            kernels = f"{self.answer.dim} kernels up to harmonic degree {self.problem.top}"
            what = f"{self.dim} free values per generic orbit of directions, {kernels}"
        return f"Solution({self.answer.name}: {what}{bias})"


def _endless(argument: str) -> InfiniteError:
    rule = "needs finitely many weights, and on R^n they are radial functions"
    return InfiniteError(argument, rule, "a solution on R^n", "use .kernels and .form")
