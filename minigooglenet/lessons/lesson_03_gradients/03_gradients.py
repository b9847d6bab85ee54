# %% [markdown]
# # 03 Sending the blame back
#
# **If the loss asks each output to change, what does it ask of each weight and each pixel?**
#
# About 60 minutes. You need lesson 02.
#
# Afterwards you can
#
# - derive the gradients of the bias, the weights and the image by asking "who used me?",
# - write them for any stride, padding and kernel,
# - write the image's gradient as a forward convolution,
# - say what a backward costs, and why training costs nearly three forwards.
#
# Letters: N images, C channels in, K filters, H x W input, Ho x Wo output, R x S kernel, s stride, p padding.
# `dout` is the gradient of the loss with respect to the output: how much the loss rises when that output rises by 1.
# The contents: eight small experiments, five exercises, something to break, claims to check, a quiz.
# If cells ran out of order, restart the kernel and run from here.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import figures
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.lessons.lesson_03_gradients import wrong_backwards

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
rng = np.random.default_rng(3)


def integers(*shape):
    return rng.integers(-9, 10, shape).astype(float)


def conv(x, w, stride=1, pad=0):
    return conv2d.forward(x, np.ascontiguousarray(w), None, stride, pad, algorithm="im2col")


# %% [markdown]
# ## 1. Raise one pixel
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
figure, _ = mg.viz.pictures({"kernel": w[0, 0], "how the outputs move": moved[0, 0]})
print(outcome("03.a", int(moved[0, 0, 1, 1])))
assert (moved[0, 0, 1:4, 1:4] == w[0, 0, ::-1, ::-1]).all()
figure

# %% [markdown]
# What you saw: the kernel, turned by 180 degrees. The output to the upper left of the pixel reads it through the
# kernel's last weight.
#
# What moves when pixel m rises is column m of the convolution's matrix A, the one from lesson 02.
# The loss rises by each output's move times its `dout`, added up. So the image's gradient is A transposed times `dout`.

# %%
units = np.eye(49).reshape(49, 1, 7, 7)
A = conv(units, w).reshape(49, -1).T  # a column for each pixel
dout = integers(1, 1, 5, 5)
dx = (A.T @ dout.ravel()).reshape(1, 1, 7, 7)
by_engine, _, _ = conv2d.backward(dout, x, w, algorithm="im2col")
dx_by_matrix_holds = (dx == by_engine).all()
print("A is", A.shape, "and A^T dout equals the engine's gradient:", dx_by_matrix_holds)
assert dx_by_matrix_holds

# %% [markdown]
# ## 2. Raise one weight
#
# Now two images of two channels and three filters. We raise the single weight `w[1, 0, 0, 2]` by 1.
# Of the six output maps (two images, three filters), how many move?

# %%
predict("03.b", ...)

# %%
x, w = integers(2, 2, 5, 6), integers(3, 2, 3, 3)
raised = w.copy()
raised[1, 0, 0, 2] += 1
moved = conv(x, raised) - conv(x, w)
maps = {f"image {n}, filter {k}": moved[n, k] for n in range(2) for k in range(3)}
figure, _ = mg.viz.pictures(maps, columns=3)
print(outcome("03.b", int(sum(values.any() for values in maps.values()))))
assert (moved[:, 1] == x[:, 0, 0:3, 2:6]).all()
figure

# %% [markdown]
# What you saw: all of filter 1 moves, in every image, by the pixels that the weight meets: rows 0 to 2 and columns 2
# to 5 of channel 0. So a weight's gradient is a sum over images, rows and columns. A bias is a weight that always
# meets a 1, so its gradient is the sum of `dout` alone.

# %% [markdown]
# ## Exercise 03.1: the bias's gradient
#
# One star, 5 minutes, core. Write `conv_db`: for each filter, how much the loss rises when its bias rises by 1.
# `hint("03.1")` helps, one step at each call.


# %%
def conv_db(dout):
    """Return (K,), the gradient of the bias, for dout (N, K, Ho, Wo)."""  # exercise 03.1
    ### BEGIN SOLUTION
    return dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %%
check("03.1", conv_db)

# %% [markdown]
# ## 3. One loop, three lines
#
# An output, a weight and a pixel meet in one product. Here are all meetings of a convolution, and what each of the
# three arrays makes of them.


# %%
def meetings(y_shape, w_shape, stride):
    for n, k, i, j in np.ndindex(*y_shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            yield (n, k, i, j), (k, c, u, v), (n, c, i * stride + u, j * stride + v)


dout = integers(2, 3, 3, 4)
y, dx, dw = np.zeros_like(dout), np.zeros_like(x), np.zeros_like(w)
for out, weight, pixel in meetings(y.shape, w.shape, 1):
    y[out] += x[pixel] * w[weight]
    dx[pixel] += dout[out] * w[weight]
    dw[weight] += dout[out] * x[pixel]

right = conv2d.backward(dout, x, w, algorithm="im2col")
print("y, dx, dw equal the engine's:", (y == conv(x, w)).all(), (dx == right[0]).all(), (dw == right[1]).all())
assert (y == conv(x, w)).all()
assert (dx == right[0]).all()
assert (dw == right[1]).all()

# %% [markdown]
# What you saw: the backward is the forward's loop with one line changed. Each array receives the product of the other
# two. No index is turned round, and no new padding or stride appears.
#
# In the exercises the image is padded and the stride may be 2. Python loops over every product are right but slow;
# two loops, over the places of the kernel, and slices for the rest are enough.

# %% [markdown]
# ## Exercise 03.2: the weights' gradient
#
# Two stars, 10 minutes, core. Write `conv_dw`. Stride and padding are the same along both axes; the kernel may be
# rectangular.


# %%
def conv_dw(x, dout, w_shape, stride, pad):
    """Return (K, C, R, S), the gradient of the weights.

    x : (N, C, H, W);  dout : (N, K, Ho, Wo);  w_shape : (K, C, R, S)
    """  # exercise 03.2
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
# Two stars, 10 minutes, core. Write `conv_dx`: every output's gradient goes back to the pixels that it read. Add into
# a padded array of zeros, and cut the padding off at the end.


# %%
def conv_dx(dout, w, x_shape, stride, pad):
    """Return (N, C, H, W), the gradient of the image.

    dout : (N, K, Ho, Wo);  w : (K, C, R, S);  x_shape : (N, C, H, W)
    """  # exercise 03.3
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

# %%
compare("03.3")

# %% [markdown]
# ## Your backward trains a network
#
# The engine takes any pair of functions as a convolution. Here the forward is the engine's, and the backward is made
# of your three functions. The network is tiny: two convolutions, a mean, a linear layer.


# %%
def my_backward(grad_y, x, weight, bias, stride, padding, groups):
    (pad, _), _ = padding
    dx = conv_dx(grad_y, weight, x.shape, stride[0], pad)
    dw = conv_dw(x, grad_y, weight.shape, stride[0], pad)
    return dx.astype(x.dtype), dw.astype(x.dtype), conv_db(grad_y)


def small_network(algorithm):
    g, rng = mg.Graph(image=(1, 8, 8)), np.random.default_rng(0)
    wire = g.add("conv1", mg.layers.Conv2d(1, 8, 3, padding=1, algorithm=algorithm, rng=rng), "image")
    wire = g.add("relu1", mg.layers.ReLU(), wire)
    wire = g.add("conv2", mg.layers.Conv2d(8, 24, 3, stride=2, padding=1, algorithm=algorithm, rng=rng), wire)
    wire = g.add("relu2", mg.layers.ReLU(), wire)
    wire = g.add("flatten", mg.layers.Flatten(), g.add("pool", mg.layers.MaxPool2d(2), wire))
    g.add("classifier", mg.layers.Linear(96, 10, rng=rng), wire)
    return g


# %%
images, labels, test_images, test_labels = mg.data.digits(8)
written = all(check(number, f).passed for number, f in (("03.1", conv_db), ("03.2", conv_dw), ("03.3", conv_dx)))
if written:
    g = small_network((by_columns.forward, my_backward))
    steps = mg.training.train(g, images, labels, epochs=2, rng=0)
    share = (mg.evaluation.predict(g, test_images) == test_labels).mean()
    print(f"{len(steps)} steps with your backward: {share:.1%} of {len(test_labels)} held-out digits right.")
else:
    print("When 03.1, 03.2 and 03.3 pass, this cell trains a network with them.")

# %% [markdown]
# ## 4. The gradient at stride 1 is a picture too
#
# One output asks for change, all others are content: `dout` is a single 1. Its gradient on the image is the kernel.
# Will it stand upright, or turned?

# %%
predict("03.c", ...)

# %%
letter = np.array([[1.0, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])[None, None]
point = np.zeros((1, 1, 7, 7))
point[0, 0, 3, 3] = 1
dx, _, _ = conv2d.backward(point, np.zeros((1, 1, 11, 9)), letter, algorithm="im2col")
answered = conv(point, letter, pad=2)
figure, _ = mg.viz.pictures({"kernel": letter[0, 0], "forward of a point": answered[0, 0], "dx": dx[0, 0]})
upright = (dx[0, 0, 3:8, 3:6] == letter[0, 0]).all()
print(outcome("03.c", "upright" if upright else "turned"))
assert upright
figure

# %% [markdown]
# What you saw: the forward answers a point with the kernel turned, the backward with the kernel upright. So if you
# compute the backward by a forward convolution, you must turn the kernel first. That is where the famous flip comes
# from. In the loop of section 3 nothing is flipped.

# %% [markdown]
# ## 5. Stride 2, and rows that nobody read
#
# An image of 6 x 6, a 3 x 3 kernel, stride 2, no padding: the windows start at rows 0 and 2.
# What is the gradient of the last row of the image?

# %%
predict("03.d", ...)

# %%
dx, _, _ = conv2d.backward(np.ones((1, 1, 2, 2)), np.zeros((1, 1, 6, 6)), np.ones((1, 1, 3, 3)), None, 2, 0)
spread = np.zeros((1, 1, 3, 3))
spread[:, :, ::2, ::2] = 1
figure, _ = mg.viz.pictures({"dout with zeros between": spread[0, 0], "dx": dx[0, 0]})
print(outcome("03.d", dx[0, 0, -1].tolist()))
assert not dx[0, 0, -1].any()
figure

# %% [markdown]
# What you saw: zeros, for no window reached the last row. To write `dx` as a convolution with stride 1, put s - 1
# zeros between the gradients, pad with k - 1 - p on all sides, and pad the remainder (n + 2p - k) % s at the end.

# %% [markdown]
# ## Exercise 03.4: the image's gradient as a forward convolution
#
# Three stars, 20 minutes, core. Write `conv_dx_by_conv` with one call of `conv(x, w)`, at stride 1 and without
# padding of its own. `np.pad` and slices with steps do the rest. Start in one dimension, on paper.


# %%
def conv_dx_by_conv(dout, w, x_shape, stride, pad):
    """Return (N, C, H, W), the gradient of the image.

    dout : (N, K, Ho, Wo);  w : (K, C, R, S);  x_shape : (N, C, H, W)
    """  # exercise 03.4
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

# %% [markdown]
# ## 6. Gradients see the chequer
#
# The kernel is all ones and every output asks for the same: `dout` is 1 everywhere. Then `dx` counts how many outputs
# read each pixel. The layer is GoogLeNet's first: 7 x 7, stride 2, padding 3.

# %%
dx, _, _ = conv2d.backward(np.ones((1, 1, 12, 12)), np.zeros((1, 1, 24, 24)), np.ones((1, 1, 7, 7)), None, 2, 3)
figure, _ = mg.viz.pictures({"how many outputs read each pixel": dx[0, 0]}, numbers=False)
inside = dx[0, 0, 6:-6, 6:-6]
for count in np.unique(inside):
    print(f"{int(count):2} readers: {(inside == count).mean():.0%} of the pixels inside")
assert set(np.unique(inside)) == {9, 12, 16}
figure

# %% [markdown]
# What you saw: neighbouring pixels are read by 9, 12 or 16 outputs, in a chequer. Every gradient that comes back
# through a stride of 2 carries this pattern.

# %% [markdown]
# ## Exercise 03.5: how many outputs read a pixel?
#
# Two stars, 5 minutes. The numbers are drawn for your name.

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
# ## 7. Eight backwards, one of them right
#
# One small GoogLeNet of four modules learns the digits, eight times, each time with another backward. Seven of the
# eight are wrong: one forgets all biases of the convolutions, one flips a kernel, in one nothing below the last layer
# learns. The forward is always right. Guess: how many of the seven wrong ones get below 80 %?

# %%
predict("03.e", ...)

# %%
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
print(f"{epochs} epochs of the digits, {len(seeds)} start(s); 10 % is chance{' (the short form)' if FAST else ''}")
accuracies = wrong_backwards.by_letter(seeds, epochs)
for letter, shares in accuracies.items():
    print(letter, "  ".join(f"{share:.1%}" for share in shares))
means = {letter: np.mean(shares) for letter, shares in accuracies.items()}
near = [letter for letter in means if means[letter] > max(means.values()) - 0.05]
print("Within five points of the best:", ", ".join(near))

# %%
figure, axis = figures.new(7, 3)
for place, shares in enumerate(accuracies.values()):
    axis.plot(shares, [place] * len(shares), "o", color=figures.PALETTE[0], markersize=8, alpha=0.7)
axis.set(yticks=range(8), yticklabels=list(accuracies), xlim=(0, 1), xlabel="share of held-out digits right")
axis.axvline(0.1, color=figures.PALETTE[7], linestyle=":")
axis.text(0.11, 7.2, "chance", fontsize=9)
axis.invert_yaxis()
figure

# %% [markdown]
# What you saw: all eight learn. The last line names those that nobody could tell from the best by their accuracy, and
# only one backward is right. Which letter is it? Note your guess; lesson 04 names them and shows how to find out.
#
# A network that trains proves nothing about its gradient.

# %%
predict("03.f", ...)

# %%
below = sum(mean < 0.8 for mean in means.values())
print(outcome("03.e", int(below)))
assert min(means.values()) > 0.1

# %% [markdown]
# ## 8. What a backward costs
#
# Forward, image's gradient and weights' gradient each visit all meetings once. The first convolution needs no
# gradient of the photograph. How many forwards does one training step cost, in multiply-adds (MAC)?

# %%
predict("03.g", ...)

# %%
count = mg.count(mg.models.googlenet(aux=False, rng=0))
first = count["conv1/7x7_s2"]
bars = {
    "forward": count.macs,
    "image's gradients": count.grad_input_macs - first.grad_input_macs,
    "weights' gradients": count.grad_weight_macs,
}
total = sum(bars.values())
print(figures.bars(bars))
print(f"together {total:,} MAC, {total / count.macs:.3f} times the forward")
print(outcome("03.g", round(total / count.macs, 3)))
assert total == 4_630_001_664
assert count.macs == 1_582_671_872

# %%
figure, axis = figures.new(7, 2)
axis.barh(list(bars), [macs / 1e9 for macs in bars.values()], color=figures.PALETTE[0])
axis.set(xlabel="billion multiply-adds for one image of 224 x 224")
axis.invert_yaxis()
figure

# %% [markdown]
# What you saw: three nearly equal bars. The missing part of the second is the first layer's.

# %% [markdown]
# ## Make it break
#
# Leave out the flip: `dx` with the kernel not turned, everything else right. Predict whether the network still learns
# the digits, then run. Would you have noticed without the other line beside it?

# %%
predict("03.h", ...)

# %%
for name in ("correct", "dx with the kernel not flipped"):
    print(f"{wrong_backwards.accuracy(name, 0, epochs):.1%}  {name}  ({epochs} epochs)")

# %% [markdown]
# Write down in a few lines: what you predicted, what you saw, and why a gradient that points the wrong way in most
# layers still helps. (Which layer gets its own weights' gradient right in any case?)

# %% [markdown]
# ## Take it further
#
# - `conv_dx` is a layer of its own: the transposed convolution, which makes images larger. Feed it a constant `dout`
#   with stride 2 and kernel 3, and look at the pattern. Then try kernel 4. Where does the chequer go?
# - Write a convolution with dilation (kernel cells s pixels apart) and its three gradients. Which line changes?
# - Time your two forms of `dx` at 28 x 28 with 192 channels. Which is faster, and why?

# %% [markdown]
# ## Claims ledger
#
# Each claim of this lesson, computed again.

# %%
ledger = {
    "dx is A^T dout, exactly": dx_by_matrix_holds,
    "training GoogLeNet costs 2.925 forwards, not 3": round(total / count.macs, 3) == 2.925,
    "inside conv1 a pixel has 9, 12 or 16 readers": set(np.unique(inside)) == {9, 12, 16},
    "every one of the eight backwards beats chance": min(means.values()) > 0.1,
}
for claim, holds in ledger.items():
    print("holds  " if holds else "FAILS  ", claim)
assert all(ledger.values())

# %% [markdown]
# The claim "gradients gradually decrease and become 0 in deep networks" waits for lesson 09, where it gets numbers.
#
# ## Exit quiz

# %%
quiz("03")
