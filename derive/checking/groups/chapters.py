"""The checker of derivations for groups with generators: every printed step, evaluated on numbers.

It reads the steps alone. Sums are compared monomial by monomial at sampled outputs; representatives, classes,
words and tables are followed entry by entry, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import sympy
from sympy import Eq, Indexed, IndexedBase, Symbol

from derive.checking.groups.actions import check_relations
from derive.checking.groups.listing import Listing
from derive.checking.groups.reduction import Reduction
from derive.checking.groups.scene import Scene
from derive.checking.groups.statement import Acting, Statement, moved_by, read_statement
from derive.checking.groups.trials import typical_sizes
from derive.checking.terms import false
from derive.errors import DerivationError, GridError, TooLargeError
from derive.notation import Images, image, moved
from derive.steps import Step

Rule = tuple[str, Callable[[Step], None]]
BEGIN = "write the general linear operator"
MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, StopIteration)


def check_groups(steps: Sequence[Step], grid: int | Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order.

    Sizes that are numbers are checked as they are, and symbols at as many as decide: `grid` is refused.
    """
    if grid is not None:
        rule = "must be left out: the checker of an equivariance derivation chooses the sizes that decide it"
        raise GridError("grid", rule, grid, "call check()")
    if not steps:
        raise false("must hold steps", "none")
    for step, following in pairwise(steps):
        if step.after != following.before:
            raise false(f"must continue where {step.rule!r} stopped", following.rule)
    try:
        chapters = [(first, Chapter.of(chapter)) for first, chapter in _chapters(steps)]
    except DerivationError:
        raise
    except MALFORMED as error:
        raise false("must be well formed", error) from error
    for first, chapter in chapters:
        chapter.check(first)


def _chapters(steps: Sequence[Step]) -> list[tuple[int, Sequence[Step]]]:
    """The chapters with the number of their first step; what joins them is checked on the way."""
    if not steps[0].rule.startswith("take "):
        return [(1, steps)]
    starts = [k for k, step in enumerate(steps) if step.rule.startswith("take ")]
    if steps[-1].rule != "add up the blocks":
        raise false("must go on with 'add up the blocks'", steps[-1].rule)
    bounds = [*starts, len(steps) - 1]
    chapters = [(a + 2, steps[a + 1 : b]) for a, b in pairwise(bounds)]
    if any(not chapter for _, chapter in chapters):
        raise false(f"must go on with {BEGIN!r}", "nothing")
    _check_blocks(steps, [steps[k] for k in starts])
    _check_total(steps[-1], [chapter[-1].after for _, chapter in chapters])
    return chapters


def _check_blocks(steps: Sequence[Step], taken: Sequence[Step]) -> None:
    """Every pair of blocks is taken once, with all that was given about it."""
    given = dict.fromkeys(steps[0].before)
    used = dict.fromkeys(item for step in taken for item in step.after)
    if list(given) != list(used):
        raise false("must use what is given about every block", steps[0].before)
    names = [step.rule.removeprefix("take ").split(" from ") for step in taken]
    rows, columns = (dict.fromkeys(name[k] for name in names) for k in (0, 1))
    if names != [[y, x] for y in rows for x in columns]:
        raise false("must take every pair of blocks once", [step.rule for step in taken])
    fields = {_field(e) for e in given if _is_action(e)}
    if fields and fields != {*rows, *columns}:
        raise false("must take every block", sorted(fields))
    for step, (y, x) in zip(taken, names, strict=True):
        about = [e for e in given if _is_action(e) and _field(e) in (x, y)]
        if sorted(map(str, about)) != sorted(str(e) for e in step.after if _is_action(e)):
            raise false(f"must take all that acts on {y} and {x}", step.after)


def _field(action: Eq) -> str:
    return str(moved_by(action).field)


def _is_action(item: sympy.Basic) -> bool:
    return isinstance(item, Eq) and isinstance(item.lhs, Indexed)


def _check_total(step: Step, counts: Sequence[sympy.Basic]) -> None:
    for name in ("dim", "bias_dim"):
        parts = [eq.rhs for count in counts for eq in count if str(eq.lhs) == name]
        printed = [eq.rhs for eq in step.after if str(eq.lhs) == name]
        if len(printed) != bool(parts) or (parts and not _same(sympy.Add(*parts), printed[0].doit())):
            raise false("must add up the counts", step.after)
    if len(step.after) != 1 + any(str(eq.lhs) == "bias_dim" for eq in step.after):
        raise false("must add up the counts and nothing else", step.after)


def _same(a: sympy.Expr, b: sympy.Expr) -> bool:
    """Whether two counts are equal; oo - oo is no number."""
    return bool(a == b) or (a.is_finite is not False and sympy.expand((a - b).doit()) == 0)


@dataclass
class _Found:
    """What the steps so far have said: `state` is what the last one left, `upcoming` the next one's rule."""

    state: tuple[sympy.Basic, ...] = ()
    constraints: tuple[Eq, ...] = ()
    form: Eq | None = None
    definition: Eq | None = None
    bias_form: Eq | None = None
    bias_definition: Eq | None = None
    upcoming: str = ""


@dataclass(frozen=True)
class Chapter:
    """One chapter, and what has been found on the way through it."""

    steps: Sequence[Step]
    scene: Scene
    found: _Found = field(default_factory=_Found)

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Chapter:
        if steps[0].rule != BEGIN:
            raise false(f"must go on with {BEGIN!r}", steps[0].rule)
        statement = read_statement(steps)
        return cls(steps, Scene(statement, typical_sizes(statement)))

    @property
    def s(self) -> Statement:
        return self.scene.statement

    @property
    def each(self) -> int:
        """How many equations a generator gives."""
        return 1 + self.s.biased

    # ---- entries ----------------------------------------------------------------------------------------

    @property
    def weight(self) -> Indexed:
        return IndexedBase("A")[(*self.s.out, *self.s.into)]

    @property
    def read(self) -> Indexed:
        return IndexedBase(self.s.x)[self.s.into]

    @property
    def bias(self) -> Indexed:
        return IndexedBase("b")[self.s.out]

    def total(self, term: sympy.Expr) -> sympy.Expr:
        """The sum over all inputs, as stated."""
        limits = self.s.limits(self.s.into)
        return sympy.Sum(term, *limits) if limits else term

    def period(self, site: Symbol) -> int | None:
        """How far one translation moves an output site, None where none does."""
        if not self.s.translated or site not in self.s.out:
            return None
        moved = self.s.actings[0].y.lhs.indices[self.s.out.index(site)]
        return sum(abs(int(sympy.expand(moved).coeff(shift))) for shift in self.s.shifts) or None

    def with_sizes(self, sizes: Mapping[Symbol, int]) -> Chapter:
        """The same chapter with numbers for symbols of sizes."""
        return replace(self, scene=Scene(self.s, sizes))

    # ---- the road ---------------------------------------------------------------------------------------

    def check(self, first: int) -> None:
        """Every step under the rule that has to come next."""
        wanted = self.rules()
        for number, step in enumerate(self.steps, first):
            self.found.upcoming = step.rule
            try:
                rule, check = next(wanted, ("", None))
                if step.rule != rule or check is None:
                    what = f"must go on with {rule!r}" if rule else "must end there"
                    raise false(what, step.rule)
                check(step)
            except DerivationError as error:
                raise DerivationError(
                    f"step {number}, {step.rule!r},", error.rule, error.value, error.remedy
                ) from error
            except TooLargeError:
                raise
            except MALFORMED as error:
                raise false(f"must be well formed at step {number}, {step.rule!r}", error) from error
            self.found.state = tuple(step.after)
        if following := next(wanted, None):
            raise false(f"must go on with {following[0]!r}", "nothing")

    def rules(self) -> Iterator[Rule]:
        """The rules in order, each with its check; what earlier steps have found decides later ones."""
        yield BEGIN, self._general
        for acting in self.s.actings:
            g = acting.name
            yield f"act on the input by {g}", partial(self._act_on_input, acting)
            yield f"re-index by {g}", partial(self._reindex, acting)
            yield f"act on the output by {g}", partial(self._act_on_output, acting)
            yield f"compare coefficients under {g}", self._compare
        self.found.constraints = self.found.state[1:]
        yield from Reduction(self).rules()
        yield from Listing(self).rules()

    def kept(self, step: Step, known: Sequence[sympy.Basic], new: int) -> tuple[sympy.Basic, ...]:
        """The `new` items that a step adds to what it keeps."""
        after = tuple(step.after)
        if after[: len(known)] != tuple(known) or len(after) != len(known) + new:
            raise false("must keep what was found and add to it", step.after)
        return after[len(known) :]

    def _general(self, step: Step) -> None:
        (printed,) = step.after
        if self.scene.permutations is not None:  # looked at first: they must be permutations
            check_relations(self.s, self.scene.components)
        self._require_limits(printed.rhs)
        self.scene.require_same(
            printed.rhs, self.total(self.weight * self.read) + (self.bias if self.s.biased else 0)
        )

    def _require_limits(self, right: sympy.Expr) -> None:
        """Sums over inputs run over the stated ranges, all of them."""
        stated = dict.fromkeys(self.s.limits(self.s.into))
        for total in right.atoms(sympy.Sum):
            own = [limit for limit in total.limits if limit[0] in self.s.into]
            if dict.fromkeys(own) != stated and own:
                raise false("must sum over the ranges that it states", total.limits)

    def _moved(self, acting: Acting) -> IndexedBase:
        return moved(acting.mover, IndexedBase(self.s.x))

    def _act_on_input(self, acting: Acting, step: Step) -> None:
        (printed,) = self.kept(step, self.found.state, 1)
        if printed.lhs != image(self._moved(acting))[self.s.out]:
            raise false("must have plain indices on its left", printed.lhs)
        read = self._moved(acting)[self.s.into]
        constant = self.bias if self.s.biased and not acting.infinitesimal else 0
        self._require_limits(printed.rhs)
        self.scene.require_same(printed.rhs, self.total(self.weight * read) + constant)

    def _reindex(self, acting: Acting, step: Step) -> None:
        (printed,) = self.kept(step, self.found.state[:-1], 1)
        self.scene.require_bijective(acting.x)
        self.scene.require_inside(acting.x, self.s.into)
        self.scene.require_inside(acting.y, self.s.out)
        there, at = tuple(acting.x.lhs.indices), tuple(acting.y.lhs.indices)
        if printed.lhs != image(self._moved(acting))[at]:
            raise false(f"must be read where {acting.name} takes the output", printed.lhs)
        constant = IndexedBase("b")[at] if self.s.biased and not acting.infinitesimal else 0
        expected = self.total(IndexedBase("A")[(*at, *there)] * acting.x.rhs) + constant
        self._require_limits(printed.rhs)
        self.scene.require_same(printed.rhs, expected)

    def _act_on_output(self, acting: Acting, step: Step) -> None:
        (printed,) = self.kept(step, self.found.state[:-1], 1)
        if printed.lhs != self.found.state[-1].rhs:
            raise false("must keep its left side", printed.lhs)
        operator = self.found.state[0].rhs
        defined = Eq(IndexedBase(acting.output)[self.s.out], operator, evaluate=False)
        self._require_limits(printed.rhs)
        self.scene.require_same(printed.rhs, acting.y.rhs, defined)

    def _compare(self, step: Step) -> None:
        new = self.kept(step, self.found.state[:-1], self.each)
        for side in (0, 1):
            weight, *constant = (eq.args[side] for eq in new)
            self.scene.require_same(
                self.total(weight * self.read) + sum(constant), self.found.state[-1].args[side]
            )
        if any(
            str(e.base.label) != "A" and e.base.label not in self.s.tables
            for e in new[0].atoms(Indexed)
            if not isinstance(e.base.label, Images)
        ):
            raise false("must compare the coefficients of x alone", new[0])
