"""The whole group is checked: what is carried is exact, what is not is said, and faults are found."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn

WALLPAPERS = [
    *("p1", "p2", "pm", "pg", "cm", "pmm", "pmg", "pgg", "cmm"),
    *("p4", "p4m", "p4g", "p3", "p3m1", "p31m", "p6", "p6m"),
]
NONE = "x must be carried onto itself by a generator of the group at least"
BORDERS = (None, "CIRCULAR", "VALID", "REFLECT")


def layer(G: Any, stride: int = 1, support: Any = None, offset: Any = None, **options: Any) -> Any:
    fibre = dv.trivial(G.point) + dv.sign(G.point) if G.point.order > 8 else dv.regular(G.point)
    x = dv.Field(G, fibre=fibre)
    y = dv.Field(G, fibre=fibre, spacing=stride, offset=offset)
    return kn.lower(dv.solve(x, y, support=support or dv.box(1)), **options)


def drawn(op: Any, *grid: int, seed: int = 0) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(seed)
    w = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), op.init(jax.random.key(0)))
    return w, rng.normal(size=(*grid, op.channels_in))


def names(report: Any) -> tuple[list[str], list[str]]:
    return [c.name for c in report.comparisons], [u.name for u in report.uncarried]


# ---- lowered ops -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WALLPAPERS)
def test_every_generator_on_a_ring(name: str) -> None:
    G = dv.wallpaper(name)
    op = layer(G, padding="CIRCULAR", support=dv.hexagon(1) if name[1] in "36" else None)
    report = kn.check_equivariance(op, *drawn(op, 6, 6))
    assert names(report) == (list(G.generators), [])
    assert report.worst < 1e-12


@pytest.mark.parametrize("border", [None, "VALID", "REFLECT"])
@pytest.mark.parametrize("name", ["p4m", "cmm", "pmm"])
def test_the_point_group_where_images_end(name: str, border: str | None) -> None:
    G = dv.wallpaper(name)
    op = layer(G, padding=border)
    for n in (6, 7):
        report = kn.check_equivariance(op, *drawn(op, n, n))
        assert names(report) == (list(G.point.generators), ["t_u", "t_v"])
        assert {u.kind for u in report.uncarried} == {"shift"}


def test_glides_and_sixths_of_a_turn_do_not_fit_an_image_that_ends() -> None:
    op = layer(dv.wallpaper("p4g"))
    report = kn.check_equivariance(op, *drawn(op, 7, 7))
    assert names(report) == (["r"], ["t_u", "t_v", "m"])
    assert report.uncarried[-1].kind == "glide"
    op = layer(dv.wallpaper("p6m"), support=dv.hexagon(1))
    report = kn.check_equivariance(op, *drawn(op, 7, 7))
    assert names(report) == (["m"], ["t_u", "t_v", "r"])
    assert report.uncarried[-1].kind == "mix"


def test_a_stride_of_two() -> None:
    """Exact at 7 x 7; at 8 x 8 nothing is carried, and both ways out are named and work."""
    G = dv.wallpaper("p4", period=2)
    op = layer(G, stride=2, on_broken="ignore")
    report = kn.check_equivariance(op, *drawn(op, 7, 7))
    assert names(report) == (["r"], ["t_u", "t_v"])
    assert report.worst < 1e-12
    with pytest.raises(kn.KernelError) as caught:
        kn.check_equivariance(op, *drawn(op, 8, 8))
    found = str(caught.value)
    assert found.startswith(
        f"{NONE}, got r: 4 x 4 outputs at stride 2 that stand (1/2, 1/2) beside the middle of "
        "8 x 8 inputs, off by "
    )
    assert float(re.search(r"off by ([0-9.e+-]+)", found).group(1)) > 0.1  # type: ignore[union-attr]
    assert found.endswith(
        " about the middle of each (and t_u, t_v neither); use 7 x 7 or 9 x 9, or put the outputs at "
        "offset=(1/2, 1/2), the group's centre too, with an even window"
    )
    half = (Fraction(1, 2),) * 2
    mended = dv.space_group(dv.point_group("C4"), period=2, centre=half)
    op = layer(mended, stride=2, offset=half, support=dv.window(2))
    assert kn.check_equivariance(op, *drawn(op, 8, 8)).worst < 1e-12


def test_padding_that_moves_the_windows_moves_the_group() -> None:
    """Without padding a stride of 3 reads sites 0 1 2, 3 4 5, ...: about site 1, where G has no centre."""
    for n, d in ((9, 1), (7, 0)):
        op = layer(dv.wallpaper("p4", period=3), stride=3, padding=[(1 - d, 1 - d)] * 2, on_broken="ignore")
        report = kn.check_equivariance(op, *drawn(op, n, n))
        assert names(report)[0] == ["r"]
        assert report.worst < 1e-12


def test_images_of_unequal_sides() -> None:
    op = layer(dv.wallpaper("p4m"))
    report = kn.check_equivariance(op, *drawn(op, 7, 8))
    assert names(report) == (["m"], ["t_u", "t_v", "r"])
    assert str(report.uncarried[-1]) == "7 x 8 sites, which become 8 x 7; use 7 x 7 or 8 x 8"


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        *(("p4m", pair) for pair in [(1, 2), (2, 1), (1, 1), (2, 4), (4, 2)]),
        *((name, pair) for name in ("p4g", "pgg") for pair in [(1, 2), (2, 1), (1, 1)]),
    ],
)
def test_what_is_said_to_be_carried_is_exact(name: str, pair: tuple[int, int]) -> None:
    """Over strides, upsampling, borders and sizes; and what is said to miss its middle misses it by much."""
    G = dv.wallpaper(name, period=4)
    x, y = (dv.Field(G, fibre=dv.sign(G.point) + dv.trivial(G.point), spacing=s) for s in pair)
    solution = dv.solve(x, y, support=dv.window(3, dilation=2) if min(pair) > 1 else dv.box(1))
    for border in (*BORDERS, [(1, 2), (1, 2)]):
        try:
            op = kn.lower(solution, padding=border, on_broken="ignore")
        except kn.PaddingError:
            continue  # borders that an op of this kind cannot have
        for n in (4, 7, 8) if border != "CIRCULAR" else (4, 8):
            try:
                report = kn.check_equivariance(op, *drawn(op, n, n), tolerance=1e-12)
            except kn.CheckError:
                raise
            except kn.KernelError as error:
                said = str(error)
            else:
                said = repr(report)
            misses = [float(e) for e in re.findall(r"off by ([0-9.e+-]+)", said)]
            assert all(e > 1e-3 for e in misses)


def test_sizes_that_are_named_are_carried() -> None:
    for G, stride in (
        (dv.wallpaper("p4m", period=2), 2),
        (dv.wallpaper("p4", period=3), 3),
        (dv.wallpaper("pmm", period=2), 1),
    ):
        op = layer(G, stride=stride, on_broken="ignore")
        for n in (6, 8, 9):
            try:
                said = repr(kn.check_equivariance(op, *drawn(op, n, n)))
            except kn.KernelError as error:
                said = str(error)
            for a, b in re.findall(r"(?:use|or) (\d+) x (\d+)", said):
                report = kn.check_equivariance(op, *drawn(op, int(a), int(b)))
                assert set(names(report)[0]) & set(G.point.generators)


@pytest.mark.parametrize("grid", [(4,), (4, 4), (4, 4, 4)])
def test_other_dimensions(grid: tuple[int, ...]) -> None:
    P = dv.point_group({1: "D1", 2: "D4", 3: "Oh"}[len(grid)], dim=len(grid))
    x = dv.Field(dv.space_group(P), fibre=dv.trivial(P) + dv.defining(P))
    op = kn.lower(dv.solve(x, x, support=dv.box(1)))
    assert names(kn.check_equivariance(op, *drawn(op, *grid)))[0] == list(P.generators)
    centred = dv.Field(P, fibre=dv.defining(P), grid=grid)
    op = kn.lower(dv.solve(centred, centred))
    assert names(kn.check_equivariance(op, *drawn(op, *grid))) == (list(P.generators), [])


def test_pooling_to_what_does_not_move() -> None:
    """A sum over all sites keeps shifts as well, taken round the image."""
    G = dv.wallpaper("p4m")
    x = dv.Field(G, fibre=dv.regular(G.point))
    op = kn.lower(dv.solve(x, dv.trivial(G.point) + dv.sign(G.point)))
    report = kn.check_equivariance(op, *drawn(op, 5, 5))
    assert names(report) == (list(G.generators), [])
    back = kn.lower(dv.solve(dv.sign(G.point), dv.Field(G, fibre=x.fibre, grid=(4, 4), boundary="periodic")))
    assert names(kn.check_equivariance(back, *drawn(back))) == (list(G.generators), [])


def test_groups_without_a_lattice() -> None:
    V = dv.permutation(dv.symmetric(4))
    op = kn.lower(dv.solve(V**2, V + dv.sign(V.group)))
    assert names(kn.check_equivariance(op, *drawn(op, 3))) == (["c", "s"], [])
    W = dv.defining(dv.orthogonal(3))
    op = kn.lower(dv.solve(W**2, W**2))
    assert names(kn.check_equivariance(op, *drawn(op))) == (["x01", "x02", "x12", "m"], [])


def test_a_spoiled_op_is_found_and_named() -> None:
    """One weight of a class untied by hand: the mirror still holds, the turn does not."""
    G = dv.wallpaper("p4m")
    x = dv.Field(G)
    op = kn.lower(dv.solve(x, x, support=dv.box(1)))
    w, a = drawn(op, 7, 7)
    kernel = np.array(op.kernel(w))
    for at, left in (((1, 0), ["r"]), ((0, 0), ["r", "m"])):
        spoiled = kernel.copy()
        spoiled[at] += 0.5
        with pytest.raises(kn.CheckError, match="r must agree to 1e-12 of the largest entry") as caught:
            kn.check_equivariance(lambda a, k=spoiled: kn.conv(a, k), a, into=x, out=x)
        assert [c.name for c in caught.value.report.comparisons if not c.passed] == left
    kn.check_equivariance(lambda a: kn.conv(a, kernel), a, into=x, out=x)


# ---- any callable ----------------------------------------------------------------------------------------


def test_models_of_several_layers() -> None:
    G = dv.wallpaper("p4m")
    x, hidden = dv.Field(G), dv.Field(G, fibre=2 * dv.regular(G.point))
    first, second = (
        kn.lower(dv.solve(x, hidden, support=dv.box(1))),
        kn.lower(dv.solve(hidden, hidden, support=dv.box(1))),
    )
    v, a = drawn(first, 2, 6, 6)
    w, _ = drawn(second)
    net = lambda a: second(w, jax.nn.relu(first(v, a)))  # noqa: E731
    report = kn.check_equivariance(net, a, into=x, out=hidden)
    assert names(report) == (["r", "m"], ["t_u", "t_v"])
    assert names(kn.check_equivariance(jax.jit(net), x=a[0], into=x, out=hidden))[0] == ["r", "m"]
    pooled = lambda a: net(a).reshape(*a.shape[:-3], 36, 2, 8).mean((-4 + 1, -1))  # noqa: E731
    assert kn.check_equivariance(pooled, a, into=x, out=2 * dv.trivial(G.point)).passed
    regular = lambda a: net(a).mean((-3, -2))  # noqa: E731
    assert kn.check_equivariance(regular, a, into=x, out=hidden.fibre).passed
    with pytest.raises(kn.CheckError, match="r must agree"):
        kn.check_equivariance(regular, a, into=x, out=16 * dv.trivial(G.point))
    shrunk = kn.lower(dv.solve(hidden, hidden, support=dv.box(1)), padding="VALID")
    assert kn.check_equivariance(lambda a: shrunk(w, first(v, a)), a, into=x, out=hidden).passed


def test_a_torus_keeps_shifts() -> None:
    G = dv.wallpaper("p4g")
    x = dv.Field(G, fibre=dv.sign(G.point), grid=(6, 6), boundary="periodic")
    op = kn.lower(dv.solve(x, x, support=dv.box(1)))
    w, a = drawn(op, 6, 6)
    report = kn.check_equivariance(lambda a: jnp.tanh(op(w, a)), a, into=x, out=x)
    assert names(report) == (["t_u", "t_v", "r", "m"], [])
    with pytest.raises(kn.CheckError, match="m must agree"):
        kn.check_equivariance(lambda a: jax.nn.relu(op(w, a)), a, into=x, out=x)


def test_lie_groups_act_by_exponentials() -> None:
    V = dv.defining(dv.special_orthogonal(3))
    a = np.random.default_rng(0).normal(size=(5, 3))
    scaled = lambda a: a * jnp.sum(a * a, axis=-1, keepdims=True)  # noqa: E731
    assert names(kn.check_equivariance(scaled, a, into=V, out=V)) == (["x01", "x02", "x12"], [])
    assert kn.check_equivariance(lambda a: jnp.sum(a * a, axis=-1, keepdims=True), a, into=V, out=V**0).passed
    with pytest.raises(kn.CheckError, match="x01 must agree"):
        kn.check_equivariance(jnp.tanh, a, into=V, out=V)


def test_precision_of_the_input_sets_the_tolerance() -> None:
    x = dv.Field(dv.wallpaper("p4"))
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5), ("bfloat16", 3e-2)):
        a = jnp.ones((4, 4, 1), dtype)
        (found,) = {c.tolerance for c in kn.check_equivariance(jnp.sin, a, into=x, out=x).comparisons}
        assert found == tolerance


def test_the_report_reads_well() -> None:
    op = layer(dv.wallpaper("p4m"))
    report = kn.check_equivariance(op, *drawn(op, 7, 8))
    ring = "use padding='CIRCULAR', or fields with boundary='periodic'"
    shown = repr(report).splitlines()
    assert shown[0] == "check_equivariance: passed in float64"
    assert re.fullmatch(r"  m    \d\.\d\de-\d\d <= 1e-12", shown[1])
    assert shown[2:] == [
        f"  t_u  not carried: a shift along u, which leaves an array that ends there; {ring}",
        f"  t_v  not carried: a shift along v, which leaves an array that ends there; {ring}",
        "  r    not carried: 7 x 8 sites, which become 8 x 7; use 7 x 7 or 8 x 8",
    ]


def _errors() -> dict[str, Any]:
    G = dv.wallpaper("p4m")
    x, other = dv.Field(G), dv.Field(dv.wallpaper("p4"))
    shifted, alone = dv.Field(dv.translations(2)), dv.trivial(dv.Group("1", ()))
    a = np.ones((4, 4, 1))
    same = lambda a: a  # noqa: E731
    check = kn.check_equivariance
    return {
        "one field": (
            lambda: check(same, a, into=x),
            "into, out must both be given, the fields of the input and of the output, got into alone; give",
        ),
        "another group": (
            lambda: check(same, a, into=x, out=other),
            "out must be a field of the group of into, p4m, got p4; use one group",
        ),
        "no field": (
            lambda: check(same, a, into=G, out=x),
            "into must be a field or a representation, got SpaceGroup; give a derive.Field or a",
        ),
        "weights as well": (
            lambda: check(same, a, a, into=x, out=x),
            "into, out are for a model of x alone, got w or transforms as well; give check_equivariance(",
        ),
        "no input": (lambda: check(same, a), "x must be given after the weights, got None; or give into="),
        "two outputs": (
            lambda: check(lambda a: (a, a), a, into=x, out=x),
            "the model must return one array, got tuple; return the array of the field out",
        ),
        "an output without sites": (
            lambda: check(lambda a: a[0, 0], a, into=x, out=x),
            "the model's output must have the axes (batch..., u, v, channels), got (1,); add the ones",
        ),
        "channels of the output": (
            lambda: check(lambda a: jnp.concatenate([a, a], -1), a, into=x, out=x),
            "the model's output must have 1 channel, as Field: 1 channel on Z^2 under p4m has, got 2;",
        ),
        "shifts alone": (
            lambda: check(same, a, into=shifted, out=shifted),
            f"{NONE}, got t_u: a shift along u, which leaves an array that ends there (and t_v neither); "
            "use a field with boundary='periodic'",
        ),
        "no generators": (
            lambda: check(same, np.ones(1), into=alone, out=alone),
            f"{NONE}, got a group without generators; use another group",
        ),
    }  # fmt: skip


ERRORS = _errors()


@pytest.mark.parametrize("name", ERRORS)
def test_one_clear_line(name: str) -> None:
    wrong, said = ERRORS[name]
    with pytest.raises(kn.KernelError) as caught:
        wrong()
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
