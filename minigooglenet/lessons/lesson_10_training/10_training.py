# %% [markdown]
# # 10 Training one that learns
#
# **The question.** What is the shortest honest way from random weights to a number that you may publish?
#
# About 60 minutes. Needs lesson 09.
#
# Afterwards you can
#
# - climb the sanity ladder: first loss, overfitting eight images on purpose, a sweep of learning rates, and only then a
#   run;
# - write a step of SGD with momentum, the paper's schedule and the paper's random crop;
# - find a faulty line in a training loop by its curves;
# - split images, normalise them and choose an epoch without looking at the test set.
#
# The *training set* is for fitting, the *validation set* for choosing, the *test set* for one report at the end. A set
# that the network is not trained on is *held out*.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import data, evaluation, losses, optim, schedules, training, viz
from minigooglenet.data import transforms
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_10_training import drawing, sick_runs
from minigooglenet.training.step import gradients

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
SIZE = 16
images, labels, test_images, test_labels = data.digits(SIZE)
print(f"{len(images)} handwritten digits to train on, {len(test_images)} held out, {SIZE} x {SIZE} pixels")


# %%
def mini(**arguments):
    """Return a small GoogLeNet with one auxiliary head, the same weights every time."""
    arguments = {"aux": True, "dropout": False, "width": 0.5, **arguments}
    return mg.models.mini_googlenet(10, in_channels=1, size=SIZE, rng=0, **arguments)


counted = mg.count(mini(), outputs=["loss3/classifier"])
print(f"{counted.params:,} parameters, {counted.macs:,} MAC for an image")

# %% [markdown]
# ## First rung: the first loss
#
# GoogLeNet has a main classifier and two auxiliary heads, whose losses count 0.3 times. Take ten classes, and weights
# so small that all logits are nearly 0. Guess the loss of the first step.

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
# What you saw: not ln 10. The losses of the heads are added, so a network with two of them starts at 1.6 ln C. Larger
# weights start higher, because a confident wrong guess costs more than an even one (lesson 09).

# %% [markdown]
# ## Exercise 10.1: the first loss
#
# Difficulty: * of ***. About 3 minutes. Core.
#
# The numbers are drawn from your name.

# %%
student = "you"  # your name or number, if your course asks for it
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
# This is all of training: a batch, the gradients of the weighted sum of the losses, a step. `move` is the step, and you
# write one in exercise 10.2.


# %%
def engine_step(params, grads, velocity, lr):
    """Move the parameters in place by the engine's SGD with momentum."""
    optim.sgd_step(params, grads, velocity, lr=lr, momentum=0.9, weight_decay=2e-4)


def fit(net, x, y, steps, lr, batch=32, move=engine_step, seed=0):
    """Train in place; return {"sum" or a head: its loss at every step}."""
    rng, velocity, weights = np.random.default_rng(seed), {}, losses.head_weights(net.outputs)
    curves = {name: [] for name in ("sum", *weights)}
    for step in range(steps):
        chosen = rng.permutation(len(x))[:batch]
        grads = gradients(net, x[chosen], y[chosen], weights, number=step)
        move(net.params, grads.params, velocity, lr)
        for name, loss in (("sum", grads.loss), *grads.heads.items()):
            curves[name].append(loss)
    return curves


# %% [markdown]
# ## Second rung: overfit eight images
#
# A network that fits only the images that it saw *overfits*. Here that is the test: a network that cannot fit eight
# images will not learn a thousand. How many steps until the loss of the main classifier is below 0.01? (Dropout is off
# here: it exists to prevent this.)

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
# ## Exercise 10.2: one step of SGD with momentum
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# The velocity `v` is a running sum of past gradients: `v` becomes mu times itself, plus the gradient `g`, plus `decay *
# w`. Then `w` moves by `lr` times the new `v`, downhill. A bias (`is_bias`) learns at twice the rate and does not
# decay, as in BVLC's replication of GoogLeNet. Return new arrays.


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
# Your step trains the network, next to the engine's:


# %%
def your_step(params, grads, velocity, lr):
    """Move the parameters in place by your function."""
    for name, g in grads.items():
        v = velocity.get(name, np.zeros_like(g))
        numbers = (np.float32(value) for value in (lr, 0.9, 2e-4))
        params[name][...], velocity[name] = sgd_momentum(params[name], v, g, *numbers, name.endswith("bias"))


def caffe_step(params, grads, velocity, lr):
    """Move the parameters in place as BVLC's solver does."""
    factors = optim.caffe_multipliers(params)
    optim.sgd_step(params, grads, velocity, lr=lr, weight_decay=2e-4, multipliers=factors)


if result.passed:
    mine, theirs = (fit(mini(), images, labels, 20, 0.05, move=move)["sum"] for move in (your_step, caffe_step))
    print(f"20 steps: your loss goes from {mine[0]:.4f} to {mine[-1]:.4f}, the engine's to {theirs[-1]:.4f}")
compare("10.2")

# %% [markdown]
# ## Third rung: a sweep of learning rates
#
# Three learning rates, each a hundred times the one before, 30 steps each. Guess the loss at the end for each of the
# three. (About five seconds.)

# %%
predict("10.c", ...)

# %%
RATES, STEPS = (0.0005, 0.05, 5.0), 20 if FAST else 30
sweep = {}
for rate in RATES:
    sweep[rate] = fit(mini(), images, labels, STEPS, rate)["sum"]
    print(f"learning rate {rate:g}: {STEPS} steps{' (fast mode, not 30)' if FAST else ''}")
lines = {f"learning rate {rate:g}": (range(STEPS), curve) for rate, curve in sweep.items()}
figure, _ = viz.line_chart(lines, "step", "loss")
figure

# %%
last = {rate: round(float(np.mean(curve[-5:])), 2) for rate, curve in sweep.items()}
assert min(last, key=last.get) == 0.05
outcome("10.c", last)

# %% [markdown]
# What you saw: the mean loss of the last five steps, by learning rate. The small one hardly moves. The large one jumps
# about. Batch norm keeps it finite here; without it, see "Make it break".

# %% [markdown]
# ## The schedule
#
# The paper lowers the learning rate by 4% every 8 epochs. BVLC's quick solver lets it fall to 0 as the square root of
# the remaining fraction of the run. Guess: which fraction of its first learning rate does the paper's schedule still
# have after 250 epochs?

# %%
predict("10.d", ...)

# %%
epochs = np.arange(250)
schedules_of = {
    "paper: times 0.96 every 8 epochs": [schedules.paper(1, e, 250, 1) for e in epochs],
    "quick solver: square root": [schedules.polynomial(1, e, 250) for e in epochs],
}
figure, _ = viz.line_chart({name: (epochs, rates) for name, rates in schedules_of.items()}, "epoch", "fraction of lr0")
print(outcome("10.d", round(schedules.paper(1, 249, 250, 1), 3)))
figure

# %% [markdown]
# What you saw: the paper's learning rate never gets small. Its authors average the weights instead, and so do we below.

# %% [markdown]
# ## Exercise 10.3: the paper's rate
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# Epochs are counted from 0.


# %%
def paper_rate(lr0, epoch):
    """Exercise 10.3: return the learning rate of that epoch, a number."""
    ### BEGIN SOLUTION
    return lr0 * 0.96 ** (epoch // 8)
    ### END SOLUTION


# %%
check("10.3", paper_rate)

# %% [markdown]
# ## The run
#
# Now the engine's own trainer: digits shifted at random, the learning rate falling to 0, and from the middle of the run
# on a running mean of the weights. Guess: which fraction of the held-out digits is right at the end?
#
# The next cell but one trains for 10 to 30 seconds and prints a line after each epoch.

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
# What you saw: the mean of the weights and the last weights hardly differ here, because the learning rate falls to 0.
# The paper's rate stays high to the end, so its mean has more to smooth; see "Take it further".
#
# Which number may be published? Strictly, neither: we evaluated on the test images after every epoch. Exercises
# 10.6 and 10.6c are about that.

# %% [markdown]
# ## Its mistakes
#
# One number hides which digits are confused with which. Guess the pair that is confused most.

# %%
predict("10.h", ...)

# %%
logits = averaged(test_images)
predicted = logits.argmax(axis=1)
table = evaluation.confusion(test_labels, predicted, 10)
figure, _ = viz.confusion_matrix(table)
figure

# %%
wrong = table - np.diag(np.diag(table))
most = [tuple(pair) for pair in np.argwhere(wrong == wrong.max()).tolist()] if wrong.any() else []
print(f"the most frequent pairs (true, predicted), {wrong.max()} times each:")
outcome("10.h", most)

# %% [markdown]
# The three worst, by how confident the network was of the wrong class. Look before you blame the network:

# %%
confidence = mg.kernels.softmax.forward(logits).max(axis=1)
bad = np.flatnonzero(predicted != test_labels)
worst = bad[np.argsort(-confidence[bad])][:3]
if len(worst) < 3:  # so good that there are not three
    worst = np.argsort(confidence)[:3]
titles = {
    f"no. {i}: {test_labels[i]} as {predicted[i]}, confidence {confidence[i]:.0%}": 1 + test_images[i, 0] for i in worst
}
figure, _ = viz.images(titles, 3, numbers=False)
figure

# %% [markdown]
# ## Exercise 10.6c: which epoch, which number
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# `valid` and `test` contain the accuracy after each epoch, from 0. Choose an epoch (the first of the best) and return
# it with the accuracy that you may publish.


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
# ## Make it break
#
# **A learning rate thirty times too large**, and no batch norm that saves it:

# %%
try:
    broken = fit(mini(norm=None), images, labels, 20, lr=30 * 0.05)["sum"]
    print(f"the loss goes from {broken[0]:.3g} to {broken[-1]:.3g}; largest {max(broken):.3g}")
except FloatingPointError as error:
    print("FloatingPointError:", error)

# %% [markdown]
# The error names the first wire that is not finite, so that you need not search.
#
# **Labels shuffled.** There is nothing to learn in them. Guess the fraction of the 64 training images that the network
# gets right after 80 steps, and the fraction of the held-out ones.

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
outcome("10.i", f"{learned:.0%} of the training images, {useful:.0%} of the held-out ones")

# %% [markdown]
# What you saw: memorising, or overfitting at its extreme. A training loss near 0 proves nothing about other images.

# %% [markdown]
# ## Claims, checked
#
# Four sentences from texts about the paper, each with its check:
#
# - "The paper gives no special training details." Its section 6 gives these; the engine follows them.
# - "Dropout remains essential, with a ratio of 70%." Of which head?
# - "Seven independent versions." The paper's seven started from the same weights, differ in the order and sampling of
#   the images, and one is wider. The engine's ensembles are made like this.
# - "The first loss is ln C." With two auxiliary heads at 0.3 it is 1.6 times that, as the first cells assert.

# %%
assert training.Settings().momentum == 0.9
assert losses.head_weights(["a", "b", "main"]) == {"a": 0.3, "b": 0.3, "main": 1.0}
assert [round(schedules.paper(1, e, 1, 1), 4) for e in (7, 8, 16)] == [1, 0.96, 0.9216]
assert transforms.AREA_FRACTION == (0.08, 1.0)
assert transforms.ASPECT == (3 / 4, 4 / 3)
print("stated: momentum 0.9, 4% less every 8 epochs, averaged weights, heads 0.3, area 8 to 100%, ratio 3/4 to 4/3")
print("not stated: batch size, base learning rate, weight decay, first weights, constants of LRN, first biases")
print("So a text that says 'reproduced' used a second source, usually BVLC's files.")
drops = {name: layer.p for name, (layer, _) in mg.models.googlenet(init="zeros").nodes.items() if hasattr(layer, "p")}
print("dropout:", drops)
assert sorted(drops.values()) == [0.4, 0.7, 0.7]
recipe = training.Recipe(models=7)
members = [recipe.member(k) for k in range(7)]
assert len({m.weights_seed for m in members}) == 1
assert len({m.settings.seed for m in members}) == 7
print("seven members: one seed for the first weights, seven for order, augmentation and dropout")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then look: `quiz("10", answers=True)`.

# %%
glossary.terms("10")

# %%
quiz("10")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - `minigooglenet train --data shapes --out run` trains on drawn scenes in colour, and continues after an interruption
#   with `--resume`. `mg.data.load("cifar10")` fetches CIFAR-10 as its binary archive, not as a pickle that could run
#   code.
# - Write Adam as a `move` for `fit`, and compare it with `adaptive.adamw_step`. Does it need the sweep of learning
#   rates?
# - `training.find_learning_rate(mini(), digits).figure()` draws a sweep in one short run. Does its suggestion agree
#   with yours?
# - Smooth the labels: 0.9 for the right class, the rest divided among the others. What is the lowest possible loss now?
# - Give `training.Settings` the schedule "paper" and compare last and averaged weights again.

# %% [markdown]
# ## Exercise 10.3b: the rate of your epoch
#
# Difficulty: * of ***. About 3 minutes. Further.

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
# ## Many ways to crop one image
#
# The paper shows the network another part of an image each time: an area of 8% to 100%, a ratio of width to height of
# 3/4 to 4/3. Guess: which fraction of the image does such a crop contain on average?

# %%
predict("10.e", ...)

# %%
rng = np.random.default_rng(0)
boxes = [transforms.area_box(rng, drawing.HEIGHT, drawing.WIDTH) for _ in range(64)]
figure, _ = drawing.crop_boxes(boxes, "the engine's crops")
figure


# %%
def mean_fraction(draw, height, width):
    """Return the mean fraction of the image's area over 2000 crops."""
    rng = np.random.default_rng(0)
    boxes = np.array([draw(rng, height, width) for _ in range(2000)])
    return (boxes[:, 2] * boxes[:, 3]).mean() / (height * width)


square, wide = mean_fraction(transforms.area_box, 128, 128), mean_fraction(transforms.area_box, 128, 192)
print(f"mean fraction of a square {square:.2f}, of this image {wide:.2f}; the midpoint of 0.08 and 1 is 0.54")
assert wide < square < 0.54
outcome("10.e", round(float(wide), 2))

# %% [markdown]
# What you saw: crops of all sizes and positions, with an average area below 54%, the midpoint of 8% and 100%. Large
# crops rarely fit and are drawn again. On a wide image, high crops fit less often than wide ones.

# %% [markdown]
# ## Exercise 10.4: the paper's random crop
#
# Difficulty: ** of ***. About 12 minutes. Further.
#
# Draw in this order, with `rng.uniform` and `rng.integers`:
# 1. the area, evenly in 0.08 to 1 of H * W;
# 2. the logarithm of the ratio width / height, evenly in log(3/4) to log(4/3);
# 3. if height and width (rounded) fit into H and W: the top row, then the left column, every position equally likely.
#
# If the crop does not fit, draw again from 1, ten times in total. Then take the central square of the shorter side. The
# check's generator returns given values, so luck plays no part.


# %%
def random_crop(H, W, rng):
    """Exercise 10.4: return (top, left, height, width), four integers."""
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

# %%
figure = None
if result.passed:
    rng = np.random.default_rng(1)
    boxes = [random_crop(drawing.HEIGHT, drawing.WIDTH, rng) for _ in range(64)]
    figure, _ = drawing.crop_boxes(boxes, "your crops")
figure

# %%
compare("10.4")

# %% [markdown]
# ## Where would a change matter
#
# Here are feature maps of the first layer for one digit, and the gradient of the right class's logit at the same
# positions. Guess the correlation of their sizes: 1 if the gradient is large where the map is, 0 if they have nothing
# to do with each other. (Lesson 12 shows what deeper filters learn.)

# %%
predict("10.g", ...)

# %%
wire, main = "conv1/relu_3x3", averaged.outputs[-1]
outputs, tape = averaged.forward({"image": test_images[:1]}, outputs=[main, wire])
upstream = np.zeros_like(outputs[main])
upstream[0, test_labels[0]] = 1
grads, _ = averaged.backward({main: upstream}, tape, wires=[wire])
maps, gradient = outputs[wire][0], grads[wire][0]
strongest = np.argsort(-maps.sum(axis=(1, 2)))[:4]
correlation = np.corrcoef(np.abs(maps[strongest]).ravel(), np.abs(gradient[strongest]).ravel())[0, 1]
print(outcome("10.g", round(float(correlation), 2)))
zeros = float((gradient == 0).mean())
print(f"the gradient is 0 at {zeros:.0%} of the positions")
assert zeros > 0.5
pair = (grads["image"][0, 0], gradient)
figure, _ = drawing.maps_and_gradients(1 + test_images[0, 0], maps, pair, strongest)
figure

# %% [markdown]
# What you saw: a feature map shows where a filter responds. The gradient shows where a change of the response would
# matter, and it is mostly 0: a max pool reads this layer, and only the argmax of each window gets a gradient (lesson
# 05).

# %% [markdown]
# ## Exercise 10.5: four sick runs
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# A small network with two heads, five classes and 60 images. This is what a healthy run looks like. "Again" is the same
# evaluation done a second time.

# %%
sick_runs.healthy().table("a healthy run")

# %% [markdown]
# And these four are yours, drawn from your name. Each has one faulty line. Look at the curves first.

# %%
runs = sick_runs.of(student)
curves = {letter: (range(len(run.history)), [point.loss for point in run.history]) for letter, run in runs.items()}
figure, _ = viz.line_chart(curves, "step", "loss", log=True)
figure

# %%
sick_runs.together(runs)

# %%
for letter, run in runs.items():
    print(f"{letter}\n{run.code}\n")
print("faults: " + ", ".join(sick_runs.FAULTS))
print(f"repairs, some of which repair nothing:\n{sick_runs.repairs()}")

# %% [markdown]
# For each run give the fault, the number of its line and the letter of the repair for that line. Try a repair before
# you answer: `sick_runs.repaired(runs["A"], 13, "p").table()`. The check runs your repaired loops for 20 steps.

# %%
# exercise 10.5
### BEGIN SOLUTION
found = {letter: sick_runs.cure(fault) for letter, fault in sick_runs.key(student).items()}  # by the answer key
### END SOLUTION
check("10.5", None if found is ... else (student, found))

# %% [markdown]
# ## Exercise 10.6: an honest split
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# `groups[i]` is the source of image i: a writer, a patient, an image and its mirror image. A group must never be split.
# Put the sorted names of the groups into an order by `rng.permutation`. The first fifth of the names (rounded) is the
# test set, the second fifth is the validation set, the rest is the training set. Return the indices of the images of
# each part, sorted.


# %%
def split(groups, rng):
    """Exercise 10.6: groups (n,) -> (train, valid, test), three arrays of integers."""
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
# ## Exercise 10.6b: normalise without peeking
#
# Difficulty: * of ***. About 6 minutes. Further.
#
# Bring every channel of the training images to mean 0 and standard deviation 1, and change the test images in the same
# way.


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
# Your functions at work: the simplest classifier returns the label of the most similar training image. Every scene
# comes twice, the second time with a little noise. One split separates the twins, yours does not.


# %%
def nearest(images, labels, train, test):
    """Return the fraction of test images whose nearest training image has their label."""
    a, b = (part.reshape(len(part), -1) for part in normalise(images[train], images[test]))
    near = (b**2).sum(1)[:, None] - 2 * b @ a.T + (a**2).sum(1)
    return float((labels[train][near.argmin(axis=1)] == labels[test]).mean())


scenes = data.shapes(200, seed=3)
rng = np.random.default_rng(0)
twins = np.concatenate([scenes.images, scenes.images + rng.normal(0, 20, scenes.images.shape)])
groups, twin_labels = np.tile(np.arange(200), 2), np.tile(scenes.labels, 2)
if split_result.passed and normalise_result.passed:
    for name, names in (("twins kept together, your split", groups), ("twins separated", np.arange(400))):
        train, _, test = split(names, np.random.default_rng(1))
        print(f"{name}: {nearest(twins, twin_labels, train, test):.0%} right; chance is 10%")

# %% [markdown]
# What you saw: the same classifier, the same images. The larger number is worth nothing: the answers were looked up.
