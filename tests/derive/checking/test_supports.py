"""Supports wider than the sampled neighbourhood: ends one off are caught, and what is true passes."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from sympy import Eq, Tuple

import derive as dv
from tests.derive.mutants import replaced, survives

T1, T2 = dv.translations(1), dv.translations(2)


def line(group: Any = T1, **out: Any) -> tuple[dv.Field, dv.Field]:
    return dv.Field(group, "C"), dv.Field(group, "D", **out)


SUPPORTS: dict[str, tuple[Any, ...]] = {
    **{f"radius {r}": (*line(), dv.box(r)) for r in range(1, 13)},
    **{f"window {k}": (*line(), dv.window(k)) for k in range(3, 13, 2)},
    **{f"window {k}": (*line(offset="1/2"), dv.window(k)) for k in range(4, 13, 2)},
    **{f"dilation {d}": (*line(), dv.window(5, dilation=d)) for d in (2, 3, 4)},
    **{f"stride {s}": (*line(dv.translations(1, s), spacing=s), dv.box(7)) for s in (2, 3)},
    "far": (*line(), [0, 17, -40]),
    "plane": (*line(T2), dv.box((2, 9))),
}


def moved_limits(layer: Eq) -> list[Eq]:
    """The layer with one end of one finite sum over sites one further in or out."""
    found = []
    for total in layer.rhs.atoms(sp.Sum):
        for k, (s, low, high) in enumerate(total.limits):
            if s.name != "c" and low.is_Integer and high.is_Integer:
                for ends in ((low - 1, high), (low + 1, high), (low, high - 1), (low, high + 1)):
                    limits = [*total.limits[:k], (s, *ends), *total.limits[k + 1 :]]
                    new = sp.Sum(total.function, *limits)
                    found.append(Eq(layer.lhs, layer.rhs.xreplace({total: new}), evaluate=False))
    return found


@pytest.mark.parametrize("name", SUPPORTS)
def test_a_layer_that_reads_too_far_or_not_far_enough(name: str) -> None:
    derivation = dv.solve(*SUPPORTS[name]).derivation
    derivation.check()
    place = next(k for k, step in enumerate(derivation) if step.rule == "write the layer")
    printed, *rest = derivation[place].after
    wrong = moved_limits(printed)
    assert wrong
    conditional = printed.rhs.has(sp.Piecewise)  # there a wider sum adds nothing
    survivors = [w for w in wrong if survives(replaced(derivation, place, Tuple(w, *rest)))]
    assert len(survivors) == (2 if conditional else 0)
