"""How a public name is asked for in the reference."""

from __future__ import annotations

from importlib import import_module
from inspect import isclass, ismodule

LAYERS = ("kernels.layers.equinox", "kernels.layers.flax")  # what their layers share is said once, in words


def entry(package: str, name: str) -> list[str]:
    thing = getattr(import_module(package), name)
    if ismodule(thing):
        return [f".. automodule:: {thing.__name__}", "   :members:"]
    if not isclass(thing):
        return [f".. autofunction:: {package}.{name}"]
    if issubclass(thing, BaseException):
        return [f".. autoexception:: {package}.{name}"]
    shown = [f".. autoclass:: {package}.{name}"]
    return shown if package in LAYERS else [*shown, "   :members:", "   :inherited-members: object"]
