"""Words for lattices, kernels and steps: "periodic 32x32", "hexagon 2", "5x3"."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cli.words.said import Said, call
from cli.words.scanner import Scanner, suggestion

BORDERS = {
    "periodic": "periodic",
    "circular": "periodic",
    "torus": "periodic",
    "zero": "zero",
    "zeros": "zero",
    "window": "zero",
}
CROSS = r"(?-i:[x×](?=[\s\dA-Z]))|,"
LATTICES = "write infinite, 'periodic 32x32', 'window 28x28', 'hexagonal periodic 12x12', or 8x8 for a grid"
KERNELS = "write 5, 5x3, 'hexagon 2', 'ball 3/2', 'radius r' or all"


@dataclass(frozen=True)
class Axes:
    """One entry per axis, or one for all of them."""

    entries: tuple[Any, ...]

    def along(self, dim: int, scanner: Scanner, what: str) -> tuple[Any, ...]:
        """As many entries as axes."""
        if len(self.entries) not in (1, dim):
            many = f"{len(self.entries)} for {dim} axes"
            raise scanner.fail(f"there must be one {what} per axis, got {many}", f"give one, or {dim}", 0)
        return self.entries * dim if len(self.entries) == 1 else self.entries


@dataclass(frozen=True)
class Lattice:
    """Where sites stand: sizes (None: all of Z) and borders along the axes; no sizes: all of Z^n."""

    scanner: Scanner
    sizes: Axes | None
    borders: Axes
    hexagonal: bool = False

    @property
    def translated(self) -> bool:
        """Whether translations act: a grid without a border is moved about its centre alone."""
        return self.sizes is None or self.borders.entries != (None,)

    def exposed(self, period: tuple[int, ...]) -> bool:
        """Whether translations by these periods would carry sites out of a grid without a border."""
        if self.sizes is None:
            return False
        axes = (part.along(len(period), self.scanner, "size") for part in (self.sizes, self.borders))
        return any(n is not None and b is None and p for n, b, p in zip(*axes, period, strict=True))


def lattice(text: str, option: str = "--lattice") -> Lattice:
    """Read a lattice.

    >>> lattice("window 28x28 zero").sizes.entries
    (28, 28)
    """
    s = Scanner(option, text)
    hexagonal = s.word("hexagonal")
    if s.word("infinite") or (hexagonal and s.done):
        s.finish(LATTICES)
        return Lattice(s, None, Axes((None,)), hexagonal)
    sizes: list[Any] = []
    borders: list[Any] = []
    while True:
        before = _border(s)
        sizes.append(_length(s))
        after = _border(s)
        borders.append(after or before)
        if not s.take(CROSS):
            break
    s.finish(LATTICES)
    return Lattice(s, Axes(tuple(sizes)), _spread(borders), hexagonal)


def _spread(borders: list[Any]) -> Axes:
    """A border said once holds for all axes."""
    said = [b for b in borders if b]
    return Axes(tuple(borders)) if len(said) > 1 else Axes((said[0] if said else None,))


def _border(s: Scanner) -> str | None:
    found = s.take(rf"(?:{'|'.join(BORDERS)})(?!\w)")
    return BORDERS[found[0].lower()] if found else None


def _length(s: Scanner) -> int | str | None:
    """A number, a name such as H, or Z for an axis without end."""
    if s.word("Z"):
        return None
    return _size(s, "a size", LATTICES)


def _size(s: Scanner, what: str, remedy: str) -> int | str:
    if s.peek(r"\d"):
        return s.number(what, remedy)
    at = s.at
    found = s.expect(r"(?-i:[^\W\d](?:(?!x[A-Z\d])\w)*)", what, remedy)[0]
    if len(found) > 3 or "x" in found[1:]:
        known = [*BORDERS, "infinite", "hexagonal", "hexagon", "ball", "radius", "all"]
        raise s.fail(f"cannot read {found!r}", suggestion(found, known, remedy), at)
    return found


def sizes(text: str, option: str, remedy: str) -> tuple[Axes, Scanner]:
    """One number, or one per axis: 2, 2x1."""
    s = Scanner(option, text)
    entries = [_positive(s, remedy)]
    while s.take(CROSS):
        entries.append(_positive(s, remedy))
    s.finish(remedy)
    return Axes(tuple(entries)), s


def _positive(s: Scanner, remedy: str) -> int:
    at = s.at
    n = s.number("a number", remedy)
    if not n:
        raise s.fail("must be 1 or more", remedy, at)
    return n


@dataclass(frozen=True)
class Kernel:
    """A support, and by how much output sites stand between input sites because of its even sides."""

    support: Said | None
    offset: tuple[Fraction, ...]


def kernel(text: str, dim: int, dilation: str | None, option: str = "--kernel") -> Kernel:
    """Read which sites a weight may join.

    >>> kernel("5x3", 2, None).support.code
    'dv.window((5, 3))'
    """
    s = Scanner(option, text)
    steps = _dilation(dilation, dim)
    none = (Fraction(0),) * dim
    if s.done:
        raise s.fail("is empty", KERNELS)
    if s.word("all") and s.done:
        return Kernel(None, none)
    s.at = 0
    for name, read in (("hexagon", _whole), ("ball", _fraction)):
        if s.word(name):
            found = call(name, read(s))
            s.finish(KERNELS)
            _no_steps(s, steps, name)
            return Kernel(found, none)
    if s.word("radius|box"):
        radii = _entries(s, dim, lambda: None if s.word("all") else _name(s) or _fraction(s))
        _no_steps(s, steps, "radius")
        halves = tuple(r - r // 1 if isinstance(r, Fraction) else Fraction(0) for r in radii)
        return Kernel(call("box", _joined(radii)), halves)
    return _window(s, dim, steps)


def _window(s: Scanner, dim: int, steps: tuple[int, ...] | None) -> Kernel:
    """Sizes along the axes; where an axis is free, radii."""
    counts = _entries(s, dim, lambda: None if s.word("all") else _size(s, "a kernel size", KERNELS))
    by = steps or (1,) * dim
    if 0 in counts:
        raise s.fail("must be 1 or more", KERNELS, 0)
    halves = tuple(
        Fraction(e * (k - 1) % 2, 2) if isinstance(k, int) else Fraction(0)
        for k, e in zip(counts, by, strict=True)
    )
    if None not in counts:
        named = {"dilation": _joined(steps)} if steps else {}
        return Kernel(call("window", _joined(counts), **named), halves)
    _no_steps(s, steps, "all")
    if any(isinstance(k, str) for k in counts):
        raise s.fail("a named size cannot stand beside 'all'", "write 'radius r x all'", 0)
    return Kernel(call("box", tuple(None if k is None else Fraction(k - 1, 2) for k in counts)), halves)


def _entries(s: Scanner, dim: int, read: Any) -> tuple[Any, ...]:
    entries = [read()]
    while s.take(CROSS):
        entries.append(read())
    s.finish(KERNELS)
    return Axes(tuple(entries)).along(dim, s, "size")


def _joined(entries: tuple[Any, ...]) -> Any:
    """One entry where all are the same."""
    return entries[0] if len(set(entries)) == 1 else entries


def _dilation(text: str | None, dim: int) -> tuple[int, ...] | None:
    if text is None:
        return None
    found, s = sizes(text, "--dilation", "write 2, or 2x1")
    return found.along(dim, s, "dilation")


def _no_steps(s: Scanner, steps: Any, name: str) -> None:
    if steps:
        raise s.fail(f"{name!r} has no dilation", "give a size such as 3 with --dilation", 0)


def _whole(s: Scanner) -> int:
    return s.number("a radius", KERNELS)


def _name(s: Scanner) -> str | None:
    """A named radius, or None where a number follows."""
    found = s.take(r"[^\W\d]\w{0,2}(?!\w)")
    return found[0] if found else None


def _fraction(s: Scanner) -> Fraction:
    top = s.number("a radius", KERNELS)
    if not s.take("/"):
        return Fraction(top)
    at = s.at
    bottom = s.number("a number below the bar", KERNELS)
    if not bottom:
        raise s.fail("a number is divided by 0", KERNELS, at)
    return Fraction(top, bottom)
