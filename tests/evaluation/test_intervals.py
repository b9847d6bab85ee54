"""Intervals have their stated coverage, also for few images and for answers that are all equal."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from minigooglenet.evaluation import bootstrap_interval, paired_interval, proportion_interval, repetition_interval

COUNTS = (1, 5, 12, 20, 50)


def binomial(count, p):
    """Return the probability of 0 .. count successes."""
    return np.array([math.comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(count + 1)])


def test_interval_of_only_successes_excludes_certainty():
    assert proportion_interval(12, 12) == pytest.approx((0.025 ** (1 / 12), 1))  # 73.5% to 100%
    assert proportion_interval(0, 12) == pytest.approx((0, 1 - 0.025 ** (1 / 12)))
    assert proportion_interval(1, 1) == pytest.approx((0.025, 1))


@pytest.mark.parametrize("count", [1, 2, 7, 100, 5000])
def test_proportion_interval_ends_at_the_binomial_tails(count):
    for successes in {0, 1, count // 3, count - 1, count} & set(range(count + 1)):
        low, high = proportion_interval(successes, count, 0.9)
        assert 0 <= low <= successes / count <= high <= 1
        if count <= 100:
            if successes:
                assert binomial(count, low)[successes:].sum() == pytest.approx(0.05)
            if successes < count:
                assert binomial(count, high)[: successes + 1].sum() == pytest.approx(0.05)
        assert proportion_interval(count - successes, count, 0.9) == pytest.approx((1 - high, 1 - low))


def test_proportion_interval_matches_the_beta_distribution():
    beta = pytest.importorskip("scipy.stats").beta
    for successes, count in ((7, 10), (199, 200), (45_000, 50_000), (1, 30)):
        expected = beta.ppf(0.025, successes, count - successes + 1), beta.ppf(0.975, successes + 1, count - successes)
        assert proportion_interval(successes, count) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("count", COUNTS)
def test_proportion_interval_has_its_stated_coverage(count):
    intervals = np.array([proportion_interval(k, count) for k in range(count + 1)])
    for p in np.linspace(0.005, 0.995, 100):
        covered = (intervals[:, 0] <= p) & (p <= intervals[:, 1])
        assert binomial(count, p) @ covered >= 0.95 - 1e-12, p


def test_proportion_interval_covers_simulated_accuracy_of_20_images():
    rng = np.random.default_rng(0)
    intervals = np.array([proportion_interval(hits, 20) for hits in range(21)])
    for accuracy in (0.5, 0.9, 0.98):
        low, high = intervals[rng.binomial(20, accuracy, 5000)].T
        assert np.mean((low <= accuracy) & (accuracy <= high)) >= 0.95


def pairs(rng, count, more, less):
    """Return booleans (first, second) that differ one way with probability `more`, the other way with `less`."""
    kind = rng.choice(4, count, p=[more, less, (1 - more - less) / 2, (1 - more - less) / 2])
    return (kind == 0) | (kind == 2), (kind == 1) | (kind == 2)


@pytest.mark.parametrize("count", [12, 20, 100])
@pytest.mark.parametrize("disagree", [0.05, 0.2, 0.5])
def test_paired_interval_covers_simulated_differences(count, disagree):
    rng = np.random.default_rng(count)
    for fraction in (0.5, 0.8, 1.0):  # of the disagreements, in favour of the second setting
        more, less = disagree * fraction, disagree * (1 - fraction)
        intervals = [paired_interval(*pairs(rng, count, more, less)) for _ in range(400)]
        assert np.mean([low <= more - less <= high for low, high in intervals]) > 0.91


@pytest.mark.parametrize("count", [12, 20, 50])
def test_equal_settings_are_significant_in_at_most_5_percent(count):
    # Exact: the sum over all numbers of disagreements in both directions.
    values = np.array([[_excludes_zero(more, less, count) for less in range(count + 1)] for more in range(count + 1)])
    for disagree in (0.05, 0.1, 0.2, 0.4):
        total, marked = binomial(count, disagree), 0.0
        for number in range(count + 1):
            split = binomial(number, 0.5)
            marked += total[number] * sum(split[more] * values[more, number - more] for more in range(number + 1))
        assert marked < 0.056, disagree


def _excludes_zero(more, less, count):
    if more + less > count:
        return False
    first = np.repeat([1, 0, 0], [more, less, count - more - less])
    second = np.repeat([0, 1, 0], [more, less, count - more - less])
    low, high = paired_interval(first, second)
    return low > 0 or high < 0


def test_equal_answers_give_an_interval_around_0():
    same = np.array([True] * 11 + [False])
    low, high = paired_interval(same, same)
    assert low == -high
    assert high == pytest.approx(0.198, abs=1e-3)


def test_paired_interval_matches_a_manual_calculation():
    # Of 98 images, only the first misclassifies 8 and only the second 2: (9 - 3) / 100 with one added to each.
    first, second = np.repeat([1, 0, 0, 1], [8, 2, 50, 38]), np.repeat([0, 1, 0, 1], [8, 2, 50, 38])
    half = 1.959964 * math.sqrt((0.09 + 0.03 - 0.06**2) / 100)
    assert paired_interval(first, second) == pytest.approx((0.06 - half, 0.06 + half))
    assert paired_interval(second, first) == pytest.approx((-0.06 - half, -0.06 + half))
    assert paired_interval(np.ones(3), np.zeros(3)) == pytest.approx((-0.101, 1), abs=1e-3)


def test_images_hard_for_both_settings_cancel_out():
    rng = np.random.default_rng(0)
    hard = rng.random(500) < 0.4
    better = hard & (rng.random(500) > 0.1)
    low, high = paired_interval(better, hard)
    assert high < 0
    assert high - low < 0.6 * np.diff(proportion_interval(int(hard.sum()), 500))[0]


def test_higher_confidence_widens_every_interval():
    values = np.random.default_rng(1).normal(2, 1, 60)
    pair = np.repeat([0, 1], [70, 30]), np.repeat([1, 0], [20, 80])
    for interval, arguments in (
        (proportion_interval, (30, 100)),
        (paired_interval, pair),
        (bootstrap_interval, (values,)),
    ):
        low, high = interval(*arguments, 0.8)
        lower, higher = interval(*arguments, 0.99)
        assert lower < low < high < higher


@pytest.mark.parametrize("values", [np.repeat([0, 1], [70, 30]), np.random.default_rng(3).normal(2, 1, 50)])
def test_bootstrap_interval_matches_explicit_resampling(values):
    rng = np.random.default_rng(1)
    means = values[rng.integers(0, len(values), (20_000, len(values)))].mean(axis=1)
    expected = np.quantile(means, [0.025, 0.975])
    assert bootstrap_interval(values) == pytest.approx(expected, abs=0.1 * (expected[1] - expected[0]))
    assert bootstrap_interval(values, seed=5) == bootstrap_interval(values, seed=5)


def test_bootstrap_interval_covers_simulated_means():
    rng = np.random.default_rng(0)
    for draw, mean in ((rng.normal, 0), (rng.exponential, 1)):
        intervals = [bootstrap_interval(draw(size=60), rounds=1000) for _ in range(150)]
        assert np.mean([low <= mean <= high for low, high in intervals]) > 0.88


@pytest.mark.parametrize(
    "values", [np.ones(12), np.zeros(100), [1.0], np.repeat([0, 1], [95, 5]), np.random.default_rng(0).normal(size=20)]
)
def test_bootstrap_rejects_too_few_values(values):
    with pytest.raises(ValueError, match=r"needs at least 50 values, of which 10 differ .* use proportion_interval"):
        bootstrap_interval(values)


def test_intervals_reject_invalid_arguments():
    with pytest.raises(ValueError, match=r"one finite number per image, got an array of shape \(0,\)"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="confidence must be between 0 and 1, got 95"):
        bootstrap_interval(np.arange(60), 95)
    with pytest.raises(ValueError, match="confidence must be between 0 and 1, got 95"):
        proportion_interval(1, 2, 95)
    with pytest.raises(ValueError, match="successes must be at most count, got 3 of 2"):
        proportion_interval(3, 2)
    with pytest.raises(ValueError, match="count must be at least 1"):
        proportion_interval(0, 0)
    with pytest.raises(ValueError, match=r"two arrays of one value per image, got shapes \(2,\) and \(3,\)"):
        paired_interval([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="booleans, or zeros and ones"):
        paired_interval([0, 1], [0, 0.5])


PAGE = (Path(__file__).parents[2] / "docs" / "intervals.md").read_text(encoding="utf-8")


def test_page_example_prints_its_stated_output(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(block, {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print.*  # (.*)$", PAGE, flags=re.MULTILINE)


def test_page_coverage_matches_the_interval():
    ps = np.linspace(0.005, 0.995, 199)
    for count, least, mean in re.findall(r"^\| (\d+) \| (\.\d+) \| (\.\d+)", PAGE, flags=re.MULTILINE):
        low, high = np.array([proportion_interval(k, int(count)) for k in range(int(count) + 1)]).T
        covered = [binomial(int(count), p) @ ((low <= p) & (p <= high)) for p in ps]
        assert (min(covered), np.mean(covered)) == pytest.approx((float(least), float(mean)), abs=6e-4)


@pytest.mark.parametrize(
    ("count", "quantile"), [(2, 12.7062), (3, 4.3027), (4, 3.1824), (5, 2.7764), (10, 2.2622), (31, 2.0423)]
)
def test_repetition_interval_has_the_quantiles_of_students_table(count, quantile):
    values = np.arange(count) / 10
    low, high = repetition_interval(values)
    assert (low + high) / 2 == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(quantile * values.std(ddof=1) / count**0.5, rel=1e-4)


def test_repetition_interval_covers_simulated_means_of_five_seeds():
    rng = np.random.default_rng(0)
    intervals = np.array([repetition_interval(rng.normal(3, 2, 5)) for _ in range(500)])
    assert 0.93 <= np.mean((intervals[:, 0] <= 3) & (intervals[:, 1] >= 3)) <= 0.97


@pytest.mark.parametrize("values", [[0.5], [], [0.1, np.nan], [[0.1, 0.2]]])
def test_an_interval_of_too_few_repetitions_is_rejected(values):
    with pytest.raises(ValueError, match="at least 2 seeds"):
        repetition_interval(values)
