"""Every formula that is printed typesets: KaTeX reads it strictly, a converter to MathML everywhere."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import sympy as sp
from sympy import Eq, IndexedBase, Mod, Piecewise, Sum, Symbol, Tuple

import derive as dv
from derive.notation import (
    Convolution,
    Correlation,
    Generator,
    Image,
    Images,
    Infinitesimal,
    Mixing,
    Moved,
    Pairing,
    Phases,
    Primed,
    Translation,
)
from tests.derive.cases import BY_NAME, CASES, Case
from tests.derive.formulas import (
    Formula,
    Katex,
    bare_word,
    double_script,
    in_dollars,
    loose_break,
    mathml_complaints,
    of_derivation,
    of_solution,
    why_no_katex,
)
from tests.derive.group_cases import GROUP_CASES, GROUP_NAMED, GroupCase

WHY_NOT = why_no_katex()


@pytest.fixture(scope="module")
def katex() -> Iterator[Katex | None]:
    """One process for the whole file; None where there is no KaTeX."""
    if WHY_NOT:
        yield None
        return
    engine = Katex()
    yield engine
    engine.close()


def require_typeset(katex: Katex | None, formulas: Iterable[Formula]) -> None:
    listed = list(formulas)
    assert listed
    assert mathml_complaints(listed) == {}
    for flaw in (double_script, bare_word, loose_break):
        assert {f.tex: said for f in listed if (said := flaw(f.tex))} == {}
    if katex is not None:
        assert katex.complaints(listed) == {}


# ---- the engines ----------------------------------------------------------------------------------------

BAD = [
    r"\pi^{y}_{r}_{\alpha}",
    r"A_{i,u' \bmodN}",
    r"x^{a}^{b}",
    r"\left(x",
    r"\frac{a}",
    r"\begin{cases} a",
]


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
@pytest.mark.parametrize("tex", [*BAD, "é", "a % b"])
def test_katex_refuses_what_is_wrong(katex: Katex, tex: str) -> None:
    assert katex.complaints([Formula(tex)])


@pytest.mark.parametrize("tex", [r"\pi^{y}_{r}_{\alpha}", r"A_{i,u' \bmodN}", r"x^{a}^{b}", r"\left(x"])
def test_the_converter_refuses_what_is_wrong(tex: str) -> None:
    assert mathml_complaints([Formula(tex)])


def test_double_scripts_are_found() -> None:
    for bad in ("a_b_c", "a_{b}_{c}", r"\pi_{a}^{b}_{c}", "{a_b_c}", "a_{b_{c}_{d}}"):
        assert double_script(bad), bad
    for good in (
        "a_b^c",
        "{a_b}_c",
        "x'_{u'}",
        r"\sum_{c=0}^{C} x_{c} y_{c}",
        "a_{b_{c}}^{d}",
        r"[\rho_a]_{b}",
    ):
        assert not double_script(good), good


def test_bare_words_are_found() -> None:
    assert bare_word("A_{alpha'}") == "bare word alpha"
    assert not bare_word(r"\mathrm{in} + \text{for all} + \alpha' + du")


def test_loose_line_breaks_are_found() -> None:
    assert loose_break(r"a = b \\ c = d")
    assert not loose_break(r"\begin{gathered}a = b \\ c = d\end{gathered}")


# ---- everything that is printed -------------------------------------------------------------------------


@pytest.mark.parametrize("case", [*CASES, *GROUP_CASES], ids=repr)
def test_every_case_typesets(katex: Katex | None, case: Case | GroupCase) -> None:
    require_typeset(katex, of_solution(case.solution))


ADJOINTS: dict[str, dict[str, Any]] = {
    "plain": {"dim": 1},
    "2-D": {"dim": 2, "kernel_size": 3},
    "strided": {"dim": 2, "kernel_size": 3, "strides": 2},
    "transposed": {"dim": 1, "kernel_size": 3, "strides": "s", "transposed": True},
    "circular": {"dim": 1, "kernel_size": 3, "padding": "CIRCULAR"},
    "mirrored": {"dim": 1, "kernel_size": 3, "padding": "REFLECT"},
    "groups": {"dim": 1, "kernel_size": 3, "groups": 2},
    "named": {"dim": 1, "kernel_size": "k_1", "size": "n_in", "channels": ("gamma_1", "C2")},
}


@pytest.mark.parametrize("name", ADJOINTS)
def test_adjoints_typeset(katex: Katex | None, name: str) -> None:
    a = dv.adjoints(**ADJOINTS[name])
    equations = (a.layer, a.input_adjoint, a.kernel_adjoint, a.input_layer, *a.matrices)
    require_typeset(katex, [*of_derivation(a.derivation), *(Formula(dv.latex(e)) for e in equations)])


def test_compositions_typeset(katex: Katex | None) -> None:
    for both in (
        dv.composition(1),
        dv.composition(2, kernel_sizes=(3, 3), strides=(2, 1), dilation=(2, "e")),
    ):
        equations = (both.first, both.second, both.layer, both.kernel, Tuple(*both.taps))
        require_typeset(katex, [*of_derivation(both.derivation), *(Formula(dv.latex(e)) for e in equations)])


@pytest.mark.parametrize("lattice", [True, False])
@pytest.mark.parametrize("flip", [True, False])
def test_commutation_typesets(katex: Katex | None, lattice: bool, flip: bool) -> None:
    c = dv.commutation(2, lattice=lattice, flip=flip)
    formulas = [*of_derivation(c.derivation), Formula(dv.latex(c.equation))]
    if c.counterexample is not None:
        formulas.append(Formula(dv.latex(c.counterexample)))
    require_typeset(katex, formulas)


def test_matrices_typeset(katex: Katex | None) -> None:
    V, W = sp.MatrixSymbol("V", 3, 2), sp.MatrixSymbol("W", 3, 2)
    shown = [
        dv.conv_matrix(["w1", "w2", "w3"], 14),
        dv.conv_matrix(["w1", "w2", "w3"], "n"),
        dv.patch_matrix(["x1", "x2", "x3", "x4"], 3),
        dv.block_matrix([V, W], 3),
    ]
    require_typeset(katex, (Formula(dv.latex(m)) for m in shown))


# ---- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["x_in", "alpha1", "W2", "image", "β", "h_l_2", "x_", "phi_out", "f1_in", "ж"]
)
def test_names_of_fields_typeset(katex: Katex | None, name: str) -> None:
    G = dv.wallpaper("p4")
    x, y = dv.Field(G, channels="C_in", name=name), dv.Field(G, fibre=dv.regular(G.point), name=name)
    require_typeset(katex, of_solution(dv.solve(x, y, dv.box(1))))
    T = dv.translations(1)
    x, y = dv.Field(T, channels="N1", name=name), dv.Field(T, channels="N_out", name="phi_2")
    require_typeset(katex, of_solution(dv.solve(x, y, dv.box("r_max"))))


@pytest.mark.parametrize("name", ["t_1", "r2", "C4", "sigma", "rot", "sigma_x", "g_1_2", "pi"])
def test_names_of_generators_typeset(katex: Katex | None, name: str) -> None:
    turn, mixing = [[0, -1], [1, 0]], [[0, -1], [1, 1]]
    for matrix in (turn, mixing):
        G = dv.matrix_group({name: matrix})
        V = dv.defining(G)
        require_typeset(katex, of_solution(dv.solve(V + dv.trivial(G), V)))
    P = dv.space_group(dv.matrix_group({name: turn}))
    x, y = dv.Field(P, channels=1), dv.Field(P, fibre=dv.defining(P.point))
    require_typeset(katex, of_solution(dv.solve(x, y, dv.box(1))))


@pytest.mark.parametrize(
    ("name", "tex"),
    [
        ("x", "x"),
        ("x_in", r"x_{\mathrm{in}}"),
        ("W2", "W_{2}"),
        ("alpha1", r"\alpha_{1}"),
        ("alpha'", r"\alpha'"),
        ("u'", "u'"),
        ("s_u", "s_{u}"),
        ("du", "du"),
        ("ybar", r"\bar{y}"),
        ("sidebar", r"\mathrm{sidebar}"),
        ("beta_in_2", r"\beta_{\mathrm{in},2}"),
        ("σ", r"\sigma"),
        ("Σ", r"\Sigma"),
        ("Gamma", r"\Gamma"),
        ("lambda", r"\lambda"),
        ("50%", r"\text{50\%}"),
    ],
)
def test_a_name_is_typeset_by_its_parts(katex: Katex | None, name: str, tex: str) -> None:
    assert dv.latex(Symbol(name)) == tex
    require_typeset(
        katex, [Formula(tex), Formula(dv.latex(IndexedBase(name)[Symbol("i"), Symbol("alpha'")] ** 2))]
    )


def test_subscripts_of_a_tensor_go_up() -> None:
    i = Symbol("i")
    assert dv.latex(IndexedBase("x_in")[i]) == r"x^{\mathrm{in}}_{i}"
    assert dv.latex(IndexedBase("x_1")[i]) == "x^{(1)}_{i}"


# ---- SymPy's own ----------------------------------------------------------------------------------------

n, k, u = sp.symbols("n k u'", integer=True)
r, m = Generator("r"), Generator("m_2")
x = IndexedBase("x")
KINDS: dict[str, sp.Basic] = {
    "mod": x[Mod(u + 1, n)] * Mod(k, n) ** 2,
    "cases": Piecewise((x[u], Eq(Mod(u, 2), 0)), (x[0], u > 3), (0, True)),
    "range": sp.Range(0, n),
    "image set": sp.ImageSet(sp.Lambda(k, Mod(k, n)), sp.S.Integers),
    "finite set": sp.FiniteSet(1, n),
    "floor": sp.floor(u / 2) + sp.ceiling(n / 3),
    "gcd": sp.Function("gcd")(n, 3),
    "oo": Sum(x[u], (u, -sp.oo, sp.oo)),
    "roots of unity": sp.exp(2 * sp.pi * sp.I / 5) * x[u] + sp.sqrt(3) / 2,
    "big matrix": sp.ImmutableMatrix(14, 14, lambda a, b: a - b),
    "word": r**-1 * m**2 * r**3 * m**-2,
    "empty": Tuple(),
    "numbers": Tuple(1, 2, n),
    "equations": Tuple(Eq(x[u], 0), Eq(x[n], 1)),
    "row": Tuple(r * m, Eq(x[u], x[0]), Eq(x[0], 0)),
    "powers": x[u] ** 2 + IndexedBase("x_in")[u] ** k + u**2,
    "many cases": sp.Or(*(sp.And(Eq(u, a), Eq(n, a)) for a in range(7))),
    "absolute": sp.Abs(u - n) ** 2,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_expression_typesets(katex: Katex | None, kind: str) -> None:
    require_typeset(katex, [Formula(dv.latex(KINDS[kind]))])
    assert dv.text(KINDS[kind])


def test_text_of_kinds_that_were_wrong() -> None:
    assert dv.text(KINDS["empty"]) == "()"
    assert dv.text(KINDS["cases"]) == "(x[u'] if (u' mod 2) = 0 else (x[0] if u' > 3 else 0))"
    assert dv.latex(Mod(k, n) ** 2) == r"(k \bmod n)^{2}"
    assert dv.latex(sp.Abs(Symbol("z")) ** 3) == r"\left|z\right|^{3}"


# ---- names that are made of names -------------------------------------------------------------------------

field = Symbol("x_in")
MOVERS = (Generator, Translation, Infinitesimal)  # they stand before a field, and have no indices
NAMES: list[tuple[Symbol, str, str]] = [
    (r, "r", "r"),
    (Primed(Symbol("alpha"), integer=True), "alpha'", r"\alpha'"),
    (Translation(), "T_s", "T_{s}"),
    (Infinitesimal(Generator("a1")), "L(a1)", "L(a_{1})"),
    (Moved(r, field), "r x_in", r"(r\,x_{\mathrm{in}})"),
    (Moved(Translation(), field), "T_s x_in", r"(T_{s}\,x_{\mathrm{in}})"),
    (Image(Symbol("x")), "T(x)", "T(x)"),
    (Image(Moved(r, Symbol("x"))), "T(r x)", r"T(r\,x)"),
    (Images("x", "r"), "pi_x(r)", r"\pi^{x}_{r}"),
    (Phases("x", "r"), "sign_x(r)", r"\sigma^{x}_{r}"),
    (Mixing("x_1", "r_2"), "rho_x_1(r_2)", r"\rho^{x_{1}}_{r_{2}}"),
    (Pairing("ybar", "y"), "<ybar, y>", r"\langle \bar{y}, y\rangle"),
    (Convolution(Symbol("f"), Symbol("g")), "(f*g)", "(f * g)"),
    (Correlation(Symbol("f"), Symbol("g")), "corr(f,g)", r"\operatorname{corr}(f, g)"),
]


@pytest.mark.parametrize(("name", "text", "tex"), NAMES, ids=[text for _, text, _ in NAMES])
def test_a_composed_name_is_data(katex: Katex | None, name: Any, text: str, tex: str) -> None:
    assert (str(name), dv.text(name), dv.latex(name)) == (text, text, tex)
    assert name != Symbol(text)
    for again in (pickle.loads(pickle.dumps(name)), copy.deepcopy(name)):
        assert (again, hash(again), again.parts) == (name, hash(name), name.parts)
    entry = IndexedBase(name)[Primed(Symbol("alpha")), u] if not isinstance(name, MOVERS) else name
    assert pickle.loads(pickle.dumps(entry)) == entry
    require_typeset(katex, [Formula(dv.latex(entry)), Formula(sp.latex(entry))])


def test_names_differ_where_their_data_do() -> None:
    assert (
        len({Images("x", "r"), Phases("x", "r"), Mixing("x", "r"), Images("y", "r"), Images("x", "m")}) == 5
    )
    assert Moved(Generator("r x"), Symbol("y")) != Moved(Generator("r"), Symbol("x y"))
    assert Infinitesimal(Generator("a")) != Generator("L(a)")


def test_entries_of_tables_are_values_of_functions() -> None:
    a, b = Symbol("alpha"), Symbol("alpha'")
    assert dv.latex(IndexedBase(Images("y", "r"))[a]) == r"\pi^{y}_{r}(\alpha)"
    assert dv.latex(IndexedBase(Mixing("y", "r"))[a, b]) == r"[\rho^{y}_{r}]_{\alpha,\alpha'}"


@pytest.mark.parametrize("turned", [lambda e: Symbol(str(e.lhs.base.label)), lambda e: Image(Symbol("x"))])
def test_the_checker_reads_data_not_spelling(turned: Callable[[Eq], Symbol]) -> None:
    """A label that is spelt like r x and is none, or says something else, is refused."""
    derivation = GROUP_NAMED["p4, scalar to regular"].solution.derivation
    first, *rest = derivation
    given = list(first.before)
    given[2] = Eq(IndexedBase(turned(given[2]))[given[2].lhs.indices], given[2].rhs, evaluate=False)
    wrong = type(first)(first.rule, Tuple(*given), first.after, first.because, first.where)
    with pytest.raises(dv.DerivationError, match="must say which generator acts on which field"):
        dv.Derivation([wrong, *rest]).check()


# ---- pages ----------------------------------------------------------------------------------------------


def test_words_are_escaped_in_every_format(katex: Katex | None) -> None:
    step = dv.Step("a_b & 50%", Tuple(), Tuple(Eq(x[u], 0)), "<ybar, y> costs 5, g^-1 {or} ~ x*y #1 \\")
    derivation = dv.Derivation([step])
    require_typeset(katex, of_derivation(derivation))
    assert r"\<ybar, y> costs 5, g^-1 {or} ~ x\*y #1" in derivation.markdown()
    assert "&lt;ybar, y&gt; costs 5" in derivation.html()
    assert r"50\%" in derivation.latex()


def test_words_are_broken_in_latex() -> None:
    printed = BY_NAME["convolution 2-D"].solution.derivation.latex()
    words = [line for line in printed.splitlines() if line.startswith(r"& \text")]
    assert max(map(len, words)) < 140


def test_wide_formulas_scroll_by_themselves() -> None:
    page = GROUP_NAMED["p6, irrational"].solution.derivation.html()
    assert page.count('display="block"') == page.count("overflow-x:auto") > 0


def test_rows_of_a_table_stand_together() -> None:
    derivation = GROUP_NAMED["S_3, order 2 to 1"].solution.derivation
    tables = [f.tex for f in in_dollars(derivation.markdown()) if r"\begin{array}{rl}" in f.tex]
    assert [t.count(r"\colon") for t in tables] == [24, 3, 3]
