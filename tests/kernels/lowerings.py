"""The one list of lowered answers. Every property of `lower` runs over all of it.

Channels are (2, 3) unless a case needs others; grids are the smallest on which strides, phases and borders
still show, sizes that no stride divides among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import numpy as np

import derive as dv
import kernels as kn

Statement = tuple[Any, Any, Any]  # x, y, support


@dataclass(frozen=True)
class Lowering:
    name: str
    state: Callable[[], Statement]
    grid: tuple[int, ...] | None = None  # the input's spatial shape; None where the answer fixes it
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def solution(self) -> Any:
        return dv.solve(*self.state())

    @property
    def op(self) -> kn.LatticeOp:
        return _lowered(self.name)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The input's spatial shape."""
        return self.grid or tuple(a.size_in for a in self.op.axes if a.has_input)

    @property
    def circular(self) -> bool:
        return self.options.get("padding") == "CIRCULAR"

    @property
    def own_border(self) -> bool:
        """Whether the border is one that a group can state: zeros, or a circle."""
        return self.options.get("padding", "SAME") in ("SAME", "CIRCULAR")

    def arrays(self, batch: tuple[int, ...] = (2,), dtype: Any = np.float64, seed: int = 0) -> Any:
        """w, x, b and a cotangent of the output."""
        op, rng = self.op, np.random.default_rng(seed)
        shapes = (
            op.weight_shape,
            (*batch, *self.sizes, op.channels_in),
            op.bias_shape,
            (*batch, *op.output_shape(self.sizes)),
        )
        return tuple(jax.numpy.asarray(rng.normal(size=shape), dtype) for shape in shapes)


@cache
def _lowered(name: str) -> kn.LatticeOp:
    case = LOWERINGS[NAMES.index(name)]
    return kn.lower(case.solution, **case.options)


def _field(G: Any, channels: Any = 2, **lattice: Any) -> dv.Field:
    return dv.Field(G, channels=channels, **lattice)


def _between(G: Any, support: Any = None, into: Any = None, out: Any = None) -> Callable[[], Statement]:
    return lambda: (_field(G, **(into or {})), _field(G, 3, **(out or {})), support)


def _torus(*sizes: Any) -> dict[str, Any]:
    return {"grid": sizes, "boundary": "periodic"}


def _window(*sizes: Any) -> dict[str, Any]:
    return {"grid": sizes, "boundary": "zero"}


T1, T2, T3 = (dv.translations(dim) for dim in (1, 2, 3))
T1_2, T1_6 = dv.translations(1, 2), dv.translations(1, 6)
ALONG_U = dv.translations(2, (1, 0))
HALF, BEFORE = {"offset": "1/2"}, {"offset": "-1/2"}


def _infinite() -> list[Lowering]:
    return [*_unit_spacing(), *_resampling(), *_polyphase()]


def _unit_spacing() -> list[Lowering]:
    conv2 = _between(T2, dv.box(1))
    any_channels = lambda: (_field(T2, "C"), _field(T2, "D"), dv.box(1))  # noqa: E731
    return [
        Lowering("convolution 1-D", _between(T1, dv.box(1)), (7,)),
        Lowering("convolution 2-D", conv2, (5, 6)),
        Lowering("convolution 3-D", _between(T3, dv.box(1)), (3, 4, 2)),
        Lowering("symbolic channels", any_channels, (4, 5), {"channels": (3, 4)}),
        Lowering("radius 0", _between(T2, dv.box(0)), (3, 4)),
        Lowering("padding SAME", conv2, (5, 6), {"padding": "SAME"}),
        Lowering("padding VALID", conv2, (5, 6), {"padding": "VALID"}),
        Lowering("padding CIRCULAR", conv2, (5, 6), {"padding": "CIRCULAR"}),
        Lowering("padding REFLECT", conv2, (5, 6), {"padding": "REFLECT"}),
        Lowering("padding pairs", conv2, (5, 6), {"padding": [(2, 0), (-1, 3)]}),
        Lowering("circular, wraps twice", _between(T1, dv.box(3)), (2,), {"padding": "CIRCULAR"}),
        Lowering("even window", _between(T2, dv.window(2), out=HALF), (5, 6)),
        Lowering("even window, other side", _between(T2, dv.window(2), out=BEFORE), (5, 6)),
        Lowering("dilated", _between(T2, dv.window(3, dilation=2)), (5, 6)),
        Lowering("ball", _between(T2, dv.ball(2)), (6, 5)),
        Lowering("any support", _between(T1, {(-3,), (0,), (1,)}), (7,)),
    ]


def _resampling() -> list[Lowering]:
    down = _between(T1_2, dv.box(1), out={"spacing": 2})
    up = _between(T1_2, dv.box(1), into={"spacing": 2})
    rational = _between(T1_6, dv.box(3), into={"spacing": 3}, out={"spacing": 2})
    down2 = _between(dv.translations(2, (2, 3)), dv.box(1), out={"spacing": (2, 3)})
    return [
        Lowering("strided, even", down, (6,)),
        Lowering("strided, odd", down, (7,)),
        Lowering("strided 2-D", down2, (5, 7)),
        Lowering("strided VALID", down, (8,), {"padding": "VALID"}),
        Lowering("strided REFLECT", down, (7,), {"padding": "REFLECT"}),
        Lowering("strided CIRCULAR", down, (6,), {"padding": "CIRCULAR"}),
        Lowering("strided, half offset", _between(T1_2, dv.window(2), out={"spacing": 2, **HALF}), (7,)),
        Lowering("strided, other side", _between(T1_2, dv.window(2), out={"spacing": 2, **BEFORE}), (7,)),
        Lowering("transposed", up, (5,)),
        Lowering("transposed VALID", up, (5,), {"padding": "VALID"}),
        Lowering("transposed pairs", up, (5,), {"padding": [(1, 2)]}),
        Lowering("transposed CIRCULAR", up, (5,), {"padding": "CIRCULAR"}),
        Lowering("rational 3 to 2, even", rational, (6,)),
        Lowering("rational 3 to 2, odd", rational, (7,)),
    ]


def _polyphase() -> list[Lowering]:
    poly = _between(T1_2, dv.box(1))
    return [
        Lowering("polyphase, even", poly, (6,)),
        Lowering("polyphase, odd", poly, (7,)),
        Lowering("polyphase CIRCULAR", poly, (6,), {"padding": "CIRCULAR"}),
        Lowering("polyphase, half offset", _between(T1_2, dv.window(2), out=HALF), (5,)),
        Lowering("polyphase, other side", _between(T1_2, dv.window(2), out=BEFORE), (5,)),
        Lowering("polyphase, far off", _between(T1_2, dv.box(1), out={"offset": -5}), (6,)),
        Lowering("polyphase, finer output", _between(T1_6, dv.box(3), into={"spacing": 3}), (5,)),
        Lowering("polyphase, coarser output", _between(T1_6, dv.box(2), out={"spacing": 3}), (11,)),
        Lowering("polyphase 2-D, one axis", _between(dv.translations(2, (2, 1)), dv.box(1)), (5, 4)),
    ]


def _finite() -> list[Lowering]:
    def both(G: Any, support: Any, into: dict[str, Any], out: dict[str, Any] | None = None) -> Any:
        return _between(G, support, into, out or into)

    return [
        Lowering("circular, local", both(T2, dv.box(1), _torus(4, 5))),
        Lowering("circular, whole", both(T2, None, _torus(3, 4))),
        Lowering("circular, sizes later", both(T2, dv.box(1), _torus("H", "W")), (4, 5)),
        Lowering("circular, sizes given", both(T1, None, _torus("N")), (4,), {"sizes": {"N": 4}}),
        Lowering("circular, strided", both(T1_2, dv.box(1), _torus(8), {**_torus(4), "spacing": 2})),
        Lowering("circular, transposed", both(T1_2, dv.box(1), {**_torus(4), "spacing": 2}, _torus(8))),
        Lowering("circular, polyphase", both(T1_2, dv.box(1), _torus(8))),
        Lowering("circular, polyphase, whole", both(T1_2, None, _torus(6))),
        Lowering("window, whole", both(T2, None, _window(3, 4))),
        Lowering("window, local", both(T2, dv.box(1), _window(3, 4))),
        Lowering("window, strided", both(T1_2, None, _window(7), {**_window(4), "spacing": 2})),
        Lowering("window, polyphase", both(T1_2, None, _window(7), _window(5))),
    ]


def _one_axis() -> list[Lowering]:
    def strip(channels: int = 2, n: int = 4) -> dv.Field:
        return _field(ALONG_U, channels, grid=(None, n))

    def pooled(G: Any, **lattice: Any) -> Callable[[], Statement]:
        return lambda: (_field(G, **lattice), 4 * dv.trivial(G.point), None)

    def biased(G: Any, **lattice: Any) -> Callable[[], Statement]:
        return lambda: (4 * dv.trivial(G.point), _field(G, 3, **lattice), None)

    return [
        Lowering("dense along v", lambda: (strip(), strip(3), dv.box((1, None))), (5, 4)),
        Lowering("banded along v", lambda: (strip(), strip(3, 3), dv.box((1, 1))), (5, 4)),
        Lowering("global pool", pooled(T2), (5, 6)),
        Lowering("pool by period", pooled(dv.translations(2, (2, 1))), (5, 6)),
        Lowering("pool along u", pooled(ALONG_U, grid=(None, 4)), (5, 4)),
        Lowering("pool on a torus", pooled(T2, **_torus(4, 4))),
        Lowering("bias map", biased(T2, **_torus(4, 4)), ()),
        Lowering("bias map by period", biased(T1_2, **_torus(4)), ()),
        Lowering("dense", lambda: (_nowhere(2), _nowhere(3), None)),
    ]


def _nowhere(channels: int) -> dv.Field:
    """A field that nothing moves."""
    return _field(dv.translations(1, 0), channels, grid=(4,))


LOWERINGS = (*_infinite(), *_finite(), *_one_axis())
NAMES = [case.name for case in LOWERINGS]
