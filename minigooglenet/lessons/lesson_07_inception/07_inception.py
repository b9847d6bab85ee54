# %% [markdown]
# # 07 Stem and Inception
#
# **The question.** Where should a fixed budget of multiply-adds be spent?
#
# About 60 minutes. Needs lessons 05 and 06.
#
# Afterwards you can
#
# - compare stems, and explain in numbers why height and width shrink first;
# - explain why a 1x1 comes first, and when that stops paying;
# - write an Inception module forward and backward;
# - say what a bottleneck loses.
#
# MAC is a multiply-add. The *stem* is the layers before the first module.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet.counting import comparisons
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_07_inception import budget, drawing
from minigooglenet.lessons.lesson_07_inception.stem import built_stem
from minigooglenet.models.googlenet import MODULES

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
net = mg.models.googlenet(aux=False, init="he", rng=0)
c = mg.count(net)

# %% [markdown]
# ## From 224 to 28, in two ways
#
# GoogLeNet and VGG-16 both shrink the image to 28 x 28 before the deep part begins. Guess: how many times as many MACs
# does VGG spend on that?

# %%
predict("07.a", ...)

# %%
ours, theirs = comparisons.stems()
ratios = {
    "memory": theirs.bytes / ours.bytes,
    "parameters": theirs.params / ours.params,
    "MAC": theirs.macs / ours.macs,
}
figure, _ = mg.viz.bar_chart(ratios, "VGG-16's stem over GoogLeNet's", marked=["MAC"])
figure

# %%
comparisons.stem_table()

# %%
outcome("07.a", round(ratios["MAC"], 1))

# %% [markdown]
# What you saw: seven layers of 3x3 on large feature maps cost far more than one 7x7 that halves the map and a pool that
# halves it again.
#
# Now replace the 7x7 of stride 2 by a 3x3 of stride 1, which has fewer MACs. In both cases a 3x3 to 64 channels
# follows. Guess: how many times as many MACs do the two layers together have then?

# %%
predict("07.b", ...)

# %%
totals, lines = [], []
for first in (("conv", 64, 7, 2), ("conv", 64, 3, 1)):
    rows = mg.count(built_stem([first, ("conv", 64, 3, 1)])).rows
    totals.append(sum(row.macs for row in rows))
    lines.append((str(first), rows[0].macs, rows[1].macs, " x ".join(map(str, rows[1].output_shape))))
print(outcome("07.b", round(totals[1] / totals[0], 2)))
mg.console.Table("", ("first layer", ">its MAC", ">MAC of the 3x3 after it", "output"), lines)

# %% [markdown]
# ## A module, drawn and alive
#
# Four branches read the same feature map. Each has a window of another size, and their outputs are joined along the
# channels.

# %%
figure, _ = mg.viz.module_drawing(c, "inception_4a")
figure

# %% [markdown]
# Here each branch has one filter that we choose: 1x1 copies, 3x3 finds vertical edges, 5x5 blurs, and the pool takes
# the largest of 3x3.

# %%
photo = np.asarray(mg.data.photograph().convert("L").resize((64, 64)), np.float32)
image = photo[None, None]
edges = np.outer([1, 2, 1], [-1, 0, 1]).astype(np.float32)[None, None]
blur = np.full((1, 1, 5, 5), 1 / 25, np.float32)
maps = {"input": photo, "1x1: copies": photo}
maps["3x3: edges"] = np.maximum(mg.kernels.conv2d.forward(image, edges, padding=1), 0)[0, 0]
maps["5x5: blurs"] = mg.kernels.conv2d.forward(image, blur, padding=2)[0, 0]
maps["pool: largest of 3x3"] = mg.kernels.max_pool2d.forward(image, 3, 1, 1)[0][0, 0]
figure, _ = mg.viz.images(maps, columns=5, same_scale=False)
figure

# %% [markdown]
# What you saw: four answers for the same position, side by side. The next layer chooses among the scales.
#
# Why several sizes? The paper's argument: units that are often active together should feed one unit of the next layer.
# Most such clusters are at one position (1x1), fewer are spread over 3x3, still fewer over 5x5. A sparse network of
# clusters would be best. Dense blocks of several sizes approximate it with fast matrix products.

# %% [markdown]
# ## Exercise 07.3: the module forward
#
# Difficulty: ** of ***. About 15 minutes. Core.
#
# x is (N, C, H, W). P contains twelve arrays, `P["3x3_reduce/weight"]` (K, C, 1, 1), `P["3x3_reduce/bias"]` (K,) and so
# on for 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5 and pool_proj. A ReLU follows each of the six convolutions; the pool is
# 3x3 of stride 1. Order of the branches: 1x1, 3x3, 5x5, pool.
#
# Use the engine's convolution and pool as below, or yours of lesson 01.


# %%
def conv_relu(x, P, name):
    """One convolution that keeps the size, and its ReLU."""
    w = P[f"{name}/weight"]
    pad = w.shape[2] // 2
    return np.maximum(mg.kernels.conv2d.forward(x, w, P[f"{name}/bias"], padding=pad, algorithm="im2col"), 0)


def max_pool(x):
    """The 3x3 pool of stride 1 that keeps the size."""
    return mg.kernels.max_pool2d.forward(x, 3, stride=1, padding=1)[0]


_ = max_pool(np.zeros((1, 1, 3, 3)))  # compiled now, so that the check need not wait for it


# %%
def inception_forward(x, P):
    """Exercise 07.3: x (N, C, H, W), P {"1x1/weight": ...} -> (N, sum of the four widths, H, W)."""
    ### BEGIN SOLUTION
    b1 = conv_relu(x, P, "1x1")
    b3 = conv_relu(conv_relu(x, P, "3x3_reduce"), P, "3x3")
    b5 = conv_relu(conv_relu(x, P, "5x5_reduce"), P, "5x5")
    b4 = conv_relu(max_pool(x), P, "pool_proj")
    return np.concatenate([b1, b3, b5, b4], axis=1)
    ### END SOLUTION


# %%
result = check("07.3", inception_forward)
result

# %% [markdown]
# Your module instead of GoogLeNet's 3a, with its weights, on the photograph:

# %%
if result.passed:
    photo = {"image": mg.data.prepare(mg.data.photograph())}
    wires = net.infer(photo, ["pool2/3x3_s2", "inception_3a/output"])
    P = {key.removeprefix("inception_3a/"): net.params[key] for key in net.params if key.startswith("inception_3a/")}
    mine, engine = inception_forward(wires["pool2/3x3_s2"], P), wires["inception_3a/output"]
    print(f"3a by you: {mine.shape}, differs by up to {abs(mine - engine).max():.1e} in values to {engine.max():.1f}")

# %% [markdown]
# ## Switch a branch off
#
# A small Inception network learns to read digits. Then one branch of every module is set to zero. Guess which branch it
# misses most: "1x1", "3x3", "5x5" or "pool_proj".
#
# The next cell but one trains for about ten seconds and prints a line for each epoch.

# %%
predict("07.g", ...)

# %%
images, labels, test_images, test_labels = mg.data.digits(16)
EPOCHS = 1 if FAST else 2


def train(g):
    """Train a network on the digits, and print a line for each epoch."""
    for epoch in range(EPOCHS):
        steps = mg.training.train(g, images, labels, epochs=1, lr=0.05 / (1 + epoch), rng=epoch)
        print(f"epoch {epoch + 1} of {EPOCHS}{' (fast)' if FAST else ''}: loss {steps[-1].loss:.2f}")


def accuracy(g):
    """Return the accuracy on held-out digits."""
    return float((mg.evaluation.predict(g, test_images) == test_labels).mean())


mini = mg.models.mini_googlenet(10, in_channels=1, size=16, dropout=False, rng=0)
train(mini)
print(f"accuracy {accuracy(mini):.3f} on {len(test_labels)} held-out digits")

# %%
without = {"nothing": accuracy(mini)}
for branch_name in ("1x1", "3x3", "5x5", "pool_proj"):
    kept = {key: mini.params[key].copy() for key in mini.params if f"/bn_{branch_name}/" in key}
    for key in kept:
        mini.params[key][:] = 0
    without[branch_name] = accuracy(mini)
    for key, values in kept.items():
        mini.params[key][:] = values
assert accuracy(mini) == without["nothing"]
figure, _ = mg.viz.bar_chart(without, "accuracy without it", marked=["nothing"])
figure

# %%
outcome("07.g", min(without, key=without.get))

# %% [markdown]
# What you saw: the network was trained with all branches and misses each of them. That does not prove that a network
# trained without one would be worse. To know that, train it.

# %% [markdown]
# ## One branch in numbers
#
# The 5x5 branch of 4a: 480 channels, 48 filters of 5x5, on 14 x 14. First direct, then with a 1x1 to 16 channels in
# front. Guess the ratio of the costs.

# %%
predict("07.c", ...)

# %%
branch = comparisons.bottleneck("4a")
weights = 480 * 48 * 25, 480 * 16 + 16 * 48 * 25
assert np.isclose(branch.ratio, weights[0] / weights[1])
print(outcome("07.c", round(branch.ratio, 2)))
rows = [("MAC", branch.direct, branch.reduced), ("weights", *weights)]
mg.console.Table("", ("", ">direct", ">with a 1x1 in front"), rows)

# %% [markdown]
# ## Exercise 07.2: the cost of your bottleneck
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# The numbers are drawn from your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("07.2", student)

# %%
v = find("07.2").values(student)
# exercise 07.2
### BEGIN SOLUTION
bottleneck_macs = v["H"] ** 2 * (v["C"] * v["r"] + v["r"] * v["K"] * v["k"] ** 2)
### END SOLUTION
answer("07.2", bottleneck_macs)

# %% [markdown]
# ## Exercise 07.2b: what your bottleneck saves
#
# Difficulty: * of ***. About 3 minutes. Core.

# %%
ask("07.2b", student)

# %%
v = find("07.2b").values(student)
# exercise 07.2b
### BEGIN SOLUTION
times_fewer = v["C"] * v["K"] * v["k"] ** 2 / (v["C"] * v["r"] + v["r"] * v["K"] * v["k"] ** 2)
### END SOLUTION
answer("07.2b", times_fewer)

# %% [markdown]
# What you saw above: the same ratio for MACs and for weights. Every weight is used once at each of the 14 * 14
# positions, so the positions cancel.
#
# ## When does a bottleneck stop paying?
#
# The cost with a reduction to r channels grows in proportion to r. Guess at which r it meets the direct cost.

# %%
predict("07.d", ...)

# %%
figure, _, meet = drawing.bottleneck_costs(480, 48, 5, 14 * 14, chosen=16)
print(outcome("07.d", round(meet, 1)))
figure

# %% [markdown]
# ## What a bottleneck costs
#
# A 1x1 to 16 channels, then a 5x5 to 64, without ReLU between: together they are one 5x5 convolution. At one kernel
# position its weights are a matrix of 64 rows and 64 columns. Guess its rank.

# %%
predict("07.f", ...)

# %%
rng = np.random.default_rng(0)
w1, w2 = rng.normal(size=(16, 64, 1, 1)), rng.normal(size=(64, 16, 5, 5))
merged = np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])
x = rng.normal(size=(1, 64, 8, 8))


def conv(x, w):
    return mg.kernels.conv2d.forward(x, w, padding=w.shape[2] // 2, algorithm="im2col")


two, one, with_relu = conv(conv(x, w1), w2), conv(x, merged), conv(np.maximum(conv(x, w1), 0), w2)
print(f"largest difference of two layers and one: {abs(two - one).max():.1e}")
print(f"with a ReLU between: {abs(with_relu - one).max():.1f}, of values up to {abs(one).max():.1f}")
rank = int(np.linalg.matrix_rank(merged[:, :, 2, 2]))
outcome("07.f", rank)

# %%
assert rank == 16
assert np.allclose(two, one)

# %% [markdown]
# What you saw: each kernel position mixes at most 16 directions of the 64. That is what the reduction gives up. The
# ReLU between makes the pair a function that no single convolution computes, and it costs no MAC. That is the idea of
# Network in Network: a 1x1 is also one more non-linearity. Here is the small network again, trained without that ReLU
# (about ten seconds):

# %%
linear = mg.models.mini_googlenet(10, in_channels=1, size=16, dropout=False, rng=0)
for name in [name for name in linear.nodes if "relu" in name and "reduce" in name]:
    linear.nodes[name] = linear.nodes[name]._replace(layer=mg.layers.Dropout(0.0))  # passes everything on
train(linear)
print(f"MACs: {mg.count(mini).macs:,} and {mg.count(linear).macs:,}")
print(f"accuracy with the ReLU {without['nothing']:.3f}, without {accuracy(linear):.3f}; one run each, digits are easy")

# %% [markdown]
# ## The budget game
#
# Design a module to replace 4a: 480 channels of 14 x 14, at most 75 million MAC and 380,000 parameters, at least 480
# useful channels. After a reduction to r at most 3 r filters count as useful. Points are useful channels, times their
# mix of window sizes (1x1, 3x3, 5x5), for each million MAC, times what the module learns. For that, a small network
# with an eighth of your filters learns digits for a few seconds: 0 is chance, 1 is every held-out digit right. The
# paper's own module has these points:

# %%
print(budget.score(*MODULES["4a"]))

# %% [markdown]
# `budget.play("your name", ...)` scores a design and stores your best one in a file in this folder, which you may
# share. Two players are there already. One design was found by a search that knew only the counts. Does it learn?

# %%
print(budget.play("the paper with a wider 5x5", 160, 64, 192, 32, 96, 64))
print(budget.play("a search by counts", 228, 16, 51, 20, 60, 162))
budget.leaderboard()

# %% [markdown]
# What you saw: all sensible designs learn these easy digits, so the counts decide between them. (Another seed would
# change `learned` by a few hundredths.) A design with branches that are too narrow pays for it; try one.

# %% [markdown]
# ## Make it break
#
# A bottleneck of one channel is very cheap. Here the 3x3 and 5x5 branches of a small network read a single channel. It
# trains for a few seconds.

# %%
style = mg.models.Style(norm="batch", init="he", rng=0)
narrow = mg.Graph(image=(1, 16, 16))
wire = mg.models.inception(narrow, "image", "a", 16, 1, 24, 1, 8, 8, style=style)
wire = narrow.add("pool", mg.layers.MaxPool2d(3, 2, ceil_mode=True), wire)
wire = mg.models.inception(narrow, wire, "b", 32, 1, 48, 1, 16, 16, style=style)
wire = narrow.add("global", mg.layers.GlobalAvgPool2d(), wire)
narrow.add("classifier", mg.layers.Linear(narrow.shapes[wire][0], 10, rng=0), wire)
train(narrow)
print(f"accuracy with bottlenecks of one channel {accuracy(narrow):.3f}, of the network above {without['nothing']:.3f}")
print(f"MACs {mg.count(narrow).macs:,} and {mg.count(mini).macs:,}; two modules against four")
print("What else would you hold equal?")

# %% [markdown]
# ## Claims, checked

# %%
print(f"'112.9 M / 5.3 M operations': {branch.direct:,} and {branch.reduced:,}, holds as MAC")
ng = comparisons.bottleneck("3a")
print(f"'120.4 M to 12.4 M': {ng.direct:,} to {ng.reduced:,}, {ng.ratio:.2f} times, holds")
kernels = sorted({row.settings["kernel_size"][0] for row in c.rows if row.kind == "Conv2d" and "inception" in row.name})
print(f"'every kernel size at once': {kernels}")
towers = mg.count(mg.models.alexnet(groups=2, init="zeros"))
grouped = [row.name for row in towers.rows if row.settings.get("groups") == 2]
print(f"'all earlier models were linear': AlexNet had two towers, in {grouped}")
vgg = [row for row in mg.count(mg.models.vgg16(init="zeros")).rows if row.kind == "Conv2d"][:6]
size = sum(4 * row.activations for row in vgg) / 2**20
numbers = f"{size:.1f} MiB, {sum(row.params for row in vgg):,}, {sum(row.macs for row in vgg):,}"
print(f"'VGG's stem: 42.9 MB, 1.1 M, 7485 M': the first six convolutions have {numbers}")
whole = comparisons.stems()[1]
print(f"all seven with their pools: {whole.bytes / 2**20:.2f} MiB, {whole.params:,} parameters, {whole.macs:,} MAC")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then look: `quiz("07", answers=True)`.

# %%
glossary.terms("07")

# %%
quiz("07")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - Two 3x3 instead of one 5x5 (Inception v2): count a module with them. What changes in the receptive field?
# - A 1x7 and a 7x1 instead of a 7x7: `mg.layers.Conv2d(C, K, (1, 7), padding=(0, 3))`.
# - ResNeXt reads the module as equal branches, which is a grouped convolution. Count `Conv2d(256, 256, 3, padding=1,
#   groups=32)` next to Inception's 3a on the same feature map.

# %% [markdown]
# ## Exercise 07.1: design a stem
#
# Difficulty: ** of ***. About 15 minutes. Further.
#
# Choose and defend. Write a list of layers, `("conv", filters, kernel, stride)` with padding kernel // 2, or `("pool",
# kernel, stride)`, from 224 x 224 x 3 to 28 x 28 x 192, within 500 million MAC, 130,000 parameters and 8 MiB for the
# outputs of all layers.

# %%
# exercise 07.1
### BEGIN SOLUTION
my_stem = [("conv", 32, 3, 2), ("conv", 60, 3, 2), ("conv", 192, 3, 2)]
### END SOLUTION
check("07.1", my_stem)

# %% [markdown]
# What did you give up? Write one sentence for yourself: receptive field, width, overlap of windows, something else.

# %%
what_i_gave_up = ...

# %% [markdown]
# ## Exercise 07.4: the module backward
#
# Difficulty: *** of ***. About 25 minutes. Further.
#
# `cache` contains the results of the forward pass: "x", "pool" (the pooled input), "winners" (the argmax of the pool)
# and the output of every convolution after its ReLU, as cache["3x3_reduce"]. dout is (N, sum of the widths, H, W).
# Return dx and a dict of twelve gradients with the names of P. The engine's backward passes are at hand:


# %%
def conv_backward(d, x, P, name):
    """Return (dx, {"name/weight": ..., "name/bias": ...}) of one convolution that reads x."""
    w = P[f"{name}/weight"]
    pad = w.shape[2] // 2
    dx, dw, db = mg.kernels.conv2d.backward(d, x, w, P[f"{name}/bias"], padding=pad, algorithm="im2col")
    return dx, {f"{name}/weight": dw, f"{name}/bias": db}


def max_pool_backward(d, winners):
    """The backward pass of max_pool."""
    return mg.kernels.max_pool2d.backward(d, winners, d.shape[2:], 3, stride=1, padding=1)


_ = max_pool_backward(np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 3, 3), np.int64) + 4)


# %%
def inception_backward(cache, P, dout):
    """Exercise 07.4: cache, P, dout -> (dx, {"1x1/weight": ..., ...})."""
    ### BEGIN SOLUTION
    ends = np.cumsum([len(P[f"{name}/bias"]) for name in ("1x1", "3x3", "5x5")])
    d1, d3, d5, d4 = np.split(dout, ends, axis=1)
    dx, grads = conv_backward(d1 * (cache["1x1"] > 0), cache["x"], P, "1x1")
    for name, d in (("3x3", d3), ("5x5", d5)):
        reduced = cache[f"{name}_reduce"]
        inner, found = conv_backward(d * (cache[name] > 0), reduced, P, name)
        part, more = conv_backward(inner * (reduced > 0), cache["x"], P, f"{name}_reduce")
        dx, grads = dx + part, grads | found | more
    pooled, found = conv_backward(d4 * (cache["pool_proj"] > 0), cache["pool"], P, "pool_proj")
    return dx + max_pool_backward(pooled, cache["winners"]), grads | found
    ### END SOLUTION


# %%
result = check("07.4", inception_backward)
result

# %% [markdown]
# A second test, from lesson 04: the directional derivative of a loss, next to what your gradient predicts.

# %%
if result.passed:
    from minigooglenet.lessons.lesson_07_inception.module import run, weights

    rng = np.random.default_rng(3)
    x, P = rng.normal(size=(2, 3, 5, 4)), weights(rng, 3, 2, 3, 4, 2, 2, 2)
    dout, direction, h = rng.normal(size=(2, 10, 5, 4)), rng.normal(size=x.shape), 1e-6
    dx, _ = inception_backward(run(x, P), P, dout)
    numerical = ((inception_forward(x + h * direction, P) - inception_forward(x - h * direction, P)) * dout).sum() / (
        2 * h
    )
    print(f"directional derivative: numerical {numerical:.8f}, analytic {(dx * direction).sum():.8f}")

# %% [markdown]
# ## Exercise 07.2c: where a bottleneck stops paying
#
# Difficulty: ** of ***. About 5 minutes. Further.

# %%
ask("07.2c", student)

# %%
v = find("07.2c").values(student)
# exercise 07.2c
### BEGIN SOLUTION
largest_r = max(r for r in range(1, v["C"]) if r * (v["C"] + v["K"] * v["k"] ** 2) < v["C"] * v["K"] * v["k"] ** 2)
### END SOLUTION
answer("07.2c", largest_r)

# %% [markdown]
# All nine modules: what the reduction saves in the 5x5 and in the 3x3 branch.

# %%
gains = {}
for name, (_, r3, n3, r5, n5, _) in MODULES.items():
    C = c[f"inception_{name}/1x1"].input_shapes[0][0]
    gains[name] = C * n3 * 9 / (r3 * (C + 9 * n3)), C * n5 * 25 / (r5 * (C + 25 * n5))
    print(f"{name}: 3x3 {gains[name][0]:.1f} times, 5x5 {gains[name][1]:.1f} times fewer MACs")
threes, fives = zip(*gains.values(), strict=True)
print(f"3x3: {min(threes):.1f} to {max(threes):.1f}; 5x5: {min(fives):.1f} to {max(fives):.1f}")

# %% [markdown]
# What you saw: the reduction is what makes the 5x5 possible. For the 3x3 it helps much less.

# %% [markdown]
# ## Naive modules, stacked
#
# Without reductions and projection the pool branch passes on every channel that it gets. Guess: how many channels leave
# 5b? (In the paper's network it has 1024.)

# %%
predict("07.e", ...)

# %%
g = built_stem([("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 1), ("pool", 3, 2)])
style, wire, widths = mg.models.Style(init="zeros"), list(g.nodes)[-1], []
for name, (n1x1, _, n3x3, _, n5x5, _) in MODULES.items():
    wire = mg.models.inception_naive(g, wire, name, n1x1, n3x3, n5x5, style=style)
    widths.append(g.shapes[wire][0])
    if name in ("3b", "4e"):
        wire = g.add(f"pool_{name}", mg.layers.MaxPool2d(3, 2, ceil_mode=True), wire)
stacked = mg.count(g)
print("channels:", *widths)
print(f"{stacked.macs:,} MAC, {stacked.macs / c.macs:.1f} times the whole of GoogLeNet")
outcome("07.e", widths[-1])

# %%
each = comparisons.naive_modules()
naive, reduced = (sum(pair[i] for pair in each.values()) for i in range(2))
print(f"each naive module on the paper's own input: {naive:,} MAC against {reduced:,}, {naive / reduced:.2f} times")

# %% [markdown]
# What you saw: two different questions. A single naive module costs a few times more. Stacked, it also feeds the next
# one more channels, and the cost explodes.

# %% [markdown]
# ## Exercise 07.5: how wide naive modules grow
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# `modules` is a tuple of rows of Table 1 (six widths each: 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool_proj), `cin` the
# channels that the first module reads. Return the list of widths after each naive module: 1x1, 3x3 and 5x5 without
# reductions, and a pool without projection.


# %%
def naive_widths(modules, cin):
    """Exercise 07.5: modules ((n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj), ...), cin -> [width, ...]."""
    ### BEGIN SOLUTION
    found = []
    for n1x1, _, n3x3, _, n5x5, _ in modules:
        cin = n1x1 + n3x3 + n5x5 + cin
        found.append(cin)
    return found
    ### END SOLUTION


# %%
result = check("07.5", naive_widths)
result

# %%
if result.passed:
    assert list(naive_widths(tuple(MODULES.values()), 192)) == widths
    print("your widths are those of the stacked network above")
compare("07.5")

# %% [markdown]
# ## Exercise 07.6: two kernels in one
#
# Difficulty: *** of ***. About 10 minutes. Further.
#
# A 1x1 convolution w1 (r, C, 1, 1), then w2 (K, r, k, k), no bias, no ReLU between. Return the one kernel (K, C, k, k)
# that does both.


# %%
def merge(w1, w2):
    """Exercise 07.6: w1 (r, C, 1, 1), w2 (K, r, k, k) -> (K, C, k, k)."""
    ### BEGIN SOLUTION
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])
    ### END SOLUTION


# %%
check("07.6", merge)

# %% [markdown]
# ## Do units fire together?
#
# The correlation of the channels of the first module, over 100 digits and all positions. Strong colours off the
# diagonal are channels that say the same, or the opposite.

# %%
maps = mini.infer({"image": test_images[:100]}, "inception_3a/output")["inception_3a/output"]
figure, _ = drawing.correlations(maps.transpose(1, 0, 2, 3).reshape(maps.shape[1], -1))
figure
