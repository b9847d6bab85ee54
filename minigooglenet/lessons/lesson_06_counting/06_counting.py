# %% [markdown]
# # 06 Counting, and auditing a famous table
#
# **Question.** Before you run a network: how large is it, how much does it compute, and how many input pixels can each
# output read?
#
# About 60 minutes. You need lesson 01. The primer in lesson 00 explains the backward pass and the *tape*.
#
# Afterwards you can
#
# - compute the parameters, multiply-adds (MAC), bytes and receptive field of a layer, and check them by measurement;
# - recognise which convention a published number follows;
# - find wrong published numbers.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_06_counting import audit, fields, padding

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))  # fewer images, for tests
net = mg.models.googlenet(aux=False, init="he", rng=0)
c = mg.count(net)
convolutions = [row for row in c.rows if row.kind == "Conv2d"]

# %% [markdown]
# ## One network, several conventions
#
# A MAC is two FLOP (floating-point operations). People write "1.6 G operations" and mean different things. Five tools
# and this course count the operations of a forward pass of GoogLeNet. What is the ratio of the largest to the smallest
# number?

# %%
predict("06.a", ...)

# %%
totals = {"MAC (this course)": c.macs, "FLOP": c.flops}
totals |= {f"convention of {name}": int(c.as_convention(name)) for name in mg.counting.CONVENTIONS}
print(outcome("06.a", round(max(totals.values()) / min(totals.values()), 3)))
print(f"{len(totals)} rows, {len(set(totals.values()))} different numbers. For example: {c.as_convention('ptflops')}")
mg.console.Table("GoogLeNet, one image", ("counted as", ">operations"), list(totals.items()))

# %% [markdown]
# What you saw: several correct answers. Some tools also count additions, pools or activations. Every total is exactly
# our count, or twice it, plus these.

# %% [markdown]
# ## The formula, and a counter in the innermost loop
#
# A convolution has K x Ho x Wo outputs, and each is a sum of C x R x S products:
#
# $$\mathrm{MAC} = K \cdot H_o \cdot W_o \cdot C \cdot R \cdot S$$
#
# `padding.by_loops` counts the products one by one. Some of them use the padding, which is zero. What fraction
# of GoogLeNet's MACs uses a real pixel?

# %%
predict("06.b", ...)

# %%
products, pixels = padding.by_loops(C=2, K=3, kernel=3, size=5, pad=1)
formula = mg.count(mg.layers.Conv2d(2, 3, 3, padding=1), (2, 5, 5)).macs
print(f"loops: {products} products, {pixels} of them with a real pixel; formula: {formula}")
assert products == formula == 3 * 5 * 5 * 2 * 3 * 3
real = {row.name: padding.with_a_pixel(row) for row in convolutions}
print(outcome("06.b", round((sum(real.values()) + c["loss3/classifier"].macs) / c.macs, 4)))

# %% [markdown]
# What you saw: the formula and the loops agree only if you count products with padding.

# %% [markdown]
# ## Exercise 06.1: count a convolution
#
# Difficulty: * of ***. About 10 minutes. Core.
#
# The layer has C input channels of H x W, K filters of R x S, and equal stride and padding along both axes. Return the
# parameters with biases, the MACs without biases, and the bytes of the float32 output, for one image.


# %%
def count_conv(C, K, R, S, H, W, stride, pad):
    """Exercise 06.1: return (params, macs, out_bytes), three integers."""
    ### BEGIN SOLUTION
    P = (H + 2 * pad - R) // stride + 1
    Q = (W + 2 * pad - S) // stride + 1
    return K * (C * R * S + 1), K * P * Q * C * R * S, 4 * K * P * Q
    ### END SOLUTION


# %%
result = check("06.1", count_conv)
result

# %% [markdown]
# Now count GoogLeNet with your formula:

# %%
if result.passed:
    counts = []
    for row in convolutions:
        (C, H, W), s = row.input_shapes[0], row.settings
        counts.append(count_conv(C, row.output_shape[0], *s["kernel_size"], H, W, s["stride"][0], s["padding"][0][0]))
    params, macs, _ = np.sum(counts, axis=0)
    print(f"your formula for {len(convolutions)} convolutions: {params:,} parameters, {macs:,} MAC")
    print("With the linear layer, the total is", "right" if macs + c["loss3/classifier"].macs == c.macs else "wrong")
compare("06.1")

# %% [markdown]
# ## Does pooling reduce the number of parameters?
#
# A pool halves the height and width of a feature map. Suppose GoogLeNet reads images of half the height and width. By
# what factors do its MACs and its parameters shrink?

# %%
predict("06.h", ...)

# %%
half = mg.count(mg.models.googlenet(aux=False, size=112, init="zeros"))
print(outcome("06.h", {"MAC": round(c.macs / half.macs, 2), "parameters": round(c.params / half.params, 2)}))
for side in (14, 7):
    inputs = 512 * side * side
    linear = mg.count(mg.layers.Linear(inputs, 100, init="zeros"), (inputs,))
    print(f"a linear layer, 100 outputs, on a flattened 512 x {side} x {side}: {linear.params:,} parameters")
assert half.params == c.params

# %% [markdown]
# What you saw: in GoogLeNet it does not, because the weights of a convolution do not depend on the input size, and the
# last pool returns 1,024 values for any image. In AlexNet and VGG a pool does reduce them, because a linear layer reads
# the flattened feature map.

# %% [markdown]
# ## Which pixels can change one value?
#
# The *receptive field* is the square of pixels that can change one value. You can measure it with a gradient of 1 at
# one value of a feature map: the backward pass shows which pixels matter. How many pixels wide is the square for
# inception_3a?

# %%
predict("06.d", ...)

# %%
sides = {}
for module in ("3a", "3b", "4a"):
    wire = f"inception_{module}/output"
    gradient = fields.squared_gradient(net, wire, images=4)  # of an image of 224 x 224
    sides[module] = fields.side(gradient), c[wire].receptive_field_max[0]
    print(f"{module}: measured {sides[module][0]} pixels, formula {sides[module][1]}")
print(outcome("06.d", sides["3a"][0]))
assert all(measured == formula for measured, formula in sides.values())

# %% [markdown]
# What you saw: the formula agrees with the measurement. Now write it.

# %% [markdown]
# ## Exercise 06.3: the receptive field
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# `layers` is a tuple of (kind, kernel, stride), from the image to the output. Return the width of the receptive field
# (the size), and the distance between the receptive fields of neighbouring outputs (the jump), both in pixels.


# %%
def receptive_field(layers):
    """Exercise 06.3: layers, a tuple of (kind, kernel, stride) -> (size, jump), both in pixels."""
    ### BEGIN SOLUTION
    size, jump = 1, 1
    for _kind, kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return size, jump
    ### END SOLUTION


# %%
result = check("06.3", receptive_field)
result

# %%
if result.passed:  # GoogLeNet through the 5x5 branches, without the 1x1 layers, which do not widen the field
    stem = (("conv", 7, 2), ("pool", 3, 2), ("conv", 3, 1), ("pool", 3, 2))
    fives = (("conv", 5, 1),)
    path = stem + 2 * fives + (("pool", 3, 2),) + 5 * fives + (("pool", 3, 2),) + 2 * fives
    print(f"5b: you get {receptive_field(path)[0]}, the engine {c['inception_5b/output'].receptive_field_max[0]}")

# %% [markdown]
# ## Auditing Table 1 of the paper
#
# The table prints parameters in K and operations in M. Compare them with our counts. Is K 1000 or 1024?

# %%
lines = mg.counting.table1.audit()
rows = [(x.name, f"{x.printed_params:g}", x.weights, f"{x.printed_ops:g}", x.macs / 1e6) for x in lines]
mg.console.Table("Printed and counted", ("row", ">K printed", ">weights", ">M printed", ">million MAC"), rows)

# %% [markdown]
# The first row differs most. What kind of layer has 2.7 K weights and 34 M multiply-adds on a 112 x 112 feature map?

# %%
predict("06.f", ...)

# %%
weights, macs = mg.counting.table1.separable_stem()
with_it = c.macs - lines[0].macs + macs
candidates = {"dense": (lines[0].weights, lines[0].macs), "separable": (weights, macs)}
for name, (w, m) in candidates.items():
    print(f"{name:9} {w / 1024:5.1f} K weights, {m / 1e6:6.1f} M multiply-adds")
nearest = min(candidates, key=lambda name: abs(candidates[name][1] - 34e6))
print(outcome("06.f", nearest))
print(f"the network with it: {with_it:,} MAC; the sum of the printed column: {sum(x.printed_ops for x in lines):g} M")

# %% [markdown]
# What you saw: the row fits a *separable* first layer (eight 7x7 filters per colour, then 1x1 to 64 channels), not a
# *dense* convolution over all channels. This is our inference; the paper does not mention it.

# %% [markdown]
# ## Exercise 06.4: audit Table 1
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# `lines` has the rows: `name`, `printed_params`, `printed_ops`, `weights`, `biases`, `macs`. Find the rows whose
# printed operations differ from our MACs in millions, both rounded and rounded down. Answer with a tuple (set of names,
# value of K).


# %%
# exercise 06.4
### BEGIN SOLUTION
audited = {line.name for line in lines if line.printed_ops not in (line.macs // 10**6, round(line.macs / 1e6))}, 1024
### END SOLUTION
check("06.4", audited)

# %% [markdown]
# ## Make it break
#
# What should a counter do with a layer of unknown cost?


# %%
class Mystery(mg.layers.ReLU):
    def operations(self, *input_shapes):
        raise NotImplementedError("its cost is unknown")


try:
    mg.count(Mystery(), (3, 8, 8))
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# An error is better than a total in which an unknown cost counts as zero.

# %% [markdown]
# ## Claims, checked

# %%
claims = [
    ("GoogLeNet needs 1.5 billion MACs", f"{with_it / 1e9:.1f}" == "1.5", "correct with a separable first layer"),
    ("the first row of Table 1 is a dense 7x7", nearest != "dense", "wrong, because its numbers fit a separable layer"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz

# %%
glossary.terms("06")

# %%
quiz("06")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need this part.
#
# - Every row has `grad_input_macs` and `grad_weight_macs`. Which layer is the most expensive in the backward pass?
# - Assume that reading a float32 from main memory costs as much energy as 100 MACs. Which layers are then the most
#   expensive?
# - Write your own convention that counts biases, ReLU and pooling windows, and give it a name.

# %% [markdown]
# ## Exercise 06.1b: parameters of your layer
#
# Difficulty: * of ***. About 3 minutes. Further.
#
# The numbers in the question depend on your name, and do not change.


# %%
student = "you"  # your name or number, if your course asks for it
ask("06.1b", student)

# %%
v = find("06.1b").values(student)  # the numbers of the question, by name
# exercise 06.1b
### BEGIN SOLUTION
your_params = v["K"] * (v["C"] * v["k"] ** 2 + 1)
### END SOLUTION
answer("06.1b", your_params)

# %% [markdown]
# ## Exercise 06.1c: multiply-adds of your layer
#
# Difficulty: * of ***. About 4 minutes. Further.
#
# The numbers in the question depend on your name.


# %%
ask("06.1c", student)

# %%
v = find("06.1c").values(student)
# exercise 06.1c
### BEGIN SOLUTION
your_macs = count_conv(v["C"], v["K"], v["k"], v["k"], v["H"], v["H"], v["s"], v["p"])[1]
### END SOLUTION
answer("06.1c", your_macs)

# %% [markdown]
# ## Exercise 06.2: multiply-adds of your module
#
# Difficulty: ** of ***. About 6 minutes. Further.
#
# In an Inception module, four branches read the same input:
#
# - 1x1;
# - 1x1 (the reduction), then 3x3;
# - 1x1 (the reduction), then 5x5;
# - a 3x3 pool with stride 1, then 1x1 (the projection).
#
# Their outputs are concatenated. The width of a layer is its number of output channels. Each of the four questions
# about a module uses different widths.


# %%
ask("06.2", student)

# %%
v = find("06.2").values(student)
# exercise 06.2
### BEGIN SOLUTION
module_macs = v["H"] ** 2 * (
    v["C"] * (v["n1x1"] + v["n3x3red"] + v["n5x5red"] + v["pool_proj"])
    + 9 * v["n3x3red"] * v["n3x3"]
    + 25 * v["n5x5red"] * v["n5x5"]
)
### END SOLUTION
answer("06.2", module_macs)

# %% [markdown]
# ## Exercise 06.2b: parameters of your module
#
# Difficulty: ** of ***. About 4 minutes. Further.
#
# The numbers in the question depend on your name.


# %%
ask("06.2b", student)

# %%
v = find("06.2b").values(student)
# exercise 06.2b
### BEGIN SOLUTION
module_params = (
    (v["C"] + 1) * (v["n1x1"] + v["n3x3red"] + v["n5x5red"] + v["pool_proj"])
    + (9 * v["n3x3red"] + 1) * v["n3x3"]
    + (25 * v["n5x5red"] + 1) * v["n5x5"]
)
### END SOLUTION
answer("06.2b", module_params)

# %% [markdown]
# ## Exercise 06.2c: output channels of your module
#
# Difficulty: * of ***. About 2 minutes. Further.
#
# The numbers in the question depend on your name.


# %%
ask("06.2c", student)

# %%
v = find("06.2c").values(student)
# exercise 06.2c
### BEGIN SOLUTION
module_width = v["n1x1"] + v["n3x3"] + v["n5x5"] + v["pool_proj"]
### END SOLUTION
answer("06.2c", module_width)

# %% [markdown]
# ## Exercise 06.2d: the fraction of the 5x5 branch
#
# Difficulty: ** of ***. About 3 minutes. Further.
#
# The numbers in the question depend on your name.


# %%
ask("06.2d", student)

# %%
v = find("06.2d").values(student)
# exercise 06.2d
### BEGIN SOLUTION
fraction_of_5x5 = (v["C"] * v["n5x5red"] + 25 * v["n5x5red"] * v["n5x5"]) / (
    v["C"] * (v["n1x1"] + v["n3x3red"] + v["n5x5red"] + v["pool_proj"])
    + 9 * v["n3x3red"] * v["n3x3"]
    + 25 * v["n5x5red"] * v["n5x5"]
)
### END SOLUTION
answer("06.2d", fraction_of_5x5)

# %% [markdown]
# ## Exercise 06.3b: the receptive field of your layers
#
# Difficulty: ** of ***. About 4 minutes. Further.
#
# The numbers in the question depend on your name.


# %%
ask("06.3b", student)

# %%
v = find("06.3b").values(student)
# exercise 06.3b
### BEGIN SOLUTION
your_field = receptive_field(v["layers"])[0]
### END SOLUTION
answer("06.3b", your_field)

# %% [markdown]
# ## The effective receptive field
#
# All pixels of a receptive field can change the output, but some matter more than others. How wide is the centred
# square that contains half of the squared gradient of 5b?

# %%
predict("06.e", ...)

# %%
sides = np.arange(1, 224, 2)
inside = fields.inside(fields.squared_gradient(net, "inception_5b/output", images=2 if FAST else 4), sides)
half_side, most_side = (int(sides[np.searchsorted(inside, fraction)]) for fraction in (0.5, 0.95))
print(outcome("06.e", half_side))
figure, _ = viz.line_chart({"5b": (sides, inside)}, "side of the square in pixels", "fraction of the gradient")
print(f"half is within {half_side} pixels, 95% within {most_side} ({2 if FAST else 4} images, random weights)")
for wire in ("inception_5b/output", "pool5/7x7_s1"):
    small, large = c[wire].receptive_field_min[0], c[wire].receptive_field_max[0]
    print(f"{wire}: {small} pixels through the 1x1 branches, {large} through the 5x5 branches; the image has 224")
figure

# %% [markdown]
# What you saw: the receptive field is only an upper bound. The effective receptive field is much smaller and
# concentrated at the centre.

# %% [markdown]
# ## Which layers need the most work and memory?
#
# The next two figures show the MACs and the largest output of each module.

# %%
modules = {name: rows for name, rows in c.modules().items() if not name.startswith("pool")}
work = {name: sum(row.macs for row in rows) / 1e6 for name, rows in modules.items()}
largest = {name: max(4 * row.activations for row in rows) / 2**20 for name, rows in modules.items()}
assert (max(work, key=work.get), max(largest, key=largest.get)) == ("conv2", "conv1")
figure, _ = viz.bar_chart(work, "million MAC", marked=["conv2"])
figure

# %%
figure, _ = viz.bar_chart(largest, "MiB of the largest output", marked=["conv1"])
figure

# %% [markdown]
# What you saw: most MACs are near the beginning of the network, and the largest output is that of the first layer. Most
# parameters are at the end (lesson 00).
#
# The next cell shows the network as a page. Choose *Parameters* as the colour, unfold a module with its triangle, and
# select a convolution: the panel shows the integers that give its counts.

# %%
mg.view(mg.models.googlenet(init="zeros"))

# %% [markdown]
# ## Memory over time
#
# Inference frees an array after its last consumer. A training step keeps the tape: all values that the backward pass
# needs. The tape is how many times as large as the peak memory of inference?

# %%
predict("06.g", ...)

# %%
live, inference = 4 * 3 * 224 * 224, []
for name, free in net.schedule():
    live += 4 * int(np.prod(net.shapes[name]))
    inference.append(live / 2**20)
    live -= sum(4 * int(np.prod(net.shapes[wire])) for wire in free)
tape = np.cumsum([row.tape_bytes for row in c.rows]) / 2**20
nodes = np.arange(len(inference))
curves = {"training, the tape": (nodes, tape), "inference": (nodes, inference)}
figure, _ = viz.line_chart(curves, "node", "MiB for one image", area=True)
figure

# %%
assert max(inference) * 2**20 == c.peak_wire_bytes
print(f"including the working memory of the convolutions: {c.memory()}")
print(outcome("06.g", round(float(tape[-1] / max(inference)), 1)))

# %% [markdown]
# What you saw: inference needs the most memory early and little afterwards. The tape grows until the end.

# %% [markdown]
# ## Exercise 06.5: the peak of live memory
#
# Difficulty: *** of ***. About 12 minutes. Further.
#
# `nodes` is a tuple of (name, size, names of the arrays that it reads), in the order in which the nodes run. A node
# that reads nothing is an input. An array is live from the moment it is computed until its last consumer has run. The
# last array is the result and stays live. Return the largest sum of the sizes of all live arrays.


# %%
def peak_live(nodes):
    """Exercise 06.5: nodes, a tuple of (name, size, wires) -> the largest sum of the sizes of live arrays."""
    ### BEGIN SOLUTION
    last = {wire: index for index, (_, _, wires) in enumerate(nodes) for wire in wires}
    size = {name: count for name, count, _ in nodes}
    live = peak = 0
    for index, (_name, count, wires) in enumerate(nodes):
        live += count
        peak = max(peak, live)
        live -= sum(size[wire] for wire in set(wires) if last[wire] == index)
    return peak
    ### END SOLUTION


# %%
result = check("06.5", peak_live)
result

# %%
if result.passed:
    described = [("image", 3 * 224 * 224, ())]
    described += [(name, int(np.prod(net.shapes[name])), wires) for name, (_, wires) in net.nodes.items()]
    print(f"GoogLeNet by your function: {4 * peak_live(tuple(described)):,} bytes; the engine: {c.peak_wire_bytes:,}")

# %% [markdown]
# ## Exercise 06.4b: eight published numbers
#
# Difficulty: ** of ***. About 15 minutes. Further.
#
# These numbers are from papers, slides and lecture notes. Compute each of them yourself and write {name: number}, with
# a relative error of at most one thousandth. How many of the published numbers are correct?


# %%
audit.published()

# %%
# exercise 06.4b
### BEGIN SOLUTION
counted = {
    "alexnet": mg.count(mg.models.alexnet(groups=2, init="zeros")).params / c.params,
    "parameters": c.params,
    "reduction": 100 * (1 - 6.67 / 15.3),
    "difference": 10.07 - 6.67,
    "stem": sum(row.macs for row in convolutions if row.module in ("conv1", "conv2")),
    "module": 28**2 * (256 * (128 + 64 + 64 + 64) + 9 * 64 * 192 + 25 * 64 * 96),
    "branch": 25 * 480 * 48 / (480 * 16 + 25 * 16 * 48),
    "field": c["pool5/7x7_s1"].receptive_field_max[0],
}
### END SOLUTION
check("06.4b", counted)

# %% [markdown]
# ## Published numbers, counted
#
# The next table shows the printed numbers next to yours.

# %%
audit.compared(counted)

# %%
wide = []
for rows in (rows for name, rows in c.modules().items() if name.startswith("inception")):
    width = {row.name.split("/")[1]: row.output_shape[0] for row in rows}
    wide.append((width["3x3"] + width["5x5"]) / width["output"])
print("fraction of 3x3 and 5x5 channels, 3a to 5b:", *(f"{fraction:.3f}" for fraction in wide))
assert wide != sorted(wide)
print("'The ratio of 3x3 and 5x5 increases in higher layers': wrong, it does not increase from module to module.")
threes = c.macs - sum(row.macs * 16 // 25 for row in convolutions if row.name.endswith("/5x5"))
print(f"Other versions of GoogLeNet use a 3x3 instead of each 5x5. That also gives 1.5 billion: {threes:,} MAC.")
assert f"{threes / 1e9:.1f}" == "1.5"

# %%
dense = mg.count(mg.layers.Linear(3 * 32 * 32, 32, init="zeros"), (3 * 32 * 32,)).params
conv = mg.count(mg.layers.Conv2d(3, 32, 3, init="zeros"), (3, 32, 32)).params
print(f"'896 against 32,000 parameters': the convolution has {conv}; a linear layer, 3 x 32 x 32 to 32, has {dense:,}")
listed = 28**2 * (256 * 128 + 256 * 64 * 3 + 9 * 64 * 192 + 25 * 64 * 96)
twice = listed + 28**2 * 9 * 64 * 192
print(f"'358M' on a well-known slide: its terms add up to {listed:,}; with the 3x3 counted twice, to {twice:,}")
naive = 28**2 * (256 * 128 + 9 * 256 * 192 + 25 * 256 * 96)
print(f"'854M' on the same slide, without reductions: correct as MACs, {naive:,}")
assert naive == 854_196_224
