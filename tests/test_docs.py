"""The pages of the documentation: each is in the index, its links lead somewhere, and its examples run."""

import re
from pathlib import Path

import pytest
from numeric import COMPILED, needs_numba

import minigooglenet as mg
from minigooglenet import cli
from minigooglenet.exercises.find import everything

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEACHERS = sorted((ROOT / "docs" / "course").glob("*.md"))
ALL = [
    *PAGES,
    *TEACHERS,
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "lessons" / "README.md",
]


def test_every_page_is_in_one_table_of_contents():
    trees = "\n".join(re.findall(r"```\{toctree\}\n(.*?)```", "\n".join(map(_text, PAGES)), re.S))
    listed = re.findall(r"^([\w/-]+)$", trees, re.M)
    pages = {str(page.relative_to(ROOT / "docs").with_suffix("").as_posix()) for page in [*PAGES, *TEACHERS]}
    assert sorted(name for name in listed if name != "api/index") == sorted(
        pages - {"index", "README", "course/README"}
    )


def test_command_line_page_lists_every_command():
    table = re.findall(r"^\| (`minigooglenet .*?) \|", _text(ROOT / "docs" / "command-line.md"), re.M)
    listed = {code.removeprefix("minigooglenet ").split()[0] for row in table for code in re.findall(r"`([^`]+)`", row)}
    assert listed == set(cli.COMMANDS)


def test_figure_of_the_network_has_the_engines_numbers(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    network_figure = pytest.importorskip("network_figure")
    words = network_figure.description(network_figure.parts())
    assert words in _text(network_figure.FILE)
    for fraction in re.findall(r"\d+\.\d%", "".join(re.findall(r"^!\[(.*)\]", _text(ROOT / "README.md"), re.M))):
        assert fraction in words


def test_teachers_page_counts_lessons_and_exercises():
    counted = len([number for number in everything() if number[:2].isdigit()])
    assert f"seventeen notebooks with {counted} exercises" in _text(ROOT / "docs" / "teach.md")


def _text(page):
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if page.parent == ROOT / "docs" and path.startswith("lessons/"):
            file = ROOT / path  # the site copies the notebooks to docs/lessons
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, target


@pytest.mark.parametrize("page", [*PAGES, *TEACHERS], ids=lambda page: page.stem)
def test_pages_are_plain_ascii(page):
    assert page.read_text(encoding="utf-8").isascii()


@needs_numba
def test_examples_on_counting_print_what_they_say(capsys):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "counting.md").read_text(encoding="utf-8"), re.S):
        exec(block, names)
    out = capsys.readouterr().out
    assert "6998552 1582671872 3165343744" in out
    assert "of transformed weights" in out


@needs_numba
def test_numbers_on_counting_are_true():
    nin = mg.count(mg.models.nin(init="zeros"))
    alexnet = mg.count(mg.models.alexnet(groups=2, init="zeros"))
    ratios = [c.memory(batch=2, threads=2).total / (2 * c.peak_wire_bytes) for c in (nin, alexnet)]
    assert all(4 < ratio < 5 for ratio in ratios), ratios  # the workspace depends on the processor's vectors


def run(page, folder, monkeypatch):
    """Run all examples of a page, one after the other, in a folder; return what they define."""
    monkeypatch.chdir(folder)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.S):
        exec(block, names)
    return names


def test_examples_on_forms_agree(tmp_path, monkeypatch, capsys):
    with mg.use():
        run("forms.md", tmp_path, monkeypatch)
    out = capsys.readouterr().out
    assert out.count("True") == 2
    assert ("kernels/fast/conv2d.py" in out) == bool(COMPILED)


def test_own_layer_is_checked_counted_planned_saved_and_exported(tmp_path, monkeypatch, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    names = run("your-own-layer.md", tmp_path, monkeypatch)
    assert capsys.readouterr().out.split() == ["PASS", str(2 * 8 * 16 * 16), "True", "True"]
    session = onnxruntime.InferenceSession(tmp_path / "swish.onnx", providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"image": names["x"]})
    assert abs(y - names["g"](names["x"])).max() < 1e-5


def test_every_test_that_the_assurance_table_names_exists():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    names = re.findall(r"`(?:tests/[\w/]*)?(test_\w+\.py)`", text)
    assert len(names) > 30
    assert set(names) <= {path.name for path in (ROOT / "tests").rglob("test_*.py")}
