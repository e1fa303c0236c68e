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
FLAT = 1e-4  # the variance of a window that has no pattern, only noise
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
b, c = bright
there = x[b - RADIUS : b + RADIUS + 1, c - RADIUS : c + RADIUS + 1]
print(f"mean of the patch {patch.mean():.2f}, of the window there {there.mean():.2f}")
show([raw], ["raw correlation, and where it is largest"], [bright])

# %% [markdown]
# ## 3. A score between 0 and 1
#
# Divide by the lengths of the patch and of the window, and the answer is the cosine of the angle between
# them. For pictures, which are nowhere negative, it lies between 0 and 1, and it is 1 only where the window
# is a multiple of the patch. The lengths of all windows are a convolution of $x^2$ with ones.


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
# The patch is found. But everything else scores more than half, for all windows share that they are bright.
# Subtract the mean of the window and of the patch first, and the score is the correlation coefficient of
# statistics, between -1 and 1. Its kernel sums to 0.


# %%
@jax.jit
def correlation(image, patch):
    """The cosine of window and patch without their means."""
    ones, centred = jnp.ones_like(patch)[..., None], patch - patch.mean()
    dots = kn.conv(image, centred[..., None])
    mean, energy = (kn.conv(image**k, ones) / patch.size for k in (1, 2))
    spread = jnp.maximum(energy - mean**2, FLAT) * patch.size
    return dots / jnp.sqrt(spread * jnp.sum(centred**2))


sharp = correlation(x, patch)
print(f"largest {sharp.max():.4f} at {peak(sharp)}")
for name, answer in {"cosine": score, "correlation": sharp}.items():
    print(f"{name}: half of all pixels score more than {jnp.median(answer):.2f}")
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
# Zeros stand around the picture. A template that reaches over the edge finds them there, and where the patch
# itself is cut off, only its visible part can agree. What the cosine is then can be said beforehand: the
# length of the visible part over the length of the patch. We push the picture out to the left, column by
# column, until half of the patch is gone.

# %%
cut = range(RADIUS + 1)
pushed = [jnp.pad(x[:, V - RADIUS + c :], ((0, 0), (0, V - RADIUS + c), (0, 0))) for c in cut]
seen = [float(cosine(image, patch)[U, RADIUS - c, 0]) for c, image in zip(cut, pushed, strict=True)]
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


# %%
changes = {
    "turned, degrees": (np.linspace(0, 90, 13), turned),
    "enlarged, times": (np.geomspace(0.5, 2, 13), lambda f: about_middle(np.eye(2) / f)),
    "brightness times": (np.linspace(0.5, 2, 13), lambda a: a * near),
    "brightness plus": (np.linspace(0, 0.6, 13), lambda a: near + a),
}


# %%
def best(images, score):
    """The best score within half a patch of the middle, for each image."""
    there = slice(CROP - RADIUS, CROP + RADIUS + 1)
    found = score(jnp.asarray(np.stack(images)[..., None], jnp.float32), patch)
    return found[:, there, there].max(axis=(1, 2, 3))


elsewhere = float(sharp.at[U - SIZE : U + SIZE, V - SIZE : V + SIZE].set(0).max())
print(f"the best other place in the photograph: {elsewhere:.2f}")

# %%
figure, axes = plt.subplots(1, 4, figsize=(6.4, 2.4), sharey=True, layout="constrained")
for axis, (name, (amounts, change)) in zip(axes, changes.items(), strict=True):
    images = [change(a) for a in amounts]
    for score_, look in ((cosine, {"color": BLUE, "ls": "--"}), (correlation, {"color": VERMILLION})):
        values = best(images, score_)
        axis.plot(amounts, values, label=score_.__name__, **look)
        print(f"{name:18}{score_.__name__:12} from {values.max():.2f} down to {values.min():.2f}")
    axis.axhline(elsewhere, color="black", lw=0.8, ls=":")
    axis.set_xlabel(name, fontsize=9)
axes[0].set(ylim=(0, 1.05), ylabel="best score")
axes[3].legend(frameon=False, fontsize=8, loc="lower left")
plt.show()

# %% [markdown]
# The dotted line is the correlation of the best wrong place in the photograph. Below it the patch is lost:
# that takes a turn of some 30 degrees, or one and a half times the size. Light is another matter: a gain
# changes neither score, and a constant does not change the correlation, whose kernel sums to 0.
#
# ## 7. Why: what a kernel must satisfy
#
# Light first, with letters for the taps. A gain $a$ passes through the layer up to $(1-a)\,b$: it does so
# iff the bias is 0. A constant $t$ adds $t$ times the sum of the taps: nothing iff the sum is 0, the same
# constant iff it is 1.

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
ours = jnp.arange(1.0, 8.0).reshape(op.weight_shapes[0])
layers = {
    "any kernel": lambda image: kn.conv(image, jnp.asarray(random, jnp.float32)),
    "a solution": lambda image: op(ours, image),
}
for name, layer in layers.items():
    gap = jnp.abs(layer(jnp.rot90(square)) - jnp.rot90(layer(square))).max()
    print(f"{name}: T(r x) and r T(x) differ by up to {gap:,.0f}")
plot.tying(turning)

# %% [markdown]
# Sizes: let $x'$ be every second pixel of $x$. To ask that the layer gives every second pixel of its answer
# is to ask that tap $d$ of the large picture is tap $d$ of the small one, which lies at $2d$. Only the middle
# tap survives.

# %%
taps = [sympy.Symbol(f"k_{d}") for d in range(-4, 5)]
pixels = {d: sympy.Symbol(f"x_{d}") for d in range(-8, 9)}
large = sum(w * pixels[d] for d, w in enumerate(taps, -4))
small = sum(w * pixels[2 * d] for d, w in enumerate(taps, -4))
equations = sympy.Poly(large - small, *pixels.values()).coeffs()
print(sympy.linsolve(equations, taps))

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
w = templates.init(jax.random.key(0))
print(f"{bank.dim} free weights make {templates.kernel(w).size} taps")
centred = patch - patch.mean()
wanted = jnp.zeros((SIZE, SIZE, 1, 8)).at[..., 0].set(centred)
(w,) = jax.vjp(templates.kernel, w)[1](wanted)
kernel = templates.kernel(w)
print("channel 0 is the patch:", bool((kernel[..., 0] == centred).all()))
show([kernel[..., 0, i] for i in range(8)], [str(i) for i in range(8)])

# %% [markdown]
# Divided by the spread of the windows as before, each channel is the score of one position. The largest of
# the eight is a score that does not depend on how the picture is held. We hold it in all eight ways.


# %%
@jax.jit
def scores(image):
    """The correlation of every window with the patch in each of its eight positions."""
    mean, energy = (kn.conv(image**k, jnp.ones((SIZE, SIZE, 1, 1))) / SIZE**2 for k in (1, 2))
    spread = jnp.maximum(energy - mean**2, FLAT) * SIZE**2
    return templates(w, image) / jnp.sqrt(spread * jnp.sum(centred**2))


part = x[:401, :401]
print("held    one template  the bank  found at    by channel")
for word in ("1", "r", "r^2", "r^3", "m", "r*m", "r^2*m", "r^3*m"):
    answer = scores(kn.act(dv.Field(G), word, part))
    u, v = peak(answer.max(axis=-1))
    one, all_ = answer[..., 0].max(), answer.max()
    print(f"{word:8}{one:12.2f}{all_:10.2f}  {f'({u}, {v})':12}{int(answer[u, v].argmax()):10}")

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
