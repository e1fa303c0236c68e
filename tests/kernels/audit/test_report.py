"""What a reader sees: the table, the HTML, the names of layers."""

from __future__ import annotations

import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from tests.kernels.audit.fault import S14, S44
from tests.kernels.audit.faults import FAULTS
from tests.kernels.audit.parts import (
    C4,
    P4M,
    Chain,
    Typed,
    conv,
    eqx_conv,
    image,
    relu,
    skew,
    still,
    symmetric,
    torus,
)
from tests.kernels.audit.sound import grouped, signs

X = np.moveaxis(image(9), -1, 1)


class Block(eqx.Module):
    conv1: Any
    conv2: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.conv2(jax.nn.relu(self.conv1(x)))


class Net(eqx.Module):
    stem: Any
    blocks: list[Block]
    shared: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.shared(self.shared(x))


def same(kernel: np.ndarray) -> eqx.nn.Conv:
    return eqx_conv(kernel, padding=1)


def net(last: np.ndarray = S44) -> Net:
    return Net(same(S14), [Block(same(S44), same(S44)), Block(same(S44), same(last))], same(S44))


def test_layers_are_named_as_they_are_reached() -> None:
    found = kn.audit(net(skew(S44)), X, still(C4, 9))
    names = [layer.name for layer in found.layers]
    assert [n for n in names if "line" not in n] == [
        "stem", "blocks[0].conv1", "blocks[0].conv2", "blocks[1].conv1", "blocks[1].conv2", "shared",
        "shared (call 2)",
    ]  # fmt: skip
    assert sum(n.startswith("blocks[1], line") for n in names) == 2
    assert found.first is not None
    assert found.first.name == "blocks[1].conv2"
    assert len(set(names)) == len(names)


def test_the_table() -> None:
    pool = eqx.nn.MaxPool2d(2, 2)
    found = kn.audit(Chain([same(S14), pool, relu()]), X, still(C4, 9))
    error = found.layers[1].errors["r"]
    assert str(found).splitlines() == [
        "audit under C4, x (2, 1, 9, 9): 3 layers, errors up to 1e-04 are rounding",
        "layer      keeps    loses (error)",
        "layers[0]  r",
        f"layers[1]  nothing  r ({error:.1g})",
        "layers[2]  r",
        f"layers[1]: {found.layers[1].cause}. Remedy: use 8 or 10 sites",
        "  at this layer, or an odd window.",
        "the model keeps nothing",
    ]
    assert error > 0.1
    assert repr(found) == str(found)
    assert str(found.first) == (
        f"layers[1]: keeps nothing, loses r ({error:.1g}); "
        "pooling phase: 9 sites, stride 2, samples not about the centre; "
        "use 8 or 10 sites at this layer, or an odd window"
    )


@pytest.mark.parametrize("name", [name for name, _ in FAULTS[::9]])
def test_no_line_is_too_long_and_the_html_is_escaped(name: str) -> None:
    fault = dict(FAULTS)[name]
    found = kn.audit(fault.make(), fault.x, fault.into, fault.out)
    assert max(map(len, str(found).splitlines())) <= 100
    page = found._repr_html_()
    assert "<script" not in page
    assert page.count("<tr>") == page.count("</tr>") == len(found.layers) + 1
    assert set(re.findall(r"</?(\w+)", page)) == {"p", "table", "thead", "tbody", "tr", "th", "td"}


def test_the_html_shows_code_as_text() -> None:
    run = conv(S14)

    def model(x: jax.Array) -> jax.Array:
        return jnp.where(run(x) < 0, 0.0, run(x))  # <b>

    page = kn.audit(model, image(8), still(C4, 8))._repr_html_()
    assert "&lt;" in page
    assert "<b>" not in page


def test_a_subgroup_is_named_by_few_generators() -> None:
    """A kernel with half turns and diagonal mirrors only."""
    kernel = skew(symmetric(3))
    kernel = kernel + np.transpose(kernel, (1, 0, 2, 3))
    kernel = kernel + np.flip(kernel, (0, 1))
    found = kn.audit(conv(kernel, padding="CIRCULAR"), image(8), torus(P4M, 8))
    assert found.kept[:2] == ("t_u", "t_v")
    point = P4M.point.subgroup(list(found.kept[2:]))
    assert point.order == 4
    assert len(found.kept[2:]) == 2
    assert found.layers[0].lost == ("r", "m")


def test_strides_add_up() -> None:
    """Two strides of two keep every fourth shift of the input."""
    run = conv(symmetric(3), strides=2, padding="CIRCULAR")

    def model(x: jax.Array) -> jax.Array:
        y = run(x)
        return run(jax.nn.relu(y))

    found = kn.audit(model, image(8), torus(dv.translations(2), 8))
    assert found.kept == ("t_u^4", "t_v^4")
    assert [layer.lost for layer in found.layers if layer.lost] == [("t_u", "t_v"), ("t_u^2", "t_v^2")]
    assert "multiples of 4 sites" in found.layers[-1].cause


def test_batch_statistics_that_lose_nothing_are_noted() -> None:
    def model(x: jax.Array) -> jax.Array:
        return x / x.std((0, 1, 2))

    found = kn.audit(model, image(8), still(C4, 8))
    assert found.passed
    assert "a sample's output depends on the other samples" in found.notes[0]
    assert found.notes[0][:60] in str(found).replace("\n  ", " ")
    assert not kn.audit(model, image(8)[:1], still(C4, 8)).notes


def test_errors_are_relative_to_the_largest_entry() -> None:
    """A mask that doubles half of the image is off by one half of its largest number, or all of it."""
    mask = jnp.where(jnp.arange(16) < 8, 1.0, 2.0)[:, None]
    x = np.ones((1, 16, 1), np.float32) + 1e-3 * image(16, batch=1, rank=1)
    found = kn.audit(lambda x: x * mask, x, still(dv.point_group("D1", dim=1), 16))
    assert found.layers[0].errors["m"] == pytest.approx(0.5, abs=0.01)


def test_a_layer_made_for_a_subgroup() -> None:
    """Behind it fibres of the subgroup are known for its elements."""
    whole, turns = P4M.point, P4M.point.subgroup(["r"])
    space = P4M.restrict(turns)
    free = conv(skew(symmetric(3)), padding="CIRCULAR")
    turned = [jnp.rot90(jnp.asarray(skew(symmetric(5))), k, (0, 1)) for k in range(4)]

    def tied(x: jax.Array) -> jax.Array:
        return sum(conv(k, padding="CIRCULAR")(x) for k in turned)  # type: ignore[return-value]

    into = torus(P4M, 8)
    field = dv.Field(space, grid=(8, 8), boundary="periodic")
    found = kn.audit(Chain([Typed(tied, field, field), relu()]), image(8), into)
    assert found.layers[0].kept == ("t_u", "t_v", "r")
    assert found.layers[0].cause == "the layer was made for a subgroup"
    assert found.layers[1].lost == ()
    assert found.kept == ("t_u", "t_v", "r")
    assert whole.order == 8
    assert kn.audit(Chain([Typed(free, into, into)]), image(8), into).layers[0].cause.startswith("weights")


def test_a_layer_that_reads_another_fibre() -> None:
    """Each of two layers is right, and they do not fit: the second is named."""
    vectors, mirrored = torus(P4M, 8, dv.defining(P4M.point)), torus(P4M, 8, 2 * dv.sign(P4M.point))

    def one(x: jax.Array) -> jax.Array:
        slope = jnp.array([-1.0, 0.0, 1.0])
        taps = jnp.stack([slope[:, None] * jnp.eye(3)[1], slope * jnp.eye(3)[1][:, None]], -1)[:, :, None]
        return kn.conv(x, taps, padding="CIRCULAR")

    def two(x: jax.Array) -> jax.Array:
        return 2 * x

    chain = Chain([Typed(one, torus(P4M, 8), vectors), Typed(two, mirrored, mirrored)])
    found = kn.audit(chain, image(8), torus(P4M, 8))
    assert found.first is found.layers[1]
    assert found.first.cause == "the input carries another fibre than the layer was made for"


def test_fibres_that_nobody_declared_are_found_by_comparing() -> None:
    """Turned copies of a kernel make channels that turns permute; every line is judged by itself."""
    found = kn.audit(grouped, image(8), still(C4, 8))
    assert len(found.layers) == 3
    assert not any(" .. " in layer.name for layer in found.layers), found
    assert all(layer.kept == ("r",) for layer in found.layers)


def test_signs_that_nobody_declared_are_found_by_comparing() -> None:
    found = kn.audit(signs, image(16, rank=1), still(dv.point_group("D1", dim=1), 16))
    assert [layer.kept for layer in found.layers] == [("m",), ("m",)]


def halves(x: jax.Array) -> jax.Array:
    """Every second number times the one beside it."""
    left = x[:, ::2]
    right = x[:, 1::2]
    return left * right


def test_inputs_on_different_sites() -> None:
    """About site 0 a mirror moves even sites otherwise than odd ones: each is kept, the product not."""
    D1 = dv.point_group("D1", dim=1)
    found = kn.audit(halves, image(8, rank=1), torus(dv.space_group(D1, period=2), 8))
    assert found.first is found.layers[2]
    assert "inputs that stand on different sites" in found.first.cause
    assert found.kept == ("t_u",)


def test_what_the_whole_model_keeps_all_the_same_is_said() -> None:
    """About the middle of two sites a mirror exchanges the halves; the product is the same."""
    D1 = dv.point_group("D1", dim=1)
    found = kn.audit(halves, image(8, rank=1), torus(dv.space_group(D1), 8))
    assert found.kept == ("t_u^2", "m")
    assert "the model as a whole keeps m all the same" in found.notes


def test_a_layer_that_only_sees_zeros_is_judged_all_the_same() -> None:
    free = conv(skew(symmetric(3)))

    def model(x: jax.Array) -> jax.Array:
        y = jax.nn.relu(x - 100)
        return free(y)

    found = kn.audit(model, image(8), still(C4, 8))
    assert found.first is found.layers[1]
    assert kn.audit(free, np.zeros((1, 8, 8, 1), np.float32), still(C4, 8)).first is not None


def test_what_depends_on_the_platform_is_followed() -> None:
    """A maximum is computed in another way on CPU; its sites are known all the same."""
    (layer,) = kn.audit(lambda x: kn.max_pool(x, 2, rank=2), image(9), dv.Field(dv.wallpaper("p4m"))).layers
    assert "pooling phase" in layer.cause
