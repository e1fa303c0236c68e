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
from tests.kernels import cases, lowerings, structures, test_bilinear, test_fibres


@dataclass(frozen=True)
class Item:
    """`op` of `operands(dtype)`, all of them arrays or trees of them; solved when it is first asked for."""

    name: str
    make: Callable[[], Callable[..., jax.Array]]
    draw: Callable[[], tuple[Any, ...]]

    @property
    def op(self) -> Callable[..., jax.Array]:
        return self.make()

    def operands(self, dtype: Any) -> tuple[Any, ...]:
        """Random operands: numbers of the dtype, whatever it is later computed in."""
        return jax.tree.map(lambda a: jnp.asarray(np.asarray(a), dtype), self.draw())

    def both(self, *operands: Any) -> tuple[Any, ...]:
        """The value, and every gradient of a loss of it."""
        y, pull = jax.vjp(self.op, *operands)
        return y, *pull(jnp.cos(y))


def convolutions() -> list[Item]:
    return [
        Item(case.name, lambda case=case: case.op, lambda case=case: case.arrays()[:2])
        for case in cases.CASES
    ]


def pools() -> list[Item]:
    image = lambda: (np.random.default_rng(0).normal(size=(2, 6, 7, 2)),)  # noqa: E731
    both = {"avg_pool": kn.avg_pool, "max_pool": kn.max_pool}
    return [Item(name, lambda pool=pool: partial(_pooled, pool), image) for name, pool in both.items()]


def _pooled(pool: Callable[..., jax.Array], x: jax.Array) -> jax.Array:
    return pool(x, 2, rank=2, padding="SAME")


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
    return [Item(name, lambda op=op: op, partial(_drawn, shapes)) for name, (op, *shapes) in ops.items()]


def _drawn(shapes: list[tuple[int, ...]]) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=shape) for shape in shapes)


def lattices() -> list[Item]:
    return [
        Item(case.name, lambda case=case: case.op, lambda case=case: case.arrays()[:3])
        for case in lowerings.LOWERINGS
    ]


def fibres() -> list[Item]:
    return [
        Item(case.name, lambda case=case: case.op, partial(_held, case, True)) for case in test_fibres.CASES
    ]


def maps() -> list[Item]:
    return [
        Item(case.name, lambda case=case: case.op, partial(_held, case, False))
        for case in structures.STRUCTURES
    ]


def bilinear() -> list[Item]:
    """Ops of two arguments: sums of products, shared and not, and margins."""
    names = ("cross product", "mixture", "regular", "sets", "quarter turns")
    return [
        Item(
            name,
            lambda name=name: test_bilinear.lowered(name),
            lambda name=name: test_bilinear.arrays(test_bilinear.lowered(name))[:3],
        )
        for name in names
    ]


def _held(case: Any, biased: bool) -> tuple[Any, ...]:
    """Weights, an input and, where asked, biases: all random, also where `init` would scale or be zero."""
    op, rng = case.op, np.random.default_rng(0)
    shape = (2, *case.sizes, op.channels_in) if biased else (3, op.channels_in)
    shapes = (jax.eval_shape(op.init, jax.random.key(0)), jax.ShapeDtypeStruct(shape, jnp.float32))
    shapes += (jax.eval_shape(op.init_bias),) if biased else ()
    return jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)


FAMILIES: dict[str, Callable[[], list[Item]]] = {
    "convolutions": convolutions,
    "pools": pools,
    "named": named,
    "lattices": lattices,
    "fibres": fibres,
    "maps": maps,
    "bilinear": bilinear,
}
