"""Pages of feedback and the report on a class: everything a student wrote is text, and notes are for the staff."""

import base64
import html.parser
import re

import pytest
from graded_rows import EVIL, course, marked, row
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.course import plan
from minigooglenet.course.grading import feedback, report
from minigooglenet.course.grading import page as pages

LATE = plan.Late(0.1)
COURSE = course("03.1", "03.2", "03.5", late=LATE, partial=True)
ROWS = marked(
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
    """The tags of a page, each closed in the order in which it was opened."""

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


def test_a_page_shows_points_mistake_message_and_the_hint(tmp_path):
    paths = feedback.write(tmp_path / "pages", ROWS, COURSE)
    assert [path.name for path in paths] == ["ada.html", "bob.html", "cem.html", "dan.html"]
    seen = Checker(paths[0].read_text(encoding="utf-8")).text
    for told in (
        "Feedback for ada",
        "2.5 of 6 points",
        "03.2 the weight gradient: wrong",
        "0.5 of 2 points; 1 of 4 test cases right",
        "known mistake: no padding",
        "is 1, expected 2",
        'hint("03.2")',
    ):
        assert told in seen
    assert "the same code as" not in seen, "notes are for the staff"
    assert "bob" not in seen
    late = Checker(paths[1].read_text(encoding="utf-8")).text
    assert "2 days late: 80% of the points count" in late


def test_only_one_students_page_is_written_on_request(tmp_path):
    assert [path.name for path in feedback.write(tmp_path, ROWS, COURSE, only="bob")] == ["bob.html"]


def test_a_page_has_no_script_whatever_a_student_wrote(tmp_path):
    evil = marked([row(EVIL, "03.1", "wrong", mistake=EVIL, message=EVIL, file=EVIL, choice=EVIL, note=EVIL)], COURSE)
    (path,) = feedback.write(tmp_path, evil, COURSE)
    for text in (path.read_text(encoding="utf-8"), report.of_class(evil, COURSE, [EVIL])):
        page = Checker(text)
        assert "script" not in page.tags
        assert "alert('x')" in page.text
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert "default-src 'none'" in text


@given(st.text())
def test_any_text_in_a_page_comes_back_as_text(told):
    made = feedback.of_student("ada", marked([row("ada", "03.1", "wrong", message=f"[{told}]")], COURSE), COURSE)
    page = Checker(made)
    assert page.tags.count("article") == 1
    if told.isascii() and told.isprintable():
        assert f"[{told}]" in page.text


def test_percentages_in_a_table_are_aligned_as_numbers():
    shown = pages.table("T", ("name", "share"), [("33", "33%"), ("b", "7%")])
    assert re.findall(r"<td([^>]*)>", shown) == ["", ' class="number"'] * 2


def test_a_page_fits_a_telephone():
    made = feedback.of_student("ada", [each for each in ROWS if each["student"] == "ada"], COURSE)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in made
    assert "overflow-wrap: anywhere" in made
    assert "table" not in Checker(made).tags, "a table would be wider than 390 pixels"
    assert not re.search(r"(?<!max-)width: *\d{3,}px", made)


def test_names_that_one_system_takes_for_the_same_get_a_number():
    found = feedback.names(["Ada", "ADA", "a/b", "a_b", "con", "../x", "\u202e"])
    assert found == {
        "Ada": "Ada-2.html",
        "ADA": "ADA.html",
        "a/b": "a_b.html",
        "a_b": "a_b-2.html",
        "con": "_con.html",
        "../x": "x.html",
        "\u202e": "student.html",
    }


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=8))
def test_every_student_has_a_page_of_their_own_on_every_system(students):
    names = feedback.names(students)
    assert set(names) == set(students)
    assert len({name.casefold() for name in names.values()}) == len(students)
    for name in names.values():
        assert re.fullmatch(r"[\w-][\w.-]*\.html", name)
        assert not re.match(r"(con|nul|aux|prn)\.", name, re.IGNORECASE)


def test_the_report_counts_statuses_mistakes_and_arrivals():
    assert report.by_exercise(ROWS)["03.1"] == {"passed": 1, "wrong": 1, "failed": 1, "missing": 1}
    assert report.mistakes(ROWS) == [("03.2", "no padding", 2), ("03.1", "no padding", 1)]
    found = {student: round(hours) for student, _, _, hours in report.arrivals(ROWS, COURSE)}
    assert found == {"ada": 1, "bob": -30, "cem": -3}


def test_the_report_has_figures_with_their_text():
    page = Checker(report.of_class(ROWS, COURSE, ["eve.pdf is not graded"]))
    assert len(page.images) == 3
    for image in page.images:
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
        assert re.search(r"\d", image["alt"])
    for told in (
        "The fewest passed 03.2: 0 of 3.",
        "The first: no padding in 03.2, 2 students.",
        "Bars of when 3 files arrived, in hours from the due date: 2 of them late.",
        "the same code as bob",
        "eve.pdf is not graded",
    ):
        assert told in page.text
    assert {"ada", "bob", "cem", "dan"} <= set(re.findall(r"\w+", page.text))


@pytest.mark.parametrize("rows", [[], [row(status="missing", hours=None)], [row()]], ids=["none", "missing", "passed"])
def test_a_report_on_little_is_a_report(rows):
    assert "report" in Checker(report.of_class(rows, plan.Plan(), [])).text


def test_a_mistake_with_a_dollar_is_no_formula_of_a_figure():
    report.of_class([row("ada", "03.1", "wrong", mistake="$\\frac{$ \u4e2d")], COURSE, [])


def test_a_long_word_in_a_table_can_break_so_that_the_other_columns_stay_in_sight():
    made = pages.table("", ["student", "points"], [["x" * 70 + " <y>", 1]])
    assert f"<td>{'x' * 30}<wbr>{'x' * 30}<wbr>{'x' * 10}" in made
    assert re.sub("<wbr>", "", made).count("x" * 70 + " &lt;y&gt;") == 1
