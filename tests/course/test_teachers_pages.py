"""The pages for instructors are valid: their commands, slides, JSON keys and references."""

import json
import re
from pathlib import Path

import pytest

from minigooglenet.cli import COMMANDS, main
from minigooglenet.course import handout, notebooks

PAGES = sorted((Path(__file__).parents[2] / "docs" / "course").glob("*.md"))
CALLS = [
    pytest.param(line.split("#")[0].split()[1:], id=f"{page.stem}: {line.split('#')[0].strip()}")
    for page in PAGES
    for line in page.read_text(encoding="utf-8").splitlines()
    if line.startswith("minigooglenet ")
]


@pytest.mark.parametrize("words", CALLS)
def test_commands_and_their_options_exist(words, capsys):
    assert words[0] in COMMANDS
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    page = capsys.readouterr().out
    assert [word for word in words if word.startswith("--") and word not in page] == []


def test_every_heading_begins_a_slide():
    text = "# %% [markdown]\n# # 98 A\n\n# %%\nx = 1\n\n# %% [markdown]\n# ### Part\n\n# %% [markdown]\n# Words.\n"
    cells = json.loads(notebooks.student(text, "98_a"))["cells"]
    assert [cell["metadata"].get("slideshow", {}).get("slide_type") for cell in cells] == [
        "slide",
        None,
        "subslide",
        None,
    ]


def test_json_result_has_the_documented_keys(tmp_path, capfd):
    page = next(page for page in PAGES if page.stem == "containers").read_text(encoding="utf-8")
    stated = re.findall(r"`(\w+)`", page[page.index("with the keys") : page.index("The exit codes")])
    path = tmp_path / "mine.py"
    path.write_text("def mean_of_window(x, i, j, k):\n    return 0\n", encoding="utf-8")
    assert main(["check", "00.1", str(path), "--json"]) == 1
    result = json.loads(capfd.readouterr().out)
    assert set(result) == set(stated) - {"passed", "wrong", "failed"} | {"passed"}
    assert (result["exercise"], result["passed"], result["status"]) == ("00.1", False, "wrong")


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [("def mean_of_window(x, i, j, k):\n    return x[i : i + k, j : j + k].mean()\n", 0, "passed"), ("", 2, "not yet")],
)
def test_json_check_has_the_same_exit_codes(tmp_path, capfd, content, code, status):
    path = tmp_path / "mine.py"
    path.write_text(content, encoding="utf-8")
    assert main(["check", "00.1", str(path), "--json"]) == code
    assert json.loads(capfd.readouterr().out)["status"] == status


def test_json_reports_an_unreadable_file(tmp_path, capfd):
    path = tmp_path / "mine.ipynb"
    path.write_text("{", encoding="utf-8")
    assert main(["check", "00.1", str(path), "--json"]) == 1
    result = json.loads(capfd.readouterr().out)
    assert result["status"] == "failed"
    assert "cannot be checked" in result["what"]


def test_json_reports_a_timeout(tmp_path, capfd):
    path = tmp_path / "mine.py"
    path.write_text("def mean_of_window(x, i, j, k):\n    while True:\n        pass\n", encoding="utf-8")
    assert main(["check", "00.1", str(path), "--json", "--timeout", "4"]) == 124
    assert json.loads(capfd.readouterr().out)["status"] == "failed"


def test_every_preprint_in_a_lesson_is_in_the_references():
    lessons = "".join(path.read_text(encoding="utf-8") for path in handout.sources())
    listed = next(page for page in PAGES if page.stem == "licence").read_text(encoding="utf-8")
    named = set(re.findall(r"arXiv:\d{4}\.\d{4,5}", lessons))
    assert named
    assert named <= set(re.findall(r"arXiv:\d{4}\.\d{4,5}", listed))


@pytest.mark.parametrize("name", ["AlexNet", "VGG"])
def test_references_list_the_lessons_that_name_a_network(name):
    listed = next(page for page in PAGES if page.stem == "licence").read_text(encoding="utf-8")
    (used,) = re.findall(rf"\| ([\d, to]+): {name}", listed)
    stated = set()
    for part in used.split(", "):
        first, _, last = part.partition(" to ")
        stated |= set(range(int(first), int(last or first) + 1))
    assert stated == {int(path.stem[:2]) for path in handout.sources() if name in path.read_text(encoding="utf-8")}
