"""Text, LaTeX, Markdown and HTML: the only file that formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from html import escape
from typing import Any

import sympy
from sympy import Add, Eq, Piecewise, Tuple
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from derive.steps import Derivation, Step, modulus
from derive.symmetry.sizes import number as exact

TABLE = re.compile(r"(pi|sign|rho)_(\w+)\((\w+)\)")  # how a generator acts on components
MOVED = re.compile(r"(?:(T(?=\())\(|())(\w+|L\(\w+\)) (\w+)\)?")  # r x, T(r x), T(L(a) x)
IN = r" \in "
GREEK = {"pi": r"\pi", "sign": r"\sigma", "rho": r"\rho"}


def _ordered(expr: Add) -> list[sympy.Expr]:
    """Terms as a person writes them: sums before entries, sites before shifts, then plus before minus."""

    def rank(term: sympy.Expr) -> tuple[Any, ...]:
        negative = term.could_extract_minus_sign()
        kind = 0 if term.has(sympy.Sum) else 1
        names = sorted(s.name for s in term.free_symbols)
        moved = any(name[:1] == "d" or name[:2] in ("s_", "r_") for name in names)
        plain = names and term.is_commutative and term.is_polynomial()
        degree = -sympy.total_degree(term) if plain else 0
        return (term.is_number, negative, kind, moved, degree, names)

    return sorted(expr.args, key=rank)


def _outward(expr: sympy.Expr) -> sympy.Expr:
    """|u' - u| rather than |u - u'|: from the output site to the input site."""
    primed = [t for t in Add.make_args(expr) if any(s.name.endswith("'") for s in t.free_symbols)]
    return -expr if primed and all(t.could_extract_minus_sign() for t in primed) else expr


class _InReadingOrder:
    """A printer's sums, with terms as a person writes them."""

    brackets = ("(", ")")

    def _print_Add(self, expr: Add, order: Any = None) -> str:
        text = ""
        for term in _ordered(expr):
            negative = term.could_extract_minus_sign()
            body = self._print(-term if negative else term)  # type: ignore[attr-defined]
            if negative and isinstance(-term, Add):
                body = body.join(self.brackets)
            text += (" - " if negative else " + ") + body
        return text[3:] if text.startswith(" + ") else "-" + text[3:]


class TextPrinter(_InReadingOrder, StrPrinter):
    """SymPy's text with compact indices and terms in reading order: A[i,u,v,c,u'+s_u,v'+s_v]."""

    printmethod = "_equation_text"  # not Indexed's own, which spaces its indices

    def _print_Abs(self, expr: Any) -> str:
        return f"|{self._print(_outward(expr.args[0]))}|"

    def _print_Indexed(self, expr: sympy.Indexed) -> str:
        indices = ",".join(_tight(self._print(index)) for index in expr.indices)
        return f"{expr.base.label}[{indices}]"

    def _print_Equality(self, expr: Eq) -> str:
        return f"{self._print(expr.lhs)} = {self._print(expr.rhs)}"

    def _print_Relational(self, expr: Any) -> str:
        return f"{self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)}"

    def _print_LessThan(self, expr: Any) -> str:
        return f"{self._print(expr.lhs)} <= {self._print(expr.rhs)}"

    def _print_GreaterThan(self, expr: Any) -> str:
        return f"{self._print(expr.rhs)} <= {self._print(expr.lhs)}"

    def _print_And(self, expr: Any) -> str:
        return " and ".join(sorted(self._print(arg) for arg in expr.args))

    def _print_Or(self, expr: Any) -> str:
        return " or ".join(sorted(f"({self._print(arg)})" for arg in expr.args))

    def _print_Piecewise(self, expr: Piecewise) -> str:
        (value, condition), (other, _) = expr.args
        return f"({self._print(value)} if {self._print(condition)} else {self._print(other)})"

    def _print_Mod(self, expr: Any) -> str:
        return f"({self._print(expr.args[0])} mod {self._print(expr.args[1])})"

    def _print_Tuple(self, expr: Tuple) -> str:
        return _tuple(expr, self._print, ", ", "\n", ", so ")

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        if expr.base.is_commutative:
            return super()._print_Pow(expr, rational)
        return f"{self._print(expr.base)}^{self._print(expr.exp)}"

    def _print_MatrixBase(self, expr: Any) -> str:
        rows = (", ".join(self._print(entry) for entry in expr.row(i)) for i in range(expr.rows))
        return "[" + ", ".join(f"[{row}]" for row in rows) + "]"

    def _print_tuple(self, expr: Any) -> str:
        return "(" + ", ".join(self._print(arg) for arg in expr) + ")"


class MathPrinter(_InReadingOrder, LatexPrinter):
    """SymPy's LaTeX with the same order of terms."""

    brackets = (r"\left(", r"\right)")

    def _print_Abs(self, expr: Any, exp: Any = None) -> str:
        return rf"\left|{self._print(_outward(expr.args[0]))}\right|"

    def _print_Indexed(self, expr: sympy.Indexed) -> str:
        indices = ",".join(self._print(index).replace(" ", "") for index in expr.indices)
        return f"{_label(str(expr.base.label))}_{{{indices}}}"

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        return _label(expr.name) if expr.name.startswith("<") else super()._print_Symbol(expr, style)

    def _print_Mod(self, expr: Any, exp: Any = None) -> str:
        return rf"({self._print(expr.args[0])} \bmod {self._print(expr.args[1])})"

    def _print_Tuple(self, expr: Tuple) -> str:
        return _tuple(expr, self._print, r",\ ", r" \\ ", r",\ \text{so}\ ")


def _tuple(expr: Tuple, show: Callable[[Any], str], comma: str, line: str, so: str) -> str:
    """Equations on lines of their own, "words: equations" for a row of a table, or plain numbers."""
    is_equation = [isinstance(arg, Relational | BooleanFunction) for arg in expr]
    parts = [show(arg) for arg in expr]
    if all(is_equation):
        return line.join(parts)
    if not any(is_equation):
        return "(" + comma.join(parts) + ")"
    split = is_equation.index(True)
    return comma.join(parts[:split]) + ": " + so.join(parts[split:])


def _tight(index: str) -> str:
    """An index without spaces, except around mod."""
    return index.replace(" mod ", "~").replace(" ", "").replace("~", " mod ")


def _label(label: str) -> str:
    """x, K, T(x) as they are; T_s x with its subscript, r x with a gap; xbar with a bar."""
    if table := TABLE.fullmatch(label):
        return rf"{GREEK[table[1]]}^{{{_label(table[2])}}}_{{{table[3]}}}"
    if (moved := MOVED.fullmatch(label)) and moved[3] != "T_s":
        return rf"{moved[1] or ''}({moved[3]}\,{moved[4]})"
    if label.startswith("<"):
        return r"\langle " + ", ".join(_label(part) for part in label.strip("<>").split(", ")) + r"\rangle"
    if label.endswith("bar"):
        return rf"\bar{{{label.removesuffix('bar')}}}"
    return label.replace("T_s ", "T_{s}") if "T" in label else label


def text(expr: sympy.Basic) -> str:
    """An expression on one line, as the README prints it."""
    return TextPrinter().doprint(expr)


def latex(expr: sympy.Basic) -> str:
    """An expression as LaTeX."""
    return MathPrinter().doprint(exact(expr) if isinstance(expr, Fraction) else expr)


def _lines(step: Step) -> list[sympy.Basic]:
    """What a step says that did not stand there before it."""
    if not isinstance(step.after, Tuple):
        return [step.after]
    known = set(step.before.args) if isinstance(step.before, Tuple) else set()
    return [item for item in step.after if item not in known] or list(step.after)


def _statement(derivation: Derivation) -> Iterable[sympy.Basic]:
    return derivation[0].before if derivation else ()


def _ranges(step: Step, show: Callable[[Any], str], inside: str) -> str:
    named = ((s, d) for s, d in step.where if not isinstance(d, sympy.FiniteSet))
    return ", ".join(f"{show(s)}{inside}{_domain(d, show)}" for s, d in named)


def _domain(domain: sympy.Set, show: Callable[[Any], str]) -> str:
    n = modulus(domain)
    if n is not None:
        return rf"\mathbb{{Z}} / {show(n)}" if show is latex else f"Z mod {show(n)}"
    if not isinstance(domain, sympy.Range):
        return show(domain) if show is latex else {sympy.S.Reals: "R"}.get(domain, "Z")
    dots = r" \ldots " if show is latex else ".."
    return f"{show(domain.start)}{dots}{show(domain.stop - 1)}"


def as_text(derivation: Derivation) -> str:
    """Numbered steps, each with its reason and the equations it adds."""
    if not derivation:
        return "(no steps)"
    rows = ["given", *(f"     {text(expr)}" for expr in _statement(derivation))]
    rows.append(f"     for {_ranges(derivation[0], text, ' in ')}")
    for number, step in enumerate(derivation, 1):
        rows.append(f"{number:2d}. {step.rule}: {step.because}")
        rows += [f"     {text(expr)}" for expr in _lines(step)]
        if step.where and number > 1:
            rows.append(f"     for {_ranges(step, text, ' in ')}")
    return "\n".join(rows)


def as_latex(derivation: Derivation) -> str:
    """One align* environment, a text line before each step's equations."""
    rows = [rf"& {latex(expr)} \\" for expr in _statement(derivation)]
    for number, step in enumerate(derivation, 1):
        rows.append(rf"& \text{{{number}. {_plain(step.rule)}}} \\")
        rows.append(rf"& \text{{{_plain(step.because)}}} \\")
        rows += [rf"& \quad {latex(expr)} \\" for expr in _lines(step)]
        rows += [rf"& \quad \text{{for }} {_ranges(step, latex, IN)} \\"] * bool(step.where)
    return "\\begin{align*}\n" + "\n".join(rows) + "\n\\end{align*}"


def _plain(words: str) -> str:
    return re.sub(r"([_^&%#{}])", r"\\\1", words)


def as_markdown(derivation: Derivation) -> str:
    """A numbered list with displayed mathematics."""
    rows = ["Given", "", *(f"$${latex(expr)}$$\n" for expr in _statement(derivation))]
    for number, step in enumerate(derivation, 1):
        rows.append(f"{number}. **{step.rule}**: {step.because}\n")
        rows += [f"   $${latex(expr)}$$\n" for expr in _lines(step)]
        rows += [f"   for ${_ranges(step, latex, IN)}$\n"] * bool(step.where)
    return "\n".join(rows)


def as_html(derivation: Derivation) -> str:
    """An ordered list with displayed mathematics, for MathJax or KaTeX."""
    given = "".join(f"<p>$${escape(latex(expr))}$$</p>" for expr in _statement(derivation))
    items = "".join(
        f"<li><b>{escape(step.rule)}</b>: {escape(step.because)}"
        + "".join(f"<p>$${escape(latex(expr))}$$</p>" for expr in _lines(step))
        + f"<p>for ${escape(_ranges(step, latex, IN))}$</p>" * bool(step.where)
        + "</li>"
        for step in derivation
    )
    return f"<div class='derivation'>{given}<ol>{items}</ol></div>"
