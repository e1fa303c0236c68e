"""Text, LaTeX, Markdown and HTML of expressions and derivations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from html import escape
from itertools import groupby, islice
from textwrap import wrap
from typing import Any

import sympy
from sympy import Tuple

from derive.derivation.printers import MathPrinter, TextPrinter, worded
from derive.drawing.mathml import display, math
from derive.steps import Step, modulus
from derive.symmetry.sizes import number as exact

IN = r" \in "
WIDTH = 100  # characters of a line of words in LaTeX, which does not break them
TALL = 24  # rows of a table in one formula


def text(expr: sympy.Basic) -> str:
    """An expression on one line, as the README prints it.

    >>> i = sympy.Symbol("i")
    >>> text(sympy.Eq(sympy.IndexedBase("y")[i], sympy.IndexedBase("x")[i] + 1))
    'y[i] = x[i] + 1'
    """
    return TextPrinter().doprint(expr)


def latex(expr: sympy.Basic) -> str:
    """An expression as LaTeX, which KaTeX and converters to MathML read as well.

    >>> print(latex(sympy.IndexedBase("x_in")[sympy.Symbol("alpha")]))
    x^{\\mathrm{in}}_{\\alpha}
    """
    return MathPrinter().doprint(exact(expr) if isinstance(expr, Fraction) else expr)


def lines(step: Step) -> list[sympy.Basic]:
    """What a step says that did not stand there before it."""
    if not isinstance(step.after, Tuple):
        return [step.after]
    known = set(step.before.args) if isinstance(step.before, Tuple) else set()
    return [item for item in step.after if item not in known] or list(step.after)


def _statement(derivation: Sequence[Step]) -> Iterable[sympy.Basic]:
    return derivation[0].before if derivation else ()


def ranges(step: Step, show: Callable[[Any], str] = latex, inside: str = IN) -> list[str]:
    """What each index of a step ranges over."""
    named = ((s, d) for s, d in step.where if not isinstance(d, sympy.FiniteSet))
    return [f"{show(s)}{inside}{_domain(d, show)}" for s, d in named]


def _ranges(step: Step, show: Callable[[Any], str], inside: str) -> str:
    return ", ".join(ranges(step, show, inside))


def _domain(domain: sympy.Set, show: Callable[[Any], str]) -> str:
    n = modulus(domain)
    if n is not None:
        return rf"\mathbb{{Z}} / {show(n)}" if show is latex else f"Z mod {show(n)}"
    if isinstance(domain, sympy.ProductSet):
        return show(domain) if show is latex else f"R^{len(domain.sets)}"
    if not isinstance(domain, sympy.Range):
        return show(domain) if show is latex else {sympy.S.Reals: "R"}.get(domain, "Z")
    first, last = show(domain.start), show(domain.stop - 1)
    return rf"\{{{first}, \ldots, {last}\}}" if show is latex else f"{first}..{last}"


def as_text(derivation: Sequence[Step]) -> str:
    """Numbered steps, each with its reason and the equations it adds."""
    if not derivation:
        return "(no steps)"
    rows = ["given", *(f"     {text(expr)}" for expr in _statement(derivation))]
    rows.append(f"     for {_ranges(derivation[0], text, ' in ')}")
    for number, step in enumerate(derivation, 1):
        rows.append(f"{number:2d}. {step.rule}: {step.because}")
        rows += [f"     {text(expr)}" for expr in lines(step)]
        if step.where and number > 1:
            rows.append(f"     for {_ranges(step, text, ' in ')}")
    return "\n".join(rows)


def as_latex(derivation: Sequence[Step]) -> str:
    """One align* environment, a text line before each step's equations."""
    rows = [rf"& {latex(expr)} \\" for expr in _statement(derivation)]
    for number, step in enumerate(derivation, 1):
        rows += _prose(f"{number}. {step.rule}")
        rows += _prose(step.because)
        rows += [rf"& \quad {latex(expr)} \\" for expr in lines(step)]
        rows += [rf"& \quad \text{{for }} {_ranges(step, latex, IN)} \\"] * bool(step.where)
    return "\\begin{align*}\n" + "\n".join(rows) + "\n\\end{align*}"


def _prose(words: str) -> Iterable[str]:
    """Rows of words."""
    return (rf"& {worded(line)} \\" for line in wrap(words, WIDTH, break_long_words=False))


def displays(found: Iterable[sympy.Basic]) -> Iterator[str]:
    """Formulas to be displayed: rows of a table stand together, at most TALL of them."""
    for is_row, group in groupby(found, key=_is_row):
        if not is_row:
            yield from map(latex, group)
        while rows := list(islice(group, TALL)):
            yield _array(rows)


def _is_row(line: sympy.Basic) -> bool:
    return isinstance(line, Tuple) and not line.has(sympy.MatrixBase) and all(MathPrinter().row(line))


def _array(rows: Iterable[Tuple]) -> str:
    """Rows of a table, the words to the right and the equations to the left."""
    lines = (r"\colon & ".join(MathPrinter().row(row)) for row in rows)
    return r"\begin{array}{rl}" + r" \\ ".join(lines) + r"\end{array}"


def as_markdown(derivation: Sequence[Step]) -> str:
    """A numbered list with displayed mathematics."""
    rows = ["Given", "", *(f"$${formula}$$\n" for formula in displays(_statement(derivation)))]
    for number, step in enumerate(derivation, 1):
        rows.append(f"{number}. **{_marked(step.rule)}**: {_marked(step.because)}\n")
        rows += [f"   $${formula}$$\n" for formula in displays(lines(step))]
        rows += [f"   for ${_ranges(step, latex, IN)}$\n"] * bool(step.where)
    return "\n".join(rows)


def _marked(words: str) -> str:
    """Words in which no bracket, star or dollar means anything to Markdown."""
    return words.translate({ord(c): "\\" + c for c in "<*$"})


def as_html(derivation: Sequence[Step]) -> str:
    """An ordered list whose formulas are MathML."""
    given = "".join(map(display, displays(_statement(derivation))))
    items = "".join(
        f"<li><b>{escape(step.rule)}</b>: {escape(step.because)}"
        + "".join(map(display, displays(lines(step))))
        + _where(step)
        + "</li>"
        for step in derivation
    )
    return f"<div class='derivation'>{given}<ol>{items}</ol></div>"


def _where(step: Step) -> str:
    return f"<p style='margin:0'>for {', '.join(map(math, ranges(step)))}</p>" if step.where else ""
