# %% [markdown]
# # 01 What one number of a feature map sees
#
# **Question.** Which numbers of the image, and which weights, decide one number of the output?
#
# About 60 minutes. Needs lesson 00.
#
# Afterwards you can
#
# - compute any single output of a convolution by hand, with channels, stride and padding;
# - write it for kernels of any shape;
# - give the size of the output, also if it does not divide;
# - tell a correlation from a convolution by its answer to one bright pixel;
# - say how the output changes when the image moves, and where the usual sentence about it fails.
#
# Letters, here and in all lessons: N images, C channels in, K channels out, H x W the input,
# Ho x Wo the output, R x S the kernel, `stride` and `pad` (zeros on every side). Images are arrays (N, C, H, W),
# weights are (K, C, R, S). A layer's output for one image is a *feature map*. If the notebook behaves oddly, restart
# the kernel and run from the top.

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
# The kernel shows the letter F. The image is black except for one pixel. A convolution puts the kernel on every
# position of the image, multiplies each weight by the pixel under it, and adds. What does the output look like?

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
    {"kernel": letter, "image": pixel, "the engine's output": result, "a true convolution's": true_convolution}
)
figure

# %% [markdown]
# What you saw: the F comes back rotated by 180 degrees. The first window that reaches the bright pixel, from above
# and from the left, has it under its *last* weight. So the kernel's last weights come first in the output. What this
# field calls a convolution is a *correlation*: the kernel stays as it is. A true convolution rotates it first, and then
# the answer to a single pixel is the kernel itself. Trained with it, a network would learn rotated kernels.

# %% [markdown]
# ## A kernel looks for its own shape
#
# Now a real image, and a kernel whose mean is 0, so that a region of one brightness gives 0. Each value of the output
# says how much the region under the kernel looks like an F. The photograph has no F; the largest value is where it
# comes nearest.

# %%
grey = np.asarray(photo.convert("L").resize((40, 48)), float) / 255
kernel = letter - letter.mean()
likeness = conv2d.forward(grey[None, None], kernel[None, None])[0, 0]
row, column = np.unravel_index(likeness.argmax(), likeness.shape)
region = grey[row : row + 5, column : column + 4]
assert np.isclose(likeness[row, column], np.sum(region * kernel))
figure, _ = viz.images({"image": grey, "how much like an F": likeness, "the best region": region}, same_scale=False)
figure

# %% [markdown]
# ## Three channels, one filter
#
# A colour image has three channels. The filter below is 1 x 1, with weights 1, -1, 0: red minus green. What is its
# output for a grey pixel, whose channels are equal?

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
# What you saw: a filter has weights for all channels, and what they give is *added* to one channel of the output. K
# filters give K channels. This one is blind to everything grey.

# %% [markdown]
# ## Exercise 01.1: one number of a feature map
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# Write the one number y[n, k, i, j]. Shapes: x (N, C, H, W), w (K, C, R, S), b (K,). An x outside of the image
# counts as 0.
#
# $$y[n, k, i, j] = b[k] + \sum_{c, u, v} w[k, c, u, v] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# `check` reports what it finds; `hint("01.1")` gives one step of help each time you call it, three in total.


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
# ## A size that does not divide
#
# The first layer of GoogLeNet: a kernel of 7 x 7, stride 2, padding 3, here on 300 x 300. After the first window there
# is room for (300 + 6 - 7) / 2 = 149.5 steps. Is that an error, or 149 outputs in a row, or 150?

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
# What you saw: the half step is not taken. Steps are rounded down, and the first window comes before the first step:
#
# $$H_o = \left\lfloor \frac{H + 2p - R}{s} \right\rfloor + 1$$

# %% [markdown]
# ## Exercise 01.2: how large is the map
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# The numbers are yours: they are drawn from the name.

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
# Let each output send a 1 back to every pixel that it read (lesson 03 is about this way back). What arrives at a pixel
# is the number of its readers.


# %%
def readers(size, kernel, stride, pad):
    """Return how many outputs read each pixel of an image of size x size."""
    x, w = np.zeros((1, 1, size, size)), np.ones((1, 1, kernel, kernel))
    y = conv2d.forward(x, w, None, stride, pad)
    return conv2d.backward(np.ones_like(y), x, w, None, stride, pad)[0][0, 0]


counts = readers(224, 7, 2, 3)
inside = counts[6:-6, 6:-6]
for value in np.unique(inside):
    print(f"read by {value:.0f} outputs: {np.mean(inside == value):.0%} of the pixels inside")
figure, _ = viz.images({"top left corner": counts[:12, :12]})
figure

# %% [markdown]
# What you saw: a **checkerboard pattern**. One pixel row is read by four rows of the kernel, the next by three, and so
# on. So away from the border a pixel has 4 x 4, 4 x 3 or 3 x 3 readers. The pattern appears if the stride does not
# divide the kernel; lessons 02 and 03 meet it again.

# %% [markdown]
# ## What padding does
#
# Every pixel is 9. The kernel takes the mean of 3 x 3. With one row of zeros around the image: what is the output in
# the corner?

# %%
predict("01.d", ...)

# %%
flat = np.full((1, 1, 5, 6), 9.0)
means = conv2d.forward(flat, np.ones((1, 1, 3, 3)), None, 1, 1)[0, 0] / 9
assert (means[0, 0], means[0, 1], means[1, 1]) == (4, 6, 9)
print(outcome("01.d", means[0, 0]))
figure, _ = viz.images({"mean of 3 x 3, zeros around": means})
figure

# %% [markdown]
# What you saw: a flat image gets an edge. In the corner only 4 of 9 pixels are real, at the sides 6 of 9.

# %% [markdown]
# ## Move the image
#
# Many texts claim that convolutions are translation invariant. Move the image by one column. Does the output stay the
# same, does it move along, or is it a different one? And with stride 2? We use whole numbers, so that nothing is
# rounded.

# %%
predict("01.e", ...)

# %%
scene = rng.integers(-9, 10, (1, 3, 33, 44)).astype(float)
filters = rng.integers(-9, 10, (64, 3, 3, 3)).astype(float)


def differences(stride, move):
    """Move the image by some columns; return how different the outputs are if they move by 0, 1 and 2 steps."""
    before = conv2d.forward(scene[..., :41], filters, None, stride)
    after = conv2d.forward(scene[..., move : 41 + move], filters, None, stride)[..., :-3]
    shifted = [before[..., steps : steps - 3] for steps in range(3)]
    return [np.linalg.norm(after - one) / np.linalg.norm(one) for one in shifted]


kinds = {}
for stride, move in ((1, 1), (2, 1), (2, 2)):
    by_steps = differences(stride, move)
    print(
        f"stride {stride}, move {move}: difference {', '.join(f'{d:.2f} at {i} steps' for i, d in enumerate(by_steps))}"
    )
    kinds[stride, move] = "moves along" if by_steps[1] == 0 else "is the same" if by_steps[0] == 0 else "is different"
print(outcome("01.e", [kinds[1, 1], kinds[2, 1]]))
assert list(kinds.values()) == ["moves along", "is different", "moves along"]

# %% [markdown]
# What you saw: 0.00 means equal, and two outputs that have nothing in common differ by about 1.4. At stride 1 the
# output moves along by one step, exactly. The word is *equivariant*, not invariant. At stride 2 a move of one pixel
# gives an output that is no shift of the old one. A move of two pixels is one step again. At the border new
# pixels come in, at any stride.

# %% [markdown]
# ## A 1 x 1 kernel
#
# GoogLeNet has many 1 x 1 convolutions, such as this one from 480 channels to 16. How many pixels decide one of
# its outputs, and how many channels?

# %%
predict("01.f", ...)

# %%
features = rng.integers(-9, 10, (1, 480, 14, 14)).astype(float)
reduce = rng.integers(-9, 10, (16, 480, 1, 1)).astype(float)
by_convolution = conv2d.forward(features, reduce)
by_product = np.einsum("kc,nchw->nkhw", reduce[:, :, 0, 0], features)  # one matrix product for each pixel
raised = features.copy()
raised[0, :, 5, 5] += 1
moved = (conv2d.forward(raised, reduce) != by_convolution)[0].any(axis=0)
assert np.array_equal(by_convolution, by_product)
print(outcome("01.f", {"pixels": int(moved.sum()), "channels": features.shape[1]}))
assert moved.sum() == moved[5, 5] == 1

# %% [markdown]
# What you saw: it sees no neighbour and all channels. It mixes the 480 values of a pixel into 16.

# %% [markdown]
# ## Exercise 01.3: the whole feature map
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write the whole convolution; the result is (N, K, Ho, Wo), with Wo computed like Ho. Use `conv_at`.


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
mine = check("01.3", conv_forward)
mine

# %%
compare("01.3")

# %% [markdown]
# What you wrote runs a network. Here is a small GoogLeNet with a quarter of the channels, on the photograph at 16 x 16.
# Every convolution in it is yours.


# %%
def my_convolution(x, weight, bias, stride, padding, groups):
    """Call conv_forward with the arguments of the engine."""
    bias = np.zeros(len(weight)) if bias is None else bias
    return conv_forward(x, weight, bias, stride[0], padding[0][0])


net = mg.models.mini_googlenet(size=16, width=0.25, rng=0)
tiny = np.asarray(photo.resize((16, 16)), np.float32).transpose(2, 0, 1)[None] / 255
expected = net(tiny)
if mine.passed:
    for layer, _ in net.nodes.values():
        if isinstance(layer, mg.layers.Conv2d):
            layer.algorithm = (my_convolution, by_columns.backward)
    largest = abs(net(tiny) - expected).max()
    macs = sum(row.macs for row in mg.count(net).rows if row.kind == "Conv2d")
    print(f"{macs:,} of your multiply-adds; the logits differ from the engine's by {largest:.1e} at most")
    assert largest < 1e-4

# %% [markdown]
# ## Make it break
#
# A kernel of 1 x 1 with stride 2, and a padding of 5 for a kernel of 3 x 3: the arithmetic allows both. What goes
# wrong?

# %%
unread = np.mean(readers(56, 1, 2, 0) == 0)
print(
    f"kernel 1 x 1, stride 2: {unread:.0%} of the pixels are not read at all. The first ResNets (lesson 09) did this."
)
assert unread == 0.75
y = conv2d.forward(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), np.array([7.0]), 1, 5)[0, 0]
print(f"padding 5 for a kernel of 3: {np.sum(y == 7)} of {y.size} outputs are the bias alone.")
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
        "it is the MAC; FLOP are twice as many",
    ),
    ("a size that does not divide is invalid", size == int(149.5) + 1, "wrong: the half step is not taken"),
    (
        "convolutions are translation invariant",
        kinds[1, 1] == "moves along",
        "wrong: equivariant, at stride 1, away from the border",
    ),
    (
        "a filter gives one map for each input channel",
        channels_of_one_filter == 1,
        "wrong: one channel, the sum over its input channels",
    ),
    ("a 1x1 convolution does nothing", by_convolution.shape[1] == 16, "wrong: it mixes channels, here 480 to 16"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then look: `quiz("01", answers=True)`.

# %%
glossary.terms("01")

# %%
quiz("01")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - Dilation: let the kernel positions be d pixels apart. Which line of `conv_at` changes? What does the size of the
#   output become?
# - Groups: filter k reads only its own part of the channels. `mg.layers.Conv2d` takes `groups=`; compare yours with it.
# - A 3 x 3 convolution for each channel, then a 1 x 1 over channels: how many multiplications does that save?
# - Pad with the mirrored image. Does a flat image stay flat?
# - In 01.5: what is the smallest number of values that finds all six?

# %% [markdown]
# ## Exercise 01.4: a kernel that moves the image
#
# Difficulty: ** of ***. About 6 minutes. Further.
#
# Return the kernel (3, 3) that, with stride 1 and pad 1, moves the image down by dy and right by dx. Each of them is
# -1, 0 or 1.


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
images, figure = {"as it is": np.pad(letter, 2)}, None
if moved.passed:
    for way, (dy, dx) in {"down": (1, 0), "right": (0, 1), "up and left": (-1, -1)}.items():
        shift = shift_kernel(dy, dx)[None, None]
        images[way] = conv2d.forward(images["as it is"][None, None], shift, None, 1, 1)[0, 0]
    figure, _ = viz.images(images)
figure

# %% [markdown]
# ## Exercise 01.5: the case that reveals
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# A test is as good as the mistakes that it finds. Six programs are almost a convolution: one rotates the kernel, one
# reads the channels backwards, one returns the first image's result for all images, one exchanges height and width of
# the output, one ignores the stride, one pads with the edge value instead of zeros. Give a tuple (x, w, stride, pad)
# with x (N, C, H, W) and w (K, C, R, S) in small integers, so that all six differ from the right one. Then use fewer
# numbers.

# %%
# exercise 01.5
### BEGIN SOLUTION
case = (np.arange(1, 33).reshape(2, 2, 2, 4), np.arange(1, 9).reshape(1, 2, 2, 2), 2, 1)  # x, w, stride, pad
### END SOLUTION

# %%
check("01.5", case)

# %% [markdown]
# **Count the innermost line.** The definition of a convolution is seven nested loops. These numbers count how often
# they are multiplied:


# %%
class Counting(float):
    """A number that counts its multiplications."""

    times = 0

    def __mul__(self, other):
        """Multiply, and count it."""
        Counting.times += 1
        return float(self) * float(other)


counting_weights = np.vectorize(Counting, otypes=[object])(np.ones((1, 3, 3, 3)))
loops.forward(np.ones((1, 3, 3, 3)), counting_weights, None, (1, 1), ((0, 0), (0, 0)), 1)
real = counts.sum() * 3 * 64
assert Counting.times == 3 * 3 * 3 == 27
assert first_layer.macs == 112 * 112 * 64 * 3 * 7 * 7 == 118_013_952
print(f"one output of 3 x 3 over 3 channels: {Counting.times} multiplications")
print(f"GoogLeNet's first layer: {first_layer.macs:,}; {real / first_layer.macs:.1%} meet a pixel, the rest padding")
