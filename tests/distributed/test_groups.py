"""The facts that all workers of a group must share, and errors that cross from one process to another."""

import numpy as np
import pytest

from minigooglenet import distributed
from minigooglenet.distributed import errors, group, worker
from minigooglenet.training import Settings
from minigooglenet.weights import WeightsError
from tests.training import small


class Echo(distributed.Alone):
    """A group of two in which the other worker has sent the given rows in advance."""

    size = 2

    def __init__(self, *rows):
        super().__init__()
        self.rows = list(rows)

    def gather(self, row):
        return np.stack([row, np.resize(self.rows.pop(0), row.shape).astype(row.dtype)])


def test_differences_are_named_with_both_values():
    text = b'{"NumPy": "2.3.0", "shards": 8}'
    echo = Echo(np.array([len(text)]), np.frombuffer(text, np.uint8))
    with pytest.raises(ValueError, match=r"worker 1 differs from worker 0: NumPy '2\.3\.0' instead of '2\.4\.0'"):
        distributed.check_same(echo, {"NumPy": "2.4.0", "shards": 8})


def test_texts_of_different_lengths_are_gathered():
    assert group.gather_texts(distributed.Alone(), "a b") == ["a b"]
    assert group.gather_texts(Echo(np.array([1]), np.array([98, 0, 0, 0], np.uint8)), "aaaa") == ["aaaa", "b"]


def test_facts_change_with_weights_settings_and_data():
    def facts(shards=8, rng=0, seed=0):
        settings = Settings(batch_size=8, shards=shards)
        return worker.facts(distributed.ShardedTrainer(small.graph(rng=rng), small.split(seed=seed), settings))

    first = facts()
    assert first == facts()
    assert {"minigooglenet", "NumPy", "dtype", "weights"} < first.keys()
    assert first["weights"] != facts(rng=1)["weights"]
    assert first["settings shards"] != facts(shards=4)["settings shards"]
    assert first["which pictures"] != facts(seed=1)["which pictures"]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("wrong"), ValueError, "worker 3: wrong"),
        (WeightsError("corrupt"), ValueError, "worker 3: corrupt"),
        (OSError(28, "No space left on device", "log.csv"), OSError, "[Errno 28] worker 3: No space left"),
        (KeyError("name"), KeyError, "worker 3: "),
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
    ],
)
def test_errors_keep_their_class_and_text(error, kind, text):
    again = errors.from_description(3, list(errors.described(error)))
    assert isinstance(again, kind)
    assert text in str(again)
