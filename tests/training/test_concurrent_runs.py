"""A second run in the folder of a running one: it is rejected before it has read or written anything."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from PIL import Image
from small import graph, split

from minigooglenet.training import Recipe, Settings, Trainer, artifacts, train_ensemble
from minigooglenet.training.lock import FILE, Hold

QUICK = Settings(epochs=3, batch_size=6, lr=0.05, gradients_every=1)


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != FILE}


@pytest.mark.parametrize("call", ["resume", "run", "save", "write"])
def test_calls_of_a_second_trainer_change_nothing(tmp_path, call):
    Trainer(graph(), split(), QUICK, tmp_path).run()
    other, seen = Trainer(graph(rng=3), split(), QUICK, tmp_path), []

    def meanwhile(step):
        if step.number == 7:
            first.log.sync()
            before = _files(tmp_path), other.step, other.epochs
            with pytest.raises(BlockingIOError, match="another process is training in"):
                artifacts.write(other) if call == "write" else getattr(other, call)()
            seen.append((_files(tmp_path), other.step, other.epochs) == before)

    first = Trainer(graph(), split(), QUICK, tmp_path)
    assert first.run(meanwhile)
    assert seen == [True]
    assert [row[0] for row in first.log.rows()] == list(range(12))


def test_running_trainer_rejects_calls_from_callbacks_and_threads():
    trainer, errors = Trainer(graph(), split(), QUICK), []

    def again(step):
        def call():
            try:
                trainer.run()
            except BlockingIOError as error:
                errors.append(str(error))

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        call()

    assert trainer.run(again)
    assert set(errors) == {"this Trainer is already training"}
    assert len(errors) == 24


def test_trainer_rejects_a_folder_that_another_run_used(tmp_path):
    def stop(step):
        if step.number == 4:
            os.kill(os.getpid(), signal.SIGINT)

    first = Trainer(graph(), split(), QUICK, tmp_path)
    assert not first.run(stop)
    second = Trainer(graph(), split(), QUICK, tmp_path)
    assert second.resume()
    assert second.run()
    files = _files(tmp_path)
    for call in (first.run, first.save):
        with pytest.raises(ValueError, match=r"another run has written .* since"):
            call()
    assert _files(tmp_path) == files


@pytest.mark.skipif(os.name == "nt", reason="Windows does not move a folder with open files")
def test_folder_moved_during_training_stays_untouched(tmp_path):
    out = tmp_path / "run"
    trainer = Trainer(graph(), split(), QUICK, out)

    def move(step):
        if step.number == 1:
            out.rename(tmp_path / "moved")
            out.mkdir()

    with pytest.raises(FileNotFoundError, match="was removed, moved or replaced while this process was training"):
        trainer.run(move)
    assert list(out.iterdir()) == []


def test_resume_does_not_create_a_missing_folder(tmp_path):
    trainer = Trainer(graph(), split(), QUICK, tmp_path / "run")
    (tmp_path / "run").rmdir()
    assert not trainer.resume()
    assert not (tmp_path / "run").exists()


def test_partial_files_of_a_killed_save_are_removed(tmp_path):
    partial = [f".{name}.0a1b2c3d.part" for name in ("weights.safetensors", "steps.csv", "training_curve.png")]
    for name in [*partial, ".notes.txt.0a1b2c3d.part"]:
        (tmp_path / name).write_bytes(b"half")
    Trainer(graph(), split(), QUICK, tmp_path).run()
    assert [path.name for path in tmp_path.glob("*.part")] == [".notes.txt.0a1b2c3d.part"]


def test_weights_match_the_checkpoint_after_a_kill(tmp_path, monkeypatch):
    from minigooglenet.training import checkpoint

    def killed(path, state, contents):
        if len(state["epochs"]) == 3:
            raise KeyboardInterrupt
        real(path, state, contents)

    real = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        Trainer(graph(), split(), QUICK, tmp_path / "killed").run()
    monkeypatch.undo()
    again = Trainer(graph(), split(), QUICK, tmp_path / "killed")
    assert again.resume()
    again.run()
    Trainer(graph(), split(), QUICK, tmp_path / "whole").run()
    killed, whole = (_files(tmp_path / name) for name in ("killed", "whole"))
    for name in ("weights.safetensors", "best.safetensors", "gradients.csv"):
        assert killed[name] == whole[name]


def test_second_ensemble_in_a_folder_is_rejected(tmp_path):
    with Hold(tmp_path) as hold:
        hold.take()
        with pytest.raises(BlockingIOError, match="another process is training in"):
            train_ensemble(Recipe("digits", models=2), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


ENSEMBLE = textwrap.dedent(
    """
    import sys
    from minigooglenet.training import Recipe, Settings, train_ensemble
    settings = Settings(epochs=10_000, batch_size=8, lr=1e-4, save_every=0.0)  # inputs of +-128: 0.05 diverges
    small = {"width": 0.125, "depth": 2, "norm": None}
    train_ensemble(Recipe(sys.argv[2], 32, False, "mini", small, settings=settings, models=3), sys.argv[1], jobs=2)
    """
)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_ensemble_members_end_with_a_killed_parent(tmp_path):
    data = _images(tmp_path / "images")
    process = subprocess.Popen([sys.executable, "-c", ENSEMBLE, str(tmp_path), str(data)])
    members = [tmp_path / f"member_{number}" for number in (1, 2)]
    try:
        deadline = time.monotonic() + 120
        while not all((member / "checkpoint.safetensors").exists() for member in members):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        holders = [_holder(member) for member in members]
        assert process.pid not in holders
    finally:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{holder}").exists() for holder in holders):
        assert time.monotonic() < deadline, "a member is still training"
        time.sleep(0.05)
    for member in members:
        recipe = json.loads((member / "recipe.json").read_text(encoding="utf-8"))
        assert recipe["models"] == 1
        with Hold(member) as hold:
            hold.take()
        arguments, settings = recipe["arguments"], Settings(**recipe["settings"])
        trainer = Recipe(str(data), 32, False, "mini", arguments, settings=settings).trainer(member)
        assert trainer.resume()
        assert trainer.step > 0
    assert not (tmp_path / "member_3").exists()


def _images(folder):
    for name, level in (("bright", 200), ("dark", 20)):
        (folder / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (32, 32), (level + number,) * 3).save(folder / name / f"{number}.png")
    return folder


def _holder(member):
    return json.loads((member / FILE).read_bytes())["process"]
