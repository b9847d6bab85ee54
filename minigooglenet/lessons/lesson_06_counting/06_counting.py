# %% [markdown]
# # 06 Counting, and auditing a famous table
#
# **Question.** How large and how slow is a network, and how much of the image does it see, before it has run?
#
# About 60 minutes. Needs lesson 01. Sending a gradient back, and the *tape*, are in the primer of lesson 00.
#
# Afterwards you can
#
# - work out parameters, multiply-adds (MAC), bytes and receptive field of a layer by formula, and check them by
#   measurement;
# - say which convention a published number follows;
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
# A MAC is two FLOP (floating-point operations). People write "1.6 G operations" and mean different things. What is the
# ratio of the largest to the smallest number that five tools and this course give for one forward pass of GoogLeNet?

# %%
predict("06.a", ...)

# %%
totals = {"MAC (this course)": c.macs, "FLOP": c.flops}
totals |= {f"as {name} counts": int(c.as_convention(name)) for name in mg.counting.CONVENTIONS}
print(outcome("06.a", round(max(totals.values()) / min(totals.values()), 3)))
print(f"{len(totals)} lines, {len(set(totals.values()))} different numbers. For example: {c.as_convention('ptflops')}")
mg.console.Table("GoogLeNet, one image", ("counted as", ">operations"), list(totals.items()))

# %% [markdown]
# What you saw: several true answers. Every total is an exact sum of ours and of the additions, poolings or activations
# that the tool counts too.

# %% [markdown]
# ## The formula against a counter in the innermost loop
#
# A convolution has K x Ho x Wo outputs, and each is a sum of C x R x S products:
#
# $$\mathrm{MAC} = K \cdot H_o \cdot W_o \cdot C \cdot R \cdot S$$
#
# `padding.by_loops` counts the products one by one. Some of them meet the padding, where the image is zero. Which
# fraction of GoogLeNet's MACs meets a real pixel?

# %%
predict("06.b", ...)

# %%
every, pixels = padding.by_loops(C=2, K=3, kernel=3, size=5, pad=1)
formula = mg.count(mg.layers.Conv2d(2, 3, 3, padding=1), (2, 5, 5)).macs
print(f"loops: {every} products, {pixels} of them with a real pixel; formula: {formula}")
assert every == formula == 3 * 5 * 5 * 2 * 3 * 3
real = {row.name: padding.with_a_pixel(row) for row in convolutions}
print(outcome("06.b", round((sum(real.values()) + c["loss3/classifier"].macs) / c.macs, 4)))

# %% [markdown]
# What you saw: formula and loops agree only if products with padding count.

# %% [markdown]
# ## Exercise 06.1: count a convolution
#
# Difficulty: * of ***. About 10 minutes. Core.
#
# C input channels of H x W, K filters of R x S, the same stride and padding along both axes. Return the parameters with
# biases, the MACs without biases, and the bytes of the float32 output, for one image.


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
# Your formula counts GoogLeNet:

# %%
if result.passed:
    found = []
    for row in convolutions:
        (C, H, W), s = row.input_shapes[0], row.settings
        found.append(count_conv(C, row.output_shape[0], *s["kernel_size"], H, W, s["stride"][0], s["padding"][0][0]))
    params, macs, _ = np.sum(found, axis=0)
    print(f"your formula on {len(convolutions)} convolutions: {params:,} parameters, {macs:,} MAC")
    print("with the linear layer that is", "all" if macs + c["loss3/classifier"].macs == c.macs else "not all")
compare("06.1")

# %% [markdown]
# ## Does pooling reduce the number of parameters?
#
# A pool halves the side of a feature map. Here is all of GoogLeNet on images of half the side.
# How many times fewer MACs and how many times fewer parameters does it have?

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
# What you saw: in GoogLeNet, no: a convolution does not know how large its input is, and the last pool
# gives 1024 values. If a linear layer reads the flattened feature map, as in AlexNet and VGG, a pool before it does.

# %% [markdown]
# ## How much of the image does one value see?
#
# The *receptive field* is the square of pixels that can change one value. A gradient finds it: send a 1 back from
# one value of a feature map and look which pixels it reaches. Guess the side of the square for inception_3a, in pixels.

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
# What you saw: a formula agrees with the gradient. Now write it.

# %% [markdown]
# ## Exercise 06.3: the receptive field
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# `layers` is a tuple of (kind, kernel, stride), the one that reads the image first. Return how many pixels in a row one
# output sees (the size), and how many pixels apart two neighbouring outputs look (the jump).


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
if result.passed:  # GoogLeNet through the 5x5 branches; 1x1 layers see nothing new and are left out
    stem = (("conv", 7, 2), ("pool", 3, 2), ("conv", 3, 1), ("pool", 3, 2))
    fives = (("conv", 5, 1),)
    path = stem + 2 * fives + (("pool", 3, 2),) + 5 * fives + (("pool", 3, 2),) + 2 * fives
    print(f"5b: you get {receptive_field(path)[0]}, the counter {c['inception_5b/output'].receptive_field_max[0]}")

# %% [markdown]
# ## Table 1 of the paper, cell by cell
#
# The table prints parameters in K and operations in M. Is K 1000 or 1024?

# %%
lines = mg.counting.table1.audit()
rows = [(x.name, f"{x.printed_params:g}", x.weights, f"{x.printed_ops:g}", x.macs / 1e6) for x in lines]
mg.console.Table("Printed and ours", ("row", ">K printed", ">weights", ">M printed", ">million MAC"), rows)

# %% [markdown]
# The first row is far off. Which kind of layer has 2.7 K weights and 34 M multiply-adds on a 112 x 112 feature map?

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
print(f"the network with it: {with_it:,} MAC; the printed column adds up to {sum(x.printed_ops for x in lines):g} M")

# %% [markdown]
# What you saw: a *separable* first layer fits, 8 filters of 7x7 for each colour and then 1x1 to 64 channels. We infer
# it; the paper does not mention it.

# %% [markdown]
# ## Exercise 06.4: audit Table 1
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# `lines` holds the rows: `name`, `printed_params`, `printed_ops`, `weights`, `biases`, `macs`. Name the rows whose
# printed operations are neither our MACs rounded nor our MACs rounded down to millions, and give the meaning of K: a
# tuple (set of names, number).


# %%
# exercise 06.4
### BEGIN SOLUTION
audited = {line.name for line in lines if line.printed_ops not in (line.macs // 10**6, round(line.macs / 1e6))}, 1024
### END SOLUTION
check("06.4", audited)

# %% [markdown]
# ## Make it break
#
# What should a counter do with a layer that it does not know?


# %%
class Mystery(mg.layers.ReLU):
    def operations(self, *input_shapes):
        raise NotImplementedError


try:
    mg.count(Mystery(), (3, 8, 8))
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# A total with a silent zero in it is worse than no total.

# %% [markdown]
# ## Claims, checked

# %%
claims = [
    ("GoogLeNet needs 1.5 billion multiply-adds", f"{with_it / 1e9:.1f}" == "1.5", "with a separable first layer"),
    ("the first row of Table 1 is a dense 7x7", nearest != "dense", "its numbers fit a separable one"),
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
# What follows is not needed for the next lessons.
#
# - Every row has `grad_input_macs` and `grad_weight_macs`. Which layer is the most expensive in the backward pass?
# - Assume that moving a float32 from main memory costs as much energy as 100 MACs. Which layers are then the most
#   expensive?
# - Write a convention of your own that counts bias, ReLU and pooling windows, and give it a name.

# %% [markdown]
# ## Exercise 06.1b: parameters of your layer
#
# Difficulty: * of ***. About 3 minutes. Further.
#
# The numbers are drawn from your name, and stay.


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
# The numbers are drawn from your name.


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
# Four branches read the same input: 1x1; 1x1 (the reduction) then 3x3; 1x1 (the reduction) then 5x5; a 3x3 pool of
# stride 1, then 1x1 (the projection). Their outputs are joined. Each question draws a module of its own.


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
# The numbers are drawn from your name.


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
# ## Exercise 06.2c: what leaves your module
#
# Difficulty: * of ***. About 2 minutes. Further.
#
# The numbers are drawn from your name.


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
# ## Exercise 06.2d: the share of the 5x5 branch
#
# Difficulty: ** of ***. About 3 minutes. Further.
#
# The numbers are drawn from your name.


# %%
ask("06.2d", student)

# %%
v = find("06.2d").values(student)
# exercise 06.2d
### BEGIN SOLUTION
share_of_5x5 = (v["C"] * v["n5x5red"] + 25 * v["n5x5red"] * v["n5x5"]) / (
    v["C"] * (v["n1x1"] + v["n3x3red"] + v["n5x5red"] + v["pool_proj"])
    + 9 * v["n3x3red"] * v["n3x3"]
    + 25 * v["n5x5red"] * v["n5x5"]
)
### END SOLUTION
answer("06.2d", share_of_5x5)

# %% [markdown]
# ## Exercise 06.3b: the field of your stack
#
# Difficulty: ** of ***. About 4 minutes. Further.
#
# The numbers are drawn from your name.


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
# ## What it sees and what it looks at
#
# All pixels of the field can matter. Do they matter alike? Guess: how wide is the centred square that holds half of
# the squared gradient of 5b?

# %%
predict("06.e", ...)

# %%
sides = np.arange(1, 224, 2)
inside = fields.inside(fields.squared_gradient(net, "inception_5b/output", images=2 if FAST else 4), sides)
half_side, most_side = (int(sides[np.searchsorted(inside, part)]) for part in (0.5, 0.95))
print(outcome("06.e", half_side))
figure, _ = viz.line_chart({"5b": (sides, inside)}, "side of the square in pixels", "fraction of the gradient")
print(f"half of it within {half_side} pixels, 95% within {most_side} ({2 if FAST else 4} images, random weights)")
for wire in ("inception_5b/output", "pool5/7x7_s1"):
    small, large = c[wire].receptive_field_min[0], c[wire].receptive_field_max[0]
    print(f"{wire}: {small} pixels through the 1x1 branches, {large} through the 5x5 branches; the image has 224")
figure

# %% [markdown]
# What you saw: the receptive field is a bound. Most of the gradient is in a much smaller square around the centre, the
# *effective* receptive field.

# %% [markdown]
# ## Where is the work, where are the largest arrays?

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
# What you saw: most work is near the beginning, the largest array is at the very beginning. Most parameters are at the
# end (lesson 00).

# %% [markdown]
# ## Memory over time
#
# Inference frees an array after its last consumer. A training step keeps what the backward pass needs, the tape. Guess:
# how many times more does training hold at its peak?

# %%
predict("06.g", ...)

# %%
alive, inference = 4 * 3 * 224 * 224, []
for name, free in net.schedule():
    alive += 4 * int(np.prod(net.shapes[name]))
    inference.append(alive / 2**20)
    alive -= sum(4 * int(np.prod(net.shapes[wire])) for wire in free)
tape = np.cumsum([row.tape_bytes for row in c.rows]) / 2**20
nodes = np.arange(len(inference))
curves = {"training, the tape": (nodes, tape), "inference": (nodes, inference)}
figure, _ = viz.line_chart(curves, "node", "MiB of one image", area=True)
figure

# %%
assert max(inference) * 2**20 == c.peak_wire_bytes
print(f"with the working memory of the convolutions: {c.memory()}")
print(outcome("06.g", round(float(tape[-1] / max(inference)), 1)))

# %% [markdown]
# What you saw: inference peaks early and then needs little. The tape only grows.

# %% [markdown]
# ## Exercise 06.5: the peak of live memory
#
# Difficulty: *** of ***. About 12 minutes. Further.
#
# `nodes` is a tuple of (name, size, names that it reads) in the order in which they run; those that read nothing are
# inputs. An array lives from when it is made until its last consumer has run. The last array is the result and stays.
# Return the largest sum of sizes that is alive at once.


# %%
def peak_live(nodes):
    """Exercise 06.5: nodes, a tuple of (name, size, wires) -> the most that is alive at once."""
    ### BEGIN SOLUTION
    last = {wire: place for place, (_, _, wires) in enumerate(nodes) for wire in wires}
    size = {name: count for name, count, _ in nodes}
    alive = peak = 0
    for place, (_name, count, wires) in enumerate(nodes):
        alive += count
        peak = max(peak, alive)
        alive -= sum(size[wire] for wire in set(wires) if last[wire] == place)
    return peak
    ### END SOLUTION


# %%
result = check("06.5", peak_live)
result

# %%
if result.passed:
    described = [("image", 3 * 224 * 224, ())]
    described += [(name, int(np.prod(net.shapes[name])), wires) for name, (_, wires) in net.nodes.items()]
    print(f"GoogLeNet by your function: {4 * peak_live(tuple(described)):,} bytes; the counter: {c.peak_wire_bytes:,}")

# %% [markdown]
# ## Exercise 06.4b: eight published numbers
#
# Difficulty: ** of ***. About 15 minutes. Further.
#
# Numbers from papers, slides and lecture notes. Count each for yourself and write {name: number}; within a thousandth
# is right. Are any of them right?


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
# ## Published claims, counted
#
# After your own count: the printed numbers next to yours.

# %%
audit.compared(counted)

# %%
wide = []
for rows in (rows for name, rows in c.modules().items() if name.startswith("inception")):
    width = {row.name.split("/")[1]: row.output_shape[0] for row in rows}
    wide.append((width["3x3"] + width["5x5"]) / width["output"])
print("fraction of 3x3 and 5x5 channels, 3a to 5b:", *(f"{fraction:.3f}" for fraction in wide))
assert wide != sorted(wide)
print("'The ratio of 3x3 and 5x5 increases in higher layers': it does not increase from module to module.")
threes = c.macs - sum(row.macs * 16 // 25 for row in convolutions if row.name.endswith("/5x5"))
print(f"Other versions have a 3x3 instead of each 5x5. They come to 1.5 billion for that reason: {threes:,} MAC.")
assert f"{threes / 1e9:.1f}" == "1.5"

# %%
dense = mg.count(mg.layers.Linear(3 * 32 * 32, 32, init="zeros"), (3 * 32 * 32,)).params
conv = mg.count(mg.layers.Conv2d(3, 32, 3, init="zeros"), (3, 32, 32)).params
print(f"'896 against 32,000 parameters': the convolution has {conv}, a dense layer of 32 on 3 x 32 x 32 has {dense:,}")
listed = 28**2 * (256 * 128 + 256 * 64 * 3 + 9 * 64 * 192 + 25 * 64 * 96)
twice = listed + 28**2 * 9 * 64 * 192
print(f"'358M' of the well-known slide: its terms add to {listed:,}; with the 3x3 counted twice {twice:,}")
naive = 28**2 * (256 * 128 + 9 * 256 * 192 + 25 * 256 * 96)
print(f"'854M' of the same slide, without reductions: {naive:,}, is correct as MAC")
assert naive == 854_196_224
