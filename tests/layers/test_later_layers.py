"""Layers of later networks: settings, errors, and values and gradients compared with PyTorch's in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, draw

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.counting import costs, paths

MAP = (6, 5, 4)


def torch_functions():
    """Return {name: (our layer, input shapes, PyTorch's function of the inputs and of our arrays as tensors)}."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    per_channel = np.s_[:, None, None]
    return {
        "clip": (layers.Clip(-1, 0.5), [MAP], lambda x: functional.hardtanh(x, -1, 0.5)),
        "clip with one bound": (layers.Clip(None, 0.5), [MAP], lambda x: torch.clamp(x, max=0.5)),
        "relu6": (layers.ReLU6(), [MAP], functional.relu6),
        "leaky relu": (layers.LeakyReLU(), [MAP], functional.leaky_relu),
        "leaky relu, negative": (layers.LeakyReLU(-0.3), [MAP], lambda x: functional.leaky_relu(x, -0.3)),
        "sigmoid": (layers.Sigmoid(), [MAP], torch.sigmoid),
        "tanh": (layers.Tanh(), [MAP], torch.tanh),
        "hard swish": (layers.HardSwish(), [MAP], functional.hardswish),
        "silu": (layers.SiLU(), [MAP], functional.silu),
        "scale": (
            layers.Scale(6),
            [MAP],
            lambda x, weight, bias: x * weight[per_channel] + bias[per_channel],
        ),
        "scale of a vector": (layers.Scale(6, bias=False), [(6,)], lambda x, weight: x * weight),
        "multiply": (layers.Multiply(), [MAP, MAP, MAP], lambda *xs: xs[0] * xs[1] * xs[2]),
        "gates": (layers.Multiply(), [MAP, (6,)], lambda x, gates: x * gates[:, :, None, None]),
        "gates with axes": (layers.Multiply(), [(6, 1, 1), MAP], lambda gates, x: x * gates),
        "spatial gates": (layers.Multiply(), [MAP, (1, 5, 4)], lambda x, gates: x * gates),
        "global max": (layers.GlobalMaxPool2d(), [MAP], lambda x: functional.adaptive_max_pool2d(x, 1).flatten(1)),
        "pad": (layers.Pad(((1, 2), (0, 3)), -0.5), [MAP], lambda x: functional.pad(x, (0, 3, 1, 2), value=-0.5)),
        "shuffle": (layers.ChannelShuffle(2), [MAP], lambda x: functional.channel_shuffle(x, 2)),
        "shuffle, three groups": (layers.ChannelShuffle(3), [MAP], lambda x: functional.channel_shuffle(x, 3)),
        "slice": (layers.ChannelSlice(1, 4), [MAP], lambda x: x[:, 1:4]),
    }


NAMES = (
    *("clip", "clip with one bound", "relu6", "leaky relu", "leaky relu, negative", "sigmoid", "tanh", "hard swish"),
    *("silu", "scale", "scale of a vector", "multiply", "gates", "gates with axes", "spatial gates", "global max"),
    *("pad", "shuffle", "shuffle, three groups", "slice"),
)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_equal_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    layer, shapes, function = torch_functions()[name]
    xs = [4 * draw(3, *shape, seed=i) for i, shape in enumerate(shapes)]
    for key, value in layer.params.items():
        layer.params[key] = draw(*value.shape, seed=len(key))
    y, cache = layer.forward(*xs, train=True)
    grad = draw(*y.shape, seed=7)
    grad_inputs, grad_params = layer.backward(grad, cache)
    tensors = [torch.tensor(array, requires_grad=True) for array in (*xs, *layer.params.values())]
    expected = function(*tensors)
    expected.backward(torch.tensor(grad))
    assert_close(y, expected.detach().numpy(), 1e-12)
    for got, tensor in zip((*grad_inputs, *grad_params.values()), tensors, strict=True):
        assert_close(got, tensor.grad.numpy(), 1e-12)


def test_all_comparisons_with_pytorch_run():
    assert tuple(torch_functions()) == NAMES


def test_kinks_have_the_gradients_of_pytorch():
    torch = pytest.importorskip("torch")
    values = np.array([[-3.0, 0.0, 3.0, 6.0]])
    for name in ("relu6", "leaky relu", "hard swish"):
        layer, _, function = torch_functions()[name]
        x = torch.tensor(values, requires_grad=True)
        function(x).sum().backward()
        _, cache = layer.forward(values)
        assert (layer.backward(np.ones_like(values), cache)[0][0] == x.grad.numpy()).all(), name


def test_relu6_is_a_clip_without_settings():
    layer = layers.ReLU6()
    assert isinstance(layer, layers.Clip)
    assert (layer.kind, layer.settings(), layer.low, layer.high) == ("ReLU6", {}, 0, 6)


def test_bounds_are_numbers_or_none():
    assert layers.Clip(None, 6).settings() == {"low": None, "high": 6.0}
    assert repr(layers.Clip(0, None)) == "Clip(low=0.0, high=None)"
    for low, high, text in (
        (6, 0, r"^low must be at most high, got low = 6 and high = 0$"),
        (0, float("nan"), r"^high must be finite, got nan$"),
    ):
        with pytest.raises(ValueError, match=text):
            layers.Clip(low, high)
    with pytest.raises(TypeError, match=r"^low must be a number, got '0'$"):
        layers.Clip("0", 6)


def test_infinite_bound_limits_nothing():
    assert layers.Clip(-np.inf, np.inf).settings() == {"low": None, "high": None}


def test_scale_keeps_constants_in_its_buffers():
    trained, constant = layers.Scale(3, init=2), layers.Scale(3, init=0.17, trained=False)
    assert trained.params.keys() == constant.buffers.keys() == {"weight", "bias"}
    assert not trained.buffers
    assert not constant.params
    assert (constant.buffers["weight"] == np.float32(0.17)).all()
    _, cache = constant.forward(np.ones((2, 3)))
    assert constant.backward(np.ones((2, 3)), cache)[1] == {}
    assert mg.count(constant, (3, 4, 4)).params == 0
    assert mg.count(trained, (3, 4, 4)).params == 6


@pytest.mark.parametrize(
    ("add", "text"),
    [
        (lambda g: g.add("n", layers.Scale(4), "maps"), r"^node 'n': scale has weights for 4 channels, got 6"),
        (lambda g: g.add("n", layers.Multiply(), "maps"), r"^node 'n': multiply needs at least two inputs, got 1$"),
        (
            lambda g: g.add("n", layers.Multiply(), "maps", "vector"),
            r"^node 'n': multiply needs .*: input 'vector' is \(4,\), input 'maps' is \(6, 5, 4\)$",
        ),
        (lambda g: g.add("n", layers.ChannelShuffle(4), "maps"), r"^node 'n': groups must divide the channels, got 4"),
        (lambda g: g.add("n", layers.ChannelSlice(2, 7), "maps"), r"^node 'n': stop must be at most .*, got 7 and 6"),
        (lambda g: g.add("n", layers.GlobalMaxPool2d(), "vector"), r"^node 'n': GlobalMaxPool2d takes a feature map"),
        (lambda g: g.add("n", layers.Pad(1), "vector"), r"^node 'n': Pad takes a feature map"),
    ],
)
def test_graph_rejects_shapes_when_the_node_is_added(add, text):
    with pytest.raises(ValueError, match=text):
        add(mg.Graph(maps=MAP, vector=(4,)))


@given(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_padding_before_a_convolution_is_its_padding(rows, columns):
    x = draw(2, 3, 5, 6)
    inside, outside = (layers.Conv2d(3, 2, 3, padding=padding, rng=0) for padding in ((rows, columns), 0))
    padded = layers.Pad((rows, columns)).forward(x)[0]
    assert_close(outside.forward(padded)[0], inside.forward(x)[0])


def excited():
    """Return a network with a squeeze-and-excitation block and every other layer of layers/later/."""
    g = mg.Graph(image=(3, 13, 11))
    wire = g.add("pad", layers.Pad(((0, 1), (2, 0)), 0.3), "image")
    wire = g.add("conv", layers.Conv2d(3, 8, 3, stride=2, rng=0), wire)
    wire = g.add("hard_swish", layers.HardSwish(), wire)
    wire = g.add("scale", layers.Scale(8, init=1.3), wire)
    maps = g.add("shuffle", layers.ChannelShuffle(4), wire)
    wire = g.add("squeeze", layers.GlobalAvgPool2d(), maps)
    wire = g.add("fc", layers.Linear(8, 8, rng=1), wire)
    gates = g.add("gates", layers.Sigmoid(), wire)
    wire = g.add("excited", layers.Multiply(), maps, gates)
    wire = g.add("leaky", layers.LeakyReLU(0.1), wire)
    wire = g.add("tanh", layers.Tanh(), wire)
    wire = g.add("silu", layers.SiLU(), wire)
    wire = g.add("residual", layers.Scale(8, init=0.17, bias=False, trained=False), wire)
    wire = g.add("relu6", layers.ReLU6(), wire)
    wire = g.add("clip", layers.Clip(-0.5, None), wire)
    wire = g.add("max", layers.GlobalMaxPool2d(), wire)
    g.add("classifier", layers.Linear(8, 3, rng=2), wire)
    return g


def test_network_with_every_later_layer_passes_the_gradient_check():
    report = mg.gradcheck.check_network(excited(), draw(2, 3, 13, 11), [0, 2])
    assert report.verdict == "PASS", str(report)


@pytest.mark.parametrize("storey", ["loops", "numpy", "fast"])
def test_plan_equals_the_graph_on_every_storey(storey):
    g, x = excited(), draw(5, 3, 13, 11, dtype=np.float32)
    with mg.use(storey):
        assert_close(mg.plan(g)(x), g(x))
        for count in (1, 5):
            assert_close(mg.plan(g)(x[:count]), g(x[:count]))


def test_own_pair_computes_an_elementwise_layer():
    seen = []

    def forward(x, function, parameters):
        seen.append((function, parameters))
        return 2 * x

    def backward(grad_y, x, function, parameters):
        return 2 * grad_y

    g, x = mg.Graph(image=(3, 4, 4)), draw(2, 3, 4, 4, dtype=np.float32)
    g.add("act", layers.LeakyReLU(0.25), "image")
    with mg.use(elementwise=(forward, backward)):
        assert (g(x) == 2 * x).all()
        assert (mg.plan(g)(x) == 2 * x).all()
        assert mg.gradcheck.check_layer(layers.LeakyReLU(0.25)).verdict == "PASS"
    assert seen[0] == ("leaky_relu", (0.25,))
    assert abs(g(x) - 2 * x).max() > 0.1


def test_own_pair_computes_a_product():
    g, x = mg.Graph(a=(3,), b=(3,)), draw(2, 3, dtype=np.float32)
    g.add("product", layers.Multiply(), "a", "b")
    with mg.use(multiply=(lambda *xs: xs[0] - xs[1], lambda grad_y, *xs: (grad_y, -grad_y))):
        assert not g.infer({"a": x, "b": x})["product"].any()
        _, tape = g.forward({"a": x, "b": x})
        grads, _ = g.backward({"product": x}, tape)
        assert (grads["b"] == -x).all()


def test_gates_count_at_every_position():
    rows = {row.name: row for row in mg.count(excited()).rows}
    assert (rows["shuffle"].receptive_field_max, rows["shuffle"].jump) == ((3, 3), (2, 2))
    assert rows["gates"].receptive_field_max == (13, 13)
    assert (rows["excited"].receptive_field_min, rows["excited"].receptive_field_max) == ((3, 3), (13, 13))
    assert rows["excited"].jump == (2, 2)
    assert rows["excited"].multiplies == 8 * 6 * 6


def test_padding_moves_the_receptive_field():
    g = mg.Graph(image=(1, 8, 8))
    g.add("pad", layers.Pad(((2, 0), (0, 0))), "image")
    g.add("conv", layers.Conv2d(1, 1, 3, init="zeros"), "pad")
    found = {name: costs.cost(layer, *(g.shapes[wire] for wire in wires)) for name, (layer, wires) in g.nodes.items()}
    _, wide = paths.extents(g, found)
    assert [int(axis.first[0]) for axis in wide["conv"]] == [-2, 0]


def test_costs_are_products_of_the_shape():
    shape = (6, 5, 4)
    counted = {
        layers.Clip(0, None): {"compares": 120},
        layers.ReLU6(): {"compares": 240},
        layers.LeakyReLU(): {"compares": 120, "multiplies": 120},
        layers.Sigmoid(): {"powers": 120, "adds": 120, "divides": 120},
        layers.Tanh(): {"powers": 120},
        layers.SiLU(): {"powers": 120, "adds": 120, "divides": 120, "multiplies": 120},
        layers.HardSwish(): {"adds": 120, "compares": 240, "multiplies": 120, "divides": 120},
        layers.Scale(6): {"multiplies": 120, "adds": 120},
        layers.Scale(6, bias=False): {"multiplies": 120},
        layers.GlobalMaxPool2d(): {"compares": 6 * 19},
        layers.Pad(1): {},
        layers.ChannelShuffle(2): {},
        layers.ChannelSlice(1, 3): {},
    }
    names = ("macs", "adds", "multiplies", "compares", "divides", "powers")
    for layer, expected in counted.items():
        row = mg.count(layer, shape).rows[0]
        assert {name: getattr(row, name) for name in names} == dict.fromkeys(names, 0) | expected, layer


def test_tape_is_what_the_caches_hold():
    g, x = excited(), draw(1, 3, 13, 11, dtype=np.float32)
    held = {}

    def arrays(value):
        if isinstance(value, np.ndarray):
            held[id(value)] = value
        elif isinstance(value, (tuple, list)):
            for item in value:
                arrays(item)

    values = {"image": x}
    for name, _ in g.schedule():
        layer, wires = g.nodes[name]
        values[name], cache = layer.forward(*(values[wire] for wire in wires), train=True)
        arrays(cache)
    assert mg.count(g).tape_bytes == sum(array.nbytes for array in held.values())
