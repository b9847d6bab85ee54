"""Lesson 04: the small case that reveals, and one direction for all parameters."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.outputs import call, finite, identical, one_number, same
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
)
PAR = 28  # numbers in x and w together: the smallest case known here
LARGEST, MOST_NUMBERS = 100, 2000


@revealing.judge
def revealing_judge(case):
    case = plain(case() if callable(case) else case)
    problem = _unfit(case)
    if problem:
        return Verdict(False, None, problem)
    case = (*(np.asarray(array, float) for array in case[:3]), *case[3:])
    x, w, *_ = case
    left = survivors(*case)
    count = sum(len(exercise.wrongs) for exercise in (conv_db, conv_dw, conv_dx))
    score = f"{count - len(left)} of {count} mistakes revealed by {x.size + w.size} numbers in x and w"
    if not left:
        return Verdict(True, None, f"{score}; par is {PAR}")
    name, why = _blind(*case)
    return Verdict(False, name, f"{score}. These survive: {'; '.join(left)}. {why}".strip(), "break what is alike")


def survivors(x, w, dout, stride, pad) -> list[str]:
    """Return the mistakes of lesson 03 that a case does not reveal, as "03.2 stride ignored"."""
    left = []
    for exercise, arguments in (
        (conv_db, (dout,)),
        (conv_dw, (x, dout, w.shape, stride, pad)),
        (conv_dx, (dout, w, x.shape, stride, pad)),
    ):
        right, _ = call(exercise.reference_function, arguments)
        for wrong in exercise.wrongs:
            got, _ = call(wrong.function, arguments)
            if same(got, right):
                left.append(f"{exercise.number} {wrong.name}")
    return left


def _unfit(case):
    """Return what is wrong with the form of a case, or None."""
    if not isinstance(case, (tuple, list)) or len(case) != 5:
        return "a case is five things: x, w, dout, stride, pad"
    x, w, dout, stride, pad = case
    if any(type(value) is not int or value > LARGEST for value in (stride, pad)):
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


directional = Exercise(
    "04.4",
    "one direction for all parameters",
    "directional_check(f, params, grads, rng, h) -> relative error",
    minutes=10,
    difficulty=2,
    hints=(
        "How many forwards do you need for seven million parameters?",
        "Draw a direction d for every array, biases too. Hold (f(p + h d) - f(p - h d)) / 2h against the sum of g * d.",
        "`expected = sum((grads[name] * ____[name]).sum() for name in params)`",
    ),
)


def _loss(params):
    """A small loss of two arrays, curved in both."""
    y = np.tanh(params["weight"] @ np.array([0.5, -1.0, 2.0]) + params["bias"])
    return float((y**2 * np.array([1.0, 2.0, 3.0, 4.0])).sum())


def _other_loss(params):
    """Another loss, of arrays with other names."""
    return float((params["scale"] * params["shift"] ** 2).sum())


def _planted():
    """Return (params, [(what, gradients, whether right)])."""
    rng = np.random.default_rng(44)
    params = {"weight": rng.standard_normal((4, 3)), "bias": rng.standard_normal(4)}
    x, scale = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0])
    y = np.tanh(params["weight"] @ x + params["bias"])
    d = 2 * scale * y * (1 - y**2)
    right = {"weight": np.outer(d, x), "bias": d}
    cancel = {"weight": right["weight"].copy(), "bias": d}
    noise = rng.standard_normal((4, 3))
    cancel["weight"] += noise - noise.mean()
    return params, [
        ("the right gradient", right, True),
        ("a bias's gradient forgotten", {"weight": right["weight"], "bias": 0 * d}, False),
        ("errors that cancel in the sum", cancel, False),
        ("a gradient with its rows in another order", {"weight": right["weight"][::-1], "bias": d}, False),
        ("a gradient of twice the size", {name: 2 * grad for name, grad in right.items()}, False),
    ]


@directional.judge
def directional_judge(function):
    params, planted = _planted()
    errors = []
    for number, (_, grads, _) in enumerate(planted):
        given = {name: value.copy() for name, value in params.items()}
        found = function(_loss, given, grads, np.random.default_rng(number), 1e-5)
        errors.append(one_number(found, "the result of directional_check"))
        if not identical(params, given):
            return Verdict(False, "parameters not restored", "after the check the parameters are not what they were")
    agree = [error < 1e-6 for error in errors]
    wrong_at = next((i for i, (*_, right) in enumerate(planted) if agree[i] != right), None)
    if wrong_at is None and (unused := _unused(function)):
        return Verdict(False, None, unused)
    if wrong_at is None:
        return Verdict(True, None, "it passes the right gradient and rejects four planted ones")
    name = {
        (True, True, False, False, False): "nothing for the biases",
        (True, False, True, True, False): "all ones",
    }.get(tuple(agree))
    if name is None and not agree[0]:
        name = "divided by h" if abs(errors[0] - 0.5) < 0.01 else "one sided" if errors[0] < 1e-2 else "two directions"
    message = next((wrong.message for wrong in directional.wrongs if wrong.name == name), "")
    verdict = "passes" if agree[wrong_at] else "does not pass"
    return Verdict(False, name, f"{planted[wrong_at][0]} {verdict}, error {errors[wrong_at]:.2g}. {message}".strip())


def _unused(function):
    """Return a sentence about an argument that makes no difference, or None."""
    shift, scale = np.linspace(-2, 2.5, 20), np.linspace(3, 1, 20)
    params = {"shift": shift, "scale": scale}
    right = {"shift": 2 * scale * shift, "scale": shift**2}
    moves = []
    for seed, h in ((0, 1e-5), (0, 2e-5), (1, 1e-5)):
        points = []

        def noted(moved, points=points):
            points.append(np.concatenate([moved[name] - params[name] for name in params]))
            return _other_loss(moved)

        given = {name: value.copy() for name, value in params.items()}
        error = one_number(function(noted, given, right, np.random.default_rng(seed), h), "the result")
        if not error < 1e-6:
            return f"the right gradient of another loss, with other arrays, does not pass, error {error:.2g}"
        if not points:
            return "f is not called"
        moves.append(max(points, key=lambda point: abs(point).max()))
    near, far, turned = moves
    if abs(far).max() < 1.5 * abs(near).max():
        return "h is not used: with h = 2e-5 the parameters move as far as with 1e-5"
    if any(np.allclose(near, sign * turned, rtol=1e-3, atol=1e-9) for sign in (1, -1)):
        return "rng is not used: the direction is the same, whatever it draws"
    return None


def _check(f, params, grads, along, h, back=None, divisor=2.0):
    """Return the relative error along {name: direction}; `back` is the direction of the other side."""
    back = along if back is None else back
    up = f({name: value + h * along[name] for name, value in params.items()})
    down = f({name: value - h * back[name] for name, value in params.items()})
    numeric = (up - down) / (divisor * h)
    expected = sum((grads[name] * along[name]).sum() for name in params)
    return abs(numeric - expected) / max(abs(numeric), abs(expected), 1e-30)


def _draw(params, rng):
    return {name: rng.standard_normal(value.shape) for name, value in params.items()}


@directional.reference
def directional_reference(f, params, grads, rng, h):
    return _check(f, params, grads, _draw(params, rng), h)


@directional.right
def directional_along_signs(f, params, grads, rng, h):
    along = {name: rng.choice([-1.0, 1.0], value.shape) for name, value in params.items()}
    return _check(f, params, grads, along, h)


@directional.wrong
def nothing_for_the_biases(f, params, grads, rng, h):
    """The planted mistake in the bias passes: move every array."""
    along = _draw(params, rng)
    return _check(f, params, grads, {**along, "bias": 0 * along["bias"]}, h)


@directional.wrong
def all_ones(f, params, grads, rng, h):
    """Errors that cancel, and any exchange of entries, pass: draw the direction at random."""
    return _check(f, params, grads, {name: np.ones_like(value) for name, value in params.items()}, h)


@directional.wrong
def two_directions(f, params, grads, rng, h):
    """The minus side went another way: draw the direction once and use it for both."""
    return _check(f, params, grads, _draw(params, rng), h, back=_draw(params, rng))


@directional.wrong
def divided_by_h(f, params, grads, rng, h):
    """The difference is twice too large: the two sides are 2h apart."""
    return _check(f, params, grads, _draw(params, rng), h, divisor=1.0)


@directional.wrong
def one_sided(f, params, grads, rng, h):
    """The error shrinks only as h: take f(p + h d) - f(p - h d), over 2h."""
    along = _draw(params, rng)
    still = {name: 0 * value for name, value in along.items()}
    return _check(f, params, grads, along, h, back=still, divisor=1.0)


@directional.wrong
def parameters_not_restored(f, params, grads, rng, h):
    """The check left the parameters moved: work on copies."""
    along = _draw(params, rng)
    for name in params:
        params[name] += h * along[name]
    return _check(f, params, grads, along, h)
