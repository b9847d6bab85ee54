"""Exercise: the size of a feature map."""

from minigooglenet import shapes
from minigooglenet.exercises.questions import Question

out_size = Question(
    "01.2",
    "the size of a feature map",
    "A kernel of {k} x {k} moves with stride {s} over an image of {n} x {n}, padded with {p} rows and columns "
    "of zeros on every side. How many outputs are in one row?",
    minutes=4,
    difficulty=1,
    hints=(
        "Draw a line of H + 2p cells. Where does the last window that still fits start?",
        (
            "The first window takes R cells. The other cells are room for steps of s; a step that does not fit "
            "is not taken. For a line of 7 cells, R = 3 and s = 2: 4 cells remain, so 2 steps and 3 windows."
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
    """You counted the steps. The first window comes before the first step: add 1."""
    return (n + 2 * p - k) // s


@out_size.wrong
def padding_counted_once(n, k, s, p):
    """There are p zeros on each side, so 2p in a row."""
    return (n + p - k) // s + 1


@out_size.wrong
def padding_ignored(n, k, s, p):
    """That is the size without padding."""
    return (n - k) // s + 1


@out_size.wrong
def rounded_up(n, k, s, p):
    """A last window that does not fit is dropped: round down. Caffe's pooling rounds up, a convolution does not."""
    return -(-(n + 2 * p - k) // s) + 1


@out_size.wrong
def fraction_kept(n, k, s, p):
    """A fraction of a window does not count: round the number of steps down."""
    return (n + 2 * p - k) / s + 1


@out_size.wrong
def steps_with_their_half(n, k, s, p):
    """You counted the steps, with a fraction. Round down, and add 1 for the window before the first step."""
    return (n + 2 * p - k) / s


@out_size.wrong
def image_divided_by_stride(n, k, s, p):
    """n // s is only correct if the padding compensates for the kernel size: n = 30, k = 5, s = 2, p = 1 gives 14."""
    return n // s
