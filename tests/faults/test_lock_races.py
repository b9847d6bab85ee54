"""Ten thousand races for the lock of one folder."""

import lock_race
import pytest

RACES, PROCESSES = 10_000, 4


@pytest.mark.faults
def test_lock_is_never_held_twice_in_ten_thousand_races(tmp_path):
    counts = lock_race.race(tmp_path, PROCESSES, RACES // PROCESSES)
    assert counts["held"] + counts["rejected"] == RACES
    assert counts["held"] > RACES // 20
    assert counts["rejected"] > RACES // 100
    assert counts["double"] == 0
