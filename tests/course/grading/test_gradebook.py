"""The CSV of a class: no field is a formula, whichever separator a spreadsheet splits lines at."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.cli import main
from minigooglenet.course.grading import gradebook

PIECES = [
    "=1+1",
    "+1",
    "-2",
    "@SUM(A1)",
    "|x",
    "%y",
    "\uff1d1",
    "\ufe63",
    "\t",
    "\r",
    "\n",
    ";",
    ",",
    "|",
    '"',
    "'",
    " ",
    "a",
    "\x1b[2J",
    "\u202e",
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)


def fields(text):
    """Yield every field that a spreadsheet may read: four separators, with and without quotes."""
    for separator in ",;|\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting):
                yield from row


def written(rows):
    file = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", file)
        gradebook.write("-", rows)
    return file.getvalue()


@given(texts, texts)
def test_csv_contains_no_formula(student, message):
    text = written(
        [{"student": student, "message": message, "file": message, "note": f"{message}; {student}", "points": 0}]
    )
    for field in fields(text):
        first = unicodedata.normalize("NFKC", field).strip(' "')[:1]
        assert first not in ("=", "+", "-", "@", "|", "%", "\t")
    assert all(letter.isprintable() for letter in text.replace("\n", ""))


@given(texts, texts)
def test_csv_round_trip_keeps_cells(student, message):
    rows = list(csv.DictReader(io.StringIO(written([{"student": student, "message": message}] * 2), newline="")))
    assert [(row["student"], row["message"]) for row in rows] == [
        (gradebook.cell(student), gradebook.cell(message))
    ] * 2


def test_long_names_stay_different():
    names = ["\U000e0041" * 63 + end for end in "ab"]
    rows = list(csv.DictReader(io.StringIO(written([{"student": name} for name in names]))))
    assert len({row["student"] for row in rows}) == 2


def test_command_line_error_shows_control_characters_as_escapes(capsys, tmp_path):
    name = str(tmp_path / "\x1b[2J\u202e.zip")
    assert main(["grade", name, "--csv", str(tmp_path / "out.csv")]) == 1
    assert "\\x1b[2J\\u202e.zip" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["grade", "folder", "--csv", "out.csv", "\x1b[2J"])
    assert "\x1b" not in capsys.readouterr().err


def test_csv_file_but_no_pipe_has_a_byte_order_mark(tmp_path):
    gradebook.write(tmp_path / "out.csv", [{"student": "Zo\u00eb", "points": 1.5, "verified": True}])
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfstudent,file,exercise")
    assert "Zo\u00eb,,,,,1.5," in data.decode("utf-8")
    assert written([{"student": "Zo\u00eb"}]).startswith("student")


def test_summary_names_students_without_a_submission():
    rows = [{"student": name, "exercise": "03.1"} for name in ("bob", "cem\u202e")]
    rows += [{"student": "ada", "exercise": number, "choice": ""} for number in ("03.1", "04.1", "04.2")]
    assert gradebook.arrived(rows) == [
        "Lesson 03: handed in by 1 of 3 students; missing: bob, cem\\u202e",
        "Lesson 04: handed in by 1 of 1 students",
    ]
    many = [{"student": f"s{index}", "exercise": "03.1"} for index in range(23)]
    assert gradebook.arrived(many)[0].endswith("s19 and 3 more")


def test_csv_has_test_cases_and_times():
    row = {"student": "ada", "cases_right": 3, "cases": 5, "when": 1_700_000_000.0}
    (first, second) = csv.DictReader(io.StringIO(written([row, {"student": "bob", "cases_right": 0, "cases": 0}])))
    assert (first["cases_right"], first["cases"], first["handed_in"][:5]) == ("3", "5", "2023-")
    assert (second["cases_right"], second["cases"], second["handed_in"]) == ("", "", "")
