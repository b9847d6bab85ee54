# %% [markdown]
# # 13 Make it fast
#
# **Question.** From many minutes for one image to a fraction of a second: which idea bought which factor, and where is
# the wall?
#
# About 60 minutes. Needs lessons 02 and 06.
#
# Afterwards you can
#
# - climb from Python loops to Winograd's products, and prove each rung equal before you time it;
# - say which loop order suits which layout, without a clock;
# - compile loops for all cores so that no two threads write to the same element;
# - work out what a faster part brings to the whole (Amdahl);
# - tell a layer that waits for memory from one that waits for arithmetic (the roofline).
#
# A MAC is one multiply-add, or 2 FLOP. All times here are of *your* machine, and differ from run to run. Compare
# ratios, never a classmate's milliseconds. No check depends on a clock.

# %%
import functools
import itertools
import math
import os
import time

import numpy as np

import minigooglenet as mg
from minigooglenet import parallel, viz
from minigooglenet.bench import cases, clock, ladder, machine, profile, roofline, settings
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_09_starts.drawing import log_points
from minigooglenet.lessons.lesson_13_fast import rungs

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
rng = np.random.default_rng(13)
net = mg.models.googlenet(init="he", rng=0)
print(machine.line(machine.describe()))
print(f"fast mode: {'on, fewer rounds and fewer layers below' if FAST else 'off'}")

# %% [markdown]
# Numba compiles the loops of this lesson. If the next cell fails, so do the cells that compile, and exercise 13.3. You
# can do all other exercises. `minigooglenet doctor` explains how to get Numba.

# %%
import numba

# %% [markdown]
# ## The ladder, on one layer
#
# The layer is inception_3a/3x3: 96 channels in, 128 filters, 28 x 28. Each rung below has one new idea.
#
# 1. loops in Python;
# 2. the same loops, compiled;
# 3. NumPy slices, one product for each kernel position;
# 4. im2col: all patches in one matrix, one matrix product (lesson 02);
# 5. a matrix product without that matrix, the engine's own;
# 6. Winograd: fewer multiplications.
#
# All on one thread. By what factor is each faster than the one before it? Guess five numbers.

# %%
predict("13.a", ...)

# %%
case = cases.of_node(net, "inception_3a/3x3", 1)
padded = np.pad(case.x, ((0, 0), (0, 0), *case.padding))
zeros = functools.partial(np.zeros, (1, 128, 28, 28), np.float32)
y = zeros()


def rung(function):
    """Return the call of a function that writes into y."""
    function(padded, case.weight, case.bias, y)
    return y.copy()


contenders = {
    "2 loops, compiled": functools.partial(rung, rungs.compiled_loops),
    "3 slices": functools.partial(rung, rungs.slices),
    "4 im2col": functools.partial(case.run, "im2col"),
    "5 product, no matrix": functools.partial(case.run, "numba"),
    "6 Winograd": functools.partial(case.run, "winograd"),
}

# %% [markdown]
# The clock first calls all of them once and compares their results: times of different results are worthless. Rung 1
# would take minutes. It computes a small corner, from which its rate is known. The cell takes about ten seconds.

# %%
with settings.threads(1), parallel.computing():
    timings = clock.alternate(contenders, rounds=3 if FAST else 7, seconds=1)
small = zeros()[:, :1, :4]
begun = time.perf_counter()
rungs.loops(padded, case.weight, case.bias, small)
python_rate = small.size * case.weight[0].size / (time.perf_counter() - begun)
rates = {"1 loops in Python": python_rate} | {name: case.macs / t.median for name, t in timings.items()}
steps = [round(after / before, 1) for before, after in itertools.pairwise(rates.values())]
print(outcome("13.a", steps))
figure, _ = log_points({name: rate / 1e6 for name, rate in rates.items()}, "million MAC per second")
figure

# %% [markdown]
# What you saw: the first two steps are by far the largest, and they cost a few lines. The last ones are small, cost
# much more work, and may even go the wrong way on a small layer or a busy machine. Winograd's rate counts the MACs of
# the definition, although it does only some of them.

# %% [markdown]
# ## The whole network
#
# At the rate of Python loops, how long would one image take? And with the engine as it is?

# %%
predict("13.b", ...)

# %%
macs = mg.count(net, outputs=net.outputs[-1:]).macs
image = settings.images(net, 1)
with settings.threads(1):
    inference = clock.alternate({"one": lambda: net(image)}, rounds=3, seconds=1)["one"].median
minutes = macs / python_rate / 60
print(outcome("13.b", {"loops in Python, minutes": round(minutes), "the engine, seconds": round(inference, 3)}))
print(f"{macs:,} MAC; a factor of {60 * minutes / inference:,.0f} on one thread")
assert macs == 1_582_671_872

# %% [markdown]
# ## Exercise 13.2: a convolution with R*S steps of Python
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# Rung 3, for any stride and padding. Pad once. Python may loop over the kernel positions (u, v) and over nothing else.
# The check counts the steps. Shapes: x (N, C, H, W), w (K, C, R, S), b (K,).


# %%
# exercise 13.2
def conv_slices(x, w, b, stride, pad):
    """Return y (N, K, Ho, Wo) with at most R*S steps of Python."""
    ### BEGIN SOLUTION
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = ((xp.shape[i] - w.shape[i]) // stride + 1 for i in (2, 3))
    y = np.zeros((len(x), len(w), rows, columns), x.dtype) + b[:, None, None]
    for u, v in np.ndindex(w.shape[2:]):
        seen = xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
        y += np.einsum("nchw,kc->nkhw", seen, w[:, :, u, v], optimize=True)
    return y
    ### END SOLUTION


# %%
sliced = check("13.2", conv_slices)
sliced

# %%
compare("13.2")

# %% [markdown]
# It runs GoogLeNet at once: all 57 convolutions of the main path are yours.


# %%
def my_convolution(x, weight, bias, stride, padding, groups):
    """Call conv_slices with what the engine passes."""
    return conv_slices(x, weight, bias, stride[0], padding[0][0])


if sliced.passed:
    mine = mg.models.googlenet(init="he", rng=0)
    for layer, _ in mine.nodes.values():
        if isinstance(layer, mg.layers.Conv2d):
            layer.algorithm = (my_convolution, by_columns.backward)
    begun = time.perf_counter()
    logits = mine(image)
    seconds = time.perf_counter() - begun
    error = abs(logits - net(image)).max() / abs(logits).max()
    print(
        f"GoogLeNet on your convolution: {seconds:.2f} s; differs from the engine by {error:.1e} of the largest logit"
    )
    assert error < 1e-3

# %% [markdown]
# ## The same loops in two orders
#
# Both programs below are compiled, do the same sums in six nested loops, and differ in two lines: which loop is the
# innermost, along a row of the image or down a column. By what factor is one slower?

# %%
predict("13.c", ...)

# %%
orders = {
    "innermost along rows": functools.partial(rung, rungs.along_rows),
    "innermost down columns": functools.partial(rung, rungs.along_columns),
}
with settings.threads(1):
    two = {name: t.median for name, t in clock.alternate(orders, rounds=3, seconds=1).items()}
row, column = padded[0, 0].strides[1] // 4, padded[0, 0].strides[0] // 4
assert (row, column) == (1, 30)
ratio = two["innermost down columns"] / two["innermost along rows"]
print(outcome("13.c", round(ratio, 1)))
print(f"one step along a row moves {row} value further in memory, one step down a column {column}")

# %% [markdown]
# What you saw: a processor reads memory in lines: 64 bytes, or 16 float32, on most processors, 128 bytes on Apple's.
# One instruction computes with several neighbours at once. A loop that steps over whole rows uses one value of each
# line.

# %% [markdown]
# ## Winograd in one dimension
#
# Two neighbouring outputs of a filter with three weights need six products. Shmuel Winograd does it with four. With
# data d0 d1 d2 d3 and filter g0 g1 g2:
#
# - m1 = (d0 - d2) g0
# - m2 = (d1 + d2) (g0 + g1 + g2) / 2
# - m3 = (d2 - d1) (g0 - g1 + g2) / 2
# - m4 = (d1 - d3) g2
#
# The outputs are m1 + m2 + m3 and m2 - m3 - m4. The sums of the g are computed once for all data. Check it with numbers
# before you believe it.

# %%
d0, d1, d2, d3, g0, g1, g2 = (int(value) for value in rng.integers(-9, 10, 7))
m1, m2, m3, m4 = (d0 - d2) * g0, (d1 + d2) * (g0 + g1 + g2) / 2, (d2 - d1) * (g0 - g1 + g2) / 2, (d1 - d3) * g2
assert m1 + m2 + m3 == d0 * g0 + d1 * g1 + d2 * g2
assert m2 - m3 - m4 == d1 * g0 + d2 * g1 + d3 * g2
print(f"data {d0} {d1} {d2} {d3}, filter {g0} {g1} {g2}: outputs {m1 + m2 + m3:g} and {m2 - m3 - m4:g}, both ways")

# %% [markdown]
# ## What does it bring to the network
#
# F(m x m) computes m x m outputs from (m + 2) x (m + 2) products instead of 9 m x m. The larger m, the more is saved:
# 2.25 times fewer for m = 2, 4 times for m = 4, 5.06 times for m = 6. So is F(6x6) best for GoogLeNet? Guess for each m
# how many times fewer products the whole network needs.

# %%
predict("13.e", ...)

# %%
rows = mg.count(net, outputs=net.outputs[-1:]).rows
layers = {row.name: row for row in rows if row.macs}
is_3x3 = {name for name in layers if getattr(net.nodes[name].layer, "kernel_size", None) == (3, 3)}
fraction = sum(layers[name].macs for name in is_3x3) / macs


def products(name, m):
    """Return the products of a 3x3 layer in tiles of m x m outputs; a tile may extend past the edge."""
    _, high, wide = net.shapes[name]
    per_channel = -(-high // m) * -(-wide // m) * (m + 2) ** 2
    return per_channel * net.nodes[name].layer.params["weight"][:, :, 0, 0].size


bring = {m: macs / (macs * (1 - fraction) + sum(products(name, m) for name in is_3x3)) for m in (2, 4, 6)}
wall = 1 / (1 - fraction)
print(outcome("13.e", {f"F({m}x{m})": round(float(factor), 2) for m, factor in bring.items()}))
print(f"3x3 layers are {fraction:.1%} of the MACs; if they took no time at all: {wall:.2f}")

# %%
factors = {"none": 1.0, **{f"F({m}x{m})": factor for m, factor in bring.items()}, "3x3 for nothing": wall}
assert [round(float(value), 2) for value in bring.values()] == [1.5, 1.78, 1.78]
assert (round(fraction, 3), round(wall, 2)) == (0.608, 2.55)
figure, _ = viz.bar_chart(factors, "times fewer products in the whole network", marked=["3x3 for nothing"])
figure

# %% [markdown]
# What you saw: F(6x6) brings no more than F(4x4). Feature maps of 14 and 7 do not divide by 6, so the last tiles extend
# past the edge and are computed for nothing. And the rest, 1x1, 5x5 and 7x7, stays. This is Amdahl's law: the part that
# you do not improve is the wall.

# %% [markdown]
# ## Exercise 13.5: what a faster part brings
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# The numbers are drawn from your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("13.5", student)

# %%
# exercise 13.5
### BEGIN SOLUTION
speedup = (lambda share, factor: 1 / (1 - share / 100 + share / 100 / factor))(**find("13.5").values(student))
### END SOLUTION

# %%
answer("13.5", speedup)

# %% [markdown]
# ## The roofline
#
# A layer reads its input and weights and writes its output: that many bytes must move. If it does few MACs for each
# byte, memory is the limit, however fast the arithmetic is. Which of these does least for each byte: conv1/7x7,
# conv2/3x3, a 1x1 reduce, or the classifier?

# %%
predict("13.f", ...)

# %%
names = ["conv1/7x7_s2", "conv2/3x3", "inception_3a/5x5_reduce", "inception_3a/3x3", "inception_5b/1x1"]
flop_per_byte = {}
for name in names:
    layer = cases.of_node(net, name, 1)
    flop_per_byte[name] = 2 * layer.macs / layer.bytes
for batch in (1, 32):
    values = batch * (1024 + 1000) + 1025 * 1000
    flop_per_byte[f"classifier, batch {batch}"] = 2 * batch * 1024 * 1000 / (4 * values)
print(outcome("13.f", min(flop_per_byte, key=flop_per_byte.get)))
figure, _ = viz.bar_chart(flop_per_byte, "FLOP for each byte that must move")
figure

# %% [markdown]
# Now the machine's roof, measured: how fast it multiplies matrices, how fast it copies, and how close each layer and
# algorithm comes. `bench.ladder` measures the layers, as `minigooglenet bench ladder` does. This takes 10 to 30
# seconds; a line for each layer shows how far it is.

# %%
options = settings.Settings(threads=1, rounds=3, seconds=0.3, quick=True)
measured = [names[1], names[2]] if FAST else names
climbed = ladder.measure(options, print, measured)
best = climbed["rates"][0]
ridge = 2 * best["product_mac_per_second"] / best["copy_bytes_per_second"]
figure, _ = roofline.roofline(climbed, 1)
figure

# %%
for name, value in flop_per_byte.items():
    print(f"{name}: {value:.1f} FLOP per byte, limited by {'memory' if value < ridge else 'arithmetic'}")
print(f"The roof bends at {ridge:.1f} FLOP per byte on this machine.")
assert round(flop_per_byte["classifier, batch 1"], 1) == 0.5

# %% [markdown]
# What you saw: MACs are not time. The classifier reads a million weights and uses each once: on one image it runs at
# the speed of memory. A batch of 32 uses them 32 times. Winograd may pass the roof, because it does fewer products than
# the definition.

# %% [markdown]
# ## Are the results still the same
#
# Each rung adds the same values in another order, and Winograd adds others. How far is each from the result in double
# precision, as a fraction of the largest value?

# %%
predict("13.g", ...)

# %%
exact = conv2d.forward(case.x.astype(float), case.weight.astype(float), case.bias.astype(float), 1, 1)
errors = {name: float(abs(call() - exact).max() / abs(exact).max()) for name, call in contenders.items()}
assert max(errors.values()) < 4e-5
print(outcome("13.g", [f"{error:.1e}" for error in (min(errors.values()), max(errors.values()))]))
for name, error in errors.items():
    print(f"{name}: {error:.1e}")

# %% [markdown]
# What you saw: all of them round, and none is wrong. Winograd rounds most, because its transforms multiply by up to 8
# and cancel again. That is why a gradient check in this engine runs in double precision and without it.

# %% [markdown]
# ## Where the time of an image goes
#
# Convolutions do nearly all the arithmetic. Which fraction of the time do they take?

# %%
predict("13.h", ...)

# %%
with settings.threads(1):
    timer = profile.Timer()
    for _ in range(2):
        net.forward({next(iter(net.inputs)): image}, train=False, on_node=timer)
kinds = {}
for name, seconds in timer.seconds["forward"].items():
    kind = net.nodes[name].layer.kind
    kinds[kind] = kinds.get(kind, 0) + 1000 * seconds
kinds = dict(sorted(kinds.items(), key=lambda item: -item[1]))
conv_fraction = kinds["Conv2d"] / sum(kinds.values())
print(outcome("13.h", f"{conv_fraction:.0%}"))
figure, _ = viz.bar_chart(kinds, "milliseconds of one forward pass, layer by layer")
figure

# %% [markdown]
# What you saw: the layers without weights do almost no arithmetic and still take time, because they read and write
# every value. That is what a plan (`mg.plan`) saves: ReLU inside the convolution, branches written straight into the
# concatenation.

# %% [markdown]
# ## Make it break
#
# A race on purpose. All steps add to one element. Run it several times.


# %%
@numba.njit(parallel=True)
def racing(values, total):
    """Add all values into total[0], which all threads share."""
    for i in numba.prange(len(values)):
        total[0] += values[i]


values, sums = np.ones(2_000_000), []
for _ in range(5):
    total = np.zeros(1)
    racing(values, total)
    sums.append(int(total[0]))
print(f"expected {len(values):,}; five runs on {numba.get_num_threads()} threads gave {sums}")

# %% [markdown]
# On several free cores the sums are too small, and differ from run to run. On one core, or on a busy one, the same
# program may be right every time. That is the worst of it: a test by values can miss a race.
#
# The next one: `fastmath` allows the compiler to assume that there is no NaN. Does a test for NaN survive?


# %%
def any_nan(values):
    """Return whether a value is not equal to itself."""
    found = False
    for value in values:
        found = found or value != value
    return found


broken = np.array([1.0, np.nan, 3.0])
strict, careless = numba.njit(any_nan)(broken), numba.njit(fastmath=True)(any_nan)(broken)
print(f"one value is NaN. Compiled: {strict}. With fastmath: {careless}.")
assert strict
assert any_nan(broken)

# %% [markdown]
# ## Claims, checked

# %%
parts = mg.count(net, outputs=net.outputs[-1:]).rows
first = next(row.macs for row in parts if row.name == "conv1/7x7_s2")
training = 3 - first / macs
rate = macs / inference
days = training * macs * 60 * 1.28e6 / rate / 86400  # 60 passes over 1.28 million images, without the extra heads
claims = [
    ("a training step costs twice the forward pass", round(training, 3) == 2.925, f"wrong: {training:.3f} times"),
    (
        "F(6x6) saves 5.06 times, so it beats F(4x4)",
        bring[6] < bring[4] + 0.01,
        "wrong here: tiles extend past the edge",
    ),
    (
        "a layer with fewer MACs takes less time",
        flop_per_byte["classifier, batch 1"] < 1,
        "not when memory is the limit",
    ),
    ("fast convolutions give other results", max(errors.values()) < 4e-5, "only in the last digits; Winograd most"),
    (
        "trains on a few high-end GPUs within a week",
        days > 7,
        f"the paper's rough estimate, not a measurement; one thread here: about {days:,.0f} days for 60 passes",
    ),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then look: `quiz("13", answers=True)`.

# %%
glossary.terms("13")

# %%
quiz("13")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - Convolve by FFT: for which kernel sizes would it pay? Count the products as above.
# - Weights in int8: a quarter of the bytes. Which of the layers above would gain?
# - Block the loops of `fast_conv` so that a tile of x and w stays in the cache. Where is it on the roofline?
# - `minigooglenet bench ladder` and `minigooglenet bench ideas` measure more of this.

# %% [markdown]
# ## Exercise 13.1: how far the inner loop jumps
#
# Difficulty: * of ***. About 5 minutes. Further.
#
# `order` names the loops, outermost first: in "nchw" the loop over columns w is the innermost. `layout` names the axes
# of the array in memory order: neighbours along the last axis are adjacent. `sizes` is a dict such as {"h": 5, "w": 7}.
# Return how many values further in memory the innermost loop moves with each step.


# %%
# exercise 13.1
def inner_step(order, layout, sizes):
    """Return by how many values of the array the innermost loop moves in memory."""
    ### BEGIN SOLUTION
    after = layout[layout.index(order[-1]) + 1 :]
    return math.prod(sizes[axis] for axis in after)
    ### END SOLUTION


# %%
stepped = check("13.1", inner_step)
stepped

# %%
if stepped.passed:
    sizes = dict(zip("nchw", case.x.shape, strict=True))
    for layout in ("nchw", "nhwc"):
        steps = {axis: inner_step(axis, layout, sizes) for axis in "chw"}
        print(f"{layout}: innermost over " + ", ".join(f"{axis} steps {step}" for axis, step in steps.items()))

# %% [markdown]
# ## The first call
#
# A compiled function is called twice with the same arguments. How long do the two calls take?

# %%
predict("13.d", ...)


# %%
@numba.njit
def dot(a, b):
    """Return the sum of products."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


ones, calls = np.ones(100_000), []
for _ in range(2):
    begun = time.perf_counter()
    dot(ones, ones)
    calls.append(1000 * (time.perf_counter() - begun))
print(outcome("13.d", [round(milliseconds, 2) for milliseconds in calls]))

# %% [markdown]
# What you saw: the first call compiles. A clock around it measures the compiler. The engine keeps compiled code on
# disk; `minigooglenet warmup` compiles everything in advance.

# %% [markdown]
# ## Exercise 13.3: the loops, compiled, on all cores
#
# Difficulty: ** of ***. About 12 minutes. Further.
#
# x (N, C, H, W) is padded already and the stride is 1. Write y (N, K, P, Q), which is given and may hold anything;
# return nothing. Use plain loops, and `numba.prange` for one of them: its steps run on several threads at once. Then
# compile the function with `numba.njit(parallel=True)`. Compiled code checks no index: -1 reads the last element, and
# an index that is too large reads memory after the array.
#
# The check runs your Python code with every step of prange as a task of its own and records which step writes where. So
# it finds a race every time, on one core too.


# %%
# exercise 13.3
def conv_numba(x, w, b, y):
    """Write y (N, K, P, Q) for x (N, C, H, W), w (K, C, R, S), b (K,); the outermost loop is numba.prange."""
    ### BEGIN SOLUTION
    for k in numba.prange(y.shape[1]):
        for n in range(y.shape[0]):
            for p in range(y.shape[2]):
                for q in range(y.shape[3]):
                    total = b[k]
                    for c in range(w.shape[1]):
                        for u in range(w.shape[2]):
                            for v in range(w.shape[3]):
                                total += x[n, c, p + u, q + v] * w[k, c, u, v]
                    y[n, k, p, q] = total
    ### END SOLUTION


# %%
### BEGIN SOLUTION
fast_conv = numba.njit(parallel=True)(conv_numba)
### END SOLUTION

# %%
threaded = check("13.3", fast_conv)
threaded

# %%
if threaded.passed:
    parallel_loops = {"one thread": contenders["2 loops, compiled"], "prange": functools.partial(rung, fast_conv)}
    timed = {name: t.median for name, t in clock.alternate(parallel_loops, rounds=3, seconds=1).items()}
    print(f"{numba.get_num_threads()} threads: {timed['one thread'] / timed['prange']:.2f} times as fast as one")

# %% [markdown]
# ## Exercise 13.4: two outputs for four products
#
# Difficulty: *** of ***. About 12 minutes. Further.
#
# d has any length of at least 3, g has 3 weights. Return all len(d) - 2 outputs. Tiles of four inputs give two outputs,
# so they overlap by two. An odd number of outputs needs one more tile, padded with a zero. Use plain arithmetic: the
# check counts the products of data and filter.


# %%
# exercise 13.4
def winograd_f23(d, g):
    """Return the outputs (len(d) - 2,) of the filter g (3,) on d, with four products for two outputs."""
    ### BEGIN SOLUTION
    outputs = len(d) - 2
    padded, y = np.append(d, 0), np.zeros(outputs + 1)
    middle, other = (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2
    for i in range(0, outputs, 2):
        d0, d1, d2, d3 = padded[i : i + 4]
        m1, m2 = (d0 - d2) * g[0], (d1 + d2) * middle
        m3, m4 = (d2 - d1) * other, (d1 - d3) * g[2]
        y[i], y[i + 1] = m1 + m2 + m3, m2 - m3 - m4
    return y[:outputs]
    ### END SOLUTION


# %%
one_axis = check("13.4", winograd_f23)
one_axis

# %% [markdown]
# ## Exercise 13.7: the same in two dimensions
#
# Difficulty: *** of ***. About 12 minutes. Further.
#
# The same along both axes: a tile of 4 x 4 inputs gives 2 x 2 outputs from 16 products instead of 36. As matrices, with
# ' for transposed and * for the product element by element: A' [(G g G') * (B' d B)] A.

# %%
B = np.array([[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]], float)
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
A = np.array([[1, 0], [1, 1], [1, -1], [0, -1]], float)


# %%
# exercise 13.7
def winograd_2d(d, g):
    """Return the outputs (H - 2, W - 2) of the kernel g (3, 3) on d (H, W), with 16 products for 2 x 2 outputs."""
    ### BEGIN SOLUTION
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    padded, y = np.pad(d, ((0, 1), (0, 1))), np.zeros((rows + 1, columns + 1))
    kernel = G @ g @ G.T
    for i in range(0, rows, 2):
        for j in range(0, columns, 2):
            tile = padded[i : i + 4, j : j + 4]
            y[i : i + 2, j : j + 2] = A.T @ (kernel * (B.T @ tile @ B)) @ A
    return y[:rows, :columns]
    ### END SOLUTION


# %%
both_axes = check("13.7", winograd_2d)
both_axes

# %% [markdown]
# Your transform at work: edges of a photograph.

# %%
grey = np.asarray(mg.data.photograph().convert("L").resize((48, 48)), float)
edges = np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])
figure = None
if both_axes.passed:
    result = winograd_2d(grey, edges)
    assert np.allclose(result, conv2d.forward(grey[None, None], edges[None, None])[0, 0])
    figure, _ = viz.images({"image": grey, "edges, by your Winograd": abs(result)}, same_scale=False)
figure

# %% [markdown]
# ## Exercise 13.6: how much is done for each byte
#
# Difficulty: ** of ***. About 6 minutes. Further.

# %%
ask("13.6", student)


# %%
def moved_values(k, h, n, c, f):
    """Return how many values move: input, weights and output."""
    return n * c * h * h + c * f * k * k + n * f * h * h


# %%
# exercise 13.6
### BEGIN SOLUTION
intensity = (lambda k, h, n, c, f: 2 * n * h * h * c * f * k * k / (4 * moved_values(k, h, n, c, f)))(
    **find("13.6").values(student)
)
### END SOLUTION

# %%
marked = answer("13.6", intensity)
if marked.passed:
    print(f"On this machine: limited by {'memory' if intensity < ridge else 'arithmetic'}")
marked
