"""Ten thousand races for the lock of one folder."""

import lock_race
import pytest

RACES, PROCESSES = 10_000, 4


@pytest.mark.faults
def test_no_two_processes_hold_in_ten_thousand_races(tmp_path):
    told = lock_race.race(tmp_path, PROCESSES, RACES // PROCESSES)
    assert told["held"] + told["refused"] == RACES
    assert told["held"] > RACES // 20
    assert told["refused"] > RACES // 100
    assert told["double"] == 0
