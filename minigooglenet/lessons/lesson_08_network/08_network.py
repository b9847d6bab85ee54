# %% [markdown]
# # 08 Building the whole net; pooling instead of fully connected layers
#
# **The question.** Can you go from a table in a paper to a network that is provably the same?
#
# About 60 minutes. Needs lesson 07.
#
# Afterwards you can
#
# - wire a graph with forks and heads, and run it forward and backward in order;
# - count depth;
# - say what global average pooling saves, and how the network behaves because of it;
# - prove that two networks are equal, and know what does not prove it.
#
# A *head* here is an auxiliary head: one of two small classifiers in the middle of GoogLeNet. *Logits* are the outputs
# of a classifier, one for each class, before the softmax. A network is a *graph*: its *nodes* are layers, and a *wire*
# is the array that a node returns.

# %%
import inspect
import os

import numpy as np

import minigooglenet as mg
from minigooglenet.counting import comparisons
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.models.blocks import Builder
from minigooglenet.models.googlenet import MODULES

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
net = mg.models.googlenet(init="he", rng=0)
c = mg.count(net, outputs=["loss3/classifier"])
photo = mg.data.prepare(mg.data.photograph())

# %% [markdown]
# ## The table as data
#
# The nine modules are nine rows of six numbers. Guess: how many lines of code does the network need, if convolution,
# pooling and the rest exist?

# %%
predict("08.a", ...)

# %%
for name, widths in MODULES.items():
    print(name, *(f"{width:4}" for width in widths))

# %%
written = (mg.models.googlenet, Builder.inception, Builder.auxiliary_head)
bodies = [inspect.getsource(function).split('"""')[-1] for function in written]  # after the docstrings
lines = [line for body in bodies for line in body.splitlines() if line.strip()]
outcome("08.a", len(lines))

# %% [markdown]
# ## When a size is wrong, the error comes late
#
# The pools between the stages round their output size up. Suppose they rounded down. Guess: which node raises the
# error?

# %%
predict("08.b", ...)

# %%
backbone = mg.Graph(image=(3, 224, 224))
wire = backbone.add("conv1", mg.layers.Conv2d(3, 8, 7, 2, 3, init="zeros"), "image")
for number in range(1, 5):
    wire = backbone.add(f"pool{number}", mg.layers.MaxPool2d(3, 2), wire)
print("sides:", *(shape[1] for shape in backbone.shapes.values()))
try:
    backbone.add("pool5", mg.layers.AvgPool2d(7, 1), wire)
except ValueError as error:
    message = str(error)
assert backbone.shapes["pool1"] == (8, 55, 55)
outcome("08.b", message)

# %% [markdown]
# What you saw: the error names the last node, but the first wrong size is the 55 after pool1, which should be 56. Read
# the sizes from the front.

# %% [markdown]
# ## Exercise 08.1: maps of your image size
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# The numbers are drawn from your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("08.1", student)

# %%
v = find("08.1").values(student)
# exercise 08.1
### BEGIN SOLUTION
sides_added = sum(-(-v["n"] // 2) // 2**pool for pool in range(5))
### END SOLUTION
answer("08.1", sides_added)

# %% [markdown]
# One thing to keep: a 3x3 pool of stride 2 that rounds up turns a into a // 2. One that rounds down gives (a - 1) // 2.

# %%
for a in (112, 111, 56, 27):
    up = mg.layers.MaxPool2d(3, 2, ceil_mode=True).output_shape((1, a, a))[1]
    down = mg.layers.MaxPool2d(3, 2).output_shape((1, a, a))[1]
    assert (up, down) == (a // 2, (a - 1) // 2)
    print(f"{a}: up {up}, down {down}")

# %% [markdown]
# ## How many layers has GoogLeNet?
#
# The paper says 22, "27 with pooling" and "about 100". Guess: how many layers with weights are on the longest path to
# the classifier of the *first* head, which sits on 4a?

# %%
predict("08.c", ...)

# %%
rows, all_rows = c.rows, mg.count(net).rows
without_weights = ("ReLU", "Flatten", "Dropout")
kinds = [row.kind for row in rows]
convolutions, linear = kinds.count("Conv2d"), kinds.count("Linear")
with_weights = sum(row.kind in ("Conv2d", "Linear") for row in all_rows)
counted = sum(kind not in without_weights for kind in kinds) + 1
counted_with_heads = sum(row.kind not in without_weights for row in all_rows) + 3
lines = [
    (f"layers with weights on the longest path; with pools {c.depth_with_pooling}", c.depth),
    (f"convolutions; with the linear layer {convolutions + linear}", convolutions),
    ("layers with weights, heads included", with_weights),
    ("nodes without ReLU, dropout and flattening, but with one softmax", counted),
    ("the same with both heads and their softmax", counted_with_heads),
    (f"nodes of this engine's graph; {len(all_rows)} with the heads", len(rows)),
]
print(outcome("08.c", mg.count(net, outputs=["loss1/classifier"]).depth))
mg.console.Table("", ("what is counted", ">number"), lines)

# %%
assert (c.depth, c.depth_with_pooling, convolutions) == (22, 27, 57)
assert (counted, counted_with_heads) == (84, 94)

# %% [markdown]
# What you saw: every number is true of something. "22 layers" is the longest path, not the number of boxes.

# %% [markdown]
# ## Forks: who reads the output of 4a?
#
# In the backward pass every consumer of a wire sends a gradient, and they add. Guess how many nodes read the output of
# 4a.

# %%
predict("08.e", ...)

# %%
consumers = [name for name, (_, wires) in net.nodes.items() if "inception_4a/output" in wires]
print(*consumers)


def gradient_at_4a(*classifiers):
    """Return the gradient at the output of 4a for an upstream gradient of 1 at the classifiers."""
    _, tape = net.forward({"image": photo}, outputs=list(net.outputs))  # the tape keeps what backward needs
    upstream = {wire: np.ones((1, 1000), np.float32) * (wire in classifiers) for wire in net.outputs}
    return net.backward(upstream, tape, wires="inception_4a/output")[0]["inception_4a/output"]


later, head = gradient_at_4a("loss2/classifier", "loss3/classifier"), gradient_at_4a("loss1/classifier")
both = gradient_at_4a(*net.outputs)
error = abs(both - later - head).max() / abs(both).max()
print(f"the gradients of head 1 and of the rest add up to the whole gradient, up to {error:.1e}")
assert error < 1e-4
outcome("08.e", len(consumers))

# %% [markdown]
# What you saw: the four branches of 4b and head 1 each send a gradient, and their sum arrives. The path from head 1 is
# short.

# %% [markdown]
# ## Exercise 08.2: the whole network from its table
#
# Difficulty: *** of ***. About 20 minutes. Core.
#
# Return the graph of GoogLeNet for images (3, 224, 224), with both heads. Nodes with weights have the names of Caffe's
# replication: conv1/7x7_s2, conv2/3x3_reduce, conv2/3x3, inception_3a/1x1, /3x3_reduce, /3x3, /5x5_reduce, /5x5,
# /pool_proj, loss1/conv, loss1/fc, loss1/classifier, loss2/..., and last loss3/classifier. All other names are yours.
#
# - Backbone: 7x7/2 to 64; pool; normalisation; 1x1 to 64; 3x3 to 192; normalisation; pool; nine modules, with pools
#   after 3b and 4e; average pool 7x7; dropout 0.4; linear to 1000. The pools between the stages are 3x3 of stride 2 and
#   round up.
# - Heads on 4a and 4d: average pool 5x5 of stride 3; 1x1 to 128; linear to 1024; dropout 0.7; linear to 1000.
# - A ReLU follows every convolution and the linear layers to 1024, but not the three classifiers.
#
# Four helpers, so that you write the wiring only. The head is one of them:


# %%
def add_conv(g, wire, name, filters, kernel, stride=1):
    """Add a convolution that keeps the size at stride 1, then a ReLU; return the wire of the ReLU."""
    layer = mg.layers.Conv2d(g.shapes[wire][0], filters, kernel, stride, kernel // 2, init="zeros")
    return g.add(f"{name}/relu", mg.layers.ReLU(), g.add(name, layer, wire))


def add_linear(g, wire, name, outputs):
    """Add a linear layer without ReLU; return its wire."""
    return g.add(name, mg.layers.Linear(g.shapes[wire][0], outputs, init="zeros"), wire)


def add_stage_pool(g, wire, name):
    """Add a pool between two stages; return its wire."""
    return g.add(name, mg.layers.MaxPool2d(3, 2, ceil_mode=True), wire)


def add_head(g, wire, name):
    """Add a head, whose last wire is f"{name}/classifier"."""
    wire = g.add(f"{name}/pool", mg.layers.AvgPool2d(5, 3), wire)
    wire = g.add(f"{name}/flatten", mg.layers.Flatten(), add_conv(g, wire, f"{name}/conv", 128, 1))
    wire = g.add(f"{name}/relu", mg.layers.ReLU(), add_linear(g, wire, f"{name}/fc", 1024))
    add_linear(g, g.add(f"{name}/drop", mg.layers.Dropout(0.7), wire), f"{name}/classifier", 1000)


# %% [markdown]
# First the module. Its six widths are a row of the table: 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool_proj.


# %%
def add_module(g, wire, name, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj):
    """Exercise 08.2: add one module and return the wire of its output."""
    ### BEGIN SOLUTION
    b1 = add_conv(g, wire, f"{name}/1x1", n1x1, 1)
    b3 = add_conv(g, add_conv(g, wire, f"{name}/3x3_reduce", n3x3red, 1), f"{name}/3x3", n3x3, 3)
    b5 = add_conv(g, add_conv(g, wire, f"{name}/5x5_reduce", n5x5red, 1), f"{name}/5x5", n5x5, 5)
    pooled = g.add(f"{name}/pool", mg.layers.MaxPool2d(3, 1, 1), wire)
    b4 = add_conv(g, pooled, f"{name}/pool_proj", pool_proj, 1)
    return g.add(f"{name}/output", mg.layers.Concat(), b1, b3, b5, b4)
    ### END SOLUTION


# %%
def build(modules):
    """Exercise 08.2: {"3a": (six widths), ...} -> the Graph of GoogLeNet."""
    ### BEGIN SOLUTION
    g = mg.Graph(image=(3, 224, 224))
    wire = add_stage_pool(g, add_conv(g, "image", "conv1/7x7_s2", 64, 7, 2), "pool1")
    wire = add_conv(g, g.add("norm1", mg.layers.LocalResponseNorm(), wire), "conv2/3x3_reduce", 64, 1)
    wire = add_conv(g, wire, "conv2/3x3", 192, 3)
    wire = add_stage_pool(g, g.add("norm2", mg.layers.LocalResponseNorm(), wire), "pool2")
    for name, widths in modules.items():
        wire = add_module(g, wire, f"inception_{name}", *widths)
        if name in ("4a", "4d"):
            add_head(g, wire, {"4a": "loss1", "4d": "loss2"}[name])
        if name in ("3b", "4e"):
            wire = add_stage_pool(g, wire, f"pool_{name}")
    wire = g.add("drop", mg.layers.Dropout(0.4), g.add("pool5", mg.layers.AvgPool2d(7, 1), wire))
    add_linear(g, g.add("flatten", mg.layers.Flatten(), wire), "loss3/classifier", 1000)
    return g
    ### END SOLUTION


# %%
result = check("08.2", build)
result

# %% [markdown]
# The check gave your network the engine's weights, all different, and compared 3,000 logits. Here is your network with
# the weights of the network above, on the photograph:

# %%
if result.passed:
    yours = build(MODULES)
    for key, values in net.params.items():
        yours.params[key] = values
    print(f"largest difference of logits: {abs(yours(photo) - net(photo)).max():.1e}")
    print(f"{mg.count(yours).params:,} parameters, {mg.count(yours).macs:,} MAC with heads")

# %% [markdown]
# ## Two networks that look alike
#
# In 4e the 5x5 branch and the pool branch have the same width. Exchange them in the concatenation. Guess which of these
# differ then: the shapes, the number of parameters, the MACs, the loss of the untrained net, the logits.

# %%
predict("08.d", ...)


# %%
def exchanged(init):
    """Return two networks with equal weights; in the second, 4e joins its last two branches in the other order."""
    pair = [mg.models.googlenet(init=init, rng=0) for _ in range(2)]
    node = pair[1].nodes["inception_4e/output"]
    a, b, five, pool = node.wires
    pair[1].nodes["inception_4e/output"] = node._replace(wires=(a, b, pool, five))
    return pair


def differences(pair):
    """Return the names of what differs between two networks, and print their losses and logits."""
    logits = [g(photo)[0] for g in pair]
    losses = [mg.losses.softmax_cross_entropy(z[None], np.array([0]))[0] for z in logits]
    counts = [mg.count(g) for g in pair]
    print(f"losses {losses[0]:.6f} and {losses[1]:.6f}; ln 1000 is {np.log(1000):.6f}")
    print(f"logits up to {abs(logits[0]).max():.2g}; they differ by up to {abs(logits[0] - logits[1]).max():.2g}")
    equal = {
        "shapes": pair[0].shapes == pair[1].shapes,
        "parameters": counts[0].params == counts[1].params,
        "MACs": counts[0].macs == counts[1].macs,
        "loss": round(float(losses[0]), 6) == round(float(losses[1]), 6),
        "logits": np.array_equal(*logits),
    }
    return [name for name, same in equal.items() if not same]


alike = differences(exchanged("he"))
assert alike == ["loss", "logits"]
outcome("08.d", alike)

# %% [markdown]
# So the loss can differ too. It depends on the weights. With weights of standard deviation 0.01 the loss is ln 1000 for
# both, to six places. With weights that are all equal, even the logits agree:

# %%
pair = exchanged("gaussian")
print("weights of 0.01: what differs is", differences(pair))
for g in pair:
    for key in g.params:
        g.params[key][:] = 0.001
equal = [g(photo)[0] for g in pair]
print("equal weights: all classes have the same logit:", bool(np.ptp(equal[0]) == 0))
print("equal weights: both networks return the same logits:", bool(np.array_equal(*equal)))

# %% [markdown]
# What you saw: shapes and counts do not differ, and a loss may or may not. To prove that two networks are equal, use
# weights and an image that differ everywhere, and compare outputs.

# %% [markdown]
# ## Pooling instead of a linear layer
#
# The last feature map is 1024 x 7 x 7. Global average pooling takes the mean of each channel, and one linear layer
# makes 1000 logits from 1024 means. Guess: how many weights would a linear layer to 1024 units have on the whole
# feature map?

# %%
predict("08.f", ...)

# %%
avoided = comparisons.avoided_linear_weights()
direct = 7 * 7 * 1024 * 1000
print(f"flattened map to 1024 units: {avoided:,} weights; straight to 1000 logits: {direct:,}")
print(f"pooling: 0; and the linear layer that remains: {c['loss3/classifier'].weights:,}")
times = (c.params - c["loss3/classifier"].weights + direct) / c.params
print(f"with one linear layer straight from the feature map GoogLeNet would have {times:.1f} times as many parameters")
outcome("08.f", avoided)

# %% [markdown]
# What you saw: pooling has no weights. But "pooling replaces the linear layers" is not the whole truth: one remains.

# %% [markdown]
# ## Make it break
#
# Change two pools of a finished network so that they round down.

# %%
floored = mg.models.googlenet(init="he", rng=0)
for name in ("pool1/3x3_s2", "pool2/3x3_s2"):
    floored.nodes[name].layer.ceil_mode = False
try:
    floored(photo)
except ValueError as error:
    print("ValueError:", str(error)[:160])

# %% [markdown]
# The graph knows the shape of every wire from when it was built. It raises an error at the first node whose output has
# another shape.

# %% [markdown]
# ## Claims, checked

# %%
print(f"'22 floors of blue blocks': the longest path has {c.depth}, blue boxes there are {with_weights}")
remains = c["loss3/classifier"].weights
print(f"'pooling replaces the fully connected layer': {linear} linear layer remains, {remains:,} weights")
print(f"'about 100 building blocks': {counted_with_heads} with heads, {counted - 1} without")
heads = [net.nodes[f"{name}/ave_pool"] for name in ("loss1", "loss2")]
on = " and ".join(node.wires[0] for node in heads)
print(f"'heads on 4a and 4d': on {on}; their pool has stride {heads[0].layer.stride[0]}, which notes leave out")
torchvision = mg.count(mg.models.googlenet(aux=False, norm="batch", init="zeros"))
fives = [row for row in torchvision.rows if row.name.endswith("/5x5")]
changed = torchvision.params - sum(row.weights * 16 // 25 for row in fives)
print(f"torchvision's 6,624,904 parameters: batch norm and 3x3 instead of 5x5 give {changed:,}")
assert changed == 6_624_904

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then look: `quiz("08", answers=True)`.

# %%
glossary.terms("08")

# %%
quiz("08")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - torchvision's GoogLeNet has a 3x3 where the paper has a 5x5, no bias, and batch norm. Count it: it has 6,624,904
#   parameters.
# - Load weights by names: which names does a weights file need for your `build`?
# - Build it for 64 x 64 images. Which of the pools would you leave out?

# %% [markdown]
# ## Exercise 08.3: how deep a network is
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# `nodes` is a tuple of (name, has_weights, names of its inputs) in the order of execution; nodes without inputs are
# images. Return how many nodes with weights are on the longest path that ends at `out`. Count `out` itself too.


# %%
def depth(nodes, out):
    """Exercise 08.3: nodes ((name, has_weights, inputs), ...), out a name -> an integer."""
    ### BEGIN SOLUTION
    found = {}
    for name, has_weights, inputs in nodes:
        found[name] = int(has_weights) + max((found[wire] for wire in inputs), default=0)
    return found[out]
    ### END SOLUTION


# %%
result = check("08.3", depth)
result

# %%
if result.passed:
    nodes = [("image", False, ())]
    nodes += [(name, layer.kind in ("Conv2d", "Linear"), wires) for name, (layer, wires) in net.nodes.items()]
    for out in net.outputs:
        print(f"{out}: depth {depth(tuple(nodes), out)}")
    assert depth(tuple(nodes), "loss3/classifier") == c.depth

# %% [markdown]
# ## Exercise 08.2b: numbers that reveal
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# Choose an image x (N, C, H, W) and weights P of one module, as in lesson 07, so that each of eight wrong modules (no
# ReLU somewhere, other padding, other order, ...) gives another result than the right one. Use at most 2,000 numbers.


# %%
def random_weights(rng, C, widths):
    """Return P with integers from -2 to 2, for six widths in the order of Table 1."""
    names, (_, r3, _, r5, _, _) = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj"), widths
    shapes = [(C, 1), (C, 1), (r3, 3), (C, 1), (r5, 5), (C, 1)]
    P = {}
    for name, K, (inputs, kernel) in zip(names, widths, shapes, strict=True):
        P[f"{name}/weight"] = rng.integers(-2, 3, (K, inputs, kernel, kernel)).astype(float)
        P[f"{name}/bias"] = rng.integers(-2, 3, K).astype(float)
    return P


# %%
# exercise 08.2b
### BEGIN SOLUTION
revealing = (
    np.random.default_rng(1).integers(-9, 5, (1, 3, 4, 5)).astype(float),
    random_weights(np.random.default_rng(2), 3, (2, 3, 3, 3, 3, 3)),
)
### END SOLUTION
check("08.2b", revealing)

# %% [markdown]
# ## Exercise 08.4: backwards through a graph with forks
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# Each node is a weighted sum of others: `nodes` is a tuple of (name, ((input, factor), ...)) in the order of execution,
# inputs of the whole graph first, the output last. dout is the gradient at the output. Return {name: gradient} for
# every node, and 0 for a node that does not influence the output.


# %%
def backprop(nodes, dout):
    """Exercise 08.4: nodes ((name, ((input, factor), ...)), ...), dout a number -> {name: gradient}."""
    ### BEGIN SOLUTION
    grad = {name: 0.0 for name, _ in nodes}
    grad[nodes[-1][0]] = dout
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            grad[wire] += factor * grad[name]
    return grad
    ### END SOLUTION


# %%
check("08.4", backprop)

# %% [markdown]
# The engine's `Graph.backward` is this loop, with arrays instead of numbers and layers instead of factors.

# %% [markdown]
# ## Exercise 08.5: a linear layer in place of pooling
#
# Difficulty: * of ***. About 4 minutes. Further.

# %%
ask("08.5", student)

# %%
v = find("08.5").values(student)
# exercise 08.5
### BEGIN SOLUTION
more = v["C"] * v["K"] * (v["h"] ** 2 - 1)
### END SOLUTION
answer("08.5", more)

# %% [markdown]
# ## What moves when the image moves?
#
# Shift the 7 x 7 feature map by one position. The means stay. A linear layer on the flattened map reads other values.
# And if the image itself moves? Guess: the photograph moves by 8 pixels, or by 1. In which case does the feature map at
# 3a (its neighbours are 8 pixels apart) just move?

# %%
predict("08.g", ...)

# %%
last = net.infer({"image": photo}, "inception_5b/output")["inception_5b/output"][0]
shifted = np.roll(last, 1, axis=2)
w = np.random.default_rng(0).normal(size=last.size) / 100
print(f"the means of the channels change by up to {abs(last.mean((1, 2)) - shifted.mean((1, 2))).max():.1e}")
print(f"one linear unit on the flattened map: {w @ last.ravel():.1f}, on the shifted map {w @ shifted.ravel():.1f}")

# %%
wire = "inception_3a/output"
still = net.infer({"image": photo}, wire)[wire]
inside = slice(5, -5)  # away from the border, where np.roll brings in the other side
just_moves = []
for pixels in (8, 1):
    moved = net.infer({"image": np.roll(photo, pixels, axis=3)}, wire)[wire]
    expected = np.roll(still, pixels // 8, axis=3)
    error = abs(moved - expected)[:, :, inside, inside].max() / abs(still).max()
    print(f"by {pixels} pixels: 3a, shifted by {pixels // 8} positions, differs by {error:.1e} of its maximum")
    if error < 1e-4:
        just_moves.append(pixels)
outcome("08.g", just_moves)

# %% [markdown]
# What you saw: 3a moves with shifts of 8 pixels, away from the border. At 5b every position is near the border, because
# its receptive field is wider than the image:

# %%
field = c["inception_5b/output"].receptive_field_max[0]
print(f"receptive field of 5b: {field} pixels, of 3a: {c['inception_3a/output'].receptive_field_max[0]}")
assert field > 224

# %% [markdown]
# ## Where is the class?
#
# Mean and linear layer may be exchanged: first weight the channels at each position, then take the mean. So each class
# has a map whose mean (plus the bias) is its logit. Here is a small network that learns digits. Training takes 10 to 20
# seconds; a line follows each epoch.

# %%
images, labels, test_images, test_labels = mg.data.digits(32)
epochs = 1 if FAST else 2
mini = mg.models.mini_googlenet(10, in_channels=1, dropout=False, rng=0)
for epoch in range(epochs):
    steps = mg.training.train(mini, images, labels, epochs=1, lr=0.05 / (1 + epoch), rng=epoch)
    print(f"epoch {epoch + 1} of {epochs}{' (fast)' if FAST else ''}: loss {steps[-1].loss:.2f}")
print(f"accuracy on held-out digits {(mg.evaluation.predict(mini, test_images) == test_labels).mean():.3f}")
wire = mini.nodes["pool5/global"].wires[0]
features = mini.infer({"image": test_images[:1]}, wire)[wire][0]
w, b = (mini.params[f"loss3/classifier/{key}"] for key in ("weight", "bias"))
label = int(test_labels[0])

# %% [markdown]
# ## Exercise 08.6: where a class is seen
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# features (C, H, W) is the feature map before global average pooling, w (classes, C) and b (classes,) are the linear
# layer after it. Return the map (H, W) of class c whose mean, plus b[c], is the logit.


# %%
def class_map(features, w, b, c):
    """Exercise 08.6: features (C, H, W), w (classes, C), b (classes,), c -> (H, W)."""
    ### BEGIN SOLUTION
    return np.tensordot(w[c], features, axes=1)
    ### END SOLUTION


# %%
result = check("08.6", class_map)
result

# %% [markdown]
# Your maps of the small network, for the right class and for the class with the next largest logit. Purple counts for
# the class and orange against it. Each map has its own scale.

# %%
figure = None
if result.passed:
    logits = mini(test_images[:1])[0]
    second = int(np.argsort(logits)[-2])
    maps = {k: class_map(features, w, b, k) for k in (label, second)}
    for k, values in maps.items():
        print(f"class {k}: mean and bias {values.mean() + b[k]:.3f}, logit {logits[k]:.3f}")
        assert np.isclose(values.mean() + b[k], logits[k], atol=1e-3)
    titled = {f"class {k}, logit {logits[k]:.1f}": values for k, values in maps.items()}
    figure, _ = mg.viz.images({"the digit": test_images[0, 0] + 1, **titled}, numbers=False, same_scale=False)
figure
