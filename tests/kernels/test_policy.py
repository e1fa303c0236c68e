"""Every implementation computes every case; what "auto" chooses is a matter of speed alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from kernels.convolution.choice import rules
from kernels.convolution.work import work_of
from tests.kernels.cases import CASES, Case

EXACT = {"rtol": 1e-12, "atol": 1e-12}


# Together they reach every option of the primitive in both of its roles, and an empty result.
COMBINED = (
    "1d crop",
    "1d stride and dilation",
    "2d circular, dilated, groups",
    "2d groups, stride, dilation",
    "2d transposed pairs, dilated, flip",
    "3d everything",
)
MANY = [
    pytest.param(case, marks=() if case.name in COMBINED else pytest.mark.slow, id=case.name)
    for case in CASES
]


@pytest.mark.parametrize("implementation", rules.NAMES[1:])
@pytest.mark.parametrize("case", MANY)
def test_every_implementation_of_every_case(case: Case, implementation: str) -> None:
    """The value and both adjoints, against the oracle and its two matrices."""
    x, kernel, ybar = case.arrays()

    @jax.jit
    def everything(x, kernel, ybar):
        y, pull = jax.vjp(lambda x, k: case.op(x, k, implementation=implementation), x, kernel)
        return y, *pull(ybar)

    y, xbar, kbar = everything(x, kernel, ybar)
    np.testing.assert_allclose(y, case.oracle(np.asarray(x), np.asarray(kernel)), **EXACT)
    matrix = case.matrix(np.asarray(kernel))
    count, (outputs, inputs) = int(np.prod(case.batch)), matrix.shape
    samples = np.reshape(ybar, (count, outputs))
    np.testing.assert_allclose(np.reshape(xbar, (count, inputs)), samples @ matrix, **EXACT)
    seen, image = (ybar, x) if case.transposed else (x, ybar)
    patches = reference.patch_matrix(seen, case.size, out_channels=case.channels[1], **case.options)
    np.testing.assert_allclose(np.ravel(kbar), patches.T @ np.ravel(image), **EXACT)


def chosen(
    x: tuple[int, ...],
    kernel: tuple[int, ...],
    groups: int = 1,
    platform: str = "cpu",
    turned: bool = False,
) -> str:
    shapes = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (x, kernel))
    out = tuple(n - k + 1 for n, k in zip(x[1:-1], kernel[:-2], strict=True))
    one = (1,) * len(out)
    options = {"out": out, "groups": groups, "strides": one, "lhs_dilation": one, "rhs_dilation": one}
    return rules.decide(work_of(*shapes, platform, options, turned)).name


@pytest.mark.parametrize(
    ("x", "kernel", "groups", "name"),
    [
        ((8, 30, 30, 64), (3, 3, 64, 64), 1, "xla"),
        ((8, 30, 30, 3), (3, 3, 3, 64), 1, "xla"),
        ((8, 30, 30, 64), (3, 3, 1, 64), 64, "shifted"),
        ((1, 30, 30, 512), (28, 28, 8, 64), 64, "shifted"),  # the kernel adjoint of the line above
        ((8, 36, 36, 64), (9, 9, 1, 64), 64, "shifted"),
        ((8, 30, 30, 64), (3, 3, 8, 64), 8, "shifted"),
        ((8, 30, 30, 64), (3, 3, 8, 128), 8, "grouped"),
        ((8, 30, 30, 64), (1, 1, 16, 128), 4, "shifted"),
        ((8, 30, 30, 64), (3, 3, 16, 64), 4, "grouped"),
        ((16, 30, 30, 32), (28, 28, 8, 64), 4, "grouped"),  # the kernel adjoint of the line above
        ((8, 30, 30, 64), (28, 28, 8, 64), 8, "shifted"),  # of 8 channels a group
        ((16, 30, 30, 8), (28, 28, 2, 64), 4, "unfold"),  # of two samples
        ((16, 30, 30, 2), (28, 28, 2, 16), 1, "unfold"),
        ((96, 58, 58, 8), (56, 56, 8, 96), 1, "eigen"),  # a kernel adjoint
        ((64, 58, 58, 8), (56, 56, 8, 64), 1, "pieces"),  # of fewer channels
        ((96, 30, 30, 4), (28, 28, 4, 96), 1, "xla"),  # or of fewer samples
        ((8, 30, 30, 1056), (3, 3, 16, 1056), 66, "grouped"),
        ((1, 56, 70, 1), (56, 56, 1, 1), 1, "bands"),  # a kernel adjoint of 1 x 15
        ((1, 56, 63, 1), (56, 56, 1, 1), 1, "shifted"),  # and of 1 x 8
        ((4, 1063, 8), (1000, 8, 4), 1, "bands"),  # and in one dimension of 64
        ((4, 1015, 8), (1000, 8, 4), 1, "xla"),  # of 16
        ((4, 1004, 8), (1000, 8, 4), 1, "shifted"),  # and of 5
        ((1, 30, 30, 1), (3, 3, 1, 1), 1, "shifted"),
        ((1, 30, 30, 1), (3, 3, 1, 64), 1, "xla"),
        ((2, 9, 9, 9, 16), (3, 3, 3, 4, 16), 4, "shifted"),
        ((2, 9, 9, 9, 64), (3, 3, 3, 16, 64), 4, "unfold"),
        ((2, 9, 9, 9, 16), (3, 3, 3, 16, 16), 1, "unfold"),
        ((16, 9, 9, 9, 2), (7, 7, 7, 2, 16), 1, "unfold"),  # the kernel adjoint of the line above
        ((8, 30, 30, 64), (1, 1, 64, 256), 1, "matmul"),
        ((64, 30, 30, 8), (30, 30, 8, 256), 1, "matmul"),  # the kernel adjoint of the line above
        ((1, 130, 130, 3), (31, 31, 3, 3), 1, "blocks"),
        ((1, 130, 130, 1), (15, 15, 1, 1), 1, "blocks"),
        ((1, 130, 130, 1), (21, 21, 1, 1), 1, "blocks"),
        ((3, 130, 130, 1), (100, 100, 1, 3), 1, "blocks"),  # the kernel adjoint of the line above
        ((1, 130, 130, 1), (7, 7, 1, 1), 1, "shifted"),
        ((1, 130, 130, 8), (3, 3, 8, 8), 1, "blocks"),
        ((1, 130, 130, 1), (3, 3, 1, 32), 1, "xla"),
        ((2, 9, 9, 9, 16), (3, 3, 3, 1, 16), 16, "shifted"),
    ],
)
def test_choice(x: tuple[int, ...], kernel: tuple[int, ...], groups: int, name: str) -> None:
    assert chosen(x, kernel, groups) == name
    assert chosen(x, kernel, groups, platform="cuda") == chosen(x, kernel, groups, platform="tpu") == "xla"


@pytest.mark.parametrize(
    ("image", "channels", "name"),
    [
        ((4, 6, 6), (512, 512), "col2im"),
        ((4, 6, 6), (512, 32), "col2im"),
        ((4, 6, 6), (64, 64), "xla"),  # of fewer channels
        ((16, 10, 10), (512, 512), "xla"),  # of more sites
        ((1, 5, 5, 5), (128, 128), "col2im"),
    ],
)
def test_choice_where_the_kernel_is_turned(image, channels, name) -> None:
    """An input adjoint reads the kernel of the layer the other way round; the layer itself does not."""
    kernel = (*(3,) * (len(image) - 1), *channels)
    assert chosen((*image, channels[0]), kernel, turned=True) == name
    assert chosen((*image, channels[0]), kernel) != "col2im"
    assert chosen((*image, channels[0]), kernel, platform="gpu", turned=True) == "xla"


@pytest.mark.parametrize(
    ("x", "kernel", "name"),
    [
        ((8, 30, 30, 64), (3, 3, 64, 64), "eigen"),
        ((2, 30, 30, 64), (3, 3, 64, 64), "xla"),  # too few products
        ((1, 80, 80, 64), (3, 3, 64, 64), "xla"),  # or a single sample
        ((8, 130, 130, 64), (3, 3, 64, 64), "xla"),  # or too large an image
        ((64, 58, 58, 8), (56, 56, 8, 64), "eigen"),  # a kernel adjoint
    ],
)
def test_choice_with_other_thresholds(
    x: tuple[int, ...], kernel: tuple[int, ...], name: str, thresholds: Callable[..., None]
) -> None:
    """What won on one machine and lost on another is taken where it was measured to win."""
    thresholds(eigen_products=1 << 27, eigen_adjoint_channels=64)
    assert chosen(x, kernel) == name


def test_each_platform_gets_its_own_choice() -> None:
    """One export for two platforms holds two lowerings, one with a convolution and one without."""
    shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((2, 8, 8, 64), (3, 3, 1, 64))]
    depthwise = jax.jit(lambda x, kernel: kn.conv(x, kernel, groups=64))

    def text(*platforms: str) -> str:
        return jax.export.export(depthwise, platforms=platforms)(*shapes).mlir_module()

    assert "stablehlo.convolution" not in text("cpu")
    assert (
        text("cuda").count("stablehlo.convolution") == text("cpu", "cuda").count("stablehlo.convolution") == 1
    )


@pytest.mark.parametrize("implementation", rules.NAMES)
def test_half_precision_is_summed_in_single(implementation: str) -> None:
    """300 ones: bfloat16 counts to 256 and no further."""
    x, kernel = jnp.ones((1, 300, 2), jnp.bfloat16), jnp.ones((300, 1, 2), jnp.bfloat16)
    y = jax.jit(lambda x, k: kn.conv(x, k, groups=2, padding="VALID", implementation=implementation))(
        x, kernel
    )
    assert y.dtype == jnp.bfloat16
    assert y.astype(jnp.float32).ravel().tolist() == [300.0, 300.0]


@pytest.mark.parametrize("implementation", rules.NAMES[1:])
def test_what_the_taps_give_is_not_rounded_in_between(implementation: str) -> None:
    """256 + 1 + 1 + 2: each of the ones by itself is lost in bfloat16."""
    x, kernel = jnp.ones((1, 9, 1), jnp.bfloat16), jnp.array([256, 1, 1, 2], jnp.bfloat16).reshape(4, 1, 1)
    y = jax.jit(lambda x, k: kn.conv(x, k, padding="VALID", implementation=implementation))(x, kernel)
    assert y.astype(jnp.float32).ravel().tolist() == [260.0] * 6


def test_what_is_apart_is_not_merged_with_its_neighbours() -> None:
    """Merged, a function before a sum of shifted copies is evaluated once per tap."""
    x, kernel = jnp.ones((2, 9, 9, 64)), jnp.ones((3, 3, 1, 64))

    @jax.jit
    def layer(x, kernel):
        return jnp.tanh(kn.conv(jnp.tanh(x), kernel, groups=64))

    text = layer.lower(x, kernel).compile().as_text()
    assert " call(" in text
    assert text.count(" tanh(") == 2
    on_gpu = jax.export.export(layer, platforms=["cuda"])(x, kernel).mlir_module()
    assert "inlineable" not in on_gpu


@pytest.mark.parametrize("implementation", ["auto", "policy"])
def test_the_choice_is_the_same_where_jit_is_disabled(implementation: str) -> None:
    """As on CPU, where no convolution is left of a depthwise layer: XLA's is called for nothing."""
    x, kernel = jnp.ones((2, 6, 6, 16), jnp.float32), jnp.ones((3, 3, 1, 16), jnp.float32)
    if implementation == "policy":
        implementation = kn.autotune(x.shape, kernel.shape, groups=16, candidates=("shifted",), rounds=1)
    conv = partial(kn.conv, groups=16, implementation=implementation)

    def step(x, kernel):
        y, pull = jax.vjp(conv, x, kernel)
        return y, *pull(y)

    expected = step(x, kernel)
    called: list[str] = []
    jax.clear_caches()
    with pytest.MonkeyPatch.context() as patch, jax.disable_jit():
        one = jax.lax.conv_general_dilated
        patch.setattr(jax.lax, "conv_general_dilated", lambda *a, **b: called.append("conv") or one(*a, **b))
        got = step(x, kernel)
        assert called == []
        kn.conv(x, kernel, groups=16, implementation="xla")
        assert called == ["conv"]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("groups", [2, 33, 64])
def test_groups_are_a_loop_whatever_their_number(groups: int) -> None:
    """One dense convolution in the program for each direction, by groups and by a vmap over kernels alike."""
    x, kernel = jnp.ones((1, 5, 5, 20 * groups)), jnp.ones((3, 3, 20, 12 * groups))
    xs, kernels = jnp.ones((groups, 1, 5, 5, 20)), jnp.ones((groups, 3, 3, 20, 12))
    grouped = jax.jit(lambda x, k: kn.conv(x, k, groups=groups))
    mapped = jax.jit(jax.vmap(kn.conv))
    for run, operands in ((grouped, (x, kernel)), (mapped, (xs, kernels))):
        text = run.lower(*operands).as_text()
        assert text.count("stablehlo.convolution") == text.count("stablehlo.while") == 1
        assert "feature_group_count = 1" in text
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=x.shape), rng.normal(size=kernel.shape)
    np.testing.assert_allclose(grouped(x, kernel), reference.conv(x, kernel, groups=groups), rtol=1e-9)
