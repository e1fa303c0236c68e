# %% [markdown]
# # Fast convolutions, the cliffs and the choices
#
# `kn.conv` computes what `jax.lax.conv_general_dilated` computes. On GPUs and TPUs it is that, too. On CPUs
# it is not, because there XLA's convolution falls off cliffs: some layers, and gradients of many, take ten
# or a hundred times as long as they have to. This notebook shows the cliffs, how to find out which way was
# chosen, and how to choose otherwise.
#
# The times below are of the machine that ran the notebook, medians of calls that took turns; they differ from
# machine to machine, and only the numbers that the ops return are promised.

# %%
import os
import tempfile
from pathlib import Path
from time import perf_counter

os.environ["KERNELS_THRESHOLDS"] = "default"  # the same choices on every machine, whatever was calibrated

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import kernels as kn

# %% [markdown]
# ## The same numbers
#
# Channels come last: an image is (batch, height, width, channels), a kernel (taps, taps, inputs / groups,
# outputs). These five layers are compared with `lax`, the output and both gradients of each.


# %%
LAYERS = {
    "dense, 3 x 3": ((8, 28, 28, 32), (3, 3, 32, 32), {}),
    "pointwise, 1 x 1": ((8, 28, 28, 32), (1, 1, 32, 64), {}),
    "depthwise, 3 x 3": ((8, 28, 28, 32), (3, 3, 1, 32), {"groups": 32}),
    "4 groups, 3 x 3": ((8, 28, 28, 32), (3, 3, 8, 32), {"groups": 4}),
    "one channel, 15 x 15": ((1, 256, 256, 1), (15, 15, 1, 1), {}),
}


def arrays(x_shape, kernel_shape):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in (x_shape, kernel_shape)]


def by_lax(x, kernel, groups=1):
    """The same layer in `lax` alone."""
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=numbers, feature_group_count=groups
    )


# %%
def gradients(conv, options):
    """A jitted function of image and kernel: both gradients of the sum of squares."""
    return jax.jit(jax.grad(lambda x, kernel: jnp.sum(conv(x, kernel, **options) ** 2), (0, 1)))


OURS = {name: gradients(kn.conv, options) for name, (_, _, options) in LAYERS.items()}
LAX = {name: gradients(by_lax, options) for name, (_, _, options) in LAYERS.items()}
for name, (x_shape, kernel_shape, _) in LAYERS.items():
    both = arrays(x_shape, kernel_shape)
    pairs = zip(OURS[name](*both), LAX[name](*both), strict=True)
    gap = max(float(jnp.abs(a - b).max() / jnp.abs(b).max()) for a, b in pairs)
    print(f"{name:22} gradients agree to 1e-4:", gap < 1e-4)

# %% [markdown]
# ## The cliffs
#
# A fair comparison lets both take turns, so that whatever else the machine does hits both alike, and compares
# medians. A training step needs the output and both gradients, so that is what is timed.


# %%
def medians(functions, *arrays, rounds=5):
    """Milliseconds of each function, which take turns."""
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = perf_counter()
            jax.block_until_ready(function(*arrays))
            times[name].append(1e3 * (perf_counter() - start))
    return {name: float(np.median(each)) for name, each in times.items()}


found = {
    name: medians({"kn.conv": OURS[name], "lax": LAX[name]}, *arrays(x_shape, kernel_shape))
    for name, (x_shape, kernel_shape, _) in LAYERS.items()
}


# %%
def bars(found, title):
    """Milliseconds, one group of bars per layer, on a logarithmic scale."""
    _, axis = plt.subplots(figsize=(6.4, 0.55 * len(found) + 1.2))
    places = np.arange(len(found))[::-1]
    for k, (who, colour) in enumerate({"kn.conv": "#0072b2", "lax": "#d55e00"}.items()):
        values = [each[who] for each in found.values()]
        drawn = axis.barh(places + 0.18 - 0.36 * k, values, 0.34, color=colour, label=who)
        axis.bar_label(drawn, [f"{v:.3g}" for v in values], padding=3, fontsize=8)
    axis.set_yticks(places, list(found))
    most = max(max(each.values()) for each in found.values())
    axis.set(xscale="log", xlabel="milliseconds", title=title, xlim=(0.1, 5 * most))
    axis.set_xticks([t for t in (0.1, 1, 10, 100, 1000) if t < 5 * most])
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.legend(fontsize=8, loc="upper right")
    plt.show()


bars(found, "A training step: output and both gradients")

# %% [markdown]
# The gradients are where it hurts. JAX differentiates a convolution into two others: the gradient of the
# input is a convolution with the flipped kernel, and the gradient of the kernel is one whose kernel is as
# large as the image. With groups, or in a loop, XLA computes that entry by entry on a CPU. Here these two
# *adjoints* are derived (notebook 1), and each is computed in a way of its own.
#
# ## What was chosen, and why
#
# `kn.explain` says so before anything is compiled: one line per direction, from the shapes alone.

# %%
for name, (x_shape, kernel_shape, options) in LAYERS.items():
    print(name)
    print(kn.explain(x_shape, kernel_shape, platform="cpu", **options), end="\n\n")

# %% [markdown]
# On other platforms nothing was measured to be better, and so nothing is changed:

# %%
print(kn.explain((8, 28, 28, 32), (3, 3, 1, 32), groups=32, platform="cuda"))

# %% [markdown]
# ## Loops
#
# The steepest cliff is a loop. In the body of `scan`, `while` or `map`, XLA does not use its fast convolution
# for most gradients. The steps of a recurrent network, or a training loop that is compiled as a whole, run
# there.


# %%
def in_scan(conv):
    """Four steps of gradient descent in a scan."""
    step = jax.grad(lambda kernel, x: jnp.sum(conv(x, kernel) ** 2))

    def body(kernel, x):
        return kernel - 1e-6 * step(kernel, x), None

    return jax.jit(lambda kernel, xs: jax.lax.scan(body, kernel, xs)[0])


xs, kernel = arrays((4, 2, 20, 20, 32), (3, 3, 32, 32))
calls = {"kn.conv": in_scan(kn.conv), "lax": in_scan(by_lax)}
results = {who: call(kernel, xs) for who, call in calls.items()}
print("the same kernel in the end:", np.allclose(*results.values(), atol=1e-4))
loop = medians(calls, kernel, xs)
bars({"scan of 4 steps": loop}, "Gradients in a loop")

# %% [markdown]
# ## This machine: `calibrate`
#
# The rules compare sizes with a few numbers, such as the fewest channels from which a matrix product wins.
# The defaults won on every machine that was measured. `kn.calibrate()` measures them anew in under a minute
# and keeps them for later processes; here it gets three seconds and a file of its own.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "thresholds.json"
    thresholds = kn.calibrate(seconds=3, path=path)
    print("kept as a file:", path.exists())
print(thresholds == kn.Thresholds() or "other numbers than the defaults won here")

# %% [markdown]
# ## These layers: `autotune`
#
# For a layer that matters, `kn.autotune` times every way to compute it and its adjoints, here and now, and
# returns a *policy*: frozen data that is given to the op. It can be kept as text.

# %%
x_shape, kernel_shape, options = LAYERS["4 groups, 3 x 3"]
policy = kn.autotune(x_shape, kernel_shape, candidates=("shifted", "grouped", "unfold"), rounds=3, **options)
for entry in policy.entries:
    print(entry.name, "-", entry.why)
assert kn.Policy.from_json(policy.to_json()) == policy
x, kernel = arrays(x_shape, kernel_shape)
tuned = kn.conv(x, kernel, implementation=policy, **options)
print("the same numbers:", np.allclose(tuned, by_lax(x, kernel, **options), atol=1e-4))

# %% [markdown]
# ## None of it: `only_lax`
#
# Converters, cost models and checkpoint policies know `lax` and nothing else. In `kn.only_lax()` whatever is
# traced becomes operations of `lax` alone; the numbers stay.


# %%
def names(conv):
    """The operations that a trace consists of."""
    return [equation.primitive.name for equation in jax.make_jaxpr(conv)(x, kernel).eqns]


print(names(lambda x, kernel: kn.conv(x, kernel, **options)))
with kn.only_lax():
    print(names(lambda x, kernel: kn.conv(x, kernel, **options)))

# %% [markdown]
# ## What to take home
#
# - Same numbers, other ways: outputs and gradients agree with `lax` to rounding.
# - The cliffs are in gradients, groups, large kernels and loops, on CPU. `explain` says what was chosen.
# - Three switches: `calibrate` for a machine, `autotune` for a layer, `only_lax` for none of it.
