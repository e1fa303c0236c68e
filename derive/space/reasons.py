"""Why there is no kernel on R^n, in words."""

from __future__ import annotations

from derive.counting.count import hom_dimension
from derive.space.problem import SpaceProblem
from derive.space.stabiliser import stabiliser


def why_zero(problem: SpaceProblem) -> str:
    """What leaves no map at a direction, or no polynomial of a degree."""
    x, y, space = problem.x.fibre, problem.y.fibre, problem.group
    if not space.transitive:
        return (
            f"every kernel up to harmonic degree {problem.top} is zero: the harmonic polynomials of degrees "
            f"0..{problem.top} hold no constituent of {x.name} -> {y.name} under {space.point.name}; "
            "give a larger max_degree"
        )
    S, name = stabiliser(space)
    if problem.complete and S is not None:
        found = hom_dimension(x.restrict(S), y.restrict(S))[0]
        return (
            f"every kernel is zero: K(d) at d = r e_{space.dim} commutes with {name} = <{', '.join(S.generators)}>, "
            f"which fixes d, and under it {x.name} and {y.name} have no constituent in common (counted "
            f"independently: {found})"
        )
    return f"every kernel of harmonic degree up to {problem.top} is zero: the lowest degree is higher"
