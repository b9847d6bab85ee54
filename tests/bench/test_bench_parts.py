"""The parts that measure the whole network and its operations, compared with a fake engine."""

import json

import fakes
import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import freed_memory
from minigooglenet.bench import (
    cores,
    equality,
    groups,
    ideas,
    machine,
    network,
    operations,
    profile,
    results,
    run,
    training,
)
from minigooglenet.parallel import spinning


@pytest.fixture
def with_fake(quick):
    quick.peers = {"fake": fakes.peer()}
    return quick


def test_inference_is_measured_with_another_engine(with_fake, silent):
    result = network.measure(with_fake, silent)
    assert [(r["batch"], r["contender"]) for r in result["records"]] == [(2, "plan(x)"), (2, "graph(x)"), (2, "Fake")]
    assert result["records"][0]["ratio_of_medians"] == 1.0
    assert all(r["threads"] == 2 and r["minimum_seconds"] <= r["median_seconds"] for r in result["records"])
    (table,) = network.tables(result)
    assert "Inference of the main output, 2 threads" in str(table)


def test_different_results_raise_and_restore_threads(quick, silent, own_threads):
    mg.set_num_threads(1)
    log = []
    quick.peers = {"fake": fakes.peer(off=1.0, log=log)}
    with pytest.raises(ValueError, match=r"Fake and plan\(x\) do not compute the same"):
        network.measure(quick, silent)
    with pytest.raises(
        ValueError, match="Fake and minigooglenet do not train the same: the gradients of loss3/classifier/weight"
    ):
        training.measure(quick, silent)
    with pytest.raises(ValueError, match="Fake and minigooglenet do not compute the same"):
        operations.measure(quick, silent)
    assert log == [2, "as before"] * 3
    assert mg.get_num_threads() == 1


def test_broken_engine_is_skipped_with_its_name(with_fake, silent):
    def inference(graph, x, count):
        def build():
            raise RuntimeError("no such operator\nand a long trace")

        return {"Fake": build}

    with_fake.peers["fake"].inference = inference
    result = network.measure(with_fake, silent)
    assert result["left_out"] == {"Fake": "RuntimeError: no such operator"}
    assert "Fake was skipped. RuntimeError: no such operator" in str(network.tables(result)[0])


def test_training_step_is_measured_with_another_engine(with_fake, silent):
    result = training.measure(with_fake, silent)
    assert [r["contender"] for r in result["records"]] == ["minigooglenet", "Fake"]
    assert "One training step" in str(training.tables(result)[0])


def test_each_idea_is_switched_off_and_on_again(quick, silent, monkeypatch):
    switches, keep, before = [], freed_memory.keep, spinning.get_spinning()
    spins, spin = [], spinning.set_spinning
    monkeypatch.setattr(spinning, "set_spinning", lambda enabled: spins.append(enabled) or spin(enabled))
    monkeypatch.setattr(freed_memory, "keep", lambda enabled: switches.append(enabled) or keep(enabled))
    result = ideas.measure(quick, silent)
    without = [record["without"] for record in result["records"]]
    assert without[0] == ideas.ALL
    assert {"no fusing", "no plan: graph(x)"} <= set(without)
    steps = [record["without"] for record in result["steps"]]
    assert steps[:2] == [ideas.ALL, "no spinning of threads"]
    if freed_memory.keep(True):
        assert steps[2:] == ["no keeping of freed memory"]
        assert False in switches
    assert switches[-1]
    assert set(spins) == {True, False}
    assert spinning.get_spinning() == before
    plans, steps = map(str, ideas.tables(json.loads(json.dumps(result))))
    assert "no fusing" in plans
    assert "Gain of each optimisation of training, 2 threads" in steps


def test_our_step_trains_a_copy(quick):
    graph = quick.graph()
    before = {name: value.copy() for name, value in graph.params.items()}
    step = training.our_step(graph, *training.batch_of(graph, 4))
    losses = [step() for _ in range(25)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert all(np.array_equal(graph.params[name], value) for name, value in before.items())


def test_operations_cover_every_kind_with_both_norms(with_fake, silent):
    result = operations.measure(with_fake, silent)
    kinds = {r["operation"].split()[0] for r in result["records"]}
    expected = {
        "Conv2d",
        "MaxPool2d",
        "GlobalAvgPool2d",
        "LocalResponseNorm",
        "BatchNorm2d",
        "ReLU",
        "Concat",
        "Linear",
    }
    assert kinds == expected
    assert {r["direction"] for r in result["records"]} == {"forward", "backward"}
    (table,) = operations.tables(result)
    assert len(table.rows) == 2 * len({r["operation"] for r in result["records"]})
    assert all(row[8] == "Fake" for row in table.rows)


def test_operations_of_googlenet_match_the_paper():
    labels = operations.chosen(mg.models.googlenet(init="zeros"))
    convolutions = {"Conv2d 7x7 stride 2x2", "Conv2d 5x5", "Conv2d 3x3", "Conv2d 1x1"}
    pools = {"MaxPool2d 3x3", "MaxPool2d 3x3 stride 2x2", "AvgPool2d 7x7", "AvgPool2d 5x5 stride 3x3"}
    assert set(labels) == convolutions | pools | {"BatchNorm2d", "Concat", "Linear", "LocalResponseNorm", "ReLU"}
    assert labels["Conv2d 3x3"][1] == [(64, 56, 56)]
    assert labels["BatchNorm2d"][1] == [(64, 112, 112)]


def test_operations_table_without_engines_has_dashes(quick, silent):
    (table,) = operations.tables(operations.measure(quick, silent))
    assert all(row[6:] == ("-", "-", "-", "-") for row in table.rows)


def test_groups_are_measured_with_another_engine(with_fake, silent):
    shapes = [groups.Shape("Ours", 4, 6, stride=2), groups.Shape("Theirs", 6, 5, kernel=5, groups=2)]
    result = groups.measure(with_fake, silent, shapes)
    assert [r["direction"] for r in result["records"]] == ["forward", "forward", "backward", "backward"] * 2
    (table,) = groups.tables(result)
    assert [row[:4] for row in table.rows[::2]] == [
        ("Ours, depthwise 3x3 stride 2", "4x6x6", 2, "forward"),
        ("Theirs, 2 groups 5x5", "6x5x5", 2, "forward"),
    ]
    assert all(row[-1].endswith("x") for row in table.rows)


def test_groups_table_without_engines_has_our_times(quick, silent):
    (table,) = groups.tables(groups.measure(quick, silent, [groups.Shape("Ours", 4, 6)]))
    assert [len(row) for row in table.rows] == [5, 5]


def test_shapes_of_groups_are_those_of_the_networks():
    networks = {"mobilenet_v2": "MobileNet-v2", "resnext50_32x4d": "ResNeXt-50", "xception": "Xception"}
    for name, title in networks.items():
        graph = mg.models.build(name, init="zeros")
        found = set()
        for layer, (wire, *_) in graph.nodes.values():
            if layer.kind == "Conv2d" and layer.groups > 1:
                found.add((*graph.shapes[wire][:2], layer.kernel_size[0], layer.stride[0]))
        listed = [(s.channels, s.size, s.kernel, s.stride) for s in groups.SHAPES if s.network == title]
        assert len(listed) > 4
        assert set(listed) <= found


def test_cores_uses_one_to_all_threads_and_restores_them(quick, silent, own_threads):
    mg.set_num_threads(1)
    result = cores.measure(quick, silent)
    assert [r["threads"] for r in result["records"]] == [1, 2]
    assert result["records"][0]["speed_up"] == 1.0
    assert "Threads: plan(x) from one to all" in str(cores.tables(result)[0])
    assert mg.get_num_threads() == 1


def test_profile_times_every_node_in_both_passes(quick, silent):
    result = profile.measure(quick, silent)
    (record,) = result["records"]
    graph = quick.graph()
    assert [node["node"] for node in record["nodes"]] == list(graph.nodes)
    assert all(node["forward_seconds"] > 0 and node["backward_seconds"] > 0 for node in record["nodes"])
    kinds = profile.by_kind(record["nodes"])
    assert sum(sums["nodes"] for sums in kinds.values()) == len(graph.nodes)
    assert kinds["Conv2d"]["macs"] + kinds["Linear"]["macs"] == 2 * mg.count(graph).macs
    by_kind, by_node = profile.tables(result)
    assert "between the nodes" in str(by_kind)
    assert len(by_node.rows) == len(graph.nodes)


@pytest.mark.parametrize("inputs", [True, False])
def test_timer_does_not_change_results_or_graph(quick, inputs):
    def step(graph, timer):
        outputs, tape = graph.forward({wire: x}, train=True, on_node=timer)
        grads = {name: np.ones_like(y) for name, y in outputs.items()}
        return outputs, *graph.backward(grads, tape, inputs=inputs, on_node=timer)

    timer, timed, plain = profile.Timer(), quick.graph(), quick.graph()
    (wire,) = plain.inputs
    x = np.random.default_rng(0).standard_normal((2, *plain.inputs[wire]), dtype=np.float32)
    before = {name: dict(vars(layer)) for name, (layer, _) in timed.nodes.items()}
    for got, expected in zip(step(timed, timer), step(plain, None), strict=True):
        assert got.keys() == expected.keys()
        assert all(np.array_equal(got[key], expected[key]) for key in expected)
    assert timer.seconds["forward"].keys() == set(timed.nodes)
    assert all(seconds > 0 for times in timer.seconds.values() for seconds in times.values())
    assert {name: vars(layer).keys() for name, (layer, _) in timed.nodes.items()} == {
        name: kept.keys() for name, kept in before.items()
    }
    first = next(iter(timed.nodes))  # the images get no gradient, but the parameters of the first node do
    assert timer.seconds["backward"].keys() == set(timed.nodes)
    assert timed.nodes[first].layer.params


def test_profile_times_a_replaced_backward(quick):
    graph, timer, calls = quick.graph(), profile.Timer(), []
    first, (wire,) = next(iter(graph.nodes)), graph.inputs
    layer = graph.nodes[first].layer
    right = layer.backward
    layer.backward = lambda *args: calls.append(first) or right(*args)
    x = np.random.default_rng(0).standard_normal((2, *graph.inputs[wire]), dtype=np.float32)
    outputs, tape = graph.forward({wire: x}, train=True, on_node=timer)
    graph.backward({name: np.ones_like(y) for name, y in outputs.items()}, tape, inputs=False, on_node=timer)
    assert calls == [first]
    assert timer.seconds["backward"][first] > 0


def test_results_survive_json(with_fake, silent):
    result = run.describe(with_fake, {"torch": "torch is not installed: pip install torch"})
    for part in ("network", "training", "threads", "profile", "timeline"):
        result[part] = run.measure(part, with_fake, silent)
    read = json.loads(json.dumps(result, allow_nan=False))
    assert read == result
    assert read["machine"] == machine.describe(with_fake.peers.values())
    for part in ("network", "training", "threads", "profile", "timeline"):
        assert list(map(str, run.PARTS[part].tables(read[part]))) == list(
            map(str, run.PARTS[part].tables(result[part]))
        )


def test_head_reports_a_busy_machine(quick):
    result = run.describe(quick, {"torch": "torch is not installed"})
    assert len(run.head({**result, "load_average": 0.1})) == 2
    assert "The load average of the last minute is 2.5." in run.head({**result, "load_average": 2.5})[1]
    assert run.head({**result, "load_average": None})[1] == "not measured: torch is not installed"


def test_notes_report_a_busy_machine():
    quiet = {"median_seconds": 1.0, "minimum_seconds": 0.9}
    busy = {"median_seconds": 2.0, "minimum_seconds": 1.0}
    assert results.busy_notes([quiet, {"median_seconds": None, "minimum_seconds": None}]) == []
    assert "1 of 2 medians are more than 1.3 times their minimum" in results.busy_notes([quiet, busy])[0]


def test_numbers_have_significant_digits():
    assert results.milliseconds(0.0012345) == "1.234"
    assert results.milliseconds(1.5) == "1,500.0"
    assert results.giga(2.3e6) == "0.0023"
    assert results.giga(1.5e11) == "150.0"
    assert results.percent(0.042) == "4.2%"
    assert results.percent(1.25) == "125%"
    shown = (results.milliseconds, results.giga, results.percent, results.mega, results.times)
    assert [show(None) for show in shown] == ["-"] * 5


def test_difference_is_relative_to_the_largest_value():
    assert equality.difference(np.array([0.0, -2.0]), np.array([1.0, -2.0])) == 0.5
    assert equality.difference(np.zeros(2), np.zeros(2)) == 0.0


def test_timed_copy_warns_and_times_every_node():
    graph = mg.models.mini_googlenet(size=32, width=0.25, rng=0)
    with pytest.warns(DeprecationWarning, match="on_node="):
        net, seconds = profile.timed(graph)
    x = np.zeros((1, *net.inputs["image"]), np.float32)
    outputs, tape = net.forward({"image": x})
    net.backward({wire: np.ones_like(y) for wire, y in outputs.items()}, tape)
    assert set(seconds["forward"]) == set(seconds["backward"]) == set(graph.nodes)
