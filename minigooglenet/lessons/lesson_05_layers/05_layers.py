# %% [markdown]
# # 05 Layers without weights
#
# **Question.** What can a layer do to a gradient if it has nothing to learn?
#
# About 60 minutes. Needs lessons 03 and 04. Max pooling, LRN, ReLU and softmax are in lesson 00's
# primer; average pooling takes the mean of a window, concatenation puts channels one after another.
#
# Afterwards you can
#
# - write the backward pass of max pooling, of a fork, and of softmax with cross-entropy;
# - say which layers mix pixels, which mix channels and which mix neither;
# - write max pooling with padding, average pooling, concatenation, LRN and dropout (further).
#
# Letters: N images, C channels, H x W pixels, Ho x Wo outputs, k kernel, s stride, p padding. "3x3/2" is a window of
# 3 x 3 with stride 2. `dout` is the *upstream gradient*, dL/dy.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import viz
from minigooglenet.exercises import check, compare, hint, outcome, predict, quiz
from minigooglenet.kernels import numpy as readable
from minigooglenet.kernels.loops import local_response_norm, max_pool2d, softmax_cross_entropy
from minigooglenet.layers import LocalResponseNorm, MaxPool2d
from minigooglenet.lessons.lesson_00_start import drawing, glossary
from minigooglenet.lessons.lesson_03_gradients import wrong_backwards
from minigooglenet.lessons.lesson_05_layers import ten_steps
from minigooglenet.models.googlenet import MODULES

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))  # shortens training, for tests
rng = np.random.default_rng(5)


def max_pool(x, k, s, p=0, ceil=False):
    """Return (y, arg): arg is the position of the maximum in its window, row * k + column: the *argmax*."""
    return max_pool2d.forward(x, (k, k), (s, s), ((p, p), (p, p)), ceil)


def send_back(dout, arg, size, k, s, p=0):
    """Return the input gradient: every entry of dout is added to the pixel that was the maximum."""
    return max_pool2d.backward(dout, arg, size, (k, k), (s, s), ((p, p), (p, p)))


# %% [markdown]
# ## Which pixels get the gradient?
#
# Raise the maximum of a window, and the output rises as fast; raise another pixel, and nothing happens. So max pooling
# sends the gradient of each output to one pixel. GoogLeNet's pools are 3x3/2 and 3x3/1: their windows overlap. Of how
# many windows can one pixel be the maximum at 3x3/2?

# %%
predict("05.a", ...)

# %%
noise = np.maximum(rng.standard_normal((1, 1, 48, 48)), 0)  # as after a ReLU


def wins(k, s, p=0):
    """Return of how many windows each pixel is the maximum."""
    y, arg = max_pool(noise, k, s, p)
    return send_back(np.ones_like(y), arg, noise.shape[2:], k, s, p)[0, 0]


counts = {"2x2/2": wins(2, 2), "3x3/2": wins(3, 2), "3x3/1": wins(3, 1, 1)}
print(outcome("05.a", int(counts["3x3/2"].max())))
assert [count.max() for count in counts.values()] == [1, 4, 9]
row, column = np.argwhere(counts["3x3/2"] == 4)[0]  # show a region that has a pixel of four windows
top, left = min(max(row - 4, 0), 38), min(max(column - 4, 0), 38)
regions = {f"{name}: wins": count[top : top + 10, left : left + 10] for name, count in counts.items()}
figure, _ = viz.images(regions, same_scale=False)
assert regions["3x3/2: wins"].max() == 4
figure

# %% [markdown]
# What you saw: at 3x3/2 one pixel can be the maximum of four windows, at 3x3/1 of nine. Only if windows do not overlap,
# 2x2/2, does each pixel belong to one.

# %% [markdown]
# ## One equals sign
#
# A backward pass that writes `dx[...] = dout` instead of `+=` sends each pixel only one of its gradients. Which
# fraction of the entries of `dout` is lost at 3x3/1, and does the network notice? (The accuracies are those that
# lesson 03 kept. If there are none, the cell trains six networks, about half a minute.)

# %%
predict("05.b", ...)

# %%
lost = {name: float(1 - (count > 0).sum() / count.sum()) for name, count in counts.items()}
for name, fraction in lost.items():
    print(f"{name}: {fraction:.0%} of the gradient's entries are lost")
print(outcome("05.b", round(lost["3x3/1"], 2)))
assert lost["2x2/2"] == 0 < lost["3x3/2"] < lost["3x3/1"]
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
print("A small GoogLeNet on the digits, held-out digits right:")
for name in ("correct", "max pool with = instead of +="):
    print(f"{name:20}", "  ".join(f"{wrong_backwards.kept(name, seed, epochs):.1%}" for seed in seeds), flush=True)

# %% [markdown]
# What you saw: most of the gradient of a 3x3/1 pool is gone, and the network learns all the same. Accuracy is no test
# of a gradient.

# %% [markdown]
# ## Exercise 05.2: the backward of max pooling
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `maxpool_backward`. It gets `arg` from the forward pass, so it needs no `x`. Each arg is u * k + v, where u and
# v are the row and the column of the maximum in its window. For each output
#
# $$dx[n, c, \; i s + u - p, \; j s + v - p] \mathrel{+}= dout[n, c, i, j]$$
#
# Mind that NumPy's `dx[indices] += ...` adds only once if an index occurs twice; `np.add.at` adds each time.


# %%
# exercise 05.2
def maxpool_backward(dout, arg, x_shape, k, s, p):
    """Return dx (N, C, H, W) for dout and arg (N, C, Ho, Wo)."""
    ### BEGIN SOLUTION
    dx = np.zeros(x_shape)
    n, c, i, j = np.indices(dout.shape)
    np.add.at(dx, (n, c, i * s + arg // k - p, j * s + arg % k - p), dout)
    return dx
    ### END SOLUTION


# %%
result = check("05.2", maxpool_backward)
result

# %% [markdown]
# Your function now trains a GoogLeNet of four modules, for ten steps, next to the engine's. With plain loops this may
# take half a minute.


# %%
def my_pool_backward(grad_y, argmax, input_size, kernel_size, stride, padding):
    """Call maxpool_backward with the arguments of the engine, whose sizes are (height, width)."""
    x_shape = (*grad_y.shape[:2], *input_size)
    return maxpool_backward(grad_y, argmax, x_shape, kernel_size[0], stride[0], padding[0][0])


if result.passed:
    engines = ten_steps.parameters()
    with mg.use(max_pool2d=(readable.max_pool2d.forward, my_pool_backward)):
        mine = ten_steps.parameters()
    print(f"After ten steps the parameters differ by at most {ten_steps.largest_difference(mine, engines):.1e}.")

# %% [markdown]
# ## A fork
#
# An Inception module begins with a fork: four branches read the same input. If the input rises, the loss changes
# through each branch. The chain rule adds these effects, one for each path:
#
# $$\frac{\partial L}{\partial x} = \sum_{\mathrm{branches}} \frac{\partial L}{\partial y_{\mathrm{branch}}}
#   \cdot \frac{\partial y_{\mathrm{branch}}}{\partial x}$$

# %% [markdown]
# ## Exercise 05.8: four branches, one input
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# Write `fork_backward`: the gradient of the input that all branches read. Each branch has already computed its own
# gradient of this input. Leave the gradients that you are given as they are.


# %%
# exercise 05.8
def fork_backward(grads):
    """Return (N, C, H, W) for a list of gradients of that shape."""
    ### BEGIN SOLUTION
    total = grads[0].copy()
    for grad in grads[1:]:
        total += grad
    return total
    ### END SOLUTION


# %%
check("05.8", fork_backward)

# %% [markdown]
# ## Softmax with cross-entropy
#
# The last layer returns logits z, one for each class. Softmax makes probabilities p of them, and the loss is minus the
# logarithm of the probability of the right class t. Together they are simple:
#
# $$L = -\ln p_t = -\ln \frac{e^{z_t}}{\sum_j e^{z_j}} = -z_t + \ln \sum_j e^{z_j}$$
#
# The first term moves only with z_t. The derivative of the logarithm is 1 / sum, times the inner derivative exp(z_k):
#
# $$\frac{\partial L}{\partial z_k} = \frac{e^{z_k}}{\sum_j e^{z_j}} - [k = t] = p_k - [k = t]$$
#
# where [k = t] is 1 for the right class and 0 otherwise. What do the dL/dz add up to, for one image?

# %%
predict("05.g", ...)

# %%
z, labels = np.array([[2.0, 1, 0], [0, 3, 3]]), np.array([0, 2])
loss, log_p = softmax_cross_entropy.forward(z, labels)
dz = softmax_cross_entropy.backward(log_p, labels)
print("p  =", np.exp(log_p).round(3).tolist())
print("dz =", dz.round(3).tolist())
print(outcome("05.g", abs(dz.sum(axis=1)).round(12).tolist()))
assert abs(dz.sum(axis=1)).max() < 1e-12
figure, _ = drawing.chain(["p = softmax(z)", "L = -ln p[t]"], ["z", "p", "L"], ["p - [k = t]", "-1 / p[t]", "1"])
figure

# %% [markdown]
# What you saw: zero. Raising all logits by the same amount changes nothing, so no gradient asks for it. That also helps
# with large logits, because exp overflows above 709:

# %%
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp([1000.0, 0]) / np.exp([1000.0, 0]).sum()
shifted = np.exp([0.0, -1000.0]) / np.exp([0.0, -1000.0]).sum()
print("logits 1000 and 0:", naive, " and with the largest logit subtracted first:", shifted)
assert np.isnan(naive[0])
assert shifted[0] == 1

# %% [markdown]
# ## Exercise 05.5: softmax with cross-entropy
#
# Difficulty: ** of ***. About 15 minutes. Core.
#
# Write `softmax_ce`: the mean loss over the images times `weight`, and the gradient of this product
# for z. K counts classes. The weight is 0.3 for GoogLeNet's
# *auxiliary heads*, small classifiers in the middle of the network. Logits may be as large as 1000.


# %%
# exercise 05.5
def softmax_ce(z, labels, weight):
    """Return (loss, dz): a number and (N, K), for z (N, K) and labels (N,)."""
    ### BEGIN SOLUTION
    N = len(z)
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(N), labels].mean()
    dz = np.exp(log_p)
    dz[np.arange(N), labels] -= 1
    return weight * loss, weight * dz / N
    ### END SOLUTION


# %%
check("05.5", softmax_ce)

# %% [markdown]
# ## Who mixes what?
#
# Raise one value in the middle of a feature map and look which outputs move: at other pixels, in other channels?


# %%
def mixes(layer):
    """Return whether other pixels and other channels move when one value rises."""
    x = np.random.default_rng(0).standard_normal((1, 5, 6, 6)) + 3
    raised = x.copy()
    raised[0, 2, 3, 3] += 9
    moved = layer.forward(raised)[0] != layer.forward(x)[0]
    pixels = moved[0].any(axis=0).sum() > 1
    return bool(pixels), bool(moved[0].any(axis=(1, 2)).sum() > 1)


layers = MaxPool2d(3, 1, 1), mg.layers.AvgPool2d(3, 1, 1), LocalResponseNorm(), mg.layers.ReLU(), mg.layers.Concat()
table = {type(layer).__name__: mixes(layer) for layer in layers}
assert table["LocalResponseNorm"] == (False, True)
assert table["MaxPool2d"] == table["AvgPool2d"] == (True, False)
assert table["ReLU"] == table["Concat"] == (False, False)
rows = [(name, *("yes" if each else "no" for each in mixed)) for name, mixed in table.items()]
mg.console.Table("", ("layer", "mixes pixels", "mixes channels"), rows)

# %% [markdown]
# What you saw: pools mix pixels, LRN mixes channels, ReLU and concatenation neither. Nor does *dropout*: in training
# it sets values to 0 at random (their share is its *ratio*) and divides the others by 1 - ratio; afterwards it does
# nothing.

# %% [markdown]
# ## Make it break
#
# Two branches read the array [-1, 2, -3]. One applies its ReLU in place, then the other negates the array. What does
# it return? Predict, run, and note when working in place is safe.

# %%
predict("05.j", ...)

# %%
shared = np.array([-1.0, 2, -3])
first = np.maximum(shared, 0, out=shared)  # in place: saves memory
second = 0 - shared  # the other branch, which needed the negative values too
print(outcome("05.j", second.tolist()))
assert second.tolist() != [1.0, -2.0, 3.0]

# %% [markdown]
# ## Claims, checked

# %%
g = mg.models.googlenet(rng=0)
main, head = (g.nodes[name].layer.p for name in ("pool5/drop_7x7_s1", "loss1/drop_fc"))
normalisations = sum(row.kind == "LocalResponseNorm" for row in mg.count(g).rows)
ledger = {
    "the dropout ratio is 70 % in the auxiliary heads, 40 % in the main classifier": (main, head) == (0.4, 0.7),
    "the GoogLeNet paper's Table 1 has no LRN layer, its figure 3 has two, and so has the network": normalisations == 2,
    "3x3/1 pools lose most of their gradient by one `=`": lost["3x3/1"] > 0.5,
}
for claim, holds in ledger.items():
    print("holds  " if holds else "FAILS  ", claim)
assert all(ledger.values())

# %% [markdown]
# ## Words and exit quiz

# %%
glossary.terms("05")

# %%
quiz("05")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - Pool by the square root of the mean of squares (L2 pooling). Derive its backward pass, and check it with
#   `mg.gradcheck.check_function`.
# - Blur before you subsample: an average 3x3/1 before a max pool 2x2/2. Shift an image by one pixel and measure
#   how much the output changes, with the blur and without.

# %% [markdown]
# ## Ties
#
# On an image of one colour all values of a window are equal. Which of the nine positions of a 3x3 window gets the
# gradient? Guess its row and column.

# %%
predict("05.c", ...)

# %%
flat = np.full((1, 1, 7, 7), 2.0)
y, arg = max_pool(flat, 3, 2)
dx = send_back(np.ones_like(y), arg, (7, 7), 3, 2)
figure, _ = viz.images({"gradient of a constant image": dx[0, 0]})
print(outcome("05.c", list(divmod(int(arg.max()), 3))))
assert not arg.any()
assert dx.sum() == y.size
figure

# %% [markdown]
# What you saw: the whole gradient of a window goes to its first pixel. Another rule (to all, to the last) would be as
# good a choice, but forward and backward pass must make the same one. After a ReLU ties at 0 are common.

# %% [markdown]
# ## Ceil or floor
#
# GoogLeNet's pools between its stages are 3x3/2 without padding, on feature maps of 112, 56, 28 and 14. (112 - 3) / 2
# is 54.5. The paper's next size is 56. What does floor give instead of 112, 56, 28, 14, 7?

# %%
predict("05.d", ...)

# %%
chains = {}
for ceil in (True, False):
    sizes = [112]
    for _ in range(4):
        sizes.append(MaxPool2d(3, 2, ceil_mode=ceil).output_shape((64, sizes[-1], sizes[-1]))[1])
    chains[ceil] = sizes
    print("ceil " if ceil else "floor", sizes)
print(outcome("05.d", chains[False]))
assert chains == {True: [112, 56, 28, 14, 7], False: [112, 55, 27, 13, 6]}
y, arg = max_pool(noise[:, :, :8, :8], 3, 2)
dx = send_back(np.ones_like(y), arg, (8, 8), 3, 2)
print("floor on 8 x 8: gradient of the last row", dx[0, 0, -1])
assert not dx[0, 0, -1].any()

# %% [markdown]
# What you saw: with floor no window reaches the last row of an even feature map, and the sizes shrink to 6 instead
# of 7, where the last 7 x 7 pool no longer fits.

# %% [markdown]
# ## Padding must never be the maximum
#
# An image full of -3, max pool 3x3/1 with padding 1. What is the output at the border if the padding is 0?

# %%
predict("05.e", ...)

# %%
low = np.full((1, 1, 4, 5), -3.0)
right, _ = max_pool(low, 3, 1, 1)
zeros, _ = max_pool(np.pad(low, ((0, 0), (0, 0), (1, 1), (1, 1))), 3, 1)
figure, _ = viz.images({"padding is ignored": right[0, 0], "padding with 0": zeros[0, 0]})
print(outcome("05.e", float(zeros[0, 0, 0, 0])))
assert (right == -3).all()
figure

# %% [markdown]
# What you saw: a frame of zeros that are not in the image. After a ReLU, where nothing is negative, both are the same,
# and the mistake stays hidden until someone moves the ReLU.

# %% [markdown]
# ## Exercise 05.1: max pooling with its argmax
#
# Difficulty: ** of ***. About 15 minutes. Further.
#
# Write `maxpool`. It returns the largest value of each window and its argmax, `row * k + column`. With `ceil` the
# number of windows is rounded up, and the last one may extend past the edge; one that would start in the padding after
# the image is dropped. Of equal values the first counts.


# %%
# exercise 05.1
def maxpool(x, k, s, p, ceil):
    """Return (y, arg), both (N, C, Ho, Wo), for x (N, C, H, W)."""
    ### BEGIN SOLUTION

    def windows_along(n):
        room = n + 2 * p - k
        count = (-(-room // s) if ceil else room // s) + 1
        return count - 1 if ceil and (count - 1) * s >= n + p else count

    Ho, Wo = windows_along(x.shape[2]), windows_along(x.shape[3])
    xp = np.pad(x, ((0, 0), (0, 0), (p, p + k), (p, p + k)), constant_values=-np.inf)
    y = np.full((*x.shape[:2], Ho, Wo), -np.inf)
    arg = np.zeros(y.shape, int)
    for place in range(k * k):
        u, v = divmod(place, k)
        seen = xp[:, :, u : u + s * (Ho - 1) + 1 : s, v : v + s * (Wo - 1) + 1 : s]
        arg[seen > y] = place
        y = np.maximum(y, seen)
    return y, arg
    ### END SOLUTION


# %%
pooling = check("05.1", maxpool)
pooling

# %% [markdown]
# ## Exercise 05.3: the backward of average pooling
#
# Difficulty: * of ***. About 5 minutes. Further.
#
# Write `avgpool_backward`, without padding. The cases are the two of GoogLeNet: 5x5/3 on 14 x 14 in the auxiliary
# heads, and 7x7 on 7 x 7 at the end.


# %%
# exercise 05.3
def avgpool_backward(dout, x_shape, k, s):
    """Return dx (N, C, H, W) for dout (N, C, Ho, Wo)."""
    ### BEGIN SOLUTION
    dx = np.zeros(x_shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dx[:, :, i * s : i * s + k, j * s : j * s + k] += dout[:, :, i, j, None, None] / (k * k)
    return dx
    ### END SOLUTION


# %%
check("05.3", avgpool_backward)

# %% [markdown]
# ## Where branches join
#
# An Inception module ends with a concatenation of four branches along the channels: 1x1, 3x3, 5x5 and pool projection.
# The backward pass splits the gradient at the running sums of their widths. If the last two are exchanged, in how many
# of the nine modules does a shape complain?

# %%
predict("05.f", ...)

# %%
widths = {name: (a, c, e, g) for name, (a, b, c, d, e, g) in MODULES.items()}
for name, row in widths.items():
    equal = [f"{a} = {b}" for a, b, i, j in (("5x5", "pool", 2, 3), ("1x1", "3x3", 0, 1)) if row[i] == row[j]]
    print(name, row, "equal widths:", ", ".join(equal) or "none")
silent = sum(row[2] == row[3] for row in widths.values())
print(outcome("05.f", len(widths) - silent))
assert widths["3a"] == (64, 128, 32, 32)
assert silent == 7

# %% [markdown]
# What you saw: in seven of nine modules nothing complains. Shapes are no test of an order.

# %% [markdown]
# ## Exercise 05.4: the backward of a concatenation
#
# Difficulty: * of ***. About 5 minutes. Further.
#
# Write `concat_backward`: a list with one gradient for each branch.


# %%
# exercise 05.4
def concat_backward(dout, widths):
    """Return a list of (N, width, H, W), one for each of the widths, for dout (N, sum of the widths, H, W)."""
    ### BEGIN SOLUTION
    grads, start = [], 0
    for width in widths:
        grads.append(dout[:, start : start + width])
        start += width
    return grads
    ### END SOLUTION


# %%
check("05.4", concat_backward)

# %% [markdown]
# ## Bright neighbours dim a value
#
# Local response normalisation divides each value by a power of its neighbours' squares, across the n nearest channels:
#
# $$y_c = x_c \, S_c^{-\beta} \qquad S_c = k + \frac{\alpha}{n} \sum_{c' \,\text{near}\, c} x_{c'}^2$$
#
# Seven channels, all 1, and n = 5. We raise channel 3. What happens to the outputs of channels 1 and 6?

# %%
predict("05.h", ...)

# %%
x = np.ones((1, 7, 1, 1))
raised = x.copy()
raised[0, 3] += 0.5
before, after = (local_response_norm.forward(values, 5, 1.0, 0.75, 1.0)[0] for values in (x, raised))
change = (after - before).ravel().round(3)
figure, _ = viz.images({"channels 0 to 6, change in hundredths": (100 * change).round()[None]})
print(outcome("05.h", {1: float(change[1]), 6: float(change[6])}))
assert change[3] > 0 > change[[1, 2, 4, 5]].max()
assert not change[[0, 6]].any()
figure

# %% [markdown]
# What you saw: channel 3 rises, its two neighbours on either side fall, the others stay. So the gradient has two
# terms: through the value itself, and through all scales S that it is part of.

# %% [markdown]
# ## Exercise 05.6: the backward of local response normalisation
#
# Difficulty: *** of ***. About 20 minutes. Further.
#
# Write `lrn_backward`; `k` is the constant in S. The check takes alpha about 1: at GoogLeNet's 1e-4 nearly every
# mistake hides after the fourth decimal.


# %%
# exercise 05.6
def lrn_backward(dout, x, n, alpha, beta, k):
    """Return dx (N, C, H, W) for dout and x of that shape; n is odd."""
    ### BEGIN SOLUTION

    def window_sum(values):
        sums = [values[:, max(0, c - n // 2) : c + n // 2 + 1].sum(axis=1) for c in range(values.shape[1])]
        return np.stack(sums, axis=1)

    S = k + alpha / n * window_sum(x * x)
    return dout * S**-beta - 2 * alpha * beta / n * x * window_sum(dout * x * S ** (-beta - 1))
    ### END SOLUTION


# %%
lrn = check("05.6", lrn_backward)
lrn

# %% [markdown]
# ## Dropout
#
# Dropout with ratio 0.4 sets 40 % of the values to zero in training, and divides the others by 0.6. What becomes of
# the mean and of the variance of a million values around 1?

# %%
predict("05.i", ...)

# %%
x = 1 + 0.5 * rng.standard_normal(1_000_000)
kept = rng.random(x.shape) >= 0.4
y = x * kept / 0.6
print(
    outcome(
        "05.i",
        {"mean": [round(float(a.mean()), 2) for a in (x, y)], "variance": [round(float(a.var()), 2) for a in (x, y)]},
    )
)
assert abs(x.mean() - y.mean()) < 0.01 < y.var() - x.var()

# %% [markdown]
# What you saw: the mean is kept, the variance grows. Mind the word: here, in Caffe and in PyTorch the ratio is the
# fraction that is dropped; an old interface of TensorFlow asked for the fraction that is kept.

# %% [markdown]
# ## Exercise 05.7: dropout, both ways
#
# Difficulty: * of ***. About 10 minutes. Further.
#
# Write `dropout`: the output for x and the gradient for dout, in training and in inference. The uniform numbers u
# decide; a value stays if u is at least the ratio.


# %%
# exercise 05.7
def dropout(x, ratio, u, train, dout):
    """Return (y, dx), both of the shape of x."""
    ### BEGIN SOLUTION
    if not train:
        return x.copy(), dout.copy()
    mask = (u >= ratio) / (1 - ratio)
    return x * mask, dout * mask
    ### END SOLUTION


# %%
check("05.7", dropout)

# %%
compare("05.7")

# %% [markdown]
# ## A GoogLeNet of your own
#
# `mg.use` replaces an operation everywhere by a pair of functions of yours (forward, backward). So your convolution,
# your max pooling and your LRN gradient can compute the real GoogLeNet at once. Copy what you wrote in lessons 02 and
# 03 over this cell. What you have not written stays the engine's.


# %%
### BEGIN SOLUTION
def conv_gemm(x, w, b, stride, pad):
    K, _, R, S = w.shape
    N, C, H, W = x.shape
    Ho, Wo = (H + 2 * pad - R) // stride + 1, (W + 2 * pad - S) // stride + 1
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    cols = np.zeros((N, C, R, S, Ho, Wo), x.dtype)
    for u in range(R):
        for v in range(S):
            cols[:, :, u, v] = xp[:, :, u : u + stride * (Ho - 1) + 1 : stride, v : v + stride * (Wo - 1) + 1 : stride]
    y = w.reshape(K, -1) @ cols.reshape(N, C * R * S, Ho * Wo) + b[:, None]
    return y.reshape(N, K, Ho, Wo)


def conv_db(dout):
    return dout.sum(axis=(0, 2, 3))


def conv_dw(x, dout, w_shape, stride, pad):
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    (_, _, Ho, Wo), dw = dout.shape, np.zeros(w_shape)
    for u in range(w_shape[2]):
        for v in range(w_shape[3]):
            met = xp[:, :, u : u + stride * (Ho - 1) + 1 : stride, v : v + stride * (Wo - 1) + 1 : stride]
            dw[:, :, u, v] = np.tensordot(dout, met, axes=((0, 2, 3), (0, 2, 3)))
    return dw


def conv_dx(dout, w, x_shape, stride, pad):
    N, C, H, W = x_shape
    _, _, Ho, Wo = dout.shape
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            part = np.tensordot(dout, w[:, :, u, v], axes=(1, 0)).transpose(0, 3, 1, 2)
            dxp[:, :, u : u + stride * (Ho - 1) + 1 : stride, v : v + stride * (Wo - 1) + 1 : stride] += part
    return dxp[:, :, pad : pad + H, pad : pad + W]


### END SOLUTION

# %% [markdown]
# The engine passes sizes in full, (height, width) and four-sided padding. These pairs call your functions.


# %%
def my_conv(x, weight, bias, stride, padding, groups):
    return conv_gemm(x, weight, bias, stride[0], padding[0][0])


def my_conv_backward(grad_y, x, weight, bias, stride, padding, groups):
    s, p = stride[0], padding[0][0]
    dx, dw = conv_dx(grad_y, weight, x.shape, s, p), conv_dw(x, grad_y, weight.shape, s, p)
    return dx, dw, conv_db(grad_y)


def my_pool(x, kernel_size, stride, padding, ceil_mode):
    return maxpool(x, kernel_size[0], stride[0], padding[0][0], ceil_mode)


def my_lrn_backward(grad_y, x, scale, size, alpha, beta):
    return lrn_backward(grad_y, x, size, alpha, beta, 1.0)  # k is 1 in GoogLeNet


own = {}
if pooling.passed and result.passed:
    own["max_pool2d"] = (my_pool, my_pool_backward)
if lrn.passed:
    own["local_response_norm"] = (readable.local_response_norm.forward, my_lrn_backward)
try:
    ones = np.ones((1, 1, 3, 3))
    y = my_conv(ones, ones, np.ones(1), (1, 1), ((0, 0), (0, 0)), 1)
    my_conv_backward(y, ones, ones, np.ones(1), (1, 1), ((0, 0), (0, 0)), 1)
    own["conv2d"] = (my_conv, my_conv_backward)
except NotImplementedError:
    print("conv2d stays the engine's until you copy your functions into the cell above.")

# %% [markdown]
# One pass forward and back, by the engine and by yours. With slices it may take half a minute, with loops over every
# product hours.

# %%
net = mg.models.googlenet(aux=False, rng=0)
image, label = mg.data.prepare(mg.data.photograph()), np.array([0])


def gradients():
    logits, tape = net.forward({"image": image})
    loss, grad = mg.losses.softmax_cross_entropy(logits[net.main], label)
    return {"loss": loss, **net.backward({net.main: grad}, tape, inputs=False)[1]}


expected = gradients()
with mg.use(**own):
    print(mg.use())
    yours = gradients()
apart = max(abs(yours[name] - expected[name]).max() / abs(expected[name]).max() for name in expected)
print(f"{len(expected) - 1} gradients and the loss: at most {apart:.1e} of the largest value from the engine's")
assert apart < 0.01
