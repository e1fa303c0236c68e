"""An op says once what strides, sizes and borders break, and nothing where nothing is broken."""

from __future__ import annotations

import pickle
import warnings
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn

P4M = dv.wallpaper("p4m", period=2)


def solution(G: Any = P4M, into: int = 1, out: int = 2, support: Any = None, offset: Any = None) -> Any:
    fibre = dv.regular(G.point)
    x, y = dv.Field(G, fibre=fibre, spacing=into), dv.Field(G, fibre=fibre, spacing=out, offset=offset)
    return dv.solve(x, y, support=support or dv.box(1))


def called(op: Any, *grid: int) -> list[str]:
    """What an op says at a size."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        op(op.init(jax.random.key(0)), jnp.ones((*grid, op.channels_in)))
    return [str(w.message) for w in said if issubclass(w.category, kn.SymmetryWarning)]


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Ops complain as they are traced."""
    jax.clear_caches()


def test_a_stride_on_an_even_size_is_said_once() -> None:
    op = kn.lower(solution())
    assert called(op, 7, 7) == called(op, 7, 9) == called(op, 9, 7) == []
    assert called(op, 8, 8) == [
        "this op does not keep r, m of p4m: 4 x 4 outputs at stride 2 that stand (1/2, 1/2) beside the "
        "middle of 8 x 8 inputs; use 7 x 7 or 9 x 9, or put the outputs at offset=(1/2, 1/2), the group's "
        "centre too, with an even window; or use on_broken='ignore'"
    ]
    assert called(op, 8, 8) == []  # the same size again
    assert len(called(op, 6, 8)) == 1


def test_the_warning_stands_where_the_op_is_called() -> None:
    op = kn.lower(solution())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        jax.jit(op)(op.init(jax.random.key(0)), jnp.ones((8, 8, 8)))
    assert [w.filename for w in said] == [__file__]


def test_an_error_instead() -> None:
    op = kn.lower(solution(), on_broken="error")
    w = op.init(jax.random.key(0))
    assert op(w, jnp.ones((7, 7, 8))).shape == (4, 4, 8)
    for _ in range(2):
        with pytest.raises(
            kn.SymmetryError, match=r"op must keep r, m of p4m, got 4 x 4 outputs at stride 2"
        ):
            op(w, jnp.ones((8, 8, 8)))


def test_silence() -> None:
    assert called(kn.lower(solution(), on_broken="ignore"), 8, 8) == []


def test_what_every_size_breaks_is_said_at_once() -> None:
    """Zeros round a transposed convolution, reflection under an even window, uneven padding."""
    upsampling = solution(into=2, out=1)
    with pytest.warns(
        kn.SymmetryWarning, match=r"does not keep r, m of p4m: .* outputs that stand \(-1/2, -1/2\)"
    ):
        op = kn.lower(upsampling)
    assert called(op, 7, 7) == []  # not again
    half = (Fraction(1, 2),) * 2
    even = solution(dv.space_group(dv.point_group("D4"), centre=0), 1, 1, dv.window(2), half)
    for s, padding in (
        (even, "REFLECT"),
        (even, None),
        (solution(out=1, G=dv.wallpaper("p4m")), [(1, 2), (1, 2)]),
    ):
        with pytest.warns(kn.SymmetryWarning, match="beside the middle of"):
            kn.lower(s, padding=padding)
        with pytest.raises(kn.SymmetryError, match=r"op must keep r, m of .*, got .* beside the middle of"):
            kn.lower(s, padding=padding, on_broken="error")


def test_a_grid_that_is_known_is_spoken_of_at_once() -> None:
    G = dv.wallpaper("p4m", period=2)
    for n in (7, 8):
        x = dv.Field(G, grid=(n, n), boundary="zero")
        y = dv.Field(G, grid=((n + 1) // 2,) * 2, boundary="zero", spacing=2)
        s = dv.solve(x, y, support=dv.box(1))
        if n == 7:
            kn.lower(s, on_broken="error")
        else:
            with pytest.raises(
                kn.SymmetryError, match=r"op must keep r, m of p4m, got 4 x 4 outputs at stride 2"
            ):
                kn.lower(s, on_broken="error")


QUIET: dict[str, Any] = {
    "shifts at a zero border": lambda: kn.lower(solution(dv.translations(2), out=1)),
    "shifts with a stride": lambda: kn.lower(solution(dv.translations(2, period=2))),
    "shifts, upsampled": lambda: kn.lower(solution(dv.translations(2, period=2), into=2, out=1)),
    "a glide": lambda: kn.lower(solution(dv.wallpaper("pg"), out=1)),
    "p4m": lambda: kn.lower(solution(dv.wallpaper("p4m"), out=1)),
    "p4m, VALID": lambda: kn.lower(solution(dv.wallpaper("p4m"), out=1), padding="VALID"),
    "p4m, REFLECT": lambda: kn.lower(solution(dv.wallpaper("p4m"), out=1), padding="REFLECT"),
    "p4m, even padding": lambda: kn.lower(solution(dv.wallpaper("p4m"), out=1), padding=[(2, 2), (2, 2)]),
    "p4m, CIRCULAR, strided": lambda: kn.lower(solution(), padding="CIRCULAR"),
    "p6m": lambda: kn.lower(solution(dv.wallpaper("p6m"), out=1, support=dv.hexagon(1))),
    "a sum over hexagonal sites": lambda: kn.lower(
        dv.solve(dv.Field(dv.wallpaper("p6")), dv.trivial(dv.wallpaper("p6").point))
    ),
    "half a site further": lambda: kn.lower(
        solution(
            dv.space_group(dv.point_group("D4"), period=2, centre=Fraction(1, 2)),
            support=dv.window(2),
            offset=(Fraction(1, 2),) * 2,
        )
    ),
}


@pytest.mark.parametrize("name", QUIET)
def test_nothing_is_said_where_nothing_is_broken(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", kn.SymmetryWarning)
        op = QUIET[name]()
    for grid in ((8, 8), (8, 6), (4, 10)):
        assert called(op, *grid) == []


def test_hexagonal_rings_of_unequal_sizes_are_broken() -> None:
    op = kn.lower(solution(dv.wallpaper("p6"), out=1, support=dv.hexagon(1)), padding="CIRCULAR")
    assert called(op, 8, 8) == []
    (said,) = called(op, 8, 6)
    assert said.startswith(
        "this op does not keep r of p6: 8 x 6 sites, whose axes it mixes; use 6 x 6 or 8 x 8;"
    )


def test_an_unknown_choice() -> None:
    said = r"on_broken must be one of \('warn', 'error', 'ignore'\), got 'loudly'; choose one of them"
    with pytest.raises(kn.KernelError, match=said):
        kn.lower(solution(), on_broken="loudly")


# ---- the two fields of an op -------------------------------------------------------------------------------


def test_ops_know_their_fields() -> None:
    """With numbers for symbols, on a lattice or not, through a pickle; and equal ops stay equal."""
    x, y = dv.Field(dv.translations(2), channels="C"), dv.Field(dv.translations(2), channels="D")
    op = kn.lower(dv.solve(x, y, support=dv.box(1)), channels=(3, 4))
    assert (op.into.channels, op.out.channels, op.into.lattice.dim) == (3, 4, 2)
    V = dv.permutation(dv.symmetric(3))
    maps = kn.lower(dv.solve(V**2, V))
    assert (maps.into.fibre, maps.out.fibre, maps.into.lattice) == (V**2, V, None)
    fibred = kn.lower(solution())
    assert fibred.out.lattice.spacing == (2, 2)
    for one in (op, maps, fibred):
        again = pickle.loads(pickle.dumps(one))
        assert again == one
        assert (again.into, again.out) == (one.into, one.out)
    a = np.ones((7, 7, 8))
    np.testing.assert_array_equal(kn.act(fibred.into, "r", a), a)
