"""Feedback pages and the report on a class: student input is escaped, and notes are only for the staff."""

import base64
import html.parser
import re

import pytest
from graded_rows import EVIL, course, row, with_points
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.course import plan
from minigooglenet.course.grading import feedback, report
from minigooglenet.course.grading import page as pages
from minigooglenet.exercises.find import everything

LATE = plan.Late(0.1)
COURSE = course("03.1", "03.2", "03.5", late=LATE, partial=True)
ROWS = with_points(
    [
        row("ada", "03.1"),
        row("ada", "03.2", "wrong", mistake="no padding", message="is 1, expected 2", cases_right=1, cases=4),
        row("ada", "03.5", "not yet", note="the same code as bob"),
        row("bob", "03.1", "wrong", 30, mistake="no padding", message=EVIL),
        row("bob", "03.2", "wrong", 30, mistake="no padding"),
        row("bob", "03.5", "missing", 30),
        row("cem", "03.1", "failed", 3),
        *(row("dan", number, "missing", None) for number in ("03.1", "03.2", "03.5")),
    ],
    COURSE,
)


class Checker(html.parser.HTMLParser):
    """A parser that asserts that every tag of a page is closed in the right order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.images = [], [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.text += "\n" if tag in ("td", "th", "p", "h2", "h3", "dd", "li") else ""
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in ("meta", "img", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_feedback_page_shows_points_mistake_message_and_hint(tmp_path):
    paths = feedback.write(tmp_path / "pages", ROWS, COURSE)
    assert [path.name for path in paths] == ["ada.html", "bob.html", "cem.html", "dan.html"]
    seen = Checker(paths[0].read_text(encoding="utf-8")).text
    for expected in (
        "Feedback for ada",
        "2.5 of 6 points",
        f"03.2 {everything()['03.2'].title}: wrong",
        "0.5 of 2 points; 1 of 4 test cases right",
        "known mistake: no padding",
        "is 1, expected 2",
        'hint("03.2")',
    ):
        assert expected in seen
    assert "the same code as" not in seen, "notes are for the staff"
    assert "bob" not in seen
    late = Checker(paths[1].read_text(encoding="utf-8")).text
    assert "2 days late: 80% of the points count" in late


def test_feedback_writes_only_the_requested_student(tmp_path):
    assert [path.name for path in feedback.write(tmp_path, ROWS, COURSE, only="bob")] == ["bob.html"]


def test_pages_escape_everything_a_student_wrote(tmp_path):
    evil = with_points(
        [row(EVIL, "03.1", "wrong", mistake=EVIL, message=EVIL, file=EVIL, choice=EVIL, note=EVIL)], COURSE
    )
    (path,) = feedback.write(tmp_path, evil, COURSE)
    for text in (path.read_text(encoding="utf-8"), report.class_page(evil, COURSE, [EVIL])):
        page = Checker(text)
        assert "script" not in page.tags
        assert "alert('x')" in page.text
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert "default-src 'none'" in text


@given(st.text())
def test_feedback_page_keeps_any_message_as_text(message):
    made = feedback.student_page(
        "ada", with_points([row("ada", "03.1", "wrong", message=f"[{message}]")], COURSE), COURSE
    )
    page = Checker(made)
    assert page.tags.count("article") == 1
    if message.isascii() and message.isprintable():
        assert f"[{message}]" in page.text


def test_table_aligns_percentages_as_numbers():
    shown = pages.table("T", ("name", "fraction"), [("33", "33%"), ("b", "7%")])
    assert re.findall(r"<td([^>]*)>", shown) == ["", ' class="number"'] * 2


def test_feedback_page_fits_a_phone():
    made = feedback.student_page("ada", [line for line in ROWS if line["student"] == "ada"], COURSE)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in made
    assert "overflow-wrap: anywhere" in made
    assert "table" not in Checker(made).tags, "a table would be wider than 390 pixels"
    assert not re.search(r"(?<!max-)width: *\d{3,}px", made)


def test_page_names_that_may_collide_get_a_number():
    result = feedback.names(["Ada", "ADA", "a/b", "a_b", "con", "../x", "\u202e"])
    assert result == {
        "Ada": "Ada-2.html",
        "ADA": "ADA.html",
        "a/b": "a_b.html",
        "a_b": "a_b-2.html",
        "con": "_con.html",
        "../x": "x.html",
        "\u202e": "student.html",
    }


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=8))
def test_page_names_are_unique_on_every_system(students):
    names = feedback.names(students)
    assert set(names) == set(students)
    assert len({name.casefold() for name in names.values()}) == len(students)
    for name in names.values():
        assert re.fullmatch(r"[\w-][\w.-]*\.html", name)
        assert not re.match(r"(con|nul|aux|prn)\.", name, re.IGNORECASE)


def test_report_counts_statuses_mistakes_and_arrivals():
    assert report.by_exercise(ROWS)["03.1"] == {"passed": 1, "wrong": 1, "failed": 1, "missing": 1}
    assert report.mistakes(ROWS) == [("03.2", "no padding", 2), ("03.1", "no padding", 1)]
    result = {student: round(hours) for student, _, _, hours in report.arrivals(ROWS, COURSE)}
    assert result == {"ada": 1, "bob": -30, "cem": -3}


def test_report_figures_have_alt_text():
    page = Checker(report.class_page(ROWS, COURSE, ["eve.pdf is not graded"]))
    assert len(page.images) == 3
    for image in page.images:
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
        assert re.search(r"\d", image["alt"])
    for expected in (
        "Passed by the fewest students: 03.2 (0 of 3).",
        "The first: no padding in 03.2, 2 students.",
        "Bar chart of 3 files by hours after the due date: 2 of them are late.",
        "the same code as bob",
        "eve.pdf is not graded",
    ):
        assert expected in page.text
    assert {"ada", "bob", "cem", "dan"} <= set(re.findall(r"\w+", page.text))


@pytest.mark.parametrize("rows", [[], [row(status="missing", hours=None)], [row()]], ids=["none", "missing", "passed"])
def test_report_accepts_few_rows(rows):
    assert "report" in Checker(report.class_page(rows, plan.Plan(), [])).text


def test_report_accepts_a_mistake_with_a_dollar_sign():
    report.class_page([row("ada", "03.1", "wrong", mistake="$\\frac{$ \u4e2d")], COURSE, [])


def test_table_breaks_long_words():
    made = pages.table("", ["student", "points"], [["x" * 70 + " <y>", 1]])
    assert f"<td>{'x' * 30}<wbr>{'x' * 30}<wbr>{'x' * 10}" in made
    assert re.sub("<wbr>", "", made).count("x" * 70 + " &lt;y&gt;") == 1
