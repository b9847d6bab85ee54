# %% [markdown]
# # 09 Why was deep hard?
#
# **Question.** Did GoogLeNet need its two extra heads because it was deep, or because of how its weights started?
#
# 60 minutes; needs lesson 08.
#
# Afterwards you can
#
# - predict how large signals and gradients are behind many layers;
# - write three rules for the first weights;
# - say when a product of matrices keeps lengths;
# - add the losses of the two heads with weight 0.3;
# - write batch norm, forward and backward;
# - judge the sentence "gradients vanish because the network is deep".
#
# Letters: K channels out, C channels in, k x k a kernel, N images. "Head" is one of the two auxiliary classifiers, on
# 4a and 4d. If the notebook behaves oddly, restart the kernel and run from the top.

# %%
import math
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import data, initializers, optim, training, viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_09_starts import starts

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
SIZE = 112 if FAST else 224
shorter = f" (shortened run: images of {SIZE} x {SIZE})" if FAST else ""
rng = np.random.default_rng(9)

# %% [markdown]
# ## Twenty-two matrices
#
# A popular sentence: "unless the matrices are all exactly 1, the signal vanishes or explodes". Here are 22 matrices of
# 64 x 64, applied one after another to a vector of length 1. Which of them keep the length: all entries 1; a rotation;
# a shear, whose eigenvalues are all exactly 1; random entries of variance 1/64; the same with ReLU?
#
# Replace the three dots by a guess. Nobody marks it.

# %%
predict("09.a", ...)

# %%
n, layers = 64, 22


def normal(std):
    """Return a function that makes a new random matrix each time."""
    return lambda: std * rng.standard_normal((n, n))


def always(matrix):
    """Return a function that gives the same matrix each time."""
    return lambda: matrix


rotation = np.linalg.qr(rng.standard_normal((n, n)))[0]
shear = np.eye(n) + np.eye(n, k=1)
kinds = {
    "all entries 1": (always(np.ones((n, n))), False),
    "identity": (always(np.eye(n)), False),
    "rotation": (always(rotation), False),
    "shear, all eigenvalues 1": (always(shear), False),
    "averages of all": (always(np.full((n, n), 1 / n)), False),
    "N(0, 1/n)": (normal(n**-0.5), False),
    "N(0, 1/n) with ReLU": (normal(n**-0.5), True),
    "N(0, 2/n) with ReLU": (normal((2 / n) ** 0.5), True),
    "N(0, 0.01^2) with ReLU": (normal(0.01), True),
}

# %%
lengths = {}
start = rng.standard_normal(n)
for name, (matrix, relu) in kinds.items():
    vector = start / np.linalg.norm(start)
    for _ in range(layers):
        vector = matrix() @ vector
        vector = np.maximum(vector, 0) if relu else vector
    lengths[name] = float(np.linalg.norm(vector))
    print(f"{name:26} length {lengths[name]:.2g}")
figure, _ = viz.bar_chart({name: math.log10(value) for name, value in lengths.items()}, "log10 of the length")
print(outcome("09.a", [name for name, value in lengths.items() if 0.1 < value < 10]))
figure

# %%
assert lengths["all entries 1"] > 1e37
assert all(math.isclose(lengths[name], 1) for name in ("identity", "rotation"))
assert lengths["shear, all eigenvalues 1"] > 1e5
assert lengths["N(0, 0.01^2) with ReLU"] < 1e-20
assert 0.05 < lengths["N(0, 2/n) with ReLU"] < 20

# %% [markdown]
# What you saw: the matrix of ones explodes, by a factor of n in each step. A rotation has no entry that is 1, and keeps
# every length. The shear's eigenvalues are all exactly 1, and it does not. What counts are singular values, not entries
# and not eigenvalues. And random matrices keep the length roughly, if their variance fits their width and the ReLU.

# %% [markdown]
# ## Exercise 09.2: how long can it get
#
# Difficulty: ** of ***. About 8 minutes. Core. (09.1 comes below, where it is used.)
#
# mats is a list of square matrices of one size; the first meets the vector first. Return the largest and the smallest
# factor by which the length of a vector can change on its way through all of them.


# %%
# exercise 09.2
def product_gain(mats):
    """Return (largest, smallest) factor on the length of a vector that passes mats[0], mats[1], ..."""
    ### BEGIN SOLUTION
    total = np.eye(len(mats[0]))
    for matrix in mats:
        total = matrix @ total
    values = np.linalg.svd(total, compute_uv=False)
    return values[0], values[-1]
    ### END SOLUTION


# %%
gained = check("09.2", product_gain)
gained

# %%
if gained.passed:
    for name in ("identity", "rotation", "shear, all eigenvalues 1"):
        largest, smallest = product_gain([kinds[name][0]()] * 6)
        print(f"six times the {name}: lengths change by a factor of {smallest:.3g} to {largest:.3g}")

# %% [markdown]
# ## GoogLeNet, four ways to start
#
# Now the real network, all 22 layers. Its heads are cut off for the moment. One batch goes forward and its gradient
# backward. How large is the gradient at the first convolution, as a share of the gradient at the last module, 5b?
# Guess for weights drawn with standard deviation 0.01, which was the habit of 2012.

# %%
predict("09.b", ...)

# %%
print(f"two images of noise{shorter}")
g = mg.models.googlenet(size=SIZE, dropout=False, init="zeros")
main, (head1, head2) = g.outputs[-1], g.outputs[:-1]
ratios, rescued, first_losses, from_each = {}, {}, {}, {}
for scheme in starts.SCHEMES:
    x = starts.images(starts.started(g, scheme), scheme)
    loss1, of_head1 = starts.gradients(g, x, head1, [starts.FIRST, starts.MIDDLE])
    loss2, of_head2 = starts.gradients(g, x, head2, [starts.FIRST, starts.MIDDLE])
    loss3, of_main = starts.gradients(g, x, main, [starts.FIRST, starts.MIDDLE, starts.LAST])
    first, last = (starts.length(of_main[wire]) for wire in (starts.FIRST, starts.LAST))
    three = [found[starts.FIRST] for found in (of_head1, of_head2, of_main)]
    ratios[scheme], rescued[scheme] = first / last, starts.length(*three) / first
    first_losses[scheme] = [loss1, loss2, loss3]
    from_each[scheme] = [starts.length(found[starts.MIDDLE]) for found in (of_head1, of_head2, of_main)]
    print(f"{scheme:7} at 5b {last:.2g}, at conv1 {first:.2g}, ratio {ratios[scheme]:.2g}")
print(outcome("09.b", f"{ratios['0.01']:.1g}"))
figure, text = viz.bar_chart({name: math.log10(r) for name, r in ratios.items()}, "log10 of gradient at conv1 / at 5b")
figure

# %%
assert ratios["0.01"] < 1e-9 < 1e-3 < ratios["caffe"] < ratios["glorot"] < 1 < ratios["he"]

# %% [markdown]
# What you saw: the same 22 layers. With weights of 0.01 the gradient at the first layer is about a ten-billionth of the
# one at the last. With variance 2 / fan_in ("he") it *grows* on its way. So depth alone makes nothing vanish. A start
# does that loses a factor in every layer, and a ReLU that halves the mean square 22 times leaves 2^-22 of it, or
# 2^-11 = 1/2048 of the length.

# %%
assert 2**11 == 2048
print(f"measured above, 22 layers of N(0, 1/n) with ReLU: {lengths['N(0, 1/n) with ReLU']:.1g}, 2^-11 is {2**-11:.1g}")

# %% [markdown]
# ## Exercise 09.1: how wide to draw
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# Return the standard deviation of the weights of a convolution with K filters over C channels and kernels of k x k.
# "he": variance 2 / fan_in. "caffe" (there called xavier): variance 1 / fan_in. "glorot": variance
# 2 / (fan_in + fan_out). fan_in is how many numbers meet in one output, fan_out how many outputs of a place one input
# reaches in all.


# %%
# exercise 09.1
def init_std(K, C, k, scheme):
    """Return the standard deviation of weights (K, C, k, k) for scheme "he", "caffe" or "glorot"."""
    ### BEGIN SOLUTION
    fan_in, fan_out = C * k * k, K * k * k
    if scheme == "he":
        return math.sqrt(2 / fan_in)
    if scheme == "caffe":
        return math.sqrt(1 / fan_in)
    return math.sqrt(2 / (fan_in + fan_out))
    ### END SOLUTION


# %%
drawn = check("09.1", init_std)
drawn

# %% [markdown]
# Your rule beside what the engine draws, and then your rule in GoogLeNet:

# %%
if drawn.passed:
    for scheme in ("he", "caffe"):
        values = initializers.rule(scheme)((256, 64, 3, 3), 64 * 3 * 3, rng)
        print(f"{scheme:5} yours {init_std(256, 64, 3, scheme):.5f}, the engine's weights {values.std():.5f}")
        assert math.isclose(init_std(256, 64, 3, scheme), values.std(), rel_tol=0.01)
    for name, values in g.params.items():
        if name.endswith("/weight"):
            K, C, k = (*values.shape[:2], values.shape[-1] if values.ndim == 4 else 1)
            values[...] = init_std(K, C, k, "he") * rng.standard_normal(values.shape)
        else:
            values[...] = 0
    _, found = starts.gradients(g, starts.images(g, "he"), main, [starts.FIRST, starts.LAST])
    share = starts.length(found[starts.FIRST]) / starts.length(found[starts.LAST])
    print(f"GoogLeNet from your numbers: conv1 / 5b is {share:.2g}")
    assert 0.1 < share < 100

# %% [markdown]
# ## The heads
#
# The paper: the heads were there "to combat the vanishing gradient". Each adds its loss, times 0.3. By what factor do
# they multiply the gradient at the first layer, after each of the four starts?

# %%
predict("09.c", ...)

# %%
print(outcome("09.c", {scheme: f"{factor:.2g}" for scheme, factor in rescued.items()}))
for scheme, sizes in from_each.items():
    loss1, loss2, loss3 = sizes
    print(f"{scheme:7} gradient at 4a from the head on 4a {loss1:.2g}, on 4d {loss2:.2g}, from the end {loss3:.2g}")
assert rescued["0.01"] > 100 > 10 > rescued["he"]
where = dict(zip(("head on 4a", "head on 4d", "main classifier"), from_each["0.01"], strict=True))
assert from_each["0.01"][0] > 100 * max(from_each["0.01"][1:])
figure, text = viz.bar_chart(where, "weights of 0.01: gradient at 4a")
figure

# %% [markdown]
# What you saw: where the start is bad, the heads are a rescue: what reaches 4a comes almost all from the head that sits
# on it. Where the start is good, they change little.

# %% [markdown]
# ## The perfect first loss
#
# Before training all of 1000 classes look alike, so the loss should be ln 1000. Many courses take that as the sign of a
# good start. Which of the four starts gives exactly that on all three classifiers?

# %%
predict("09.d", ...)

# %%
print(f"ln 1000 = {math.log(1000):.4f}")
for scheme, values in first_losses.items():
    print(f"{scheme:7} heads {values[0]:.4f} and {values[1]:.4f}, main {values[2]:.4f}")
print(outcome("09.d", "0.01, the one that cannot learn"))
assert np.allclose(first_losses["0.01"], math.log(1000), atol=1e-4)
assert max(first_losses["he"]) > 8

# %% [markdown]
# What you saw: the sanity check is passed perfectly by the one start that cannot learn. No signal arrives, so all
# classes look alike, so the loss is ln 1000 to four places. A first loss of ln C is necessary for a calm start, and it
# proves nothing about gradients.

# %% [markdown]
# ## Exercise 09.3: three losses
#
# Difficulty: * of ***. About 8 minutes. Core.
#
# main, aux1 and aux2 are logits (N, C). `mg.losses.softmax_cross_entropy(logits, labels)` gives a loss and its gradient
# (N, C). Return the total loss, with weight w on each head's, and its gradients for the three logits.


# %%
# exercise 09.3
def total_loss_and_grad(main, aux1, aux2, labels, w):
    """Return (loss, dmain, daux1, daux2) for logits (N, C), N labels and the heads' weight w."""
    ### BEGIN SOLUTION
    loss, dmain = mg.losses.softmax_cross_entropy(main, labels)
    loss1, daux1 = mg.losses.softmax_cross_entropy(aux1, labels)
    loss2, daux2 = mg.losses.softmax_cross_entropy(aux2, labels)
    return loss + w * loss1 + w * loss2, dmain, w * daux1, w * daux2
    ### END SOLUTION


# %%
added = check("09.3", total_loss_and_grad)
added

# %% [markdown]
# Your gradients start GoogLeNet's way back. And when training is over, the heads go: the main classifier's numbers do
# not change by one bit.

# %%
starts.started(g, "he")
image, labels = rng.standard_normal((2, 3, SIZE, SIZE)).astype(np.float32), np.array([1, 2])
everything, tape = g.forward({"image": image}, outputs=(head1, head2, main), train=True)
if added.passed:
    logits = everything[main], everything[head1], everything[head2]
    loss, *grads = total_loss_and_grad(*logits, labels, np.float32(0.3))
    _, moved = g.backward(dict(zip((main, head1, head2), grads, strict=True)), tape, inputs=False)
    print(f"loss {loss:.3f}; the gradient reaches {sum(bool(grad.any()) for grad in moved.values())} arrays of weights")
alone, _ = g.forward({"image": image}, outputs=(main,))
stripped = np.array_equal(alone[main], everything[main])
print("main logits with and without the heads equal to the bit:", stripped)

# %% [markdown]
# ## Does it learn
#
# Gradients are one thing, learning another. A small relative with 12 modules learns shapes for a few steps, each time
# with one thing changed.

# %%
STEPS = 5 if FAST else 40
scenes = data.shapes(400, seed=9)
inputs = data.UNIT.to_input(scenes.pictures)
variants = {name: {**given, "width": 0.5} for name, given in training.gradient_norms.VARIANTS.items()}
flows = training.gradient_flow(inputs, scenes.labels, variants, steps=STEPS)
print(f"{STEPS} steps" + (" (shortened run: MINIGOOGLENET_FAST)" if FAST else ""))
training.gradient_norms.table(flows, STEPS)

# %%
figure, _ = viz.gradient_flow({name: flow.before for name, flow in flows.items()})
assert flows["weights of 0.01"].reach < 1e-10 < 1e-3 < flows["He's first weights"].reach
assert flows["weights of 0.01"].reach < flows["an auxiliary head"].reach < flows["He's first weights"].reach
figure

# %% [markdown]
# What you saw: a third of the depth, or one head in the middle, helps the bad start by many orders of magnitude and
# leaves it bad. Another start, or batch norm, makes the question go away.

# %% [markdown]
# ## Batch norm
#
# "Batch norm removes vanishing and exploding gradients." A chain of 22 layers, each a convolution, a batch norm and a
# ReLU. The weights are scaled by 0.01, 1 and 10. How does the gradient at the first layer compare with that at the
# last?

# %%
predict("09.e", ...)

# %%
growth = {scale: starts.chain(scale) for scale in (1e-4, 0.01, 1.0, 10.0)}
for scale, factor in growth.items():
    print(f"weights times {scale}: first / last is {factor:.3g}, in each layer {factor ** (1 / 21):.2f}")
print(outcome("09.e", {scale: f"{factor:.2g}" for scale, factor in growth.items()}))
assert 20 < growth[0.01] < 200
assert math.isclose(growth[1.0], growth[10.0], rel_tol=0.05)
assert growth[1e-4] < 1e-10
assert 1.1 < growth[1.0] ** (1 / 21) < 1.35

# %% [markdown]
# What you saw: the scale of the weights no longer matters, from 0.01 to 10. But the gradient is not kept: it *grows* by
# about a fifth in each layer. And with weights of a ten-thousandth the variance falls below epsilon, the division no
# longer makes up for it, and everything dies after all.

# %% [markdown]
# ## Exercise 09.4: batch norm, both ways
#
# Difficulty: *** of ***. About 20 minutes. Core.
#
# x and dout are (N, C, H, W), gamma and beta (C,). Normalise every channel by its mean and its variance over N, H and W
# (the mean of squares, not n - 1; eps under the root), times gamma, plus beta. Then the way back.


# %%
# exercise 09.4
def batchnorm(x, gamma, beta, eps, dout):
    """Return y (N, C, H, W) and the gradients dx (N, C, H, W), dgamma (C,), dbeta (C,)."""
    ### BEGIN SOLUTION
    along = {"axis": (0, 2, 3), "keepdims": True}
    std = np.sqrt(x.var(**along) + eps)
    xhat = (x - x.mean(**along)) / std
    y = gamma[:, None, None] * xhat + beta[:, None, None]
    d = gamma[:, None, None] * dout
    dx = (d - d.mean(**along) - xhat * (d * xhat).mean(**along)) / std
    return y, dx, (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %%
normed = check("09.4", batchnorm)
normed

# %% [markdown]
# Two things to see in your dx: a common shift of a channel changes nothing, so dx adds up to 0; stretching a channel
# changes (almost) nothing, so dx is orthogonal to x minus its mean.

# %%
if normed.passed:
    x, dout = rng.standard_normal((4, 3, 5, 5)), rng.standard_normal((4, 3, 5, 5))
    dx = batchnorm(x, np.ones(3), np.zeros(3), 1e-5, dout)[1]
    sums = dx.sum(axis=(0, 2, 3)), (dx * (x - x.mean(axis=(0, 2, 3), keepdims=True))).sum(axis=(0, 2, 3))
    print("sum of dx:", np.round(sums[0], 10), " sum of dx * (x - mean):", np.round(sums[1], 4))

# %%
compare("09.4")

# %% [markdown]
# ## Exercise 09.5: what arrives
#
# Difficulty: ** of ***. About 5 minutes. The numbers are yours: they are drawn from the name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("09.5", student)

# %%
# exercise 09.5
### BEGIN SOLUTION
arrives = (lambda layers, fan_in, std: (std * math.sqrt(fan_in / 2)) ** layers)(**find("09.5").values(student))
### END SOLUTION

# %%
answer("09.5", arrives)

# %% [markdown]
# ## Make it break
#
# One step of gradient descent from weights of 0.01, at a rate of 0.01 and without heads. How many of the arrays of
# weights and biases change at all? Predict first. float32 keeps about seven digits.

# %%
starts.started(g, "0.01")
outputs, tape = g.forward({"image": starts.images(g, "0.01")}, outputs=(main,), train=True)
_, upstream = mg.losses.softmax_cross_entropy(outputs[main], np.array([1, 2]))
_, grads = g.backward({main: upstream}, tape, inputs=False)
before = {name: values.copy() for name, values in g.params.items()}
optim.sgd_step(g.params, grads, {}, lr=0.01)
weights = [name for name in grads if name.endswith("/weight")]
still = [name for name in weights if np.array_equal(before[name], g.params[name])]
print(f"{len(still)} of {len(weights)} arrays of weights did not change in a single bit, conv1 among them")
assert starts.FIRST + "/weight" in still

# %% [markdown]
# Their gradients are not 0. They are so small that adding them rounds to nothing. Longer training does not help: each
# step rounds to nothing again.

# %% [markdown]
# ## Take it further
#
# - A shortcut past each module (x + f(x)): what becomes of the factor per layer?
# - Data-dependent starts: after drawing, divide each layer's weights by the deviation of its outputs on one batch.
# - Count how many arrays have changed after ten steps in the last cell but one.
# - Start the chain with batch norm at eps = 0. Where does it die now?
# - Later papers of the same group say that the heads act as regularisers. What do the numbers above say for that?

# %% [markdown]
# ## Claims, checked

# %%
claims = [
    ("gradients vanish because the net is deep", ratios["he"] > 1, "wrong: at the same depth they grow after 'he'"),
    (
        "matrices must be all exactly 1s",
        lengths["all entries 1"] > 1e37,
        "wrong: all ones explode; singular values count",
    ),
    ("eigenvalues of 1 keep lengths", lengths["shear, all eigenvalues 1"] > 1e5, "wrong: see the shear"),
    ("the heads bring gradient signal", rescued["0.01"] > 100, "right for bad starts; they matter little after 'he'"),
    ("a first loss of ln C means a good start", ratios["0.01"] < 1e-9, "wrong: the dead start has it exactly"),
    (
        "before batch norm deep nets could hardly be trained",
        ratios["he"] > 0.1,
        "refined: with a better start they could",
    ),
    ("batch norm removes exploding gradients", growth[1.0] > 20, "refined: scale no longer matters, growth remains"),
    ("the heads are thrown away after training", stripped, "right: not a bit changes"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Exit quiz
#
# Answer each in one sentence, then look: `quiz("09", answers=True)`.

# %%
quiz("09")
