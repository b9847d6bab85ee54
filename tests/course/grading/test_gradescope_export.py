"""What Gradescope exports: folders with numbers, and a file that says whose they are and when they were handed in."""

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
    """Return a function: what a class folder means, of {path: text}."""

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


def test_the_file_says_who_handed_in_what_and_when():
    said = gradescope_export.read(METADATA)
    assert [person.name for person in said["submission_111"].people] == ["Ada Byron"]
    assert said["submission_111"].people[0] == Person("Ada Byron", id="4711", email="ada@example.org")
    assert tuple(person.name for person in said["submission_222"].people) == TEAM
    assert said["submission_222"].when == datetime.datetime(2026, 11, 4, 4, 59, tzinfo=datetime.UTC).timestamp()
    assert "submission_333" not in said


@pytest.mark.parametrize(
    "text", ["", "- 1\n- 2\n", "submission_1: 3\n", ":name: x\n  :sid: y", "submission_1:\n  :submitters:\n"]
)
def test_another_file_says_nothing(text):
    assert gradescope_export.read(text) == {}


@pytest.mark.parametrize("above", ["", "assignment_77_export/", "autumn/"])
def test_folders_with_numbers_are_of_the_students_that_the_file_names(collect, above):
    found = collect(export(above))
    assert {each.student for each in found.handed} == {"Ada Byron", *TEAM, "submission_333"}
    when = datetime.datetime(2026, 11, 3, 10, 11, 12, tzinfo=datetime.UTC).timestamp()
    assert {each.when for each in found.handed if each.student == "Ada Byron"} == {when}
    assert found.sentences == [f"{above}submission_metadata.yml says who handed in 2 submissions"]


def test_a_file_for_two_is_graded_for_both_and_noted(collect):
    notes = {each.student: each.note for each in collect(export("")).handed}
    assert notes[TEAM[0]] == f"handed in together with {TEAM[1]}"
    assert notes[TEAM[1]] == f"handed in together with {TEAM[0]}"
    assert notes["Ada Byron"] == ""


def test_ids_and_emails_of_the_export_find_students_on_the_roster(collect):
    people = [Person("Countess", id="4711"), Person("Zoe Kay", email="zoe@example.org"), Person("Cy D'Ree")]
    found = collect(export("x/"), course("01.1", people=people))
    assert {each.student for each in found.handed} == {"Countess", "Zoe Kay", "Cy D'Ree", "submission_333"}
    assert found.absent == []


def test_a_file_in_a_students_folder_gives_nothing_to_others(collect):
    tree = {f"bob/{name}": text for name, text in export("").items() if "333" not in name} | {f"cem/{OWN}": NOTEBOOK}
    assert {each.student for each in collect(tree).handed} == {"bob", "cem"}
