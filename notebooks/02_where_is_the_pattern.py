# %% [markdown]
# # Where is the pattern?
#
# A convolution lays one small template over every place of a picture and answers with a number. That finds
# things. Here we look for one patch of a real photograph: what goes wrong with the plain layer, what mends
# it, and what no single template sees through: turns, sizes and light. At the end a bank of
# templates that is tied by a symmetry finds the patch turned and mirrored as well.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import sympy
from scipy import ndimage
from sklearn.datasets import load_sample_image

import derive as dv
import kernels as kn
from derive import plot

RADIUS, SIZE = 12, 25
BLUE, VERMILLION = "#0072b2", "#d55e00"


# %%
def show(pictures, titles, marks=(), width=6.4, **options):
    """Photographs in a row; `marks`: a place on each that is framed."""
    tall, wide = np.shape(pictures[0])[:2]
    height = width / len(pictures) * tall / wide + 0.3
    _, axes = plt.subplots(1, len(pictures), figsize=(width, height), layout="constrained", squeeze=False)
    for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
        axis.imshow(picture, **({"cmap": "gray"} | options))
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    for axis, (u, v) in zip(axes[0], marks, strict=False):
        corner = (v - RADIUS - 2, u - RADIUS - 2)
        axis.add_patch(plt.Rectangle(corner, SIZE + 4, SIZE + 4, fill=False, ec=VERMILLION, lw=1.5))
    plt.show()


# %% [markdown]
# ## 1. The picture and the pattern

# %%
x = jnp.asarray(load_sample_image("china.jpg").mean(axis=-1, keepdims=True) / 255, jnp.float32)
U, V = 124, 108
patch = x[U - RADIUS : U + RADIUS + 1, V - RADIUS : V + RADIUS + 1]
show([x], [f"{x.shape[0]} x {x.shape[1]} pixels, with the patch that we look for"], [(U, V)])
show([patch], ["the patch"], width=1.6)

# %% [markdown]
# ## 2. Raw correlation
#
# With the patch as its kernel, the layer $y[u] = \sum_d K[d]\, x[u+d]$ is the inner product of the patch and
# the window about each pixel. It ought to be largest where the window is the patch. It is not: a window that
# is merely bright beats it.


# %%
def peak(score):
    """The place of the largest entry."""
    return tuple(int(n) for n in np.unravel_index(np.argmax(score), score.shape[:2]))


raw = kn.conv(x, patch[..., None])
bright = peak(raw)
print("the patch is at", (U, V), "and the largest response at", bright)
print(f"mean of the patch {patch.mean():.2f}, of the window there", end=" ")
print(
    f"{x[bright[0] - RADIUS : bright[0] + RADIUS + 1, bright[1] - RADIUS : bright[1] + RADIUS + 1].mean():.2f}"
)
show([raw], ["raw correlation, and where it is largest"], [bright])

# %% [markdown]
# ## 3. A score between 0 and 1
#
# Divide by the lengths of the patch and of the window, and the answer is the cosine of the angle between
# them. For pictures, which are nowhere negative, it lies between 0 and 1, and it is 1 only where the window is
# a multiple of the patch. The lengths of all windows are a convolution of $x^2$ with ones.


# %%
@jax.jit
def cosine(image, patch):
    """<window, patch> / (|window| |patch|) for the window about every pixel."""
    dots = kn.conv(image, patch[..., None])
    energy = kn.conv(image**2, jnp.ones_like(patch)[..., None])
    return dots / jnp.sqrt(jnp.maximum(energy, 1e-6) * jnp.sum(patch**2))


score = cosine(x, patch)
print(f"largest {score.max():.4f} at {peak(score)}; smallest {score.min():.2f}")
show([score], ["cosine, and where it is largest"], [peak(score)])

# %% [markdown]
# Nearly everything looks alike to it, because all windows share their brightness. Subtract the mean of the
# window and of the patch first, and the score is the correlation coefficient of statistics, between -1 and 1.
# This kernel sums to 0.


# %%
@jax.jit
def correlation(image, patch):
    """The cosine of window and patch without their means."""
    ones, centred = jnp.ones_like(patch)[..., None], patch - patch.mean()
    dots = kn.conv(image, centred[..., None])
    mean, energy = (kn.conv(image**k, ones) / patch.size for k in (1, 2))
    spread = jnp.maximum(energy - mean**2, 1e-6) * patch.size
    return dots / jnp.sqrt(spread * jnp.sum(centred**2))


sharp = correlation(x, patch)
print(f"largest {sharp.max():.4f} at {peak(sharp)}")
for name, answer in {"cosine": score, "correlation": sharp}.items():
    print(f"{name}: {(answer > 0.9).mean():.2%} of the pixels score above 0.9")
show([jnp.maximum(sharp, 0)], ["correlation without means"], [peak(sharp)])

# %% [markdown]
# ## 4. The answer moves with the picture
#
# All of this is made of convolutions and of functions that act on each pixel alone, so it commutes with
# shifts. Move the picture, and the answer moves along.

# %%
for s in [(1, 0), (-30, 45), (60, 120)]:
    moved = correlation(jnp.roll(x, s, (0, 1)), patch)
    inner = jnp.abs(moved - jnp.roll(sharp, s, (0, 1)))[80:-80, 140:-140].max()
    print(f"shift {s!s:10} peak at {peak(moved)}, largest difference inside {inner:.0e}")

# %% [markdown]
# ## 5. At the border
#
# Zeros stand around the picture. A template that reaches over the edge finds them there, and if the patch
# itself is cut off, only its visible part can agree. The cosine then is known beforehand: it is the length of
# the visible part over the length of the patch. We push the picture out to the left, column by column.

# %%
cut = range(0, SIZE, 2)
pushed = [jnp.zeros_like(x).at[:, : x.shape[1] - n].set(x[:, n:]) for n in (V - RADIUS + c for c in cut)]
seen = [
    float(cosine(image, patch)[U, RADIUS - c] if c <= RADIUS else jnp.nan) for c, image in zip(cut, pushed)
]
known = [float(jnp.linalg.norm(patch[:, c:]) / jnp.linalg.norm(patch)) for c in cut]
figure, axis = plt.subplots(figsize=(5, 2.6), layout="constrained")
axis.plot(cut, known, color=BLUE, label="length of what is seen")
axis.plot(cut, seen, "o", color=VERMILLION, label="cosine at the patch")
axis.set(xlabel="columns of the patch that are cut off", ylabel="score", ylim=(0, 1.05))
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## 6. What breaks it
#
# A convolution knows about shifts and nothing else. We turn the picture about the patch, enlarge it, and
# change its light, and ask how well the best place near the patch still scores.

# %%
CROP = 60
near = np.asarray(x[U - CROP : U + CROP + 1, V - CROP : V + CROP + 1, 0])


def about_middle(matrix):
    """The crop moved by a matrix about its middle."""
    return ndimage.affine_transform(
        near, matrix, CROP - np.array(matrix) @ [CROP, CROP], order=1, mode="nearest"
    )


def turned(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return about_middle([[c, -s], [s, c]])


changes = {
    "turned, degrees": (np.arange(0, 91, 5), turned),
    "enlarged, times": (np.arange(0.5, 2.01, 0.1), lambda f: about_middle(np.eye(2) / f)),
    "brightness times": (np.arange(0.5, 2.01, 0.25), lambda a: a * near),
    "brightness plus": (np.arange(0, 0.61, 0.1), lambda a: near + a),
}


# %%
def best(images, score):
    """The best score within half a patch of the middle, for each image."""
    there = slice(CROP - RADIUS, CROP + RADIUS + 1)
    return score(jnp.asarray(np.stack(images)[..., None], jnp.float32), patch)[:, there, there].max(
        axis=(1, 2, 3)
    )


figure, axes = plt.subplots(1, 4, figsize=(6.4, 2.3), sharey=True, layout="constrained")
for axis, (name, (amounts, change)) in zip(axes, changes.items(), strict=True):
    images = [change(a) for a in amounts]
    for score_, look in ((cosine, {"color": BLUE, "ls": "--"}), (correlation, {"color": VERMILLION})):
        values = best(images, score_)
        axis.plot(amounts, values, label=score_.__name__, **look)
        print(f"{name:18}{score_.__name__:12} from {values.max():.2f} down to {values.min():.2f}")
    axis.set_xlabel(name, fontsize=9)
axes[0].set(ylim=(0, 1.05), ylabel="best score")
axes[0].legend(frameon=False, fontsize=8, loc="lower left")
plt.show()

# %% [markdown]
# Ten degrees, or a tenth in size, and the patch is hardly known any more. Light is another matter: a gain
# changes neither score, and a constant does not change the correlation, whose kernel sums to 0.
#
# ## 7. Why: what a kernel must satisfy
#
# Light first, with letters for the taps. A gain $a$ passes through the layer up to $(1-a)\,b$, so iff the
# bias is 0; a constant $t$ adds $t$ times the sum of the taps: nothing iff the sum is 0, the same constant iff
# it is 1.

# %%
a, b, t = sympy.symbols("a b t")
k, signal = sympy.symbols("k0:3"), sympy.symbols("x0:3")
layer = lambda values: sum(w * v for w, v in zip(k, values, strict=True)) + b  # noqa: E731
print("gain:    ", sympy.factor(layer([a * v for v in signal]) - a * layer(signal)))
print("constant:", sympy.factor(layer([v + t for v in signal]) - layer(signal)))

# %% [markdown]
# At a border of zeros that fails: the constant ends there, and even a kernel that sums to 0 sees it end.

# %%
laplacian = jnp.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[..., None, None]
print(kn.conv(jnp.ones((5, 5, 1)), laplacian)[..., 0].astype(int))

# %% [markdown]
# Turns: ask the layer to commute with quarter turns as well as with shifts, and solve. Taps that a quarter
# turn carries into each other must be equal. A kernel that is not of this form, such as any patch of a
# photograph, does not commute; one that is, does, exactly.

# %%
scalar = dv.Field(dv.wallpaper("p4"))
turning = dv.solve(scalar, scalar, dv.box(2))
op = kn.lower(turning)
square = (x[:400, 100:500] * 255).round()
random = np.random.default_rng(0).integers(-9, 10, (5, 5, 1, 1))
layers = {
    "any kernel": lambda image: kn.conv(image, jnp.asarray(random, jnp.float32)),
    "a solution": lambda image: op(jnp.arange(1.0, 8.0).reshape(op.weight_shape), image),
}
for name, layer in layers.items():
    print(
        f"{name}: largest difference {jnp.abs(layer(jnp.rot90(square)) - jnp.rot90(layer(square))).max():,.0f}"
    )
plot.tying(turning)

# %% [markdown]
# Sizes: let $x'$ be every second pixel of $x$. To ask that the layer gives every second pixel of its answer is
# to ask that tap $d$ of the large picture is tap $d$ of the small one, which lies at $2d$. Only the middle
# tap survives.

# %%
taps = sympy.symbols("k_-4:5")
pixels = {d: sympy.Symbol(f"x_{d}") for d in range(-8, 9)}
large = sum(w * pixels[d] for d, w in enumerate(taps, -4))
small = sum(w * pixels[2 * d] for d, w in enumerate(taps, -4))
equations = sympy.Poly(large - small, *pixels.values()).coeffs()
print(sympy.solve(equations, taps))

# %% [markdown]
# ## 8. A bank of templates, tied by a symmetry
#
# A symmetric kernel would not find this patch, which is not symmetric. But let the answer have eight channels
# that take each other's places when the picture is turned or mirrored, the *regular fibre* of the group p4m.
# Then one template is free, with all its taps, and comes in its eight positions. Nobody has to turn it: the
# solution is tied like that.

# %%
G = dv.wallpaper("p4m")
bank = dv.solve(dv.Field(G), dv.Field(G, fibre=dv.regular(G.point)), dv.box(RADIUS))
templates = kn.lower(bank)
print(bank.dim, "free weights of", templates.kernel(templates.init(jax.random.key(0))).size)
centred = patch - patch.mean()
wanted = jnp.zeros((SIZE, SIZE, 1, 8)).at[..., 0].set(centred)
(w,) = jax.vjp(templates.kernel, jnp.zeros(templates.weight_shape))[1](wanted)
kernel = templates.kernel(w)
show(
    [kernel[..., 0, i] for i in range(8)],
    G.point.elements.words if False else [f"channel {i}" for i in range(8)],
)

# %% [markdown]
# Divided by the spread of the windows as before, each channel is the score of one position, and the largest of
# the eight a score that does not depend on how the picture is held. We hold it in all eight ways.


# %%
@jax.jit
def scores(image):
    """The correlation of every window with the patch in each of its eight positions."""
    mean, energy = (kn.conv(image**k, jnp.ones((SIZE, SIZE, 1, 1))) / SIZE**2 for k in (1, 2))
    spread = jnp.maximum(energy - mean**2, 1e-6) * SIZE**2
    return templates(w, image) / jnp.sqrt(spread * jnp.sum(centred**2))


part = x[:401, :401]
print("held              one template   the bank   found at    by channel")
for word in ("1", "r", "r^2", "r^3", "m", "r*m", "r^2*m", "r^3*m"):
    held = kn.act(dv.Field(G), word, part)
    answer = scores(held)
    u, v = peak(answer.max(axis=-1))
    found = f"({u}, {v})"
    print(
        f"{word:16} {answer[..., 0].max():10.2f} {answer.max():13.2f}   {found:12} {int(answer[u, v].argmax()):7}"
    )

# %% [markdown]
# The single template knows the picture in one position, the bank in all of them; and the channel says
# in which. The check that is built in agrees: turns and mirrors permute the channels.

# %%
print(kn.check_equivariance(templates, w, part))

# %% [markdown]
# What is asked for is what is found, and no more: turned by 45 degrees, the patch is as unknown as
# before.

# %%
for degrees in (0, 45, 90):
    image = jnp.asarray(turned(degrees)[..., None], jnp.float32)
    print(f"{degrees:3} degrees: {scores(image)[RADIUS:-RADIUS, RADIUS:-RADIUS].max():.2f}")

# %% [markdown]
# The lattice has no turn by 45 degrees. Notebook 3 shows all symmetries that it does have.
