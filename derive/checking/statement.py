"""What a derivation for a group states, read off its first step: actions, tables, locality, ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Eq, Indexed, Symbol, Tuple

from derive.checking.terms import false
from derive.notation import ComponentTable, Generator, Image, Infinitesimal, Moved, Primed, Translation
from derive.steps import Step, modulus

LEADING = ("i", "alpha", "c", "beta")


@dataclass(frozen=True)
class Acting:
    """How one generator acts: what moves the fields, and the printed equations for x and for y."""

    mover: Generator | Translation | Infinitesimal
    x: Eq
    y: Eq

    @property
    def name(self) -> str:
        """The mover in words: T_s, r, L(X)."""
        return str(self.mover)

    @property
    def generator(self) -> str:
        """The letter of words: L(X) is written X."""
        return (self.mover.generator if isinstance(self.mover, Infinitesimal) else self.mover).name

    @property
    def mixes(self) -> bool:
        """Whether components mix on either side, rather than go one to one."""
        return self.infinitesimal or self.x.rhs.has(sympy.Sum) or self.y.rhs.has(sympy.Sum)

    @property
    def infinitesimal(self) -> bool:
        return isinstance(self.mover, Infinitesimal)

    @property
    def output(self) -> Symbol:
        """The name of y."""
        return moved_by(self.y).field


@dataclass(frozen=True)
class Statement:
    """Everything that the steps of one chapter may use."""

    x: Symbol
    actings: tuple[Acting, ...]
    tables: Mapping[ComponentTable, sympy.Basic]
    relations: tuple[Eq, ...]
    presumed: tuple[sympy.Basic, ...]
    condition: sympy.Basic | None
    where: Mapping[Symbol, sympy.Set]
    out: tuple[Symbol, ...]  # i, alpha, u, v: the indices of y
    into: tuple[Symbol, ...]  # c, beta, u', v': the indices of x
    biased: bool

    @cached_property
    def sites(self) -> tuple[tuple[Symbol, ...], tuple[Symbol, ...]]:
        """The site indices of the output and of the input."""
        return tuple(tuple(s for s in side if s.name not in LEADING) for side in (self.out, self.into))  # type: ignore[return-value]

    @cached_property
    def shifts(self) -> tuple[Symbol, ...]:
        """s_u, s_v, ...: what a translation moves by."""
        return tuple(s for s in self.where if s not in (*self.out, *self.into))

    @property
    def point(self) -> tuple[Acting, ...]:
        """The generators that are not translations."""
        return tuple(a for a in self.actings if not isinstance(a.mover, Translation))

    @property
    def translated(self) -> bool:
        return len(self.point) < len(self.actings)

    def require_limits(self, printed: sympy.Expr) -> None:
        """Sums over copies and components run over all of them."""
        for total in printed.atoms(sympy.Sum):
            for variable, *limits in total.limits:
                name = variable.of.name if isinstance(variable, Primed) else variable.name
                if name in LEADING:
                    stated = [ends(d) for s, d in self.where.items() if s.name == name]
                    if stated != [tuple(limits)]:
                        raise false("must sum over the copies and components that it states", total.limits)

    def limits(self, indices: Sequence[Symbol]) -> tuple[tuple[Symbol, sympy.Expr, sympy.Expr], ...]:
        """The printed ranges of some indices, as limits of a sum."""
        return tuple((s, *ends(self.where[s])) for s in indices)


def read_statement(steps: Sequence[Step]) -> Statement:
    """The statement of a chapter: what stands before its first step, and the indices of the operator."""
    given, operator, where = steps[0].before, steps[0].after, steps[0].where
    if not isinstance(given, Tuple):
        raise false("must begin with how every generator acts", given)
    actions = [item for item in given if isinstance(item, Eq) and isinstance(item.lhs, Indexed)]
    relations = [item for item in given if isinstance(item, Eq) and not item.lhs.is_commutative]
    tables = [e for e in given if isinstance(e, Eq) and isinstance(e.lhs, ComponentTable)]
    stated = given[len(actions) + len(tables) + len(relations) :]
    presumed = [item for item in stated if not item.free_symbols & {symbol for symbol, _ in where}]
    rest = stated[len(presumed) :]
    if list(given) != [*actions, *tables, *relations, *presumed, *rest] or len(rest) > 1 or len(actions) % 2:
        raise false("must state actions on both fields, tables, relations, sizes, then locality", given)
    pairs = list(zip(actions[::2], actions[1::2], strict=True))
    actings = tuple(Acting(moved_by(x).mover, _sent(x), _sent(y)) for x, y in pairs)
    x = _field(operator)
    for acting in actings:
        named = (moved_by(acting.x).field, moved_by(acting.y).mover, acting.output)
        if named != (x, acting.mover, actings[0].output):
            raise false("must let one generator act on both fields", (acting.x, acting.y))
    if len({a.mover for a in actings}) != len(actings):
        raise false("must state every generator once", [a.name for a in actings])
    ranges = dict(where)
    if len(ranges) != len(where):
        raise false("must say once what every index ranges over", where)
    out, into, biased = _indices(operator, x)
    statement = Statement(
        x,
        actings,
        {eq.lhs: eq.rhs for eq in tables},
        tuple(relations),
        tuple(presumed),
        rest[0] if rest else None,
        ranges,
        out,
        into,
        biased,
    )
    _require_ranges(statement)
    for action in actions:
        statement.require_limits(action.rhs)
    return statement


def moved_by(action: Eq) -> Moved:
    """What acts on which field, on the left of an action."""
    name = action.lhs.base.label
    if not isinstance(name, Moved):
        raise false("must say which generator acts on which field", action)
    return name


def _field(operator: sympy.Basic) -> Symbol:
    """x, of an operator that is written T(x)."""
    if not isinstance(operator, Tuple) or len(operator) != 1 or not isinstance(operator[0], Eq):
        raise false("must write one operator", operator)
    name = operator[0].lhs.base.label if isinstance(operator[0].lhs, Indexed) else None
    if not isinstance(name, Image) or isinstance(name.of, Moved):
        raise false("must write the operator as T(x)", operator[0].lhs)
    return name.of


def _sent(action: Eq) -> Eq:
    """(T_s x)[p] = x[p - s] as (T_s x)[p + s] = x[p], which is how other generators are stated."""
    if not isinstance(moved_by(action).mover, Translation):
        return action
    plain, read = action.lhs.indices, action.rhs.indices if isinstance(action.rhs, Indexed) else ()
    if len(plain) != len(read) or not all(isinstance(index, Symbol) for index in plain):
        raise false("must define the translated field at plain indices", action)
    goes = (p if p == q else sympy.expand(2 * p - q) for p, q in zip(plain, read, strict=True))
    return Eq(action.lhs.base[tuple(goes)], action.rhs.base[tuple(plain)], evaluate=False)


def _indices(operator: sympy.Basic, x: Symbol) -> tuple[tuple[Symbol, ...], tuple[Symbol, ...], bool]:
    """The plain indices of y and of x in the general operator."""
    image = operator[0].lhs
    reads = [e for e in operator[0].rhs.atoms(Indexed) if e.base.label == x]
    if not isinstance(image, Indexed) or len(reads) != 1:
        raise false("must read every entry of the input once", operator)
    indices = tuple(image.indices), tuple(reads[0].indices)
    if not all(isinstance(s, Symbol) for s in (*indices[0], *indices[1])):
        raise false("must have plain indices", operator)
    biased = any(str(e.base.label) == "b" for e in operator[0].rhs.atoms(Indexed))
    return (*indices, biased)


def _require_ranges(statement: Statement) -> None:
    wanted = {*statement.out, *statement.into}
    if len(wanted) != len(statement.out) + len(statement.into) or not statement.where.keys() >= wanted:
        raise false("must say what every index ranges over, one letter each", tuple(statement.where))
    for index in wanted:
        ends(statement.where[index])
    for shift in statement.shifts:
        if statement.where[shift] is not sympy.S.Integers:
            raise false("must let translations range over Z", shift)


def ends(domain: sympy.Set) -> tuple[sympy.Expr, sympy.Expr]:
    """The first and last value of a printed range: all of Z, Z mod n, or from 0."""
    if domain is sympy.S.Integers:
        return -sympy.oo, sympy.oo
    n = modulus(domain)
    if n is not None:
        return sympy.S.Zero, n - 1
    if not isinstance(domain, sympy.Range) or domain.start != 0 or domain.step != 1:
        raise false("must let every index range over Z, Z mod n or from 0", domain)
    return sympy.S.Zero, domain.stop - 1


def size_symbols(statement: Statement) -> list[Symbol]:
    """The symbols that stand for sizes of grids or for radii, in order."""
    last = [ends(d)[1] for s, d in statement.where.items() if s.name not in LEADING]
    found = {symbol for end in last for symbol in end.free_symbols}
    if statement.condition is not None:
        found |= statement.condition.free_symbols - set(statement.where)
    found = found.union(*(relation.free_symbols for relation in statement.presumed))
    return sorted(found, key=str)
