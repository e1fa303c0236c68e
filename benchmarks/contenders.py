"""The convolutions that are compared: this library's, and lax's in both of its layouts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import kernels as kn

Function = Callable[[jax.Array, jax.Array], jax.Array]
DIRECTIONS = ("forward", "input adjoint", "kernel adjoint")


@dataclass(frozen=True)
class Case:
    """One convolution: x (batch, spatial..., C), kernel (size..., C / groups, D)."""

    name: str
    spatial: tuple[int, ...]
    size: tuple[int, ...]
    channels: tuple[int, int]
    batch: int = 8
    options: dict[str, Any] = field(default_factory=dict)

    def arrays(self) -> tuple[jax.Array, jax.Array]:
        """A random input and kernel, channels last."""
        rng = np.random.default_rng(0)
        inputs, outputs = self.channels
        shapes = (
            (self.batch, *self.spatial, inputs),
            (*self.size, inputs // self.options.get("groups", 1), outputs),
        )
        x, kernel = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes)
        return x, kernel


def library(case: Case) -> Function:
    """`kn.conv`."""
    return lambda x, kernel: kn.conv(x, kernel, **case.options)


def lax_conv(case: Case, channels_last: bool = True) -> Function:
    """`lax.conv_general_dilated`, in the layout of its arguments."""
    rank = len(case.spatial)
    axes = "DHW"[-rank:]
    image, kernel = (f"N{axes}C", f"{axes}IO") if channels_last else (f"NC{axes}", f"OI{axes}")
    options = case.options

    def conv(x: jax.Array, k: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(
            x,
            k,
            window_strides=(options.get("strides", 1),) * rank,
            padding=options.get("padding", "SAME"),
            rhs_dilation=(options.get("dilation", 1),) * rank,
            dimension_numbers=(image, kernel, image),
            feature_group_count=options.get("groups", 1),
        )

    return conv


def channels_first(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The same arrays in lax's other layout, NCHW and OIHW."""
    return jnp.moveaxis(x, -1, 1), jnp.moveaxis(kernel, (-1, -2), (0, 1))


@dataclass(frozen=True)
class Compiled:
    """A jitted function with its arguments; the first call compiles it."""

    function: Any
    args: tuple[jax.Array, ...]

    def call(self) -> object:
        """Run it and wait for the result."""
        return jax.block_until_ready(self.function(*self.args))


def blocking(function: Callable[..., Any], *args: Any) -> Compiled:
    """A function with its arguments, to be called and waited for."""
    return Compiled(function, args)


def directions(conv: Function, x: jax.Array, kernel: jax.Array) -> dict[str, Compiled]:
    """The convolution and its two gradients, each jitted."""
    ybar = jax.jit(conv)(x, kernel)

    def forward(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> jax.Array:
        return conv(x, kernel)

    def by_input(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> jax.Array:
        return jax.vjp(lambda x: conv(x, kernel), x)[1](ybar)[0]

    def by_kernel(x: jax.Array, kernel: jax.Array, ybar: jax.Array) -> jax.Array:
        return jax.vjp(lambda kernel: conv(x, kernel), kernel)[1](ybar)[0]

    jitted = (Compiled(jax.jit(f), (x, kernel, ybar)) for f in (forward, by_input, by_kernel))
    return dict(zip(DIRECTIONS, jitted, strict=True))


def program(compiled: Compiled) -> str:
    """What XLA made of it, without names and source positions: equal programs give equal text."""
    text = compiled.function.lower(*compiled.args).compile().as_text()
    text = text[text.index("\n") :]  # the first line names the module
    text = re.sub(r", (metadata|backend_config|frontend_attributes)=\{[^{}]*\}", "", text)
    text = re.sub(r"\n(FileNames|FunctionNames|FileLocations|StackFrames)\n(.+\n)*", "", text)
    text = re.sub(r"(?<=[( ])[\w.\-]+(?=: \w+\[)", "", text)  # arguments, where a computation is declared
    names: dict[str, str] = {}
    return re.sub(r"%[\w.\-]+", lambda m: names.setdefault(m.group(), f"%{len(names)}"), text)
