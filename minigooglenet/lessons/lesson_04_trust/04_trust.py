# %% [markdown]
# # 04 Trust no gradient
#
# **Question.** How do you test a gradient, when networks train even with wrong ones?
#
# About 60 minutes. You need lesson 03.
#
# Afterwards you can
#
# - write a numerical gradient, and choose its step size;
# - compare two gradients in one number;
# - check seven million parameters with two forward passes;
# - explain what a gradient check cannot detect.
#
# A *numerical gradient* is estimated by *central differences* with a *step size* h:
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
    """Return the engine's dx and dw."""
    return conv2d.backward(dout, x, w, None, stride, pad, algorithm="im2col")[:2]


# %% [markdown]
# ## Which letter is correct?
#
# Lesson 03 trained a small GoogLeNet with eight backward passes, A to H. Which one is correct? The second cell below
# reads the stored accuracies, or trains again in one to five minutes.

# %%
predict("04.a", ...)

# %%
seeds, epochs = ((0,), 2) if FAST else ((0, 1, 2), wrong_backwards.EPOCHS)
accuracies = wrong_backwards.by_letter(seeds, epochs)
names = {letter: wrong_backwards.NAMES[index] for letter, index in wrong_backwards.LETTERS.items()}
means = {f"{letter}, {names[letter]}": float(np.mean(values)) for letter, values in accuracies.items()}
right = next(name for name in means if name.endswith("correct"))
print(outcome("04.a", right[0]))
figure, _ = viz.bar_chart(means, "accuracy on held-out digits", marked=(right,))
rival = max(mean for name, mean in means.items() if name != right)
assert rival > means[right] - 0.05
figure

# %% [markdown]
# What you saw: with at least one wrong backward pass, the network comes within five percentage points of the correct
# one.

# %% [markdown]
# ## Exercise 04.1: a numerical gradient
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `numeric_grad`, with a central difference for every value of x. f returns an array; the loss is the sum of
# f(x) * dout, so its gradient with respect to f(x) is dout. x may contain integers. f may reuse one array for all its
# results.


# %%
# exercise 04.1
def numeric_grad(f, x, dout, h=1e-4):
    """Return d sum(f(x) * dout) / dx, with the shape of x, by central differences with step size h."""
    ### BEGIN SOLUTION
    x = np.array(x, float)  # a copy, as floats
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
    numerical, analytic = numeric_grad(lambda x: conv(x, w), x, dout), conv_back(dout, x, w)[0]
    difference = abs(numerical - analytic).max()
    print(f"Your numerical gradient and the engine's analytic gradient differ by at most {difference:.1e}.")

# %% [markdown]
# ## Choosing the step size
#
# Softmax is nonlinear; a convolution is linear in its input. In float64, which h between 0.1 and 1e-14 gives the
# smallest error for each of them?

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
# What you saw: the curve of softmax has a valley. Large steps suffer from truncation error, small steps from round-off
# error.
#
# $$\frac{f(x + h) - f(x - h)}{2 h} = f'(x) + \underbrace{\frac{h^2}{6} f^{(3)}(x) + \dots}_{\text{truncation}}
#   + \underbrace{\text{about } \frac{\epsilon \, |f|}{h}}_{\text{round-off}}$$
#
# where epsilon is the relative rounding error: 2e-16 in float64, 1e-7 in float32. The third derivative of a convolution
# is 0, so it has only round-off error. A smaller h is not always better. Check gradients in float64.

# %% [markdown]
# ## A convolution of integers
#
# Now images, weights and `dout` are integers, and h is 1. For how many of the 54 weights is the central difference
# exactly equal to the analytic gradient?

# %%
predict("04.d", ...)

# %%
x, w, dout = integers(2, 2, 5, 6), integers(3, 2, 3, 3), integers(2, 3, 3, 3)
dx, dw = conv_back(dout, x, w, 2, 1)
equal = 0
for i in np.ndindex(w.shape):
    unit = np.zeros(w.shape)
    unit[i] = 1
    equal += ((conv(x, w + unit, 2, 1) - conv(x, w - unit, 2, 1)) * dout).sum() / 2 == dw[i]
print(outcome("04.d", f"{equal} of {dw.size}"))
assert equal == dw.size

# %% [markdown]
# What you saw: for all of them. The sums are exact, and the layer is linear in its weights. Here any difference is a
# bug.

# %% [markdown]
# ## Exercise 04.2: one number for the difference of two gradients
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `rel_error(a, n)`. It returns one number: at most 1e-6 if the gradients agree in every entry, more if any entry
# differs. Zero agrees with zero, nan with nothing. 1e-9 and 2e-9 differ; 1e9 and 1e9 + 1 agree.


# %%
# exercise 04.2
def rel_error(a, n):
    """Return one number for the analytic gradient a and the numerical gradient n, arrays of equal shape."""
    ### BEGIN SOLUTION
    size = np.maximum(np.maximum(abs(a), abs(n)), 1e-12)
    return np.max(abs(a - n) / size)
    ### END SOLUTION


# %%
check("04.2", rel_error)

# %% [markdown]
# ## Kinks
#
# A *kink* is a point without a derivative. ReLU has one at 0, max pooling where the largest values tie. What is the
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
# What you saw: at 0 the numerical gradient is 0.5, the analytic gradient 0, and neither is a bug. The checker skips a
# kink and reports it. (Its first line is about random directions, the next topic.)

# %% [markdown]
# ## Seven million parameters
#
# A central difference needs two forward passes. How long would they take for all of GoogLeNet's parameters?

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
print(f"{parameters:,} parameters; one forward pass takes {seconds:.2f} s here, two take {2 * seconds:.2f} s")
print(outcome("04.h", f"{days:,.0f} days"))
assert parameters == 6_998_552

# %% [markdown]
# What you saw: days. So move all parameters at once along a random direction d. The *directional derivative* is the
# sum of gradient times d:
#
# $$\frac{f(\theta + h d) - f(\theta - h d)}{2 h} \approx \sum_m \frac{\partial f}{\partial \theta_m} d_m$$
#
# where theta means all parameters. This misses a wrong gradient only if its error is orthogonal to d.

# %% [markdown]
# ## Exercise 04.4: one direction for all parameters
#
# Difficulty: ** of ***. About 10 minutes. Core.
#
# Write `directional_check`. `f` takes `{name: array}` and returns the loss. Return the relative error of the
# directional derivative. Do not change `params`.


# %%
# exercise 04.4
def directional_check(f, params, grads, rng, h):
    """Return |numerical - analytic| / max(|numerical|, |analytic|) along one random direction for all arrays."""
    ### BEGIN SOLUTION
    d = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up = f({name: value + h * d[name] for name, value in params.items()})
    down = f({name: value - h * d[name] for name, value in params.items()})
    numerical = (up - down) / (2 * h)
    analytic = sum((grads[name] * d[name]).sum() for name in params)
    return abs(numerical - analytic) / max(abs(numerical), abs(analytic))
    ### END SOLUTION


# %%
check("04.4", directional_check)

# %% [markdown]
# ## A wrong forward pass
#
# This 'max pool' always takes the last value of its window, and its backward pass sends the gradient there. The test
# image contains 0, 1, 2, and so on. Does this pool pass a test of its values, a gradient check, both, or neither?

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
# What you saw: both. In this image the last value is the largest. And a gradient check tests whether the backward pass
# matches the forward pass, not whether the forward pass is correct.

# %% [markdown]
# ## Make it break
#
# The next pair is named max pooling but computes averages, and passes the gradient check. Write another such pair.
# Which test would reveal it?


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
    "a wrong backward pass can come within five percentage points of the correct one": rival > means[right] - 0.05,
    "a gradient check proves that a layer is correct": verdict != "PASS",
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
# The next lessons do not need this part.
#
# - The complex step, f(x + ih).imag / h, has no subtraction, so h may be 1e-30. `mg.gradcheck.compare_steps` compares
#   it with one-sided and central differences. Which layers accept complex arrays?
# - Run a parallel kernel twice and compare the bits. What would a difference mean?

# %%
mg.gradcheck.compare_steps(mg.layers.Softmax())

# %% [markdown]
# ## Test cases that hide mistakes
#
# Run the known mistakes of lesson 03 (bias, weight and input gradient) on a test case: two images of 5 x 7, three
# channels, three filters, stride 2, random `dout`. Then change one thing at a time. In one case `dout` is all ones, as
# for a loss that is a plain sum; in another the stride is 1; in the last there is only one image. A mistake *survives*
# a case that does not reveal it. How many survive in each case?

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
    print(f"{name}: {'; '.join(mistakes) or 'none'}")
print(outcome("04.e", {name: len(mistakes) for name, mistakes in surviving.items()}))
known = sum(len(find(number).wrongs) for number in ("03.1", "03.2", "03.3"))
assert all(len(mistakes) < known for mistakes in surviving.values())
assert not surviving["dout random"]
assert all(mistakes for name, mistakes in surviving.items() if name != "dout random")

# %% [markdown]
# What you saw: sizes and values that are equal hide mistakes. In a good test case, as many of them as possible differ.

# %% [markdown]
# ## Exercise 04.3: the smallest revealing test case
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# Choose `x`, `w`, `dout`, `stride` and `pad` that reveal all known mistakes of lesson 03. Then try to reveal them with
# fewer values in `x` and `w`. `integers(2, 2, 3, 3)` returns a random array of that shape.


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
# `adjoint_ok`: draw random integers, convert them to floats (the engine does not accept int64), and compare with ==.
# `forward` is A, and `transpose` is a function that may or may not be A^T.


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
# Now check a convolution in float32, with the step size 1e-5, a common default. How large is the relative error?

# %%
predict("04.c", ...)

# %%
x, w = rng.standard_normal((2, 3, 8, 8)), rng.standard_normal((4, 3, 3, 3))
dout, d = rng.standard_normal((2, 4, 6, 6)), rng.standard_normal((2, 3, 8, 8))
exact = float((conv_back(dout, x, w)[0] * d).sum())
errors = {
    h: [steps.error(lambda x, w: conv(x, w), (x, w, dout, d), h, dtype, exact) for dtype in (np.float64, np.float32)]
    for h in (1e-1, 1e-3, 1e-5, 1e-7)
}
for h, (double, single) in errors.items():
    print(f"h = {h:.0e}: float64 {double:.1e}, float32 {single:.1e}")
print(outcome("04.c", f"{errors[1e-5][1]:.1e}"))
assert errors[1e-5][0] < 1e-6 < errors[1e-5][1]  # fine in float64, useless in float32
assert errors[1e-1][0] < 1e-12  # for a convolution a larger step size is better

# %% [markdown]
# What you saw: in float32 the error is several orders of magnitude larger. Check gradients in float64.

# %% [markdown]
# ## Hyperparameters that reveal mistakes
#
# In GoogLeNet, as in AlexNet, local response normalisation (LRN) has alpha = 1e-4 and hardly changes its input. (The
# paper gives no value; the published model does.) Suppose the backward pass simply returns `dout`. What is its relative
# error?

# %%
predict("04.g", ...)

# %%
x, dout = rng.standard_normal((2, 7, 3, 3)), rng.standard_normal((2, 7, 3, 3))
errors = {}
for alpha in (1e-4, 1.0):
    _, scale = local_response_norm.forward(x, 5, alpha, 0.75, 1.0)
    dx = local_response_norm.backward(dout, x, scale, 5, alpha, 0.75)
    errors[alpha] = np.linalg.norm(dx - dout) / np.linalg.norm(dx)
    print(f"alpha = {alpha:g}: returning dout has the relative error {errors[alpha]:.1e}")
print(outcome("04.g", f"{errors[1e-4]:.1e}"))
assert mg.layers.LocalResponseNorm().alpha == 1e-4
assert errors[1e-4] < 1e-3 < 0.1 < errors[1.0]

# %% [markdown]
# What you saw: at alpha = 1e-4 the missing backward pass is nearly invisible, at 1 it is obvious. Test a layer with
# hyperparameters that make it change its input clearly.

# %% [markdown]
# ## Twenty questions
#
# One of 4,608 weights has a wrong gradient. A check along a direction that moves only half of the weights shows which
# half contains it. How many such checks do you need to find the weight?

# %%
predict("04.j", ...)

# %%
x, w = integers(1, 16, 5, 5), integers(32, 16, 3, 3)
dout = integers(1, 32, 3, 3)
dw = conv_back(dout, x, w)[1]
wrong = int(rng.integers(dw.size))
dw.flat[wrong] += 1


def agrees(indices):
    """Return whether the gradient is correct along a random direction that moves only these weights."""
    d = np.zeros(w.size)
    d[indices] = rng.integers(1, 10, len(indices))
    return (conv(x, d.reshape(w.shape)) * dout).sum() == (dw.ravel() * d).sum()


# %%
candidates, checks = np.arange(dw.size), 0
while len(candidates) > 1:
    half = candidates[: len(candidates) // 2]
    candidates = candidates[len(half) :] if agrees(half) else half
    checks += 1
index = tuple(map(int, np.unravel_index(candidates[0], w.shape)))
print(f"after {checks} checks of {dw.size:,} weights: the wrong gradient is at {index}")
print(outcome("04.j", checks))
assert candidates[0] == wrong
assert checks in (12, 13)

# %% [markdown]
# What you saw: each check halves the number of candidates, so about a dozen are enough.

# %% [markdown]
# ## Exercise 04.6: detective
#
# Difficulty: *** of ***. About 15 minutes. Further.
#
# You get three convolutions with broken backward passes: 3 x 3, stride 2, padding 1, three channels, three filters.
# Your name chooses them, so write it into `student`. For each you get the analytic and the numerical gradients. Which
# mistake does each of them make? Try ratios and figures before you use `mg.gradcheck.check_function`.
#
# Your answer is a dict with one name from the list for each letter, for example
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
