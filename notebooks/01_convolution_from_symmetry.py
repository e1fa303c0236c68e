# %% [markdown]
# # From a fully connected layer to a convolution
#
# We start with the most general linear layer between two images, ask one thing of it, that it commutes with
# shifts, and watch what is left: a convolution. Every step is derived by machine, checked, counted and
# pictured. Then the result runs on a photograph, and its gradients are derived and checked as well.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import sympy
from IPython.display import Math, display
from sklearn.datasets import load_sample_image

import derive as dv
import kernels as kn
from derive import plot


# %%
def show(pictures, titles, height=3, **options):
    """Photographs in a row."""
    _, axes = plt.subplots(1, len(pictures), figsize=(height * len(pictures), height), squeeze=False)
    for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
        axis.imshow(picture, **options)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    plt.show()


# %%
photograph = load_sample_image("china.jpg")
x = jnp.asarray(photograph, jnp.float32) / 255
show([x], [f"{x.shape[0]} x {x.shape[1]}, {x.shape[2]} channels"], height=4)

# %% [markdown]
# ## 1. The fully connected layer
#
# Write all numbers of an image in one long list, and a fully connected layer is
# $y_i = \sum_j w_{ij} x_j + b_i$: a weight for every pair of an output and an input, and a bias for every
# output. We do not flatten: an image is a field, which has $C$ numbers $x[c,u,v]$ at every site $(u,v)$ of a
# lattice, and the weight has six indices. It is the same layer, $j = (u W + v)\,C + c$. No size is fixed yet:
# $C$ and $D$ are symbols.

# %%
G = dv.translations(2)
field_x = dv.Field(G, channels="C", name="x")
field_y = dv.Field(G, channels="D", name="y")
solution = dv.solve(field_x, field_y, support=dv.box(1))
display(Math(dv.latex(solution.operator)))

# %% [markdown]
# Why not use it as it is? Count the weights. In the group below nothing moves, so nothing is asked of the
# layer. (Such layers are often quoted with $10^9$, 200 million and $10^{12}$ weights.)

# %%
still = dv.translations(2, period=0)


def image(side, channels=1):
    return dv.Field(still, channels=channels, grid=(side, side))


units = 1000 * dv.trivial(still.point)
for name, into, out in [
    ("one megapixel to 1000 units", image(1000), units),
    ("256 x 256 RGB to 1000 units", image(256, 3), units),
    ("one megapixel to as many", image(1000), image(1000)),
]:
    layer = dv.solve(into, out)
    print(f"{name:28}{int(layer.dim):>18,} weights {int(layer.bias_dim):>10,} biases")

# %% [markdown]
# Naming a weight by its offset, $V[u,a] = W[u,u+a]$, changes nothing yet. It is a bijection: at site $u$ of
# $H$ the offset $a$ runs from $-u$ to $H-1-u$, so there are $H^2$ entries before and after.

# %%
for u in range(4):
    print(f"site {u} of 4 looks at offsets", list(range(-u, 4 - u)))

# %% [markdown]
# ## 2. It does not know where anything is
#
# Move the photograph, and what a fully connected layer answers is not the old answer, moved: it is as far
# from it as any other answer. A convolution on a torus, with whole numbers, errs by exactly nothing.

# %%
thumbnail = jnp.asarray(photograph[:416:13, ::20].mean(axis=-1).round(), jnp.float32)[..., None]
random = np.random.default_rng(0)
dense = jnp.asarray(random.integers(-8, 9, (1024, 1024)), jnp.float32)
taps = jnp.asarray(random.integers(-8, 9, (3, 3, 1, 1)), jnp.float32)
layers = {
    "fully connected": lambda image: (dense @ image.reshape(-1)).reshape(image.shape),
    "convolution": lambda image: kn.conv(image, taps, padding="CIRCULAR"),
}
for name, layer in layers.items():
    there, back = layer(jnp.roll(thumbnail, (3, 5), (0, 1))), jnp.roll(layer(thumbnail), (3, 5), (0, 1))
    print(f"{name:16} relative error {jnp.linalg.norm(there - back) / jnp.linalg.norm(back):.3g}")

# %% [markdown]
# It is as blind as that because the *set* of all fully connected layers does not change when pixels are
# renamed. To ask that one layer commutes with *every* renaming is too much: two weights are left, one on the
# diagonal and one off it. Shifts are what we want, and they are few.

# %%
pixels = dv.permutation(dv.symmetric(6))
anything = dv.Field(dv.translations(1, period=0), grid=6)
plot.weight_matrix(
    dv.solve(anything, anything), dv.solve(pixels, pixels), titles=["nothing asked", "every renaming"]
)

# %% [markdown]
# ## 3. What we ask
#
# A shift moves an image by $s$: $(T_s x)[c,u,v] = x[c,u-s_u,v-s_v]$. The layer should not care where a
# pattern is: $T(T_s x) = T_s T(x)$, for every image $x$ and every shift $s$. Written out:

# %%
display(Math(dv.latex(solution.equation)))

# %% [markdown]
# ## 4. What follows
#
# The derivation, step by step, from the group's action alone. The weights are shared across sites, not
# across offsets; and the bias is shared as well, one number per output channel.

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
# A slip of one sign is easily made: $K[u'+u]$ instead of $K[u'-u]$. It has as many weights, so counting does
# not find it. The matrix does: it does not commute with the shift.

# %%
to, at = np.indices((5, 5))
shift = np.roll(np.eye(5), 1, axis=0)
kernel = np.array([1, 2, 3, 4, 5])
right, wrong = kernel[(at - to) % 5], kernel[(at + to) % 5]
print("K[u'-u] commutes:", (shift @ right == right @ shift).all())
print("K[u'+u] commutes:", (shift @ wrong == wrong @ shift).all())
plot.weight_matrix(right, wrong, titles=["K[u'-u]", "K[u'+u]"])

# %% [markdown]
# ## 5. The ladder
#
# How many weights are left depends on what a shift does at the border. On a torus, where what leaves comes
# in again, one megapixel has $10^6$; on a window, where the equation holds for whatever stays inside, every
# offset that fits has its weight. Locality, $|u'-u| \le r$ *and* $|v'-v| \le r$, does the rest.


# %%
def megapixel(**border):
    return dv.Field(G, grid=(1000, 1000), **border)


torus, window = megapixel(boundary="periodic"), megapixel(boundary="zero")
plot.ladder(
    {
        "nothing asked": dv.solve(image(1000), image(1000)),
        "shifts, on a window": dv.solve(window, window),
        "shifts, on a torus": dv.solve(torus, torus),
        "shifts, radius 9": dv.solve(window, window, dv.box(9)),
        "shifts, radius 1": dv.solve(window, window, dv.box(1)),
    },
    title="Free weights between images of one megapixel",
)

# %% [markdown]
# Two readings to stay away from. With "or" in the place of "and", one small offset suffices and the layer is
# hardly local. And if shifts fill with zeros on all four sides, only multiples of the identity commute with
# them (computed here on 3 x 3 pixels).

# %%
reach = range(-999, 1000)
cross = {(a, b) for a in reach for b in (-1, 0, 1)} | {(a, b) for b in reach for a in (-1, 0, 1)}
print(f"radius 1, 'or' for 'and': {int(dv.solve(window, window, cross).dim):,} weights")

one, down = np.eye(9), np.kron(np.eye(3, k=-1), np.eye(3))
across = np.kron(np.eye(3), np.eye(3, k=-1))
equations = [np.kron(s, one) - np.kron(one, s.T) for s in (down, down.T, across, across.T)]
print("zeros shifted in from all sides:", 81 - np.linalg.matrix_rank(np.concatenate(equations)), "weight")

# %% [markdown]
# ## 6. The matrix
#
# On an image of 8 x 8 pixels the layer is a 64 x 64 matrix. Without symmetry all 4096 weights differ;
# commuting with shifts leaves 64 on a torus; a window around each pixel leaves 9, in a band. Sparse, banded
# and shared: that is a convolution.


# %%
def tied(group, support=None, **border):
    field = dv.Field(group, grid=(8, 8), **border)
    return dv.solve(field, field, support)


local = tied(G, dv.box(1), boundary="zero")
plot.weight_matrix(
    tied(still),
    tied(G, boundary="periodic"),
    local,
    titles=["nothing asked", "shifts, torus", "shifts, zero border, radius 1"],
)

# %% [markdown]
# Row by row the matrix holds one image per output pixel, which says how much that pixel looks at each input
# pixel. All of them are shifts of one template.

# %%
plot.weight_images(solution, grid=(4, 4))

# %% [markdown]
# A column is the influence of one input pixel on the output: the template again, turned round. JAX agrees:
# the derivative of output pixel (2, 5) is its row, and it is zero off the window.

# %%
small = kn.lower(local)
template = jnp.arange(1.0, 10.0).reshape(small.weight_shape)
row = small.dense(template)[8 * 2 + 5].reshape(8, 8)
gradient = jax.grad(lambda image: small(template, image)[2, 5, 0])(jnp.zeros((8, 8, 1)))
print(np.array_equal(gradient[..., 0], row), np.count_nonzero(gradient), "pixels")
plot.influence(local, output=(2, 5), input=(5, 2))

# %% [markdown]
# ## 7. Convolution or cross-correlation
#
# The layer reads $x[u+d]$, which mathematics calls cross-correlation; a convolution reads $x[u-d]$. It is
# the same set of layers, with the kernel turned round. But as products they differ: convolution commutes, on
# $\mathbb{Z}$, $\mathbb{Z}^2$ and for the integral on $\mathbb{R}^d$, and cross-correlation does so only up
# to a flip.

# %%
for product in (dv.commutation(2), dv.commutation(2, lattice=False), dv.commutation(2, flip=False)):
    product.derivation.check()
    display(Math(dv.latex(product.equation)))
print(dv.text(product.counterexample))

# %% [markdown]
# ## 8. The op
#
# `lower` turns the solution into a jitted op. Its state is the free weights and nothing else: 9 for each
# pair of channels, stored as (class of displacements, input channel, output channel). With 3 channels in, one
# output is a sum of 27 products. Kernels are height, width, in, out (HWIO); other layouts are converted.

# %%
conv = kn.lower(solution, channels=(3, 16))
weights = conv.init(jax.random.key(0))
out = conv(weights, x)
print(conv.describe())
print(weights.shape, "->", conv.kernel(weights).shape, "; image", x.shape, "->", out.shape)
print("as OIHW:", kn.convert_layout(conv.kernel(weights), "HWIO", "OIHW").shape)

# %% [markdown]
# Weights we know: differences along each axis, of the mean of the three channels.

# %%
sobel = jnp.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
edges = kn.lower(solution, channels=(3, 2))
taps = jnp.stack([sobel, sobel.T], axis=-1).reshape(9, 1, 2)
response = edges(jnp.broadcast_to(taps / 3, edges.weight_shape), x)
show([response[..., 0], response[..., 1]], ["along v", "along u"], height=4, cmap="gray", vmin=-1, vmax=1)

# %% [markdown]
# ## 9. The border
#
# Either the output shrinks (`VALID`: from $H$ sites with $k$ taps $H-k+1$ are left), or zeros are put around
# the image so that it does not (`SAME`: $(k-1)/2$ on each side for odd $k$). Then outputs at the border sum
# fewer terms.

# %%
ones = jnp.ones((3, 3, 1, 1))
print(kn.conv(jnp.ones((8, 8, 1)), ones)[..., 0].astype(int))
print("VALID: 5 x 5 ->", kn.conv(jnp.ones((5, 5, 1)), ones, padding="VALID").shape[:2])
numbers, square = jnp.arange(9.0).reshape(3, 3, 1), jnp.arange(4.0).reshape(2, 2, 1, 1)
print(kn.conv(numbers, square, padding="VALID")[..., 0])

# %% [markdown]
# So the shift is kept exactly on a torus, and with zeros around the image it is kept away from the border
# only. We shift the photograph by 40 rows and 60 columns, in whole numbers, so that no rounding hides
# anything.

# %%
whole = jnp.asarray(photograph, jnp.float32)
kernel = jax.random.randint(jax.random.key(1), (9, 3, 1), -8, 9).astype(jnp.float32)


def both_ways(layer, by=(40, 60)):
    """T(T_s x) and T_s T(x)."""
    return layer(kernel, jnp.roll(whole, by, (0, 1))), jnp.roll(layer(kernel, whole), by, (0, 1))


there, back = both_ways(kn.lower(solution, channels=(3, 1), padding="CIRCULAR"))
print("torus: largest difference", jnp.abs(there - back).max())
there, back = both_ways(kn.lower(solution, channels=(3, 1)))
print("zeros around: differs at", int((there != back).sum()), "pixels")
plot.error_map(there, back, title="|T(T_s x) - T_s T(x)|")

# %% [markdown]
# ## 10. Stride, dilation, pooling
#
# All of these are the same call. With a stride, the output stands on a coarser lattice, and only shifts by
# whole strides are asked for. Dilation spreads the taps: a larger reach with as many weights and as many
# products. A global pool is what is left if the output does not move at all: the sum, up to its scale.

# %%
coarse = dv.translations(1, period=2)
read = dv.solve(dv.Field(coarse, "C"), dv.Field(coarse, "D", spacing=2), dv.window(3))
display(Math(dv.latex(read.layer)))
line = dv.translations(1)
spread = dv.solve(dv.Field(line), dv.Field(line), dv.window(3, dilation=4))
ring = dv.Field(line, grid=12, boundary="periodic")
total = dv.solve(ring, dv.trivial(line.point))
print(f"free weights: {read.dim} with stride 2, {spread.dim} with dilation 4, {total.dim} of a global pool")


# %% [markdown]
# Average pooling over blocks of 2 x 2 is not implied by shifts alone, which leave 4 free weights. It takes
# the permutations inside of each block as well. Max pooling is not linear; it can be checked all the same.

# %%
blocks = dv.translations(2, period=2)
half = dv.Field(blocks, spacing=2, offset=("1/2", "1/2"))
print("shifts by 2, windows of 2 x 2:", dv.solve(dv.Field(blocks), half, dv.window(2)).dim, "weights")


def pool(image, _):
    return kn.max_pool(image, (2, 2))


def by(steps):
    return lambda image: jnp.roll(image, steps, 0)


print(kn.check_equivariance(pool, jnp.zeros(()), thumbnail, {"two rows in, one row out": (by(2), by(1))}))

# %% [markdown]
# ## 11. Layers on layers
#
# Two convolutions, one after the other, are one convolution, whose kernel is the convolution of the two. The
# receptive field grows as $1 + \sum_l d_l (k_l - 1) \prod_{m<l} s_m$, with dilations $d$ and strides $s$.

# %%
stack = dv.composition(1, kernel_sizes=("k1", "k2"))
display(Math(dv.latex(stack.kernel)))
print("taps of the two:", stack.taps[0])
print("three layers of 3 taps, stride 2:", dv.receptive_field([3, 3, 3], strides=2), "pixels")

# %% [markdown]
# And with a global pool at the end, the answer does not move at all, whatever acts on each pixel in between.
# On a torus, in whole numbers, exactly so:


# %%
def network(image):
    """Convolution, pointwise maximum, convolution, sum over all pixels."""
    hidden = jnp.maximum(kn.conv(image, first, padding="CIRCULAR"), 0)
    return jnp.maximum(kn.conv(hidden, second, padding="CIRCULAR"), 0).sum()


first, second = jnp.asarray(random.integers(-3, 4, (2, 3, 3, 1, 1)), jnp.float32)
small_numbers = thumbnail // 32
print(
    "still:", int(network(small_numbers)), " moved:", int(network(jnp.roll(small_numbers, (7, 11), (0, 1))))
)

# %% [markdown]
# ## 12. Two matrices
#
# A convolution is linear in the image, $z = \hat W x$, and linear in the kernel, $z = \hat X w$. With three
# taps and zeros around five sites both matrices can be read. They are exact, for letters too.

# %%
for matrix in (dv.conv_matrix(["w1", "w2", "w3"], 5), dv.patch_matrix(["x1", "x2", "x3", "x4", "x5"], 3)):
    display(Math(dv.latex(matrix)))
print(kn.conv_matrix(jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), (5,)))

# %% [markdown]
# With channels every entry is a matrix that mixes them, transposed: $z[u] = \sum_a W_a^T x[u+a]$.

# %%
mixing = [sympy.MatrixSymbol(f"W{a}", 3, 2) for a in (1, 2, 3)]
display(Math(sympy.latex(dv.block_matrix(mixing, 4))))

# %% [markdown]
# So it has two adjoints. What comes back to the image is $\hat W^T \bar z$, a cross-correlation with the
# turned kernel; what comes back to the weights is $\hat X^T \bar z$. Both are derived with sizes, strides and
# borders as symbols:

# %%
found = dv.adjoints(1)
found.derivation.check()
for equation in (found.layer, found.input_adjoint, found.kernel_adjoint):
    display(Math(dv.latex(equation)))

# %% [markdown]
# The same holds for every variant that is used, one by one or together. Each line below is derived anew, and
# its steps are checked on numbers.

# %%
variants = [
    {"dim": 3},
    {"strides": 2, "padding": "VALID"},
    {"dilation": 3, "padding": "CIRCULAR"},
    {"groups": "G", "flip": True},
    {"transposed": True, "strides": 2},
]
for options in variants:
    found = dv.adjoints(**options)
    found.derivation.check()
    print(options, "->", dv.text(found.input_adjoint.lhs), "and", dv.text(found.kernel_adjoint.lhs))

# %% [markdown]
# On the photograph they are computed from those formulas, by `jax.vjp`, by `jax.grad`, and from dense
# matrices on a corner of it.

# %%
print(kn.check_adjoints(conv, weights, x))

# %% [markdown]
# The check can fail. Forget to flip the kernel, and it says so:

# %%
full = conv.kernel(weights)


def forgotten(ybar, kernel, input_shape):
    return kn.conv(ybar, jnp.swapaxes(kernel, -1, -2))


try:
    kn.check_adjoints(kn.conv, full, x[:32, :32], input_adjoint=forgotten)
except kn.CheckError as error:
    print(str(error).splitlines()[0])

# %% [markdown]
# ## 13. Other signals
#
# Nothing above is about images. With radius 0 the layer is one matrix at every pixel, and commutes with every
# permutation of pixels. Sound has one axis, a volume three. And a spectrogram that is shifted in time alone
# is convolved along time and fully connected along frequency.

# %%
audio, volume = dv.translations(1), dv.translations(3)
time = dv.translations(2, period=(1, 0))
bands = {"grid": (None, "F")}
for name, into, out, support in [
    ("1 x 1", field_x, field_y, dv.box(0)),
    ("sound", dv.Field(audio, "C"), dv.Field(audio, "D"), dv.box(1)),
    ("volume", dv.Field(volume, "C"), dv.Field(volume, "D"), dv.box(1)),
    ("spectrogram", dv.Field(time, "C", **bands), dv.Field(time, "D", **bands), dv.box((1, None))),
]:
    layer = dv.solve(into, out, support)
    print(f"{name:12} {dv.text(layer.form):46} {layer.dim} weights")

# %% [markdown]
# ## 14. Learning a kernel
#
# Last, the other direction: show the layer what comes in and what should come out, and let gradients find
# the weights. The picture is white with a black bar; the answer is +1 where it grows dark and -1 where it
# grows bright, which is what the kernel $[1, -1]$ does.

# %%
bar = jnp.ones((6, 8, 1)).at[:, 2:6].set(0)
difference = jnp.array([1.0, -1.0]).reshape(1, 2, 1, 1)
target = kn.conv(bar, difference, padding="VALID")
turned = kn.conv(bar.swapaxes(0, 1), difference, padding="VALID")
print("one row of the answer:", np.asarray(target[0, :, 0], int))
print("with the picture transposed, the largest answer is", int(jnp.abs(turned).max()))


# %%


def loss(kernel):
    return jnp.sum((kn.conv(bar, kernel, padding="VALID") - target) ** 2)


@jax.jit
def step(kernel):
    return kernel - 3e-2 * jax.grad(loss)(kernel)


learned = jnp.array([0.3, 0.1]).reshape(1, 2, 1, 1)
for _ in range(10):
    learned = step(learned)
print("after ten steps:", np.round(np.asarray(learned, float).ravel(), 2))

# %% [markdown]
# And a kernel may be *asked* for what it does. That it gives the derivative of order $d$, exactly on all
# polynomials up to that degree, is $d+1$ equations. They have one solution in $d+1$ taps: binomial
# coefficients with alternating signs.

# %%
for order in range(1, 4):
    w = sympy.symbols(f"w:{order + 1}")
    moments = [
        sum(tap * sympy.Integer(j) ** m for j, tap in enumerate(w)) - sympy.factorial(order) * (m == order)
        for m in range(order + 1)
    ]
    print("order", order, *sympy.linsolve(moments, w))

# %% [markdown]
# ## Where it goes on
#
# * Finding a pattern in a photograph, and what a convolution does not see through, turns, sizes and light:
#   notebook 2.
# * Turns and mirrors asked for as well: edges, Laplacians and the seventeen groups of the plane, notebook 3.
# * When the bias towards shifts helps and when it hurts, measured on real digits: notebook 4.
