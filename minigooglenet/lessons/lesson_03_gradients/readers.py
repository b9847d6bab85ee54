"""How many outputs read a pixel."""

from minigooglenet.exercises.questions import Question

readers = Question(
    "03.5",
    "how many outputs read a pixel",
    "A {k} x {k} kernel moves with stride {s} over an image of {n} x {n} with padding {p}. How many outputs read the "
    "pixel in row {i}, column {j} (counted from 0)?",
    minutes=5,
    difficulty=2,
    hints=(
        "Draw the windows on a line of ten pixels.",
        "Count the starts t for which t*s - p <= i < t*s - p + k and the window exists.",
        "`rows * ____`, each counted alike",
    ),
    core=False,
)


@readers.draw
def readers_draw(rng):
    n, k, s = int(rng.integers(9, 20)), int(rng.integers(3, 8)), int(rng.integers(2, 4))
    i, j = (int(place) for place in rng.integers(0, n, 2))
    return {"n": n, "k": k, "s": s, "p": int(rng.integers(0, k // 2 + 1)), "i": i, "j": j}


def _along(n, k, s, p, i):
    outputs = (n + 2 * p - k) // s + 1
    return sum(t * s - p <= i < t * s - p + k for t in range(outputs))


@readers.solution
def readers_solution(n, k, s, p, i, j):
    return _along(n, k, s, p, i) * _along(n, k, s, p, j)


@readers.wrong
def stride_1(n, k, s, p, i, j):
    """k*k outputs read a pixel at stride 1, away from the border."""
    return k * k


@readers.wrong
def always_the_same_inside(n, k, s, p, i, j):
    """That holds for some pixels inside, not for this one."""
    return (-(-k // s)) ** 2


@readers.wrong
def one_axis(n, k, s, p, i, j):
    """That is the count along one axis; the other multiplies it."""
    return _along(n, k, s, p, i)
