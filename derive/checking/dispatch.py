"""Which checker reads a derivation: the first rule says what kind it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from derive.checking.chapters import check_groups
from derive.checking.convolution.adjoints import check_adjoints
from derive.checking.convolution.commutation import check_commutation
from derive.checking.convolution.composition import check_composition
from derive.checking.space.derivation import check_space, is_on_space
from derive.steps import Step

Check = Callable[[Sequence[Step], int | Sequence[int] | None], None]

KINDS: dict[str, Check] = {
    "pair with a cotangent": check_adjoints,
    "write the convolution": check_commutation,
    "write the second layer": check_composition,
}


def checker(steps: Sequence[Step]) -> Check:
    """The checker for a derivation that begins with this rule; an equivariance derivation otherwise."""
    if is_on_space(steps):
        return check_space
    return KINDS.get(steps[0].rule if steps else "", check_groups)
