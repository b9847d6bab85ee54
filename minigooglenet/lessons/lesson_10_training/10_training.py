# %% [markdown]
# # 10 Training one that learns
#
# **The question.** What is the shortest honest way from random weights to a number that you may publish?
#
# 60 minutes; needs lesson 09. Start the long cells and do exercises 10.1 to 10.3 while they run.
#
# Afterwards you can
# - climb the sanity ladder: first loss, eight images by heart, a sweep of rates, and only then a run;
# - write a step of SGD with momentum, the paper's schedule and the paper's random crop;
# - find a faulty line in a training loop by its curves;
# - split pictures, normalise them and choose an epoch without peeking at the test.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import data, evaluation, figures, losses, optim, schedules, training, viz
from minigooglenet.data import transforms
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_10_training import sick_runs
from minigooglenet.training.step import gradients

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
SIZE = 16
images, labels, test_images, test_labels = data.digits(SIZE)
print(f"{len(images)} handwritten digits to learn from, {len(test_images)} held out, {SIZE} x {SIZE} pixels")


# %%
def mini(**arguments):
    """Return a small GoogLeNet with one auxiliary head, the same weights every time."""
    arguments = {"aux": True, "dropout": False, "width": 0.5, **arguments}
    return mg.models.mini_googlenet(10, in_channels=1, size=SIZE, rng=0, **arguments)


counted = mg.count(mini(), outputs=["loss3/classifier"])
print(f"{counted.params:,} parameters, {counted.macs:,} MAC an image")

# %% [markdown]
# ## First rung: the first loss
#
# GoogLeNet has a main head and two auxiliary heads, whose losses count 0.3 times. Ten classes, and weights so small
# that all logits are nearly 0. Guess the loss of the first step.

# %%
predict("10.a", ...)

# %%
net = mg.models.googlenet(10, width=0.125, init="gaussian", rng=0)
x = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
logits, _ = net.forward({"image": x}, train=True)
total, heads, _ = losses.weighted_sum(logits, np.array([3, 7]), losses.head_weights(net.outputs))
for wire, loss in heads.items():
    print(f"{wire}: {loss:.3f}")
print(f"sum: {total:.3f}; 1.6 ln 10 = {1.6 * np.log(10):.3f}; with 1000 classes 1.6 ln 1000 = {1.6 * np.log(1000):.3f}")
outcome("10.a", round(total, 3))

# %%
assert abs(total - 1.6 * np.log(10)) < 1e-3

# %% [markdown]
# What you saw: not ln 10. The losses of the heads are added, so a network with two of them starts at 1.6 ln C.
# Weights that are not tiny start higher, since a confident guess is worse than none (lesson 09).

# %% [markdown]
# ### Exercise 10.1: your first loss
#
# One star, 3 minutes, core. Put your name in place of "you": the numbers are drawn from it, and stay.

# %%
student = "you"
ask("10.1", student)

# %%
v = find("10.1").values(student)  # the numbers of the question, by name
# exercise 10.1
### BEGIN SOLUTION
your_loss = (1 + v["heads"] * v["w"]) * np.log(v["C"])
### END SOLUTION
answer("10.1", your_loss)

# %% [markdown]
# ## The loop
#
# This is all of training: a batch, the gradients of the weighted sum of the losses, a step. `move` is the step, and
# you write one in exercise 10.2.


# %%
def engine_step(params, grads, velocity, lr):
    optim.sgd_step(params, grads, velocity, lr=lr, momentum=0.9, weight_decay=2e-4)


def fit(net, x, y, steps, lr, batch=32, move=engine_step, seed=0):
    """Train in place; return {"sum" or a head: its loss at every step}."""
    rng, velocity, weights = np.random.default_rng(seed), {}, losses.head_weights(net.outputs)
    curves = {name: [] for name in ("sum", *weights)}
    for step in range(steps):
        some = rng.permutation(len(x))[:batch]
        found = gradients(net, x[some], y[some], weights, number=step)
        move(net.params, found.params, velocity, lr)
        for name, loss in (("sum", found.loss), *found.heads.items()):
            curves[name].append(loss)
    return curves


# %% [markdown]
# ## Second rung: eight images by heart
#
# A network that cannot learn eight images will not learn a thousand. How many steps until the main head's loss is
# below 0.01? (Dropout is off here: it is made to prevent this.)

# %%
predict("10.b", ...)

# %%
eight = fit(mini(), images[:8], labels[:8], steps=60, lr=0.05, batch=8)
figure, _ = viz.line_chart({name: (range(60), curve) for name, curve in eight.items()}, "step", "loss", log=True)
figure

# %%
main = np.array(eight["loss3/classifier"])
assert main[-1] < 0.01
outcome("10.b", int(np.argmax(main < 0.01)))

# %% [markdown]
# What you saw: all three curves fall by orders of magnitude. If they do not, stop: the fault is in the code, and no
# amount of data repairs it.

# %% [markdown]
# ## Third rung: a sweep of rates
#
# Three rates, each a hundred times the one before, 30 steps each. One is too small, one is good, one is too large.
# Which does what?

# %%
predict("10.c", ...)

# %%
RATES, STEPS = (0.0005, 0.05, 5.0), 20 if FAST else 30
sweep = {rate: fit(mini(), images, labels, STEPS, rate)["sum"] for rate in RATES}
lines = {f"rate {rate:g}": (range(STEPS), curve) for rate, curve in sweep.items()}
print(f"{STEPS} steps each{' (fast mode, not 30)' if FAST else ''}")
figure, _ = viz.line_chart(lines, "step", "loss")
figure

# %%
last = {rate: round(float(np.mean(curve[-5:])), 2) for rate, curve in sweep.items()}
assert min(last, key=last.get) == 0.05
outcome("10.c", last)

# %% [markdown]
# What you saw: the losses of the last five steps, by rate. Too small hardly moves. Too large jumps about. Batch norm
# keeps the large one finite here; without it, see "Make it break".

# %% [markdown]
# ## Exercise 10.2: a step of SGD with momentum
#
# Two stars, 10 minutes, core. The velocity `v` remembers old pulls: `v` becomes mu times itself, plus the gradient
# `g`, plus `decay * w`. Then `w` moves by `lr` times the new `v`, downhill. A bias (`is_bias`) learns at twice the
# rate and does not decay, as in BVLC's replication of GoogLeNet. Return new arrays.


# %%
def sgd_momentum(w, v, g, lr, mu, decay, is_bias):
    """Exercise 10.2: return the new (w, v), of the shape of w."""
    ### BEGIN SOLUTION
    if is_bias:
        lr, decay = 2 * lr, 0
    v = mu * v + (g + decay * w)
    return w - lr * v, v
    ### END SOLUTION


# %%
result = check("10.2", sgd_momentum)
result

# %% [markdown]
# Your step trains the network, beside the engine's:


# %%
def your_step(params, grads, velocity, lr):
    for name, g in grads.items():
        v = velocity.get(name, np.zeros_like(g))
        numbers = (np.float32(value) for value in (lr, 0.9, 2e-4))
        params[name][...], velocity[name] = sgd_momentum(params[name], v, g, *numbers, name.endswith("bias"))


def caffe_step(params, grads, velocity, lr):
    factors = optim.caffe_multipliers(params)
    optim.sgd_step(params, grads, velocity, lr=lr, weight_decay=2e-4, multipliers=factors)


if result.passed:
    mine, theirs = (fit(mini(), images, labels, 20, 0.05, move=move)["sum"] for move in (your_step, caffe_step))
    print(f"20 steps: your loss goes from {mine[0]:.4f} to {mine[-1]:.4f}, the engine's to {theirs[-1]:.4f}")
compare("10.2")

# %% [markdown]
# ## The schedule
#
# The paper lowers the rate by 4 per cent every 8 epochs. BVLC's quick solver lets it fall to 0 as the square root of
# what is left. Guess: what part of its first rate does the paper's schedule still have after 250 epochs?

# %%
predict("10.d", ...)

# %%
epochs = np.arange(250)
shares = {
    "paper: times 0.96 every 8 epochs": [schedules.paper(1, e, 250, 1) for e in epochs],
    "quick solver: square root": [schedules.polynomial(1, e, 250) for e in epochs],
}
figure, _ = viz.line_chart({name: (epochs, rates) for name, rates in shares.items()}, "epoch", "share of lr0")
figure

# %%
outcome("10.d", round(schedules.paper(1, 249, 250, 1), 3))

# %% [markdown]
# What you saw: the paper's rate never gets small. Its authors average the weights instead, and so do we below.

# %% [markdown]
# ## Exercise 10.3: the paper's rate
#
# One star, 4 minutes, core. Epochs are counted from 0.


# %%
def paper_rate(lr0, epoch):
    """Exercise 10.3: return the rate of that epoch, a number."""
    ### BEGIN SOLUTION
    return lr0 * 0.96 ** (epoch // 8)
    ### END SOLUTION


# %%
check("10.3", paper_rate)

# %% [markdown]
# ### Exercise 10.3b: the rate of your epoch
#
# One star, 3 minutes, not core.

# %%
ask("10.3b", student)

# %%
v = find("10.3b").values(student)
# exercise 10.3b
### BEGIN SOLUTION
your_rate = paper_rate(v["lr0"], v["epoch"])
### END SOLUTION
answer("10.3b", your_rate)

# %% [markdown]
# ## Sixty-four ways to look at one picture
#
# The paper shows the network another part of a picture each time: an area of 8 to 100 per cent, a ratio of width to
# height of 3/4 to 4/3. Guess: how much of the picture does such a crop hold on average?

# %%
predict("10.e", ...)

# %%
photo = np.asarray(data.photograph().resize((192, 128)))


def draw_boxes(boxes, title):
    """Draw the boxes on the photograph, and say what they are like."""
    figure, axis = figures.new(6, 4.2)
    axis.imshow(photo)
    for top, left, height, width in boxes:
        xs, ys = (left, left + width, left + width, left, left), (top, top, top + height, top + height, top)
        axis.plot(xs, ys, color=figures.PALETTE[6], linewidth=0.8)
    axis.set(title=title, xticks=[], yticks=[], xlim=(-1, 193), ylim=(129, -1))
    axis.spines[:].set_visible(False)
    share = np.array([box[2] * box[3] for box in boxes]) / photo[..., 0].size
    wide = sum(box[3] > box[2] for box in boxes)
    print(f"{title}: {len(boxes)} boxes, {wide} wider than high, {share.min():.0%} to {share.max():.0%} of the area")
    return figure


rng = np.random.default_rng(0)
draw_boxes([transforms.area_box(rng, 128, 192) for _ in range(64)], "the engine's crops")


# %%
def mean_share(draw, H, W):
    """Return the mean share of the picture's area over 2000 crops."""
    rng = np.random.default_rng(0)
    boxes = np.array([draw(H, W, rng) for _ in range(2000)])
    return (boxes[:, 2] * boxes[:, 3]).mean() / (H * W)


mistakes = {wrong.name: wrong.function for wrong in find("10.4").wrongs}
draws = {"as in the paper": find("10.4").reference_function, "side drawn, a mistake": mistakes["side drawn not area"]}
shares = {name: [mean_share(draw, 128, W) for W in (128, 192)] for name, draw in draws.items()}
for name, (square, wide) in shares.items():
    print(f"{name}: mean share {square:.2f} of a square, {wide:.2f} of this picture; 0.54 is half way from 0.08 to 1")
assert shares["as in the paper"] > shares["side drawn, a mistake"]
outcome("10.e", round(float(shares["as in the paper"][1]), 2))

# %% [markdown]
# What you saw: boxes of all sizes and places, on average smaller than half way. Large ones seldom fit and are drawn
# again, and on a wide picture high ones fit less often than wide ones.

# %% [markdown]
# ## Exercise 10.4: the paper's random crop
#
# Two stars, 12 minutes, not core. Draw in this order, with `rng.uniform` and `rng.integers`:
# 1. the area, evenly in 0.08 to 1 of H * W;
# 2. the logarithm of the ratio width / height, evenly in log(3/4) to log(4/3);
# 3. if height and width (rounded) fit into H and W: the top row, then the left column, every place equally likely.
#
# What does not fit is drawn again from 1, ten tries in all. Then take the central square of the shorter side. The
# check brings a generator that draws what it is told, so there is no luck in it.


# %%
def random_crop(H, W, rng):
    """Exercise 10.4: return (top, left, height, width), four whole numbers."""
    ### BEGIN SOLUTION
    for _ in range(10):
        area = rng.uniform(0.08, 1) * H * W
        ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        height, width = round(np.sqrt(area / ratio)), round(np.sqrt(area * ratio))
        if 0 < height <= H and 0 < width <= W:
            top = rng.integers(H - height + 1)
            return top, rng.integers(W - width + 1), height, width
    side = min(H, W)
    return (H - side) // 2, (W - side) // 2, side, side
    ### END SOLUTION


# %%
result = check("10.4", random_crop)
result

# %% [markdown]
# Your crops on the photograph:

# %%
figure = None
if result.passed:
    rng = np.random.default_rng(1)
    figure = draw_boxes([random_crop(128, 192, rng) for _ in range(64)], "your crops")
figure

# %%
compare("10.4")

# %% [markdown]
# ## The run
#
# Now the engine's own trainer: digits shifted at random, the rate falling to 0, and from the middle of the run on a
# running mean of the weights. Guess: what part of the held-out digits is right at the end?

# %%
predict("10.f", ...)

# %%
digits = data.load("digits", SIZE, augment=True)
EPOCHS = 3 if FAST else 8
settings = training.Settings(epochs=EPOCHS, lr=0.05, average_from=0.5, gradients_every=10)
trainer = training.Trainer(mini(dropout=True), digits, settings)
steps = []
trainer.run(
    on_step=steps.append,
    on_epoch=lambda e: print(f"epoch {e.epoch}: loss {e.train_loss:.3f}, held out {e.test_accuracy:.1%}"),
)
print(f"{len(steps)} steps" + (" (fast mode: 3 epochs, not 8)" if FAST else ""))

# %%
figure, _ = viz.training_curve(steps, trainer.epochs, trainer.best)
figure

# %%
averaged, lasts = trainer.trained(), trainer.graph
hits = {
    name: float((evaluation.predict(g, test_images) == test_labels).mean())
    for name, g in (("last weights", lasts), ("averaged weights", averaged))
}
print(", ".join(f"{name} {hit:.1%}" for name, hit in hits.items()))
outcome("10.f", round(max(hits.values()), 3))

# %% [markdown]
# What you saw: the mean of the weights and the last weights hardly differ here, where the rate falls to 0. The paper's
# rate stays high to the end, so its mean has more to smooth; see "Take it further".
#
# Which number may be published? Neither, strictly: we have now looked at the test pictures after every epoch.
# Exercise 10.6 is about that.

# %% [markdown]
# ## What has it learned?
#
# The filters of the first layer, what four of them make of one digit, and the gradient of the right class's logit at
# the same places. Guess: does the gradient look like the map?

# %%
predict("10.g", ...)

# %%
figure, _ = viz.first_filters(averaged.params["conv1/3x3/weight"])
figure

# %%
wire, main = "conv1/relu_3x3", averaged.outputs[-1]
outputs, tape = averaged.forward({"image": test_images[:1]}, outputs=[main])
grad = np.zeros_like(outputs[main])
grad[0, test_labels[0]] = 1
grads, _ = averaged.backward({main: grad}, tape, wires=[wire])
maps = averaged.forward({"image": test_images[:1]}, outputs=[wire])[0][wire][0]
shown = np.argsort(-maps.sum(axis=(1, 2)))[:4]
figure, text = viz.pictures({f"map {k}": maps[k] for k in shown} | {"digit": 1 + test_images[0, 0]}, 5, numbers=False)
print(f"a {test_labels[0]}, and what four filters make of it\n{text}")
figure

# %%
gradient_maps = {f"gradient {k}": grads[wire][0, k] for k in shown} | {"gradient, digit": grads["image"][0, 0]}
figure, _ = viz.pictures(gradient_maps, 5, numbers=False, same_scale=False)
figure

# %%
quiet = float((grads[wire] == 0).mean())
print(f"no gradient at {quiet:.0%} of the places of this layer")
assert quiet > 0.5
alike = np.corrcoef(np.abs(maps[shown]).ravel(), np.abs(grads[wire][0, shown]).ravel())[0, 1]
outcome("10.g", f"correlation of their sizes {alike:.2f}")

# %% [markdown]
# What you saw: the map says where a filter answers. The gradient says where a change of the answer would matter, and it
# is thin: a max pool reads this layer, and only the winners of its windows get anything (lesson 05).

# %% [markdown]
# ## Its mistakes
#
# One number hides which digits are taken for which. Guess the pair that is confused most.

# %%
predict("10.h", ...)

# %%
scores = averaged(test_images)
predicted = scores.argmax(axis=1)
table = evaluation.confusion(test_labels, predicted, 10)
figure, _ = viz.confusion_matrix(table)
figure

# %%
wrong = table - np.diag(np.diag(table))
true, taken = np.unravel_index(wrong.argmax(), wrong.shape)
outcome("10.h", f"{true} taken for {taken}, {wrong.max()} times" if wrong.any() else "no mistakes")

# %% [markdown]
# The three worst, by how sure the network was of the wrong class. Look before you blame the network:

# %%
sure = mg.kernels.softmax.forward(scores).max(axis=1)
bad = np.flatnonzero(predicted != test_labels)
worst = bad[np.argsort(-sure[bad])][:3]
if len(worst) < 3:  # so good that there are not three
    worst = np.argsort(sure)[:3]
titles = {f"no. {i}: {test_labels[i]} as {predicted[i]}, sure {sure[i]:.0%}": 1 + test_images[i, 0] for i in worst}
figure, _ = viz.pictures(titles, 3, numbers=False)
figure

# %% [markdown]
# ## Exercise 10.5: four sick runs
#
# Three stars, 15 minutes, core. A small network with two heads, five classes and 60 pictures. This is what a healthy
# run looks like. "Again" is the same test done a second time.

# %%
sick_runs.healthy().table("a healthy run")

# %% [markdown]
# And these four are yours, drawn from your name. Each has one faulty line. Look at the curves first.

# %%
runs = sick_runs.of(student)
curves = {letter: (range(len(run.history)), [point.loss for point in run.history]) for letter, run in runs.items()}
figure, _ = viz.line_chart(curves, "step", "loss", log=True)
for letter, run in runs.items():
    print(run.table(f"run {letter}"))
figure

# %%
for letter, run in runs.items():
    print(f"{letter}\n{run.code}\n")
print("faults: " + ", ".join(sick_runs.FAULTS))
print(f"repairs, of which some cure nothing:\n{sick_runs.repairs()}")

# %% [markdown]
# For each run give the fault, the number of its line and the letter of the repair that belongs there. Try a repair
# before you answer: `sick_runs.repaired(runs["A"], 13, "p").table()`. The check runs your repaired loops for
# 20 steps.

# %%
# exercise 10.5
### BEGIN SOLUTION
found = {letter: sick_runs.cure(fault) for letter, fault in sick_runs.key(student).items()}  # by the answer key
### END SOLUTION
check("10.5", None if found is ... else (student, found))

# %% [markdown]
# ## Exercise 10.6: an honest number
#
# Two stars, 10 minutes, core. `groups[i]` says to whom picture i belongs: a writer, a patient, a picture and its
# mirror image. A group must never be parted. Put the sorted names of the groups into an order by `rng.permutation`.
# The first fifth of the names (rounded) is the test, the second fifth is for validation, the rest is for training.
# Return the places of the pictures of each part, sorted.


# %%
def split(groups, rng):
    """Exercise 10.6: groups (n,) -> (train, valid, test), three arrays of whole numbers."""
    ### BEGIN SOLUTION
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    parts = names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)
    ### END SOLUTION


# %%
split_result = check("10.6", split)
split_result

# %% [markdown]
# ### Exercise 10.6b: normalise without peeking
#
# One star, 6 minutes, not core. Bring every channel of the training pictures to mean 0 and standard deviation 1, and
# change the test pictures in the very same way.


# %%
def normalise(train, test):
    """Exercise 10.6b: two arrays (N, C, H, W) -> the same, normalised."""
    ### BEGIN SOLUTION
    mean = train.mean(axis=(0, 2, 3), keepdims=True)
    std = train.std(axis=(0, 2, 3), keepdims=True)
    return (train - mean) / std, (test - mean) / std
    ### END SOLUTION


# %%
normalise_result = check("10.6b", normalise)
normalise_result

# %% [markdown]
# ### Exercise 10.6c: which epoch, which number
#
# One star, 4 minutes, not core. `valid` and `test` hold the accuracy after each epoch, from 0. Choose an epoch (the
# first of the best) and return it with the accuracy that you may publish.


# %%
def publish(valid, test):
    """Exercise 10.6c: two arrays (epochs,) -> (epoch, accuracy)."""
    ### BEGIN SOLUTION
    epoch = int(np.argmax(valid))
    return epoch, test[epoch]
    ### END SOLUTION


# %%
check("10.6c", publish)

# %% [markdown]
# Your functions at work: the most naive classifier, which answers with the label of the most similar training picture.
# Every scene comes twice, the second time with a little noise. One split parts the twins, yours does not.


# %%
def nearest(pictures, labels, train, test):
    """Return the share of test pictures whose nearest training picture has their label."""
    a, b = (part.reshape(len(part), -1) for part in normalise(pictures[train], pictures[test]))
    near = (b**2).sum(1)[:, None] - 2 * b @ a.T + (a**2).sum(1)
    return float((labels[train][near.argmin(axis=1)] == labels[test]).mean())


scenes = data.shapes(200, seed=3)
rng = np.random.default_rng(0)
twins = np.concatenate([scenes.pictures, scenes.pictures + rng.normal(0, 20, scenes.pictures.shape)])
groups, twin_labels = np.tile(np.arange(200), 2), np.tile(scenes.labels, 2)
if split_result.passed and normalise_result.passed:
    for name, names in (("twins kept together, your split", groups), ("twins parted", np.arange(400))):
        train, _, test = split(names, np.random.default_rng(1))
        print(f"{name}: {nearest(twins, twin_labels, train, test):.0%} right; chance is 10%")

# %% [markdown]
# What you saw: the same classifier, the same pictures. The larger number is worth nothing: it was looked up.

# %% [markdown]
# ## Make it break
#
# **A rate thirty times too large**, and no batch norm that saves it:

# %%
try:
    broken = fit(mini(norm=None), images, labels, 20, lr=30 * 0.05)["sum"]
    print(f"the loss goes from {broken[0]:.3g} to {broken[-1]:.3g}; largest {max(broken):.3g}")
except FloatingPointError as error:
    print("FloatingPointError:", error)

# %% [markdown]
# The error names the first wire that is not finite, so that you need not search.
#
# **Labels shuffled.** There is nothing to learn in them. Guess the share of the 64 training pictures that the network
# gets right after 80 steps, and the share of the held-out ones.

# %%
predict("10.i", ...)

# %%
shuffled = np.random.default_rng(0).permutation(labels[:64])
memory = mini()
curve = fit(memory, images[:64], shuffled, 80, lr=0.05)["sum"]
learned = float((evaluation.predict(memory, images[:64]) == shuffled).mean())
useful = float((evaluation.predict(memory, test_images) == test_labels).mean())
print(f"loss from {curve[0]:.2f} to {curve[-1]:.2f}")
assert learned > 0.9 > 0.3 > useful
outcome("10.i", f"{learned:.0%} of its own pictures, {useful:.0%} of the others")

# %% [markdown]
# What you saw: memorising. A training loss near 0 says nothing about other pictures.

# %% [markdown]
# ## Take it further
#
# - `minigooglenet train --data shapes --out run` trains on drawn scenes in colour, and goes on after an interruption
#   with `--resume`. `mg.data.load("cifar10")` fetches CIFAR-10 as its binary archive, not as a pickle that could run
#   code.
# - Write Adam as a `move` for `fit`, and compare it with `adaptive.adamw_step`. Does it need the sweep of rates?
# - `training.find_learning_rate(mini(), digits).figure()` draws a sweep in one short run. Does its suggestion agree
#   with yours?
# - Smooth the labels: 0.9 for the right class, the rest shared. What is the lowest possible loss now?
# - Give `training.Settings` the schedule "paper" and compare last and averaged weights again.

# %% [markdown]
# ## Claims ledger
#
# **"The paper gives no special training details."** Its section 6 gives these; the engine follows them:

# %%
assert training.Settings().momentum == 0.9
assert losses.head_weights(["a", "b", "main"]) == {"a": 0.3, "b": 0.3, "main": 1.0}
assert [round(schedules.paper(1, e, 1, 1), 4) for e in (7, 8, 16)] == [1, 0.96, 0.9216]
assert transforms.AREA_SHARE == (0.08, 1.0)
assert transforms.ASPECT == (3 / 4, 4 / 3)
print("stated: momentum 0.9, 4 % less every 8 epochs, averaged weights, heads 0.3, area 8 to 100 %, ratio 3/4 to 4/3")
print("not stated: batch size, base rate, weight decay, first weights, constants of LRN, first biases")
print("So whoever says 'reproduced' had a second source, usually BVLC's files.")

# %% [markdown]
# **"Dropout remains essential, with a ratio of 70 %."** Of which head?

# %%
drops = {name: layer.p for name, (layer, _) in mg.models.googlenet(init="zeros").nodes.items() if hasattr(layer, "p")}
print(drops)
assert sorted(drops.values()) == [0.4, 0.7, 0.7]

# %% [markdown]
# **"Seven independent versions."** The paper's seven started from the same weights, differ in the order and sampling
# of the pictures, and one is wider. The engine's ensembles are made so:

# %%
recipe = training.Recipe(models=7)
members = [recipe.member(k) for k in range(7)]
assert len({m.weights_seed for m in members}) == 1
assert len({m.settings.seed for m in members}) == 7
print("seven members: one seed for the first weights, seven for order, augmentation and dropout")

# %% [markdown]
# **"The first loss is ln C."** With two auxiliary heads at 0.3 it is 1.6 times that, as the first cell asserts.

# %% [markdown]
# ## Exit quiz

# %%
quiz("10")
