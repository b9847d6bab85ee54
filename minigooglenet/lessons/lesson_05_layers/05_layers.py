# %% [markdown]
# # 05 Layers without weights
#
# **What can a layer do to a gradient if it has nothing to learn?**
#
# About 60 minutes. You need lessons 03 and 04.
#
# Afterwards you can
#
# - write max and average pooling with padding, stride and ceil, forward and backward,
# - write the backward of a concatenation and of a fork, of softmax with cross-entropy, of local response
#   normalisation (LRN) and of dropout,
# - say which of them mix pixels, which mix channels and which mix neither.
#
# Letters: N images, C channels, H x W pixels, Ho x Wo outputs, k kernel, s stride, p padding. "3x3/2" is a window of
# 3 x 3 with stride 2. `dout` is the gradient of the loss with respect to the output.
# The contents: nine small experiments, eight exercises, something to break, claims to check, a quiz.
# If cells ran out of order, restart the kernel and run from here.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet.exercises import check, compare, hint, outcome, predict, quiz
from minigooglenet.kernels import numpy as readable
from minigooglenet.kernels.loops import local_response_norm, max_pool2d, softmax_cross_entropy
from minigooglenet.layers import LocalResponseNorm, MaxPool2d
from minigooglenet.lessons.lesson_03_gradients import wrong_backwards
from minigooglenet.models.googlenet import MODULES

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
rng = np.random.default_rng(5)


def winners(x, k, s, p=0, ceil=False):
    """Return (y, arg): arg is the place of the winner in its window, row * k + column."""
    return max_pool2d.forward(x, (k, k), (s, s), ((p, p), (p, p)), ceil)


def send_back(dout, arg, size, k, s, p=0):
    return max_pool2d.backward(dout, arg, size, (k, k), (s, s), ((p, p), (p, p)))


# %% [markdown]
# ## 1. Who wins?
#
# A max pool passes the gradient of each output to the pixel that won its window. GoogLeNet's pools are 3x3/2 and 3x3/1:
# their windows overlap. How often can one pixel win at 3x3/2?

# %%
predict("05.a", ...)

# %%
noise = np.maximum(rng.standard_normal((1, 1, 48, 48)), 0)  # what stands behind a ReLU


def wins(k, s, p=0):
    """Return how often each pixel wins."""
    y, arg = winners(noise, k, s, p)
    return send_back(np.ones_like(y), arg, noise.shape[2:], k, s, p)[0, 0]


counts = {"2x2/2": wins(2, 2), "3x3/2": wins(3, 2), "3x3/1": wins(3, 1, 1)}
for name, won in counts.items():
    several = (won > 1).sum() / (won > 0).sum()
    print(f"{name}: the most wins of one pixel {int(won.max())}; {several:.0%} of the winners win more than once")
print(outcome("05.a", int(counts["3x3/2"].max())))
assert [won.max() for won in counts.values()] == [1, 4, 9]

# %%
figure, _ = mg.viz.pictures({f"{name}: wins": won[:10, :10] for name, won in counts.items()}, same_scale=False)
figure

# %% [markdown]
# What you saw: at 3x3/2 one pixel can win four windows, at 3x3/1 nine. Only windows that do not overlap, 2x2/2, have a
# winner each of their own.

# %% [markdown]
# ## Exercise 05.1: max pooling with its winners
#
# Two stars, 15 minutes, core. Write `maxpool`. It returns the largest value of each window and its place in the
# window, `row * k + column`. With `ceil` the number of windows is rounded up, and the last one may hang over the end;
# one that would start in the padding behind the image is dropped. Of equal values the first wins.


# %%
def maxpool(x, k, s, p, ceil):
    """Return (y, arg), both (N, C, Ho, Wo), for x (N, C, H, W)."""  # exercise 05.1
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
# ## 2. One equals sign
#
# A backward that writes `dx[...] = dout` where `+=` belongs pays each pixel only once. How much of the gradient is
# lost, and does the network notice? Guess the lost share for 3x3/1.

# %%
predict("05.b", ...)

# %%
lost = {name: float(1 - (won > 0).sum() / won.sum()) for name, won in counts.items()}
for name, share in lost.items():
    print(f"{name}: {share:.0%} of the gradient's entries are lost")
print(outcome("05.b", round(lost["3x3/1"], 2)))
assert lost["2x2/2"] == 0 < lost["3x3/2"] < lost["3x3/1"]

# %%
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
print(f"A small GoogLeNet on digits, {epochs} epochs{' (the short form)' if FAST else ''}, held-out digits right:")
for name in ("correct", "max pool = for +="):
    print(f"{name:20}", "  ".join(f"{wrong_backwards.accuracy(name, seed, epochs):.1%}" for seed in seeds))

# %% [markdown]
# What you saw: most of a 3x3/1 pool's gradient is gone, and the network learns all the same. Accuracy is no test of a
# gradient.

# %% [markdown]
# ## Exercise 05.2: the backward of max pooling
#
# Two stars, 10 minutes, core. Write `maxpool_backward`. It gets the winners `arg` from the forward, so it needs no `x`.


# %%
def maxpool_backward(dout, arg, x_shape, k, s, p):
    """Return dx (N, C, H, W) for dout and arg (N, C, Ho, Wo)."""  # exercise 05.2
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
# Your backward now trains a GoogLeNet of four modules, for ten steps, beside the engine's.


# %%
def my_pool_backward(grad_y, argmax, input_size, kernel_size, stride, padding):
    """Take what the engine passes, sizes as (height, width), and hand it to maxpool_backward."""
    x_shape = (*grad_y.shape[:2], *input_size)
    return maxpool_backward(grad_y, argmax, x_shape, kernel_size[0], stride[0], padding[0][0])


def ten_steps():
    g = wrong_backwards.network()
    images, labels, _, _ = mg.data.digits(8)
    mg.training.train(g, images[:320], labels[:320], epochs=1, rng=0)
    return g.params


if result.passed:
    engines = ten_steps()
    with mg.use(max_pool2d=(readable.max_pool2d.forward, my_pool_backward)):
        mine = ten_steps()
    apart = max(float(abs(mine[name] - engines[name]).max()) for name in engines)
    print(f"After ten steps no weight is further apart than {apart:.1e}.")
else:
    print("When 05.2 passes, this cell trains a network with it.")

# %% [markdown]
# ## 3. Ties
#
# On an image of one colour all values of a window are equal. Where does the gradient go?

# %%
predict("05.c", ...)

# %%
flat = np.full((1, 1, 7, 7), 2.0)
y, arg = winners(flat, 3, 2)
dx = send_back(np.ones_like(y), arg, (7, 7), 3, 2)
figure, _ = mg.viz.pictures({"gradient of a constant image": dx[0, 0]})
print(outcome("05.c", "the first of each window, in its upper left corner"))
assert dx.sum() == y.size
assert (dx[0, 0, ::2, ::2][:3, :3] == 1).all()
figure

# %% [markdown]
# What you saw: the whole gradient of a window goes to its first pixel. Another rule (to all, to the last) would be as
# good a choice, but forward and backward must make the same one. After a ReLU ties at 0 are common.

# %% [markdown]
# ## 4. Ceil or floor
#
# GoogLeNet's trunk pools are 3x3/2 without padding, on maps of 112, 56, 28 and 14. (112 - 3) / 2 is 54.5. The paper's
# next map is 56. What does floor give in place of 112, 56, 28, 14, 7?

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

# %%
y, arg = winners(noise[:, :, :8, :8], 3, 2)
dx = send_back(np.ones_like(y), arg, (8, 8), 3, 2)
print("floor on 8 x 8: gradient of the last row", dx[0, 0, -1], "and of the last column", dx[0, 0, :, -1])
assert not dx[0, 0, -1].any()
assert not dx[0, 0, :, -1].any()

# %% [markdown]
# What you saw: with floor no window reaches the last row and column of an even map, and the maps shrink to 6 instead
# of 7, where the last 7 x 7 pool no longer fits.

# %% [markdown]
# ## 5. Padding that wins
#
# An image full of -3, max pool 3x3/1 with padding 1. What is the output at the border if the padding is 0?

# %%
predict("05.e", ...)

# %%
low = np.full((1, 1, 4, 5), -3.0)
right, _ = winners(low, 3, 1, 1)
zeros, _ = winners(np.pad(low, ((0, 0), (0, 0), (1, 1), (1, 1))), 3, 1)
figure, _ = mg.viz.pictures({"padding never wins": right[0, 0], "padding with 0": zeros[0, 0]})
print(outcome("05.e", float(zeros[0, 0, 0, 0])))
assert (right == -3).all()
figure

# %% [markdown]
# What you saw: a frame of zeros that stand nowhere in the image. Behind a ReLU, where nothing is negative, both are
# the same, and the mistake sleeps until somebody moves the ReLU.

# %% [markdown]
# ## Exercise 05.3: the backward of average pooling
#
# One star, 5 minutes, core. Write `avgpool_backward`, without padding. The cases are the two of GoogLeNet: 5x5/3 on
# 14 x 14 in the auxiliary heads, and 7x7 on 7 x 7 at the end.


# %%
def avgpool_backward(dout, x_shape, k, s):
    """Return dx (N, C, H, W) for dout (N, C, Ho, Wo)."""  # exercise 05.3
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
# ## 6. Where branches meet and part
#
# An Inception module joins four branches: 1x1, 3x3, 5x5 and pool projection. The backward cuts the gradient at the
# running sums of their widths. If somebody swaps the last two, in how many of the nine modules does a shape complain?

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
#
# The other side of a module is a fork: one input is read by four branches, and four gradients come back to it.

# %% [markdown]
# ## Exercise 05.4: the backward of a concatenation
#
# One star, 5 minutes, core. Write `concat_backward`: a list with one gradient for each branch.


# %%
def concat_backward(dout, widths):
    """Return a list of (N, width, H, W), one for each of the widths, for dout (N, sum of the widths, H, W)."""
    # exercise 05.4
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
# ## Exercise 05.8: four branches, one input
#
# One star, 5 minutes, core. Write `fork_backward`: the gradient of the input that all branches read. Leave the
# gradients that you are given as they are.


# %%
def fork_backward(grads):
    """Return (N, C, H, W) for a list of gradients of that shape."""  # exercise 05.8
    ### BEGIN SOLUTION
    total = grads[0].copy()
    for grad in grads[1:]:
        total += grad
    return total
    ### END SOLUTION


# %%
check("05.8", fork_backward)

# %% [markdown]
# ## 7. Softmax and its gradient
#
# Softmax turns scores z into probabilities p; the loss is minus the logarithm of the right class's p. Its gradient is
# p minus one at the right class. What does each row of the gradient add up to?

# %%
predict("05.g", ...)

# %%
z, labels = np.array([[2.0, 1, 0], [0, 3, 3]]), np.array([0, 2])
loss, log_p = softmax_cross_entropy.forward(z, labels)
dz = softmax_cross_entropy.backward(log_p, labels)
print("p  =", np.exp(log_p).round(3).tolist())
print("dz =", dz.round(3).tolist(), "rows add to", dz.sum(axis=1).round(12).tolist())
print(outcome("05.g", 0))
assert abs(dz.sum(axis=1)).max() < 1e-12

# %%
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp([1000.0, 0]) / np.exp([1000.0, 0]).sum()
    assert np.isfinite(np.exp(709.0))
    assert np.isinf(np.exp(710.0))
print(
    "exp(1000) / (exp(1000) + exp(0)) =", naive[0], "  and with the largest taken off first:", 1 / (1 + np.exp(-1000.0))
)
assert np.isnan(naive[0])

# %% [markdown]
# What you saw: zero. Raising all scores by the same changes nothing, so nothing asks for it. And exp overflows above
# 709, unless the largest score is taken off first.

# %% [markdown]
# ## Exercise 05.5: softmax with cross-entropy
#
# Two stars, 15 minutes, core. Write `softmax_ce`: the mean loss over the images times `weight`, and its gradient. The
# weight is 0.3 for GoogLeNet's auxiliary heads. Scores may be as large as 1000.


# %%
def softmax_ce(z, labels, weight):
    """Return (loss, dz): a number and (N, K), for z (N, K) and labels (N,)."""  # exercise 05.5
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
# ## 8. Bright neighbours dim a value
#
# Local response normalisation divides each value by a power of its neighbours' squares, across channels:
# y = x * S**-beta with S = k + alpha / n * (sum of x**2 over n channels). Seven channels, all 1, n = 5. We raise
# channel 3. What happens to the outputs of channels 1 and 6?

# %%
predict("05.h", ...)

# %%
x = np.ones((1, 7, 1, 1))
raised = x.copy()
raised[0, 3] += 0.5
before, after = (local_response_norm.forward(values, 5, 1.0, 0.75, 1.0)[0] for values in (x, raised))
change = (after - before).ravel()
figure, _ = mg.viz.pictures({"channels 0 to 6, change in hundredths": (100 * change).round()[None]})
print(outcome("05.h", f"channel 1 {change[1]:+.3f}, channel 6 {change[6]:+.3f}"))
assert change[3] > 0 > change[[1, 2, 4, 5]].max()
assert not change[[0, 6]].any()
figure

# %% [markdown]
# What you saw: channel 3 rises, its two neighbours on either side fall, the others stay. So the gradient has two
# terms: through the value itself, and through all scales that it is part of.

# %% [markdown]
# ## Exercise 05.6: the backward of LRN
#
# Three stars, 20 minutes. Write `lrn_backward`. The check takes alpha = 1: at the paper's 1e-4 nearly every mistake
# hides behind the fourth decimal.


# %%
def lrn_backward(dout, x, n, alpha, beta, k):
    """Return dx (N, C, H, W) for dout and x of that shape; n is odd."""  # exercise 05.6
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
# ## 9. Dropout
#
# Dropout with ratio 0.4 sets 40 % of the values to zero while training, and divides the others by 0.6. What becomes of
# the mean and of the variance of a million values around 1?

# %%
predict("05.i", ...)

# %%
x = 1 + 0.5 * rng.standard_normal(1_000_000)
kept = rng.random(x.shape) >= 0.4
y = x * kept / 0.6
print(f"mean {x.mean():.3f} -> {y.mean():.3f}, variance {x.var():.3f} -> {y.var():.3f}, dropped {1 - kept.mean():.1%}")
print(outcome("05.i", "mean kept, variance larger"))
assert abs(x.mean() - y.mean()) < 0.01 < y.var() - x.var()

# %% [markdown]
# What you saw: the mean is kept, the variance is not. Mind the word: here, in Caffe and in PyTorch the ratio is what
# is dropped; an old interface of TensorFlow asked for the share that is kept.

# %% [markdown]
# ## Exercise 05.7: dropout, both ways
#
# One star, 10 minutes. Write `dropout`: the output for x and the gradient for dout, in training and at test time. The
# uniform numbers u decide; a value stays where u is at least the ratio.


# %%
def dropout(x, ratio, u, train, dout):
    """Return (y, dx), both of the shape of x."""  # exercise 05.7
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
# The engine passes sizes in full, (height, width) and four-sided padding. These pairs hand them to your functions.


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
    found = gradients()
apart = max(abs(found[name] - expected[name]).max() / abs(expected[name]).max() for name in expected)
print(f"{len(expected) - 1} gradients and the loss: at most {apart:.1e} of the largest value from the engine's")
assert apart < 0.01

# %% [markdown]
# ## Who mixes what?
#
# Raise one value in the middle of a map and look which outputs move: at other pixels, in other channels?


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
for name, (pixels, channels) in table.items():
    print(f"{name:18} mixes pixels: {'yes' if pixels else 'no ':3}  mixes channels: {'yes' if channels else 'no'}")
assert table["LocalResponseNorm"] == (False, True)
assert table["MaxPool2d"] == table["AvgPool2d"] == (True, False)
assert table["ReLU"] == table["Concat"] == (False, False)

# %% [markdown]
# ## Make it break
#
# Two branches read the same array, and one applies its ReLU in place. Predict what the other branch sees, then run.

# %%
predict("05.j", ...)

# %%
shared = np.array([-1.0, 2, -3])
first = np.maximum(shared, 0, out=shared)  # in place: saves memory
second = 0 - shared  # the other branch, which wanted the negative values, too
print("the other branch computed", second.tolist(), "and should have computed", [1.0, -2.0, 3.0])
print(outcome("05.j", second.tolist()))
assert second.tolist() != [1.0, -2.0, 3.0]

# %% [markdown]
# Write down in a few lines: what you predicted, what you saw, and when working in place is safe.

# %% [markdown]
# ## Take it further
#
# - Pool by the square root of the mean of squares (L2 pooling). Derive its backward, and check it with
#   `mg.gradcheck.check_function`.
# - Blur before you subsample: an average 3x3/1 in front of a max pool 2x2/2. Shift an image by one pixel and measure
#   how much the output changes, with the blur and without.

# %% [markdown]
# ## Claims ledger

# %%
count = mg.count(mg.models.googlenet(rng=0))
g = mg.models.googlenet(rng=0)
main, head = (g.nodes[name].layer.p for name in ("pool5/drop_7x7_s1", "loss1/drop_fc"))
normalisations = sum(row.kind == "LocalResponseNorm" for row in count.rows)
print(f"main head drops {main:.0%}, auxiliary heads {head:.0%}; {normalisations} LRN layers")
ledger = {
    "an article: 'a dropout ratio of 70 %'. It is that of the auxiliary heads; the main head's is 40 %": (main, head)
    == (0.4, 0.7),
    "the paper's Table 1 has no LRN layer, its figure 3 has two, and so has the network": normalisations == 2,
    "3x3/1 pools lose most of their gradient to one `=`": lost["3x3/1"] > 0.5,
    "branches 5x5 and pool are equally wide in seven of nine modules": silent == 7,
}
for claim, holds in ledger.items():
    print("holds  " if holds else "FAILS  ", claim)
assert all(ledger.values())

# %% [markdown]
# ## Exit quiz

# %%
quiz("05")
