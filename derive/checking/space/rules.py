"""The rules of a derivation on R^n, read as rewritings of what was printed, or as exact algebra."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Eq, Function, Integral, Symbol

from derive.checking.space import polynomials as poly
from derive.checking.space.chapter import D0, SpaceChapter, b, d, h, p, put, q, require, s, split, tidy
from derive.checking.space.linear import require_general
from derive.notation import Along, At, Generator, Image, Length, Moved, Tangent, Translation
from derive.steps import Step

BEGIN = "write the general integral operator"
Rule = tuple[str, Callable[[Step], None]]


@dataclass
class _Found:
    """What the steps so far have said."""

    state: tuple[Any, ...] = ()
    constraints: tuple[Eq, ...] = ()
    kernels: list[Any] = field(default_factory=list)
    degrees: list[int] = field(default_factory=list)
    top: int = 0
    free: int = 0
    bias: int = 0
    origin: int = 0


@dataclass(frozen=True)
class SpaceRules:
    """One chapter, rule by rule."""

    c: SpaceChapter
    found: _Found = field(default_factory=_Found)

    def rules(self) -> Iterator[Rule]:
        """The rules in order, each with its check."""
        yield BEGIN, self._operator
        yield from self._symmetry(Translation(), "T_s", s)
        yield "choose s to reach a representative", self._chosen
        yield "name the kernel", self._named
        yield from self._symmetry(h, "h", h)
        yield "put q = d + h^-1 p", self._displaced
        yield "take the generators", self._generators
        if self.c.biased:
            yield "solve for the bias", self._bias
        if self.c.transitive:
            yield "take a representative", self._representative
            yield "solve at the representative", self._solved
        yield "write harmonic polynomials of degree 0..", self._polynomials
        if self.c.transitive:
            yield "compare at the representative", self._compared
        yield "give each a radial function", self._form
        yield "look at the origin", self._at_origin
        yield "write the layer", self._layer
        yield "count", self._count

    # ---- from the operator to the constraints -----------------------------------------------------------

    def _operator(self, step: Step) -> None:
        self.c.require_laws()
        (equation,) = step.after
        x = self.c.fields[0]
        kernel, over, bias = split(equation)
        require(equation.lhs == At(Image(x), p) and over == q, "must write T(x)(p)", equation)
        require(kernel == At(Symbol("A"), p, q) * At(x, q), "must be the general integral", equation)
        require(bias in (None, At(b_head(), p)), "must have the bias b(p) or none", equation)

    def _symmetry(self, mover: Symbol, name: str, letter: Symbol) -> Iterator[Rule]:
        """Four rules about one mover: act, re-index, act on the output, compare."""
        x, y = self.c.fields

        def acts(step: Step) -> None:
            operator, acted = self._last(step.before), step.after[-1]
            require(tuple(step.after) == (operator, acted), "must keep the operator", step.after)
            law = self.c.law(mover, x).rhs
            kernel, over, bias = split(operator)
            expected = kernel.replace(
                lambda e: isinstance(e, At) and e.head == x, lambda e: put(law, {p: e.points[0]})
            )
            self._equal(acted, (At(Image(Moved(mover, x)), p), expected, over, bias))

        def reindexes(step: Step) -> None:
            operator, acted = step.before
            moved = step.after[-1]
            require(tuple(step.after) == (operator, moved), "must keep the operator", step.after)
            kernel, over, bias = split(acted)
            image = q + s if mover == Translation() else h * q  # both keep volumes: M(h) is orthogonal
            self._equal(moved, (acted.lhs, put(kernel, {q: image}), over, bias))

        def acts_on_output(step: Step) -> None:
            operator, moved = step.before
            right = step.after[-1]
            require(tuple(step.after) == (operator, moved, right), "must keep what was found", step.after)
            kernel, over, bias = split(operator)
            law = self.c.law(mover, y).rhs  # factor(mover) * y(image of p)
            factor = law / At(y, _argument(law, y)) if not isinstance(law, At) else sympy.S.One
            back = {p: _argument(law, y)}
            left = At(Moved(mover, Image(x)), p)
            turned = None if bias is None else factor * put(bias, back)
            self._equal(right, (left, factor * put(kernel, back), over, turned))

        def compares(step: Step) -> None:
            _, moved, right = step.before
            pairs = [(split(moved)[0], split(right)[0])]
            pairs = [tuple(_before(side, At(x, q)) for side in pair) for pair in pairs]
            if self.c.biased:
                pairs.append((split(moved)[2], split(right)[2]))
            self._pairs(step, pairs)

        del letter
        yield f"act on the input by {name}", acts
        yield f"re-index by {name}", reindexes
        yield f"act on the output by {name}", acts_on_output
        yield f"compare coefficients under {name}", compares

    def _last(self, state: Any) -> Eq:
        """The operator that was written last."""
        return [eq for eq in state if isinstance(eq, Eq) and eq.rhs.has(Integral)][-1]

    def _equal(self, equation: Eq, expected: tuple[Any, Any, Any, Any]) -> None:
        kernel, over, bias = split(equation)
        left, wanted, variable, rest = expected
        same = equation.lhs == left and over == variable and tidy(kernel) == tidy(wanted)
        require(same and tidy(bias) == tidy(rest), "must follow term by term from the step before", equation)

    def _pairs(self, step: Step, pairs: Sequence[tuple[Any, Any]]) -> None:
        require(len(step.after) == len(pairs), "must compare all coefficients", step.after)
        for equation, (left, right) in zip(step.after, pairs, strict=True):
            same = tidy(equation.lhs) == tidy(left) and tidy(equation.rhs) == tidy(right)
            require(same, "must compare the coefficients of x", equation)

    def _chosen(self, step: Step) -> None:
        """s = p in what was found, then q - p for q."""
        pairs = [tuple(put(put(side, {s: p}), {q: q - p}) for side in (eq.lhs, eq.rhs)) for eq in step.before]
        self._pairs(step, pairs)

    def _named(self, step: Step) -> None:
        *names, operator = step.after
        kernel = Eq(At(Symbol("K"), d), At(Symbol("A"), 0, d), evaluate=False)
        wanted = [kernel, *([Eq(b, At(b_head(), 0), evaluate=False)] if self.c.biased else [])]
        require(names == wanted, "must name A(0, d) and b(0)", step.after)
        tied = dict(
            zip((At(Symbol("A"), p, q), At(b_head(), p)), (eq.rhs for eq in step.before), strict=False)
        )
        x = self.c.fields[0]
        value = tied[At(Symbol("A"), p, q)]
        require(value.head == Symbol("A") and value.points[0] == 0, "must be tied to A(0, d)", step.before)
        expected = At(Symbol("K"), value.points[1]) * At(x, q)
        self._equal(operator, (At(Image(x), p), expected, q, b if self.c.biased else None))

    def _displaced(self, step: Step) -> None:
        """q = d + h^-1 p; and the equation of the bias read from the right."""
        first, *rest = step.before
        pairs = [tuple(put(side, {q: d + h**-1 * p}) for side in (first.lhs, first.rhs))]
        self._pairs(step, [*pairs, *((eq.rhs, eq.lhs) for eq in rest)])

    def _generators(self, step: Step) -> None:
        """Every generator once, with its matrices; for an algebra the derivative at h = 1."""
        (general, *bias) = step.before
        require(len(bias) == self.c.biased, "must keep the bias", step.before)
        expected = [self._by_generator(a.name, a.infinitesimal) for a in self.c.actions]
        if self.c.biased:
            for a in self.c.actions:
                image = At(self._head(self.c.rho_y, a.infinitesimal), Generator(a.name)) * b
                expected.append((image, sympy.S.Zero if a.infinitesimal else b))
        law = (At(Symbol("K"), h * d) * At(self.c.rho_x, h), At(self.c.rho_y, h) * At(Symbol("K"), d))
        require((general.lhs, general.rhs) == law, "must begin with the constraint", general)
        require(len(step.after) == len(expected), "must take every generator once", step.after)
        for equation, (left, right) in zip(step.after, expected, strict=True):
            same = tidy(equation.lhs) == tidy(left) and tidy(equation.rhs) == tidy(right)
            require(same, "must be the constraint at a generator", equation)
        self.found.state = tuple(step.after)

    def _head(self, name: Symbol, infinitesimal: bool) -> Symbol:
        return Tangent(str(name)) if infinitesimal else name

    def _by_generator(self, name: str, infinitesimal: bool) -> tuple[Any, Any]:
        heads = (Symbol("M"), self.c.rho_x, self.c.rho_y)
        move, into, out = (At(self._head(head, infinitesimal), Generator(name)) for head in heads)
        K = Symbol("K")
        if infinitesimal:
            return Along(move * d, At(K, d)) + At(K, d) * into, out * At(K, d)
        return At(K, move * d) * into, out * At(K, d)

    # ---- solving ----------------------------------------------------------------------------------------

    def _new(self, step: Step) -> tuple[Any, ...]:
        """What a step adds to what was found."""
        known = tuple(step.before)
        require(tuple(step.after)[: len(known)] == known, "must keep what was found", step.after)
        return tuple(step.after)[len(known) :]

    def _bias(self, step: Step) -> None:
        (equation,) = self._new(step)
        require(equation.lhs == b, "must solve for b", equation)
        pairs = [(a.out, sympy.Matrix([[0 if a.infinitesimal else 1]])) for a in self.c.actions]
        matrix = sympy.Matrix(equation.rhs)
        require(matrix.shape == (self.c.shape[0], 1), "must have the components of the output", equation)
        self.found.bias = require_general(matrix, pairs, equation)

    def _representative(self, step: Step) -> None:
        first, *fixing = self._new(step)
        r = Symbol("r", positive=True)
        axis = sympy.Matrix([0] * (self.c.dim - 1) + [r])
        require(first.lhs == D0 and sympy.Matrix(first.rhs) == axis, "must be the last axis", first)
        kept = [a for a in self.c.actions if _fixes(a, axis)]
        expected = [
            Eq(
                At(self._head(Symbol("M"), a.infinitesimal), Generator(a.name)) * D0,
                sympy.S.Zero if a.infinitesimal else D0,
                evaluate=False,
            )
            for a in kept
        ]
        require(fixing == expected, "must name all generators that fix it", step.after)
        algebra = [a.move for a in self.c.actions if a.infinitesimal]
        spanned = sympy.Matrix([list(m) for m in algebra]).rank()
        own = [list(a.move) for a in kept if a.infinitesimal]
        whole = spanned - (self.c.dim - 1) == (sympy.Matrix(own).rank() if own else 0)
        require(whole, "must have the whole stabiliser among its generators", step.after)

    def _solved(self, step: Step) -> None:
        (equation,) = self._new(step)
        axis = sympy.Matrix([0] * (self.c.dim - 1) + [1])
        pairs = [(a.out, a.into) for a in self.c.actions if _fixes(a, axis)]
        matrix = sympy.Matrix(equation.rhs)
        require(equation.lhs == At(Symbol("K"), D0), "must solve for K(d_0)", equation)
        require(matrix.shape == self.c.shape, "must have the shape of a kernel", equation)
        self.found.free = require_general(matrix, pairs, equation)

    def _polynomials(self, step: Step) -> None:
        new = self._new(step)
        names = [At(Symbol(f"P_{k}"), d) for k in range(1, len(new) + 1)]
        require([eq.lhs for eq in new] == names, "must number the polynomials", step.after)
        matrices = [sympy.Matrix(eq.rhs) for eq in new]
        letters = poly.displacement_letters(matrices, self.c.dim)
        degrees = []
        for equation, matrix in zip(new, matrices, strict=True):
            require(matrix.shape == self.c.shape, "must have the shape of a kernel", equation)
            degrees.append(poly.degree_of(matrix, letters, equation))
        poly.require_equivariant(self.c.actions, matrices, letters)
        poly.require_independent(matrices, letters, step.after)
        top = step.rule.rpartition("..")[2]
        require(top.isdigit() and max(degrees, default=0) <= int(top), "must be of these degrees", step.rule)
        self.found.kernels, self.found.degrees, self.found.top = matrices, degrees, int(top)
        if not any(a.infinitesimal for a in self.c.actions):  # else the representative decides it
            counts = poly.harmonic_counts(self.c.actions, int(top))
            listed = [degrees.count(degree) for degree in range(int(top) + 1)]
            require(counts == listed, "must list all polynomials of each degree", f"{listed}, not {counts}")

    def _compared(self, step: Step) -> None:
        new = self._new(step)
        r = Symbol("r", positive=True)
        letters = poly.displacement_letters(self.found.kernels, self.c.dim)
        at = dict(zip(letters, [sympy.S.Zero] * (self.c.dim - 1) + [r], strict=True))
        names = [At(Symbol(f"P_{k}"), D0) for k in range(1, len(self.found.kernels) + 1)]
        require([eq.lhs for eq in new] == names, "must evaluate every polynomial", step.after)
        values = [m.xreplace(at) for m in self.found.kernels]
        same = all(sympy.Matrix(eq.rhs) == m for eq, m in zip(new, values, strict=True))
        require(same, "must be the values at d_0", step.after)
        poly.require_independent([m.subs(r, 1) for m in values], letters, step.after)
        require(len(values) == self.found.free, "must be as many as K(d_0) has free entries", step.after)

    def _form(self, step: Step) -> None:
        (equation,) = self._new(step)
        wanted = {
            Function(f"f_{k}")(Length("d")) * At(Symbol(f"P_{k}"), d)
            for k in range(1, len(self.found.kernels) + 1)
        }
        terms = set(sympy.Add.make_args(equation.rhs)) - {sympy.S.Zero}
        require(equation.lhs == At(Symbol("K"), d) and terms == wanted, "must have one f per P", equation)

    def _at_origin(self, step: Step) -> None:
        (equation,) = self._new(step)
        pairs = enumerate(zip(self.found.kernels, self.found.degrees, strict=True), 1)
        zero = sympy.zeros(*self.c.shape)
        value = sum((At(Symbol(f"f_{k}"), 0) * m for k, (m, degree) in pairs if degree == 0), zero)
        require(equation.lhs == At(Symbol("K"), 0), "must be the value at 0", equation)
        require(sympy.Matrix(equation.rhs) == value, "must keep polynomials of degree 0 alone", equation)
        self.found.origin = self.found.degrees.count(0)

    def _layer(self, step: Step) -> None:
        (equation,) = self._new(step)
        x = self.c.fields[0]
        expected = (At(Image(x), p), At(Symbol("K"), d) * At(x, p + d), d, b if self.c.biased else None)
        self._equal(equation, expected)

    def _count(self, step: Step) -> None:
        x, y = self.c.fields
        rows, columns = self.c.shape
        both = self.c.copies(x) * self.c.copies(y)
        kernels = len(self.found.kernels)
        wanted: dict[str, Any] = {"dim": both * (kernels if self.c.transitive else rows * columns)}
        if not self.c.transitive:
            wanted["kernels"] = both * kernels
        wanted["at_origin"] = both * self.found.origin
        if self.c.biased:
            wanted["bias_dim"] = self.c.copies(y) * self.found.bias
        printed = {str(eq.lhs): eq.rhs.doit() for eq in step.after}
        alone = len(step.after) == len(printed)
        same = (
            alone
            and list(printed) == list(wanted)
            and all(sympy.expand(printed[k] - wanted[k]) == 0 for k in wanted)
        )
        require(same, "must count what was found", step.after)


def b_head() -> Symbol:
    """b, as what is evaluated in b(p)."""
    return b


def _fixes(action: Any, axis: Any) -> bool:
    moved = action.move * axis
    return bool(moved == (axis * 0 if action.infinitesimal else axis))


def _argument(law: Any, y: Symbol) -> Any:
    """Where a law reads the field y."""
    (read,) = [e for e in law.atoms(At) if e.head == y]
    return read.points[0]


def _before(product: Any, last: Any) -> Any:
    """What stands before the last factor of a product."""
    factors = sympy.Mul.make_args(product)
    require(factors[-1] == last, "must be linear in x", product)
    return sympy.Mul(*factors[:-1])
