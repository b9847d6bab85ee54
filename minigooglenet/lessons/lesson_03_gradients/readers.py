"""Exercise: the number of outputs that read a pixel."""

from minigooglenet.exercises.questions import Question

readers = Question(
    "03.5",
    "how many outputs read a pixel",
    "A {k} x {k} kernel moves with stride {s} over an image of {n} x {n} with padding {p}. How many outputs read the "
    "pixel in row {i}, column {j} (counted from 0)?",
    minutes=5,
    difficulty=2,
    hints=(
        "Draw the windows on a line of ten pixels. Which of them contain pixel i?",
        "Count the windows t with t*s - p <= i < t*s - p + k, from t = 0 to the last window that exists.",
        "`rows * ____`, both counted in the same way",
    ),
    core=False,
)


@readers.draw
def readers_draw(rng):
    n, k, s = int(rng.integers(9, 20)), int(rng.integers(3, 8)), int(rng.integers(2, 4))
    i, j = (int(position) for position in rng.integers(0, n, 2))
    return {"n": n, "k": k, "s": s, "p": int(rng.integers(0, k // 2 + 1)), "i": i, "j": j}


def _along(n, k, s, p, i):
    outputs = (n + 2 * p - k) // s + 1
    return sum(t * s - p <= i < t * s - p + k for t in range(outputs))


@readers.solution
def readers_solution(n, k, s, p, i, j):
    return _along(n, k, s, p, i) * _along(n, k, s, p, j)


@readers.wrong
def stride_1(n, k, s, p, i, j):
    """That is the answer for stride 1, away from the border: k*k outputs read a pixel there."""
    return k * k


@readers.wrong
def always_the_same_inside(n, k, s, p, i, j):
    """That is right for some inner pixels, not for this one."""
    return (-(-k // s)) ** 2


@readers.wrong
def one_axis(n, k, s, p, i, j):
    """That is the count along one axis. Multiply it by the count along the other."""
    return _along(n, k, s, p, i)
