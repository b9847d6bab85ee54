"""Training in shards: the gradient of the whole batch, unusable images, interruptions, and the order of the sum."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.distributed import SampleGenerator, ShardedTrainer
from minigooglenet.training import Settings
from tests.distributed import worker_runs
from tests.training import small


def plain_graph():
    """Return a graph without batch norm, whose gradients do not depend on how a batch is cut."""
    g = mg.Graph(image=(1, 8, 8))
    wire = g.add("conv", mg.layers.Conv2d(1, 4, 3, padding=1, rng=0), "image")
    wire = g.add("pool", mg.layers.MaxPool2d(2), g.add("relu", mg.layers.ReLU(), wire))
    g.add("loss1/classifier", mg.layers.Linear(64, 2, rng=1), g.add("flat1", mg.layers.Flatten(), wire))
    wire = g.add("drop", mg.layers.Dropout(0.3, rng=2), g.add("flat", mg.layers.Flatten(), wire))
    g.add("loss3/classifier", mg.layers.Linear(64, 2, rng=3), wire)
    return g


@pytest.mark.parametrize("count", [16, 15, 9, 3])
def test_gradient_is_that_of_the_whole_batch(count):
    split = small.split(2 * count)
    sharded = ShardedTrainer(plain_graph(), split, Settings(batch_size=16, shards=8, label_smoothing=0.1))
    whole = mg.training.Trainer(plain_graph(), split, Settings(batch_size=16, label_smoothing=0.1))
    batch = next(sharded.batches(0))
    whole.drawing()[0].rng = SampleGenerator([0, 0, 0], batch.indices)
    ours, theirs = sharded.gradients(batch), whole.gradients(batch)
    assert (ours.images, ours.accuracy) == (theirs.images, pytest.approx(theirs.accuracy))
    assert (ours.loss, ours.heads) == (pytest.approx(theirs.loss, rel=1e-6), pytest.approx(theirs.heads, rel=1e-6))
    for name, grad in theirs.params.items():
        np.testing.assert_allclose(ours.params[name], grad, rtol=1e-4, atol=1e-6)


def test_running_statistics_are_means_over_the_shards():
    split = small.split(16)
    g = small.graph()
    trainer = ShardedTrainer(g, split, Settings(batch_size=8, shards=4))
    batch, before = next(trainer.batches(0)), {name: value.copy() for name, value in g.buffers.items()}
    trainer.gradients(batch)
    expected = []
    for start in range(0, 8, 2):
        part = small.graph()
        part.forward({"image": batch.x[start : start + 2]}, train=True)
        expected.append(part.buffers["conv1/bn/running_mean"])
    np.testing.assert_allclose(g.buffers["conv1/bn/running_mean"], np.mean(expected, axis=0), rtol=1e-5)
    assert not np.array_equal(g.buffers["conv1/bn/running_mean"], before["conv1/bn/running_mean"])


def test_unusable_images_count_for_nothing(tmp_path):
    data = worker_runs.folder(tmp_path / "data")
    trainer = worker_runs.recipe(data).trainer(None, make=ShardedTrainer)
    assert trainer.run()
    assert list(trainer.split.train.skipped) == ["across/broken.png"] or len(trainer.split.train.skipped) == 1
    assert sum(row[5] for row in trainer.log.rows()) == 4 * 36


def test_interrupted_run_ends_with_the_same_bits(tmp_path):
    run = worker_runs.recipe(worker_runs.folder(tmp_path / "data"))
    expected = worker_runs.alone(run, tmp_path / "whole")
    first = run.trainer(tmp_path / "parts", make=ShardedTrainer)
    assert not first.run(on_step=lambda step: step.number == 4 and first.interrupts.append(2))
    assert worker_runs.alone(run, tmp_path / "parts", resume=True) == expected


def test_number_of_shards_belongs_to_the_run(tmp_path):
    run = worker_runs.recipe(worker_runs.folder(tmp_path / "data"))
    assert worker_runs.alone(run, tmp_path / "eight")
    other = worker_runs.recipe(tmp_path / "data", Settings(**{**vars(worker_runs.SETTINGS), "shards": 4}))
    with pytest.raises(ValueError, match="shards 8 there, 4 here"):
        worker_runs.alone(other, tmp_path / "eight", resume=True)
