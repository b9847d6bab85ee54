# %% [markdown]
# # 00 Start here
#
# **Question.** What will I have built at the end, how does the course check my work, and which words do I need?
#
# About 55 minutes: 20 for the start, 35 for the primer. You need Python, some NumPy, and from school the logarithm
# and the derivative of x squared.
#
# Afterwards you can
#
# - check that your machine is ready, and how fast it is;
# - read the table of a network's layers, and explain what a MAC is;
# - use `predict`, `check`, `hint`, `ask` and `answer`;
# - read the formula of a convolution, take a step downhill, and multiply derivatives along a chain.
#
# You need no internet connection: the data come with the package. If a notebook behaves oddly, restart its kernel and
# run it from the top.

# %%
import platform
import time

import numpy as np

import minigooglenet as mg
from minigooglenet import viz
from minigooglenet.console import Table
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels.loops import conv2d as loops
from minigooglenet.kernels.loops import local_response_norm, max_pool2d
from minigooglenet.lessons.lesson_00_start import drawing, glossary

# %% [markdown]
# ## Is the machine ready?
#
# The next cell runs a network on a photograph. The *engine*, the part of this package that runs networks, is
# compiled when it first runs on your machine. That may take a minute or two; afterwards it is fast. If the last line
# of the output is about GoogLeNet, you are ready.

# %%
print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.system()}")
print(f"{mg.get_num_threads()} threads")
net = mg.models.googlenet(aux=False, rng=0)
image = mg.data.prepare(mg.data.photograph())
net(image)  # the first call may compile
begun = time.perf_counter()
logits = net(image)
forward_seconds = time.perf_counter() - begun
print(f"GoogLeNet on one photograph: {1000 * forward_seconds:.0f} ms, {logits.shape[1]} outputs")

# %% [markdown]
# That was GoogLeNet, the network of this course, published in 2014. Its weights are still random. At the end of the
# course it will run on code that you have written.

# %% [markdown]
# ## Exercise 00.1: the mean of a window
#
# Difficulty: * of ***. About 3 minutes. Core.
#
# In an exercise you write a function, and a check tests it. This first function is already written, but it contains a
# mistake. `x` is an array of shape (H, W). The function must return the mean of the values in a window of k x k, whose
# top left corner is at row i, column j. Run both cells and read what the check reports.


# %%
def mean_of_window(x, i, j, k):
    """Return the mean of the k x k window of x (H, W) that starts at row i, column j."""
    return x[i : i + k, j : j + k].sum() / k


# %%
check("00.1", mean_of_window)

# %% [markdown]
# The check reports WHAT differs, in numbers. Often it also reports what this LOOKS LIKE: a known mistake or a symptom.
# It suggests one thing to TRY, and shows a test case that is small enough to work through on paper. If that is not
# enough, ask for a hint. Each exercise has three. Each run of the cell below shows one more.

# %%
hint("00.1")

# %% [markdown]
# Now correct the function.


# %%
# exercise 00.1
def mean_of_window(x, i, j, k):
    """Return the mean of the k x k window of x (H, W) that starts at row i, column j."""
    ### BEGIN SOLUTION
    return x[i : i + k, j : j + k].sum() / k**2
    ### END SOLUTION


# %%
window = check("00.1", mean_of_window)
window

# %% [markdown]
# Once you have passed, `compare` shows the code that yours was compared with. The lesson then uses your function. Here
# it makes the photograph coarser, one window of 16 x 16 pixels at a time.

# %%
compare("00.1")

# %%
grey = np.asarray(mg.data.photograph().convert("L").resize((256, 320)), float)
figure = None
if window.passed:
    coarse = np.array([[mean_of_window(grey, i, j, 16) for j in range(0, 256, 16)] for i in range(0, 320, 16)])
    figure, _ = viz.images({"the photograph": grey, "means of your windows": coarse})
figure

# %% [markdown]
# ## How many parameters does GoogLeNet have?
#
# A network consists of *layers*. A layer computes one array from another, and one or more later layers read the result.
# Many layers contain values that training changes, the *parameters*. How many parameters does GoogLeNet have in total?
# Replace the three dots with your guess. The guess is stored but never graded. People remember an answer better after a
# wrong guess.

# %%
predict("00.a", ...)

# %%
counted = mg.count(net)
assert counted.params == 6_998_552
print(outcome("00.a", counted.params))

# %% [markdown]
# ## Which layer costs the most?
#
# A *MAC* is one multiply-add: one multiplication, and the addition of its product to a sum. One MAC is two FLOP
# (floating-point operations); this course always names the unit. A layer reads a stack of arrays, all of the same
# height and width. Each array is a *channel*: a photograph has three (red, green, blue), and inside the network there
# are hundreds.
#
# The layers are, in order: conv1/7x7_s2, conv2/3x3_reduce, conv2/3x3, then inception_3a/... to inception_5b/..., and
# finally loss3/classifier. The early ones have large channels, the late ones have many small channels. Which layer of
# GoogLeNet needs the most MACs?

# %%
predict("00.b", ...)

# %%
layers = {row.name: row for row in counted.rows if row.macs}
macs = {name: row.macs / 1e6 for name, row in layers.items()}
largest = max(macs, key=macs.get)
assert largest == "conv2/3x3"
print(outcome("00.b", largest), f"It takes {layers[largest].macs / counted.macs:.1%} of all {counted.macs:,} MAC.")
figure, _ = viz.bar_chart(macs, "million MAC", marked=[largest], height=10)
figure

# %% [markdown]
# What you saw: one early layer needs a fifth of the MACs of the whole network. Its output has 192 channels of 56 x 56
# values.

# %% [markdown]
# ## Exercise 00.2: a row of the table
#
# Difficulty: * of ***. About 2 minutes. Core.
#
# Some exercises ask for a number. `ask` prints the question. The question depends on your name, so your neighbour gets
# a different one. The table below it has one row per layer: its name, its parameters, its MACs, and for the first five
# the shape of the output (channels x height x width). First give a wrong answer on purpose, the number of parameters,
# and see what the check reports. Then give the right one.

# %%
student = "you"  # your name or number, if your course asks for it
ask("00.2", student)

# %%
table = Table("The layers with weights", ("layer", ">parameters", ">MAC", "output"))
for index, (name, row) in enumerate(layers.items()):
    shape = " x ".join(map(str, row.output_shape)) if index < 5 else ""
    table.rows.append((name, row.params, row.macs, shape))
table

# %%
# exercise 00.2
### BEGIN SOLUTION
macs_of_layer = counted[find("00.2").values(student)["layer"]].macs
### END SOLUTION

# %%
answer("00.2", macs_of_layer)

# %% [markdown]
# ## Compared with VGG-16
#
# ImageNet is a collection of photographs with a yearly competition: assign each photograph to one of 1000 classes.
# GoogLeNet won in 2014, with seven networks whose predictions were averaged. The team of VGG-16 came second, also with
# several networks. Take the layers of VGG-16 in order, and add up their MACs. After how many layers have you reached
# the MACs of all of GoogLeNet?

# %%
predict("00.c", ...)

# %%
vgg = mg.count(mg.models.vgg16(init="zeros"))  # its weights are only counted, so they are all 0
spent, needed = 0, []
for row in vgg.rows:
    if row.macs and spent < counted.macs:
        spent += row.macs
        needed.append(row.name)
assert (len(needed), spent) == (2, 1_936_392_192)
print(outcome("00.c", len(needed)))
print(f"{' and '.join(needed)} of VGG-16: {spent:,} MAC. All of GoogLeNet: {counted.macs:,} MAC.")

# %% [markdown]
# ## Part two: a primer
#
# The rest of this lesson explains the words and formulas that all lessons use. If you already know them, do the two
# exercises and continue with lesson 01.
#
# ### The formula of a convolution
#
# A convolution slides a window over an image. At each position it multiplies the values in the window by weights and
# adds the products. These letters have the same meaning in every lesson: N images (a *batch*), C input channels, K
# output channels, an input of H x W, a *kernel* (the weights) of R x S, stride s (how far the window moves), and
# padding p (zeros on every side). The input x has the shape (N, C, H, W), the weights w have (K, C, R, S), and the
# biases b have (K,). The weights of one output channel are a *filter*. One output is
#
# $$y[n, k, i, j] = b[k] + \sum_{c=0}^{C-1} \sum_{u=0}^{R-1} \sum_{v=0}^{S-1}
#   w[k, c, u, v] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# where n is the index of the image, k of the filter and c of the channel, i and j are the row and column of the output,
# and u and v those of the kernel. An x outside the image counts as 0.
#
# The first window starts at the top of the H + 2p padded rows. It moves down by s as long as it fits, which is
# (H + 2p - R) / s times, rounded down. The code below slides along one row (one channel, one filter) and prints each
# product. Here W = 5, S = 3, s = 2 and p = 1, so the window moves twice, and there are three outputs.

# %%
x, w, b, stride, pad = [5, 1, 4, 2, 6], [2, -1, 3], 10, 2, 1
outputs = []
for j in range(3):
    total, terms = b, []
    for v in range(3):
        position = j * stride + v - pad
        value = x[position] if 0 <= position < len(x) else 0  # padding
        total += w[v] * value
        terms.append(f"w[{v}] * x[{position}] = {w[v]} * {value}")
    outputs.append(total)
    print(f"y[{j}] = {total}: bias {b}; {'; '.join(terms)}")
engine = loops.forward(np.array([[[x]]], float), np.array([[[w]]], float), np.array([b]), (1, 2), ((0, 0), (1, 1)), 1)
assert engine.ravel().tolist() == outputs == [8, 14, 8]

# %% [markdown]
# ### Loss, gradient, and a step downhill
#
# Training changes the weights to make the *loss* small, a number that measures how wrong the outputs are. In the
# smallest example there is one weight: the output is w x, the targets are t, and the loss is the mean of the squared
# errors. Its derivative is the rate at which the loss rises if w rises:
#
# $$L(w) = \frac1N \sum_n (w x_n - t_n)^2 \qquad
#   \frac{dL}{dw} = \frac1N \sum_n 2 \, (w x_n - t_n) \, x_n \qquad
#   w \leftarrow w - \eta \frac{dL}{dw}$$
#
# With many weights, the derivatives together are the *gradient*. It points uphill, so each step subtracts it,
# multiplied by a factor eta, the *learning rate*. The code below takes eight steps with learning rate 0.02, from
# w = 0. Does the descent reach the lowest loss faster with learning rate 0.3, in about the same time, or not at all?

# %%
predict("00.e", ...)

# %%
points, targets = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 7.0])


def loss_of(w):
    return np.mean((w * points - targets) ** 2)


def steps_downhill(rate, steps=8):
    """Return the weight at the start, which is 0, and after each step of gradient descent."""
    visited = [0.0]
    for _ in range(steps):
        gradient = np.mean(2 * (visited[-1] * points - targets) * points)
        visited.append(visited[-1] - rate * gradient)
    return visited


slow, fast = steps_downhill(0.02), steps_downhill(0.3)
print(outcome("00.e", "not at all" if loss_of(fast[-1]) > loss_of(fast[0]) else "it does"))
print(f"learning rate 0.3: the weights are {', '.join(f'{w:.1f}' for w in fast[:5])}, ...")
figure, _ = drawing.descent(loss_of, slow, -0.2, 4.2)
figure

# %% [markdown]
# What you saw: with learning rate 0.02 each step gets closer to the best weight, where the curve is lowest. With 0.3
# each step jumps over the lowest point and lands higher up on the other side.

# %% [markdown]
# ## Exercise 00.3: steps downhill
#
# Difficulty: ** of ***. About 7 minutes. Core.
#
# Write gradient descent from any weight w, for any data. x and t have the shape (N,). The loss is the mean squared
# error above.


# %%
# exercise 00.3
def descend(w, x, t, rate, steps):
    """Return the weight after `steps` steps of gradient descent from w, for the loss mean((w * x - t)**2)."""
    ### BEGIN SOLUTION
    for _ in range(steps):
        w = w - rate * (2 * (w * x - t) * x).mean()
    return w
    ### END SOLUTION


# %%
check("00.3", descend)

# %% [markdown]
# ### The chain rule on two boxes
#
# A network is a sequence of functions, drawn as boxes. Here are two: h = w x + b, then L = (h - t)^2. If w rises a
# little, h rises x times as fast, and L rises 2 (h - t) times as fast as h. So L rises 2 (h - t) x times as fast as w.
# That is the *chain rule*. The curly d means that there are several variables:
#
# $$\frac{\partial L}{\partial w} = \frac{\partial L}{\partial h} \cdot \frac{\partial h}{\partial w}
#   = 2 (h - t) \cdot x$$
#
# The *forward pass* computes the values from left to right, the *backward pass* the derivatives from right to left.
# Each box multiplies the dL/d(output) it receives by its derivative. For that it needs values from the forward pass,
# here x, w and h - t. The engine saves them in a record that this course calls the *tape*.

# %%
x, w, b, t = 3.0, 2.0, 1.0, 5.0
h = w * x + b  # forward pass
loss = (h - t) ** 2
dh = 2 * (h - t)  # backward pass
figure, _ = drawing.chain(
    ["h = w x + b", "L = (h - t)^2"], [f"x = {x:g}", f"h = {h:g}", f"L = {loss:g}"], ["dL/dx", f"dL/dh = {dh:g}", "1"]
)
step_size = 1e-6
numerical = ((h + step_size - t) ** 2 - (h - step_size - t) ** 2) / (2 * step_size)
assert np.isclose(numerical, dh)
figure

# %% [markdown]
# ## Exercise 00.4: the chain rule on two boxes
#
# Difficulty: ** of ***. About 6 minutes. Core.
#
# Write the backward pass of these two boxes: the derivatives of L with respect to w, b and x.


# %%
# exercise 00.4
def two_boxes(w, b, x, t):
    """Return (dw, db, dx), the derivatives of L = (w * x + b - t)**2; all arguments are numbers."""
    ### BEGIN SOLUTION
    dh = 2 * (w * x + b - t)
    return dh * x, dh, dh * w
    ### END SOLUTION


# %%
check("00.4", two_boxes)

# %% [markdown]
# ### Four layers without weights
#
# **ReLU** keeps positive values and sets the others to 0: y = max(x, 0). Without a ReLU between them, two convolutions
# in a row could do no more than one.
#
# **Max pooling** keeps the largest value of each window, separately in each channel. The output of a layer for one
# image is a *feature map*. With stride 2, max pooling halves its height and its width.
#
# **LRN**, local response normalisation, makes a value smaller if neighbouring channels have large values at the same
# position: y[c] = x[c] / (1 + alpha / m * (sum of x**2 over m channels around c))**beta, where alpha and beta are
# constants.
#
# **Softmax** is last. The layer before returns one value per class, the *logits* z. Softmax turns them into
# probabilities p, which are positive and add up to 1. The loss is then the *cross-entropy*: minus the logarithm of the
# probability of the right class.
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} \qquad L = -\ln p_{\mathrm{right}}$$

# %%
values = np.array([[-1.0, 4.0, 2.0, 0.0], [3.0, -2.0, 1.0, 5.0]])
pooled, _ = max_pool2d.forward(values[None, None], (2, 2), (2, 2), ((0, 0), (0, 0)), False)
channels = np.array([1.0, 1.0, 3.0]).reshape(1, 3, 1, 1)
dimmed, _ = local_response_norm.forward(channels, 3, 1.0, 0.75, 1.0)
z = np.array([2.0, 1.0, 0.0])
p = np.exp(z) / np.exp(z).sum()
print("ReLU:       ", np.maximum(values, 0).tolist())
print("max pooling:", pooled.ravel().tolist())
print("LRN:        ", dimmed.ravel().round(2).tolist(), "from", channels.ravel().tolist())
print(
    f"softmax:     {p.round(3).tolist()}, loss {-np.log(p[0]):.3f} if class 0 is right, {-np.log(p[2]):.3f} if class 2"
)

# %% [markdown]
# ### Overfitting
#
# A network with many parameters can memorise its training data. Then the loss on these data falls while the loss on
# other, *held-out* data rises. That is *overfitting*. In this example the truth is a straight line, and polynomials are
# fitted to ten noisy measurements of it. The held-out data are fifty other points, exactly on the line. Each row of
# the output is one polynomial. Which one would you use?

# %%
noise = np.random.default_rng(0)
fitted, held_out = np.linspace(-1, 1, 10), np.linspace(-0.9, 0.9, 50)
measured = fitted + 0.3 * noise.standard_normal(10)
errors = {}
for degree in (1, 3, 9):
    polynomial = np.polynomial.Polynomial.fit(fitted, measured, degree)
    training = np.mean((polynomial(fitted) - measured) ** 2)
    errors[degree] = training, np.mean((polynomial(held_out) - held_out) ** 2)
    print(f"{degree + 1:2} parameters: training loss {training:.3f}, held-out loss {errors[degree][1]:.3f}")
assert errors[9][0] < errors[1][0]
assert errors[9][1] > errors[1][1]

# %% [markdown]
# What you saw: the polynomial with two parameters has the smallest held-out loss, so use that one. The one with ten
# parameters passes through all ten points, noise included, but between the points it is farthest from the line.

# %% [markdown]
# ### The words of this lesson
#
# Every lesson has a table like this one. For lesson 01 it is `glossary.terms("01")`.

# %%
glossary.terms("00")

# %% [markdown]
# ## Make it break
#
# The engine's error messages are meant to be read. This call passes an image in the wrong layout. What do you expect
# the message to report?

# %%
try:
    net(np.zeros((1, 224, 224, 3), np.float32))
except ValueError as error:
    print(error)

# %% [markdown]
# ## Claims, checked
#
# These are common claims about the size of GoogLeNet, next to your counts. AlexNet is the network that won in 2012.

# %%
alexnet = mg.count(mg.models.alexnet(groups=2, init="zeros"))
claims = [
    ("12 times fewer parameters than AlexNet", round(alexnet.params / counted.params, 1) == 8.7, "it is 8.7 times"),
    (
        "5 million parameters",
        counted.params == 6_998_552,
        "it has 7.0 million; 5 million is AlexNet's 60 million, divided by the wrong factor of 12",
    ),
    (
        "1.5 billion multiply-adds",
        round(counted.macs / 1e9, 2) == 1.58,
        "it needs 1.58 billion; in lesson 06 you find out where 1.5 comes from",
    ),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Exit quiz
#
# Answer each question in one sentence. Then compare with `quiz("00", answers=True)`.

# %%
quiz("00")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need this part.
#
# **Where are the parameters?** You asked this about the MACs, layer by layer. Now count the parameters, module by
# module. A module is a group of layers, such as inception_3a. The last modules have small feature maps and many
# channels.

# %%
modules = {}
for row in counted.rows:
    module = row.name.split("/")[0]
    modules[module] = modules.get(module, 0) + row.params / 1e6
modules = {name: millions for name, millions in modules.items() if millions}
most = max(modules, key=modules.get)
assert most == "inception_5b"
figure, _ = viz.bar_chart(modules, "million parameters", marked=[most])
for name in (most, "loss3"):
    print(f"{name} has {modules[name] * 1e6 / counted.params:.1%} of the parameters.")
figure

# %%
table = Table("Where the parameters are", ("network", ">parameters", ">in linear layers"))
tower = mg.count(mg.models.alexnet(init="zeros"))
for name, other in {"GoogLeNet": counted, "AlexNet": tower, "VGG-16": vgg}.items():
    linear = sum(row.params for row in other.rows if row.kind == "Linear")
    table.rows.append((name, other.params, f"{linear / other.params:.1%}"))
table

# %% [markdown]
# What you saw: cost and size are different. Most MACs are in the first layers, most parameters in the last ones.
# AlexNet and VGG-16 have about nine tenths of their parameters in *linear layers*, where each output has a weight for
# every input. GoogLeNet has only one such layer (lesson 08).
#
# **How long would plain Python take?** The engine also contains a convolution that follows the definition, in plain
# loops. You will write those loops in lesson 01. How many minutes would they need for GoogLeNet on one photograph?

# %%
predict("00.d", ...)

# %%
x, w = np.ones((1, 16, 14, 14)), np.ones((8, 16, 3, 3))
begun = time.perf_counter()
loops.forward(x, w, None, (1, 1), ((1, 1), (1, 1)), 1)
rate = 14 * 14 * 8 * 16 * 3 * 3 / (time.perf_counter() - begun)
minutes = counted.macs / rate / 60
print(outcome("00.d", round(minutes)))
print(
    f"Loops in Python: {rate / 1e6:.1f} million MACs per second, so {minutes:.0f} minutes. The engine took "
    f"{forward_seconds:.3f} seconds, {60 * minutes / forward_seconds:,.0f} times less."
)

# %% [markdown]
# What you saw: the same arithmetic, thousands of times faster. Lessons 02 and 13 explain where that factor comes from.
#
# More to try:
#
# - `print(counted.explain("inception_3a/3x3"))` shows how the counts of a layer are computed.
# - Compare `mg.count(mg.models.alexnet())` and `mg.count(mg.models.nin())` (Network in Network) with GoogLeNet. Which
#   of the three has the most MACs per parameter?
# - Use your own photograph: `mg.data.prepare(mg.data.photograph("my.jpg"))`.
