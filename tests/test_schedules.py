"""The learning rate of each step."""

import pytest

from minigooglenet import schedules


def test_polynomial_schedule_falls_to_zero():
    assert [schedules.polynomial(0.1, step, 4) for step in (0, 3, 4)] == pytest.approx([0.1, 0.05, 0.0])


def test_paper_schedule_falls_four_percent_every_eight_epochs():
    rates = [schedules.paper(0.01, epoch * 10 + 9, 1_000, 10) for epoch in (0, 7, 8, 15, 16)]
    assert rates == pytest.approx([0.01, 0.01, 0.0096, 0.0096, 0.009216])


def test_exponential_schedule_falls_six_percent_every_two_epochs():
    rates = [schedules.exponential(0.045, epoch * 10 + 9, 1_000, 10) for epoch in (0, 1, 2, 3, 4)]
    assert rates == pytest.approx([0.045, 0.045, 0.0423, 0.0423, 0.039762])


def test_bvlcs_step_rate_falls_after_its_number_of_steps():
    assert [schedules.stepped(1.0, step, 0, 1) for step in (319_999, 320_000, 640_000)] == pytest.approx(
        [1, 0.96, 0.9216]
    )


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_every_schedule_starts_at_the_rate_and_never_rises(name):
    rates = [schedules.SCHEDULES[name](0.1, step, 40, 4) for step in range(40)]
    assert rates[0] == 0.1
    assert rates == sorted(rates, reverse=True)


def test_cosine_schedule_is_half_a_wave():
    rates = [schedules.cosine(0.2, step, 4) for step in (0, 1, 2, 4)]
    assert rates == pytest.approx([0.2, 0.1 + 0.1 * 2**-0.5, 0.1, 0.0])


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_warm_up_rises_before_the_schedule_starts(name):
    schedule = schedules.SCHEDULES[name]
    rates = [schedules.warmed_up(schedule, 0.1, step, 12, 4, 3) for step in range(12)]
    assert rates[:3] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1])
    assert rates[3:] == [schedule(0.1, step, 9, 4) for step in range(9)]
