"""Measure the implementations on this machine and keep the fastest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from kernels.convolution.algorithms.registry import IMPLEMENTATIONS, NAMES
from kernels.convolution.borders.border import Padding
from kernels.convolution.choice.directions import Direction, directions
from kernels.convolution.choice.table import Entry, Policy
from kernels.convolution.choice.timing import medians
from kernels.errors import ImplementationError, brief, known
from kernels.integers import Ints, positive

NOISE = 1.05
LOCAL = tuple(name for name in NAMES if name != "fft")


def autotune(
    x_shape: Sequence[int],
    kernel_shape: Sequence[int],
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    transposed: bool = False,
    dtype: Any = "float32",
    preferred_element_type: Any = None,
    candidates: Sequence[str] = LOCAL,
    rounds: int = 10,
) -> Policy:
    """Time every implementation of a layer and of both its adjoints here, and return the fastest as a policy.

    The policy is passed as ``implementation=policy`` to `conv`, `conv_transpose`, the adjoints and `lower`.
    It speaks about layers of exactly these shapes with any batch, on this platform; all others follow the
    rules. Policies add up, are hashable, and are kept as text: ``Policy.from_json(policy.to_json())``.

    Args:
        x_shape, kernel_shape, strides, padding, dilation, input_dilation, groups, transposed, dtype,
            preferred_element_type: as in `explain`.
        candidates: names to try; those that do not serve a direction are passed over. By default all but
            "fft", which lets every value of an image reach every output: name it where that may be.
        rounds: how often each is called, in turns; the medians are compared.

    Returns:
        A `Policy` with an entry for each of the three convolutions, or two where two are the same.

    Raises:
        ImplementationError: a candidate is unknown, or none serves; other kinds as the layer itself does.

    >>> policy = autotune((1, 4, 4, 2), (1, 1, 2, 2), candidates=("xla", "matmul"), rounds=1)
    >>> {entry.name for entry in policy.entries} <= {"xla", "matmul"}
    True

    Source: as in FFTW: M. Frigo, S. Johnson, "The design and implementation of FFTW3", 2005, section V.
    """
    for name in candidates:
        if not known(name, NAMES):
            raise ImplementationError(
                "candidates", "must be known names", brief(name), f"choose from {NAMES}"
            )
    turns = positive("rounds", rounds, ImplementationError)
    layer = {
        "strides": strides,
        "padding": padding,
        "dilation": dilation,
        "input_dilation": input_dilation,
        "groups": groups,
        "preferred_element_type": preferred_element_type,
    }
    make = partial(directions, x_shape, kernel_shape, dtype, jax.default_backend(), transposed, **layer)
    plain = make()
    forced = {name: make(implementation=name) for name in candidates}
    policy = Policy()
    for i, direction in enumerate(plain):
        if not policy.measured(direction.work):  # an input adjoint may be the same convolution as the layer
            own = {name: three[i] for name, three in forced.items()}
            policy += Policy((_fastest(direction, own, turns),))
    return policy


def _fastest(direction: Direction, forced: Mapping[str, Direction], turns: int) -> Entry:
    able = [one.name for one in IMPLEMENTATIONS if one.name in forced and one.serves(direction.work)]
    if not able:
        raise ImplementationError(
            "candidates", "must serve the case", tuple(forced), f"add 'xla' for {direction.work.describe()}"
        )
    rng = np.random.default_rng(0)
    arrays = [jax.numpy.asarray(rng.normal(size=one.shape), one.dtype) for one in direction.operands]
    calls = {name: partial(jax.jit(forced[name].call), *arrays) for name in able}
    ranked = sorted((time, name) for name, time in medians(calls, turns).items())
    shown = ", ".join(f"{name} {1e3 * time:.3g} ms" for time, name in ranked)
    return Entry(direction.work, _winner(ranked), f"measured: {shown}")


def _winner(ranked: Sequence[tuple[float, str]]) -> str:
    """The fastest, unless XLA's own convolution is as fast within the noise."""
    best, name = ranked[0]
    return next((other for time, other in ranked if other == "xla" and time <= NOISE * best), name)
