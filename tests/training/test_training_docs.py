"""The docs page about training: its examples run, and its numbers are right."""

import re
from pathlib import Path

import pytest

import minigooglenet as mg
from minigooglenet import schedules
from minigooglenet.cli import train
from minigooglenet.training import progress

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def test_page_examples_run_in_order(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"weights.safetensors", "best.safetensors"}
    out = capsys.readouterr().out
    assert "epoch   1: loss" in out
    assert "[ 0.899 -0.999] {'w': 1}" in out


def test_page_options_and_schedules_exist(capsys):
    from minigooglenet.cli import main

    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    commands = {"--crops", "--help"}
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) - commands <= set(re.findall(r"--[a-z][a-z-]*", text))
    assert all(f"`{name}`" in PAGE for name in schedules.SCHEDULES)


def test_page_defaults_match_the_command():
    adam = (0.001, 0.003)
    rates = {"sgd": (0.01, 0.05), "adamw": adam, "adam": adam, "rmsprop": (0.01, 0.045)}
    assert rates == train.RATES
    assert train.DECAYS == {"sgd": 0.0002, "adamw": 0.01, "adam": 0.0, "rmsprop": 0.00004}
    for row in ("0.05 with batch norm; 0.01 without", "0.003 and 0.001", "0.045 and 0.01", "0.0002, of all parameters"):
        assert row in PAGE
    for row in ("AdamW 0.01, Adam 0; not of biases", "0.00004, not of biases"):
        assert row in PAGE


def test_page_counts_match_the_network_and_its_head():
    g = mg.models.mini_googlenet(10, in_channels=1, init="zeros")
    counted = mg.count(g)
    assert f"{counted.params:,} parameters, {counted.macs:,} MACs per image and forward pass" in PAGE
    small, large = (mg.models.mini_googlenet(10, size=size, aux=True, init="zeros") for size in (32, 224))
    heads = [mg.count(one).params - mg.count(one, outputs=one.outputs[-1:]).params for one in (small, large)]
    assert f"{round(heads[0] / 1000)},000 parameters at 32 x 32 and {heads[1] / 1e6:.1f} million at 224 x 224" in PAGE
    assert progress.large_heads(large)
