"""The ladder: five rungs from cheap and exact to thorough, and what each of them found."""

import time

import numpy as np

from minigooglenet.gradcheck import contract, diagnosis
from minigooglenet.gradcheck.coarse import excuse
from minigooglenet.gradcheck.differences import STEP, along, complex_step, slopes
from minigooglenet.gradcheck.evidence import Evidence
from minigooglenet.gradcheck.noise import EPS
from minigooglenet.gradcheck.place import relative_error, search, worst_index
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE, PASS, Finding, Report, worst
from minigooglenet.gradcheck.settle import AGREES, KINK, OUTSIDE, WRONG
from minigooglenet.gradcheck.subject import CheckError

MOST_INDICES = 3000  # of one array; above it, some are drawn and the rest is searched by halves
DRAWN = 60


def climb(subject, rng) -> Report:
    """Check a Subject on every rung that its kind allows."""
    report = Report(subject.title)
    try:
        with np.errstate(all="ignore"):
            _rungs(subject, rng, report)
    except (CheckError, ValueError, TypeError, IndexError) as error:
        report.findings.append(Finding(FAIL, f"{error} (near the given input, after it had worked there)"))
    return report


def _rungs(subject, rng, report):
    started = time.perf_counter()
    findings, suspects, grad_y = contract.check(subject, rng)
    report.findings += findings
    report.suspects += suspects
    outcome = "shapes, kinds, repeatable, nothing changed, linear in the upstream gradient"
    report.add_rung(0, "contract", outcome if grad_y is not None else "cannot be compared", findings, started)
    if grad_y is None:
        return
    for number, title, rung in ((1, "exact", _exact), (2, "one direction", _direction), (3, "every index", _indices)):
        started = time.perf_counter()
        findings, outcome = rung(subject, grad_y, rng, report)
        report.findings += findings
        report.add_rung(number, title, outcome, findings, started)
    _reconcile(subject, report)
    excuse(subject, grad_y, report.rungs)
    for rung in report.rungs:
        rung.verdict = worst(rung.findings)
    if report.verdict != FAIL:
        report.suspects.clear()
        report.evidences.clear()
    if report.verdict == FAIL and report.evidences:
        started = time.perf_counter()
        exact, places = diagnosis.suspects(report.evidences)
        report.suspects += exact or places
        outcome = f"{len(exact)} suspect(s) predict exactly what backward returned"
        report.add_rung(4, "diagnosis", outcome, [], started)
        started = time.perf_counter()
        outcome = "the worst index and an error map, below; report.figure() draws it"
        if report.place:  # made here, so that this rung's cost is its own
            report.add_rung(5, "place", outcome, [], started)


def _reconcile(subject, report):
    """Where every index of an argument agrees, the difference along one direction was the worse measurement."""
    wrong = {f.argument for f in report.rungs[3].findings if f.verdict != PASS}
    for finding in report.rungs[2].findings:
        size = np.size(subject.arrays[subject.names.index(finding.argument)])
        if finding.verdict == FAIL and finding.argument not in wrong and size <= MOST_INDICES:
            finding.verdict = PASS
            finding.sentence += "; every index agrees, so round-off or a kink disturbs this direction"


def _exact(subject, grad_y, rng, report):
    """On small integers a linear function and its backward agree to the last bit: <g, f(x + v) - f(x)> == <b, v>."""
    arrays = [
        rng.integers(-3, 4, np.shape(a)).astype(float) if i in subject.floats else a
        for i, a in enumerate(subject.arrays)
    ]
    integers = rng.integers(1, 4, np.shape(grad_y)) * rng.choice([-1.0, 1.0], np.shape(grad_y))
    findings, checked = [], []
    for position in subject.floats:
        try:
            change, v, noise = _linear_change(subject, arrays, position, rng)
            if change is None:
                continue
            moved = subject.gradients(integers, arrays)[position]
            if not np.isfinite(moved).all():
                continue  # the derivative's domain leaves these integers out
            twice, thrice = (subject.gradients(k * integers, arrays)[position] for k in (2.0, 3.0))
        except CheckError:
            continue  # integers are not for every function; the other rungs decide
        name = subject.names[position]
        left, right = float(np.sum(integers * change)), float(np.sum(moved * v))
        checked.append(name)
        report.linear.add(name)
        noise = float(np.sum(np.abs(integers) * noise))
        noise += float(np.sum(np.abs(thrice - 2 * twice + moved) * np.abs(v)))
        if not abs(left - right) <= _round_off(change, moved, integers, v) + 16 * noise:
            sentence = f"{name}: on integers, sum(g * (f(x + v) - f(x))) is {left:.12g}, sum(backward * v) {right:.12g}"
            error = abs(left - right) / float(np.abs(v).sum())
            findings.append(Finding(FAIL, sentence, name, analytic=right, numeric=left, error=error))
    how = f"linear in {', '.join(checked)}: the adjoint identity on integers" if checked else "not linear: left out"
    return findings, how


def _linear_change(subject, arrays, position, rng):
    """Return (f(x + v) - f(x), v, its noise) on integers if the function is linear along two directions v.

    Else the first is None. Far steps both ways tell a linear function from one that only looks so nearby, such as ReLU
    or a maximum. How far they miss the straight line is the round-off of the forward: 0 if it computes with integers.
    """
    if not np.size(arrays[position]):
        return None, None, None
    for _ in range(2):
        v = rng.integers(1, 3, np.shape(arrays[position])) * rng.choice([-1.0, 1.0], np.shape(arrays[position]))
        here = _at(subject, arrays, position, 0, v)
        one = _at(subject, arrays, position, 1, v) - here
        noise = np.zeros(np.shape(one))
        if not np.array_equal(here, np.round(here)) or np.abs(here).max(initial=0) > 2**48:
            noise += EPS * (np.abs(here) + np.abs(one))
        for factor in (0.5, -1, 1024, -1024):
            far = _at(subject, arrays, position, factor, v) - here
            ulp = 16 * np.finfo(float).eps * (np.abs(here) + np.abs(far))
            miss = np.abs(far - factor * one)
            if not np.all(miss <= ulp * max(1, abs(factor))) or not np.any(one):
                return None, v, None
            noise = np.maximum(noise, miss / abs(factor))
    return one, v, noise


def _at(subject, arrays, position, factor, v):
    moved = list(arrays)
    moved[position] = arrays[position] + factor * v
    return np.array(subject.forward(*moved), np.float64)


def _round_off(change, gradient, integers, v):
    """Return 0 where all values are integers, so that only == will do; a few ulp where a division made fractions."""
    whole = all(np.array_equal(a, np.round(a)) for a in (change, gradient))
    return 0.0 if whole else 64 * EPS * (np.abs(change * integers).sum() + np.abs(gradient * v).sum())


def _direction(subject, grad_y, rng, report):
    """One random direction for each argument: two forward passes, whatever its size."""
    findings, errors = [], []
    gradients = subject.gradients(grad_y)
    for position in subject.floats:
        name, size = subject.names[position], np.size(subject.arrays[position])
        if not size:
            continue
        direction = rng.standard_normal(np.shape(subject.arrays[position]))
        analytic = float(np.sum(gradients[position] * direction))
        # A sum of random signs is compared with what such a sum usually is.
        usual = float(np.linalg.norm(gradients[position] * direction))
        found = along(subject, position, direction, grad_y, analytic, name in report.linear, usual)
        scale = max(usual + abs(found.value), 1e-300)
        errors.append(abs(analytic - found.value) / scale)
        if found.state == AGREES or _complex_step_confirms(subject, position, direction, grad_y, analytic, scale):
            continue
        if found.state == WRONG:
            sentence = f"{name}: along a random direction the slope is {found.value:.9g}, backward says {analytic:.9g}"
            error = abs(analytic - found.value) / float(np.abs(direction).sum())
            findings.append(Finding(FAIL, sentence, name, analytic=analytic, numeric=found.value, error=error))
        else:
            sentence = (
                f"{name}: a kink lies within the step along the random direction (a value changes its sign "
                "at a ReLU, another value becomes the maximum of a window, or two are equal). Each index is checked by "
                "itself. To check a direction, try another seed or move the input a little"
            )
            if found.state not in (KINK, OUTSIDE):
                sentence = f"{name}: no step along the random direction gives a number to trust; see every index below"
            findings.append(Finding(PASS, sentence, name))
    steps = [f"{STEP:g}"] * (len(report.linear) < len(subject.floats)) + ["1 where linear"] * bool(report.linear)
    how = f"central differences, step {' and '.join(steps)}: largest error {max(errors, default=0):.1e}"
    return findings, f"{how}; the complex step confirms to 1e-11" if subject.analytic and not findings else how


def _complex_step_confirms(subject, position, direction, grad_y, analytic, scale):
    if not subject.analytic:
        return False
    try:
        return abs(analytic - complex_step(subject, position, direction, grad_y)) <= 1e-11 * scale
    except CheckError:
        return False


def _indices(subject, grad_y, rng, report):
    findings, notes = [], []
    gradients = subject.gradients(grad_y)
    for position in subject.floats:
        size = np.size(subject.arrays[position])
        if not size:
            continue
        if size > MOST_INDICES:
            findings += _drawn(subject, position, gradients[position], grad_y, rng, report)
            notes.append(f"{subject.names[position]} {DRAWN} of {size}, drawn")
            continue
        finding, evidence = _all_indices(subject, position, gradients[position], grad_y, report)
        findings += finding
        notes.append(f"{subject.names[position]} {size}")
        if evidence is not None:
            report.evidences.append(evidence)
    return findings, f"indices compared: {', '.join(notes)}"


def _all_indices(subject, position, analytic, grad_y, report):
    name, shape = subject.names[position], np.shape(subject.arrays[position])
    analytic = np.asarray(analytic, float)
    found = slopes(subject, position, grad_y, analytic=analytic.reshape(-1))
    numeric, left_out = found.gradient.reshape(shape), (found.kinks | found.undecided).reshape(shape)
    report.errors[name] = (np.where(left_out, 0, analytic), np.where(left_out, 0, numeric))
    findings = _left_out(name, found, np.size(analytic), analytic.reshape(-1), name in report.linear)
    if not found.wrong.any():
        return findings, None
    error = np.where(found.wrong.reshape(shape), np.abs(analytic - numeric), 0)
    place = worst_index(np.where(error, analytic, 0), np.where(error, numeric, 0))
    sentence = (
        f"{name}: {int(found.wrong.sum())} of {error.size} entries are wrong, most at {name}{list(place)}: "
        f"analytic {analytic[place]:+.9g}, numeric {numeric[place]:+.9g}, relative error "
        f"{relative_error(analytic[place], numeric[place], found.floor):.2g}"
    )
    finding = Finding(FAIL, sentence, name, place, float(analytic[place]), float(numeric[place]), float(error.max()))
    return [*findings, finding], Evidence(subject, position, name, grad_y, analytic, numeric, found.jacobian, left_out)


def _left_out(name, found, size, analytic, linear):
    """Return findings on the indices that could not be compared: steps, the domain's edge, kinks, round-off."""
    findings = []
    count = len(found.indices)
    if found.noise is not None and found.noise.cause:
        sentence = (
            f"{name}: forward moves in steps because {found.noise.cause}: a difference decides nothing finer than its "
            "steps; compute in float64 to decide"
        )
        return [Finding(INCONCLUSIVE, sentence, name)]
    largest = max(np.abs(found.gradient[~found.undecided]).max(initial=0), np.abs(analytic).max(initial=0))
    own = np.maximum(np.abs(found.gradient), np.abs(analytic[found.indices]))
    lost = found.undecided & np.isfinite(found.error) & (found.error > 1e-4 * own) & ~found.edges
    edge = "the function is defined on one side only: they lie at the edge of its domain; move the input"
    bends = (
        "no step gave a number to trust: the function is not finite there, or bends within every step; move the input "
        "or scale it"
    )
    for some, why in ((found.edges, edge), (found.undecided & ~found.edges & ~lost, bends)):
        if some.any():
            findings.append(Finding(INCONCLUSIVE, f"{name}: at {int(some.sum())} of {count} indices {why}", name))
    if lost.any() and not (linear and not found.undecided.all()):
        noise = float(found.error[lost].max())
        which = "both sides" if lost.all() or largest < 1e3 * noise else f"{int(lost.sum())} of {count} entries"
        sentence = (
            f"{name}: {which} are below round-off ({own[lost].max():.1e}; round-off alone makes {noise:.1e}), so "
            "nothing is decided; scale the input or the upstream gradient up"
        )
        findings.append(Finding(INCONCLUSIVE, sentence, name))
    if found.outside.any():
        k = int(np.argmax(found.outside))
        sentence = (
            f"{name}: {int(found.outside.sum())} of {count} indices lie at a kink, and the gradient there is outside "
            f"the two one-sided derivatives, first {analytic[found.indices[k]]:+.6g}; move the input and check again"
        )
        findings.append(Finding(INCONCLUSIVE, sentence, name))
    if found.kinks.any():
        left = int(found.kinks.sum())
        everything = left == count
        sentence = f"{name}: {left} of {count} indices lie at a kink or a tie, where there is no gradient; " + (
            "nothing is left to compare: nudge the input or use another seed" if everything else "they are left out"
        )
        findings.append(Finding(INCONCLUSIVE if everything else PASS, sentence, name))
    return findings


def _drawn(subject, position, analytic, grad_y, rng, report):
    """Compare some entries of a large array; after a wrong direction, find one wrong entry by halves."""
    size = np.size(subject.arrays[position])
    flat = np.asarray(analytic, float).reshape(-1)
    indices = np.sort(rng.choice(size, DRAWN, replace=False))
    found = slopes(subject, position, grad_y, indices, flat)
    name, linear = subject.names[position], subject.names[position] in report.linear
    findings = _left_out(name, found, size, flat, linear)
    if found.wrong.any():
        how = f"{int(found.wrong.sum())} of {DRAWN} drawn"
        return [*findings, _one_wrong(subject, position, flat, int(indices[np.argmax(found.wrong)]), grad_y, how)]

    def disagrees(mask):
        direction = np.where(mask, rng.standard_normal(size), 0.0)
        analytic = float(flat @ direction)
        moves = direction.reshape(np.shape(subject.arrays[position]))
        scale = float(np.linalg.norm(flat * direction))
        return along(subject, position, moves, grad_y, analytic, linear, scale).state == WRONG

    if not disagrees(np.ones(size, bool)):
        return findings
    index, probes = search(disagrees, size, rng)
    return [*findings, _one_wrong(subject, position, flat, index, grad_y, f"found in {probes} probes by halves")]


def _one_wrong(subject, position, flat, index, grad_y, how):
    name, shape = subject.names[position], np.shape(subject.arrays[position])
    numeric = float(slopes(subject, position, grad_y, [index]).gradient[0])
    place = tuple(int(i) for i in np.unravel_index(index, shape))
    sentence = f"{name}{list(place)} is wrong ({how}): analytic {flat[index]:+.9g}, numeric {numeric:+.9g}"
    return Finding(FAIL, sentence, name, place, float(flat[index]), numeric)
