"""The smallest case that reveals."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.outputs import call, finite, integer, parts, same
from minigooglenet.exercises.plain import plain
from minigooglenet.kernels.conv2d import forward as conv_forward
from minigooglenet.lessons.lesson_03_gradients.three_gradients import conv_db, conv_dw, conv_dx

revealing = Exercise(
    "04.3",
    "the smallest case that reveals",
    "case() -> (x, w, dout, stride, pad)",
    minutes=15,
    difficulty=3,
    hints=(
        "Which of your numbers are equal and need not be?",
        (
            "Two images, two channels, two filters; windows that overlap, a stride above 1, a padding above 0; numbers "
            "of dout that differ. A mistake that nothing in your case can show survives."
        ),
        "`return integers(2, 2, 3, 2), integers(2, 2, 3, 2), integers(2, 2, ____, 2), 2, 1`",
    ),
    core=False,
)
PAR = 28  # numbers in x and w together: the smallest case known here
LARGEST, MOST_NUMBERS = 100, 2000


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
    score = f"{count - len(left)} of {count} mistakes revealed by {x.size + w.size} numbers in x and w"
    if not left:
        return Verdict(True, None, f"{score}; par is {PAR}")
    name, why = _blind(*case)
    return Verdict(False, name, f"{score}. These survive: {'; '.join(left)}. {why}".strip(), "break what is alike")


LEFT_OUT = {
    "images not summed": "its shape tells, whatever the numbers are",
    "crop empty without padding": "its shape tells, whatever the numbers are",
    "kernel taken as square": "it would force the shape of the kernel on everybody",
}  # {mistake of lesson 03: why nobody has to reveal it}


def _mistakes(exercise):
    return [wrong for wrong in exercise.wrongs if wrong.name not in LEFT_OUT]


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
            got, _ = call(wrong.function, arguments)
            if same(got, right):
                left.append(f"{exercise.number} {wrong.name}")
    return left


def _unfit(x, w, dout, stride, pad):
    """Return why a case cannot be used, or None."""
    if max(stride, pad) > LARGEST:
        return f"stride and pad are integers up to {LARGEST}"
    if any(np.ndim(array) != 4 for array in (x, w, dout)):
        return "x, w and dout have four axes each: (N, C, H, W), (K, C, R, S), (N, K, Ho, Wo)"
    if sum(map(np.size, (x, w, dout))) > MOST_NUMBERS:
        return f"at most {MOST_NUMBERS:,} numbers in x, w and dout: a small case is wanted"
    finite(dout, "dout")
    try:
        shape = conv_forward(finite(x, "x"), finite(w, "w"), None, stride, pad, algorithm="im2col").shape
    except (ValueError, TypeError) as error:
        return f"the convolution itself does not run: {error}"
    return None if np.shape(dout) == shape else f"dout must have the output's shape {shape}, got {np.shape(dout)}"


def _blind(x, w, dout, stride, pad):
    """Return (name, why) of the first thing that hides mistakes in a case."""
    overlap = any(k > stride and n > 1 for k, n in zip(w.shape[2:], dout.shape[2:], strict=True))
    reasons = (
        (len(x) == 1, "one image", "N = 1: the mean over the images and the last image alone are the whole."),
        (len(w) == 1, "one filter", "K = 1: a mean over filters, or the first alone, is the whole."),
        (x.shape[1] == 1, "one channel", "C = 1: a channel cannot be taken for another one."),
        (np.ptp(dout) == 0, "dout all alike", "dout is the same everywhere: whoever ignores it is not seen."),
        (stride == 1, "stride 1", "s = 1: whoever ignores the stride is right."),
        (pad == 0, "no padding", "p = 0: whoever crops or pads in the wrong place is right."),
        (not overlap, "no overlap", "No two windows share a pixel: `=` and `+=` are the same."),
        ((w == w[:, :, ::-1, ::-1]).all(), "symmetric kernel", "The kernel equals itself turned round."),
    )
    return next(((name, why) for hides, name, why in reasons if hides), (None, ""))


def _case(x, w, stride, pad, ones=False):
    """Return a case of whole numbers with those shapes."""
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
    """N = 1 hides whoever forgets the other images."""
    return _case((1, 2, 3, 3), (2, 2, 3, 3), 2, 1)


@revealing.wrong
def one_filter():
    """K = 1 hides whoever forgets the other filters."""
    return _case((2, 2, 3, 3), (1, 2, 3, 3), 2, 1)


@revealing.wrong
def one_channel():
    """C = 1, and a kernel of 1 x 1."""
    return _case((2, 1, 3, 3), (2, 1, 1, 1), 2, 1)


@revealing.wrong
def dout_all_alike():
    """A sum as loss: dout is not needed."""
    return _case((2, 2, 3, 3), (2, 2, 3, 3), 2, 1, ones=True)


@revealing.wrong
def stride_1():
    """A course's own shapes: ignoring the stride passes."""
    return _case((4, 3, 5, 5), (2, 3, 3, 3), 1, 1)


@revealing.wrong
def no_padding():
    """Without padding the crop is never tested."""
    return _case((2, 2, 5, 5), (2, 2, 3, 3), 2, 0)


@revealing.wrong
def no_overlap():
    """Windows of 2 x 2 two apart hide `=` for `+=`."""
    return _case((2, 2, 4, 4), (2, 2, 2, 2), 2, 1)
