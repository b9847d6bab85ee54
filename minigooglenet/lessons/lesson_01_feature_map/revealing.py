"""Exercise: a test case that distinguishes wrong convolutions from the right one."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import finite, integer, parts
from minigooglenet.kernels import conv2d
from minigooglenet.lessons.lesson_01_feature_map.whole_map import conv_forward

revealing = Exercise(
    "01.5",
    "a revealing test case",
    "(x, w, stride, pad): small arrays for which six wrong programs differ from the right one",
    minutes=10,
    difficulty=2,
    hints=(
        "Which of the six programs does your test case miss? Start with the one that the check names.",
        (
            "List what each program confuses, and break that symmetry: two images, two channels, different height and "
            "width, a kernel that looks different upside down, a stride above 1, padding. Make all values different."
        ),
        "`x = np.arange(1, ____).reshape(2, 2, 3, 5), w = np.arange(1, 9).reshape(1, 2, 2, 2)`, with stride 2, pad 1",
    ),
    core=False,
)
MOST_VALUES = 1000


@revealing.judge
def revealing_judge(answer):
    x, w, stride, pad = parts(answer, ("x", "w", "stride", "pad"))
    x, w, stride, pad = finite(x, "x"), finite(w, "w"), integer(stride, "stride"), integer(pad, "pad")
    try:
        if max(stride, pad) > MOST_VALUES:
            raise ValueError(f"stride and pad must be at most {MOST_VALUES}, got {stride} and {pad}")
        b = np.zeros(w.shape[0] if w.ndim else 0)
        right = conv2d.forward(x, w, b, stride, pad, algorithm="im2col")
    except (TypeError, ValueError) as error:
        return Verdict(
            False, None, f"the engine cannot use (x, w, stride, pad): {error}", "x (N, C, H, W), w (K, C, R, S)"
        )
    if x.size + w.size > MOST_VALUES or not np.array_equal(np.rint([*x.flat, *w.flat]), [*x.flat, *w.flat]):
        return Verdict(False, None, f"use integers, at most {MOST_VALUES} values, so that differences are exact", "")
    programs = {wrong.name: wrong.function for wrong in conv_forward.wrongs}
    whys = {wrong.name.removesuffix(" survives"): wrong.message for wrong in revealing.wrongs}
    survivors = [name for name in whys if np.array_equal(_or_none(programs[name], x, w, b, stride, pad), right)]
    kills = f"{len(whys) - len(survivors)} of {len(whys)} wrong programs give a wrong result on your test case"
    if not survivors:
        return Verdict(True, None, f"{kills}, which has {x.size + w.size} values. Can you do it with fewer?")
    first = survivors[0]
    also = f" ({', '.join(survivors[1:])} too)" if survivors[1:] else ""
    return Verdict(False, f"{first} survives", f"{kills}. '{first}' returns the right output{also}: {whys[first]}")


def _or_none(function, *arguments):
    try:
        return function(*arguments)
    except (TypeError, ValueError, IndexError):  # a program that raises counts as different
        return None


_X, _W = np.arange(1, 61).reshape(2, 2, 3, 5), np.arange(1, 9).reshape(1, 2, 2, 2)

revealing.reference((_X, _W, 2, 1))
revealing.right((_X[:, :, :2, :4].tolist(), _W.tolist(), 2, 1))
revealing.right((_X**2, _W - 4, 2, 1))


@revealing.wrong
def kernel_flipped_survives():
    """your kernel does not change if it is rotated by 180 degrees, or it reads only zeros"""
    return _X, np.ones((1, 2, 2, 2)) * [[[3]], [[5]]], 2, 1


@revealing.wrong
def channels_reversed_survives():
    """with one channel, or with equal channels, the order of the channels makes no difference"""
    return _X[:, :1], _W[:, :1], 2, 1


@revealing.wrong
def first_image_copied_survives():
    """with one image, or with equal images, it makes no difference which one is used"""
    return _X[:1], _W, 2, 1


@revealing.wrong
def height_and_width_exchanged_survives():
    """your output is square, so exchanging its height and width makes no difference"""
    return _X[:, :, :, :3], _W, 2, 1


@revealing.wrong
def stride_ignored_survives():
    """at stride 1, or with a single window, the stride makes no difference"""
    return _X, _W, 1, 1


@revealing.wrong
def edge_padding_survives():
    """without padding, or if the border of the image is zero, the kind of padding makes no difference"""
    return _X, _W, 2, 0
