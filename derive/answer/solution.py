"""The complete answer: every equivariant operator, its proof, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq

from derive.answer.certificate import Certificate, certify_translations
from derive.answer.plain import Plain
from derive.answer.projection import Projection, project
from derive.answer.tying import Basis, Tying, plain
from derive.equation.equivariance import equivariance_steps
from derive.equation.kernel import form
from derive.equation.operator import Notation, general_operator
from derive.equation.problem import Problem
from derive.equation.tying import tying_steps
from derive.errors import SizeError
from derive.pickling import Fields
from derive.steps import Derivation


@dataclass(frozen=True)
class Solution(Fields):
    """All solutions of T(g x) = g T(x): equations, counts, basis, derivation, certificate."""

    problem: Problem

    @cached_property
    def _notation(self) -> Notation:
        return Notation(self.problem)

    @property
    def derivation(self) -> Derivation:
        """The numbered steps from the general operator to the count."""
        return self._translations

    @cached_property
    def _translations(self) -> Derivation:
        steps = equivariance_steps(self._notation)
        return Derivation([*steps, *tying_steps(self._notation, steps[-1].after)])

    def _step(self, rule: str) -> Any:
        return next(step.after for step in self._translations if step.rule == rule)

    def _put(self, equation: Eq) -> Eq:
        values = self._notation.values
        return Eq(equation.lhs.xreplace(values), equation.rhs.xreplace(values), evaluate=False)

    @cached_property
    def operator(self) -> Eq:
        """y[i,u,v] = Sum(A[i,u,v,c,u',v'] x[c,u',v']) + b[i,u,v], with nothing tied yet."""
        return self._put(general_operator(self._notation))

    @cached_property
    def equation(self) -> Eq:
        """T(T_s x)[i,u,v] = (T_s T x)[i,u,v], both sides written out as sums."""
        return self._put(self._step("act on the output"))

    @cached_property
    def constraint(self) -> Eq:
        """What the weights obey, for every s: A[i,u+s_u,v+s_v,c,u'+s_u,v'+s_v] = A[i,u,v,c,u',v']."""
        return self._put(self._step("the constraint for every s")[0])

    @cached_property
    def form(self) -> Eq:
        """Every weight in terms of the tied kernel: A[i,u,v,c,u',v'] = K[i,c,u'-u,v'-v]."""
        return self._put(form(self._notation))

    @cached_property
    def layer(self) -> Eq:
        """The layer: y[i,u,v] = Sum(K[i,c,du,dv] x[c,u+du,v+dv]) + b[i]."""
        return self._put(self._step("write the layer"))

    @cached_property
    def dim(self) -> sympy.Expr:
        """How many weights are free, the bias not counted; oo without a support on an infinite lattice."""
        count = sympy.sympify(self.problem.classes.count())
        return count if count is sympy.oo else self.problem.x.channels * self.problem.y.channels * count

    @cached_property
    def bias_dim(self) -> sympy.Expr:
        """How many numbers the bias holds."""
        if not self.problem.bias:
            return sympy.S.Zero
        count = sympy.sympify(self.problem.bias_classes.count())
        return count if count is sympy.oo else self.problem.y.channels * count

    @property
    def assumptions(self) -> tuple[sympy.Basic, ...]:
        """What the symbols are presumed to satisfy, such as H >= 2*k + 1."""
        return self.problem.classes.assumptions()

    @property
    def basis(self) -> Sequence[Any]:
        """The exact basis, `dim` elements; `basis[k].dense()` is an array."""
        return Basis(self.problem)

    @property
    def tying(self) -> Tying:
        """Which entries of A share a weight."""
        return Tying(self.problem)

    @cached_property
    def certificate(self) -> Certificate:
        """The proof that the answer is right and complete."""
        return certify_translations(self.problem, self.dim)

    def project(self, a: Any) -> Projection:
        """The equivariant operator nearest to `a`, an array shaped like `basis[k].dense()`.

        B (B^T B)^-1 B^T a, exact for exact input; the result's `.distance` is the Frobenius norm taken away.
        """
        return project(self.basis, self._shape, a)

    @property
    def _shape(self) -> tuple[int, ...]:
        """The shape of a dense basis element."""
        if not len(self.basis):
            raise SizeError(
                "basis", "must hold an element to project on", 0, "the only equivariant operator is zero"
            )
        return self.basis[0].dense().shape

    def plain(self, sizes: Mapping[str, int] | None = None, channels: Sequence[int] | None = None) -> Plain:
        """The answer as NumPy arrays, which `kernels.lower` reads."""
        return plain(self.problem, sizes, channels, repr(self))

    def __repr__(self) -> str:
        bias = f", bias {self.bias_dim}" if self.problem.bias else ""
        return f"Solution({self.problem.x!r} -> {self.problem.y!r}: {self.dim} free weights{bias})"

    def _repr_latex_(self) -> str:
        from derive.answer.render import latex

        return f"$\\displaystyle {latex(self.layer)}$"
