"""An answer in words: equations, the tying pattern, counts, the certificate and, if asked, the derivation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy

import derive as dv
from cli.question import Question
from cli.script import counts
from cli.terminal import heading
from derive.certificate.certificate import Certificate

WIDTH = 100
LINES = 60  # of a tying pattern that are shown


@dataclass(frozen=True)
class Checks:
    """How the proofs ended; `derivation` is None where its steps were not asked for, '' where all hold."""

    certificate: Certificate
    derivation: str | None = None

    @property
    def hold(self) -> bool:
        return self.certificate.holds and not self.derivation


def checked(solution: dv.Solution, steps: bool) -> Checks:
    """The certificate, and where steps are asked for, the first of them that is false."""
    complaint = None
    if steps:
        try:
            solution.derivation.check()
            complaint = ""
        except dv.DerivationError as error:
            complaint = str(error)
    return Checks(solution.certificate, complaint)


def described(question: Question, checks: Checks, steps: bool) -> str:
    """Everything, as `derive solve` prints it."""
    return "\n".join(_lines(question, checks, steps))


def _lines(question: Question, checks: Checks, steps: bool) -> Iterator[str]:
    solution = question.solution
    yield heading(question.asked.line())
    yield from _block("constraint", equations(solution.constraint))
    yield from _block("weights", equations(solution.form))
    yield from _block("layer", equations(solution.layer))
    tying = str(solution.tying).splitlines()
    more = [f"... and {len(tying) - LINES} more lines"] if len(tying) > LINES else []
    yield from _block("tying: equal letters are equal weights, a dot is zero", [*tying[:LINES], *more])
    yield from _block("counts", _counts(question))
    if steps:
        yield from _block("derivation", str(solution.derivation).splitlines())
        yield f"  {'every step was checked' if not checks.derivation else checks.derivation}"
    yield ""
    first, *rest = str(checks.certificate).splitlines()
    yield heading(first)
    yield from rest


def _counts(question: Question) -> Iterator[str]:
    solution = question.solution
    yield counts(question)
    if solution.dim == 0:
        yield f"why none: {solution.why_zero()}"
    if solution.dim is sympy.oo:
        yield "infinitely many, since nothing bounds how far a weight may reach: give --kernel 3 for example"
    if solution.assumptions:
        yield f"provided that {', '.join(dv.text(a) for a in solution.assumptions)}"


def equations(found: sympy.Basic) -> list[str]:
    """One line for each equation."""
    listed = found.args if isinstance(found, sympy.Tuple) else (found,)
    return [dv.text(equation) for equation in listed]


def _block(title: str, lines: list[str] | Iterator[str]) -> Iterator[str]:
    yield ""
    yield heading(title)
    yield from (f"  {line}" for line in lines)
