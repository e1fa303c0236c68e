"""Two grids and the weights between their sites, for one output and one input channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.answer.off_lattice import MapAnswer
from derive.drawing.geometry import Cells, lay
from derive.drawing.ties import Ties, group_values
from derive.errors import SizeError, brief
from derive.plot.ties import grid_of, operator_ties, with_grid
from derive.solution import Solution
from derive.symmetry.field import Field


@dataclass(frozen=True, eq=False)
class Scene:
    """`ties` (outs, ins): what joins every output site to every input site; `homes`: the input site at the
    place of each output site, None where there is none."""

    ties: Ties
    out_shape: tuple[int, ...]
    in_shape: tuple[int, ...]
    out: Cells
    into: Cells
    homes: tuple[int | None, ...]

    def guest(self, q: int) -> int | None:
        """The output site at the place of an input site."""
        return self.homes.index(q) if q in self.homes else None


def read_scene(layer: Any, sizes: Any, grid: Any, boundary: str, channels: Any) -> Scene:
    """From a solution between two grids, or from an array (*out grid, *in grid)."""
    if not isinstance(layer, Solution):
        return _of_array(layer)
    solution = with_grid(layer, sizes, grid if layer.problem.axes else None, boundary)
    problem = solution.problem
    if isinstance(solution.answer, MapAnswer) or problem.x.lattice is None or problem.y.lattice is None:
        remedy = "use weight_matrix for layers without sites"
        raise SizeError("layer", "must join two fields on a lattice", solution.answer.name, remedy)
    outs, ins = grid_of(problem, "out"), grid_of(problem, "into")
    ties = operator_ties(solution)
    i, c = _read_channels(channels, ties.labels.shape[0], ties.labels.shape[1 + len(outs)])
    chosen = ties.at((i, *[slice(None)] * len(outs), c))
    flat = Ties(
        chosen.labels.reshape(int(np.prod(outs)), -1),
        chosen.signs.reshape(int(np.prod(outs)), -1),
        ties.names,
    )
    metric = problem.group.metric
    homes = _homes(_places(problem.y, outs), _places(problem.x, ins))
    return Scene(flat, outs, ins, _laid(outs, metric), _laid(ins, metric), homes)


def _of_array(layer: Any) -> Scene:
    shape = np.shape(layer)
    if len(shape) not in (2, 4, 6):
        rule = "must be a solution or an array (*out grid, *in grid)"
        raise SizeError("layer", rule, brief(layer), "reshape to (H, W, H, W) for images")
    outs, ins = shape[: len(shape) // 2], shape[len(shape) // 2 :]
    ties = group_values(np.reshape(layer, (int(np.prod(outs)), -1)))
    homes = tuple(range(int(np.prod(outs)))) if outs == ins else (None,) * int(np.prod(outs))
    metric = np.eye(len(outs))
    return Scene(ties, outs, ins, _laid(outs, metric), _laid(ins, metric), homes)


def _laid(shape: tuple[int, ...], metric: Any) -> Cells:
    return lay(np.indices(shape).reshape(len(shape), -1).T, metric, name="u")


def _places(field: Field, shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """The physical position of every site."""
    lattice = field.lattice
    if lattice is None:
        return []
    sites = np.indices(shape).reshape(len(shape), -1).T.tolist()
    return [
        tuple(s * n + o for s, n, o in zip(lattice.spacing, site, lattice.offset, strict=True))
        for site in sites
    ]


def _homes(out: list[Any], into: list[Any]) -> tuple[int | None, ...]:
    where = {place: k for k, place in enumerate(into)}
    return tuple(where.get(place) for place in out)


def _read_channels(channels: Any, outs: int, ins: int) -> tuple[int, int]:
    pair = tuple(channels) if np.ndim(channels) == 1 else ()
    if len(pair) != 2 or not (0 <= pair[0] < outs and 0 <= pair[1] < ins):
        rule = f"must be an output channel below {outs} and an input channel below {ins}"
        raise SizeError("channels", rule, brief(channels), "give channels=(0, 0)")
    return int(pair[0]), int(pair[1])


def read_site(name: str, site: Any, shape: tuple[int, ...]) -> int:
    """The number of a site, the middle one where none is given."""
    at = tuple(n // 2 for n in shape) if site is None else tuple(np.atleast_1d(site).tolist())
    if len(at) != len(shape) or not all(
        isinstance(i, int) and 0 <= i < n for i, n in zip(at, shape, strict=True)
    ):
        rule = f"must be a site of the grid {' x '.join(map(str, shape))}"
        raise SizeError(name, rule, brief(site), f"give {tuple(n // 2 for n in shape)}")
    return int(np.ravel_multi_index(at, shape))
