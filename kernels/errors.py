"""Every complaint of the kernels: which argument, which rule, the value given, what to do instead."""

from __future__ import annotations

from typing import Any

from kernels.pickling import portable


class KernelError(ValueError):
    """An argument breaks a rule.

    >>> print(GroupsError("groups", "must divide the 6 input channels", 4, "give a divisor of 6"))
    groups must divide the 6 input channels, got 4; give a divisor of 6
    """

    def __init__(self, argument: str, rule: str, value: object, remedy: str) -> None:
        self.argument, self.rule, self.value, self.remedy = argument, rule, value, remedy
        super().__init__(f"{argument} {rule}, got {value!s}; {remedy}")

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
