"""What the README promises: its Python runs, its numbers hold, its commands are the ones that CI runs."""

import re
import tomllib
from pathlib import Path

import pytest

import minigooglenet as mg
from minigooglenet.counting import comparisons
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
    assert "mini_googlenet" in out


def test_the_first_block_is_ten_lines():
    assert len([line for line in _blocks("python")[0].splitlines() if line.strip()]) <= 10


def test_the_totals_on_the_page_are_the_networks():
    whole = mg.count(mg.models.googlenet(init="zeros"))
    main = mg.count(mg.models.googlenet(aux=False, init="zeros"))
    for number in (whole.params, whole.macs, whole.flops, main.params, main.macs):
        assert f"{number:,}" in README


def test_the_counts_in_the_sample_are_the_tours():
    sample = _blocks("")[0]
    modules = mg.count(mg.models.googlenet(init="zeros")).modules()
    rows = re.findall(r"^  (conv1|inception_3a)\s+(\S+)\s+([\d,]+)\s+([\d,]+)\s+(\d+)$", sample, flags=re.MULTILINE)
    assert len(rows) == 2
    for name, output, params, macs, sees in rows:
        assert output == "x".join(map(str, modules[name][-1].output_shape))
        assert params == f"{sum(row.params for row in modules[name]):,}"
        assert macs == f"{sum(row.macs for row in modules[name]):,}"
        assert int(sees) == modules[name][-1].receptive_field_max[0]


def test_the_savings_in_the_sample_are_the_tours():
    sample, branch = _blocks("")[0], comparisons.bottleneck()
    naive, reduced = (sum(pair[i] for pair in comparisons.naive_modules().values()) for i in range(2))
    assert f"{branch.direct:,}       {branch.reduced:,}   {branch.ratio:.2f}" in sample
    assert f"{naive:,}   {reduced:,}    {naive / reduced:.2f}" in sample


def test_the_error_on_the_page_is_the_real_one():
    g = mg.Graph(image=(64, 28, 28))
    g.add("inception_3a/relu_1x1", mg.layers.ReLU(), "image")
    g.add("inception_3a/relu_3x3", mg.layers.ReLU(), "image")
    g.add("inception_3a/pool", mg.layers.MaxPool2d(2, stride=1), "image")
    with pytest.raises(ValueError, match="concat") as caught:
        g.add(
            "inception_3a/output",
            mg.layers.Concat(),
            "inception_3a/relu_1x1",
            "inception_3a/relu_3x3",
            "inception_3a/pool",
        )
    assert " ".join(str(caught.value).split()) in " ".join(README.split())


@pytest.mark.parametrize("part", re.findall(r"`((?:kernels|models)/[\w/]+\.py|\w+\.py|\w+/)`", README))
def test_every_file_that_the_page_names_exists(part):
    assert (ROOT / "minigooglenet" / part).exists()


def test_the_museum_is_as_large_as_the_page_says():
    (count,) = re.findall(r"names each of the (\d+) broken functions", README)
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
        assert re.fullmatch(r"[\w-]+>=[\d.]+", dependency)
        assert re.search(rf'"{re.escape(dependency)}",\s+# \S', text), dependency
