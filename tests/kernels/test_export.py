"""One host exports for CPU, CUDA and TPU together; the CPU part is run, sizes may stay symbolic."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import kernels as kn
from tests.kernels import lowerings, structures, test_fibres
from tests.kernels.every import FAMILIES

PLATFORMS = ("cpu", "cuda", "tpu")
CHOSEN = (
    "1d kernel larger than the image",
    "2d circular, dilated, groups",
    "2d reflect stride, flip",
    "2d transposed pairs, dilated, flip",
)


def everywhere(f, *args) -> export.Exported:
    exported = export.export(f, platforms=PLATFORMS)(*args)
    assert exported.platforms == PLATFORMS
    return exported


@pytest.mark.parametrize("family", FAMILIES)
def test_every_op_lowers_for_every_platform(family: str) -> None:
    """Values and gradients of a whole family in one program."""
    items = FAMILIES[family]()
    operands = [item.operands(np.float32) for item in items]

    @jax.jit
    def everything(operands):
        return [item.both(*one) for item, one in zip(items, operands, strict=True)]

    everywhere(everything, operands)


@pytest.mark.parametrize("name", CHOSEN)
def test_value_and_gradients(name: str) -> None:
    """What the CPU part of an export computes."""
    (item,) = (item for item in FAMILIES["convolutions"]() if item.name == name)
    operands = item.operands(np.float32)
    results = everywhere(jax.jit(item.both), *operands).call(*operands)
    for got, expected in zip(results, item.both(*operands), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


SYMBOLIC = {
    "same": {},
    "stride": {"strides": 2},
    "valid, stride": {"strides": 2, "padding": "VALID"},
    "dilated groups": {"dilation": 2, "groups": 2},
    "circular": {"padding": "CIRCULAR"},
    "reflect, stride": {"padding": "REFLECT", "strides": 2},
    "one border per axis": {"padding": ("REPLICATE", "CAUSAL"), "strides": (1, 2)},
    "input dilation": {"padding": ("CIRCULAR", "SAME_LOWER"), "input_dilation": (2, 1)},
}


@pytest.mark.parametrize("options", SYMBOLIC.values(), ids=SYMBOLIC)
def test_symbolic_batch_and_image(options) -> None:
    """Batch, height and width stay symbols through the value and both gradients."""
    b, h, w = export.symbolic_shape("b, h, w", constraints=["h >= 6", "w >= 6"])
    kernel = jnp.asarray(
        np.random.default_rng(0).normal(size=(3, 3, 4 // options.get("groups", 1), 2)), jnp.float32
    )

    @jax.jit
    def everything(x, kernel):
        loss = lambda x, kernel: 0.5 * jnp.sum(kn.conv(x, kernel, **options) ** 2)  # noqa: E731
        return kn.conv(x, kernel, **options), *jax.grad(loss, (0, 1))(x, kernel)

    shape = jax.ShapeDtypeStruct((b, h, w, 4), jnp.float32)
    called = everywhere(everything, shape, kernel).call
    for size in ((2, 6, 7, 4), (1, 9, 8, 4)):
        x = jnp.asarray(np.random.default_rng(1).normal(size=size), jnp.float32)
        for got, expected in zip(called(x, kernel), everything(x, kernel), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


# ---- artifacts --------------------------------------------------------------------------------------------


def lattice() -> Any:
    return lowerings.LOWERINGS[lowerings.NAMES.index("convolution 2-D")]


@pytest.mark.parametrize("baked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_lattice_op_round_trip(baked: bool, biased: bool) -> None:
    """Kept as bytes and read again: the value, its gradients, sizes left open, under jit."""
    case = lattice()
    w, x, b, _ = case.arrays(dtype=np.float32)
    held = (w, x, b) if biased else (w, x)
    kept = case.op.export(w, ("n", "h", "w", 2), b=b if biased else None, baked=baked).data
    artifact = kn.Artifact(bytes(kept))
    assert artifact.platforms == PLATFORMS
    call = (lambda w, x, *b: artifact(x)) if baked else artifact
    for image in (x, x[:1, :4]):
        now = (w, image, *held[2:])
        np.testing.assert_allclose(jax.jit(call)(*now), case.op(*now), rtol=1e-6, atol=1e-6)
    loss = lambda f: lambda x: jnp.sum(jnp.sin(f(w, x, *held[2:])))  # noqa: E731
    np.testing.assert_allclose(jax.grad(loss(call))(x), jax.grad(loss(case.op))(x), rtol=1e-5, atol=1e-5)


def test_fibred_and_linear_ops_round_trip() -> None:
    """Weights are trees; an op without a lattice has a batch to leave open."""
    fibred = test_fibres.named("p4m defining")
    w, x, _ = fibred.arrays(np.float32)
    np.testing.assert_allclose(fibred.op.export(w, x.shape)(w, x), fibred.op(w, x), rtol=1e-6, atol=1e-6)
    maps = structures.STRUCTURES[structures.NAMES.index("SO3 sum")]
    w, x = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), maps.arrays())
    artifact = maps.op.export(w, ("n", x.shape[-1]), platforms=("cpu", "rocm"), derivatives=0)
    assert artifact.platforms == ("cpu", "rocm")
    np.testing.assert_allclose(artifact(w, x), maps.op(w, x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("platforms", ["cpu", ("cpu", "gpu"), ()])
def test_unknown_platforms(platforms) -> None:
    message = (
        f"platforms must be some of ('cpu', 'cuda', 'rocm', 'tpu'), got {platforms!r}; "
        'say platforms=("cpu", "cuda")'
    )
    case = lattice()
    with pytest.raises(kn.ExportError) as error:
        case.op.export(case.arrays()[0], (5, 6, 2), platforms=platforms)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((-5, 6, 2), "(-5, 6, 2); say"),
        ((5.0, 6, 2), "(5.0, 6, 2); say"),
        ("hwc", "'hwc'; say"),
        (6, "6; say"),
        (("n!", 6, 2), "('n!', 6, 2); say"),
    ],
)
def test_shapes_that_are_none(shape, shown: str) -> None:
    case = lattice()
    with pytest.raises(kn.ExportError) as error:
        case.op.export(case.arrays()[0], shape)
    assert str(error.value).startswith(f"shape must be numbers and names of sizes, got {shown}")


def test_artifacts_that_cannot_be_called() -> None:
    """On another platform, under vmap, from bytes that are none, with too many derivatives asked for."""
    case = lattice()
    w, x, _, _ = case.arrays(dtype=np.float32)
    abroad = case.op.export(w, x.shape, platforms=("tpu",), derivatives=0)
    message = (
        "the artifact must be called on one of its platforms ('tpu',), got cpu; export it for this one too"
    )
    with pytest.raises(kn.ExportError) as error:
        abroad(w, x)
    assert str(error.value) == message
    with pytest.raises(kn.ExportError, match=r'^the artifact cannot be mapped.*leave the batch open, \("n"'):
        jax.vmap(lambda x: case.op.export(w, x.shape, derivatives=0)(w, x))(x[None])
    with pytest.raises(
        kn.ExportError, match=r"^data must be the bytes of an artifact, got 5 bytes; give op\.ex"
    ):
        kn.Artifact(b"bytes").platforms  # noqa: B018
    for wrong in (-1, True, 1.0):
        message = rf"^derivatives must be a number of times, got {wrong!r}; give 0, 1"
        with pytest.raises(kn.ExportError, match=message):
            case.op.export(w, x.shape, derivatives=wrong)


def test_other_shapes_than_exported_for() -> None:
    case = lattice()
    w, x, b, _ = case.arrays(dtype=np.float32)
    artifact = case.op.export(w, ("n", "h", 6, 2))
    wanted = "give float32[9,2,3], float32[n,h,6,2]"
    rule = "the arguments of the artifact must have the shapes and dtypes that it was exported for"
    for given, shapes in {
        (0, 5, 6, 1): "float32[9, 2, 3], float32[0, 5, 6, 1]",
        (2, 5, 7, 2): "float32[9, 2, 3], float32[2, 5, 7, 2]",
        (5, 6, 2): "float32[9, 2, 3], float32[5, 6, 2]",
    }.items():
        with pytest.raises(kn.ExportError) as error:
            artifact(w, jnp.zeros(given, jnp.float32))
        assert str(error.value) == f"{rule}, got {shapes}; {wanted}"
    for arguments in ((x,), (w, x, b), (w, x.astype(jnp.float16))):
        with pytest.raises(kn.ExportError, match="must have the shapes and dtypes"):
            artifact(*arguments)
    with pytest.raises(kn.ExportError, match=r"must fit its open sizes, got .*Expected value >= 1 for"):
        artifact(w, x[:, :0])


def test_sizes_that_cannot_stay_open() -> None:
    """A mirrored border needs to know that the image reaches far enough: a number, or a constraint."""
    case = lowerings.LOWERINGS[lowerings.NAMES.index("padding REFLECT")]
    w, x, _, _ = case.arrays(dtype=np.float32)
    with pytest.raises(kn.ExportError) as error:
        case.op.export(w, ("n", "h", 6, 2))
    assert str(error.value) == (
        "shape must give numbers for the sizes that this op depends on, got (n, h, 6, 2); give those, or "
        "constraints on the names: Symbolic dimension comparison 'h' >= '2' is inconclusive."
    )
    artifact = case.op.export(w, ("n", "h", 6, 2), constraints=("h >= 4",))
    np.testing.assert_allclose(artifact(w, x), case.op(w, x), rtol=1e-6, atol=1e-6)
