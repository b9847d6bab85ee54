"""The ladder: five rungs from cheap and exact to thorough, and what each of them found."""

import time

import numpy as np

from minigooglenet.gradcheck import contract, diagnosis
from minigooglenet.gradcheck.differences import STEP, along, complex_step, slopes
from minigooglenet.gradcheck.evidence import Evidence
from minigooglenet.gradcheck.place import relative_error, search, worst_index
from minigooglenet.gradcheck.report import FAIL, INCONCLUSIVE, PASS, Finding, Report, Rung

MOST_INDICES = 3000  # of one array; above it, some are drawn and the rest is searched by halves
DRAWN = 60
TOLERANCE = 1e-6  # of an entry, beside what round-off and the difference's own truncation may do to it
TRUNCATION = 1e-9  # of the largest entry: what cutting the corner of a smooth curve leaves with this step


def climb(subject, rng) -> Report:
    """Check a Subject on every rung that its kind allows."""
    report = Report(subject.title)
    started = time.perf_counter()
    findings, suspects, grad_y = contract.check(subject, rng)
    report.findings += findings
    report.suspects += suspects
    outcome = "shapes, kinds, repeatable, nothing changed, linear in the upstream gradient"
    _rung(report, 0, "contract", findings, outcome if grad_y is not None else "cannot be compared", started)
    if grad_y is None:
        return report
    for number, title, rung in ((1, "exact", _exact), (2, "one direction", _direction), (3, "every index", _indices)):
        started = time.perf_counter()
        findings, outcome = rung(subject, grad_y, rng, report)
        report.findings += findings
        _rung(report, number, title, findings, outcome, started)
    if report.verdict == FAIL and report.evidences:
        started = time.perf_counter()
        report.suspects += diagnosis.suspects(report.evidences)
        count = len(report.suspects)
        outcome = (
            f"{count} suspect(s) predict what backward returned" if count else "no suspect predicts what came back"
        )
        _rung(report, 4, "diagnosis", [], outcome, started)
        _rung(
            report,
            5,
            "place",
            [],
            "the worst index and an error map, below; report.figure() draws it",
            time.perf_counter(),
        )
    return report


def _rung(report, number, title, findings, outcome, started):
    found = [finding.verdict for finding in findings]
    verdict = next((v for v in (FAIL, INCONCLUSIVE) if v in found), PASS)
    report.rungs.append(Rung(number, title, outcome, verdict, time.perf_counter() - started))


def _exact(subject, grad_y, rng, report):
    """On small integers a linear function and its backward agree to the last bit: <g, f(x + v) - f(x)> == <b, v>."""
    arrays = [
        rng.integers(-3, 4, np.shape(a)).astype(float) if i in subject.floats else a
        for i, a in enumerate(subject.arrays)
    ]
    integers = rng.integers(-3, 4, np.shape(grad_y)).astype(float)
    findings, checked = [], []
    for position in subject.floats:
        v = rng.integers(-2, 3, np.shape(arrays[position])).astype(float)

        def at(factor, position=position, v=v):
            moved = list(arrays)
            moved[position] = arrays[position] + factor * v
            return np.asarray(subject.forward(*moved))

        try:
            here, there, twice = at(0), at(1), at(2)
            if not (np.array_equal(there - here, twice - there) and np.any(there != here)):
                continue
            moved = subject.gradients(integers, arrays)[position]
        except Exception:
            continue  # integers are not for every function; the other rungs decide
        name = subject.names[position]
        left, right = float(np.sum(integers * (there - here))), float(np.sum(moved * v))
        checked.append(name)
        report.linear.add(name)
        if abs(left - right) > _round_off(there - here, moved, integers):
            sentence = (
                f"{name}: on integers, sum(g * (f(x + v) - f(x))) is {left:.12g} and sum(backward * v) is {right:.12g}"
            )
            findings.append(Finding(FAIL, sentence, name, analytic=right, numeric=left))
    how = f"linear in {', '.join(checked)}: the adjoint identity on integers" if checked else "not linear: left out"
    return findings, how


def _round_off(change, gradient, integers):
    """Return 0 where all values are integers, so that only == will do; a few ulp where a division made fractions."""
    whole = all(np.array_equal(a, np.round(a)) for a in (change, gradient))
    return 0.0 if whole else 64 * np.finfo(float).eps * max(np.abs(change * integers).sum(), 1.0)


def _direction(subject, grad_y, rng, report):
    """One random direction for each argument: two forwards, whatever its size."""
    findings, errors = [], []
    gradients = subject.gradients(grad_y)
    largest = np.abs(np.asarray(subject.forward(*subject.arrays))).max(initial=1.0)
    round_off = 8 * np.finfo(float).eps * largest * np.abs(grad_y).sum() / STEP
    for position in subject.floats:
        name = subject.names[position]
        direction = rng.standard_normal(np.shape(subject.arrays[position]))
        # A linear function has no corner to cut: the larger the step, the less round-off.
        step = 1.0 if name in report.linear else STEP
        numeric, kink = along(subject, {position: direction}, grad_y, step)
        analytic = float(np.sum(gradients[position] * direction))
        scale = np.linalg.norm(gradients[position]) + abs(numeric)
        error = abs(analytic - numeric) / max(scale, 1e-300)
        errors.append(error)
        exact = complex_step(subject, position, direction, grad_y) if subject.analytic else numeric
        confirmed = abs(analytic - exact) <= 1e-11 * max(scale, 1e-300)
        if kink:
            sentence = (
                f"{name}: a kink lies within the step along the random direction (a ReLU mask or a pooling winner "
                "changes, or there is a tie); every index is checked below, or try another seed or a nudged input"
            )
            findings.append(Finding(PASS, sentence, name))
        elif (error > TOLERANCE and abs(analytic - numeric) > round_off) or (subject.analytic and not confirmed):
            sentence = f"{name}: along a random direction the slope is {exact:.9g}, backward says {analytic:.9g}"
            findings.append(Finding(FAIL, sentence, name, analytic=analytic, numeric=exact))
    steps = [f"{STEP:g}"] * (len(report.linear) < len(subject.floats)) + ["1 where linear"] * bool(report.linear)
    how = f"central differences, step {', '.join(steps)}: largest error {max(errors, default=0):.1e}"
    return findings, f"{how}; the complex step confirms to 1e-11" if subject.analytic and not findings else how


def _indices(subject, grad_y, rng, report):
    findings, notes = [], []
    gradients = subject.gradients(grad_y)
    for position in subject.floats:
        size = np.size(subject.arrays[position])
        if size > MOST_INDICES:
            findings += _drawn(subject, position, gradients[position], grad_y, rng)
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
    found = slopes(subject, position, grad_y)
    numeric, kinks = found.gradient.reshape(shape), found.kinks.reshape(shape)
    report.errors[name] = (np.where(kinks, 0, analytic), np.where(kinks, 0, numeric))
    error = np.where(kinks, 0, np.abs(analytic - numeric))
    wrong = int((error > _allowed(analytic, numeric, found.floor)).sum())
    findings = []
    if kinks.any():
        left = int(kinks.sum())
        everything = left == kinks.size
        sentence = f"{name}: {left} of {kinks.size} indices lie at a kink or a tie, where there is no gradient; " + (
            "nothing is left to compare: nudge the input or use another seed" if everything else "they are left out"
        )
        findings.append(Finding(INCONCLUSIVE if everything else PASS, sentence, name))
    if wrong:
        place = worst_index(*report.errors[name])
        sentence = (
            f"{name}: {wrong} of {error.size} entries are wrong, most at {name}{list(place)}: "
            f"analytic {analytic[place]:+.9g}, numeric {numeric[place]:+.9g}, relative error "
            f"{relative_error(analytic[place], numeric[place], found.floor):.2g}"
        )
        findings.append(Finding(FAIL, sentence, name, place, float(analytic[place]), float(numeric[place])))
        return findings, Evidence(subject, position, name, grad_y, analytic, numeric, found.jacobian, kinks)
    largest = max(np.abs(numeric).max(initial=0), np.abs(analytic).max(initial=0))
    if not kinks.all() and 0 < largest < 1e3 * found.floor:
        sentence = (
            f"{name}: both sides are below round-off ({largest:.1e}; round-off alone makes {found.floor:.1e}), so "
            "nothing is decided; scale the input or the upstream gradient up"
        )
        findings.append(Finding(INCONCLUSIVE, sentence, name))
    return findings, None


def _allowed(analytic, numeric, floor):
    """Return how far each entry may be off: |a - n| / max(|a|, |n|) up to TOLERANCE, above the floor of round-off."""
    magnitude = np.maximum(np.abs(analytic), np.abs(numeric))
    return TOLERANCE * magnitude + TRUNCATION * magnitude.max(initial=0) + 4 * floor


def _drawn(subject, position, analytic, grad_y, rng):
    """Compare some entries of a large array; after a wrong direction, find one wrong entry by halves."""
    size = np.size(subject.arrays[position])
    flat = np.asarray(analytic, float).reshape(-1)
    indices = np.sort(rng.choice(size, DRAWN, replace=False))
    found = slopes(subject, position, grad_y, indices)
    allowed = _allowed(flat[indices], found.gradient, found.floor)
    wrong = (np.abs(flat[indices] - found.gradient) > allowed) & ~found.kinks
    if wrong.any():
        return [
            _one_wrong(
                subject, position, flat, int(indices[np.argmax(wrong)]), grad_y, f"{int(wrong.sum())} of {DRAWN} drawn"
            )
        ]

    def disagrees(mask):
        direction = np.where(mask, rng.standard_normal(size), 0.0)
        numeric, kink = along(subject, {position: direction.reshape(np.shape(subject.arrays[position]))}, grad_y)
        error = abs(float(flat @ direction) - numeric)
        return (
            not kink and error > TOLERANCE * np.linalg.norm(flat * mask) / max(np.sqrt(mask.sum()), 1) + 4 * found.floor
        )

    if not disagrees(np.ones(size, bool)):
        return []
    index, probes = search(disagrees, size, rng)
    return [_one_wrong(subject, position, flat, index, grad_y, f"found in {probes} probes by halves")]


def _one_wrong(subject, position, flat, index, grad_y, how):
    name, shape = subject.names[position], np.shape(subject.arrays[position])
    numeric = float(slopes(subject, position, grad_y, [index]).gradient[0])
    place = tuple(int(i) for i in np.unravel_index(index, shape))
    sentence = f"{name}{list(place)} is wrong ({how}): analytic {flat[index]:+.9g}, numeric {numeric:+.9g}"
    return Finding(FAIL, sentence, name, place, float(flat[index]), numeric)
