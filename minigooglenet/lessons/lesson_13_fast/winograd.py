"""Winograd's algorithm in one and in two dimensions."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.operands import counted
from minigooglenet.exercises.outputs import same

winograd_f23 = Exercise(
    "13.4",
    "two outputs from four products",
    "winograd_f23(d, g) -> (len(d) - 2,)",
    minutes=12,
    difficulty=3,
    core=False,
    hints=(
        "Which two inputs do two neighbouring outputs have in common?",
        (
            "The four products are m2 = (d1 + d2)(g0 + g1 + g2)/2, m3 = (d2 - d1)(g0 - g1 + g2)/2, m1 with g0, and m4 "
            "with g2. Then y0 = m1 + m2 + m3 and y1 = m2 - m3 - m4."
        ),
        "`m1, m4 = (d0 - d2) * ____, (d1 - d3) * g2`",
    ),
)


@winograd_f23.cases
def winograd_f23_cases(rng):
    yield integers(rng, 4, 1, 10), integers(rng, 3, 1, 6)
    yield integers(rng, 8), np.array([1.0, 2.0, 4.0])
    yield integers(rng, 9) / 4, np.array([3.0, -1.0, 5.0])  # fractions
    yield integers(rng, 3), np.array([2.0, 7.0, 1.0])


def _tiles(d, g, sign=1.0, half=0.5, step=2):
    """Return the outputs by F(2, 3): tiles of four inputs, `step` apart."""
    outputs = len(d) - 2
    padded, y = np.concatenate([d, np.zeros(step * outputs + 4)]), np.zeros(outputs + 1, d.dtype)
    middle, other = (g[0] + g[1] + g[2]) * half, (g[0] - g[1] + g[2]) * half
    for tile in range(-(-outputs // 2)):
        d0, d1, d2, d3 = padded[step * tile : step * tile + 4]
        m1, m2, m3, m4 = (d0 - d2) * g[0], (d1 + d2) * middle, (d2 - d1) * other, (d1 - d3) * g[2]
        y[2 * tile], y[2 * tile + 1] = m1 + m2 + m3, m2 - m3 - sign * m4
    return y[:outputs]


@winograd_f23.reference
def winograd_f23_reference(d, g):
    return _tiles(d, g)


@winograd_f23.right
def winograd_f23_by_matrices(d, g):
    before, after, outputs = *_matrices(), len(d) - 2
    padded = np.concatenate([d, [0]])
    y = [after @ ((_kernel_matrix() @ g) * (before @ padded[i : i + 4])) for i in range(0, outputs, 2)]
    return np.concatenate(y)[:outputs]


@winograd_f23.wrong
def odd_tail_dropped(d, g):
    """Your last output is 0. An odd number of outputs needs one more tile, padded with a zero."""
    y = _tiles(d, g)
    y[len(y) // 2 * 2 :] = 0
    return y


@winograd_f23.wrong
def filter_flipped(d, g):
    """Your filter is reversed, which is right for symmetric filters only. g0 belongs to the first input."""
    return _tiles(d, g[::-1])


@winograd_f23.wrong
def half_forgotten(d, g):
    """Your middle products are twice as large as they should be. Both have a factor 1/2."""
    return _tiles(d, g, half=1)


@winograd_f23.wrong
def tiles_do_not_overlap(d, g):
    """Your tiles do not overlap. A tile of 4 inputs gives 2 outputs, so the next tile begins 2 inputs later."""
    return _tiles(d, g, step=4)


@winograd_f23.wrong
def wrong_sign_of_m4(d, g):
    """Every second output is too large by 2*m4. Subtract m4."""
    return _tiles(d, g, sign=-1)


@winograd_f23.wrong
def three_products_each(d, g):
    """The values are right, but you used the definition. Use four products per two outputs."""
    return np.array([d[i] * g[0] + d[i + 1] * g[1] + d[i + 2] * g[2] for i in range(len(d) - 2)])


@winograd_f23.demand
def winograd_f23_demand(function):
    outputs = sum(len(d) - 2 for d, _ in winograd_f23.arguments)
    tiles = sum(-(-(len(d) - 2) // 2) for d, _ in winograd_f23.arguments)
    return _demand(winograd_f23, function, 4 * tiles, outputs, {3 * outputs: "three products each"})


def _demand(exercise, function, most, outputs, names):
    """Return the Verdict on the number of products in all cases; `names` are the mistakes that a count reveals."""
    counts = [counted(function, arguments) for arguments in exercise.arguments]
    why = next((count.why for count in counts if count.why), "")
    expected = [exercise.reference_function(*arguments) for arguments in exercise.arguments]
    if not why and not all(same(count.output, right) for count, right in zip(counts, expected, strict=True)):
        why = "The check counts with special number objects, and for these the values are wrong. Use plain arithmetic"
    if not why and not all(count.products for count in counts):
        why = "The check found no product of data and filter. Use plain arithmetic on d and g"
    if why:
        return Verdict(False, None, f"the values are right, but the products cannot be counted. {why}")
    products = sum(count.products for count in counts)
    what = f"{products} products of data and filter for {outputs} outputs in {len(counts)} cases; {most} are enough"
    return Verdict(products <= most, names.get(products), what)


winograd_2d = Exercise(
    "13.7",
    "Winograd in two dimensions",
    "winograd_2d(d, g) -> (H - 2, W - 2)",
    minutes=12,
    difficulty=3,
    core=False,
    hints=(
        "Transform the rows of a tile first, and then the columns of the result. Which matrix products are these?",
        "For a tile d of 4 x 4 inputs, A' [(G g G') * (B' d B)] A gives 2 x 2 outputs from 16 products.",
        "`tile = A.T @ ((G @ g @ G.T) * (B.T @ d[i : i + 4, j : j + 4] @ ____)) @ A`",
    ),
)


@winograd_2d.cases
def winograd_2d_cases(rng):
    g = np.array([[1.0, 2, 4], [3, -5, 7], [-2, 6, 9]])
    yield integers(rng, (4, 4)), g
    yield integers(rng, (7, 7)), g
    yield integers(rng, (6, 5)) / 4, g  # fractions
    yield integers(rng, (5, 4)), g[:, ::-1] + 1
    yield integers(rng, (3, 3)), g.T  # one output


def _matrices():
    """Return (B', A') of F(2, 3)."""
    before = np.array([[1.0, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    return before, np.array([[1.0, 1, 1, 0], [0, 1, -1, -1]])


def _kernel_matrix(half=0.5):
    return np.array([[1.0, 0, 0], [half, half, half], [half, -half, half], [0, 0, 1]])


def _tiles_2d(d, g, kernel=None, step=2, other=None):
    before, after = _matrices()
    kernel = _kernel_matrix() if kernel is None else kernel
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    u = kernel @ g @ (kernel if other is None else other).T
    padded, y = np.pad(d, ((0, 2 * rows + 8), (0, 2 * columns + 8))), np.zeros((rows + 1, columns + 1), d.dtype)
    for i in range(0, rows, 2):
        for j in range(0, columns, 2):
            tile = padded[i // 2 * step : i // 2 * step + 4, j // 2 * step : j // 2 * step + 4]
            y[i : i + 2, j : j + 2] = after @ (u * (before @ tile @ before.T)) @ after.T
    return y[:rows, :columns]


@winograd_2d.reference
def winograd_2d_reference(d, g):
    return _tiles_2d(d, g)


@winograd_2d.right
def winograd_2d_by_sliding_windows(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    before, after = _matrices()
    u = _kernel_matrix() @ g @ _kernel_matrix().T
    padded = np.pad(d, ((0, rows % 2), (0, columns % 2)))
    inputs = np.lib.stride_tricks.sliding_window_view(padded, (4, 4))[::2, ::2]
    tiles = after @ (u * (before @ inputs @ before.T)) @ after.T
    return tiles.swapaxes(1, 2).reshape(2 * len(inputs), -1)[:rows, :columns]


@winograd_2d.wrong
def odd_tail_dropped(d, g):
    """Your last row or column is 0. Cover it with padded tiles, then crop the result."""
    y = _tiles_2d(d, g)
    y[len(y) // 2 * 2 :] = 0
    y[:, y.shape[1] // 2 * 2 :] = 0
    return y


@winograd_2d.wrong
def kernel_transposed(d, g):
    """Your kernel is transposed, which is right for symmetric kernels only. Rows of g belong to rows of d."""
    return _tiles_2d(d, g.T)


@winograd_2d.wrong
def half_forgotten(d, g):
    """The factor 1/2 is missing: the two middle products along each axis have it."""
    return _tiles_2d(d, g, _kernel_matrix(1), other=_kernel_matrix(1))


@winograd_2d.wrong
def half_along_one_axis_only(d, g):
    """The factor 1/2 is missing along one of the two axes."""
    return _tiles_2d(d, g, other=_kernel_matrix(1))


@winograd_2d.wrong
def tiles_do_not_overlap(d, g):
    """Your tiles do not overlap. A tile of 4 x 4 inputs gives 2 x 2 outputs, so the next tile begins 2 inputs later."""
    return _tiles_2d(d, g, step=4)


@winograd_2d.wrong
def row_by_row(d, g):
    """The values are right, but you used F(2, 3) along the rows only. Transform the columns too."""
    return np.array([sum(_tiles(d[i + u], g[u]) for u in range(3)) for i in range(len(d) - 2)])


@winograd_2d.wrong
def nine_products_each(d, g):
    """The values are right, but you used the definition. Use 16 products per 4 outputs."""
    return np.array(
        [[(d[i : i + 3, j : j + 3] * g).sum() for j in range(d.shape[1] - 2)] for i in range(d.shape[0] - 2)]
    )


@winograd_2d.demand
def winograd_2d_demand(function):
    sizes = [(d.shape[0] - 2, d.shape[1] - 2) for d, _ in winograd_2d.arguments]
    outputs = sum(rows * columns for rows, columns in sizes)
    tiles = sum(-(-rows // 2) * -(-columns // 2) for rows, columns in sizes)
    by_rows = sum(3 * 4 * rows * -(-columns // 2) for rows, columns in sizes)
    names = {9 * outputs: "nine products each", by_rows: "row by row"}
    return _demand(winograd_2d, function, 16 * tiles, outputs, names)
