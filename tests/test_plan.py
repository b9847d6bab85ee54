"""Plans: what the graph computes, with the parameters of the moment they were made."""

import numpy as np
import pytest
from numeric import assert_close, awkward, draw

import minigooglenet as mg


@pytest.fixture
def net():
    g = mg.Graph(image=(2, 8, 8))
    wire = mg.models.inception(g, "image", "module", 3, 2, 4, 1, 2, 2, style=mg.models.Style(norm="batch", rng=0))
    wire = g.add("global", mg.layers.GlobalAvgPool2d(), wire)
    g.add("head", mg.layers.Linear(11, 3, rng=1), wire)
    g.add("main", mg.layers.Linear(11, 4, rng=2), wire)
    return g


X = draw(2, 2, 8, 8, dtype=np.float32)


def test_a_plan_computes_what_the_graph_does(net):
    y = mg.plan(net)(X)
    assert y.dtype == np.float32
    assert_close(y, net(X))


def test_a_plan_of_one_output_gives_its_array_and_of_several_a_dict(net):
    expected, _ = net.forward({"image": X})
    assert_close(mg.plan(net, "head")(X), expected["head"])
    assert_close(mg.plan(net, ["head"])(X), expected["head"])
    both = mg.plan(net, ["main", "head"])(X)
    assert list(both) == ["main", "head"]
    for wire, y in both.items():
        assert_close(y, expected[wire])


def test_a_plan_may_ask_for_an_inner_wire(net):
    assert_close(mg.plan(net, "module/output")(X), net.forward({"image": X}, ["module/output"])[0]["module/output"])


def test_a_plan_keeps_the_parameters_of_its_moment(net):
    plan, before = mg.plan(net), net(X)
    net.params["main/weight"][:] = 0
    net.params["module/1x1/weight"] = net.params["module/1x1/weight"] * 2
    net.buffers["module/bn_1x1/running_mean"][:] = 5
    net.add("later", mg.layers.ReLU(), "main")
    assert_close(plan(X), before)
    assert (net(X) != plan(X)).any()


def test_a_plan_leaves_the_graph_alone(net):
    before = {key: value.copy() for key, value in (*net.params.items(), *net.buffers.items())}
    plan = mg.plan(net)
    plan(X)
    plan(X)
    assert all((value == before[key]).all() for key, value in (*net.params.items(), *net.buffers.items()))


def test_a_plan_takes_named_inputs_and_awkward_memory(net):
    plan = mg.plan(net)
    odd = awkward(X)
    assert_close(plan({"image": odd}), plan(X))
    assert (odd == X).all()


def test_the_results_of_a_plan_are_the_callers(net):
    plan = mg.plan(net)
    first, second = plan(X), plan(X)
    assert not np.shares_memory(first, second)
    first[:] = 0
    assert (plan(X) == second).all()


def test_a_plan_works_for_any_batch(net):
    plan = mg.plan(net)
    many = plan(np.concatenate([X] * 3))
    assert_close(many, np.concatenate([plan(X)] * 3))
    assert_close(plan(X[:1]), plan(X)[:1])


def test_a_plan_in_double_precision(net):
    double = net.astype(np.float64)
    y = mg.plan(double)(X.astype(np.float64))
    assert y.dtype == np.float64
    assert_close(y, double(X.astype(np.float64)))


def test_a_plan_tells_what_it_leaves_out(net):
    text = str(mg.plan(net))
    assert "main" in text
    assert "head" in text.split("left out")[1].splitlines()[0]
    assert "left out" not in str(mg.plan(net, ["head", "main"]))


def test_a_plan_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^the graph has no nodes yet$"):
        mg.plan(mg.Graph(image=(1, 2, 2)))


def test_a_plan_of_an_unknown_wire_is_refused(net):
    with pytest.raises(ValueError, match=r"^outputs asks for an unknown wire 'mian'; perhaps 'main'"):
        mg.plan(net, "mian")
