"""Exercises of the primer: gradient descent for one weight, and the chain rule on two functions."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers

descend = Exercise(
    "00.3",
    "steps downhill",
    "descend(w, x, t, rate, steps) -> float",
    minutes=7,
    difficulty=2,
    hints=(
        "Does the loss fall along the gradient, or against it?",
        "The error of one point is (w * x - t)**2 and its derivative is 2 * (w * x - t) * x. The loss is the mean.",
        "`for _ in range(steps): w = w - rate * (2 * (w * x - t) * ____).mean()`",
    ),
)


@descend.cases
def descend_cases(rng):
    yield 1.0, integers(rng, (2,), 1, 4), integers(rng, (2,), 5, 9), 0.125, 1  # small enough for paper
    for points, rate, steps in ((3, 0.03125, 2), (4, 0.015625, 5)):
        yield float(rng.integers(2, 6)), integers(rng, (points,)), integers(rng, (points,)), rate, steps


@descend.reference
def descend_reference(w, x, t, rate, steps):
    for _ in range(steps):
        w = w - rate * (2 * (w * x - t) * x).mean()
    return w


@descend.right
def descend_point_by_point(w, x, t, rate, steps):
    for _ in range(steps):
        gradient = sum(2 * (w * a - b) * a for a, b in zip(x, t, strict=True)) / len(x)
        w -= rate * gradient
    return w


@descend.right
def descend_from_the_solution(w, x, t, rate, steps):
    """Each step multiplies the distance to the best weight by the same factor."""
    best = (x * t).mean() / (x * x).mean()
    return best + (w - best) * (1 - 2 * rate * (x * x).mean()) ** steps


def _steps(gradient):
    def run(w, x, t, rate, steps):
        for _ in range(steps):
            w = w - rate * gradient(w, x, t)
        return w

    return run


@descend.wrong
def uphill(w, x, t, rate, steps):
    """Your steps go uphill: subtract the gradient."""
    return _steps(lambda w, x, t: -(2 * (w * x - t) * x).mean())(w, x, t, rate, steps)


@descend.wrong
def every_weight_visited(w, x, t, rate, steps):
    """Those are the first weight and the weight after each step. Return only the last one."""
    return [descend_reference(w, x, t, rate, step) for step in range(steps + 1)]


@descend.wrong
def weights_after_the_steps(w, x, t, rate, steps):
    """Those are the weights after each step. Return only the last one."""
    return [descend_reference(w, x, t, rate, step + 1) for step in range(steps)]


@descend.wrong
def data_of_the_notebook(w, x, t, rate, steps):
    """You used the notebook's `points` and `targets`. Use the arguments x and t."""
    return descend_reference(w, np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 7.0]), rate, steps)


@descend.wrong
def one_step_only(w, x, t, rate, steps):
    """That is w after one step. Take `steps` steps."""
    return descend_reference(w, x, t, rate, 1)


@descend.wrong
def gradient_never_updated(w, x, t, rate, steps):
    """The gradient depends on w: compute it again in each step."""
    return w - steps * rate * (2 * (w * x - t) * x).mean()


@descend.wrong
def factor_2_forgotten(w, x, t, rate, steps):
    """The derivative of a square has a factor 2."""
    return _steps(lambda w, x, t: ((w * x - t) * x).mean())(w, x, t, rate, steps)


@descend.wrong
def sum_instead_of_mean(w, x, t, rate, steps):
    """The loss is the mean over the points, and so is its gradient."""
    return _steps(lambda w, x, t: (2 * (w * x - t) * x).sum())(w, x, t, rate, steps)


@descend.wrong
def inner_derivative_forgotten(w, x, t, rate, steps):
    """If w rises, w * x - t rises x times as fast: the chain rule multiplies by x."""
    return _steps(lambda w, x, t: (2 * (w * x - t)).mean())(w, x, t, rate, steps)


two_boxes = Exercise(
    "00.4",
    "the chain rule on two boxes",
    "two_boxes(w, b, x, t) -> (dw, db, dx)",
    minutes=6,
    difficulty=2,
    hints=(
        "Start at the loss: if h rises a little, how much does (h - t)**2 rise?",
        "dL/dh is 2 * (h - t). If w rises by 1, h rises by x. If b rises by 1, h rises by 1. Multiply along the path.",
        "`dh = 2 * (w * x + b - t)`, then `return dh * x, dh, dh * ____`",
    ),
)


@two_boxes.cases
def two_boxes_cases(rng):
    yield 2.0, 1.0, 3.0, 5.0
    for _ in range(3):
        w, b, x, t = rng.permutation([-7, -5, -3, -2, 2, 3, 4, 6])[:4]
        yield float(w), b / 2, float(x), float(t + 0.25)


@two_boxes.reference
def two_boxes_reference(w, b, x, t):
    dh = 2 * (w * x + b - t)
    return dh * x, dh, dh * w


@two_boxes.right
def two_boxes_multiplied_out(w, b, x, t):
    return 2 * (w * x * x + b * x - t * x), 2 * w * x + 2 * b - 2 * t, 2 * (w * w * x + b * w - t * w)


@two_boxes.right
def two_boxes_by_central_differences(w, b, x, t):
    """A central difference of a square is exact for any step size."""

    def loss(w, b, x):
        return (w * x + b - t) ** 2

    dw = (loss(w + 1, b, x) - loss(w - 1, b, x)) / 2
    db = (loss(w, b + 1, x) - loss(w, b - 1, x)) / 2
    return dw, db, (loss(w, b, x + 1) - loss(w, b, x - 1)) / 2


@two_boxes.wrong
def only_the_last_box(w, b, x, t):
    """All three are dL/dh. Multiply it by the derivative of h with respect to w, b and x."""
    dh = 2 * (w * x + b - t)
    return dh, dh, dh


@two_boxes.wrong
def only_the_first_box(w, b, x, t):
    """Those are dh/dw, dh/db and dh/dx. The chain rule multiplies them by dL/dh."""
    return x, 1.0, w


@two_boxes.wrong
def w_and_x_exchanged(w, b, x, t):
    """If w rises by 1, h rises by x, so dw is dh * x; if x rises by 1, h rises by w, so dx is dh * w."""
    dh = 2 * (w * x + b - t)
    return dh * w, dh, dh * x


@two_boxes.wrong
def derivative_of_the_square_without_2(w, b, x, t):
    """The derivative of (h - t)**2 is 2 * (h - t): the 2 is missing."""
    dh = w * x + b - t
    return dh * x, dh, dh * w


@two_boxes.wrong
def target_minus_output(w, b, x, t):
    """The loss is (h - t)**2. Its derivative with respect to h is 2 * (h - t), not 2 * (t - h)."""
    dh = 2 * (t - w * x - b)
    return dh * x, dh, dh * w


@two_boxes.wrong
def gradient_of_b_is_0(w, b, x, t):
    """You returned db = 0. But if b rises by 1, h rises by 1 too."""
    dh = 2 * (w * x + b - t)
    return dh * x, 0.0, dh * w


@two_boxes.wrong
def gradient_of_b_times_b(w, b, x, t):
    """If b rises by 1, h rises by 1, not by b."""
    dh = 2 * (w * x + b - t)
    return dh * x, dh * b, dh * w


@two_boxes.wrong
def bias_forgotten(w, b, x, t):
    """You left out b: h is w * x + b."""
    dh = 2 * (w * x - t)
    return dh * x, dh, dh * w
