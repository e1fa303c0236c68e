"""Every complaint of the kernels: which argument, which rule, the value given, what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from kernels.pickling import portable

LONGEST = 200


def brief(value: object) -> str:
    """A value on one line: an array by dtype and shape, anything else by its repr, cut where long.

    >>> import numpy as np
    >>> brief(np.zeros((8, 56, 56, 64))), brief("SAME"), len(brief(list(range(1000))))
    ('float64[8,56,56,64]', "'SAME'", 200)
    """
    return _shown(value, repr)


def known(value: object, names: Collection[str]) -> bool:
    """Whether a value is one of some names; what is no text is none, arrays included.

    >>> import numpy as np
    >>> known("SAME", ("SAME", "VALID")), known(np.ones(3), ("SAME", "VALID"))
    (True, False)
    """
    return isinstance(value, str) and value in names


def _shown(value: object, text: Callable[[object], str]) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and shape and dtype is not None:
        return f"{dtype}[{','.join(map(str, shape))}]"
    if type(value) in (list, tuple) and any(hasattr(v, "shape") for v in value):  # type: ignore[attr-defined]
        return _line(f"{type(value).__name__} of {', '.join(map(brief, value))}")  # type: ignore[call-overload]
    return _line(text(value))


def _line(text: str) -> str:
    """A text on one line, cut where it is long; no more of it is read than is needed."""
    line = " ".join(text[: 10 * LONGEST].split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


class KernelError(ValueError):
    """An argument breaks a rule.

    >>> print(GroupsError("groups", "must divide the 6 input channels", 4, "give a divisor of 6"))
    groups must divide the 6 input channels, got 4; give a divisor of 6
    """

    def __init__(self, argument: str, rule: str, value: object, remedy: str) -> None:
        self.argument, self.rule, self.value, self.remedy = argument, rule, value, remedy
        super().__init__(f"{argument} {rule}, got {_shown(value, str)}; {remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes; a value that cannot is replaced by its text."""
        given = {"argument", "rule", "value", "remedy"}
        more = {name: portable(value) for name, value in self.__dict__.items() if name not in given}
        return type(self), (self.argument, self.rule, portable(self.value), self.remedy), more


class ShapeError(KernelError):
    """The rank, a size or the channels of an array do not fit the other arguments."""


class DtypeError(KernelError):
    """An array is not of numbers that the function serves, two differ in dtype, or sums would not fit."""


class PaddingError(KernelError):
    """A padding has an unknown name, a wrong form, or reaches beyond what the border rule can fill."""


class WindowError(KernelError):
    """A stride, dilation or window is no positive integer per spatial axis, or does not say how many."""


class GroupsError(KernelError):
    """The groups do not divide the channels, or groups of samples the batch."""


class ImplementationError(KernelError):
    """No implementation has that name."""


class LayoutError(KernelError):
    """A kernel layout is not an arrangement of I, O and the spatial letters."""


class PrecisionError(KernelError):
    """No precision of products has that name."""


class MeshError(KernelError):
    """An image does not fit the devices: an unknown mesh axis, sizes that do not divide, too large a halo."""


class RadialError(KernelError):
    """Radial functions are missing, not wanted, or end nowhere."""


class EdgeError(KernelError):
    """An edge of a graph points at a node that does not exist."""


class ExportError(KernelError):
    """An op cannot be exported so, or an exported one is called with other shapes than it was made for."""


class FieldError(KernelError):
    """A layer cannot work on a field, or two layers that are to follow each other have different fields."""


class SymmetryError(KernelError):
    """Strides, sizes or the border break a generator of the group, and `on_broken` is "error"."""


class SymmetryWarning(UserWarning):
    """Strides, sizes or the border break a generator of the group."""


class CheckError(KernelError):
    """A check found two numbers apart that must agree; the report is attached as ``.report``."""

    def __init__(self, argument: str, rule: str, value: object, remedy: str, report: object = None) -> None:
        super().__init__(argument, rule, value, remedy)
        self.report = report
