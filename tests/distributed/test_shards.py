"""Shards: how a batch is cut, and which numbers of workers can share it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigooglenet as mg
from minigooglenet.distributed import parts, shards


@given(st.integers(0, 100), st.integers(1, 16))
def test_shards_cover_the_batch_evenly(count, number):
    bounds = parts(count, number)
    assert [i for start, stop in bounds for i in range(start, stop)] == list(range(count))
    assert max(stop - start for start, stop in bounds) - min(stop - start for start, stop in bounds) <= 1


@given(st.integers(1, 6), st.integers(1, 6))
def test_workers_have_all_shards_once(per_worker, workers):
    count = per_worker * workers
    assert [s for rank in range(workers) for s in shards.of_rank(count, rank, workers)] == list(range(count))


@pytest.mark.parametrize(
    ("number", "limit", "most"), [(8, 3, 2), (8, 7, 4), (8, 8, 8), (6, 5, 3), (8, 0, 1), (7, 6, 1)]
)
def test_most_workers_divides_the_shards(number, limit, most):
    assert shards.most_workers(number, limit) == most


@pytest.mark.parametrize(
    ("batch", "number", "advice"),
    [(30, 8, "Try 6 or 10 shards."), (32, 7, "Try 4 or 8 shards."), (7, 8, "Try 7 shards.")],
)
def test_shards_must_divide_the_batch(batch, number, advice):
    with pytest.raises(ValueError, match=f"{number} shards cannot share a batch of {batch} images equally") as error:
        mg.training.Settings(batch_size=batch, shards=number)
    assert str(error.value).endswith(f"{batch} / {number} is not an integer. {advice}")


def test_plain_trainer_rejects_shards():
    split = mg.data.digits(8)
    g = mg.Graph(image=(1, 8, 8))
    g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    with pytest.raises(ValueError, match="Trainer computes whole batches"):
        mg.training.Trainer(g, split, mg.training.Settings(shards=8))
    with pytest.raises(ValueError, match=r"settings\.shards is missing"):
        mg.distributed.ShardedTrainer(g, split, mg.training.Settings())
