# %% [markdown]
# # 00 Start here
#
# **Question.** What will I have built at the end, and how does this course answer me back?
#
# 15 minutes; needs Python and some NumPy.
#
# Afterwards you can
#
# - see that your machine is ready, and how fast it is;
# - read the table of a network's layers, and say what a MAC is;
# - use `predict`, `check`, `hint`, `ask` and `answer`.
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

# %% [markdown]
# ## Is the machine ready?
#
# The first forward on a new machine compiles the engine, which may take a minute. After that it is fast. If this cell
# prints three lines, you are ready.

# %%
print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.system()}")
print(f"{mg.get_num_threads()} threads")
net = mg.models.googlenet(aux=False, rng=0)
image = mg.data.prepare(mg.data.photograph())
net(image)  # compiles where it must
begun = time.perf_counter()
logits = net(image)
forward_seconds = time.perf_counter() - begun
print(f"GoogLeNet on one photograph: {1000 * forward_seconds:.0f} ms, {logits.shape[1]} numbers out")

# %% [markdown]
# That was GoogLeNet of 2014, the network of this course. At the end of the course it runs on code that you have
# written.
#
# ## How many numbers has it learned?
#
# A network is layers. Most of them hold numbers that are learned, the *parameters*. Guess how many there are in all.
# Replace the three dots. Your guess is kept and never marked; a wrong guess makes the answer stick.

# %%
predict("00.a", ...)

# %%
counted = mg.count(net)
assert counted.params == 6_998_552
print(outcome("00.a", counted.params))
counted.table()

# %% [markdown]
# What you saw: about 7 million. A row of the table is a module, from the image at the top to the 1000 classes at the
# bottom. `output` is the shape of what leaves the module: channels x height x width. A *MAC* is one multiply-add: one
# multiplication, and one addition of the product to a sum. Two FLOP are one MAC; this course always says which. The
# column `sees` tells how many pixels wide a window of the image one number can depend on.

# %% [markdown]
# ## Which layer costs the most?
#
# There are 58 layers with weights: 57 convolutions and one linear layer. Which one needs the most multiply-adds? An
# early one, where the picture is large, or a late one, with many channels?

# %%
predict("00.b", ...)

# %%
layers = {row.name: row for row in counted.rows if row.macs}
macs = {name: row.macs / 1e6 for name, row in layers.items()}
dearest = max(macs, key=macs.get)
assert (len(layers), dearest) == (58, "conv2/3x3")
print(outcome("00.b", dearest), f"It takes {layers[dearest].macs / counted.macs:.1%} of all {counted.macs:,} MAC.")
figure, _ = viz.bar_chart(macs, "million MAC", marked=[dearest], height=10)
figure

# %% [markdown]
# What you saw: one early layer costs a fifth of the whole network. It has 56 x 56 places and 192 filters.

# %% [markdown]
# ## Where are the numbers?
#
# The same question for the parameters, module by module. The modules at the end have small pictures and many channels.

# %%
modules = {}
for row in counted.rows:
    module = row.name.split("/")[0]
    modules[module] = modules.get(module, 0) + row.params / 1e6
modules = {name: millions for name, millions in modules.items() if millions}
most = max(modules, key=modules.get)
assert most == "inception_5b"
figure, _ = viz.bar_chart(modules, "million parameters", marked=[most])
print(
    f"{most} holds {modules[most] * 1e6 / counted.params:.1%}, the linear layer at the end "
    f"{modules['loss3'] * 1e6 / counted.params:.1%} of the parameters."
)
figure

# %%
vgg = mg.count(mg.models.vgg16())
for name, other in {"GoogLeNet": counted, "AlexNet": mg.count(mg.models.alexnet()), "VGG-16": vgg}.items():
    linear = sum(row.params for row in other.rows if row.kind == "Linear")
    print(f"{name:10} {other.params:11,} parameters, of which {linear / other.params:.1%} in linear layers")

# %% [markdown]
# What you saw: cost and size are two things. The first layers compute, the last ones remember. And the networks of
# that time kept nine tenths of their numbers in linear layers, which GoogLeNet does almost without (lesson 08).

# %% [markdown]
# ## Beside VGG-16
#
# VGG-16 came second in the same competition. How many of its layers, from the first on, cost as much as the whole of
# GoogLeNet?

# %%
predict("00.c", ...)

# %%
spent, needed = 0, []
for row in vgg.rows:
    if row.macs and spent < counted.macs:
        spent += row.macs
        needed.append(row.name)
assert (len(needed), spent) == (2, 1_936_392_192)
print(outcome("00.c", len(needed)))
print(f"{' and '.join(needed)} of VGG-16: {spent:,} MAC. All of GoogLeNet: {counted.macs:,} MAC.")

# %% [markdown]
# ## What would plain Python take?
#
# The engine holds a convolution as its definition, in plain loops, beside the fast ones. You will write those loops in
# lesson 01. How long would they take for GoogLeNet on one photograph? Guess in minutes.

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
# What you saw: the same arithmetic, and a factor of thousands. Lessons 02 and 13 are about where it comes from.

# %% [markdown]
# ## Exercise 00.1: the mean of a window
#
# Difficulty: * of ***. About 3 minutes. Core.
#
# Every exercise is a function that you write and a check that answers. This first one is written already, with a
# mistake. `x` is an array (H, W); the function shall return the mean of the k x k numbers whose top left corner is row
# i, column j. Run both cells and read what the check says.


# %%
def mean_of_window(x, i, j, k):
    """Return the mean of the k x k window of x (H, W) that starts at row i, column j."""
    return x[i : i + k, j : j + k].sum() / k


# %%
check("00.1", mean_of_window)

# %% [markdown]
# The check says WHAT differs, in numbers; what it LOOKS LIKE, if it knows the mistake; one thing to TRY; and a case
# small enough to work through on paper. A hint is one more step, and only when you ask: run the next cell again for
# the next step.

# %%
hint("00.1")

# %% [markdown]
# Now write it right.


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
# After a pass, `compare` shows the code that yours was held against. What you wrote is used at once: here it makes the
# photograph coarser, a window of 16 x 16 at a time.

# %%
compare("00.1")

# %%
grey = np.asarray(mg.data.photograph().convert("L").resize((256, 320)), float)
figure = None
if window.passed:
    coarse = np.array([[mean_of_window(grey, i, j, 16) for j in range(0, 256, 16)] for i in range(0, 320, 16)])
    figure, _ = viz.pictures({"the photograph": grey, "means of your windows": coarse})
figure

# %% [markdown]
# ## Exercise 00.2: a row of the table
#
# Difficulty: * of ***. About 2 minutes. Core.
#
# Some exercises ask for a number. It is drawn for your name, so your neighbour's is another. The next but one cell
# prints the rows of all layers. Try the number of parameters first, and see what the check says about it.

# %%
student = "you"  # your name or number, if your course asks for it
ask("00.2", student)

# %%
rows = [(name, row.params, row.macs, row.activations) for name, row in layers.items()]
Table("The layers with weights", ("layer", ">parameters", ">MAC", ">outputs"), rows)

# %%
# exercise 00.2
### BEGIN SOLUTION
macs_of_layer = counted[find("00.2").values(student)["layer"]].macs
### END SOLUTION

# %%
answer("00.2", macs_of_layer)

# %% [markdown]
# ## Make it break
#
# Errors here are written to be read. What do you expect this one to say?

# %%
try:
    net(np.zeros((1, 224, 224, 3), np.float32))
except ValueError as error:
    print(error)

# %% [markdown]
# ## Take it further
#
# - `print(counted.explain("inception_3a/3x3"))` tells how a layer's numbers come about.
# - `mg.count(mg.models.alexnet())` and `mg.count(mg.models.nin())`: which network costs most for each parameter?
# - Run the photograph of your choice: `mg.data.prepare(mg.data.photograph("my.jpg"))`.

# %% [markdown]
# ## Claims, checked
#
# What texts say about GoogLeNet's size, held against the count.

# %%
alexnet = mg.count(mg.models.alexnet(groups=2))
claims = [
    ("12 times fewer parameters than AlexNet", round(alexnet.params / counted.params, 1) == 8.7, "it is 8.7 times"),
    ("5 million parameters", counted.params == 6_998_552, "7.0 million; 5 is 60 divided by 12"),
    ("1.5 billion multiply-adds", round(counted.macs / 1e9, 2) == 1.58, "1.58 billion (lesson 06 finds out why)"),
    ("22 layers", counted.depth == 22 and len(layers) == 58, "22 on the longest path; 58 in all"),
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
