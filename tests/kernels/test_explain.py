"""What is chosen, said in words; what was measured, kept as data; what cannot be, refused by name."""

from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import derive as dv
import kernels as kn
from kernels.convolution.algorithms import registry
from kernels.convolution.choice import rules
from kernels.convolution.choice.table import Entry
from tests.kernels.test_errors import raises

DEPTHWISE = {"x_shape": (8, 56, 56, 64), "kernel_shape": (3, 3, 1, 64), "groups": 64}


def test_the_three_directions_are_chosen_on_their_own() -> None:
    one = kn.explain((8, 56, 56, 64), (1, 1, 64, 256), platform="cpu")
    assert [one.forward.implementation, one.kernel_adjoint.implementation] == ["matmul", "matmul"]
    up = kn.explain((8, 28, 28, 128), (4, 4, 64, 128), strides=2, transposed=True, platform="cpu")
    assert [up.forward.implementation, up.kernel_adjoint.implementation] == ["phases", "phases"]
    assert up.forward.work.lhs_dilation == up.kernel_adjoint.work.lhs_dilation == (2, 2)
    shuffle = kn.explain((8, 28, 28, 128), (2, 2, 64, 128), strides=2, transposed=True, platform="cpu")
    assert shuffle.forward.implementation == "matmul"  # one tap to a phase
    dense = kn.explain((8, 56, 56, 64), (3, 3, 64, 64), platform="cpu")
    reasons = (dense.forward, dense.input_adjoint, dense.kernel_adjoint)
    assert [reason.implementation for reason in reasons] == ["xla", "xla", "pieces"]
    many = kn.explain((8, 28, 28, 128), (3, 3, 128, 128), platform="cpu")
    assert many.kernel_adjoint.implementation == "eigen"
    few = kn.explain((8, 56, 56, 32), (3, 3, 32, 32), platform="cpu")
    reasons = (few.forward, few.input_adjoint, few.kernel_adjoint)
    assert [reason.implementation for reason in reasons] == ["xla", "xla", "pieces"]
    small = kn.explain((8, 8, 8, 64), (3, 3, 64, 64), platform="cpu")
    reasons = (small.forward, small.input_adjoint, small.kernel_adjoint)
    assert {reason.implementation for reason in reasons} == {"xla"}  # all of it is in cache


def test_it_reads_as_one_line_per_direction() -> None:
    lines = str(kn.explain(**DEPTHWISE, platform="cpu")).split("\n")
    assert [line.split()[0] for line in lines] == ["on", "forward:", "input", "kernel"]
    (why,) = {rule.why for rule in rules.RULES if rule.why.startswith("with few channels per group")}
    assert lines[1] == f"forward:        shifted  {why}"


def test_what_it_says_is_what_is_compiled() -> None:
    """Where another implementation than XLA's is named, no convolution is left; elsewhere there is one."""
    x, kernel = jnp.zeros((1, 16, 16, 1), jnp.float32), jnp.zeros((3, 3, 1, 1), jnp.float32)
    text = jax.jit(kn.conv).lower(x, kernel).as_text()
    assert kn.explain(x.shape, kernel.shape, platform="cpu").forward.implementation == "shifted"
    assert ("stablehlo.convolution" in text) == (jax.default_backend() != "cpu")


def test_forced_names_are_reported() -> None:
    told = kn.explain(**DEPTHWISE, implementation="fft", platform="tpu")
    assert (told.input_adjoint.implementation, told.input_adjoint.why) == ("fft", "asked for by name")


def test_a_record_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        kn.explain(**DEPTHWISE).platform = "abacus"


def test_an_implementation_that_cannot_serve() -> None:
    x, kernel = jnp.zeros((2, 3, 3, 3, 3, 1), jnp.float32), jnp.zeros((2, 2, 2, 2, 1, 1), jnp.float32)
    message = (
        "implementation must serve the case, and 'fft' needs numbers as sizes, at most three spatial axes "
        "and no integers, got float32 2 x 3x3x3x3, kernel 2x2x2x2, to 3x3x3x3, 1 to 1 channels; "
        "use one of ('auto', 'xla', 'shifted', 'grouped', 'matmul', 'col2im', 'unfold', 'phases', 'blocks',"
        " 'pieces', 'eigen', 'bands')"
    )
    with raises(kn.ImplementationError, message):
        kn.conv(x, kernel, implementation="fft")
    with raises(kn.ImplementationError, message):
        kn.explain(x.shape, kernel.shape, implementation="fft")


@pytest.mark.parametrize("implementation", rules.NAMES[1:])
def test_symbolic_sizes_work_or_are_refused_by_name(implementation: str) -> None:
    (n,) = export.symbolic_shape("n", constraints=["n >= 8"])
    shape = jax.ShapeDtypeStruct((2, n, 4), jnp.float32)
    kernel = jnp.ones((3, 2, 4), jnp.float32)
    f = jax.jit(lambda x: kn.conv(x, kernel, groups=2, implementation=implementation))
    if implementation in ("lax", "xla", "grouped"):
        x = jnp.ones((2, 9, 4), jnp.float32)
        np.testing.assert_allclose(export.export(f)(shape).call(x), f(x))
        return
    with pytest.raises(kn.ImplementationError) as caught:
        export.export(f)(shape)
    text = str(caught.value)
    assert f"{implementation!r} needs" in text
    assert text.endswith("use one of ('auto', 'xla', 'grouped')")
    assert "\n" not in text


def test_autotune_measures_and_its_policy_is_followed() -> None:
    shapes = (1, 8, 8, 2), (3, 3, 2, 3)
    measured = kn.autotune(*shapes, candidates=("xla", "blocks"), rounds=1)
    assert {entry.name for entry in measured.entries} <= {"xla", "blocks"}
    assert all("measured: " in entry.why for entry in measured.entries)
    told = kn.explain(*shapes, implementation=measured)
    assert told.forward.implementation == measured.entries[0].name
    other = kn.explain((1, 8, 8, 64), (1, 1, 64, 8), implementation=measured, platform="cpu")
    assert other.forward.implementation == "matmul"  # not measured: the rules decide


def test_a_policy_is_text_and_back_hashable_and_adds_up() -> None:
    work = kn.explain((1, 6, 2), (3, 2, 3), platform="cpu").forward.work
    mine, theirs = (kn.Policy((Entry(work, name, "because"),)) for name in ("fft", "xla"))
    assert kn.Policy.from_json(mine.to_json()) == mine
    assert hash(kn.Policy.from_json(mine.to_json())) == hash(mine)
    assert (mine + theirs).entries == mine.entries
    assert (kn.Policy() + mine) == mine


def entries(batches: tuple[int, ...], names: tuple[str, ...], channels: int = 2) -> tuple[Entry, ...]:
    """Made-up entries for a layer and both adjoints, with these batches."""
    found = []
    for batch, name in zip(batches, names, strict=True):
        told = kn.explain((batch, 9, 8, channels), (3, 3, channels, 5))
        found += [
            Entry(r.work, name, "once") for r in (told.forward, told.input_adjoint, told.kernel_adjoint)
        ]
    return tuple(found)


def test_a_policy_covers_other_batches() -> None:
    """The nearest by ratio, in all three directions; other layers keep to the rules."""
    policy = kn.Policy(entries((2, 16), ("matmul", "phases")))
    for batch, name, nearest in ((1, "matmul", 2), (2, "matmul", None), (5, "matmul", 2), (6, "phases", 16)):
        told = kn.explain((batch, 9, 8, 2), (3, 3, 2, 5), implementation=policy)
        for reason in (told.forward, told.input_adjoint, told.kernel_adjoint):
            assert reason.implementation == name
            assert reason.why == ("once" if nearest is None else f"once, with a batch of {nearest}")
    other = kn.explain((2, 9, 8, 3), (3, 3, 3, 5), implementation=policy)
    assert other.forward.why != "once"


def test_adding_policies_keeps_every_batch() -> None:
    few, many = kn.Policy(entries((2,), ("matmul",))), kn.Policy(entries((2, 16), ("xla", "phases")))
    both = few + many
    assert len(both.entries) == 6
    for batch, name in ((2, "matmul"), (16, "phases")):
        assert kn.explain((batch, 9, 8, 2), (3, 3, 2, 5), implementation=both).forward.implementation == name


def test_a_policy_is_followed_in_loops_and_under_vmap() -> None:
    policy = kn.Policy(entries((2,), ("fft",)))
    x, kernel = jnp.ones((3, 2, 9, 8, 2), jnp.float32), jnp.ones((3, 3, 2, 5), jnp.float32)
    conv = partial(kn.conv, implementation=policy)
    step = jax.grad(lambda x, k: (conv(x, k) ** 2).sum(), (0, 1))

    def loop(x, kernel):
        return jax.lax.scan(lambda k, x: (k - step(x, k)[1], step(x, k)[0]), kernel, x)

    def mapped(x, kernel):
        return jax.vmap(conv, (0, None))(x, kernel)

    for function in (loop, mapped):
        text = jax.jit(function).lower(x, kernel).as_text()
        assert "stablehlo.fft" in text
        assert "stablehlo.convolution" not in text


def test_asking_a_large_policy_costs_no_more() -> None:
    """Counted, not timed: entries are looked at once, whatever is asked afterwards, and by whom."""

    class Counted(tuple):
        looked = 0

        def __iter__(self):
            Counted.looked += 1
            return super().__iter__()

    many = tuple(entry for channels in range(1, 40) for entry in entries((2, 3), ("xla",) * 2, channels))
    policy = kn.Policy(Counted(many))
    x, kernel = jnp.ones((2, 9, 8, 2), jnp.float32), jnp.ones((3, 3, 2, 5), jnp.float32)
    kn.conv(x, kernel, implementation=policy)
    hash(policy)
    before = Counted.looked
    for batch in range(1, 5):
        kn.conv(jnp.ones((batch, 9, 8, 2), jnp.float32), kernel, implementation=policy)
    assert hash(policy) == hash(kn.Policy(many))
    assert policy == policy
    assert policy.names == ("xla",)
    assert Counted.looked == before


def test_a_hash_survives_the_process() -> None:
    """Equal policies have equal hashes in every process, so a pickled one is found again."""
    policy = kn.Policy(entries((2,), ("matmul",)))
    code = "import pickle, sys; p = pickle.load(sys.stdin.buffer); print(hash(p), len(vars(p)))"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(policy), capture_output=True)
    assert done.stdout.split()[0].decode() == str(hash(policy)), done.stderr
    assert set(vars(pickle.loads(pickle.dumps(policy)))) == {"entries"}


def test_autotune_takes_no_transforms_unless_named() -> None:
    """They are not local: NaN would spread where it did not before."""
    shapes = (1, 8, 2), (3, 2, 3)
    told = {entry.why for entry in kn.autotune(*shapes, rounds=1).entries}
    assert not any("fft" in why for why in told)
    assert kn.autotune(*shapes, candidates=("fft",), rounds=1).names == ("fft",)


def test_a_policy_serves_everywhere(rng) -> None:
    """conv, its gradients and its transpose follow the policy for the shapes it knows."""
    x, kernel = jnp.asarray(rng.normal(size=(2, 6, 2))), jnp.asarray(rng.normal(size=(3, 2, 3)))
    told = kn.explain(x.shape, kernel.shape, dtype="float64", platform=jax.default_backend())
    works = {r.work for r in (told.forward, told.input_adjoint, told.kernel_adjoint)}
    forced = kn.Policy(tuple(Entry(work, "fft", "to see it") for work in works))

    def step(implementation):
        return jax.jit(
            jax.grad(lambda x, k: jnp.sum(kn.conv(x, k, implementation=implementation) ** 2), (0, 1))
        )

    assert step(forced).lower(x, kernel).as_text().count("stablehlo.fft") >= 6
    for got, expected in zip(step(forced)(x, kernel), step("xla")(x, kernel), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    back = jnp.ones((2, 6, 3))
    np.testing.assert_allclose(
        kn.conv_transpose(back, kernel, implementation=forced), kn.conv_transpose(back, kernel), atol=1e-12
    )


def test_bad_policies_and_candidates() -> None:
    with raises(
        kn.ImplementationError, "text must be what Policy.to_json wrote, got KeyError; save it again"
    ):
        kn.Policy.from_json(json.dumps({}))
    work = kn.explain((1, 6, 2), (3, 2, 3)).forward.work
    names = ", ".join(repr(name) for name in rules.NAMES)
    with raises(
        kn.ImplementationError,
        f"implementation must be a known name, got 'winograd'; give one of ({names}) or a policy",
    ):
        policy_of_old = kn.Policy((Entry(work, "winograd", "once"),))
        kn.conv(jnp.zeros((1, 6, 2)), jnp.zeros((3, 2, 3)), implementation=policy_of_old)
    names = ", ".join(repr(name) for name in registry.NAMES)
    with raises(
        kn.ImplementationError, f"candidates must be known names, got 'winograd'; choose from ({names})"
    ):
        kn.autotune((1, 6, 2), (3, 2, 3), candidates=("winograd",))
    with raises(kn.ImplementationError, "rounds must be a positive integer, got 0; give 1 or more"):
        kn.autotune((1, 6, 2), (3, 2, 3), rounds=0)


def test_a_lowered_op_follows_a_policy() -> None:
    """`lower` takes what `autotune` returns, and the op stays hashable."""
    G = dv.translations(1)
    solution = dv.solve(dv.Field(G, 2), dv.Field(G, 3), dv.box(1))
    policy = kn.autotune((2, 9, 2), (3, 2, 3), candidates=("xla", "shifted"), rounds=1)
    op, plain = kn.lower(solution, implementation=policy), kn.lower(solution)
    w, x = plain.init(jax.random.key(0)), jnp.arange(36.0).reshape(2, 9, 2)
    np.testing.assert_allclose(op(w, x), plain(w, x), rtol=1e-5, atol=1e-5)
    assert hash(op) == hash(kn.lower(solution, implementation=policy))


def test_the_dtype_of_sums() -> None:
    """Integers have layers and adjoints where their sums have a dtype; floats where it is no narrower."""
    integers = kn.explain((2, 8, 8, 4), (3, 3, 4, 4), dtype="int8", preferred_element_type="int32")
    assert {r.implementation for r in (integers.forward, integers.kernel_adjoint)} == {"xla"}
    shapes = {"x_shape": (1, 4, 4, 2), "kernel_shape": (1, 1, 2, 2), "dtype": "bfloat16"}
    assert kn.explain(**shapes, preferred_element_type="float32").forward.implementation
    policy = kn.autotune(**shapes, preferred_element_type="float32", candidates=("xla", "matmul"), rounds=1)
    x, kernel = jnp.ones((1, 4, 4, 2), "bfloat16"), jnp.ones((1, 1, 2, 2), "bfloat16")
    y = kn.conv(x, kernel, implementation=policy, preferred_element_type="float32")
    assert y.dtype == jnp.float32
    with pytest.raises(kn.DtypeError, match="preferred_element_type must hold sums of float32 products"):
        kn.explain((1, 4, 4, 2), (1, 1, 2, 2), preferred_element_type="int32")
