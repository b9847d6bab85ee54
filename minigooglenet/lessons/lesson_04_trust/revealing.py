"""Exercise: the smallest test case that reveals all known mistakes of lesson 03."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.outputs import call, finite, integer, parts, same
from minigooglenet.exercises.plain import plain
from minigooglenet.kernels.conv2d import forward as conv_forward
from minigooglenet.lessons.lesson_03_gradients.three_gradients import conv_db, conv_dw, conv_dx

revealing = Exercise(
    "04.3",
    "the smallest revealing test case",
    "case() -> (x, w, dout, stride, pad)",
    minutes=15,
    difficulty=3,
    hints=(
        "Which of your sizes and values are equal but need not be?",
        (
            "Use two images, two channels and two filters, windows that overlap, a stride above 1, a padding above 0, "
            "and different values in dout. A mistake survives if it makes no difference in your test case."
        ),
        "`return integers(2, 2, 3, 2), integers(2, 2, 3, 2), integers(2, 2, ____, 2), 2, 1`",
    ),
    core=False,
)
PAR = 28  # values in x and w: the smallest known case
LARGEST, MOST_VALUES = 100, 2000


@revealing.judge
def revealing_judge(case):
    x, w, dout, stride, pad = parts(plain(case() if callable(case) else case), ("x", "w", "dout", "stride", "pad"))
    case = x, w, dout, integer(stride, "stride"), integer(pad, "pad")
    problem = _unfit(*case)
    if problem:
        return Verdict(False, None, problem)
    case = (*(np.asarray(array, float) for array in case[:3]), *case[3:])
    x, w, *_ = case
    left = survivors(*case)
    count = sum(len(_mistakes(exercise)) for exercise in (conv_db, conv_dw, conv_dx))
    summary = f"{count - len(left)} of {count} mistakes revealed, with {x.size + w.size} values in x and w"
    if not left:
        return Verdict(True, None, f"{summary}. The smallest known case has {PAR}")
    name, why = _blind(*case)
    advice = "make sizes and values different"
    return Verdict(False, name, f"{summary}. These survive: {'; '.join(left)}. {why}".strip(), advice)


EXCLUDED = {
    "images not summed": "the shape of its result reveals it in any case",
    "crop empty without padding": "the shape of its result reveals it in any case",
    "R used for S": "it would force every answer to have a rectangular kernel",
}  # {mistake of lesson 03: why a case need not reveal it}


def _mistakes(exercise):
    return [wrong for wrong in exercise.wrongs if wrong.name not in EXCLUDED]


def survivors(x, w, dout, stride, pad) -> list[str]:
    """Return the mistakes of lesson 03 that a case does not reveal, as "03.2 stride ignored"."""
    left = []
    for exercise, arguments in (
        (conv_db, (dout,)),
        (conv_dw, (x, dout, w.shape, stride, pad)),
        (conv_dx, (dout, w, x.shape, stride, pad)),
    ):
        right, _ = call(exercise.reference_function, arguments)
        for wrong in _mistakes(exercise):
            output, _ = call(wrong.function, arguments)
            if same(output, right):
                left.append(f"{exercise.number} {wrong.name}")
    return left


def _unfit(x, w, dout, stride, pad):
    """Return why a case cannot be used, or None."""
    if max(stride, pad) > LARGEST:
        return f"stride and pad must be at most {LARGEST}, got {stride} and {pad}"
    if any(np.ndim(array) != 4 for array in (x, w, dout)):
        return "x, w and dout must have four axes each: (N, C, H, W), (K, C, R, S), (N, K, Ho, Wo)"
    if sum(map(np.size, (x, w, dout))) > MOST_VALUES:
        return f"x, w and dout must have at most {MOST_VALUES:,} values in total: find a small case"
    finite(dout, "dout")
    try:
        shape = conv_forward(finite(x, "x"), finite(w, "w"), None, stride, pad, algorithm="im2col").shape
    except (ValueError, TypeError) as error:
        return f"the convolution itself does not run: {error}"
    return None if np.shape(dout) == shape else f"dout must have the output's shape {shape}, got {np.shape(dout)}"


def _blind(x, w, dout, stride, pad):
    """Return (name, reason) of the first property of a case that hides mistakes."""
    overlap = any(k > stride and n > 1 for k, n in zip(w.shape[2:], dout.shape[2:], strict=True))
    reasons = (
        (len(x) == 1, "one image", "N = 1: a sum, a mean and the last image are the same."),
        (len(w) == 1, "one filter", "K = 1: a sum, a mean and the first filter are the same."),
        (x.shape[1] == 1, "one channel", "C = 1: the channels cannot be exchanged."),
        (np.ptp(dout) == 0, "dout all equal", "dout has equal values: a mistake that uses only some may not show."),
        (stride == 1, "stride 1", "s = 1: ignoring the stride makes no difference."),
        (pad == 0, "no padding", "p = 0: wrong padding or cropping makes no difference."),
        (not overlap, "no overlap", "No two windows share a pixel: `=` and `+=` give the same result."),
        ((w == w[:, :, ::-1, ::-1]).all(), "symmetric kernel", "Rotating the kernel by 180 degrees changes nothing."),
    )
    return next(((name, why) for hides, name, why in reasons if hides), (None, ""))


def _case(x, w, stride, pad, ones=False):
    """Return a test case of integers with x and w of these shapes."""
    rng = np.random.default_rng(0)
    x, w = integers(rng, x), integers(rng, w)
    shape = conv_forward(x, w, None, stride, pad, algorithm="im2col").shape
    return x, w, np.ones(shape) if ones else integers(rng, shape), stride, pad


revealing.reference(_case((2, 2, 1, 1), (2, 2, 2, 3), 2, 2))
revealing.right(_case((2, 2, 3, 2), (2, 2, 3, 2), 2, 1))
revealing.right(_case((2, 2, 3, 3), (2, 2, 3, 3), 2, 1))
revealing.right(_case((3, 3, 5, 7), (3, 3, 3, 3), 2, 1))


@revealing.wrong
def one_image():
    """With N = 1, forgetting the other images makes no difference."""
    return _case((1, 2, 3, 3), (2, 2, 3, 3), 2, 1)


@revealing.wrong
def one_filter():
    """With K = 1, forgetting the other filters makes no difference."""
    return _case((2, 2, 3, 3), (1, 2, 3, 3), 2, 1)


@revealing.wrong
def one_channel():
    """With C = 1 and a kernel of 1 x 1, channels and positions cannot be exchanged."""
    return _case((2, 1, 3, 3), (2, 1, 1, 1), 2, 1)


@revealing.wrong
def dout_all_equal():
    """With a dout of ones, as for a loss that is a plain sum, ignoring dout makes no difference."""
    return _case((2, 2, 3, 3), (2, 2, 3, 3), 2, 1, ones=True)


@revealing.wrong
def stride_1():
    """With stride 1, ignoring the stride makes no difference; a published course uses these shapes."""
    return _case((4, 3, 5, 5), (2, 3, 3, 3), 1, 1)


@revealing.wrong
def no_padding():
    """Without padding, a missing crop makes no difference."""
    return _case((2, 2, 5, 5), (2, 2, 3, 3), 2, 0)


@revealing.wrong
def no_overlap():
    """With windows of 2 x 2 at stride 2, `=` instead of `+=` makes no difference."""
    return _case((2, 2, 4, 4), (2, 2, 2, 2), 2, 1)
