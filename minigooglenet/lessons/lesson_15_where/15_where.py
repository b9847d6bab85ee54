# %% [markdown]
# # 15 What is where
#
# **Question.** How does a network that classifies whole images find several objects in one image?
#
# About 60 minutes. You need lesson 12.
#
# Afterwards you can
#
# - convert boxes between three forms without losing a pixel;
# - propose regions: superpixels, their neighbours, and a tree of merges;
# - measure why GoogLeNet's detector doubled the size of its superpixels;
# - explain why three rules give three average precisions for the same detections;
# - judge four claims about GoogLeNet's detector.
#
# A box is (x1, y1, x2, y2) in pixels, x to the right and y down.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import detection, viz
from minigooglenet.detection import grouping
from minigooglenet.exercises import check, compare, hint, outcome, predict, quiz
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_12_transfer.regions import show, windows
from minigooglenet.lessons.lesson_15_where import scenes

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))

# %% [markdown]
# ## Too many boxes
#
# Lesson 12 classified windows of three sizes. A scene here has 64 x 64 pixels. Guess: how many different boxes does it
# have, if all corners are integers?

# %%
predict("15.a", ...)

# %%
training, test = scenes.drawn(10 if FAST else 40), scenes.drawn(5 if FAST else 15, part="test")
image, truths = test.images[0], test.truths[0]
sliding = windows(scenes.SIZE, (12, 18, 27))
covered = scenes.coverage([sliding] * len(test.images), test.truths)
print(f"{len(sliding)} windows of three sizes cover {covered:.0%} of the objects")
print(outcome("15.a", f"{(64 * 65 // 2) ** 2:,}"))
figure, _ = show(image, {"objects": truths.boxes})
figure

# %% [markdown]
# What you saw: there are 64 * 65 / 2 ways to choose x1 < x2, and as many for y. A detector cannot classify millions of
# regions. Windows are fewer, but almost all of them contain no object. A *proposal* is a box that may contain an object
# of any class, and the *coverage* is the fraction of the objects that a proposal overlaps with an IoU of at least 0.5.
#
# ## Three forms of a box
#
# PASCAL VOC, a data set, stores the first and the last pixel of an object, and counts the pixels of an image from 1.
# Other programs use the centre and the size, (cx, cy, w, h). This course uses corners: the first pixel covers 0 to 1.

# %% [markdown]
# ## Exercise 15.1: three forms of a box
#
# Difficulty: * of ***. About 4 minutes. Core.
#
# `pixels` (M, 4) are boxes (first x, first y, last x, last y) of pixels that are counted from 1, and the last pixel is
# inside. `centres` (K, 4) are boxes (cx, cy, w, h). Return both as corners (x1, y1, x2, y2), in floats.


# %%
def corners(pixels, centres):
    """Exercise 15.1: pixels (M, 4), centres (K, 4) -> boxes (M, 4), boxes (K, 4)."""
    ### BEGIN SOLUTION
    half = centres[:, 2:] / 2
    return pixels - [1, 1, 0, 0], np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)
    ### END SOLUTION


# %%
check("15.1", corners)

# %% [markdown]
# ## Superpixels
#
# *Selective Search* does not slide windows. It starts from *superpixels*, small regions of similar colour. Felzenszwalb
# and Huttenlocher visit the pairs of neighbouring pixels in the order of their difference in colour. A pair joins the
# regions at its ends if its difference is hardly larger than the differences inside both regions. A larger `scale`
# joins more. Guess: if the scale and the smallest size double, by what factor does the number of superpixels fall?

# %%
predict("15.b", ...)

# %%
segmented = {f"x{factor}": detection.superpixels(image, 25 * factor, 25 * factor) for factor in (1, 2)}
labels = segmented["x2"]
figure, _ = detection.figures.superpixels(image, segmented)
figure

# %%
counts = {size: regions.max() + 1 for size, regions in segmented.items()}
outcome("15.b", round(counts["x1"] / counts["x2"], 1))

# %% [markdown]
# What you saw: lines separate the superpixels. The outlines of objects survive, because their colour differs from the
# background. Its texture is where most superpixels are lost.
#
# ## Which regions touch?
#
# Next, Selective Search merges neighbours that look alike, again and again. So it must know which regions are
# neighbours. Boxes cannot tell: the box of a ring contains everything inside the ring. Pixels can.

# %% [markdown]
# ## Exercise 15.3: which regions are neighbours
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# `labels` (H, W) has the region of each pixel. Two different regions are neighbours if two of their pixels share a
# side. Return all pairs of neighbours (P, 2) as integers, with the smaller label first, each pair once, in ascending
# order.


# %%
def neighbours(labels):
    """Exercise 15.3: labels (H, W) -> pairs (P, 2)."""
    ### BEGIN SOLUTION
    found = set()
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        found |= {(min(pair), max(pair)) for pair in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)}
    return np.array(sorted((i, j) for i, j in found if i != j))
    ### END SOLUTION


# %%
result = check("15.3", neighbours)
result

# %%
if result.passed:
    sets = grouping.neighbours_of(labels)
    pairs = [(i, j) for i, others in enumerate(sets) for j in sorted(others) if i < j]
    assert np.array_equal(neighbours(labels), pairs)
    boxes = detection.merge_tree(labels, image).boxes[: len(sets)]
    overlapping = int(np.sum(np.triu(detection.iou(boxes, boxes), 1) > 0))
    print(f"{len(pairs)} pairs of neighbours, but {overlapping} pairs of boxes overlap")

# %% [markdown]
# ## A tree of merges
#
# Which two neighbours merge first? Those with the largest sum of four similarities, each from 0 to 1: colour, texture,
# size (small regions first) and fill (a region that fills a hole of the other). The merged region is a new one, with
# neighbours of its own, until one region is left. Every region that ever existed gives a box. Guess: how many boxes do
# n superpixels give?

# %%
predict("15.c", ...)

# %%
tree = detection.merge_tree(labels, image)
n = labels.max() + 1
assert len(tree.boxes) == 2 * n - 1
assert tree.boxes[-1].tolist() == [0, 0, 64, 64]
figure, _ = detection.figures.merge_tree(image, labels, tree)
print(outcome("15.c", f"{n} superpixels gave {len(tree.boxes)}"))
figure

# %% [markdown]
# What you saw: each region is painted with its mean colour. Each merge removes two regions and adds one, so n - 1
# merges follow. The last box is the whole image. Objects appear on the way, each at its own moment. That is why all
# boxes are proposals. (The scene is grouped in two colour spaces and from superpixels of two sizes, because no single
# grouping finds every object.)
#
# ## Superpixels twice as large
#
# GoogLeNet's detector doubled the size. Guess for the test scenes: by what factor does the number of proposals fall,
# and what fraction of the objects is lost? The search takes about ten seconds.

# %%
predict("15.d", ...)

# %%
FACTORS = (0.5, 1, 2)
proposals, mean_counts, rows = {}, {}, []
for factor in FACTORS:
    proposals[factor] = [scenes.selective_search(scene, factor) for scene in test.images]
    best = [detection.iou(b, true.boxes).max(axis=1) for b, true in zip(proposals[factor], test.truths, strict=True)]
    on_object = np.sum(np.concatenate(best) >= 0.5) / len(best)
    mean_counts[factor] = np.mean([len(boxes) for boxes in proposals[factor]])
    covered = f"{scenes.coverage(proposals[factor], test.truths):.3f}"
    rows.append((f"x{factor}", f"{mean_counts[factor]:.0f}", f"{on_object:.0f}", covered))
    print(f"searched with superpixels x{factor}")
assert mean_counts[2] < 0.6 * mean_counts[1]
lost = scenes.coverage(proposals[1], test.truths) - scenes.coverage(proposals[2], test.truths)
assert lost < 0.1
print(outcome("15.d", [round(float(mean_counts[1] / mean_counts[2]), 1), f"{lost:.1%}"]))
mg.console.Table(
    "Selective Search", ("superpixels", ">proposals per scene", ">of them on an object", ">coverage"), rows
)

# %%
sets = {f"x{factor}": boxes for factor, boxes in proposals.items()}
figure, _ = detection.figures.recall(sets, test.truths)
figure

# %% [markdown]
# What you saw: most proposals are on no object, and most of the boxes that disappear are such pieces of background. The
# figure draws coverage, which is the *recall* of the proposals, for the first proposals of each list. Large regions are
# first. Each line ends where its list ends: larger superpixels end earlier, at almost the same height.
#
# ## Regions through a network
#
# R-CNN warps each proposal to the size of a network's input and classifies it. The network has one more class,
# *background*, for regions that contain no object. Here the backbone is that of lesson 12, and only its new head is
# trained, on regions of other scenes: on those with an IoU of at least 0.5 with an object, and on others, the
# background. Non-maximum suppression per class then removes duplicates (lesson 12, exercise 12.4).
#
# The same network now gets the proposals of each size. Guess: which of 0.5, 1 and 2 gives the fewest *false positives*,
# detections that hit no object? And which gives the largest average precision? This takes 10 to 40 seconds.

# %%
predict("15.e", ...)


# %%
def progress(done):
    """Print every tenth image."""
    if done % 10 == 0:
        print(f"regions of {done} scenes")


network = scenes.region_network(training, lambda scene: scenes.selective_search(scene, 2), on_image=progress)
found, evaluations = {}, {}
for factor in FACTORS:
    found[factor] = scenes.detected(network, test, proposals[factor])
    evaluations[factor] = detection.evaluate(found[factor], test.truths, test.classes)
    print(f"classified the proposals of x{factor}")
rows = [
    (f"x{factor}", len(np.concatenate(proposals[factor])), int(e.false_positives.sum()), f"{e.mean_ap:.3f}")
    for factor, e in evaluations.items()
]
mg.console.Table("R-CNN", ("superpixels", ">regions", ">false positives", ">mean average precision"), rows)

# %%
false = {factor: int(e.false_positives.sum()) for factor, e in evaluations.items()}
best = max(evaluations, key=lambda factor: evaluations[factor].mean_ap)
assert false[2] < false[1] < false[0.5]
print(outcome("15.e", f"false positives: {min(false, key=false.get)}; average precision: {best}"))
scores = scenes.scores(network, test.classes, image, proposals[2][0])
figure, _ = detection.figures.suppression(image, proposals[2][0], scores, found[2][0], test.classes)
figure

# %% [markdown]
# What you saw: every region is a chance to be wrong. Fewer regions at the same coverage mean fewer false positives, and
# the network does less work. (The averages of so few scenes vary; `minigooglenet detect` evaluates more of them.) In
# one scene, suppression keeps the best of many boxes on the same object, and also detections with low scores.
#
# ## Three rules, three numbers
#
# A detection is a hit if it overlaps an object of its class enough. But which object, if two are near?
#
# - VOC compares with the nearest object, the one of the largest IoU. If an earlier detection hit it, this one is a
#   *duplicate*, a false positive.
# - COCO compares with the nearest object that no earlier detection hit.
# - ILSVRC does the same among the objects that it reaches: for an object of w x h pixels, an IoU of
#   min(0.5, w h / ((w + 10) (h + 10))) is enough.
#
# Here are four objects of one class and five detections. Guess: how many are hits under each rule?

# %%
predict("15.f", ...)

# %%
objects = np.array([(0.0, 0, 40, 40), (10, 0, 50, 40), (100, 100, 110, 110), (200, 200, 240, 240)])
five = np.array([(0.0, 0, 40, 40), (4, 0, 44, 40), (104, 100, 114, 110), (200, 200, 240, 240), (300, 300, 340, 340)])
ious = detection.iou(five, objects)
viz.images({"IoU: a row for each detection": ious.round(2)}, numbers=True)[0]

# %% [markdown]
# ## Exercise 15.5: which detection gets which object
#
# Difficulty: *** of ***. About 9 minutes. Core.
#
# `boxes` (M, 4) are the detections of one class in one image, the best score first, and `truths` (K, 4) its objects.
# `rule` is "voc", "coco" or "ilsvrc", as above. Return for each detection the index of the object that it hits, or -1.
# "voc" and "coco" need an IoU of at least 0.5. No object is hit twice. You may use `detection.iou(boxes, truths)` (M,
# K).


# %%
def matched(boxes, truths, rule):
    """Exercise 15.5: boxes (M, 4), truths (K, 4), rule -> indices (M,)."""
    ### BEGIN SOLUTION
    w, h = (truths[:, 2:] - truths[:, :2]).T
    least = np.minimum(0.5, w * h / ((w + 10) * (h + 10))) if rule == "ilsvrc" else np.full(len(truths), 0.5)
    taken, result = np.zeros(len(truths), bool), []
    for row in detection.iou(boxes, truths):
        candidates = row if rule == "voc" else np.where(taken | (row < least), -1, row)
        best = candidates.argmax()
        hit = candidates[best] >= least[best] and not taken[best]
        taken[best] |= hit
        result.append(best if hit else -1)
    return np.array(result)
    ### END SOLUTION


# %%
result = check("15.5", matched)
result

# %%
label, no = np.zeros(5, int), np.zeros(4, bool)
found_five = detection.Detections(five, np.array([0.9, 0.8, 0.7, 0.6, 0.5]), label)
true_four = detection.Truths(objects, label[:4], no)
rows, hits, rules = [], {}, {}
for rule in ("voc", "coco", "ilsvrc"):
    curve = detection.evaluate([found_five], [true_four], ["object"], rule).curves[0]
    rules[rule], hits[rule] = curve, int(curve.hits.sum())
    if result.passed:
        assert hits[rule] == np.sum(np.array(matched(five, objects, rule)) >= 0)
    rows.append((rule, hits[rule], *(f"{curve.average(points):.4f}" for points in ("all", "11", "101"))))
assert [row[2] for row in rows] == ["0.3750", "0.6875", "1.0000"]
assert [row[3] for row in rows] == ["0.4091", "0.6818", "1.0000"]
assert rows[1][4] == "0.6906"
print(outcome("15.f", hits))
mg.console.Table("", ("matching", ">hits", ">all points", ">11 points", ">101 points"), rows)

# %%
figure, _ = detection.figures.precision_recall(rules)
figure

# %% [markdown]
# What you saw: the second detection is nearest to the first object, which is taken. VOC calls it a duplicate, COCO
# gives it the second object. The third is 4 pixels beside an object of 10 x 10. Only ILSVRC, where an IoU of 1/4 is
# enough for it, accepts this. *All points* is the area under the envelope of the precision-recall curve (lesson 12),
# the shaded area. VOC took the mean at 11 recalls until 2009, and COCO takes it at 101. So compare average precisions
# only under one rule.
#
# The rule hardly matters if objects are apart. Here it is for your detections:

# %%
for rule, points in (("voc", "all"), ("ilsvrc", "all"), ("coco", "101")):
    value = detection.evaluate(found[2], test.truths, test.classes, rule, points).mean_ap
    print(f"{rule}, {points} points: mean average precision {value:.3f}")

# %% [markdown]
# ## Where is it wrong?
#
# Keep the detections with a score of at least 0.3. A wrong one has the wrong class (*class*), an imprecise box
# (*location*), or *both*; or it is a *duplicate*, or on the *background*. Guess: which of the five is most frequent?

# %%
predict("15.g", ...)

# %%
sure = [one.filtered(one.scores >= 0.3) for one in found[2]]
errors = detection.error_types(sure, test.truths)
figure, _ = detection.figures.error_types(errors)
figure

# %%
wrong = {name: count for name, count in errors.counts.items() if name != "missed"}
print(outcome("15.g", max(wrong, key=wrong.get)))
figure, _ = detection.figures.failures(test.images, sure, test.truths, test.classes, 6)
figure

# %% [markdown]
# What you saw: the most confident error of each type, and an object that was missed, if there are any. For each type
# another part is to blame: for a class error the network, for a location error a proposal, for a duplicate the
# suppression.
#
# ## MultiBox
#
# *MultiBox* proposes boxes by a network. Many fixed boxes, the *priors*, cover the image. For each prior the network
# predicts a confidence that it belongs to an object, and four offsets that move it to the object. It knows no classes.
# It learns from boxes, and then proposes in one forward pass. Guess: which covers more objects with only 10 proposals
# per scene, "MultiBox" or "Selective Search"? Training takes 10 to 40 seconds.

# %%
predict("15.h", ...)


# %%
def report(step):
    """Print the loss from time to time."""
    if step.number % 40 == 0:
        print(f"step {step.number} of {step.count}: loss {step.loss:.1f}")


more = scenes.drawn(40 if FAST else 200)
proposer = scenes.trained_multibox(more, epochs=3 if FAST else 10, on_step=report)
learned = [proposer.propose(scene, 40).boxes for scene in test.images]
ways = {"MultiBox": learned, "Selective Search x2": proposals[2]}
ways["both in turn"] = [scenes.in_turn(a, b) for a, b in zip(learned, proposals[2], strict=True)]
figure, _ = detection.figures.recall(ways, test.truths)
figure

# %%
ten = {name: scenes.coverage([boxes[:10] for boxes in way], test.truths) for name, way in ways.items()}
every = {name: scenes.coverage(boxes, test.truths) for name, boxes in ways.items()}
assert FAST or ten["MultiBox"] > ten["Selective Search x2"]
assert every["Selective Search x2"] >= every["MultiBox"]
outcome("15.h", {name: round(value, 2) for name, value in ten.items()})

# %% [markdown]
# What you saw: MultiBox ranks its boxes by confidence, so a few cover more. Selective Search orders them by level only,
# but its whole list covers at least as much. GoogLeNet's detector used both: the claims below measure what that adds.

# %% [markdown]
# ## Make it break
#
# Double the superpixels again and again. Predict before you run the cell: when are objects lost?

# %%
doubled, values = (1, 2, 4, 8, 16, 32), []
for factor in doubled:
    boxes = [scenes.selective_search(scene, factor) for scene in test.images]
    values.append(scenes.coverage(boxes, test.truths))
    print(f"x{factor}: {np.mean([len(b) for b in boxes]):.0f} proposals, coverage {values[-1]:.2f}")
figure, _ = viz.line_chart({"coverage": (doubled, values)}, "size of the superpixels", "coverage")
figure

# %% [markdown]
# ## Claims, checked
#
# Notes on the paper make four claims about its detector. Each line shows a claim, what you measured, and what the paper
# states: R-CNN used about 2,000 regions; twice the superpixel size halved them, and 200 boxes of MultiBox were added.

# %%
few = [scenes.selective_search(scene, 4) for scene in test.images]
union = [np.concatenate([b, proposer.propose(scene, 20).boxes]) for scene, b in zip(test.images, few, strict=True)]
alone, together = (scenes.coverage(boxes, test.truths) for boxes in (few, union))
regions = (2000 / 2 + 200) / 2000
assert together > alone or (FAST and together == alone)
assert regions == 0.6
print("'R-CNN with Inception as region classifier': right; so did you")
print(f"'Selective Search combined with MultiBox, for recall': right; at x4, {alone:.2f} became {together:.2f} here;")
print("    the paper's coverage rose from 92% to 93%")
print(f"'superpixel size x2 to cut false positives': right; {false[1]} became {false[2]} here;")
print(
    f"    but MultiBox makes it {regions:.0%} of R-CNN's regions, not half, and the result of 43.9% needed six networks"
)
print("'no bounding box regression': right for classified regions; but MultiBox's offsets are one")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("15", answers=True)`.

# %%
glossary.terms("15")

# %%
quiz("15")

# %% [markdown]
# ## Take it further
#
# - `minigooglenet detect train --out my-detector` trains a network for regions; `detect evaluate` prints its errors.
# - Use lesson 12's windows as proposals: `scenes.detected(network, test, [sliding] * len(test.images))`.
# - Write a box regression for classified regions, the part that the authors had no time for.

# %% [markdown]
# ## Exercise 15.2: how similar two colours are
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# Regions a and b merge; c is a neighbour. Each is an array of pixels (3, n) in which every value is from 0 to 1. The
# histogram of a region has 25 bins of equal width for each channel, one channel after the other, and the sum 1. The
# value 1 is in the last bin. The histogram of a merged region is the mean of the two, weighted by numbers of pixels: so
# no pixel is read again. The similarity of two regions is the sum of the smaller value of each bin. Return the
# histogram of a merged with b, and its similarity with c.


# %%
def colour_of_merged(a, b, c):
    """Exercise 15.2: a (3, n), b (3, m), c (3, k) -> histogram (75,), similarity."""

    ### BEGIN SOLUTION
    def histogram(pixels):
        counts = np.concatenate([np.histogram(channel, 25, (0, 1))[0] for channel in pixels])
        return counts / counts.sum()

    sizes = a.shape[1], b.shape[1]
    merged = (sizes[0] * histogram(a) + sizes[1] * histogram(b)) / sum(sizes)
    return merged, np.minimum(merged, histogram(c)).sum()
    ### END SOLUTION


# %%
check("15.2", colour_of_merged)

# %% [markdown]
# Hue is a classic trap: it is from 0 to 1, and a histogram over 0 to 255 puts it into one bin. Guess: how similar are
# pure red and pure blue then?

# %%
predict("15.i", ...)

# %%
hues = {"red": 0.0, "blue": 2 / 3}
right, trap = ([np.histogram(hue, 25, ends)[0] for hue in hues.values()] for ends in ((0, 1), (0, 255)))
print(f"similarity over 0 to 1: {np.minimum(*right).sum()}")
outcome("15.i", int(np.minimum(*trap).sum()))

# %% [markdown]
# ## Exercise 15.4: suppression per class
#
# Difficulty: ** of ***. About 9 minutes. Further.
#
# `boxes` (M, 4), `scores` (M,) and `labels` (M,) are detections of several classes. Visit them in the order of their
# scores, the largest first; of equal scores, the one that is first in the list. Keep a box unless its IoU with a kept
# box of the *same class* is above t. Return boxes, scores and labels of the kept detections, in this order.


# %%
def suppressed(boxes, scores, labels, t):
    """Exercise 15.4: boxes (M, 4), scores (M,), labels (M,), t -> boxes (P, 4), scores (P,), labels (P,)."""
    ### BEGIN SOLUTION
    ious, kept = detection.iou(boxes, boxes), []
    for i in np.argsort(-scores, kind="stable"):
        if all(labels[i] != labels[j] or ious[i, j] <= t for j in kept):
            kept.append(i)
    return boxes[kept], scores[kept], labels[kept]
    ### END SOLUTION


# %%
result = check("15.4", suppressed)
result

# %% [markdown]
# What does suppression remove from your detections? The next cell takes a few seconds.

# %%
everything = scenes.detected(network, test, proposals[2], overlap=1)
for t in (1, 0.7, 0.5, 0.3, 0.1):
    kept = [detection.nms_per_class(one, t) for one in everything]
    if result.passed:
        assert all(
            np.array_equal(a, b)
            for one, by_class in zip(everything, kept, strict=True)
            for a, b in zip(suppressed(*one, t), by_class, strict=True)
        )
    value, errors = (
        detection.evaluate(kept, test.truths, test.classes).mean_ap,
        detection.error_types(kept, test.truths),
    )
    total = sum(len(one.scores) for one in kept)
    print(f"t = {t}: {total} detections, {errors.counts['duplicate']} duplicates, mean average precision {value:.3f}")

# %% [markdown]
# ## Exercise 15.6: 11 points, 101 points, all points
#
# Difficulty: *** of ***. About 8 minutes. Further.
#
# `hits` (M,) has a 1 for each detection that is a hit and a 0 for each other one, the best score first. `count` is the
# number of objects. Precision and recall after each detection are those of lesson 12, and the *envelope* at a recall is
# the largest precision at this or any larger recall. If `points` is 0, return the area under the envelope. If it is 11
# or 101, return the mean of the envelope at that many recalls, 0 to 1 in equal steps: 0 if no detection reaches one.
# Compare exactly: 3 of 10 objects reach a recall of 0.3.


# %%
def averaged(hits, count, points):
    """Exercise 15.6: hits (M,), count, points -> float."""
    ### BEGIN SOLUTION
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    if points == 0:
        return highest[hits == 1].sum() / count
    return np.mean([highest[(points - 1) * found >= level * count].max(initial=0) for level in range(points)])
    ### END SOLUTION


# %%
result = check("15.6", averaged)
result

# %%
if result.passed:
    curve = detection.Curve(np.arange(3, 0, -1.0), np.array([True, True, True]), objects=10)
    print(f"3 of 10 objects, 11 points: {averaged(np.ones(3, int), 10, 11):.4f}")
    print(f"with levels in floats, as in pycocotools: {curve.average('11'):.4f}")
    assert np.linspace(0, 1, 11)[3] > 3 / 10

# %% [markdown]
# What you saw: `np.linspace(0, 1, 11)[3]` is 0.30000000000000004, so programs that compare floats lose a level. The
# engine follows pycocotools, the official program, including this.

# %% [markdown]
# ## Exercise 15.7: a box relative to a prior
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# MultiBox predicts offsets (dx, dy, dw, dh). dx is the distance from the prior's centre to the box's centre along x, in
# widths of the prior, and dy the same along y, in heights. dw is the natural logarithm of the box's width divided by
# the prior's, and dh the same for the heights. Return the offsets of `boxes` (M, 4) from `priors` (M, 4), and the boxes
# (M, 4) that have the given `offsets` (M, 4) from the priors. Boxes are corners.


# %%
def coded(boxes, priors, offsets):
    """Exercise 15.7: boxes (M, 4), priors (M, 4), offsets (M, 4) -> offsets (M, 4), boxes (M, 4)."""
    ### BEGIN SOLUTION
    sides, units = boxes[:, 2:] - boxes[:, :2], priors[:, 2:] - priors[:, :2]
    middle = (priors[:, :2] + priors[:, 2:]) / 2
    moved = ((boxes[:, :2] + boxes[:, 2:]) / 2 - middle) / units
    centre, half = middle + offsets[:, :2] * units, units * np.exp(offsets[:, 2:]) / 2
    return np.hstack([moved, np.log(sides / units)]), np.hstack([centre - half, centre + half])
    ### END SOLUTION


# %%
check("15.7", coded)

# %%
compare("15.7")
