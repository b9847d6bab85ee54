"""The stages of a gradient check, from cheap and exact to thorough, and the findings of each stage."""

import time

import numpy as np

from minigooglenet.gradcheck import contract, diagnosis
from minigooglenet.gradcheck.coarse import excuse
from minigooglenet.gradcheck.differences import STEP, along, central_differences, complex_step
from minigooglenet.gradcheck.error_maps import relative_error, search, worst_index
from minigooglenet.gradcheck.evidence import Evidence
from minigooglenet.gradcheck.noise import EPS
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE, PASS, Finding, Report, worst
from minigooglenet.gradcheck.settle import AGREES, KINK, OUTSIDE, WRONG
from minigooglenet.gradcheck.subject import CheckError

MOST_INDICES = 3000  # compare every index of arrays up to this size; sample and bisect larger ones
SAMPLES = 60


def run_stages(subject, rng) -> Report:
    """Check a Subject in every stage that applies to it."""
    report = Report(subject.title)
    try:
        with np.errstate(all="ignore"):
            _run(subject, rng, report)
    except (CheckError, ValueError, TypeError, IndexError) as error:
        report.findings.append(
            Finding(FAIL, f"{error} (at a point close to the given input; at the input itself it worked)")
        )
    return report


def _run(subject, rng, report):
    started = time.perf_counter()
    findings, suspects, grad_y = contract.check(subject, rng)
    report.findings += findings
    report.suspects += suspects
    outcome = "checked: shapes, dtypes, repeatability, inputs unchanged, linearity in the upstream gradient"
    report.add_stage(0, "contract", outcome if grad_y is not None else "the check stops here", findings, started)
    if grad_y is None:
        return
    stages = ((1, "exact", _exact), (2, "one direction", _direction), (3, "every index", _indices))
    for number, title, stage in stages:
        started = time.perf_counter()
        findings, outcome = stage(subject, grad_y, rng, report)
        report.findings += findings
        report.add_stage(number, title, outcome, findings, started)
    _reconcile(subject, report)
    excuse(subject, grad_y, report.stages)
    for stage in report.stages:
        stage.verdict = worst(stage.findings)
    if report.verdict != FAIL:
        report.suspects.clear()
        report.evidences.clear()
    if report.verdict == FAIL and report.evidences:
        started = time.perf_counter()
        exact, locations = diagnosis.suspects(report.evidences)
        report.suspects += exact or locations
        mistakes = "known mistake predicts" if len(exact) < 2 else "known mistakes predict"
        outcome = f"{len(exact) or 'no'} {mistakes} exactly what backward returned"
        report.add_stage(4, "diagnosis", outcome, [], started)
        started = time.perf_counter()
        outcome = "worst index and error map below; report.figure() draws the map"
        if report.error_map:  # cached from here on, so that its time counts for this stage
            report.add_stage(5, "location", outcome, [], started)


def _reconcile(subject, report):
    """Overrule a failed direction if every index of that argument agrees: single indices are measured better."""
    wrong = {f.argument for f in report.stages[3].findings if f.verdict != PASS}
    for finding in report.stages[2].findings:
        size = np.size(subject.arrays[subject.names.index(finding.argument)])
        if finding.verdict == FAIL and finding.argument not in wrong and size <= MOST_INDICES:
            finding.verdict = PASS
            finding.sentence += ". But every index agrees, so round-off or a kink disturbed this direction"


def _exact(subject, grad_y, rng, report):
    """Check <g, f(x + v) - f(x)> == <b, v> on small integers, exactly, in every argument in which forward is linear."""
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
                continue  # the derivative is not defined at these integers
            twice, thrice = (subject.gradients(k * integers, arrays)[position] for k in (2.0, 3.0))
        except CheckError:
            continue  # the function may not be defined at integers; the other stages decide
        name = subject.names[position]
        left, right = float(np.sum(integers * change)), float(np.sum(moved * v))
        checked.append(name)
        report.linear.add(name)
        noise = float(np.sum(np.abs(integers) * noise))
        noise += float(np.sum(np.abs(thrice - 2 * twice + moved) * np.abs(v)))
        if not abs(left - right) <= _round_off(change, moved, integers, v) + 16 * noise:
            sentence = (
                f"{name}: on integers, sum(g * (f(x + v) - f(x))) is {left:.12g}, but sum(gradient * v) is {right:.12g}"
            )
            error = abs(left - right) / float(np.abs(v).sum())
            findings.append(Finding(FAIL, sentence, name, analytic=right, numerical=left, error=error))
    if not checked:
        return findings, "skipped: the function is not linear"
    return findings, f"linear in {', '.join(checked)}: adjoint identity checked on integers"


def _linear_change(subject, arrays, position, rng):
    """Return (f(x + v) - f(x), v, its noise) on integers if the function is linear along two directions v.

    Otherwise the first value is None. Large steps in both directions distinguish a linear function from one that is
    linear only nearby, such as ReLU or a maximum. Their distance from the straight line is the round-off error of the
    forward pass: 0 if it computes with integers.
    """
    if not np.size(arrays[position]):
        return None, None, None
    for _ in range(2):
        v = rng.integers(1, 3, np.shape(arrays[position])) * rng.choice([-1.0, 1.0], np.shape(arrays[position]))
        middle = _at(subject, arrays, position, 0, v)
        one = _at(subject, arrays, position, 1, v) - middle
        noise = np.zeros(np.shape(one))
        if not np.array_equal(middle, np.round(middle)) or np.abs(middle).max(initial=0) > 2**48:
            noise += EPS * (np.abs(middle) + np.abs(one))
        for factor in (0.5, -1, 1024, -1024):
            far = _at(subject, arrays, position, factor, v) - middle
            ulp = 16 * np.finfo(float).eps * (np.abs(middle) + np.abs(far))
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
    """Return 0 if all values are integers, which must be equal; a few ulp if a division made fractions."""
    integral = all(np.array_equal(a, np.round(a)) for a in (change, gradient))
    return 0.0 if integral else 64 * EPS * (np.abs(change * integers).sum() + np.abs(gradient * v).sum())


def _direction(subject, grad_y, rng, report):
    """Check one random direction per argument: two forward passes each, whatever the size of the array."""
    findings, errors = [], []
    gradients = subject.gradients(grad_y)
    for position in subject.floats:
        name, size = subject.names[position], np.size(subject.arrays[position])
        if not size:
            continue
        direction = rng.standard_normal(np.shape(subject.arrays[position]))
        analytic = float(np.sum(gradients[position] * direction))
        # The error of a sum with random signs is relative to the typical size of such a sum.
        typical = float(np.linalg.norm(gradients[position] * direction))
        settled = along(subject, position, direction, grad_y, analytic, name in report.linear, typical)
        scale = max(typical + abs(settled.value), 1e-300)
        errors.append(abs(analytic - settled.value) / scale)
        if settled.state == AGREES or _complex_step_confirms(subject, position, direction, grad_y, analytic, scale):
            continue
        if settled.state == WRONG:
            sentence = (
                f"{name}: directional derivative along a random direction: "
                f"numerical {settled.value:.9g}, analytic {analytic:.9g}"
            )
            error = abs(analytic - settled.value) / float(np.abs(direction).sum())
            findings.append(Finding(FAIL, sentence, name, analytic=analytic, numerical=settled.value, error=error))
        else:
            sentence = (
                f"{name}: the step along the random direction crosses a kink (a ReLU mask or a pooling argmax changes, "
                "or values tie). Every index is checked below. You can also try another seed or shift the input "
                "slightly."
            )
            if settled.state not in (KINK, OUTSIDE):
                sentence = (
                    f"{name}: no step size gives a reliable derivative along the random direction. "
                    "Every index is checked below."
                )
            findings.append(Finding(PASS, sentence, name))
    steps = [f"{STEP:g}"] * (len(report.linear) < len(subject.floats)) + ["1 where linear"] * bool(report.linear)
    outcome = f"central differences, step size {', '.join(steps)}: largest relative error {max(errors, default=0):.1e}"
    confirmed = subject.complex_safe and not findings
    return findings, outcome + ", confirmed by the complex step to 1e-11" * confirmed


def _complex_step_confirms(subject, position, direction, grad_y, analytic, scale):
    if not subject.complex_safe:
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
            findings += _sampled(subject, position, gradients[position], grad_y, rng, report)
            notes.append(f"{subject.names[position]} {SAMPLES} of {size} (random sample)")
            continue
        new, evidence = _all_indices(subject, position, gradients[position], grad_y, report)
        findings += new
        notes.append(f"{subject.names[position]} {size}")
        if evidence is not None:
            report.evidences.append(evidence)
    return findings, f"indices compared: {', '.join(notes)}"


def _all_indices(subject, position, analytic, grad_y, report):
    name, shape = subject.names[position], np.shape(subject.arrays[position])
    analytic = np.asarray(analytic, float)
    differences = central_differences(subject, position, grad_y, analytic=analytic.reshape(-1))
    numerical, skipped = differences.gradient.reshape(shape), (differences.kinks | differences.undecided).reshape(shape)
    report.errors[name] = (np.where(skipped, 0, analytic), np.where(skipped, 0, numerical))
    findings = _skipped(name, differences, analytic.reshape(-1), name in report.linear)
    if not differences.wrong.any():
        return findings, None
    error = np.where(differences.wrong.reshape(shape), np.abs(analytic - numerical), 0)
    index = worst_index(np.where(error, analytic, 0), np.where(error, numerical, 0))
    verb = "is" if differences.wrong.sum() == 1 else "are"
    sentence = (
        f"{name}: {int(differences.wrong.sum())} of {error.size} entries {verb} wrong. Largest error at "
        f"{name}{list(index)}: analytic {analytic[index]:+.9g}, numerical {numerical[index]:+.9g}, relative error "
        f"{relative_error(analytic[index], numerical[index], differences.floor):.2g}"
    )
    values = float(analytic[index]), float(numerical[index]), float(error.max())
    evidence = Evidence(subject, position, name, grad_y, analytic, numerical, differences.jacobian, skipped)
    return [*findings, Finding(FAIL, sentence, name, index, *values)], evidence


def _skipped(name, differences, analytic, linear):
    """Return findings on indices that could not be compared: output in steps, edge of the domain, kinks, round-off."""
    findings = []
    count = len(differences.indices)
    if differences.noise is not None and differences.noise.cause:
        sentence = (
            f"{name}: the output of forward changes in steps, because {differences.noise.cause}. A finite difference "
            "cannot resolve anything smaller than these steps. Compute in float64 to decide."
        )
        return [Finding(INCONCLUSIVE, sentence, name)]
    undecided, edges, error = differences.undecided, differences.edges, differences.error
    largest = max(np.abs(differences.gradient[~undecided]).max(initial=0), np.abs(analytic).max(initial=0))
    sizes = np.maximum(np.abs(differences.gradient), np.abs(analytic[differences.indices]))
    lost = undecided & np.isfinite(error) & (error > 1e-4 * sizes) & ~edges
    edge = "are at the edge of the domain: the function is defined on one side only. Move the input."
    unreliable = (
        "have no reliable numerical derivative: the function is not finite there, or it has a kink within every step. "
        "Move the input or scale it."
    )
    for some, why in ((edges, edge), (undecided & ~edges & ~lost, unreliable)):
        if some.any():
            findings.append(Finding(INCONCLUSIVE, f"{name}: {int(some.sum())} of {count} indices {why}", name))
    if lost.any() and not (linear and not undecided.all()):
        noise = float(error[lost].max())
        which = "both gradients" if lost.all() or largest < 1e3 * noise else f"{int(lost.sum())} of {count} entries"
        sentence = (
            f"{name}: {which} are below the noise floor ({sizes[lost].max():.1e}, with a round-off error of "
            f"{noise:.1e}), so they cannot be compared. Scale up the input or the upstream gradient."
        )
        findings.append(Finding(INCONCLUSIVE, sentence, name))
    if differences.outside.any():
        first = analytic[differences.indices[int(np.argmax(differences.outside))]]
        sentence = (
            f"{name}: {int(differences.outside.sum())} of {count} indices are at a kink, and the analytic gradient is "
            f"outside the two one-sided derivatives there (the first is {first:+.6g}). Move the input and check again."
        )
        findings.append(Finding(INCONCLUSIVE, sentence, name))
    if differences.kinks.any():
        kinks = int(differences.kinks.sum())
        everything = kinks == count
        sentence = f"{name}: {kinks} of {count} indices are at a kink or a tie, where no gradient exists. " + (
            "Nothing is left to compare: shift the input slightly or use another seed."
            if everything
            else "They are skipped."
        )
        findings.append(Finding(INCONCLUSIVE if everything else PASS, sentence, name))
    return findings


def _sampled(subject, position, analytic, grad_y, rng, report):
    """Compare some entries of a large array; if a random direction disagrees, find one wrong entry by bisection."""
    size = np.size(subject.arrays[position])
    flat = np.asarray(analytic, float).reshape(-1)
    indices = np.sort(rng.choice(size, SAMPLES, replace=False))
    differences = central_differences(subject, position, grad_y, indices, flat)
    name, linear = subject.names[position], subject.names[position] in report.linear
    findings = _skipped(name, differences, flat, linear)
    wrong = differences.wrong
    if wrong.any():
        how = f"{int(wrong.sum())} of {SAMPLES} sampled entries {'is' if wrong.sum() == 1 else 'are'} wrong"
        return [*findings, _one_wrong(subject, position, flat, int(indices[np.argmax(wrong)]), grad_y, how)]

    def disagrees(mask):
        direction = np.where(mask, rng.standard_normal(size), 0.0)
        analytic = float(flat @ direction)
        moves = direction.reshape(np.shape(subject.arrays[position]))
        scale = float(np.linalg.norm(flat * direction))
        return along(subject, position, moves, grad_y, analytic, linear, scale).state == WRONG

    if not disagrees(np.ones(size, bool)):
        return findings
    index, probes = search(disagrees, size, rng)
    return [*findings, _one_wrong(subject, position, flat, index, grad_y, f"found by bisection in {probes} probes")]


def _one_wrong(subject, position, flat, index, grad_y, how):
    name, shape = subject.names[position], np.shape(subject.arrays[position])
    numerical = float(central_differences(subject, position, grad_y, [index]).gradient[0])
    where = tuple(int(i) for i in np.unravel_index(index, shape))
    sentence = f"{name}{list(where)} is wrong ({how}): analytic {flat[index]:+.9g}, numerical {numerical:+.9g}"
    return Finding(FAIL, sentence, name, where, float(flat[index]), numerical)
