"""The checks as pytest tests, in pytest's own process, so that breakpoints work inside a student's function.

    # test_my_lessons.py
    from minigooglenet.course.testing import checks_of

    test_03 = checks_of("03_gradients.ipynb")

`pytest test_my_lessons.py` checks every exercise in that file; `pytest -m ex03_4` (or `-k 03.4`) checks one exercise.
Exercises that are not written yet are skipped.
"""

import warnings
from pathlib import Path

from minigooglenet.course import cells
from minigooglenet.course.check_runner import check


def assert_passed(number, path, function=None) -> None:
    """Check one exercise of a file: fail with the text of the result, or skip an exercise that is not written yet."""
    import pytest

    result = check(number, path, function)
    if result.status == "not yet":
        pytest.skip(str(result))
    assert result.passed, f"\n{result}"


def checks_of(path):
    """Return a parametrised pytest test with one case for each exercise that a file checks."""
    import pytest

    def mark(number):
        with warnings.catch_warnings(action="ignore"):  # unregistered marks, one per exercise
            return getattr(pytest.mark, f"ex{number.replace('.', '_')}")

    numbers = cells.numbers_in(cells.read(Path(path)))

    @pytest.mark.parametrize("number", [pytest.param(number, id=number, marks=mark(number)) for number in numbers])
    def test(number):
        assert_passed(number, path)

    return test
