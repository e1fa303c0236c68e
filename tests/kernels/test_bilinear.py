"""Ops of two arguments against sums over the exact basis, against the product written out, and as JAX ops."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import derive as dv
import kernels as kn
from kernels.maps.bilinear import lower as lowering
from kernels.maps.bilinear import op as implementation

R, O3, L = (dv.defining(G) for G in (dv.special_orthogonal(3), dv.orthogonal(3), dv.lorentz()))
S, Z = dv.permutation(dv.symmetric(4)), dv.cyclic(4)
D4 = dv.regular(dv.dihedral(4))
TURN = dv.irreps(Z)[-1]


def one(V: Any) -> Any:
    return dv.trivial(V.group)


@dataclass(frozen=True)
class Case:
    V: Any
    W: Any
    U: Any
    word: str  # of describe()


CASES = {
    "cross product": Case(R, R, R, "3 sums of at most 2 products"),
    "dot products": Case(2 * R, 3 * R, 4 * one(R), "1 sum of at most 3 products"),
    "mixture": Case(2 * R + one(R), R + 2 * one(R), R + one(R) + 2 * R, "3 products, free weights 1, 2 x 2"),
    "a sum with one piece": Case(one(R) + R, 2 * R, R, "1 x 2 -> 1 copies"),
    "products of products": Case(R * R, R, R + R * R, "free weights 6"),
    "neighbours merged": Case(2 * one(R), one(R) + R + one(R), 2 * one(R), "1 product, free weights 1"),
    "reflections": Case(O3, dv.determinant(O3) + O3, O3 + dv.determinant(O3) * O3, "3 products"),
    "nothing": Case(O3, O3, O3, "zero"),
    "Lorentz": Case(L, 2 * L, one(L) + L * L, "1 x 2 -> 1 copies"),
    "sets": Case(2 * S + one(S), S, S + 2 * one(S), "each from its two factors"),
    "graphs": Case(S**2, 2 * S, S**2 + one(S), "each from its two factors"),
    "parts of sets": Case(
        *(dv.permutation(dv.permutation_group({"a": [1, 2, 0, 3, 5, 4, 6]})),) * 3, "products"
    ),
    "signs": Case(S * dv.sign(S.group), dv.sign(S.group) + S, S + dv.sign(S.group), "products"),
    "symmetric powers": Case(dv.sym(R, 2), dv.alt(R, 2), R + dv.sym(R, 2), "sums of at most"),
    "regular": Case(2 * D4, D4, D4 + one(D4), "64 products, free weights 64, 2 x 1"),
    "quarter turns": Case(TURN, 2 * TURN, one(TURN) + TURN * TURN, "1 x 2 -> 1 copies"),
    "a quarter turn and signs": Case(2 * dv.irreps(Z)[1] + TURN, TURN, 2 * TURN, "2 x 1 -> 2 copies"),
}
every = pytest.mark.parametrize("name", CASES)


@cache
def lowered(name: str) -> Any:
    case = CASES[name]
    return kn.lower(dv.solve(case.V * case.W, case.U), bilinear=True)


def arrays(op: Any, batch: tuple[int, ...] = (3,), dtype: Any = np.float64) -> tuple[Any, ...]:
    """Random weights, both arguments and biases."""
    rng = np.random.default_rng(0)
    shapes = (
        jax.eval_shape(op.init, jax.random.key(0)),
        *(jax.ShapeDtypeStruct((*batch, n), jnp.float32) for n in (op.channels_v, op.channels_u)),
        jax.eval_shape(op.init_bias),
    )
    return jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape), dtype), shapes)


@cache
def results(name: str) -> dict[str, Any]:
    """What one program computes of a case: its value, both kinds of adjoints, and the op on the product."""
    op = lowered(name)
    w, v, u, b = given = arrays(op)
    ybar = jnp.asarray(np.random.default_rng(1).normal(size=(3, op.channels_out)))

    @jax.jit
    def everything(given: Any, ybar: Any) -> dict[str, Any]:
        value, pull = jax.vjp(op, *given[:3])
        linear = op.linear(given[0], op.product(*given[1:3]), given[3])
        both = {"value": value, "vjp": pull(ybar), "derived": op.adjoints(*given[:3], ybar)}
        return both | {"linear": linear, "biased": op(*given), "kernel": op.kernel(given[0])}

    held = {"w": w, "v": v, "u": u, "b": b, "ybar": ybar, "dense": op.dense(w)}
    return held | everything(given, ybar)


def flat(w: Any) -> np.ndarray:
    leaves = [np.asarray(leaf, np.float64).reshape(-1) for leaf in jax.tree.leaves(w)]
    return np.concatenate([np.zeros(0), *leaves])


def written_product(V: Any, W: Any) -> np.ndarray:
    """(C_v C_u, C_v, C_u): every channel of V * W as a matrix of the two, block by block and copy by copy."""
    rows, at_v = [], 0
    n, m = int(V.dim), int(W.dim)
    for c, p in V.blocks:
        at_u = 0
        for d, q in W.blocks:
            for a in range(c):
                for b in range(d):
                    for i in range(p.dim):
                        for j in range(q.dim):
                            unit = np.zeros((n, m))
                            unit[at_v + a * p.dim + i, at_u + b * q.dim + j] = 1
                            rows.append(unit)
            at_u += d * q.dim
        at_v += c * p.dim
    return np.array(rows)


def exact(V: Any, g: str) -> np.ndarray:
    return np.array(V.matrix(g).evalf(20).tolist(), dtype=float)


# ---- the numbers -------------------------------------------------------------------------------------------


@every
def test_channels_of_a_product_are_those_of_derive(name: str) -> None:
    """The list above against the exact matrices: the product moves as its factors do."""
    case = CASES[name]
    product = written_product(case.V, case.W)
    for g in case.V.group.generators:
        both, (left, right) = exact(case.V * case.W, g), (exact(case.V, g), exact(case.W, g))
        if g in case.V.group.algebra:
            moved = np.einsum("xcd,ec->xed", product, left.T) + np.einsum("xcd,ed->xce", product, right.T)
        else:
            moved = np.einsum("xcd,ec,fd->xef", product, left.T, right.T)
        np.testing.assert_allclose(np.einsum("xy,ycd->xcd", both, product), moved, atol=1e-12)


@every
def test_value_is_the_sum_over_the_exact_basis(name: str) -> None:
    case, op, r = CASES[name], lowered(name), results(name)
    basis = dv.solve(case.V * case.W, case.U).basis
    product = np.einsum("xcd,nc,nd->nx", written_product(case.V, case.W), r["v"], r["u"])
    total = np.zeros((3, op.channels_out))
    for k, weight in enumerate(flat(r["w"])):
        total += weight * product @ np.array(basis[k].dense(), dtype=float).T
    np.testing.assert_allclose(r["value"], total, atol=1e-11)
    assert op.dim == len(basis)


@every
def test_it_is_the_linear_op_on_the_product(name: str) -> None:
    op, r = lowered(name), results(name)
    np.testing.assert_allclose(r["biased"], r["linear"], atol=1e-11)
    assert r["kernel"].shape == (op.channels_v, op.channels_u, op.channels_out)
    np.testing.assert_allclose(r["kernel"], r["dense"].transpose(1, 2, 0), atol=1e-12)
    np.testing.assert_allclose(r["value"], np.einsum("icd,nc,nd->ni", r["dense"], r["v"], r["u"]), atol=1e-11)


@every
def test_it_commutes_with_the_group(name: str) -> None:
    """Said of the whole tensor: K(gv, gu) = g K(v, u) for the matrices that derive gives for g."""
    case, dense = CASES[name], results(name)["dense"]
    for g in case.V.group.generators:
        on_v, on_u, on_y = (exact(x, g) for x in (case.V, case.W, case.U))
        if g in case.V.group.algebra:
            on_v, on_u, on_y = (expm(0.4 * m) for m in (on_v, on_u, on_y))
        moved = np.einsum("icd,ce,df->ief", dense, on_v, on_u)
        np.testing.assert_allclose(moved, np.einsum("ij,jcd->icd", on_y, dense), atol=1e-10)


@every
def test_derived_adjoints_are_those_of_jax_and_of_the_dense_tensor(name: str) -> None:
    op, r = lowered(name), results(name)
    wbar, vbar, ubar = r["derived"]
    for got, expected in zip(r["derived"], r["vjp"], strict=True):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10), got, expected)
    np.testing.assert_allclose(vbar, np.einsum("icd,ni,nd->nc", r["dense"], r["ybar"], r["u"]), atol=1e-10)
    np.testing.assert_allclose(ubar, np.einsum("icd,ni,nc->nd", r["dense"], r["ybar"], r["v"]), atol=1e-10)
    shapes = op.weight_shapes
    for k in np.unique(np.linspace(0, max(op.dim - 1, 0), 9).astype(int))[: op.dim]:
        unit = np.eye(op.dim)[k]
        ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
        parts = tuple(p.reshape(s) for p, s in zip(np.split(unit, ends), shapes, strict=True))
        expected = np.einsum("icd,ni,nc,nd->", op.dense(parts), r["ybar"], r["v"], r["u"])
        np.testing.assert_allclose(flat(wbar)[k], expected, atol=1e-10)


@pytest.mark.parametrize("name", ["mixture", "sets", "regular", "quarter turns", "neighbours merged"])
@pytest.mark.parametrize("formed", [False, True])
def test_copies_in_steps_and_products_written_out(
    name: str, formed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done where there are many copies or very many entries, on the small cases."""
    case, r = CASES[name], results(name)
    monkeypatch.setattr(implementation, "MADE", 1)
    monkeypatch.setattr(lowering, "LISTED", 0 if formed else 1 << 16)
    op = kn.lower(dv.solve(case.V * case.W, case.U), bilinear=True)
    assert all(p.steps == p.v.copies for p in op.parts)
    assert ("the product, and of it" in op.describe()) == (formed and name != "sets")
    parts = [p.reshape(s) for p, s in zip(jax.tree.leaves(r["w"]), op.weight_shapes, strict=True)]

    @jax.jit
    def everything(parts: Any, v: Any, u: Any, ybar: Any) -> Any:
        value, pull = jax.vjp(op.value, parts, v, u)
        return value, pull(ybar), op.pull(parts, v, u, ybar)

    value, *both = everything(parts, r["v"], r["u"], r["ybar"])
    np.testing.assert_allclose(value, r["value"], atol=1e-11)
    for got in both:
        for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(r["derived"]), strict=True):
            np.testing.assert_allclose(a.reshape(-1), b.reshape(-1), atol=1e-10)


def test_vectors_have_the_products_that_everybody_knows() -> None:
    v, u = (jnp.asarray(np.random.default_rng(k).normal(size=(4, 3))) for k in range(2))
    cross = kn.lower(dv.solve(R * R, R), bilinear=True)
    np.testing.assert_allclose(cross(jnp.ones((1, 1, 1)), v, u), np.cross(v, u), atol=1e-12)
    dot = kn.lower(dv.solve(R * R, one(R), bias=False), bilinear=True)
    np.testing.assert_allclose(dot(jnp.ones((1, 1, 1)), v, u)[:, 0], (v * u).sum(1), atol=1e-12)
    metric = kn.lower(dv.solve(L * L, one(L), bias=False), bilinear=True)
    p = jnp.array([5.0, 1, 2, 3])
    assert abs(float(metric(jnp.ones((1, 1, 1)), p, p)[0])) == 25 - 14


def test_weights_keep_the_variance() -> None:
    op = kn.lower(dv.solve((8 * R + 4 * one(R)) * (8 * R), 8 * R + one(R), bias=False), bilinear=True)
    v, u = (jax.random.normal(jax.random.key(k), (256, n)) for k, n in enumerate((28, 24)))
    ys = jax.vmap(lambda key: op(op.init(key), v, u))(jax.random.split(jax.random.key(2), 8))
    assert 0.7 < float(ys.std()) < 1.4


# ---- memory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "U"), [(48 * R, 2 * R), (dv.permutation(dv.symmetric(60)),) * 2])
def test_the_product_is_never_formed(V: Any, U: Any) -> None:
    """No array of the program of a value and of its gradients is as large as the product."""
    op, n = kn.lower(dv.solve(V * V, U, bias=False), bilinear=True), 100
    w, v, u, _ = arrays(op, (n,), np.float32)
    jaxpr = jax.make_jaxpr(lambda *a: jax.vjp(op, *a)[1](jnp.ones((n, op.channels_out), np.float32)))(w, v, u)
    derived = jax.make_jaxpr(op.adjoints)(w, v, u, jnp.ones((n, op.channels_out), np.float32))
    assert max(map(largest, (jaxpr.jaxpr, derived.jaxpr))) < n * op.channels_v * op.channels_u / 3


def largest(jaxpr: Any) -> int:
    """The numbers of the largest array that a program makes, loops and calls included."""
    inner = []
    sizes = [v.aval.size for eqn in jaxpr.eqns for v in eqn.outvars]
    for eqn in jaxpr.eqns:
        for value in jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda p: hasattr(p, "eqns")):
            held = getattr(value, "jaxpr", value)
            if hasattr(held, "eqns"):
                inner.append(largest(held))
    return max([0, *sizes, *inner])


# ---- as a JAX op -------------------------------------------------------------------------------------------


def test_batches_of_any_shape_broadcast() -> None:
    op = lowered("mixture")
    w, v, u, b = arrays(op, (3,))
    whole = op(w, v, u, b)
    np.testing.assert_allclose(op(w, v[0], u[0], b), whole[0], atol=1e-12)
    np.testing.assert_allclose(op(w, v[:, None], u, b)[1, 2], op(w, v[1], u[2], b), atol=1e-12)
    np.testing.assert_allclose(op(w, v[0], u, b)[2], op(w, v[0], u[2], b), atol=1e-12)
    assert op(w, v[:0], u[:0], b).shape == (0, op.channels_out)
    ybar = jnp.ones((3, 3, op.channels_out))
    got, (expected, *rest) = op.adjoints(w, v[:, None], u, ybar), jax.vjp(op, w, v[:, None], u)[1](ybar)
    for a, b_ in zip(jax.tree.leaves(got), jax.tree.leaves((expected, *rest)), strict=True):
        assert a.shape == b_.shape
        np.testing.assert_allclose(a, b_, atol=1e-10)
    empty = op.adjoints(w, v[:0], u[:0], jnp.ones((0, op.channels_out)))
    assert all(not np.asarray(a).any() for a in jax.tree.leaves(empty))


@pytest.mark.parametrize("name", ["mixture", "sets", "regular"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtypes(name: str, dtype: str) -> None:
    op = lowered(name)
    wide, narrow = arrays(op), arrays(op, dtype=dtype)
    y = op(*narrow)
    assert y.dtype == dtype
    tolerance = {"float32": 1e-5, "bfloat16": 0.1, "float16": 0.01}[dtype]
    np.testing.assert_allclose(np.asarray(y, float), op(*wide), atol=tolerance * 8, rtol=tolerance)
    bars = op.adjoints(*narrow[:3], y)
    assert {leaf.dtype for leaf in jax.tree.leaves(bars)} == {jnp.dtype(dtype)}


def test_float64_is_kept_outside_of_its_mode() -> None:
    op = lowered("mixture")
    given = arrays(op)
    expected = op(*given)
    with jax.enable_x64(False):
        assert op(*given).dtype == np.float64
        np.testing.assert_allclose(op(*given), expected, atol=1e-12)


def test_transformations() -> None:
    op = lowered("mixture")
    w, v, u, b = arrays(op)
    ones = jnp.ones((op.channels_u, op.channels_v))

    @jax.jit
    def everything(op: Any, w: Any, v: Any, u: Any, b: Any) -> Any:
        mapped = jax.vmap(op, in_axes=(None, 0, 0, None))(w, v, u, b)
        tangent = jax.jvp(lambda v, u: op(w, v, u), (v, u), (u @ ones, u))[1]
        twice = jax.jvp(jax.grad(lambda w: op(w, v, u).sum()), (w,), (w,))[1]
        return mapped, op(w, v, u, b), tangent, op(w, u @ ones, u) + op(w, v, u), twice

    mapped, value, tangent, expected, twice = everything(op, w, v, u, b)
    np.testing.assert_allclose(mapped, value, atol=1e-12)
    np.testing.assert_allclose(tangent, expected, atol=1e-11)
    assert all(not np.asarray(leaf).any() for leaf in jax.tree.leaves(twice))  # linear in the weights
    with kn.only_lax():
        np.testing.assert_allclose(op(w, v, u, b), mapped, atol=1e-12)


@pytest.mark.parametrize(("name", "baked"), [("mixture", True), ("mixture", False), ("sets", False)])
def test_it_is_exported_with_open_batches(name: str, baked: bool) -> None:
    op = lowered(name)
    w, v, u, b = arrays(op, dtype=np.float32)
    artifact = op.export(w, (("n", op.channels_v), ("n", op.channels_u)), b=b, baked=baked)
    got = artifact(v, u) if baked else artifact(w, v, u, b)
    np.testing.assert_allclose(got, op(w, v, u, b), atol=1e-5)


def test_it_is_data() -> None:
    op = lowered("mixture")
    again = kn.lower(dv.solve(CASES["mixture"].V * CASES["mixture"].W, CASES["mixture"].U), bilinear=True)
    assert again == op
    assert hash(again) == hash(op)
    back = pickle.loads(pickle.dumps(op))
    assert back == op
    w, v, u, b = arrays(op)
    np.testing.assert_array_equal(back(w, v, u, b), op(w, v, u, b))
    assert jax.tree.leaves(op) == []


@every
def test_what_it_says(name: str) -> None:
    op = lowered(name)
    assert repr(op).startswith(
        f"BilinearOp({op.channels_v} x {op.channels_u} -> {op.channels_out} channels, "
    )
    assert "\n" not in repr(op)
    assert CASES[name].word in op.describe()


def test_dtype_and_precision_are_handed_on() -> None:
    op = kn.lower(dv.solve(R * R, R), bilinear=True, dtype="bfloat16", precision="highest")
    assert op.init(jax.random.key(0)).dtype == jnp.bfloat16
    assert op.precision == "highest"
    text = str(jax.make_jaxpr(op)(jnp.ones((1, 1, 1)), jnp.ones(3), jnp.ones(3)))
    assert "HIGHEST" in text


# ---- which two ---------------------------------------------------------------------------------------------


def test_two_ways_to_split_one_input() -> None:
    solution = dv.solve(R * R * R, R)
    left, right = (kn.lower(solution, bilinear=pair) for pair in ((R * R, R), (R, R * R)))
    assert (left.channels_v, right.channels_v) == (9, 3)
    stated = kn.lower(dv.solve(R * (R * R), R), bilinear=True)
    assert stated == right
    assert kn.lower(solution, bilinear=True) == left
    w, v, u, _ = arrays(left)
    np.testing.assert_allclose(
        left(w, outer(v[:, :3], v[:, 3:6]), u), right(w, v[:, :3], outer(v[:, 3:6], u)), atol=1e-11
    )


def outer(a: jax.Array, b: jax.Array) -> jax.Array:
    return (a[:, :, None] * b[:, None]).reshape(len(a), -1)


def test_symbols_get_numbers_in_both_factors() -> None:
    solution = dv.solve(("C" * R) * ("D" * R), R)
    op = kn.lower(solution, sizes={"C": 2, "D": 3}, bilinear=True)
    assert (op.channels_v, op.channels_u, op.dim) == (6, 9, 6)


def test_the_linear_op_stays_what_it_was() -> None:
    op = kn.lower(dv.solve(R**2, R))
    assert isinstance(op, kn.MapsOp)
    assert op == lowered("cross product").linear


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no product": (
        lambda: kn.lower(dv.solve(R + one(R), R), bilinear=True),
        r"bilinear needs an input that was stated as a product, got V \+ 1; solve\(V \* W, U\), or say",
    ),
    "other factors": (
        lambda: kn.lower(dv.solve(R * R, R), bilinear=(R, R + R)),
        r"bilinear must have the product V\*V solved for, got \(V\) \* \(2 V\); give its factors",
    ),
    "another group": (
        lambda: kn.lower(dv.solve(R * R, R), bilinear=(O3, O3)),
        r"bilinear must have the product V\*V solved for",
    ),
    "no representations": (
        lambda: kn.lower(dv.solve(R * R, R), bilinear=(3, 3)),
        r"bilinear must be True, or the two representations \(V, W\), got \(3, 3\); say bilinear=True",
    ),
    "one of three": (
        lambda: kn.lower(dv.solve(R * R, R), bilinear=(R, R, R)),
        r"bilinear must be True, or the two representations",
    ),
    "a lattice": (
        lambda: kn.lower(dv.solve(*(dv.Field(dv.translations(1), 2),) * 2, support=dv.box(1)), bilinear=True),
        r"bilinear needs an answer between representations, without a lattice, got .*; leave it out",
    ),
    "v": (lambda: lowered("mixture")(*_cut(1)), r"v must have .*7 channels|v .* 7"),
    "u": (lambda: lowered("mixture")(*_cut(2)), r"u .*5"),
    "w": (
        lambda: lowered("cross product")(jnp.ones(2), jnp.ones(3), jnp.ones(3)),
        r"w must have the shape \(1, 1, 1\)",
    ),
    "batches": (
        lambda: lowered("cross product")(jnp.ones(1), jnp.ones((2, 3)), jnp.ones((3, 3))),
        r"v and u must have batch axes that broadcast, got \(2,\) and \(3,\); add axes of size 1",
    ),
    "dtypes": (
        lambda: lowered("cross product")(jnp.ones(1), jnp.ones(3), jnp.ones(3, "float32")),
        r"v and u must have one dtype, got float64 and float32",
    ),
    "ybar": (
        lambda: lowered("cross product").adjoints(jnp.ones(1), jnp.ones(3), jnp.ones(3), jnp.ones(2)),
        r"ybar must have the shape \(3,\) of op\(w, v, u\), got \(2,\)",
    ),
    "a check of one argument": (
        lambda: kn.check_adjoints(lowered("cross product"), jnp.ones((1, 1, 1)), jnp.ones(3)),
        r"x must be \(v, u\) for a BilinearOp, got one array; give what op takes after its weights",
    ),
    "shapes": (
        lambda: lowered("cross product").export(jnp.ones(1), ("n", 3, 3)),
        r'shapes must be two, of v and of u, got .*; say \(\("n", 3\), \("n", 3\)\)',
    ),
}


def _cut(which: int) -> Any:
    given = list(arrays(lowered("mixture"))[:3])
    given[which] = given[which][:, 1:]
    return given


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(kn.KernelError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
