"""How kernels on R^n are found: translations, the point group, a direction and what fixes it, polynomials.

One chapter per pair of blocks; copies of a piece have the same kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Add, Eq, ImmutableMatrix, IndexedBase, Integer, Mul, Symbol, Tuple

from derive.derivation.chain import Move, chain
from derive.derivation.derivation import Derivation
from derive.errors import TooLargeError
from derive.hom.intertwiners import Intertwiners, intertwiners
from derive.notation import At, Image, Moved, Translation
from derive.space import equations as e
from derive.space.answer import SpaceAnswer, SpacePair
from derive.space.form import radial
from derive.space.stabiliser import stabiliser
from derive.steps import Step
from derive.symmetry.representation import from_blocks, trivial

LARGEST = 6_000  # entries of all kernels of a pair that are printed
DIM, ORIGIN, BIAS_DIM = map(Symbol, ("dim", "at_origin", "bias_dim"))


def derive_space(answer: SpaceAnswer) -> Derivation:
    """The derivation of an answer, chapter by chapter."""
    columns = len(answer.problem.x.fibre.blocks)
    chapters = [Chapter(answer, pair, *divmod(at, columns)) for at, pair in enumerate(answer.pairs)]
    if len(chapters) == 1:
        return chapters[0].derivation
    given = Tuple(*dict.fromkeys(item for chapter in chapters for item in chapter.given))
    steps: list[Step] = []
    state: Any = given
    counts: list[Any] = []
    for chapter in chapters:
        n = chapter.n
        because = "each pair of blocks of the two fields has kernels of its own"
        steps.append(Step(f"take {n.output} from {n.input}", state, chapter.given, because, chapter.domains))
        steps += chapter.derivation
        state = steps[-1].after
        counts += list(state)
    totals = []
    for name in (DIM, ORIGIN, BIAS_DIM):
        parts = [eq.rhs for eq in counts if eq.lhs == name]
        totals += [Eq(name, Add(*parts, evaluate=False), evaluate=False)] if parts else []
    steps.append(Step("add up the blocks", state, Tuple(*totals), "every pair of blocks has its own weights"))
    return Derivation(steps)


@dataclass(frozen=True)
class Chapter:
    """One pair of blocks."""

    answer: SpaceAnswer
    pair: SpacePair
    row: int
    column: int

    @property
    def problem(self) -> Any:
        return self.answer.problem

    @property
    def biased(self) -> bool:
        """The bias belongs to the first block of the input."""
        return self.problem.bias and not self.column

    @cached_property
    def n(self) -> e.Letters:
        whole = e.letters(self.problem.x, self.problem.y)
        names = []
        for name, field, at in (
            (whole.input, self.problem.x, self.column),
            (whole.output, self.problem.y, self.row),
        ):
            names.append(name if len(field.fibre.blocks) == 1 else f"{name}_{at + 1}")
        return e.Letters(*names)

    @property
    def _pieces(self) -> tuple[Any, Any]:
        return self.pair.kernels.output, self.pair.kernels.input

    @cached_property
    def given(self) -> Tuple:
        """How the fields move, and the matrices of every generator."""
        space, (out, into) = self.problem.group, self._pieces
        found = [
            law(name)
            for name in (self.n.input, self.n.output)
            for law in (e.moved_by_translation, e.moved_by_point)
        ]
        for g in space.point.generators:
            infinitesimal = g in space.point.algebra
            found += e.matrices(self.n, g, infinitesimal, space.action[g], out.matrix(g), into.matrix(g))
        for name, copies in ((self.n.input, self.pair.copies_in), (self.n.output, self.pair.copies_out)):
            if copies != 1:
                found.append(Eq(Symbol(f"copies_{name}"), copies, evaluate=False))
        return Tuple(*found)

    @property
    def domains(self) -> Any:
        dim = self.problem.group.dim
        space = sympy.S.Reals if dim == 1 else sympy.ProductSet(*[sympy.S.Reals] * dim)
        return tuple((v, space) for v in (e.p, e.q, e.s, e.d))

    @cached_property
    def derivation(self) -> Derivation:
        rows, columns = self.pair.kernels.shape
        size = rows * columns * self.pair.kernels.starts[-1]
        if size > LARGEST:
            rule = f"must have kernels of at most {LARGEST:,} entries together to be printed"
            raise TooLargeError("derivation", rule, f"{size:,}", "use smaller fibres or a lower max_degree")
        return chain(self.given, self.domains, self._moves())

    # ---- the steps --------------------------------------------------------------------------------------

    def _moves(self) -> Iterator[Move]:
        yield from _translations(self.n, self.biased)
        yield from _rotations(self.n, self.biased)
        state: list[Any] = list(self._by_generators)
        yield (
            "take the generators",
            Tuple(*state),
            "what holds for them holds for their products; for X in the Lie algebra put h = exp(t X) and "
            "differentiate at t = 0",
        )
        if self.biased:
            state.append(Eq(e.b, self._bias, evaluate=False))
            yield "solve for the bias", Tuple(*state), "the vectors that every generator fixes"
        yield from self._kernels(state)

    @cached_property
    def _by_generators(self) -> list[Eq]:
        point, n = self.problem.group.point, self.n
        found = [e.generator_constraint(n, g, g in point.algebra) for g in point.generators]
        if self.biased:
            found += [e.bias_by_generator(n, g, g in point.algebra) for g in point.generators]
        return found

    @cached_property
    def _bias(self) -> ImmutableMatrix:
        out, _ = self._pieces
        group = self.problem.group.point
        return _general(intertwiners(trivial(group), from_blocks(group, [(1, out)])), "v")

    @cached_property
    def _polynomials(self) -> list[Any]:
        kernels = self.pair.kernels
        return [kernels.kernel(k) for k in range(kernels.starts[-1])]

    def _kernels(self, state: list[Any]) -> Iterator[Move]:
        if self.problem.group.transitive:
            yield from self._representative(state)
        defined = [
            Eq(_called(k), kernel.matrix, evaluate=False) for k, kernel in enumerate(self._polynomials, 1)
        ]
        state += defined
        top = self.problem.top
        yield (
            f"write harmonic polynomials of degree 0..{top}",
            Tuple(*state),
            "each satisfies the constraint of every generator as a polynomial; |d|^2 is invariant, so powers "
            "of it go into the radial functions, and harmonic ones are what is left",
        )
        if self.problem.group.transitive:
            state += self._evaluated
            yield "compare at the representative", Tuple(*state), self._why_all
        total = Add(*(radial(k) * _called(k) for k in range(1, len(defined) + 1)), evaluate=False)
        if len(defined) < 2:
            total = radial(1) * _called(1) if defined else sympy.S.Zero
        form = Eq(At(e.K, e.d), total, evaluate=False)
        yield "give each a radial function", Tuple(*state, form), self._why_form
        origin = self._origin
        yield (
            "look at the origin",
            Tuple(*state, form, origin),
            "polynomials of a higher degree vanish at 0; a kernel is smooth there when every f_b is a smooth "
            "function of |d|^2",
        )
        layer = e.layer(self.n, self.biased)
        yield "write the layer", Tuple(*state, form, origin, layer), "put q = p + d"
        yield "count", Tuple(*self._counts), self._why_count

    def _representative(self, state: list[Any]) -> Iterator[Move]:
        space = self.problem.group
        r = Symbol("r", positive=True)
        d0 = ImmutableMatrix([0] * (space.dim - 1) + [r])
        state.append(Eq(_D0, d0, evaluate=False))
        S, name = stabiliser(space)
        kept = S.generators if S is not None else ()
        for g in kept:
            infinitesimal = g in space.point.algebra
            move, _, _ = e.acting(self.n, g, infinitesimal)
            state.append(Eq(move * _D0, sympy.S.Zero if infinitesimal else _D0, evaluate=False))
        yield (
            "take a representative",
            Tuple(*state),
            f"the orbits are the spheres |d| = r and 0, and d_0 stands for its sphere; {name} fixes it",
        )
        group, (out, into) = space.point, self._pieces
        V, W = (from_blocks(group, [(1, piece)]) for piece in (into, out))
        if S is None:
            rows, columns = self.pair.kernels.shape
            k = IndexedBase("k")
            matrix = ImmutableMatrix(rows, columns, lambda i, j: k[i * columns + j])
        else:
            matrix = _general(intertwiners(V.restrict(S), W.restrict(S)), "k")
        state.append(Eq(At(e.K, _D0), matrix, evaluate=False))
        yield (
            "solve at the representative",
            Tuple(*state),
            f"K(d_0) commutes with {name}; k depends on r alone",
        )

    @property
    def _evaluated(self) -> list[Eq]:
        dim, letters = self.problem.group.dim, self.problem.letters
        r = Symbol("r", positive=True)
        at = dict(zip(letters, [sympy.S.Zero] * (dim - 1) + [r], strict=True))
        return [
            Eq(_called(k, _D0), kernel.matrix.xreplace(at), evaluate=False)
            for k, kernel in enumerate(self._polynomials, 1)
        ]

    @property
    def _origin(self) -> Eq:
        terms = [
            At(Symbol(f"f_{k}"), sympy.S.Zero) * kernel.matrix
            for k, kernel in enumerate(self._polynomials, 1)
            if kernel.degree == 0
        ]
        rows, columns = self.pair.kernels.shape
        value = sum(terms[1:], terms[0]) if terms else ImmutableMatrix.zeros(rows, columns)
        return Eq(At(e.K, sympy.S.Zero), ImmutableMatrix(value), evaluate=False)

    @property
    def _counts(self) -> list[Eq]:
        many = self.pair.copies_in * self.pair.copies_out
        rows, columns = self.pair.kernels.shape
        kernels = len(self._polynomials)
        origin = self.pair.kernels.dims[0]
        free = kernels if self.problem.group.transitive else rows * columns
        counts = [(DIM, free, many), (ORIGIN, origin, many)]
        counts += (
            [(BIAS_DIM, len(self._bias.atoms(sympy.Indexed)), self.pair.copies_out)] if self.biased else []
        )
        if not self.problem.group.transitive:
            counts.insert(1, (Symbol("kernels"), kernels, many))
        return [
            Eq(name, Mul(Integer(n), copies, evaluate=False) if copies != 1 else Integer(n), evaluate=False)
            for name, n, copies in counts
        ]

    @property
    def _why_all(self) -> str:
        return (
            "they are as many as the free k and independent, so at every r > 0 they span what K(d_0) may be"
        )

    @property
    def _why_form(self) -> str:
        if self.problem.group.transitive:
            return "K(h d_0) = rho_y(h) K(d_0) rho_x(h)^-1, as for P_b, and f_b depends on |d|"
        return f"up to degree {self.problem.top}; all degrees together are dense in the continuous kernels"

    @property
    def _why_count(self) -> str:
        if self.problem.group.transitive:
            return "one free function of |d| per polynomial"
        return (
            "nothing but the identity fixes a generic direction, so on its orbit K is free at one point; "
            "kernels are counted up to the degree"
        )


_D0 = Symbol("d_0", commutative=False)


def _called(number: int, at: Any = e.d) -> At:
    return At(Symbol(f"P_{number}"), at)


def _general(maps: Intertwiners, letter: str) -> ImmutableMatrix:
    """The general map, with free weights."""
    weights = IndexedBase(letter)
    entries: dict[tuple[int, int], Any] = {}
    rows, columns = map(int, maps.shape)
    for k, element in enumerate(maps):
        places = zip(element.rows.tolist(), element.columns.tolist(), element.values.tolist(), strict=True)
        for i, j, value in places:
            entries[i, j] = entries.get((i, j), 0) + sympy.sympify(value) * weights[k]
    return ImmutableMatrix(rows, columns, lambda i, j: entries.get((int(i), int(j)), 0))


def _translations(n: e.Letters, biased: bool) -> Iterator[Move]:
    """From the general operator to a kernel of q - p."""
    p, q, s, x, A = e.p, e.q, e.s, n.x, e.A
    T = Moved(Translation(), x)

    def both(left: Any, kernel: Any, at: Any, read: Any) -> Eq:
        total = e.integral(kernel * At(x, read), q, At(e.b, at) if biased else None)
        return Eq(left, total, evaluate=False)

    operator = e.operator(n, biased)
    yield (
        "write the general integral operator",
        Tuple(operator),
        "every linear operator, with nothing tied yet",
    )
    left = At(Image(T), p)
    acted = both(left, At(A, p, q), p, q - s)
    yield "act on the input by T_s", Tuple(operator, acted), "put T_s x for x"
    moved = both(left, At(A, p, q + s), p, q)
    yield "re-index by T_s", Tuple(operator, moved), "put q + s for q, which keeps volumes"
    right = both(At(Moved(Translation(), Image(x)), p), At(A, p - s, q), p - s, q)
    yield "act on the output by T_s", Tuple(operator, moved, right), "T_s moves the output as any field"
    pairs = [(At(A, p, q + s), At(A, p - s, q))] + ([(At(e.b, p), At(e.b, p - s))] if biased else [])
    yield "compare coefficients under T_s", _equations(pairs), "x is arbitrary"
    pairs = [(At(A, p, q), At(A, 0, q - p))] + ([(At(e.b, p), At(e.b, 0))] if biased else [])
    yield "choose s to reach a representative", _equations(pairs), "put s = p, then q - p for q"
    named = [(At(e.K, e.d), At(A, 0, e.d))] + ([(e.b, At(e.b, 0))] if biased else [])
    yield (
        "name the kernel",
        Tuple(*_equations(named), _kernel_operator(n, biased)),
        "K depends on q - p alone",
    )


def _kernel_operator(n: e.Letters, biased: bool) -> Eq:
    total = e.integral(At(e.K, e.q - e.p) * At(n.x, e.q), e.q, e.b if biased else None)
    return Eq(At(Image(n.x), e.p), total, evaluate=False)


def _rotations(n: e.Letters, biased: bool) -> Iterator[Move]:
    """What an element h of the point group asks of the kernel."""
    p, q, h, x, K = e.p, e.q, e.h, n.x, e.K
    operator, left = _kernel_operator(n, biased), At(Image(Moved(h, x)), p)
    bias = e.b if biased else None
    acted = Eq(left, e.integral(At(K, q - p) * At(n.rho_x, h) * At(x, h**-1 * q), q, bias), evaluate=False)
    yield "act on the input by h", Tuple(operator, acted), "put h x for x"
    moved = Eq(left, e.integral(At(K, h * q - p) * At(n.rho_x, h) * At(x, q), q, bias), evaluate=False)
    yield "re-index by h", Tuple(operator, moved), "put h q for q: M(h) is orthogonal, so it keeps volumes"
    turned = None if bias is None else At(n.rho_y, h) * bias
    value = e.integral(At(n.rho_y, h) * At(K, q - h**-1 * p) * At(x, q), q, turned)
    right = Eq(At(Moved(h, Image(x)), p), value, evaluate=False)
    yield "act on the output by h", Tuple(operator, moved, right), "h moves the output by rho_y"
    pairs = [(At(K, h * q - p) * At(n.rho_x, h), At(n.rho_y, h) * At(K, q - h**-1 * p))]
    pairs += [] if bias is None else [(bias, At(n.rho_y, h) * bias)]
    yield "compare coefficients under h", _equations(pairs), "x is arbitrary"
    found = [e.point_constraint(n), *([] if bias is None else [e.bias_constraint(n)])]
    yield "put q = d + h^-1 p", Tuple(*found), "K depends on a displacement alone"


def _equations(pairs: Sequence[tuple[Any, Any]]) -> Tuple:
    return Tuple(*(Eq(left, right, evaluate=False) for left, right in pairs))
