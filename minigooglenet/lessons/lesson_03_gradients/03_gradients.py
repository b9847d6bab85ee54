# %% [markdown]
# # 03 Sending the blame back
#
# **Question.** If the loss asks each output to change, what does it ask of each weight and each pixel?
#
# About 60 minutes. Needs lesson 02, and the chain rule of lesson 00.
#
# Afterwards you can
#
# - derive the gradients of the bias, the weights and the image by asking "who used me?";
# - write them for any stride, padding and kernel;
# - say what a backward pass costs;
# - write the image's gradient as a forward convolution (further).
#
# Letters: N images, C channels in, K filters, H x W input, Ho x Wo output, R x S kernel, s stride, p padding.
# `dout` is the *upstream gradient*, dL/dy: how fast the loss L rises if that output y rises.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.lessons.lesson_00_start import drawing, glossary
from minigooglenet.lessons.lesson_03_gradients import small_network, wrong_backwards

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))  # shortens training, for tests
rng = np.random.default_rng(3)


def integers(*shape):
    """Return random integers as float64, so that equal means equal."""
    return rng.integers(-9, 10, shape).astype(float)


def conv(x, w, stride=1, pad=0):
    """Return the convolution of x (N, C, H, W) with w (K, C, R, S), without bias."""
    return conv2d.forward(x, np.ascontiguousarray(w), None, stride, pad, algorithm="im2col")


# %% [markdown]
# ## Raise one pixel
#
# A 3 x 3 kernel holds the numbers 1 to 9. We raise the middle pixel of an image by 1.
# Which outputs move, and by how much? Guess the number in the upper left corner of what moves.

# %%
predict("03.a", ...)

# %%
w = np.arange(1.0, 10).reshape(1, 1, 3, 3)
x = integers(1, 1, 7, 7)
raised = x.copy()
raised[0, 0, 3, 3] += 1
moved = conv(raised, w) - conv(x, w)
figure, _ = viz.images({"kernel": w[0, 0], "how the outputs move": moved[0, 0]})
print(outcome("03.a", int(moved[0, 0, 1, 1])))
assert (moved[0, 0, 1:4, 1:4] == w[0, 0, ::-1, ::-1]).all()
figure

# %% [markdown]
# What you saw: the kernel, rotated by 180 degrees. The output to the upper left of the pixel reads it through the
# kernel's last weight. Write the outputs' moves in a column: that is column m of lesson 02's matrix A, if m is the
# number of the pixel. The loss rises by each output's move times its `dout`, added up. So the image's gradient is
#
# $$\frac{\partial L}{\partial x_m} = \sum_q \frac{\partial L}{\partial y_q} A_{q m}
#   \qquad\text{in short}\qquad dx = A^T \, dout$$

# %%
units = np.eye(49).reshape(49, 1, 7, 7)
A = conv(units, w).reshape(49, -1).T  # a column for each pixel
dout = integers(1, 1, 5, 5)
dx = (A.T @ dout.ravel()).reshape(1, 1, 7, 7)
engine_dx, _, _ = conv2d.backward(dout, x, w, algorithm="im2col")
dx_by_matrix_holds = (dx == engine_dx).all()
print("A is", A.shape, "and A^T dout equals the engine's gradient:", dx_by_matrix_holds)
assert dx_by_matrix_holds

# %% [markdown]
# ## Raise one weight
#
# Now two images of two channels and three filters. We raise the single weight `w[1, 0, 0, 2]` by 1.
# Of the six output channels (two images, three filters), how many move?

# %%
predict("03.b", ...)

# %%
x, w = integers(2, 2, 5, 6), integers(3, 2, 3, 3)
raised = w.copy()
raised[1, 0, 0, 2] += 1
moved = conv(x, raised) - conv(x, w)
channels = {f"image {n}, filter {k}": moved[n, k] for n in range(2) for k in range(3)}
figure, _ = viz.images(channels, columns=3)
print(outcome("03.b", int(sum(values.any() for values in channels.values()))))
assert (moved[:, 1] == x[:, 0, 0:3, 2:6]).all()
figure

# %% [markdown]
# What you saw: all of filter 1 moves, in every image, by the pixels that the weight meets: rows 0 to 2 and columns 2
# to 5 of channel 0. So the gradient of a weight is a sum over images, rows and columns. A bias is a weight that always
# meets a 1, so its gradient is the sum of `dout` alone:
#
# $$\frac{\partial L}{\partial b[k]} = \sum_{n, i, j} dout[n, k, i, j]$$

# %% [markdown]
# ## Exercise 03.1: the bias's gradient
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# Write `conv_db`: for each filter, how fast the loss rises if its bias rises.
# `hint("03.1")` helps, one step at each call.


# %%
# exercise 03.1
def conv_db(dout):
    """Return (K,), the gradient of the bias, for dout (N, K, Ho, Wo)."""
    ### BEGIN SOLUTION
    return dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %%
check("03.1", conv_db)

# %% [markdown]
# ## The derivation
#
# A convolution is one box of the chain. Its forward pass is
#
# $$y[n, k, i, j] = b[k] + \sum_{c, u, v} w[k, c, u, v] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# How fast does y[n, k, i, j] rise with w[k, c, u, v]? The weight is multiplied by one pixel, so the derivative is that
# pixel. Every output of filter k uses the weight. The chain rule multiplies by `dout` and adds all uses:
#
# $$\frac{\partial L}{\partial w[k, c, u, v]}
#   = \sum_{n, i, j} dout[n, k, i, j] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# In the same way a pixel in row h and column l, x[n, c, h, l], is multiplied by a weight wherever a window meets it, so
# the derivative is that weight. The uses are all outputs (k, i, j) and kernel positions (u, v) that meet the pixel,
# which means i s + u - p = h and j s + v - p = l:
#
# $$\frac{\partial L}{\partial x[n, c, h, l]}
#   = \sum_{\substack{k, i, j, u, v: \\ i s + u - p = h, \; j s + v - p = l}} dout[n, k, i, j] \; w[k, c, u, v]$$

# %%
figure, _ = drawing.chain(["y = conv(x, w) + b", "loss"], ["x, w, b", "y", "L"], ["dx, dw, db", "dout", "1"])
figure

# %% [markdown]
# ## One loop, three lines
#
# An output, a weight and a pixel meet in one product. `meetings` lists all meetings of a convolution. The three lines
# of the loop are the three formulas.


# %%
def meetings(y_shape, w_shape, stride):
    """Yield the indices of an output, a weight and a pixel that meet, without padding."""
    for n, k, i, j in np.ndindex(*y_shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            yield (n, k, i, j), (k, c, u, v), (n, c, i * stride + u, j * stride + v)


dout = integers(2, 3, 3, 4)
y, dx, dw = np.zeros_like(dout), np.zeros_like(x), np.zeros_like(w)
for output, weight, pixel in meetings(y.shape, w.shape, 1):
    y[output] += x[pixel] * w[weight]
    dx[pixel] += dout[output] * w[weight]
    dw[weight] += dout[output] * x[pixel]

engine_dx, engine_dw, _ = conv2d.backward(dout, x, w, algorithm="im2col")
same = (y == conv(x, w)).all(), (dx == engine_dx).all(), (dw == engine_dw).all()
print("y, dx, dw equal the engine's:", *same)
assert all(same)

# %% [markdown]
# What you saw: each gradient is the forward pass's loop with one line changed. Each array receives the product of the
# other two. Many texts rotate ('flip') the kernel here; in this loop nothing is rotated, and no new padding or stride
# appears.
#
# In the exercises the image is padded and the stride may be 2. Python loops over every product are right but slow;
# two loops, over the kernel positions, and slices for the rest are enough.

# %% [markdown]
# ## Exercise 03.2: the weights' gradient
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `conv_dw`. Stride and padding are the same along both axes; the kernel may be rectangular.


# %%
# exercise 03.2
def conv_dw(x, dout, w_shape, stride, pad):
    """Return (K, C, R, S), the gradient of the weights.

    x : (N, C, H, W);  dout : (N, K, Ho, Wo);  w_shape : (K, C, R, S)
    """
    ### BEGIN SOLUTION
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    (_, _, Ho, Wo), dw = dout.shape, np.zeros(w_shape)
    for u in range(w_shape[2]):
        for v in range(w_shape[3]):
            met = xp[:, :, u : u + stride * (Ho - 1) + 1 : stride, v : v + stride * (Wo - 1) + 1 : stride]
            dw[:, :, u, v] = np.tensordot(dout, met, axes=((0, 2, 3), (0, 2, 3)))
    return dw
    ### END SOLUTION


# %%
check("03.2", conv_dw)

# %% [markdown]
# ## Exercise 03.3: the image's gradient
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `conv_dx`: the gradient of every output goes back to the pixels that it read. Add into a padded array of zeros,
# and crop the padding at the end.


# %%
# exercise 03.3
def conv_dx(dout, w, x_shape, stride, pad):
    """Return (N, C, H, W), the gradient of the image.

    dout : (N, K, Ho, Wo);  w : (K, C, R, S);  x_shape : (N, C, H, W)
    """
    ### BEGIN SOLUTION
    N, C, H, W = x_shape
    _, _, Ho, Wo = dout.shape
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            part = np.tensordot(dout, w[:, :, u, v], axes=(1, 0)).transpose(0, 3, 1, 2)
            dxp[:, :, u : u + stride * (Ho - 1) + 1 : stride, v : v + stride * (Wo - 1) + 1 : stride] += part
    return dxp[:, :, pad : pad + H, pad : pad + W]
    ### END SOLUTION


# %%
check("03.3", conv_dx)

# %% [markdown]
# The engine makes all three gradients in one function, by the matrix products of lesson 02. `groups` is 1 here.

# %%
compare("03.3")

# %% [markdown]
# ## Your backward pass trains a network
#
# The engine takes any pair of functions as a convolution. Here the forward function is the engine's, and the backward
# one is made of your three functions. The network is tiny: two convolutions, a max pool, and a *linear layer*, one
# matrix product for the 10 logits. It sees 1437 handwritten digits twice and is tested on 360 *held-out* ones, which it
# has not seen. This takes about ten seconds, and minutes if you wrote loops over every product.


# %%
def my_backward(grad_y, x, weight, bias, stride, padding, groups):
    """Call conv_dx, conv_dw and conv_db with the arguments of the engine."""
    (pad, _), _ = padding
    dx = conv_dx(grad_y, weight, x.shape, stride[0], pad)
    dw = conv_dw(x, grad_y, weight.shape, stride[0], pad)
    return dx.astype(x.dtype), dw.astype(x.dtype), conv_db(grad_y)


written = all(check(number, f).passed for number, f in (("03.1", conv_db), ("03.2", conv_dw), ("03.3", conv_dx)))
if written:
    print(f"With your backward pass: {small_network.accuracy((by_columns.forward, my_backward)):.1%} of digits right.")
else:
    print("When 03.1, 03.2 and 03.3 pass, this cell trains a network with them.")

# %% [markdown]
# ## Eight backward passes, one of them right
#
# One small GoogLeNet of four modules (groups of layers) learns the digits, eight times, each time with another backward
# pass. Seven of the eight are wrong: one forgets all biases of the convolutions, one rotates a kernel, in one nothing
# below the last layer learns. The forward pass is always right. Guess: how many of the seven wrong ones end below 80 %?

# %%
predict("03.e", ...)

# %% [markdown]
# The next cell trains each of them from three *starts*, which are random first weights, for some *epochs*, which are
# passes through all training images: **one to five minutes** on two cores. A number appears whenever a
# network is ready. The results are kept in a file next to this notebook, so that lessons 04 and 05 need not train
# again.

# %%
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
print(f"{epochs} epochs of the digits, {len(seeds)} start(s); 10 % is chance{' (the short form)' if FAST else ''}")
accuracies = wrong_backwards.by_letter(seeds, epochs)
means = {letter: float(np.mean(values)) for letter, values in accuracies.items()}
near = [letter for letter in means if means[letter] > max(means.values()) - 0.05]
print("Within five points of the best:", ", ".join(near))
print(outcome("03.e", sum(mean < 0.8 for mean in means.values())))
assert min(means.values()) > 0.1
figure, _ = viz.bar_chart(means, "held-out digits right, mean of the starts", height=2.6)
figure

# %% [markdown]
# What you saw: all eight learn. The line "within five points" names those that nobody could tell from the best by their
# accuracy, and only one backward pass is right. Which letter is it? Write your guess down; lesson 04 names them and
# shows how to find out. A network that trains proves nothing about its gradient.

# %% [markdown]
# ## What a backward pass costs
#
# Forward pass, image gradient and weight gradient each visit all meetings once. The first convolution needs no
# gradient of the photograph. How many forward passes does one training step of GoogLeNet cost, in multiply-adds (MAC)?

# %%
predict("03.g", ...)

# %%
count = mg.count(mg.models.googlenet(aux=False, rng=0))
first = count["conv1/7x7_s2"]
bars = {
    "forward": count.macs,
    "image gradients": count.grad_input_macs - first.grad_input_macs,
    "weight gradients": count.grad_weight_macs,
}
total = sum(bars.values())
print(f"together {total:,} MAC, {total / count.macs:.3f} times the forward pass")
print(outcome("03.g", round(total / count.macs, 3)))
assert (total, count.macs) == (4_630_001_664, 1_582_671_872)
figure, _ = viz.bar_chart({name: macs / 1e9 for name, macs in bars.items()}, "billion MAC for one image", height=1.6)
figure

# %% [markdown]
# What you saw: three nearly equal bars. The missing part of the second is the first layer's.

# %% [markdown]
# ## Make it break
#
# One of the eight has `dx` with a rotated kernel, everything else right. From another start, which share of the digits
# does it get right? The cell trains it and the right one, about ten seconds.

# %%
predict("03.h", ...)

# %%
broken = "dx with a rotated kernel"
fractions = {}
for name in ("correct", broken):
    fractions[name] = wrong_backwards.kept(name, 3, epochs)
    print(f"{fractions[name]:.1%}  {name}  ({epochs} epochs)", flush=True)
print(outcome("03.h", f"{fractions[broken]:.1%} against a chance of 10 %"))
assert fractions[broken] > 0.1

# %% [markdown]
# Would you have noticed the mistake without the other line next to it? The network learns because part of its gradient
# is right: it reaches the linear layer and the last convolutions before it meets a rotated kernel. And a kernel of
# 1 x 1 is itself when rotated.

# %% [markdown]
# ## Claims, checked

# %%
ledger = {
    "dx is A^T dout, exactly": dx_by_matrix_holds,
    "training GoogLeNet costs 2.925 forward passes, not 3": round(total / count.macs, 3) == 2.925,
    "each of the eight backward passes beats chance": min(means.values()) > 0.1,
}
for claim, holds in ledger.items():
    print("holds  " if holds else "FAILS  ", claim)
assert all(ledger.values())

# %% [markdown]
# ## Words and exit quiz

# %%
glossary.terms("03")

# %%
quiz("03")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - `conv_dx` is a layer of its own: the transposed convolution, which makes images larger. Feed it a constant `dout`
#   with stride 2 and kernel 3, and look at the pattern. Then try kernel 4. Where does the checkerboard go?
# - Write a convolution with dilation (kernel positions s pixels apart) and its three gradients. Which line changes?
# - Time your two forms of `dx` at 28 x 28 with 192 channels. Which is faster, and why?

# %% [markdown]
# ## Who reads a pixel?
#
# The kernel is all ones and every output asks for the same: `dout` is 1 everywhere. Then `dx` counts how many outputs
# read each pixel. At stride 2 that is the checkerboard pattern of lesson 01, and every gradient that comes back through
# a stride of 2 has it. Here is the corner of GoogLeNet's first layer: 7 x 7, stride 2, padding 3.

# %%
dx, _, _ = conv2d.backward(np.ones((1, 1, 12, 12)), np.zeros((1, 1, 24, 24)), np.ones((1, 1, 7, 7)), None, 2, 3)
figure, _ = viz.images({"outputs that read each pixel": dx[0, 0, :12, :12]})
assert set(np.unique(dx[0, 0, 6:-6, 6:-6])) == {9, 12, 16}
figure

# %% [markdown]
# ## Exercise 03.5: how many outputs read a pixel
#
# Difficulty: ** of ***. About 5 minutes. Further.
#
# The numbers are drawn for your name.


# %%
student = "you"
ask("03.5", student)

# %%
# exercise 03.5
### BEGIN SOLUTION
readers = find("03.5").solution_function(**find("03.5").values(student))
### END SOLUTION

# %%
answer("03.5", readers)

# %% [markdown]
# ## The gradient at stride 1 as an image
#
# One output asks for a change, no other does: `dout` is a single 1. The gradient that it sends to the image looks like
# the kernel. Upright, or upside down?

# %%
predict("03.c", ...)

# %%
letter = np.array([[1.0, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])[None, None]
point = np.zeros((1, 1, 7, 7))
point[0, 0, 3, 3] = 1
dx, _, _ = conv2d.backward(point, np.zeros((1, 1, 11, 9)), letter, algorithm="im2col")
answered = conv(point, letter, pad=2)
figure, _ = viz.images({"kernel": letter[0, 0], "forward pass of a point": answered[0, 0], "dx": dx[0, 0]})
upright = (dx[0, 0, 3:8, 3:6] == letter[0, 0]).all()
print(outcome("03.c", "upright" if upright else "upside down"))
assert upright
figure

# %% [markdown]
# What you saw: the forward pass answers a point with the kernel rotated, the backward pass with the kernel upright. So
# if you compute the backward pass by a forward convolution, you must rotate the kernel first. That is where the famous
# flip comes from. In the loop with three lines nothing is flipped.

# %% [markdown]
# ## Stride 2, and the last row
#
# An image of 6 x 6, a 3 x 3 kernel, stride 2, no padding: the windows start at rows 0 and 2.
# What is the gradient of the last row of the image?

# %%
predict("03.d", ...)

# %%
dx, _, _ = conv2d.backward(np.ones((1, 1, 2, 2)), np.zeros((1, 1, 6, 6)), np.ones((1, 1, 3, 3)), None, 2, 0)
with_zeros = np.zeros((1, 1, 3, 3))
with_zeros[:, :, ::2, ::2] = 1
figure, _ = viz.images({"dout with zeros between": with_zeros[0, 0], "dx": dx[0, 0]})
print(outcome("03.d", dx[0, 0, -1].tolist()))
assert not dx[0, 0, -1].any()
figure

# %% [markdown]
# What you saw: zeros, because no window reached the last row. To write `dx` as a convolution with stride 1, put s - 1
# zeros between the gradients, pad with k - 1 - p on all sides, and pad the remainder (n + 2p - k) % s at the end.

# %% [markdown]
# ## Exercise 03.4: the image's gradient as a forward convolution
#
# Difficulty: *** of ***. About 20 minutes. Further.
#
# Write `conv_dx_by_conv` with one call of `conv(x, w)`, at stride 1 and without padding of its own. `np.pad` and slices
# with steps do the rest. Start in one dimension, on paper.


# %%
# exercise 03.4
def conv_dx_by_conv(dout, w, x_shape, stride, pad):
    """Return (N, C, H, W), the gradient of the image.

    dout : (N, K, Ho, Wo);  w : (K, C, R, S);  x_shape : (N, C, H, W)
    """
    ### BEGIN SOLUTION
    N, K, Ho, Wo = dout.shape
    spread = np.zeros((N, K, stride * (Ho - 1) + 1, stride * (Wo - 1) + 1))
    spread[:, :, ::stride, ::stride] = dout
    sides = []
    for n, k in zip(x_shape[2:], w.shape[2:], strict=True):
        remainder = (n + 2 * pad - k) % stride
        sides.append((k - 1 - pad, k - 1 - pad + remainder))
    padded = np.pad(spread, ((0, 0), (0, 0), *sides))
    return conv(padded, w[:, :, ::-1, ::-1].swapaxes(0, 1))
    ### END SOLUTION


# %%
check("03.4", conv_dx_by_conv)
