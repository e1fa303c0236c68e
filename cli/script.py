"""The Python that uses an answer: the question, the lowered op, its weights, and a call."""

from __future__ import annotations

import sympy

from cli.question import Question
from cli.words.scanner import WordError
from derive.symmetry.field import Field

PADDINGS = {"zero": "SAME", "circular": "CIRCULAR", "reflect": "REFLECT", "valid": "VALID"}
SIDE = 32  # sites along an axis of the sample that has no end
GRID, OTHER = 16, 3  # what names of grids, and all other names, are put to


def script(question: Question) -> str:
    """Lines that run as they stand.

    >>> from cli.question import Asked, ask
    >>> print(script(ask(Asked("S5", "V^2", "V^2"))))
    # S5: V^2 -> V^2: 15 free weights, 2 biases
    import jax
    <BLANKLINE>
    import derive as dv
    import kernels as kn
    <BLANKLINE>
    G = dv.symmetric(5)
    x = dv.defining(G)**2
    y = dv.defining(G)**2
    solution = dv.solve(x, y)
    <BLANKLINE>
    layer = kn.lower(solution)
    weights = layer.init(jax.random.key(0))
    bias = layer.init_bias()
    sample = jax.random.normal(jax.random.key(1), (8, 25))
    output = layer(weights, sample, bias)
    print(sample.shape, "->", output.shape)
    """
    solution = question.solution
    if sympy.oo in (solution.dim, solution.bias_dim):
        rule = "the answer has infinitely many weights, which no code can hold"
        remedy = "give a kernel such as --kernel 3, or a lattice such as --lattice 'periodic 32x32'"
        raise WordError("--symmetry", question.asked.symmetry, 0, rule, remedy)
    sizes = numbers(question)
    named = [f"sizes={_dictionary(sizes)}"] if sizes else []
    border = question.asked.border
    named += [f'padding="{PADDINGS[border]}"'] if border else []
    comment = "  # choose your own sizes" if set(sizes) - set(question.sizes) else ""
    lines = [
        f"# {question.asked.line()}: {counts(question)}",
        "import jax",
        "",
        "import derive as dv",
        "import kernels as kn",
        "",
        *question.code,
        "",
        f"layer = kn.lower({', '.join(['solution', *named])}){comment}",
        "weights = layer.init(jax.random.key(0))",
        "bias = layer.init_bias()",
        f"sample = jax.random.normal(jax.random.key(1), {_shape(question, sizes)})",
        "output = layer(weights, sample, bias)",
        'print(sample.shape, "->", output.shape)',
    ]
    return "\n".join(lines)


def counts(question: Question) -> str:
    """How many numbers are free, in words."""
    solution = question.solution
    weights = "1 free weight" if solution.dim == 1 else f"{solution.dim} free weights"
    if not question.asked.bias:
        return weights
    return f"{weights}, {'1 bias' if solution.bias_dim == 1 else f'{solution.bias_dim} biases'}"


def _dictionary(sizes: dict[str, int]) -> str:
    return "{" + ", ".join(f'"{name}": {n}' for name, n in sizes.items()) + "}"


def numbers(question: Question) -> dict[str, int]:
    """A number for every name: what was given, else one that is small."""
    grids: set[str] = set()
    for side in (question.x, question.y):
        if isinstance(side, Field) and side.lattice is not None:
            grids |= {s.name for n in side.lattice.grid if n is not None for s in n.free_symbols}
    small = {name: GRID if name in grids else OTHER for name in question.symbols}
    return {name: question.sizes.get(name, n) for name, n in small.items()}


def _shape(question: Question, sizes: dict[str, int]) -> str:
    """The shape of a sample: a batch, sites where there are any, channels last."""

    def number(n: object) -> int:
        expr = sympy.sympify(n)
        return int(expr.subs({s: sizes[s.name] for s in expr.free_symbols}))

    x = question.x
    if not isinstance(x, Field) or x.lattice is None:
        return f"(8, {number(x.channels if isinstance(x, Field) else x.dim)})"
    axes = zip(x.lattice.grid, x.group.period, x.lattice.spacing, strict=True)
    grid = [number(n) if n is not None else _whole_periods(int(step / s)) for n, step, s in axes]
    return "(" + ", ".join(map(str, [8, *grid, number(x.channels)])) + ")"


def _whole_periods(sites: int) -> int:
    """About SIDE sites, a multiple of a period."""
    return -(-SIDE // sites) * sites if sites else SIDE
