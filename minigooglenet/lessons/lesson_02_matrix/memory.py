"""Exercise: the memory that im2col needs."""

from minigooglenet import shapes
from minigooglenet.exercises.questions import Question

buffer_bytes = Question(
    "02.5",
    "the memory that im2col needs",
    "A convolution with {K} filters of {k} x {k}, stride {s} and padding {p} reads one image of {C} x {n} x {n} "
    "(channels, height, width) in float32. How many bytes does its im2col matrix take?",
    minutes=5,
    difficulty=2,
    hints=(
        "How many columns are there, and how many values are in one?",
        (
            "There are Ho*Wo columns, one per output position. Each has one value per channel and kernel position. A "
            "float32 takes 4 bytes. For 3 x 3 at stride 1 with padding 1, that is nine times the image."
        ),
        "`4 * C * k * k * Ho * ____`",
    ),
    core=False,
)


@buffer_bytes.draw
def buffer_bytes_draw(rng):
    k = int(rng.choice([3, 5, 7]))
    channels, filters, n = (int(rng.integers(*low_high)) for low_high in ((3, 65), (8, 129), (28, 225)))
    return {"C": channels, "K": filters, "n": n, "k": k, "s": 2, "p": k // 2}


def _outputs(n, k, s, p):
    return shapes.window_count(n, k, s, (p, p)) ** 2


@buffer_bytes.solution
def buffer_bytes_solution(C, K, n, k, s, p):
    return 4 * C * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def values_not_bytes(C, K, n, k, s, p):
    """That is the number of values in the matrix. Each float32 takes 4 bytes."""
    return C * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def one_column_per_pixel(C, K, n, k, s, p):
    """There is one column per output position, not per pixel. At stride 2 there are fewer outputs than pixels."""
    return 4 * C * k * k * n * n


@buffer_bytes.wrong
def channels_forgotten(C, K, n, k, s, p):
    """A column contains the window of every channel: multiply by C."""
    return 4 * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def times_the_filters(C, K, n, k, s, p):
    """All filters use the same im2col matrix: K appears only in the weight matrix."""
    return 4 * C * k * k * K * _outputs(n, k, s, p)


@buffer_bytes.wrong
def kernel_not_squared(C, K, n, k, s, p):
    """The window has k rows and k columns: k*k values per channel."""
    return 4 * C * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def bytes_of_float64(C, K, n, k, s, p):
    """That is for float64; a float32 takes 4 bytes."""
    return 8 * C * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def the_output_instead(C, K, n, k, s, p):
    """That is the memory for the output. The im2col matrix is an input of the product."""
    return 4 * K * _outputs(n, k, s, p)


@buffer_bytes.wrong
def MB_not_bytes(C, K, n, k, s, p):
    """That is in MB: 1 MB is a million bytes. Give the answer in bytes."""
    return 4 * C * k * k * _outputs(n, k, s, p) / 1e6


@buffer_bytes.wrong
def MiB_not_bytes(C, K, n, k, s, p):
    """That is in MiB: 1 MiB is 1,048,576 bytes. Give the answer in bytes."""
    return 4 * C * k * k * _outputs(n, k, s, p) / 2**20
