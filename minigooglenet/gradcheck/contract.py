"""Stage 0, the contract: what the functions return, before any value is compared. Every fault is a finding."""

import numpy as np

from minigooglenet.gradcheck import diagnosis
from minigooglenet.gradcheck.differences import backward_noise, central_differences, typical_size
from minigooglenet.gradcheck.outputs import misread
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE, PASS, Finding
from minigooglenet.gradcheck.subject import CheckError, as_tuple


def check(subject, rng):
    """Return (findings, suspects, grad_y); grad_y is None if `backward` cannot be compared at all."""
    findings = []
    before = [np.array(array) for array in subject.arrays]
    try:
        result = subject.forward(*subject.arrays)
        sentence = misread(result)
        if sentence:
            return [_fail(sentence)], [], None
        first = np.array(result)
        second = np.array(subject.forward(*subject.arrays))
    except CheckError as error:
        return [_fail(str(error))], [], None
    findings += _unchanged(subject, before, "forward")
    if first.dtype.kind not in "f":
        return [*findings, _fail(f"forward returned {first.dtype}, not floats")], [], None
    if not np.array_equal(first, second, equal_nan=True):
        sentence = (
            "forward returned different results for the same input. "
            "Fix the random seed, or draw the dropout mask outside of forward."
        )
        return [*findings, _fail(sentence)], [], None
    if first.dtype.itemsize < 8:
        sentence = f"forward returned {first.dtype} for float64 inputs, so precision is lost"
        if subject.operation is not None:
            return [*findings, _fail(sentence)], [], None
        findings.append(Finding(INCONCLUSIVE, f"{sentence}. Compute in float64 to decide."))
    if not np.isfinite(first).all():
        bad = int((~np.isfinite(first)).sum())
        sentence = f"forward returned {bad} value{'s that are' if bad != 1 else ' that is'} not finite"
        return [*findings, _fail(sentence)], [], None
    findings += _empty(subject, first)
    # Random, and never all ones: an upstream gradient of ones hides flips, shifts and missing factors.
    grad_y = rng.uniform(0.5, 1.5, first.shape) * rng.choice([-1.0, 1.0], first.shape)
    more, suspects, usable = _backward(subject, grad_y, before)
    return findings + more, suspects, grad_y if usable else None


def _empty(subject, y):
    """Return an INCONCLUSIVE finding for each array without elements, because nothing in it can be compared."""
    findings = []
    for i in subject.floats:
        if not np.size(subject.arrays[i]):
            name, shape = subject.names[i], np.shape(subject.arrays[i])
            sentence = (
                f"{name} has shape {shape}: it has no elements, so nothing is compared. Pass at least one element."
            )
            findings.append(Finding(INCONCLUSIVE, sentence, name))
    if not y.size and not findings:
        sentence = f"forward returned shape {y.shape}, which has no elements, so nothing is compared"
        findings.append(Finding(INCONCLUSIVE, sentence))
    return findings


def _backward(subject, grad_y, before):
    given = grad_y.copy()
    try:
        gradients = as_tuple(subject.backward(grad_y, *subject.arrays))
        again = as_tuple(subject.backward(grad_y, *subject.arrays))
    except CheckError as error:
        return [_fail(str(error))], [], False
    findings = _unchanged(subject, before, "backward")
    if not np.array_equal(grad_y, given):
        findings.append(_fail("backward modified its upstream gradient. Work on a copy."))
        grad_y[...] = given
    expected = [subject.names[i] for i in subject.floats]
    if len(gradients) not in (len(expected), len(subject.arrays)):
        counts = f"{_many(len(gradients), 'gradient')} for {_many(len(expected), 'input')}"
        sentence = f"backward returned {counts}: {', '.join(expected)}"
        return [*findings, _fail(sentence)], [], False
    gradients = subject.by_position(gradients)
    more, suspects = _dtypes_and_shapes(subject, gradients, grad_y)
    if more:
        return findings + more, suspects, False
    for i, other in zip(subject.floats, subject.by_position(again).values(), strict=True):
        if not np.array_equal(gradients[i], other, equal_nan=True):
            findings.append(
                _fail(f"backward returned different gradients of {subject.names[i]} for the same arguments")
            )
    for i, gradient in gradients.items():
        if any(np.shares_memory(gradient, a) for a in (*subject.arrays, grad_y) if isinstance(a, np.ndarray)):
            view = f"the gradient of {subject.names[i]} is a view of an argument"
            sentence = f"{view}, so changing one changes both. Copy it before you change it."
            findings.append(Finding(PASS, sentence, subject.names[i]))
    more, ignoring = _linear_in_upstream(subject, grad_y)
    findings += more
    suspects += ignoring
    sentence = subject.remembers() if subject.remembers else None
    if sentence:
        findings.append(_fail(sentence))
    return findings, suspects, True


def _dtypes_and_shapes(subject, gradients, grad_y):
    findings, suspects = [], []
    for i, gradient in gradients.items():
        name, shape = subject.names[i], np.shape(subject.arrays[i])
        if gradient is None:
            findings.append(_fail(f"backward returned no gradient (None) for {name}", name))
        elif not isinstance(gradient, (np.ndarray, np.floating, float)):
            findings.append(_fail(f"the gradient of {name} is a {type(gradient).__name__}, not an array", name))
        elif np.asarray(gradient).dtype.kind != "f":
            findings.append(
                _fail(f"the gradient of {name} is {np.asarray(gradient).dtype}, but gradients must be floats", name)
            )
        elif np.asarray(gradient).dtype.itemsize < np.asarray(subject.arrays[i]).dtype.itemsize:
            dtypes = f"{np.asarray(gradient).dtype} but its input is {np.asarray(subject.arrays[i]).dtype}"
            findings.append(_fail(f"the gradient of {name} is {dtypes}, so precision is lost", name))
        elif np.shape(gradient) != shape:
            findings.append(
                _fail(f"the gradient of {name} has shape {np.shape(gradient)}, but {name} has {shape}", name)
            )
            if np.size(subject.arrays[i]) <= 2000:
                right = central_differences(subject, i, grad_y).gradient.reshape(shape)
                suspects += diagnosis.wrong_shape(name, np.asarray(gradient), right)
        elif not np.isfinite(gradient).all():
            findings.append(_fail(f"the gradient of {name} contains values that are not finite", name))
    return findings, suspects


def _linear_in_upstream(subject, grad_y):
    """Check that backward is linear in the upstream gradient: doubling grad_y doubles the result."""
    other = np.roll(grad_y, 1) * 0.7 + 0.1
    one, two, both = (subject.gradients(g) for g in (grad_y, other, 2 * grad_y - 3 * other))
    y = np.abs(np.asarray(subject.forward(*subject.arrays), np.float64))
    findings, suspects = [], []
    for i in subject.floats:
        if not np.size(subject.arrays[i]):
            continue
        expected = 2 * one[i] - 3 * two[i]
        # Terms that cancel leave round-off, which is not linear, but small compared with the outputs per input.
        typical = float(np.sum(y * np.abs(grad_y))) / typical_size(np.asarray(subject.arrays[i], np.float64))
        largest = max(float(np.abs(2 * one[i]).max(initial=0)), float(np.abs(3 * two[i]).max(initial=0)), 1e-300)
        error = float(np.abs(both[i] - expected).max(initial=0))
        if (
            error > 1e-7 * largest
            and error > 1e-13 * typical
            and error > 100 * backward_noise(subject, i, grad_y).max()
        ):
            name = subject.names[i]
            sentence = (
                f"the gradient of {name} is not linear in the upstream gradient. "
                "Is grad_y used exactly once, as a factor?"
            )
            findings.append(Finding(FAIL, sentence, name, error=error / 5))
            if np.array_equal(one[i], two[i]):
                suspects.append(f"upstream gradient ignored: the gradient of {name} does not depend on grad_y at all")
    return findings, suspects


def _unchanged(subject, before, who):
    findings = []
    for name, array, kept in zip(subject.names, subject.arrays, before, strict=True):
        if not np.array_equal(array, kept, equal_nan=array.dtype.kind == "f"):
            index = tuple(int(i) for i in np.argwhere(array != kept)[0])
            change = f"{name}{list(index)} was {kept[index]:g} and is now {array[index]:g}"
            findings.append(_fail(f"{who} modified its input: {change}"))
            array[...] = kept
    return findings


def _many(count, noun):
    return f"{count} {noun}{'s' * (count != 1)}"


def _fail(sentence, argument=None):
    return Finding(FAIL, sentence, argument)
