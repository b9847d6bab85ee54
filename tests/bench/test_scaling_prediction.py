"""The formula of the prediction for many machines, compared with numbers that were computed by hand."""

import pytest

from minigooglenet.bench.scaling_prediction import Constants, predict, step_seconds

# 64 images: 6.4 s. An array of 12.5 MB takes 0.1 s at 1 Gbit/s.
SIMPLE = Constants(image_seconds=0.1, step_seconds=0.5, gradient_bytes=12_500_000, latency_seconds=0.001)


def test_one_machine_uses_no_network():
    assert step_seconds(SIMPLE, 1, 64, 1) == step_seconds(SIMPLE, 1, 64, 100) == pytest.approx(6.9)


@pytest.mark.parametrize(
    ("machines", "gbits", "expected"),
    [
        (2, 1, 3.2 + 0.5 + 0.1 + 0.003),
        (4, 1, 1.6 + 0.5 + 0.15 + 0.009),
        (4, 10, 1.6 + 0.5 + 0.015 + 0.009),
        (64, 100, 0.1 + 0.5 + 0.00196875 + 0.189),
    ],
)
def test_step_matches_the_formula_by_hand(machines, gbits, expected):
    assert step_seconds(SIMPLE, machines, 64, gbits) == pytest.approx(expected)


def test_predictions_cover_machines_networks_and_both_scalings():
    records = predict(SIMPLE, batch=16, images_per_shard=1)
    assert len(records) == 2 * 7 * 3
    (strong,) = [r for r in records if (r["scaling"], r["machines"], r["gbit_per_second"]) == ("strong", 4, 1)]
    assert strong["batch"] == 64
    assert strong["speed_up"] == pytest.approx(6.9 / 2.259)
    assert strong["efficiency"] == pytest.approx(6.9 / 2.259 / 4)
    (weak,) = [r for r in records if (r["scaling"], r["machines"], r["gbit_per_second"]) == ("weak", 4, 1)]
    assert weak["batch"] == 64
    assert weak["step_seconds"] == pytest.approx(1.6 + 0.5 + 0.15 + 0.009)
    assert weak["images_per_second"] == pytest.approx(64 / 2.259)
    assert weak["efficiency"] == pytest.approx(2.1 / 2.259)
    assert all(r["efficiency"] == pytest.approx(1) for r in records if r["machines"] == 1)


def test_free_exchange_without_a_fixed_part_scales_perfectly():
    free = Constants(image_seconds=0.1, step_seconds=0.0, gradient_bytes=0, latency_seconds=0.0)
    assert all(r["speed_up"] == pytest.approx(r["machines"]) for r in predict(free, 16, 2))
