"""Five hundred corrupt run folders: one sentence and no change, or a bit-identical end of the run."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import damage
import numpy as np
import pytest
from PIL import Image

from minigooglenet.cli import main

FOLDERS, BY_COMMAND = 500, 6
PYTHON_WORDS = re.compile(
    r"Traceback|Error\b|object has no|object is not|NoneType|'\w+' object|unexpected keyword|positional argument|can't "
    r"decode|codec|null byte|invalid literal|out of range|not subscriptable|unhashable|Expecting|operand|not iterable|"
    r"convert|Extra data|dict\[|<class|malformed|exceeds the limit",
    re.IGNORECASE,
)
QUICK = ("--size", "32", "--batch", "4", "--width", "0.125", "--depth", "2", "--gradients", "1", "--average", "0.4")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes pipes and links"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the folders of a run stopped in its third epoch, of another stopped run, and of the first run finished."""
    home, patch = tmp_path_factory.mktemp("runs"), pytest.MonkeyPatch()
    rng = np.random.default_rng(0)
    for name, level in (("bright", 150), ("dark", 0)):
        (home / "data" / name).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(level, level + 100, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(home / "data" / name / f"{number}.png")
    patch.setattr("minigooglenet.training.artifacts.write", lambda trainer: [])  # figures take longest
    for name, seed in (("run", "0"), ("other", "1")):
        patch.setattr("minigooglenet.training.trainer.gradients", _stopping_at(9))
        command = ["train", "--data", str(home / "data"), "--out", str(home / name), "--epochs", "4", *QUICK]
        assert main([*command, "--seed", seed]) == 130
    patch.setattr("minigooglenet.training.trainer.gradients", _stopping_at(None))
    shutil.copytree(home / "run", home / "whole")
    assert main(["train", "--out", str(home / "whole"), "--resume"]) == 0
    yield home / "run", home / "other", home / "whole"
    patch.undo()


def _stopping_at(step):
    from minigooglenet.training.step import gradients

    def stopping(*args, number, **kwargs):
        if number == step:
            os.kill(os.getpid(), signal.SIGINT)
        return gradients(*args, number=number, **kwargs)

    return stopping


def _snapshot(folder):
    snapshot = {}
    for path in sorted(folder.rglob("*")):
        if path.name == ".training.lock" and path.is_file() and not path.is_symlink():
            continue  # it records its holder
        kind = path.lstat().st_mode
        snapshot[str(path.relative_to(folder))] = kind, path.read_bytes() if path.is_file() else None
    return snapshot


def _check(name, code, error, before, folder, whole):
    error = "".join(line for line in error.splitlines(keepends=True) if "compiling kernels" not in line)
    text = f"{name}: {error}"
    assert not PYTHON_WORDS.search(error.replace(str(folder), "")), text
    if code == 1:
        assert error.count("\n") == 1, text
        assert error.startswith("minigooglenet train: "), text
        assert _snapshot(folder) == before, text
        return
    assert (code, error) == (0, ""), text
    if ": checkpoint: " in name:
        return  # possible values, with matching checksums
    assert (folder / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes(), text
    assert _epochs(folder) == _epochs(whole), text
    for log in damage.RECORDS:  # no row is lost
        content = before.get(log, (0, b""))[1]
        kept = [path for path in folder.glob(f"{log[:-4]}*") if path.is_file()]
        lines = set(b"".join(path.read_bytes() for path in kept).replace(b"\r", b"").split(b"\n"))
        rows = (content or b"").removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"").split(b"\n")[:-1]
        assert lines.issuperset(row for row in rows if not _later(log, row)), text


def _later(name, row):
    """Return whether a row is from a step or epoch after the checkpoint, which is trained again."""
    number = row.partition(b",")[0]
    return number.isdigit() and len(number) < 20 and int(number) >= (3 if name == "epochs.csv" else 9)


def _epochs(folder):
    rows = (folder / "epochs.csv").read_text(encoding="utf-8").splitlines()
    return [row.rpartition(",")[0] for row in rows]


def test_corrupt_folders_are_rejected_or_resume_bit_identically(runs, tmp_path, capsys):
    run, other, whole = runs
    ends, problems = {0: 0, 1: 0}, []
    for number in range(FOLDERS):
        folder = tmp_path / str(number)
        shutil.copytree(run, folder)
        name = f"{number}: {damage.damage(number, folder, other)}"
        before = _snapshot(folder)
        capsys.readouterr()
        try:
            code = main(["train", "--out", str(folder), "--resume"])
            ends[code] += 1
            _check(name, code, capsys.readouterr().err, before, folder, whole)
        except Exception as error:
            problems.append(f"{name}: {type(error).__name__}: {str(error)[:600]}")
        shutil.rmtree(folder)
    assert problems == [], "\n".join(problems)
    assert ends[0] > FOLDERS // 20
    assert ends[1] > FOLDERS // 4


def test_command_rejects_corrupt_recipes_in_one_sentence(runs, tmp_path):
    run, _, whole = runs
    for number in range(BY_COMMAND):
        folder = tmp_path / str(number)
        shutil.copytree(run, folder)
        path, values = folder / "recipe.json", json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
        values["settings"] |= [{"lr": "x"}, {"epochs": 1.5}, {"epoch": 1}, {"freeze": 1}, {"lr": 1}, {"seed": -1}][
            number
        ]
        path.write_text(json.dumps(values), encoding="utf-8")
        before = _snapshot(folder)
        command = [sys.executable, "-m", "minigooglenet", "train", "--out", str(folder), "--resume"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        _check(str(number), 1, done.stderr, before, folder, whole)
