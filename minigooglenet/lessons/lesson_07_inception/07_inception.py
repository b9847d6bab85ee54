# %% [markdown]
# # 07 Stem and Inception
#
# **Question.** Where should you spend a fixed budget of multiply-adds?
#
# About 60 minutes. You need lessons 05 and 06.
#
# Afterwards you can
#
# - compare stems, and explain in numbers why height and width shrink first;
# - explain why a 1x1 convolution comes first, and when it stops saving MACs;
# - write an Inception module forward and backward;
# - explain what a bottleneck loses.
#
# A *MAC* is one multiply-add. The *stem* is all the layers before the first Inception module.

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
# GoogLeNet and VGG-16 both shrink the image from 224 x 224 to 28 x 28 before the deep part begins. Guess: how many
# times as many MACs does VGG spend on that?

# %%
predict("07.a", ...)

# %%
googlenet_stem, vgg_stem = comparisons.stems()
ratios = {
    "memory": vgg_stem.bytes / googlenet_stem.bytes,
    "parameters": vgg_stem.params / googlenet_stem.params,
    "MAC": vgg_stem.macs / googlenet_stem.macs,
}
figure, _ = mg.viz.bar_chart(ratios, "VGG-16's stem divided by GoogLeNet's stem", marked=["MAC"])
figure

# %%
comparisons.stem_table()

# %%
outcome("07.a", round(ratios["MAC"], 1))

# %% [markdown]
# What you saw: seven 3x3 layers on large feature maps cost far more than one 7x7 layer that halves height and width,
# followed by a pool that halves them again.
#
# Now replace the 7x7 convolution of stride 2 with a 3x3 of stride 1, which has fewer MACs. In both cases a 3x3 to 64
# channels follows. Guess: by what factor does the replacement multiply the total MACs of the two layers?

# %%
predict("07.b", ...)

# %%
totals, lines = [], []
for first in (("conv", 64, 7, 2), ("conv", 64, 3, 1)):
    rows = mg.count(built_stem([first, ("conv", 64, 3, 1)])).rows
    totals.append(sum(row.macs for row in rows))
    lines.append((str(first), rows[0].macs, rows[1].macs, " x ".join(map(str, rows[1].output_shape))))
print(outcome("07.b", round(totals[1] / totals[0], 2)))
mg.console.Table("", ("first layer", ">its MACs", ">MACs of the 3x3 after it", "output"), lines)

# %% [markdown]
# What you saw: without the stride, the next layer works at twice the height and width and needs four times the MACs.
#
# ## What a module computes
#
# An Inception *module* has four *branches*, parallel paths that read the same feature map. Each branch has a different
# window, and their outputs are concatenated along the channels.

# %%
figure, _ = mg.viz.module_drawing(c, "inception_4a")
figure

# %% [markdown]
# In this example each branch does one simple thing: the 1x1 copies, the 3x3 finds vertical edges, the 5x5 blurs, and
# the pool takes the maximum of each 3x3 window.

# %%
photo = np.asarray(mg.data.photograph().convert("L").resize((64, 64)), np.float32)
image = photo[None, None]
edges = np.outer([1, 2, 1], [-1, 0, 1]).astype(np.float32)[None, None]
blur = np.full((1, 1, 5, 5), 1 / 25, np.float32)
maps = {"input": photo, "1x1: copies": photo}
maps["3x3: edges"] = np.maximum(mg.kernels.conv2d.forward(image, edges, padding=1), 0)[0, 0]
maps["5x5: blurs"] = mg.kernels.conv2d.forward(image, blur, padding=2)[0, 0]
maps["pool: maximum of 3x3"] = mg.kernels.max_pool2d.forward(image, 3, 1, 1)[0][0, 0]
figure, _ = mg.viz.images(maps, columns=5, same_scale=False)
figure

# %% [markdown]
# What you saw: the module computes four values for each position, from windows of three sizes. The next layer learns
# which of them to use.
#
# Why several sizes? The paper argues that units which are often active together should feed one unit of the next layer.
# Most such clusters sit at one position (1x1), fewer cover 3x3 positions, and still fewer cover 5x5. A sparse network
# built from these clusters would be best. Dense convolutions of several sizes approximate it, and they run as fast
# matrix products.

# %% [markdown]
# ## Exercise 07.3: the module forward
#
# Difficulty: ** of ***. About 15 minutes. Core.
#
# x has shape (N, C, H, W). P is a dict of twelve arrays, a weight and a bias for each of six convolutions:
# `P["3x3_reduce/weight"]` (K, C, 1, 1), `P["3x3_reduce/bias"]` (K,), and so on for 1x1, 3x3_reduce, 3x3, 5x5_reduce,
# 5x5 and pool_proj. A ReLU follows each convolution. The pool is 3x3 with stride 1. Concatenate the branches in this
# order: 1x1, 3x3, 5x5, pool.
#
# Use these helpers, or your own convolution from lesson 01.


# %%
def conv_relu(x, P, name):
    """Return relu(convolution of x), with the height and width of x."""
    w = P[f"{name}/weight"]
    pad = w.shape[2] // 2
    return np.maximum(mg.kernels.conv2d.forward(x, w, P[f"{name}/bias"], padding=pad, algorithm="im2col"), 0)


def max_pool(x):
    """Return the 3x3 max pool of x with stride 1, with the height and width of x."""
    return mg.kernels.max_pool2d.forward(x, 3, stride=1, padding=1)[0]


_ = max_pool(np.zeros((1, 1, 3, 3)))  # compiles it now, so that the check does not have to wait


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
# Now use your module as module 3a of GoogLeNet, with the weights of 3a. The image is the photograph:

# %%
if result.passed:
    photo = {"image": mg.data.prepare(mg.data.photograph())}
    wires = net.infer(photo, ["pool2/3x3_s2", "inception_3a/output"])
    P = {key.removeprefix("inception_3a/"): net.params[key] for key in net.params if key.startswith("inception_3a/")}
    yours, engine = inception_forward(wires["pool2/3x3_s2"], P), wires["inception_3a/output"]
    print(f"your 3a: shape {yours.shape}, largest value {yours.max():.1f}")
    print(f"largest difference from the engine's 3a: {abs(yours - engine).max():.1e}")

# %% [markdown]
# ## Switch a branch off
#
# You train a small Inception network on digits. Then you set one branch of every module to zero. Guess: which branch
# costs the most accuracy when it is switched off, "1x1", "3x3", "5x5" or "pool_proj"?
#
# Training takes about ten seconds and prints one line per epoch.

# %%
predict("07.g", ...)

# %%
images, labels, test_images, test_labels = mg.data.digits(16)
EPOCHS = 1 if FAST else 2
if FAST:
    images, labels = images[:480], labels[:480]


def train(g):
    """Train a network on the digits, and print one line per epoch."""
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
figure, _ = mg.viz.bar_chart(without, "accuracy without this branch", marked=["nothing"])
figure

# %%
outcome("07.g", min(without, key=without.get))

# %% [markdown]
# What you saw: the network was trained with all four branches, so removing any of them costs accuracy. That does not
# prove that a network *trained* without a branch would be worse. To find out, train one.

# %% [markdown]
# ## What a bottleneck saves
#
# The 5x5 branch of module 4a applies 48 filters of 5x5 to 480 channels of 14 x 14. The paper puts a *bottleneck* in
# front of them: a 1x1 convolution, the *reduction*, to only 16 channels. Guess: how many times as many MACs would the
# branch need without it?

# %%
predict("07.c", ...)

# %%
branch = comparisons.bottleneck("4a")
weights = 480 * 48 * 25, 480 * 16 + 16 * 48 * 25
assert np.isclose(branch.ratio, weights[0] / weights[1])
print(outcome("07.c", round(branch.ratio, 2)))
rows = [("MACs", branch.direct, branch.reduced), ("weights", *weights)]
mg.console.Table("", ("", ">without reduction", ">with a 1x1 in front"), rows)

# %% [markdown]
# ## Exercise 07.2: the cost of your bottleneck
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# The numbers in the question depend on your name.

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
# What you saw above: the ratio is the same for MACs and for weights. Every weight is used once at each of the 14 * 14
# positions, so the number of positions cancels.
#
# ## When does a bottleneck stop saving?
#
# The cost of the branch with a reduction to r channels grows in proportion to r. Guess: at which r does it equal the
# cost without a reduction?

# %%
predict("07.d", ...)

# %%
figure, _, meet = drawing.bottleneck_costs(480, 48, 5, 14 * 14, chosen=16)
print(outcome("07.d", round(meet, 1)))
figure

# %% [markdown]
# What you saw: the paper's 16 channels are far to the left of the point where the lines cross.
#
# ## What a bottleneck loses
#
# Take a 1x1 from 64 to 16 channels, then a 5x5 from 16 to 64 channels, with no ReLU in between. Together they compute
# one 5x5 convolution from 64 to 64 channels. At one kernel position, the weights of that convolution are a 64 x 64
# matrix. Its *rank* is the number of its linearly independent rows. Guess: what is the rank?

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
print(f"largest difference between two layers and one: {abs(two - one).max():.1e}")
print(f"with a ReLU in between: {abs(with_relu - one).max():.1f}, for values up to {abs(one).max():.1f}")
rank = int(np.linalg.matrix_rank(merged[:, :, 2, 2]))
outcome("07.f", rank)

# %%
assert rank == 16
assert np.allclose(two, one)

# %% [markdown]
# What you saw: a full 64 x 64 matrix can have rank 64, but after the reduction its rank is at most 16. That is what a
# bottleneck loses. With a ReLU in between, the two layers compute a function that no single convolution can compute,
# and the ReLU costs no MACs. This idea comes from the paper *Network in Network*: a 1x1 convolution with a ReLU also
# adds a non-linearity. Here is the small network again, trained without the ReLUs after the reductions (about ten
# seconds):

# %%
linear = mg.models.mini_googlenet(10, in_channels=1, size=16, dropout=False, rng=0)
for name in [name for name in linear.nodes if "relu" in name and "reduce" in name]:
    linear.nodes[name] = linear.nodes[name]._replace(layer=mg.layers.Dropout(0.0))  # returns its input
train(linear)
print(f"MACs with these ReLUs {mg.count(mini).macs:,}, without {mg.count(linear).macs:,}")
print(f"accuracy with these ReLUs {without['nothing']:.3f}, without {accuracy(linear):.3f}")
print("These are single runs, and digits are easy.")

# %% [markdown]
# ## The budget game
#
# Design a module to replace 4a. It reads 480 channels of 14 x 14. It may cost at most 75 million MACs and 380,000
# parameters, and it must return at least 480 useful channels. (After a reduction to r channels, at most 3r filters
# count as useful.) Your points are a product of four factors:
#
# - the number of useful channels;
# - their mix of window sizes: 1 if all are of one size, 3 if 1x1, 3x3 and 5x5 are equally common;
# - 1 divided by the cost in millions of MACs;
# - `learned`: a small network with an eighth of your filters is trained on digits for a few seconds, and its accuracy
#   on held-out digits is scaled so that 0 is chance and 1 is perfect.
#
# The paper's module gets these points:

# %%
print(budget.score(*MODULES["4a"]))

# %% [markdown]
# `budget.play("your name", ...)` scores a design and stores your best one in a file in this folder, which you can send
# to others. The next cell enters two designs. The second one comes from a search that only looked at counts. Does it
# learn?

# %%
print(budget.play("the paper with a wider 5x5", 160, 64, 192, 32, 96, 64))
print(budget.play("a search by counts", 228, 16, 51, 20, 60, 162))
budget.leaderboard()

# %% [markdown]
# What you saw: all sensible designs learn these easy digits, so the counts decide between them. (A different seed
# changes `learned` by a few hundredths.) A design with very narrow branches learns less. Try one.

# %% [markdown]
# ## Make it break
#
# A bottleneck of one channel is very cheap. Here the 3x3 and 5x5 convolutions of a small network each read a single
# channel. Training takes a few seconds.

# %%
style = mg.models.Style(norm="batch", init="he", rng=0)
narrow = mg.Graph(image=(1, 16, 16))
wire = mg.models.inception(narrow, "image", "a", 16, 1, 24, 1, 8, 8, style=style)
wire = narrow.add("pool", mg.layers.MaxPool2d(3, 2, ceil_mode=True), wire)
wire = mg.models.inception(narrow, wire, "b", 32, 1, 48, 1, 16, 16, style=style)
wire = narrow.add("global", mg.layers.GlobalAvgPool2d(), wire)
narrow.add("classifier", mg.layers.Linear(narrow.shapes[wire][0], 10, rng=0), wire)
train(narrow)
print(f"bottlenecks of one channel: accuracy {accuracy(narrow):.3f}, {mg.count(narrow).macs:,} MACs, two modules")
print(f"the network above: accuracy {without['nothing']:.3f}, {mg.count(mini).macs:,} MACs, four modules")
print("Is this a fair comparison? What would you keep equal?")

# %% [markdown]
# ## Claims, checked
#
# You may meet these claims about GoogLeNet elsewhere. Each line shows a claim and what you get when you count.

# %%
print(f"'112.9 M / 5.3 M operations': {branch.direct:,} and {branch.reduced:,}; true, if an operation is a MAC")
ng = comparisons.bottleneck("3a")
print(f"'120.4 M to 12.4 M' (5x5 of 3a): {ng.direct:,} to {ng.reduced:,} MACs, {ng.ratio:.2f} times fewer; true")
kernels = sorted({row.settings["kernel_size"][0] for row in c.rows if row.kind == "Conv2d" and "inception" in row.name})
print(f"'every kernel size at once': the kernel sizes are {kernels}")
towers = mg.count(mg.models.alexnet(groups=2, init="zeros"))
grouped = [row.name for row in towers.rows if row.settings.get("groups") == 2]
print(f"'all earlier models were chains': AlexNet has two parallel groups, in {', '.join(grouped)}")
vgg = [row for row in mg.count(mg.models.vgg16(init="zeros")).rows if row.kind == "Conv2d"][:6]
size = sum(4 * row.activations for row in vgg) / 2**20
costs = f"{size:.1f} MiB, {sum(row.params for row in vgg):,} parameters, {sum(row.macs for row in vgg):,} MACs"
print(f"'VGG's stem: 42.9 MB, 1.1 M, 7485 M': these are the first six convolutions, {costs}")
mib = vgg_stem.bytes / 2**20
print(f"all seven with their pools: {mib:.2f} MiB, {vgg_stem.params:,} parameters, {vgg_stem.macs:,} MACs")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("07", answers=True)`.

# %%
glossary.terms("07")

# %%
quiz("07")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need what follows.
#
# - Inception v2 replaces each 5x5 with two 3x3 convolutions. Count such a module. How does the receptive field change?
# - Inception v3 replaces 7x7 with 1x7 and 7x1: `mg.layers.Conv2d(C, K, (1, 7), padding=(0, 3))`. Count that.
# - ResNeXt makes all branches of a module equal, which gives a grouped convolution. Count `Conv2d(256, 256, 3,
#   padding=1, groups=32)` next to Inception's 3b on the same feature map.

# %% [markdown]
# ## Exercise 07.1: design a stem
#
# Difficulty: ** of ***. About 15 minutes. Further.
#
# Write a stem as a list of layers. A layer is `("conv", filters, kernel, stride)`, with padding kernel // 2, or
# `("pool", kernel, stride)`. The list must turn 3 channels of 224 x 224 into 192 channels of 28 x 28. It may cost at
# most 500 million MACs, 130,000 parameters, and 8 MiB for the outputs of all layers.

# %%
# exercise 07.1
### BEGIN SOLUTION
my_stem = [("conv", 32, 3, 2), ("conv", 60, 3, 2), ("conv", 192, 3, 2)]
### END SOLUTION
check("07.1", my_stem)

# %% [markdown]
# What did you give up: receptive field, channels, overlap of windows, or something else? Write one sentence for
# yourself.

# %%
what_i_gave_up = ...

# %% [markdown]
# ## Exercise 07.4: the module backward
#
# Difficulty: *** of ***. About 25 minutes. Further.
#
# `cache` contains the results of the forward pass: "x", "pool" (the pooled input), "winners" (the argmax of the pool),
# and each convolution's output after its ReLU, for example cache["3x3_reduce"]. `dout` has the shape of the module's
# output, (N, channels of the four branches, H, W). Return dx and a dict of twelve gradients with the keys of P. These
# helpers run the engine's backward pass of one layer:


# %%
def conv_backward(d, x, P, name):
    """Return (dx, {"name/weight": ..., "name/bias": ...}) of one convolution that reads x."""
    w = P[f"{name}/weight"]
    pad = w.shape[2] // 2
    dx, dw, db = mg.kernels.conv2d.backward(d, x, w, P[f"{name}/bias"], padding=pad, algorithm="im2col")
    return dx, {f"{name}/weight": dw, f"{name}/bias": db}


def max_pool_backward(d, argmax):
    """Return dx of max_pool."""
    return mg.kernels.max_pool2d.backward(d, argmax, d.shape[2:], 3, stride=1, padding=1)


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
        inner, second = conv_backward(d * (cache[name] > 0), reduced, P, name)
        part, first = conv_backward(inner * (reduced > 0), cache["x"], P, f"{name}_reduce")
        dx, grads = dx + part, grads | first | second
    pooled, projection = conv_backward(d4 * (cache["pool_proj"] > 0), cache["pool"], P, "pool_proj")
    return dx + max_pool_backward(pooled, cache["winners"]), grads | projection
    ### END SOLUTION


# %%
result = check("07.4", inception_backward)
result

# %% [markdown]
# Now test it a second time, as in lesson 04. The *directional derivative* is the rate at which the loss changes if x
# moves along one random direction. Compare the numerical one with the one from your gradient:

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
# ## Exercise 07.2c: where a bottleneck stops saving
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
# How much does the reduction save in the 3x3 and in the 5x5 branch? Here are all nine modules:

# %%
gains = {}
for name, (_, r3, n3, r5, n5, _) in MODULES.items():
    C = c[f"inception_{name}/1x1"].input_shapes[0][0]
    gains[name] = C * n3 * 9 / (r3 * (C + 9 * n3)), C * n5 * 25 / (r5 * (C + 25 * n5))
    print(f"{name}: 3x3 {gains[name][0]:.1f} times, 5x5 {gains[name][1]:.1f} times fewer MACs")
threes, fives = zip(*gains.values(), strict=True)
print(f"3x3: {min(threes):.1f} to {max(threes):.1f}; 5x5: {min(fives):.1f} to {max(fives):.1f}")

# %% [markdown]
# What you saw: without the reductions the 5x5 branches would be very expensive. In the 3x3 branches the
# reductions save much less.

# %% [markdown]
# ## Naive modules, stacked
#
# A *naive module* has no bottlenecks and no projection after the pool, so the pool branch returns as many channels as
# it reads. Replace all nine modules with naive ones. Guess: how many channels does the last one, 5b, return? (In the
# paper's network it returns 1,024.)

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
print(f"{stacked.macs:,} MACs, {stacked.macs / c.macs:.1f} times those of the whole GoogLeNet")
outcome("07.e", widths[-1])

# %%
pairs = comparisons.naive_modules().values()
naive, reduced = (sum(pair[i] for pair in pairs) for i in range(2))
print("If each naive module reads the paper's input instead of the output of the naive module before it,")
print(f"the nine cost {naive:,} MACs, {naive / reduced:.2f} times the {reduced:,} of the paper's modules.")

# %% [markdown]
# What you saw: a single naive module costs a few times as much as the paper's. In a stack, each naive module also gives
# more channels to the next one, and the cost explodes.
#
# The next cell shows GoogLeNet as a page. The panel *Change* has the seven integers of module 4a, with the naive module
# next to it. Change the reduction before the 5x5: the MACs of the module and of the whole network follow.

# %%
mg.view(mg.models.googlenet(init="zeros"), select="inception_4a", panel="change")

# %% [markdown]
# ## Exercise 07.5: how wide naive modules grow
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# `modules` is a tuple of rows of the paper's Table 1. Each row has six channel counts: 1x1, 3x3_reduce, 3x3,
# 5x5_reduce, 5x5, pool_proj. `cin` is the number of channels that the first module reads. Build naive modules from
# these rows (1x1, 3x3 and 5x5 without reductions, and a pool without projection) and stack them. Return a list with
# the channel count after each module.


# %%
def naive_widths(modules, cin):
    """Exercise 07.5: modules ((n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj), ...), cin -> [channels, ...]."""
    ### BEGIN SOLUTION
    channels = []
    for n1x1, _, n3x3, _, n5x5, _ in modules:
        cin = n1x1 + n3x3 + n5x5 + cin
        channels.append(cin)
    return channels
    ### END SOLUTION


# %%
result = check("07.5", naive_widths)
result

# %%
if result.passed:
    assert list(naive_widths(tuple(MODULES.values()), 192)) == widths
    print("your channel counts agree with the stacked network above")
compare("07.5")

# %% [markdown]
# ## Exercise 07.6: two kernels in one
#
# Difficulty: *** of ***. About 10 minutes. Further.
#
# A k x k convolution with weights w2 (K, r, k, k) follows a 1x1 convolution with weights w1 (r, C, 1, 1). Neither has a
# bias, and no ReLU comes between them. Return the weights (K, C, k, k) of one convolution with the same result.


# %%
def merge(w1, w2):
    """Exercise 07.6: w1 (r, C, 1, 1), w2 (K, r, k, k) -> (K, C, k, k)."""
    ### BEGIN SOLUTION
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])
    ### END SOLUTION


# %%
check("07.6", merge)

# %% [markdown]
# ## Do channels fire together?
#
# The figure shows the correlation between the channels of the first module, over 100 digits and all positions. A strong
# colour off the diagonal marks two channels that carry the same information, or its opposite.

# %%
maps = mini.infer({"image": test_images[:100]}, "inception_3a/output")["inception_3a/output"]
figure, _ = drawing.correlations(maps.transpose(1, 0, 2, 3).reshape(maps.shape[1], -1))
figure
