"""`minigooglenet sweep` and ensembles as independent jobs: arrays, kills, interrupts, and the table of results."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from minigooglenet.cli import main
from minigooglenet.training.sweep import choices, figure, plan, results

SMALL = ["--size", "32", "--batch", "4", "--epochs", "2", "--width", "0.125", "--depth", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of two classes, six images each."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("images")
    for name, level in (("bright", 150), ("dark", 0)):
        (folder / name).mkdir()
        for number in range(6):
            pixels = rng.integers(level, level + 100, (40, 36, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def _sweep(folder, out, *more):
    return main(["sweep", "--data", str(folder), "--out", str(out), *SMALL, *more])


def _rows(out):
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def swept(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "out"
    code = _sweep(folder, out, "--try", "lr=0.01,1e30", "--try", "batch=2,4", "--jobs", "2")
    return out, code


def test_failed_jobs_cost_only_themselves(swept, capsys):
    out, code = swept
    assert code == 1
    rows = _rows(out)
    assert [row["state"] for row in rows] == ["done", "done", "failed", "failed"]
    assert {(row["lr"], row["batch"]) for row in rows[:2]} == {("0.01", "2"), ("0.01", "4")}
    assert float(rows[0]["accuracy"]) >= float(rows[1]["accuracy"])
    assert all("FloatingPointError: the loss of step" in row["error"] for row in rows[2:])
    assert main(["sweep", "--out", str(out), "--table"]) == 0
    shown = capsys.readouterr().out
    assert "2 of 4 jobs are done" in shown
    assert "of 2 accuracies includes luck" in shown


def test_job_of_a_sweep_equals_a_single_run(folder, swept, tmp_path):
    more = ["--lr", "0.01", "--batch", "2"]
    assert main(["train", "--data", str(folder), "--out", str(tmp_path), *SMALL, *more]) == 0
    alone, job = (path / "weights.safetensors" for path in (tmp_path, swept[0] / "lr=0.01_batch=2"))
    assert alone.read_bytes() == job.read_bytes()


def test_repeated_sweep_runs_only_failed_jobs(folder, swept, capsys):
    out, _ = swept
    before = (out / "jobs.jsonl").read_bytes()
    assert main(["sweep", "--out", str(out), "--resume"]) == 1
    added = (out / "jobs.jsonl").read_bytes().removeprefix(before).decode().splitlines()
    assert {json.loads(line)["job"] for line in added} == {"lr=1e30_batch=2", "lr=1e30_batch=4"}
    assert "2 of 4 runs in" in capsys.readouterr().err


def test_other_sweep_in_the_folder_is_rejected(folder, swept, capsys):
    out, _ = swept
    assert _sweep(folder, out, "--try", "lr=0.01,0.02") == 1
    assert "contains another sweep: its jobs are lr=0.01_batch=2, " in capsys.readouterr().err
    assert _sweep(folder, out, "--try", "lr=0.01,1e30", "--try", "batch=2,4", "--momentum", "0.5") == 1
    assert "the settings of lr=0.01_batch=2 differ" in capsys.readouterr().err


def test_figure_of_a_sweep_has_every_option_in_words(swept):
    found = results.results(swept[0])
    drawing, words = figure.figure(found)
    assert [axis.get_xlabel() for axis in drawing.axes] == ["batch"]  # the other rate failed
    assert words.startswith("Held-out accuracy of 2 jobs against batch; the best is ")
    assert figure.figure([result for result in found if result.state == "failed"]) is None


def test_elements_of_an_array_share_a_folder(folder, tmp_path, capsys):
    more = ["--try", "lr=0.01,0.02,0.03"]
    assert _sweep(folder, tmp_path, *more, "--job", "2/2") == 0
    assert "Training 1 of 3 jobs" in capsys.readouterr().out
    assert main(["sweep", "--out", str(tmp_path), "--table"]) == 0
    assert [row["state"] for row in _rows(tmp_path)] == ["done", "not started", "not started"]
    assert _sweep(folder, tmp_path, *more, "--job", "1/2") == 0
    before = {path.name for path in tmp_path.glob("jobs*")}
    assert before == {"jobs-1-of-2.jsonl", "jobs-2-of-2.jsonl"}
    assert main(["sweep", "--out", str(tmp_path), "--resume"]) == 0  # nothing left to train
    assert not (tmp_path / "jobs.jsonl").exists()
    assert [row["state"] for row in _rows(tmp_path)] == ["done"] * 3


def test_file_and_command_line_define_a_sweep(folder, tmp_path):
    file = tmp_path / "sweep.toml"
    file.write_text(
        "epochs = 1\nweight_decay = 0.001\nmomentum = 0.8\n"
        '[try]\nlr = "0.001:0.1"\naugment = [true, false]\nbatch = [2]\n',
        encoding="ascii",
    )
    words = ["--out", str(tmp_path / "out"), "--data", str(folder), "--file", str(file), "--random", "2"]
    words += ["--momentum", "0.7", "--size", "32", "--width", "0.125", "--depth", "2", "--try", "batch=4"]
    assert main(["sweep", *words]) == 0
    values, recipes = plan.read(tmp_path / "out")
    assert all(0.001 <= float(job["lr"]) <= 0.1 and job["batch"] == "4" for job in values.values())
    for name, recipe in recipes.items():
        assert recipe.augment == (values[name]["augment"] == "true")
        settings = recipe.settings
        assert (settings.epochs, settings.momentum, settings.weight_decay) == (1, 0.7, 0.001)
        assert settings.lr == float(values[name]["lr"])


MISTAKES = [
    (["--try", "lrr=0.1"], "--try: unknown option 'lrr'. Did you mean 'lr'?"),
    (["--try", "lr"], "--try must be OPTION=VALUES"),
    (["--try", "lr=0.1,"], "lr: a value is empty"),
    (["--try", "lr=0.1,0.1"], "lr: a value occurs twice"),
    (["--try", "lr=abc"], "lr must be a number, got 'abc'"),
    (["--try", "batch=0"], "batch must be an integer of at least 1, got '0'"),
    (["--try", "optimizer=adamm"], "unknown optimizer 'adamm'. Did you mean 'adam' or 'adamw'?"),
    (["--try", "caffe-biases=maybe"], "caffe-biases must be true or false, got 'maybe'"),
    (["--try", "momentum=0.9,1.5"], "momentum=1.5: momentum must be in [0, 1), got 1.5"),
    (["--try", "lr=0.001:0.1"], "is a range, and a grid needs values. Pass --random N"),
    (["--try", "lr=0.1:0.01", "--random", "3"], "the range 0.1:0.01 is empty"),
    (["--try", "lr=0.1,0.2", "--random", "3"], "only 2 of 3 random combinations differ"),
    (["--lr", "0.1"], "a sweep needs values to try. Pass --try"),
    (["--try", "lr=0.1", "--dask", "tcp://x:1", "--jobs", "2"], "Leave out --jobs."),
    (["--resume", "--try", "lr=0.1"], "--resume uses the sweep in"),
    (["--table"], "has no sweep: sweep.json does not exist"),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES)
def test_mistakes_in_a_sweep_are_explained(tmp_path, capsys, words, message):
    assert main(["sweep", "--out", str(tmp_path / "out"), *words]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_invalid_files_of_a_sweep_are_explained(tmp_path, capsys):
    for text, message in (
        ("lr = ", "is not valid TOML"),
        ("lrr = 1", "unknown option 'lrr'"),
        ("try = 3", "must be a table"),
    ):
        (tmp_path / "s.toml").write_text(text, encoding="ascii")
        assert main(["sweep", "--out", str(tmp_path / "out"), "--file", str(tmp_path / "s.toml")]) == 1
        assert message in capsys.readouterr().err
    for text in ("[]", "{", '{"jobs": {"../x": {}}}', '{"jobs": {"a": {"lr": 1}}}'):
        (tmp_path / "sweep.json").write_text(text, encoding="ascii")
        assert main(["sweep", "--out", str(tmp_path), "--table"]) == 1
        assert "is not a valid sweep" in capsys.readouterr().err


def test_random_draws_continue_and_names_differ():
    listed = [choices.choice("lr", "0.001:0.1"), choices.choice("batch", "8:64"), choices.choice("norm", "lrn,batch")]
    drawn = choices.draws(listed, 8, seed=3)
    assert choices.draws(listed, 4, seed=3) == drawn[:4]
    assert all(8 <= int(job["batch"]) <= 64 for job in drawn)
    same = [{"weights": f"{letter}/x"} for letter in ("a?", "a*", "A?")]
    assert list(choices.names(same)) == ["weights=a--x", "weights=a--x-2", "weights=A--x-3"]


def _until(condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _begin(folder, out, *more):
    words = [sys.executable, "-m", "minigooglenet", "train", "--data", str(folder), "--out", str(out), *SMALL]
    words += ["--ensemble", "2", "--jobs", "2", "--lr", "1e-6", *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=os.name == "posix")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_saves_an_ensemble_that_then_resumes(folder, tmp_path):
    process = _begin(folder, tmp_path / "out", "--epochs", "30")
    members = [tmp_path / "out" / f"member_{k}" for k in (1, 2)]
    _until(lambda: all((member / "checkpoint.safetensors").exists() for member in members), process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "Stopped and saved; continue with --resume." in out
    assert main(["train", "--out", str(tmp_path / "out"), "--resume"]) == 0
    assert (
        main(["train", "--data", str(folder), "--out", str(tmp_path / "one"), *SMALL, "--epochs", "30", "--lr", "1e-6"])
        == 0
    )
    one, first = (path / "weights.safetensors" for path in (tmp_path / "one", members[0]))
    assert one.read_bytes() == first.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_ensemble_model_resumes_and_costs_no_other(folder, tmp_path):
    process = _begin(folder, tmp_path / "out", "--epochs", "20")
    member = tmp_path / "out" / "member_1"
    _until(lambda: (member / "checkpoint.safetensors").exists(), process)
    os.kill(json.loads((member / ".training.lock").read_bytes())["process"], signal.SIGKILL)
    out = process.communicate(timeout=120)[0]
    assert process.returncode == 0
    assert "member_1 is started again: its process was killed by SIGKILL" in out
    records = [json.loads(line) for line in (tmp_path / "out" / "jobs.jsonl").read_text(encoding="ascii").splitlines()]
    assert sorted(record["state"] for record in records if record["job"] == "member_2") == ["done", "started"]


def test_array_of_an_ensemble_trains_its_models(folder, tmp_path, capsys):
    words = ["train", "--data", str(folder), "--out", str(tmp_path), *SMALL, "--ensemble", "3"]
    assert main([*words, "--job", "1/2"]) == 0
    assert not (tmp_path / "member_2").exists()
    assert (tmp_path / "member_3" / "weights.safetensors").exists()
    assert main([*words, "--job", "2/2"]) == 0
    assert (tmp_path / "member_2" / "weights.safetensors").exists()
    assert main([*words, "--lr", "0.5", "--job", "1/2"]) == 1
    assert "contains another run" in capsys.readouterr().err
