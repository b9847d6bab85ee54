# %% [markdown]
# # 04 Trust no gradient
#
# **How do you find out that a gradient is right, when wrong ones train too?**
#
# About 60 minutes. You need lesson 03.
#
# Afterwards you can
#
# - write a difference that survives whole numbers and shared buffers, and choose its step,
# - choose small inputs that reveal, and test a transpose exactly,
# - check seven million parameters with two forwards,
# - read a failure, and say what a check cannot see.
#
# A gradient *by differences* moves one number by h to both sides and watches the output:
# (f(x + h) - f(x - h)) / 2h. `dout` is the gradient of the loss with respect to the output.
# The contents: ten small experiments, six exercises, something to break, claims to check, a quiz.
# If cells ran out of order, restart the kernel and run from here.

# %%
import os
import time

import numpy as np

import minigooglenet as mg
from minigooglenet import figures
from minigooglenet.exercises import check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.loops import local_response_norm
from minigooglenet.lessons.lesson_03_gradients import wrong_backwards
from minigooglenet.lessons.lesson_04_trust import detective
from minigooglenet.lessons.lesson_04_trust.revealing import survivors

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))
rng = np.random.default_rng(4)


def integers(*shape):
    return rng.integers(-9, 10, shape).astype(float)


def conv(x, w, stride=1, pad=0):
    return conv2d.forward(x, w, None, stride, pad, algorithm="im2col")


def conv_back(dout, x, w, stride=1, pad=0):
    return conv2d.backward(dout, x, w, None, stride, pad, algorithm="im2col")[:2]


# %% [markdown]
# ## 1. The eight names
#
# Lesson 03 trained a small GoogLeNet with eight backwards under letters. Which letter did you take for the right one?

# %%
predict("04.a", ...)

# %%
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
print(f"{epochs} epochs of the digits, {len(seeds)} start(s){' (the short form)' if FAST else ''}")
accuracies = wrong_backwards.by_letter(seeds, epochs)
names = {letter: wrong_backwards.NAMES[place] for letter, place in wrong_backwards.LETTERS.items()}
for letter, shares in sorted(accuracies.items(), key=lambda item: -np.mean(item[1])):
    print(letter, "  ".join(f"{share:6.1%}" for share in shares), "", names[letter])
right = next(letter for letter, name in names.items() if name == "correct")
print(outcome("04.a", right))

# %%
means = {names[letter]: float(np.mean(shares)) for letter, shares in accuracies.items()}
figure, _ = mg.viz.bar_chart(means, "share of held-out digits right", marked=("correct",))
rival = max(mean for name, mean in means.items() if name != "correct")
assert rival > means["correct"] - 0.05
figure

# %% [markdown]
# What you saw: at least one wrong backward is within five points of the right one. Its network learns around the
# mistake. So we need another witness than the accuracy.

# %% [markdown]
# ## Exercise 04.1: a gradient by differences
#
# Two stars, 10 minutes, core. Write `numeric_grad`. The check also gives it whole numbers, and a function that returns
# the same array at each call.


# %%
def numeric_grad(f, x, dout, h=1e-4):
    """Return d sum(f(x) * dout) / dx, of the shape of x, by differences with step h to both sides."""
    # exercise 04.1
    ### BEGIN SOLUTION
    x = np.array(x, float)  # a copy, and of floats
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        up = f(x).copy()
        x[i] = old - h
        down = f(x).copy()
        x[i] = old
        grad[i] = ((up - down) * dout).sum() / (2 * h)
    return grad
    ### END SOLUTION


# %%
result = check("04.1", numeric_grad)
result

# %%
if result.passed:
    x, w = integers(1, 2, 4, 5), integers(2, 2, 3, 3)
    dout = integers(1, 2, 2, 3)
    mine, engines = numeric_grad(lambda x: conv(x, w), x, dout), conv_back(dout, x, w)[0]
    print(f"Your differences and the engine's backward differ by {abs(mine - engines).max():.1e} at the most.")
else:
    print("When 04.1 passes, this cell holds the engine's backward against your differences.")

# %% [markdown]
# ## 2. Which step?
#
# The error of a difference against its step h, for softmax: large steps cut the corner of the curve, small steps lose
# digits. Where is the best h for softmax? And for a convolution?

# %%
predict("04.b", ...)

# %%
figure, text = mg.gradcheck.ucurve(mg.layers.Softmax())
softmax_best = text.rpartition("Best step: ")[2].partition(". A")[0]
figure

# %%
layer = mg.layers.Conv2d(2, 3, 3, algorithm="im2col", rng=0)
figure, text = mg.gradcheck.ucurve(layer)
conv_best = text.rpartition("Best step: ")[2].partition(". A")[0]
print(outcome("04.b", f"softmax {softmax_best}; convolution {conv_best}"))
figure

# %% [markdown]
# What you saw: softmax has a valley. A convolution is linear, there is no corner to cut, and its error only grows as h
# shrinks. "Smaller is better" is wrong for both.

# %% [markdown]
# ## 3. In single precision
#
# The same convolution in float32, step 1e-5, as many tools have it. Which relative error do you expect?

# %%
predict("04.c", ...)

# %%
x, w = rng.standard_normal((2, 3, 8, 8)), rng.standard_normal((4, 3, 3, 3))
dout, along = rng.standard_normal((2, 4, 6, 6)), rng.standard_normal((2, 3, 8, 8))
exact = float((conv_back(dout, x, w)[0] * along).sum())


def error(h, dtype):
    a, b, d, s = (array.astype(dtype) for array in (x, w, dout, along))
    up, down = ((conv(a + dtype(sign * h) * s, b) * d).sum() for sign in (1, -1))
    return abs(float(up - down) / (2 * h) - exact) / abs(exact)


found = {h: (error(h, np.float64), error(h, np.float32)) for h in (1e-1, 1e-3, 1e-5, 1e-7)}
for h, (double, single) in found.items():
    print(f"h = {h:.0e}: float64 {double:.1e}, float32 {single:.1e}")
print(outcome("04.c", f"{found[1e-5][1]:.1e}"))
assert found[1e-5][1] > 1000 * found[1e-5][0]

# %% [markdown]
# What you saw: in float32 the error is many orders of magnitude larger. Check gradients in float64.

# %% [markdown]
# ## 4. Whole numbers need no tolerance
#
# A convolution of whole numbers is exact, and it is linear in the image and in the weights. So take h = 1 and compare
# with ==. How many of the entries agree exactly?

# %%
predict("04.d", ...)

# %%
x, w, dout = integers(2, 2, 5, 6), integers(3, 2, 3, 3), integers(2, 3, 3, 3)
dx, dw = conv_back(dout, x, w, 2, 1)
hits = 0
for i in np.ndindex(w.shape):
    unit = np.zeros(w.shape)
    unit[i] = 1
    hits += ((conv(x, w + unit, 2, 1) - conv(x, w - unit, 2, 1)) * dout).sum() / 2 == dw[i]
print(outcome("04.d", f"{hits} of {dw.size}"))
assert hits == dw.size

# %% [markdown]
# What you saw: all of them. Where a layer is linear, a wrong last digit is a bug.

# %% [markdown]
# ## Exercise 04.2: one number for the difference of two gradients
#
# Two stars, 10 minutes, core. Write `rel_error(a, n)`: small where two gradients agree in every entry, large where one
# entry does not. At most 1e-6 counts as agreement. Seven pairs decide, among them zeros, a nan, and values of 1e9.


# %%
def rel_error(a, n):
    """Return one number for the backward's gradient a and the difference's n, arrays of one shape."""
    # exercise 04.2
    ### BEGIN SOLUTION
    size = np.maximum(np.maximum(abs(a), abs(n)), 1e-12)
    return np.max(abs(a - n) / size)
    ### END SOLUTION


# %%
check("04.2", rel_error)

# %% [markdown]
# ## 5. Inputs that hide
#
# The twenty wrong answers of lesson 03 (bias, weights, image) are run on one case: two images of 5 x 7, three channels,
# three filters, stride 2. Then `dout` is all ones, as for a loss that is a plain sum; then the stride is 1; then there
# is one image only. How many mistakes survive each?

# %%
predict("04.e", ...)

# %%
x, w = integers(2, 3, 5, 7), integers(3, 3, 3, 3)
y2, y1 = conv(x, w, 2, 1).shape, conv(x, w, 1, 1).shape
cases = {
    "dout all ones": (x, w, np.ones(y2), 2, 1),
    "dout random": (x, w, integers(*y2), 2, 1),
    "stride 1": (x, w, integers(*y1), 1, 1),
    "one image": (x[:1], w, integers(1, *y2[1:]), 2, 1),
}
for name, case in cases.items():
    print(f"{name}: {'; '.join(survivors(*case)) or 'none survives'}")
assert sum(len(find(number).wrongs) for number in ("03.1", "03.2", "03.3")) == 20
assert not survivors(*cases["dout random"])
assert all(survivors(*case) for name, case in cases.items() if name != "dout random")

# %% [markdown]
# What you saw: a case is good when no two of its numbers are equal without need. A check is worth what it rejects.

# %% [markdown]
# ## Exercise 04.3: the smallest case that reveals
#
# Three stars, 15 minutes, core. Give `x`, `w`, `dout`, `stride` and `pad` that reveal all twenty mistakes of lesson 03.
# The score is how many you reveal, then how few numbers `x` and `w` hold together. `integers(2, 2, 3, 3)` makes arrays.


# %%
def case():
    """Return (x, w, dout, stride, pad): (N, C, H, W), (K, C, R, S), (N, K, Ho, Wo) and two whole numbers."""
    # exercise 04.3
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    x, w, dout = (rng.integers(-9, 10, shape).astype(float) for shape in ((2, 2, 1, 1), (2, 2, 2, 3), (2, 2, 2, 2)))
    return x, w, dout, 2, 2
    ### END SOLUTION


# %%
check("04.3", case)

# %% [markdown]
# ## 6. Kinks
#
# At a kink there is no gradient. ReLU has one at 0, a max pool has one where two values are equal. The difference at
# x = 0 of ReLU, for any h?

# %%
predict("04.f", ...)

# %%
h = 1e-6
print("difference of ReLU at 0:", (max(h, 0) - max(-h, 0)) / (2 * h), " the backward says 0")
print(outcome("04.f", 0.5))
layer = mg.layers.Conv2d(1, 64, 3, padding=1, algorithm="im2col", rng=0)
digits = mg.data.digits(8)[0][:32]
along = rng.standard_normal(digits.shape).astype(np.float32)
along /= np.sqrt((along**2).sum())
for h in (1e-1, 1e-2, 1e-3):
    up, down = (layer.forward(digits + np.float32(sign * h) * along)[0] > 0 for sign in (1, -1))
    print(f"a step of length {h:g}: {(up != down).sum()} of {up.size:,} ReLUs change sides")

# %% [markdown]
# What you saw: even a short step takes some ReLUs across their kink, and there backward and difference disagree though
# neither has a bug. The engine's checker recognises a kink, leaves it out and says so.

# %%
kinked = np.array([[1.0, 0, -2]])
report = mg.gradcheck.check_function(lambda x: np.maximum(x, 0), lambda grad_y, x: (grad_y * (x > 0),), kinked)
print(report.verdict)
for finding in report.findings:
    print("-", finding)
assert "1 of 3 indices" in str(report.findings[-1])

# %% [markdown]
# ## 7. Turn up what you test
#
# LRN at the paper's alpha = 1e-4 hardly changes anything. Suppose its backward just returns `dout`. What is the
# relative error?

# %%
predict("04.g", ...)

# %%
x, dout = rng.standard_normal((2, 7, 3, 3)), rng.standard_normal((2, 7, 3, 3))
errors = {}
for alpha in (1e-4, 1.0):
    _, scale = local_response_norm.forward(x, 5, alpha, 0.75, 1.0)
    dx = local_response_norm.backward(dout, x, scale, 5, alpha, 0.75)
    errors[alpha] = np.linalg.norm(dx - dout) / np.linalg.norm(dx)
    print(f"alpha = {alpha:g}: returning dout is off by {errors[alpha]:.1e}")
print(outcome("04.g", f"{errors[1e-4]:.1e}"))
assert errors[1e-4] < 1e-3 < 0.1 < errors[1.0]

# %% [markdown]
# What you saw: at 1e-4 the missing backward is nearly invisible, at 1 it is plain. Test a layer where it does
# something.

# %% [markdown]
# ## 8. Seven million parameters
#
# One difference takes two forwards. How long do single differences for all of GoogLeNet's parameters take?

# %%
predict("04.h", ...)

# %%
g = mg.models.googlenet(aux=False, rng=0)
image = np.zeros((1, 3, 224, 224), np.float32)
g(image)  # the first call may compile
begun = time.perf_counter()
g(image)
seconds = time.perf_counter() - begun
parameters = mg.count(g).params
print(f"{parameters:,} parameters, {seconds:.2f} s a forward here")
print(f"single differences: {2 * seconds * parameters / 86400:,.0f} days; one direction: {2 * seconds:.2f} s")
print(outcome("04.h", f"{2 * seconds * parameters / 86400:,.0f} days"))
assert parameters == 6_998_552

# %% [markdown]
# What you saw: days against a second. Move all parameters at once along one random direction d, and compare with the
# sum of gradient times d. A mistake hides only if the direction happens to be at right angles to it.

# %% [markdown]
# ## Exercise 04.4: one direction for all parameters
#
# Two stars, 10 minutes, core. Write `directional_check`. `f` takes `{name: array}` and returns the loss. Return the
# relative error of the one number that you compare. Leave `params` as they are.


# %%
def directional_check(f, params, grads, rng, h):
    """Return |numeric - expected| / max(|numeric|, |expected|) along one random direction in all arrays."""
    # exercise 04.4
    ### BEGIN SOLUTION
    along = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up = f({name: value + h * along[name] for name, value in params.items()})
    down = f({name: value - h * along[name] for name, value in params.items()})
    numeric = (up - down) / (2 * h)
    expected = sum((grads[name] * along[name]).sum() for name in params)
    return abs(numeric - expected) / max(abs(numeric), abs(expected))
    ### END SOLUTION


# %%
check("04.4", directional_check)

# %% [markdown]
# ## Exercise 04.5: is it the transpose?
#
# Two stars, 10 minutes, core. A backward of a linear map A is its transpose, and for a transpose
# <y, A x> = <A^T y, x> for all x and y. Write `adjoint_ok` with whole numbers and ==. `forward` is A, `transpose` is
# what claims to be A^T.


# %%
def adjoint_ok(forward, transpose, x_shape, y_shape, rng):
    """Return whether <y, forward(x)> equals <transpose(y), x>, exactly, for whole numbers drawn from rng."""
    # exercise 04.5
    ### BEGIN SOLUTION
    x = rng.integers(-9, 10, x_shape).astype(float)
    y = rng.integers(-9, 10, y_shape).astype(float)
    return (forward(x) * y).sum() == (transpose(y) * x).sum()
    ### END SOLUTION


# %%
check("04.5", adjoint_ok)

# %% [markdown]
# ## 9. What no gradient check sees
#
# A max pool that always takes the last value of its window, and a backward that sends the gradient there. The test
# image holds 0, 1, 2, and so on. Does it pass a test of its values, and a gradient check?

# %%
predict("04.i", ...)


# %%
def last_of_window(x):
    return x[:, :, 1::2, 1::2].copy()


def last_of_window_backward(grad_y, x):
    dx = np.zeros_like(x)
    dx[:, :, 1::2, 1::2] = grad_y
    return (dx,)


rising = np.arange(36.0).reshape(1, 1, 6, 6)
maximum = rising.reshape(1, 1, 3, 2, 3, 2).max(axis=(3, 5))
verdict = mg.gradcheck.check_function(last_of_window, last_of_window_backward, rising).verdict
print("its values on the rising image are those of max pooling:", (last_of_window(rising) == maximum).all())
print("gradient check:", verdict)
print(outcome("04.i", "both"))
assert (last_of_window(rising) == maximum).all()
assert verdict == "PASS"

# %% [markdown]
# What you saw: it passes both, and it is no max pool. A gradient check tests that backward and forward belong
# together, not that the forward is the right one.

# %% [markdown]
# ## 10. Twenty questions
#
# One of 4,608 weights has a wrong gradient. A direction that moves half of the weights tells in which half it is. How
# many such questions find it?

# %%
predict("04.j", ...)

# %%
x, w = integers(1, 16, 5, 5), integers(32, 16, 3, 3)
dout = integers(1, 32, 3, 3)
dw = conv_back(dout, x, w)[1]
culprit = int(rng.integers(dw.size))
dw.flat[culprit] += 1


def agrees(indices):
    """Ask one question: does the gradient agree along a direction that moves these weights only?"""
    d = np.zeros(w.size)
    d[indices] = rng.integers(1, 10, len(indices))
    return (conv(x, d.reshape(w.shape)) * dout).sum() == (dw.ravel() * d).sum()


# %%
places, questions = np.arange(dw.size), 0
while len(places) > 1:
    half = places[: len(places) // 2]
    places = places[len(half) :] if agrees(half) else half
    questions += 1
where = tuple(map(int, np.unravel_index(places[0], w.shape)))
print(f"found at {where} with {questions} questions among {dw.size:,}")
print(outcome("04.j", questions))
assert places[0] == culprit
assert questions in (12, 13)

# %% [markdown]
# What you saw: each question halves what is left, so a dozen are enough.

# %% [markdown]
# ## Exercise 04.6: detective
#
# Three stars, 15 minutes. Three broken convolutions, drawn for your name: 3 x 3, stride 2, padding 1, three channels,
# three filters. The evidence is the backward's gradient and the one by differences. Which mistake is which? Try with
# ratios and maps before you ask `mg.gradcheck.check_function`.
#
# Your answer is a dict with one name of the list for each letter, for example
# `mistakes = {"A": "axes swapped", "B": "padding ignored", "C": "stride ignored"}`.

# %%
student = "you"
suspects = detective.cases(student)
print("The list:", "; ".join(detective.SUSPECTS))
for letter, suspect in suspects.items():
    for name, (backward, difference) in detective.evidence(suspect).items():
        wrong = abs(backward - difference) > 1e-6
        print(letter, f"{name:6} {wrong.mean():4.0%} of the entries are wrong")

# %%
backward, difference = detective.evidence(suspects["A"])["x"]  # change the letter, the name and the slice
figure, _ = mg.viz.pictures({"backward": backward[0, 0].round(1), "differences": difference[0, 0].round(1)})
figure

# %%
# exercise 04.6
### BEGIN SOLUTION
mistakes = {letter: exhibit.suspect for letter, exhibit in detective.drawn(student).items()}
### END SOLUTION

# %%
check("04.6", None if mistakes is ... else (student, mistakes))

# %% [markdown]
# ## Make it break
#
# Make the check lie: write a pair that is wrong and passes. Here is one that calls itself max pooling and averages.
# Predict the verdict, then write a pair of your own.

# %%
predict("04.k", ...)


# %%
def max_pool(x):
    return x.reshape(1, 1, 3, 2, 3, 2).mean(axis=(3, 5))


def max_pool_backward(grad_y, x):
    return (np.repeat(np.repeat(grad_y, 2, axis=2), 2, axis=3) / 4,)


verdict = mg.gradcheck.check_function(max_pool, max_pool_backward, rng.standard_normal((1, 1, 6, 6))).verdict
print(outcome("04.k", verdict))
assert verdict == "PASS"

# %% [markdown]
# Write down in a few lines: what you predicted, what you saw, and which other test would have caught it.

# %% [markdown]
# ## Take it further
#
# - The complex step: f(x + ih).imag / h subtracts nothing, so h may be 1e-30. `mg.gradcheck.compare_steps` shows it
#   beside the other two. Which layers allow it?
# - Run a parallel kernel twice and compare the bits. What would a difference tell you?

# %%
mg.gradcheck.compare_steps(mg.layers.Softmax())

# %% [markdown]
# ## Claims ledger

# %%
ledger = {
    "a wrong backward can train as well as the right one, within five points": rival > means["correct"] - 0.05,
    "a course's step of 1e-5 is fine in float64": found[1e-5][0] < 1e-6,
    "and useless in float32": found[1e-5][1] > 1e-6,
    "for a convolution a larger step is better": found[1e-1][0] < 1e-12,
    "GoogLeNet has 6,998,552 parameters": parameters == 6_998_552,
}
for claim, holds in ledger.items():
    print("holds  " if holds else "FAILS  ", claim)
assert all(ledger.values())

# %% [markdown]
# ## Exit quiz

# %%
quiz("04")
