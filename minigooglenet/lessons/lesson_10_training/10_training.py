# %% [markdown]
# # 10 Training a network that learns
#
# **The question.** What is the shortest honest way from random weights to an accuracy that you may publish?
#
# About 60 minutes. Needs lesson 09.
#
# Afterwards you can
#
# - make three sanity checks before a long run: the first loss, overfitting eight images on purpose, and a sweep of
#   learning rates;
# - write a step of SGD with momentum, the paper's learning-rate schedule and the paper's random crop;
# - find a faulty line in a training loop from its curves;
# - split images, normalise them and choose an epoch without using the test set.
#
# The *training set* is for fitting the weights, the *validation set* for choosing hyperparameters, and the *test set*
# for one report at the end. Data that a network is not trained on is *held out*. An *epoch* is one pass through the
# training set, and an *auxiliary head*, or *head* for short, is a small classifier in the middle of the network.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import data, evaluation, losses, optim, schedules, training, viz
from minigooglenet.data import transforms
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_10_training import drawing, faulty_runs
from minigooglenet.training.step import gradients

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
SIZE = 16
images, labels, test_images, test_labels = data.digits(SIZE)
print(f"{len(images)} handwritten digits in the training set, {len(test_images)} held out, {SIZE} x {SIZE} pixels")


# %%
def mini(**arguments):
    """Return a small GoogLeNet with one auxiliary head, with the same weights at each call."""
    arguments = {"aux": True, "dropout": False, "width": 0.5, **arguments}
    return mg.models.mini_googlenet(10, in_channels=1, size=SIZE, depth=2 if FAST else 4, rng=0, **arguments)


counted = mg.count(mini(), outputs=["loss3/classifier"])
print(f"{counted.params:,} parameters, {counted.macs:,} MACs per image")

# %% [markdown]
# ## First check: the first loss
#
# GoogLeNet has a main classifier and two auxiliary heads, whose losses have the loss weight 0.3. Suppose that there are
# ten classes and that the weights are so small that all logits are nearly 0. Guess: what is the loss of the first step?

# %%
predict("10.a", ...)

# %%
net = mg.models.googlenet(10, width=0.125, init="gaussian", rng=0)
x = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
logits, _ = net.forward({"image": x}, train=True)
total, heads, _ = losses.weighted_sum(logits, np.array([3, 7]), losses.head_weights(net.outputs))
for wire, loss in heads.items():
    print(f"{wire}: {loss:.3f}")
print(f"weighted sum: {total:.3f}; 1.6 ln 10 = {1.6 * np.log(10):.3f}, 1.6 ln 1000 = {1.6 * np.log(1000):.3f}")
outcome("10.a", round(total, 3))

# %%
assert abs(total - 1.6 * np.log(10)) < 1e-3

# %% [markdown]
# What you saw: the first loss is not ln 10. The losses of the two heads are added, each times 0.3, so for C classes it
# is 1.6 ln C. Larger initial weights give a larger first loss, because a confident wrong guess costs more than equal
# probabilities (lesson 09).

# %% [markdown]
# ## Exercise 10.1: the first loss
#
# Difficulty: * of ***. About 3 minutes. Core.
#
# Your values depend on your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("10.1", student)

# %%
v = find("10.1").values(student)  # the values of the question, by name
# exercise 10.1
### BEGIN SOLUTION
your_loss = (1 + v["heads"] * v["w"]) * np.log(v["C"])
### END SOLUTION
answer("10.1", your_loss)

# %% [markdown]
# ## The loop
#
# A training loop repeats three things: take a batch, compute the gradients of the weighted sum of the losses, and make
# a step. The function `move` makes the step. You will write one in exercise 10.2.


# %%
def engine_step(params, grads, velocity, lr):
    """Update the parameters with the engine's SGD with momentum."""
    optim.sgd_step(params, grads, velocity, lr=lr, momentum=0.9, weight_decay=2e-4)


def fit(net, x, y, steps, lr, batch=32, move=engine_step, seed=0):
    """Train the network; return {"sum" or a classifier: its loss at every step}."""
    rng, velocity, weights = np.random.default_rng(seed), {}, losses.head_weights(net.outputs)
    curves = {name: [] for name in ("sum", *weights)}
    for step in range(steps):
        indices = rng.permutation(len(x))[:batch]
        grads = gradients(net, x[indices], y[indices], weights, number=step)
        move(net.params, grads.params, velocity, lr)
        for name, loss in (("sum", grads.loss), *grads.heads.items()):
            curves[name].append(loss)
    return curves


# %% [markdown]
# ## Second check: overfit eight images
#
# A network *overfits* if its loss falls on the training images and rises on held-out images. Here you overfit on
# purpose, as a test: a network that cannot fit eight images will not learn a thousand. (Dropout is off, because its
# purpose is to prevent overfitting.) Guess: after how many steps is the loss of the main classifier below 0.01?

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
# What you saw: all three curves fall by orders of magnitude. If yours do not, stop and search for the bug in your code.
# More data cannot repair it.

# %% [markdown]
# ## Exercise 10.2: one step of SGD with momentum
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# *SGD* (stochastic gradient descent) makes one step per batch, against the gradient of its loss. With *momentum*, it
# keeps a velocity `v`, a running sum of past gradients: the new `v` is mu times the old `v`, plus the gradient `g`,
# plus `decay * w`. (This last term is the *weight decay*: each step makes the weights a little smaller.) The new `w` is
# the old `w` minus `lr` times the new `v`.
#
# A bias (`is_bias`) has twice the learning rate and no decay, as in the replication of GoogLeNet by BVLC, the authors
# of Caffe. Return new arrays.


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
# Now your step trains the network. Compare it with the engine's step:


# %%
def your_step(params, grads, velocity, lr):
    """Update the parameters with your function."""
    for name, g in grads.items():
        v = velocity.get(name, np.zeros_like(g))
        hyperparameters = (np.float32(value) for value in (lr, 0.9, 2e-4))
        params[name][...], velocity[name] = sgd_momentum(params[name], v, g, *hyperparameters, name.endswith("bias"))


def caffe_step(params, grads, velocity, lr):
    """Update the parameters as BVLC's solver does."""
    factors = optim.caffe_multipliers(params)
    optim.sgd_step(params, grads, velocity, lr=lr, weight_decay=2e-4, multipliers=factors)


if result.passed:
    yours, engine = (fit(mini(), images, labels, 20, 0.05, move=move)["sum"] for move in (your_step, caffe_step))
    print(f"after 20 steps: your loss fell from {yours[0]:.4f} to {yours[-1]:.4f}, the engine's to {engine[-1]:.4f}")
compare("10.2")

# %% [markdown]
# ## Third check: a sweep of learning rates
#
# You train with three learning rates, 0.0005, 0.05 and 5, for 30 steps each. Guess: what is the loss at the end for
# each of them? (The training takes about five seconds.)

# %%
predict("10.c", ...)

# %%
RATES, STEPS = (0.0005, 0.05, 5.0), 10 if FAST else 30
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
# What you saw: the answer is the mean loss of the last five steps for each learning rate. With the small learning rate
# the loss hardly falls. With the large one it jumps up and down. Batch norm keeps it finite here; "Make it break" shows
# what happens without batch norm.

# %% [markdown]
# ## The schedule
#
# A *schedule* changes the learning rate during training. The paper's schedule lowers it by 4% every 8 epochs. BVLC's
# quick solver, the shorter of its two training recipes, lowers it to 0, in proportion to the square
# root of the remaining fraction of the run. Guess: what fraction of the initial learning rate is left after 250 epochs
# of the paper's schedule?

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
# What you saw: the paper's learning rate never gets small. Instead, its authors average the weights of many steps. You
# will do the same below.

# %% [markdown]
# ## Exercise 10.3: the paper's learning rate
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# Return the learning rate in an epoch of the paper's schedule. `lr0` is the initial learning rate. The first epoch is
# epoch 0.


# %%
def paper_rate(lr0, epoch):
    """Exercise 10.3: return the learning rate in this epoch, a number."""
    ### BEGIN SOLUTION
    return lr0 * 0.96 ** (epoch // 8)
    ### END SOLUTION


# %%
check("10.3", paper_rate)

# %% [markdown]
# ## The run
#
# Now use the engine's trainer. It shifts the digits at random (*data augmentation*) and lowers the learning rate to 0.
# After half of the steps it starts to average the weights. Guess: what fraction of the held-out digits does the network
# classify correctly at the end?
#
# Training takes 10 to 30 seconds and prints one line per epoch.

# %%
predict("10.f", ...)

# %%
digits = data.load("digits", SIZE, augment=True)
EPOCHS = 1 if FAST else 8
settings = training.Settings(epochs=EPOCHS, lr=0.05, average_from=0.5, gradients_every=10)
trainer = training.Trainer(mini(dropout=True), digits, settings)
steps = []
trainer.run(
    on_step=steps.append,
    on_epoch=lambda e: print(f"epoch {e.epoch}: loss {e.train_loss:.3f}, held-out accuracy {e.test_accuracy:.1%}"),
)
print(f"{len(steps)} steps" + (" (fast mode: 1 epoch, not 8)" if FAST else ""))

# %%
figure, _ = viz.training_curve(steps, trainer.epochs, trainer.best)
figure

# %%
averaged, last_weights = trainer.trained(), trainer.graph
accuracies = {
    name: float((evaluation.predict(g, test_images) == test_labels).mean())
    for name, g in (("last weights", last_weights), ("averaged weights", averaged))
}
print(", ".join(f"{name} {accuracy:.1%}" for name, accuracy in accuracies.items()))
outcome("10.f", round(max(accuracies.values()), 3))

# %% [markdown]
# What you saw: averaged and last weights have nearly the same accuracy here, because the learning rate falls to 0. The
# paper's learning rate stays high until the end, so averaging helps more there; see "Take it further".
#
# Which of the two accuracies may you publish? Strictly, neither, because you evaluated on the held-out images after
# every epoch. Exercises 10.6 and 10.6c are about that.

# %% [markdown]
# ## Which digits are confused?
#
# One accuracy hides which digits are confused with which. Guess: which pair of digits is confused most often?

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
# Here are the three mistakes with the largest confidence in the wrong class. Would you have read these digits
# correctly?

# %%
confidence = mg.kernels.softmax.forward(logits).max(axis=1)
bad = np.flatnonzero(predicted != test_labels)
worst = bad[np.argsort(-confidence[bad])][:3]
if len(worst) < 3:  # fewer than three mistakes
    worst = np.argsort(confidence)[:3]
titles = {
    f"no. {i}: {test_labels[i]} as {predicted[i]}, confidence {confidence[i]:.0%}": 1 + test_images[i, 0] for i in worst
}
figure, _ = viz.images(titles, 3, numbers=False)
figure

# %% [markdown]
# ## Exercise 10.6c: which epoch, which accuracy
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# `valid` and `test` contain the accuracy on the validation and the test set after each epoch, from epoch 0. Choose the
# best epoch. (If several are equally good, take the first.) Return it together with the accuracy that you may publish.


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
# **Make the learning rate thirty times too large**, without batch norm:

# %%
try:
    broken = fit(mini(norm=None), images, labels, 20, lr=30 * 0.05)["sum"]
    print(f"the loss changes from {broken[0]:.3g} to {broken[-1]:.3g}, and its maximum is {max(broken):.3g}")
except FloatingPointError as error:
    print("FloatingPointError:", error)

# %% [markdown]
# The error names the first wire with a value that is not finite, so you know where to look.
#
# **Shuffle the labels**, so that they have nothing to do with the images. Guess two accuracies after 80 steps: on the
# 64 images that the network is trained with, and on the held-out images.

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
# What you saw: the network memorised the labels. This is *overfitting* at its extreme: a training loss near 0 proves
# nothing about other images.

# %% [markdown]
# ## Claims, checked
#
# You may meet these four claims about the paper elsewhere. The cell checks them.
#
# - "The paper gives no special training details." Its section 6 gives the ones that the cell lists, and the engine
#   follows them.
# - "Dropout remains essential, with a ratio of 70%." That is the ratio in the auxiliary heads. Before the main
#   classifier it is 40%.
# - "Seven independent versions." An *ensemble* averages the probabilities of several networks. The seven networks of
#   the paper's ensemble have the same initial weights. They differ in the order and sampling of the images, and one is
#   wider. The engine makes ensembles in the same way.
# - "The first loss is ln C." With two auxiliary heads of loss weight 0.3 it is 1.6 ln C, as you saw above.

# %%
assert training.Settings().momentum == 0.9
assert losses.head_weights(["a", "b", "main"]) == {"a": 0.3, "b": 0.3, "main": 1.0}
assert [round(schedules.paper(1, e, 1, 1), 4) for e in (7, 8, 16)] == [1, 0.96, 0.9216]
assert transforms.AREA_FRACTION == (0.08, 1.0)
assert transforms.ASPECT == (3 / 4, 4 / 3)
print("The paper states: momentum 0.9, learning rate 4% lower every 8 epochs, averaged weights, loss weight 0.3 for")
print("the heads, crops with 8 to 100% of the area and an aspect ratio from 3/4 to 4/3.")
print(
    "It does not state: batch size, initial learning rate, weight decay, initial weights and biases, constants of LRN."
)
print("So every reproduction needs a second source, usually BVLC's files.")
drops = {name: layer.p for name, (layer, _) in mg.models.googlenet(init="zeros").nodes.items() if hasattr(layer, "p")}
print("dropout ratios:", drops)
assert sorted(drops.values()) == [0.4, 0.7, 0.7]
recipe = training.Recipe(models=7)
members = [recipe.member(k) for k in range(7)]
assert len({m.weights_seed for m in members}) == 1
assert len({m.settings.seed for m in members}) == 7
print("The seven networks of an ensemble have one seed for the initial weights, and seven seeds for order,")
print("augmentation and dropout.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("10", answers=True)`.

# %%
glossary.terms("10")

# %%
quiz("10")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need what follows.
#
# - `minigooglenet train --data shapes --out run` trains on drawings of coloured shapes. If you interrupt it, `--resume`
#   continues the run. `mg.data.load("cifar10")` downloads CIFAR-10 as a binary archive, not as a pickle, which could
#   run code.
# - Write Adam as a `move` for `fit`, and compare it with `mg.adaptive.adamw_step`. Does it need the sweep of learning
#   rates?
# - `training.find_learning_rate(mini(), digits).figure()` draws a sweep in one short run. Does it suggest the learning
#   rate that you would choose?
# - Smooth the labels: 0.9 for the right class, and the rest divided among the others. What is the smallest possible
#   loss now?
# - Set the schedule "paper" in `training.Settings`, and compare last and averaged weights again.

# %% [markdown]
# ## Exercise 10.3b: the learning rate in your epoch
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
# In the paper, each training step uses a new random *crop*, a part of an image that is fed to the network. Its area is
# 8% to 100% of the image, and the ratio of its width to its height is 3/4 to 4/3. Guess: what fraction of the image
# does such a crop contain on average?

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
print(f"mean fraction: {square:.2f} of a square image, {wide:.2f} of this one; the midpoint of 0.08 and 1 is 0.54")
assert wide < square < 0.54
outcome("10.e", round(float(wide), 2))

# %% [markdown]
# What you saw: crops of all sizes and positions, with an average area below 54%, the midpoint of 8% and 100%. A large
# crop often does not fit into the image and is drawn again. On a wide image, tall crops fit less often than wide ones.

# %% [markdown]
# ## Exercise 10.4: the paper's random crop
#
# Difficulty: ** of ***. About 12 minutes. Further.
#
# Draw these values in this order, with `rng.uniform` and `rng.integers`:
# 1. the area, uniformly from 0.08 to 1 times H * W;
# 2. the logarithm of the ratio width / height, uniformly from log(3/4) to log(4/3);
# 3. if the rounded height and width fit into H and W, the top row and then the left column, with all positions equally
#    likely.
#
# If the crop does not fit, draw area and ratio again. If ten such draws do not fit, return the central square whose
# side is the shorter side of the image. The check passes your function a generator that returns given values, so the
# result does not depend on luck.


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
# ## Where would a change matter?
#
# Take the feature map of the first layer for one digit, and the gradient of the right class's logit with respect to it.
# Guess the correlation between their absolute values: it is 1 if the gradient is large exactly where the feature map is
# large, and 0 if they are unrelated. (Lesson 12 shows what deeper filters learn.)

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
# change the logit. It is mostly 0, because a max pool reads this layer, and only the maximum of each window gets a
# gradient (lesson 05).

# %% [markdown]
# ## Exercise 10.5: four faulty runs
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# A small network is trained on 60 images of five classes. It has a main classifier and one head. The table shows a
# healthy run. "main" and "head" are the losses of the two classifiers, and "loss" is their weighted sum. "held out" is
# the accuracy on held-out images, and "again" is the same evaluation done a second time. "weight norm" is the norm of
# all parameters together.

# %%
faulty_runs.healthy().table("a healthy run")

# %% [markdown]
# Your name decides which four faulty runs you get. Each has one faulty line. Look at the curves first.

# %%
runs = faulty_runs.of(student)
curves = {letter: (range(len(run.history)), [point.loss for point in run.history]) for letter, run in runs.items()}
figure, _ = viz.line_chart(curves, "step", "loss", log=True)
figure

# %%
faulty_runs.together(runs)

# %%
for letter, run in runs.items():
    print(f"{letter}\n{run.code}\n")
print("faults: " + ", ".join(faulty_runs.FAULTS))
print(f"repairs (some of them repair nothing):\n{faulty_runs.repairs()}")

# %% [markdown]
# Write `{"A": (fault, number of the faulty line, letter of the repair that replaces it), ...}` for all runs. You can
# try a repair first: `faulty_runs.repaired(runs["A"], 13, "p").table()`. The check runs your repaired
# loops for 20 steps.

# %%
# exercise 10.5
### BEGIN SOLUTION
diagnoses = {
    letter: faulty_runs.solution(fault) for letter, fault in faulty_runs.key(student).items()
}  # the answer key
### END SOLUTION
check("10.5", None if diagnoses is ... else (student, diagnoses))

# %% [markdown]
# ## Exercise 10.6: an honest split
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# `groups[i]` is the group of image i. Images of one writer, of one patient, or an image and its mirror image form a
# group, and a group must never be split. Shuffle the sorted names of the groups with `rng.permutation`. The first fifth
# of the names (rounded) is the test set, the second fifth is the validation set, and the rest is the training set.
# Return the sorted indices of the images in each set.


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
# Shift and scale every channel so that the training images have mean 0 and standard deviation 1. Shift and scale the
# test images by the same amounts.


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
# Now use your two functions. A nearest-neighbour classifier returns the label of the most similar training image. In
# this data set every image has a twin: the same image with a little noise. Your split keeps twins together; the other
# split separates them.


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
    for name, names in (("twins kept together (your split)", groups), ("twins separated", np.arange(400))):
        train, _, test = split(names, np.random.default_rng(1))
        print(f"{name}: accuracy {nearest(twins, twin_labels, train, test):.0%}; chance is 10%")

# %% [markdown]
# What you saw: the classifier and the images are the same, but one accuracy is much larger. It is worthless, because
# the classifier found the answers in the twins.
