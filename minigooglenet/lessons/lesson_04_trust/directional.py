"""Exercise: a directional derivative that checks all parameters at once."""

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
        "Draw a direction d for every array, biases too. Compare (f(p + h d) - f(p - h d)) / 2h with the sum of g * d.",
        "`analytic = sum((grads[name] * ____[name]).sum() for name in params)`",
    ),
)


def _loss(params):
    """A small loss of two arrays, not linear in either."""
    y = np.tanh(params["weight"] @ np.array([0.5, -1.0, 2.0]) + params["bias"])
    return float((y**2 * np.array([1.0, 2.0, 3.0, 4.0])).sum())


def _other_loss(params):
    """Another loss, of arrays with different names."""
    return float((params["scale"] * params["shift"] ** 2).sum())


def _planted():
    """Return (params, [(description, gradients, whether they are correct)])."""
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
        ("the correct gradient", right, True),
        ("a gradient without the bias gradient", {"weight": right["weight"], "bias": 0 * d}, False),
        ("a gradient whose errors cancel in the sum", cancel, False),
        ("a gradient with its rows in the wrong order", {"weight": right["weight"][::-1], "bias": d}, False),
        ("twice the correct gradient", {name: 2 * grad for name, grad in right.items()}, False),
    ]


MOST_CALLS = 3  # of f: at both sides, and at the parameters themselves


@directional.judge
def directional_judge(function):
    params, planted = _planted()
    errors, moves = [], []

    def noted(moved):
        moves.append({name: np.asarray(moved[name]) - params[name] for name in params})
        return _loss(moved)

    for number, (_, grads, _) in enumerate(planted):
        copies = {name: value.copy() for name, value in params.items()}
        loss = noted if number == 0 else _loss
        error = function(loss, copies, grads, np.random.default_rng(number), 1e-5)
        errors.append(one_number(error, "the result of directional_check"))
        if not identical(params, copies):
            return Verdict(
                False,
                "parameters not restored",
                "the check changed the parameters: subtracting h * d again leaves round-off error. Work on copies",
            )
    agree = [error < 1e-6 for error in errors]
    wrong_at = next((i for i, (*_, right) in enumerate(planted) if agree[i] != right), None)
    if wrong_at is not None:
        verdict = "passes" if agree[wrong_at] else "does not pass"
        what = f"{planted[wrong_at][0]} {verdict}: your error is {errors[wrong_at]:.2g}."
        return _mistake(_diagnosis(moves, errors[0]), what)
    if abs(errors[-1] - 0.5) > 0.01:
        what = f"{planted[-1][0]} must have the error 0.5, yours is {errors[-1]:.2g}"
        return Verdict(False, None, f"{what}. Divide the difference by the larger of the two numbers")
    if len(moves) > MOST_CALLS:
        return _mistake("one direction for each array", f"f was called {len(moves)} times for two arrays.")
    if unused := _unused(function):
        return Verdict(False, None, unused)
    return Verdict(True, None, "it passes the correct gradient and rejects four wrong ones")


def _mistake(name, what):
    """Return the verdict on a known mistake, or on an unknown one: the observation, then the mistake's advice."""
    message = next((wrong.message for wrong in directional.wrongs if wrong.name == name), "")
    return Verdict(False, name, f"{what} {message}".strip())


def _diagnosis(moves, error):
    """Return the mistake that follows from the points at which the loss was computed, or None."""
    if not moves:
        return None
    flat = [np.concatenate([move[name].ravel() for name in move]) for move in moves]
    largest = max(abs(point).max() for point in flat)
    limit = 1e-6 * largest  # up to this, a value has not moved
    if largest == 0:
        return None
    if not any(abs(move["bias"]).max() > limit for move in moves):
        return "biases not moved"
    if all(np.ptp(point) <= limit for point in flat):
        return "all ones"
    if len(flat) != 2:
        return None
    if min(abs(point).max() for point in flat) <= limit:
        return "one sided"
    if abs(flat[0] + flat[1]).max() > limit:
        return "two directions"
    return "divided by h" if abs(error - 0.5) < 1e-3 else None


def _unused(function):
    """Return a sentence about an argument that is not used, or None."""
    shift, scale = np.linspace(-2, 2.5, 20), np.linspace(3, 1, 20)
    params = {"shift": shift, "scale": scale}
    right = {"shift": 2 * scale * shift, "scale": shift**2}
    moves = []
    for seed, h in ((0, 1e-5), (0, 2e-5), (1, 1e-5)):
        points = []

        def noted(moved, points=points):
            points.append(np.concatenate([moved[name] - params[name] for name in params]))
            return _other_loss(moved)

        copies = {name: value.copy() for name, value in params.items()}
        error = one_number(function(noted, copies, right, np.random.default_rng(seed), h), "the result")
        if not error < 1e-6:
            return f"the correct gradient of another loss, with other arrays, does not pass: your error is {error:.2g}"
        if not points:
            return "f is not called"
        moves.append(max(points, key=lambda point: abs(point).max()))
    first, doubled, redrawn = moves
    if abs(doubled).max() < 1.5 * abs(first).max():
        return "h is not used: with h = 2e-5 the parameters move as far as with 1e-5"
    if any(np.allclose(first, sign * redrawn, rtol=1e-3, atol=1e-9) for sign in (1, -1)):
        return "rng is not used: two different generators give the same direction"
    return None


def _check(f, params, grads, direction, h, back=None, divisor=2.0):
    """Return the relative error along {name: direction}; `back` is the direction on the minus side."""
    back = direction if back is None else back
    up = f({name: value + h * direction[name] for name, value in params.items()})
    down = f({name: value - h * back[name] for name, value in params.items()})
    numerical = (up - down) / (divisor * h)
    analytic = sum((grads[name] * direction[name]).sum() for name in params)
    return abs(numerical - analytic) / max(abs(numerical), abs(analytic), 1e-30)


def _draw(params, rng):
    return {name: rng.standard_normal(value.shape) for name, value in params.items()}


@directional.reference
def directional_reference(f, params, grads, rng, h):
    return _check(f, params, grads, _draw(params, rng), h)


@directional.right
def directional_along_signs(f, params, grads, rng, h):
    direction = {name: rng.choice([-1.0, 1.0], value.shape) for name, value in params.items()}
    return _check(f, params, grads, direction, h)


@directional.wrong
def biases_not_moved(f, params, grads, rng, h):
    """A mistake in the bias gradient passes your check: move every array."""
    direction = _draw(params, rng)
    return _check(f, params, grads, {**direction, "bias": 0 * direction["bias"]}, h)


@directional.wrong
def all_ones(f, params, grads, rng, h):
    """Your check misses errors that cancel and entries that are exchanged: draw the direction at random."""
    return _check(f, params, grads, {name: np.ones_like(value) for name, value in params.items()}, h)


@directional.wrong
def two_directions(f, params, grads, rng, h):
    """The minus side and the plus side use different directions: draw one direction and use it for both."""
    return _check(f, params, grads, _draw(params, rng), h, back=_draw(params, rng))


@directional.wrong
def divided_by_h(f, params, grads, rng, h):
    """Your numerical derivative is twice the correct one: the two points are 2h apart, so divide by 2h."""
    return _check(f, params, grads, _draw(params, rng), h, divisor=1.0)


@directional.wrong
def one_sided(f, params, grads, rng, h):
    """The error of a one-sided difference is proportional to h: use (f(p + h d) - f(p - h d)) / 2h."""
    direction = _draw(params, rng)
    unmoved = {name: 0 * value for name, value in direction.items()}
    return _check(f, params, grads, direction, h, back=unmoved, divisor=1.0)


@directional.wrong
def parameters_not_restored(f, params, grads, rng, h):
    """Your check changes the parameters: work on copies."""
    direction = _draw(params, rng)
    for name in params:
        params[name] += h * direction[name]
    return _check(f, params, grads, direction, h)


@directional.wrong
def one_direction_for_each_array(f, params, grads, rng, h):
    """Move all arrays at once: then two calls are enough for any number of arrays."""
    errors = []
    for name in params:
        direction = {other: 0 * value for other, value in params.items()}
        direction[name] = rng.standard_normal(params[name].shape)
        errors.append(_check(f, params, grads, direction, h))
    return max(errors)
