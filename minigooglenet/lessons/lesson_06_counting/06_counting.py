# %% [markdown]
# # 06 Counting, and auditing a famous table
#
# **The question.** How big, how slow and how wide-eyed is a network, before it has run?
#
# 60 minutes. Paper and a pencil beside the keyboard help.
#
# Afterwards you can
# - work out parameters, multiply-adds (MAC), bytes and receptive field of a layer by formula, and check them by
#   measurement;
# - say which convention a published number follows;
# - find the published numbers that are wrong, and how they came about.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet.console import Table
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_06_counting.audit import CLAIMS

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
net = mg.models.googlenet(aux=False, init="he", rng=0)
c = mg.count(net)
c

# %% [markdown]
# ## One number, nine conventions
#
# A MAC is one multiplication and the addition that follows it. A FLOP (floating-point operation) is either of the two.
# People write "1.6 G operations" and mean different things. Guess first: how far apart are the largest and the
# smallest number below, as a ratio?

# %%
predict("06.a", ...)

# %%
heads = mg.count(mg.models.googlenet(init="zeros"))
step = sum(row.macs + row.grad_input_macs + row.grad_weight_macs for row in c.rows)
step -= c["conv1/7x7_s2"].grad_input_macs  # nobody needs the gradient of the pixels
totals = {"MAC (this course)": c.macs, "MAC with both heads": heads.macs, "FLOP": c.flops, "training step, MAC": step}
totals |= {f"as {name} counts": int(c.as_convention(name)) for name in mg.counting.CONVENTIONS}
for name, value in totals.items():
    print(f"{name:20} {value:15,}")
outcome("06.a", round(max(totals.values()) / min(totals.values()), 3))

# %% [markdown]
# What you saw: nine true answers to "how many operations?". Every tool's total is an exact sum of ours and of what
# else it counts.

# %%
for name in mg.counting.CONVENTIONS:
    print(c.as_convention(name))
print(f"A training step costs {step / c.macs:.3f} forwards, not 3.")
assert len(totals) == 9
assert int(c.as_convention("torch")) == c.flops

# %% [markdown]
# ## The formula against a counter in the innermost loop
#
# The formula multiplies six numbers. The loops below count what they do. Some of their products meet the padding,
# where the image is zero. Guess: which share of GoogLeNet's MACs touches a real pixel?

# %%
predict("06.b", ...)


# %%
def counted_by_loops(C, K, kernel, size, pad):
    every = inside = 0
    for _k, _c, i, j, u, v in np.ndindex(K, C, size, size, kernel, kernel):
        every += 1
        inside += 0 <= i + u - pad < size and 0 <= j + v - pad < size
    return every, inside


every, inside = counted_by_loops(C=2, K=3, kernel=3, size=5, pad=1)
formula = mg.count(mg.layers.Conv2d(2, 3, 3, padding=1), (2, 5, 5)).macs
print(f"loops: {every} products, {inside} of them with a real pixel; formula: {formula}")
assert every == formula


# %%
def real_macs(row):
    along = []
    for axis in range(2):
        size, outputs = row.input_shapes[0][axis + 1], row.output_shape[axis + 1]
        kernel, stride, pad = (row.settings[key][axis] for key in ("kernel_size", "stride", "padding"))
        starts = np.arange(outputs) * stride - pad[0]
        along.append(int((np.minimum(starts + kernel, size) - np.maximum(starts, 0)).sum()))
    return row.input_shapes[0][0] * row.output_shape[0] * along[0] * along[1]


convs = [row for row in c.rows if row.kind == "Conv2d"]
real = {row.name: real_macs(row) for row in convs}
share = (sum(real.values()) + c["loss3/classifier"].macs) / c.macs
last = [row for row in convs if row.module == "inception_5b"]
share_5b = sum(real[row.name] for row in last) / sum(row.macs for row in last)
print(f"real pixels: {share:.2%} of all MACs, but {share_5b:.1%} in 5b, whose map is 7 x 7")
outcome("06.b", round(share, 4))

# %% [markdown]
# What you saw: formula and loops agree only if products with padding count. On small maps the border is a large part.

# %% [markdown]
# ## Where are the weights, where is the work, where is the memory?
#
# Name a module for each, before you look: "conv1", "conv2", "inception_3a" to "inception_5b" or "loss3".

# %%
predict("06.c", ...)

# %%
modules = {name: rows for name, rows in c.modules().items() if not name.startswith("pool")}


def total(column):
    return {name: sum(getattr(row, column) for row in rows) for name, rows in modules.items()}


bytes_out = {name: max(4 * row.activations for row in rows) for name, rows in modules.items()}
numbers = {"parameters": total("params"), "MAC": total("macs"), "bytes of the largest output": bytes_out}
most = {what: max(values, key=values.get) for what, values in numbers.items()}
figure, _ = mg.viz.bar_chart(numbers["parameters"], "parameters", marked=[most["parameters"]])
figure

# %%
figure, _ = mg.viz.bar_chart(numbers["MAC"], "MACs of one image", marked=[most["MAC"]])
figure

# %%
figure, _ = mg.viz.bar_chart(bytes_out, "bytes of the largest output", marked=[most["bytes of the largest output"]])
figure

# %%
assert list(most.values()) == ["inception_5b", "conv2", "conv1"]
outcome("06.c", most)

# %% [markdown]
# What you saw: three questions, three different answers. Most weights are at the end, most work is near the beginning,
# the largest array is at the very beginning.
#
# Does pooling reduce the number of parameters? Many texts say so. Here is the same network on maps of half the side.

# %%
half = mg.count(mg.models.googlenet(aux=False, size=112, init="zeros"))
print(f"224: {c.params:,} parameters, {c.macs:,} MAC, {c.activations:,} activations")
print(f"112: {half.params:,} parameters, {half.macs:,} MAC, {half.activations:,} activations")
assert half.params == c.params
print(f"{c.macs / half.macs:.2f} times fewer MACs, as many weights: a convolution does not know how large its map is.")

# %% [markdown]
# ## What does one number of a map see?
#
# The **receptive field** is the square of pixels that can change one number. A gradient finds it: send a 1 back from
# one cell and look which pixels it reaches. Guess the side of the square for 3a, in pixels of the 224.

# %%
predict("06.d", ...)


# %%
def gradient_of_cell(wire, images):
    """Return the squared gradient of the middle cell of `wire`, summed over images and colours: (224, 224)."""
    x = np.random.default_rng(1).normal(size=(images, 3, 224, 224)).astype(np.float32)
    outputs, tape = net.forward({"image": x}, outputs=[wire])
    grad = np.zeros_like(outputs[wire])
    middle = grad.shape[-1] // 2
    grad[:, :, middle, middle] = 1
    grads, _ = net.backward({wire: grad}, tape)
    return (grads["image"].astype(np.float64) ** 2).sum(axis=(0, 1))


fields = {}
for module in ("3a", "3b", "4a"):
    wire = f"inception_{module}/output"
    along = gradient_of_cell(wire, images=4).sum(axis=1)
    rows = np.flatnonzero(along > 1e-10 * along.max())  # below that it is round-off of the fast 3x3 convolutions
    fields[module] = int(rows[-1] - rows[0] + 1), c[wire].receptive_field_max[0]
    print(f"{module}: measured {fields[module][0]} pixels, formula {fields[module][1]}")
outcome("06.d", fields["3a"][1])

# %% [markdown]
# What you saw: the formula, which you write in exercise 06.3, says what the gradient measures. A field may be
# larger than the image:

# %%
assert all(measured == formula for measured, formula in fields.values())
for wire in ("inception_5b/output", "pool5/7x7_s1"):
    small, large = c[wire].receptive_field_min[0], c[wire].receptive_field_max[0]
    print(f"{wire}: {small} pixels through the 1x1 branches, {large} through the 5x5 branches; the image has 224")

# %% [markdown]
# ## What it sees and what it looks at
#
# All pixels of the field can matter. Do they matter alike? Guess: how wide is the centred square that holds half of
# the squared gradient of 5b?

# %%
predict("06.e", ...)

# %%
energy = gradient_of_cell("inception_5b/output", images=2 if FAST else 4)
sides = np.arange(1, 224, 2)
inside = [energy[112 - s // 2 : 113 + s // 2, 112 - s // 2 : 113 + s // 2].sum() / energy.sum() for s in sides]
half_side, most_side = (int(sides[np.searchsorted(inside, part)]) for part in (0.5, 0.95))
figure, _ = mg.viz.line_chart({"5b": (sides, inside)}, "side of the square in pixels", "share of the gradient")
print(f"half of it within {half_side} pixels, 95 % within {most_side} ({2 if FAST else 4} images, random weights)")
figure

# %%
outcome("06.e", half_side)

# %% [markdown]
# What you saw: the field is a bound. What a number really looks at is much smaller, and thick in the middle.

# %% [markdown]
# ## Table 1 of the paper, cell by cell
#
# The table prints parameters in K and operations in M. Is K 1000 or 1024? Conv2 and the linear layer tell.

# %%
lines = mg.counting.table1.audit()
for line in (lines[1], lines[-1]):
    print(f"{line.name}: printed {line.printed_params:g}K; {line.weights / 1000:.1f} or {line.weights / 1024:.1f}")

# %%
printed = [(line.name, f"{line.printed_params:g}", line.weights / 1024) for line in lines]
ops = [(f"{line.printed_ops:g}", line.macs / 1e6) for line in lines]
headings = ("row", ">K printed", ">K counted", ">M printed", ">M counted")
Table("Parameters and operations, printed and counted", headings, [a + b for a, b in zip(printed, ops, strict=True)])

# %% [markdown]
# The first row is far off. Which layer has 2.7 K weights and 34 M multiply-adds on a 112 x 112 map?

# %%
predict("06.f", ...)

# %%
weights, macs = mg.counting.table1.separable_stem()
with_it = c.macs - lines[0].macs + macs
print(f"dense 7x7, 3 to 64: {lines[0].weights:,} weights, {lines[0].macs:,} MAC")
print(f"separable, 8 filters of 7x7 for each colour and then 1x1 to 64: {weights:,} weights, {macs:,} MAC")
print(f"the whole network with it: {with_it:,} MAC; the printed column adds to {sum(x.printed_ops for x in lines):g} M")
outcome("06.f", "a separable 7x7 with 8 filters for each colour fits; we infer it, the paper does not say it")

# %% [markdown]
# What you saw: with that layer the network has the "1.5 billion" of the paper's text. Beware: other versions of the
# network come to 1.5 billion too, for another reason. They have a 3x3 where the paper has a 5x5.

# %%
fives = [row for row in convs if row.name.endswith("/5x5")]
threes = c.macs - sum(row.macs * 16 // 25 for row in fives)
print(f"3x3 for every 5x5: {threes:,} MAC; a separable first layer: {with_it:,} MAC")
assert f"{threes / 1e9:.1f}" == f"{with_it / 1e9:.1f}" == "1.5"

# %% [markdown]
# ## Memory over time
#
# An inference frees an array after its last reader. A training step keeps what the backward needs. Guess: how many
# times more does training hold at its peak?

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
figure, _ = mg.viz.line_chart(curves, "node", "MiB of one image", area=True)
figure

# %%
assert max(inference) * 2**20 == c.peak_wire_bytes
print(f"with what convolutions need besides: {c.memory()}")
outcome("06.g", round(float(tape[-1] / max(inference)), 1))

# %% [markdown]
# What you saw: the inference peaks early and then needs little. The tape only grows.

# %% [markdown]
# ## Exercise 06.1: count a convolution
#
# One star, 10 minutes, core. C input channels of H x W, K filters of R x S, the same stride and padding along
# both axes. Return parameters with bias, MACs without bias, and the bytes of the float32 output, for one image.


# %%
def count_conv(C, K, R, S, H, W, stride, pad):
    """Exercise 06.1: return (params, macs, out_bytes), three whole numbers."""
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
    for row in convs:
        (C, H, W), s = row.input_shapes[0], row.settings
        found.append(count_conv(C, row.output_shape[0], *s["kernel_size"], H, W, s["stride"][0], s["padding"][0][0]))
    params, macs, _ = np.sum(found, axis=0)
    print(f"your formula on {len(convs)} convolutions: {params:,} parameters, {macs:,} MAC")
    print("with the linear layer that is", "all" if macs + c["loss3/classifier"].macs == c.macs else "not all")
compare("06.1")

# %% [markdown]
# ### Exercises 06.1b and 06.1c: your layer
#
# One star, 3 and 4 minutes, core. Put your name in place of "you": the numbers are drawn from it, and stay.

# %%
student = "you"
ask("06.1b", student)

# %%
v = find("06.1b").values(student)  # the numbers of the question, by name
# exercise 06.1b
### BEGIN SOLUTION
your_params = v["K"] * (v["C"] * v["k"] ** 2 + 1)
### END SOLUTION
answer("06.1b", your_params)

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
# ## Exercise 06.2: your Inception module
#
# Two stars, 15 minutes for all four, core. Four branches read the same input: 1x1; 1x1 then 3x3; 1x1 then 5x5; a 3x3
# pool of stride 1, then 1x1. Their outputs are joined. Each question draws a module of its own.

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

# %%
ask("06.2c", student)

# %%
v = find("06.2c").values(student)
# exercise 06.2c
### BEGIN SOLUTION
module_width = v["n1x1"] + v["n3x3"] + v["n5x5"] + v["pool_proj"]
### END SOLUTION
answer("06.2c", module_width)

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
# ## Exercise 06.3: the receptive field
#
# Two stars, 12 minutes, core. `layers` is a tuple of (kind, kernel, stride), the one that reads the image first.
# Return how many pixels in a row one output sees, and how many pixels apart two neighbours look. The check has no
# answer key: it builds the layers, back-propagates from one cell, and measures.


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

# %% [markdown]
# Your function on GoogLeNet, through the 5x5 branches. 1x1 layers see nothing new and are left out.

# %%
if result.passed:
    stem = (("conv", 7, 2), ("pool", 3, 2), ("conv", 3, 1), ("pool", 3, 2))
    fives = (("conv", 5, 1),)
    path = stem + 2 * fives + (("pool", 3, 2),) + 5 * fives + (("pool", 3, 2),) + 2 * fives
    print(f"5b: you say {receptive_field(path)[0]}, the counter says {c['inception_5b/output'].receptive_field_max[0]}")

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
# ## Exercise 06.4: audit Table 1
#
# Two stars, 10 minutes, core. `lines` holds the rows: `name`, `printed_params`, `printed_ops`, `weights`, `biases`,
# `macs`. Name the rows whose printed operations are neither our MACs rounded nor our MACs cut to millions, and
# say what K stands for: a tuple (set of names, number).

# %%
# exercise 06.4
### BEGIN SOLUTION
audited = {line.name for line in lines if line.printed_ops not in (line.macs // 10**6, round(line.macs / 1e6))}, 1024
### END SOLUTION
check("06.4", audited)

# %% [markdown]
# ### Exercise 06.4b: eight published numbers
#
# Two stars, 15 minutes. Numbers from papers, slides and lecture notes. Count each for yourself and write
# {name: number}; within a thousandth is right. Are any of them right?

# %%
for name, claim in CLAIMS.items():
    print(f"{name:10} {claim.text}: printed {claim.printed:,.10g}")

# %%
# exercise 06.4b
### BEGIN SOLUTION
counted = {
    "alexnet": mg.count(mg.models.alexnet(groups=2, init="zeros")).params / c.params,
    "parameters": c.params,
    "reduction": 100 * (1 - 6.67 / 15.3),
    "difference": 10.07 - 6.67,
    "stem": sum(row.macs for row in convs if row.module in ("conv1", "conv2")),
    "module": 28**2 * (256 * (128 + 64 + 64 + 64) + 9 * 64 * 192 + 25 * 64 * 96),
    "branch": 25 * 480 * 48 / (480 * 16 + 25 * 16 * 48),
    "field": c["pool5/7x7_s1"].receptive_field_max[0],
}
### END SOLUTION
published = check("06.4b", counted)
published

# %% [markdown]
# ## Exercise 06.5: the peak of live memory
#
# Three stars, 12 minutes, not core. `nodes` is a tuple of (name, size, names that it reads) in the order in which they
# run; those that read nothing are inputs. An array lives from when it is made until its last reader has run. The last
# array is the result and stays. Return the largest sum of sizes that is alive at once.


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
# ## Make it break
#
# What should a counter do with a layer that it does not know? Most tools count 0 and say nothing.


# %%
class Mystery(mg.layers.ReLU):
    def operations(self, *input_shapes):
        raise NotImplementedError


try:
    mg.count(Mystery(), (3, 8, 8))
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# An unknown cost is not zero. A total with a silent zero in it is worse than no total.

# %% [markdown]
# ## Take it further
#
# - Every row has `grad_input_macs` and `grad_weight_macs`. Which layer is dearest in the backward?
# - Say that moving a float32 from main memory costs as much energy as 100 MACs. Which layers are then the dearest?
# - Write a convention of your own that counts bias, ReLU and pooling windows, and give it a name.

# %% [markdown]
# ## Claims ledger
#
# Published claims beside what you counted, once exercise 06.4b has passed. Each line is computed here.

# %%
verdicts = Table("Published claims", ("claim", ">printed", ">counted", ""))
for name, claim in CLAIMS.items() if published.passed else ():
    near = abs(claim.printed / counted[name] - 1) < 0.01
    verdict = "holds" if near else "does not hold"
    verdicts.rows.append((name, f"{claim.printed:,.10g}", f"{counted[name]:,.10g}", verdict))
verdicts

# %%
wide = []
for rows in (rows for name, rows in c.modules().items() if name.startswith("inception")):
    width = {row.name.split("/")[1]: row.output_shape[0] for row in rows}
    wide.append((width["3x3"] + width["5x5"]) / width["output"])
print("share of 3x3 and 5x5 channels, 3a to 5b:", *(f"{share:.3f}" for share in wide))
assert wide != sorted(wide)
print("'The ratio of 3x3 and 5x5 increases in higher layers': it does not increase from module to module.")

# %%
dense = mg.count(mg.layers.Linear(3 * 32 * 32, 32, init="zeros"), (3 * 32 * 32,)).params
conv = mg.count(mg.layers.Conv2d(3, 32, 3, init="zeros"), (3, 32, 32)).params
print(f"'896 against 32,000 parameters': the convolution has {conv}, a dense layer of 32 on 3 x 32 x 32 has {dense:,}")
listed = 28**2 * (256 * 128 + 256 * 64 * 3 + 9 * 64 * 192 + 25 * 64 * 96)
twice = listed + 28**2 * 9 * 64 * 192
print(f"'358M' of the well-known slide: its terms add to {listed:,}; with the 3x3 counted twice {twice:,}")
naive = 28**2 * (256 * 128 + 9 * 256 * 192 + 25 * 256 * 96)
print(f"'854M' of the same slide, without reductions: {naive:,}, holds as MAC")
assert naive == 854_196_224

# %% [markdown]
# ## Exit quiz

# %%
quiz("06")
