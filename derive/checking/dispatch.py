"""Which checker reads a derivation: the first rule says what kind it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from derive.steps import Step

Check = Callable[[Sequence[Step], int | Sequence[int] | None], None]

KINDS = {
    "pair with a cotangent": ("derive.checking.adjoints", "check_adjoints"),
    "write the convolution": ("derive.checking.commutation", "check_commutation"),
    "write the second layer": ("derive.checking.composition", "check_composition"),
}
EQUIVARIANCE = ("derive.checking.groups.chapters", "check_groups")


def checker(steps: Sequence[Step]) -> Check:
    """The checker for a derivation that begins with this rule; an equivariance derivation otherwise."""
    first = steps[0].rule if steps else ""
    module, name = KINDS.get(first, EQUIVARIANCE)
    return getattr(import_module(module), name)
