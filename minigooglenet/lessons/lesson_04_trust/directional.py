"""One direction for all parameters."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import identical, one_number

directional = Exercise(
    "04.4",
    "one direction for all parameters",
    "directional_check(f, params, grads, rng, h) -> relative error",
    minutes=10,
    difficulty=2,
    hints=(
        "How many forward passes do you need for seven million parameters?",
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
        ("a gradient whose errors cancel in the sum", cancel, False),
        ("a gradient with its rows in another order", {"weight": right["weight"][::-1], "bias": d}, False),
        ("a gradient of twice the size", {name: 2 * grad for name, grad in right.items()}, False),
    ]


MOST_CALLS = 3  # of f: to both sides, and where it is


@directional.judge
def directional_judge(function):
    params, planted = _planted()
    errors, moves = [], []

    def noted(moved):
        moves.append({name: np.asarray(moved[name]) - params[name] for name in params})
        return _loss(moved)

    for number, (_, grads, _) in enumerate(planted):
        given = {name: value.copy() for name, value in params.items()}
        loss = noted if number == 0 else _loss
        found = function(loss, given, grads, np.random.default_rng(number), 1e-5)
        errors.append(one_number(found, "the result of directional_check"))
        if not identical(params, given):
            return Verdict(
                False,
                "parameters not restored",
                "after the check the parameters are not what they were: taking h * d off again leaves round-off",
            )
    agree = [error < 1e-6 for error in errors]
    wrong_at = next((i for i, (*_, right) in enumerate(planted) if agree[i] != right), None)
    if wrong_at is not None:
        verdict = "passes" if agree[wrong_at] else "does not pass"
        what = f"{planted[wrong_at][0]} {verdict}, error {errors[wrong_at]:.2g}."
        return _mistake(_seen(moves, errors[0]), what)
    if abs(errors[-1] - 0.5) > 0.01:
        what = f"{planted[-1][0]} should have the error 0.5, yours is {errors[-1]:.2g}"
        return Verdict(False, None, f"{what}. Divide the difference by the larger of the two numbers")
    if len(moves) > MOST_CALLS:
        return _mistake("one direction for each array", f"f was called {len(moves)} times for two arrays.")
    if unused := _unused(function):
        return Verdict(False, None, unused)
    return Verdict(True, None, "it passes the right gradient and rejects four planted ones")


def _mistake(name, what):
    """Return the verdict on a known mistake, or on none: what is seen, then the advice of its docstring."""
    message = next((wrong.message for wrong in directional.wrongs if wrong.name == name), "")
    return Verdict(False, name, f"{what} {message}".strip())


def _seen(moves, error):
    """Return the name of the mistake that the points show at which the right gradient's loss was computed, or None."""
    if not moves:
        return None
    flat = [np.concatenate([move[name].ravel() for name in move]) for move in moves]
    far = max(abs(point).max() for point in flat)
    still = 1e-6 * far
    if far == 0:
        return None
    if not any(abs(move["bias"]).max() > still for move in moves):
        return "nothing for the biases"
    if all(np.ptp(point) <= still for point in flat):
        return "all ones"
    if len(flat) != 2:
        return None
    if min(abs(point).max() for point in flat) <= still:
        return "one sided"
    if abs(flat[0] + flat[1]).max() > still:
        return "two directions"
    return "divided by h" if abs(error - 0.5) < 1e-3 else None


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
    """The difference is doubled: the two sides are 2h apart."""
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


@directional.wrong
def one_direction_for_each_array(f, params, grads, rng, h):
    """Move all arrays at once: then two calls are enough, however many arrays there are."""
    found = []
    for name in params:
        along = {other: 0 * value for other, value in params.items()}
        along[name] = rng.standard_normal(params[name].shape)
        found.append(_check(f, params, grads, along, h))
    return max(found)
