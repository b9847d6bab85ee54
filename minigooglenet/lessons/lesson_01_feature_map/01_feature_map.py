# %% [markdown]
# # 01 One value of a feature map
#
# **Question.** Which values of the image, and which weights, decide one value of the output?
#
# About 60 minutes. You need lesson 00.
#
# Afterwards you can
#
# - compute any single output of a convolution by hand, with channels, stride and padding;
# - write a convolution for kernels of any shape;
# - compute the output size, even if the stride does not divide evenly;
# - tell a correlation from a convolution by its output for one bright pixel;
# - explain how the output changes when the image moves.
#
# Letters, as in every lesson: N images, C input channels, K output channels, input H x W, output Ho x Wo, kernel R x S,
# `stride`, and `pad` (zeros on every side). Images are arrays (N, C, H, W), weights are (K, C, R, S). A layer's output
# for one image is a *feature map*. If the notebook behaves oddly, restart its kernel and run it from the top.

# %%
import numpy as np

import minigooglenet as mg
from minigooglenet import viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.loops import conv2d as loops
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_01_feature_map import drawing

rng = np.random.default_rng(1)
photo = mg.data.photograph()

# %% [markdown]
# ## One bright pixel
#
# The kernel has the shape of the letter F. The image is black except for one pixel. A convolution moves the kernel over
# the image. At each position, it multiplies each weight by the pixel under it and adds the products. What does the
# output look like?

# %%
predict("01.a", ...)

# %%
letter = drawing.LETTER
pixel = np.zeros((11, 9))
pixel[5, 4] = 1
result = conv2d.forward(pixel[None, None], letter[None, None])[0, 0]  # [None, None] adds the axes N and C
rotated = letter[::-1, ::-1]  # both axes reversed: by 180 degrees
true_convolution = conv2d.forward(pixel[None, None], rotated[None, None])[0, 0]
print(outcome("01.a", drawing.orientation(result[1:6, 1:5])))
figure, _ = viz.images(
    {"kernel": letter, "image": pixel, "the engine's output": result, "a true convolution": true_convolution}
)
figure

# %% [markdown]
# What you saw: the output is the F rotated by 180 degrees. The first window that reaches the bright pixel has it under
# its *last* weight, so the kernel's last weight comes first in the output. What this field calls a convolution is a
# *correlation*: it does not rotate the kernel. A true convolution does, so its output for a single pixel is the
# kernel itself. A network trained with it would learn rotated kernels.

# %% [markdown]
# ## A kernel responds to its own shape
#
# Now take a photograph. Subtract the kernel's mean from all its weights, so that a uniformly bright region gives 0.
# Each output measures how much the region under the kernel looks like an F. The photograph contains no F; the output is
# largest where the region looks most like one.

# %%
grey = np.asarray(photo.convert("L").resize((40, 48)), float) / 255
kernel = letter - letter.mean()
likeness = conv2d.forward(grey[None, None], kernel[None, None])[0, 0]
row, column = np.unravel_index(likeness.argmax(), likeness.shape)
region = grey[row : row + 5, column : column + 4]
assert np.isclose(likeness[row, column], np.sum(region * kernel))
figure, _ = viz.images({"image": grey, "similarity to an F": likeness, "most similar region": region}, same_scale=False)
figure

# %% [markdown]
# ## Three channels, one filter
#
# A colour image has three channels. This filter is 1 x 1, with weights 1, -1, 0: red minus green. What is its output
# for a grey pixel, whose channels are equal?

# %%
predict("01.b", ...)

# %%
colours = np.asarray(photo.resize((40, 48)), float).transpose(2, 0, 1)[None]
weights = np.array([1.0, -1.0, 0.0]).reshape(1, 3, 1, 1)
y = conv2d.forward(colours, weights)
print("The output has the shape", y.shape)
channels_of_one_filter = y.shape[1]
red, green, blue = colours[0] * weights[0]  # each channel times its weight
figure, _ = viz.images({"red x 1": red, "green x -1": green, "blue x 0": blue, "their sum": y[0, 0]})
figure

# %%
grey_image = np.repeat(colours.mean(axis=1, keepdims=True), 3, axis=1)  # three equal channels
print(outcome("01.b", np.unique(conv2d.forward(grey_image, weights)).tolist()))
assert not conv2d.forward(grey_image, weights).any()

# %% [markdown]
# What you saw: a filter has weights for all input channels, and *adds* the products into one output channel. K
# filters give K channels. This filter is blind to everything grey.

# %% [markdown]
# ## Exercise 01.1: one value of a feature map
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# Compute the single output y[n, k, i, j]. Shapes: x (N, C, H, W), w (K, C, R, S), b (K,). An x outside the image
# counts as 0.
#
# $$y[n, k, i, j] = b[k] + \sum_{c, u, v} w[k, c, u, v] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# `check` tests your function. Each call of `hint("01.1")` prints the next hint, three in total.


# %%
# exercise 01.1
def conv_at(x, w, b, n, k, i, j, stride, pad):
    """Return one output of a convolution as a float.

    x (N, C, H, W), w (K, C, R, S), b (K,); image n, filter k, row i, column j.
    """
    ### BEGIN SOLUTION
    C, H, W = x.shape[1:]
    R, S = w.shape[2:]
    total = b[k]
    for c in range(C):
        for u in range(R):
            for v in range(S):
                y, z = i * stride + u - pad, j * stride + v - pad
                if 0 <= y < H and 0 <= z < W:
                    total += x[n, c, y, z] * w[k, c, u, v]
    return float(total)
    ### END SOLUTION


# %%
check("01.1", conv_at)

# %% [markdown]
# ## When the stride does not divide evenly
#
# GoogLeNet's first layer has a kernel of 7 x 7, stride 2, padding 3. Here its input is 300 x 300. After the first
# window there is room for (300 + 6 - 7) / 2 = 149.5 steps. Is that an error, or do you get 149 outputs per row, or 150?

# %%
predict("01.c", ...)

# %%
conv1 = mg.layers.Conv2d(3, 64, 7, stride=2, padding=3)
size = conv1.output_shape((3, 300, 300))[1]
last_read = (size - 1) * 2 + 7  # of the padded columns, counted from 1
assert (size, last_read) == (150, 305)
print(outcome("01.c", size))
print(f"{size} windows; the last one ends at padded column {last_read} of {300 + 6}: one column is never read.")

# %% [markdown]
# What you saw: the number of steps is rounded down, and the first window comes before the first step:
#
# $$H_o = \left\lfloor \frac{H + 2p - R}{s} \right\rfloor + 1$$

# %% [markdown]
# ## Exercise 01.2: the size of a feature map
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# The numbers in the question depend on your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("01.2", student)

# %%
# exercise 01.2
### BEGIN SOLUTION
outputs = (lambda n, k, s, p: (n + 2 * p - k) // s + 1)(**find("01.2").values(student))
### END SOLUTION

# %%
answer("01.2", outputs)

# %% [markdown]
# ## Which pixels are read most?
#
# For each output, add 1 to every pixel that it reads. The sum at a pixel is the number of outputs that read it. The
# backward pass, the subject of lesson 03, can compute this.


# %%
def readers(size, kernel, stride, pad):
    """Return how many outputs read each pixel of an image of size x size."""
    x, w = np.zeros((1, 1, size, size)), np.ones((1, 1, kernel, kernel))
    y = conv2d.forward(x, w, None, stride, pad)
    return conv2d.backward(np.ones_like(y), x, w, None, stride, pad)[0][0, 0]


counts = readers(224, 7, 2, 3)
inside = counts[6:-6, 6:-6]
for value in np.unique(inside):
    print(f"read by {value:.0f} outputs: {np.mean(inside == value):.0%} of the inner pixels")
figure, _ = viz.images({"top left corner": counts[:12, :12]})
figure

# %% [markdown]
# What you saw: a **checkerboard pattern**. Pixel rows are alternately read by four and by three rows of outputs. So
# away from the border, 4 x 4, 4 x 3 or 3 x 3 outputs read a pixel. The pattern appears if the stride does not divide
# the kernel size. You will see it again in lessons 02 and 03.

# %% [markdown]
# ## What padding does
#
# Every pixel is 9, and the kernel computes the mean of 3 x 3 pixels. The image is padded with one row of zeros on each
# side. What is the output in the corner?

# %%
predict("01.d", ...)

# %%
flat = np.full((1, 1, 5, 6), 9.0)
means = conv2d.forward(flat, np.ones((1, 1, 3, 3)), None, 1, 1)[0, 0] / 9
assert (means[0, 0], means[0, 1], means[1, 1]) == (4, 6, 9)
print(outcome("01.d", means[0, 0]))
figure, _ = viz.images({"mean of 3 x 3, padded with zeros": means})
figure

# %% [markdown]
# What you saw: padding gives a uniform image an edge. In the corner only 4 of 9 values are real pixels, at the sides 6.

# %% [markdown]
# ## Move the image
#
# Many texts say that convolutions are translation invariant. Move the image by one column. With stride 1 and with
# stride 2, does the output stay the same, move with the image, or become a different one? All values are integers, so
# nothing is rounded.

# %%
predict("01.e", ...)

# %%
scene = rng.integers(-9, 10, (1, 3, 33, 44)).astype(float)
filters = rng.integers(-9, 10, (64, 3, 3, 3)).astype(float)


def differences(stride, move):
    """Move the image by `move` columns; compare its output with the old output, shifted by 0, 1 and 2 columns."""
    before = conv2d.forward(scene[..., :41], filters, None, stride)
    after = conv2d.forward(scene[..., move : 41 + move], filters, None, stride)[..., :-3]
    shifted = [before[..., steps : steps - 3] for steps in range(3)]
    return [np.linalg.norm(after - old) / np.linalg.norm(old) for old in shifted]


kinds = {}
for stride, move in ((1, 1), (2, 1), (2, 2)):
    by_steps = differences(stride, move)
    print(
        f"stride {stride}, image moved by {move}: difference "
        f"{', '.join(f'{d:.2f} for a shift of {i}' for i, d in enumerate(by_steps))}"
    )
    moves = "moves with the image" if by_steps[1] == 0 else "is different"
    kinds[stride, move] = "stays the same" if by_steps[0] == 0 else moves
print(outcome("01.e", [kinds[1, 1], kinds[2, 1]]))
assert list(kinds.values()) == ["moves with the image", "is different", "moves with the image"]

# %% [markdown]
# What you saw: 0.00 means equal; unrelated outputs differ by about 1.4. At stride 1, the output moves by exactly one
# column. So convolutions are *equivariant*, not invariant. At stride 2, moving the image by one pixel gives an output
# that is not a shifted copy of the old one; moving it by two pixels shifts the output by one. At the border, new pixels
# break both rules.

# %% [markdown]
# ## A 1 x 1 kernel
#
# GoogLeNet has many 1 x 1 convolutions, such as this one from 480 channels to 16. How many pixels and how many channels
# decide one of its outputs?

# %%
predict("01.f", ...)

# %%
features = rng.integers(-9, 10, (1, 480, 14, 14)).astype(float)
reduce = rng.integers(-9, 10, (16, 480, 1, 1)).astype(float)
by_convolution = conv2d.forward(features, reduce)
by_product = np.einsum("kc,nchw->nkhw", reduce[:, :, 0, 0], features)  # one matrix product per pixel
raised = features.copy()
raised[0, :, 5, 5] += 1
moved = (conv2d.forward(raised, reduce) != by_convolution)[0].any(axis=0)
assert np.array_equal(by_convolution, by_product)
print(outcome("01.f", {"pixels": int(moved.sum()), "channels": features.shape[1]}))
assert moved.sum() == moved[5, 5] == 1

# %% [markdown]
# What you saw: a pixel changes only the outputs at its own position. They mix its 480 channels into 16.

# %% [markdown]
# ## Exercise 01.3: the whole feature map
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write the whole convolution with `conv_at`. The result is (N, K, Ho, Wo); Wo is computed like Ho.


# %%
# exercise 01.3
def conv_forward(x, w, b, stride, pad):
    """Return y (N, K, Ho, Wo) for x (N, C, H, W), w (K, C, R, S), b (K,)."""
    ### BEGIN SOLUTION
    rows = (x.shape[2] + 2 * pad - w.shape[2]) // stride + 1
    columns = (x.shape[3] + 2 * pad - w.shape[3]) // stride + 1
    y = np.zeros((len(x), len(w), rows, columns))
    for n, k, i, j in np.ndindex(y.shape):
        y[n, k, i, j] = conv_at(x, w, b, n, k, i, j, stride, pad)
    return y
    ### END SOLUTION


# %%
checked = check("01.3", conv_forward)
checked

# %%
compare("01.3")  # its P, Q are our Ho, Wo; ignore groups (1)

# %% [markdown]
# Your function can run a network. Here is a small GoogLeNet with a quarter of the channels, on the photograph at
# 16 x 16. All its convolutions are yours.


# %%
def my_convolution(x, weight, bias, stride, padding, groups):
    """Call conv_forward with the engine's arguments."""
    bias = np.zeros(len(weight)) if bias is None else bias
    return conv_forward(x, weight, bias, stride[0], padding[0][0])


net = mg.models.mini_googlenet(size=16, width=0.25, rng=0)
tiny = np.asarray(photo.resize((16, 16)), np.float32).transpose(2, 0, 1)[None] / 255
expected = net(tiny)
if checked.passed:
    for layer, _ in net.nodes.values():
        if isinstance(layer, mg.layers.Conv2d):
            layer.algorithm = (my_convolution, by_columns.backward)
    largest = abs(net(tiny) - expected).max()
    macs = sum(row.macs for row in mg.count(net).rows if row.kind == "Conv2d")
    print(f"Your code computed {macs:,} MACs; the logits differ from the engine's by at most {largest:.1e}")
    assert largest < 1e-4

# %% [markdown]
# ## Make it break
#
# A 1 x 1 kernel with stride 2, and padding 5 with a 3 x 3 kernel: the formula allows both. What goes wrong?

# %%
unread = np.mean(readers(56, 1, 2, 0) == 0)
print(f"kernel 1 x 1, stride 2: {unread:.0%} of the pixels are never read. The first ResNets (lesson 09) did this.")
assert unread == 0.75
y = conv2d.forward(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), np.array([7.0]), 1, 5)[0, 0]
print(f"kernel 3 x 3, padding 5: {np.sum(y == 7)} of {y.size} outputs are only the bias.")
figure, _ = viz.images({"all ones, bias 7": y})
figure

# %% [markdown]
# ## Claims, checked

# %%
first_layer = mg.count(conv1, (3, 224, 224)).rows[0]
formula = 64 * 3 * 7 * 7 * 112 * 112
claims = [
    ("7x7, stride 2, padding 3 on 224 gives 112", conv1.output_shape((3, 224, 224))[1] == 112, "correct"),
    (
        "K*C*R*S*Ho*Wo is a layer's FLOP",
        first_layer.macs == formula == first_layer.flops // 2,
        "wrong: those are the MACs; there are twice as many FLOP",
    ),
    ("the stride must divide evenly", size == int(149.5) + 1, "wrong: the number of steps is rounded down"),
    (
        "convolutions are translation invariant",
        kinds[1, 1] == "moves with the image",
        "wrong: equivariant, at stride 1, away from the border",
    ),
    (
        "a filter gives one output channel per input channel",
        channels_of_one_filter == 1,
        "wrong: one channel, the sum over the input channels",
    ),
    ("a 1x1 convolution does nothing", by_convolution.shape[1] == 16, "wrong: it mixes channels, here 480 to 16"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("01", answers=True)`.

# %%
glossary.terms("01")

# %%
quiz("01")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need this part.
#
# - Dilation: let the weights of the kernel be d pixels apart. Which line of `conv_at` changes? What is the output size?
# - Groups: filter k reads only its own part of the channels. `mg.layers.Conv2d` takes `groups=`; compare yours with it.
# - Replace a 3 x 3 convolution by one 3 x 3 kernel per channel, followed by a 1 x 1 convolution. How many
#   multiplications does that save?
# - Pad with the mirrored image instead of zeros. Does a uniform image stay uniform?
# - In exercise 01.5 below: what is the smallest number of values that reveals all six mistakes?

# %% [markdown]
# ## Exercise 01.4: a kernel that moves the image
#
# Difficulty: ** of ***. About 6 minutes. Further.
#
# Return the kernel (3, 3) that, with stride 1 and pad 1, moves the image down by dy and right by dx. Both are -1, 0
# or 1.


# %%
# exercise 01.4
def shift_kernel(dy, dx):
    """Return the kernel (3, 3) that moves an image down by dy and right by dx."""
    ### BEGIN SOLUTION
    w = np.zeros((3, 3))
    w[1 - dy, 1 - dx] = 1
    return w
    ### END SOLUTION


# %%
moved = check("01.4", shift_kernel)
moved

# %%
images, figure = {"original": np.pad(letter, 2)}, None
if moved.passed:
    for direction, (dy, dx) in {"down": (1, 0), "right": (0, 1), "up and left": (-1, -1)}.items():
        shift = shift_kernel(dy, dx)[None, None]
        images[direction] = conv2d.forward(images["original"][None, None], shift, None, 1, 1)[0, 0]
    figure, _ = viz.images(images)
figure

# %% [markdown]
# ## Exercise 01.5: a revealing test case
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# A test is only as good as the mistakes that it reveals. Here are six programs that are almost a convolution:
#
# - one rotates the kernel by 180 degrees;
# - one reads the channels in reverse order;
# - one returns the result of the first image for all images;
# - one exchanges the height and width of the output;
# - one ignores the stride;
# - one pads with the edge value instead of zeros.
#
# Choose a tuple (x, w, stride, pad) with x (N, C, H, W) and w (K, C, R, S) made of small integers, so that the output
# of each of the six differs from the right one. Then try it with fewer values.

# %%
# exercise 01.5
### BEGIN SOLUTION
case = (np.arange(1, 33).reshape(2, 2, 2, 4), np.arange(1, 9).reshape(1, 2, 2, 2), 2, 1)  # x, w, stride, pad
### END SOLUTION

# %%
check("01.5", case)

# %% [markdown]
# **Count the multiplications.** Written as code, the definition of a convolution is seven nested loops. The weights
# below count how often they are multiplied:


# %%
class Counting(float):
    """A float that counts its multiplications."""

    times = 0

    def __mul__(self, other):
        """Multiply, and increase the count."""
        Counting.times += 1
        return float(self) * float(other)


counting_weights = np.vectorize(Counting, otypes=[object])(np.ones((1, 3, 3, 3)))
loops.forward(np.ones((1, 3, 3, 3)), counting_weights, None, (1, 1), ((0, 0), (0, 0)), 1)
real = counts.sum() * 3 * 64
assert Counting.times == 3 * 3 * 3 == 27
assert first_layer.macs == 112 * 112 * 64 * 3 * 7 * 7 == 118_013_952
print(f"one output of 3 x 3 over 3 channels: {Counting.times} multiplications")
print(f"GoogLeNet's first layer: {first_layer.macs:,}; {real / first_layer.macs:.1%} use a pixel, the rest padding")
