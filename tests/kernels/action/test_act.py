"""Arrays moved by group elements: against the exact matrices of `derive`, site by site."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest

import derive as dv
import kernels as kn
from tests.kernels.action import brute

WALLPAPERS = (
    "p1", "p2", "pm", "pg", "cm", "pmm", "pmg", "pgg", "cmm", "p4", "p4m", "p4g", "p3", "p3m1", "p31m", "p6", "p6m",
)  # fmt: skip
POINTS = [("C1", 1), ("D1", 1), ("T", 3), ("Td", 3), ("Th", 3), ("O", 3), ("Oh", 3)]


def every_fibre(P: Any) -> Any:
    """Trivial, sign, regular, irreducible, defining and tensor fibres, side by side."""
    parts = [2 * dv.trivial(P), dv.sign(P), *dv.irreps(P)]
    parts += [dv.regular(P)] if P.order <= 12 else []
    if P.dim is not None:
        V = dv.defining(P)
        parts += [V * V, V * dv.sign(P), dv.sym(V, 2)]
    return reduce(lambda a, b: a + b, parts)


def words(space: Any, rng: np.random.Generator, many: int) -> list[list[tuple[str, int]]]:
    """Every generator, and random words."""
    names = list(space.motions)
    found = [[(name, 1)] for name in names]
    for _ in range(many):
        found.append([(names[rng.integers(len(names))], int(rng.integers(-2, 3))) for _ in range(3)])
    return [w for w in found if all(e for _, e in w)]


def text(word: Any) -> str:
    return "*".join(f"{g}^{e}" for g, e in word)


def drawn(rng: np.random.Generator, shape: Any, fibre: Any) -> np.ndarray:
    return rng.normal(size=(*shape, int(fibre.dim)))


@pytest.mark.parametrize("name", WALLPAPERS)
def test_wallpaper_groups_on_rings(name: str, rng: Any) -> None:
    G = dv.wallpaper(name)
    x = dv.Field(G, fibre=every_fibre(G.point), grid=(4, 4), boundary="periodic")
    a = drawn(rng, (4, 4), x.fibre)
    for word in words(G, rng, 2):
        np.testing.assert_allclose(kn.act(x, text(word), a), brute.on_ring(x, word, a), atol=1e-12)


@pytest.mark.parametrize("name", WALLPAPERS)
def test_wallpaper_groups_on_windows(name: str, rng: Any) -> None:
    """Moved about the middle, or refused, exactly where some motion of the group keeps the window."""
    G = dv.wallpaper(name)
    x = dv.Field(G, fibre=dv.trivial(G.point) + dv.sign(G.point))
    kept = 0
    for word in [[(g, 1)] for g in G.point.generators] + [[(g, 2)] for g in G.point.generators]:
        for grid in [(4, 4), (5, 5), (4, 5)]:
            a = drawn(rng, grid, x.fibre)
            expected = brute.on_window(x, word, a)
            if expected is None:
                with pytest.raises(kn.KernelError, match="carried|middle|glide"):
                    kn.act(x, text(word), a)
            else:
                kept += 1
                np.testing.assert_allclose(kn.act(x, text(word), a), expected, atol=1e-12)
    assert kept or name in ("p1", "p3")
