"""The derivation on R^n: what it says, and that a slip of an index, a sign or a matrix is found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import sympy as sp
from sympy import Eq, MatrixBase, Tuple

import derive as dv
from derive.checking.space.chapter import d, h, p, q, s
from derive.notation import At
from derive.steps import Step
from tests.derive.space.fibres import harmonic

SO2, SO3, O3 = dv.special_orthogonal(2), dv.special_orthogonal(3), dv.orthogonal(3)


def solution(n: int, point: dv.Group, into: Any, out: Any, top: int | None = None) -> dv.Solution:
    E = dv.euclidean(n, point)
    return dv.solve(dv.Field(E, fibre=into(E)), dv.Field(E, fibre=out(E)), max_degree=top)


def vectors(E: dv.Euclidean) -> dv.Representation:
    return E.vectors


def scalars(E: dv.Euclidean) -> dv.Representation:
    return dv.trivial(E.point)


CASES = {
    "SO(3) vectors": solution(3, SO3, vectors, vectors),
    "O(3) scalar to vector and scalar": solution(3, O3, scalars, lambda E: 2 * dv.trivial(O3) + E.vectors),
    "SO(2) vectors": solution(2, SO2, vectors, vectors),
    "C5 vectors": solution(2, dv.point_group("C5", 2), vectors, vectors, 3),
    "D3 vector to tensor": solution(2, dv.point_group("D3", 2), vectors, lambda E: harmonic(E, 2), 2),
    "Oh scalar": solution(3, dv.point_group("Oh", 3), scalars, scalars, 4),
    "I scalar to vector": solution(3, dv.point_group("I", 3), scalars, vectors, 3),
    "O(1)": solution(1, dv.orthogonal(1), vectors, vectors),
}


@pytest.mark.parametrize("name", CASES)
def test_derivations_hold(name: str) -> None:
    D = CASES[name].derivation
    D.check()
    assert all(a.after == b.before for a, b in pairwise(D))
    for shown in (str(D), D.latex(), D.markdown(), D.html()):
        assert "orbits" in shown or not CASES[name].problem.group.transitive
    with pytest.raises(dv.GridError, match="grid must be left out"):
        D.check(grid=5)


def test_the_steps_are_named() -> None:
    rules = [step.rule for step in CASES["SO(3) vectors"].derivation]
    assert rules[0] == "write the general integral operator"
    wanted = (
        "choose s to reach a representative",
        "name the kernel",
        "take a representative",
        "solve at the representative",
        "compare at the representative",
        "look at the origin",
        "count",
    )
    assert [r for r in rules if r in wanted] == list(wanted)


def test_the_last_step_counts() -> None:
    last = {str(eq.lhs): eq.rhs for eq in CASES["SO(3) vectors"].derivation[-1].after}
    assert last == {"dim": 3, "at_origin": 1, "bias_dim": 0}
    last = {
        str(eq.lhs): eq.rhs.doit() for eq in CASES["O(3) scalar to vector and scalar"].derivation[-1].after
    }
    assert last == {"dim": 3, "at_origin": 2, "bias_dim": 2}


# ---- mutants ---------------------------------------------------------------------------------------------


def swapped(a: Any, b: Any) -> Any:
    return lambda e: e.xreplace({a: b, b: a})


def mirrored(a: Any) -> Any:
    return lambda e: e.xreplace({a: -a})


def reversed_products(e: Any) -> Any:
    """Factors of products of matrices in the other order."""
    return e.replace(lambda x: isinstance(x, sp.Mul) and x.has(At), lambda x: sp.Mul(*reversed(x.args)))


def negated(e: Any) -> Any:
    """The first matrix that is not zero with the other sign of one entry, numbers with one more."""
    if isinstance(e, Eq) and isinstance(e.rhs, MatrixBase):
        at = next(((i, j) for i in range(e.rhs.rows) for j in range(e.rhs.cols) if e.rhs[i, j] != 0), None)
        if at is None:
            return Eq(e.lhs, e.rhs + sp.ones(*e.rhs.shape), evaluate=False)
        changed = e.rhs.as_mutable()
        changed[at] = -changed[at]
        return Eq(e.lhs, sp.ImmutableMatrix(changed), evaluate=False)
    return Eq(e.lhs, e.rhs + 1, evaluate=False) if isinstance(e, Eq) and e.rhs.is_Integer else e


MUTATIONS = {
    "p and q": swapped(p, q),
    "d and q": swapped(d, q),
    "s": mirrored(s),
    "h": lambda e: e.xreplace({h: h**-1, h**-1: h}),
    "order": reversed_products,
    "signs": negated,
}


def mutants(steps: Any) -> Iterator[tuple[str, list[Step]]]:
    """Each step with one equation changed, left out or doubled; the step after it begins with that."""
    for k, step in enumerate(steps):
        known = set(step.before)
        for j, item in enumerate(step.after):
            if item in known:
                continue
            for name, mutate in MUTATIONS.items():
                changed = mutate(item)
                if changed != item:
                    yield f"{step.rule}: {name}", with_after(steps, k, j, [changed])
            yield f"{step.rule}: left out", with_after(steps, k, j, [])
            yield f"{step.rule}: twice", with_after(steps, k, j, [item, item])
        yield f"{step.rule}: step left out", [*steps[:k], *steps[k + 1 :]]


def with_after(steps: Any, k: int, j: int, new: list[Any]) -> list[Step]:
    """An equation replaced, in the step that says it and as long as it is kept."""
    old = steps[k].after[j]
    out = list(steps)
    items = list(steps[k].after)
    after = Tuple(*items[:j], *new, *items[j + 1 :])
    out[k] = Step(steps[k].rule, steps[k].before, after, steps[k].because, steps[k].where)
    for m in range(k + 1, len(steps)):
        before = after
        keeps = old in tuple(steps[m].after)
        after = Tuple(*(x for item in steps[m].after for x in (new if item == old else [item])))
        out[m] = Step(steps[m].rule, before, after, steps[m].because, steps[m].where)
        if not keeps:
            break
    return out


TRUE = ("solve for the bias: signs", "solve at the representative: signs")  # -k[0] is as free as k[0]


@pytest.mark.parametrize("name", ["SO(3) vectors", "C5 vectors", "O(3) scalar to vector and scalar"])
def test_slips_are_found(name: str) -> None:
    steps = list(CASES[name].derivation)
    seen, survived = 0, []
    for title, mutant in mutants(steps):
        seen += 1
        try:
            dv.Derivation(mutant).check()
        except dv.DerivationError:
            continue
        survived += [title] if title not in TRUE else []
    assert seen > 100
    assert survived == []


@pytest.mark.parametrize("name", ["SO(3) vectors", "C5 vectors"])
def test_a_wrong_statement_is_found(name: str) -> None:
    """The laws and the matrices that are given: each changed everywhere it is kept."""
    steps = list(CASES[name].derivation)
    first = steps[0]
    for j, item in enumerate(first.before):
        for mutate in MUTATIONS.values():
            changed = mutate(item)
            if changed == item:
                continue
            given = Tuple(*first.before[:j], changed, *first.before[j + 1 :])
            mutant = [Step(first.rule, given, first.after, first.because, first.where), *steps[1:]]
            with pytest.raises(dv.DerivationError):
                dv.Derivation(mutant).check()


def test_missing_polynomials_are_found() -> None:
    """One kernel left out everywhere, and the counts made to fit."""
    steps = list(CASES["C5 vectors"].derivation)
    at = next(k for k, step in enumerate(steps) if step.rule.startswith("write harmonic"))
    shorter = Tuple(*steps[at].after[:-1])
    mutant = [*steps[:at], Step(steps[at].rule, steps[at].before, shorter, steps[at].because)]
    with pytest.raises(dv.DerivationError, match="must list all polynomials of each degree"):
        dv.Derivation(mutant).check()


def test_large_derivations_are_refused() -> None:
    G = dv.point_group("I", 3)
    s = solution(3, G, lambda E: dv.regular(G), lambda E: dv.regular(G), 2)
    with pytest.raises(dv.TooLargeError, match="derivation must have kernels of at most"):
        _ = s.derivation
