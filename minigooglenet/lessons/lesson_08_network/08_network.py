# %% [markdown]
# # 08 Building the whole network; pooling instead of fully connected layers
#
# **The question.** Can you turn a table in a paper into a network, and prove that it is the right one?
#
# About 60 minutes. Needs lesson 07.
#
# Afterwards you can
#
# - build a graph with forks and auxiliary heads, and run it forward and backward in order;
# - count the depth of a network;
# - explain what global average pooling saves, and how it changes what the network does;
# - show that two networks are equal, and recognise tests that cannot show it.
#
# A network is a *graph*: its *nodes* are layers, and a *wire* is the array that a node returns. An *auxiliary head*, or
# *head* for short, is one of two small classifiers in the middle of GoogLeNet. *Logits* are the outputs of a
# classifier, one for each class, before the softmax. The *backbone* is every layer before the classifier.

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
# GoogLeNet has nine Inception modules, and the paper's table describes each by six channel counts. Suppose that you
# already have the layers: convolution, pooling and so on. Guess: how many lines of code does the whole network take?

# %%
predict("08.a", ...)

# %%
for name, widths in MODULES.items():
    print(name, *(f"{width:4}" for width in widths))

# %%
functions = (mg.models.googlenet, Builder.inception, Builder.auxiliary_head)
bodies = [inspect.getsource(function).split('"""')[-1] for function in functions]  # after the docstrings
lines = [line for body in bodies for line in body.splitlines() if line.strip()]
outcome("08.a", len(lines))

# %% [markdown]
# ## When a size is wrong, the error comes late
#
# Four pools of GoogLeNet halve height and width: pool1 to pool4. They round the output size up. After them, pool5
# averages 7 x 7 positions. Suppose that the first four rounded down. Guess: which node raises an error?

# %%
predict("08.b", ...)

# %%
backbone = mg.Graph(image=(3, 224, 224))
wire = backbone.add("conv1", mg.layers.Conv2d(3, 8, 7, 2, 3, init="zeros"), "image")
for number in range(1, 5):
    wire = backbone.add(f"pool{number}", mg.layers.MaxPool2d(3, 2), wire)
print("heights:", *(shape[1] for shape in backbone.shapes.values()))
try:
    backbone.add("pool5", mg.layers.AvgPool2d(7, 1), wire)
except ValueError as error:
    message = str(error)
assert backbone.shapes["pool1"] == (8, 55, 55)
outcome("08.b", message)

# %% [markdown]
# What you saw: the last node raises the error, but the first wrong size is the 55 after pool1, which should be 56. When
# a size is wrong, read the sizes from the beginning.

# %% [markdown]
# ## Exercise 08.1: feature maps for your image size
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# Your values depend on your name.

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
# One rule is worth remembering. If the input has height a, the output of a 3x3 pool of stride 2 has height a // 2 if
# the pool rounds up, and (a - 1) // 2 if it rounds down.

# %%
for a in (112, 111, 56, 27):
    up = mg.layers.MaxPool2d(3, 2, ceil_mode=True).output_shape((1, a, a))[1]
    down = mg.layers.MaxPool2d(3, 2).output_shape((1, a, a))[1]
    assert (up, down) == (a // 2, (a - 1) // 2)
    print(f"{a}: up {up}, down {down}")

# %% [markdown]
# ## How many layers has GoogLeNet?
#
# The paper gives three numbers: 22, 27 with pooling, and "about 100". The *depth* of an output is the number of layers
# with weights on the longest path from the image to it. Guess: what is the depth of the classifier of the *first* head,
# which reads the output of module 4a?

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
    (f"layers with weights on the longest path (with pools: {c.depth_with_pooling})", c.depth),
    (f"convolutions (with the linear layer: {convolutions + linear})", convolutions),
    ("layers with weights, including the heads", with_weights),
    ("nodes without ReLU, dropout and flattening, plus one softmax", counted),
    ("the same, with both heads and their softmax", counted_with_heads),
    (f"nodes of this engine's graph (with the heads: {len(all_rows)})", len(rows)),
]
print(outcome("08.c", mg.count(net, outputs=["loss1/classifier"]).depth))
mg.console.Table("", ("what is counted", ">number"), lines)

# %%
assert (c.depth, c.depth_with_pooling, convolutions) == (22, 27, 57)
assert (counted, counted_with_heads) == (84, 94)

# %% [markdown]
# What you saw: each of these numbers is a correct count of something. "22 layers" is the depth, not the number of
# layers in the figure of the network.

# %% [markdown]
# ## Forks: which nodes read the output of 4a?
#
# The *consumers* of a wire are the nodes that read it. A wire with several consumers is a *fork*. In the *backward
# pass*, from the loss back to the image, each consumer sends a gradient to the wire, and these gradients add up.
# Guess: how many consumers does the output of 4a have?

# %%
predict("08.e", ...)

# %%
consumers = [name for name, (_, wires) in net.nodes.items() if "inception_4a/output" in wires]
print(*consumers)


def gradient_at_4a(*classifiers):
    """Return the gradient at the output of 4a for an upstream gradient of 1 at the classifiers."""
    _, tape = net.forward({"image": photo}, outputs=list(net.outputs))  # the tape stores the caches for backward
    upstream = {wire: np.ones((1, 1000), np.float32) * (wire in classifiers) for wire in net.outputs}
    return net.backward(upstream, tape, wires="inception_4a/output")[0]["inception_4a/output"]


later, head = gradient_at_4a("loss2/classifier", "loss3/classifier"), gradient_at_4a("loss1/classifier")
both = gradient_at_4a(*net.outputs)
error = abs(both - later - head).max() / abs(both).max()
print(f"gradient from head 1 + gradient from the rest = whole gradient, up to a relative error of {error:.1e}")
assert error < 1e-4
outcome("08.e", len(consumers))

# %% [markdown]
# What you saw: head 1 and the four branches of 4b each send a gradient to 4a, and these five add up. Head 1 gives 4a a
# short path to a loss.

# %% [markdown]
# ## Exercise 08.2: the whole network from its table
#
# Difficulty: *** of ***. About 20 minutes. Core.
#
# Return the graph of GoogLeNet for images (3, 224, 224), with both heads. Nodes with weights must have the names from
# Caffe's version of the network: conv1/7x7_s2, conv2/3x3_reduce, conv2/3x3, inception_3a/1x1, /3x3_reduce, /3x3,
# /5x5_reduce, /5x5, /pool_proj, loss1/conv, loss1/fc, loss1/classifier, loss2/..., and finally loss3/classifier. You
# are free to choose all other names.
#
# - Backbone: convolution 7x7 with stride 2 to 64 channels; pool; normalisation (LRN); 1x1 to 64; 3x3 to 192;
#   normalisation; pool; nine modules, with pools after 3b and 4e; average pool 7x7; dropout 0.4. The pools are 3x3 with
#   stride 2 and round up.
# - Main classifier: linear layer to 1000.
# - Heads on 4a and 4d: average pool 5x5 with stride 3; 1x1 to 128; linear layer to 1024; dropout 0.7; linear layer to
#   1000.
# - A ReLU follows each convolution and each linear layer to 1024, but not the three linear layers to 1000.
#
# These four helpers add layers; one of them adds a whole head. For every other layer, `g.add(name, layer, *wires)` adds
# a node and returns its wire. The classes in `mg.layers` are MaxPool2d, AvgPool2d, LocalResponseNorm,
# Concat, Dropout, and Flatten, which turns a feature map into the vector that a linear layer reads.


# %%
def add_conv(g, wire, name, filters, kernel, stride=1):
    """Add a convolution (at stride 1 it keeps height and width) and a ReLU; return the wire of the ReLU."""
    layer = mg.layers.Conv2d(g.shapes[wire][0], filters, kernel, stride, kernel // 2, init="zeros")
    return g.add(f"{name}/relu", mg.layers.ReLU(), g.add(name, layer, wire))


def add_linear(g, wire, name, outputs):
    """Add a linear layer without ReLU; return its wire."""
    return g.add(name, mg.layers.Linear(g.shapes[wire][0], outputs, init="zeros"), wire)


def add_stage_pool(g, wire, name):
    """Add a 3x3 max pool of stride 2 that rounds up; return its wire."""
    return g.add(name, mg.layers.MaxPool2d(3, 2, ceil_mode=True), wire)


def add_head(g, wire, name):
    """Add a whole head; its last node is f"{name}/classifier"."""
    wire = g.add(f"{name}/pool", mg.layers.AvgPool2d(5, 3), wire)
    wire = g.add(f"{name}/flatten", mg.layers.Flatten(), add_conv(g, wire, f"{name}/conv", 128, 1))
    wire = g.add(f"{name}/relu", mg.layers.ReLU(), add_linear(g, wire, f"{name}/fc", 1024))
    add_linear(g, g.add(f"{name}/drop", mg.layers.Dropout(0.7), wire), f"{name}/classifier", 1000)


# %% [markdown]
# Write the module first. Its six channel counts are a row of the table: 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5,
# pool_proj.


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
    """Exercise 08.2: {"3a": (six channel counts), ...} -> the Graph of GoogLeNet."""
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
# The check gave your network and the engine's network the same random weights and compared 3,000 logits. Here your
# network gets the weights of `net` and reads the photograph:

# %%
if result.passed:
    yours = build(MODULES)
    for key, values in net.params.items():
        yours.params[key] = values
    print(f"largest difference between the logits: {abs(yours(photo) - net(photo)).max():.1e}")
    print(f"{mg.count(yours).params:,} parameters, {mg.count(yours).macs:,} MACs, including the heads")

# %% [markdown]
# ## Two networks that look alike
#
# In 4e, the 5x5 branch and the pool branch have the same number of channels. Exchange them in the concatenation. Guess:
# which of these change: the shapes, the number of parameters, the MACs, the loss of the untrained network, the logits?

# %%
predict("08.d", ...)


# %%
def exchanged(init):
    """Return two networks with equal weights; in the second, 4e concatenates its last two branches in reverse order."""
    pair = [mg.models.googlenet(init=init, rng=0) for _ in range(2)]
    node = pair[1].nodes["inception_4e/output"]
    a, b, five, pool = node.wires
    pair[1].nodes["inception_4e/output"] = node._replace(wires=(a, b, pool, five))
    return pair


def differences(pair):
    """Return which properties of two networks differ, and print their losses and logits."""
    logits = [g(photo)[0] for g in pair]
    losses = [mg.losses.softmax_cross_entropy(z[None], np.array([0]))[0] for z in logits]
    counts = [mg.count(g) for g in pair]
    print(f"losses {losses[0]:.6f} and {losses[1]:.6f}; ln 1000 is {np.log(1000):.6f}")
    difference = abs(logits[0] - logits[1]).max()
    print(f"largest logit {abs(logits[0]).max():.2g}, largest difference between the logits {difference:.2g}")
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
# So the loss can change too, but that depends on the weights. If their standard deviation is 0.01, the loss of both
# networks is ln 1000 to six decimals. If all weights are equal, even the logits agree:

# %%
pair = exchanged("gaussian")
print("standard deviation 0.01: these differ:", differences(pair))
for g in pair:
    for key in g.params:
        g.params[key][:] = 0.001
equal = [g(photo)[0] for g in pair]
print("equal weights: all classes have the same logit:", bool(np.ptp(equal[0]) == 0))
print("equal weights: both networks return the same logits:", bool(np.array_equal(*equal)))

# %% [markdown]
# What you saw: shapes and counts cannot reveal the exchange, and a loss may or may not. To show that two networks are
# equal, give both the same varied weights and the same varied image, so that no two values are equal, and compare their
# outputs.
#
# The page below shows GoogLeNet next to a version that you can download, torchvision's. *Side by side* marks what
# differs: the normalisation, the nine kernels that are called 5x5, and one pool.

# %%
published = mg.models.googlenet(variant="torchvision", init="zeros")
mg.view(mg.models.googlenet(init="zeros"), beside=published, panel="compare")

# %% [markdown]
# ## Pooling instead of a linear layer
#
# The last feature map has 1024 channels of 7 x 7. *Global average pooling* takes the mean of each channel over all
# positions, and one linear layer computes 1000 logits from the 1024 means. Earlier networks put large linear layers on
# the whole feature map instead. Guess: how many weights would a linear layer from this whole feature map to 1024 units
# have?

# %%
predict("08.f", ...)

# %%
avoided = comparisons.avoided_linear_weights()
direct = 7 * 7 * 1024 * 1000
print(f"linear layer from the whole feature map: {avoided:,} weights to 1024 units, {direct:,} to 1000 logits")
print(f"global average pooling: 0 weights, and the linear layer after it {c['loss3/classifier'].weights:,}")
times = (c.params - c["loss3/classifier"].weights + direct) / c.params
print(f"with a linear layer from the whole feature map to the logits, GoogLeNet would have {times:.1f} times")
print("as many parameters")
outcome("08.f", avoided)

# %% [markdown]
# What you saw: pooling has no weights. But "pooling replaces the linear layers" is not quite true: one of them remains.

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
# When you build a graph, it records the shape of every wire. In a forward pass it raises an error at the first node
# whose output has a different shape.

# %% [markdown]
# ## Claims, checked
#
# You may meet these claims about GoogLeNet elsewhere. Each line shows a claim and what you get when you count.

# %%
print(f"'22 floors of blue blocks': the longest path has {c.depth} layers, the figure has {with_weights} blue boxes")
remains = c["loss3/classifier"].weights
print(f"'pooling replaces the fully connected layer': {linear} linear layer remains, with {remains:,} weights")
print(f"'about 100 building blocks': {counted_with_heads} with heads and softmax, {counted - 1} without them")
heads = [net.nodes[f"{name}/ave_pool"] for name in ("loss1", "loss2")]
wires = " and ".join(node.wires[0] for node in heads)
print(f"'heads on 4a and 4d': they read {wires}, and their pool has stride {heads[0].layer.stride[0]}")
torchvision = mg.count(mg.models.googlenet(aux=False, norm="batch", init="zeros"))
fives = [row for row in torchvision.rows if row.name.endswith("/5x5")]
changed = torchvision.params - sum(row.weights * 16 // 25 for row in fives)
print(f"torchvision's 6,624,904 parameters: batch norm and 3x3 instead of 5x5 give {changed:,}")
assert changed == 6_624_904

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("08", answers=True)`.

# %%
glossary.terms("08")

# %%
quiz("08")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need what follows.
#
# - torchvision's GoogLeNet uses 3x3 kernels instead of the paper's 5x5, and batch norm instead of biases. Count it: it
#   has 6,624,904 parameters.
# - A weights file stores arrays by name. Which names must it contain for your `build`?
# - Build the network for 64 x 64 images. Which of the pools would you leave out?

# %% [markdown]
# ## Exercise 08.3: how deep a network is
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# `nodes` is a tuple of (name, has_weights, names of its inputs) in the order of execution. Nodes without inputs are
# images. Return how many nodes with weights are on the longest path that ends at `out`. Count `out` as well.


# %%
def depth(nodes, out):
    """Exercise 08.3: nodes ((name, has_weights, inputs), ...), out a name -> an integer."""
    ### BEGIN SOLUTION
    depths = {}
    for name, has_weights, inputs in nodes:
        depths[name] = int(has_weights) + max((depths[wire] for wire in inputs), default=0)
    return depths[out]
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
# ## Exercise 08.2b: values that reveal mistakes
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# The check has eight wrong Inception modules: a ReLU is missing, a padding is wrong, branches are exchanged, and so on.
# Choose an image x (N, C, H, W) and weights P of one module, as in lesson 07, so that the output of each wrong module
# differs from the correct output. Use at most 2,000 values in total.


# %%
def random_weights(rng, C, widths):
    """Return P with random integers from -2 to 2, for six channel counts in the order of Table 1."""
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
# ## Exercise 08.4: the backward pass of a graph with forks
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# In this small graph, every node is one number: a weighted sum of earlier nodes. `nodes` is a tuple of
# (name, ((input, factor), ...)) in the order of execution. The inputs of the graph come first, the output last. `dout`
# is the gradient at the output. Return {name: gradient} for all nodes. A node that does not influence the output has
# gradient 0.


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
# The engine's `Graph.backward` is the same loop, with arrays instead of numbers and layers instead of factors.

# %% [markdown]
# ## Exercise 08.5: a linear layer instead of pooling
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
# If you shift the 7 x 7 feature map by one position, the channel means do not change, but a linear layer on the
# flattened feature map gets different inputs.
#
# What happens if you shift the image instead? At 3a, neighbouring positions are 8 image pixels apart. You shift the
# photograph once by 8 pixels and once by 1 pixel. Guess: in which case does the feature map at 3a move but stay the
# same otherwise?

# %%
predict("08.g", ...)

# %%
last = net.infer({"image": photo}, "inception_5b/output")["inception_5b/output"][0]
shifted = np.roll(last, 1, axis=2)
w = np.random.default_rng(0).normal(size=last.size) / 100
print(f"the channel means change by up to {abs(last.mean((1, 2)) - shifted.mean((1, 2))).max():.1e}")
print(f"a linear unit on the flattened feature map: {w @ last.ravel():.1f}, after the shift {w @ shifted.ravel():.1f}")

# %%
wire = "inception_3a/output"
still = net.infer({"image": photo}, wire)[wire]
inside = slice(5, -5)  # away from the border, where np.roll wraps around
only_moves = []
for pixels in (8, 1):
    moved = net.infer({"image": np.roll(photo, pixels, axis=3)}, wire)[wire]
    expected = np.roll(still, pixels // 8, axis=3)
    error = abs(moved - expected)[:, :, inside, inside].max() / abs(still).max()
    print(f"shift of the image {pixels}, expected shift of 3a {pixels // 8}: relative difference {error:.1e}")
    if error < 1e-4:
        only_moves.append(pixels)
outcome("08.g", only_moves)

# %% [markdown]
# What you saw: if the image moves by 8 pixels, the feature map at 3a moves by one position and stays the same
# otherwise, except near the border. At 5b every position is near the border, because its *receptive field*, the image
# pixels that can change it, is larger than the image:

# %%
field = c["inception_5b/output"].receptive_field_max[0]
print(f"receptive field of 5b: {field} pixels, of 3a: {c['inception_3a/output'].receptive_field_max[0]}")
assert field > 224

# %% [markdown]
# ## Where is the class?
#
# A linear layer after a mean gives the same logits as the mean after a linear layer at each position. So each class has
# a map, and the mean of the map, plus the bias, is the logit of the class. To see such maps, you train a small network
# on digits. Training takes 10 to 20 seconds and prints one line per epoch.

# %%
images, labels, test_images, test_labels = mg.data.digits(32)
epochs = 1 if FAST else 2
if FAST:
    images, labels, test_images, test_labels = images[:320], labels[:320], test_images[:100], test_labels[:100]
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
# ## Exercise 08.6: the map of a class
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# `features` (C, H, W) is the feature map before global average pooling. `w` (classes, C) and `b` (classes,) are the
# weight and bias of the linear layer after it. Return the map (H, W) of class c: its mean, plus b[c], is the logit.


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
# The figure shows two of your maps: for the right class, and for the class with the second largest logit. Purple
# positions count for the class, orange positions against it. Each map has its own scale.

# %%
figure = None
if result.passed:
    logits = mini(test_images[:1])[0]
    second = int(np.argsort(logits)[-2])
    maps = {k: class_map(features, w, b, k) for k in (label, second)}
    for k, values in maps.items():
        print(f"class {k}: mean plus bias {values.mean() + b[k]:.3f}, logit {logits[k]:.3f}")
        assert np.isclose(values.mean() + b[k], logits[k], atol=1e-3)
    titled = {f"class {k}, logit {logits[k]:.1f}": values for k, values in maps.items()}
    figure, _ = mg.viz.images({"the digit": test_images[0, 0] + 1, **titled}, numbers=False, same_scale=False)
figure
