# %% [markdown]
# # 13 Make it fast
#
# **The question.** A convolution can take minutes or milliseconds. How much faster does each idea make it, and what
# limits the speed in the end?
#
# About 60 minutes. Needs lessons 02 and 06.
#
# Afterwards you can
#
# - compare six algorithms, from Python loops to Winograd, and check that their results agree before you time them;
# - choose a loop order that suits the memory layout, without measuring;
# - compile loops for all cores so that no two threads write to the same element;
# - compute how much faster a network gets if one part of it gets faster (Amdahl's law);
# - find out whether memory or arithmetic limits the speed of a layer (the roofline).
#
# A *MAC* is one multiply-add, or 2 *FLOP*. All times are measured on *your* machine, and they differ from run to run,
# so compare ratios, not milliseconds. No check depends on a time.

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
print(f"fast mode: {'on, fewer rounds and fewer layers' if FAST else 'off'}")

# %% [markdown]
# Numba compiles the loops of this lesson. If the next cell fails, the cells that compile and exercise 13.3 fail too,
# but you can do all other exercises. `minigooglenet doctor` explains how to install Numba.

# %%
import numba

# %% [markdown]
# ## The ladder, on one layer
#
# The layer is inception_3a/3x3, with 96 input channels, 128 filters and 28 x 28 positions. The *ladder* is a list of
# six algorithms for it. Each rung adds one idea:
#
# 1. loops in Python;
# 2. the same loops, compiled;
# 3. NumPy slices: one matrix product for each kernel position;
# 4. im2col: copy every window into a column of a matrix, then one matrix product (lesson 02);
# 5. the engine's matrix product without the im2col matrix (*implicit GEMM*; a GEMM is a matrix product);
# 6. Winograd's algorithm: fewer multiplications.
#
# All of them run on one *thread*, a sequence of steps on one core. Guess five factors: how many times as fast is each
# rung as the rung before it?

# %%
predict("13.a", ...)

# %%
case = cases.of_node(net, "inception_3a/3x3", 1)
padded = np.pad(case.x, ((0, 0), (0, 0), *case.padding))
zeros = functools.partial(np.zeros, (1, 128, 28, 28), np.float32)
y = zeros()


def rung(function):
    """Call a function that writes its result to y, and return a copy of y."""
    function(padded, case.weight, case.bias, y)
    return y.copy()


algorithms = {
    "2 loops, compiled": functools.partial(rung, rungs.compiled_loops),
    "3 slices": functools.partial(rung, rungs.slices),
    "4 im2col": functools.partial(case.run, "im2col"),
    "5 implicit GEMM": functools.partial(case.run, "numba"),
    "6 Winograd": functools.partial(case.run, "winograd"),
}

# %% [markdown]
# Before it measures, `clock.alternate` calls each algorithm once and compares the results, because the time of a wrong
# result is worthless. Rung 1 would take minutes, so it computes only a small part of the output, which is enough to
# measure its speed. The cell takes about ten seconds.

# %%
with settings.threads(1), parallel.computing():
    timings = clock.alternate(algorithms, rounds=3 if FAST else 7, seconds=1)
small = zeros()[:, :1, :4]
begin = time.perf_counter()
rungs.loops(padded, case.weight, case.bias, small)
python_speed = small.size * case.weight[0].size / (time.perf_counter() - begin)
speeds = {"1 loops in Python": python_speed} | {name: case.macs / t.median for name, t in timings.items()}
ratios = [round(after / before, 1) for before, after in itertools.pairwise(speeds.values())]
print(outcome("13.a", ratios))
figure, _ = log_points({name: speed / 1e6 for name, speed in speeds.items()}, "million MACs per second")
figure

# %% [markdown]
# What you saw: the first two factors are by far the largest, and they cost only a few lines of code. The last ones are
# small, cost much more work, and may even be below 1 on a small layer or a busy machine. Winograd's speed counts the
# MACs of the definition, although it computes fewer.

# %% [markdown]
# ## The whole network
#
# Guess two times for one image through GoogLeNet: how long does it take with Python loops, and how long with the
# engine?

# %%
predict("13.b", ...)

# %%
macs = mg.count(net, outputs=net.outputs[-1:]).macs
image = settings.images(net, 1)
with settings.threads(1):
    inference = clock.alternate({"one": lambda: net(image)}, rounds=3, seconds=1)["one"].median
minutes = macs / python_speed / 60
print(outcome("13.b", {"loops in Python, minutes": round(minutes), "the engine, seconds": round(inference, 3)}))
print(f"{macs:,} MACs; the engine is {60 * minutes / inference:,.0f} times as fast, on one thread")
assert macs == 1_582_671_872

# %% [markdown]
# ## Exercise 13.2: a convolution with R*S iterations of Python
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# Write rung 3 for any stride and padding. Pad once. You may loop over the kernel positions (u, v), but over nothing
# else; the check counts the iterations. Shapes: x (N, C, H, W), w (K, C, R, S), b (K,);
# `stride` and `pad` are integers, the same for both axes.


# %%
# exercise 13.2
def conv_slices(x, w, b, stride, pad):
    """Return y (N, K, Ho, Wo), with at most R*S iterations of Python."""
    ### BEGIN SOLUTION
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = ((xp.shape[i] - w.shape[i]) // stride + 1 for i in (2, 3))
    y = np.zeros((len(x), len(w), rows, columns), x.dtype) + b[:, None, None]
    for u, v in np.ndindex(w.shape[2:]):
        inputs = xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
        y += np.einsum("nchw,kc->nkhw", inputs, w[:, :, u, v], optimize=True)
    return y
    ### END SOLUTION


# %%
sliced = check("13.2", conv_slices)
sliced

# %%
compare("13.2")

# %% [markdown]
# Your function can run GoogLeNet. Here it computes all 57 convolutions on the path to the main classifier:


# %%
def my_convolution(x, weight, bias, stride, padding, groups):
    """Call conv_slices with the arguments that the engine passes."""
    return conv_slices(x, weight, bias, stride[0], padding[0][0])


if sliced.passed:
    yours = mg.models.googlenet(init="he", rng=0)
    for layer, _ in yours.nodes.values():
        if isinstance(layer, mg.layers.Conv2d):
            layer.algorithm = (my_convolution, by_columns.backward)
    begin = time.perf_counter()
    logits = yours(image)
    seconds = time.perf_counter() - begin
    error = abs(logits - net(image)).max() / abs(logits).max()
    print(f"GoogLeNet with your convolution: {seconds:.2f} s, relative difference from the engine {error:.1e}")
    assert error < 1e-3

# %% [markdown]
# ## The same loops in two orders
#
# Here are two compiled functions that compute the same convolution in nested loops. They differ only in the innermost
# loop: along a row of the image, or down a column. Guess: how many times as long does the slower one take?

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
print(f"the next element in a row is {row} element away in memory, the next in a column {column} elements")

# %% [markdown]
# What you saw: the order matters, because of the *layout*, the order in which the elements of an array follow each
# other in memory. A processor reads memory in cache lines of 64 bytes, or 16 float32 values (128 bytes on Apple
# processors), and one instruction computes with several adjacent values. A loop along a row uses all values of a cache
# line. A loop down a column uses one of them.

# %% [markdown]
# ## Winograd in one dimension
#
# By its definition, a filter with three weights needs six products for two neighbouring outputs. *Winograd's* algorithm
# needs four. For the data d0, d1, d2, d3 and the filter g0, g1, g2, it computes
#
# - m1 = (d0 - d2) g0
# - m2 = (d1 + d2) (g0 + g1 + g2) / 2
# - m3 = (d2 - d1) (g0 - g1 + g2) / 2
# - m4 = (d1 - d3) g2
#
# The outputs are m1 + m2 + m3 and m2 - m3 - m4. The sums of g0, g1 and g2 are computed only once for all data. Check
# with random integers that these outputs are right:

# %%
d0, d1, d2, d3, g0, g1, g2 = (int(value) for value in rng.integers(-9, 10, 7))
m1, m2, m3, m4 = (d0 - d2) * g0, (d1 + d2) * (g0 + g1 + g2) / 2, (d2 - d1) * (g0 - g1 + g2) / 2, (d1 - d3) * g2
assert m1 + m2 + m3 == d0 * g0 + d1 * g1 + d2 * g2
assert m2 - m3 - m4 == d1 * g0 + d2 * g1 + d3 * g2
print(f"data {d0} {d1} {d2} {d3}, filter {g0} {g1} {g2}: both ways give {m1 + m2 + m3:g} and {m2 - m3 - m4:g}")

# %% [markdown]
# ## How much does it save in the network?
#
# In two dimensions, the algorithm F(m x m) computes a tile of m x m outputs of a 3x3 convolution with (m + 2) x (m + 2)
# products, instead of 9 * m * m. A larger m saves more: 2.25 times fewer products for m = 2, 4 times fewer for m = 4,
# and 5.06 times fewer for m = 6. But only 3x3 convolutions of stride 1 can use it. Guess for each m: how many times
# fewer products does the whole of GoogLeNet need?

# %%
predict("13.e", ...)

# %%
rows = mg.count(net, outputs=net.outputs[-1:]).rows
layers = {row.name: row for row in rows if row.macs}
is_3x3 = {name for name in layers if getattr(net.nodes[name].layer, "kernel_size", None) == (3, 3)}
fraction = sum(layers[name].macs for name in is_3x3) / macs


def products(name, m):
    """Return the products of a 3x3 layer in tiles of m x m outputs; a tile may extend past the edge."""
    _, height, width = net.shapes[name]
    per_channel = -(-height // m) * -(-width // m) * (m + 2) ** 2
    return per_channel * net.nodes[name].layer.params["weight"][:, :, 0, 0].size


savings = {m: macs / (macs * (1 - fraction) + sum(products(name, m) for name in is_3x3)) for m in (2, 4, 6)}
limit = 1 / (1 - fraction)
print(outcome("13.e", {f"F({m}x{m})": round(float(factor), 2) for m, factor in savings.items()}))
print(f"3x3 layers have {fraction:.1%} of the MACs; if they needed no products at all, the factor would be {limit:.2f}")

# %%
factors = {"none": 1.0, **{f"F({m}x{m})": factor for m, factor in savings.items()}, "3x3 for free": limit}
assert [round(float(value), 2) for value in savings.values()] == [1.5, 1.78, 1.78]
assert (round(fraction, 3), round(limit, 2)) == (0.608, 2.55)
figure, _ = viz.bar_chart(factors, "times fewer products in the whole network", marked=["3x3 for free"])
figure

# %% [markdown]
# What you saw: F(6x6) saves no more than F(4x4). The sides 14 and 7 of the feature maps are not divisible by 6, so the
# last tiles extend past the edge, and part of their work is wasted. The 1x1, 5x5 and 7x7 layers do not get faster at
# all, and this limits the factor. That is *Amdahl's law*: if a part takes the fraction p of the time, the whole becomes
# at most 1 / (1 - p) times as fast, however fast you make this part.

# %% [markdown]
# ## Exercise 13.5: the effect of a faster part
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# Your values depend on your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("13.5", student)

# %%
# exercise 13.5
v = find("13.5").values(student)
### BEGIN SOLUTION
p = v["share"] / 100
speedup = 1 / (1 - p + p / v["factor"])
### END SOLUTION

# %%
answer("13.5", speedup)

# %% [markdown]
# ## The roofline
#
# A layer reads its input and its weights from memory and writes its output to memory. If it computes few MACs for each
# of these bytes, memory limits its speed, however fast the arithmetic is. Guess: which of these layers computes least
# per byte, conv1/7x7, conv2/3x3, a 1x1 reduction, or the classifier?

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
figure, _ = viz.bar_chart(flop_per_byte, "FLOP per byte read or written")
figure

# %% [markdown]
# The *roofline* of a machine is the largest speed that a layer can reach: the smaller of two limits. One is the speed
# of matrix products, the other is the speed of memory times the FLOP per byte. Now measure both speeds, and how close
# each algorithm comes on each layer. (`bench.ladder` measures the layers, as `minigooglenet bench ladder` does. The
# figure counts MACs: 1 MAC per byte is 2 FLOP per byte.) This takes 10 to 30 seconds and prints one line per layer.

# %%
options = settings.Settings(threads=1, rounds=3, seconds=0.3, quick=True)
measured = [names[2], names[4]] if FAST else names
measurements = ladder.measure(options, print, measured)
best = measurements["rates"][0]
ridge = 2 * best["product_mac_per_second"] / best["copy_bytes_per_second"]
figure, _ = roofline.roofline(measurements, 1)
figure

# %%
for name, value in flop_per_byte.items():
    print(f"{name}: {value:.1f} FLOP per byte, limited by {'memory' if value < ridge else 'arithmetic'}")
print(f"On this machine the two limits meet at {ridge:.1f} FLOP per byte.")
assert round(flop_per_byte["classifier, batch 1"], 1) == 0.5

# %% [markdown]
# What you saw: the number of MACs alone does not determine the time. The classifier reads a million weights. For one
# image it uses each weight once, so it runs at the speed of memory. For a *batch* of 32 images it uses each weight 32
# times. Winograd may be above the roofline, because it computes fewer products than the definition.

# %% [markdown]
# ## Are the results still the same?
#
# The rungs add the same products in different orders, and Winograd uses different products. Compare rungs 2 to 6 with
# a result in double precision. Guess: what are the smallest and the largest error, relative to the largest value?

# %%
predict("13.g", ...)

# %%
exact = conv2d.forward(case.x.astype(float), case.weight.astype(float), case.bias.astype(float), 1, 1)
errors = {name: float(abs(call() - exact).max() / abs(exact).max()) for name, call in algorithms.items()}
assert max(errors.values()) < 4e-5
print(outcome("13.g", [f"{error:.1e}" for error in (min(errors.values()), max(errors.values()))]))
for name, error in errors.items():
    print(f"{name}: {error:.1e}")

# %% [markdown]
# What you saw: all of them have round-off errors, and none of them is wrong. Winograd's error is the largest, because
# its transforms multiply by up to 8, and these large terms then cancel. That is why the engine checks gradients in
# double precision and without Winograd.

# %% [markdown]
# ## Where the time goes
#
# Convolutions do nearly all the arithmetic. Guess: what fraction of the time do they take?

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
figure, _ = viz.bar_chart(kinds, "milliseconds of one forward pass, by layer type")
figure

# %% [markdown]
# What you saw: layers without weights do almost no arithmetic, but they take time, because they read and write every
# value. A plan (`mg.plan`) saves much of this time: it computes the ReLU inside the convolution, and the branches of a
# module write directly into the concatenated output.

# %% [markdown]
# ## Make it break
#
# **Make a race on purpose.** In a *race*, two threads write to the same element, and one result is lost. Here all
# threads add to one element. Run the cell several times.


# %%
@numba.njit(parallel=True)
def racing(values, total):
    """Add all values to total[0], from all threads."""
    for i in numba.prange(len(values)):
        total[0] += values[i]


values, sums = np.ones(2_000_000), []
for _ in range(5):
    total = np.zeros(1)
    racing(values, total)
    sums.append(int(total[0]))
print(f"expected {len(values):,}; five runs on {numba.get_num_threads()} threads gave {sums}")

# %% [markdown]
# If several cores are free, the sums are too small and differ from run to run. On one core, or on a busy machine, the
# same program may be right every time. That makes races dangerous: a test that compares values can miss them.
#
# **Use `fastmath`.** It allows the compiler to assume that no value is NaN. Does a function that looks for NaN still
# work?


# %%
def any_nan(values):
    """Return whether some value is not equal to itself."""
    result = False
    for value in values:
        result = result or value != value
    return result


broken = np.array([1.0, np.nan, 3.0])
strict, careless = numba.njit(any_nan)(broken), numba.njit(fastmath=True)(any_nan)(broken)
print(f"One value is NaN. any_nan, compiled: {strict}. any_nan with fastmath: {careless}.")
assert strict
assert any_nan(broken)

# %% [markdown]
# ## Claims, checked
#
# You may meet these claims elsewhere. Each line shows a claim and what you measured.

# %%
parts = mg.count(net, outputs=net.outputs[-1:]).rows
first = next(row.macs for row in parts if row.name == "conv1/7x7_s2")
training = 3 - first / macs
speed = macs / inference
days = training * macs * 60 * 1.28e6 / speed / 86400  # 60 epochs of 1.28 million images, without auxiliary heads
claims = [
    ("a training step costs twice the forward pass", round(training, 3) == 2.925, f"wrong; it is {training:.3f} times"),
    (
        "F(6x6) needs 5.06 times fewer products, so it beats F(4x4)",
        savings[6] < savings[4] + 0.01,
        "wrong here; tiles extend past the edge",
    ),
    (
        "a layer with fewer MACs takes less time",
        flop_per_byte["classifier, batch 1"] < 1,
        "not if memory is the limit",
    ),
    ("fast convolutions give other results", max(errors.values()) < 4e-5, "in the last digits, Winograd the most"),
    (
        "GoogLeNet trains on a few high-end GPUs within a week",
        days > 7,
        f"the paper's rough estimate; 60 epochs on one thread of this machine would take about {days:,.0f} days",
    ),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("13", answers=True)`.

# %%
glossary.terms("13")

# %%
quiz("13")

# %% [markdown]
# ## Take it further
#
# The next lesson does not need what follows.
#
# - A convolution can also be computed with an FFT. For which kernel sizes would it need fewer products? Count them.
# - Weights in int8 take a quarter of the bytes. Which of the layers that you measured would get faster?
# - Split the loops of 13.3 below into blocks, so that a block of x and w stays in the cache. Where is it
#   under the roofline?
# - `minigooglenet bench ladder` and `minigooglenet bench ideas` measure more.

# %% [markdown]
# ## Exercise 13.1: how far the inner loop jumps
#
# Difficulty: * of ***. About 5 minutes. Further.
#
# `order` names the loops, the outermost first: in "nchw" the innermost loop is over columns w. `layout` names the axes
# of the array in memory order: neighbours along the last axis are adjacent in memory. `sizes` is a dict, for example
# {"h": 5, "w": 7}. Return by how many elements the innermost loop moves in memory from one iteration to the next.


# %%
# exercise 13.1
def inner_step(order, layout, sizes):
    """Return by how many elements of the array the innermost loop moves in memory."""
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
        print(f"{layout}: innermost loop over " + ", ".join(f"{axis} moves by {step}" for axis, step in steps.items()))

# %% [markdown]
# ## The first call
#
# You call a compiled function twice with the same arguments. Guess: how many milliseconds do the two calls take?

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
    begin = time.perf_counter()
    dot(ones, ones)
    calls.append(1000 * (time.perf_counter() - begin))
print(outcome("13.d", [round(milliseconds, 2) for milliseconds in calls]))

# %% [markdown]
# What you saw: the first call compiles the function, and this takes most of the time. The engine stores
# compiled code on disk, and `minigooglenet warmup` compiles everything in advance.

# %% [markdown]
# ## Exercise 13.3: compiled loops on all cores
#
# Difficulty: ** of ***. About 12 minutes. Further.
#
# x (N, C, H, W) is already padded, and the stride is 1. Write the result to y (N, K, P, Q), which is given and contains
# arbitrary values. Return nothing. Use plain loops, and `numba.prange` for one of them: its iterations run on several
# threads in parallel. Then compile the function with `numba.njit(parallel=True)` and name the result `fast_conv`.
# Compiled code does not check indices: -1 reads the last element, and an index that is too large reads memory after the
# array.
#
# The check runs your Python code before it is compiled, and records which iteration of prange writes to which element.
# So it finds a race every time, even on one core.


# %%
# exercise 13.3
def conv_numba(x, w, b, y):
    """Write the convolution of x (N, C, H, W) and w (K, C, R, S), plus b (K,), to y (N, K, P, Q); use numba.prange."""
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
    parallel_loops = {"one thread": algorithms["2 loops, compiled"], "prange": functools.partial(rung, fast_conv)}
    timed = {name: t.median for name, t in clock.alternate(parallel_loops, rounds=3, seconds=1).items()}
    print(f"{numba.get_num_threads()} threads are {timed['one thread'] / timed['prange']:.2f} times as fast as one")

# %% [markdown]
# ## Exercise 13.4: two outputs from four products
#
# Difficulty: *** of ***. About 12 minutes. Further.
#
# The data d has at least 3 values, and the filter g has 3 weights. Return all len(d) - 2 outputs. A tile of four
# inputs gives two outputs, so neighbouring tiles overlap by two inputs. If the number of outputs is odd, the last tile
# is padded with a zero. Use plain arithmetic, because the check counts the products of data and filter.


# %%
# exercise 13.4
def winograd_f23(d, g):
    """Return the outputs (len(d) - 2,) of the filter g (3,) on d, with four products per two outputs."""
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
# ## Exercise 13.7: Winograd in two dimensions
#
# Difficulty: *** of ***. About 12 minutes. Further.
#
# Now use the algorithm along both axes: a tile d of 4 x 4 inputs gives 2 x 2 outputs from 16 products instead of 36.
# With the matrices of the next cell, these outputs are A' [(G g G') * (B' d B)] A, in which ' transposes a matrix
# and `*` multiplies element by element.

# %%
B = np.array([[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]], float)
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
A = np.array([[1, 0], [1, 1], [1, -1], [0, -1]], float)


# %%
# exercise 13.7
def winograd_2d(d, g):
    """Return the outputs (H - 2, W - 2) of the kernel g (3, 3) on d (H, W), with 16 products per 2 x 2 outputs."""
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
# Now use your function to find the edges in a photograph:

# %%
grey = np.asarray(mg.data.photograph().convert("L").resize((48, 48)), float)
edges = np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])
figure = None
if both_axes.passed:
    result = winograd_2d(grey, edges)
    assert np.allclose(result, conv2d.forward(grey[None, None], edges[None, None])[0, 0])
    figure, _ = viz.images({"image": grey, "edges from your function": abs(result)}, same_scale=False)
figure

# %% [markdown]
# ## Exercise 13.6: FLOP per byte
#
# Difficulty: ** of ***. About 6 minutes. Further.

# %%
ask("13.6", student)


# %%
def moved_values(k, h, n, c, f):
    """Return how many values are read or written: input, weights and output."""
    return n * c * h * h + c * f * k * k + n * f * h * h


# %%
# exercise 13.6
### BEGIN SOLUTION
intensity = (lambda k, h, n, c, f: 2 * n * h * h * c * f * k * k / (4 * moved_values(k, h, n, c, f)))(
    **find("13.6").values(student)
)
### END SOLUTION

# %%
result = answer("13.6", intensity)
if result.passed:
    print(f"On this machine, {'memory' if intensity < ridge else 'arithmetic'} limits the speed of this layer.")
result
