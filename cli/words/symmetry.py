"""Words for symmetries: "p4m", "translations in 1-D by 2", "D4 on 8x8", "S5 x SO(3)"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from cli.words import catalogue
from cli.words.said import Said, call, multiply
from cli.words.scanner import Scanner, WordError, suggestion
from cli.words.sizes import CROSS, Axes, Lattice, lattice
from derive.errors import DeriveError
from derive.symmetry.wallpaper import WALLPAPER

OPTION = "--symmetry"
HELP = "'derive list' shows all of them"
LARGEST = 10**6  # points or dimensions of a group
TIMES = r"(?:x|×|\*)(?!\w)|[×*]"


@dataclass(frozen=True)
class Symmetry:
    """What was asked for, before the lattice is known.

    `kind`: 'translations', 'wallpaper', 'point' (of a lattice, with or without translations) or 'abstract'
    (no lattice); `group`: the group, of which `period` and `centre` are still open; `on`: the lattice that
    was named with it.
    """

    scanner: Scanner
    kind: str
    name: str
    dim: int
    group: Said
    period: tuple[int, ...] | None = None
    on: Lattice | None = None
    translated: bool = False

    @property
    def hexagonal(self) -> bool:
        return self.name in (*catalogue.HEXAGONAL_WALLPAPERS, *catalogue.HEXAGONAL_POINTS)

    def fail(self, rule: str, remedy: str) -> WordError:
        return self.scanner.fail(rule, remedy, 0)

    def space(self, steps: tuple[int, ...], offset: tuple[Fraction, ...]) -> Said:
        """The space group whose translations carry every step of the fields, about a centre that fits."""
        period = self._periods(steps)
        moved = any(step > 1 for step in steps) and any(offset)
        if self.kind == "translations":
            named = {} if set(period) == {1} else {"period": _one(period)}
            return call("translations", self.dim, **named)
        if self.kind == "point":
            named = ({} if set(period) == {1} else {"period": _one(period)}) | (
                {"centre": _one(offset)} if moved else {}
            )
            return call("space_group", self.group, **named)
        named = {} if period == WALLPAPER[self.name][1] else {"period": _one(period)}
        found = call("wallpaper", self.name, **named)
        return _about(found, _one(offset)) if moved else found

    def _periods(self, steps: tuple[int, ...]) -> tuple[int, ...]:
        """What was asked for, or the least periods whose glides, half a period, are whole steps."""
        if self.period is not None:
            return self.period
        least = WALLPAPER[self.name][1] if self.kind == "wallpaper" else (1,) * self.dim
        return tuple(p * s for p, s in zip(least, steps, strict=True))


def _about(group: Said, centre: Any) -> Said:
    """The same motions about another centre."""
    space = group.value
    named = {"period": tuple(space.period), "centre": centre}
    named |= {"glide": Said(dict(space.glide), _glides(space.glide))} if space.glide else {}
    name = space.name
    inner = Said(space.point, f'dv.point_group("{space.point.name}", dim=2)')
    return call("space_group", inner, **named, name=name)


def _glides(glide: Any) -> str:
    parts = (f'"{g}": ({", ".join(map(str, shift))})' for g, shift in glide)
    return "{" + ", ".join(parts) + "}"


def _one(entries: tuple[Any, ...]) -> Any:
    return entries[0] if len(set(entries)) == 1 else entries


def symmetry(text: str, option: str = OPTION) -> Symmetry:
    """Read a symmetry.

    >>> symmetry("p4m").kind, symmetry("S5 x SO(3)").group.code
    ('wallpaper', 'dv.symmetric(5) * dv.special_orthogonal(3)')
    """
    s = Scanner(option, text)
    if s.done:
        raise s.fail("is empty", f"write p4m for example; {HELP}")
    found = _factor(s)
    while s.take(TIMES):
        at = s.at
        other = _factor(s)
        found = _product(s, at, found, other)
    s.finish(f"write one symmetry, or a product such as 'S5 x S3'; {HELP}")
    return found


def _product(s: Scanner, at: int, one: Symmetry, other: Symmetry) -> Symmetry:
    for part, place in ((one, 0), (other, at)):
        if part.kind in ("translations", "wallpaper") or part.on or part.translated:
            remedy = "multiply groups without a lattice, such as S5 x S3"
            raise s.fail(f"{part.name} moves a lattice, and such groups have no product here", remedy, place)
    group = multiply(one.group, other.group)
    return Symmetry(s, "abstract", f"{one.name} x {other.name}", 0, group)


@dataclass
class _Asked:
    """What a factor says about itself, in whatever order."""

    dim: int | None = None
    period: Axes | None = None
    on: Lattice | None = None
    translated: bool = False
    copies: int | None = None


def _factor(s: Scanner) -> Symmetry:
    asked = _Asked(_dimension(s))
    at = s.at
    word = _word(s)
    while not s.done and _more(s, asked):
        pass
    found = _named(s, at, word, asked)
    if asked.copies is not None:
        made = _checked(s, at, "wreath", found.group, asked.copies)
        found = Symmetry(s, "abstract", f"{found.name} wr {asked.copies}", 0, made)
    if found.kind == "abstract" and (asked.period or asked.on or asked.translated):
        remedy = "name a wallpaper group, a point group such as D4, or translations"
        raise s.fail(f"{found.name} moves no lattice", remedy, at)
    period = asked.period.along(found.dim, s, "period") if asked.period else None
    translated = asked.translated or period is not None or found.kind in ("translations", "wallpaper")
    return replace(found, period=period, on=asked.on, translated=translated)


def _more(s: Scanner, asked: _Asked) -> bool:
    """One more word about a symmetry; whether there was one."""
    if s.word("in"):
        asked.dim = _dimension(s)
        if asked.dim is None:
            raise s.fail(f"expected a number of axes, found {s.rest()}", "write 'in 3-D'")
    elif s.word("by"):
        asked.period = _period(s)
    elif s.word("on"):
        asked.on = _on(s)
    elif s.word(r"with\s+translations"):
        asked.translated = True
    elif s.word("wr"):
        asked.copies = s.number("the number of copies", "write 'S3 wr 4'")
    else:
        return False
    return True


def _dimension(s: Scanner) -> int | None:
    found = s.take(r"(\d)\s*-?\s*D(?!\w)")
    return int(found[1]) if found else None


def _period(s: Scanner) -> Axes:
    """Translations by 2, by 2x1, by (1, 0)."""
    remedy = "write 'by 2' or 'by 2x1'; 0 for an axis that is not translated"
    closed = s.take(r"\(")
    entries = [s.number("a period", remedy)]
    while s.take(CROSS):
        entries.append(s.number("a period", remedy))
    if closed:
        s.expect(r"\)", "')'", remedy)
    return Axes(tuple(entries))


def _on(s: Scanner) -> Lattice:
    """A grid named with the symmetry: everything that follows."""
    try:
        read = lattice(s.text[s.at :], s.option)
    except WordError as error:
        raise s.fail(error.rule, error.remedy, s.at + error.at) from error
    s.at = len(s.text)
    return replace(read, scanner=s)


def _word(s: Scanner) -> str:
    """A name with its number: p31m, S_5, SO(3), cyclic 12, full Lorentz, SO(1,3)."""
    found = s.expect(
        r"(?:cyclic|dihedral|symmetric|alternating|hyperoctahedral)\s*\(?\s*\d+\s*\)?"
        r"|full\s+lorentz|lorentz\s+full|SO\+"
        r"|[^\W\d]\w*",
        "the name of a symmetry",
        f"write p4m for example; {HELP}",
    )[0]
    numbers = s.take(r"\(\s*\d+(?:\s*,\s*\d+)*\s*\)")
    return "".join(found.split()) + ("".join(numbers[0].split()) if numbers else "")


def _named(s: Scanner, at: int, word: str, asked: _Asked) -> Symmetry:
    """One group by its word."""
    lower = word.lower()
    if lower in catalogue.LORENTZ:
        name, arguments = catalogue.LORENTZ[lower]
        return Symmetry(s, "abstract", name, 0, call("lorentz", **arguments))
    shifts = re.fullmatch(r"(?:translations?|shifts)(?:\((\d)\))?", lower)
    if shifts:
        axes = int(shifts[1] or asked.dim or 2)
        return Symmetry(s, "translations", "translations", axes, _checked(s, at, "translations", axes))
    if lower in WALLPAPER:
        if asked.dim not in (None, 2):
            raise s.fail(f"{lower} lives in the plane", f"leave '{asked.dim}-D' out", at)
        return Symmetry(s, "wallpaper", lower, 2, call("wallpaper", lower))
    point = catalogue.point_name(word)
    return _point(s, at, point, asked.dim) if point else _member(s, at, word, asked.dim)


def _point(s: Scanner, at: int, name: str, dim: int | None) -> Symmetry:
    known = catalogue.dimensions(name)
    axes = dim or (2 if 2 in known else known[0])
    if axes not in known:
        where = " or ".join(f"{d}-D" for d in known)
        raise s.fail(f"no point group {name} acts in {axes}-D", f"{name} acts in {where}", at)
    return Symmetry(s, "point", name, axes, call("point_group", name, dim=axes))


def _member(s: Scanner, at: int, word: str, dim: int | None) -> Symmetry:
    """One of a family, by its number."""
    found = catalogue.family(word)
    if found is None:
        known = catalogue.known_words()
        others = f"write p4m, D4, S5 or SO(3) for example; {HELP}"
        raise s.fail(f"no symmetry is called {word!r}", suggestion(word, known, others), at)
    family, n = found
    if dim is not None:
        raise s.fail(f"{word} acts on no lattice", f"leave '{dim}-D' out", at)
    if n > LARGEST:
        raise s.fail(f"{word} is too large", f"the largest number is {LARGEST}", at)
    maker, size = family.make(n)
    if size is None:
        raise s.fail(f"{word} must act on an even number of dimensions", f"write Sp({n + 1})", at)
    return Symmetry(s, "abstract", word, 0, _checked(s, at, maker, size))


def _checked(s: Scanner, at: int, name: str, *arguments: Any) -> Said:
    """A call whose complaint names the place."""
    try:
        return call(name, *arguments)
    except DeriveError as error:
        raise s.fail(f"{error.argument} {error.rule}, got {error.value}", error.remedy, at) from error
