"""The sum in a fixed binary tree: the same bits whoever adds, in whatever order the arrays arrive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.distributed import TreeSum, spans, tree_sum


def by_levels(arrays):
    """Return the sum of neighbours level by level, written with lists."""
    while len(arrays) > 1:
        pairs = [arrays[k] + arrays[k + 1] for k in range(0, len(arrays) - 1, 2)]
        arrays = pairs + arrays[len(arrays) // 2 * 2 :]
    return arrays[0]


def random_arrays(seed, count, shape, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 8)).astype(dtype) for _ in range(count)]


@pytest.mark.parametrize("seed", range(200))
def test_tree_sum_equals_a_tree_of_lists(seed):
    rng = np.random.default_rng(seed)
    count, shape = int(rng.integers(1, 20)), tuple(rng.integers(0, 5, rng.integers(0, 4)).tolist())
    arrays = random_arrays(seed, count, shape)
    before = [array.copy() for array in arrays]
    assert tree_sum(arrays).tobytes() == by_levels(arrays).tobytes()
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@given(st.integers(1, 24), st.data())
def test_order_of_arrival_changes_no_bit(count, data):
    arrays = random_arrays(count, count, 3)
    tree = TreeSum(count)
    for index in data.draw(st.permutations(range(count))):
        tree.add(index, arrays[index].copy())
    assert tree.total.tobytes() == tree_sum(arrays).tobytes()


@given(st.integers(1, 12), st.integers(1, 6))
def test_workers_together_give_the_same_bits(per_worker, workers):
    count = per_worker * workers
    arrays, together = random_arrays(count, count, 5), TreeSum(count)
    for rank in range(workers):
        tree = TreeSum(count)
        for index in range(rank * per_worker, (rank + 1) * per_worker):
            tree.add(index, arrays[index].copy())
        assert sorted(tree.nodes) == spans(count, rank * per_worker, (rank + 1) * per_worker)
        together.add_nodes(tree.nodes)
    assert together.total.tobytes() == tree_sum(arrays).tobytes()


def test_tree_differs_from_a_running_sum():
    arrays = random_arrays(3, 8, 1000)
    running = arrays[0].copy()
    for array in arrays[1:]:
        running += array
    assert running.tobytes() != tree_sum(arrays).tobytes()


def test_few_arrays_are_kept_at_a_time():
    tree, most = TreeSum(1024), 0
    for index in range(1024):
        tree.add(index, np.zeros(1))
        most = max(most, len(tree.nodes))
    assert most == 10


def test_index_twice_is_rejected():
    tree = TreeSum(2)
    tree.add(1, np.zeros(1))
    with pytest.raises(ValueError, match=r"each index in 0 \.\. 1 once, got 1"):
        tree.add(1, np.zeros(1))


def test_missing_array_is_reported():
    tree = TreeSum(3)
    tree.add(0, np.zeros(1))
    tree.add(2, np.zeros(1))
    with pytest.raises(ValueError, match=r"all of 3 arrays, got \[\(0, 1\), \(2, 3\)\]"):
        _ = tree.total


def test_different_shapes_and_dtypes_are_rejected():
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(3,\)"):
        tree_sum([np.zeros(2), np.zeros(3)])
    with pytest.raises(TypeError, match="one dtype, got float64 and float32"):
        tree_sum([np.zeros(2), np.zeros(2, np.float32)])
    with pytest.raises(ValueError, match="at least one array"):
        tree_sum([])
