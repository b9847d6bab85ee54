# %% [markdown]
# # 09 Why were deep networks hard to train?
#
# **The question.** Did GoogLeNet need its two auxiliary heads because it was deep, or because of how its weights were
# initialised?
#
# About 50 minutes. Needs lesson 08.
#
# Afterwards you can
#
# - predict how large signals and gradients are after many layers;
# - write three rules for the initialisation of weights;
# - explain when a product of matrices keeps the length of vectors;
# - add the losses of the two auxiliary heads with a loss weight of 0.3;
# - explain what a shortcut past a layer (a residual connection) does to gradients;
# - derive the gradient of batch norm, and write batch norm forward and backward;
# - judge the sentence "gradients vanish because the network is deep".
#
# Letters: K filters, C input channels, k x k kernel, N images. *Initialisation* means drawing the random weights that a
# network has before training. An *auxiliary head*, or *head* for short, is one of the two small classifiers that read
# modules 4a and 4d. If the notebook behaves oddly, restart its kernel and run all cells from the top.

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
SIZE = 80 if FAST else 224
shorter = f" (shortened run: images of {SIZE} x {SIZE})" if FAST else ""
rng = np.random.default_rng(9)

# %% [markdown]
# ## Twenty-two matrices
#
# You will often read: "unless the matrices are all exactly 1, the signal vanishes or explodes". Take a vector of length
# 1 and multiply it by 22 matrices of 64 x 64, one after another. Guess: which of these kinds of matrices keep its
# length, roughly?
#
# - all entries are 1;
# - a rotation;
# - a shear, whose eigenvalues are all exactly 1;
# - random entries of variance 1/64;
# - random entries of variance 1/64, with a ReLU after each matrix.
#
# The cell also tries four other kinds.

# %%
predict("09.a", ...)

# %%
n, layers = 64, 22


def normal(std):
    """Return a function that returns a new random matrix at each call."""
    return lambda: std * rng.standard_normal((n, n))


def always(matrix):
    """Return a function that returns the same matrix at each call."""
    return lambda: matrix


rotation = np.linalg.qr(rng.standard_normal((n, n)))[0]
shear = np.eye(n) + np.eye(n, k=1)
kinds = {
    "all entries 1": (always(np.ones((n, n))), False),
    "identity": (always(np.eye(n)), False),
    "rotation": (always(rotation), False),
    "shear, all eigenvalues 1": (always(shear), False),
    "all entries 1/n": (always(np.full((n, n), 1 / n)), False),
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
# What you saw: the matrix of ones makes the vector n times longer in each step. A rotation keeps every length, although
# none of its entries is 1. The eigenvalues of the shear are all exactly 1, and still it changes lengths. Neither the
# entries nor the eigenvalues decide, but the *singular values*: the factors by which a matrix stretches vectors along
# its principal directions. Random matrices roughly keep the length if the variance of their entries fits their size and
# makes up for the ReLU.

# %% [markdown]
# ## GoogLeNet with four initialisations
#
# Now take the real network: all 22 layers, at first without the heads. You run one batch forward and backward, once per
# initialisation. A *vanishing gradient* gets smaller from layer to layer on its way back, until almost nothing is left
# of it. How large is the gradient norm at the output of conv1, divided by that at the output of the last module, 5b?
# Guess for weights drawn with standard deviation 0.01, as was usual in 2012.
#
# The other three initialisations, "glorot", "caffe" and "he", draw smaller weights for layers whose outputs read more
# values. Of these three, "he" draws the largest weights. Exercise 09.1 has the formulas. The run with "caffe" also has
# Caffe's biases of 0.2 and an input that is 60 times larger, as in Caffe's network.
#
# The cell after your guess takes 10 to 20 seconds and prints one line per initialisation.

# %%
predict("09.b", ...)

# %%
print(f"two images of noise{shorter}")
g = mg.models.googlenet(size=SIZE, dropout=False, init="zeros")
head1, head2, main = g.outputs
surveys = {}
for scheme in starts.SCHEMES:
    surveys[scheme] = survey = starts.survey(g, scheme)
    ratio = survey.first / survey.last
    print(f"{scheme:7} gradient norm at 5b {survey.last:.2g}, at conv1 {survey.first:.2g}, ratio {ratio:.2g}")
ratios = {scheme: survey.first / survey.last for scheme, survey in surveys.items()}
print(outcome("09.b", f"{ratios['0.01']:.1g}"))
figure, _ = drawing.log_points(ratios, "gradient at conv1 / gradient at 5b")
figure

# %%
assert ratios["0.01"] < 1e-9 < 1e-3 < ratios["caffe"] < ratios["glorot"] < 1 < ratios["he"]

# %% [markdown]
# What you saw: the depth was the same in each of the four runs, 22 layers. With a standard deviation of 0.01, the
# gradient at the first layer is about 1e-10 times the gradient at the last. With variance 2 / fan_in ("he"), it *grows*
# on its way back. So depth alone does not make gradients vanish: an initialisation that shrinks them in every layer
# does. For example, if 22 ReLUs each halve the mean square and nothing makes up for it, 2^-22 of the mean square is
# left, which is 2^-11 = 1/2048 of the length. The 2 in "he" makes up for it.

# %%
assert 2**11 == 2048
print(f"22 layers of N(0, 1/n) with ReLU, from above: {lengths['N(0, 1/n) with ReLU']:.1g}; 2^-11 is {2**-11:.1g}")

# %% [markdown]
# ## Exercise 09.1: the standard deviation of weights
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# Return the standard deviation of the weights of a convolution with K filters, C input channels and k x k kernels.
# *fan_in* is how many values one output reads, and *fan_out* is how many outputs read one input. The three schemes have
# these variances:
#
# - "he": 2 / fan_in;
# - "caffe" (which Caffe calls xavier): 1 / fan_in;
# - "glorot": 2 / (fan_in + fan_out).


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
# Compare your standard deviation with that of weights that the engine draws. Then initialise GoogLeNet with your
# function:

# %%
if drawn.passed:
    for scheme in ("he", "caffe"):
        values = initializers.rule(scheme)((256, 64, 3, 3), 64 * 3 * 3, rng)
        print(f"{scheme:5} your value {init_std(256, 64, 3, scheme):.5f}, the engine's weights {values.std():.5f}")
        assert math.isclose(init_std(256, 64, 3, scheme), values.std(), rel_tol=0.01)
    for name, values in g.params.items():
        if name.endswith("/weight"):
            K, C, k = (*values.shape[:2], values.shape[-1] if values.ndim == 4 else 1)
            values[...] = init_std(K, C, k, "he") * rng.standard_normal(values.shape)
        else:
            values[...] = 0
    _, grads = starts.gradients(g, starts.images(g, "he"), main, [starts.FIRST, starts.LAST])
    ratio = starts.norm(grads[starts.FIRST]) / starts.norm(grads[starts.LAST])
    print(f"GoogLeNet with your initialisation: gradient norm at conv1 / at 5b = {ratio:.2g}")
    assert 0.1 < ratio < 100

# %% [markdown]
# ## The auxiliary heads
#
# Why does the network have heads? The preprint (arXiv:1409.4842v1, section 5) expects three things of them: more
# gradient for the lower layers, features there that separate the classes better, and regularisation (less overfitting).
# The conference version (CVPR 2015, section 5) mentions the vanishing gradient. Each head adds its loss, multiplied by
# 0.3. Guess: by what factor do the heads multiply the gradient at the first layer, for each of the four
# initialisations?

# %%
predict("09.c", ...)

# %%
rescued = {scheme: survey.with_heads / survey.first for scheme, survey in surveys.items()}
print(outcome("09.c", {scheme: f"{factor:.2g}" for scheme, factor in rescued.items()}))
classifiers = "head on 4a", "head on 4d", "main classifier"
sources = dict(zip(classifiers, surveys["0.01"].at_4a.values(), strict=True))
assert rescued["0.01"] > 100 > 10 > rescued["he"]
assert sources["head on 4a"] > 100 * max(sources["head on 4d"], sources["main classifier"])
rows = [(scheme, *(f"{value:.2g}" for value in survey.at_4a.values())) for scheme, survey in surveys.items()]
columns = ("initialisation", *(f">from the {name}" for name in classifiers))
mg.console.Table("Gradient norm at 4a", columns, rows)

# %%
figure, _ = drawing.log_points(sources, "gradient norm at 4a, standard deviation 0.01")
figure

# %% [markdown]
# What you saw: with a bad initialisation the heads rescue the gradient: almost all of the gradient at 4a comes from the
# head attached to 4a. With a good initialisation they change little.

# %% [markdown]
# ## The perfect first loss
#
# *Logits* are the outputs of a classifier, one for each class, before the softmax. If all 1000 logits are equal, the
# loss is ln 1000. Many courses teach that a first loss of ln 1000 is the sign of a good initialisation. Guess: with
# which of the four initialisations do all three classifiers have exactly this loss?

# %%
predict("09.d", ...)

# %%
print(f"ln 1000 = {math.log(1000):.4f}")
exact = [
    scheme for scheme, survey in surveys.items() if np.allclose([*survey.losses.values()], math.log(1000), atol=1e-4)
]
print(outcome("09.d", exact))
assert exact == ["0.01"]
assert max(surveys["he"].losses.values()) > 8
rows = [(scheme, *(f"{loss:.4f}" for loss in survey.losses.values())) for scheme, survey in surveys.items()]
mg.console.Table("First losses", ("initialisation", *(f">{name}" for name in classifiers)), rows)

# %% [markdown]
# What you saw: the only initialisation that passes this test perfectly is the one with which the network cannot learn.
# No signal reaches the classifiers, so all logits are nearly equal, and the loss is ln 1000 to four decimals. A first
# loss of ln(number of classes) is neither sufficient nor necessary for a good initialisation: in a later section, a
# residual network for 10 classes starts with a loss above ln 10 and learns.

# %% [markdown]
# ## Exercise 09.3: three losses
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# `main`, `aux1` and `aux2` are the logits (N, C) of the three classifiers.
# `mg.losses.softmax_cross_entropy(logits, labels)` returns a loss and its gradient (N, C). Return the total loss, in
# which the loss of each head has the loss weight w, and the gradients of the total loss with respect to the three
# logits.


# %%
# exercise 09.3
def total_loss_and_grad(main, aux1, aux2, labels, w):
    """Return (loss, dmain, daux1, daux2) for logits (N, C), N labels and the loss weight w of the heads."""
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
# Your gradients are the upstream gradients of GoogLeNet's backward pass. After training, the heads are removed. The
# logits of the main classifier stay the same in every bit:

# %%
starts.initialise(g, "he")
image, labels = rng.standard_normal((2, 3, SIZE, SIZE)).astype(np.float32), np.array([1, 2])
everything, tape = g.forward({"image": image}, outputs=(head1, head2, main), train=True)
if added.passed:
    logits = everything[main], everything[head1], everything[head2]
    loss, *grads = total_loss_and_grad(*logits, labels, np.float32(0.3))
    _, grads_of = g.backward(dict(zip((main, head1, head2), grads, strict=True)), tape, inputs=False)
    nonzero = sum(bool(grad.any()) for grad in grads_of.values())
    print(f"loss {loss:.3f}; {nonzero} parameter arrays have a gradient that is not 0")
main_only, _ = g.forward({"image": image}, outputs=(main,))
stripped = np.array_equal(main_only[main], everything[main])
print("the main logits with and without the heads are bit-identical:", stripped)

# %% [markdown]
# ## Past the layer: residual connections
#
# A year after GoogLeNet, residual networks (He et al., 2015, arXiv:1512.03385) added a shortcut: a block returns
# x + f(x) instead of f(x). This is a *residual connection*. By the chain rule, the gradient of x is then the upstream
# gradient itself, plus the gradient that comes back through f. If f is small, each block multiplies the gradient by
# about 1, however deep the network is.
#
# Here are four towers of 16 convolutions of 3x3, each with a ReLU, for handwritten digits. They differ in two things:
# with shortcuts, x + f(x), or without, f(x); weights drawn with standard deviation 0.01, or with "he". Guess: which of
# the four towers learn?
#
# The cell after your guess takes 10 to 20 seconds. For each tower it prints the factors by which its blocks multiply
# the norm of the signal and the norm of the gradient, and its first and last loss.

# %%
predict("09.f", ...)

# %%
digits, digit_labels, _, _ = data.digits(shortcuts.SIDE)
towers = {}
for scheme, std in (("0.01", 0.01), ("he", shortcuts.HE)):
    for shortcut in (False, True):
        tower = shortcuts.tower(shortcut=shortcut, std=std)
        signal, gradient = shortcuts.ratios(tower, digits[:64], digit_labels[:64])
        curve = shortcuts.train(tower, digits, digit_labels, epochs=1 if FAST else 2)
        last = float(np.mean(curve[-5:]))
        name = f"{scheme}, {'x + f(x)' if shortcut else 'f(x)'}"
        towers[name] = (signal, gradient, curve[0], last)
        print(f"{name:14} signal times {signal:.2g}, gradient times {gradient:.2g}, loss {curve[0]:.3g} to {last:.3g}")
print(outcome("09.f", [name for name, (*_, last) in towers.items() if last < 1]))

# %%
assert towers["0.01, f(x)"][1] < 1e-15
assert 0.5 < towers["0.01, x + f(x)"][1] < 2
first, last = towers["0.01, x + f(x)"][2:]
assert last < 1 < math.log(10) + 0.5 < first  # its first loss is above ln 10, and it learns
assert towers["0.01, f(x)"][3] > 2.2
assert towers["he, x + f(x)"][0] > 1000
assert math.isinf(towers["he, x + f(x)"][3])

# %% [markdown]
# What you saw: with a standard deviation of 0.01, shortcuts keep the size of signal and gradient, and the tower learns.
# Without shortcuts the loss stays near ln 10 = 2.303 with either initialisation. But "he" and shortcuts do not fit
# together. Each block adds a signal as large as its input, so 16 blocks make it thousands of times larger, and training
# ends with infinite values. A residual network therefore needs a small f: small weights, or batch norm (the next
# section) in f.
#
# The authors added shortcuts for another reason. With batch norm their gradients did not vanish, but deeper networks
# without shortcuts still had a larger *training* error.

# %% [markdown]
# ## Batch norm
#
# *Batch norm* subtracts from each channel its mean over the batch and divides by its standard deviation. Then it
# multiplies by a learned factor and adds a learned offset. (A small epsilon under the square root prevents a division
# by 0.)
#
# A common claim is: "Batch norm removes vanishing and exploding gradients." Here is a chain of 22 layers, each a
# convolution, a batch norm and a ReLU. Its weights are multiplied by 0.01, 1 or 10. Guess for each of these scales: how
# large is the gradient norm at the first layer, divided by the gradient norm at the last?
#
# The cell after your guess takes about ten seconds, or longer if it has to compile its code first.

# %%
predict("09.e", ...)

# %%
growth = {}
for scale in (1e-4, 0.01, 1.0, 10.0):
    growth[scale] = factor = starts.chain(scale)
    per_layer = factor ** (1 / 21)
    print(f"weights times {scale}: gradient norm at first / last layer {factor:.3g}, factor per layer {per_layer:.2f}")
print(outcome("09.e", {scale: f"{factor:.2g}" for scale, factor in growth.items()}))
assert 20 < growth[0.01] < 200
assert math.isclose(growth[1.0], growth[10.0], rel_tol=0.05)
assert growth[1e-4] < 1e-10
assert 1.1 < growth[1.0] ** (1 / 21) < 1.35

# %% [markdown]
# What you saw: between 0.01 and 10, the scale of the weights hardly matters. But the gradient does not keep its size:
# it *grows* by about a fifth in each layer. With the scale 0.0001, the variance falls below epsilon. Then the division
# no longer makes up for small weights, and the gradient vanishes after all.

# %% [markdown]
# ## Does it learn?
#
# A large gradient at the first layer does not prove that a network learns. So you train a small Inception network with
# 12 modules on digits for 40 steps, each time with one thing changed. This takes about a minute and prints one line per
# variant.

# %%
STEPS, BATCH = (2, 16) if FAST else (40, 32)
digits, digit_labels, _, _ = data.digits(32)
flows = {}
for name, arguments in training.gradient_norms.VARIANTS.items():
    variant = {name: {**arguments, "width": 0.5}}
    flows |= training.gradient_flow(digits, digit_labels, variant, steps=STEPS, batch_size=BATCH)
    print(f"{len(flows)} of {len(training.gradient_norms.VARIANTS)}: {name}")
print(f"{STEPS} steps" + (" (shortened run: MINIGOOGLENET_FAST)" if FAST else ""))
training.gradient_norms.table(flows, STEPS)

# %%
figure, _ = viz.gradient_flow({name: flow.before for name, flow in flows.items()})
assert flows["weights of 0.01"].reach < 1e-10 < 1e-3 < flows["He initialisation"].reach
assert flows["weights of 0.01"].reach < flows["an auxiliary head"].reach < flows["He initialisation"].reach
learns = [name for name, flow in flows.items() if np.mean(flow.losses[-5:]) < 2.1]
assert FAST or learns == ["batch norm"]
figure

# %% [markdown]
# What you saw: with the bad initialisation, the gradient is many orders of magnitude larger in a network a third as
# deep, or with one head in the middle, but it is still far too small. With "he" the gradient reaches the first module,
# but in 40 steps the loss hardly falls below ln 10 = 2.303. Only the network with batch norm begins to learn. Without a
# gradient nothing learns, but a gradient alone is not enough.

# %% [markdown]
# ## Make it break
#
# Initialise GoogLeNet with a standard deviation of 0.01, and make one step of gradient descent without the heads, with
# a learning rate of 0.01. How many of the weight arrays change at all? Predict before you run the cell. (float32 has
# about seven digits.)

# %%
starts.initialise(g, "0.01")
outputs, tape = g.forward({"image": starts.images(g, "0.01")}, outputs=(main,), train=True)
_, upstream = mg.losses.softmax_cross_entropy(outputs[main], np.array([1, 2]))
_, grads = g.backward({main: upstream}, tape, inputs=False)
before = {name: values.copy() for name, values in g.params.items()}
optim.sgd_step(g.params, grads, {}, lr=0.01)
weights = [name for name in grads if name.endswith("/weight")]
unchanged = [name for name in weights if np.array_equal(before[name], g.params[name])]
print(f"{len(unchanged)} of {len(weights)} weight arrays did not change in a single bit, conv1 among them")
assert starts.FIRST + "/weight" in unchanged

# %% [markdown]
# What you saw: most weight arrays did not change. Their gradients are not 0, but so small that weight minus step rounds
# to the weight again. Longer training does not help, because every later step rounds in the same way.

# %% [markdown]
# ## Claims, checked
#
# You may meet these claims elsewhere. Each line shows a claim and what you measured.

# %%
claims = [
    ("gradients vanish because the net is deep", ratios["he"] > 1, "wrong; with 'he' they grow at the same depth"),
    ("matrices must be all exactly 1s", lengths["all entries 1"] > 1e37, "wrong; singular values decide"),
    ("eigenvalues of 1 keep lengths", lengths["shear, all eigenvalues 1"] > 1e5, "wrong; the shear does not"),
    ("the heads bring gradient signal", rescued["0.01"] > 100, "right for 0.01, but with 'he' they change little"),
    ("a first loss of ln C means a good initialisation", ratios["0.01"] < 1e-9, "wrong; 0.01 has it and cannot learn"),
    ("residual connections keep the gradient", towers["he, x + f(x)"][0] > 1000, "right only if f is small"),
    ("before batch norm deep nets were untrainable", ratios["he"] > 0.1, "wrong; GoogLeNet was trained without it"),
    ("batch norm removes exploding gradients", growth[1.0] > 20, "partly right; scale hardly matters, growth remains"),
    ("the heads are thrown away after training", stripped, "right; the main logits stay bit-identical"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("09", answers=True)`.

# %%
glossary.terms("09")

# %%
quiz("09")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need what follows.
#
# - Try an initialisation that depends on data: draw the weights, then divide those of each layer by the standard
#   deviation of its outputs on one batch.
# - Put a batch norm into f (`shortcuts.tower` builds the towers). Does the tower with "he" and shortcuts learn then?
# - In "Make it break", count how many arrays have changed after ten steps.
# - Set eps = 0 in the chain with batch norm. At which scale does the gradient vanish now?
# - Later papers of the same group state that the heads act as regularisers. Which of your results support that?
#
# The next cell shows an untrained network with one head as a page. The plot has the gradient norm of each loss at every
# module. Switch the head off and on, and find the module where its gradient joins.

# %%
headed = mg.models.mini_googlenet(in_channels=1, depth=12, init="gaussian", norm=None, aux=True, width=0.5, rng=0)
mg.view(headed, digits[0], label=int(digit_labels[0]), select="loss1", panel="gradient")

# %% [markdown]
# ## Exercise 09.2: how long a vector can become
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# `mats` is a list of square matrices of one size. A vector is multiplied by all of them, by `mats[0]` first. Return the
# largest and the smallest factor by which this can change the length of a vector.


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
        print(f"{name}, applied six times: the length changes by a factor of {smallest:.3g} to {largest:.3g}")

# %% [markdown]
# ## Exercise 09.5: the signal after many layers
#
# Difficulty: ** of ***. About 5 minutes. Further.
#
# Your values depend on your name. Each layer of a tower without shortcuts has weights of standard
# deviation std, followed by a ReLU.

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
# You are given the upstream gradient $\partial L / \partial y_j$ (`dout`), so you know
# $d_j = \partial L / \partial \hat x_j = \gamma \, \partial L / \partial y_j$. One value $x_i$ reaches the loss along
# three paths. The figure shows them, and the factor by which each arrow multiplies a gradient on its way back. The
# chain rule multiplies along a path and adds over paths:
#
# - directly: the gradient is $d_i / s$;
# - through the mean: $\partial \mu / \partial x_i = 1 / m$, and $\partial \hat x_j / \partial \mu = -1 / s$ for all j.
#   Together, $-\frac{1}{s} \cdot \frac{1}{m} \sum_j d_j$;
# - through the variance: $\partial v / \partial x_i = 2 (x_i - \mu) / m$, and
#   $\partial \hat x_j / \partial v = -\hat x_j / (2 s^2)$ for all j. Multiply the two and $d_j$, sum over j, use
#   $(x_i - \mu) / s = \hat x_i$. Together, $-\frac{1}{s} \, \hat x_i \cdot \frac{1}{m} \sum_j d_j \hat x_j$.
#
# (The variance also depends on the mean, but that path adds nothing, because $\sum_j (x_j - \mu) = 0$.) The sum of the
# three paths is the gradient of $x_i$.

# %%
figure, _ = drawing.batch_norm_boxes()
figure

# %% [markdown]
# ## Exercise 09.4: batch norm, forward and backward
#
# Difficulty: *** of ***. About 20 minutes. Further.
#
# x and dout are (N, C, H, W), gamma and beta (C,). Normalise every channel with its mean and its variance over N, H and
# W. (The variance is the mean of (x - mean) squared: divide by the number of values m, not by m - 1. Add eps under the
# square root.) Multiply by gamma and add beta. Then write the backward pass.


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
# Check two properties of your dx in each channel. Adding a constant to a channel does not change y, so dx sums to 0.
# Scaling a channel does not change y either (apart from eps), so dx is orthogonal to x minus its mean.

# %%
if normed.passed:
    x, dout = rng.standard_normal((4, 3, 5, 5)), rng.standard_normal((4, 3, 5, 5))
    dx = batchnorm(x, np.ones(3), np.zeros(3), 1e-5, dout)[1]
    sums = dx.sum(axis=(0, 2, 3)), (dx * (x - x.mean(axis=(0, 2, 3), keepdims=True))).sum(axis=(0, 2, 3))
    print("sum of dx:", np.round(sums[0], 10), " sum of dx * (x - mean):", np.round(sums[1], 4))

# %% [markdown]
# Now compute each path of the derivation for one small channel, and compare the sum with a central difference:

# %%
values, d = np.array([1.0, 2.0, 4.0, 5.0]), np.array([1.0, 0.0, -2.0, 0.5])  # one channel, gamma = 1, eps = 0
s, xhat = values.std(), (values - values.mean()) / values.std()
paths = {"direct": d / s, "through the mean": -d.mean() / s, "through the variance": -xhat * (d * xhat).mean() / s}


def loss_of(values):
    """Return the sum of d * xhat, whose gradient with respect to xhat is d."""
    return d @ ((values - values.mean()) / values.std())


h = 1e-6
measured = np.array([loss_of(values + h * step) - loss_of(values - h * step) for step in np.eye(4)]) / (2 * h)
assert np.allclose(sum(paths.values()), measured, atol=1e-8)
parts = paths | {"sum of the paths": sum(paths.values()), "central difference": measured}
rows = [(name, *(f"{value:.4f}" for value in part + np.zeros(4))) for name, part in parts.items()]
mg.console.Table("", ("path", *(f">dx[{i}]" for i in range(4))), rows)

# %%
compare("09.4")
