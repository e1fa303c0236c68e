"""A model as a flat list of labelled steps: traced once, every layer's steps in a scope of their own."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex

from kernels.auditing.axes import Axes, Book, is_field, named, renewed, size_of
from kernels.auditing.modules import Registry, is_nnx, says_output, scoped
from kernels.auditing.primitives import RANDOM, axes_after
from kernels.errors import KernelError

# (number of a layer or None, number of its call, lines of the user's code from the outside in)
Label = tuple[int | None, int, tuple[tuple[str, int, str], ...]]

INLINED = (
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr",
    "checkpoint", "remat2", "remat",
)  # fmt: skip
_ENTRY = "enter_audited_model"
_LIBRARIES = {sysconfig.get_path(p) for p in ("stdlib", "purelib", "platlib")}
_FOREIGN = tuple(f"{path}{os.sep}" for path in (*_LIBRARIES, Path(__file__).parents[1]))


@dataclass(frozen=True, eq=False)
class Step:
    """One primitive: values are numbers, to be looked up."""

    name: str
    primitive: Any
    params: dict[str, Any]
    ins: tuple[int, ...]
    outs: tuple[int, ...]
    label: Label

    def run(self, values: dict[int, Any]) -> None:
        """Evaluate and store."""
        out = self.primitive.bind(*(values[i] for i in self.ins), **self.params)
        values.update(zip(self.outs, out if self.primitive.multiple_results else [out], strict=True))


@dataclass(frozen=True, eq=False)
class Program:
    """The steps between the input and the output of a model that depend on the input and are needed.

    `values`: every number that occurs; `axes`: what the axes of those that depend on the input mean;
    `random`: those that come from random numbers.
    """

    steps: tuple[Step, ...]
    x: int
    y: int
    values: dict[int, Any]
    axes: dict[int, Axes]
    random: frozenset[int]
    book: Book
    registry: Registry


def trace(model: Callable[..., Any], x: jax.Array, axes: Axes, book: Book) -> Program:
    """Trace a model at an input whose axes are known, and evaluate it step by step."""
    registry = Registry()
    registry.add_all(model)
    closed, weights = _jaxpr(model, x, registry)
    flat = _Flat()
    constants = [flat.constant(w) for w in weights]
    start = flat.value()
    (end,) = flat.inline(closed.jaxpr, closed.consts, [*constants, start], (None, 0, ()), registry)
    steps, depends = _needed(flat.steps, start, end)
    if end not in depends:
        raise KernelError("model", "must depend on x", "an output that does not", "give the forward pass")
    values = flat.known | {start: x}
    random: set[int] = set()
    known: dict[int, Axes] = {start: axes}
    leaving = _leaving(steps, end)
    for step in steps:
        step.run(values)
        if step.name in RANDOM or (random & set(step.ins) and not depends & set(step.outs)):
            random |= set(step.outs)
        if depends & set(step.outs):
            known.update(zip(step.outs, _axes(step, values, known, book), strict=True))
            said = _said(step, leaving, known, registry, book)
            known.update({step.outs[0]: said} if said is not None else {})
    kept = tuple(s for s in steps if depends & set(s.outs))
    return Program(kept, start, end, values, known, frozenset(random), book, registry)


def _needed(steps: Sequence[Step], start: int, end: int) -> tuple[list[Step], set[int]]:
    """The steps that the output needs, and the values that depend on the input."""
    depends, needed, kept = {start}, {end}, []
    for step in steps:
        if depends & set(step.ins):
            depends |= set(step.outs)
    for step in reversed(steps):
        if needed & set(step.outs):
            needed |= set(step.ins)
            kept.append(step)
    return kept[::-1], depends


def _axes(step: Step, values: dict[int, Any], known: dict[int, Axes], book: Book) -> list[Axes]:
    given = [known.get(i) for i in step.ins]
    shapes, out = ([np.shape(values[i]) for i in side] for side in (step.ins, step.outs))
    return axes_after(step.name, given, shapes, out, step.params, book)


def _said(
    step: Step, leaving: set[int], known: dict[int, Axes], registry: Registry, book: Book
) -> Axes | None:
    """The axes of what a layer returns that says its field: channels of their own.

    Where the meaning of the axes was lost inside they are (batch..., sites..., channels).
    """
    number, (o, *more) = step.label[0], step.outs
    if more or o not in leaving or number is None or not registry.is_leaf(number):
        return None
    layer = registry.layers[number]
    if not says_output(layer):
        return None
    lattice = getattr(layer.out, "lattice", None)
    dim, shape = 0 if lattice is None else lattice.dim, tuple(map(size_of, known[o]))
    if is_field(known[o], dim):
        return renewed(known[o], book)
    return named(shape, dim, book) if len(shape) > dim else None


def _leaving(steps: Sequence[Step], end: int) -> set[int]:
    """The values that are read outside of the call in which they were made."""
    made = {o: s.label[:2] for s in steps for o in s.outs}
    return {end} | {i for s in steps for i in s.ins if made.get(i, s.label[:2]) != s.label[:2]}


def _jaxpr(model: Callable[..., Any], x: jax.Array, registry: Registry) -> tuple[Any, list[Any]]:
    """The model's jaxpr, and the arrays it takes before x: the state of an NNX module."""
    if is_nnx(model):
        nnx = sys.modules["flax.nnx"]
        graph, state = nnx.split(model)

        def enter_audited_model(state: Any, x: Any) -> Any:
            module = nnx.merge(graph, state)
            registry.replace(module)
            return module(x)

        given: tuple[Any, ...] = (state, x)
    else:

        def enter_audited_model(x: Any) -> Any:  # type: ignore[misc]
            return model(x)

        given = (x,)
    return _traced(enter_audited_model, given, registry), jax.tree.leaves(given[:-1])


def _traced(function: Callable[..., Any], given: Sequence[Any], registry: Registry) -> Any:
    """Traced without jit, since what JAX has traced before has no scopes; loops over tracers need it."""
    with scoped(registry):
        try:
            with jax.disable_jit():
                closed, shape = jax.make_jaxpr(function, return_shape=True)(*given)
        except Exception:
            registry.calls.clear()
            closed, shape = jax.make_jaxpr(function, return_shape=True)(*given)
    if not isinstance(shape, jax.ShapeDtypeStruct):
        count = len(jax.tree.leaves(shape))
        shown = f"a {type(shape).__name__} of {count}"
        raise KernelError("model", "must return one array", shown, "wrap it: lambda x: model(x)[0]")
    return closed


class _Flat:
    """Jaxprs written out one inside of the other, every value with a number of its own."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.known: dict[int, Any] = {}
        self.count = 0

    def value(self) -> int:
        self.count += 1
        return self.count

    def constant(self, array: Any) -> int:
        number = self.value()
        self.known[number] = array
        return number

    def inline(
        self, jaxpr: Any, consts: Sequence[Any], given: Sequence[int], outer: Label, registry: Registry
    ) -> list[int]:
        """Append the steps of a jaxpr; the numbers of its results."""
        env = dict(zip(jaxpr.invars, given, strict=True))
        env.update({v: self.constant(c) for v, c in zip(jaxpr.constvars, consts, strict=True)})

        def read(v: Any) -> int:
            return self.constant(v.val) if isinstance(v, jex.Literal) else env[v]

        platforms = {eqn.outvars[0] for eqn in jaxpr.eqns if eqn.primitive.name == "platform_index"}
        for eqn in jaxpr.eqns:
            if eqn.outvars and eqn.outvars[0] in platforms:
                env[eqn.outvars[0]] = self.constant(np.int32(0))
                continue
            ins, label, name = [read(v) for v in eqn.invars], _label(eqn, outer, registry), eqn.primitive.name
            inner = _inner(eqn) if name in INLINED else None
            if name == "cond" and eqn.invars[0] in platforms:  # the branch of all other platforms
                inner, ins = (eqn.params["branches"][-1].jaxpr, eqn.params["branches"][-1].consts), ins[1:]
            if inner is not None:
                body, held = inner
                outs = self.inline(body, held, ins, label, registry)
            else:
                outs = [self.value() for _ in eqn.outvars]
                self.steps.append(Step(name, eqn.primitive, eqn.params, tuple(ins), tuple(outs), label))
            env.update(zip(eqn.outvars, outs, strict=True))
        return [read(v) for v in jaxpr.outvars]


def _inner(eqn: Any) -> tuple[Any, Sequence[Any]] | None:
    """The jaxpr inside of a call, and its constants."""
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        body = eqn.params.get(key)
        if body is not None:
            return (body.jaxpr, body.consts) if hasattr(body, "consts") else (body, ())
    return None


def _label(eqn: Any, outer: Label, registry: Registry) -> Label:
    """Where a step belongs: to a call of a layer; outside of leaves to lines of the user's code too."""
    found = registry.innermost(str(eqn.source_info.name_stack))
    layer, call = found if found is not None else outer[:2]
    if layer is not None and registry.is_leaf(layer):
        return layer, call, ()
    lines = _lines(eqn.source_info.traceback)
    return layer, call, lines or outer[2]


def _lines(traceback: Any) -> tuple[tuple[str, int, str], ...]:
    """The user's lines, from the model's call inwards."""
    lines: list[tuple[str, int, str]] = []
    for frame in traceback.frames if traceback is not None else ():
        if frame.function_name.endswith(_ENTRY):
            return tuple(reversed(lines))
        if not frame.file_name.startswith(_FOREIGN):
            lines.append((frame.file_name, frame.line_num, frame.function_name))
    return ()


def source(file: str, line: int) -> str:
    """The text of a line, or nothing where it cannot be read."""
    return linecache.getline(file, line).strip()
