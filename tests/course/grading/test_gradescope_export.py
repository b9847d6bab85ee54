"""Exports of Gradescope: numbered folders, and a file with their students and times."""

import datetime
import json

import pytest
from graded_rows import course

from minigooglenet.course.grading import gradescope_export, submissions
from minigooglenet.course.roster import Person

OWN = "01_feature_map.ipynb"
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": "check('01.1', None)"}]})
METADATA = """---
submission_111:
  :submitters:
  - :name: Ada Byron
    :sid: '4711'
    :email: ada@example.org
  :created_at: 2026-11-03 10:11:12.000000000 Z
  :score: 0.0
  :results:
    output: "  :name: Nobody"
  :history:
  - :id: 11
    :created_at: 2026-11-01 10:11:12.000000000 Z
submission_222:
  :submitters:
  - :name: "Zo\\u00EB O'Kay"
    :sid: 12
    :email: zoe@example.org
  - :name: 'Cy: D''Ree'
    :sid:
    :email: cy@example.org
  :created_at: 2026-11-03 23:59:00.000000000 -05:00
submission_333:
  :submitters: []
"""
TEAM = ("Zo\u00eb O'Kay", "Cy: D'Ree")


@pytest.fixture
def collect(tmp_path):
    """Return a function that collects the submissions of a class folder, {path: text}."""

    def collected(tree, plan=None):
        (tmp_path / "scratch").mkdir()
        for name, text in tree.items():
            path = tmp_path / "class" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return submissions.collect(tmp_path / "class", tmp_path / "scratch", "01", plan)

    return collected


def export(above):
    """Return the tree of an export."""
    folders = {f"{above}submission_{number}/{OWN}": NOTEBOOK for number in (111, 222, 333)}
    return {f"{above}submission_metadata.yml": METADATA} | folders


def test_gradescope_metadata_gives_students_and_times():
    exported = gradescope_export.read(METADATA)
    assert [person.name for person in exported["submission_111"].people] == ["Ada Byron"]
    assert exported["submission_111"].people[0] == Person("Ada Byron", id="4711", email="ada@example.org")
    assert tuple(person.name for person in exported["submission_222"].people) == TEAM
    assert exported["submission_222"].when == datetime.datetime(2026, 11, 4, 4, 59, tzinfo=datetime.UTC).timestamp()
    assert "submission_333" not in exported


@pytest.mark.parametrize(
    "text", ["", "- 1\n- 2\n", "submission_1: 3\n", ":name: x\n  :sid: y", "submission_1:\n  :submitters:\n"]
)
def test_other_file_gives_no_submissions(text):
    assert gradescope_export.read(text) == {}


@pytest.mark.parametrize("above", ["", "assignment_77_export/", "autumn/"])
def test_gradescope_folders_belong_to_the_students_in_the_metadata(collect, above):
    result = collect(export(above))
    assert {file.student for file in result.to_grade} == {"Ada Byron", *TEAM, "submission_333"}
    when = datetime.datetime(2026, 11, 3, 10, 11, 12, tzinfo=datetime.UTC).timestamp()
    assert {file.when for file in result.to_grade if file.student == "Ada Byron"} == {when}
    assert result.sentences == [f"{above}submission_metadata.yml names the students of 2 submissions"]


def test_team_submission_is_graded_for_both_with_a_note(collect):
    notes = {file.student: file.note for file in collect(export("")).to_grade}
    assert notes[TEAM[0]] == f"handed in together with {TEAM[1]}"
    assert notes[TEAM[1]] == f"handed in together with {TEAM[0]}"
    assert notes["Ada Byron"] == ""


def test_export_ids_and_emails_match_the_roster(collect):
    people = [Person("Countess", id="4711"), Person("Zoe Kay", email="zoe@example.org"), Person("Cy D'Ree")]
    result = collect(export("x/"), course("01.1", people=people))
    assert {file.student for file in result.to_grade} == {"Countess", "Zoe Kay", "Cy D'Ree", "submission_333"}
    assert result.absent == []


def test_metadata_in_a_students_folder_is_ignored(collect):
    tree = {f"bob/{name}": text for name, text in export("").items() if "333" not in name} | {f"cem/{OWN}": NOTEBOOK}
    assert {file.student for file in collect(tree).to_grade} == {"bob", "cem"}
