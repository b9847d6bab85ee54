# %% [markdown]
# # 14 What came after
#
# **Question.** Which ideas halved GoogLeNet's error, and what does each of them cost or save?
#
# About 60 minutes. You need lessons 07 and 09.
#
# Afterwards you can
#
# - replace a large kernel with small ones, and write the kernel that they compute together;
# - halve height and width without a bottleneck;
# - write the loss of label smoothing, and compute its smallest value;
# - prove that equal towers, a grouped convolution and Xception's layers are the same idea;
# - measure whether zeros make a network faster.
#
# A *MAC* is one multiply-add. Counts are for one image.

# %%
import copy
import math
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.bench import clock, settings
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.layers import Conv2d
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_14_after import drawing, sparse

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
rng = np.random.default_rng(14)

# %% [markdown]
# ## The family
#
# Inception-ResNet-v2 has about half of GoogLeNet's top-5 error. Guess: how many times as many MACs does it need?

# %%
predict("14.a", ...)

# %%
networks = drawing.counted()
figure, _ = drawing.family(networks)
figure

# %%
macs = {title: macs for title, _, _, macs, _ in networks}
outcome("14.a", round(macs["Inception-ResNet-v2"] / macs["GoogLeNet"], 1))

# %% [markdown]
# What you saw: the parameters and MACs are counted here, and the errors are those that the papers report. (They differ
# in training and image size, so they do not measure the architecture alone.) VGG-16 has the most parameters and MACs of
# all. The rest of the lesson takes the ideas one by one.
#
# ## Two small kernels for a large one
#
# Inception-v2 and v3 replace a 5x5 convolution with two 3x3 in a row, and v3 replaces a 7x7 with a 1x7 and a 7x1. All
# have 64 channels. Guess: how many times as many MACs does the large kernel need in both cases?

# %%
predict("14.b", ...)


# %%
def chain(*kernels, channels=64, size=35):
    """Return a graph of convolutions in a row, all with the same channels, height and width."""
    g, wire = mg.Graph(image=(channels, size, size)), "image"
    for number, (R, S) in enumerate(kernels):
        conv = Conv2d(channels, channels, (R, S), padding=(R // 2, S // 2), bias=False, init="zeros")
        wire = g.add(f"conv{number}", conv, wire)
    return g


chains = {"5x5": [(5, 5)], "3x3, 3x3": [(3, 3)] * 2, "7x7": [(7, 7)], "1x7, 7x1": [(1, 7), (7, 1)]}
chains["3x3, 3x3, 3x3"] = [(3, 3)] * 3
costs = {name: mg.count(chain(*kernels)) for name, kernels in chains.items()}
rows = [
    (name, c.macs, c.params // 64**2, "{} x {}".format(*c.rows[-1].receptive_field_max)) for name, c in costs.items()
]
mg.console.Table("", ("kernels", ">MACs", ">weights per pair of channels", "receptive field"), rows)

# %%
ratios = costs["5x5"].macs / costs["3x3, 3x3"].macs, costs["7x7"].macs / costs["1x7, 7x1"].macs
assert np.allclose(ratios, (25 / 18, 49 / 14))
outcome("14.b", [round(ratio, 2) for ratio in ratios])

# %% [markdown]
# What you saw: the small kernels reach as far as the large one and need fewer weights. (Three 3x3 reach as far as a
# 7x7.) They cannot compute everything that the large kernel can, but a ReLU fits between them. What do they compute
# without it?

# %% [markdown]
# ## Exercise 14.1: two kernels in a row
#
# Difficulty: ** of ***. About 6 minutes. Core.
#
# The kernels `first` (R1, S1) and `second` (R2, S2) are convolutions of one channel, without padding and bias.
# `second` reads the output of `first`. Return the one kernel (R1 + R2 - 1, S1 + S2 - 1) that computes the same.


# %%
def compose(first, second):
    """Exercise 14.1: first (R1, S1), second (R2, S2) -> (R1 + R2 - 1, S1 + S2 - 1)."""
    ### BEGIN SOLUTION
    R1, S1 = first.shape
    both = np.zeros((R1 + second.shape[0] - 1, S1 + second.shape[1] - 1))
    for i, j in np.ndindex(second.shape):
        both[i : i + R1, j : j + S1] += second[i, j] * first
    return both
    ### END SOLUTION


# %%
result = check("14.1", compose)
result

# %%
if result.passed:
    x = rng.normal(size=(1, 1, 12, 12))
    for a, b in (((3, 3), (3, 3)), ((1, 7), (7, 1))):
        first, second = rng.normal(size=a), rng.normal(size=b)
        both = compose(first, second)
        two = mg.kernels.conv2d.forward(mg.kernels.conv2d.forward(x, first[None, None]), second[None, None])
        assert np.allclose(two, mg.kernels.conv2d.forward(x, both[None, None]))
        rank = np.linalg.matrix_rank(both)
        print(f"{a} and {b}: one kernel of {both.shape} with the same outputs, a matrix of rank {rank}")

# %% [markdown]
# What you saw: a 1x7 and a 7x1 give 7x7 kernels of rank 1 only. With many channels, their sums have a larger rank.
#
# ## Half the size without a bottleneck
#
# A map of 320 channels at 35 x 35 must become 640 channels at 17 x 17. You can convolve and then pool, pool and then
# convolve, or do both side by side and concatenate, 320 channels from each. Guess: how many times as many MACs does the
# most expensive way need as the cheapest?

# %%
predict("14.c", ...)

# %%
conv, pool = mg.layers.Conv2d, mg.layers.MaxPool2d(3, 2)
ways = {  # each a list of stages; the layers of one stage run side by side
    "convolve, then pool": [[conv(320, 640, 3, padding=1, init="zeros")], [pool]],
    "pool, then convolve": [[pool], [conv(320, 640, 3, padding=1, init="zeros")]],
    "side by side": [[conv(320, 320, 3, 2, init="zeros"), pool]],
}
rows = []
for name, stages in ways.items():
    shape, total, narrowest = (320, 35, 35), 0, math.inf
    for stage in stages:
        total += sum(mg.count(layer, shape).macs for layer in stage)
        outputs = [layer.output_shape(shape) for layer in stage]
        shape = (sum(output[0] for output in outputs), *outputs[0][1:])
        narrowest = min(narrowest, math.prod(shape))
    assert shape == (640, 17, 17)
    rows.append((name, total, narrowest))
print(outcome("14.c", round(max(row[1] for row in rows) / min(row[1] for row in rows), 2)))
mg.console.Table("", ("reduction", ">MACs", ">values at its narrowest stage"), rows)

# %% [markdown]
# What you saw: a pool in front is cheap, but it leaves half of the values that the output has: a *representational
# bottleneck*. Side by side has no bottleneck, and needs the fewest MACs.

# %% [markdown]
# ## Exercise 14.2: your grid reduction
#
# Difficulty: * of ***. About 3 minutes. Core.

# %%
student = "you"  # your name or number, if your course asks for it
ask("14.2", student)

# %%
v = find("14.2").values(student)
# exercise 14.2
### BEGIN SOLUTION
reduction_macs = (v["H"] // 2) ** 2 * v["C"] * v["C"] * v["k"] ** 2
### END SOLUTION
answer("14.2", reduction_macs)

# %% [markdown]
# ## Batch norm instead of heads and LRN
#
# BN-Inception has neither auxiliary heads nor LRN. Instead, it has *batch norm* after every convolution (lesson 09):

# %%
rows = []
for name in ("googlenet", "bn_inception"):
    g = mg.models.build(name, init="zeros")
    kinds = [node.layer.kind for node in g.nodes.values()]
    counts = [kinds.count(kind) for kind in ("LocalResponseNorm", "BatchNorm2d")]
    rows.append((name, len(g.outputs) - 1, *counts, mg.count(g).params))
mg.console.Table("", ("network", ">heads", ">LRN", ">batch norms", ">parameters"), rows)

# %% [markdown]
# Train the small network of lesson 07 on digits in both styles with a large learning rate, 0.2. Guess the accuracy of
# each. Training takes about twenty seconds.

# %%
predict("14.d", ...)

# %%
images, labels, test_images, test_labels = mg.data.digits(16)
EPOCHS = 1 if FAST else 2
if FAST:
    images, labels, test_images, test_labels = images[:320], labels[:320], test_images[:150], test_labels[:150]


def train(g, lr=0.2, epochs=EPOCHS, on_step=None):
    """Train a network on the digits, and print one line per epoch."""
    for epoch in range(epochs):
        rate = lr / (1 + epoch)
        steps = mg.training.train(g, images, labels, epochs=1, lr=rate, rng=epoch, on_step=on_step)
        print(f"epoch {epoch + 1} of {epochs}{' (fast)' if FAST else ''}: loss {steps[-1].loss:.2f}")


def accuracy(g):
    """Return the accuracy on held-out digits."""
    return round(float((mg.evaluation.predict(g, test_images) == test_labels).mean()), 3)


def mini(**style):
    """Return an untrained small GoogLeNet for the digits."""
    return mg.models.mini_googlenet(10, in_channels=1, size=16, dropout=False, rng=0, **style)


old, normalised = mini(norm="lrn", aux=True), mini(norm="batch")
train(old)
train(normalised)
outcome("14.d", {"LRN and a head": accuracy(old), "batch norm": accuracy(normalised)})

# %% [markdown]
# What you saw: with batch norm, the network learns at a learning rate that the old style cannot use. (These are single
# runs. The paper, too, trains with larger learning rates.)
#
# ## Label smoothing
#
# Inception-v3 also changed the loss. Of each target, a fraction of 0.1 is taken from the label and spread over all K
# classes, the label included. Guess: what is the smallest loss that a network with 1000 classes can now reach?

# %%
predict("14.e", ...)

# %%
gaps = np.arange(0, 20, 0.01)  # logit of the label minus the logit of every other class
curves = {}
for smoothing in (0.0, 0.1):
    loss = [mg.losses.softmax_cross_entropy(gap * np.eye(1, 1000), np.array([0]), smoothing)[0] for gap in gaps[::100]]
    curves[f"smoothing {smoothing}"] = gaps[::100], loss
figure, _ = mg.viz.line_chart(curves, "logit of the label minus the other logits", "loss in nats")
figure

# %%
best = gaps[np.argmin([mg.losses.softmax_cross_entropy(gap * np.eye(1, 1000), np.array([0]), 0.1)[0] for gap in gaps])]
smallest = mg.losses.smallest_loss(1000, 0.1)
assert math.isclose(best, math.log((0.9 + 0.0001) / 0.0001), abs_tol=0.01)
print(f"The loss is smallest at a difference of {best:.2f}.")
outcome("14.e", round(smallest, 2))

# %% [markdown]
# What you saw: without smoothing, larger logits always help, so they grow without limit. With smoothing, the loss has
# a minimum, where the probabilities equal the targets. So do not wait for such a loss to approach 0.

# %% [markdown]
# ## Exercise 14.3: label smoothing
#
# Difficulty: ** of ***. About 7 minutes. Core.
#
# z are the logits (N, K), labels (N,) the correct classes, and `smoothing` the fraction of each target that is spread
# over all K classes. Return the loss (the mean over the images, in nats) and its gradient (N, K) with respect to z.


# %%
def smoothed_loss(z, labels, smoothing):
    """Exercise 14.3: z (N, K), labels (N,), smoothing -> (loss, dz (N, K))."""
    ### BEGIN SOLUTION
    N, K = z.shape
    log_p = z - z.max(axis=1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    q = np.full(z.shape, smoothing / K)
    q[np.arange(N), labels] += 1 - smoothing
    return -(q * log_p).sum() / N, (np.exp(log_p) - q) / N
    ### END SOLUTION


# %%
check("14.3", smoothed_loss)

# %% [markdown]
# ## Equal towers
#
# ResNeXt makes all branches of a module equal: each of G *towers* is a 1x1 to d channels, a 3x3 of d channels and a 1x1
# back to all channels, and their outputs are added. Its first block has G = 32 towers of d = 4 channels between 256
# channels. In the same position, ResNet has one tower of d = 64. Which has more weights, "32 narrow" or "one wide"?

# %%
predict("14.f", ...)


# %%
def tower_weights(towers, d, C=256):
    """Return the number of weights of that many towers of d channels between C channels."""
    return towers * (C * d + 9 * d * d + d * C)


counts = {"one wide": tower_weights(1, 64), "32 narrow": tower_weights(32, 4)}
print(f"channels inside: 64 and {32 * 4}; weights: {counts}")
outcome("14.f", max(counts, key=counts.get))

# %% [markdown]
# What you saw: almost equal numbers, but the towers have twice as many channels inside. A *grouped convolution* splits
# its channels into groups, and each filter reads one group only. It computes all 3x3 of the towers at once.

# %% [markdown]
# ## Exercise 14.4: towers as groups
#
# Difficulty: ** of ***. About 7 minutes. Core.
#
# The weights of G towers are w1 (G, d, C, 1, 1), w2 (G, d, d, R, S) and w3 (G, K, d, 1, 1). Tower g is a convolution
# with w1[g], a ReLU, w2[g], a ReLU, and w3[g]. The module is the sum of the towers. Return the weights of three
# convolutions in a row that compute the same: a 1x1 to G*d channels, one in G groups, and a 1x1 to K channels.


# %%
def grouped(w1, w2, w3):
    """Exercise 14.4: w1 (G, d, C, 1, 1), w2 (G, d, d, R, S), w3 (G, K, d, 1, 1) -> three arrays of weights."""
    ### BEGIN SOLUTION
    return np.concatenate(w1), np.concatenate(w2), np.concatenate(w3, axis=1)
    ### END SOLUTION


# %%
result = check("14.4", grouped)
result

# %% [markdown]
# The ResNeXt paper draws three forms of its module. Are their outputs equal?


# %%
def conv_of(x, w, groups=1):
    """Return the convolution of x with weights w, with the same height and width."""
    padding = w.shape[2] // 2, w.shape[3] // 2
    return mg.kernels.conv2d.forward(x, w, None, 1, padding, groups, algorithm="im2col")


def relu(x):
    """Return x with zeros instead of its negative values."""
    return np.maximum(x, 0)


if result.passed:
    x = rng.normal(size=(2, 16, 9, 9))
    w1, w2, w3 = (rng.normal(size=shape) for shape in ((8, 4, 16, 1, 1), (8, 4, 4, 3, 3), (8, 16, 4, 1, 1)))
    first, middle, last = grouped(w1, w2, w3)
    inside = [relu(conv_of(relu(conv_of(x, w1[g])), w2[g])) for g in range(8)]
    forms = {
        "sum of the towers": sum(conv_of(inside[g], w3[g]) for g in range(8)),
        "concat inside, as in Inception": conv_of(np.concatenate(inside, axis=1), last),
        "grouped convolution": conv_of(relu(conv_of(relu(conv_of(x, first)), middle, groups=8)), last),
    }
    for name, y in forms.items():
        assert np.allclose(y, forms["sum of the towers"])
        print(f"{name}: largest difference {abs(y - forms['sum of the towers']).max():.0e}")

# %% [markdown]
# What you saw: an Inception module of equal branches is a grouped convolution between two 1x1.
#
# ## The extreme Inception
#
# Now let the number of groups grow until each channel is a group of its own: a *depthwise convolution*. A 1x1 and a
# depthwise convolution together are a *separable convolution*, of which Xception consists. Its middle part has 728
# channels. Guess: how many times as many weights has a dense 3x3 convolution of 728 channels?

# %%
predict("14.g", ...)

# %%
weights = {}
for groups in (2, 4, 28, 182, 728):
    grouped_conv = Conv2d(728, 728, 3, padding=1, groups=groups, bias=False, init="zeros")
    weights[f"1x1, then 3x3, {groups} groups"] = 728 * 728 + mg.count(grouped_conv, (728, 19, 19)).params
dense = 9 * 728 * 728
millions = {name: count / 1e6 for name, count in {"dense 3x3": dense, **weights}.items()}
figure, _ = mg.viz.bar_chart(millions, "million weights", marked=["dense 3x3"])
figure

# %%
x, w = rng.normal(size=(1, 12, 8, 8)), rng.normal(size=(12, 1, 3, 3))
segments = [conv_of(x[:, c : c + 1], w[c : c + 1]) for c in range(12)]  # a branch for each channel
assert np.allclose(np.concatenate(segments, axis=1), conv_of(x, w, groups=12))
outcome("14.g", round(dense / weights["1x1, then 3x3, 728 groups"], 1))

# %% [markdown]
# What you saw: with one group per channel, almost all the weights are in the 1x1. (Xception puts it second.) The
# assertion proves that one branch per channel computes a depthwise convolution.
#
# ## Do zeros make a network faster?
#
# GoogLeNet's paper wants sparse networks, and settles for dense branches because dense products are fast. Measure it.
# *Pruning* sets the smallest weights to zero. Keep so many weights of the trained network that they have the MACs of a
# network of half the width. Guess: how many times as fast as the full network are the pruned and the narrow one?
#
# Training takes about twenty seconds.

# %%
predict("14.h", ...)

# %%
full, pruned_net, narrow = normalised, copy.deepcopy(normalised), mini(norm="batch", width=0.5)
masks = sparse.masks(full, mg.count(narrow).macs / mg.count(full).macs)
sparse.apply(pruned_net, masks)
nets = {"full": full, "pruned": pruned_net, "narrow, trained as long": narrow}
train(narrow, epochs=EPOCHS + 1)
rows = [(name, mg.count(g).macs, sparse.useful_macs(g), accuracy(g)) for name, g in nets.items()]
train(pruned_net, lr=0.02, epochs=1, on_step=lambda step: sparse.apply(pruned_net, masks))
rows.insert(2, ("pruned, then trained", mg.count(full).macs, sparse.useful_macs(pruned_net), accuracy(pruned_net)))
mg.console.Table("", ("network", ">MACs", ">of them not with 0", ">accuracy"), rows)

# %%
with settings.threads(1), parallel.computing():
    runs = {name: lambda g=g: g.infer({"image": test_images})[g.main] for name, g in nets.items()}
    timings = clock.alternate(runs, rounds=3 if FAST else 7, seconds=3, tolerance=None)
times = {name: timing.median for name, timing in timings.items()}
outcome("14.h", {name: round(times["full"] / seconds, 2) for name, seconds in times.items()})

# %% [markdown]
# What you saw: pruning alone ruins the network, and a little training repairs it. But a dense product multiplies by
# the zeros too, so the pruned network is as slow as before. The narrow one has as many useful MACs, is faster, and is
# about as accurate. (These are single runs, and digits are easy.)

# %% [markdown]
# ## Make it break
#
# Prune more and more of the trained network, without training afterwards. At which fraction does it break?

# %%
kept = (1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
left = []
for fraction in kept:
    broken = copy.deepcopy(full)
    sparse.apply(broken, sparse.masks(full, fraction))
    left.append(accuracy(broken))
figure, _ = mg.viz.line_chart({"pruned, not trained again": (kept, left)}, "fraction of weights kept", "accuracy")
figure

# %% [markdown]
# ## Claims, checked
#
# You may meet these claims in the papers. Each line shows a claim and what you get when you count.

# %%
params = {title: params for title, _, params, _, _ in networks}
resnet, resnext = (mg.count(mg.models.build(name, init="zeros")) for name in ("resnet50", "resnext50_32x4d"))
print(f"'two 3x3 save 28%': {1 - 1 / ratios[0]:.0%}; true")
more = macs["BN-Inception (v2)"] / macs["GoogLeNet"] - 1, params["BN-Inception (v2)"] / params["GoogLeNet"] - 1
print(f"'BN-Inception has 30% more cost, 25% more parameters': {more[0]:.0%} and {more[1]:.0%}; true only for MACs")
print(f"'Xception costs as much as v3': {macs['Xception'] / macs['Inception-v3']:.2f} times the MACs; wrong")
print(f"'ResNeXt-50 has the complexity of ResNet-50': {resnext.macs / resnet.macs:.2f} times the MACs; nearly")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("14", answers=True)`.

# %%
glossary.terms("14")

# %%
quiz("14")

# %% [markdown]
# ## Take it further
#
# The next lesson does not need what follows.
#
# - `mg.view(mg.models.inception_v3(init="zeros"))` shows v3 as a page. Find the three kinds of modules.
# - Train the small network with and without label smoothing: in a recipe with
#   `mg.training.Settings(label_smoothing=0.1)`.
# - Prune whole filters instead of weights, and build the narrower network. Is it faster?

# %% [markdown]
# ## Exercise 14.5: a separable convolution
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# x has shape (N, C, H, W). First convolve each channel with its own kernel, `depthwise` (C, 1, R, S) with odd R and S,
# padded with zeros so that height and width stay. Then apply the 1x1 convolution `pointwise` (K, C, 1, 1). Nothing is
# in between.


# %%
def separable(x, depthwise, pointwise):
    """Exercise 14.5: x (N, C, H, W), depthwise (C, 1, R, S), pointwise (K, C, 1, 1) -> (N, K, H, W)."""
    ### BEGIN SOLUTION
    R, S = depthwise.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (R // 2, R // 2), (S // 2, S // 2)))
    y = np.zeros(x.shape)
    for r, s in np.ndindex(R, S):
        y += depthwise[:, 0, r, s][:, None, None] * padded[:, :, r : r + x.shape[2], s : s + x.shape[3]]
    return np.einsum("kc,nchw->nkhw", pointwise[:, :, 0, 0], y)
    ### END SOLUTION


# %%
check("14.5", separable)

# %%
compare("14.5")

# %% [markdown]
# ## A small network at every pixel
#
# *Network in Network* describes a 1x1 convolution as a layer of a multilayer perceptron (MLP) that is applied at every
# pixel. Compare: three `Linear` layers applied to one pixel after another, and three 1x1 convolutions.

# %%
x, y = rng.normal(size=(1, 8, 6, 6)), np.zeros((1, 4, 6, 6))
layers = [(rng.normal(size=(16, 8)), rng.normal(size=16)), (rng.normal(size=(16, 16)), rng.normal(size=16))]
layers.append((rng.normal(size=(4, 16)), rng.normal(size=4)))
for i, j in np.ndindex(6, 6):
    values = x[0, :, i, j]
    for w, b in layers:
        values = relu(w @ values + b)
    y[0, :, i, j] = values
for w, b in layers:
    x = relu(mg.kernels.conv2d.forward(x, w[:, :, None, None], b))
assert np.allclose(x, y)
print(f"largest difference: {abs(x - y).max():.0e}")

# %% [markdown]
# ## Residual scaling
#
# Inception-ResNet-v2 adds each module to its input, and multiplies the module's output by 0.17 before the addition.
# Take 40 such blocks, each a ReLU and a 3x3 convolution with He's initialisation (lesson 09). Guess: by what factor
# does the standard deviation grow with a scale of 1, and with 0.17?

# %%
predict("14.i", ...)

# %%
growth = {}
for scale in (1.0, 0.17):
    g = mg.Graph(image=(16, 16, 16))
    wire = "image"
    for number in range(40):
        conv = Conv2d(16, 16, 3, padding=1, init="he", rng=number)
        branch = g.add(f"conv{number}", conv, g.add(f"relu{number}", mg.layers.ReLU(), wire))
        branch = g.add(f"scale{number}", mg.layers.Scale(16, init=scale, bias=False, trained=False), branch)
        wire = g.add(f"sum{number}", mg.layers.Add(), wire, branch)
    image = np.random.default_rng(0).normal(size=(2, 16, 16, 16)).astype(np.float32)
    growth[scale] = float(g.infer({"image": image}, [wire])[wire].std() / image.std())
    print(f"scale {scale}: predicted {(1 + scale**2) ** 20:.3g}, measured {growth[scale]:.3g}")
outcome("14.i", [f"{factor:.2g}" for factor in growth.values()])

# %% [markdown]
# What you saw: each block adds a branch with the variance of its input, so without a scale the variance doubles 40
# times. A scale of s multiplies the variance by 1 + s * s only. (The weights are random, so the measured factors
# differ from the predicted ones.)

# %% [markdown]
# ## Exercise 14.3b: your smallest loss
#
# Difficulty: ** of ***. About 4 minutes. Further.

# %%
ask("14.3b", student)

# %%
v = find("14.3b").values(student)
# exercise 14.3b
### BEGIN SOLUTION
smallest_value = mg.losses.smallest_loss(v["K"], v["percent"] / 100)
### END SOLUTION
answer("14.3b", smallest_value)

# %% [markdown]
# ## Exercise 14.6: prune to a budget
#
# Difficulty: ** of ***. About 7 minutes. Further.
#
# w (K, C, R, S) are the weights of a convolution with `positions` outputs per filter. At most `macs` of its MACs may
# multiply by a weight that is not zero. Return a copy of w in which as many weights as possible keep their values and
# the others are zero: those with the smallest absolute values. No two weights have the same absolute value.


# %%
def pruned(w, macs, positions):
    """Exercise 14.6: w (K, C, R, S), macs, positions -> (K, C, R, S)."""
    ### BEGIN SOLUTION
    smallest = np.argsort(abs(w), axis=None)[: w.size - macs // positions]
    result = w.copy()
    result.flat[smallest] = 0
    return result
    ### END SOLUTION


# %%
check("14.6", pruned)

# %% [markdown]
# ## When do zeros pay?
#
# A *sparse* product stores the weights that are not zero, and reads only the inputs that they need. GoogLeNet's paper
# expects that even 100 times fewer multiplications would not pay. Guess: at 10% and at 1% of the weights, how many
# times as fast as the dense product is a sparse one?

# %%
predict("14.j", ...)

# %%
x, speeds = rng.normal(size=(480, 784)).astype(np.float32), {}
for fraction in (0.1, 0.01):
    w = rng.normal(size=(256, 480)).astype(np.float32) * (rng.random((256, 480)) < fraction)
    stored = [(np.flatnonzero(row), row[row != 0]) for row in w]
    products = {"dense": lambda w=w: w @ x, "sparse": lambda rows=stored: np.stack([v @ x[at] for at, v in rows])}
    with settings.threads(1), parallel.computing():
        timings = clock.alternate(products, rounds=5, seconds=1)
    speeds[f"{fraction:.0%}"] = round(timings["dense"].median / timings["sparse"].median, 2)
outcome("14.j", speeds)

# %% [markdown]
# What you saw: the gain is far below the saved multiplications, because the sparse product gathers rows of x in many
# small steps. Where it starts to pay depends on the machine and on the code.
