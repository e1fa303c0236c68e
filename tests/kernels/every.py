"""Every op of the case lists behind one face: what is exported, and what runs on accelerators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import kernels as kn
from tests.kernels import cases, lowerings, structures, test_fibres


@dataclass(frozen=True)
class Item:
    """`op` of `operands(dtype)`, all of them arrays or trees of them."""

    name: str
    op: Callable[..., jax.Array]
    draw: Callable[[], tuple[Any, ...]]

    def operands(self, dtype: Any) -> tuple[Any, ...]:
        """Random operands: numbers of the dtype, whatever it is later computed in."""
        return jax.tree.map(lambda a: jnp.asarray(np.asarray(a), dtype), self.draw())

    def both(self, *operands: Any) -> tuple[Any, ...]:
        """The value, and every gradient of a loss of it."""
        y, pull = jax.vjp(self.op, *operands)
        return y, *pull(jnp.cos(y))


def convolutions() -> list[Item]:
    return [Item(case.name, case.op, lambda case=case: case.arrays()[:2]) for case in cases.CASES]


def pools() -> list[Item]:
    image = lambda: (np.random.default_rng(0).normal(size=(2, 6, 7, 2)),)  # noqa: E731
    both = {"avg_pool": kn.avg_pool, "max_pool": kn.max_pool}
    return [
        Item(name, lambda x, pool=pool: pool(x, 2, rank=2, padding="SAME"), image)
        for name, pool in both.items()
    ]


def named() -> list[Item]:
    """Adjoints under their own names, kernels of rank one, and both matrices."""
    image, kernel = (2, 6, 7, 3), (3, 2, 3, 4)
    y = (*image[:-1], kernel[-1])
    ops = {
        "input_adjoint": (partial(kn.input_adjoint, input_shape=image), y, kernel),
        "kernel_adjoint": (partial(kn.kernel_adjoint, kernel_shape=kernel), image, y),
        "conv_separable": (lambda x, *factors: kn.conv_separable(x, factors), image, (3,), (2,)),
        "conv_matrix": (lambda kernel: kn.conv_matrix(kernel, (3, 4)), kernel),
        "patch_matrix": (lambda x: kn.patch_matrix(x, (3, 2)), image),
    }
    return [Item(name, op, partial(_drawn, shapes)) for name, (op, *shapes) in ops.items()]


def _drawn(shapes: list[tuple[int, ...]]) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=shape) for shape in shapes)


def lattices() -> list[Item]:
    return [Item(case.name, case.op, lambda case=case: case.arrays()[:3]) for case in lowerings.LOWERINGS]


def fibres() -> list[Item]:
    return [
        Item(case.name, case.op, _held(case.op, (2, *case.sizes, case.op.lattice.channels_in), True))
        for case in test_fibres.CASES
    ]


def maps() -> list[Item]:
    return [
        Item(case.name, case.op, _held(case.op, (3, case.op.channels_in), False))
        for case in structures.STRUCTURES
    ]


def _held(op: Any, shape: tuple[int, ...], biased: bool) -> Callable[[], tuple[Any, ...]]:
    """Weights, an input and, where asked, biases: all random, also where `init` would scale or be zero."""

    def draw() -> tuple[Any, ...]:
        rng = np.random.default_rng(0)
        shapes = (jax.eval_shape(op.init, jax.random.key(0)), jax.ShapeDtypeStruct(shape, jnp.float32))
        shapes += (jax.eval_shape(op.init_bias),) if biased else ()
        return jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)

    return draw


FAMILIES: dict[str, Callable[[], list[Item]]] = {
    "convolutions": convolutions,
    "pools": pools,
    "named": named,
    "lattices": lattices,
    "fibres": fibres,
    "maps": maps,
}
