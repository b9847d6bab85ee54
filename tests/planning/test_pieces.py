"""The pieces that the threads of a team take from a queue, phase by phase."""

import threading

import numpy as np
import pytest
from numeric import draw, needs_numba

import minigooglenet as mg
from minigooglenet.layers import Concat, Conv2d
from minigooglenet.planning.layout import phases_of

BRANCHES = 4
SECONDS = 30


@pytest.fixture
def branches(own_threads):
    mg.set_num_threads(2)
    g = mg.Graph(image=(8, 12, 12))
    names = [f"conv{i}" for i in range(BRANCHES)]
    for i, name in enumerate(names):
        g.add(name, Conv2d(8, 32, 3, padding=1, rng=i), "image")
    g.add("joined", Concat(), *names)
    return mg.plan(g), draw(1, 8, 12, 12, dtype=np.float32)


@pytest.mark.parametrize(
    ("count", "waits", "phases"),
    [(0, set(), []), (3, set(), [[0, 1, 2]]), (4, {0, 2}, [[0, 1], [2, 3]]), (3, {1, 2}, [[0], [1], [2]])],
)
def test_phase_begins_before_each_waiting_step(count, waits, phases):
    assert phases_of(count, waits) == phases


@needs_numba
def test_slow_thread_computes_fewer_pieces(branches):
    plan, x = branches
    expected = plan(x)
    main, taken, enough = threading.get_ident(), [], threading.Event()

    def observe(index, call):
        def piece():
            if threading.get_ident() != main:
                assert enough.wait(SECONDS), "the other thread left pieces of this phase to the slow one"
            call()
            if threading.get_ident() == main:
                taken.append(index)
                if len(taken) == 2 * BRANCHES - 1:  # all but the one that the slow thread holds
                    enough.set()

        return call if index is None else piece

    plan.observe = observe
    assert (plan(x) == expected).all()
    assert enough.is_set()


@needs_numba
def test_error_in_a_piece_ends_the_team(branches):
    plan, x = branches
    expected = plan(x)

    def observe(index, call):
        def fail():
            raise IndexError("of a piece")

        return fail if index == 1 else call

    plan.observe = observe
    with pytest.raises(IndexError, match=r"^of a piece$"):
        plan(x)
    plan.observe = None
    assert (plan(x) == expected).all()
