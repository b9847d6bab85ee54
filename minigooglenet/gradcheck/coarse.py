"""Low precision inside the checked functions: results with 3 or 7 correct digits, too few to decide.

float32 inside `backward` makes it a staircase: a change of 1e-12 in the upstream gradient or in x leaves every bit of
the result unchanged. An error that such steps explain is not a mistake in the formula.
"""

import numpy as np

from minigooglenet.gradcheck.differences import forward_noise
from minigooglenet.gradcheck.noise import FINE, grid
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE
from minigooglenet.gradcheck.subject import CheckError

WIDTHS = (2.0**-28, 2.0**-24, 2.0**-20, 2.0**-16, 2.0**-12, 2.0**-8, 2.0**-4)
SINGLE, HALF = 2e-6, 4e-3  # error of a gradient in float32 and float16, relative to its largest entry


def excuse(subject, grad_y, stages) -> None:
    """Turn each FAIL that low precision explains into INCONCLUSIVE, and name the cause.

    The `error` of a finding is in units of the gradient; findings without one do not change. If the output of forward
    changes in steps, the integers of stage 1 decide nothing. The indices decide, because their differences take the
    height of the steps into account.
    """
    findings = [
        f for stage in stages for f in stage.findings if f.verdict == FAIL and None not in (f.error, f.argument)
    ]
    if not findings:
        return
    exact = [f for stage in stages if stage.number == 1 for f in stage.findings]
    try:
        gradients = subject.gradients(grad_y)
        backward = _of_backward(subject, grad_y, gradients)
        forward = _of_forward(subject, grad_y)
    except CheckError:
        return
    for finding in findings:
        i = subject.names.index(finding.argument)
        largest = float(np.abs(gradients[i]).max(initial=0))
        for who, cause in (("backward", backward.get(i)), ("forward", forward)):
            if cause is None:
                continue
            if finding.error <= _bound(cause, largest) or (who == "forward" and any(finding is f for f in exact)):
                finding.verdict = INCONCLUSIVE
                finding.sentence = (
                    f"{finding.argument}: the gradients agree only to {finding.error:.1g}, because the result of {who} "
                    f"changes in steps: {cause}. Compute in float64 to decide."
                )
                break


def _of_forward(subject, grad_y):
    noises = [forward_noise(subject, i, grad_y) for i in subject.floats if np.size(subject.arrays[i])]
    return next((noise.cause for noise in noises if noise.cause), None)


def _bound(cause, largest):
    if "decimal" in cause:
        return 10.0 ** -int(cause.split(" to ")[1].split()[0])
    if "integers" in cause:
        return 0.0  # a gradient truncated to integers is wrong
    return (SINGLE if "float32" in cause else HALF) * largest


def _of_backward(subject, grad_y, gradients):
    """Return {position: cause} of the gradients that do not change although they should."""
    rng = np.random.default_rng(0)
    factors = {i: rng.uniform(1, 2, np.shape(subject.arrays[i])) for i in subject.floats}
    factors_of_grad = rng.uniform(1, 2, np.shape(grad_y))

    def upstream(scale):
        return subject.gradients(grad_y * (1 + scale * factors_of_grad))

    def arrays(scale):
        moved = [a * (1 + scale * factors[i]) if i in factors else a for i, a in enumerate(subject.arrays)]
        return subject.gradients(grad_y, moved)

    causes = {}
    for move in (upstream, arrays):
        near, *further = move(FINE), move(2.0**-8), move(2.0**-7), move(2.0**-6)
        for i, gradient in gradients.items():
            change, twice, four = (np.abs(far[i] - gradient) for far in further)
            # A mask changes few entries by any amount; a rounded value changes in proportion to the step.
            moving = (change > 0) & (np.abs(twice - 2 * change) < change) & (np.abs(four - 2 * twice) < twice)
            still = moving & (near[i] == gradient)
            most = moving.any() and 2 * moving.sum() >= (gradient != 0).sum()
            if i not in causes and most and 2 * still.sum() >= moving.sum():
                causes[i] = grid(gradient) or _width(move, i, gradient, moving)
    return causes


def _width(move, i, gradient, moving):
    for scale in WIDTHS:
        if 2 * ((move(scale)[i] != gradient) & moving).sum() >= moving.sum():
            break
    if scale <= 2.0**-18:
        return "values inside are float32, with 7 digits"
    return "values inside are float16 or rounded, with about 3 digits"
