# %% [markdown]
# # 05 Layers without weights
#
# **Question.** What does a layer without weights do to a gradient?
#
# About 60 minutes. You need lessons 03 and 04. The primer in lesson 00 explains max pooling, LRN, ReLU and softmax.
# Average pooling takes the mean of a window; concatenation joins arrays along the channels.
#
# Afterwards you can
#
# - write the backward pass of max pooling, of a fork, and of softmax with cross-entropy;
# - explain which layers mix pixels, which mix channels and which mix neither;
# - write max pooling with padding, average pooling, concatenation, LRN and dropout ("Take it further").
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
    """Return (y, arg): arg is the *argmax*, the position of the maximum in its window, row * k + column."""
    return max_pool2d.forward(x, (k, k), (s, s), ((p, p), (p, p)), ceil)


def send_back(dout, arg, size, k, s, p=0):
    """Return the input gradient: every entry of dout is added to the pixel that was the maximum."""
    return max_pool2d.backward(dout, arg, size, (k, k), (s, s), ((p, p), (p, p)))


# %% [markdown]
# ## Which pixels get the gradient?
#
# If you raise the maximum of a window, the output rises by the same amount. If you raise another pixel a little, the
# output does not change. So max pooling passes the gradient of each output to one pixel. GoogLeNet's max pools are
# 3x3/2 and 3x3/1, and their windows overlap. A pixel *wins* a window if it is the maximum. How many windows can one
# pixel win at 3x3/2?

# %%
predict("05.a", ...)

# %%
noise = np.maximum(rng.standard_normal((1, 1, 48, 48)), 0)  # as after a ReLU


def windows_won(k, s, p=0):
    """Return, for each pixel, the number of windows that it wins."""
    y, arg = max_pool(noise, k, s, p)
    return send_back(np.ones_like(y), arg, noise.shape[2:], k, s, p)[0, 0]


counts = {"2x2/2": windows_won(2, 2), "3x3/2": windows_won(3, 2), "3x3/1": windows_won(3, 1, 1)}
print(outcome("05.a", int(counts["3x3/2"].max())))
assert [count.max() for count in counts.values()] == [1, 4, 9]
row, column = np.argwhere(counts["3x3/2"] == 4)[0]  # show a region with a pixel that wins four windows
top, left = min(max(row - 4, 0), 38), min(max(column - 4, 0), 38)
regions = {f"{name}: windows won": count[top : top + 10, left : left + 10] for name, count in counts.items()}
figure, _ = viz.images(regions, same_scale=False)
assert regions["3x3/2: windows won"].max() == 4
figure

# %% [markdown]
# What you saw: at 3x3/2 one pixel can win four windows, at 3x3/1 nine. At 2x2/2 the windows do not overlap, so each
# pixel is in only one.

# %% [markdown]
# ## One equals sign
#
# A backward pass that writes `dx[...] = dout` instead of `+=` keeps only one gradient per pixel. What fraction of the
# entries of `dout` is lost at 3x3/1? The cell also prints the accuracy of a network with this mistake, as stored by
# lesson 03. If nothing is stored, it trains six networks, which takes about half a minute.

# %%
predict("05.b", ...)

# %%
lost = {name: float(1 - (count > 0).sum() / count.sum()) for name, count in counts.items()}
for name, fraction in lost.items():
    print(f"{name}: {fraction:.0%} of the entries of dout are lost")
print(outcome("05.b", round(lost["3x3/1"], 2)))
assert lost["2x2/2"] == 0 < lost["3x3/2"] < lost["3x3/1"]
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
print("A small GoogLeNet on the digits, accuracy on held-out digits:")
for name in ("correct", "max pool with = instead of +="):
    print(f"{name:30}", "  ".join(f"{wrong_backwards.kept(name, seed, epochs):.1%}" for seed in seeds), flush=True)

# %% [markdown]
# What you saw: most of the gradient of a 3x3/1 pool is lost, and the network still learns. Accuracy is not a test of a
# gradient.

# %% [markdown]
# ## Exercise 05.2: the backward pass of max pooling
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `maxpool_backward`. It gets `arg` from the forward pass, so it does not need `x`. Each arg is u * k + v, where u
# and v are the row and the column of the maximum in its window. For each output:
#
# $$dx[n, c, \; i s + u - p, \; j s + v - p] \mathrel{+}= dout[n, c, i, j]$$
#
# If an index occurs twice, NumPy's `dx[indices] += ...` adds only once; `np.add.at` adds every time.


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
# Now train a GoogLeNet of four modules for ten steps, once with the engine's function and once with yours. If yours has
# plain loops, this may take half a minute.


# %%
def my_pool_backward(grad_y, argmax, input_size, kernel_size, stride, padding):
    """Call maxpool_backward with the engine's arguments, whose sizes are (height, width)."""
    x_shape = (*grad_y.shape[:2], *input_size)
    return maxpool_backward(grad_y, argmax, x_shape, kernel_size[0], stride[0], padding[0][0])


if result.passed:
    expected = ten_steps.parameters()
    with mg.use(max_pool2d=(readable.max_pool2d.forward, my_pool_backward)):
        yours = ten_steps.parameters()
    print(f"After ten steps the parameters differ by at most {ten_steps.largest_difference(yours, expected):.1e}.")

# %% [markdown]
# ## A fork
#
# An Inception module begins with a fork: four branches read the same input. If the input rises, the loss changes
# through each branch. The chain rule adds these changes:
#
# $$\frac{\partial L}{\partial x} = \sum_{\mathrm{branches}} \frac{\partial L}{\partial y_{\mathrm{branch}}}
#   \cdot \frac{\partial y_{\mathrm{branch}}}{\partial x}$$

# %% [markdown]
# ## Exercise 05.8: four branches, one input
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# Write `fork_backward`: the gradient of the input that all branches read. You get one gradient of this input from each
# branch. Do not change these arrays.


# %%
# exercise 05.8
def fork_backward(grads):
    """Return (N, C, H, W), for a list of gradients with that shape."""
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
# The last layer returns logits z, one per class. Softmax turns them into probabilities p, and the loss is minus the
# logarithm of the probability of the right class t. Combined, they simplify:
#
# $$L = -\ln p_t = -\ln \frac{e^{z_t}}{\sum_j e^{z_j}} = -z_t + \ln \sum_j e^{z_j}$$
#
# Let [k = t] be 1 for the right class and 0 otherwise. The first term has the derivative -[k = t]. That of the
# logarithm is 1 / sum, times the inner derivative exp(z_k):
#
# $$\frac{\partial L}{\partial z_k} = \frac{e^{z_k}}{\sum_j e^{z_j}} - [k = t] = p_k - [k = t]$$
#
# What is the sum of dL/dz over the classes of one image?

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
# What you saw: the sum is zero, because raising all logits by the same amount does not change the loss. So you may
# subtract the largest logit from all of them first. Large logits require this, because exp overflows above 709:

# %%
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp([1000.0, 0]) / np.exp([1000.0, 0]).sum()
shifted = np.exp([0.0, -1000.0]) / np.exp([0.0, -1000.0]).sum()
print("logits 1000 and 0:", naive, "; with the largest logit subtracted first:", shifted)
assert np.isnan(naive[0])
assert shifted[0] == 1

# %% [markdown]
# ## Exercise 05.5: softmax with cross-entropy
#
# Difficulty: ** of ***. About 15 minutes. Core.
#
# Write `softmax_ce`. It returns the mean loss over the images, times `weight`, and the gradient of this product with
# respect to z. K is the number of classes. `weight` is 0.3 for GoogLeNet's *auxiliary heads*, small classifiers in the
# middle of the network. Logits may be as large as 1000.


# %%
# exercise 05.5
def softmax_ce(z, labels, weight):
    """Return (loss, dz): a float and (N, K), for z (N, K) and labels (N,)."""
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
# ## Pixels or channels
#
# The next cell raises one value in the middle of a feature map. In which layers does the output change at other pixels,
# or in other channels?


# %%
def mixes(layer):
    """Return whether other pixels and other channels of the output change if one input value rises."""
    x = np.random.default_rng(0).standard_normal((1, 5, 6, 6)) + 3
    raised = x.copy()
    raised[0, 2, 3, 3] += 9
    changed = layer.forward(raised)[0] != layer.forward(x)[0]
    pixels = changed[0].any(axis=0).sum() > 1
    return bool(pixels), bool(changed[0].any(axis=(1, 2)).sum() > 1)


layers = MaxPool2d(3, 1, 1), mg.layers.AvgPool2d(3, 1, 1), LocalResponseNorm(), mg.layers.ReLU(), mg.layers.Concat()
table = {type(layer).__name__: mixes(layer) for layer in layers}
assert table["LocalResponseNorm"] == (False, True)
assert table["MaxPool2d"] == table["AvgPool2d"] == (True, False)
assert table["ReLU"] == table["Concat"] == (False, False)
rows = [(name, *("yes" if mixed else "no" for mixed in pixels_channels)) for name, pixels_channels in table.items()]
mg.console.Table("", ("layer", "mixes pixels", "mixes channels"), rows)

# %% [markdown]
# What you saw: pools mix pixels, LRN mixes channels, ReLU and concatenation mix neither. Nor does *dropout*. In
# training it sets a random fraction of the values, the *ratio*, to 0, and divides the others by 1 - ratio. In inference
# it does nothing.

# %% [markdown]
# ## Make it break
#
# Two branches read the array [-1, 2, -3]. The first applies its ReLU in place. Then the second negates the array. What
# does the second branch return?

# %%
predict("05.j", ...)

# %%
shared = np.array([-1.0, 2, -3])
first = np.maximum(shared, 0, out=shared)  # in place: saves memory
second = 0 - shared  # the other branch, which needed the negative values too
print(outcome("05.j", second.tolist()))
assert second.tolist() != [1.0, -2.0, 3.0]

# %% [markdown]
# What you saw: the second branch reads what the first has overwritten. Working in place is safe only if no other layer
# and no backward pass needs the old values.

# %% [markdown]
# ## Claims, checked

# %%
g = mg.models.googlenet(rng=0)
main, head = (g.nodes[name].layer.p for name in ("pool5/drop_7x7_s1", "loss1/drop_fc"))
normalisations = sum(row.kind == "LocalResponseNorm" for row in mg.count(g).rows)
ledger = {
    "the dropout ratio is 70% in the auxiliary heads, 40% in the main classifier": (main, head) == (0.4, 0.7),
    "the network has two LRN layers, as in figure 3 of the paper; its Table 1 has none": normalisations == 2,
    "with `=` instead of `+=`, 3x3/1 pools lose most of their gradient": lost["3x3/1"] > 0.5,
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
# The next lessons do not need this part.
#
# - L2 pooling takes the square root of the mean of squares. Derive its backward pass, and check it with
#   `mg.gradcheck.check_function`.
# - Blur before you subsample: put an average pool 3x3/1 before a max pool 2x2/2. Shift an image by one pixel. How much
#   does the output change, with and without the blur?

# %% [markdown]
# ## Ties
#
# In an image of one colour, all values of a window are equal. Which row and column of a 3x3 window get the gradient?

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
# What you saw: the whole gradient of a window goes to its first pixel. You could also choose the last pixel, or all of
# them, but both passes must follow the same rule. After a ReLU, ties at 0 are common.

# %% [markdown]
# ## Ceil or floor
#
# GoogLeNet's pools between stages are 3x3/2 without padding, on feature maps of 112, 56, 28 and 14. (112 - 3) / 2 is
# 54.5; rounded up, plus 1, it gives 56, the next size in the paper. If you round down (floor), what do the sizes 112,
# 56, 28, 14, 7 become?

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
# What you saw: with floor, no window reads the last row of a feature map of even height. The last size is 6 instead of
# 7, and the 7 x 7 pool at the end no longer fits.

# %% [markdown]
# ## Padding must never be the maximum
#
# Every pixel of an image is -3. A 3x3/1 max pool pads it with zeros, one pixel wide on each side. What is the output at
# the border?

# %%
predict("05.e", ...)

# %%
low = np.full((1, 1, 4, 5), -3.0)
right, _ = max_pool(low, 3, 1, 1)
zeros, _ = max_pool(np.pad(low, ((0, 0), (0, 0), (1, 1), (1, 1))), 3, 1)
figure, _ = viz.images({"padding never the maximum": right[0, 0], "padding with 0": zeros[0, 0]})
print(outcome("05.e", float(zeros[0, 0, 0, 0])))
assert (right == -3).all()
figure

# %% [markdown]
# What you saw: a frame of zeros that are not in the image. After a ReLU no value is negative, so both versions agree,
# and the bug stays hidden until someone moves the ReLU.

# %% [markdown]
# ## Exercise 05.1: max pooling with its argmax
#
# Difficulty: ** of ***. About 15 minutes. Further.
#
# Write `maxpool`. It returns the largest value of each window and its argmax, `row * k + column`. With `ceil` the
# number of windows is rounded up, and the last one may extend past the edge. A window that would start in the padding
# after the image is dropped. If values are equal, the first one counts.


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
    for position in range(k * k):
        u, v = divmod(position, k)
        values = xp[:, :, u : u + s * (Ho - 1) + 1 : s, v : v + s * (Wo - 1) + 1 : s]
        arg[values > y] = position
        y = np.maximum(y, values)
    return y, arg
    ### END SOLUTION


# %%
pooling = check("05.1", maxpool)
pooling

# %% [markdown]
# ## Exercise 05.3: the backward pass of average pooling
#
# Difficulty: * of ***. About 5 minutes. Further.
#
# Write `avgpool_backward`, without padding. GoogLeNet has two kinds of average pool: 5x5/3 on 14 x 14 in the auxiliary
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
# ## Concatenation
#
# An Inception module ends with a concatenation of four branches along the channels: 1x1, 3x3, 5x5 and pool projection.
# The backward pass splits the gradient at the running sums of their channel counts, the `widths`. Suppose it exchanges
# the last two branches. In how many of the nine modules does this raise an error about a shape?

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
# What you saw: in seven of nine modules the two branches are equally wide, so no error occurs. Shapes do not test the
# order.

# %% [markdown]
# ## Exercise 05.4: the backward pass of a concatenation
#
# Difficulty: * of ***. About 5 minutes. Further.
#
# Write `concat_backward`. It returns a list with one gradient per branch.


# %%
# exercise 05.4
def concat_backward(dout, widths):
    """Return a list with an array (N, width, H, W) for each width, for dout (N, sum of the widths, H, W)."""
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
# ## Local response normalisation
#
# LRN divides each value by a power of its *scale* S, a constant k plus squares of the n nearest channels:
#
# $$y_c = x_c \, S_c^{-\beta} \qquad S_c = k + \frac{\alpha}{n} \sum_{c' \,\text{near}\, c} x_{c'}^2$$
#
# Take seven channels, all 1, and n = 5, and raise channel 3. How do the outputs of channels 1 and 6 change?

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
# What you saw: channel 3 rises, the two neighbours on each side fall, and the others stay the same. So the gradient has
# two terms: one through the value itself, and one through all scales S that contain the value.

# %% [markdown]
# ## Exercise 05.6: the backward pass of local response normalisation
#
# Difficulty: *** of ***. About 20 minutes. Further.
#
# Write `lrn_backward`; `k` is the constant in S. The check uses alpha near 1. With GoogLeNet's 1e-4, nearly every
# mistake would change only digits after the fourth decimal place.


# %%
# exercise 05.6
def lrn_backward(dout, x, n, alpha, beta, k):
    """Return dx (N, C, H, W) for dout and x with that shape; n is odd."""
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
# In training, dropout with ratio 0.4 sets 40% of the values to zero and divides the others by 0.6. How do the mean and
# the variance of a million values around 1 change?

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
# What you saw: the mean stays the same, the variance grows. In this course, in Caffe and in PyTorch the ratio is the
# fraction that is dropped. In an old interface of TensorFlow it was the fraction that is kept.

# %% [markdown]
# ## Exercise 05.7: dropout, forward and backward
#
# Difficulty: * of ***. About 10 minutes. Further.
#
# Write `dropout`: the output for x and the gradient for dout, in training and in inference. `u` has uniform random
# values. A value is kept if its u is at least the ratio.


# %%
# exercise 05.7
def dropout(x, ratio, u, train, dout):
    """Return (y, dx), both with the shape of x."""
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
# ## GoogLeNet on your code
#
# `mg.use` replaces an operation everywhere with your own pair of functions (forward, backward). So your convolution,
# your max pooling and your LRN gradient can run the real GoogLeNet together. Replace the functions in the next cell
# with those that you wrote in lessons 02 and 03. If you have not written some of them, the engine's are used.


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
            pixels = xp[:, :, u : u + stride * (Ho - 1) + 1 : stride, v : v + stride * (Wo - 1) + 1 : stride]
            dw[:, :, u, v] = np.tensordot(dout, pixels, axes=((0, 2, 3), (0, 2, 3)))
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
# The engine passes every size as (height, width), and the padding of all four sides. These functions call yours.


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


pairs = {}
if pooling.passed and result.passed:
    pairs["max_pool2d"] = (my_pool, my_pool_backward)
if lrn.passed:
    pairs["local_response_norm"] = (readable.local_response_norm.forward, my_lrn_backward)
try:
    ones = np.ones((1, 1, 3, 3))
    y = my_conv(ones, ones, np.ones(1), (1, 1), ((0, 0), (0, 0)), 1)
    my_conv_backward(y, ones, ones, np.ones(1), (1, 1), ((0, 0), (0, 0)), 1)
    pairs["conv2d"] = (my_conv, my_conv_backward)
except NotImplementedError:
    print("conv2d uses the engine's functions until you copy yours into the cell above.")

# %% [markdown]
# Compute the loss and all gradients, first with the engine's functions, then with yours. If you wrote slices, this may
# take half a minute; if you wrote loops, hours.

# %%
net = mg.models.googlenet(aux=False, rng=0)
image, label = mg.data.prepare(mg.data.photograph()), np.array([0])


def gradients():
    logits, tape = net.forward({"image": image})
    loss, grad = mg.losses.softmax_cross_entropy(logits[net.main], label)
    return {"loss": loss, **net.backward({net.main: grad}, tape, inputs=False)[1]}


expected = gradients()
with mg.use(**pairs):
    print(mg.use())
    yours = gradients()
difference = max(abs(yours[name] - expected[name]).max() / abs(expected[name]).max() for name in expected)
print(f"{len(expected) - 1} gradients and the loss: relative difference from the engine at most {difference:.1e}")
assert difference < 0.01
