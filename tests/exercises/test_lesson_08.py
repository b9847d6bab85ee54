"""Lesson 08: its judges on networks that are not known mistakes."""

import numpy as np

from minigooglenet.exercises import check
from minigooglenet.exercises.find import find
from minigooglenet.layers import AvgPool2d
from minigooglenet.models import googlenet, mini_googlenet
from minigooglenet.models.googlenet import MODULES


def _wrong(build, what):
    result = check("08.2", build)
    assert (result.status, result.mistake) == ("wrong", None)
    assert what in result.what


def test_stub_gives_not_yet():
    def stub(modules):
        raise NotImplementedError("exercise 08.2: write this")

    assert check("08.2", stub).status == "not yet"
    assert check("08.2b", ...).status == "not yet"


def test_wrong_network_shows_the_first_difference():
    _wrong(lambda modules: None, "should return an mg.Graph")
    _wrong(lambda modules: mini_googlenet(), "the graph has no node 'conv1/7x7_s2'")
    _wrong(lambda modules: googlenet(aux=False, init="zeros"), "the graph has no node 'loss1/conv'")
    _wrong(lambda modules: googlenet(num_classes=10, init="zeros"), "loss1/classifier")


def test_first_node_with_wrong_values_is_named():
    def averaged(modules):
        g = googlenet(init="zeros")
        node = g.nodes["inception_3b/pool"]
        g.nodes["inception_3b/pool"] = node._replace(layer=AvgPool2d(3, 1, 1))
        return g

    _wrong(averaged, "inception_3b/pool_proj is the first node with wrong values")


def test_judge_passes_a_copy_of_the_table():
    def build(modules):
        g = find("08.2").reference_function(modules)
        modules.clear()
        return g

    assert check("08.2", build).passed
    assert len(MODULES) == 9


def test_build_must_use_its_table():
    _wrong(lambda modules: googlenet(init="zeros"), "the table is halved, module 3a should have")


def test_oversized_and_misshapen_cases_are_rejected():
    assert "at most 2,000" in check("08.2b", (np.zeros((1, 3, 40, 40)), {})).what
    assert check("08.2b", (np.zeros((1, 3, 4, 4)), {})).status == "wrong"
