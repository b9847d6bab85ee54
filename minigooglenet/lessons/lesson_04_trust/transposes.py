"""Exercise: an exact test of a transpose."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.outputs import one_number
from minigooglenet.kernels.conv2d import backward as conv_backward
from minigooglenet.kernels.conv2d import forward as conv_forward
from minigooglenet.kernels.numpy import im2col

adjoint = Exercise(
    "04.5",
    "is it the transpose?",
    "adjoint_ok(forward, transpose, x_shape, y_shape, rng) -> bool",
    minutes=10,
    difficulty=2,
    hints=(
        "You need two random arrays. Which shapes do they have?",
        "Compare <y, A x> with <A^T y, x> for random integers, converted to floats. Their sums are exact, so use ==.",
        "`return (forward(x) * y).sum() == (____ * x).sum()`",
    ),
    core=False,
)


def _pairs():
    """Return [(description, forward, transpose, x_shape, y_shape, whether it is the transpose)]."""
    w, shape = np.arange(1.0, 10).reshape(1, 1, 3, 3), (1, 1, 4, 5)

    def conv(x):
        return conv_forward(x, w, None, 1, 1, algorithm="im2col")

    def back(y):
        return conv_backward(y, np.zeros(shape), w, None, 1, 1, algorithm="im2col")[0]

    def misplaced(y):
        x = back(y)
        x[0, 0, 0, 0], x[0, 0, 3, 4] = x[0, 0, 0, 0] - y[0, 0, 1, 1], x[0, 0, 3, 4] + y[0, 0, 1, 1]
        return x

    def exchanged(y):
        y = y.copy()
        y[0, 0, 0, 0], y[0, 0, 3, 4] = y[0, 0, 3, 4], y[0, 0, 0, 0]
        return back(y)

    def columns(x):
        return im2col.im2col(x, 2, 2, 0)

    def image(c):
        return im2col.col2im(c, (4, 4), 2, 2, 0)

    return [
        ("a convolution and its backward pass", conv, back, shape, shape, True),
        ("im2col and col2im", columns, image, (1, 1, 4, 4), (1, 4, 4), True),
        ("the kernel not flipped", conv, lambda y: conv(y), shape, shape, False),
        ("one value at the wrong index", conv, misplaced, shape, shape, False),
        ("two outputs exchanged", conv, exchanged, shape, shape, False),
        ("a factor of 1 + 1e-9", conv, lambda y: back(y) * (1 + 1e-9), shape, shape, False),
        ("a cumulative sum in the same direction", _summed, _summed, shape, shape, False),
        ("the wrong sign", conv, lambda y: -back(y), shape, shape, False),
        ("the images of the batch exchanged", _copied, lambda y: y[::-1].copy(), (2, 5), (2, 5), False),
        ("the padding added to the first row", _padded, _unpadded, (4, 3), (6, 3), False),
    ]


def _copied(x):
    return x.copy()


def _padded(x):
    return np.pad(x, ((1, 1), (0, 0)))


def _unpadded(y):
    y = y.copy()
    y[1] += y[0]
    return y[1:-1]


def _summed(x):
    return np.cumsum(x, axis=3)


@adjoint.judge
def adjoint_judge(function):
    pairs = _pairs()
    verdicts, vectors = _verdicts(function, pairs)
    wrong_at = next((i for i, pair in enumerate(pairs) if verdicts[i] != pair[-1]), None)
    if wrong_at is None and _one_draw(function):
        return Verdict(False, None, "rng is not used: two different generators give the same vectors")
    if wrong_at is None:
        return Verdict(True, None, "it accepts two transposes and rejects eight wrong ones")
    name = _diagnosis(function, verdicts, pairs, vectors)
    known = next((wrong for wrong in adjoint.wrongs if wrong.name == name), None)
    what = f"{pairs[wrong_at][0]}: you returned {verdicts[wrong_at]}, expected {pairs[wrong_at][-1]}."
    return Verdict(False, known and known.name, f"{what} {known.message if known else ''}".strip())


def _one_draw(function):
    """Return whether a function draws the same vectors from two generators."""
    vectors = []

    def recorded(x):
        vectors.append(np.array(x))
        return x

    for seed in range(2):
        function(recorded, lambda y: y, (5, 8), (5, 8), np.random.default_rng(seed))
    return len(vectors) >= 2 and np.array_equal(vectors[0], vectors[-1])


def _verdicts(function, pairs):
    """Return a function's result for each pair, and the vectors [(x, y)] that it passed to the two maps."""
    verdicts, vectors = [], []
    for number, (_, forward, transpose, x_shape, y_shape, _) in enumerate(pairs):
        passed = [], []
        maps = (_recorded(one, inputs) for one, inputs in zip((forward, transpose), passed, strict=True))
        verdict = function(*maps, x_shape, y_shape, np.random.default_rng(number))
        verdicts.append(bool(one_number(verdict, "the result of adjoint_ok")))
        vectors += [(x[0], y[0]) for x, y in [passed] if x and y]
    return verdicts, vectors


def _recorded(function, inputs):
    def recorded(vector):
        inputs.append(np.array(vector))
        return function(vector)

    return recorded


def _diagnosis(function, verdicts, pairs, vectors):
    """Return the mistake that follows from the vectors and the verdicts, or None."""
    if len(vectors) < len(pairs):
        return None
    if not any(x.any() or y.any() for x, y in vectors):
        return "shapes only"
    ones = [all((vector == 1).all() for vector in side) for side in zip(*vectors, strict=True)]
    if any(ones):
        return "vectors of ones" if all(ones) else "one side of ones"
    alike = [np.array_equal(x, y) for x, y in vectors if x.shape == y.shape]
    if alike and all(alike):
        return "one vector for both"
    if all(verdicts):
        return "shapes only"
    wrong = [what for (what, *_, right), verdict in zip(pairs, verdicts, strict=True) if verdict != right]
    if wrong == ["a factor of 1 + 1e-9"]:
        return "nearly equal is enough"
    signs = np.where(np.arange(40) % 2, -1.0, 1.0)
    by_signs, by_order = (  # maps that keep only the absolute values of the products, or only the vectors' lengths
        function(forward, lambda y: y, (40,), (40,), np.random.default_rng(0))
        for forward in (lambda x: signs * x, lambda x: np.roll(x, 1))
    )
    return "sums of absolute values" if by_signs and not by_order else None


@adjoint.reference
def adjoint_reference(forward, transpose, x_shape, y_shape, rng):
    x, y = integers(rng, x_shape), integers(rng, y_shape)
    return (forward(x) * y).sum() == (transpose(y) * x).sum()


@adjoint.right
def adjoint_by_vdot(forward, transpose, x_shape, y_shape, rng):
    y, x = rng.integers(-99, 100, y_shape).astype(float), rng.integers(-99, 100, x_shape).astype(float)
    return np.vdot(y, forward(x)) - np.vdot(transpose(y), x) == 0


@adjoint.wrong
def one_vector_for_both(forward, transpose, x_shape, y_shape, rng):
    """<x, A x> = <x, B x> also holds for B = A: draw two vectors, x and y."""
    x = integers(rng, x_shape)
    if tuple(x_shape) != tuple(y_shape):
        return np.vdot(forward(x), forward(x)) == np.vdot(transpose(forward(x)), x)
    return (forward(x) * x).sum() == (transpose(x) * x).sum()


@adjoint.wrong
def vectors_of_ones(forward, transpose, x_shape, y_shape, rng):
    """Vectors of ones compare only the sums of all values: draw random integers."""
    return forward(np.ones(x_shape)).sum() == transpose(np.ones(y_shape)).sum()


@adjoint.wrong
def one_side_of_ones(forward, transpose, x_shape, y_shape, rng):
    """A vector of ones compares only sums: draw random integers for both vectors."""
    return forward(x := integers(rng, x_shape)).sum() == (transpose(np.ones(y_shape)) * x).sum()


@adjoint.wrong
def nearly_equal_is_enough(forward, transpose, x_shape, y_shape, rng):
    """A factor of 1 + 1e-9 passes: sums of integers are exact, so compare with ==."""
    x, y = integers(rng, x_shape), integers(rng, y_shape)
    return np.allclose((forward(x) * y).sum(), (transpose(y) * x).sum())


@adjoint.wrong
def shapes_only(forward, transpose, x_shape, y_shape, rng):
    """Every map with the right shapes passes: compare the two dot products."""
    return transpose(np.zeros(y_shape)).shape == tuple(x_shape) and forward(np.zeros(x_shape)).shape == tuple(y_shape)


@adjoint.wrong
def sums_of_absolute_values(forward, transpose, x_shape, y_shape, rng):
    """Your test rejects correct transposes: sum the products with their signs, not their absolute values."""
    x, y = integers(rng, x_shape), integers(rng, y_shape)
    return np.abs(forward(x) * y).sum() == np.abs(transpose(y) * x).sum()
