"""The complete answer: every equivariant operator, its proof, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, Tuple

from derive.answer.basis import Basis
from derive.answer.embedding import embedding
from derive.answer.general import general_form, general_layer
from derive.answer.numbers import with_numbers
from derive.answer.off_lattice import MapAnswer
from derive.answer.on_lattice import LatticeAnswer, bias_problem
from derive.answer.plain import Plain
from derive.answer.plain_maps import PlainMaps
from derive.answer.projection import Projection, project
from derive.answer.shown import pattern_figures
from derive.answer.tying import Tying
from derive.certificate.certificate import Certificate, certify
from derive.derivation.chapters import constraints, derive, equations
from derive.derivation.derivation import Derivation
from derive.derivation.kernel import form
from derive.derivation.layer import layer
from derive.derivation.operator import Notation, general_operator
from derive.derivation.render import latex
from derive.derivation.representations import commutes, equivariant
from derive.derivation.windows import opened
from derive.drawing.mathml import display
from derive.drawing.svg import card
from derive.errors import GroupError, SizeError
from derive.lattice.problem import Problem
from derive.pickling import Fields
from derive.symmetry.group import Group
from derive.symmetry.spacegroup import SpaceGroup

SHORT = 400  # characters of a formula that a summary shows


@dataclass(frozen=True)
class Solution(Fields):
    """All solutions of T(g x) = g T(x): equations, counts, basis, derivation, certificate."""

    problem: Problem

    @cached_property
    def answer(self) -> LatticeAnswer | MapAnswer:
        """The orbits of site pairs, and the fibre maps that their stabilisers fix."""
        return _answer(self.problem)

    @cached_property
    def bias_answer(self) -> LatticeAnswer | MapAnswer:
        """The same for the bias, a map from the trivial representation."""
        return _answer(bias_problem(self.problem))

    # ---- equations --------------------------------------------------------------------------------------

    @cached_property
    def _notation(self) -> Notation:
        return Notation(self.problem)

    @cached_property
    def operator(self) -> Eq:
        """y[i,u,v] = Sum(A[i,u,v,c,u',v'] x[c,u',v']) + b[i,u,v], with nothing tied yet."""
        return general_operator(self._notation)

    @cached_property
    def equation(self) -> Eq | Tuple:
        """T(g x) = g T(x), both sides written out as sums: for translations, and for every generator."""
        found = equations(self.problem) if self.problem.axes else equivariant(self.problem)
        return found[0] if len(found) == 1 else Tuple(*found)

    @cached_property
    def constraint(self) -> Eq | Tuple:
        """What the weights obey: A[g p, g q] rho_x(g) = rho_y(g) A[p, q], for translations and generators."""
        found = constraints(self.problem) if self.problem.axes else commutes(self.problem)
        return found[0] if len(found) == 1 else Tuple(*found)

    @cached_property
    def form(self) -> Eq | Tuple:
        """Every weight by the tied kernel, A[i,u,v,c,u',v'] = K[i,c,u'-u,v'-v].

        Without a lattice by free weights: a matrix of w[k], or where it is large A[i,c] = Sum(w[k] B[k,i,c])
        with B[k] = `basis[k]`, and a table of the first nonzero entry of each B[k] and their number.
        """
        if isinstance(self.answer, MapAnswer):
            return general_form(self.answer, self._notation)
        return form(self._notation)

    @property
    def _map_bias(self) -> MapAnswer | None:
        bias = self.bias_answer if self.problem.bias else None
        return bias if isinstance(bias, MapAnswer) else None

    @cached_property
    def layer(self) -> Eq:
        """The layer, with every weight that is tied written once.

        On a lattice y[i,u,v] = Sum(K[i,c,du,dv] x[c,u+du,v+dv]) + b[i]; else y = A x + b by free weights.
        A bias of which nothing is free is left out.
        """
        if isinstance(self.answer, MapAnswer):
            return general_layer(self.answer, self._map_bias, self._notation)
        p = self.problem
        held = p if self.bias_dim != 0 else replace(p, bias=False)  # a bias that is 0 is not written
        return layer(Notation(opened(held)))

    # ---- counts -----------------------------------------------------------------------------------------

    @cached_property
    def dim(self) -> sympy.Expr:
        """How many weights are free, the bias not counted; oo without a support on an infinite lattice."""
        return self.answer.dim

    @cached_property
    def bias_dim(self) -> sympy.Expr:
        """How many numbers the bias holds."""
        return self.bias_answer.dim if self.problem.bias else sympy.S.Zero

    @property
    def assumptions(self) -> tuple[sympy.Basic, ...]:
        """What the symbols are presumed to satisfy, such as H >= 2*k + 1."""
        return self.problem.classes.assumptions()

    @property
    def basis(self) -> Basis:
        """The exact basis, `dim` elements; `basis[k].dense()` is an array."""
        return Basis(self.answer)

    @property
    def tying(self) -> Tying:
        """Which entries share a free weight, and with which sign."""
        return Tying(self.problem, self.answer)

    # ---- proofs -----------------------------------------------------------------------------------------

    @cached_property
    def derivation(self) -> Derivation:
        """The numbered steps: one constraint per generator, the kernel, its orbits, the layer, the count."""
        return derive(self.problem, self.answer.found, self.bias_answer.found if self.problem.bias else ())

    @cached_property
    def certificate(self) -> Certificate:
        """The proof that the answer is right and complete."""
        return certify(self)

    def why_zero(self) -> str:
        """Why no operator is equivariant: what leaves every orbit no map but zero."""
        if self.dim != 0:
            return f"the answer is not zero: {self.dim} weights are free"
        return self.answer.why_zero()

    # ---- other operators --------------------------------------------------------------------------------

    def project(self, a: Any) -> Projection:
        """The equivariant operator nearest to `a`, an array shaped like `basis[k].dense()`.

        B (B^T B)^-1 B^T a, exact for exact input; the result's `.distance` is the Frobenius norm taken away.
        """
        return project(self.basis, self._shape, a)

    def differential(self, order: int) -> Any:
        """Refused: differential operators act on fields on R^n."""
        rule = "needs a solution on R^n, whose fields can be differentiated"
        remedy = "solve for fields on euclidean(n, point)"
        raise GroupError("differential", rule, self.answer.name, remedy)

    @property
    def _shape(self) -> tuple[int, ...]:
        """The shape of a dense basis element."""
        if isinstance(self.answer, MapAnswer):
            return self.answer.shape
        if not len(self.basis):
            raise SizeError(
                "basis", "must hold an element to project on", 0, "the only equivariant operator is zero"
            )
        return self.basis[0].dense().shape

    def restrict(self, subgroup: Group) -> tuple[Solution, sympy.ImmutableMatrix]:
        """The solution under a subgroup of the point group, and the exact E with B_here = B_there E."""
        found = self.restricted(subgroup)
        return found, embedding(self.answer.basis_blocks, found.answer.basis_blocks)

    def restricted(self, subgroup: Group) -> Solution:
        """The solution under a subgroup of the point group."""
        p = self.problem
        space = p.group.restrict(subgroup) if p.axes else SpaceGroup(subgroup, (), ())
        return Solution(replace(p, x=p.x.restrict(space), y=p.y.restrict(space)))

    def plain(
        self, sizes: Mapping[str, int] | None = None, channels: Sequence[int] | None = None
    ) -> Plain | PlainMaps:
        """The answer as NumPy arrays, which `kernels.lower` reads."""
        problem = with_numbers(self.problem, sizes, channels)
        solved = self if problem == self.problem else Solution(problem)
        bias = problem.bias and solved.bias_dim is not sympy.oo
        plain = solved.answer.plain(solved.bias_answer if bias else None, repr(self))
        return replace(plain, into=problem.x, out=problem.y)

    def __repr__(self) -> str:
        bias = f", bias {self.bias_dim}" if self.problem.bias else ""
        return f"Solution({self.answer.name}: {self.dim} free weights{bias})"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {latex(self.layer)}$"

    def _repr_html_(self) -> str:
        """What is mapped to what, the counts, the layer, and the tying pattern where it is small."""
        p, many = self.problem, "infinitely many" if self.dim is sympy.oo else str(self.dim)
        rows = [("from", repr(p.x)), ("to", repr(p.y))] if p.axes else [("maps", self.answer.name)]
        rows += [("free weights", many), *([("free biases", str(self.bias_dim))] if p.bias else [])]
        formula = latex(self.layer)
        layer_ = display(formula) if len(formula) <= SHORT else ""
        return card("Every equivariant layer", rows, [layer_, *pattern_figures(p, self.answer)])


def _answer(problem: Problem) -> LatticeAnswer | MapAnswer:
    return LatticeAnswer(problem) if problem.axes else MapAnswer(problem)
