"""What lies beyond the two ends of one spatial axis: a rule by name, or widths of zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kernels.errors import PaddingError, brief
from kernels.integers import index, sequence

Pads = tuple[tuple[int, int], ...]
OneAxis = str | int | tuple[int, int]
Padding = OneAxis | Sequence[OneAxis]

ZEROS = ("SAME", "SAME_LOWER", "VALID", "CAUSAL")
REPEATS = ("CIRCULAR", "REFLECT", "REPLICATE")  # borders that repeat the image
NAMES = (*ZEROS, *REPEATS)


class Border(NamedTuple):
    """One axis: the name of a rule, or WIDTHS with how many zeros go before and after (negative: crop)."""

    name: str
    low: int = 0
    high: int = 0

    @property
    def mirrored(self) -> bool:
        """Whether the image is continued by copies of itself that lie otherwise than on a circle."""
        return self.name in ("REFLECT", "REPLICATE")


def parse_padding(padding: Any, rank: int) -> tuple[Border, ...]:
    """One border for all axes, or one each: a name, a width for both sides, or a (low, high) pair.

    >>> parse_padding(("circular", 1, (2, -1)), 3)[1:]
    (Border(name='WIDTHS', low=1, high=1), Border(name='WIDTHS', low=2, high=-1))
    """
    if isinstance(padding, str):
        return (_named(padding),) * rank
    width = index(padding)
    if width is not None:
        return (Border("WIDTHS", width, width),) * rank
    each = tuple(map(_one, sequence(padding) or ()))
    if len(each) != rank or None in each:
        raise PaddingError(
            "padding",
            f"must be a name, an integer, or {rank} of names, integers and (low, high) pairs",
            brief(padding),
            "write [(low, high), ...]",
        )
    return each  # type: ignore[return-value]


def _named(name: str) -> Border:
    if name.upper() not in NAMES:
        raise PaddingError("padding", "must be a known name", brief(name), f"give one of {NAMES} or pairs")
    return Border(name.upper())


def _one(entry: Any) -> Border | None:
    """The border of one axis; None where it is none."""
    if isinstance(entry, str):
        return _named(entry)
    width = index(entry)
    pair = (width, width) if width is not None else tuple(map(index, sequence(entry) or ()))
    return Border("WIDTHS", *pair) if len(pair) == 2 and None not in pair else None  # type: ignore[arg-type]
