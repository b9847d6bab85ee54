# %% [markdown]
# # 09 Why was deep hard?
#
# **Question.** Did GoogLeNet need its two auxiliary heads because it was deep, or because of how its weights were
# initialised?
#
# About 50 minutes. Needs lesson 08.
#
# Afterwards you can
#
# - predict how large signals and gradients are after many layers;
# - write three rules for the first weights;
# - say when a product of matrices keeps lengths;
# - add the losses of the two heads with weight 0.3;
# - say what a shortcut past a layer (a residual connection) does to gradients;
# - derive the gradient of batch norm, and write batch norm forward and backward;
# - judge the sentence "gradients vanish because the network is deep".
#
# Letters: K filters, C input channels, k x k kernel, N images. A "head" is one of the two auxiliary classifiers, on 4a
# and 4d. If the notebook behaves oddly, restart the kernel and run from the top.

# %%
import math
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import data, initializers, optim, training, viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_09_starts import drawing, shortcuts, starts

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
# Replace the three dots with a guess.

# %%
predict("09.a", ...)

# %%
n, layers = 64, 22


def normal(std):
    """Return a function that returns a new random matrix each time."""
    return lambda: std * rng.standard_normal((n, n))


def always(matrix):
    """Return a function that returns the same matrix each time."""
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
print(outcome("09.a", [name for name, length in lengths.items() if 0.1 < length < 10]))
figure, _ = drawing.log_points(lengths, "length after 22 matrices")
figure

# %%
assert lengths["all entries 1"] > 1e37
assert all(math.isclose(lengths[name], 1) for name in ("identity", "rotation"))
assert lengths["shear, all eigenvalues 1"] > 1e5
assert lengths["N(0, 0.01^2) with ReLU"] < 1e-20
assert 0.05 < lengths["N(0, 2/n) with ReLU"] < 20

# %% [markdown]
# What you saw: the matrix of ones makes the vector longer by a factor of n in each step. A rotation has no entry that
# is 1, and keeps every length. The shear's eigenvalues are all exactly 1, and it changes lengths. Singular values
# decide, not entries and not eigenvalues. Random matrices keep the length roughly, if their variance fits their width
# and the ReLU.

# %% [markdown]
# ## GoogLeNet, four initialisations
#
# Now the real network, all 22 layers, first without its heads. One batch goes forward and its gradient backward. By
# what factor is the gradient at the first convolution smaller or larger than the gradient at the last module, 5b? Guess
# for weights with a standard deviation of 0.01, the habit of 2012.
#
# The other three initialisations ("glorot", "caffe" and "he") draw smaller weights for a layer whose outputs read more
# values. "he" draws the largest of the three. Exercise 09.1 has their formulas.
#
# The next cell takes 10 to 20 seconds and prints a line for each initialisation.

# %%
predict("09.b", ...)

# %%
print(f"two images of noise{shorter}")
g = mg.models.googlenet(size=SIZE, dropout=False, init="zeros")
head1, head2, main = g.outputs
surveys = {}
for scheme in starts.SCHEMES:
    surveys[scheme] = found = starts.survey(g, scheme)
    print(
        f"{scheme:7} gradient at 5b {found.last:.2g}, at conv1 {found.first:.2g}, ratio {found.first / found.last:.2g}"
    )
ratios = {scheme: found.first / found.last for scheme, found in surveys.items()}
print(outcome("09.b", f"{ratios['0.01']:.1g}"))
figure, _ = drawing.log_points(ratios, "gradient at conv1 / gradient at 5b")
figure

# %%
assert ratios["0.01"] < 1e-9 < 1e-3 < ratios["caffe"] < ratios["glorot"] < 1 < ratios["he"]

# %% [markdown]
# What you saw: four times the same 22 layers. With weights of 0.01 the gradient at the first layer is about a
# ten-billionth of the gradient at the last. With "he" it *grows* on its way back. So depth alone does not make
# gradients vanish. They vanish if the initialisation loses a factor in every layer. A ReLU, for example, halves the
# mean square. 22 of them leave 2^-22 of it, or 2^-11 = 1/2048 of the length. "he" makes up for that.

# %%
assert 2**11 == 2048
print(f"measured above, 22 layers of N(0, 1/n) with ReLU: {lengths['N(0, 1/n) with ReLU']:.1g}, 2^-11 is {2**-11:.1g}")

# %% [markdown]
# ## Exercise 09.1: how wide to draw
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# Return the standard deviation of the weights of a convolution with K filters over C channels and kernels of k x k.
# "he": variance 2 / fan_in. "caffe" (Caffe calls it xavier): variance 1 / fan_in. "glorot": variance 2 /
# (fan_in + fan_out). fan_in is how many values one output reads. fan_out is how many outputs read one input.


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
# Your rule next to what the engine draws, and then your rule in GoogLeNet:

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
    _, grads = starts.gradients(g, starts.images(g, "he"), main, [starts.FIRST, starts.LAST])
    ratio = starts.length(grads[starts.FIRST]) / starts.length(grads[starts.LAST])
    print(f"GoogLeNet from your numbers: gradient at conv1 / at 5b is {ratio:.2g}")
    assert 0.1 < ratio < 100

# %% [markdown]
# ## The heads
#
# Why does the network have heads? The preprint (arXiv:1409.4842v1, section 5) hopes that they send more gradient back,
# help the lower layers to tell classes apart, and regularise. The conference version (CVPR 2015, section 5) speaks of
# the vanishing gradient. Each head adds its loss, times 0.3. By what factor do they multiply the gradient at the first
# layer, after each of the four initialisations?

# %%
predict("09.c", ...)

# %%
rescued = {scheme: found.with_heads / found.first for scheme, found in surveys.items()}
print(outcome("09.c", {scheme: f"{factor:.2g}" for scheme, factor in rescued.items()}))
classifiers = "head on 4a", "head on 4d", "main classifier"
sources = dict(zip(classifiers, surveys["0.01"].at_4a.values(), strict=True))
assert rescued["0.01"] > 100 > 10 > rescued["he"]
assert sources["head on 4a"] > 100 * max(sources["head on 4d"], sources["main classifier"])
rows = [(scheme, *(f"{each:.2g}" for each in found.at_4a.values())) for scheme, found in surveys.items()]
mg.console.Table("Gradient at 4a", ("weights", *(f">from the {name}" for name in classifiers)), rows)

# %%
figure, _ = drawing.log_points(sources, "weights of 0.01: gradient at 4a")
figure

# %% [markdown]
# What you saw: with a bad initialisation the heads are a rescue. Nearly all of the gradient at 4a comes from the head
# on 4a. With a good one they change little.

# %% [markdown]
# ## The perfect first loss
#
# Before training, all 1000 classes look alike, so the loss should be ln 1000. Many courses take that as the sign of a
# good initialisation. Which of the four gives exactly that on all three classifiers?

# %%
predict("09.d", ...)

# %%
print(f"ln 1000 = {math.log(1000):.4f}")
exact = [
    scheme for scheme, found in surveys.items() if np.allclose([*found.losses.values()], math.log(1000), atol=1e-4)
]
print(outcome("09.d", exact))
assert exact == ["0.01"]
assert max(surveys["he"].losses.values()) > 8
rows = [(scheme, *(f"{loss:.4f}" for loss in found.losses.values())) for scheme, found in surveys.items()]
mg.console.Table("First losses", ("weights", *(f">{name}" for name in classifiers)), rows)

# %% [markdown]
# What you saw: the only initialisation that passes this test perfectly is the one that cannot learn. No signal arrives,
# so all classes look alike, so the loss is ln 1000 to four places. A first loss of ln C is neither sufficient nor
# necessary: a residual network below starts above ln 10 and learns.

# %% [markdown]
# ## Exercise 09.3: three losses
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# main, aux1 and aux2 are logits (N, C), the class outputs before the softmax. `mg.losses.softmax_cross_entropy(logits,
# labels)` returns a loss and its gradient (N, C). Return the total loss, with weight w on the loss of each head, and
# its gradients for the three logits.


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
# Your gradients start GoogLeNet's backward pass. After training the heads are removed: the logits of the main
# classifier do not change by one bit.

# %%
starts.started(g, "he")
image, labels = rng.standard_normal((2, 3, SIZE, SIZE)).astype(np.float32), np.array([1, 2])
everything, tape = g.forward({"image": image}, outputs=(head1, head2, main), train=True)
if added.passed:
    logits = everything[main], everything[head1], everything[head2]
    loss, *grads = total_loss_and_grad(*logits, labels, np.float32(0.3))
    _, grads_of = g.backward(dict(zip((main, head1, head2), grads, strict=True)), tape, inputs=False)
    print(f"loss {loss:.3f}; the gradient reaches {sum(bool(grad.any()) for grad in grads_of.values())} arrays")
alone, _ = g.forward({"image": image}, outputs=(main,))
stripped = np.array_equal(alone[main], everything[main])
print("main logits with and without the heads equal to the bit:", stripped)

# %% [markdown]
# ## Past the layer: residual connections
#
# A year after GoogLeNet, residual networks (He et al., 2015, arXiv:1512.03385) added a shortcut: a block returns
# x + f(x) instead of f(x). By the chain rule the gradient of x is then the upstream gradient itself, plus what comes
# back through f. If f is small, each block multiplies the gradient by about 1, whatever its depth.
#
# Here are towers of 16 convolutions of 3 x 3 with ReLU, for handwritten digits. One has shortcuts, one has none, and
# all weights start with a standard deviation of 0.01. Which of them learns? And what do shortcuts do to weights that
# start with "he"?
#
# The next cell but one takes 10 to 20 seconds and prints a line for each tower.

# %%
predict("09.f", ...)

# %%
digits, digit_labels, _, _ = data.digits(shortcuts.SIDE)
towers = {}
for start, std in (("0.01", 0.01), ("he", shortcuts.HE)):
    for shortcut in (False, True):
        tower = shortcuts.tower(shortcut=shortcut, std=std)
        signal, gradient = shortcuts.ratios(tower, digits[:64], digit_labels[:64])
        curve = shortcuts.train(tower, digits, digit_labels, epochs=1 if FAST else 2)
        last = float(np.mean(curve[-5:]))
        name = f"{start}, {'x + f(x)' if shortcut else 'f(x)'}"
        towers[name] = (signal, gradient, curve[0], last)
        print(f"{name:14} signal x {signal:.2g}, gradient x {gradient:.2g}, loss {curve[0]:.3g} -> {last:.3g}")
print(outcome("09.f", [name for name, (*_, last) in towers.items() if last < 1]))

# %%
assert towers["0.01, f(x)"][1] < 1e-15
assert 0.5 < towers["0.01, x + f(x)"][1] < 2
first, last = towers["0.01, x + f(x)"][2:]
assert last < 1 < math.log(10) + 0.5 < first  # starts above ln 10 and learns
assert towers["0.01, f(x)"][3] > 2.2
assert towers["he, x + f(x)"][0] > 1000
assert math.isinf(towers["he, x + f(x)"][3])

# %% [markdown]
# What you saw: with shortcuts the weights of 0.01 keep signal and gradient, and the tower learns. Without them the loss
# stays at ln 10 = 2.303. But "he" and shortcuts do not fit together: each block adds a signal as large as its input, 16
# blocks make it thousands of times larger, and training ends with infinite values. So a residual network needs a small
# f: small weights, or batch norm (next section) in f. Its authors had another reason for shortcuts: with batch norm no
# gradient vanished, and still deeper networks without shortcuts had a larger *training* error.

# %% [markdown]
# ## Batch norm
#
# Batch norm subtracts from each channel its mean over the batch and divides by its standard deviation. It then
# multiplies by a learned factor and adds a learned offset. (A small epsilon under the root prevents a division by 0.)
#
# "Batch norm removes vanishing and exploding gradients." Here is a chain of 22 layers, each a convolution, a batch norm
# and a ReLU. The weights are scaled by 0.01, 1 and 10. Compare the gradient at the first layer with the gradient at the
# last: what is their ratio for each scale? (The next cell but one takes about ten seconds, more if it still has to
# compile.)

# %%
predict("09.e", ...)

# %%
growth = {}
for scale in (1e-4, 0.01, 1.0, 10.0):
    growth[scale] = factor = starts.chain(scale)
    each = factor ** (1 / 21)
    print(f"weights times {scale}: gradient at the first / last layer {factor:.3g}, factor of each layer {each:.2f}")
print(outcome("09.e", {scale: f"{factor:.2g}" for scale, factor in growth.items()}))
assert 20 < growth[0.01] < 200
assert math.isclose(growth[1.0], growth[10.0], rel_tol=0.05)
assert growth[1e-4] < 1e-10
assert 1.1 < growth[1.0] ** (1 / 21) < 1.35

# %% [markdown]
# What you saw: from 0.01 to 10 the scale of the weights no longer matters. But the gradient does not keep its size: it
# *grows* by about a fifth in each layer. With weights of a ten-thousandth the variance falls below epsilon. Then the
# division no longer makes up for small weights, and the gradient vanishes after all.

# %% [markdown]
# ## Does it learn
#
# Gradients are one thing, learning another. A small relative of GoogLeNet with 12 modules is trained on digits for 40
# steps, each time with one thing changed. This takes about a minute; a line for each variant shows how far it is.

# %%
STEPS = 5 if FAST else 40
digits, digit_labels, _, _ = data.digits(32)
flows = {}
for name, arguments in training.gradient_norms.VARIANTS.items():
    variant = {name: {**arguments, "width": 0.5}}
    flows |= training.gradient_flow(digits, digit_labels, variant, steps=STEPS)
    print(f"{len(flows)} of {len(training.gradient_norms.VARIANTS)}: {name}")
print(f"{STEPS} steps" + (" (shortened run: MINIGOOGLENET_FAST)" if FAST else ""))
training.gradient_norms.table(flows, STEPS)

# %%
figure, _ = viz.gradient_flow({name: flow.before for name, flow in flows.items()})
assert flows["weights of 0.01"].reach < 1e-10 < 1e-3 < flows["He's first weights"].reach
assert flows["weights of 0.01"].reach < flows["an auxiliary head"].reach < flows["He's first weights"].reach
learns = [name for name, flow in flows.items() if np.mean(flow.losses[-5:]) < 2.1]
assert FAST or learns == ["batch norm"]
figure

# %% [markdown]
# What you saw: a third of the depth, or one head in the middle, helps the bad initialisation by many orders of
# magnitude and leaves it bad. After "he" the gradient reaches the first module, but in 40 steps the loss hardly leaves
# ln 10 = 2.303. Only batch norm has begun to learn. Without a gradient nothing learns, but a gradient is not enough.

# %% [markdown]
# ## Make it break
#
# One step of gradient descent from weights of 0.01, with a learning rate of 0.01 and without heads. How many of the
# arrays of weights and biases change at all? Predict first. float32 has about seven digits.

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
# ## Claims, checked

# %%
claims = [
    ("gradients vanish because the net is deep", ratios["he"] > 1, "wrong: at the same depth they grow after 'he'"),
    ("matrices must be all exactly 1s", lengths["all entries 1"] > 1e37, "wrong: ones explode; singular values decide"),
    ("eigenvalues of 1 keep lengths", lengths["shear, all eigenvalues 1"] > 1e5, "wrong: see the shear"),
    (
        "the heads bring gradient signal",
        rescued["0.01"] > 100,
        "right for bad initialisations, of little use with 'he'",
    ),
    ("a first loss of ln C means a good start", ratios["0.01"] < 1e-9, "wrong: the dead network has it exactly"),
    ("residual connections keep the gradient", towers["he, x + f(x)"][0] > 1000, "only if f is small"),
    ("before batch norm deep nets were untrainable", ratios["he"] > 0.1, "wrong: GoogLeNet was trained without it"),
    ("batch norm removes exploding gradients", growth[1.0] > 20, "refined: scale no longer matters, growth remains"),
    ("the heads are thrown away after training", stripped, "right: not a bit changes"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then look: `quiz("09", answers=True)`.

# %%
glossary.terms("09")

# %%
quiz("09")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - Data-dependent initialisation: after drawing, divide the weights of each layer by the standard deviation of its
#   outputs on one batch.
# - Put a batch norm into f (`shortcuts.tower` builds the towers). Does "he" with shortcuts learn then?
# - Count how many arrays have changed after ten steps in "Make it break".
# - Start the chain with batch norm at eps = 0. Where does the gradient vanish now?
# - Later papers of the same group say that the heads act as regularisers. Which numbers above support that?

# %% [markdown]
# ## Exercise 09.2: how long can it get
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# `mats` is a list of square matrices of one size. The vector is multiplied by `mats[0]` first. Return the largest and
# the smallest factor by which the length of a vector can change on its way through all of them.


# %%
# exercise 09.2
def product_gain(mats):
    """Return (largest, smallest) factor on the length of a vector that is multiplied by mats[0], mats[1], ..."""
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
# ## Exercise 09.5: what arrives
#
# Difficulty: ** of ***. About 5 minutes. Further.
#
# The numbers are yours: they are drawn from your name.
#
# A tower without shortcuts again. Each layer has weights of standard deviation std and a ReLU.

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
# ## The gradient of batch norm
#
# One channel has m values $x_1, ..., x_m$ (over N, H and W). With the mean $\mu$, the variance $v$ and
# $s = \sqrt{v + \epsilon}$, batch norm computes $\hat x_j = (x_j - \mu) / s$ and $y_j = \gamma \hat x_j + \beta$. In
# code: `xhat = (x - mean) / s` and `y = gamma * xhat + beta`.
#
# We know the upstream gradient $\partial L / \partial y_j$ (`dout`), so
# $d_j = \partial L / \partial \hat x_j = \gamma \, \partial L / \partial y_j$. One value $x_i$ reaches the loss on
# three paths, which the figure shows. The chain rule multiplies along a path and adds over paths:
#
# - directly: $d_i / s$;
# - through the mean: $\partial \mu / \partial x_i = 1 / m$, and $\mu$ moves every $\hat x_j$ by $-1 / s$. Together
#   $-\frac{1}{s} \cdot \frac{1}{m} \sum_j d_j$;
# - through the variance: $\partial v / \partial x_i = 2 (x_i - \mu) / m$, and $v$ moves every $\hat x_j$ by
#   $-\hat x_j / (2 s^2)$. Multiply the two, sum over j, and replace $(x_i - \mu) / s$ by $\hat x_i$: you get
#   $-\frac{1}{s} \, \hat x_i \cdot \frac{1}{m} \sum_j d_j \hat x_j$.
#
# (The mean is in the variance too, but that path adds nothing, because $\sum_j (x_j - \mu) = 0$.) The sum of the three
# is the gradient of $x_i$.

# %%
figure, _ = drawing.batch_norm_boxes()
figure

# %% [markdown]
# ## Exercise 09.4: batch norm, both ways
#
# Difficulty: *** of ***. About 20 minutes. Further.
#
# x and dout are (N, C, H, W), gamma and beta (C,). Normalise every channel by its mean and its variance over N, H and W
# (the mean of squares, not n - 1; eps under the root), times gamma, plus beta. Then write the backward pass.


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
# Two properties of your dx. Adding a constant to a channel does not change y, so dx sums to 0. Scaling a channel
# (almost) does not change y, so dx is orthogonal to x minus its mean. And each path of the derivation in numbers, next
# to a central difference:

# %%
if normed.passed:
    x, dout = rng.standard_normal((4, 3, 5, 5)), rng.standard_normal((4, 3, 5, 5))
    dx = batchnorm(x, np.ones(3), np.zeros(3), 1e-5, dout)[1]
    sums = dx.sum(axis=(0, 2, 3)), (dx * (x - x.mean(axis=(0, 2, 3), keepdims=True))).sum(axis=(0, 2, 3))
    print("sum of dx:", np.round(sums[0], 10), " sum of dx * (x - mean):", np.round(sums[1], 4))

# %%
values, d = np.array([1.0, 2.0, 4.0, 5.0]), np.array([1.0, 0.0, -2.0, 0.5])  # one channel, gamma = 1, eps = 0
s, xhat = values.std(), (values - values.mean()) / values.std()
paths = {"direct": d / s, "through the mean": -d.mean() / s, "through the variance": -xhat * (d * xhat).mean() / s}


def loss_of(values):
    """Return the sum of d * xhat, whose gradient for xhat is d."""
    return d @ ((values - values.mean()) / values.std())


h = 1e-6
measured = np.array([loss_of(values + h * step) - loss_of(values - h * step) for step in np.eye(4)]) / (2 * h)
assert np.allclose(sum(paths.values()), measured, atol=1e-8)
parts = paths | {"sum of the paths": sum(paths.values()), "central difference": measured}
rows = [(name, *(f"{value:.4f}" for value in part + np.zeros(4))) for name, part in parts.items()]
mg.console.Table("", ("path", *(f">d[{i}]" for i in range(4))), rows)

# %%
compare("09.4")
