"""The Trainer: it learns, reports, and a run resumed after any interruption is bit-identical."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small import digest, graph, split

import minigooglenet as mg
from minigooglenet.training import Settings, Trainer, artifacts

QUICK = Settings(epochs=3, batch_size=6, lr=0.05, average_from=0.5, gradients_every=2)


def _mirror(image, rng):
    return image[:, :, ::-1] if rng.random() < 0.5 else image


def _state(trainer):
    parts = trainer.average, trainer.velocity, trainer.adam["mean"], trainer.adam["square"]
    return digest({**trainer.graph.params, **trainer.graph.buffers}), *map(digest, parts), trainer.adam["count"]


def test_trainer_learns_to_classify_bars(tmp_path):
    trainer = Trainer(graph(), split(120), Settings(epochs=12, batch_size=10, lr=0.1), tmp_path)
    assert trainer.run()
    assert [epoch.epoch for epoch in trainer.epochs] == list(range(12))
    assert trainer.epochs[-1].test_accuracy > 0.9
    assert trainer.epochs[-1].train_loss < 0.5 * trainer.epochs[0].train_loss


def test_trainer_logs_steps_epochs_and_gradients(tmp_path):
    steps, epochs = [], []
    trainer = Trainer(graph(), split(), QUICK, tmp_path)
    trainer.run(steps.append, epochs.append)
    rows = trainer.log.rows()
    assert [row[0] for row in rows] == list(range(12)) == [step.number for step in steps]
    assert [row[2] for row in rows] == [step.loss for step in steps]
    assert trainer.epoch_log.rows() == [tuple(epoch) for epoch in epochs]
    nodes = {"conv1/3x3", "conv1/bn", "conv2/3x3", "loss1/classifier", "loss3/classifier"}
    assert {(row[0], row[1]) for row in trainer.gradient_log.rows()} == {(s, n) for s in range(0, 12, 2) for n in nodes}


def test_epoch_mean_counts_every_image_once(tmp_path):
    trainer = Trainer(graph(), split(34), Settings(epochs=1, batch_size=6))
    trainer.run()
    rows = trainer.log.rows()
    images = np.array([row[5] for row in rows])
    assert images.tolist() == [6, 6, 5]
    assert trainer.epochs[0].train_loss == pytest.approx(np.average([row[2] for row in rows], weights=images))


def test_averaged_weights_are_the_mean_of_the_last_steps():
    seen = []
    trainer = Trainer(graph(), split(), Settings(epochs=2, batch_size=10, average_from=0.5))
    trainer.run(lambda step: seen.append({name: array.copy() for name, array in trainer.graph.params.items()}))
    kept = trainer.trained()
    for name, array in kept.params.items():
        np.testing.assert_allclose(array, np.mean([params[name] for params in seen[2:]], axis=0), rtol=1e-5, atol=1e-7)
        assert not np.array_equal(array, trainer.graph.params[name])


def test_frozen_nodes_do_not_change():
    g = graph()
    before = digest({**g.params, **g.buffers})
    Trainer(g, split(), Settings(epochs=1, freeze=("conv1/*", "loss1/*"))).run()
    after = digest({**g.params, **g.buffers})
    moved = {name for name in before if after[name] != before[name]}
    assert moved == {f"{node}/{part}" for node in ("conv2/3x3", "loss3/classifier") for part in ("weight", "bias")}


def test_seed_determines_everything_but_the_initial_weights():
    ends = []
    for seed in (0, 0, 1):
        trainer = Trainer(graph(), split(augment=_mirror), Settings(epochs=1, seed=seed))
        trainer.run()
        ends.append(digest(trainer.graph.params))
    assert ends[0] == ends[1] != ends[2]


ADAMW = replace(QUICK, optimizer="adamw", lr=0.01, schedule="cosine", warmup=0.75, patience=9)


@pytest.mark.parametrize("settings", [QUICK, ADAMW])
@pytest.mark.parametrize("steps", [1, 4, 5, 8, 11])
def test_resumed_run_is_bit_identical(tmp_path, steps, settings):
    images = split(augment=_mirror)
    whole = Trainer(graph(), images, settings, tmp_path / "whole")
    whole.run()

    def stop(step):
        if step.number + 1 == steps:
            os.kill(os.getpid(), signal.SIGINT)

    first = Trainer(graph(), images, settings, tmp_path / "parts")
    assert not first.run(stop)
    assert first.step == steps
    second = Trainer(graph(rng=5), images, settings, tmp_path / "parts")
    assert second.resume()
    assert second.step == steps
    assert second.run()
    assert _state(second) == _state(whole)
    assert [row[:6] for row in second.log.rows()] == [row[:6] for row in whole.log.rows()]
    assert second.gradient_log.rows() == whole.gradient_log.rows()
    assert [epoch[:5] for epoch in second.epochs] == [epoch[:5] for epoch in whole.epochs]


def test_ctrl_c_during_evaluation_loses_no_step(tmp_path, monkeypatch):
    from minigooglenet.training import trainer as module

    real = module.measure

    def interrupted(*args, stop):
        os.kill(os.getpid(), signal.SIGINT)
        return real(*args, stop=stop)

    monkeypatch.setattr(module, "measure", interrupted)
    trainer = Trainer(graph(), split(), QUICK, tmp_path)
    assert not trainer.run()
    assert (trainer.step, len(trainer.epochs)) == (4, 0)
    monkeypatch.undo()
    again = Trainer(graph(), split(), QUICK, tmp_path)
    assert again.resume()
    assert again.run()
    assert len(again.epochs) == 3


def test_ctrl_c_between_epochs_can_be_resumed(tmp_path):
    trainer = Trainer(graph(), split(), QUICK, tmp_path)
    assert not trainer.run(on_epoch=lambda epoch: os.kill(os.getpid(), signal.SIGINT))
    assert 1 <= len(trainer.epochs) < 3
    assert Trainer(graph(), split(), QUICK, tmp_path).resume()


def test_second_ctrl_c_stops_immediately_and_restores_the_handler():
    before = signal.getsignal(signal.SIGINT)

    def twice(step):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        Trainer(graph(), split(), QUICK).run(twice)
    assert signal.getsignal(signal.SIGINT) is before


def test_trainer_runs_outside_of_the_main_thread():
    trainer = Trainer(graph(), split(), QUICK)
    thread = threading.Thread(target=trainer.run)
    thread.start()
    thread.join()
    assert len(trainer.epochs) == 3


def test_checkpoint_of_another_run_is_rejected(tmp_path):
    Trainer(graph(), split(), QUICK, tmp_path).run()
    other = Trainer(graph(rng=1), split(), Settings(epochs=3, batch_size=6, lr=0.1, average_from=0.5), tmp_path)
    before = digest(other.graph.params)
    with pytest.raises(ValueError, match=r"belongs to another run: settings lr 0.05 there, 0.1 here"):
        other.resume()
    assert digest(other.graph.params) == before
    with pytest.raises(ValueError, match="number of images 20 there, 30 here"):
        Trainer(graph(), split(60), QUICK, tmp_path).resume()


def test_resume_without_a_checkpoint_returns_false(tmp_path):
    assert not Trainer(graph(), split(), QUICK, tmp_path).resume()
    assert not Trainer(graph(), split(), QUICK).resume()


def test_corrupt_checkpoint_is_rejected_with_its_name(tmp_path):
    trainer = Trainer(graph(), split(), QUICK, tmp_path)
    trainer.run()
    path = tmp_path / "checkpoint.safetensors"
    whole = bytearray(path.read_bytes())
    whole[-3] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"cannot read .*checkpoint.safetensors"):
        trainer.resume()


def test_infinite_loss_stops_training_and_keeps_the_checkpoint(tmp_path):
    def poison(step):
        if step.number == 5:
            trainer.graph.params["conv2/3x3/weight"][0, 0, 0, 0] = np.nan

    trainer = Trainer(graph(), split(), QUICK, tmp_path)
    with pytest.raises(FloatingPointError, match="loss of step 6 is not finite: wire 'conv2/3x3' is the first"):
        trainer.run(poison)
    again = Trainer(graph(), split(), QUICK, tmp_path)
    assert again.resume()
    assert again.step == 4


def test_trainer_rejects_data_that_do_not_fit():
    with pytest.raises(
        ValueError, match=r"the network expects images of \(1, 8, 8\), but the data set has \(1, 9, 9\)"
    ):
        Trainer(graph(), split(size=9))
    g = graph()
    g.add("more", mg.layers.Linear(2, 3, rng=0), "loss3/classifier")
    with pytest.raises(ValueError, match="the network has 3 outputs, but the data set has 2 classes"):
        Trainer(g, split())


class _Bad(mg.data.Images):
    """Images, some of them unusable."""

    def __init__(self, bad, *args):
        super().__init__(*args)
        self.bad = bad

    def image(self, index):
        if index in self.bad:
            raise mg.data.BadImageError("it is corrupt")
        return super().image(index)


def _with_bad(bad):
    train, test = split()
    arguments = train.images, train.labels, train.classes, train.pixels, _mirror
    return mg.data.Split(_Bad(bad, *arguments), test)


def test_bad_images_and_empty_batches_are_skipped(tmp_path):
    order = np.random.default_rng([0, 0]).permutation(20)
    settings = Settings(epochs=1, batch_size=5)
    trainer = Trainer(graph(), _with_bad({*order[5:10], order[0]}), settings, tmp_path)
    assert trainer.run()
    assert [(row[0], row[5]) for row in trainer.log.rows()] == [(0, 4), (2, 5), (3, 5)]
    assert trainer.step == 4
    artifacts.write(trainer)
    assert len((tmp_path / "skipped.csv").read_text(encoding="utf-8").splitlines()) == 7


def test_training_without_usable_images_raises_with_the_reason():
    with pytest.raises(ValueError, match=r"none of the 20 training images could be used: image .*: it is corrupt"):
        Trainer(graph(), _with_bad(set(range(20))), QUICK).run()


def test_finished_run_writes_figures_with_their_texts(tmp_path):
    trainer = Trainer(graph(), split(), QUICK, tmp_path)
    trainer.run()
    names = {path.name for path in artifacts.write(trainer)}
    assert names == {
        f"{n}.{s}" for n in ("training_curve", "confusion_matrix", "gradient_norms") for s in ("png", "txt")
    }
    assert "of 20 right" in (tmp_path / "confusion_matrix.txt").read_text(encoding="utf-8")


def test_run_killed_repeatedly_is_bit_identical(tmp_path):
    script = textwrap.dedent(
        f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        from small import graph, split
        from minigooglenet.training import Settings, Trainer
        trainer = Trainer(graph(), split(), Settings(epochs=40, batch_size=6, save_every=0.0), sys.argv[1])
        trainer.resume()
        print("begun", flush=True)
        trainer.run()
        """
    )
    rng, out = np.random.default_rng(0), tmp_path / "killed"
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(rng.uniform(0.02, 0.25))
        process.kill()
        process.communicate()
    subprocess.run([sys.executable, "-c", script, str(out)], check=True, capture_output=True)
    settings = Settings(epochs=40, batch_size=6, save_every=0.0)
    killed = Trainer(graph(), split(), settings, out)
    assert killed.resume()
    whole = Trainer(graph(), split(), settings)
    whole.run()
    assert _state(killed) == _state(whole)
    assert [row[:6] for row in killed.log.rows()] == [row[:6] for row in whole.log.rows()]


def test_run_killed_before_its_first_checkpoint_restarts_its_logs(tmp_path):
    (tmp_path / "steps.csv").write_text("", encoding="utf-8")
    Trainer(graph(), split(), QUICK, tmp_path).run()
    again = Trainer(graph(), split(), QUICK, tmp_path)
    (tmp_path / "checkpoint.safetensors").unlink()
    assert not again.resume()
    again.run()
    assert [row[0] for row in again.log.rows()] == list(range(12))
    assert [row[0] for row in again.epoch_log.rows()] == list(range(3))


def test_second_training_in_a_folder_is_rejected(tmp_path):
    other = Trainer(graph(), split(), QUICK, tmp_path)

    def begin(step):
        with pytest.raises(BlockingIOError, match="another process is training in"):
            other.run()

    assert Trainer(graph(), split(), QUICK, tmp_path).run(begin)
    assert other.run()


def test_skipped_images_are_listed_after_resuming(tmp_path):
    settings = Settings(epochs=2, batch_size=5)
    first = Trainer(graph(), _with_bad({3}), settings, tmp_path)
    assert not first.run(on_epoch=lambda epoch: os.kill(os.getpid(), signal.SIGINT))
    second = Trainer(graph(), _with_bad({3}), settings, tmp_path)
    assert second.resume()
    assert second.split.train.skipped == {"image 3": "it is corrupt"}


def test_other_images_with_equal_labels_are_rejected(tmp_path):
    Trainer(graph(), split(), QUICK, tmp_path).run()
    images = split()
    images.train.images[3, 0, 0, 0] ^= 1
    with pytest.raises(ValueError, match="another run: images and labels"):
        Trainer(graph(), images, QUICK, tmp_path).resume()


def test_checkpoint_without_an_array_is_rejected(tmp_path):
    from minigooglenet.weights import detect, safetensors

    trainer = Trainer(graph(), split(), QUICK, tmp_path)
    trainer.run()
    contents = detect.read(tmp_path / "checkpoint.safetensors")
    del contents.arrays["params/conv2/3x3/weight"]
    safetensors.write(contents, tmp_path / "checkpoint.safetensors")
    before = digest(trainer.graph.params)
    with pytest.raises(ValueError, match="it is not a checkpoint of this network: 'conv2/3x3/weight' is missing"):
        trainer.resume()
    assert digest(trainer.graph.params) == before


def test_run_without_usable_held_out_images_completes(tmp_path):
    class Bad(mg.data.Dataset):
        classes, labels, shape, pixels = ("vertical", "horizontal"), np.arange(4) % 2, (1, 8, 8), mg.data.GREY_UNIT

        def image(self, index):
            raise mg.data.BadImageError("it is corrupt")

    trainer = Trainer(graph(), mg.data.Split(split().train, Bad()), QUICK, tmp_path)
    assert trainer.run()
    names = {path.name for path in artifacts.write(trainer)}
    assert "skipped.csv" in names
    assert "confusion_matrix.png" not in names
