"""Formulas as they are printed, and two engines that say whether they typeset."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import latex2mathml.converter

import derive as dv

TYPESET = Path(__file__).parents[1] / "typeset"
EQUATIONS = ("operator", "equation", "constraint", "form", "layer")
ARRAY = re.compile(r"\\begin\{array\}\{\w+\}")
WORDS = re.compile(r"\\(text|mathrm|operatorname|begin|end)\*?\s*\{(\\.|[^{}\\])*\}")
TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[^\s]", re.DOTALL)


class Formula(NamedTuple):
    tex: str
    display: bool = True


# ---- what is printed ------------------------------------------------------------------------------------


def of_derivation(derivation: dv.Derivation) -> Iterator[Formula]:
    """The formulas of a derivation in LaTeX, in Markdown and in HTML."""
    yield Formula(derivation.latex())
    yield from in_dollars(derivation.markdown())
    yield from of_page(derivation.html())


def of_page(html: str) -> Iterator[Formula]:
    """The formulas of a page, as their LaTeX is an attribute of the MathML."""
    for part in re.finditer(r'<math [^>]*alttext="([^"]*)"([^>]*)>', html):
        yield Formula(unescape(part[1]), "display" in part[2])


def in_dollars(text: str) -> Iterator[Formula]:
    """What stands between dollars; escaped ones are none."""
    for part in re.finditer(r"\$\$(.+?)\$\$|(?<!\\)\$(.+?)\$", text, re.DOTALL):
        yield Formula(part[1] or part[2], part[1] is not None)


def of_solution(solution: Any) -> Iterator[Formula]:
    """All the formulas that an answer prints."""
    yield from of_derivation(solution.derivation)
    yield from (Formula(dv.latex(getattr(solution, e))) for e in EQUATIONS if hasattr(solution, e))
    yield from (Formula(dv.latex(e)) for e in (solution.dim, solution.bias_dim, *solution.assumptions))
    if hasattr(solution, "_repr_latex_"):
        yield from in_dollars(solution._repr_latex_())


# ---- who reads it ---------------------------------------------------------------------------------------


class Katex:
    """One process that reads formulas, strictly."""

    def __init__(self) -> None:
        command = ["node", str(TYPESET / "check.js")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def complaints(self, formulas: Iterable[Formula]) -> dict[str, str]:
        """What is wrong, by formula."""
        listed = list(dict.fromkeys(formulas))
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(listed) + "\n")
        stdin.flush()
        found = json.loads(stdout.readline())
        return {formula.tex: said for formula, said in zip(listed, found, strict=True) if said}

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def why_no_katex() -> str:
    """Why formulas cannot be given to KaTeX here; empty where they can."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (TYPESET / "node_modules" / "katex").is_dir():
        return "KaTeX is not installed: npm ci --prefix tests/typeset"
    return ""


def mathml_complaints(formulas: Iterable[Formula]) -> dict[str, str]:
    """What is wrong, by formula: refused, a command unknown, or two scripts in one place."""
    found = {formula.tex: _mathml_complaint(formula.tex) for formula in dict.fromkeys(formulas)}
    return {tex: said for tex, said in found.items() if said}


def _mathml_complaint(tex: str) -> str:
    try:
        converted = latex2mathml.converter.convert(tex)
    except Exception as error:  # whatever it is, the formula was refused
        return f"{type(error).__name__}: {error}"
    unknown = re.search(r"\\[A-Za-z]+", converted)
    return f"unknown command {unknown[0]}" if unknown else double_script(tex)


def double_script(tex: str) -> str:
    """The first place where a symbol has two subscripts or two superscripts, else nothing."""
    stack: list[tuple[set[str], bool]] = []  # scripts of the symbol outside, and whether this group is one
    seen: set[str] = set()
    script = False  # whether the next symbol is a script
    for token in TOKEN.finditer(tex):
        t = token[0]
        if t in "_^":
            if t in seen or script:
                return f"double script at {tex[max(token.start() - 20, 0) : token.end() + 20]!r}"
            seen, script = seen | {t}, True
        elif t == "'":
            seen, script = seen, False
        elif t == "{":
            stack.append((seen, script))
            seen, script = set(), False
        elif t == "}":
            outer, was_script = stack.pop()
            seen, script = (outer if was_script else set()), False
        elif not script:
            seen = set()
        else:
            script = False
    return ""


def loose_break(tex: str) -> str:
    """A new line where there are no lines: outside of every environment."""
    inside = r"\begin" in tex or r"\substack" in tex
    return "" if inside or r"\\" not in tex else "line break in one line"


def bare_word(tex: str) -> str:
    """Letters in a row that are set as a product, alpha as a l p h a: a name that lost its command."""
    symbols = WORDS.sub(" ", ARRAY.sub(" ", tex))
    found = re.search(r"[A-Za-z]{3,}", re.sub(r"\\[A-Za-z]+", " ", symbols))
    return f"bare word {found[0]}" if found else ""
