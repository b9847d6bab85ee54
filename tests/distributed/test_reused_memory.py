"""Flat arrays of shards are used again: fresh memory takes longer to fill than the values take to copy."""

import numpy as np

from minigooglenet.distributed import ShardedTrainer, TreeSum
from minigooglenet.training import Settings
from tests.training import small


def test_tree_returns_memory_of_added_arrays():
    arrays, free = [np.full(3, 1.0 + index) for index in range(4)], []
    tree = TreeSum(4, free)
    for index, array in enumerate(arrays):
        tree.add(index, array)
    assert tree.total.tolist() == [10.0] * 3
    assert {id(array) for array in (*free, tree.total)} == {id(array) for array in arrays}


def test_later_steps_pack_into_the_same_memory(monkeypatch):
    trainer = ShardedTrainer(small.graph(), small.split(16), Settings(batch_size=16, shards=8))
    (batch,), pack, fresh = trainer.batches(0), trainer.layout.pack, []
    monkeypatch.setattr(trainer.layout, "pack", lambda arrays, out: fresh.append(out is None) or pack(arrays, out))
    first = trainer.gradients(batch).params
    before = {name: value.copy() for name, value in first.items()}
    assert sum(fresh) == 4
    for params in trainer.graph.params.values():
        params *= 0.5
    trainer.gradients(batch)
    assert sum(fresh) == 5  # the caller has the sum of the first step
    assert all(np.array_equal(first[name], value) for name, value in before.items())
