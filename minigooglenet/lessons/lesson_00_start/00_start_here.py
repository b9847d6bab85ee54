# %% [markdown]
# # 00 Start here
#
# **Question.** What will I have built at the end, how does this course answer me back, and which words do I need?
#
# About 55 minutes: 20 for the start, 35 for the primer. Needs Python, some NumPy, and
# from school the derivative of x squared and the logarithm.
#
# Afterwards you can
#
# - see that your machine is ready, and how fast it is;
# - read the table of a network's layers, and say what a MAC is;
# - use `predict`, `check`, `hint`, `ask` and `answer`;
# - read the formula of a convolution, take a step downhill, and multiply derivatives along a chain.
#
# Nothing here needs the network: data come with the package. If a notebook behaves oddly, restart the kernel and run
# from the top.

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
# The next cell sends a photograph through a network. The *engine*, the code of this package that computes networks, is
# compiled when it first runs on a machine, which may take a minute or two. After that it is fast. If the cell ends
# with a line about GoogLeNet, you are ready.

# %%
print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.system()}")
print(f"{mg.get_num_threads()} threads")
net = mg.models.googlenet(aux=False, rng=0)
image = mg.data.prepare(mg.data.photograph())
net(image)  # compiles if it must
begun = time.perf_counter()
logits = net(image)
forward_seconds = time.perf_counter() - begun
print(f"GoogLeNet on one photograph: {1000 * forward_seconds:.0f} ms, {logits.shape[1]} numbers out")

# %% [markdown]
# That was GoogLeNet of 2014, the network of this course, with random weights. At the end of the course it runs on code
# that you have written.

# %% [markdown]
# ## Exercise 00.1: the mean of a window
#
# Difficulty: * of ***. About 3 minutes. Core.
#
# Every exercise is a function that you write and a check that answers. This first one is written already, with a
# mistake. `x` is an array (H, W). The function must return the mean of the k x k numbers whose top left corner is row
# i, column j. Run both cells and read what the check reports.


# %%
def mean_of_window(x, i, j, k):
    """Return the mean of the k x k window of x (H, W) that starts at row i, column j."""
    return x[i : i + k, j : j + k].sum() / k


# %%
check("00.1", mean_of_window)

# %% [markdown]
# The check reports WHAT differs, in numbers; often what it LOOKS LIKE: the mistake or a symptom; one thing
# to TRY; and a case small enough to work through on paper. A hint is one more step, and comes only when you ask. Run
# the next cell again for the next step.

# %%
hint("00.1")

# %% [markdown]
# Now write it correctly.


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
# After a pass, `compare` shows the code that yours was compared with. What you wrote is used at once: here it makes the
# photograph coarser, a window of 16 x 16 at a time.

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
# ## How many parameters does it have?
#
# A network is made of *layers*. A layer computes one array from another, and one or more later layers read its result.
# Many layers hold numbers that training changes, the *parameters*. Guess how many there are in total. Replace the three
# dots. Your guess is kept and never graded; a wrong guess makes the answer stick.

# %%
predict("00.a", ...)

# %%
counted = mg.count(net)
assert counted.params == 6_998_552
print(outcome("00.a", counted.params))

# %% [markdown]
# ## Which layer costs the most?
#
# A *MAC* is one multiply-add: one multiplication, and one addition of the product to a sum. Two FLOP are one MAC; this
# course always writes which. Layers work on stacks of images. Each image of a stack is a *channel*: a photograph has
# three (red, green, blue), and inside of the network there are hundreds. Which layer of GoogLeNet needs the most MACs?
# An early one, whose images are large, or a late one, with many channels?
#
# The names, in order: conv1/7x7_s2, conv2/3x3_reduce, conv2/3x3, then inception_3a/... to inception_5b/..., and last
# loss3/classifier.

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
# What you saw: one early layer costs a fifth of the whole network. Its output has 192 channels of 56 x 56.

# %% [markdown]
# ## Exercise 00.2: a row of the table
#
# Difficulty: * of ***. About 2 minutes. Core.
#
# Some exercises ask for a number. The question is drawn for your name, so your neighbour gets another one. `ask` prints
# it. Below it is a table with a row for each layer: its name, its parameters, its MACs, and the shape of its output
# (channels x height x width) for the first five. Try the number of parameters first, and see what the check reports.

# %%
student = "you"  # your name or number, if your course asks for it
ask("00.2", student)

# %%
table = Table("The layers with weights", ("layer", ">parameters", ">MAC", "output"))
for place, (name, row) in enumerate(layers.items()):
    shape = " x ".join(map(str, row.output_shape)) if place < 5 else ""
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
# ImageNet is a collection of photographs, with a yearly competition: name what each one shows, out of 1000 classes. In
# 2014 GoogLeNet won, with seven networks together. The team of VGG-16 came second, with several networks of its own.
# How many layers of VGG-16, from the first on, cost as much as all of GoogLeNet?

# %%
predict("00.c", ...)

# %%
vgg = mg.count(mg.models.vgg16())
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
# The rest of this lesson has the words and formulas that all lessons need. If you know them, do the two exercises and
# continue with lesson 01.
#
# ### The formula of a convolution
#
# Letters, in all lessons: N images (a *batch*), C channels in, K channels out, H x W the input, R x S the *kernel*,
# stride s (how far the window moves), padding p (zeros on every side). The input x has the shape (N, C, H, W), the
# weights w have (K, C, R, S), and the biases b have (K,). The weights of one output channel are a *filter*. One output
# is
#
# $$y[n, k, i, j] = b[k] + \sum_{c=0}^{C-1} \sum_{u=0}^{R-1} \sum_{v=0}^{S-1}
#   w[k, c, u, v] \; x[n, c, \; i s + u - p, \; j s + v - p]$$
#
# where n counts images, k filters, c channels, i and j rows and columns of the output, and u and v those of the kernel.
# An x outside of the image counts as 0.
# The first window starts at the top of the H + 2p padded rows. Each step moves it down by s, as long as it fits: that
# makes (H + 2p - R) / s steps after the first window. The code below does the same for one row, one channel and one
# filter, and prints each product. Here W = 5, S = 3, s = 2 and p = 1: two steps, three outputs.

# %%
x, w, b, stride, pad = [5, 1, 4, 2, 6], [2, -1, 3], 10, 2, 1
outputs = []
for i in range(3):
    total, terms = b, []
    for u in range(3):
        position = i * stride + u - pad
        value = x[position] if 0 <= position < len(x) else 0  # padding
        total += w[u] * value
        terms.append(f"w[{u}] * x[{position}] = {w[u]} * {value}")
    outputs.append(total)
    print(f"y[{i}] = {total}: bias {b}; {'; '.join(terms)}")
engine = loops.forward(np.array([[[x]]], float), np.array([[[w]]], float), np.array([b]), (1, 2), ((0, 0), (1, 1)), 1)
assert engine.ravel().tolist() == outputs == [8, 14, 8]

# %% [markdown]
# ### Loss, gradient, and a step downhill
#
# Training changes the weights so that a number becomes small, the *loss*. The smallest example has one weight: the
# output is w x, the targets are t, and the loss is the mean of the squared errors. Its derivative tells how fast the
# loss rises if w rises:
#
# $$L(w) = \frac1N \sum_n (w x_n - t_n)^2 \qquad
#   \frac{dL}{dw} = \frac1N \sum_n 2 \, (w x_n - t_n) \, x_n \qquad
#   w \leftarrow w - \eta \frac{dL}{dw}$$
#
# With many weights the derivatives together are the *gradient*. It points uphill, so a step goes against it. The factor
# eta is the *learning rate*. Below are eight steps of rate 0.02, from w = 0. What happens with rate 0.3?
# Does the descent get there faster, in about the same time, or not at all?

# %%
predict("00.e", ...)

# %%
points, targets = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 7.0])


def loss_of(w):
    return np.mean((w * points - targets) ** 2)


def steps_downhill(rate, steps=8):
    """Return the weights that gradient descent visits, from 0 on."""
    visited = [0.0]
    for _ in range(steps):
        gradient = np.mean(2 * (visited[-1] * points - targets) * points)
        visited.append(visited[-1] - rate * gradient)
    return visited


slow, fast = steps_downhill(0.02), steps_downhill(0.3)
print(outcome("00.e", "not at all" if loss_of(fast[-1]) > loss_of(fast[0]) else "it does"))
print(f"rate 0.3: the weights are {', '.join(f'{w:.1f}' for w in fast[:5])}, ...")
figure, _ = drawing.descent(loss_of, slow, -0.2, 4.2)
figure

# %% [markdown]
# What you saw: at rate 0.02 each step comes nearer to the best weight, which is where the curve is lowest. At 0.3 each
# step jumps over the lowest point and lands higher up on the other side.

# %% [markdown]
# ## Exercise 00.3: steps downhill
#
# Difficulty: ** of ***. About 7 minutes. Core.
#
# Write the descent for any start and any data. x and t have the shape (N,); the loss is the mean squared error above.


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
# A network is functions in a row. Here are two: h = w x + b, then L = (h - t)^2. If w rises a little, h rises x times
# as fast; and L rises 2 (h - t) times as fast as h. So L rises 2 (h - t) x times as fast as w. That is the
# *chain rule*, where a curly d only says that there are several variables:
#
# $$\frac{\partial L}{\partial w} = \frac{\partial L}{\partial h} \cdot \frac{\partial h}{\partial w}
#   = 2 (h - t) \cdot x$$
#
# The *forward pass* computes the values from left to right, the *backward pass* the derivatives from right to left.
# Each box multiplies the gradient that arrives by its own derivative. For that it needs values of the forward pass,
# here x, w and h - t. The engine keeps them in a record that this course calls the *tape*.

# %%
x, w, b, t = 3.0, 2.0, 1.0, 5.0
h = w * x + b  # forward pass
loss = (h - t) ** 2
dh = 2 * (h - t)  # backward pass
figure, _ = drawing.chain(
    ["h = w x + b", "L = (h - t)^2"], [f"x = {x:g}", f"h = {h:g}", f"L = {loss:g}"], ["dL/dx", f"dL/dh = {dh:g}", "1"]
)
step = 1e-6
slope = ((h + step - t) ** 2 - (h - step - t) ** 2) / (2 * step)
assert np.isclose(slope, dh)
figure

# %% [markdown]
# ## Exercise 00.4: the chain rule on two boxes
#
# Difficulty: ** of ***. About 6 minutes. Core.
#
# Write the backward pass of these two boxes: how fast L rises if w, b or x rises.


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
# **ReLU** keeps positive values and sets the others to 0: y = max(x, 0). Without such a bend between them, two
# convolutions in a row could do no more than a single one.
#
# **Max pooling** keeps the largest value of each window, in each channel by itself. The output of a layer for one image
# is a *feature map*. With stride 2, max pooling halves its height and its width.
#
# **LRN**, local response normalisation, dims a value if its neighbour channels are large there: y[c] = x[c] / (1 +
# alpha / m * (sum of x**2 over m channels around c))**beta, where alpha and beta are fixed numbers.
#
# **Softmax** comes last. The last layer returns one number for each class, the *logits* z. Softmax turns them into
# probabilities p that are positive and add up to 1. The loss is then minus the logarithm of the right class's
# probability, the *cross-entropy*:
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
# A network with many parameters can learn its training data by heart. Then the loss on these data falls while the
# loss on other, *held-out* data rises. That is *overfitting*. Here the truth is a straight line. Polynomials are fitted
# to ten points near it, measured with noise. The held-out data are fifty other points, on the line itself. Which row
# would you use?

# %%
noise = np.random.default_rng(0)
seen, held_out = np.linspace(-1, 1, 10), np.linspace(-0.9, 0.9, 50)
measured = seen + 0.3 * noise.standard_normal(10)
errors = {}
for degree in (1, 3, 9):
    polynomial = np.polynomial.Polynomial.fit(seen, measured, degree)
    training = np.mean((polynomial(seen) - measured) ** 2)
    errors[degree] = training, np.mean((polynomial(held_out) - held_out) ** 2)
    print(f"{degree + 1:2} parameters: training loss {training:.3f}, held-out loss {errors[degree][1]:.3f}")
assert errors[9][0] < errors[1][0]
assert errors[9][1] > errors[1][1]

# %% [markdown]
# What you saw: use the row with two parameters. With ten parameters the curve goes through all ten points, noise
# included, and between them it is farthest from the line.

# %% [markdown]
# ### The words of this lesson
#
# Every lesson has such a table. `glossary.terms("01")` shows that of lesson 01.

# %%
glossary.terms("00")

# %% [markdown]
# ## Make it break
#
# Errors here are written to be read. What do you expect this one to report?

# %%
try:
    net(np.zeros((1, 224, 224, 3), np.float32))
except ValueError as error:
    print(error)

# %% [markdown]
# ## Claims, checked
#
# What texts report about GoogLeNet's size, compared with the count. AlexNet is the network that won in 2012.

# %%
alexnet = mg.count(mg.models.alexnet(groups=2))
claims = [
    ("12 times fewer parameters than AlexNet", round(alexnet.params / counted.params, 1) == 8.7, "it is 8.7 times"),
    (
        "5 million parameters",
        counted.params == 6_998_552,
        "it has 7.0 million; 5 is AlexNet's 60 million, divided by the wrong 12",
    ),
    (
        "1.5 billion multiply-adds",
        round(counted.macs / 1e9, 2) == 1.58,
        "it needs 1.58 billion; lesson 06 finds out where 1.5 comes from",
    ),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Exit quiz
#
# Answer each in one sentence, then look: `quiz("00", answers=True)`.

# %%
quiz("00")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# **Where are the parameters?** The same question as for the MACs, module by module. The modules at the end have small
# feature maps and many channels.

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
    print(f"{name} holds {modules[name] * 1e6 / counted.params:.1%} of the parameters.")
figure

# %%
table = Table("Where the parameters are", ("network", ">parameters", ">in linear layers"))
for name, other in {"GoogLeNet": counted, "AlexNet": mg.count(mg.models.alexnet()), "VGG-16": vgg}.items():
    linear = sum(row.params for row in other.rows if row.kind == "Linear")
    table.rows.append((name, other.params, f"{linear / other.params:.1%}"))
table

# %% [markdown]
# What you saw: cost and size are different. Most MACs are in the first layers, most parameters in the last ones. And
# AlexNet and VGG-16 kept nine tenths of their parameters in linear layers, of which GoogLeNet has one (lesson 08).
#
# **What would plain Python take?** The engine also has a convolution as its definition, in plain loops. You will write
# those loops in lesson 01. How long would they take for GoogLeNet on one photograph? Guess in minutes.

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
    f"Loops in Python: {rate / 1e6:.1f} million MAC a second, so {minutes:.0f} minutes; the engine took "
    f"{forward_seconds:.3f} seconds, {60 * minutes / forward_seconds:,.0f} times less."
)

# %% [markdown]
# What you saw: the same arithmetic, and a factor of thousands. Lessons 02 and 13 explain where it comes from.
#
# More to try:
#
# - `print(counted.explain("inception_3a/3x3"))` shows how a layer's numbers come about.
# - `mg.count(mg.models.alexnet())` and `mg.count(mg.models.nin())`: which network has the most MACs for each parameter?
# - Run a photograph of your own: `mg.data.prepare(mg.data.photograph("my.jpg"))`.
