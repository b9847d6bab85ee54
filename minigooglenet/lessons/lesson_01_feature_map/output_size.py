"""The size of a feature map."""

from minigooglenet import shapes
from minigooglenet.exercises.questions import Question

out_size = Question(
    "01.2",
    "how large is the map",
    "A kernel of {k} x {k} moves with stride {s} over an image of {n} x {n}, with {p} rows and columns "
    "of zeros on every side. How many outputs stand in one row?",
    minutes=4,
    difficulty=1,
    hints=(
        "Draw a line of H + 2p cells. Where does the first window start, and where the last one that still fits?",
        (
            "The first window takes R cells. What is left is room for steps of s; a step that does not fit "
            "is not taken. Line of 7 cells, R = 3, s = 2: 4 cells are left, 2 steps, 3 windows."
        ),
        "`(H + 2*p - R) // ____ + 1`",
    ),
)


@out_size.draw
def out_size_draw(rng):
    k = int(rng.integers(3, 12))
    n, s, p = int(rng.integers(30, 240)), int(rng.integers(2, 4)), int(rng.integers(1, k))
    return {"n": n, "k": k, "s": s, "p": p}


@out_size.solution
def out_size_solution(n, k, s, p):
    return shapes.window_count(n, k, s, (p, p))


@out_size.wrong
def plus_1_forgotten(n, k, s, p):
    """You counted the steps; the first window comes before the first step."""
    return (n + 2 * p - k) // s


@out_size.wrong
def padding_counted_once(n, k, s, p):
    """There are p zeros on either side, so 2p in a row."""
    return (n + p - k) // s + 1


@out_size.wrong
def padding_ignored(n, k, s, p):
    """That is the size without padding."""
    return (n - k) // s + 1


@out_size.wrong
def rounded_up(n, k, s, p):
    """A last window that does not fit is dropped. Rounding up is the rule of Caffe's pooling."""
    return -(-(n + 2 * p - k) // s) + 1


@out_size.wrong
def fraction_kept(n, k, s, p):
    """There is no part of a window: the step that does not fit is not taken."""
    return (n + 2 * p - k) / s + 1


@out_size.wrong
def steps_with_their_half(n, k, s, p):
    """You counted the steps, the half step too. It is not taken, and the first window comes before the first step."""
    return (n + 2 * p - k) / s


@out_size.wrong
def image_divided_by_stride(n, k, s, p):
    """H // s is right by chance, for some paddings. Try H = 30, R = 5, s = 2, p = 1: 14, not 15."""
    return n // s
