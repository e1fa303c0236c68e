"""Programs for GPUs and TPUs, read on any machine: they are the ones that `lax` has, in every direction."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import kernels as kn
from kernels.convolution.choice.table import Entry
from tests.kernels.cases import CASES, Case

PLATFORMS = ("cuda", "tpu")
ALL = ("cuda", "rocm", "tpu")
MODES = {"CIRCULAR": "wrap", "REFLECT": "reflect"}
NAME = re.compile(r"@jit_\w+")


def shaped(*shapes: Sequence[int]) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(tuple(shape), jnp.float32) for shape in shapes]


def program(f: Callable[..., Any], operands: Sequence[Any], platform: str) -> str:
    """The text for this platform, without the function's name."""
    text = jax.jit(f).trace(*operands).lower(lowering_platforms=(platform,)).as_text()
    return NAME.sub("@f", text)


def convolutions(text: str) -> list[str]:
    """Its convolutions, without the names of their operands."""
    return sorted(re.findall(r"stablehlo\.convolution\([^)]*\) (.*)", text))


def back(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, kernel, ybar: jax.vjp(f, x, kernel)[1](ybar)


def each(value: Any, rank: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,) * rank


def by_lax(x: jax.Array, kernel: jax.Array, case: Case) -> jax.Array:
    """The case as a user of `lax` writes it, for an image with one batch axis and its border."""
    rank, options = len(case.size), case.options
    padding = options.get("padding", "SAME")
    if repeats(case):
        padding = "VALID"
    elif not isinstance(padding, str):
        padding = [pad if isinstance(pad, list | tuple) else (pad, pad) for pad in each(padding, rank)]
    axes = "XYZ"[:rank]
    return lax.conv_general_dilated(
        x,
        lax.rev(kernel, tuple(range(rank))) if options.get("flip") else kernel,
        each(options.get("strides", 1), rank),
        padding,
        rhs_dilation=each(options.get("dilation", 1), rank),
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=case.groups,
    )


def flat(shape: Sequence[int], case: Case) -> tuple[int, ...]:
    return (int(np.prod(case.batch)), *shape[len(case.batch) :])


def repeats(case: Case) -> bool:
    return str(case.options.get("padding")) in MODES


def named_by_lax(case: Case) -> bool:
    """Whether `lax` has a word for the border, or widths, on one image without gaps."""
    padding = case.options.get("padding", "SAME")
    if {"input_dilation", "batch_group_count"} & set(case.options):
        return False
    if isinstance(padding, str):
        return padding in ("SAME", "SAME_LOWER", "VALID")
    return not isinstance(padding, list | tuple) or not any(isinstance(one, str) for one in padding)


ZERO = [case for case in CASES if named_by_lax(case) and len(case.batch) == 1]
FULL = [case for case in ZERO if np.prod(case.image_shape) and np.prod(case.field_shape)]


@pytest.mark.parametrize("case", FULL, ids=lambda case: case.name)
def test_the_list_of_cases(case: Case) -> None:
    """Forward and both adjoints, of `conv` and of `conv_transpose`, whose forward is an adjoint."""
    x, kernel, y = shaped(case.field_shape, case.kernel_shape, case.image_shape)
    conv = partial(by_lax, case=case)
    by_name = {
        "input": partial(kn.input_adjoint, input_shape=x.shape, **case.options),
        "kernel": partial(kn.kernel_adjoint, kernel_shape=kernel.shape, **case.options),
    }
    to_input = lambda y, kernel: jax.vjp(lambda x: conv(x, kernel), jnp.zeros(x.shape, x.dtype))[1](y)[0]  # noqa: E731
    to_kernel = lambda x, y: jax.vjp(lambda k: conv(x, k), jnp.zeros(kernel.shape, x.dtype))[1](y)[0]  # noqa: E731
    for platform in PLATFORMS:
        same = partial(_same, platform=platform)
        if not case.transposed:
            same(case.op, conv, (x, kernel))
            same(back(case.op), back(conv), (x, kernel, y))
        else:
            same(case.op, to_input, (y, kernel))
            twice = lambda y, k, x: jax.vjp(lambda y: to_input(y, k), y)[1](x)[0]  # noqa: E731
            once = lambda y, k, x: back(case.op)(y, k, x)[0]  # noqa: E731
            mine, theirs = (convolutions(program(f, (y, kernel, x), platform)) for f in (once, twice))
            assert mine == theirs  # where `lax` reverses the kernel twice
            same(lambda y, k, x: back(case.op)(y, k, x)[1], lambda y, k, x: to_kernel(x, y), (y, kernel, x))
        same(by_name["input"], to_input, (y, kernel))
        same(by_name["kernel"], to_kernel, (x, y))


def _same(f: Callable[..., Any], g: Callable[..., Any], operands: Sequence[Any], platform: str) -> None:
    assert _body(program(f, operands, platform)) == _body(program(g, operands, platform))


def _body(text: str) -> str:
    """Without constants that nothing reads, such as the zeros at which a linear function is transposed."""
    read = [
        line for line in text.splitlines() if "stablehlo.constant" not in line and "broadcast_in" not in line
    ]
    names: dict[str, str] = {}
    lines = "\n".join(re.sub(r' \{jax.result_info = "[^"]*"\}', "", line) for line in read)
    return re.sub(r"%\w+", lambda found: names.setdefault(found[0], f"%{len(names)}"), lines)


@pytest.mark.parametrize(
    "case", [case for case in CASES if repeats(case) and not case.transposed], ids=lambda c: c.name
)
def test_borders_that_repeat_the_image(case: Case) -> None:
    """The convolution is `lax`'s of an image with its border made: in the forward pass and for the kernel."""
    x, kernel, y = shaped(*(flat(s, case) for s in (case.field_shape,)), case.kernel_shape, case.image_shape)
    extents = [
        (k - 1) * e + 1
        for k, e in zip(case.size, each(case.options.get("dilation", 1), len(case.size)), strict=True)
    ]
    pads = [(0, 0), *(((w - 1) // 2, w // 2) for w in extents), (0, 0)]

    def padded(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return by_lax(jnp.pad(x, pads, mode=MODES[case.options["padding"]]), kernel, case)

    conv = partial(kn.conv, **case.options)
    for f, g in ((conv, padded), (lambda *a: back(conv)(*a)[1], lambda *a: back(padded)(*a)[1])):
        operands = (x, kernel) if f is conv else (x, kernel, y)
        mine, theirs = (convolutions(program(h, operands, "cuda")) for h in (f, g))
        assert [line for line in mine if line in theirs] == theirs


class Layer(NamedTuple):
    """Sizes that the lists of cases have too few of: groups, all options at once, in every dimension."""

    rank: int
    groups: int
    channels: tuple[int, int]
    strides: Any
    dilation: Any
    padding: Any

    @property
    def case(self) -> Case:
        names = ("strides", "dilation", "padding", "groups")
        options = {name: getattr(self, name) for name in names}
        return Case("", (9, 10, 7)[: self.rank], (3, 2, 3)[: self.rank], options, self.channels)


GROUPS = ((1, (2, 3)), (4, (8, 12)), (8, (8, 16)), (8, (16, 8)))
STEPS = (
    lambda rank: (2, 1, "SAME"),
    lambda rank: (1, 2, ((2, 0), (1, 3), (0, 0))[:rank]),
    lambda rank: ((2, 3, 1)[:rank], (2, 1, 2)[:rank], ((2, 0), (-1, 3), (0, 1))[:rank]),
)
LAYERS = [Layer(r, *group, *steps(r)) for r, group, steps in product((1, 2, 3), GROUPS, STEPS)]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_groups_strides_dilation_and_uneven_padding(layer: Layer) -> None:
    """The three directions, and those of layers that were mapped over their images, or with their kernels."""
    case = layer.case
    x, kernel, y = shaped(case.field_shape, case.kernel_shape, case.image_shape)
    more = partial(jax.tree.map, lambda a: jax.ShapeDtypeStruct((3, *a.shape), a.dtype))
    conv, theirs = case.op, partial(by_lax, case=case)
    for platform in ALL:
        assert program(conv, (x, kernel), platform) == program(theirs, (x, kernel), platform)
        text = program(back(conv), (x, kernel, y), platform)
        assert text == program(back(theirs), (x, kernel, y), platform)
        assert (
            "transpose" not in re.sub(r".*tensor<\d+(x\d+)*x\d+x\d+xf32>\) -> tensor<.*", "", text)
            or case.groups
        )
        assert f"batch_group_count = {case.groups}" in text
    for axes, operands in (((0, None), (more(x), kernel, more(y))), ((0, 0), more((x, kernel, y)))):
        mapped, other = (back(jax.vmap(f, axes)) for f in (conv, theirs))
        assert program(mapped, operands, "cuda") == program(other, operands, "cuda")
    mapped, other = (back(jax.vmap(f, (None, 0))) for f in (conv, theirs))
    operands = (x, more(kernel), more(y))
    assert convolutions(program(mapped, operands, "tpu")) == convolutions(program(other, operands, "tpu"))


def test_gradients_of_every_sample() -> None:
    """Mapped kernel adjoints have batch groups, which XLA's rewriter knows; `lax` has feature groups."""
    x, kernel, y = shaped((5, 2, 9, 9, 8), (3, 3, 8, 4), (5, 2, 9, 9, 4))
    (line,) = convolutions(
        program(jax.vmap(lambda x, y: kn.kernel_adjoint(x, y, kernel_shape=kernel.shape)), (x, y), "cuda")
    )
    assert "batch_group_count = 5" in line
    assert "feature_group_count = 1" in line


def test_higher_orders_and_loops_move_no_image() -> None:
    """Second derivatives both ways, and gradients in the body of a scan: kernels alone are transposed."""
    x, kernel = shaped((2, 16, 17, 8), (3, 3, 2, 12))

    def loss(k: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.tanh(kn.conv(x, k, groups=4, strides=2)) ** 2)

    def forward_over_reverse(k, x, v):
        return jax.jvp(lambda k: jax.grad(loss, (0, 1))(k, x), (k,), (v,))

    def reverse_over_reverse(k, x, v):
        return jax.grad(lambda k: jnp.vdot(jax.grad(loss)(k, x), v))(k)

    def loop(k, x, v):
        return jax.grad(lambda k: lax.scan(lambda c, x: (c + loss(k, x), None), 0.0, x[:, None])[0])(k)

    for f in (forward_over_reverse, reverse_over_reverse, loop):
        text = program(f, (kernel, x, kernel), "cuda")
        assert len(convolutions(text)) >= 2
        assert all("(tensor<3x3x" in line for line in text.splitlines() if "stablehlo.transpose" in line)


def test_on_cpu_the_choice_stands() -> None:
    x, kernel, y = shaped((2, 9, 9, 8), (3, 3, 1, 8), (2, 9, 9, 8))
    step = back(partial(kn.conv, groups=8))
    assert not convolutions(program(step, (x, kernel, y), "cpu"))
    assert len(convolutions(program(step, (x, kernel, y), "cuda"))) == 2


def test_a_policy_is_followed_where_it_was_measured() -> None:
    """Entries of a GPU hold on GPUs, in every direction, and nowhere else."""
    shapes = (1, 16, 16, 2), (5, 5, 2, 3)
    told = kn.explain(*shapes, platform="cuda")
    works = (told.forward.work, told.input_adjoint.work, told.kernel_adjoint.work)
    policy = kn.Policy(tuple(Entry(work, "fft", "to see it") for work in works))
    assert kn.explain(*shapes, platform="cuda", implementation=policy).kernel_adjoint.implementation == "fft"
    operands = shaped(*shapes, (1, 16, 16, 3))
    step = back(partial(kn.conv, implementation=policy))
    for platform, found in (("cuda", True), ("rocm", True), ("tpu", False), ("cpu", False)):
        text = program(step, operands, platform)
        assert ("stablehlo.fft" in text) == found
        assert bool(convolutions(text)) != found or platform == "cpu"


def test_profiles_say_which_implementation_ran() -> None:
    x, kernel, y = shaped((2, 9, 9, 8), (3, 3, 1, 8), (2, 9, 9, 8))
    trace = jax.jit(back(partial(kn.conv, groups=8))).trace(x, kernel, y)
    for platform, names in (
        ("cpu", {"conv[shifted]", "conv_kernel[shifted]"}),
        ("tpu", {"conv[xla]", "conv_kernel[xla]"}),
    ):
        text = trace.lower(lowering_platforms=(platform,)).as_text(debug_info=True)
        assert set(re.findall(r"conv(?:_kernel)?\[\w+\]", text)) == names
