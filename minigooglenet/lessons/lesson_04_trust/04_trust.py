# %% [markdown]
# # 04 Trust no gradient
#
# **Question.** How do you find out that a gradient is right, when wrong ones train too?
#
# About 60 minutes. Needs lesson 03.
#
# Afterwards you can
#
# - write a numerical gradient, and choose its step;
# - compare two gradients in one number;
# - check seven million parameters with two forward passes;
# - say what the check cannot see.
#
# A *numerical gradient* moves one value up and down by h and takes the *central difference* of the output:
#
# $$f'(x) \approx \frac{f(x + h) - f(x - h)}{2 h}$$
#
# The *analytic* gradient is what a backward pass returns. `dout` is the *upstream gradient*, dL/dy.

# %%
import os
import time

import numpy as np

import minigooglenet as mg
from minigooglenet import viz
from minigooglenet.exercises import check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.loops import local_response_norm
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_03_gradients import wrong_backwards
from minigooglenet.lessons.lesson_04_trust import detective, steps
from minigooglenet.lessons.lesson_04_trust.revealing import survivors

FAST = bool(os.environ.get("MINIGOOGLENET_FAST"))  # shortens training, for tests
rng = np.random.default_rng(4)


def integers(*shape):
    return rng.integers(-9, 10, shape).astype(float)


def conv(x, w, stride=1, pad=0):
    return conv2d.forward(x, w, None, stride, pad, algorithm="im2col")


def conv_back(dout, x, w, stride=1, pad=0):
    """Return (dx, dw) of the engine."""
    return conv2d.backward(dout, x, w, None, stride, pad, algorithm="im2col")[:2]


# %% [markdown]
# ## The eight names
#
# Lesson 03 trained a small GoogLeNet with eight backward passes under letters. Which letter is the right one? A cell
# below reads what lesson 03 kept, or trains again: one to five minutes.

# %%
predict("04.a", ...)

# %%
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
accuracies = wrong_backwards.by_letter(seeds, epochs)
names = {letter: wrong_backwards.NAMES[place] for letter, place in wrong_backwards.LETTERS.items()}
means = {f"{letter}, {names[letter]}": float(np.mean(values)) for letter, values in accuracies.items()}
right = next(name for name in means if name.endswith("correct"))
print(outcome("04.a", right[0]))
figure, _ = viz.bar_chart(means, "held-out digits right", marked=(right,))
rival = max(mean for name, mean in means.items() if name != right)
assert rival > means[right] - 0.05
figure

# %% [markdown]
# What you saw: at least one wrong backward pass is within five points of the right one. So accuracy proves nothing.

# %% [markdown]
# ## Exercise 04.1: a gradient by differences
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `numeric_grad`, with a central difference for every value of x. f returns an array; the loss is the sum of
# f(x) * dout, whose gradient for f(x) is dout. x may hold integers. And f may write each result into the same array,
# over the one before.


# %%
# exercise 04.1
def numeric_grad(f, x, dout, h=1e-4):
    """Return d sum(f(x) * dout) / dx, of the shape of x, by central differences with step h."""
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
    print(f"Your numerical gradient and the engine's analytic one differ by at most {abs(mine - engines).max():.1e}.")

# %% [markdown]
# ## Which step?
#
# Softmax is a curve, a convolution is linear in its input. Which h between 0.1 and 1e-14 has the smallest error for
# softmax, and which for a convolution, in float64?

# %%
predict("04.b", ...)

# %%
figure, text = mg.gradcheck.ucurve(mg.layers.Softmax())
best_for_softmax = steps.best(text)
figure

# %%
figure, text = mg.gradcheck.ucurve(mg.layers.Conv2d(2, 3, 3, algorithm="im2col", rng=0))
print(outcome("04.b", {"softmax": best_for_softmax, "convolution": steps.best(text)}))
figure

# %% [markdown]
# What you saw: softmax has a valley. A large step misses the curve, a small one loses digits.
#
# $$\frac{f(x + h) - f(x - h)}{2 h} = f'(x) + \underbrace{\frac{h^2}{6} f^{(3)}(x) + \dots}_{\text{truncation}}
#   + \underbrace{\text{about } \frac{\epsilon \, |f|}{h}}_{\text{round-off}}$$
#
# where epsilon is the rounding error of 1: 2e-16 in float64, 1e-7 in float32. The third derivative of a convolution is
# 0, so only round-off is left. "Smaller is better" is wrong for both. And gradients are checked in float64.

# %% [markdown]
# ## A convolution of integers
#
# Now images, weights and `dout` are integers, and h is 1. How many of the 54 weight gradients does the central
# difference hit exactly, `==`?

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
# What you saw: all. The sums are exact, and the layer is linear in its weights. Here a wrong last digit is a bug.

# %% [markdown]
# ## Exercise 04.2: one number for the difference of two gradients
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `rel_error(a, n)` -> one number: at most 1e-6 if two gradients agree in every entry, more if one entry does not.
# Zero agrees with zero, nan with nothing; 1e-9 and 2e-9 differ, 1e9 and 1e9 + 1 agree.


# %%
# exercise 04.2
def rel_error(a, n):
    """Return one number for the analytic gradient a and the numerical one n, arrays of one shape."""
    ### BEGIN SOLUTION
    size = np.maximum(np.maximum(abs(a), abs(n)), 1e-12)
    return np.max(abs(a - n) / size)
    ### END SOLUTION


# %%
check("04.2", rel_error)

# %% [markdown]
# ## Kinks
#
# At a kink a function has no derivative. ReLU has one at 0, max pooling has one if two values are equal. What is the
# central difference of ReLU at x = 0, for any h?

# %%
predict("04.f", ...)

# %%
differences = {h: (max(h, 0) - max(-h, 0)) / (2 * h) for h in (1e-2, 1e-4, 1e-6)}
print(outcome("04.f", differences))
kinked = np.array([[1.0, 0, -2]])
report = mg.gradcheck.check_function(lambda x: np.maximum(x, 0), lambda grad_y, x: (grad_y * (x > 0),), kinked)
print(report.verdict)
for finding in report.findings:
    print("-", finding)
assert "1 of 3 indices" in str(report.findings[-1])

# %% [markdown]
# What you saw: at 0 the numerical gradient is 0.5, the analytic one 0, and neither has a bug. The checker leaves a kink
# out and reports it. (Its first line is about a random direction: that comes next.)

# %% [markdown]
# ## Seven million parameters
#
# One central difference takes two forward passes. How long would they take for all of GoogLeNet's parameters?

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
days = 2 * seconds * parameters / 86400
print(f"{parameters:,} parameters, {seconds:.2f} s for a forward pass here; two of them: {2 * seconds:.2f} s")
print(outcome("04.h", f"{days:,.0f} days"))
assert parameters == 6_998_552

# %% [markdown]
# What you saw: days. So move all parameters at once along one random direction d. Their *directional derivative* is
# the sum of gradient times d:
#
# $$\frac{f(\theta + h d) - f(\theta - h d)}{2 h} \approx \sum_m \frac{\partial f}{\partial \theta_m} d_m$$
#
# where theta is all parameters. A wrong gradient hides only if its error is at right angles to d.

# %% [markdown]
# ## Exercise 04.4: one direction for all parameters
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `directional_check`. `f` takes `{name: array}` and returns the loss. Return the relative error of the one number
# that you compare. Leave `params` as they are.


# %%
# exercise 04.4
def directional_check(f, params, grads, rng, h):
    """Return |numeric - expected| / max(|numeric|, |expected|) along one random direction in all arrays."""
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
# ## Always the last value
#
# Here is a 'max pool' that always takes the last value of its window; its backward pass sends the gradient there. The
# test image holds 0, 1, 2, and so on. Does it pass a test of its values, a gradient check, both, or neither?

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
passes = {"values": bool((last_of_window(rising) == maximum).all()), "gradient check": verdict == "PASS"}
print(outcome("04.i", [test for test, passed in passes.items() if passed]))
assert all(passes.values())

# %% [markdown]
# What you saw: both. In this image the last value is the largest. And a gradient check tests that backward and forward
# pass belong together, not that the forward pass is right.

# %% [markdown]
# ## Make it break
#
# Here is a wrong pair that passes: it calls itself max pooling and averages. Write another, and note which test would
# have caught it.


# %%
def max_pool(x):
    return x.reshape(1, 1, 3, 2, 3, 2).mean(axis=(3, 5))


def max_pool_backward(grad_y, x):
    return (np.repeat(np.repeat(grad_y, 2, axis=2), 2, axis=3) / 4,)


verdict = mg.gradcheck.check_function(max_pool, max_pool_backward, rng.standard_normal((1, 1, 6, 6))).verdict
print(verdict)
assert verdict == "PASS"

# %% [markdown]
# ## Claims, checked

# %%
ledger = {
    "a wrong backward pass can train as well as the right one, within five points": rival > means[right] - 0.05,
    "a gradient check proves that a layer is right": verdict != "PASS",
}
for claim, holds in ledger.items():
    print("holds  " if holds else "FAILS  ", claim)
assert list(ledger.values()) == [True, False]

# %% [markdown]
# ## Words and exit quiz

# %%
glossary.terms("04")

# %%
quiz("04")

# %% [markdown]
# ## Take it further
#
# What follows is not needed for the next lessons.
#
# - The complex step: f(x + ih).imag / h subtracts nothing, so h may be 1e-30. `mg.gradcheck.compare_steps` shows it
#   next to the other two. Which layers allow it?
# - Run a parallel kernel twice and compare the bits. What would a difference mean?

# %%
mg.gradcheck.compare_steps(mg.layers.Softmax())

# %% [markdown]
# ## Inputs that hide
#
# The known mistakes of lesson 03 (bias, weights, image) are run on one case: two images of 5 x 7, three channels,
# three filters, stride 2. Then `dout` is all ones, as for a loss that is a plain sum; then the stride is 1; then there
# is only one image. How many mistakes survive each?

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
surviving = {name: survivors(*case) for name, case in cases.items()}
for name, mistakes in surviving.items():
    print(f"{name}: {'; '.join(mistakes) or 'none survives'}")
print(outcome("04.e", {name: len(mistakes) for name, mistakes in surviving.items()}))
known = sum(len(find(number).wrongs) for number in ("03.1", "03.2", "03.3"))
assert all(len(mistakes) < known for mistakes in surviving.values())
assert not surviving["dout random"]
assert all(mistakes for name, mistakes in surviving.items() if name != "dout random")

# %% [markdown]
# What you saw: a case is good if no two of its values are equal without need. A check is worth what it rejects.

# %% [markdown]
# ## Exercise 04.3: the smallest case that reveals
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# Give `x`, `w`, `dout`, `stride` and `pad` that reveal all known mistakes of lesson 03. The score is how many you
# reveal, then how few values `x` and `w` have together. `integers(2, 2, 3, 3)` makes arrays.


# %%
# exercise 04.3
def case():
    """Return (x, w, dout, stride, pad): (N, C, H, W), (K, C, R, S), (N, K, Ho, Wo) and two integers."""
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    x, w, dout = (rng.integers(-9, 10, shape).astype(float) for shape in ((2, 2, 1, 1), (2, 2, 2, 3), (2, 2, 2, 2)))
    return x, w, dout, 2, 2
    ### END SOLUTION


# %%
check("04.3", case)

# %% [markdown]
# ## Exercise 04.5: is it the transpose?
#
# Difficulty: ** of ***. About 10 minutes. Further.
#
# The backward pass of a linear map A is its transpose, or *adjoint*: <y, A x> = <A^T y, x> for all x and y. Write
# `adjoint_ok` with random whole numbers, as floats (the engine takes no int64), and ==. `forward` is A, `transpose` a
# function that claims to be A^T.


# %%
# exercise 04.5
def adjoint_ok(forward, transpose, x_shape, y_shape, rng):
    """Return whether <y, forward(x)> equals <transpose(y), x>, exactly, for integers drawn from rng."""
    ### BEGIN SOLUTION
    x = rng.integers(-9, 10, x_shape).astype(float)
    y = rng.integers(-9, 10, y_shape).astype(float)
    return (forward(x) * y).sum() == (transpose(y) * x).sum()
    ### END SOLUTION


# %%
check("04.5", adjoint_ok)

# %% [markdown]
# ## In single precision
#
# The same convolution in float32, step 1e-5, as many tools have it. Which relative error do you expect?

# %%
predict("04.c", ...)

# %%
x, w = rng.standard_normal((2, 3, 8, 8)), rng.standard_normal((4, 3, 3, 3))
dout, along = rng.standard_normal((2, 4, 6, 6)), rng.standard_normal((2, 3, 8, 8))
exact = float((conv_back(dout, x, w)[0] * along).sum())
errors = {
    h: [
        steps.error(lambda x, w: conv(x, w), (x, w, dout, along), h, dtype, exact) for dtype in (np.float64, np.float32)
    ]
    for h in (1e-1, 1e-3, 1e-5, 1e-7)
}
for h, (double, single) in errors.items():
    print(f"h = {h:.0e}: float64 {double:.1e}, float32 {single:.1e}")
print(outcome("04.c", f"{errors[1e-5][1]:.1e}"))
assert errors[1e-5][0] < 1e-6 < errors[1e-5][1]  # fine in float64, useless in float32
assert errors[1e-1][0] < 1e-12  # for a convolution a larger step is better

# %% [markdown]
# What you saw: in float32 the error is many orders of magnitude larger. Check gradients in float64.

# %% [markdown]
# ## Turn up what you test
#
# LRN has alpha = 1e-4 in GoogLeNet, as in AlexNet, and hardly changes its input. (The paper gives no constants; these
# are in the published model.) Suppose its backward pass just returns `dout`. What is the relative error?

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
assert mg.layers.LocalResponseNorm().alpha == 1e-4
assert errors[1e-4] < 1e-3 < 0.1 < errors[1.0]

# %% [markdown]
# What you saw: at 1e-4 the missing backward pass is nearly invisible, at 1 it is plain. Test a layer with settings that
# make it do something.

# %% [markdown]
# ## Twenty questions
#
# One of 4,608 weights has a wrong gradient. A direction that moves half of the weights shows in which half it is. How
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
    """Answer one question: does the gradient agree along a direction that moves these weights only?"""
    d = np.zeros(w.size)
    d[indices] = rng.integers(1, 10, len(indices))
    return (conv(x, d.reshape(w.shape)) * dout).sum() == (dw.ravel() * d).sum()


# %%
candidates, questions = np.arange(dw.size), 0
while len(candidates) > 1:
    half = candidates[: len(candidates) // 2]
    candidates = candidates[len(half) :] if agrees(half) else half
    questions += 1
where = tuple(map(int, np.unravel_index(candidates[0], w.shape)))
print(f"the wrong gradient is at {where} with {questions} questions among {dw.size:,}")
print(outcome("04.j", questions))
assert candidates[0] == culprit
assert questions in (12, 13)

# %% [markdown]
# What you saw: each question halves the candidates, so a dozen are enough.

# %% [markdown]
# ## Exercise 04.6: detective
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# Three broken convolutions, drawn for your name: 3 x 3, stride 2, padding 1, three channels, three filters. You get
# the analytic and the numerical gradient. Which mistake is which? Try ratios and maps before you ask
# `mg.gradcheck.check_function`.
#
# Your answer is a dict with one name of the list for each letter, for example
# `mistakes = {"A": "axes swapped", "B": "padding ignored", "C": "stride ignored"}`.


# %%
student = "you"
suspects = detective.cases(student)
print("The list:", "; ".join(detective.SUSPECTS))
for letter, suspect in suspects.items():
    for name, (analytic, numerical) in detective.evidence(suspect).items():
        wrong = abs(analytic - numerical) > 1e-6
        print(letter, f"{name:6} {wrong.mean():4.0%} of the entries are wrong")

# %%
analytic, numerical = detective.evidence(suspects["A"])["x"]  # change the letter, the name and the slice
figure, _ = viz.images({"analytic": analytic[0, 0].round(1), "numerical": numerical[0, 0].round(1)})
figure

# %%
# exercise 04.6
### BEGIN SOLUTION
mistakes = {letter: exhibit.suspect for letter, exhibit in detective.drawn(student).items()}
### END SOLUTION

# %%
check("04.6", None if mistakes is ... else (student, mistakes))
