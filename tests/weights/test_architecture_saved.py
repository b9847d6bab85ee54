"""Graphs of registered layers are saved and loaded; others are rejected before anything is written."""

import functools

import numpy as np
import pytest
import weight_files as make
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numeric import COMPILED

import minigooglenet as mg
from minigooglenet import initializers, layers, weights
from minigooglenet.layers import registry
from minigooglenet.weights import architecture

PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))
SIZE = st.one_of(st.integers(1, 3), PAIR)
PADDING = st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2)))
FOUR_SIDED = st.tuples(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.tuples(st.integers(0, 2), st.integers(0, 2)))
SMALL = st.floats(1e-3, 2)


def _conv(draw, shape):
    groups = draw(st.sampled_from([n for n in (1, 2, 3) if shape[0] % n == 0]))
    return layers.Conv2d(
        shape[0],
        groups * draw(st.integers(1, 3)),
        draw(SIZE),
        draw(SIZE),
        draw(st.one_of(PADDING, FOUR_SIDED)),
        groups=groups,
        bias=draw(st.booleans()),
        algorithm=draw(st.sampled_from(["auto", "im2col", *COMPILED[:1], "loops"])),
        init=draw(st.sampled_from(["he", "caffe"])),
        rng=draw(st.integers(0, 9)),
    )


def _pool(cls):
    def make(draw, shape):
        kernel = draw(PAIR)
        padding = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in kernel)
        further = {"count_include_pad": draw(st.booleans())} if cls is layers.AvgPool2d else {}
        return cls(kernel, draw(st.one_of(st.none(), SIZE)), padding, ceil_mode=draw(st.booleans()), **further)

    return make


def _norm(draw, shape):
    layer = layers.BatchNorm2d(shape[0], eps=draw(SMALL), momentum=draw(st.floats(0, 1)))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    layer.buffers["running_mean"] = rng.standard_normal(shape[0], dtype=np.float32)
    layer.buffers["running_var"] = rng.random(shape[0], dtype=np.float32)
    return layer


def _linear(draw, shape):
    return layers.Linear(shape[0], draw(st.integers(1, 4)), bias=draw(st.booleans()), rng=draw(st.integers(0, 9)))


def _lrn(draw, shape):
    return layers.LocalResponseNorm(draw(st.integers(1, 5)), draw(SMALL), draw(SMALL), draw(SMALL))


def _scale(draw, shape):
    return layers.Scale(shape[0], init=draw(SMALL), bias=draw(st.booleans()), trained=draw(st.booleans()))


# {class: function (draw, input shape) -> layer}
MAKE = {
    "AdaptiveAvgPool2d": lambda draw, shape: layers.AdaptiveAvgPool2d(draw(SIZE)),
    "Add": lambda draw, shape: layers.Add(),
    "AvgPool2d": _pool(layers.AvgPool2d),
    "BatchNorm2d": _norm,
    "Concat": lambda draw, shape: layers.Concat(),
    "Conv2d": _conv,
    "Dropout": lambda draw, shape: layers.Dropout(draw(st.floats(0, 0.9))),
    "Flatten": lambda draw, shape: layers.Flatten(),
    "GlobalAvgPool2d": lambda draw, shape: layers.GlobalAvgPool2d(),
    "Linear": _linear,
    "LocalResponseNorm": _lrn,
    "MaxPool2d": _pool(layers.MaxPool2d),
    "ReLU": lambda draw, shape: layers.ReLU(),
    "Softmax": lambda draw, shape: layers.Softmax(),
    "ChannelShuffle": lambda draw, shape: layers.ChannelShuffle(draw(st.integers(1, 4))),
    "ChannelSlice": lambda draw, shape: layers.ChannelSlice(draw(st.integers(0, 2)), draw(st.integers(3, 4))),
    "Clip": lambda draw, shape: layers.Clip(
        draw(st.one_of(st.none(), st.floats(-1, 0))), draw(st.one_of(st.none(), SMALL))
    ),
    "GlobalMaxPool2d": lambda draw, shape: layers.GlobalMaxPool2d(),
    "HardSwish": lambda draw, shape: layers.HardSwish(),
    "LeakyReLU": lambda draw, shape: layers.LeakyReLU(draw(SMALL)),
    "Multiply": lambda draw, shape: layers.Multiply(),
    "Pad": lambda draw, shape: layers.Pad(draw(st.one_of(PADDING, FOUR_SIDED)), draw(SMALL)),
    "ReLU6": lambda draw, shape: layers.ReLU6(),
    "Scale": _scale,
    "SiLU": lambda draw, shape: layers.SiLU(),
    "Sigmoid": lambda draw, shape: layers.Sigmoid(),
    "Tanh": lambda draw, shape: layers.Tanh(),
}
SEVERAL = {"Add": 1, "Concat": 1, "Multiply": 2}  # {class: least number of inputs}
MAPS = {
    "GlobalMaxPool2d",
    "Pad",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "GlobalAvgPool2d",
    "LocalResponseNorm",
    "MaxPool2d",
}


@st.composite
def graphs(draw):
    """Return a graph of random layers on random wires, as far as the shapes allow."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(3, 9), st.integers(3, 9)))
    graph = mg.Graph(image=shape)
    for kind in draw(st.lists(st.sampled_from(sorted(MAKE)), min_size=1, max_size=8)):
        wire = draw(st.sampled_from(sorted(graph.shapes)))
        shape = graph.shapes[wire]
        if (kind in MAPS and len(shape) != 3) or (kind == "Linear" and len(shape) != 1):
            continue
        wires = (wire,) * (draw(st.integers(SEVERAL[kind], 3)) if kind in SEVERAL else 1)
        try:
            graph.add(f"{kind}/{len(graph.nodes)}", MAKE[kind](draw, shape), *wires)
        except ValueError:
            continue  # the window is larger than its input
    if not graph.nodes:
        graph.add("relu", layers.ReLU(), "image")
    if draw(st.booleans()):
        graph.outputs = draw(st.lists(st.sampled_from(sorted(graph.nodes)), min_size=1, max_size=3, unique=True))
    return graph


def _again(graph, path, **options):
    weights.save(graph, path / "a.safetensors", **options)
    return weights.load(path / "a.safetensors").graph


def _check_same(again, graph):
    assert again.inputs == graph.inputs
    assert again.shapes == graph.shapes
    assert again.outputs == graph.outputs
    assert again.assigned_outputs == graph.assigned_outputs
    assert again.main == graph.main
    for name, (layer, wires) in graph.nodes.items():
        other, other_wires = again.nodes[name]
        assert type(other) is type(layer)
        assert other.settings() == layer.settings()
        assert other_wires == wires
    for one, other in ((again.params, graph.params), (again.buffers, graph.buffers)):
        assert list(one) == list(other)
        assert all(
            a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one.values(), other.values(), strict=True)
        )


@given(graphs(), st.integers(0, 9), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_graph_reloads_bit_identically(tmp_path, graph, seed, double):
    if double:
        graph = graph.astype(np.float64)
    again = _again(graph, tmp_path)
    _check_same(again, graph)
    x = np.random.default_rng(seed).standard_normal((2, *graph.inputs["image"]), dtype=np.float32)
    for wire, y in graph.infer({"image": x}).items():
        other = again.infer({"image": x}, wire)[wire]
        assert y.dtype == other.dtype
        assert y.tobytes() == other.tobytes()


def test_random_graphs_cover_every_layer_class():
    public = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    public = {name for name in public if issubclass(getattr(layers, name), layers.Layer)} - {"Layer"}
    assert set(MAKE) == set(registry.BUILT_IN) == public


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_registry_counts_the_values_of_a_layer(data):
    kind = data.draw(st.sampled_from(sorted(MAKE)))
    layer = MAKE[kind](data.draw, (data.draw(st.integers(1, 6)), 9, 9))
    held = sum(array.size for array in (*layer.params.values(), *layer.buffers.values()))
    assert registry.BUILT_IN[kind].values(**layer.settings()) == held


def test_several_inputs_and_dtypes_reload(tmp_path):
    g = mg.Graph(left=(3, 4, 4), right=(3, 4, 4))
    g.add("sum", layers.Add(), "left", "right")
    g.add("conv", layers.Conv2d(3, 2, 3, algorithm="im2col", rng=0), "sum")
    g.add("other", layers.Conv2d(3, 2, 1, rng=1), "right")
    conv = g.nodes["conv"].layer
    conv.params["weight"] = conv.params["weight"].astype(np.float64)
    again = _again(g, tmp_path)
    _check_same(again, g)
    assert again.nodes["conv"].layer.algorithm == "im2col"


@pytest.mark.parametrize(
    "name", ["a" * 5000, "/up", "../up", "tab\there", "line\nend", "array 0", "caf\u00e9", "\\", " "]
)
def test_unusual_node_names_reload(tmp_path, name):
    g = mg.Graph(image=(2, 4, 4))
    g.add(name, layers.Conv2d(2, 2, 3, rng=0), "image")
    g.add(f"{name}/bn", layers.BatchNorm2d(2), name)
    _check_same(_again(g, tmp_path), g)
    other = mg.Graph(image=(2, 4, 4))
    other.add(name, layers.Conv2d(2, 2, 3, rng=1), "image")
    weights.load_into(other, tmp_path / "a.safetensors", strict=False)
    np.testing.assert_array_equal(other.params[f"{name}/weight"], g.params[f"{name}/weight"])


def test_numpy_scalars_in_settings_are_saved(tmp_path):
    g = mg.Graph(image=(np.int64(3), 4, 4))
    g.add("pool", layers.MaxPool2d(np.int64(2)), "image")
    g.add("drop", layers.Dropout(np.float32(0.25)), "pool")
    g.add("norm", layers.LocalResponseNorm(np.int32(3), np.float64(1e-3)), "drop")
    _check_same(_again(g, tmp_path), g)


def test_assigned_outputs_reload(tmp_path):
    g = mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, aux=True, rng=0)
    g.outputs = [g.main, g.outputs[0]]
    again = _again(g, tmp_path, classes="abc")
    _check_same(again, g)
    assert again.made_by == g.made_by
    x = np.random.default_rng(0).standard_normal((2, 1, 16, 16), dtype=np.float32)
    assert again(x).tobytes() == g(x).tobytes()


def test_changed_setting_of_a_model_is_saved(tmp_path):
    g = mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, rng=0)
    name = next(name for name, (layer, _) in g.nodes.items() if isinstance(layer, layers.Dropout))
    g.nodes[name].layer.p = 0.125
    again = _again(g, tmp_path)
    assert again.nodes[name].layer.p == 0.125
    assert again.made_by is None  # the function would build a different graph


def test_unchanged_model_records_its_function(tmp_path):
    g = mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, rng=0)
    again = _again(g, tmp_path)
    assert again.made_by == g.made_by
    _check_same(again, g)


def test_recorded_function_with_a_different_graph_is_ignored(tmp_path, monkeypatch):
    g = mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, rng=0)
    weights.save(g, tmp_path / "a.safetensors")
    build = mg.models.build
    for other in (
        lambda name, *args, **kwargs: build(name, **{**kwargs, "width": 0.3}),
        lambda name, *args, **kwargs: build("a model of a later version"),
    ):
        monkeypatch.setattr(mg.models, "build", other)
        again = weights.load(tmp_path / "a.safetensors").graph
        assert again.made_by is None
        _check_same(again, g)


# --- custom layers


@pytest.fixture
def registered(monkeypatch):
    """Return the table of registered layers, which is restored after the test."""
    monkeypatch.setattr(registry, "_REGISTERED", {})
    return registry._REGISTERED


class Swish(layers.Layer):
    """x * sigmoid(beta * x), as a user writes it."""

    def __init__(self, beta=1.0, *, names=(), rng=None):
        super().__init__()
        self.beta, self.names = beta, names

    def output_shape(self, x_shape):
        return tuple(x_shape)

    def forward(self, x, train=False):
        return x / (1 + np.exp(-self.beta * x)).astype(x.dtype), x

    def settings(self):
        return {"beta": self.beta, "names": self.names}


def _with(layer):
    g = mg.Graph(image=(2, 4, 4))
    g.add("own", layer, "image")
    return g


def test_registered_custom_layer_reloads(registered, tmp_path):
    assert mg.layers.register(Swish) is Swish
    g = _with(Swish(2.5, names=("a", ("b", None, True))))
    again = _again(g, tmp_path)
    assert again.nodes["own"].layer.settings() == {"beta": 2.5, "names": ("a", ("b", None, True))}
    x = np.random.default_rng(0).standard_normal((2, 2, 4, 4), dtype=np.float32)
    assert again(x).tobytes() == g(x).tobytes()


@pytest.mark.parametrize("dtype", [np.int64, np.float16])
def test_arrays_of_other_dtypes_are_rejected(registered, dtype, tmp_path):
    mg.layers.register(Swish)
    layer = Swish()
    layer.buffers["steps"] = np.zeros(2, dtype)
    with pytest.raises(ValueError, match=f"node 'own': its array 'steps' has dtype {np.dtype(dtype)}, not float32 or"):
        weights.save(_with(layer), tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_unregistered_layer_error_names_the_decorator(registered, tmp_path):
    mg.layers.register(Swish)
    weights.save(_with(Swish()), tmp_path / "a.safetensors")
    registered.clear()
    with pytest.raises(
        weights.WeightsError, match=r"node 'own': layer 'Swish' is not registered.*@mg\.layers\.register"
    ):
        weights.load(tmp_path / "a.safetensors")


def test_registered_subclass_reloads(registered, tmp_path):
    class Odd(layers.Conv2d):
        def __init__(self, channels, **more):
            super().__init__(channels, channels, 3, padding=1, **more)

        def settings(self):
            return {"channels": self.in_channels}

    mg.layers.register(Odd)
    _check_same(_again(_with(Odd(2, rng=0)), tmp_path), _with(Odd(2, rng=0)))
    with pytest.raises(ValueError, match="its algorithm is 'im2col', but its settings"):
        weights.save(_with(Odd(2, algorithm="im2col")), tmp_path / "b.safetensors")


def test_dilation_is_saved_only_if_it_dilates(tmp_path):
    g = mg.Graph(image=(2, 9, 9))
    g.add("plain", layers.Conv2d(2, 2, 3, padding=1, rng=0), "image")
    g.add("dilated", layers.Conv2d(2, 2, 3, padding=(2, 3), dilation=(2, 3), rng=0), "plain")
    _check_same(_again(g, tmp_path), g)
    x = np.random.default_rng(0).standard_normal((2, 2, 9, 9), dtype=np.float32)
    assert _again(g, tmp_path)(x).tobytes() == g(x).tobytes()
    (_, _, plain, _), (_, _, dilated, _) = weights.architecture.describe(g)["nodes"]
    assert "dilation" not in plain  # as in files of earlier versions
    assert dilated["dilation"] == [2, 3]


def test_registered_subclass_must_return_its_dilation(registered, tmp_path):
    class Fixed(layers.Conv2d):
        def __init__(self, channels, **more):
            super().__init__(channels, channels, (1, 3), padding=(0, 1), **more)

        def settings(self):
            return {"channels": self.in_channels}

    class Inherited(layers.Conv2d):
        pass

    mg.layers.register(Fixed)
    mg.layers.register(Inherited)
    with pytest.raises(ValueError, match=r"its dilation is \(3, 1\), but its settings\(\) does not return 'dilation'"):
        weights.save(_with(Fixed(2, dilation=(3, 1))), tmp_path / "a.safetensors")
    for dilation in (1, (1, 2)):
        g = _with(Inherited(2, 2, 1, dilation=dilation, rng=0))
        _check_same(_again(g, tmp_path), g)


def test_registering_again_rejects_old_layers(registered, tmp_path):
    def define():
        class Same(Swish):
            pass

        return mg.layers.register(Same)

    old, new = define()(), define()()
    _again(_with(new), tmp_path)
    with pytest.raises(ValueError, match="its class Same was defined again after the layer was made"):
        weights.save(_with(old), tmp_path / "b.safetensors")


def test_register_rejects_clashing_names(registered):
    def of_name(name, module):
        return type(name, (Swish,), {"__module__": module})

    with pytest.raises(ValueError, match="ReLU is the name of a layer of this package"):
        mg.layers.register(of_name("ReLU", "mine"))
    mg.layers.register(of_name("Mine", "one"))
    with pytest.raises(ValueError, match="Mine is the name of another registered layer"):
        mg.layers.register(of_name("Mine", "other"))


@pytest.mark.parametrize("thing", [Swish(), lambda x: x, int, "Swish"])
def test_register_rejects_other_objects(registered, thing):
    with pytest.raises(TypeError, match="register "):
        mg.layers.register(thing)


def test_register_rejects_a_class_without_settings(registered):
    class Factor(layers.Layer):
        def __init__(self, factor):
            super().__init__()

        def output_shape(self, x_shape):
            return x_shape

        def forward(self, x, train=False):
            return x, None

    class Duck:
        output_shape = forward = lambda self, x: x

    with pytest.raises(TypeError, match=r"Factor needs a method settings\(\).*\{'factor': \.\.\.\}"):
        mg.layers.register(Factor)
    with pytest.raises(TypeError, match=r"Duck needs a method settings\(\)"):
        mg.layers.register(Duck)


# --- graphs that cannot be saved


def _replaced_method(g):
    g.nodes["conv"].layer.forward = lambda x, train=False: (x, None)


def _replaced_inference(g):
    g.nodes["relu"].layer.infer = lambda x, out=None: x


def _pair_of_functions(g):
    g.nodes["conv"].layer.algorithm = (lambda *args: None, lambda *args: None)


def _stale_shape(g):
    g.nodes["conv"].layer.stride = (2, 2)


def _extra_array(g):
    g.nodes["conv"].layer.params["scale"] = np.ones(3, np.float32)


def _unregistered(g):
    g.add("swish", type("Gelu", (Swish,), {})(), "relu")


def _same_name(g):
    g.add("conv2", type("Conv2d", (layers.Conv2d,), {})(2, 2, 1), "relu")


def _not_finite(g):
    g.nodes["lrn"].layer.alpha = float("inf")


def _graph_method(g):
    g.forward = lambda *args: None


CANNOT = {
    "a replaced forward": (_replaced_method, "node 'conv': its method forward was replaced"),
    "a replaced infer": (_replaced_inference, "node 'relu': its method infer was replaced"),
    "a pair of functions": (_pair_of_functions, "node 'conv': its algorithm is your own pair of functions"),
    "a stale shape": (
        _stale_shape,
        r"give the shape \(2, 1, 1\), but the graph has \(2, 2, 2\)\. Was a setting changed",
    ),
    "an array more": (_extra_array, "node 'conv': its settings need 38 values in parameters and buffers"),
    "an unregistered layer": (_unregistered, "its class Gelu is not registered. Write @mg.layers.register"),
    "a class of the same name": (_same_name, "its class Conv2d is not this package's layer of that name"),
    "a setting that is not finite": (_not_finite, "its setting 'alpha' is inf"),
    "a replaced method of the graph": (_graph_method, "the method forward of the graph was replaced"),
}


def _small():
    g = mg.Graph(image=(2, 4, 4))
    g.add("conv", layers.Conv2d(2, 2, 3, rng=0), "image")
    g.add("relu", layers.ReLU(), "conv")
    g.add("lrn", layers.LocalResponseNorm(), "relu")
    return g


@pytest.mark.parametrize("what", CANNOT)
def test_unsavable_graph_raises_before_writing(registered, tmp_path, what):
    change, sentence = CANNOT[what]
    g = _small()
    change(g)
    with pytest.raises(ValueError, match=sentence):
        weights.save(g, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())
    weights.save(g, tmp_path / "a.safetensors", arrays_only=True)  # the advice in the message


def test_save_reports_all_problems_at_once(tmp_path):
    g = _small()
    _replaced_method(g)
    _replaced_inference(g)
    with pytest.raises(ValueError, match=r"(?s)node 'conv'.*node 'relu'.*arrays_only=True"):
        weights.save(g, tmp_path / "a.safetensors")


def test_method_replaced_on_the_class_is_rejected(tmp_path, monkeypatch):
    forward = layers.ReLU.forward

    @functools.wraps(forward)
    def logged(self, x, train=False):
        return forward(self, x, train)

    monkeypatch.setattr(layers.ReLU, "forward", logged)
    with pytest.raises(ValueError, match="node 'relu': its method forward was replaced"):
        weights.save(_small(), tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"beta": np.ones(2)}, r"its setting 'beta' is array\(\[1\., 1\.\]\)"),
        ({"beta": len}, "its setting 'beta' is <built-in function len>"),
        ({"beta": float("nan")}, "its setting 'beta' is nan"),
        ({"beta": 2**40}, "its setting 'beta' is 1099511627776"),
        ({"beta": "a" * 300}, "its setting 'beta' is 'aaa"),
        ({"names": ((((((((),),),),),),),)}, "its setting 'names' is nested more than 5 levels deep"),
    ],
)
def test_save_rejects_settings_that_are_not_plain(registered, tmp_path, settings, sentence):
    mg.layers.register(Swish)
    with pytest.raises(ValueError, match=sentence):
        weights.save(_with(Swish(**settings)), tmp_path / "a.safetensors")


def test_save_reports_a_failing_settings_method(registered, tmp_path):
    class Forgot(Swish):
        def settings(self):
            return {"beta": self.alpha, "names": ()}

    mg.layers.register(Forgot)
    with pytest.raises(ValueError, match="node 'own': 'Forgot' object has no attribute 'alpha'"):
        weights.save(_with(Forgot()), tmp_path / "a.safetensors")


def test_save_rejects_settings_of_a_different_layer(registered, tmp_path):
    class Forgets(Swish):
        def settings(self):
            return {"names": self.names}

    class Wrong(Swish):
        def settings(self):
            return {**super().settings(), "gamma": 1}

    class Drifts(Swish):
        def settings(self):
            return {"beta": self.beta + 1, "names": ()}

    for cls, sentence in (
        (Forgets, r"its settings\(\) must return every constructor argument; missing: 'beta'"),
        (Wrong, "unexpected keyword argument 'gamma'"),
        (Drifts, r"the restored layer has different settings\(\): \{'beta': 3.0"),
    ):
        mg.layers.register(cls)
        with pytest.raises(ValueError, match=sentence):
            weights.save(_with(cls()), tmp_path / "a.safetensors")


def test_shared_array_warns(tmp_path):
    g = _small()
    g.add("again", layers.Conv2d(2, 2, 3, rng=1), "image")
    g.nodes["again"].layer.params["weight"] = g.nodes["conv"].layer.params["weight"]
    with pytest.warns(UserWarning, match="'conv/weight' and 'again/weight' share one array"):
        weights.save(g, tmp_path / "a.safetensors")


def test_custom_initialisation_rule_warns(tmp_path, monkeypatch):
    monkeypatch.setitem(initializers.RULES, "mine", lambda shape, *_: np.ones(shape, np.float32))
    g = mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, init="mine")
    with pytest.warns(UserWarning, match="init='mine' is your own rule, so it is not recorded"):
        weights.save(g, tmp_path / "a.safetensors")
    monkeypatch.undo()
    again = weights.load(tmp_path / "a.safetensors").graph
    _check_same(again, g)
    assert "init" not in again.made_by[1]


def test_save_rejects_a_modified_graph_class(tmp_path):
    class Doubled(mg.Graph):
        def infer(self, inputs, outputs=None):
            return super().infer(inputs, outputs)

    g = Doubled(image=(3,))
    g.add("relu", layers.ReLU(), "image")
    with pytest.raises(ValueError, match="the graph class Doubled overrides methods of Graph"):
        weights.save(g, tmp_path / "a.safetensors")


def test_description_has_only_plain_values():
    record = architecture.describe(_small())
    assert record["nodes"][0] == [
        "conv",
        "Conv2d",
        {
            "in_channels": 2,
            "out_channels": 2,
            "kernel_size": [3, 3],
            "stride": [1, 1],
            "padding": [[0, 0], [0, 0]],
            "groups": 1,
            "bias": True,
        },
        ["image"],
    ]
    assert record["inputs"] == {"image": [2, 4, 4]}
    assert record["outputs"] is None


def test_settings_of_an_older_class_are_rejected(registered, tmp_path):
    class Second(Swish):
        def output_shape(self, x_shape):
            return (x_shape[self.names[0]],)

    mg.layers.register(Second)
    weights.save(_with(Second(names=(1,))), tmp_path / "a.safetensors")

    class Second(Swish):  # a later version of the class
        def output_shape(self, x_shape):
            return (x_shape[7],)

    Second.__qualname__ = registered["Second"].cls.__qualname__
    mg.layers.register(Second)
    with pytest.raises(weights.WeightsError, match="node 'own': tuple index out of range"):
        weights.load(tmp_path / "a.safetensors")


def test_file_of_version_0_1_loads_from_its_function(tmp_path):
    g = mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, rng=0)
    name, arguments = g.made_by
    content = make.native({**g.params, **g.buffers}, model=name, arguments=arguments)
    (tmp_path / "a.safetensors").write_bytes(content)
    again = weights.load(tmp_path / "a.safetensors").graph
    assert again.made_by == g.made_by
    _check_same(again, g)
