"""Lesson 07, first part: a stem within a budget, what a bottleneck costs, naive modules, two kernels in one."""

import numpy as np

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, MaxPool2d
from minigooglenet.models import Style, inception_naive
from minigooglenet.models.googlenet import MODULES

MACS, PARAMS, BYTES, GOAL = 500_000_000, 130_000, 8 * 2**20, (192, 28, 28)
MOST_LAYERS, LARGEST = 50, 4096

stem = Exercise(
    "07.1",
    "design a stem",
    "[(kind, ...), ...], layers from 224 x 224 x 3 to 28 x 28 x 192",
    minutes=15,
    difficulty=2,
    hints=(
        "Build your list, and look which layer is dearest.",
        "Halve height and width before you widen: at half the side a channel costs a quarter.",
        'start from `("conv", 64, 7, 2)` and a pool, and end with 192 filters on a map of side ____',
    ),
)


def built_stem(layers) -> Graph:
    """Return the graph of a list of ("conv", filters, kernel, stride) and ("pool", kernel, stride)."""
    g = Graph(image=(3, 224, 224))
    if len(layers) > MOST_LAYERS or any(isinstance(size, int) and size > LARGEST for layer in layers for size in layer):
        raise ValueError(f"at most {MOST_LAYERS} layers, and no number above {LARGEST:,}")
    for number, (kind, *settings) in enumerate(layers, 1):
        before = list(g.shapes)[-1]
        if kind == "conv":
            filters, kernel, stride = settings
            layer = Conv2d(g.shapes[before][0], filters, kernel, stride, kernel // 2, init="zeros")
        elif kind == "pool":
            layer = MaxPool2d(*settings, ceil_mode=True)
        else:
            raise ValueError(f'a layer is ("conv", filters, kernel, stride) or ("pool", kernel, stride), got {kind!r}')
        g.add(f"{number}_{kind}", layer, before)
    return g


@stem.judge
def stem_judge(layers):
    layers = [tuple(layer) for layer in layers]
    g = built_stem(layers)
    counted, size = count(g), 4 * sum(int(np.prod(g.shapes[name])) for name in g.nodes)
    numbers = f"{counted.macs:,} MAC, {counted.params:,} parameters, {size / 2**20:.2f} MiB"
    for name in _patterns(layers) + _budgets(g.shapes[list(g.nodes)[-1]], counted, size):
        message = next(wrong.message for wrong in stem.wrongs if wrong.name == name)
        return Verdict(False, name, f"{message} ({numbers})")
    return Verdict(True, None, f"within the budget: {numbers}. Now say what you gave up for it")


def _patterns(layers):
    found = []
    convs = [layer for layer in layers if layer[0] == "conv"]
    if layers[0][0] == "pool":
        found.append("pool first")
    if any(stride > kernel for _, _, kernel, stride in convs):
        found.append("pixels skipped")
    if any(stride >= 4 and 2 * stride > kernel for _, _, kernel, stride in convs):
        found.append("one giant step")
    return found


def _budgets(shape, counted, size):
    checks = {
        "not 28 x 28 x 192": shape != GOAL,
        "too many MACs": counted.macs > MACS,
        "too many parameters": counted.params > PARAMS,
        "too much memory": size > BYTES,
    }
    return [name for name, wrong in checks.items() if wrong]


stem.reference([("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 1), ("pool", 3, 2)])
stem.right([("conv", 32, 3, 2), ("conv", 60, 3, 2), ("conv", 192, 3, 2)])
stem.right((("conv", 48, 5, 2), ("pool", 2, 2), ("conv", 48, 1, 1), ("pool", 2, 2), ("conv", 192, 3, 1)))


@stem.wrong
def pool_first():
    """Cheap, but the pool throws edges away before any layer has learned to look at them."""
    return [("pool", 8, 8), ("conv", 192, 3, 1)]


@stem.wrong
def pixels_skipped():
    """A kernel smaller than its stride: most pixels are never read by anyone."""
    return [("conv", 64, 1, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 2)]


@stem.wrong
def one_giant_step():
    """The stride is more than half the kernel: neighbours hardly share a pixel any more."""
    return [("conv", 64, 11, 8), ("conv", 192, 3, 1)]


@stem.wrong
def not_28_x_28_x_192():
    """The last layer must give 192 maps of 28 x 28."""
    return [("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 192, 3, 1)]


@stem.wrong
def too_many_MACs():
    """More than 500 million MACs: you widen before you shrink."""
    return [("conv", 32, 3, 1), ("pool", 2, 2), ("conv", 64, 3, 1), ("pool", 2, 2), ("conv", 192, 3, 1), ("pool", 2, 2)]


@stem.wrong
def too_many_parameters():
    """More than 130,000 parameters: a 1 x 1 in front of the widest layer saves some."""
    return [("conv", 96, 7, 2), ("pool", 3, 2), ("conv", 192, 3, 2)]


@stem.wrong
def too_much_memory():
    """More than 8 MiB of outputs: a map of 112 x 112 with many channels does it alone."""
    return [("conv", 160, 3, 2), ("pool", 3, 2), ("conv", 48, 1, 1), ("conv", 192, 3, 2)]


BRANCH = "{C} channels on {H} x {H}; a 1 x 1 reduction to {r}, then {K} filters of {k} x {k}. "


def _draw_branch(rng):
    return {
        "C": 16 * int(rng.integers(12, 52)),
        "r": 8 * int(rng.integers(2, 9)),
        "K": 8 * int(rng.integers(5, 30)),
        "k": int(rng.choice([3, 5])),
        "H": int(rng.choice([7, 14, 28])),
    }


def _conv_macs(C, K, k, H):
    return count(Conv2d(C, K, k, 1, k // 2, init="zeros"), (C, H, H)).macs


branch_macs = Question(
    "07.2",
    "the cost of your bottleneck",
    BRANCH + "How many MACs do both take?",
    minutes=4,
    difficulty=1,
    hints=("Two layers, two products.", "The second reads r channels, not C.", "`H*H * (C*r + ____*K*k*k)`"),
)
branch_macs.draw(_draw_branch)
branch_macs.solution(lambda C, r, K, k, H: _conv_macs(C, r, 1, H) + _conv_macs(r, K, k, H))


@branch_macs.wrong
def reduction_cost_forgotten(C, r, K, k, H):
    """The 1x1 is a convolution too, and here not a cheap one."""
    return H * H * r * K * k * k


@branch_macs.wrong
def cost_without_the_reduction(C, r, K, k, H):
    """That is the direct cost; the second layer reads only r channels."""
    return H * H * C * K * k * k


@branch_macs.wrong
def r_filters_in_both(C, r, K, k, H):
    """The second layer has K filters, not r."""
    return H * H * (C * r + r * r * k * k)


@branch_macs.wrong
def reduced_to_K(C, r, K, k, H):
    """The 1x1 makes r channels, not K."""
    return H * H * (C * K + r * K * k * k)


@branch_macs.wrong
def kernel_counted_along_one_side(C, r, K, k, H):
    """A k x k kernel has k*k products."""
    return H * H * (C * r + r * K * k)


@branch_macs.wrong
def FLOP_for_MAC(C, r, K, k, H):
    """Twice ours: that is FLOP."""
    return 2 * H * H * (C * r + r * K * k * k)


branch_ratio = Question(
    "07.2b",
    "what your bottleneck saves",
    BRANCH + "How many times more would the {k} x {k} cost without the reduction?",
    minutes=3,
    difficulty=1,
    hints=(
        "Which of the numbers cancel?",
        "4a: 48 * 25 * 480 over 480 * 16 + 16 * 48 * 25, about 21.",
        "`C*K*k*k / (C*r + ____)`",
    ),
    tolerance=0.005,
)
branch_ratio.draw(_draw_branch)
branch_ratio.solution(lambda C, r, K, k, H: _conv_macs(C, K, k, H) / (_conv_macs(C, r, 1, H) + _conv_macs(r, K, k, H)))


@branch_ratio.wrong
def reduction_cost_forgotten(C, r, **_):
    """C / r would be right if the 1x1 were free."""
    return C / r


@branch_ratio.wrong
def the_other_way_round(C, r, K, k, **_):
    """You divided the small cost by the large one."""
    return (C * r + r * K * k * k) / (C * K * k * k)


@branch_ratio.wrong
def difference_over_the_whole(C, r, K, k, **_):
    """That is the saved share, below 1; we asked how many times."""
    return 1 - (C * r + r * K * k * k) / (C * K * k * k)


@branch_ratio.wrong
def kernel_counted_along_one_side(C, r, K, k, **_):
    """A k x k kernel has k*k products."""
    return C * K * k / (C * r + r * K * k)


even = Question(
    "07.2c",
    "where a bottleneck stops paying",
    "{C} channels, {K} filters of {k} x {k}. What is the largest number of reduced channels with which a reduction in "
    "front still saves MACs?",
    minutes=5,
    difficulty=2,
    hints=(
        "Write both costs as functions of r. One does not depend on it.",
        "Equal when C*r + r*K*k*k = C*K*k*k. At 4a that is r = 342.9, so the answer there is 342.",
        "the largest whole number below `C*K*k*k / (C + ____)`",
    ),
)


@even.draw
def even_draw(rng):
    values = _draw_branch(rng)
    return {name: values[name] for name in ("C", "K", "k")}


def _below(value):
    return int(np.ceil(value)) - 1


even.solution(lambda C, K, k: _below(C * K * k * k / (C + K * k * k)))


@even.wrong
def rounded_up(C, K, k):
    """There you lose again: round down."""
    return _below(C * K * k * k / (C + K * k * k)) + 1


@even.wrong
def reduction_cost_forgotten(C, K, k):
    """With a free 1x1 every r below C would pay. It is not free."""
    return C - 1


@even.wrong
def kernel_counted_along_one_side(C, K, k):
    """A k x k kernel has k*k products."""
    return _below(C * K * k / (C + K * k))


@even.wrong
def reduced_to_no_more_than_K(C, K, k):
    """The number of filters is no limit; equate the two costs."""
    return K


@even.wrong
def kernel_forgotten(C, K, k):
    """That is for a 1x1 after a 1x1; put the k*k in."""
    return _below(C * K / (C + K))


naive = Exercise(
    "07.5",
    "how wide naive modules grow",
    "naive_widths(modules, cin) -> list of widths",
    minutes=8,
    difficulty=2,
    hints=(
        "How many channels leave a 3x3 max pool of stride 1 that reads cin channels?",
        "Widths 2, 3, 4 on 10 channels: 2 + 3 + 4 + 10 = 19 leave, and the next module reads 19.",
        "`c = a + b + d + ____`, and keep every c",
    ),
)


@naive.cases
def naive_cases(rng):
    yield ((5, 2, 3, 1, 2, 4), (6, 3, 4, 2, 3, 2)), 7
    yield tuple(MODULES.values()), 192


@naive.reference
def naive_reference(modules, cin):
    g = Graph(image=(cin, 3, 3))
    for number, (n1x1, _, n3x3, _, n5x5, _) in enumerate(modules):
        inception_naive(g, list(g.shapes)[-1], f"{number}", n1x1, n3x3, n5x5, style=Style(init="zeros"))
    return [g.shapes[f"{number}/output"][0] for number in range(len(modules))]


@naive.right
def naive_by_addition(modules, cin):
    widths = []
    for module in modules:
        cin += module[0] + module[2] + module[4]
        widths.append(cin)
    return widths


@naive.right
def naive_by_cumsum(modules, cin):
    return cin + np.cumsum(np.array(modules)[:, [0, 2, 4]].sum(axis=1))


@naive.wrong
def pool_branch_forgotten(modules, cin):
    """The naive pool branch hands on all channels that it gets."""
    return [a + b + d for a, _, b, _, d, _ in modules]


@naive.wrong
def not_stacked(modules, cin):
    """Each module was fed the paper's width. Feed it what the one before gives."""
    widths = []
    for a, _, b, _, d, pool in modules:
        widths.append(a + b + d + cin)
        cin = a + b + d + pool
    return widths


@naive.wrong
def largest_branch(modules, cin):
    """Concatenation adds widths; the largest is what adding maps would give."""
    widths = []
    for a, _, b, _, d, _ in modules:
        cin = max(a, b, d, cin)
        widths.append(cin)
    return widths


@naive.wrong
def with_the_projection(modules, cin):
    """A naive module has no projection behind its pool."""
    return [a + b + d + pool for a, _, b, _, d, pool in modules]


@naive.wrong
def reductions_counted(modules, cin):
    """A naive module has no reductions, and they would not leave it anyway."""
    widths = []
    for a, r3, b, r5, d, _ in modules:
        cin += a + r3 + b + r5 + d
        widths.append(cin)
    return widths


merge = Exercise(
    "07.6",
    "two kernels in one",
    "merge(w1, w2) -> (K, C, k, k)",
    minutes=10,
    difficulty=3,
    hints=(
        "Write y = w2 * (w1 x) for one tap of the kernel and one pixel.",
        "For one tap both are matrices: (K, r) times (r, C). Sum over r.",
        '`np.einsum("krij,rc->____", w2, w1[:, :, 0, 0])`',
    ),
    core=False,
)


@merge.cases
def merge_cases(rng):
    yield integers(rng, (4, 4, 1, 1)), integers(rng, (4, 4, 3, 3))
    yield integers(rng, (2, 5, 1, 1)), integers(rng, (3, 2, 5, 5))


@merge.reference
def merge_reference(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])


@merge.right
def merge_by_loops(w1, w2):
    merged = np.zeros((w2.shape[0], w1.shape[1], *w2.shape[2:]))
    for k, r, i, j in np.ndindex(w2.shape):
        merged[k, :, i, j] += w2[k, r, i, j] * w1[r, :, 0, 0]
    return merged


@merge.right
def merge_by_tensordot(w1, w2):
    return np.moveaxis(np.tensordot(w2, w1[:, :, 0, 0], axes=(1, 0)), -1, 1)


def _merged(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])


@merge.wrong
def averaged_over_r(w1, w2):
    """r times too small: the reduced channels are summed."""
    return _merged(w1, w2) / len(w1)


@merge.wrong
def all_in_the_centre(w1, w2):
    """All taps were added up in the middle; each stays where it is."""
    merged = np.zeros_like(_merged(w1, w2))
    merged[:, :, w2.shape[2] // 2, w2.shape[3] // 2] = _merged(w1, w2).sum(axis=(2, 3))
    return merged


@merge.wrong
def kernel_turned(w1, w2):
    """Rotated by 180 degrees. This engine correlates, so nothing is turned."""
    return _merged(w1, w2)[:, :, ::-1, ::-1]


@merge.wrong
def first_reduced_channel_only(w1, w2):
    """Sum over all reduced channels; you took one."""
    return w2[:, :1] * w1[0, :, 0, 0][None, :, None, None]


@merge.wrong
def channels_paired(w1, w2):
    """Channels were paired, not mixed: the 1x1 is a matrix."""
    return w2 * np.diag(w1[:, :, 0, 0])[None, :, None, None]


@merge.wrong
def reduction_transposed(w1, w2):
    """You used w1[c, r]; its first index is the reduced channel."""
    return np.einsum("krij,cr->kcij", w2, w1[:, :, 0, 0])
