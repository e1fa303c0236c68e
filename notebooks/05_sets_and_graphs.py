# %% [markdown]
# # Sets and graphs
#
# A convolution follows from shifts. Nothing in that derivation needed an image: say how a group moves the
# numbers, and `derive` finds every linear layer that commutes with it. Here the numbers belong to the points
# of a set, or to pairs of points, as in a graph, and the group is *every* order of the points.

# %%
import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from sklearn.datasets import load_digits
from sympy import bell

import derive as dv
import kernels as kn
import kernels.layers.equinox as kl
from derive import plot

# %% [markdown]
# ## A set: two weights
#
# $S_n$ is the group of all permutations of $n$ points; $V$ is one number at each point, $x_1, \dots, x_n$.
# A linear layer from $V$ to $V$ has $n^2$ weights. How many are left if a permutation of the input must
# permute the output in the same way?

# %%
S = dv.symmetric(5)
V = dv.permutation(S)
layer = dv.solve(V, V)
print(layer.dim, "free weights")
display(plot.graph_maps(layer))

# %% [markdown]
# One for a point's own number and one for the sum of all others: the matrix is $a I + b J$ with $J$ all ones.
# This is the layer of *Deep Sets* (Zaheer et al., 2017), and there is no other. That it is complete is
# counted again by a second, independent formula:

# %%
print(layer.certificate)

# %% [markdown]
# ## A graph: fifteen weights
#
# A graph is a matrix $x_{ij}$, one number for each pair of nodes, and renaming the nodes permutes rows and
# columns alike. That is the representation $V \otimes V$, written `V**2`. From matrices to matrices there are
# fifteen maps, and here is every one, for four nodes:

# %%
W = dv.permutation(dv.symmetric(4))
fifteen = dv.solve(W**2, W**2)
print(fifteen.dim, "free weights instead of", 16 * 16)
display(plot.graph_maps(fifteen))

# %% [markdown]
# Each map is a pattern of which indices are equal: of the four indices $i, j$ of the output and $k, l$ of the
# input, any may be tied together. So the maps from order $a$ to order $b$ are counted by the ways to divide
# $a + b$ things into groups, the *Bell number* $B(a+b)$, as Maron et al. found in 2019. The solver knows
# nothing of that. It is asked anew in every case:

# %%
U = dv.permutation(dv.symmetric(6))
orders = {"number": dv.trivial(U.group), "set": U, "graph": U**2, "triples": U**3}
print("from \\ to  " + "".join(f"{name:>9}" for name in orders))
for a, (name, source) in enumerate(orders.items()):
    counts = [int(dv.solve(source, target).dim) for target in orders.values()]
    print(f"{name:11}" + "".join(f"{count:9}" for count in counts))
    assert counts == [bell(a + b) for b in range(4)]

# %% [markdown]
# The formula has small print: it holds where there are as many nodes as indices. With three nodes there are
# not four that differ, and one map is missing. With twenty thousand nothing changes but the size of the
# matrix, which has $1.6 \cdot 10^{17}$ entries and is never formed.

# %%
for n in (2, 3, 4, 20_000):
    P = dv.permutation(dv.symmetric(n))
    print(f"{n:6,} nodes: {dv.solve(P**2, P**2).dim} maps from graphs to graphs")

# %% [markdown]
# ## As an op
#
# Lowered, the fifteen maps are sums over rows, columns, diagonals and everything, put back where they belong:

# %%
n = 300
P = dv.permutation(dv.symmetric(n))
op = kn.lower(dv.solve(P**2, P**2))
w = op.init(jax.random.key(0))
graph = jax.random.normal(jax.random.key(1), (n * n,))
print(op.describe())
print(kn.check_equivariance(op, w, graph))

# %% [markdown]
# The check moves the graph by the two generators that make all permutations. By hand, with any order of the
# nodes, it is this:

# %%
order = np.random.default_rng(0).permutation(n)


def renamed(matrix):
    """The graph with its nodes in another order."""
    return matrix.reshape(n, n)[order][:, order].reshape(-1)


gap = jnp.abs(op(w, renamed(graph)) - renamed(op(w, graph))).max()
print("op(renamed graph) is the renamed op(graph):", bool(gap < 1e-3))

# %% [markdown]
# ## Learning: digits as sets of points
#
# Take the 20 darkest pixels of a scanned digit, each as a point with three numbers: how far down, how far to
# the right, how dark. Throw them into a bag: every digit has its points in a random order of its own. The
# order says nothing, and a network should not look at it.

# %%
digits, rng, n = load_digits(), np.random.default_rng(0), 20


def bag(image):
    """(3, n): the darkest pixels in random order."""
    darkest = rng.permutation(np.argsort(-image.reshape(-1), kind="stable")[:n])
    down, right = np.divmod(darkest, 8)
    return np.stack([down / 3.5 - 1, right / 3.5 - 1, image.reshape(-1)[darkest] / 16])


shuffle = rng.permutation(len(digits.images))
x = np.stack([bag(digits.images[k]) for k in shuffle]).astype(np.float32).reshape(-1, 3 * n)
labels = digits.target[shuffle]
_, axes = plt.subplots(1, 5, figsize=(6.4, 1.6))
for axis, digit in zip(axes, (0, 2, 3, 6, 7), strict=True):
    down, right, dark = x[labels == digit][0].reshape(3, n)
    axis.scatter(right, down, c=dark, s=12, cmap="gray_r", vmin=0, vmax=1, edgecolors="k")
    axis.set(xlim=(-1.2, 1.2), ylim=(1.2, -1.2), xticks=[], yticks=[], title=f"{digit}", aspect="equal")
plt.tight_layout()
plt.show()

# %% [markdown]
# The layers are `kl.Linear` between multiples of $V$: three numbers per point, then 32, then 48, then 32
# numbers that no order changes, and ten answers. Beside it stands an ordinary network of the same size, which
# is given the same 60 numbers.


# %%
def keys(count):
    return jax.random.split(jax.random.key(0), count)


V = dv.permutation(dv.symmetric(n))
one, relu, (a, b, c, d) = dv.trivial(V.group), jax.nn.relu, keys(4)
deep_set = kl.Sequential(
    *(kl.Linear(3 * V, 32 * V, key=a), relu, kl.Linear(32 * V, 48 * V, key=b), relu),
    *(kl.Linear(48 * V, 32 * one, key=c), relu, kl.Linear(32 * one, 10 * one, key=d)),
)
mlp = eqx.nn.MLP(3 * n, 10, 45, 2, key=a)
for name, model in {"deep set": deep_set, "MLP": eqx.filter(mlp, eqx.is_array)}.items():
    print(name, sum(leaf.size for leaf in jax.tree.leaves(model)), "weights")

# %% [markdown]
# Before training, the check: does any order of the points change the ten answers?

# %%
print(kn.check_equivariance(deep_set, x[:50], into=3 * V, out=10 * one))

# %% [markdown]
# Adam, on random batches, compiled as one loop. One thing has to be known about sums: a sum over 20 points is
# some 20 times as large as one of them, and its weight has to be learned in smaller steps. So the weights of
# sums are trained as weights of means.


# %%
def train(loss, model, x, y, steps, rate=0.02, batch=128):
    """The model after so many steps of Adam."""

    def step(state, k):
        model, mean, square = state
        some = jax.random.randint(jax.random.fold_in(jax.random.key(0), k), (batch,), 0, len(x))
        slope = jax.grad(loss)(model, x[some], y[some])
        mean = jax.tree.map(lambda m, s: 0.9 * m + 0.1 * s, mean, slope)
        square = jax.tree.map(lambda q, s: 0.99 * q + 0.01 * s * s, square, slope)
        size = rate * jnp.sqrt(1 - 0.99 ** (k + 1.0)) / (1 - 0.9 ** (k + 1.0))
        size = size * 0.5 * (1 + jnp.cos(jnp.pi * k / steps))
        new = jax.tree.map(lambda w, m, q: w - size * m / (jnp.sqrt(q) + 1e-8), model, mean, square)
        return (new, mean, square), None

    x, y, still = jnp.asarray(x), jnp.asarray(y), jax.tree.map(jnp.zeros_like, model)
    run = jax.jit(lambda start: jax.lax.scan(step, (start, still, still), jnp.arange(steps))[0][0])
    return run(model)


# %%
def means(net):
    """The network with the weights of its sums divided by n."""
    own_and_sum = jnp.array([1, 1 / n])[:, None, None]
    factors = {0: own_and_sum, 2: own_and_sum, 4: 1 / n}

    def where(net):
        return [net.layers[k].weight[0] for k in factors]

    return eqx.tree_at(where, net, [w * f for w, f in zip(where(net), factors.values(), strict=True)])


def entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def apply(weights, x):
    """The MLP, which takes one sample, on a batch."""
    return jax.vmap(eqx.combine(weights, static))(x)


# %%
few, rest = slice(1400), slice(1400, None)
deep_set = means(train(lambda m, x, y: entropy(means(m)(x), y), deep_set, x[few], labels[few], 1200))
weights, static = eqx.partition(mlp, eqx.is_array)
weights = train(lambda w, x, y: entropy(apply(w, x), y), weights, x[few], labels[few], 1200, rate=0.003)

# %%
answers = {"deep set": eqx.filter_jit(deep_set)(x), "MLP": jax.jit(apply)(weights, x)}
scores = {}
for name, logits in answers.items():
    right = np.asarray(logits.argmax(1)) == labels
    scores[name] = [right[part].mean() for part in (few, rest)]
_, axis = plt.subplots(figsize=(5.6, 2.6))
for k, (name, values) in enumerate(scores.items()):
    bar = axis.bar(np.arange(2) + 0.4 * (k - 0.5), values, 0.36, color=["#0072b2", "#d55e00"][k], label=name)
    axis.bar_label(bar, [f"{100 * v:.0f} %" for v in values])
axis.set_xticks(range(2), ["1,400 digits trained on", "397 digits tested"])
axis.set(ylabel="right answers", ylim=(0, 1.2), yticks=[0, 0.5, 1])
axis.legend(fontsize=8, loc="upper center", ncols=2)
plt.show()
print("the deep set is right for more than three in four:", scores["deep set"][1] > 0.75)
print("the MLP is right for less than half of what it had not seen:", scores["MLP"][1] < 0.5)

# %% [markdown]
# ## What a layer cannot see: triangles
#
# A graph has triangles: three nodes, each joined to the others. How many? On *regular* graphs, where nodes
# all have equally many neighbours, a network of the fifteen maps cannot say, whatever functions of single
# entries stand between them. To it all such graphs of one size are the same. These two have six nodes with
# three neighbours each:

# %%
prism = np.kron([[0, 1], [1, 0]], np.eye(3)) + np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3))
bipartite = np.kron([[0, 1], [1, 0]], np.ones((3, 3)))


def triangles(graph):
    return np.trace(np.linalg.matrix_power(graph.astype(int), 3), axis1=-2, axis2=-1) // 6


print("neighbours:", prism.sum(0), bipartite.sum(0))

# %%
_, axes = plt.subplots(1, 2, figsize=(5, 2.4))
angles = [90, 210, 330]
rings = [
    (r * np.cos(np.radians(t + s)), r * np.sin(np.radians(t + s)))
    for r, s in ((1, 0), (0.45, 0))
    for t in angles
]
lines = [(x, y) for y in (1, -1) for x in (-1, 0, 1)]
for axis, graph, at, name in zip(
    axes, (prism, bipartite), (rings, lines), ("prism", "bipartite"), strict=True
):
    for i, j in np.argwhere(np.triu(graph)):
        axis.plot(*zip(at[i], at[j], strict=True), color="#555555", zorder=1)
    axis.scatter(*zip(*at, strict=True), color="#0072b2", s=60, zorder=2)
    axis.set_title(f"{name}: {triangles(graph)} triangles", fontsize=10)
    axis.set_aspect("equal")
    axis.set_axis_off()
plt.show()


# %%
def fifteen_maps(P, a, b, c):
    """Graphs to four graphs to four graphs to a number, with relu between."""
    first, second = kl.Linear(P**2, 4 * P**2, key=a), kl.Linear(4 * P**2, 4 * P**2, key=b)
    return kl.Sequential(first, relu, second, relu, kl.Linear(4 * P**2, dv.trivial(P.group), key=c))


net = fifteen_maps(U, *keys(3))
both = np.stack([prism, bipartite]).reshape(2, 36).astype(np.float32)
first, second = eqx.filter_jit(net)(both)[:, 0]
print("linear layers and relu: the same answer:", bool(jnp.abs(first - second) < 1e-4))

# %% [markdown]
# A layer that multiplies can. $V^2 \otimes V^2 \to V^2$ are the maps from *two* graphs to one, among them the
# product of matrices. There are $B(6) = 203$, solved for as anything else; lowered as an op of two arguments,
# the product of $n^4$ entries is never formed.


# %%
def multiplying(P):
    """Ops from two graphs to a graph and from two graphs to a number."""
    maps = [dv.solve(P**2 * P**2, out) for out in (P**2, dv.trivial(P.group))]
    print("weights:", [int(each.dim) for each in maps])
    return [kn.lower(each, bilinear=True) for each in maps]


def count(w, graph, ops):
    """A number for a graph: cubic in its entries."""
    square, total = ops
    return total(w[1], graph, square(w[0], graph, graph))[..., 0] + w[2]


ops = multiplying(U)
whole = [rng.integers(-2, 3, size=op.weight_shapes[0]).astype(np.float32) for op in ops]
first, second = jax.jit(lambda x: count((*whole, 0.0), x, ops))(both)
print("layers that multiply, with whole weights:", int(first), "and", int(second))

# %% [markdown]
# So let it learn to count. 400 graphs of ten nodes with four neighbours each, half of them to train on;
# nobody says what a triangle is.


# %%
def regular_graph(rng, n=10, swaps=60):
    """A ring with second neighbours, of which pairs of edges are exchanged at random."""
    graph = np.zeros((n, n), int)
    for i in range(n):
        for j in (i + 1, i + 2):
            graph[i, j % n] = graph[j % n, i] = 1
    for _ in range(swaps):
        (p, q), (r, s) = rng.permutation(np.argwhere(graph))[:2]
        if len({p, q, r, s}) == 4 and not graph[p, r] and not graph[q, s]:
            for i, j, edge in ((p, q, 0), (r, s, 0), (p, r, 1), (q, s, 1)):
                graph[i, j] = graph[j, i] = edge
    return graph


graphs = np.stack([regular_graph(rng) for _ in range(400)])
y = triangles(graphs).astype(np.float32)
x = graphs.reshape(400, -1).astype(np.float32)
print("neighbours:", np.unique(graphs.sum(1)), " triangles:", y.min(), "to", y.max())

# %%
P, few, rest = dv.permutation(dv.symmetric(10)), slice(200), slice(200, None)
middle, ops = y[few].mean(), multiplying(P)
w = (ops[0].init(a), ops[1].init(b), jnp.zeros(1))
w = train(
    lambda w, x, y: jnp.mean((count(w, x, ops) - y) ** 2),
    w,
    x[few],
    y[few] - middle,
    2000,
    rate=0.01,
    batch=64,
)
found = jax.jit(lambda w, x: count(w, x, ops) + middle)(w, x[rest])
blind = eqx.filter_jit(fifteen_maps(P, *keys(3)))(x[rest])[:, 0]
print("right on graphs that it never saw:", bool(jnp.abs(found - y[rest]).max() < 0.1))
print("the fifteen maps see no difference:", bool(jnp.ptp(blind) < 1e-3 * jnp.abs(blind).max()))

# %%
_, axis = plt.subplots(figsize=(4, 3.4))
axis.plot([0, 12], [0, 12], color="#bbbbbb", linewidth=1)
axis.plot(y[rest], found, "o", color="#0072b2", label="layers that multiply")
axis.plot(y[rest], np.full(200, middle), "x", color="#d55e00", label="fifteen maps: the mean at best")
axis.set(xlabel="triangles", ylabel="predicted", xlim=(0, 12), ylim=(0, 15))
axis.legend(fontsize=8, loc="upper left")
plt.show()

# %% [markdown]
# ## What to take home
#
# - Sets and graphs need no theory of their own: state how points are permuted, and solve.
# - The counts are those of the literature (2, 15, the Bell numbers), found and proved each time, for five
#   points and for twenty thousand.
# - What a layer cannot see follows from the statement, too; a product in it is one more `*`.
