"""The generator of faulty answers finds weak test cases and leaves out equivalent mutants."""

from types import SimpleNamespace

import numpy as np
import pytest

from minigooglenet.exercises.exercise import REGISTERED, Exercise, integers
from minigooglenet.exercises.find import find
from minigooglenet.exercises.mutants import Mutant, _compared, mutants, other_inputs, run, survivors
from minigooglenet.exercises.outputs import Raised
from minigooglenet.exercises.source_mutants import source_mutants


@pytest.fixture
def scaled():
    """An exercise whose test cases the test chooses: scale * sum(x[start:])."""
    exercise = Exercise(
        "98.1", "a sum", "scaled(x, scale, start) -> float", minutes=1, difficulty=1, hints=("", "", "")
    )
    exercise.reference(scaled_sum)
    exercise.right(scaled_sum_in_a_loop)
    yield exercise
    del REGISTERED["98.1"]


def scaled_sum(x, scale, start):
    return scale * x[start:].sum()


def scaled_sum_in_a_loop(x, scale, start):
    total = 0.0
    for index in range(len(x)):
        if index >= start:
            total += scale * x[index]
    return total


def descending(count):
    total = 0
    while count > 0:
        total += count
        count -= 1
    return total


def row_and_column(x, i, j):
    return x[i : i + 2, j : j + 2].sum()


def _names(exercise):
    return [mutant.name for mutant in survivors(exercise)]


def test_varied_cases_leave_no_survivor(scaled):
    @scaled.cases
    def cases(rng):
        yield integers(rng, 5, 1, 9), 2.5, 1
        yield integers(rng, 6, 1, 9) / 8, -3.0, 3

    assert _names(scaled) == []


def test_constant_argument_survives(scaled):
    @scaled.cases
    def cases(rng):
        yield integers(rng, 5, 1, 9), 2.5, 1
        yield integers(rng, 6, 1, 9), 2.5, 3

    names = _names(scaled)
    assert "scale: always 2.5" in names
    assert all(name.startswith("scale: ") for name in names)


def test_untested_bound_survives(scaled):
    @scaled.cases
    def cases(rng):
        yield np.array([5.0, 1, 2, 0]), 2.5, 0
        yield np.array([4.0, 7, 3, 0]), -3.0, 2

    assert any("range" in name or "bound" in name for name in _names(scaled))


def test_survivor_has_arguments_that_reveal_it(scaled):
    @scaled.cases
    def cases(rng):
        yield integers(rng, 5, 1, 9), 1.0, 1

    survived = survivors(scaled)
    assert survived
    for mutant in survived:
        assert run(mutant.function, mutant.arguments) != run(scaled_sum, mutant.arguments)


def test_equivalent_mutants_do_not_survive(scaled):
    @scaled.cases
    def cases(rng):
        yield integers(rng, 5, 1, 9), 2.5, 0
        yield integers(rng, 5, 1, 9), -3.0, 2

    made = [mutant.name for mutant in mutants(scaled)]
    assert any("minus 1" in name for name in made)
    # A flip does not change the sum of x[0:], but it changes the sum of x[2:].
    assert "x: flipped along axis 0" not in _names(scaled)


def test_other_inputs_stay_within_bounds_of_cases(scaled):
    @scaled.cases
    def cases(rng):
        yield integers(rng, 5, 1, 9), 2.5, 1
        yield integers(rng, 6, 1, 9), 1.5, 3

    inputs = [arguments for arguments, _ in other_inputs(scaled)]
    assert len(inputs) > 50
    assert min(start for _, _, start in inputs) == 1
    assert len({scale for _, scale, _ in inputs}) > 5
    assert len({len(x) for x, _, _ in inputs}) > 1


def test_source_mutant_has_one_change():
    faults = source_mutants([scaled_sum_in_a_loop], {"x": "array", "scale": "number", "start": "number"})
    made = {name: function for name, _, function in faults}
    x = np.array([1.0, 2, 4, 8])
    outputs = {name.partition(": ")[2]: run(function, (x, 3.0, 1)) for name, function in made.items()}
    assert outputs["= instead of +="] == 24
    assert outputs["added twice"] == 84
    assert outputs["without scale"] == 14
    assert outputs["GtE 0 changed"] == 36
    assert outputs["start for scale"] == 14
    assert outputs["bound 0 - 1"] == 18
    assert scaled_sum_in_a_loop(x, 3.0, 1) == 42, "the source itself is unchanged"


def test_twin_nodes_are_also_changed_together():
    names = [name for name, _, _ in source_mutants([row_and_column], dict.fromkeys(["x", "i", "j"]))]
    both = [name for name in names if name.endswith("upper - 1 everywhere")]
    assert both
    made = {name: function for name, _, function in source_mutants([row_and_column], dict.fromkeys(["x", "i", "j"]))}
    assert run(made[both[0]], (np.ones((4, 4)), 0, 1)) == 1


def test_endless_loops_are_stopped():
    outputs = [run(function, (5,)) for _, _, function in source_mutants([descending], ["count"])]
    stopped = [output.error for output in outputs if isinstance(output, Raised)]
    assert any("too many steps" in str(error) for error in stopped)
    assert descending(5) == 15


def test_words_name_known_arguments():
    words = {
        name.partition(": ")[2]: words
        for name, words, _ in source_mutants([scaled_sum], {"x": "array", "scale": "number", "start": "number"})
    }
    assert words["without scale"] == "a factor is missing: the one with scale"
    assert words["lower + 1"] == "a bound or an index is off by one (in code that uses start)"
    assert words["start for scale"] == "start instead of scale"


def test_function_without_source_has_no_source_mutants():
    assert list(source_mutants([np.sum, eval("lambda x: x + 1")], ["x"])) == []


def test_mutants_never_replace_a_shape_by_an_array():
    made = [mutant.name for mutant in mutants(find("02.4"))]  # np.eye(np.prod(w)) would fill the memory
    assert any("stride for pad" in name for name in made)
    assert not any("w for in_shape" in name or "in_shape for w" in name for name in made)


def test_integer_cases_let_truncation_survive(scaled):
    @scaled.cases
    def cases(rng):
        yield integers(rng, 5, 1, 9), 2.0, 1
        yield integers(rng, 6, 1, 9), -3.0, 3

    assert "output: truncated to integers" in _names(scaled)


@pytest.mark.parametrize("size", [3, 30])
def test_forgotten_array_does_not_pass_by_chance(size):
    """A small array that is not filled often has the memory of the output before it, with the right values."""
    exercise = SimpleNamespace(arguments=[(np.arange(float(size)),)], reference_function=doubled, tolerance=1e-9)
    right = Mutant("right", "", doubled)
    forgotten = Mutant("forgotten", "", lambda x: np.empty(len(x)))
    assert _compared(exercise, [right, forgotten] * 3) == [right] * 3


def doubled(x):
    y = np.empty(len(x))
    y[:] = 2 * x
    return y
