"""Nothing false gets past the checkers: every index, sign and bound of every step, deletions and swaps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import derive as dv
from derive.convolution.adjoint import adjoints
from derive.convolution.commutation import commutation
from derive.convolution.composition import composition
from tests.derive.mutants import replaced, restated, survives, variants

CASES = {
    "same": lambda: adjoints(1),
    "all symbols": lambda: adjoints(1, kernel_size="k", strides="s", dilation="e", padding=[("a", "b")]),
    "circular": lambda: adjoints(1, kernel_size=3, strides=2, padding="CIRCULAR"),
    "reflect": lambda: adjoints(1, kernel_size=3, strides=2, padding="REFLECT"),
    "transposed, groups": lambda: adjoints(1, strides=2, groups="G", transposed=True),
    "two axes": lambda: adjoints(2, kernel_size=(2, 3), strides=(2, 1), channels=None),
    "stack": lambda: composition(1),
    "stack, strides": lambda: composition(1, strides=("s", "t"), dilation=("e", "f")),
    "stack, two axes": lambda: composition(2, kernel_sizes=(2, 2), strides=(2, 1), dilation=(2, 1)),
    "f*g": lambda: commutation(1),
    "correlation": lambda: commutation(2, flip=False),
    "integral": lambda: commutation(2, lattice=False),
}


def mutants(derivation: dv.Derivation) -> Iterator[tuple[str, dv.Derivation]]:
    for wrong in variants(derivation[0].before):
        yield f"given {wrong}", restated(derivation, wrong)
    for k, step in enumerate(derivation):
        for wrong in variants(step.after):
            yield f"{step.rule}: {wrong}", replaced(derivation, k, wrong)


def missed(derivation: dv.Derivation, every: int) -> list[str]:
    derivation.check()
    tried = [m for k, m in enumerate(mutants(derivation)) if k % every == 0]
    return [name for name, mutant in tried if survives(mutant)]


@pytest.mark.parametrize("name", CASES)
def test_some_mutants_are_caught(name: str) -> None:
    derivation = CASES[name]().derivation
    assert missed(derivation, 13 if len(derivation) > 3 else 1) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_mutant_is_caught(name: str) -> None:
    assert missed(CASES[name]().derivation, 1) == []


@pytest.mark.parametrize("name", CASES)
def test_deleted_and_swapped_steps_are_caught(name: str) -> None:
    steps = list(CASES[name]().derivation)
    for k in range(len(steps)):
        assert not survives(dv.Derivation([*steps[:k], *steps[k + 1 :]]))
        for j in range(k):
            changed = list(steps)
            changed[j], changed[k] = changed[k], changed[j]
            assert not survives(dv.Derivation(changed))


def test_an_unflipped_kernel_is_caught() -> None:
    """The classical mistake: the adjoint read through the kernel itself."""
    a = adjoints(1, kernel_size=3)
    k = next(k for k, step in enumerate(a.derivation) if step.rule == "turn the kernel")
    after = a.derivation[k].after
    kernel = after[2].rhs
    unflipped = kernel.base[(*kernel.indices[:2], after[2].lhs.indices[2])]
    wrong = replaced(a.derivation, k, after.xreplace({kernel: unflipped}))
    with pytest.raises(dv.DerivationError, match=r"step 6, 'turn the kernel', must agree term by term"):
        wrong.check()


def test_the_error_names_the_step() -> None:
    steps = list(adjoints(1).derivation)
    with pytest.raises(dv.DerivationError, match="must go on with 'collect the coefficients of x'"):
        dv.Derivation(steps[:3]).check()
    with pytest.raises(dv.DerivationError, match="must continue where 'pair with a cotangent' stopped"):
        dv.Derivation([steps[0], *steps[2:]]).check()
    with pytest.raises(dv.DerivationError, match="must hold steps"):
        dv.Derivation([]).check()
