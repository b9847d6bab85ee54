"""A graph that computes inference by a live plan returns the same bits as node by node, whatever changes in between."""

import contextlib
import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import draw, needs_numba
from test_plan_equals_graph import random_graph

import minigooglenet as mg
from minigooglenet import layers, methods
from minigooglenet.planning import live, prepared

pytestmark = needs_numba


@pytest.fixture(autouse=True)
def live_plans():
    before = live.enable()
    live.enable(True)
    yield
    live.enable(before)


@contextlib.contextmanager
def node_by_node():
    live.enable(False)
    try:
        yield
    finally:
        live.enable(True)


def assert_same_bits(g, x):
    """Compare three calls, of which the last runs a live plan if it applies, with the graph node by node."""
    with node_by_node():
        expected = g(x)
    for _ in range(3):
        assert g(x).tobytes() == expected.tobytes()


def runs_live(g, x, monkeypatch):
    g(x)
    computed, compute = [], methods.infer

    def recorded(layer, xs):
        computed.append(type(layer))
        return compute(layer, xs)

    with monkeypatch.context() as patch:
        patch.setattr(methods, "infer", recorded)
        g(x)
    return set(computed) <= {layers.Linear, layers.Dropout, layers.Softmax}


def small(**settings_):
    return mg.models.mini_googlenet(width=0.5, depth=2, rng=0, **settings_)


def images(count=1, size=32, dtype=np.float32):
    return draw(count, 3, size, size, dtype=dtype)


@pytest.mark.parametrize(("name", "count"), [("mini_googlenet", 4), ("resnet18", 1), ("mobilenet_v2", 2)])
def test_networks_compute_the_same_bits(name, count, monkeypatch):
    g = getattr(mg.models, name)(rng=0)
    x = draw(count, *next(iter(g.inputs.values())), dtype=np.float32)
    assert_same_bits(g, x)
    assert runs_live(g, x, monkeypatch)


@settings(max_examples=100)
@given(st.data())
def test_random_graphs_compute_the_same_bits(data):
    g = random_graph(data, data.draw(st.integers(1, 2), label="inputs"))
    count = data.draw(st.integers(1, 6), label="images")
    outputs = data.draw(st.lists(st.sampled_from(list(g.shapes)), min_size=1, max_size=4, unique=True), label="outputs")
    for seed in range(3):
        x = {name: draw(count, *shape, seed=seed, dtype=np.float32) for name, shape in g.inputs.items()}
        with node_by_node():
            expected = g.infer(x, outputs)
        got = g.infer(x, outputs)
        assert got.keys() == expected.keys()
        for wire, y in expected.items():
            assert (got[wire].tobytes(), got[wire].dtype) == (y.tobytes(), y.dtype), wire


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_thread_counts_compute_the_same_bits(threads, own_threads):
    g = small()
    mg.set_num_threads(threads)
    assert_same_bits(g, images(2))


def in_place(g):
    for array in g.params.values():
        array *= 1.5


def replaced(g):
    for name, array in g.params.items():
        g.params[name] = array + np.float32(0.25)


def statistics(g):
    for name, array in g.buffers.items():
        g.buffers[name] = array + np.float32(0.5)


def transposed(g):
    for name, array in g.params.items():
        g.params[name] = np.asfortranarray(array)


def in_double(g):
    for name, array in g.params.items():
        g.params[name] = array.astype(np.float64)


def method_of_a_layer(g):
    name = next(name for name, node in g.nodes.items() if isinstance(node.layer, layers.ReLU))
    g.nodes[name].layer.forward = lambda x, train=False: (2 * x, None)


def settings_of_a_layer(g):
    pool = next(node.layer for node in g.nodes.values() if isinstance(node.layer, layers.MaxPool2d))
    pool.stride = [2, 2]


def another_layer(g):
    name = next(name for name, node in g.nodes.items() if isinstance(node.layer, layers.ReLU))
    g.nodes[name] = g.nodes[name]._replace(layer=layers.Tanh())


def one_more_node(g):
    g.add("more", layers.Softmax(), g.main)


def trained(g):
    outputs, tape = g.forward({"image": images(2)}, train=True)
    _, grads = g.backward({g.main: np.ones_like(outputs[g.main])}, tape)
    for name, grad in grads.items():
        g.params[name] -= np.float32(0.01) * grad


CHANGES = [in_place, replaced, statistics, transposed, in_double, method_of_a_layer, settings_of_a_layer]
CHANGES += [another_layer, one_more_node, trained]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changes_take_effect_in_the_next_call(change):
    g = small(norm="batch")
    assert_same_bits(g, images())
    change(g)
    assert_same_bits(g, images())


def test_method_of_a_class_takes_effect(monkeypatch):
    g = small()
    assert_same_bits(g, images())
    monkeypatch.setattr(layers.ReLU, "infer", lambda self, x: np.abs(x))
    monkeypatch.setattr(layers.ReLU, "forward", lambda self, x, train=False: (np.abs(x), None))
    assert_same_bits(g, images())


def test_chosen_forms_take_effect():
    g, calls = small(), []

    def recorded(x):
        calls.append(x.shape)
        return np.maximum(x, 0), x > 0

    assert_same_bits(g, images())
    with mg.use(relu=(recorded, lambda grad, mask: grad * mask)):
        g(images())
    assert calls
    with mg.use("numpy"):
        assert_same_bits(g, images())


@pytest.mark.parametrize(("threads", "count"), [(2, 1), (2, 21), (5, 4), (8, 9)])
def test_batches_of_any_size_run_live(threads, count, monkeypatch, own_threads):
    g = small()
    mg.set_num_threads(threads)
    assert_same_bits(g, images(count))
    assert runs_live(g, images(count), monkeypatch)


def test_double_precision_is_computed_node_by_node(monkeypatch):
    assert not runs_live(small(), images(dtype=np.float64), monkeypatch)


def test_large_buffers_are_not_kept(monkeypatch):
    g = small()
    assert_same_bits(g, images(2))
    plan = live._entries[g][(g.main,)].plan
    monkeypatch.setattr(live, "MOST_BYTES", plan.weight_bytes())
    assert_same_bits(g, images(3))
    assert live._entries[g][(g.main,)].plan is plan
    assert not plan._unused


def test_live_plan_that_keeps_too_much_is_dropped(monkeypatch):
    g = small()
    monkeypatch.setattr(live, "MOST_BYTES", 1000)
    assert_same_bits(g, images())
    assert live._entries[g][(g.main,)].plan is None
    assert not runs_live(g, images(), monkeypatch)


def chain(*nodes, shape):
    g, wire = mg.Graph(image=shape), "image"
    for i, layer in enumerate(nodes):
        wire = g.add(f"node{i}", layer, wire)
    return g


def test_scale_changed_in_place_takes_effect():
    g = chain(layers.Conv2d(3, 8, 3, rng=0), layers.Scale(8), shape=(3, 8, 8))
    assert_same_bits(g, images(2, size=8))
    g.params["node1/weight"][...] += 1
    assert_same_bits(g, images(2, size=8))


def test_winograd_reads_an_input_of_many_channels():
    assert_same_bits(
        chain(layers.Conv2d(16, 32, 3, padding=1, rng=0), shape=(16, 32, 32)), draw(4, 16, 32, 32).astype("f")
    )


@pytest.mark.parametrize("back", [False, True])
def test_interrupted_call_leaves_no_wrong_weights(back, monkeypatch):
    g, run = small(), prepared._run
    assert_same_bits(g, images())
    before = {name: array.copy() for name, array in g.params.items()}
    in_place(g)

    def interrupted(bound):
        run(bound)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prepared, "_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            g(images())
    if back:
        for name, array in g.params.items():
            array[...] = before[name]
    assert_same_bits(g, images())


@pytest.mark.parametrize("call", [0, 1])
def test_interrupted_first_call_leaves_no_wrong_weights(call, monkeypatch):
    g, x = small(), images()
    plan, expected = mg.plan(g), mg.plan(g)(x)

    def interrupted(bound):
        raise KeyboardInterrupt

    g(x)
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            (g, plan)[call](x)
    assert_same_bits(g, x)
    assert (plan(x) == expected).all()


def test_threads_see_weights_that_changed_before_their_calls():
    g, wrong, x = small(), [], images()
    assert_same_bits(g, x)

    def work():
        if g(x).tobytes() != expected:
            wrong.append(x)

    for _ in range(20):
        in_place(g)
        with node_by_node():
            expected = g(x).tobytes()
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for array in g.params.values():
            array /= 1.5
        assert_same_bits(g, x)
    assert wrong == []


def test_own_layers_are_computed_node_by_node(monkeypatch):
    class Double(layers.ReLU):
        def forward(self, x, train=False):
            return np.float64(2) * x.astype(np.float64), None

    g = mg.Graph(image=(3, 8, 8))
    g.add("double", Double(), "image")
    assert not runs_live(g, images(size=8), monkeypatch)
    assert g(images(size=8)).dtype == np.float64


def test_results_do_not_change_later():
    g = small()
    first = [g(images()) for _ in range(3)][-1]
    kept = first.copy()
    g(images() + 1)
    assert (first == kept).all()
    x = images()
    wires = g.infer({"image": x}, ("image", g.main))
    wires = g.infer({"image": x}, ("image", g.main))
    assert not np.may_share_memory(wires["image"], x)


def test_threads_may_call_one_graph_at_once():
    g, wrong = small(), []
    inputs = [draw(1, 3, 32, 32, seed=seed, dtype=np.float32) for seed in range(3)]
    expected = [g(x).tobytes() for x in inputs]

    def work():
        for _ in range(5):
            wrong.extend(i for i, x in enumerate(inputs) if g(x).tobytes() != expected[i])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_graphs_are_copied_stored_and_freed_as_before():
    g = small()
    expected = [g(images()) for _ in range(3)][-1]
    for other in (copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert (other(images()) == expected).all()
    reference = weakref.ref(g)
    del g
    gc.collect()
    assert reference() is None


def test_layer_that_refers_to_its_graph_does_not_keep_it():
    class Own(layers.Layer):
        def output_shape(self, shape):
            return shape

        def forward(self, x, train=False):
            return x + 0, None

    g, layer = mg.Graph(image=(3, 8, 8)), Own()
    layer.graph = g
    g.add("own", layer, "image")
    g(images(size=8))
    reference = weakref.ref(g)
    del g, layer
    gc.collect()
    assert reference() is None


def test_faulty_setting_is_reported_in_every_call():
    g = small()
    assert_same_bits(g, images())
    g.nodes["conv1/3x3"].layer.stride = 0
    for _ in range(3):
        with pytest.raises(ValueError, match="node 'conv1/3x3': stride"):
            g(images())


def test_errors_of_inputs_name_them_as_before():
    g = small()
    for _ in range(3):
        g(images())
    with pytest.raises(ValueError, match="input 'image' must be"):
        g(images(size=31))


def test_switch_is_read_from_the_environment(monkeypatch):
    monkeypatch.setattr(live, "_enabled", [])
    monkeypatch.setenv("MINIGOOGLENET_LIVE", "0")
    assert live.enable() is False
    monkeypatch.setattr(live, "_enabled", [])
    monkeypatch.setenv("MINIGOOGLENET_LIVE", "yes")
    with pytest.raises(ValueError, match="MINIGOOGLENET_LIVE must be 0 or 1, got 'yes'"):
        live.enable()
    with pytest.raises(TypeError, match="expects True or False"):
        live.enable(1)
