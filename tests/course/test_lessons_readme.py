"""The README of the lessons is valid: its commands exist, it lists the notebooks, and its numbers match the code."""

import re
from pathlib import Path

from minigooglenet import cli
from minigooglenet.course import handout, testing
from minigooglenet.course.grading import grader, sandbox

LESSONS = Path(__file__).parents[2] / "lessons"
README = (LESSONS / "README.md").read_text(encoding="utf-8")


def test_every_command_in_the_readme_exists():
    assert set(re.findall(r"minigooglenet (\w+)", README)) - {"import"} <= set(cli.COMMANDS)


def test_readme_table_lists_the_lesson_titles():
    titles = re.findall(r"^\| (\d\d .*?) \|", README, flags=re.MULTILINE)
    assert [title[:2] for title in titles] == [f"{number:02}" for number in range(17)]
    for source in handout.sources():
        title = re.search(r"^# # (.*)$", source.read_text(encoding="utf-8"), flags=re.MULTILINE).group(1)
        assert title in titles


def test_readme_numbers_match_the_code():
    assert f"at most {grader.DISK >> 20} MB" in README
    assert f"at most {sandbox.PROCESSES} more processes" in README
    points = re.findall(r"^\| .*? \| (\d+) \| ", README.partition("### Points")[2], flags=re.MULTILINE)
    assert sum(map(int, points)) == 100


def test_readme_recipe_for_pytest_is_valid():
    assert hasattr(testing, re.search(r"import (checks_of)", README).group(1))


def test_readme_is_ascii():
    assert README.isascii()
