"""Orbits of classes moved axis by axis, against the same orbits with every class listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derive as dv
from derive.lattice import pair_orbits as spacegroups
from derive.lattice.product_orbits import pair_box, pair_images, site_box, site_images
from derive.lattice.site_maps import pair_maps, site_maps
from derive.symmetry.components import components, least_members


def torus(name: str, size: int, period: int = 1) -> Any:
    group = dv.wallpaper(name, period=period)
    x = dv.Field(group, 1, grid=(size, size), boundary="periodic")
    return dv.solve(x, x).problem


def boxed(name: str) -> Any:
    group = dv.space_group(dv.point_group(name, dim=3))
    x = dv.Field(group, 1)
    return dv.solve(x, x, support=dv.box(1)).problem


PROBLEMS = {
    **{
        name: lambda name=name: torus(name, 5) for name in ("p1", "p2", "pm", "cm", "pmm", "cmm", "p4", "p4m")
    },
    "period 2": lambda: torus("p4m", 6, 2),
    "glides": lambda: torus("p4g", 6, 2),
    "cube": lambda: boxed("Oh"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_orbits_agree_with_those_of_listed_classes(name: str) -> None:
    problem = PROBLEMS[name]()
    classes = problem.classes.opened()
    maps = pair_maps(problem.group, problem.x, problem.y, classes.axes)
    fast, slow = spacegroups._in_box(maps, classes), spacegroups._listed(problem.group, maps, classes)
    assert fast is not None
    np.testing.assert_array_equal(fast.pairs, slow.pairs)
    np.testing.assert_array_equal(fast.kinds, slow.kinds)
    assert fast.stabilisers == slow.stabilisers


def test_images_are_those_of_the_maps() -> None:
    problem = torus("p4m", 4)
    maps = pair_maps(problem.group, problem.x, problem.y, problem.axes)
    box = pair_box(problem.classes)
    assert box is not None
    images = pair_images(box, maps)
    assert images is not None
    everything = box.at(np.arange(box.size))
    for e, image in enumerate(images):
        np.testing.assert_array_equal(box.at(image), maps.apply(e, everything.copy()))


def test_what_shears_or_leaves_the_box_is_left_to_lists() -> None:
    for problem in (torus("p6", 4), torus("p3", 4)):
        maps = pair_maps(problem.group, problem.x, problem.y, problem.axes)
        assert spacegroups._in_box(maps, problem.classes) is None
    group = dv.wallpaper("p4")
    x = dv.Field(group, 1, grid=(3, 4), boundary="zero")
    window = dv.solve(x, x).problem
    maps = pair_maps(group, window.x, window.y, window.axes)
    assert spacegroups._in_box(maps, window.classes) is None


@pytest.mark.parametrize("grid", [(3, 3), (2, 2), (4, 2)])
def test_sites_are_moved_as_arrays_are(grid: tuple[int, int]) -> None:
    point = dv.point_group("D4" if grid[0] == grid[1] else "D2")
    x = dv.Field(point, 1, grid=grid)
    problem = dv.solve(x, x).problem
    box = site_box(problem.axes, "out")
    images = site_images(box, site_maps(problem.group, problem.y), problem.axes, "out")
    sites = np.arange(grid[0] * grid[1]).reshape(grid)
    moves = {np.rot90(a, k).tobytes() for a in (sites, sites[::-1]) for k in range(4) if a.shape == grid}
    assert {np.asarray(image, dtype=sites.dtype).tobytes() for image in images} <= moves
    assert len({image.tobytes() for image in images}) == len(images)


# ---- connected components -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_components_against_a_search(seed: int) -> None:
    random = np.random.default_rng(seed)
    size, count = int(random.integers(1, 60)), int(random.integers(0, 40))
    ends = random.integers(size, size=(2, count))
    least = least_members([(ends[0], ends[1])], size)
    reached = np.eye(size, dtype=bool)
    reached[ends[0], ends[1]] = reached[ends[1], ends[0]] = True
    for _ in range(size.bit_length()):
        reached = (reached.astype(int) @ reached) > 0
    np.testing.assert_array_equal(least, reached.argmax(axis=1))


def test_components_are_numbered_by_their_least_members() -> None:
    labels, least = components([np.array([2, 1, 0, 4, 3])], 5)
    assert labels.tolist() == [0, 1, 0, 2, 2]
    assert least.tolist() == [0, 1, 3]
    assert components([], 3)[0].tolist() == [0, 1, 2]
