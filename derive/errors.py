"""Every complaint of the library: which argument, which rule, the value given, what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.pickling import portable

LONGEST = 200


def brief(value: object) -> str:
    """A value on one line: an array by dtype and shape, anything else by its repr, cut where long."""
    return _shown(value, repr)


def _shown(value: object, text: Callable[[object], str]) -> str:
    dtype = getattr(value, "dtype", None)  # asked first: SymPy's entries have none, and raise at a shape
    shape = None if dtype is None else getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{dtype}[{','.join(map(str, shape))}]"
    if type(value) in (list, tuple) and any(hasattr(v, "dtype") for v in value):  # type: ignore[attr-defined]
        return _line(f"{type(value).__name__} of {', '.join(map(brief, value))}")  # type: ignore[call-overload]
    return _line(text(value))


def _line(text: str) -> str:
    """A text on one line, cut where it is long; no more of it is read than is needed."""
    line = " ".join(text[: 10 * LONGEST].split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


class DeriveError(ValueError):
    """An input breaks a rule.

    >>> print(SizeError("channels", "must be a positive integer", 0, "give 1 or more, or a symbol 'C'"))
    channels must be a positive integer, got 0; give 1 or more, or a symbol 'C'
    """

    def __init__(self, argument: str, rule: str, value: object, remedy: str) -> None:
        self.argument, self.rule, self.value, self.remedy = argument, rule, value, remedy
        super().__init__(f"{argument} {rule}, got {_shown(value, str)}; {remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes; a value that cannot is replaced by its text."""
        given = {"argument", "rule", "value", "remedy"}
        more = {name: portable(value) for name, value in self.__dict__.items() if name not in given}
        return type(self), (self.argument, self.rule, portable(self.value), self.remedy), more


class SizeError(DeriveError):
    """A channel count, grid size, radius or order is not what a size must be."""


class GridError(DeriveError):
    """A grid, its boundary or its divisibility by the group's periods is wrong."""


class LatticeError(DeriveError):
    """A generator does not map the sites of a field to sites of that field."""


class SupportError(DeriveError):
    """A support is empty, unattainable, too large for its grid or not invariant."""


class GroupError(DeriveError):
    """Generators, relations or elements do not form the group that was claimed."""


class RepresentationError(DeriveError):
    """Matrices do not represent the group, or two fields belong to different groups."""


class ExactnessError(DeriveError):
    """A floating-point number stands where only an exact one can decide."""


class InfiniteError(DeriveError):
    """The answer exists but is infinite, so it cannot be listed, counted or lowered."""


class TooLargeError(DeriveError):
    """The instance would not fit in memory; refused before anything is allocated."""


class SymbolicError(DeriveError):
    """A size is still a symbol where a number is needed."""


class DerivationError(DeriveError):
    """A step of a derivation is false, missing or out of order."""
