"""How one expression is printed: as compact text, and as LaTeX that every TeX engine accepts."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Add, Eq, Piecewise, Tuple, default_sort_key
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction
from sympy.printing.latex import LatexPrinter, greek_letters_set, tex_greek_dictionary
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from derive.notation import ComponentTable

CASES = 3  # of a condition on one line
EVERYWHERE = (-sympy.oo, sympy.oo)
SIGNS = {"\\": r"\backslash", "^": r"\wedge", "~": r"\sim", "<": "<", ">": ">"}  # not in a text block
ESCAPES = {c: "\\" + c for c in "_&%#{}$"} | {c: rf"}}{tex}\text{{" for c, tex in SIGNS.items()}


# ---- the order of terms -----------------------------------------------------------------------------------


def _ordered(expr: Add) -> list[sympy.Expr]:
    """Terms as a person writes them: sums before entries, sites before shifts, then plus before minus."""

    def rank(term: sympy.Expr) -> tuple[Any, ...]:
        negative = term.could_extract_minus_sign()
        kind = 0 if term.has(sympy.Sum, sympy.Integral) else 1
        names = sorted(s.name for s in term.free_symbols)
        moved = any(name[:1] == "d" or name[:2] in ("s_", "r_") for name in names)
        plain = names and term.is_commutative and term.is_polynomial()
        degree = -sympy.total_degree(term) if plain else 0
        functions = sorted(
            (len(str(f.func)), str(f.func)) for f in term.atoms(AppliedUndef)
        )  # f_2 before f_10
        return (term.is_number, negative, kind, functions, moved, degree, names)

    return sorted(expr.args, key=rank)


def _outward(expr: sympy.Expr) -> sympy.Expr:
    """|u' - u| rather than |u - u'|: from the output site to the input site."""
    primed = [t for t in Add.make_args(expr) if any(s.name.endswith("'") for s in t.free_symbols)]
    return -expr if primed and all(t.could_extract_minus_sign() for t in primed) else expr


class _InReadingOrder:
    """A printer's sums, with terms as a person writes them."""

    brackets = ("(", ")")
    signs = (" + ", " - ")

    def _print_Add(self, expr: Add, order: Any = None) -> str:
        plus, minus = self.signs
        text = ""
        for term in _ordered(expr):
            negative = term.could_extract_minus_sign()
            body = self._print(-term if negative else term)  # type: ignore[attr-defined]
            if negative and isinstance(-term, Add):
                body = body.join(self.brackets)
            text += (minus if negative else plus) + body
        return text.removeprefix(plus) if text.startswith(plus) else "-" + text.removeprefix(minus)


def _rows(expr: Tuple) -> tuple[list[Any], list[Any]]:
    """What stands before the first equation of a tuple, and the equations."""
    is_equation = [isinstance(arg, Relational | BooleanFunction) for arg in expr]
    first = is_equation.index(True) if True in is_equation else len(is_equation)
    return list(expr[:first]), list(expr[first:])


# ---- text -------------------------------------------------------------------------------------------------


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
        *cases, (last, otherwise) = expr.args
        text = self._print(last) + ("" if otherwise == sympy.true else f" if {self._print(otherwise)}")
        for value, condition in reversed(cases):
            text = f"({self._print(value)} if {self._print(condition)} else {text})"
        return text if cases else f"({text})"

    def _print_Mod(self, expr: Any) -> str:
        return f"({self._print(expr.args[0])} mod {self._print(expr.args[1])})"

    def _print_Tuple(self, expr: Tuple) -> str:
        before, equations = ([self._print(arg) for arg in part] for part in _rows(expr))
        if not equations:
            return f"({', '.join(before)})"
        return "\n".join(equations) if not before else f"{', '.join(before)}: {', so '.join(equations)}"

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        if expr.base.is_commutative:
            return super()._print_Pow(expr, rational)
        return f"{self._print(expr.base)}^{self._print(expr.exp)}"

    def _print_MatrixBase(self, expr: Any) -> str:
        rows = (", ".join(self._print(entry) for entry in expr.row(i)) for i in range(expr.rows))
        return "[" + ", ".join(f"[{row}]" for row in rows) + "]"

    def _print_tuple(self, expr: Any) -> str:
        return "(" + ", ".join(self._print(arg) for arg in expr) + ")"


def _tight(index: str) -> str:
    """An index without spaces, except around mod."""
    return index.replace(" mod ", "~").replace(" ", "").replace("~", " mod ")


# ---- LaTeX ------------------------------------------------------------------------------------------------


class MathPrinter(_InReadingOrder, LatexPrinter):
    """SymPy's LaTeX with the same order of terms, and with scripts that never meet."""

    brackets = (r"\left(", r"\right)")

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        stem, below = named(expr.name)
        return stem + (f"_{{{','.join(below)}}}" if below else "")

    def _print_Indexed(self, expr: sympy.Indexed) -> str:
        tight = _IndexPrinter()
        indices = ",".join(tight._print(index) for index in expr.indices)
        name = expr.base.label
        if isinstance(name, ComponentTable):
            return name.latex_entry(self._print(name), indices)
        label = _LabelPrinter()._print(name)
        return f"{label}_{{{indices}}}"

    def _print_IndexedBase(self, expr: sympy.IndexedBase) -> str:
        return self._print(expr.label)

    def _print_Abs(self, expr: Any, exp: Any = None) -> str:
        return _power(rf"\left|{self._print(_outward(expr.args[0]))}\right|", exp)

    def _print_Mod(self, expr: Any, exp: Any = None) -> str:
        return _power(rf"({self._print(expr.args[0])} \bmod {self._print(expr.args[1])})", exp)

    def _print_Pow(self, expr: sympy.Pow) -> str:
        root = expr.exp.is_Rational and (expr.exp.is_negative or not expr.exp.is_Integer)
        if isinstance(expr.base, sympy.Indexed) and not root:  # it has scripts of its own
            return rf"\left({self._print(expr.base)}\right)^{{{self._print(expr.exp)}}}"
        return super()._print_Pow(expr)

    def _print_Sum(self, expr: sympy.Sum) -> str:
        """One limit below and above; more of them in lines below, those over all of Z in one."""
        if len(expr.limits) == 1 and expr.limits[0][1:] != EVERYWHERE:
            return super()._print_Sum(expr)
        endless = [self._print(limit[0]) for limit in expr.limits if limit[1:] == EVERYWHERE]
        lines = [
            rf"{self._print(low)} \leq {self._print(s)} \leq {self._print(high)}"
            for s, low, high in expr.limits
            if (low, high) != EVERYWHERE
        ]
        lines += [", ".join(endless) + r" \in \mathbb{Z}"] if endless else []
        term = self.parenthesize(expr.function, PRECEDENCE["Mul"], strict=True)
        stacked = r" \\ ".join(lines)
        below = rf"\substack{{{stacked}}}" if len(lines) > 1 else stacked
        return rf"\sum_{{{below}}} {term}"

    def _print_Or(self, expr: Any) -> str:
        """Many cases stand on lines of their own, three by three."""
        shown = map(self._print, sorted(expr.args, key=default_sort_key))
        cases = [rf"\left({case}\right)" for case in shown]
        lines = [r" \vee ".join(cases[k : k + CASES]) for k in range(0, len(cases), CASES)]
        return _lined([line + r" \vee" for line in lines[:-1]] + lines[-1:])

    def _needs_mul_brackets(self, expr: Any, first: bool = False, last: bool = False) -> bool:
        closed = isinstance(expr, sympy.Indexed | sympy.Mod)  # it brings its own brackets
        return not closed and bool(super()._needs_mul_brackets(expr, first, last))

    def _print_FunctionMatrix(self, expr: Any) -> str:
        rule, p, q = expr.lamda.expr, *map(self._print, expr.lamda.variables)
        rows, columns = map(self._print, expr.shape)
        return rf"\left[{self._print(rule)}\right]_{{0 \leq {p} < {rows},\ 0 \leq {q} < {columns}}}"

    def _print_Tuple(self, expr: Tuple) -> str:
        """Equations on lines of their own, "words: equations" for a row of a table, or plain numbers."""
        before, equations = self.row(expr)
        if not equations:
            return rf"\left({before}\right)"
        return rf"{before}:\ {equations}" if before else _lined([self._print(arg) for arg in expr])

    def row(self, expr: Tuple) -> tuple[str, str]:
        """The words and the equations of a row of a table."""
        before, equations = ([self._print(arg) for arg in part] for part in _rows(expr))
        return r",\ ".join(before), r",\ \text{so}\ ".join(equations)


class _IndexPrinter(MathPrinter):
    """Inside an index, signs take no space."""

    signs = ("+", "-")


class _LabelPrinter(MathPrinter):
    """The name of a tensor: its own subscripts go up, since indices will stand below."""

    def _print_Generator(self, expr: Any) -> str:
        return super()._print_Symbol(expr)

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        stem, below = named(expr.name)
        if not below:
            return stem
        above = f"({below[0]})" if len(below) == 1 and below[0].isdecimal() else ",".join(below)
        return f"{stem}^{{{above}}}" if "'" not in stem else f"{{{stem}}}^{{{above}}}"


def _lined(equations: Sequence[str]) -> str:
    """One equation as it is, more of them on lines of their own."""
    if len(equations) == 1:
        return equations[0]
    return r"\begin{gathered}" + r" \\ ".join(equations) + r"\end{gathered}"


def _power(body: str, exp: Any) -> str:
    return body if exp is None else f"{body}^{{{exp}}}"


# ---- names ------------------------------------------------------------------------------------------------


def named(name: str) -> tuple[str, list[str]]:
    """A name as LaTeX, and what stands below it: x_in, W2, alpha', r_u are x in, W 2, alpha', r u.

    >>> named("alpha1"), named("x_in"), named("ybar"), named("u'")
    (('\\\\alpha', ['1']), ('x', ['\\\\mathrm{in}']), ('\\\\bar{y}', []), ("u'", []))
    """
    plain = name.rstrip("'")
    primes = name[len(plain) :]
    first, *rest = [part for part in plain.split("_") if part] or [plain]
    stem = first.rstrip("0123456789") if first.isascii() else first
    digits = [first[len(stem) :]] if stem and stem != first else []
    return _word(stem or first) + primes, [*digits, *map(_word, rest)]


def _word(word: str) -> str:
    """A letter as it is, a Greek one by its name, numbers, or a word upright."""
    if word in tex_greek_dictionary:
        return tex_greek_dictionary[word]
    if word in greek_letters_set:
        return "\\" + word
    if len(word) == 1 and _greek(word):
        return _word(_greek(word))
    if word.isdecimal() or (word.isascii() and word.isalpha() and len(word) == 1):
        return word
    if word.endswith("bar") and (len(word) == 4 or word[:-3] in greek_letters_set):
        return rf"\bar{{{_word(word[:-3])}}}"
    if word.isascii() and word.isalpha():
        displacement = len(word) == 2 and word[0] == "d"  # du is set like a differential
        return word if displacement else rf"\mathrm{{{word}}}"
    return worded(word) if word else ""


def _greek(letter: str) -> str:
    """The name of a Greek letter that was typed as one: sigma, Sigma; else nothing."""
    described = unicodedata.name(letter, "").split()
    if len(described) != 4 or described[0] != "GREEK" or described[2] != "LETTER":
        return ""
    spelt = described[3].lower()
    return spelt.capitalize() if described[1] == "CAPITAL" else spelt


def worded(words: str) -> str:
    """Words as blocks of text; signs and Greek letters, which a block does not hold, stand between them."""
    inside = (rf"}}{_word(c)}\text{{" if _greek(c) else ESCAPES.get(c, c) for c in words)
    return rf"\text{{{''.join(inside)}}}".replace(r"\text{}", "")
