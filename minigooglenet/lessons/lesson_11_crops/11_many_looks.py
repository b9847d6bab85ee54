# %% [markdown]
# # 11 From 10.07 % to 6.67 %
#
# **Question.** A third of the error disappeared without changing the network. What did it cost, and why did it work?
#
# About 60 minutes. Needs lesson 08.
#
# Afterwards you can
#
# - list the 144 crops of an image that the paper uses;
# - make one answer of many, and say why probabilities are averaged;
# - compute a top-k error, and a relative reduction;
# - compare a gain with its cost, and tell a gain from chance;
# - say why networks that help each other must disagree.
#
# A *crop* is a part of an image that is fed to a network. Letters: N images, C classes here, H x W an image. If the
# notebook behaves oddly, restart the kernel and run from the top.

# %%
import os

import numpy as np

import minigooglenet as mg
from minigooglenet import data, evaluation, viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_11_crops import drawing, looks

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
rng = np.random.default_rng(11)

# %% [markdown]
# ## More than one crop
#
# The paper's network has a top-5 error of 10.07% with one crop of an image. The paper also gives the error of one
# network with 144 crops, of seven networks with one crop, and of seven with 10 crops. Put the three in order: which
# helps most?
#
# Replace the three dots with a guess.

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
}  # its Table 3, on the validation set
print(outcome("11.a", sorted([(1, 144), (7, 1), (7, 10)], key=PAPER.get)))
print("The pairs are (networks, crops), best first.")
figure, _ = drawing.errors_by_cost(PAPER)
figure

# %%
gains = {setting: PAPER[1, 1] - error for setting, error in PAPER.items() if setting != (1, 1)}
per_doubling = {(m, c): gain / np.log2(m * c) for (m, c), gain in gains.items()}
assert (round(gains[7, 1], 2), round(gains[1, 144], 2)) == (1.98, 2.18)
assert max(per_doubling, key=per_doubling.get) == (7, 1)
rows = [(m, c, m * c, f"{gain:.2f}", f"{per_doubling[m, c]:.2f}") for (m, c), gain in gains.items()]
mg.console.Table("", (">networks", ">crops", ">cost", ">points gained", ">for each doubling of the cost"), rows)

# %% [markdown]
# What you saw: seven networks at cost 7 gain 1.98 points, 144 crops at cost 144 gain 2.18. At the same cost, more
# networks are worth more than more crops. But they must be trained first.

# %% [markdown]
# ## The 144 crops
#
# Resize the image so that its shorter side is 256, 288, 320 and 352. Of each size take three squares, of each square
# six crops, and mirror each crop too: 4 x 3 x 6 x 2. How many *different* parts of the image are that, if mirrored ones
# do not count?

# %%
predict("11.b", ...)


# %%
def regions(H, W):
    """Return the unmirrored boxes in an image of H x W, and how many of them differ."""
    boxes, mirrored = evaluation.boxes((H, W), 224, 144)
    plain = boxes[~mirrored]
    return plain, len({tuple(box) for box in np.round(plain, 6).tolist()})


plain, different = regions(375, 500)
_, in_square = regions(400, 400)
print(outcome("11.b", different))
print(f"{len(plain)} unmirrored boxes in an image of 375 x 500, {different} different; in a square one {in_square}")
assert (len(plain), different, in_square) == (72, 3 * (4 * 5 + 1), 4 * 5 + 1) == (72, 63, 21)

# %%
photo = np.asarray(data.photograph().crop((0, 0, 512, 384))).transpose(2, 0, 1)
figure, _ = drawing.six_crops(photo)
figure

# %% [markdown]
# What you saw: six of the crops. The sixth, the whole square, is the same part of the image at every size, because it
# is resized to 224 anyway. Four crops, one region. That leaves 3 x (4 x 5 + 1).
#
# Which pixels are in how many crops?


# %%
def coverage(H, W):
    """Return how many of the 72 unmirrored boxes contain each pixel."""
    counts = np.zeros((H, W), int)
    for x0, y0, x1, y1 in regions(H, W)[0]:
        rows, columns = np.arange(H) + 0.5, np.arange(W) + 0.5
        counts += ((rows > y0) & (rows < y1))[:, None] & ((columns > x0) & (columns < x1))
    return counts


usual, panorama = coverage(375, 500), coverage(200, 800)
unseen = np.mean(panorama == 0)
figure, _ = viz.images({"375 x 500": usual, "200 x 800": panorama}, columns=2, numbers=False)
print(f"375 x 500: every pixel lies in {usual.min()} to {usual.max()} of 72 boxes")
print(f"200 x 800: {unseen:.0%} of the pixels are in none")
assert unseen == 0.25
assert usual.min() > 0
figure

# %% [markdown]
# What you saw: the middle is in many crops, the edge in few. A quarter of an image four times as wide as high is in no
# crop: three squares do not reach it.

# %% [markdown]
# ## Exercise 11.1: the 144 pieces
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# Write the list of crops for an image of H x W. Each crop is five numbers: the scale (the shorter side after resizing:
# 256, 288, 320 or 352), then y and x of its upper left corner and its side, in pixels *of the resized image*, and 1 if
# it is mirrored, else 0. The side is 224 for corners and centre; for the sixth crop it is the side of the square. Any
# order is right. In the check's images nothing needs rounding.


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
mine = check("11.1", crop_boxes)
mine

# %% [markdown]
# Your boxes at work: the middle row of an image of 400 x 600, and how many of your unmirrored boxes contain each of its
# pixels.

# %%
figure = None
if mine.passed:
    seen = np.zeros(600)
    for scale, y, x, side, mirror in crop_boxes(400, 600):
        factor = 400 / scale
        if not mirror and y * factor <= 200 < (y + side) * factor:
            seen[int(x * factor) : int(np.ceil((x + side) * factor))] += 1
    figure, _ = viz.line_chart({"row 200": (range(600), seen)}, "column", "boxes")
figure

# %% [markdown]
# ## The price
#
# One forward pass of GoogLeNet takes 1.58 billion MACs (multiply-adds). How many does one answer of seven networks with
# 144 crops take?

# %%
predict("11.f", ...)

# %%
one_pass = mg.count(mg.models.googlenet(aux=False, init="zeros")).macs
print(outcome("11.f", f"{7 * 144 * one_pass / 1e12:.2f} T MAC"))
print(f"{7 * 144} forward passes of {one_pass / 1e9:.2f} G MAC")
assert round(one_pass / 1e9, 2) == 1.58
assert round(1008 * one_pass / 1e12, 1) == 1.6

# %% [markdown]
# ## What 6.67 meant
#
# The winners of the years before, and the three best of 2014. These are top-5 errors on the *test* set. Table 3 above
# is on the *validation* set, so differences between the two lists mean nothing. Only the full system, seven networks
# with 144 crops, has the same error on both: 6.67%.

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
print(f"test set: GoogLeNet leads VGG by {7.32 - 6.67:.2f} points")
print(
    f"validation set: ten crops instead of one are worth {gains[1, 10]:.2f} points, the full system {gains[7, 144]:.2f}"
)
assert 7.32 - 6.67 < gains[1, 10] < gains[7, 144]
figure

# %% [markdown]
# What you saw: the lead over the next entry is smaller than what ten crops instead of one are worth (each measured on
# its own set). So a ranking of entries is also a ranking of how much each spent on crops and networks.

# %% [markdown]
# ## How to make one answer of many
#
# Two networks answer for one image of three classes. The first returns (.98, .01, .01), the second (.0001, .6, .3999).
# Average the probabilities; or average their logarithms, which is averaging the logits; or let them vote; or take the
# largest. Which class does each way choose?

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
# What you saw: in a mean of logarithms one network that is sure of "no" vetoes all others. The paper averages
# probabilities over crops and networks. It also tried the largest over crops, and found that worse.

# %% [markdown]
# ## Exercise 11.2: one answer of many
#
# Difficulty: * of ***. About 5 minutes. Core.
#
# Write the paper's way. probs has the shape (models, crops, N, C); the result is (N, C).


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
# An image is an error if its own class is not among the k likeliest. Return the fraction of errors. probs is (N, C),
# labels are N integers. No two probabilities of an image are equal.


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
# ## Why disagreement is needed
#
# Seven networks, each wrong on 37% of the images. If their errors are independent, how often is their mean wrong? And
# if their errors are strongly alike? Say a number for a correlation of 0, of .5, of .9 and of 1.

# %%
predict("11.d", ...)


# %%
def errors(correlation, models=7, images=20_000, classes=10, margin=1.86):
    """Return the errors of one network and of their mean; class 0 is right, and noise is partly shared."""
    shared = rng.standard_normal((images, 1, classes))
    own = rng.standard_normal((images, models, classes))
    logits = correlation**0.5 * shared + (1 - correlation) ** 0.5 * own
    logits[..., 0] += margin
    return np.mean(logits[:, 0].argmax(axis=1) > 0), np.mean(logits.mean(axis=1).argmax(axis=1) > 0)


simulated = {c: errors(c) for c in (0.0, 0.5, 0.9, 1.0)}
for correlation, (single, mean) in simulated.items():
    print(f"correlation {correlation}: one network {single:.3f}, the mean of seven {mean:.3f}")
print(outcome("11.d", [round(float(mean), 2) for _, mean in simulated.values()]))
figure, _ = viz.bar_chart({f"correlation {c}": mean for c, (_, mean) in simulated.items()}, "error of seven")
assert all(abs(single - 0.37) < 0.015 for single, _ in simulated.values())
assert simulated[0.0][1] < 0.01 < 0.1 < simulated[0.5][1] < simulated[0.9][1] < simulated[1.0][1]
assert simulated[1.0][0] == simulated[1.0][1]
figure

# %% [markdown]
# What you saw: seven networks with independent errors would almost never be wrong. Seven that always err together are
# worth one. The paper's seven started from the *same* weights, by an oversight, and differed only in the order and the
# crops of the training images (one was also wider). They still gained, but far less than independent ones would.

# %% [markdown]
# ## Measured: networks and crops
#
# Now real networks. Small networks learn from crops of handwritten digits (16 x 16 pixels, cropped to 14 x 14: the
# paper's 256 and 224, divided by sixteen), mirrored half of the time. All start from the same weights, as the paper's
# did. Which has the smaller error: one network with 144 crops, or seven networks with one?
#
# The next cell but one trains seven networks and evaluates 144 crops of 300 images. It takes one to two minutes on two
# cores and shows how far it is.

# %%
predict("11.e", ...)

# %%
COUNT, EPOCHS, TESTED = (3, 1, 100) if FAST else (7, 2, 300)
networks = []
for seed in range(COUNT):
    networks.append(looks.network(seed, EPOCHS))
    print(f"network {seed + 1} of {COUNT} is trained")
measured = looks.ask(networks, TESTED, tell=print)
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
print(
    f"144 crops of one network change its error by {100 * many_crops.difference:+.2f} points, {low:+.2f} to {high:+.2f}"
)
print("The interval excludes 0: more than chance." if many_crops.significant else "It contains 0: this may be chance.")
figure, _ = viz.evaluation.table3(grid)
figure

# %% [markdown]
# What you saw is measured on a few hundred images, so read the intervals: the true difference is in such an interval in
# 95 of 100 cases. An empty circle means: these images do not tell the two apart, whatever the sign. A digit fills its
# image, unlike the objects of ImageNet, so a small crop cuts it, and a mirrored digit is not a digit. So 144 crops
# *may* harm here, but only an interval without 0 would show it.
#
# If your two functions pass, they give the same error as the table:

# %%
if combined.passed and counted.passed:
    answers = measured.answers.transpose(1, 2, 0, 3)  # models, crop counts, images, classes
    error = topk_error(combine(answers[:, :1]), measured.labels, 1)
    print(f"all {COUNT} networks with one crop, by your code: top-1 error {error:.2%}")
    assert np.isclose(error, evaluation.top_k_error(measured.probabilities(COUNT, 1), measured.labels, 1))

# %% [markdown]
# ## Make it break
#
# An ensemble of one network with itself, three times. Predict its error before you run.

# %%
same = looks.ask([networks[0]] * 3, 50, (1,))
alone, together = same.probabilities(1, 1), same.probabilities(3, 1)
assert np.allclose(alone, together, rtol=1e-12)
assert np.array_equal(alone.argmax(axis=1), together.argmax(axis=1))
print("Three times the cost, the same answers.")

# %% [markdown]
# And a network that is always sure of class 0, together with two good ones. With the mean of probabilities it shifts
# the answers. With the mean of logarithms it decides them all.

# %%
good = measured.answers[:, :2, 0]
liar = np.full_like(good[:, :1], 1e-9)
liar[..., 0] = 1
three = np.concatenate([good, liar], axis=1)
by_mean, by_log = three.mean(axis=1), np.log(three + 1e-300).mean(axis=1)
zeros = [f"{np.mean(means.argmax(axis=1) == 0):.0%}" for means in (by_mean, by_log)]
print(f"images classified as 0: by the mean of probabilities {zeros[0]}, by that of logarithms {zeros[1]}")

# %% [markdown]
# ## Claims, checked
#
# What texts say about this part of the paper, compared with the numbers above.

# %%
claims = [
    ("4 scales x 3 squares x 6 crops x 2 mirrors are 144", 4 * 3 * 6 * 2 == 144, "right"),
    ("144 crops show 144 regions", different * 2 == 126, "refined: 126 in a landscape, 42 in a square image"),
    ("probabilities are averaged over crops and classifiers", classes["mean of probabilities"] == "A", "right"),
    ("the gain from 10.07 to 6.67 is 3.45 points", round(gains[7, 144], 2) == 3.40, "wrong by a slip: it is 3.40"),
    ("15.3 to 6.67 is 56.5% less", round(100 * (1 - 6.67 / 15.3), 1) == 56.4, "56.4%"),
    ("seven independent networks", simulated[0.5][1] > simulated[0.0][1], "refined: equal starts, related errors"),
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
# Answer each question in one sentence, then look: `quiz("11", answers=True)`.

# %%
glossary.terms("11")

# %%
quiz("11")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - Are the probabilities honest? `evaluation.calibration` and `viz.evaluation.calibration` show it, also for an
#   ensemble.
# - Snapshot ensembles: average networks of different epochs of one training.
# - Give the networks different first weights (`rng=seed` in `looks.network`). Do their errors become less alike?
# - Train without mirroring. Which row of the table gains most?
# - Write 11.1 for images whose sizes are not integers after resizing. How far do two sensible roundings differ?

# %% [markdown]
# ## Exercise 11.4: by how many per cent
#
# Difficulty: * of ***. About 3 minutes. Further.
#
# The numbers are yours: they are drawn from the name.

# %%
student = "you"  # your name or number, if your course asks for it
ask("11.4", student)

# %%
# exercise 11.4
### BEGIN SOLUTION
fell = (lambda old, new: 100 * (old - new) / old)(**find("11.4").values(student))
### END SOLUTION

# %%
answer("11.4", fell)

# %% [markdown]
# ## Exercise 11.5: spend twenty looks
#
# Difficulty: ** of ***. About 8 minutes. Further.
#
# You may spend twenty forward passes on each image. Choose how many of the networks above, and how many crops (1, 10 or
# 144), and defend it in one sentence with a number. The check compares your choice with all others that cost twenty or
# less, on the same images.

# %%
# exercise 11.5
### BEGIN SOLUTION
choice = [row for row in evaluation.table3(measured, models=range(1, COUNT + 1)).rows if row.cost <= 20]
choice = min(choice, key=lambda row: row.changes[0].error)
reason = f"of all rows that cost 20 or less its top-1 error is the smallest: {choice.changes[0].error:.2%}"
choice = (measured, choice.models, choice.crops, reason)
### END SOLUTION

# %%
check("11.5", choice)  # (measured, models, crops, "your reason, with a number")

# %% [markdown]
# How alike are the errors of two of these networks? If they were independent, the fraction of images on which both are
# wrong would be the product of their two fractions.

# %%
wrong = np.array([evaluation.ranks(measured.answers[:, m, 0], measured.labels) > 0 for m in range(COUNT)])
both, product = np.mean(wrong[0] & wrong[1]), wrong[0].mean() * wrong[1].mean()
print(f"networks 1 and 2 are wrong on {wrong[0].mean():.1%} and {wrong[1].mean():.1%}, together on {both:.1%}")
print(f"independent errors would coincide on {product:.1%}")
