"""The judges of lesson 06 where no known mistake fits."""

import pytest

from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_06_counting.audit import CLAIMS, audit, compared, published, verdicts


def test_an_unknown_row_is_named_beside_the_known_ones():
    result = check("06.4", ({"conv9"}, 1024))
    assert (result.status, result.mistake) == ("wrong", None)
    assert "no row is called 'conv9'" in result.what


def test_a_set_of_rows_that_nobody_usually_gives_is_counted():
    assert "1 rows are missing, 1 too many" in check("06.4", ({"linear", "inception (5a)"}, 1024)).what
    assert "K is not 512" in check("06.4", (audit.reference_function[0], 512)).what


def test_a_claim_that_is_off_is_named():
    right = verdicts.reference_function
    assert "field" in check("06.4b", right | {"field": 1000}).what
    assert check("06.4b", right | {"stem": ...}).mistake == "numbers missing"


@pytest.mark.parametrize("number", ["06.4", "06.4b"])
def test_no_answer_is_not_yet_and_nonsense_is_no_crash(number):
    assert check(number, ...).status == "not yet"
    assert check(number, 5).status == "wrong"


def test_claims_that_the_lesson_imports_hold_no_answer():
    assert set(CLAIMS) == set(verdicts.reference_function)
    assert {field for claim in CLAIMS.values() for field in claim._fields} == {"text", "printed"}
    for key, claim in CLAIMS.items():
        assert claim.printed != verdicts.reference_function[key]


def test_claims_are_compared_with_what_a_student_counted():
    right = verdicts.reference_function
    assert "holds" in {row[-1] for row in compared(right).rows}
    assert [row[0] for row in compared({"stem": 1e8, "field": ..., "other": 1}).rows] == ["stem"]
    assert compared(...).rows == []
    shown = {cell for row in published().rows for cell in row}
    assert not shown & {f"{value:,.10g}" for value in right.values()}
