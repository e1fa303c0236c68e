"""What a solution has found for one pair of blocks, as its derivation prints it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from derive.lattice.free import FreeOrbit


@dataclass(frozen=True, eq=False)
class Found:
    """The free weights between two pieces, per pair of copies.

    `total`: how many; `classes`: how many classes of site pairs they stand on; `orbits` lists them, and is
    None where a size is a symbol or they have no end.
    """

    total: Any
    classes: sympy.Expr
    orbits: Callable[[], Sequence[FreeOrbit]] | None
