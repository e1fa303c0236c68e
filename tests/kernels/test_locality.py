"""A value reaches the outputs whose window it is in and no other, whatever is chosen; transforms are named.

The oracle is the structure of the sum: with everything else equal to one, the outputs that are not zero. An
entry of the kernel meets the zeros of a border too, and zero times NaN is NaN there, in lax as well: it may
reach all outputs of its channel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.convolution.algorithms import registry
from kernels.convolution.choice import rules
from tests.kernels.cases import CASES, NAMES, Case, case

# Cases that every rule of the policy is reached by, in some direction.
LARGE = (
    case("blocks, one channel", (19, 17), (9, 9), channels=(1, 1), batch=(1,)),
    case("blocks, two channels", (18, 21), (7, 8), batch=(1,), channels=(2, 2), padding="VALID"),
    case("blocks, strides", (30, 17), (8, 9), channels=(1, 2), strides=2),
    case("blocks, dilated", (30, 17), (8, 7), channels=(1, 1), dilation=2),
    case("blocks and bands, 1d", (130,), (40,), channels=(1, 2), padding="CIRCULAR"),
    case("sums of a row", (8, 9), (3, 3), channels=(1, 1), batch=(3,)),
    case("few samples", (9, 9), (5, 5), channels=(5, 9), batch=(1,), padding="VALID"),
    case("3d, few channels", (5, 5, 5), (3, 2, 3), channels=(2, 3), padding="VALID"),
    case("3d", (5, 5, 5), (3, 2, 3), channels=(6, 11), padding="VALID"),
    case("phases", (10, 8), (3, 3), channels=(9, 8), strides=2, transposed=True),
    case("few sites", (2, 2), (3, 3), channels=(128, 128), batch=(1,)),
    case("many groups", (6, 6), (3, 3), channels=(66, 330), groups=33, batch=(3,)),
    case("depthwise rows", (7, 13), (3, 3), channels=(4, 4), groups=4, batch=(1,)),
)


class Direction(NamedTuple):
    """A bilinear map of what it takes for an image and for a kernel."""

    name: str
    call: Callable[..., jax.Array]
    image: jax.Array
    kernel: jax.Array
    channels: int  # the axes of the kernel that are no sites


def directions(case: Case, dtype: Any, **options: Any) -> list[Direction]:
    x, kernel, ybar = case.arrays(dtype=dtype)
    op = partial(case.op, **options)
    to_input = jax.jit(lambda ybar, k: jax.linear_transpose(lambda x: op(x, k), x)(ybar)[0])
    to_kernel = jax.jit(lambda x, ybar: jax.linear_transpose(lambda k: op(x, k), kernel)(ybar)[0])
    return [
        Direction("forward", jax.jit(op), x, kernel, 2),
        Direction("input adjoint", to_input, ybar, kernel, 2),
        Direction("kernel adjoint", to_kernel, x, ybar, 1),
    ]


def spread(direction: Direction) -> None:
    """What one odd value changes, in either operand, somewhere and at the end."""
    rng = np.random.default_rng(1)
    plain = np.asarray(direction.call(direction.image, direction.kernel))
    for side, last in product(range(2), (False, True)):
        operands = [direction.image, direction.kernel]
        if not operands[side].size or not plain.size:
            continue
        place = tuple(n - 1 if last else int(rng.integers(n)) for n in operands[side].shape)
        reached = may = _reached(direction, side, place)
        if side == 1:
            anywhere = _reached(direction, side, (..., *place[-direction.channels :]))
            may = reached | np.any(anywhere, tuple(range(anywhere.ndim - 1)))
        for value in (np.nan, np.inf, 1e8):
            odd = list(operands)
            odd[side] = odd[side].at[place].set(value)
            got = np.asarray(direction.call(*odd))
            told = f"{direction.name}, {value} in operand {side} at {place}"
            if np.isfinite(value):
                np.testing.assert_array_equal(got[~reached], plain[~reached], told)
            else:
                assert not np.isfinite(got[reached]).any(), told
                np.testing.assert_allclose(got[~may], plain[~may], rtol=1e-4, atol=1e-4, err_msg=told)


def _reached(direction: Direction, side: int, places: tuple[Any, ...]) -> np.ndarray:
    """The outputs that these entries of an operand are a factor of."""
    ones = [jnp.ones_like(a) for a in (direction.image, direction.kernel)]
    ones[side] = jnp.zeros_like(ones[side]).at[places].set(1)
    return np.asarray(direction.call(*ones)) != 0


ALL = [pytest.param(one, id=one.name) for one in (*CASES, *LARGE)]


@pytest.mark.parametrize("one", ALL)
def test_by_default(one: Case) -> None:
    for direction in directions(one, jnp.float32):
        spread(direction)


@pytest.mark.parametrize("one", [pytest.param(CASES[NAMES.index("2d same")], id="2d same"), *ALL[-10:]])
def test_lax_itself(one: Case) -> None:
    """What is asked of the choices is true of XLA's own convolution."""
    for direction in directions(one, jnp.float32, implementation="xla"):
        spread(direction)


SMALL = ("2d groups, stride, dilation", "2d circular, dilated, groups", "3d everything", "1d crop")


# In kernel adjoints of groups XLA on CPU multiplies other groups by 0 where it is given the form of `lax`.
OTHERS = [name for name in rules.NAMES[1:] if name not in ("fft", "xla", "lax")]


@pytest.mark.parametrize("implementation", OTHERS)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == SMALL[0] else pytest.mark.slow, id=n) for n in SMALL]
)
def test_whatever_is_named(name: str, implementation: str) -> None:
    """So a policy that was measured keeps it too."""
    one = CASES[NAMES.index(name)]
    for direction in directions(one, jnp.float32, implementation=implementation):
        spread(direction)


def test_the_cases_reach_every_rule() -> None:
    """All that may be chosen by default occurs above, but for what takes images too large to be here."""
    seen = set()
    for one in (*CASES, *LARGE):
        if 0 in one.batch:
            continue
        options = {name: value for name, value in one.options.items() if name != "flip"}
        shapes = (one.input_shape, one.kernel_shape)
        told = kn.explain(*shapes, platform="cpu", transposed=one.transposed, **options)
        seen |= {r.implementation for r in (told.forward, told.input_adjoint, told.kernel_adjoint)}
    assert seen >= {rule.name for rule in rules.RULES} - {"eigen", "pieces"}
    assert "fft" not in {rule.name for rule in rules.RULES}
    assert "fft" in rules.NAMES


def test_the_page_says_what_keeps_every_way_local() -> None:
    page = (Path(__file__).parents[2] / "docs" / "choices.md").read_text()
    assert all(f"`{name}`" in page for name in registry.NAMES)


def test_pieces_of_uneven_rows(rng, thresholds) -> None:
    """Rows cut into pieces that do not fill them: the zeros at their end meet pixels of other windows."""
    thresholds(sum_numbers=64)
    one = case("uneven", (3, 11), (3, 3), channels=(4, 4), groups=4, padding="VALID")
    for direction in directions(one, jnp.float32, implementation="shifted"):
        spread(direction)


def test_transforms_are_not_local() -> None:
    """The reason for all this: one NaN reaches all of them."""
    x = jnp.ones((1, 64, 64, 1), jnp.float32).at[0, 30, 30, 0].set(jnp.nan)
    kernel = jnp.ones((21, 21, 1, 1), jnp.float32)
    assert int(jnp.isnan(kn.conv(x, kernel)).sum()) == 441
    assert int(jnp.isnan(kn.conv(x, kernel, implementation="fft")).sum()) == 64 * 64
