# %% [markdown]
# # Learning with the right bias
#
# A symmetry that is built into a network is knowledge that it does not have to learn. If the knowledge is
# right, fewer examples do. If it is wrong, no number of examples helps. Here four networks with equally many
# weights learn real digits, and we watch both happen.
#
# The networks and the trainings are those of `benchmarks/learning.py`, imported; only the number of runs is
# smaller, so that the notebook takes less than a minute. The tables of the long run are shown at the end.

# %%
import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

import derive as dv
from derive import plot

sys.path.append(str(Path(dv.__file__).parents[1]))  # in a clone, `benchmarks` lies beside `derive`
from benchmarks import learning, learning_data
from benchmarks.learning_data import ANGLE, SHIFTED, SHUFFLED, TURNED, UPRIGHT
from benchmarks.learning_nets import NAMES, net

# %% [markdown]
# ## The digits, and what is done to them
#
# scikit-learn ships 1,797 scanned digits of 8 x 8 pixels. 397 are kept for testing. The same digits are also
# shifted, turned by a multiple of 90 degrees or by any angle, or have their 64 pixels put into another order,
# the same one for all images.

# %%
upright = learning_data.task("scans", UPRIGHT, seed=0, full=False)
shuffled = learning_data.task("scans", SHUFFLED, seed=0, full=False)
sets = {**upright.tests, **shuffled.tests}
chosen = [np.flatnonzero(upright.tests[UPRIGHT].labels == digit)[0] for digit in (2, 4, 6)]
_, axes = plt.subplots(3, len(sets), figsize=(6.4, 4.2))
for column, (name, given) in zip(axes.T, sets.items(), strict=True):
    column[0].set_title(name, fontsize=9)
    for axis, image in zip(column, given.images[chosen, ..., 0], strict=True):
        axis.imshow(image, cmap="gray_r")
        axis.set(xticks=[], yticks=[])
plt.tight_layout()
plt.show()
print(len(upright.train.labels), "digits to train on,", len(upright.tests[UPRIGHT].labels), "to test on")

# %% [markdown]
# ## Four networks, one size
#
# The MLP ties nothing. The other three have the same architecture: three derived convolutions of 3 x 3, then
# the mean over the image. They differ in one word, the group that they are derived for: shifts alone
# (`p1`, an ordinary CNN), shifts and quarter turns (`p4`), mirrors too (`p4m`). Their widths are chosen so
# that all four have as many weights.

# %%
for name in NAMES:
    print(f"{name:4} {net(name, 8, 10).parameters:,} weights")

# %% [markdown]
# What the group ties can be seen in the first layer. It reads an image and returns *regular* fibres: one
# channel for every turn (and mirror) of a kernel. Equal colours are equal weights: the CNN has 9 for every
# kernel, and so have the others, for 4 and for 8 channels.

# %%
for name in ("p1", "p4", "p4m"):
    G = dv.wallpaper(name)
    first = dv.solve(dv.Field(G), dv.Field(G, fibre=dv.regular(G.point)), support=dv.box(1))
    print(f"{name:3} {first.dim} weights for {G.point.order} channels")
display(plot.tying(first))

# %% [markdown]
# So before any training, and whatever its weights are, a network *cannot* see what its group does. Each is
# given the same images turned and mirrored, with random weights: do its answers change?

# %%
images = upright.train.images[:20]
moves = {"a quarter turn": np.rot90(images, axes=(1, 2)), "a mirror": images[:, :, ::-1]}
for name in NAMES:
    model, batch = net(name, 8, 10), np.concatenate([images, *moves.values()])
    answers = jax.jit(lambda w, x, m=model: m.apply(w, x, None)[0])(model.init(jax.random.key(0)), batch)
    plain, *moved = answers.reshape(3, 20, 10)
    gaps = {move: abs(y - plain).max() for move, y in zip(moves, moved, strict=True)}
    print(
        f"{name:4}",
        ", ".join(f"{move} {'changes' if gap > 1e-3 else 'keeps'} it" for move, gap in gaps.items()),
    )

# %% [markdown]
# ## Training
#
# MLP, CNN and `p4` are trained for 200 steps by Adam, on 100 to 1,400 digits, with three seeds; nothing is
# tuned for any of them. (The long run differs in that it has five seeds, `p4m`, and larger images too.)

# %%
sizes = (100, 400, 1400)
plan = learning.Plan(
    {("scans", UPRIGHT): sizes, ("scans", TURNED): (100,), ("scans", SHUFFLED): (100,)},
    places=(),
    steps=200,
    seeds=3,
    names=("MLP", "CNN", "p4"),
)
runs = learning.run(plan)
long = learning.committed()
print(len(runs), "trainings")


# %%
def right(name, treated, many, tested=None, data="scans"):
    """Per cent of right answers in each seed."""
    mine = [r for r in runs if (r.data, r.treated, r.net, r.many) == (data, treated, name, many)]
    return np.array([100 * r.right[tested or treated] for r in mine])


LOOKS = {"MLP": ("#555555", "s"), "CNN": ("#d55e00", "o"), "p4": ("#0072b2", "^")}

# %% [markdown]
# ## The right bias needs less data
#
# First the digits as they are. A digit that stands one pixel further is the same digit: shifts are right. In
# the long run the CNN with 400 images is ahead of the MLP with 1,400. Turns are not quite right: a 6 is not a
# 9, and `p4`, which cannot see which way up a digit is, has to tell them apart by smaller signs. It gains
# little over the MLP here. Lines: this run, with the spread of its seeds. Rings: the long run.

# %%
_, axis = plt.subplots(figsize=(6.0, 3.8))
for name, (colour, marker) in LOOKS.items():
    values = np.array([right(name, UPRIGHT, n) for n in sizes])
    axis.errorbar(
        sizes, values.mean(1), values.std(1, ddof=1), color=colour, marker=marker, capsize=3, label=name
    )
    known = [long["scans", UPRIGHT][name][n][0] for n in sizes]
    axis.plot(sizes, known, "o", color=colour, markersize=12, fillstyle="none")
axis.set(xscale="log", xlabel="images trained on", ylabel="right answers, %")
axis.set_xticks(sizes, [str(n) for n in sizes])
axis.minorticks_off()
axis.grid(alpha=0.3)
axis.legend()
plt.show()
ahead = all((right("CNN", UPRIGHT, n) - right("MLP", UPRIGHT, n)).mean() > 0 for n in (400, 1400))
print("with 400 images and with 1400 the CNN is ahead of the MLP:", ahead)

# %% [markdown]
# Now every image is turned by some multiple of 90 degrees, in training and in testing. The bias of `p4` has
# become right, and nothing else has changed. It does as well as before, since to it the images are the same;
# the other two would have to learn every digit four times, and 100 images are too few.


# %%
def bars(cases, many):
    """Right answers of all networks, case by case; rings are the long run."""
    _, axis = plt.subplots(figsize=(6.0, 3.2))
    for k, (name, (colour, _)) in enumerate(LOOKS.items()):
        places = np.arange(len(cases)) + 0.26 * (k - 1)
        values = np.array([right(name, case, many) for case in cases])
        bar = axis.bar(places, values.mean(1), 0.22, color=colour, alpha=0.8, label=name)
        axis.bar_label(bar, [f"{v:.0f}" for v in values.mean(1)], label_type="center", color="white")
        axis.errorbar(places - 0.05, values.mean(1), values.std(1, ddof=1), fmt="none", capsize=3, ecolor="k")
        known = [long["scans", case][name][many][0] for case in cases]
        axis.plot(places + 0.05, known, "o", markeredgecolor="k", color="w", markersize=7)
    axis.set_xticks(range(len(cases)), [f"{case}, {many} images" for case in cases])
    axis.set(ylabel="right answers, %", ylim=(0, 115), yticks=range(0, 101, 20))
    axis.legend(ncols=3, loc="upper center", fontsize=8)
    plt.show()


bars([UPRIGHT, TURNED], 100)
gain = right("p4", TURNED, 100).mean() - right("CNN", TURNED, 100).mean()
print("turned digits: p4 is ahead of the CNN by 10 % and more:", gain > 10)

# %% [markdown]
# Who was trained on upright digits only shows the same from another side. On images that are turned by 90,
# 180 or 270 degrees `p4` gives the very answers that it gave before; the others do not do much better than
# chance. Nobody here is built for every angle, and nobody does well there. A shift by one pixel of eight is
# costly for the CNN, too: zeros come in at the border, and pooling by two keeps every second shift only.

# %%
tests = (UPRIGHT, SHIFTED, TURNED, ANGLE)
upright_runs = [r for r in runs if (r.data, r.treated) == ("scans", UPRIGHT)]
rows = [[name, *(learning.cell(upright_runs, name, 1400, tested) for tested in tests)] for name in LOOKS]
display(Markdown(learning.table(["trained upright on 1,400, tested", *tests], rows)))
gap = abs(right("p4", UPRIGHT, 1400, UPRIGHT) - right("p4", UPRIGHT, 1400, TURNED)).max()
print("p4 is as good on turned images as on upright ones, in every seed:", gap < 0.5)

# %% [markdown]
# ## A wrong bias: pixels in another order
#
# Put the 64 pixels of all images into one other order. To the MLP nothing has happened: a dense layer with
# matrix $W$ on shuffled pixels $Px$ is a dense layer with matrix $W P$ on the old ones, and the *set* of all
# dense layers is what it was. With its weights moved along, the MLP gives the very same answers:

# %%
order = learning_data.shuffled(np.arange(64.0).reshape(1, 8, 8, 1)).reshape(-1).astype(int)
mlp = net("MLP", 8, 10)
(first, bias), last = mlp.init(jax.random.key(0))
plain, _ = mlp.apply(((first, bias), last), upright.tests[UPRIGHT].images, None)
mixed, _ = mlp.apply(((first[order], bias), last), shuffled.tests[SHUFFLED].images, None)
print("largest difference below 1e-4:", bool(jnp.abs(plain - mixed).max() < 1e-4))

# %% [markdown]
# For the CNN the pixels of a window used to belong together. Now they are strangers from all over the image,
# and sharing weights between windows means nothing. It still learns something, and it has lost its lead.

# %%
bars([UPRIGHT, SHUFFLED], 100)
lost = {name: (right(name, UPRIGHT, 100) - right(name, SHUFFLED, 100)).mean() for name in ("MLP", "CNN")}
print("the MLP lost less than 3 %:", lost["MLP"] < 3, " the CNN lost more:", lost["CNN"] > lost["MLP"])

# %% [markdown]
# ## A wrong bias: the label is the place
#
# Here a digit stands in one of the four quarters of a torus of 16 x 16 pixels, and the question is *which
# quarter*. All four images below are shifts of one another. A network that no shift changes gives all four
# the same answer, and the four labels differ.

# %%
where = learning_data.places(0)
_, axes = plt.subplots(1, 4, figsize=(6.4, 2))
for axis, image, label in zip(axes, where.train.images, where.train.labels, strict=False):
    axis.imshow(image[..., 0], cmap="gray_r")
    axis.set(xticks=[], yticks=[], title=f"label {label}")
plt.tight_layout()
plt.show()

# %% [markdown]
# That is a theorem, and `derive` proves it: of all linear maps from an image to a number, the only ones that
# no shift changes are multiples of the sum over the image.

# %%
torus = dv.Field(dv.translations(2), 1, grid=(16, 16), boundary="periodic", name="x")
total = dv.solve(torus, dv.trivial(torus.group.point))
print("free weights:", total.dim, " ", dv.text(total.layer))

# %% [markdown]
# The layers before may be as deep and as non-linear as they like: as each commutes with shifts, shifted
# images give shifted features, and the sum of these is the same. So one in four is the most that such a
# network can get right, *on the images that it is trained on* too, and however long it trains. The MLP, which
# is told nothing, has no trouble.

# %%
short = learning.Plan({}, places=(100,), steps=50, seeds=1, names=("MLP", "CNN"))
for place in learning.run(short):
    trained, tested = 100 * place.right[learning.TRAIN], 100 * place.right[UPRIGHT]
    print(f"{place.net}, trained on: {trained:.0f} %, tested: {tested:.0f} %")

# %% [markdown]
# ## The long run
#
# Five seeds, more sizes, and larger handwritten digits. These are the tables of `benchmarks/LEARNING.md`.

# %%
text = learning.RESULTS.read_text(encoding="utf-8")
display(Markdown(re.sub(r"^## (.*)$", r"**\1**", text[text.index("## ") :], flags=re.MULTILINE)))

# %% [markdown]
# ## What to take home
#
# - A symmetry that the task has is worth examples: on turned digits `p4` learns from 100 images what the CNN
#   does not learn from 100.
# - A symmetry that the task has not costs accuracy, a little (a 6 turned round is a 9) or all of it (the
#   place of a digit), and more data or more training do not mend it.
# - The choice is one word, the group. Everything else follows from it. The next notebook chooses groups that
#   have nothing to do with images, and the one after finds out whether a network has the symmetry it should.
