# %% [markdown]
# # 03 The gradients of a convolution
#
# **Question.** You know how the loss changes with each output. How does it change with each weight and each pixel?
#
# About 60 minutes. You need lesson 02, and the chain rule of lesson 00.
#
# Afterwards you can
#
# - derive the bias, weight and input gradients by asking "which outputs use this value?";
# - write them for any stride, padding and kernel;
# - compute the cost of a backward pass;
# - write the input gradient as a forward convolution ("Take it further").
#
# Letters: N images, C input channels, K filters, H x W input, Ho x Wo output, R x S kernel, s stride, p padding.
# `dout` is the *upstream gradient*, dL/dy: how fast the loss L rises if the output y rises. The *input gradient* is
# dL/dx, the *weight gradient* dL/dw, and the *bias gradient* dL/db. Their arrays are called `dx`, `dw` and `db`.

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
    """Return random integers as float64, so that results can be compared with ==."""
    return rng.integers(-9, 10, shape).astype(float)


def conv(x, w, stride=1, pad=0):
    """Return the convolution of x (N, C, H, W) with w (K, C, R, S), without bias."""
    return conv2d.forward(x, np.ascontiguousarray(w), None, stride, pad, algorithm="im2col")


# %% [markdown]
# ## Raise one pixel
#
# The weights of a 3 x 3 kernel are 1 to 9. You raise the middle pixel of an image by 1, and 3 x 3 outputs change. By
# how much does the upper left one of them change?

# %%
predict("03.a", ...)

# %%
w = np.arange(1.0, 10).reshape(1, 1, 3, 3)
x = integers(1, 1, 7, 7)
raised = x.copy()
raised[0, 0, 3, 3] += 1
change = conv(raised, w) - conv(x, w)
figure, _ = viz.images({"kernel": w[0, 0], "change of the outputs": change[0, 0]})
print(outcome("03.a", int(change[0, 0, 1, 1])))
assert (change[0, 0, 1:4, 1:4] == w[0, 0, ::-1, ::-1]).all()
figure

# %% [markdown]
# What you saw: the changes are the kernel, rotated by 180 degrees. The output to the upper left of the pixel multiplies
# it by the kernel's last weight. If m is the index of the pixel, the changes of all outputs are column m of the matrix
# A in lesson 02. The loss rises by the change of each output times its `dout`, summed over all outputs. So the input
# gradient is
#
# $$\frac{\partial L}{\partial x_m} = \sum_q \frac{\partial L}{\partial y_q} A_{q m}
#   \qquad\text{in short}\qquad dx = A^T \, dout$$

# %%
units = np.eye(49).reshape(49, 1, 7, 7)
A = conv(units, w).reshape(49, -1).T  # one column per pixel
dout = integers(1, 1, 5, 5)
dx = (A.T @ dout.ravel()).reshape(1, 1, 7, 7)
engine_dx, _, _ = conv2d.backward(dout, x, w, algorithm="im2col")
dx_by_matrix_holds = (dx == engine_dx).all()
print("A is", A.shape, "and A^T dout equals the engine's gradient:", dx_by_matrix_holds)
assert dx_by_matrix_holds

# %% [markdown]
# ## Raise one weight
#
# Now take two images with two channels, and three filters. You raise one weight, `w[1, 0, 0, 2]`, by 1. There are six
# output channels: three per image. How many of them change?

# %%
predict("03.b", ...)

# %%
x, w = integers(2, 2, 5, 6), integers(3, 2, 3, 3)
raised = w.copy()
raised[1, 0, 0, 2] += 1
change = conv(x, raised) - conv(x, w)
channels = {f"image {n}, filter {k}": change[n, k] for n in range(2) for k in range(3)}
figure, _ = viz.images(channels, columns=3)
print(outcome("03.b", int(sum(values.any() for values in channels.values()))))
assert (change[:, 1] == x[:, 0, 0:3, 2:6]).all()
figure

# %% [markdown]
# What you saw: every output of filter 1 changes, in every image. Each changes by the pixel that the weight
# multiplies: rows 0 to 2, columns 2 to 5 of channel 0. So the gradient of a weight is a sum over images, rows and
# columns. A bias works like a weight that is always multiplied by 1, so its gradient is the sum of `dout`:
#
# $$\frac{\partial L}{\partial b[k]} = \sum_{n, i, j} dout[n, k, i, j]$$

# %% [markdown]
# ## Exercise 03.1: the bias gradient
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# Write `conv_db`. For each filter it returns how fast the loss rises if the bias of that filter rises.
# Each call of `hint("03.1")` prints the next hint.


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
# A convolution is one function in the chain of lesson 00. Its forward pass is
#
# $$y[n, k, i, j] = b[k] + \sum_{c, u, v} w[k, c, u, v] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# In y[n, k, i, j], the weight w[k, c, u, v] is multiplied by one pixel, so the derivative is that pixel. Every output
# of filter k uses the weight. The chain rule multiplies each derivative by `dout` and adds the products:
#
# $$\frac{\partial L}{\partial w[k, c, u, v]}
#   = \sum_{n, i, j} dout[n, k, i, j] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# In the same way, the pixel x[n, c, h, l] in row h and column l is multiplied by a weight in each window that contains
# it, so the derivative is that weight. The sum goes over all outputs (k, i, j) and kernel positions (u, v) that read
# the pixel, that is, with i s + u - p = h and j s + v - p = l:
#
# $$\frac{\partial L}{\partial x[n, c, h, l]}
#   = \sum_{\substack{k, i, j, u, v: \\ i s + u - p = h, \; j s + v - p = l}} dout[n, k, i, j] \; w[k, c, u, v]$$

# %%
figure, _ = drawing.chain(["y = conv(x, w) + b", "loss"], ["x, w, b", "y", "L"], ["dx, dw, db", "dout", "1"])
figure

# %% [markdown]
# ## One loop, three lines
#
# A convolution multiplies weights by pixels and adds each product to one output. For every product, `products` yields
# the indices of the output, the weight and the pixel. The three lines of the loop are the formulas of y, dx and dw.


# %%
def products(y_shape, w_shape, stride):
    """Yield the indices of the output, the weight and the pixel of each product, without padding."""
    for n, k, i, j in np.ndindex(*y_shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            yield (n, k, i, j), (k, c, u, v), (n, c, i * stride + u, j * stride + v)


dout = integers(2, 3, 3, 4)
y, dx, dw = np.zeros_like(dout), np.zeros_like(x), np.zeros_like(w)
for output, weight, pixel in products(y.shape, w.shape, 1):
    y[output] += x[pixel] * w[weight]
    dx[pixel] += dout[output] * w[weight]
    dw[weight] += dout[output] * x[pixel]

engine_dx, engine_dw, _ = conv2d.backward(dout, x, w, algorithm="im2col")
same = (y == conv(x, w)).all(), (dx == engine_dx).all(), (dw == engine_dw).all()
print("y, dx, dw equal those of the engine:", *same)
assert all(same)

# %% [markdown]
# What you saw: each gradient is the loop of the forward pass with one line changed. It adds x * w to y, dout * w to
# dx, and dout * x to dw. Many texts rotate ('flip') the kernel here. In this loop you need no rotation, and no new
# padding or stride.
#
# In the exercises the image is padded and the stride may be larger than 1. Python loops over every product are correct
# but slow. Two loops over the kernel positions are enough, with slices for everything else.

# %% [markdown]
# ## Exercise 03.2: the weight gradient
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `conv_dw`. Stride and padding are the same along both axes; the kernel may be rectangular.


# %%
# exercise 03.2
def conv_dw(x, dout, w_shape, stride, pad):
    """Return (K, C, R, S), the weight gradient.

    x : (N, C, H, W);  dout : (N, K, Ho, Wo);  w_shape : (K, C, R, S)
    """
    ### BEGIN SOLUTION
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    (_, _, Ho, Wo), dw = dout.shape, np.zeros(w_shape)
    for u in range(w_shape[2]):
        for v in range(w_shape[3]):
            pixels = xp[:, :, u : u + stride * (Ho - 1) + 1 : stride, v : v + stride * (Wo - 1) + 1 : stride]
            dw[:, :, u, v] = np.tensordot(dout, pixels, axes=((0, 2, 3), (0, 2, 3)))
    return dw
    ### END SOLUTION


# %%
check("03.2", conv_dw)

# %% [markdown]
# ## Exercise 03.3: the input gradient
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `conv_dx`: for every output, multiply its gradient by the weights, and add the products to the pixels that the
# output read. Start from a padded array of zeros, and crop the padding at the end.


# %%
# exercise 03.3
def conv_dx(dout, w, x_shape, stride, pad):
    """Return (N, C, H, W), the input gradient.

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
# The engine computes all three gradients in one function, with the matrix products of lesson 02. `groups` is 1 here.

# %%
compare("03.3")

# %% [markdown]
# ## Your backward pass trains a network
#
# The engine accepts any pair of functions as a convolution. Here the first comes from the engine, and the second calls
# your three functions. The network is tiny: two convolutions, a max pool, and a *linear layer*, which computes the 10
# logits with one matrix product. You train it on 1,437 handwritten digits, each of them twice. Then you test it on 360
# *held-out* digits, on which it was not trained. This takes about ten seconds, or minutes if you wrote loops over every
# product.


# %%
def my_backward(grad_y, x, weight, bias, stride, padding, groups):
    """Call conv_dx, conv_dw and conv_db with the engine's arguments."""
    (pad, _), _ = padding
    dx = conv_dx(grad_y, weight, x.shape, stride[0], pad)
    dw = conv_dw(x, grad_y, weight.shape, stride[0], pad)
    return dx.astype(x.dtype), dw.astype(x.dtype), conv_db(grad_y)


written = all(check(number, f).passed for number, f in (("03.1", conv_db), ("03.2", conv_dw), ("03.3", conv_dx)))
if written:
    print(f"Accuracy with your backward pass: {small_network.accuracy((by_columns.forward, my_backward)):.1%}")
else:
    print("When 03.1, 03.2 and 03.3 pass, this cell trains a network with them.")

# %% [markdown]
# ## Eight backward passes, one of them correct
#
# Now train a small GoogLeNet of four modules (groups of layers) on the digits, with eight different backward passes.
# Seven of the eight are wrong. For example, one sets all bias gradients of the convolutions to 0, one rotates a kernel,
# and one trains only the last layer. The forward pass is always correct. How many of the seven wrong ones end with an
# accuracy below 80%?

# %%
predict("03.e", ...)

# %% [markdown]
# The next cell trains each of them with three random initialisations of the weights, for several *epochs*. An epoch is
# one pass through all training images. This takes **one to five minutes** on two cores. Each accuracy is printed as
# soon as it is measured. The results are stored in a file next to this notebook, so lessons 04 and 05 do not train
# again.

# %%
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
print(f"{epochs} epochs, {len(seeds)} initialisation(s); chance level is 10%{' (shortened)' if FAST else ''}")
accuracies = wrong_backwards.by_letter(seeds, epochs)
means = {letter: float(np.mean(values)) for letter, values in accuracies.items()}
near = [letter for letter in means if means[letter] > max(means.values()) - 0.05]
print("Within five percentage points of the best:", ", ".join(near))
print(outcome("03.e", sum(mean < 0.8 for mean in means.values())))
assert min(means.values()) > 0.1
figure, _ = viz.bar_chart(means, "accuracy on held-out digits, mean of the initialisations", height=2.6)
figure

# %% [markdown]
# What you saw: all eight learn. The line "Within five percentage points of the best" lists the passes (letters) that
# could be correct, going by accuracy. But only one backward pass is correct. Which letter is it? Write down your
# guess. In lesson 04 you find out. That a network trains proves nothing about its gradient.

# %% [markdown]
# ## What a backward pass costs
#
# The forward pass, the input gradient and the weight gradient each compute one multiply-add (MAC) per product. The
# first convolution needs no input gradient, because its input is the photograph. Divide the MACs of a training step of
# GoogLeNet by those of its forward pass. What do you get?

# %%
predict("03.g", ...)

# %%
count = mg.count(mg.models.googlenet(aux=False, rng=0))
first = count["conv1/7x7_s2"]
bars = {
    "forward": count.macs,
    "input gradients": count.grad_input_macs - first.grad_input_macs,
    "weight gradients": count.grad_weight_macs,
}
total = sum(bars.values())
print(f"{total:,} MAC in total, {total / count.macs:.3f} times the forward pass")
print(outcome("03.g", round(total / count.macs, 3)))
assert (total, count.macs) == (4_630_001_664, 1_582_671_872)
figure, _ = viz.bar_chart({name: macs / 1e9 for name, macs in bars.items()}, "billion MACs for one image", height=1.6)
figure

# %% [markdown]
# What you saw: three nearly equal bars. The second is shorter because the first layer has no input gradient.

# %% [markdown]
# ## Make it break
#
# One of the eight backward passes computes `dx` with a rotated kernel; everything else in it is correct. You train it
# and the correct one from a new initialisation, in about ten seconds. What accuracy does the wrong one reach?

# %%
predict("03.h", ...)

# %%
broken = "dx with a rotated kernel"
fractions = {}
for name in ("correct", broken):
    fractions[name] = wrong_backwards.kept(name, 0 if FAST else 3, epochs)  # seed 0 is stored already
    print(f"{fractions[name]:.1%}  {name}  ({epochs} epochs)", flush=True)
print(outcome("03.h", f"{fractions[broken]:.1%}"), "Guessing would give 10%.")
assert fractions[broken] > 0.1

# %% [markdown]
# Would you have noticed the mistake without the other line next to it? The network learns because part of its gradient
# is correct: in the linear layer and the last convolutions, it has not yet met a rotated kernel.
# And rotating a 1 x 1 kernel changes nothing.

# %% [markdown]
# ## Claims, checked

# %%
ledger = {
    "dx is A^T dout, exactly": dx_by_matrix_holds,
    "training GoogLeNet costs 2.925 forward passes, not 3": round(total / count.macs, 3) == 2.925,
    "each of the eight backward passes is better than chance": min(means.values()) > 0.1,
}
for claim, holds in ledger.items():
    print("holds  " if holds else "FAILS  ", claim)
assert all(ledger.values())

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("03", answers=True)`.

# %%
glossary.terms("03")

# %%
quiz("03")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need this part.
#
# - `conv_dx` is also a layer, the transposed convolution, which makes images larger. Give it a constant `dout` with
#   stride 2 and kernel size 3, and look at the pattern. What happens to the checkerboard with kernel size 4?
# - Write a convolution with dilation (kernel positions d pixels apart) and its three gradients. Which line changes?
# - Time `dx` from 03.3 and from 03.4 (below), at 28 x 28 with 192 channels. Which is faster, and why?

# %% [markdown]
# ## How many outputs read a pixel?
#
# Let all weights be 1, and let `dout` be 1 everywhere. Then `dx` is the number of outputs that read each pixel. At
# stride 2 it shows the checkerboard pattern of lesson 01, as does every input gradient of a layer with stride 2 and an
# odd kernel size. Here is the corner of the image for GoogLeNet's first layer: 7 x 7, stride 2, padding 3.

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
# The numbers in the question depend on your name.


# %%
student = "you"  # your name or number, if your course asks for it
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
# Let `dout` be 1 at one output and 0 at all others. Then the input gradient looks like the kernel. Is it upright or
# upside down?

# %%
predict("03.c", ...)

# %%
letter = np.array([[1.0, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])[None, None]
point = np.zeros((1, 1, 7, 7))
point[0, 0, 3, 3] = 1
dx, _, _ = conv2d.backward(point, np.zeros((1, 1, 11, 9)), letter, algorithm="im2col")
response = conv(point, letter, pad=2)
figure, _ = viz.images({"kernel": letter[0, 0], "forward pass of a single 1": response[0, 0], "dx": dx[0, 0]})
upright = (dx[0, 0, 3:8, 3:6] == letter[0, 0]).all()
print(outcome("03.c", "upright" if upright else "upside down"))
assert upright
figure

# %% [markdown]
# What you saw: for a single 1, the forward pass returns the rotated kernel, and the backward pass returns the kernel
# as it is. So if you compute the backward pass with a forward convolution, you must rotate the kernel first. That is
# where the 'flip' comes from. The loop with three lines does not need it.

# %% [markdown]
# ## Stride 2, and the last row
#
# Take an image of 6 x 6, a 3 x 3 kernel, stride 2 and no padding. The windows start at rows 0 and 2. What is the
# gradient of the last row of the image?

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
# What you saw: the gradient is 0, because no window reads the last row. Let n be the image size and k the kernel size.
# To write `dx` as a convolution with stride 1, put s - 1 zeros between the elements of `dout` and pad with k - 1 - p
# on all sides. At the end of each axis, add the remainder (n + 2p - k) % s.

# %% [markdown]
# ## Exercise 03.4: the input gradient as a forward convolution
#
# Difficulty: *** of ***. About 20 minutes. Further.
#
# Write `conv_dx_by_conv` with one call of `conv(x, w)`, at stride 1 and with padding 0. Use `np.pad` and slices with
# steps for everything else. Start in one dimension, on paper.


# %%
# exercise 03.4
def conv_dx_by_conv(dout, w, x_shape, stride, pad):
    """Return (N, C, H, W), the input gradient.

    dout : (N, K, Ho, Wo);  w : (K, C, R, S);  x_shape : (N, C, H, W)
    """
    ### BEGIN SOLUTION
    N, K, Ho, Wo = dout.shape
    with_zeros = np.zeros((N, K, stride * (Ho - 1) + 1, stride * (Wo - 1) + 1))
    with_zeros[:, :, ::stride, ::stride] = dout
    sides = []
    for n, k in zip(x_shape[2:], w.shape[2:], strict=True):
        remainder = (n + 2 * pad - k) % stride
        sides.append((k - 1 - pad, k - 1 - pad + remainder))
    padded = np.pad(with_zeros, ((0, 0), (0, 0), *sides))
    return conv(padded, w[:, :, ::-1, ::-1].swapaxes(0, 1))
    ### END SOLUTION


# %%
check("03.4", conv_dx_by_conv)
