"""`derive report`: a question, its derivation, its pictures, its proof and its code on one page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

import sympy

import derive as dv
from cli.answer import Checks
from cli.page.html import contents, display, figure, figures, page, paragraph, section
from cli.question import Question
from cli.script import counts, numbers, script
from derive.answer.pattern import Pattern, patterns
from derive.answer.shown import one_channel_each, pattern_svg
from derive.derivation.render import displays, lines, ranges
from derive.drawing.mathml import math
from derive.drawing.svg import numbers_svg
from derive.drawing.ties import letter

TABLES, WEIGHTS = 16, 8  # tables of a pattern, and elements of a basis, that are drawn
ENTRIES = 1024  # entries of a table that is drawn
SECTIONS = {
    "question": "The question",
    "answer": "The answer",
    "pattern": "The tying pattern",
    "basis": "The basis",
    "derivation": "The derivation",
    "certificate": "The certificate",
    "code": "The code",
}


def report(question: Question, checks: Checks) -> str:
    """The whole page."""
    made = {
        "question": _question,
        "answer": _answer,
        "pattern": _pattern,
        "basis": _basis,
        "derivation": _derivation,
        "certificate": _certificate,
        "code": _code,
    }
    parts = {name: list(make(question, checks)) for name, make in made.items()}
    shown = {name: SECTIONS[name] for name, inside in parts.items() if inside}
    main = "\n".join(section(name, title, *parts[name]) for name, title in shown.items())
    return page(question.asked.line().replace("->", "→"), contents(shown), main, "Made by derive report.")


def _question(question: Question, checks: Checks) -> Iterator[str]:
    asked, problem = question.asked, question.solution.problem
    sides = f"from {asked.into or 'one channel'} to {asked.out or 'one channel'}"
    reach = f", weights within the kernel {asked.kernel}" if asked.kernel else ""
    affine = "affine " if asked.bias else ""
    yield paragraph(
        f"Which {affine}linear maps {sides} commute with every motion of {asked.symmetry}{reach}?"
    )
    rows = {"Symmetry": str(problem.group if problem.axes else problem.group.point)}
    rows |= {"Input": str(question.x), "Output": str(question.y)}
    yield _terms(rows)
    yield paragraph("Before anything is tied, the map and what is asked of it are")
    yield from _equations(question.solution.operator, "the general linear map")
    yield from _equations(question.solution.equation, "the equation of equivariance")


def _answer(question: Question, checks: Checks) -> Iterator[str]:
    solution = question.solution
    rows = {"Free weights": dv.text(sympy.sympify(solution.dim))}
    rows |= {"Biases": dv.text(sympy.sympify(solution.bias_dim))} if question.asked.bias else {}
    if solution.assumptions:
        rows["Provided that"] = ", ".join(dv.text(a) for a in solution.assumptions)
    if solution.dim == 0:
        rows["Why none"] = solution.why_zero()
    yield _terms(rows)
    yield paragraph("The weights obey")
    yield from _equations(solution.constraint, "the constraint on the weights")
    yield paragraph("so all of them are")
    yield from _equations(solution.form, "the tied weights")
    yield paragraph("and the layer is")
    yield from _equations(solution.layer, "the layer")


def _terms(rows: dict[str, str]) -> str:
    inside = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows.items())
    return f'<dl class="counts">{inside}</dl>'


def _equations(found: sympy.Basic, label: str) -> Iterator[str]:
    for formula in displays(found.args if isinstance(found, sympy.Tuple) else (found,)):
        yield display(formula, label)


# ---- pictures -------------------------------------------------------------------------------------------


def _panels(question: Question) -> list[Pattern]:
    """The panels of the pattern, with numbers for what a picture needs them for; none where it has no end."""
    solution = question.solution
    if solution.dim == 0 or solution.dim is sympy.oo:
        return []
    try:
        answer = one_channel_each(solution.problem, solution.answer, _sizes(question))
        return [panel for panel in patterns(answer).panels if panel.weights]
    except dv.DeriveError:  # too large, or of more axes than a picture has
        return []


def _sizes(question: Question) -> dict[str, int]:
    """Numbers for the sizes that are named, channels apart."""
    problem = question.solution.problem
    channels = {s.name for side in (problem.x, problem.y) for s in side.channels.free_symbols}
    return {name: n for name, n in numbers(question).items() if name not in channels}


def _pattern(question: Question, checks: Checks) -> Iterator[str]:
    panels = _panels(question)
    drawn = [p for p in panels if len(p.cells.centres) <= ENTRIES][:TABLES]
    if not drawn:
        return
    yield paragraph(
        "Equal colours and letters are equal free weights, a minus is a sign, a dot is zero. "
        + _meaning(question)
    )
    put = _sizes(question)
    if put:
        yield paragraph("Drawn with " + ", ".join(f"{name} = {n}" for name, n in put.items()) + ".", "soft")
    for names, some in groupby(drawn, key=lambda panel: panel.names):
        listed = list(some)
        weights = "1 free weight" if listed[0].weights == 1 else f"{listed[0].weights} free weights"
        yield f"<h3>{escape(' → '.join(names))}: {weights} for every pair of copies</h3>"
        yield figures([figure(pattern_svg(panel), panel.where) for panel in listed])
    if len(panels) > len(drawn):
        yield paragraph("More tables are left out here; solution.tying has all of them.", "soft")


def _meaning(question: Question) -> str:
    if not question.solution.problem.axes:
        return "Rows are entries of the output, columns are entries of the input."
    return (
        "A cell stands for the displacement from the output site, in the middle, to an input site; "
        "[i, c] joins input channel c to output channel i."
    )


def _basis(question: Question, checks: Checks) -> Iterator[str]:
    """One row of pictures for each of the first few weights of the first pair of pieces."""
    panels = _panels(question)
    first = [p for p in panels if p.names == panels[0].names and len(p.cells.centres) <= ENTRIES // 2][:4]
    if not first:
        return
    yield paragraph(
        "What a single weight does when it is 1 and all others are 0: vermillion is positive, blue with a "
        "minus is negative. "
        + (f"The first {WEIGHTS} of {first[0].weights} are drawn." if first[0].weights > WEIGHTS else "")
    )
    for k in range(min(WEIGHTS, first[0].weights)):
        drawn = []
        for panel in first:
            title = f"weight {letter(k)} {panel.where}".strip()
            picture = numbers_svg(panel.cells, panel.ties.coefficients(k), f"basis element, {title}")
            drawn.append(figure(picture, title))
        yield figures(drawn)


# ---- proofs and code ------------------------------------------------------------------------------------


def _derivation(question: Question, checks: Checks) -> Iterator[str]:
    steps = question.solution.derivation
    if checks.derivation:
        yield paragraph(checks.derivation, "verdict bad")
    else:
        yield paragraph(
            f"All {len(steps)} steps were checked by evaluating what is printed here.", "verdict good"
        )
    yield paragraph("Given is")
    yield from (
        display(formula, "what is given")
        for formula in displays(
            steps[0].before.args if isinstance(steps[0].before, sympy.Tuple) else (steps[0].before,)
        )
    )
    yield f'<ol class="steps">{"".join(_step(step, n) for n, step in enumerate(steps, 1))}</ol>'


def _step(step: dv.Step, number: int) -> str:
    formulas = "".join(display(formula, f"step {number}") for formula in displays(lines(step)))
    where = f'<p class="soft">for {", ".join(map(math, ranges(step)))}</p>' if step.where else ""
    return f"<li><strong>{escape(step.rule)}</strong>: {escape(step.because)}{formulas}{where}</li>"


def _certificate(question: Question, checks: Checks) -> Iterator[str]:
    found = checks.certificate
    verdict = "It holds." if found.holds else "It does not hold."
    yield paragraph(verdict, f"verdict {'good' if found.holds else 'bad'}")
    yield paragraph("Nothing is wrong if the residual is 0; nothing is missing if both counts agree.")
    counted: Any = "no formula" if found.expected_dim is None else found.expected_dim
    yield _terms(
        {
            "Residual": f"{found.residual} on {found.scope}",
            "Independent": "yes" if found.independent else "no",
            "Found": dv.text(sympy.sympify(found.dim)),
            "Counted anew": counted if isinstance(counted, str) else dv.text(sympy.sympify(counted)),
            "By": found.method,
        }
    )


def _code(question: Question, checks: Checks) -> Iterator[str]:
    if sympy.oo in (question.solution.dim, question.solution.bias_dim):
        yield paragraph(f"{counts(question)}: give a kernel or a lattice to get code.")
        return
    yield paragraph("This runs as it stands, with equiderive installed.")
    yield f'<pre tabindex="0" aria-label="Python code"><code>{escape(script(question))}</code></pre>'
