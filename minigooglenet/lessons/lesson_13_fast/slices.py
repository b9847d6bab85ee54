"""Lesson 13: steps in memory, a convolution in slices, and the arithmetic of what an idea can bring."""

import itertools

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.gradcheck.museum.exhibit import windows
from minigooglenet.kernels import conv2d, im2col
from minigooglenet.lessons.lesson_13_fast.instruments import steps

inner_step = Exercise(
    "13.1",
    "how far the inner loop jumps",
    "inner_step(order, layout, sizes) -> int",
    minutes=5,
    difficulty=1,
    hints=(
        "Which loop is the innermost, and which axis of the array does it walk along?",
        'Layout "hw" with 5 columns: one row further is 5 numbers further in memory, one column further is 1.',
        "`for axis in layout[layout.index(order[-1]) + 1 :]: step *= ____`",
    ),
)


@inner_step.cases
def inner_step_cases(rng):
    sizes = {"n": 2, "c": 3, "h": 5, "w": 7}
    yield "hw", "hw", {"h": 5, "w": 7}
    yield "wh", "hw", {"h": 5, "w": 7}
    for order, layout in itertools.product(("nchw", "nhwc", "cwnh", "hwcn"), ("nchw", "nhwc", "chwn")):
        yield order, layout, sizes
    yield "nchw", "nhwc", {"n": 3, "c": 2, "h": 4, "w": 6}
    yield "hwcn", "nchw", {"n": 3, "c": 2, "h": 4, "w": 6}


@inner_step.reference
def inner_step_reference(order, layout, sizes):
    array = np.empty([sizes[axis] for axis in layout], np.int8)  # one byte each: NumPy's strides are the steps
    return array.strides[layout.index(order[-1])]


@inner_step.right
def inner_step_by_product(order, layout, sizes):
    step = 1
    for axis in layout[layout.index(order[-1]) + 1 :]:
        step *= sizes[axis]
    return step


@inner_step.wrong
def outermost_loop(order, layout, sizes):
    """That is the step of the outermost loop: the innermost stands last in `order`."""
    return inner_step.reference_function(order[0], layout, sizes)


@inner_step.wrong
def always_1(order, layout, sizes):
    """Only the last axis of the layout lies side by side in memory."""
    return 1


@inner_step.wrong
def own_size_counted(order, layout, sizes):
    """A step along an axis passes what lies after it, not the axis itself."""
    return inner_step.reference_function(order, layout, sizes) * sizes[order[-1]]


@inner_step.wrong
def axes_before_not_after(order, layout, sizes):
    """You multiplied the sizes before the axis; the ones after it count."""
    return int(np.prod([sizes[axis] for axis in layout[: layout.index(order[-1])]]))


@inner_step.wrong
def place_in_the_layout(order, layout, sizes):
    """That is the axis's number; a step is counted in numbers of the array."""
    return len(layout) - layout.index(order[-1])


@inner_step.wrong
def only_the_next_axis(order, layout, sizes):
    """All axes after it are passed, so all their sizes multiply."""
    after = layout[layout.index(order[-1]) + 1 :]
    return sizes[after[0]] if after else 1


conv_slices = Exercise(
    "13.2",
    "a convolution with R*S steps of Python",
    "conv_slices(x, w, b, stride, pad) -> (N, K, Ho, Wo)",
    minutes=12,
    difficulty=2,
    hints=(
        "Which loops are over the kernel? Only those may stay.",
        (
            "For one place (u, v) of the kernel, all outputs of all images and filters at once: a slice of the padded "
            "image in steps of the stride, times w[:, :, u, v], summed over the channels."
        ),
        "`y += np.einsum('nchw,kc->nkhw', xp[:, :, u : u + s * Ho : s, v : v + s * Wo : s], w[:, :, u, ____])`",
    ),
)


@conv_slices.cases
def conv_slices_cases(rng):
    yield integers(rng, (1, 1, 3, 4), 1, 10), integers(rng, (1, 1, 2, 2)), integers(rng, 1), 1, 0  # small to read
    yield integers(rng, (6, 4, 7, 8)), integers(rng, (5, 4, 3, 3)), integers(rng, 5), 2, 1
    yield integers(rng, (2, 2, 6, 7)), integers(rng, (3, 2, 2, 3)), integers(rng, 3), 3, 2


@conv_slices.reference
def conv_slices_reference(x, w, b, stride, pad):
    return conv2d.forward(x, w, b, stride, pad, algorithm="im2col")


conv_slices.engine(im2col.forward)


def _in_slices(x, w, b, stride, pad, short=0, accumulate=True):
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = ((xp.shape[i] - w.shape[i]) // stride + 1 for i in (2, 3))
    y = np.zeros((len(x), len(w), rows, columns))
    y += b[:, None, None]
    for u, v in np.ndindex(w.shape[2:]):
        seen = xp[:, :, u : u + stride * (rows - short) : stride, v : v + stride * columns : stride]
        share = np.einsum("nchw,kc->nkhw", seen, w[:, :, u, v])
        y[:, :, : share.shape[2]] = share + (y[:, :, : share.shape[2]] if accumulate else b[:, None, None])
    return y


@conv_slices.right
def conv_slices_by_slices(x, w, b, stride, pad):
    return _in_slices(x, w, b, stride, pad)


@conv_slices.right
def conv_slices_by_tensordot(x, w, b, stride, pad):
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    seen = np.lib.stride_tricks.sliding_window_view(xp, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.tensordot(seen, w, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b[:, None, None]


@conv_slices.wrong
def a_loop_over_images_and_filters(x, w, b, stride, pad):
    """The values are right. Take all images and filters at once."""
    padding = ((pad, pad), (pad, pad))
    seen = windows(x, w.shape[2:], (stride, stride), padding)
    y = np.empty((len(x), len(w), *seen.shape[2:4]))
    for n in range(len(x)):
        for k in range(len(w)):
            for p, q in np.ndindex(y.shape[2:]):
                y[n, k, p, q] = (seen[n, :, p, q] * w[k]).sum() + b[k]
    return y


@conv_slices.wrong
def a_copy_for_every_step(x, w, b, stride, pad):
    """The values are right, but every step pads all images anew: pad once."""
    y = b[:, None, None]
    rows, columns = ((x.shape[i] + 2 * pad - w.shape[i]) // stride + 1 for i in (2, 3))
    for u, v in np.ndindex(w.shape[2:]):
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        seen = xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
        y = y + np.einsum("nchw,kc->nkhw", seen, w[:, :, u, v])
    return y


@conv_slices.wrong
def slice_ends_a_row_early(x, w, b, stride, pad):
    """The last row has the bias alone: the slice's end is exclusive."""
    return _in_slices(x, w, b, stride, pad, short=1)


@conv_slices.wrong
def stride_ignored(x, w, b, stride, pad):
    """The slices must take every stride-th row and column."""
    y = conv_slices.reference_function(x, w, b, stride, pad)
    return _in_slices(x, w, b, 1, pad)[:, :, : y.shape[2], : y.shape[3]]


@conv_slices.wrong
def only_the_last_place(x, w, b, stride, pad):
    """Equals the share of the kernel's last place: `=` where `+=` is meant."""
    return _in_slices(x, w, b, stride, pad, accumulate=False)


@conv_slices.wrong
def bias_once_per_place(x, w, b, stride, pad):
    """The bias was added R*S times: it belongs before the loop."""
    return _in_slices(x, w, b * w[0, 0].size, stride, pad)


@conv_slices.wrong
def kernel_flipped(x, w, b, stride, pad):
    """u and v run from the kernel's other end: you computed a true convolution."""
    return _in_slices(x, w[:, :, ::-1, ::-1], b, stride, pad)


@conv_slices.demand
def conv_slices_demand(function):
    arguments = conv_slices.arguments[1]
    places = arguments[1][0, 0].size
    busiest, calls = steps(function, arguments)
    told = f"the busiest line ran {busiest} times; {places} are enough for a kernel of {places} places"
    if busiest > 3 * places:  # the line of a loop itself, and lines over several rows, count more than once
        return Verdict(False, "a loop over images and filters", told)
    if calls["pad"] > len(arguments[0]):
        return Verdict(False, "a copy for every step", f"np.pad was called {calls['pad']} times")
    return Verdict(True, None, told)


amdahl = Question(
    "13.5",
    "what a faster part brings",
    "{share} % of a network's time goes into its 3x3 convolutions. They become {factor} times faster, the rest stays. "
    "How many times faster is the whole network?",
    minutes=4,
    difficulty=1,
    tolerance=0.005,
    hints=(
        "Which part of the time changes, and which stays?",
        "Half the time, twice as fast: the new time is 1/2 + 1/4 of the old one, so the whole is 4/3 times faster.",
        "`1 / ((1 - f) + ____)` with f = share / 100",
    ),
)


@amdahl.draw
def amdahl_draw(rng):
    return {"share": int(rng.integers(30, 90)), "factor": float(rng.integers(6, 41)) / 4}


@amdahl.solution
def amdahl_solution(share, factor):
    return 1 / (1 - share / 100 + share / 100 / factor)


@amdahl.wrong
def factor_of_the_part(share, factor):
    """That is how much faster the part is. The rest takes as long as before."""
    return factor


@amdahl.wrong
def share_times_factor(share, factor):
    """Factors of speed do not add up by shares: add the times."""
    return share / 100 * factor


@amdahl.wrong
def mean_of_the_factors(share, factor):
    """That is the mean of 1 and the factor, weighted: times add up, factors do not."""
    return 1 + share / 100 * (factor - 1)


@amdahl.wrong
def part_for_nothing(share, factor):
    """That is the wall, the most that is possible: the part would take no time at all."""
    return 1 / (1 - share / 100)


@amdahl.wrong
def parts_exchanged(share, factor):
    """You made the other part faster."""
    return 1 / (share / 100 + (1 - share / 100) / factor)


intensity = Question(
    "13.6",
    "how much is done for each byte",
    "A {k} x {k} convolution with {c} channels in and {f} filters, stride 1, same padding, on a batch of {n} maps of "
    "{h} x {h}, float32. Input, weights and output move once; leave the bias out. How many FLOP for each byte?",
    minutes=6,
    difficulty=2,
    tolerance=0.005,
    hints=(
        "What must be moved at least once, and how many bytes has a number?",
        "FLOP are twice the multiply-adds. Input and output grow with the batch, the weights do not.",
        "`2 * macs / (4 * (inputs + outputs + ____))`",
    ),
)


@intensity.draw
def intensity_draw(rng):
    k, h, n = (int(rng.choice(choices)) for choices in ((1, 3, 5), (7, 14, 28, 56), (2, 4, 8, 16)))
    return {"k": k, "h": h, "n": n, "c": 16 * int(rng.integers(2, 33)), "f": 16 * int(rng.integers(2, 33))}


def _moved(k, h, n, c, f):
    """Return (MAC, numbers in, weights, numbers out)."""
    return n * h * h * c * f * k * k, n * c * h * h, c * f * k * k, n * f * h * h


@intensity.solution
def intensity_solution(k, h, n, c, f):
    macs, *numbers = _moved(k, h, n, c, f)
    return 2 * macs / (4 * sum(numbers))


@intensity.wrong
def MAC_not_FLOP(k, h, n, c, f):
    """Half of ours: a multiply-add counts as two FLOP."""
    macs, *numbers = _moved(k, h, n, c, f)
    return macs / (4 * sum(numbers))


@intensity.wrong
def weights_forgotten(k, h, n, c, f):
    """The weights have to be read too."""
    macs, inputs, _, outputs = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + outputs))


@intensity.wrong
def weights_for_every_image(k, h, n, c, f):
    """The weights are read once for the whole batch."""
    macs, inputs, weights, outputs = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + n * weights + outputs))


@intensity.wrong
def output_forgotten(k, h, n, c, f):
    """The output has to be written too."""
    macs, inputs, weights, _ = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + weights))


@intensity.wrong
def numbers_not_bytes(k, h, n, c, f):
    """Four times ours: a float32 has four bytes."""
    macs, *numbers = _moved(k, h, n, c, f)
    return 2 * macs / sum(numbers)
