"""Bad input to sampled ops: one line each."""

from __future__ import annotations

import numpy as np
import pytest

import derive as dv
import kernels as kn
from tests.kernels.sampled.cases import case

BAD = [
    ({"window": 0}, "window must be a positive integer, got 0"),
    ({"window": (3, 3, 3)}, "window must have one entry per spatial axis (2), got (3, 3, 3)"),
    (
        {"window": 1},
        "window must hold a kernel of degree 1 of 1 -> 1o, got 1; use window=3, or solve with max_degree=0",
    ),
    (
        {"spacing": (1, 2, 3)},
        "spacing must be one positive length, or one for each of the 2 axes, got (1, 2, 3)",
    ),
    ({"spacing": 0}, "spacing must be one positive length"),
    ({"spacing": "wide"}, "spacing must be one positive length"),
    ({"band": 3.2}, "band must be in (0, pi]: beyond pi no grid tells waves apart, got 3.2"),
    ({"band": 0}, "band must be in (0, pi]"),
    ({"band": None, "strides": 0}, "strides must be a positive integer, got 0"),
    (
        {"radial": "best"},
        "radial must be 'optimal', 'rings' or a function of distances where there is a window, got 'best'",
    ),
    (
        {"radial": kn.radial.bessel(8, cutoff=5.0)},
        "radial must not be radial functions of points where there is a window, got bessel(8, cutoff=5)",
    ),
    (
        {"radial": kn.radial.bessel},
        "radial must take distances (...) to values (..., n) where there is a window",
    ),
    ({"radial": lambda r: np.ones(3)}, "radial must take distances (6,) to finite values (6, 'n'), got (3,)"),
    ({"padding": "REPLICATE"}, "padding"),
]


@pytest.mark.parametrize(("changes", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_lowering(changes, said: str) -> None:
    with pytest.raises(kn.KernelError) as raised:
        kn.lower(plane(), **({"window": 5} | changes))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def plane():
    G = dv.orthogonal(2)
    E = dv.euclidean(2, G)
    return dv.solve(dv.Field(E), dv.Field(E, fibre=dv.trivial(G) + dv.irrep(G, 1)), support=dv.ball("R"))


def test_where_there_is_no_window_or_no_space() -> None:
    lattice = dv.Field(dv.translations(2))
    on_lattice = dv.solve(lattice, lattice, support=dv.box(1))
    bessel = kn.radial.bessel(2, 1.0)
    tries = [
        (lambda: kn.lower(on_lattice, window=3), "window needs a solution on R^n, got 3"),
        (lambda: kn.lower(on_lattice, strides=2), "strides needs a solution on R^n and a window, got 2"),
        (
            lambda: kn.lower(plane(), radial=bessel, band=2.0),
            "band needs a solution on R^n and a window, got 2.0",
        ),
        (
            lambda: kn.lower(plane(), radial=bessel, spacing=(1, 1)),
            "spacing needs a solution on R^n and a window",
        ),
        (lambda: kn.lower(plane(), radial="rings"), "radial must be given for a solution on R^n"),
    ]
    for build, said in tries:
        with pytest.raises(kn.KernelError) as raised:
            build()
        assert said in str(raised.value)


def test_elements() -> None:
    error = case("C8").op.equivariance_error
    for g, said in (
        (0.3, "g must be an element of C8"),
        ("m", "g must be a word in the generators of C8, got 'm'; use 'r'"),
    ):
        with pytest.raises(kn.KernelError) as raised:
            error.at(g)
        assert said in str(raised.value)
    with pytest.raises(kn.KernelError, match=r"give an angle, or \{'x01': 0.3\}"):
        case("SO(2)").op.equivariance_error.at({"x02": 0.3})
