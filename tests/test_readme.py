"""What the README promises: its Python runs, its numbers hold, its commands are the ones that CI runs."""

import re
import tomllib
from pathlib import Path

import pytest

import minigooglenet as mg
from minigooglenet.gradcheck import museum

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)


def _blocks(language):
    return [text for name, text in BLOCKS if name == language]


def test_the_python_runs_in_order(capsys, tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in _blocks("python"):
        exec(block, names)
    out = capsys.readouterr().out
    assert "(8, 256, 28, 28) (128, 96, 3, 3)" in out
    assert "96*128*3*3*28*28 = 86,704,128 MAC" in out
    (comment,) = re.findall(r"^# (FAIL .*)$", README, flags=re.MULTILINE)
    assert comment in out


def test_the_first_block_is_ten_lines():
    assert len([line for line in _blocks("python")[0].splitlines() if line.strip()]) <= 10


def test_the_totals_on_the_page_are_the_networks():
    whole = mg.count(mg.models.googlenet(init="zeros"))
    main = mg.count(mg.models.googlenet(aux=False, init="zeros"))
    for number in (whole.params, whole.macs, main.params, main.macs):
        assert f"{number:,}" in README


def test_page_has_one_figure_and_fewer_than_160_lines():
    assert len(re.findall(r"^!\[[^]]{100,}\]\(docs/_static/viewer\.png\)$", README, re.M)) == README.count("![") == 1
    assert len(README.splitlines()) < 160


def test_the_museum_is_as_large_as_the_page_says():
    (count,) = re.findall(r"names the mistake in each of (\d+) broken functions", README)
    assert int(count) == len(museum.EXHIBITS)


def test_each_command_has_its_windows_form():
    unix, windows = _blocks("sh"), _blocks("bat")
    for line, other in zip(unix, windows, strict=True):
        translated = line.replace("python3", "py").replace(".venv/bin/", ".venv\\Scripts\\").replace("'", '"')
        assert translated == other


def test_ci_takes_both_commands_from_the_page():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    patterns = re.findall(r"\$\(grep '(.*?)' README\.md\)", script)
    found = [[line for line in README.splitlines() if re.search(pattern, line)] for pattern in patterns]
    assert found == [[line] for line in "".join(_blocks("sh")).splitlines()]


def test_every_dependency_states_its_reason_and_a_floor():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    named = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    for dependency in named:
        assert re.fullmatch(
            r"minigooglenet\[[\w,]+\]|[\w-]+>=[\d.]+(; (python_version < '3\.\d+'|platform_system == 'Linux'))?",
            dependency,
        )
        assert re.search(rf'"{re.escape(dependency)}",\s+# \S', text), dependency


def test_citation_has_the_version_of_the_package():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {mg.__version__}\n" in text
