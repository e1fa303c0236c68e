"""The layers of a model: found by walking through it, named as they are reached, told apart by scopes."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax

from kernels.equivariant import EquivariantOp
from kernels.errors import KernelError
from kernels.maps.bilinear.op import BilinearOp
from kernels.space.op import PointsOp

_SCOPE = re.compile(r"audited_(\d+)_(\d+)_")
_LOCK = threading.RLock()
DEPTH = 8
OPS = (EquivariantOp, BilinearOp, PointsOp)


@dataclass
class Registry:
    """The layers of a model and the calls of each while it is traced."""

    names: list[str] = field(default_factory=list)
    layers: list[Any] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def add(self, name: str, layer: Any) -> None:
        if id(layer) not in self.numbers:
            self.numbers[id(layer)] = len(self.names)
            self.names.append(name)
            self.layers.append(layer)

    def add_all(self, model: Any) -> None:
        for name, layer in walk(model):
            self.add(name, layer)

    def replace(self, model: Any) -> None:
        """The same layers, rebuilt: each keeps its number."""
        places = {name: i for i, name in enumerate(self.names)}
        for name, layer in walk(model):
            if name in places:
                self.numbers[id(layer)] = places[name]
                self.kept.append(layer)  # an id is that of a living object

    def number(self, layer: Any) -> int:
        """The number of a layer, also where a transformation has rebuilt it around the same arrays."""
        if id(layer) in self.numbers:
            return self.numbers[id(layer)]
        key = _arrays(layer)
        twins = [i for i, other in enumerate(self.layers) if type(other) is type(layer)]
        same = [i for i in twins if key and _arrays(self.layers[i]) == key] or twins
        if not same:
            self.add(type(layer).__name__, layer)
            return self.numbers[id(layer)]
        return min(same, key=lambda i: self.calls.get(i, 0))

    def call(self, layer: Any) -> str:
        """The name of a scope for one call."""
        number = self.number(layer)
        self.calls[number] = self.calls.get(number, 0) + 1
        return f"audited_{number}_{self.calls[number]}_"

    def innermost(self, stack: str) -> tuple[int, int] | None:
        """The layer and the call that a stack of scopes stands in."""
        found = _SCOPE.findall(stack)
        return (int(found[-1][0]), int(found[-1][1])) if found else None

    def is_leaf(self, number: int) -> bool:
        """Whether a layer is judged as one: nothing inside of it is a layer, and it is no model by itself."""
        name = self.names[number]
        if any(other.startswith((f"{name}.", f"{name}[")) for other in self.names if name):
            return False
        layer = self.layers[number]
        return bool(name) or has_fields(layer) or (len(self.names) == 1 and not written_by_user(type(layer)))


def frameworks() -> tuple[type, ...]:
    """The base classes of modules of the frameworks that are in use; none is imported."""
    bases = []
    for package, path in (("equinox", "Module"), ("flax.nnx", "Module")):
        base = getattr(sys.modules.get(package), path, None)
        if isinstance(base, type):
            bases.append(base)
    return tuple(bases)


def written_by_user(value: Any) -> bool:
    """Whether a class or a function comes from outside of the frameworks and of this library."""
    home = getattr(value, "__module__", None) or "builtins"
    return home.split(".")[0] not in (
        "equinox",
        "flax",
        "jax",
        "jaxlib",
        "kernels",
        "derive",
        "numpy",
        "builtins",
    )


def is_equinox(model: Any) -> bool:
    equinox = sys.modules.get("equinox")
    return equinox is not None and isinstance(model, equinox.Module)


def is_nnx(model: Any) -> bool:
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(model, nnx.Module)


def has_fields(layer: Any) -> bool:
    """Whether a layer of one array says which fields it maps."""
    if isinstance(layer, PointsOp):
        return False
    return _is_field(getattr(layer, "into", None)) and _is_field(getattr(layer, "out", None))


def says_output(layer: Any) -> bool:
    """Whether a layer says which field it returns: an op of several arrays too."""
    return has_fields(layer) or isinstance(layer, BilinearOp | PointsOp)


def _is_field(value: Any) -> bool:
    return hasattr(value, "fibre") or hasattr(value, "blocks")


def walk(model: Any) -> list[tuple[str, Any]]:
    """Every layer that a model holds and its name, such as 'blocks[2].conv1'; outer layers first."""
    found: list[tuple[str, Any]] = []
    seen: set[int] = set()

    def visit(value: Any, name: str, depth: int) -> None:
        if id(value) in seen or depth > DEPTH:
            return
        if hasattr(value, "__wrapped__"):  # jitted, vmapped, and so on
            seen.add(id(value))
            visit(value.__wrapped__, name, depth)
            return
        layer = isinstance(value, frameworks()) and callable(value)
        op = isinstance(value, OPS)
        if layer or op:
            seen.add(id(value))
            found.append((name, value))
        if not op:
            for step, child in _children(value):
                visit(child, _joined(name, step), depth + 1)

    visit(model, "", 0)
    return [(n, v) for n, v in found if not _inside_typed(n, v, found)]


def _joined(name: str, step: str) -> str:
    return f"{name}.{step}" if name and step and not step.startswith("[") else name + step


def _inside_typed(name: str, value: Any, found: list[tuple[str, Any]]) -> bool:
    """The op inside of a layer that says its fields is that layer."""
    if not isinstance(value, OPS):
        return False
    return any(has_fields(v) and not isinstance(v, OPS) and name.startswith(f"{n}.") for n, v in found if n)


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value holds, and by which step it is reached."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for i, child in enumerate(value):
            yield f"[{i}]", child
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield key if isinstance(key, str) and key.isidentifier() else f"[{key!r}]", child
    elif isinstance(value, frameworks()):
        for name, child in vars(value).items():
            if not name.startswith("_"):
                yield name, child
    elif callable(value):
        yield from _held(value)


def _held(function: Any) -> Iterator[tuple[str, Any]]:
    """The models that a function calls: closed over, bound, wrapped, or global."""
    if isinstance(function, partial):
        yield "func", function.func
        yield from ((f"[{i}]", a) for i, a in enumerate(function.args))
        yield from function.keywords.items()
        return
    if hasattr(function, "__self__") and not isinstance(function.__self__, type(sys)):
        yield "", function.__self__
    code = getattr(function, "__code__", None)
    if code is None:
        return
    names = getattr(function, "__globals__", {})
    for name in code.co_names:
        value = names.get(name)
        known = isinstance(value, (*frameworks(), *OPS, list, tuple, dict))
        if known or (callable(value) and written_by_user(value)):
            yield name, value
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not yet filled
            continue


def _arrays(layer: Any) -> tuple[int, ...]:
    return tuple(id(leaf) for leaf in jax.tree.leaves(layer) if hasattr(leaf, "shape"))


@contextmanager
def scoped(registry: Registry) -> Iterator[None]:
    """Calls of layers are traced in a scope of their own; their classes are as before afterwards."""
    thread = threading.get_ident()

    def named(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != thread:
                return original(self, *args, **kwargs)
            if isinstance(self, PointsOp):
                _require_moved(*args, **kwargs)
            with jax.named_scope(registry.call(self)):
                return original(self, *args, **kwargs)

        return call

    homes = {_home(type(layer)) for layer in registry.layers} - {None}
    with _LOCK:
        before = {cls: cls.__dict__["__call__"] for cls in homes}
        try:
            for cls, original in before.items():
                type.__setattr__(cls, "__call__", named(original))
            yield
        finally:
            for cls, original in before.items():
                type.__setattr__(cls, "__call__", original)


def _require_moved(w: Any, x: Any, displacements: Any, *rest: Any, **more: Any) -> None:
    """Refuse points that stay where they are while the group moves what they carry."""
    if not isinstance(displacements, jax.core.Tracer):
        rule = "must compute displacements from x, since the group moves them as well"
        remedy = (
            "make x the positions, or use check_equivariance(op, w, (x, displacements, senders, receivers))"
        )
        raise KernelError("model", rule, "a PointsOp on a fixed graph", remedy)


def _home(cls: type) -> type | None:
    """The class in which the call of a layer is written."""
    return next((c for c in cls.__mro__ if "__call__" in c.__dict__), None)
