# %% [markdown]
# # 12 New labels, new boxes
#
# **Question.** How does a classifier become useful for labels, and for positions, that it was never trained on?
#
# About 60 minutes. Needs lessons 10 and 11.
#
# Afterwards you can
#
# - replace the head of a network and freeze the rest;
# - say what layers learn: find the images that excite a filter most, and the part of an image that mattered;
# - compute features once and train on them;
# - run the control that shows whether the training of the backbone helped at all;
# - measure overlap, remove duplicates and reduce a list of detections to one number;
# - work out what it costs to classify regions, and say what GoogLeNet's detector did and did not do.
#
# The *backbone* is every layer before the classifier, the *head* is the classifier. ("Auxiliary heads" are another
# matter.) A small backbone comes with the course. It was trained on drawn shapes of six classes. It has never seen four
# more classes.

# %%
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
scenes, unseen = data.shapes(1200 if FAST else 2500, seed=3), data.shapes(400 if FAST else 1000, seed=4)
known, new = scenes.classes[:6], scenes.classes[6:]
print("classes that the backbone was trained on:", *known)
print("classes that are new:", *new)


# %%
def inputs(scenes, which):
    """Return the images whose class is in `which` as inputs, and their labels from 0."""
    kept = np.isin(scenes.labels, which)
    return data.pixels.UNIT.to_input(scenes.images[kept]), scenes.labels[kept] - min(which)


x_known, labels_known = inputs(unseen, range(6))
x, labels = inputs(scenes, range(6, 10))
x_test, labels_test = inputs(unseen, range(6, 10))
on_known = np.mean(mg.evaluation.predict(backbone, x_known) == labels_known)
print(f"on new images of its six classes the network is right in {on_known:.0%}, by chance {1 / 6:.0%}")
assert on_known > 0.6
examples = [np.flatnonzero(scenes.labels == label)[0] for label in range(10)]
figure, _ = viz.images({scenes.classes[i]: scenes.images[examples[i]].transpose(1, 2, 0) for i in range(10)}, 5)
figure

# %% [markdown]
# ## How much of a network is its head
#
# GoogLeNet ends with an average over all positions, which gives 1,024 values, and one linear layer. You want ten
# classes of your own. How many parameters must be re-initialised, and which fraction of the network is that?

# %%
predict("12.a", ...)

# %%
googlenet = mg.models.googlenet(10, rng=0)
total = mg.count(googlenet, outputs=googlenet.outputs[-1:]).params
head = sum(googlenet.params[f"loss3/classifier/{name}"].size for name in ("weight", "bias"))
assert head == 1025 * 10
print(outcome("12.a", f"{head:,} of {total:,}, {head / total:.2%}"))

# %% [markdown]
# What you saw: a tiny part. The average alone would do without a linear layer if the backbone ended in one map for each
# class. The paper keeps the layer so that the network can be adapted to other labels, and says so.

# %% [markdown]
# ## Exercise 12.1: a new head on a trained backbone
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# Return a network for `classes` classes with the backbone of `net`, and how many parameters its head trains. The
# network that you get must not change. `mg.models.with_classes` may help.


# %%
# exercise 12.1
def new_head(net, classes, rng):
    """Return (a network for so many classes with net's backbone, how many parameters its head trains)."""
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
# Why should a backbone help with labels that it has never seen? Look at what its filters react to. Here is a small
# network that learns handwritten digits in front of your eyes. Training takes 10 to 20 seconds; a line follows each
# epoch.

# %%
digits, digit_labels, digits_test, digit_labels_test = data.digits(32)
EPOCHS = 1 if FAST else 3
reader = mg.models.mini_googlenet(10, in_channels=1, width=0.5, dropout=False, rng=0)
untrained = mg.models.mini_googlenet(10, in_channels=1, width=0.5, dropout=False, rng=0)
steps_per_epoch = -(-len(digits) // 32)


def report(step):
    """Print a line after each epoch."""
    if (step.number + 1) % steps_per_epoch == 0:
        print(f"epoch {(step.number + 1) // steps_per_epoch} of {EPOCHS}: loss {step.loss:.2f}")


mg.training.train(reader, digits, digit_labels, epochs=EPOCHS, rng=0, on_step=report)
predicted = mg.evaluation.predict(reader, digits_test)
print(f"accuracy on held-out digits: {np.mean(predicted == digit_labels_test):.1%}")

# %% [markdown]
# The weights of the first layer are an image that you can look at. For a deeper filter, ask instead: which images make
# it largest? Take the nine held-out images with the largest value of a channel. How many of the nine show the same
# digit, on average over the channels of a layer? Guess for the first layer and for the last module.

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
mg.console.Table("Of the nine strongest images, how many show one digit", ("wire", ">trained", ">untrained"), rows)

# %%
figure, _ = viz.first_filters(reader.params["conv1/3x3/weight"], "Filters of the first layer")
figure

# %%
figure, _ = learned.show_strongest(reader, digits_test, [wires[i] for i in (0, 1, 2, -1)])
figure

# %% [markdown]
# What you saw: in each row one channel and its strongest images. The frame is the receptive field: only that part can
# change the value. The first layers react to corners and edges of any digit, the middle ones to loops and bends, the
# last module to whole digits. Training made the difference: without it the last module is about as mixed as the first.
# So early features serve many tasks, and late features serve the task that was learned.

# %% [markdown]
# ### The part that mattered
#
# Which part of an image did the answer depend on? Cover a square of 6 x 6 pixels, ask again, and move the square over
# the image. If the probability of the digit falls, the part mattered. But what do you cover it with? Background erases
# ink. Grey covers it. Guess: which of the two changes the answer more often?
#
# The next cell but one takes about five seconds.

# %%
predict("12.g", ...)

# %%
right = np.flatnonzero(predicted == digit_labels_test)[: 6 if FAST else 20]
fills = {"background": float(digits_test.min()), "grey": learned.GREY}
changed = {}
for name, fill in fills.items():
    answers = [learned.occlusion(reader, digits_test[i], digit_labels_test[i], fill)[1] for i in right]
    changed[name] = float(np.mean([a != digit_labels_test[i] for a, i in zip(answers, right, strict=True)]))
    print(f"squares of {name}: {changed[name]:.0%} of the positions change the answer")
print(outcome("12.g", max(changed, key=changed.get)))
shown = [np.flatnonzero((digit_labels_test == digit) & (predicted == digit))[0] for digit in (2, 6, 9)]
figure, _ = learned.show_occlusion(reader, digits_test[shown], digit_labels_test[shown], fills)
figure

# %% [markdown]
# What you saw: purple is where the square lowers the probability, orange where it raises it. The strongest spots are on
# strokes that tell this digit from others. And the map depends on what you cover with: such maps answer "what if this
# part looked like that", not "where did the network look".

# %% [markdown]
# ## Exercise 12.2: features, computed once
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# While the backbone is frozen, an image always gives the same features in front of the head. Compute them once. Return
# the wire "pool5/global", (M, F), of images (M, C, H, W) in inference mode. The input of the network is called "image".


# %%
# exercise 12.2
def cache_features(net, images):
    """Return (M, F): what enters the classifier, in inference mode, in the order of the images (M, C, H, W)."""
    ### BEGIN SOLUTION
    return net.infer({"image": images}, "pool5/global")["pool5/global"]
    ### END SOLUTION


# %%
cached = check("12.2", cache_features)
cached

# %% [markdown]
# What it saves: a pass through the backbone for every image in every epoch. In GoogLeNet, 1,024 features replace the
# 150,528 values of an image.

# %%
features = cache_features if cached.passed else regions.features
assert 3 * 224 * 224 == 150_528
begun = time.perf_counter()
kept = features(backbone, x)
once = time.perf_counter() - begun
begun = time.perf_counter()
regions.fitted(kept, labels, 4, epochs=10)
print(f"features of {len(x)} images: {once:.2f} s, once; 10 epochs on them: {time.perf_counter() - begun:.2f} s")
print(f"each image: {x[0].size:,} values in, {kept.shape[1]} features out")
old_head = backbone.nodes["loss3/classifier"].layer.params
assert np.allclose(kept @ old_head["weight"].T + old_head["bias"], backbone(x), atol=1e-4)
print("The old head on the kept features returns the logits of the whole network.")

# %% [markdown]
# ## The control
#
# A head on the trained backbone learns the four new classes from 5 images of each. It is right more often than by
# chance. Does that show that training the backbone helped? Only a control can tell: the same head on a backbone with
# *random* weights, never trained, and on raw pixels.
#
# Rank the three on the new shapes, which are rotated and drawn in any colour: trained backbone, random backbone, raw
# pixels. Then rank them on handwritten digits. (The computation takes a few seconds; a line follows each row.)

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
def few(labels, each, seed):
    """Return the indices of `each` images of every class, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:each] for label in np.unique(labels)])


def accuracy(view, task, each, seed):
    """Return how often a head on a view of the images is right, trained on `each` images of every class."""
    images, wanted, images_test, wanted_test = tasks[task]
    chosen = few(wanted, each, seed)
    head = regions.fitted(views[view](images[chosen]), wanted[chosen], wanted.max() + 1, rng=seed)
    return np.mean(head(views[view](images_test)).argmax(axis=1) == wanted_test)


# %%
results = {}
for task in tasks:
    for view in views:
        accuracies = [accuracy(view, task, 5, seed) for seed in range(3)]
        results[f"{task}, {view}"] = float(np.mean(accuracies))
        print(f"{task}, 5 images a class, {view}: " + " ".join(f"{value:.2f}" for value in accuracies))
print(outcome("12.b", {name: round(value, 2) for name, value in results.items()}))
gain = {task: results[f"{task}, trained backbone"] - results[f"{task}, random backbone"] for task in tasks}
assert gain["new shapes"] > 0 > gain["digits"]
assert results["digits, raw pixels"] > results["digits, random backbone"]
trained = [name for name in results if "trained" in name]
for task, value in gain.items():
    print(f"{task}: the trained backbone {value:+.2f} against the random one")
figure, _ = viz.bar_chart(results, "accuracy, mean of three draws", marked=trained)
figure

# %% [markdown]
# What you saw: on the new shapes only the trained backbone does better than chance, which is one in four. On digits the
# random backbone *beats* the trained one, and raw pixels beat both. Digits are upright and centred, so their pixels
# contain nearly everything. A backbone that learned to ignore rotation has thrown part of that away. More than half of
# the digits right sounds like success. Only the control shows that training did harm there.

# %% [markdown]
# ## Head alone, or everything
#
# Freeze the backbone and train the head, or train everything from its present weights: which is better with 5 images of
# each class, and which with more? (The computation takes 10 to 20 seconds; a line follows each training.)

# %%
predict("12.c", ...)

# %%
lines = {"head alone": ([], []), "everything": ([], [])}
for each, epochs in ((5, 30), (20, 12)) if FAST else ((5, 30), (20, 15), (100, 10)):
    chosen = few(labels, each, 0)
    net, _ = mg.models.with_classes(backbone, 4, rng=0)
    mg.training.train(net, x[chosen], labels[chosen], epochs=epochs, batch_size=16, lr=0.02, rng=0)
    answers = mg.evaluation.predict(net, x_test)
    accuracies = accuracy("trained backbone", "new shapes", each, 0), np.mean(answers == labels_test)
    for name, value in zip(lines, accuracies, strict=True):
        lines[name][0].append(each)
        lines[name][1].append(float(value))
        print(f"{each} images a class, {name}: {value:.2f}")
figure, _ = viz.line_chart(lines, "images of each class", "accuracy")
print(outcome("12.c", {name: [round(value, 2) for value in accuracies] for name, (_, accuracies) in lines.items()}))
figure

# %% [markdown]
# What you saw is one draw of images, so read it with care. In general: with few images the head alone is the safe
# choice, because it has few parameters to get wrong. The more images there are, the more it pays to train everything.

# %% [markdown]
# ## Where: overlapping boxes
#
# A classifier answers "what". To ask "where", cut the image into many regions and classify each. First we need a
# measure of how well a box fits.

# %% [markdown]
# ## Exercise 12.3: how much two boxes overlap
#
# Difficulty: * of ***. About 6 minutes. Core.
#
# Boxes are (x0, y0, x1, y1): a corner and the opposite one, with fractions. Return the area of the intersection divided
# by the area of the union ("intersection over union", IoU).


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
# An example: move a box of 10 x 10 to the right, away from an equal box. How far can it move before the IoU is below
# 0.5?

# %%
predict("12.d", ...)

# %%
shifts = np.arange(0, 11)
values = regions.overlaps([(s, 0, s + 10, 10) for s in shifts], [(0, 0, 10, 10)])[:, 0]
if overlapped.passed:
    assert np.allclose(values, [iou((s, 0, s + 10, 10), (0, 0, 10, 10)) for s in shifts])
print(f"IoU {values[3]:.2f} at a shift of 3, {values[4]:.2f} at 4")
print(outcome("12.d", int(shifts[values >= 0.5].max())))
figure, _ = viz.line_chart({"IoU": (shifts, values)}, "shift of a box 10 wide", "IoU")
figure

# %% [markdown]
# ## What GoogLeNet's detector did
#
# It classified regions, as you can below. Proposals came from selective search, which joins similar neighbouring pixels
# to larger and larger patches (superpixels) and proposes the boxes around them. Starting from superpixels twice as
# large halved their number, and 200 boxes of another network, MultiBox, were added. That is about 60% of the regions
# that R-CNN took, an earlier detector of this kind, and their coverage of the objects rose from 92% to 93%. Six
# networks together raised the mean average precision, a score for lists of detections (exercise 12.5), from 40% to
# 43.9%. No network moved the boxes to fit better: there was no time. These are the paper's numbers; only the 60% can be
# worked out here.

# %%
fraction = (2000 / 2 + 200) / 2000
print(f"(2000 / 2 + 200) / 2000 = {fraction:.0%}; the ensemble's gain: {43.9 - 40:.1f} points")
assert fraction == 0.6

# %% [markdown]
# ## Claims, checked

# %%
claims = [
    ("a new head for ten classes is a small part of GoogLeNet", head / total < 0.002, f"right: {head / total:.2%}"),
    (
        "good accuracy after transfer shows good features",
        results["digits, random backbone"] > 0.3,
        "only with a control",
    ),
    ("larger superpixels halve the regions", fraction > 0.5, "half, and 200 MultiBox boxes more: 60%"),
    ("GoogLeNet's detector scored 43.9%", 38.02 < 43.9, "six models together; a single one is given with 38.02%"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then look: `quiz("12", answers=True)`.

# %%
glossary.terms("12")

# %%
quiz("12")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - Run the backbone once on the whole scene instead of once for each window: without the last average you have a map.
# - Fit a linear map from features to the four numbers by which a window should move. GoogLeNet's entry had no such
#   regression.
# - Give each class its own list and average the precisions: the mean average precision.
# - Freeze half of the backbone: `mg.training.Settings(freeze=...)`.
# - Which image excites a channel most, of all images? Start from noise and climb the gradient of the channel's largest
#   value (`backward(..., wires=["image"])`). Why does the result not look like a digit?

# %% [markdown]
# ## Slide, cut, classify
#
# Scenes of 96 x 96 with three objects of any of the ten classes. A window of three sizes slides over them. Every region
# is resized to 32 x 32 and goes through the same trained backbone. Its head is new again: ten classes, and one more for
# "nothing here", trained on windows of other scenes. (The next two cells take a few seconds each and show how far
# they are.)

# %%
SIZES = (24, 36, 54)
training_scenes = data.shapes(40 if FAST else 120, 96, seed=21, objects=3)
held_out = data.shapes(5 if FAST else 12, 96, seed=22, objects=3)
boxes = regions.windows(96, SIZES)
window_images, window_labels = regions.pieces_to_learn_from(training_scenes, SIZES, np.random.default_rng(0))
print(f"{len(window_images):,} windows to train on; {len(boxes)} windows in each scene")
window_features = features(backbone, window_images)
print("the features are there, now the head is trained")
classify = regions.fitted(window_features, window_labels, 11, epochs=30)


# %%
def class_probabilities(scene):
    """Return (windows, 11): the probability of each class in each window of a scene; the last is background."""
    logits = classify(features(backbone, regions.cut(scene, boxes)))
    return mg.kernels.softmax.forward(logits)


scores = []
for number, scene in enumerate(held_out.images, 1):
    scores.append(class_probabilities(scene))
    print(f"scene {number} of {len(held_out.images)}")
scores = np.stack(scores)
first = 1 - scores[0, :, 10]  # of the first scene: that a window is not background
surest = np.argsort(-first)[:12]
drawn = {"truth": held_out.boxes[0], "the 12 surest windows": boxes[surest]}
figure, _ = regions.show(held_out.images[0], drawn, "before")
figure

# %% [markdown]
# What you saw: windows in heaps. Around one object many windows are nearly as good as the best, and each of them is
# reported. Only one detection of an object counts as a hit, so the others are mistakes.

# %% [markdown]
# ## Exercise 12.4: one box for each object
#
# Difficulty: ** of ***. About 12 minutes. Further.
#
# Non-maximum suppression, "NMS". Go through the boxes, best score first. Keep a box unless its IoU with a box that you
# *kept* is above t. Return the indices of the kept boxes, best first. boxes (M, 4), scores (M,).


# %%
# exercise 12.4
def nms(boxes, scores, t):
    """Return the indices of the kept boxes, best first: no two of them overlap by more than t."""
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
    figure, _ = regions.show(held_out.images[0], {"truth": held_out.boxes[0], "kept": boxes[kept]}, "after suppression")
    print(f"{np.sum(first > 0.5)} windows above one half, {len(kept)} kept")
figure

# %% [markdown]
# ## Make it break
#
# Suppression at 0 and at 1. What remains in each case? Predict first.

# %%
if suppressed.passed:
    for t in (0, 0.2, 1):
        print(f"t = {t}: {len(nms(boxes, first, t))} of {len(boxes)} windows remain")

# %% [markdown]
# At 1 nothing is removed. At 0, any overlap at all suppresses a box: of two adjacent objects, one is lost.

# %% [markdown]
# ## Exercise 12.5: average precision
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# One number for a whole list of detections of one class.
#
# - `found` is a list of (image, score, box), in any order; `truths` a list of (image, box).
# - Go through the detections, best score first. A detection looks for the truth of *its image* that it overlaps most.
#   It is a hit if that IoU is at least 0.5 and no detection hit this truth before.
# - After each detection: precision is hits over detections so far, recall is hits over *all* truths.
# - Precision at a recall is the best one at this or any larger recall. The result is the area under this staircase.


# %%
# exercise 12.5
def average_precision(found, truths):
    """Return the area under the staircase of precision over recall, from 0 to 1."""
    ### BEGIN SOLUTION
    taken, hits = set(), []
    for image, _, box in sorted(found, key=lambda each: -each[1]):
        overlaps = [iou(box, truth) if place == image else 0 for place, truth in truths]
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
# Your three functions judge the detector. A window's score is the probability that it is not background. Without
# suppression, with it, and with the scores shuffled:

# %%
truths = [(i, tuple(box)) for i in range(len(held_out.boxes)) for box in held_out.boxes[i]]


def detections(t):
    """Return (image, score, box) of the windows that suppression at t keeps."""
    found = []
    for i, score in enumerate(1 - scores[:, :, 10]):
        found += [(i, float(score[j]), tuple(boxes[j])) for j in nms(boxes, score, t) if score[j] > 0.05]
    return found


precisions = {}
if suppressed.passed and averaged.passed:
    precisions = {f"suppression at {t}": average_precision(detections(t), truths) for t in (0.2, 0.5, 1.0)}
    shuffled = np.random.default_rng(0).permutation([score for _, score, _ in detections(0.2)])
    lucky = [(i, score, box) for (i, _, box), score in zip(detections(0.2), shuffled, strict=True)]
    precisions["at 0.2, scores shuffled"] = average_precision(lucky, truths)
    assert precisions["suppression at 0.2"] > precisions["suppression at 1.0"]
rows = [(name, f"{value:.3f}") for name, value in precisions.items()]
mg.console.Table("The detector", ("boxes", ">average precision"), rows)

# %% [markdown]
# The staircase of the first number: precision against recall, and the best precision at each recall or beyond.

# %%
figure = None
if precisions:
    recall, precision, highest = regions.staircase(detections(0.2), truths)
    figure, _ = viz.line_chart(
        {"after each detection": (recall, precision), "best from here on": (recall, highest)}, "recall", "precision"
    )
    print(f"{len(recall)} detections hit {recall[-1]:.0%} of the {len(truths)} objects")
figure

# %% [markdown]
# What you saw: each hit is a step to the right, each false detection a step down. A wrong box low in the list costs
# little. A wrong box *above* a right one costs much. Duplicates are high in the list: so suppression decides.

# %% [markdown]
# ## The bill
#
# Each region is one forward pass of the network. R-CNN took about 2,000 regions of an image, GoogLeNet's entry about
# 1,200. How many multiply-adds (MACs) are 1,200 regions, at 1.58 G each?

# %%
predict("12.e", ...)

# %%
macs = mg.count(googlenet, outputs=googlenet.outputs[-1:]).macs
for count in (1200, 2000):
    print(f"{count:,} regions: {count * macs / 1e12:.1f} T MACs; at 2 s a region {count * 2 / 60:.0f} minutes")
print(outcome("12.e", f"{1200 * macs:,}"))
assert round(1200 * macs / 1e12, 1) == 1.9
assert round(2000 * macs / 1e12, 1) == 3.2

# %% [markdown]
# ## Exercise 12.6: what classifying regions costs
#
# Difficulty: * of ***. About 4 minutes. Further.
#
# The numbers are drawn from your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("12.6", student)

# %%
# exercise 12.6
### BEGIN SOLUTION
bill = (lambda found, boxes, mmacs, images: images * (found / 2 + boxes) * mmacs / 1000)(**find("12.6").values(student))
### END SOLUTION

# %%
answer("12.6", bill)
