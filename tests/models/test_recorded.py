"""A network knows how it was made, as long as it is that network."""

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
