"""Lesson 06: its judges on answers that are not known mistakes, and its helpers."""

import numpy as np
import pytest

from minigooglenet.counting import count
from minigooglenet.exercises import check
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, MaxPool2d
from minigooglenet.lessons.lesson_06_counting import fields, padding
from minigooglenet.lessons.lesson_06_counting.audit import CLAIMS, audit, compared, published, verdicts


def test_unknown_row_is_reported():
    result = check("06.4", ({"conv9"}, 1024))
    assert (result.status, result.mistake) == ("wrong", None)
    assert "unknown row 'conv9'" in result.what


def test_missing_and_extra_rows_are_counted():
    what = check("06.4", ({"linear", "inception (5a)"}, 1024)).what
    assert "rows that are missing: 1; rows that should not be there: 1" in what
    assert "K is not 512" in check("06.4", (audit.reference_function[0], 512)).what


def test_wrong_claim_is_named():
    right = verdicts.reference_function
    assert "field" in check("06.4b", right | {"field": 1000}).what
    assert check("06.4b", right | {"stem": ...}).mistake == "numbers missing"


@pytest.mark.parametrize("number", ["06.4", "06.4b"])
def test_missing_answer_gives_not_yet_and_nonsense_wrong(number):
    assert check(number, ...).status == "not yet"
    assert check(number, 5).status == "wrong"


def test_imported_claims_contain_no_answer():
    assert set(CLAIMS) == set(verdicts.reference_function)
    assert {field for claim in CLAIMS.values() for field in claim._fields} == {"text", "printed"}
    for key, claim in CLAIMS.items():
        assert claim.printed != verdicts.reference_function[key]


def test_claims_are_compared_with_students_counts():
    right = verdicts.reference_function
    assert "holds" in {row[-1] for row in compared(right).rows}
    assert [row[0] for row in compared({"stem": 1e8, "field": ..., "other": 1}).rows] == ["stem"]
    assert compared(...).rows == []
    shown = {cell for row in published().rows for cell in row}
    assert not shown & {f"{value:,.10g}" for value in right.values()}


@pytest.mark.parametrize(("kernel", "size", "pad"), [(3, 5, 1), (5, 7, 2), (1, 3, 0)])
def test_products_with_pixels_match_counting_loops(kernel, size, pad):
    row = count(Conv2d(2, 3, kernel, padding=pad, init="zeros"), (2, size, size)).rows[0]
    assert padding.by_loops(2, 3, kernel, size, pad) == (row.macs, padding.with_a_pixel(row))


def test_gradient_side_matches_receptive_field():
    g = Graph(image=(3, 40, 40))
    wire = g.add("conv1", Conv2d(3, 4, 5, stride=2, padding=2, rng=0), "image")
    wire = g.add("pool", MaxPool2d(2), wire)
    wire = g.add("conv2", Conv2d(4, 4, 3, padding=1, rng=1), wire)
    gradient = fields.squared_gradient(g, wire, images=6)
    assert fields.side(gradient) == 5 + 1 * 2 + 2 * 4


def test_fraction_inside_grows_with_the_square():
    gradient = np.zeros((9, 9))
    gradient[4, 4], gradient[4, 6] = 3, 1
    assert fields.inside(gradient, [1, 3, 5]).tolist() == [0.75, 0.75, 1]
