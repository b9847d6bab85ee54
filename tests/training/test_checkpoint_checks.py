"""A checkpoint is checked completely before a Trainer changes: corrupt or forged files, other runs, old versions."""

import copy
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small import digest, graph, split

import minigooglenet as mg
from minigooglenet.data.pixels import Pixels
from minigooglenet.training import Settings, Trainer, fingerprint
from minigooglenet.training.checkpoint import ResumeWarning
from minigooglenet.weights import detect, safetensors

QUICK = Settings(epochs=3, batch_size=6, lr=0.05, average_from=0.5, gradients_every=2)
ADAMW = replace(QUICK, optimizer="adamw", lr=0.01)


def _mirror(image, rng):
    return image[:, :, ::-1] if rng.random() < 0.5 else image


def _trained(folder, settings=QUICK, **options):
    Trainer(graph(), split(**options), settings, folder).run()
    return folder / "checkpoint.safetensors"


def _everything(trainer):
    """Return the complete state of a Trainer, and the bytes of its folder."""
    g = trainer.graph
    arrays = {**g.params, **g.buffers}, trainer.velocity, trainer.average, trainer.adam["mean"], trainer.adam["square"]
    rngs = [str(layer.rng.bit_generator.state) for layer in trainer.drawing()]
    plain = trainer.step, trainer.epochs, trainer.tally, trainer.averaged, trainer.adam["count"]
    skipped = [dict(part.skipped) for part in trainer.split]
    files = {path.name: path.read_bytes() for path in sorted(trainer.out.iterdir()) if path.is_file()}
    identities = [id(array) for array in arrays[0].values()]
    return list(map(digest, arrays)), rngs, copy.deepcopy(plain), skipped, files, identities


def _rejected(trainer, match):
    before = _everything(trainer)
    with pytest.raises(ValueError, match=match):
        trainer.resume()
    assert _everything(trainer) == before


def _forge(path, change=None, arrays=None):
    contents = detect.read(path)
    state = json.loads(contents.arrays["trainer/state"].tobytes())
    if change is not None:
        state = change(state) or state
    contents.arrays["trainer/state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    if arrays is not None:
        arrays(contents.arrays)
    safetensors.write(contents, path)


def _set(*path, to):
    def change(state):
        for key in path[:-1]:
            state = state[key]
        state[path[-1]] = to

    return change


STATES = {
    "a step beyond the end": (_set("step", to=99), r"step must be an integer in 12 \.\. 12, got 99"),
    "a step of text": (_set("step", to="12"), r"step must be an integer in 12 \.\. 12, got '12'"),
    "a step that is true": (_set("step", to=True), "step must be an integer"),
    "epochs of text": (_set("epochs", to="abc"), "epochs must be a list, got 'abc'"),
    "too many epochs": (lambda state: _set("epochs", to=state["epochs"] * 2)(state), "it has 6 epochs"),
    "an epoch of numbers": (_set("epochs", 0, to=5), "epoch 1 must be a list, got 5"),
    "a short epoch": (_set("epochs", 0, to=[0, 1]), "epoch 1 must have 6 numbers, got 2"),
    "an accuracy of two": (_set("epochs", 1, 2, to=2.0), r"train_accuracy of epoch 2 must be in 0 \.\. 1, got 2.0"),
    "a loss of text": (_set("epochs", 2, 1, to="x"), "train_loss of epoch 3 must be a finite number, got 'x'"),
    "a tally of nan": (_set("tally", 1, to=float("nan")), "the loss of tally must be a finite number, got nan"),
    "a tally of images": (_set("tally", 0, to=7), r"the images of tally must be an integer in 0 \.\. 0"),
    "a short tally": (_set("tally", to=[1]), "tally must have 3 numbers, got 1"),
    "a count of the mean": (_set("averaged", to=-1), "averaged must be an integer"),
    "no mean": (_set("averaged", to=0), "it has averaged 0 steps, but has"),
    "no generators": (_set("generators", to=[]), "it has 0 random generators, but the network has 1 random layers"),
    "a generator of text": (_set("generators", 0, to="x"), "generator 0 must be an object, got 'x'"),
    "another generator": (
        _set("generators", 0, "bit_generator", to="MT19937"),
        "generator 0 is not the state of a PCG64",
    ),
    "a generator without state": (_set("generators", 0, "state", to={}), "generator 0 is not the state of a PCG64"),
    "skipped of text": (_set("skipped", to="ab"), "skipped must be a list, got 'ab'"),
    "skipped of numbers": (_set("skipped", 0, to={"a": 1}), "the reason for 'a' must be text, got 1"),
    "counts of text": (_set("adam_counts", to=[]), r"adam_counts must be an object, got \[\]"),
    "counts of nothing": (
        _set("adam_counts", to={"x": 1}),
        "it has 'adam_counts', the state of another optimizer than sgd",
    ),
    "a run of text": (_set("run", to="x"), "the run in its state must be an object, got 'x'"),
    "settings of text": (_set("run", "settings", to="x"), "'settings' of the run in its state must be an object"),
    "an unknown key": (
        _set("stepp", to=1),
        r"its state has an unknown key 'stepp'\. Did you mean 'step'",
    ),
    "a key less": (lambda state: state.pop("tally") and None, "its state has no 'tally'"),
    "a list": (lambda state: [1], r"its state must be an object, got \[1\]"),
}


@pytest.mark.parametrize("case", STATES)
def test_forged_state_is_rejected_before_anything_changes(tmp_path, case):
    change, match = STATES[case]
    _forge(_trained(tmp_path), change)
    _rejected(Trainer(graph(rng=5), split(), QUICK, tmp_path), match)


ARRAYS = {
    "a weight of doubles": ("params/conv2/3x3/weight", np.float64, "must be float32 as in the network, got float64"),
    "another shape": ("params/conv2/3x3/weight", np.ravel, r"weight' must have shape \(8, 8, 3, 3\), got \(576,\)"),
    "a velocity of integers": ("velocity/conv2/3x3/bias", np.int32, "must be floats, got int32"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_forged_arrays_are_rejected_before_anything_changes(tmp_path, case):
    name, change, match = ARRAYS[case]
    _forge(_trained(tmp_path), arrays=lambda arrays: arrays.update({name: change(arrays[name])}))
    _rejected(Trainer(graph(rng=5), split(), QUICK, tmp_path), match)


def test_negative_mean_of_squares_is_rejected(tmp_path):
    name = "square/conv2/3x3/weight"
    _forge(_trained(tmp_path, ADAMW), arrays=lambda arrays: arrays.update({name: -arrays[name] - 1}))
    _rejected(Trainer(graph(rng=5), split(), ADAMW, tmp_path), "a mean of squares is never negative")


def test_buffer_among_the_velocities_is_rejected(tmp_path):
    array = np.zeros(8, np.float32)
    _forge(_trained(tmp_path), arrays=lambda arrays: arrays.update({"velocity/conv1/bn/running_mean": array}))
    _rejected(
        Trainer(graph(rng=5), split(), QUICK, tmp_path),
        "it is not a checkpoint of this network: unknown array 'velocity/conv1/bn",
    )


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"[" * 5000, b"\xff\xff\xff\xff\0\0\0\0{}", "folder"])
def test_other_file_instead_of_checkpoint_changes_nothing(tmp_path, content):
    path = _trained(tmp_path)
    path.unlink()
    if content == "folder":
        path.mkdir()
        _rejected(
            Trainer(graph(rng=5), split(), QUICK, tmp_path), "is a folder, so nothing can be saved there. Move it"
        )
        return
    path.write_bytes(content)
    _rejected(Trainer(graph(rng=5), split(), QUICK, tmp_path), r"cannot read .*\. Restore it from a copy\. Or, if")


def test_weights_instead_of_a_checkpoint_are_rejected(tmp_path):
    path = _trained(tmp_path)
    path.write_bytes((tmp_path / "weights.safetensors").read_bytes())
    _rejected(Trainer(graph(rng=5), split(), QUICK, tmp_path), "it has the weights of a network, but no training state")


def _with_dropout(p):
    g = graph()
    g.nodes["drop"].layer.p = p
    return g


def _with_pixels(pixels):
    parts = split()
    for part in parts:
        part.pixels = pixels
    return parts


OTHERS = {
    "augmentation": (
        lambda: (graph(), split(augment=_mirror), QUICK),
        "augmentation None there, '_mirror' here",
    ),
    "a setting": (lambda: (graph(), split(), replace(QUICK, momentum=0.8)), "settings momentum 0.9 there, 0.8 here"),
    "a layer": (
        lambda: (_with_dropout(0.3), split(), QUICK),
        r"layers drop \['Dropout', {'p': 0.2}.* there, .*0.3.* here",
    ),
    "pixels": (lambda: (graph(), _with_pixels(Pixels((127.5,), (9.0,), "L")), QUICK), "pixels .* there"),
    "held-out images": (
        lambda: (graph(), mg.data.Split(split().train, split(seed=4).test), QUICK),
        "held-out images '",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_resume_rejects_a_changed_fingerprint(tmp_path, case):
    make, match = OTHERS[case]
    _trained(tmp_path)
    trainer = Trainer(*make(), tmp_path)
    _rejected(
        trainer, rf"belongs to another run: {match}.*To continue that run, undo these differences\. To start a new run"
    )


def test_settings_without_effect_on_bits_may_change(tmp_path):
    _trained(tmp_path)
    assert Trainer(graph(), split(), replace(QUICK, save_every=1.0, gradients_every=0), tmp_path).resume()


def test_checkpoint_of_older_version_is_resumed_with_a_warning(tmp_path):
    def older(state):
        for name in fingerprint.SINCE_0_3:
            del state["run"][name]
        del state["adam_counts"]

    _forge(_trained(tmp_path), older)
    trainer = Trainer(graph(rng=5), split(augment=_mirror), QUICK, tmp_path)
    with pytest.warns(ResumeWarning, match=r"version 0\.2\.0 or earlier, which did not record layers, content of the"):
        assert trainer.resume()
    assert trainer.step == 12


def test_functions_have_the_same_name_in_every_process():
    from functools import partial

    assert fingerprint._name(partial(_mirror, rng=3)) == ["_mirror", [], {"rng": 3}]
    assert fingerprint._name(_mirror) == "_mirror"
    assert fingerprint._name(np.random.default_rng(0)) == "Generator"


def test_resume_opens_the_checkpoint_once(tmp_path, monkeypatch):
    path = _trained(tmp_path)
    trainer = Trainer(graph(rng=5), split(), QUICK, tmp_path)
    opened, parsed, open_of, header_of = [], [], os.open, safetensors._header
    monkeypatch.setattr(os, "open", lambda path, *rest, **more: opened.append(path) or open_of(path, *rest, **more))
    monkeypatch.setattr(safetensors, "_header", lambda file: parsed.append(file) or header_of(file))
    trainer.resume()
    assert [Path(name) for name in opened].count(path) == len(parsed) == 1
