"""The weights of the best epoch, early stopping, and checkpoints of versions without them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small import digest, graph, split

import minigooglenet as mg
from minigooglenet import weights
from minigooglenet.evaluation.held_out import HeldOut, measure
from minigooglenet.training import Epoch, Settings, Trainer
from minigooglenet.training import trainer as module
from minigooglenet.training.log import best_epoch
from minigooglenet.weights import detect, safetensors

QUICK = Settings(epochs=6, batch_size=10)

LATER = ("optimizer", "beta2", "warmup", "patience", "decay", "eps", "label_smoothing", "clip_norm")  # settings


def _small():
    return mg.models.mini_googlenet(2, in_channels=1, size=8, depth=2, width=0.25, rng=0)


@pytest.fixture
def results(monkeypatch):
    """Replace the held-out accuracies and losses by those in a list, one pair per epoch."""
    values = []

    def scripted(g, dataset, stop=()):
        labels = measure(g, dataset).labels
        accuracy, loss = values.pop(0)
        right = np.arange(len(labels)) < round(accuracy * len(labels))
        return HeldOut(labels, np.where(right, labels, -1), loss)

    monkeypatch.setattr(module, "measure", scripted)
    return values


def _epoch(number, accuracy, loss):
    return Epoch(number, 1.0, 0.5, loss, accuracy, 1.0)


def test_best_epoch_is_the_most_accurate_one():
    nan = float("nan")
    rows = [(0.5, 1.0), (0.9, 0.7), (0.9, 0.4), (0.9, 0.4), (0.9, nan), (nan, nan)]
    epochs = [_epoch(number, *row) for number, row in enumerate(rows)]
    assert best_epoch(epochs) == epochs[2]
    assert best_epoch(epochs[:1]) == epochs[0]
    assert best_epoch(epochs[5:]) is None
    assert best_epoch([epochs[4], epochs[1]]) == epochs[1]


def test_best_and_last_weights_are_both_kept(tmp_path, results):
    results += [(0.5, 1.0), (0.8, 0.5), (0.7, 0.6), (0.8, 0.6)]
    kept = []
    trainer = Trainer(_small(), split(), replace(QUICK, epochs=4), tmp_path)
    trainer.run(on_epoch=lambda epoch: kept.append(digest({**trainer.graph.params, **trainer.graph.buffers})))
    best, last = (weights.load(tmp_path / name) for name in ("best.safetensors", "weights.safetensors"))
    assert digest({**best.graph.params, **best.graph.buffers}) == kept[1]
    assert digest({**last.graph.params, **last.graph.buffers}) == kept[3]
    assert best.notes["epoch"] == "best; 2 of 4 done, step 4 of 8"
    assert last.notes["epoch"] == "last; 4 of 4 done, step 8 of 8"
    assert trainer.best.epoch == 1


def test_best_weights_of_averaged_run_are_the_mean(tmp_path, results):
    results += [(0.5, 1.0), (0.4, 1.0)]
    kept = []
    trainer = Trainer(_small(), split(), replace(QUICK, epochs=2, average_from=0.0), tmp_path)
    trainer.run(on_epoch=lambda epoch: kept.append(digest(trainer.trained().params)))
    assert digest(weights.load(tmp_path / "best.safetensors").graph.params) == kept[0]


def test_training_stops_after_epochs_without_improvement(tmp_path, results):
    results += [(0.5, 1.0), (0.6, 1.0), (0.6, 1.0), (0.5, 0.9)]
    trainer = Trainer(_small(), split(), replace(QUICK, patience=2), tmp_path)
    assert trainer.run()
    assert (len(trainer.epochs), trainer.best.epoch, trainer.stopped_early) == (4, 1, True)
    again = Trainer(_small(), split(), replace(QUICK, patience=2), tmp_path)
    assert again.resume()
    assert again.run()
    assert len(again.epochs) == 4


def test_patience_changes_no_bit_before_the_stop(results):
    ends = []
    for patience in (None, 2):
        results[:] = [(0.5, 1.0)] * 6
        trainer = Trainer(graph(), split(), replace(QUICK, patience=patience))
        trainer.run(on_epoch=lambda epoch, t=trainer: len(t.epochs) == 3 and ends.append(digest(t.graph.params)))
    assert ends[0] == ends[1]


def test_patience_without_held_out_images_is_rejected():
    train, test = split()
    none = mg.data.Images(test.images[:0], test.labels[:0], test.classes, test.pixels)
    with pytest.raises(ValueError, match="patience needs held-out images, but the held-out set is empty"):
        Trainer(graph(), mg.data.Split(train, none), replace(QUICK, patience=1))


def test_checkpoint_without_new_settings_is_resumed(tmp_path):
    settings = Settings(epochs=2, batch_size=6, save_every=0.0)
    whole = Trainer(graph(), split(), settings)
    whole.run()
    first = Trainer(graph(), split(), settings, tmp_path)
    _run_until(first, 5)
    path = tmp_path / "checkpoint.safetensors"
    contents = detect.read(path)
    state = json.loads(contents.arrays["trainer/state"].tobytes())
    del state["adam_counts"]
    for name in LATER:
        del state["run"]["settings"][name]
    contents.arrays["trainer/state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    safetensors.write(contents, path)
    second = Trainer(graph(rng=3), split(), settings, tmp_path)
    assert second.resume()
    assert second.run()
    assert digest(second.graph.params) == digest(whole.graph.params)
    other = Trainer(graph(), split(), replace(settings, optimizer="adamw"), tmp_path)
    safetensors.write(contents, path)
    with pytest.raises(ValueError, match="optimizer 'sgd' there, 'adamw' here"):
        other.resume()


def _run_until(trainer, steps):
    def stop(step):
        if step.number + 1 == steps:
            trainer.save()
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        trainer.run(stop)


def test_new_run_removes_an_old_best_file(tmp_path, results):
    results += [(0.5, 1.0)]
    Trainer(_small(), split(), replace(QUICK, epochs=1), tmp_path).run()
    assert (tmp_path / "best.safetensors").exists()
    train, test = split()
    none = mg.data.Images(test.images[:0], test.labels[:0], test.classes, test.pixels)
    results[:] = [(0.0, 1.0)]
    Trainer(_small(), mg.data.Split(train, none), replace(QUICK, epochs=1), tmp_path).run()
    assert not (tmp_path / "best.safetensors").exists()


def test_old_name_of_metadata_works_with_a_warning():
    trainer = Trainer(graph(), split(), QUICK)
    with pytest.warns(DeprecationWarning, match="Trainer.told is now Trainer.metadata"):
        assert trainer.told() == trainer.metadata()
