"""The outputs of a graph: the wires without consumers, or assigned wires, with or without consumers."""

import copy

import numpy as np
import pytest
from numeric import assert_close, draw

import minigooglenet as mg
from minigooglenet import layers, losses
from minigooglenet.evaluation import prediction
from minigooglenet.gradcheck import check_network
from minigooglenet.training import Settings
from minigooglenet.training.loop import train

X = draw(3, 2, 6, 6, dtype=np.float32)


@pytest.fixture
def net():
    """Return a network with an auxiliary head, whose features and logits have consumers."""
    g = mg.Graph(image=(2, 6, 6))
    g.add("conv", layers.Conv2d(2, 4, 3, padding=1, rng=0), "image")
    g.add("relu", layers.ReLU(), "conv")
    g.add("features", layers.GlobalAvgPool2d(), "relu")
    g.add("aux", layers.Linear(4, 3, rng=1), "features")
    g.add("logits", layers.Linear(4, 3, rng=2), "features")
    g.add("chances", layers.Softmax(), "logits")
    return g


def test_first_assigned_output_is_main(net):
    expected = net.infer({"image": X}, ["features", "logits", "aux"])
    assert (net.assigned_outputs, net.main) == (None, "chances")
    net.outputs = ["logits", "features", "aux"]
    assert (net.outputs, net.main) == (("logits", "features", "aux"), "logits")
    assert np.array_equal(net(X), expected["logits"])
    outputs, tape = net.forward({"image": X})
    assert list(outputs) == ["logits", "features", "aux"]
    assert "chances" not in tape
    assert all(np.array_equal(outputs[wire], expected[wire]) for wire in outputs)


def test_none_returns_to_the_wires_without_consumers(net):
    net.outputs = "features"
    assert net.outputs == ("features",)
    net.outputs = None
    assert (net.outputs, net.default_outputs, net.main) == (("aux", "chances"), ("aux", "chances"), "chances")


def test_assigned_outputs_stay_when_nodes_are_added_and_copied(net):
    net.outputs = ["logits", "aux"]
    net.add("more", layers.ReLU(), "chances")
    assert net.outputs == ("logits", "aux")
    assert net.default_outputs == ("aux", "more")
    for other in (net.astype(np.float64), copy.deepcopy(net)):
        assert other.outputs == ("logits", "aux")
        other.outputs = None
    assert net.outputs == ("logits", "aux")


def test_input_can_be_an_output_and_is_copied(net):
    net.outputs = ["image", "logits"]
    assert np.array_equal(net(X), X)
    assert not np.shares_memory(net(X), X)
    assert np.array_equal(mg.plan(net)(X), X)


@pytest.mark.parametrize(
    ("wires", "sentence"),
    [
        (["logit"], "outputs: unknown wire 'logit'. Did you mean 'logits'"),
        (["aux", "logits", "aux"], r"one or more different wires, got \('aux', 'logits', 'aux'\)"),
        ([], r"one or more different wires, got \(\)"),
    ],
)
def test_wrong_outputs_are_rejected_and_change_nothing(net, wires, sentence):
    net.outputs = ["logits"]
    with pytest.raises(ValueError, match=sentence):
        net.outputs = wires
    assert net.outputs == ("logits",)


@pytest.mark.parametrize("wires", [["logits", "features", "relu"], ["relu"], ["features", "aux"], ["conv", "chances"]])
def test_plan_of_outputs_read_inside_matches_the_graph(net, wires):
    net.outputs = wires
    assert_close(mg.plan(net)(X), net(X), 2e-5)
    expected, _ = net.forward({"image": X})
    several = mg.plan(net, net.outputs)(X)
    for wire, y in (several if len(wires) > 1 else {wires[0]: several}).items():
        assert_close(y, expected[wire], 2e-5)


def test_plan_returns_a_branch_of_a_concat():
    g = mg.Graph(image=(2, 6, 6))
    wires = [g.add(name, layers.Conv2d(2, 3, 1, rng=i), "image") for i, name in enumerate("ab")]
    g.add("drop", layers.Dropout(), g.add("joined", layers.Concat(), *wires))
    g.add("end", layers.MaxPool2d(2), "drop")
    g.outputs = ["b", "drop", "a", "end"]
    expected, _ = g.forward({"image": X})
    for wire, y in mg.plan(g, g.outputs)(X).items():
        assert_close(y, expected[wire], 2e-5)


def test_only_main_and_unconsumed_outputs_get_a_loss(net):
    assert losses.head_weights(net) == {"aux": 0.3, "chances": 1.0}
    net.outputs = ["logits", "features", "aux"]
    assert list(losses.head_weights(net).items()) == [("aux", 0.3), ("logits", 1.0)]
    assert list(Settings(heads=0.2).head_weights(net).items()) == [("aux", 0.2), ("logits", 1.0)]
    assert Settings(heads=0).head_weights(net) == {"logits": 1.0}
    net.outputs = ["logits"]
    assert losses.head_weights(net) == {"logits": 1.0}


def test_output_of_another_shape_raises(net):
    net.add("embedding", layers.Linear(4, 7, rng=3), "features")
    net.outputs = ["logits", "embedding"]
    with pytest.raises(
        ValueError, match=r"output 'embedding' has shape \(7,\), but the main output 'logits' has \(3,\)"
    ):
        losses.head_weights(net)
    with pytest.raises(ValueError, match=r"Try g.outputs = \['logits'\]"):
        Settings().head_weights(net)
    assert Settings(heads=0).head_weights(net) == {"logits": 1.0}


def test_training_and_checking_use_the_assigned_main_output(net):
    net.outputs = ["logits", "features", "aux"]
    before = {key: value.copy() for key, value in net.params.items()}
    train(net, X, np.array([0, 1, 2]), epochs=2, batch_size=3, lr=0.1)
    assert all(not np.array_equal(before[key], net.params[key]) for key in before)
    report = check_network(net, X, [0, 1, 2])
    assert report.verdict == "PASS", str(report)


def test_prediction_takes_the_assigned_main_output(net):
    net.outputs = ["logits", "aux"]
    (plan,) = prediction.planned(net)
    assert plan.outputs == ("logits",)
    net.outputs = ["chances", "aux"]
    (plan,) = prediction.planned(net)
    assert plan.outputs == ("logits",)  # the input of the softmax


def test_counting_covers_what_the_assigned_outputs_need(net):
    whole = mg.count(net)
    net.outputs = ["features"]
    assert mg.count(net).params == whole.params - 2 * (4 * 3 + 3)


def test_network_for_other_classes_keeps_the_assigned_outputs():
    g = mg.models.mini_googlenet(3, aux=True, width=0.25, rng=0)
    g.outputs = ["loss3/classifier", "inception_3a/output"]
    other, _ = mg.models.with_classes(g, 5)
    assert other.outputs == g.outputs
    assert other.shapes[other.main] == (5,)


@pytest.mark.parametrize("name", ["", "a\ud800b"])
def test_name_that_no_file_can_store_is_rejected(name):
    with pytest.raises(ValueError, match="an input's name must"):
        mg.Graph(**{name: (3,)})
    g = mg.Graph(x=(3,))
    with pytest.raises(ValueError, match="a node's name must"):
        g.add(name, layers.ReLU(), "x")
    assert not g.nodes


def test_print_shows_control_characters_in_names_as_escapes():
    g = mg.Graph(**{"x\n": (3,)})
    g.add("a\tb\x1b[31m", layers.ReLU(), "x\n")
    assert str(g).splitlines()[1:] == ["a\\tb\\x1b[31m  ReLU  (3,)  <- x\\n"]
    assert "a\\tb\\x1b[31m" in str(mg.count(g))
