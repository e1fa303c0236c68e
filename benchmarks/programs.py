"""Jitted programs made of a convolution: each direction, outside loops and in the body of a scan."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.cases import Case
from benchmarks.contenders import Contender, Function

Direction = Callable[[jax.Array, jax.Array, jax.Array], Any]
FORWARD, INPUT, KERNEL, STEP = "forward", "input adjoint", "kernel adjoint", "step"
OUTSIDE, INSIDE = "outside", "in scan"
LENGTH = 4  # iterations of the scan: of two, half of what a small layer took was the call
RATE = 1e-3


@dataclass(frozen=True)
class Compiled:
    """A jitted function with its arguments; the first call compiles it."""

    function: Any
    args: tuple[Any, ...]

    def call(self) -> object:
        """Run it and wait for the result."""
        return jax.block_until_ready(self.function(*self.args))

    def compile(self) -> Any:
        """What XLA makes of it; later calls use it."""
        return self.function.lower(*self.args).compile()


def blocking(function: Callable[..., Any], *args: Any) -> Compiled:
    """A function with its arguments, to be called and waited for."""
    return Compiled(function, args)


@dataclass(frozen=True)
class Operands:
    """The arguments of every direction, channels last."""

    x: jax.Array
    kernel: jax.Array
    ybar: jax.Array

    @classmethod
    def of(cls, case: Case, conv: Function) -> Operands:
        x, kernel = case.arrays()
        shape = jax.eval_shape(conv, x, kernel).shape
        ybar = np.random.default_rng(1).standard_normal(shape, np.float32)
        return cls(x, kernel, jnp.asarray(ybar, case.dtype))

    def laid_out(self, who: Contender) -> tuple[jax.Array, jax.Array, jax.Array]:
        return who.image(self.x), who.kernel(self.kernel), who.image(self.ybar)


def directions(conv: Function) -> dict[str, Direction]:
    """The convolution, its two adjoints, and a training step, as functions of (x, kernel, ybar)."""

    def forward(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> jax.Array:
        return conv(x, kernel)

    def by_input(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> jax.Array:
        return jax.vjp(lambda x: conv(x, kernel), x)[1](ybar)[0]

    def by_kernel(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> jax.Array:
        return jax.vjp(lambda kernel: conv(x, kernel), kernel)[1](ybar)[0]

    return {FORWARD: forward, INPUT: by_input, KERNEL: by_kernel, STEP: training(conv)}


def training(conv: Function) -> Direction:
    """Loss and both gradients, as a layer in the middle of a network needs them, and the update of SGD."""

    def step(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        loss, (dx, dk) = jax.value_and_grad(lambda x, k: jnp.mean(conv(x, k) ** 2), (0, 1))(x, kernel)
        return dx, kernel - RATE * dk, loss

    return step


def scanned(direction: str, function: Direction) -> Callable[..., Any]:
    """`LENGTH` times over in the body of a scan, on other operands each time, so that nothing is hoisted."""
    if direction == STEP:
        return _training_loop(function)

    def loop(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> Any:
        like = jax.eval_shape(function, x[0], kernel[0], ybar[0])
        start = jnp.zeros(like.shape, like.dtype)
        return lax.scan(lambda _, operands: (function(*operands), None), start, (x, kernel, ybar))[0]

    return loop


def _training_loop(step: Direction) -> Callable[..., Any]:
    """The kernel is carried from step to step, the batches are fed in."""

    def loop(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> Any:
        def body(carry: Any, batch: jax.Array) -> Any:
            _, kernel = carry
            dx, kernel, loss = step(batch, kernel, batch)
            return (dx, kernel), loss

        return lax.scan(body, (jnp.zeros_like(x[0]), kernel[0]), x)

    return loop


def build(who: Contender, conv: Function, direction: str, context: str, operands: Operands) -> Compiled:
    """One contender's program for one direction and context, with its arguments."""
    function, args = directions(conv)[direction], operands.laid_out(who)
    if context == OUTSIDE:
        return Compiled(jax.jit(function), args)
    return Compiled(
        jax.jit(scanned(direction, function)), tuple(jnp.asarray(np.stack([a] * LENGTH)) for a in args)
    )


class Compilation(NamedTuple):
    """What a program cost to trace and compile, and the bytes of temporary memory it asks for."""

    seconds: float
    temporary: int


def compile_all(makers: Mapping[str, Callable[[], Compiled]]) -> dict[str, Compilation]:
    """Trace and compile each, without what JAX had cached."""
    found = {}
    for name, make in makers.items():
        program = make()
        jax.clear_caches()
        start = perf_counter()
        executable = program.compile()
        seconds = perf_counter() - start
        found[name] = Compilation(seconds, executable.memory_analysis().temp_size_in_bytes)
    return found


def text(executable: Any) -> str:
    """What XLA made of it, without names and source positions: equal programs give equal text."""
    found = executable.as_text()
    found = found[found.index("\n") :]  # the first line names the module
    found = re.sub(r", (metadata|backend_config|frontend_attributes)=\{[^{}]*\}", "", found)
    found = re.sub(r"\n(FileNames|FunctionNames|FileLocations|StackFrames)\n(.+\n)*", "", found)
    found = re.sub(r"(?<=[( ])[\w.\-]+(?=: \w+\[)", "", found)  # arguments, where a computation is declared
    names: dict[str, str] = {}
    return re.sub(r"%[\w.\-]+", lambda m: names.setdefault(m.group(), f"%{len(names)}"), found)
