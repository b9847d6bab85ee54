"""The commands that train, end to end in a temporary folder."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import minigooglenet as mg
from minigooglenet import weights
from minigooglenet.cli import main

SHORT = ["--size", "32", "--batch", "4", "--epochs", "2"]
SMALL = [*SHORT, "--width", "0.25"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of two classes, ten images each: dark and bright ones, some not square."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("images")
    for name, level in (("bright", 150), ("dark", 0)):
        (folder / name).mkdir()
        for number in range(10):
            pixels = rng.integers(level, level + 100, (40, 36 + number, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def _train(folder, out, *more, settings=SMALL):
    return main(["train", "--data", str(folder), "--out", str(out), *settings, *more])


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    """Return the folder of a finished run; tests that change it make a copy."""
    out = tmp_path_factory.mktemp("finished") / "run"
    assert _train(folder, out) == 0
    return out


@pytest.fixture(scope="module")
def stopped(folder, tmp_path_factory):
    """Return the folder of a run that Ctrl-C stopped after its third step; tests that change it make a copy."""
    out = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        _stopped(folder, out, patch, "--no-augment")
    return out


@pytest.fixture(scope="module")
def ensemble(folder, tmp_path_factory):
    """Return the folder of two networks that two processes trained, and the output of the command."""
    out, printed = tmp_path_factory.mktemp("ensemble") / "run", io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert _train(folder, out, "--ensemble", "2", "--jobs", "2") == 0
    return out, printed.getvalue()


def test_train_writes_weights_logs_and_figures(folder, tmp_path, capsys):
    assert _train(folder, tmp_path, "--gradients", "2", "--average", "0.5", "--heads") == 0
    out = capsys.readouterr().out
    assert "16 training images in 2 classes, 4 held out; image size 3 x 32 x 32." in out
    assert "weights.safetensors (last epoch, number 2: held-out accuracy" in out
    assert "best.safetensors (best epoch, " in out
    loaded = weights.load(tmp_path / "weights.safetensors")
    assert loaded.classes == ("bright", "dark")
    assert loaded.graph.made_by[1]["aux"] is True
    names = {path.name for path in tmp_path.iterdir()}
    assert {"steps.csv", "epochs.csv", "gradients.csv", "training_curve.png", "gradient_norms.txt"} <= names
    assert "best" in weights.load(tmp_path / "best.safetensors").notes["epoch"]
    assert "Held out, at the end of each epoch:" in (tmp_path / "training_curve.txt").read_text(encoding="utf-8")


def test_resumed_run_is_bit_identical(folder, finished, tmp_path, capsys, monkeypatch):
    _stopped(folder, tmp_path / "parts", monkeypatch)
    assert "Stopped and saved after step 3; continue with --resume." in capsys.readouterr().out
    assert main(["train", "--out", str(tmp_path / "parts"), "--resume"]) == 0
    assert "Resuming at step 3 of" in capsys.readouterr().out
    whole, parts = ((run / "weights.safetensors").read_bytes() for run in (finished, tmp_path / "parts"))
    assert whole == parts


def test_train_rejects_a_folder_with_a_run(folder, finished, capsys):
    before = _bytes(finished)
    assert _train(folder, finished) == 1
    assert _bytes(finished) == before
    assert "already contains a run. Continue it with --resume, or choose another folder." in capsys.readouterr().err


def test_resume_needs_a_run(tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path), "--resume"]) == 1
    assert "has no run to resume" in capsys.readouterr().err


def test_fine_tuning_keeps_frozen_layers_and_replaces_the_classifier(folder, finished, tmp_path, capsys):
    start = finished / "weights.safetensors"
    (folder / "grey").mkdir()
    try:
        for number in range(10):
            Image.new("RGB", (40, 40), (120 + number,) * 3).save(folder / "grey" / f"{number}.png")
        more = ["--weights", str(start), "--freeze", "conv1*", "--freeze", "inception_[34]*"]
        assert _train(folder, tmp_path / "second", *more, settings=SHORT) == 0
    finally:
        for path in (folder / "grey").iterdir():
            path.unlink()
        (folder / "grey").rmdir()
    out = capsys.readouterr().out
    assert f" layers from {start}." in out
    assert "The classifier is new: the file has 2 classes, the data 3. New: " in out
    assert "Frozen: " in out
    report = json.loads((tmp_path / "second" / "recipe.json").read_text(encoding="utf-8"))["origin"]
    assert report["new"] == report["trained"] == ["loss3/classifier"]
    before, after = (weights.load(path) for path in (start, tmp_path / "second" / "weights.safetensors"))
    assert after.classes == ("bright", "dark", "grey")
    for view, others in ((before.graph.params, after.graph.params), (before.graph.buffers, after.graph.buffers)):
        for name, array in view.items():
            assert name.startswith("loss3") or np.array_equal(others[name], array)


def test_ensemble_models_start_equal_and_end_different(ensemble):
    run, out = ensemble
    assert "16 training images in 2 classes" in out
    assert "model 2 of 2 done" in out
    members = [run / f"member_{number}" for number in (1, 2)]
    recipes = [json.loads((member / "recipe.json").read_text(encoding="utf-8")) for member in members]
    assert [recipe["settings"].pop("seed") for recipe in recipes] == [0, 1]
    assert recipes[0] == recipes[1]
    first, second = (weights.load(member / "weights.safetensors").graph.params for member in members)
    assert not np.array_equal(first["conv1/3x3/weight"], second["conv1/3x3/weight"])


def test_ensemble_member_matches_a_single_run(ensemble, finished):
    files = (run / "weights.safetensors" for run in (ensemble[0] / "member_1", finished))
    assert len({file.read_bytes() for file in files}) == 1


def test_resumed_ensemble_trains_missing_members(folder, tmp_path):
    assert _train(folder, tmp_path, "--ensemble", "2") == 0
    whole = [(tmp_path / f"member_{k}" / "weights.safetensors").read_bytes() for k in (1, 2)]
    for path in (tmp_path / "member_2").iterdir():
        path.unlink()
    assert main(["train", "--out", str(tmp_path), "--resume"]) == 0
    assert [(tmp_path / f"member_{k}" / "weights.safetensors").read_bytes() for k in (1, 2)] == whole


def test_googlenet_rejects_grey_images(tmp_path, capsys):
    pytest.importorskip("sklearn")
    assert main(["train", "--data", "digits", "--model", "googlenet", "--out", str(tmp_path)]) == 1
    assert "googlenet expects colour images, but digits has 1 channel. Try the model 'mini'." in capsys.readouterr().err


@pytest.mark.parametrize(("model", "size"), [("resnet18", 32), ("squeezenet1_1", 64), ("inception_v3", 75)])
def test_later_networks_train_on_a_folder_of_images(folder, tmp_path, model, size):
    command = ["train", "--data", str(folder), "--model", model, "--size", str(size), "--width", "0.1"]
    assert main([*command, "--epochs", "1", "--batch", "4", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "weights.safetensors").exists()


def test_experiment_prints_and_draws_gradient_norms(tmp_path, capsys):
    assert main(["experiment", "gradients", "--steps", "1", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "weights of 0.01" in out
    assert "batch norm" in out
    assert {path.name for path in tmp_path.iterdir()} == {"gradient_flow.png", "gradient_flow.txt"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--resume", "--epochs", "9"], "--resume continues with the settings of the run. Leave out --epochs."),
        (["--weights", "a.safetensors", "--depth", "9"], "--weights defines the network. Leave out --depth."),
        (["--jobs", "2"], "--jobs: only with --ensemble. Leave out --jobs."),
        (["--restarts", "1", "--job", "1/2"], "--job, --restarts: only with --ensemble. Leave out --job, --restarts."),
        (["--model", "googlenet", "--depth", "5"], "googlenet has no such setting. Leave out --depth."),
        (["--model", "resnet18", "--norm", "lrn"], "resnet18 has no such setting. Leave out --norm."),
        (["--model", "xception", "--no-heads"], "xception has no such setting. Leave out --heads."),
        (["--lr", "0"], "lr must be above 0"),
        (["--find-lr", "--lr", "0.1"], "--find-lr tries many learning rates with one network. Leave out --lr."),
        (["--find-lr", "20", "--ensemble", "2"], "with one network. Leave out --ensemble."),
        (["--find-lr", "9", "--size", "8"], "steps must be at least 10, got 9"),
        (["--resume", "--find-lr"], "--resume continues with the settings"),
        (["--resume", "--optimizer", "adamw"], "--resume continues with the settings"),
        (["--warmup", "8"], "warmup must be shorter than the training, got 8 of 8 epochs"),
    ],
)
def test_options_without_effect_are_rejected(tmp_path, capsys, more, message):
    assert main(["train", "--out", str(tmp_path / "run"), *more]) == 1
    assert message in capsys.readouterr().err


def test_ensemble_rejects_and_keeps_a_different_recipe(tmp_path):
    from minigooglenet import training

    recipe = training.Recipe("digits", models=2)
    recipe.write(tmp_path)
    (tmp_path / "member_2").mkdir()
    (tmp_path / "member_2" / "checkpoint.safetensors").touch()
    with pytest.raises(ValueError, match="contains another run: models 2 there, 3 here"):
        training.train_ensemble(training.Recipe("digits", models=3), tmp_path)
    assert training.recipe.read(tmp_path) == recipe


def _record(path):
    return weights.training_images(path)


def test_weights_file_records_the_training_images(folder, tmp_path):
    from minigooglenet import data

    assert _train(folder, tmp_path, "--average", "0.5") == 0
    train, test = data.load(folder, 32)
    record = _record(tmp_path / "weights.safetensors")
    assert (record.count, record.halvings) == (len(train), 0)
    assert train.overlap([record], range(len(train))) == (len(train), len(train), True)
    assert test.overlap([record], range(len(test))).count == 0
    assert weights.load(tmp_path / "weights.safetensors").training_images.hashes.tolist() == record.hashes.tolist()


def test_fine_tuned_weights_record_both_image_sets(finished, tmp_path):
    rng, other = np.random.default_rng(9), tmp_path / "other"
    for name in ("bright", "dark"):
        (other / name).mkdir(parents=True)
        for number in range(10):
            Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(other / name / f"{number}.png")
    start = finished / "weights.safetensors"
    assert _train(other, tmp_path / "second", "--weights", str(start), settings=SHORT) == 0
    first, second = _record(start), _record(tmp_path / "second" / "weights.safetensors")
    assert set(first.hashes.tolist()) < set(second.hashes.tolist())
    assert second.count == 2 * first.count


def test_built_in_data_has_no_record(tmp_path):
    pytest.importorskip("sklearn")
    small = ["--size", "16", "--batch", "256", "--epochs", "1", "--width", "0.25"]
    assert main(["train", "--data", "digits", "--out", str(tmp_path), *small]) == 0
    assert _record(tmp_path / "weights.safetensors") is None


def test_unused_folders_are_reported(folder, tmp_path, capsys):
    shutil.copytree(folder, tmp_path / "set" / "train")
    (tmp_path / "set" / "test").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "set" / "test" / "1.png")
    assert _train(tmp_path / "set", tmp_path / "out") == 0
    captured = capsys.readouterr()
    assert "has no class folders, so it is not used. A fraction of train is held out instead" in captured.out
    assert captured.err == ""


def test_diverged_first_run_leaves_its_folder_free(folder, tmp_path, capsys):
    with np.errstate(all="ignore"):
        assert _train(folder, tmp_path, "--lr", "1e30") == 1
    assert "is not finite" in capsys.readouterr().err
    assert (tmp_path / "steps.csv").exists()
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert _train(folder, tmp_path, "--lr", "0.01") == 0
    recipe = json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["settings"]["lr"] == 0.01
    steps = (tmp_path / "steps.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in steps] == ["step", *map(str, range(8))]
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_interrupted_first_step_leaves_its_folder_free(folder, tmp_path, monkeypatch):
    from minigooglenet.training import trainer

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "gradients", killed)
    assert _train(folder, tmp_path) == 130
    monkeypatch.undo()
    assert _train(folder, tmp_path, "--ensemble", "2", "--epochs", "1") == 0
    assert _train(folder, tmp_path, "--ensemble", "2", "--epochs", "1") == 1


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "weights.safetensors", "best.safetensors"])
def test_trained_files_without_a_recipe_are_kept(folder, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"trained in Python")
    assert _train(folder, tmp_path) == 1
    assert "already contains a run. Choose another folder." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_foreign_recipe_json_is_kept(folder, tmp_path, capsys):
    (tmp_path / "recipe.json").write_text('["flour", "eggs"]', encoding="utf-8")
    assert _train(folder, tmp_path) == 1
    assert "is not a valid recipe" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.json"]


def test_running_run_locks_its_folder(folder, tmp_path, capsys, monkeypatch):
    from minigooglenet.training import trainer

    real, codes = trainer.gradients, []

    def meanwhile(*args, **kwargs):
        if not codes:
            codes.append(None)
            codes.append(_train(folder, tmp_path, "--seed", "5"))
        return real(*args, **kwargs)

    monkeypatch.setattr(trainer, "gradients", meanwhile)
    assert _train(folder, tmp_path) == 0
    assert codes == [None, 1]
    assert "another process is training in" in capsys.readouterr().err
    assert json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))["settings"]["seed"] == 0


def test_learning_rate_sweep_leaves_the_folder_free(folder, tmp_path, capsys):
    assert _train(folder, tmp_path, "--find-lr", "12") == 0
    out = capsys.readouterr().out
    assert "uggest" in out
    assert {path.name for path in tmp_path.iterdir()} == {f"learning_rate.{end}" for end in ("csv", "png", "txt")}
    assert len((tmp_path / "learning_rate.csv").read_text(encoding="utf-8").splitlines()) <= 13
    assert _train(folder, tmp_path, "--epochs", "1") == 0


def test_new_options_are_saved_and_resumed(folder, tmp_path, capsys):
    more = ["--optimizer", "adamw", "--schedule", "cosine", "--warmup", "0.5", "--patience", "1"]
    assert _train(folder, tmp_path, *more) == 0
    assert "adamw, learning rate 0.003, schedule cosine after 0.5 epochs of warm-up" in capsys.readouterr().out
    settings = json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))["settings"]
    expected = {"optimizer": "adamw", "weight_decay": 0.01, "schedule": "cosine", "warmup": 0.5, "patience": 1}
    assert {name: settings[name] for name in expected} == expected
    assert main(["train", "--out", str(tmp_path), "--resume"]) == 0


def test_recipe_of_inception_v3_is_saved_and_resumed(folder, tmp_path, capsys):
    more = ["--optimizer", "rmsprop", "--schedule", "exponential", "--label-smoothing", "0.1", "--clip-norm", "2"]
    assert _train(folder, tmp_path, *more, "--epochs", "1") == 0
    out = capsys.readouterr().out
    assert "rmsprop, learning rate 0.045, schedule exponential; label smoothing 0.1, so a classifier's loss" in out
    settings = json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))["settings"]
    expected = {"optimizer": "rmsprop", "decay": 0.9, "eps": None, "label_smoothing": 0.1, "clip_norm": 2.0}
    assert {name: settings[name] for name in expected} == expected
    assert main(["train", "--out", str(tmp_path), "--resume"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--decay", "0.95"], "--decay is only for rmsprop. Leave out --decay"),
        (["--eps", "0.1"], "--eps is only for rmsprop, adam, adamw. Leave out --eps"),
    ],
)
def test_option_of_another_optimizer_is_rejected(tmp_path, capsys, options, message):
    assert main(["train", "--data", "digits", "--out", str(tmp_path), *options]) == 1
    assert message in capsys.readouterr().err


def test_recipe_without_the_new_settings_resumes(finished, tmp_path):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "recipe.json"
    recipe = json.loads(path.read_text(encoding="utf-8"))
    del recipe["origin"]
    later = ("optimizer", "beta2", "warmup", "patience", "decay", "eps", "label_smoothing", "clip_norm")
    for name in later:
        del recipe["settings"][name]
    path.write_text(json.dumps(recipe), encoding="utf-8")
    assert main(["train", "--out", str(tmp_path), "--resume"]) == 0
    assert json.loads(path.read_text(encoding="utf-8")) == recipe


def test_redirected_log_has_no_control_codes(folder, tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "minigooglenet", "train", "--data", folder, "--out", tmp_path, *SMALL],
        env={**os.environ, "FORCE_COLOR": "1"},
        capture_output=True,
        check=True,
        timeout=300,
    )
    text = run.stdout.decode()
    assert "epoch   2: loss" in text
    assert "Expected: " in text
    assert all(line.isprintable() for line in text.replace(os.linesep, "\n").split("\n"))


def test_train_warns_about_large_auxiliary_heads(folder, tmp_path, capsys, monkeypatch):
    from minigooglenet.training import trainer

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "gradients", stop)
    _train(folder, tmp_path, "--heads", settings=["--batch", "1"])
    assert "Warning: the auxiliary head 'loss1/classifier' has 5,3" in capsys.readouterr().out


def test_ensemble_members_share_the_new_classifier(folder, tmp_path, capsys):
    g = mg.models.mini_googlenet(5, width=0.25, depth=2, rng=0)
    weights.save(g, tmp_path / "w.safetensors", pixels=mg.data.UNIT)
    more = ["--weights", str(tmp_path / "w.safetensors"), "--ensemble", "2", "--lr", "1e-30"]
    assert _train(folder, tmp_path / "run", *more, settings=SHORT) == 0
    assert "The classifier is new: the file has no class names. New: " in capsys.readouterr().out
    recipes = [(tmp_path / "run" / f"member_{k}" / "recipe.json").read_text(encoding="utf-8") for k in (1, 2)]
    assert [json.loads(recipe)["origin"]["new"] for recipe in recipes] == [["loss3/classifier"]] * 2
    first, second = (weights.load(tmp_path / "run" / f"member_{k}" / "weights.safetensors").graph for k in (1, 2))
    assert np.array_equal(first.params["loss3/classifier/weight"], second.params["loss3/classifier/weight"])


def _stopped(folder, out, monkeypatch, *more):
    """Start a run that Ctrl-C stops after its third step."""
    from minigooglenet.training import trainer

    real, calls = trainer.gradients, []

    def stopping(*args, **kwargs):
        calls.append(None)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*args, **kwargs)

    monkeypatch.setattr(trainer, "gradients", stopping)
    assert _train(folder, out, *more) == 130
    monkeypatch.undo()


def _bytes(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.name != ".training.lock"}


def test_resuming_a_running_run_changes_nothing(folder, tmp_path, capsys, monkeypatch):
    from minigooglenet.training import trainer

    real, codes = trainer.gradients, []

    def meanwhile(*args, **kwargs):
        if kwargs["number"] == 5 and not codes:
            before = _bytes(tmp_path)
            codes.append(main(["train", "--out", str(tmp_path), "--resume"]))
            assert _bytes(tmp_path) == before
        return real(*args, **kwargs)

    monkeypatch.setattr(trainer, "gradients", meanwhile)
    assert _train(folder, tmp_path) == 0
    assert codes == [1]
    assert f"another process is training in {tmp_path} (process {os.getpid()}, this one" in capsys.readouterr().err
    steps = (tmp_path / "steps.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in steps] == ["step", *map(str, range(8))]


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        (None, "augment", True, "belongs to another run: recipe augment False there, True here"),
        (None, "size", 48, "belongs to another run: recipe size 32 there, 48 here"),
        (None, "weights_seed", 9, "belongs to another run: recipe weights_seed 0 there, 9 here"),
        ("arguments", "width", 0.5, "recipe arguments {'norm': 'batch', 'aux': False, 'width': 0.25} there, {"),
        ("settings", "lr", 0.1, "belongs to another run: settings lr 0.05 there, 0.1 here"),
        ("settings", "epochs", 3, "belongs to another run: settings epochs 2 there, 3 here"),
        ("settings", "lr", None, "lr must be a number, got None. Restore the file from a copy"),
        (None, "model", "minni", "belongs to another run: recipe model 'mini' there, 'minni' here"),
    ],
)
def test_edited_recipe_is_rejected_with_both_values(stopped, tmp_path, capsys, part, name, value, message):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "recipe.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    (values if part is None else values[part])[name] = value
    path.write_text(json.dumps(values), encoding="utf-8")
    before = _bytes(tmp_path)
    assert main(["train", "--out", str(tmp_path), "--resume"]) == 1
    assert message in capsys.readouterr().err
    assert _bytes(tmp_path) == before


def test_run_resumes_with_moved_images(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "images")
    _stopped(tmp_path / "images", tmp_path / "run", monkeypatch)
    (tmp_path / "images").rename(tmp_path / "moved")
    path = tmp_path / "run" / "recipe.json"
    path.write_text(path.read_text(encoding="utf-8").replace('images"', 'moved"'), encoding="utf-8")
    assert main(["train", "--out", str(tmp_path / "run"), "--resume"]) == 0


def test_corrupt_logs_are_reported_and_the_run_continues(stopped, tmp_path, capsys):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    (tmp_path / "steps.csv").write_bytes(b"\0" * 500 + b"\n")
    assert main(["train", "--out", str(tmp_path), "--resume"]) == 0
    captured = capsys.readouterr()
    assert "steps.csv had 1 row that this run did not write. It is now steps.csv.corrupt-1" in captured.out
    assert captured.err == ""


def test_resume_creates_no_folder(tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "run"), "--resume"]) == 1
    assert "has no run to resume" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_rejected_run_creates_no_folder(tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path / "nothing"), "--out", str(tmp_path / "run")]) == 1
    assert "or an existing folder, got" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
