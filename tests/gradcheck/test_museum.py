"""The museum: every exhibit is wrong, its companion function is right, and its story is one sentence."""

import importlib
import pkgutil
from collections import Counter

import numpy as np
import pytest
from numeric import differences

from minigooglenet.gradcheck import museum
from minigooglenet.gradcheck.museum import CONTRACT_FAULTS, EXHIBITS, KEYS

EVERY = pytest.mark.parametrize("exhibit", EXHIBITS.values(), ids=EXHIBITS)
EVERY_FAULT = pytest.mark.parametrize("fault", CONTRACT_FAULTS.values(), ids=CONTRACT_FAULTS)
SEEDS = range(3)


def _case(exhibit, seed):
    rng = np.random.default_rng(seed)
    inputs = exhibit.inputs(rng)
    y = exhibit.forward(*_copies(inputs))
    return inputs, rng.standard_normal(np.shape(y))


def _copies(inputs):
    return [array.copy() for array in inputs]


def _numerical(forward, inputs, grad_y):
    """Return the numerical gradient of each input of floats."""
    gradients = []
    for i, array in enumerate(inputs):
        if array.dtype.kind == "f":

            def moved(value, i=i):
                return forward(*inputs[:i], value, *inputs[i + 1 :])

            gradients.append(differences(moved, array, grad_y))
    return gradients


def _worst(analytic, numerical):
    """Return the largest error of the analytic gradients, relative to the largest numerical entry."""
    assert len(analytic) == len(numerical)
    if any(a.shape != n.shape for a, n in zip(analytic, numerical, strict=True)):
        return np.inf
    return max(np.abs(a - n).max() / np.abs(n).max() for a, n in zip(analytic, numerical, strict=True))


@EVERY
@pytest.mark.parametrize("seed", SEEDS)
def test_exhibit_is_wrong_and_its_companion_right(exhibit, seed):
    inputs, grad_y = _case(exhibit, seed)
    wrong = _worst(exhibit.backward(grad_y, *inputs), _numerical(exhibit.forward, inputs, grad_y))
    assert wrong > 1e-3
    if exhibit.broken == "backward":
        right = _worst(exhibit.correct(grad_y, *inputs), _numerical(exhibit.forward, inputs, grad_y))
    else:
        right = _worst(exhibit.backward(grad_y, *inputs), _numerical(exhibit.correct, inputs, grad_y))
    assert right < 1e-6


@EVERY
def test_exhibit_keeps_the_contract(exhibit):
    inputs, grad_y = _case(exhibit, 0)
    before = _copies((*inputs, grad_y))
    gradients = exhibit.backward(grad_y, *inputs)
    again = exhibit.backward(grad_y, *inputs)
    for array, kept in zip((*inputs, grad_y), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    assert isinstance(gradients, tuple)
    floats = [array for array in inputs if array.dtype.kind == "f"]
    for gradient, repeated, array in zip(gradients, again, floats, strict=True):
        assert gradient.dtype == np.float64
        assert "not summed over" in exhibit.suspect or gradient.shape == array.shape
        assert not any(np.shares_memory(gradient, other) for other in (*inputs, grad_y))
        np.testing.assert_array_equal(gradient, repeated)


@EVERY
def test_exhibit_forward_is_repeatable_and_keeps_inputs(exhibit):
    inputs = exhibit.inputs(np.random.default_rng(0))
    before = _copies(inputs)
    np.testing.assert_array_equal(exhibit.forward(*inputs), exhibit.forward(*inputs))
    for array, kept in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, kept)
        assert array.dtype.kind == "i" or array.dtype == np.float64


@pytest.mark.parametrize("exhibit", [*EXHIBITS.values(), *CONTRACT_FAULTS.values()], ids=lambda e: e.name)
def test_story_is_one_sentence(exhibit):
    assert exhibit.story[0].isupper()
    assert exhibit.story.endswith(".")
    assert not any(end in exhibit.story for end in (". ", "! ", "? "))
    assert len(exhibit.story.split()) >= 10


def test_names_and_stories_are_unique():
    every = [*EXHIBITS.values(), *CONTRACT_FAULTS.values()]
    stories = Counter(exhibit.story for exhibit in every)
    assert max(stories.values()) == 1
    assert not EXHIBITS.keys() & CONTRACT_FAULTS.keys()


def test_exhibit_names_are_unique_across_rooms():
    halls = [importlib.import_module(f"{museum.__name__}.{m.name}") for m in pkgutil.iter_modules(museum.__path__)]
    exhibits = [exhibit for hall in halls for room in getattr(hall, "ROOMS", ()) for exhibit in room.exhibits]
    assert len(exhibits) == len(EXHIBITS) + len(CONTRACT_FAULTS)


def test_suspects_all_have_an_exhibit():
    assert {exhibit.suspect for exhibit in EXHIBITS.values()} == set(KEYS)
    assert {fault.suspect for fault in CONTRACT_FAULTS.values()} == {""}


def test_museum_is_large_enough():
    broken = Counter(exhibit.broken for exhibit in EXHIBITS.values())
    assert broken["backward"] >= 36
    assert broken["forward"] >= 5
    operations = Counter(name.split("/")[0].split()[0] for name in EXHIBITS)
    assert operations["conv2d"] >= 14
    assert operations["max_pool2d"] + operations["avg_pool2d"] >= 8


def _fault(name):
    return next(fault for key, fault in CONTRACT_FAULTS.items() if key.endswith(f"/{name}"))


@EVERY_FAULT
def test_companion_of_contract_fault_is_right(fault):
    inputs = fault.inputs(np.random.default_rng(0))
    forward, backward = fault.forward, fault.correct
    if fault.broken == "forward":
        forward, backward = fault.correct, fault.backward
    grad_y = np.random.default_rng(1).standard_normal(np.shape(forward(*inputs)))
    assert _worst(backward(grad_y, *inputs), _numerical(forward, inputs, grad_y)) < 1e-6


def test_backward_faults_break_the_contract():
    def result(name, seed=0):
        fault = _fault(name)
        inputs, grad_y = _case(fault, seed)
        kept, kept_grad = _copies(inputs), grad_y.copy()
        return fault.backward(grad_y, *inputs), inputs, kept, grad_y, kept_grad

    assert result("returns_none")[0] is None
    assert len(result("one_gradient_too_few")[0]) == 2
    gradients, inputs, *_ = result("wrong_shape")
    assert gradients[1].shape == inputs[1].shape[::-1]
    with pytest.raises(ValueError, match="matmul"):
        result("raises")
    assert {gradient.dtype for gradient in result("float32_result")[0]} == {np.dtype(np.float32)}
    assert result("integer_result")[0][0].dtype.kind == "i"
    *_, grad_y, kept_grad = result("changes_grad_y")
    assert (grad_y != kept_grad).any()
    _, inputs, kept, *_ = result("changes_its_input")
    assert (inputs[0] != kept[0]).any()
    gradients, _, _, grad_y, _ = result("view_of_grad_y")
    assert np.shares_memory(gradients[0], grad_y)
    assert (result("noisy_backward")[0][0] != result("noisy_backward")[0][0]).any()
    result("keeps_the_first_input", 0)
    gradients, inputs, _, grad_y, _ = result("keeps_the_first_input", 1)
    assert np.abs(gradients[1] - grad_y.T @ inputs[0]).max() > 1e-3


def test_forward_faults_break_the_contract():
    fault = _fault("forward_changes_its_input")
    inputs = fault.inputs(np.random.default_rng(0))
    kept = _copies(inputs)
    fault.forward(*inputs)
    assert (inputs[0] != kept[0]).any()
    fault = _fault("dropout_drawn_in_every_call")
    assert (fault.forward(*kept) != fault.forward(*kept)).any()
