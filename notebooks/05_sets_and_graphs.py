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
from IPython.display import Math, display
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
