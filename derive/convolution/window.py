"""How the taps of a kernel meet the sites of a field, one axis at a time, for numbers and for symbols.

Output site p reads input site stride p + step d - low through tap d; beyond the field stands a zero, or the
field continued periodically or mirrored.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import And, Eq, Expr, Le, Mod

from derive.errors import DeriveError, GridError, SizeError, brief
from derive.symmetry.names import require_free
from derive.symmetry.sizes import flag, per_axis, whole
from derive.symmetry.sizes import size as read_size

PADDINGS = ("SAME", "VALID", "CIRCULAR", "REFLECT")
BORDERS = {"CIRCULAR": "periodic", "REFLECT": "mirror"}


@dataclass(frozen=True)
class Window:
    """One axis: `n` input sites, `outputs` output sites, `taps` taps; a flipped kernel has step < 0."""

    n: Expr
    outputs: Expr
    taps: Expr
    stride: Expr
    step: Expr
    low: Expr
    border: str

    @property
    def numeric(self) -> bool:
        return all(e.is_Integer for e in (self.n, self.outputs, self.taps, self.stride, self.step, self.low))

    @property
    def solvable(self) -> bool:
        """Whether an input site and a tap fix the output site."""
        if self.border == "periodic":
            return sympy.expand(self.stride * self.outputs - self.n) == 0
        return self.border == "zero"

    def read(self, p: Expr, d: Expr) -> Expr:
        """The input site under output p and tap d; one outside the field is a zero."""
        q = sympy.expand(self.stride * p + self.step * d - self.low)
        if self.border == "periodic":
            return _modulo(q, self.n)
        if self.border == "mirror":
            last = self.n - 1
            return sympy.Abs(_modulo(q + last, 2 * last) - last) if last != 0 else sympy.S.Zero
        return q

    def output(self, q: Expr, d: Expr) -> Expr:
        """The output site that reads q through tap d, an integer where `divides` holds."""
        p = sympy.expand(q + self.low - self.step * d) / self.stride
        return _modulo(p, self.outputs) if self.border == "periodic" else p

    def divides(self, q: Expr, d: Expr) -> sympy.Basic:
        return divides(sympy.expand(q + self.low - self.step * d), self.stride)

    def tap(self, p: Expr, q: Expr) -> tuple[Expr, sympy.Basic]:
        """The tap that brings q to p, and the condition for there being one (zeros at the border)."""
        gap, sign = sympy.expand(q - self.stride * p + self.low), sympy.sign(self.step)
        d = sign * gap / abs(self.step)
        return d, And(divides(gap, abs(self.step)), Le(0, d), Le(d, self.taps - 1))

    def inside(self, q: Expr) -> sympy.Basic:
        return And(Le(0, q), Le(q, self.n - 1)) if self.border == "zero" else sympy.true


def _modulo(value: Expr, by: Expr) -> Expr:
    """The remainder, left as it reads: SymPy would write u - 1 + N for u - 1 modulo N."""
    return Mod(value, by, evaluate=value.is_number)


def divides(value: Expr, by: Expr) -> sympy.Basic:
    """The condition that `by` divides `value`."""
    return sympy.true if by == 1 else Eq(Mod(value, by), 0)


def windows(
    sizes: Sequence[Expr],
    taps: Sequence[Expr],
    strides: Any = 1,
    padding: Any = "SAME",
    dilation: Any = 1,
    flip: bool = False,
) -> tuple[Window, ...]:
    """One window per axis from what people write; padding is a name, a number or a (low, high) pair per axis.

    >>> windows((sympy.Integer(5),), (sympy.Integer(3),))[0].low
    1
    """
    dim = len(sizes)
    strides, dilation = positives(strides, dim, "strides"), positives(dilation, dim, "dilation")
    pads, turned = _padding(padding, dim), flag(flip, "flip")
    return tuple(
        _window(n, k, s, e, pad, turned)
        for n, k, s, e, pad in zip(sizes, taps, strides, dilation, pads, strict=True)
    )


def positives(value: Any, dim: int, argument: str) -> tuple[Expr, ...]:
    """One positive integer or symbol per axis."""
    if isinstance(value, str):
        entries: tuple[Any, ...] = (value,) * dim
    else:
        entries = per_axis(value, dim, argument)
    return tuple(read_size(entry, argument) for entry in entries)


def sites(value: Any, argument: str, *, least: int = 1) -> tuple[Expr, ...]:
    """The sizes of one or more axes: an integer or a name is one axis."""
    entries = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    if not entries:
        raise SizeError(argument, "must have at least one axis", entries, "give an integer per axis")
    return tuple(read_size(entry, argument, least=least) for entry in entries)


def dimension(value: Any) -> int:
    """The number of axes: 1, 2, 3, ..."""
    return whole(value, "dim")


def _padding(padding: Any, dim: int) -> list[str | tuple[Expr, Expr]]:
    if isinstance(padding, str):
        if padding.upper() not in PADDINGS:
            raise GridError(
                "padding",
                "must be a known name",
                brief(padding),
                f"give one of {', '.join(PADDINGS)} or (low, high) pairs",
            )
        return [padding.upper()] * dim
    if not isinstance(padding, Iterable):
        width = _width(padding, padding)
        return [(width, width)] * dim
    pairs = [tuple(p) if isinstance(p, Iterable) and not isinstance(p, str) else () for p in padding]
    if len(pairs) != dim or any(len(pair) != 2 for pair in pairs):
        raise GridError(
            "padding",
            f"must be a name, an integer or {dim} (low, high) pairs, one per axis",
            padding,
            "write [(low, high), ...]",
        )
    return [(_width(low, padding), _width(high, padding)) for low, high in pairs]


def _width(value: Any, shown: Any) -> Expr:
    if isinstance(value, str) and value.isidentifier():
        value = sympy.Symbol(value, integer=True, positive=True)
    if isinstance(value, Expr) and value.is_integer is not False and not value.is_Float:
        require_free((s.name for s in value.free_symbols if s.name != "b"), "padding")  # has no bias
        return value
    try:
        return sympy.Integer(operator.index(value))
    except TypeError:
        raise GridError(
            "padding", "must have integers or symbols for widths", shown, "write [(low, high), ...]"
        ) from None


def _window(n: Expr, k: Expr, s: Expr, e: Expr, pad: str | tuple[Expr, Expr], flip: bool) -> Window:
    span = sympy.expand(e * (k - 1) + 1)
    low, high = _widths(n, span, s, pad) if isinstance(pad, str) else pad
    turned = sympy.expand(low - (span - 1)) if flip else low
    border = BORDERS.get(pad, "zero") if isinstance(pad, str) else "zero"
    return Window(n, _count(n + low + high - span, s), k, s, -e if flip else e, turned, border)


def _widths(n: Expr, span: Expr, s: Expr, name: str) -> tuple[Expr, Expr]:
    """SAME makes ceil(n / s) outputs, an odd zero last; CIRCULAR and REFLECT centre the window on s p."""
    if name == "VALID":
        return sympy.S.Zero, sympy.S.Zero
    total = span - 1
    if name == "SAME" and s != 1:
        total = sympy.Max((sympy.ceiling(n / s) - 1) * s + span - n, 0)
    low = sympy.floor(total / 2)
    return low, sympy.expand(total - low)


def _count(room: Expr, s: Expr) -> Expr:
    """How many windows fit; a symbolic size is presumed to hold one at least."""
    room = sympy.expand(room)
    if room.is_number and room < 0:
        return sympy.S.Zero
    return (room if s == 1 else sympy.floor(room / s)) + 1


def require_divides(
    channels: Expr, groups: Expr, argument: str, error: type[DeriveError] = SizeError
) -> Expr:
    """channels / groups."""
    if (channels % groups) != 0:
        raise error("groups", f"must divide the {channels} {argument}", groups, "give a divisor")
    return channels // groups
