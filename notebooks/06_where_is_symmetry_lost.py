# %% [markdown]
# # Where does my network lose its symmetry?
#
# "I built an equivariant network, and when I turn the image its answer changes." This is the most frequent
# question to the authors of such libraries, and the usual advice is to try odd sizes. `kn.audit` answers it
# for any model: which layer loses which symmetry, why, and what would mend it.
#
# We take an ordinary Equinox network, ask that quarter turns of an image leave its answer alone, and mend
# what the audit finds, one line at a time. Nothing is trained: symmetry is a property of the architecture.

# %%
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
from flax import nnx
from IPython.display import display

import derive as dv
import kernels as kn
import kernels.layers.equinox as kl
from derive import plot

# %% [markdown]
# ## An ordinary network
#
# Two convolutions, a max pool, a table of positions as in vision transformers, dropout, the mean over the
# image, and a dense layer. It knows nothing of this library; as always in Equinox, channels come first.


# %%
class Ordinary(eqx.Module):
    first: eqx.nn.Conv2d
    pool: eqx.nn.MaxPool2d
    place: jax.Array
    second: eqx.nn.Conv2d
    drop: eqx.nn.Dropout
    head: eqx.nn.Linear

    def __call__(self, x):
        x = jax.nn.relu(self.first(x))
        x = self.pool(x)
        x = x + self.place
        x = jax.nn.relu(self.second(x))
        x = self.drop(x, key=jax.random.key(7))
        return self.head(x.mean((1, 2)))


# %%
def ordinary(side, seed=0):
    """The network for images of side x side pixels."""
    a, b, c, d = jax.random.split(jax.random.key(seed), 4)
    half = side // 2
    return Ordinary(
        eqx.nn.Conv2d(1, 8, 3, padding=1, key=a),
        eqx.nn.MaxPool2d(2, 2),
        0.1 * jax.random.normal(b, (8, half, half)),
        eqx.nn.Conv2d(8, 16, 3, stride=2, padding=1, key=c),
        eqx.nn.Dropout(0.5),
        eqx.nn.Linear(16, 10, key=d),
    )


net, x = ordinary(16), jax.random.normal(jax.random.key(1), (1, 16, 16))
print(eqx.filter_jit(net)(x).shape)

# %% [markdown]
# ## The first audit
#
# The question needs three things: the model, an input, and what the input is, a field of one channel on a
# grid under the group that we ask about. Here that is `C4`, the quarter turns `r` about the middle of the
# image. The model is traced once; then the inputs of every layer are turned, and its outputs compared.

# %%
turns = dv.point_group("C4")
before = kn.audit(net, x, into=dv.Field(turns, grid=(16, 16)))
print(before)

# %% [markdown]
# The same as a picture: the network from top to bottom, crossed out where it loses something.

# %%
display(plot.audit(before))

# %% [markdown]
# ## Step 1: dropout
#
# Numbers drawn at random at every site are not turned with the image. That is no fault of the architecture:
# it was audited as if in training. Equinox has a switch.

# %%
net = eqx.nn.inference_mode(net)


def lost(model, x, side=16, group=turns):
    """The layers that lose something, and why, one line each."""
    found = kn.audit(model, x, into=dv.Field(group, grid=(side, side)))
    for layer in found.layers:
        if layer.lost:
            print(f"{layer.name}: {layer.cause}")
    print("the model keeps", ", ".join(found.kept) or "nothing")


lost(net, x)

# %% [markdown]
# ## Step 2: the table of positions
#
# What depends on the place cannot turn with the image. Leave it out (a table of zeros adds nothing).

# %%
net = eqx.tree_at(lambda n: n.place, net, jnp.zeros_like(net.place))
lost(net, x)

# %% [markdown]
# ## Step 3: the weights
#
# Both convolutions have free kernels. What may a kernel be, so that the layer commutes with turns? `derive`
# says: of nine weights, three are free.

# %%
scalar = dv.Field(dv.wallpaper("p4"), name="x")
kernel = dv.solve(scalar, scalar, support=dv.box(1))
print(kernel.dim, "free weights")
display(plot.tying(kernel))

# %% [markdown]
# The cheapest remedy keeps the network as it is and replaces every kernel by the mean of its four turned
# copies, which is the nearest kernel of this form.


# %%
def turned_mean(conv):
    """The convolution with the mean of its kernel's turned copies."""
    mean = sum(jnp.rot90(conv.weight, k, (2, 3)) for k in range(4)) / 4
    return eqx.tree_at(lambda c: c.weight, conv, mean)


net = eqx.tree_at(lambda n: (n.first, n.second), net, (turned_mean(net.first), turned_mean(net.second)))
lost(net, x)

# %% [markdown]
# ## Step 4: the size
#
# One line is left, and it is the one that is hardest to find by hand. The pool halves 16 sites to 8, and the
# second convolution takes every second of these: its samples stand at sites 0, 2, 4, 6 of 0 to 7, which is
# not symmetric about the middle, 3.5. Turned, they would be 1, 3, 5, 7.
#
# The remedy is a size. Which sizes are good depends on window, stride and padding; nobody needs to remember
# the rule, since the audit can be asked.


# %%
def keeps(layer, side, group=turns):
    """Whether a layer keeps turns at this size."""
    image = jax.random.normal(jax.random.key(2), (1, side, side))
    return kn.audit(layer, image, into=dv.Field(group, grid=(side, side))).passed


key, tie = jax.random.key(3), turned_mean
LAYERS = {
    "window 3, stride 2, padding 1": tie(eqx.nn.Conv2d(1, 1, 3, stride=2, padding=1, key=key)),
    "window 4, stride 2, padding 1": tie(eqx.nn.Conv2d(1, 1, 4, stride=2, padding=1, key=key)),
    "window 3, stride 3, padding 1": tie(eqx.nn.Conv2d(1, 1, 3, stride=3, padding=1, key=key)),
    "max pool of 2, stride 2": eqx.nn.MaxPool2d(2, 2),
}
SIZES = (7, 8, 9, 10)
print(f"{'sites':36}" + "".join(f"{n:4}" for n in SIZES))
for name, layer in LAYERS.items():
    print(f"{name:36}" + "".join(f"{'yes' if keeps(layer, n) else '-':>4}" for n in SIZES))

# %% [markdown]
# A window of 3 with stride 2 is fine at 7 x 7 and not at 8 x 8; with an even window it is the other way
# round. Our pool wants an even size and the convolution behind it an odd one: 14 sites, pooled to 7, serve
# both.


# %%
def tied(side):
    """The network with the remedies so far, for another size."""
    net = eqx.nn.inference_mode(ordinary(side))
    parts = (jnp.zeros_like(net.place), turned_mean(net.first), turned_mean(net.second))
    return eqx.tree_at(lambda n: (n.place, n.first, n.second), net, parts)


small = jax.random.normal(jax.random.key(1), (1, 14, 14))
net = tied(14)
lost(net, small, side=14)
gap = jnp.abs(net(jnp.rot90(small, axes=(1, 2))) - net(small)).max()
print("the answer for a turned image is the same:", bool(gap < 1e-5))

# %% [markdown]
# ## A better network
#
# The network above keeps its symmetry and is blind: each of its kernels looks the same from all four sides,
# so that no feature has a direction. *Regular* fibres mend that: four channels for every kernel, one for
# each way to hold it, and nine free weights in it. The layers of `kernels.layers.equinox` are made of fields.
# They are ordinary Equinox modules, with channels last; each knows the field it returns, and the next is
# built on that.


# %%
class Better(eqx.Module):
    first: kl.Conv
    pool: kl.MaxPool
    second: kl.Conv
    group: kl.GroupPool
    mean: kl.AvgPool
    head: eqx.nn.Linear

    def __call__(self, x):
        x = jax.nn.relu(self.first(x))
        x = self.pool(x)
        x = jax.nn.relu(self.second(x))
        x = self.group(x)
        return self.head(self.mean(x))


# %%
def build(field, step=2, seed=0):
    """The network for images of a field, with a pool and a stride of so many sites."""
    a, b, c = jax.random.split(jax.random.key(seed), 3)
    fibre = dv.regular(field.group.point)
    first = kl.Conv(field, 4 * fibre, dv.window(3), key=a)
    pool = kl.MaxPool(first.out, step)
    second = kl.Conv(pool.out, 8 * fibre, dv.window(3), strides=step, key=b)
    group = kl.GroupPool(second.out)
    return Better(first, pool, second, group, kl.AvgPool(group.out), eqx.nn.Linear(8, 10, key=c))


better = build(dv.Field(dv.wallpaper("p4")))
image = jnp.moveaxis(small, 0, -1)
after = kn.audit(better, image, into=dv.Field(turns, grid=(14, 14)), out=10 * dv.trivial(turns))
print(after)
display(plot.audit(after))

# %% [markdown]
# At a wrong size the layer itself says so, once, when it is called, without any audit.

# %%
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    better(jax.random.normal(jax.random.key(1), (16, 16, 1)))
print(said[0].message)

# %% [markdown]
# ## Two silent faults that cannot happen any more
#
# ReLU on a vector field is wrong: components change their sign when a vector turns, and cutting off the
# negative ones does not commute with that. Hand-made networks do it and nobody notices. Made of fields, the
# layer is refused, with what may be used instead.

# %%
try:
    vectors = dv.Field(dv.wallpaper("p4"), fibre=dv.defining(turns))
    kl.Activation(vectors, jax.nn.relu)
except kn.FieldError as error:
    print(error)

# %% [markdown]
# And a scale per channel, as every batch or layer norm has it, is wrong on a regular fibre as soon as it is
# trained: its four channels are one feature seen from four sides. The audit finds that from outside.

# %%
lift = kl.Conv(dv.Field(dv.wallpaper("p4")), 2 * dv.regular(turns), dv.window(3), key=jax.random.key(5))
scale = jnp.linspace(0.5, 2.0, 8)


def normed(x):
    x = lift(x)
    return x * scale


print(kn.audit(normed, image, into=dv.Field(turns, grid=(14, 14))))

# %% [markdown]
# ## Shifts
#
# Turns were one question, shifts are another. Asked about those, on an image that closes to a torus, the same
# network loses most: zeros at the border are not on a torus, and of the shifts a pool and a stride of two
# leave every second and every fourth.


# %%
def torus(group):
    return dv.Field(group, grid=(14, 14), boundary="periodic")


shifts = dv.translations(2)
print(kn.audit(better, image, into=torus(shifts), out=10 * dv.trivial(shifts.point)))

# %% [markdown]
# The remedies are in the table. Made for a field on a torus, the layers close the image to a circle by
# themselves; without strides nothing is left out. That costs time, and it is the price: who wants every shift
# must compute every site.

# %%
p4 = torus(dv.wallpaper("p4"))
every = build(p4, step=1)
print(kn.audit(every, image, into=p4, out=10 * dv.trivial(turns)))

# %% [markdown]
# ## The same for Flax
#
# An NNX module is audited in the same way; channels come last there. This one averages over 3 x 3 pixels with
# a stride of two and `SAME` padding, which is what most people write.


# %%
class Small(nnx.Module):
    def __init__(self, window, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), rngs=rngs)
        self.conv.kernel[...] = sum(jnp.rot90(self.conv.kernel[...], k) for k in range(4)) / 4
        self.window = (window, window)

    def __call__(self, x):
        x = nnx.relu(self.conv(x))
        x = nnx.avg_pool(x, self.window, strides=(2, 2), padding="SAME")
        return jnp.tanh(x)


eight = jax.random.normal(jax.random.key(1), (2, 8, 8, 1))
print(kn.audit(Small(3, nnx.Rngs(0)), eight, into=dv.Field(turns, grid=(8, 8))))

# %% [markdown]
# On an even size `SAME` pads at one side only. The audit offers two remedies, another size or an even window.
# We take the window:

# %%
print(kn.audit(Small(2, nnx.Rngs(0)), eight, into=dv.Field(turns, grid=(8, 8))))

# %% [markdown]
# ## What to take home
#
# - Ask for a symmetry in words (a group and a field), and `kn.audit` says which layer loses it, and why.
# - Most causes are not in the weights: dropout, positions, normalisation, borders, and above all sizes.
# - Layers that are made of fields refuse the silent faults, and say so when a size does not fit.
