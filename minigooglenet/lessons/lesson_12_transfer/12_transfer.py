# %% [markdown]
# # 12 New labels, new boxes
#
# **The question.** How can you use a classifier for classes that it was not trained on, and how can it find objects in
# an image?
#
# About 60 minutes. Needs lessons 10 and 11.
#
# Afterwards you can
#
# - replace the head of a network and freeze its backbone;
# - show what layers learn: find the images to which a channel responds most, and the part that a prediction depends on;
# - compute features once and train on them;
# - run a control experiment that shows whether training the backbone helped at all;
# - measure how much boxes overlap, remove duplicates, and rate a list of detections with one number;
# - compute the cost of classifying regions, and explain what GoogLeNet's detector did and did not do.
#
# The *backbone* is every layer before the classifier, and its outputs are the *features*. The *head* is the classifier.
# (Auxiliary heads do not occur in this lesson.) To *freeze* layers is to keep them as they are while others are
# trained.
#
# A small trained network comes with the course. It was trained on drawn shapes of six classes. The data set has four
# more classes, which it was not trained on.

# %%
import functools
import os
import time

import numpy as np

import minigooglenet as mg
from minigooglenet import data, viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_12_transfer import learned, regions

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
print(f"fast mode: {'on, fewer images and scenes' if FAST else 'off'}")
backbone = regions.trained_backbone()
scenes, test_scenes = data.shapes(1200 if FAST else 2500, seed=3), data.shapes(400 if FAST else 1000, seed=4)
known, new = scenes.classes[:6], scenes.classes[6:]
print("classes that the backbone was trained on:", *known)
print("new classes:", *new)


# %%
def inputs(scenes, classes):
    """Return the images of some classes as network inputs, and their labels from 0."""
    kept = np.isin(scenes.labels, classes)
    return data.pixels.UNIT.to_input(scenes.images[kept]), scenes.labels[kept] - min(classes)


x_known, labels_known = inputs(test_scenes, range(6))
x, labels = inputs(scenes, range(6, 10))
x_test, labels_test = inputs(test_scenes, range(6, 10))
on_known = np.mean(mg.evaluation.predict(backbone, x_known) == labels_known)
print(f"accuracy on held-out images of its six classes: {on_known:.0%}; chance is {1 / 6:.0%}")
assert on_known > 0.6
examples = [np.flatnonzero(scenes.labels == label)[0] for label in range(10)]
figure, _ = viz.images({scenes.classes[i]: scenes.images[examples[i]].transpose(1, 2, 0) for i in range(10)}, 5)
figure

# %% [markdown]
# ## How much of a network is its head?
#
# GoogLeNet ends with an average over all positions, which gives 1,024 values, and one linear layer to 1000 classes. You
# want to use it for ten classes of your own. Guess: how many parameters of the new network must you draw at
# random, and what fraction of its parameters is that?

# %%
predict("12.a", ...)

# %%
googlenet = mg.models.googlenet(10, rng=0)
total = mg.count(googlenet, outputs=googlenet.outputs[-1:]).params
head = sum(googlenet.params[f"loss3/classifier/{name}"].size for name in ("weight", "bias"))
assert head == 1025 * 10
print(outcome("12.a", f"{head:,} of {total:,}, {head / total:.2%}"))

# %% [markdown]
# What you saw: the head is a tiny part of the network. GoogLeNet could even do without this linear layer, if its
# backbone ended in one channel per class. The paper keeps the layer so that the network can be adapted to other
# labels.

# %% [markdown]
# ## Exercise 12.1: a new head on a trained backbone
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# Return a network for `classes` classes with the backbone of `net` and a new head, and the number of parameters of this
# head. Draw the new head with the seed `rng`, and do not change `net`. Read `help(mg.models.with_classes)` first.


# %%
# exercise 12.1
def new_head(net, classes, rng):
    """Return (network with the backbone of net and a new head, number of parameters of the head)."""
    ### BEGIN SOLUTION
    other, new = mg.models.with_classes(net, classes, rng=rng)
    return other, sum(other.params[name].size for name in new)
    ### END SOLUTION


# %%
headed = check("12.1", new_head)
headed

# %% [markdown]
# ## What layers learn
#
# Why should a backbone help with classes that it was not trained on? To find out, look at what filters respond to.
# First train a small network on handwritten digits. Training takes 10 to 20 seconds and prints one line per epoch.

# %%
digits, digit_labels, digits_test, digit_labels_test = data.digits(32)
EPOCHS = 1 if FAST else 3
reader = mg.models.mini_googlenet(10, in_channels=1, width=0.5, dropout=False, rng=0)
untrained = mg.models.mini_googlenet(10, in_channels=1, width=0.5, dropout=False, rng=0)
steps_per_epoch = -(-len(digits) // 32)


def report(step):
    """Print one line after each epoch."""
    if (step.number + 1) % steps_per_epoch == 0:
        print(f"epoch {(step.number + 1) // steps_per_epoch} of {EPOCHS}: loss {step.loss:.2f}")


mg.training.train(reader, digits, digit_labels, epochs=EPOCHS, rng=0, on_step=report)
predicted = mg.evaluation.predict(reader, digits_test)
print(f"accuracy on held-out digits: {np.mean(predicted == digit_labels_test):.1%}")

# %% [markdown]
# You can draw the weights of the first layer as images. For a deeper filter, find the images to which it responds most:
# take the nine held-out images with the largest values in its channel. Guess for the first layer and for the last
# module: how many of these nine images show the same digit, on average over the channels?

# %%
predict("12.f", ...)

# %%
wires = ["conv1/relu_3x3", *(name for name in reader.nodes if name.endswith("/output"))]
same_digit = {"trained": [], "untrained": []}
for name, net in (("trained", reader), ("untrained", untrained)):
    for wire in wires:
        maps = learned.responses(net, digits_test, wire)
        same_digit[name].append(9 * float(learned.purity(maps, digit_labels_test).mean()))
assert same_digit["trained"][-1] > max(same_digit["trained"][0], same_digit["untrained"][-1]) + 0.5
print(outcome("12.f", [round(same_digit["trained"][i], 1) for i in (0, -1)]))
rows = [(wire, *(f"{counts[i]:.1f}" for counts in same_digit.values())) for i, wire in enumerate(wires)]
columns = ("wire", ">trained", ">untrained")
mg.console.Table("How many of the nine strongest images show the same digit", columns, rows)

# %%
figure, _ = viz.first_filters(reader.params["conv1/3x3/weight"], "Filters of the first layer")
figure

# %%
figure, _ = learned.show_strongest(reader, digits_test, [wires[i] for i in (0, 1, 2, -1)])
figure

# %% [markdown]
# What you saw: each row shows one channel and the images with its largest values. The frame is the *receptive field*:
# only pixels inside it can change the value. The first layers respond to corners and edges of any digit, middle layers
# to loops and bends, and the last module to whole digits. Without training, the strongest images of the last module are
# about as mixed as those of the first layer. So early features are useful for many tasks, and late features mainly
# for the task that the network was trained on.

# %% [markdown]
# ### The part that mattered
#
# Which part of an image does a prediction depend on? Cover a square of 6 x 6 pixels, predict again, and move the square
# over the image. If the probability of the digit falls, the covered part mattered. You can fill the square with the
# background colour, which erases ink, or with grey. Guess: which of the two changes the predicted digit more often?
#
# The cell after your guess takes about five seconds.

# %%
predict("12.g", ...)

# %%
right = np.flatnonzero(predicted == digit_labels_test)[: 3 if FAST else 20]
fills = {"background": float(digits_test.min()), "grey": learned.GREY}
changed = {}
for name, fill in fills.items():
    classes = [learned.occlusion(reader, digits_test[i], digit_labels_test[i], fill)[1] for i in right]
    changed[name] = float(np.mean([c != digit_labels_test[i] for c, i in zip(classes, right, strict=True)]))
    print(f"squares filled with {name}: the prediction changes at {changed[name]:.0%} of the positions")
print(outcome("12.g", max(changed, key=changed.get)))
of_digit = [np.flatnonzero((digit_labels_test == digit) & (predicted == digit)) for digit in (2, 6, 9)]
examples = [images[0] for images in of_digit if len(images)]
figure, _ = learned.show_occlusion(reader, digits_test[examples], digit_labels_test[examples], fills)
figure

# %% [markdown]
# What you saw: at purple positions the square lowers the probability of the digit, at orange positions it raises it.
# The strongest effects are on strokes that distinguish this digit from others. The maps also depend on the fill: they
# show what happens if you replace a part, not "where the network looks".

# %% [markdown]
# ## Exercise 12.2: features, computed once
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# If the backbone is frozen, an image always has the same features, so you only need to compute them once. Return the
# features of `images` (M, C, H, W), in inference mode, which means without dropout and with the stored statistics of
# batch norm. They are the wire "pool5/global", with shape (M, F). The input wire of the network is "image".


# %%
# exercise 12.2
def cache_features(net, images):
    """Return the features (M, F) of images (M, C, H, W), in the same order, in inference mode."""
    ### BEGIN SOLUTION
    return net.infer({"image": images}, "pool5/global")["pool5/global"]
    ### END SOLUTION


# %%
cached = check("12.2", cache_features)
cached

# %% [markdown]
# This saves a forward pass through the backbone for every image in every epoch. In GoogLeNet, 1,024 features replace
# the 150,528 values of an image. Time both with the small backbone:

# %%
features = cache_features if cached.passed else regions.features
assert 3 * 224 * 224 == 150_528
begin = time.perf_counter()
stored = features(backbone, x)
once = time.perf_counter() - begin
begin = time.perf_counter()
regions.fitted(stored, labels, 4, epochs=10)
epochs_10 = time.perf_counter() - begin
print(f"computing the features of {len(x)} images once: {once:.2f} s; 10 epochs on these features: {epochs_10:.2f} s")
print(f"per image: {x[0].size:,} input values, {stored.shape[1]} features")
old_head = backbone.nodes["loss3/classifier"].layer.params
assert np.allclose(stored @ old_head["weight"].T + old_head["bias"], backbone(x), atol=1e-4)
print("The old head on the stored features returns the logits of the whole network.")

# %% [markdown]
# ## The control
#
# A head on the trained backbone learns the four new classes from 5 images each, and its accuracy is better than chance.
# That does not yet show that training the backbone helped. You need a *control*: the same experiment without the one
# thing that you test. Here the controls are the same head on a backbone with *random* weights, and the same head on raw
# pixels.
#
# Guess: how do the trained backbone, the random backbone and raw pixels rank on the new shapes, which are rotated and
# drawn in any colour? And how do they rank on handwritten digits? (The computation takes a few seconds and prints one
# line per result.)

# %%
predict("12.b", ...)

# %%
random_backbone = mg.models.mini_googlenet(6, width=0.5, depth=3, dropout=False, rng=1)
assert {k: v.shape for k, v in random_backbone.params.items()} == {k: v.shape for k, v in backbone.params.items()}
tasks = {
    "new shapes": (x, labels, x_test, labels_test),
    "digits": tuple(
        part if part.ndim == 1 else np.repeat(part, 3, axis=1)
        for part in (digits, digit_labels, digits_test[:300], digit_labels_test[:300])
    ),
}
views = {
    "trained backbone": lambda images: features(backbone, images),
    "random backbone": lambda images: features(random_backbone, images),
    "raw pixels": lambda images: images.reshape(len(images), -1),
}


# %%
def sample(labels, count, seed):
    """Return the indices of `count` random images of every class."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:count] for label in np.unique(labels)])


@functools.cache
def of_held_out(view, task):
    """Return the view of the held-out images of a task, computed once."""
    return views[view](tasks[task][2])


def accuracy(view, task, count, seed):
    """Return the accuracy of a head on a view of the images, trained on `count` images of every class."""
    images, classes, _, classes_test = tasks[task]
    indices = sample(classes, count, seed)
    head = regions.fitted(views[view](images[indices]), classes[indices], classes.max() + 1, rng=seed)
    return np.mean(head(of_held_out(view, task)).argmax(axis=1) == classes_test)


# %%
results = {}
for task in tasks:
    for view in views:
        accuracies = [accuracy(view, task, 5, seed) for seed in range(3)]
        results[f"{task}, {view}"] = float(np.mean(accuracies))
        print(f"{task}, 5 images per class, {view}: accuracy " + " ".join(f"{value:.2f}" for value in accuracies))
print(outcome("12.b", {name: round(value, 2) for name, value in results.items()}))
gain = {task: results[f"{task}, trained backbone"] - results[f"{task}, random backbone"] for task in tasks}
assert gain["new shapes"] > 0 > gain["digits"]
assert results["digits, raw pixels"] > results["digits, random backbone"]
trained = [name for name in results if "trained" in name]
for task, value in gain.items():
    print(f"{task}: trained backbone minus random backbone {value:+.2f}")
figure, _ = viz.bar_chart(results, "accuracy, mean of three draws", marked=trained)
figure

# %% [markdown]
# What you saw: on the new shapes only the trained backbone is better than chance, which is 1/4. On digits the random
# backbone is *better* than the trained one, and raw pixels are better than both. Digits are upright and centred, so
# pixel positions are useful information. A backbone that has learned to ignore rotation discards part of it.
# An accuracy above one half on digits sounds like success. Only the control shows that training the backbone did harm.

# %% [markdown]
# ## The head only, or everything?
#
# You can freeze the backbone and train only the head, or continue to train all layers. Guess: which is better with 5
# images per class, and which is better with more? (The computation takes 10 to 20 seconds and prints one line per
# training run.)

# %%
predict("12.c", ...)

# %%
lines = {"head only": ([], []), "everything": ([], [])}
for count, epochs in ((5, 10), (20, 5)) if FAST else ((5, 30), (20, 15), (100, 10)):
    indices = sample(labels, count, 0)
    net, _ = mg.models.with_classes(backbone, 4, rng=0)
    mg.training.train(net, x[indices], labels[indices], epochs=epochs, batch_size=16, lr=0.02, rng=0)
    classes = mg.evaluation.predict(net, x_test)
    accuracies = accuracy("trained backbone", "new shapes", count, 0), np.mean(classes == labels_test)
    for name, value in zip(lines, accuracies, strict=True):
        lines[name][0].append(count)
        lines[name][1].append(float(value))
        print(f"{count} images per class, {name}: accuracy {value:.2f}")
figure, _ = viz.line_chart(lines, "images per class", "accuracy")
print(outcome("12.c", {name: [round(value, 2) for value in accuracies] for name, (_, accuracies) in lines.items()}))
figure

# %% [markdown]
# What you saw is the result for one random draw of images, so do not rely on small differences. In general, with few
# images it is safer to train the head only, because it has few parameters that can overfit. With more images, training
# everything gains more.

# %% [markdown]
# ## Where: overlapping boxes
#
# A classifier predicts *what* is in an image. To find out *where* it is, you can classify many regions of the image.
# For that you need a measure of how well a box fits an object.

# %% [markdown]
# ## Exercise 12.3: how much two boxes overlap
#
# Difficulty: * of ***. About 6 minutes. Core.
#
# A box is (x0, y0, x1, y1) in floats: the corner with the smaller coordinates, then the opposite corner. Return the
# *intersection over union* (IoU): the area of the intersection of the two boxes, divided by the area of their union.


# %%
# exercise 12.3
def iou(a, b):
    """Return intersection over union of two boxes (x0, y0, x1, y1) as a float."""
    ### BEGIN SOLUTION
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
    ### END SOLUTION


# %%
overlapped = check("12.3", iou)
overlapped

# %% [markdown]
# Two boxes of 10 x 10 are at the same position. Move one of them to the right. Guess: how many pixels can it move
# before the IoU falls below 0.5?

# %%
predict("12.d", ...)

# %%
shifts = np.arange(0, 11)
values = regions.overlaps([(s, 0, s + 10, 10) for s in shifts], [(0, 0, 10, 10)])[:, 0]
if overlapped.passed:
    assert np.allclose(values, [iou((s, 0, s + 10, 10), (0, 0, 10, 10)) for s in shifts])
print(f"The IoU is {values[3]:.2f} at a shift of 3 and {values[4]:.2f} at a shift of 4.")
print(outcome("12.d", int(shifts[values >= 0.5].max())))
figure, _ = viz.line_chart({"IoU": (shifts, values)}, "shift of a box of width 10", "IoU")
figure

# %% [markdown]
# ## What GoogLeNet's detector did
#
# GoogLeNet's detector classified regions of an image, as you can do in "Take it further". The regions came from
# selective search, an algorithm that merges similar neighbouring pixels into larger and larger patches (superpixels)
# and proposes the boxes around them. The authors started with superpixels twice as large, which halved the number of
# regions, and added 200 boxes from another network, MultiBox. R-CNN, an earlier detector of this kind, used about 2,000
# regions. GoogLeNet's detector used about 60% of that number, and its regions covered 93% of the objects instead of
# 92%.
#
# An ensemble of six networks raised the mean average precision, a measure for lists of detections (exercise 12.5), from
# 40% to 43.9%. (A table of the paper gives 38.02% for one network.) The authors had no time for box regression, a model
# that moves boxes to fit better. All these numbers come from the paper; the next cell computes the 60%. In
# lesson 15 you build such a detector.

# %%
fraction = (2000 / 2 + 200) / 2000
print(f"(2000 / 2 + 200) / 2000 = {fraction:.0%}; the ensemble gains {43.9 - 40:.1f} points")
assert fraction == 0.6

# %% [markdown]
# ## Claims, checked
#
# You may meet these claims elsewhere. Each line shows a claim and what you measured or what the paper states.

# %%
claims = [
    ("a new head for ten classes is a small part of GoogLeNet", head / total < 0.002, f"right: {head / total:.2%}"),
    (
        "good accuracy after transfer shows good features",
        results["digits, random backbone"] > 0.3,
        "not without a control",
    ),
    ("larger superpixels halve the number of regions", fraction > 0.5, "not quite; with MultiBox it is 60%"),
    ("GoogLeNet's detector reached 43.9%", 38.02 < 43.9, "right for six networks; a single one reached 38.02%"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("12", answers=True)`.

# %%
glossary.terms("12")

# %%
quiz("12")

# %% [markdown]
# ## Take it further
#
# The next lesson does not need what follows.
#
# - Run the backbone below once per scene instead of once per window. Without the last average it returns a feature
#   map, whose positions correspond to windows.
# - Write a box regression: fit a linear function from the features of a window to the four values by which its box
#   should move. GoogLeNet's entry did not use one.
# - Compute the average precision of each class separately, and take the mean (the mean average precision).
# - Freeze half of the backbone: `mg.training.Settings(freeze=...)`.
# - Search for the image with the largest response of a channel: start from noise, and move along the gradient of the
#   channel's maximum (`backward(..., wires=["image"])`). Why does the result not look like a digit?

# %% [markdown]
# ## A sliding-window detector
#
# These scenes of 96 x 96 pixels contain three objects of any of the ten classes. Windows of three sizes slide over a
# scene. Each window is resized to 32 x 32 and classified, with the same trained backbone and a new head. The head has
# the ten classes and an eleventh for background, and it is trained on windows of other scenes. (The next two cells take
# a few seconds each and show their progress.)

# %%
SIZES = (24, 36, 54)
training_scenes = data.shapes(40 if FAST else 120, 96, seed=21, objects=3)
held_out = data.shapes(5 if FAST else 12, 96, seed=22, objects=3)
boxes = regions.windows(96, SIZES)
window_images, window_labels = regions.training_windows(training_scenes, SIZES, np.random.default_rng(0))
print(f"{len(window_images):,} windows for training, {len(boxes)} windows per scene")
window_features = features(backbone, window_images)
print("computed the features, training the head ...")
classify = regions.fitted(window_features, window_labels, 11, epochs=30)


# %%
def class_probabilities(scene):
    """Return the probabilities (windows, 11) of the classes in each window of a scene; the last is background."""
    logits = classify(features(backbone, regions.crops(scene, boxes)))
    return mg.kernels.softmax.forward(logits)


probabilities = []
for number, scene in enumerate(held_out.images, 1):
    probabilities.append(class_probabilities(scene))
    print(f"scene {number} of {len(held_out.images)}")
probabilities = np.stack(probabilities)
first = 1 - probabilities[0, :, 10]  # confidence that a window of the first scene contains an object
best_windows = np.argsort(-first)[:12]
drawn = {"objects": held_out.boxes[0], "the 12 windows of largest confidence": boxes[best_windows]}
figure, _ = regions.show(held_out.images[0], drawn, "before suppression")
figure

# %% [markdown]
# What you saw: many windows around one object have nearly as large a confidence as the best one, and the detector
# reports them all. Only one detection per object counts as a hit, so the others are mistakes.

# %% [markdown]
# ## Exercise 12.4: one box per object
#
# Difficulty: ** of ***. About 12 minutes. Further.
#
# *Non-maximum suppression* (NMS) keeps the best of several overlapping boxes. Go through the `boxes` (M, 4) in the
# order of their confidence `scores` (M,), the largest first. Keep a box unless its IoU with a box that you already
# *kept* is above t. Return the indices of the kept boxes in this order.


# %%
# exercise 12.4
def nms(boxes, scores, t):
    """Return the indices of the kept boxes, the best first: the IoU of any two of them is at most t."""
    ### BEGIN SOLUTION
    kept = []
    for i in np.argsort(-np.asarray(scores)):
        if all(iou(boxes[i], boxes[j]) <= t for j in kept):
            kept.append(int(i))
    return kept
    ### END SOLUTION


# %%
suppressed = check("12.4", nms)
suppressed

# %%
figure = None
if suppressed.passed:
    kept = [i for i in nms(boxes, first, 0.2) if first[i] > 0.5]
    drawn = {"objects": held_out.boxes[0], "kept windows": boxes[kept]}
    figure, _ = regions.show(held_out.images[0], drawn, "after suppression")
    print(f"{np.sum(first > 0.5)} windows with a confidence above 0.5, {len(kept)} of them kept")
figure

# %% [markdown]
# ## Make it break
#
# Set the threshold t of the suppression to 0 and to 1. Predict before you run the cell: how many windows remain?

# %%
if suppressed.passed:
    for t in (0, 0.2, 1):
        print(f"t = {t}: {len(nms(boxes, first, t))} of {len(boxes)} windows remain")

# %% [markdown]
# What you saw: at t = 1 nothing is removed. At t = 0, any overlap at all suppresses a box: if the boxes of two objects
# overlap, one of the objects is lost.

# %% [markdown]
# ## Exercise 12.5: average precision
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# *Average precision* measures the quality of a list of detections with one number. `found` is the list of detections
# (image, score, box), in any order. `truths` is the list of true objects (image, box).
#
# - Go through the detections in the order of their scores, the largest first. Match each detection to the truth in *the
#   same image* that it overlaps most. It is a hit if this IoU is at least 0.5 and no earlier detection hit this truth.
# - After each detection, the *precision* is the number of hits divided by the number of detections so far. The *recall*
#   is the number of hits divided by the number of *all* truths.
# - At each recall, take the largest precision at this or any larger recall. This gives a staircase. Return the area
#   under it.


# %%
# exercise 12.5
def average_precision(found, truths):
    """Return the area under the staircase of precision over recall, from 0 to 1."""
    ### BEGIN SOLUTION
    taken, hits = set(), []
    for image, _, box in sorted(found, key=lambda detection: -detection[1]):
        overlaps = [iou(box, truth) if other == image else 0 for other, truth in truths]
        best = int(np.argmax(overlaps))
        hits.append(overlaps[best] >= 0.5 and best not in taken)
        if hits[-1]:
            taken.add(best)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(highest * hits) / len(truths))
    ### END SOLUTION


# %%
averaged = check("12.5", average_precision)
averaged

# %% [markdown]
# Now evaluate the detector with your three functions. The confidence of a window is the probability that it is not
# background. The table compares several thresholds of the suppression. In the last row, the scores are shuffled.

# %%
truths = [(i, tuple(box)) for i in range(len(held_out.boxes)) for box in held_out.boxes[i]]


def detections(t):
    """Return (image, score, box) of the windows that suppression at t keeps."""
    kept = []
    for i, score in enumerate(1 - probabilities[:, :, 10]):
        kept += [(i, float(score[j]), tuple(boxes[j])) for j in nms(boxes, score, t) if score[j] > 0.05]
    return kept


precisions = {}
if suppressed.passed and averaged.passed:
    precisions = {f"suppression at {t}": average_precision(detections(t), truths) for t in (0.2, 0.5, 1.0)}
    shuffled = np.random.default_rng(0).permutation([score for _, score, _ in detections(0.2)])
    random_order = [(i, score, box) for (i, _, box), score in zip(detections(0.2), shuffled, strict=True)]
    precisions["suppression at 0.2, scores shuffled"] = average_precision(random_order, truths)
    assert precisions["suppression at 0.2"] > precisions["suppression at 1.0"]
rows = [(name, f"{value:.3f}") for name, value in precisions.items()]
mg.console.Table("The detector", ("detections", ">average precision"), rows)

# %% [markdown]
# The figure shows the staircase of the first row: the precision after each detection, and the largest precision at this
# or any larger recall.

# %%
figure = None
if precisions:
    recall, precision, highest = regions.staircase(detections(0.2), truths)
    figure, _ = viz.line_chart(
        {"after each detection": (recall, precision), "largest from here on": (recall, highest)}, "recall", "precision"
    )
    print(f"{len(recall)} detections hit {recall[-1]:.0%} of the {len(truths)} objects")
figure

# %% [markdown]
# What you saw: each hit is a step to the right, each false detection a step down. A false detection at the end of the
# list costs little. A false detection *before* a hit costs much. Duplicates have large scores, so they are near the
# beginning of the list. That is why suppression matters so much.

# %% [markdown]
# ## The cost
#
# Each region needs one forward pass of the network. R-CNN used about 2,000 regions per image, GoogLeNet's entry about
# 1,200. One forward pass costs 1.58 billion MACs (multiply-adds). Guess: how many MACs do 1,200 regions cost?

# %%
predict("12.e", ...)

# %%
macs = mg.count(googlenet, outputs=googlenet.outputs[-1:]).macs
for count in (1200, 2000):
    print(f"{count:,} regions: {count * macs / 1e12:.1f} TMAC, and {count * 2 / 60:.0f} minutes if each takes 2 s")
print(outcome("12.e", f"{1200 * macs:,}"))
assert round(1200 * macs / 1e12, 1) == 1.9
assert round(2000 * macs / 1e12, 1) == 3.2

# %% [markdown]
# ## Exercise 12.6: the cost of classifying regions
#
# Difficulty: * of ***. About 4 minutes. Further.
#
# Your values depend on your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("12.6", student)

# %%
# exercise 12.6
### BEGIN SOLUTION
cost = (lambda found, boxes, mmacs, images: images * (found / 2 + boxes) * mmacs / 1000)(**find("12.6").values(student))
### END SOLUTION

# %%
answer("12.6", cost)
