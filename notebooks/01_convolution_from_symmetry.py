# %% [markdown]
# # A convolution, from nothing but a symmetry
#
# We start with the most general linear layer between two images, ask one thing of it (that it commutes
# with shifts), and watch what is left. Then we run the result on a photograph and check its gradients.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Math, display
from sklearn.datasets import load_sample_image

import derive as dv
import kernels as kn


# %%
def show(pictures, titles, height=3, **options):
    """Pictures in a row."""
    _, axes = plt.subplots(1, len(pictures), figsize=(height * len(pictures), height), squeeze=False)
    for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
        axis.imshow(picture, **options)
        axis.set_title(title, fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
    plt.show()


# %%
photograph = load_sample_image("china.jpg")
x = jnp.asarray(photograph, jnp.float32) / 255
show([x], [f"{x.shape[0]} x {x.shape[1]}, {x.shape[2]} channels"], height=4)

# %% [markdown]
# ## 1. The general operator
#
# An image is a field: at every site $(u,v)$ of a lattice it has $C$ numbers. A linear layer (with a bias)
# has one weight for every pair of an output entry and an input entry. No size is fixed yet: $C$ and $D$
# are symbols.

# %%
G = dv.translations(2)
field_x = dv.Field(G, channels="C", name="x")
field_y = dv.Field(G, channels="D", name="y")
solution = dv.solve(field_x, field_y, support=dv.box(1))
display(Math(dv.latex(solution.operator)))

# %% [markdown]
# For an image of one megapixel that is a lot of weights:

# %%
nothing = dv.translations(2, period=0)
pixels = dv.Field(nothing, channels=1, grid=(1000, 1000))
print(f"{int(dv.solve(pixels, pixels).dim):,}")

# %% [markdown]
# ## 2. What we ask
#
# A shift moves an image by $s$: $(T_s x)[c,u,v] = x[c,u-s_u,v-s_v]$. The layer should not care where a
# pattern is: $T(T_s x) = T_s T(x)$, for every image $x$ and every shift $s$. Written out:

# %%
display(Math(dv.latex(solution.equation)))

# %% [markdown]
# ## 3. What follows
#
# The derivation, step by step, from the group's action alone.

# %%
display(solution.derivation)

# %% [markdown]
# Nobody has to take this on trust. `check` evaluates the printed formulas on numbers and compares
# both sides of every step. The certificate counts the solutions again, by a formula that shares no code
# with the solver.

# %%
solution.derivation.check()
print(solution.certificate)

# %% [markdown]
# ## 4. The matrix
#
# On an image of 8 x 8 pixels the layer is a 64 x 64 matrix. Equal colours are equal weights, white is
# zero. Without symmetry all 4096 weights differ. Commuting with shifts leaves 64 on a torus; a window
# around each pixel leaves 9.


# %%
def weights(group, support=None, **lattice):
    """The number of every weight in the 64 x 64 matrix, NaN where it is zero."""
    field = dv.Field(group, channels=1, grid=(8, 8), **lattice)
    labels = dv.solve(field, field, support).tying.labels().reshape(64, 64)
    return np.where(labels < 0, np.nan, labels)


matrices = [
    weights(nothing),
    weights(G, boundary="periodic"),
    weights(G, dv.box(1), boundary="periodic"),
    weights(G, dv.box(1), boundary="zero"),
]
names = ["no symmetry", "shifts, torus", "shifts, torus, radius 1", "shifts, zero border, radius 1"]
counts = [len(np.unique(m[~np.isnan(m)])) for m in matrices]
titles = [f"{name}: {n} weights" for name, n in zip(names, counts, strict=True)]
show(matrices, titles, cmap="turbo", interpolation="nearest")

# %% [markdown]
# Sparse, banded, and shared: that is a convolution. In one dimension, with three taps $w_1, w_2, w_3$ and
# zeros around five sites, the same matrix is small enough to read (here with 1, 2, 3).

# %%
print(kn.conv_matrix(jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), (5,)))

# %% [markdown]
# ## 5. One template, shifted
#
# Row $p$ of the matrix is an image: how much output pixel $p$ looks at each input pixel. All rows are
# shifts of one template. A column is the influence of one input pixel on the output: the template again,
# turned round.

# %%
one = dv.Field(G, channels=1, grid=(8, 8), boundary="zero")
small = kn.lower(dv.solve(one, one, dv.box(1)))
template = jnp.arange(1.0, 10.0).reshape(small.weight_shape)
matrix = small.dense(template)
places = [(1, 1), (2, 5), (6, 3), (0, 7)]
rows = [matrix[8 * u + v].reshape(8, 8) for u, v in places]
columns = [matrix[:, 8 * u + v].reshape(8, 8) for u, v in places]
show(rows, [f"output pixel {p} looks at" for p in places], height=2.2, cmap="viridis")
show(columns, [f"input pixel {p} reaches" for p in places], height=2.2, cmap="viridis")

# %% [markdown]
# JAX agrees: the derivative of output pixel (2, 5) is that row, and it is zero off the window.

# %%
gradient = jax.grad(lambda image: small(template, image)[2, 5, 0])(jnp.zeros((8, 8, 1)))
print(np.array_equal(gradient.reshape(8, 8), rows[1]), np.count_nonzero(gradient), "pixels")

# %% [markdown]
# ## 6. The op
#
# `lower` turns the solution into a jitted op. Its state is the free weights and nothing else: 9 for each
# pair of channels, stored as (class of displacements, input channel, output channel).

# %%
conv = kn.lower(solution, channels=(3, 16))
w = conv.init(jax.random.key(0))
out = conv(w, x)
print(conv.describe())
print(w.shape, "->", conv.kernel(w).shape, "; image", x.shape, "->", out.shape)

# %% [markdown]
# Weights we know: differences along each axis, of the mean of the three channels.

# %%
sobel = jnp.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
edges = kn.lower(solution, channels=(3, 2))
taps = jnp.stack([sobel, sobel.T], axis=-1).reshape(9, 1, 2)
response = edges(jnp.broadcast_to(taps / 3, edges.weight_shape), x)
show([response[..., 0], response[..., 1]], ["along v", "along u"], height=4, cmap="gray", vmin=-1, vmax=1)

# %% [markdown]
# ## 7. It commutes
#
# On a torus exactly, for whole numbers: no rounding hides anything. With zeros around the image the
# symmetry holds away from the border, and fails along it.

# %%
whole = jnp.asarray(photograph, jnp.float32)
kernel = jax.random.randint(jax.random.key(1), (9, 3, 1), -8, 9).astype(jnp.float32)
shift = (40, 60)


def difference(layer):
    moved = layer(kernel, jnp.roll(whole, shift, (0, 1)))
    return jnp.abs(moved - jnp.roll(layer(kernel, whole), shift, (0, 1)))[..., 0]


circular = difference(kn.lower(solution, channels=(3, 1), padding="CIRCULAR"))
zeros = difference(kn.lower(solution, channels=(3, 1)))
print("torus:", circular.max(), " zeros around:", zeros.max(), "at", int((zeros > 0).sum()), "pixels")

# %% [markdown]
# ## 8. Both gradients
#
# The layer is linear in the image and in the weights, so it has two adjoints, and both are known in
# closed form: a correlation with the flipped kernel, and the transpose of the matrix of patches. They are
# computed here from those formulas, by `jax.vjp`, by `jax.grad`, and from dense matrices on a corner of
# the photograph.

# %%
print(kn.check_adjoints(conv, w, x))

# %% [markdown]
# The check can fail. Forget to flip the kernel, and it says so:

# %%
full = conv.kernel(w)


def forgotten(ybar, kernel, input_shape):
    return kn.conv(ybar, jnp.swapaxes(kernel, -1, -2))


try:
    kn.check_adjoints(kn.conv, full, x[:32, :32], input_adjoint=forgotten)
except kn.CheckError as error:
    print(str(error).splitlines()[0])
