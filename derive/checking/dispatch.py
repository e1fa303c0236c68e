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
GROUPS = ("derive.checking.groups.chapters", "check_groups")
EQUIVARIANCE = ("derive.checking.rules", "check_derivation")


def checker(steps: Sequence[Step]) -> Check:
    """The checker for a derivation that begins with this rule; an equivariance derivation otherwise."""
    first = steps[0].rule if steps else ""
    by_blocks = first == "write the general linear operator" or first.startswith("take ")
    module, name = GROUPS if by_blocks else KINDS.get(first, EQUIVARIANCE)
    return getattr(import_module(module), name)
