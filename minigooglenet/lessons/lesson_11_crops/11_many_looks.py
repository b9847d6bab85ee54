# %% [markdown]
# # 11 From 10.07% to 6.67%
#
# **The question.** The error fell by a third, and the network stayed the same. What did that cost, and why did it
# work?
#
# About 60 minutes. Needs lesson 08.
#
# Afterwards you can
#
# - list the 144 crops that the paper takes of each image;
# - combine many predictions into one, and explain why you average probabilities;
# - compute a top-k error and a relative reduction;
# - compare a gain with its cost, and judge whether it may be due to chance;
# - explain why an ensemble helps only if its networks disagree.
#
# A *crop* is a part of an image that is fed to a network. *Multi-crop evaluation* averages the predictions for several
# crops of an image. An *ensemble* averages the predictions of several networks. The *top-k error* is the fraction of
# images whose true class is not among the k likeliest. Letters: N images, C classes, H x W pixels in an image.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import data, evaluation, viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_11_crops import drawing, small_networks

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
rng = np.random.default_rng(11)

# %% [markdown]
# ## More than one crop
#
# With one crop per image, the paper's network has a top-5 error of 10.07%. The paper also gives the error of one
# network with 144 crops, of seven networks with one crop, and of seven networks with 10 crops. Guess the order
# of these three, from the smallest error to the largest.

# %%
predict("11.a", ...)

# %%
PAPER = {
    (1, 1): 10.07,
    (1, 10): 9.15,
    (1, 144): 7.89,
    (7, 1): 8.09,
    (7, 10): 7.62,
    (7, 144): 6.67,
}  # Table 3 of the paper, on the validation set
print(outcome("11.a", sorted([(1, 144), (7, 1), (7, 10)], key=PAPER.get)))
print("Each pair is (networks, crops); the smallest error comes first.")
figure, _ = drawing.errors_by_cost(PAPER)
figure

# %%
gains = {setting: PAPER[1, 1] - error for setting, error in PAPER.items() if setting != (1, 1)}
per_doubling = {(m, c): gain / np.log2(m * c) for (m, c), gain in gains.items()}
assert (round(gains[7, 1], 2), round(gains[1, 144], 2)) == (1.98, 2.18)
assert max(per_doubling, key=per_doubling.get) == (7, 1)
rows = [(m, c, m * c, f"{gain:.2f}", f"{per_doubling[m, c]:.2f}") for (m, c), gain in gains.items()]
mg.console.Table("", (">networks", ">crops", ">cost", ">points gained", ">per doubling of the cost"), rows)

# %% [markdown]
# What you saw: seven networks gain 1.98 percentage points and cost 7 forward passes per image. One network with 144
# crops gains 2.18 points and costs 144. At the same cost, more networks gain more than more crops, but you have to
# train them first.

# %% [markdown]
# ## The 144 crops
#
# Resize an image so that its shorter side is 256, 288, 320 and 352. At each size, take three squares: left, centre and
# right, or top, centre and bottom. Take six crops of each square, the four corners and the centre with side 224 and the
# whole square, and the mirror image of each: 4 x 3 x 6 x 2 = 144. Guess: how many *different* regions of an image of
# 375 x 500 do these crops show, if you do not count mirror images?

# %%
predict("11.b", ...)


# %%
def regions(H, W):
    """Return the boxes of the crops in an image of H x W, without mirror images, and how many boxes differ."""
    boxes, mirrored = evaluation.boxes((H, W), 224, 144)
    plain = boxes[~mirrored]
    return plain, len({tuple(box) for box in np.round(plain, 6).tolist()})


plain, different = regions(375, 500)
_, in_square = regions(400, 400)
print(outcome("11.b", different))
print(f"In an image of 375 x 500, {different} of {len(plain)} boxes are different; in a square image {in_square}.")
assert (len(plain), different, in_square) == (72, 3 * (4 * 5 + 1), 4 * 5 + 1) == (72, 63, 21)

# %%
photo = np.asarray(data.photograph().crop((0, 0, 512, 384))).transpose(2, 0, 1)
figure, _ = drawing.six_crops(photo)
figure

# %% [markdown]
# What you saw: the six crops of one square. The sixth is the whole square, so it shows the same region at all four
# sizes. That leaves 4 x 5 + 1 = 21 regions per square, and 63 in three squares.
#
# In how many crops is each pixel? The next cell counts them for two images.


# %%
def coverage(H, W):
    """Return how many of the 72 boxes contain each pixel."""
    counts = np.zeros((H, W), int)
    for x0, y0, x1, y1 in regions(H, W)[0]:
        rows, columns = np.arange(H) + 0.5, np.arange(W) + 0.5
        counts += ((rows > y0) & (rows < y1))[:, None] & ((columns > x0) & (columns < x1))
    return counts


usual, panorama = coverage(375, 500), coverage(200, 800)
uncovered = np.mean(panorama == 0)
figure, _ = viz.images({"375 x 500": usual, "200 x 800": panorama}, columns=2, numbers=False)
print(f"375 x 500: every pixel is in {usual.min()} to {usual.max()} of 72 boxes")
print(f"200 x 800: {uncovered:.0%} of the pixels are in no box")
assert uncovered == 0.25
assert usual.min() > 0
figure

# %% [markdown]
# What you saw: pixels in the middle are in many crops, pixels near the edge in few. If an image is four times as wide
# as it is high, a quarter of it is in no crop, because three squares cannot cover it.

# %% [markdown]
# ## Exercise 11.1: the 144 crops
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# Return the list of crops for an image of H x W. A crop is five integers (scale, y, x, side, mirror):
#
# - scale is the shorter side of the resized image: 256, 288, 320 or 352;
# - y and x are the position of the upper left corner, and side is the side of the crop, in pixels *of the resized
#   image*;
# - mirror is 1 if the crop is mirrored, and 0 if not.
#
# Any order is right. In the images of the check, all these values are integers.


# %%
# exercise 11.1
def crop_boxes(H, W):
    """Return 144 rows (scale, y, x, side, mirror) for an image of H x W."""
    ### BEGIN SOLUTION
    rows = []
    for scale in (256, 288, 320, 352):
        h, w, room = H * scale // min(H, W), W * scale // min(H, W), scale - 224
        corners = [(0, 0), (0, room), (room, 0), (room, room), (room // 2, room // 2)]
        for step in (0, 1, 2):
            y, x = (h - scale) * step // 2, (w - scale) * step // 2
            for mirror in (0, 1):
                rows += [(scale, y + dy, x + dx, 224, mirror) for dy, dx in corners]
                rows.append((scale, y, x, scale, mirror))
    return rows
    ### END SOLUTION


# %%
result = check("11.1", crop_boxes)
result

# %% [markdown]
# Now use your crops: how many of them, without mirror images, contain each pixel in the middle row of an image of
# 400 x 600?

# %%
figure = None
if result.passed:
    counts = np.zeros(600)
    for scale, y, x, side, mirror in crop_boxes(400, 600):
        factor = 400 / scale
        if not mirror and y * factor <= 200 < (y + side) * factor:
            counts[int(x * factor) : int(np.ceil((x + side) * factor))] += 1
    figure, _ = viz.line_chart({"row 200": (range(600), counts)}, "column", "crops")
figure

# %% [markdown]
# ## The cost
#
# One forward pass of GoogLeNet costs 1.58 billion MACs (multiply-adds). Guess: how many MACs does one prediction of
# seven networks with 144 crops cost?

# %%
predict("11.f", ...)

# %%
one_pass = mg.count(mg.models.googlenet(aux=False, init="zeros")).macs
print(outcome("11.f", f"{7 * 144 * one_pass / 1e12:.2f} TMAC"))
print(f"{7 * 144} forward passes of {one_pass / 1e9:.2f} GMAC each")
assert round(one_pass / 1e9, 2) == 1.58
assert round(1008 * one_pass / 1e12, 1) == 1.6

# %% [markdown]
# ## What 6.67% meant
#
# The figure shows the best entries in the ImageNet competitions of 2012 and 2013, and the three best of 2014. These
# are top-5 errors on the *test set*, which is used once, for the final report. The errors above (Table 3) are on the
# *validation set*, which is for choosing, so you cannot compare the two lists. The paper gives both errors only for the
# full system: 6.67% on each set.

# %%
ENTRIES = {
    "2012 SuperVision": 16.4,
    "2012 SuperVision, more data": 15.3,
    "2013 Clarifai": 11.7,
    "2013 Clarifai, more data": 11.2,
    "2014 MSRA": 7.35,
    "2014 VGG": 7.32,
    "2014 GoogLeNet": 6.67,
}
figure, _ = viz.bar_chart(ENTRIES, "top-5 error on the test set in %", marked=["2014 GoogLeNet"])
print(f"test set: the error of GoogLeNet is {7.32 - 6.67:.2f} points smaller than that of VGG")
print(f"validation set: ten crops instead of one gain {gains[1, 10]:.2f} points, the full system {gains[7, 144]:.2f}")
assert 7.32 - 6.67 < gains[1, 10] < gains[7, 144]
figure

# %% [markdown]
# What you saw: GoogLeNet's lead over the second entry is smaller than the gain from ten crops instead of one (though
# the two were measured on different sets). So the ranking of entries also depends on how much each spent on crops and
# networks.

# %% [markdown]
# ## How to combine predictions
#
# Two networks classify one image, with three classes A, B and C. The first returns the probabilities (.98, .01, .01),
# the second (.0001, .6, .3999). You can combine them in four ways:
#
# - average the probabilities;
# - average their logarithms (which is the same as averaging the logits, the outputs before the softmax);
# - let the networks vote;
# - take the larger probability of each class.
#
# Guess: which class does each way choose?

# %%
predict("11.c", ...)

# %%
two = np.array([[0.98, 0.01, 0.01], [0.0001, 0.6, 0.3999]])
geometric = np.exp(np.log(two).mean(axis=0))
ways = {
    "mean of probabilities": two.mean(axis=0),
    "mean of logarithms": geometric / geometric.sum(),
    "votes": np.eye(3)[two.argmax(axis=1)].mean(axis=0),
    "largest": two.max(axis=0),
}
classes, rows = {}, []
for name, result in ways.items():
    classes[name] = " and ".join(letter for letter, value in zip("ABC", result, strict=True) if value == result.max())
    rows.append((name, *(f"{value:.3f}" for value in result), classes[name]))
assert classes["mean of probabilities"] == "A" != classes["mean of logarithms"]
print(outcome("11.c", classes))
mg.console.Table("", ("way", ">A", ">B", ">C", "class"), rows)

# %% [markdown]
# What you saw: in a mean of logarithms, one network with a probability near 0 vetoes a class, even if all others
# choose it. The paper averages probabilities over crops and networks. It also tried the maximum over crops, with a
# worse result.

# %% [markdown]
# ## Exercise 11.2: one prediction from many
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# Combine predictions as the paper does. `probs` has the shape (models, crops, N, C), and the result has the shape
# (N, C).


# %%
# exercise 11.2
def combine(probs):
    """Return (N, C): the mean of probs (models, crops, N, C) over models and crops."""
    ### BEGIN SOLUTION
    return probs.mean(axis=(0, 1))
    ### END SOLUTION


# %%
combined = check("11.2", combine)
combined

# %% [markdown]
# ## Exercise 11.3: top-k error
#
# Difficulty: * of ***. About 6 minutes. Core.
#
# An image counts as an error if its true class is not among the k likeliest. Return the fraction of images that are
# errors. `probs` has the shape (N, C), and `labels` are the N true classes, as integers. No image has two equal
# probabilities.


# %%
# exercise 11.3
def topk_error(probs, labels, k):
    """Return the fraction of the N images whose label is not among the k likeliest of probs (N, C)."""
    ### BEGIN SOLUTION
    best = np.argsort(-probs, axis=1)[:, :k]
    return float((best != labels[:, None]).all(axis=1).mean())
    ### END SOLUTION


# %%
counted = check("11.3", topk_error)
counted

# %%
compare("11.3")

# %% [markdown]
# ## Why networks must disagree
#
# Seven networks are each wrong on 37% of the images. Their errors may be independent, or they may often be wrong on the
# same images. Guess: what is the error of the mean of all seven if the correlation between their outputs is 0, .5, .9
# or 1?

# %%
predict("11.d", ...)


# %%
def errors(correlation, models=7, images=20_000, classes=10, margin=1.86):
    """Return the errors of one network and of the mean of all; class 0 is right, and the networks have common noise."""
    common = rng.standard_normal((images, 1, classes))
    individual = rng.standard_normal((images, models, classes))
    logits = correlation**0.5 * common + (1 - correlation) ** 0.5 * individual
    logits[..., 0] += margin
    return np.mean(logits[:, 0].argmax(axis=1) > 0), np.mean(logits.mean(axis=1).argmax(axis=1) > 0)


simulated = {c: errors(c) for c in (0.0, 0.5, 0.9, 1.0)}
for correlation, (single, mean) in simulated.items():
    print(f"correlation {correlation}: one network {single:.3f}, the mean of seven {mean:.3f}")
print(outcome("11.d", [round(float(mean), 2) for _, mean in simulated.values()]))
figure, _ = viz.bar_chart({f"correlation {c}": mean for c, (_, mean) in simulated.items()}, "error of the mean")
assert all(abs(single - 0.37) < 0.015 for single, _ in simulated.values())
assert simulated[0.0][1] < 0.01 < 0.1 < simulated[0.5][1] < simulated[0.9][1] < simulated[1.0][1]
assert simulated[1.0][0] == simulated[1.0][1]
figure

# %% [markdown]
# What you saw: the mean of seven networks with independent errors is almost never wrong, but seven networks that
# always make the same errors are not better than one. The seven networks of the paper had the *same* initial weights,
# by an oversight. They differed only in the order and the crops of the training images (and one network was wider).
# Averaging them still helped, but far less than averaging independent networks would.

# %% [markdown]
# ## Measured: networks and crops
#
# Now train small networks on crops of handwritten digits. A digit has 16 x 16 pixels, and the network takes 14 x 14:
# these are the paper's 256 and 224, divided by 16. Half of the crops are mirrored. All networks have the same
# initial weights, as in the paper. Guess: which has the smaller error, one network with 144 crops or seven networks
# with one crop?
#
# Training and evaluation take one to two minutes on two cores.

# %%
predict("11.e", ...)

# %%
COUNT, EPOCHS, TESTED = (2, 1, 8) if FAST else (7, 2, 300)
networks = []
for seed in range(COUNT):
    networks.append(small_networks.network(seed, EPOCHS))
    print(f"trained network {seed + 1} of {COUNT}")
measured = small_networks.evaluate(networks, TESTED, log=print)
shorter = "shortened run (MINIGOOGLENET_FAST): " if FAST else ""
print(f"{shorter}{COUNT} networks, {EPOCHS} epochs, {TESTED} images")
grid = evaluation.table3(measured)
grid.table()

# %%
errors_of = {(row.models, row.crops): row.changes[0].error for row in grid.rows}
print(outcome("11.e", min(((1, 144), (COUNT, 1)), key=errors_of.get)))
print("The pair is (networks, crops).")
many_crops = next(row.changes[0] for row in grid.rows if (row.models, row.crops) == (1, 144))
low, high = 100 * many_crops.low, 100 * many_crops.high
points = 100 * many_crops.difference
print(f"144 crops change the error of one network by {points:+.2f} points (interval {low:+.2f} to {high:+.2f}).")
meaning = "excludes 0: this is more than chance" if many_crops.significant else "contains 0: this may be chance"
print(f"The interval {meaning}.")
figure, _ = viz.evaluation.table3(grid)
figure

# %% [markdown]
# What you saw is measured on a few hundred images, so look at the intervals: such an *interval* contains the true
# difference in 95 of 100 experiments. An empty circle marks a difference that is not *significant*: its interval
# contains 0, so it may be chance.
#
# A small crop cuts off parts of a digit, and a mirrored digit is usually not a digit. So 144 crops *may* increase the
# error here, but only an interval that excludes 0 would show it.
#
# If `combine` and `topk_error` pass, they give the same error as the table:

# %%
if combined.passed and counted.passed:
    answers = measured.answers.transpose(1, 2, 0, 3)  # models, crop counts, images, classes
    error = topk_error(combine(answers[:, :1]), measured.labels, 1)
    print(f"all {COUNT} networks with one crop, with your functions: top-1 error {error:.2%}")
    assert np.isclose(error, evaluation.top_k_error(measured.probabilities(COUNT, 1), measured.labels, 1))

# %% [markdown]
# ## Make it break
#
# **Build an ensemble from three copies of one network.** Predict how its error compares with the error of the single
# network.

# %%
copies = small_networks.evaluate([networks[0]] * 3, 50, (1,))
single, ensemble = copies.probabilities(1, 1), copies.probabilities(3, 1)
assert np.allclose(single, ensemble, rtol=1e-12)
assert np.array_equal(single.argmax(axis=1), ensemble.argmax(axis=1))
print("The predictions are the same, at three times the cost.")

# %% [markdown]
# **Add a network that always predicts class 0 with certainty** to two good networks. With the mean of probabilities it
# shifts many predictions to class 0. With the mean of logarithms it decides nearly all of them.

# %%
good = measured.answers[:, :2, 0]
bad = np.full_like(good[:, :1], 1e-9)
bad[..., 0] = 1
three = np.concatenate([good, bad], axis=1)
by_mean, by_log = three.mean(axis=1), np.log(three + 1e-300).mean(axis=1)
zeros = [f"{np.mean(means.argmax(axis=1) == 0):.0%}" for means in (by_mean, by_log)]
print(f"classified as 0: {zeros[0]} of the images by the mean of probabilities, {zeros[1]} by the mean of logarithms")

# %% [markdown]
# ## Claims, checked
#
# You may meet these claims about the paper elsewhere. Each line shows a claim and what you measured.

# %%
claims = [
    ("4 scales x 3 squares x 6 crops x 2 for mirroring make 144", 4 * 3 * 6 * 2 == 144, "right"),
    ("144 crops show 144 regions", different * 2 == 126, "wrong; with mirrors, 126 in a wide image, 42 in a square"),
    ("probabilities are averaged over crops and classifiers", classes["mean of probabilities"] == "A", "right"),
    ("the gain from 10.07 to 6.67 is 3.45 points", round(gains[7, 144], 2) == 3.40, "wrong; it is 3.40 points"),
    ("6.67% is 56.5% less than 15.3%", round(100 * (1 - 6.67 / 15.3), 1) == 56.4, "nearly right; it is 56.4% less"),
    (
        "the seven networks were independent",
        simulated[0.5][1] > simulated[0.0][1],
        "not quite; they had the same initial weights, so their errors are correlated",
    ),
    (
        "more crops are always better",
        not (many_crops.significant and many_crops.difference < 0),
        f"not shown on these digits: {100 * many_crops.difference:+.2f} points ({low:+.2f} to {high:+.2f}) for 144",
    ),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each question in one sentence, then compare: `quiz("11", answers=True)`.

# %%
glossary.terms("11")

# %%
quiz("11")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need what follows.
#
# - Are the probabilities *calibrated*: if a class has a probability of 80%, is it right in 80% of the cases? Find out
#   with `evaluation.calibration` and `viz.evaluation.calibration`, for one network and for an ensemble.
# - Average networks from different epochs of one training run (a snapshot ensemble).
# - Give the networks different initial weights (`rng=seed` in `small_networks.network`). Does the correlation between
#   their errors fall?
# - Train without mirroring. Which row of the table gains most?
# - Write 11.1 for images whose sizes are not integers after resizing. How different are the results of two sensible
#   ways to round?

# %% [markdown]
# ## Exercise 11.4: a relative reduction
#
# Difficulty: * of ***. About 3 minutes. Further.
#
# Your values depend on your name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("11.4", student)

# %%
# exercise 11.4
### BEGIN SOLUTION
reduction = (lambda old, new: 100 * (old - new) / old)(**find("11.4").values(student))
### END SOLUTION

# %%
answer("11.4", reduction)

# %% [markdown]
# ## Exercise 11.5: spend twenty forward passes
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# You may spend twenty forward passes on each image. Choose how many of your networks to use, and how many crops (1, 10
# or 144), and give your reason in one sentence that contains a number. Your answer is the tuple
# `choice = (measured, models, crops, reason)`. The check compares your choice with all other choices that cost at most
# twenty forward passes, on the same images.

# %%
# exercise 11.5
### BEGIN SOLUTION
choice = [row for row in evaluation.table3(measured, models=range(1, COUNT + 1)).rows if row.cost <= 20]
choice = min(choice, key=lambda row: row.changes[0].error)
reason = f"of all rows with a cost of at most 20, it has the smallest top-1 error: {choice.changes[0].error:.2%}"
choice = (measured, choice.models, choice.crops, reason)
### END SOLUTION

# %%
check("11.5", choice)  # (measured, models, crops, "your reason, with a number")

# %% [markdown]
# How often are two of these networks wrong on the same image? If their errors were independent, this fraction of the
# images would be the product of their two errors.

# %%
wrong = np.array([evaluation.ranks(measured.answers[:, m, 0], measured.labels) > 0 for m in range(COUNT)])
both, product = np.mean(wrong[0] & wrong[1]), wrong[0].mean() * wrong[1].mean()
print(f"network 1 is wrong on {wrong[0].mean():.1%} of the images, network 2 on {wrong[1].mean():.1%}")
print(f"both are wrong on {both:.1%}; with independent errors it would be {product:.1%}")
