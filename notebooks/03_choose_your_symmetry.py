# %% [markdown]
# # Choose your symmetry
#
# Notebook 1 asked a layer to commute with shifts. One may ask for more: turn the picture, and the answer
# turns along; look at it in a mirror, and so on. In the plane there are exactly seventeen ways to put shifts,
# turns, mirrors and glides together, the wallpaper groups. Here are all of them, with the patterns that they
# make, their kernels, and how to choose.

# %%
import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_sample_image

import derive as dv
import kernels as kn
from derive import plot

SQUARE = ["p1", "p2", "pm", "pg", "cm", "pmm", "pmg", "pgg", "cmm", "p4", "p4m", "p4g"]
NAMES = [*SQUARE, "p3", "p31m", "p3m1", "p6", "p6m"]
groups = {name: dv.wallpaper(name) for name in NAMES}

# %% [markdown]
# ## 1. What a group does to a patch
#
# Leave the shifts aside for a moment. What is left of a group, its point group, moves a patch about its
# middle. For p4m, the symmetries of a square, that makes eight images. Each is named by a word: $r$ is a
# quarter turn, $m$ a mirror, and the last letter acts first.

# %%
plot.orbit(groups["p4m"], [[1, 2, 0], [0, 3, 0], [0, 0, 0]])

# %% [markdown]
# ## 2. Seventeen patterns
#
# Now with the shifts. Put one letter F anywhere, and a copy of it wherever an element of the group carries
# it. A *glide*, as in pg, is a mirror and half a step along it, as footprints in sand.

# %%
plot.wallpaper(*groups.values())

# %% [markdown]
# What each of them keeps besides shifts, and a reason to ask for it:
#
# | group | keeps | ask for it when |
# |---|---|---|
# | p1 | nothing else | there is an up and a left: text, digits, spectrograms |
# | p2 | half turns | there are lines without a head: fibres, grain of wood |
# | pm, cm | one mirror, along an axis or a diagonal | there is an up; left and right are alike: streets |
# | pg | a glide | rows alternate: knitting, footprints |
# | pmm, cmm | two mirrors, half turns | the axes differ but have no direction: crops in rows |
# | pmg, pgg | glides, half turns, in pmg a mirror | bricks, herringbone |
# | p4 | quarter turns | seen from above, and left-handed is not right-handed: printed boards |
# | p4m | quarter turns, mirrors | seen from above or through a microscope |
# | p4g | quarter turns, mirrors beside their centres | basket weave |
# | p3, p31m, p3m1 | third turns, the latter two with mirrors | crystals with three directions |
# | p6, p6m | sixth turns, in p6m mirrors | hexagonal detectors, honeycombs |
#
# The mirror of pm turns the axis $u$, up and down. For left and right, give the matrix yourself:

# %%
mirror = dv.matrix_group({"m": [[1, 0], [0, -1]]}, name="left and right")
street = dv.Field(dv.space_group(mirror))
print(dv.solve(street, street, dv.box(1)).tying)

# %% [markdown]
# ## 3. Their kernels
#
# A layer from one channel to one channel: what is left of the 25 taps of a 5 x 5 kernel, or of the 19 taps
# within two steps on a hexagonal lattice? Where a glide alternates the rows, the kernel depends on the row,
# and has one panel for each kind of site.


# %%
def near(group, radius):
    """The nearest sites: hexagons where the axes meet at an angle of 60 or 120 degrees."""
    return dv.hexagon(radius) if group.metric[0][1] else dv.box(radius)


def scalars(group, radius=2):
    return dv.solve(dv.Field(group), dv.Field(group), near(group, radius))


plot.tying(*(scalars(group) for group in groups.values()), titles=NAMES)

# %% [markdown]
# The more a group asks, the fewer weights are left. What they are is no surprise after the pictures: taps
# that a motion of the group carries into each other, about the output pixel, share a weight.
#
# ## 4. Channels that turn along
#
# One number per pixel is not all that a layer can hold. A *fibre* says how the channels move when the
# picture moves: `1` does not change; `det` changes its sign in a mirror; `V` is a vector, two channels that
# turn like arrows; `regular` has one channel for each element of the point group, which take each other's
# places. The free weights of a 3 x 3 kernel (or the nearest hexagon) between them:

# %%
print("       order  1 -> 1  1 -> det  1 -> V  V -> V  1 -> regular  regular -> regular")
for name, G in groups.items():
    P = G.point
    one, det, V, many = (dv.Field(G, fibre=f(P)) for f in (dv.trivial, dv.sign, dv.defining, dv.regular))
    pairs = [(one, one), (one, det), (one, V), (V, V), (one, many), (many, many)]
    counts = [int(dv.solve(x, y, near(G, 1)).dim) for x, y in pairs]
    print(
        f"{name:6} {P.order:5} "
        + " ".join(f"{n:{k}}" for n, k in zip(counts, (7, 9, 7, 7, 13, 19), strict=True))
    )

# %% [markdown]
# From scalars to a regular fibre nothing is tied *inside* a kernel: 9 taps are 9 free weights (for each
# kind of site, where a glide makes several). One free template goes in, and comes out once in every position
# that the group has.
#
# ## 5. What scalars cannot do
#
# Ask for p4m between scalars, and three weights are left: the middle, the edges, the corners. Blurs and
# Laplacians are of this form. An edge detector is not: what is nearest to it is nothing at all.

# %%
G = groups["p4m"]
scalar, pseudo = dv.Field(G), dv.Field(G, fibre=dv.sign(G.point))
vector = dv.Field(G, fibre=dv.defining(G.point))
between, gradient = (dv.solve(scalar, y, dv.box(1)) for y in (scalar, vector))
laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
sobel = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
for name, kernel in {"Laplacian": laplacian, "Sobel": sobel}.items():
    print(f"{name}: taken away by the symmetry:", between.project(kernel[None, None]).distance)

# %% [markdown]
# The edge has a direction, so let the answer have one: from a scalar to a vector two weights are left, and
# the differences that everybody uses are of this form.

# %%
for name, smooth in {
    "central": (0, 1, 0),
    "Prewitt": (1, 1, 1),
    "Sobel": (1, 2, 1),
    "Scharr": (3, 10, 3),
}.items():
    down = np.outer([-1, 0, 1], smooth)
    pair = np.stack([down, down.T])[:, None]
    print(f"{name:8} distance to the solutions: {gradient.project(pair).distance}")
plot.basis(gradient)

# %% [markdown]
# And some layers do not exist, however many channels one gives them. The library answers with a reason:

# %%
print(dv.solve(scalar, pseudo, dv.box(1)).why_zero())

# %% [markdown]
# ## 6. What less symmetry costs
#
# Groups contain each other: p4m contains p4, pmm and cmm, these contain p2, and all of them contain p1.
# Asking for the smaller group allows more. Here a layer with 8 channels in and 8 out, the regular fibre of
# p4m, under each of the groups in it:

# %%
many = dv.Field(G, fibre=dv.regular(G.point))
layer = dv.solve(many, many, dv.box(1))
inside = {"p4": ["r"], "pmm": ["r^2", "m"], "cmm": ["r^2", "r*m"], "p2": ["r^2"], "pm": ["m"], "p1": []}
subgroups = {name: G.point.subgroup(words) for name, words in inside.items()}
chain = {"p4m": layer} | {name: layer.restrict(H)[0] for name, H in subgroups.items()}
plot.ladder(chain, title="Free weights of 3 x 3 kernels, 8 channels to 8")

# %% [markdown]
# All of these layers do the same number of products: a group saves weights, and the data that it takes to
# learn them, not time. And the way down is free: a layer that was trained with p4m is a p4 layer as well. The
# exact matrix $E$ writes its weights in the larger basis.

# %%
smaller, E = layer.restrict(subgroups["p4"])
big, small = kn.lower(layer), kn.lower(smaller)
w = big.init(jax.random.key(0))
image = jax.random.normal(jax.random.key(1), (12, 12, 8))
weights = (np.array(E, dtype=float) @ np.asarray(w).ravel()).reshape(small.weight_shapes[0])
print("E:", E.shape, "; largest difference", f"{jnp.abs(big(w, image) - small(weights, image)).max():.0e}")

# %% [markdown]
# ## 7. What a stride leaves
#
# With a stride of 2 the output stands on every second site, and a shift by one pixel carries it nowhere. So
# the group has to be one whose shifts go by 2. Turns and mirrors may stay: about a site for an odd window,
# about the middle of a block for an even one.

# %%
two = dv.wallpaper("p4m", period=2)
blocks = dv.space_group(dv.point_group("D4", 2), period=2, centre=("1/2", "1/2"))
odd = dv.solve(dv.Field(two), dv.Field(two, spacing=2), dv.window(3))
even = dv.solve(dv.Field(blocks), dv.Field(blocks, spacing=2, offset=("1/2", "1/2")), dv.window(2))
plot.tying(odd, even, titles=["3 x 3", "2 x 2"])

# %% [markdown]
# All seventeen survive a stride of 2, with steps and glides twice as long, and tie as many taps as before:

# %%
counts = []
for name, group in groups.items():
    double = dv.wallpaper(name, period=[2 * step for step in group.period])
    strided = dv.solve(dv.Field(double), dv.Field(double, spacing=2), near(group, 1))
    counts.append(f"{name:5}{int(scalars(group, 1).dim):3} ->{int(strided.dim):3}")
for k in range(0, 17, 5):
    print("     ".join(counts[k : k + 5]))

# %% [markdown]
# What does not survive is every other shift. On a torus, in whole numbers:

# %%
random = np.random.default_rng(0)
pixels = jnp.asarray(random.integers(-9, 10, (8, 8, 1)), float)
taps = jnp.asarray(random.integers(-9, 10, (3, 3, 1, 1)), float)
answer = kn.conv(pixels, taps, strides=2, padding="CIRCULAR")
for steps in range(1, 5):
    moved = kn.conv(jnp.roll(pixels, steps, 0), taps, strides=2, padding="CIRCULAR")
    same = [k for k in range(4) if (moved == jnp.roll(answer, k, 0)).all()]
    print(f"shifted by {steps}:", f"the old answer, shifted by {same[0]}" if same else "another answer")

# %% [markdown]
# On an array there is one thing more to see to. Of 9 sites a stride of 2 takes 0, 2, 4, 6, 8, which a mirror
# carries into each other; of 8 it takes 0, 2, 4, 6, and the mirror image is 1, 3, 5, 7. The check says which
# generators an array of this size does not carry, why, and what to do.

# %%
strided = kn.lower(odd)
w = strided.init(jax.random.key(0))
for n in (9, 8):
    print(f"{n} x {n}:")
    try:
        print(kn.check_equivariance(strided, w, jax.random.normal(jax.random.key(1), (n, n, 1))))
    except kn.KernelError as error:
        print(error)

# %% [markdown]
# And a stride must fit to the group. Quarter turns carry one axis to the other, so both need the same
# stride:

# %%
try:
    dv.Field(two, spacing=(2, 1))
except dv.DeriveError as error:
    print(error)

# %% [markdown]
# ## 8. How to choose
#
# 1. List the motions after which you would give the same answer, or the same answer moved. Too large a
#    group cannot be trained away: a network of p4m layers that ends in a scalar takes b for d, p and q.
# 2. Take the largest group that has no other motion. Let the channels be regular fibres, unless you know
#    better, and go over to scalars (`GroupPool`) where the answer no longer turns.
# 3. In doubt ask the data. For all pairs of pixels a step $d$ apart, how different are they? That is a
#    kernel, $\gamma[d]$, and its distance from the nearest symmetric one says how much of it a group ignores.


# %%
def differences(image, radius=4):
    """Half the mean squared difference of pixels that are d apart, for every d up to a radius."""
    size = 2 * radius + 1
    inner = image[radius:-radius, radius:-radius]
    steps = [(a, b) for a in range(size) for b in range(size)]
    moved = [image[a : image.shape[0] - size + 1 + a, b : image.shape[1] - size + 1 + b] for a, b in steps]
    return np.array([((m - inner) ** 2).mean() / 2 for m in moved]).reshape(size, size)


grey = {name: load_sample_image(f"{name}.jpg").mean(axis=-1) for name in ("china", "flower")}
found = {name: differences(picture) for name, picture in grey.items()}
found = {name: (kernel / kernel.max()).round(3) for name, kernel in found.items()}
plot.kernels(*found.values(), titles=list(found))

# %%
print("        ", *(f"{name:>6}" for name in found))
for name in ("p1", "p2", "pm", "pmm", "cmm", "p4", "p4m"):
    nearest = scalars(groups[name], 4)
    away = [float(nearest.project(k[None, None]).distance) / np.linalg.norm(k) for k in found.values()]
    print(f"{name:8}", *(f"{share:6.1%}" for share in away))

# %% [markdown]
# $\gamma[d] = \gamma[-d]$ but for the border, so half turns are for free; every further motion takes away a
# little more. Numbers like these do not decide, but they warn. What decides is the question that you ask
# about the picture.
