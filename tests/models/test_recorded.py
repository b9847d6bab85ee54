"""A network knows how it was made, as long as it is that network."""

import numpy as np
import pytest

import minigooglenet as mg


@pytest.mark.parametrize("name", mg.models.names())
def test_a_network_can_be_made_again_from_what_it_was_made_by(name):
    g = mg.models.build(name, num_classes=7, init="zeros")
    made_by, arguments = g.made_by
    again = mg.models.build(made_by, **arguments)
    assert made_by == name
    assert again.shapes == g.shapes
    assert [repr(layer) for layer, _ in again.nodes.values()] == [repr(layer) for layer, _ in g.nodes.values()]


def test_a_network_that_was_changed_no_longer_says_what_made_it():
    g = mg.models.mini_googlenet(3, in_channels=1, init="zeros")
    assert g.made_by[1]["in_channels"] == 1
    assert "rng" not in g.made_by[1]
    g.add("more", mg.layers.ReLU(), "loss3/classifier")
    assert g.made_by is None


def test_a_network_for_other_classes_keeps_everything_but_its_classifiers():
    g = mg.models.mini_googlenet(5, aux=True, width=0.25, rng=0)
    g.buffers["conv1/bn_3x3/running_mean"] += 1
    other, new = mg.models.with_classes(g, 3, rng=1)
    assert new == [f"{head}/classifier/{part}" for head in ("loss1", "loss3") for part in ("weight", "bias")]
    assert other.shapes["loss3/classifier"] == (3,)
    kept = [key for key in (*other.params, *other.buffers) if key not in new]
    for key in kept:
        old, now = (graph.params if key in graph.params else graph.buffers for graph in (g, other))
        assert np.array_equal(now[key], old[key])
        assert not np.shares_memory(now[key], old[key])
    assert mg.models.build(other.made_by[0], **other.made_by[1]).shapes == other.shapes


def test_the_same_number_of_classes_gets_new_classifiers_too():
    g = mg.models.mini_googlenet(5, width=0.25, rng=0)
    other, new = mg.models.with_classes(g, 5, rng=1)
    assert new == ["loss3/classifier/weight", "loss3/classifier/bias"]
    assert not np.array_equal(other.params[new[0]], g.params[new[0]])


def test_a_network_made_by_hand_cannot_be_made_again():
    g = mg.Graph(image=(4,))
    g.add("fc", mg.layers.Linear(4, 2, rng=0), "image")
    with pytest.raises(ValueError, match="put together by hand"):
        mg.models.with_classes(g, 3)
