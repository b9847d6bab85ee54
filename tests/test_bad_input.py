"""Bad input raises a ValueError or TypeError with a clear one-line message that contains the numbers."""

import contextlib

import numpy as np
import pytest
from numeric import awkward

import minigooglenet as mg
from minigooglenet import kernels, layers
from minigooglenet.losses import softmax_cross_entropy


@contextlib.contextmanager
def raises(error, *parts):
    """Expect `error`, with a one-line message that starts with the first part and contains the others in order."""
    with pytest.raises(error) as caught:
        yield
    text = str(caught.value)
    assert type(caught.value) is error, text
    assert "\n" not in text
    assert text.startswith(parts[0]), text
    for part in parts:
        before, match, text = text.partition(part)
        assert match, f"{part!r} is not in {before!r}"


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


@pytest.fixture
def net():
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", layers.Conv2d(3, 4, 3, padding=1, rng=0), "image")
    g.add("relu", layers.ReLU(), "conv")
    return g


X = zeros(2, 3, 8, 8)


def test_channel_mismatch_error_shows_both_counts(net):
    with raises(ValueError, "node 'next': the convolution expects 3 input channels, got 4", "(4, 8, 8)"):
        net.add("next", layers.Conv2d(3, 5, 1), "relu")
    with raises(ValueError, "node 'next': batch norm expects 3 channels, got 4", "(4, 8, 8)"):
        net.add("next", layers.BatchNorm2d(3), "relu")
    with raises(ValueError, "the convolution expects 2 x 2 groups = 4 input channels, got 5"):
        kernels.conv2d.forward(zeros(1, 5, 5, 5), zeros(4, 2, 3, 3), groups=2)
    with raises(ValueError, "the convolution expects 3 input channels, got 5", "x.transpose(0, 3, 1, 2)"):
        kernels.conv2d.forward(zeros(1, 5, 5, 3), zeros(2, 3, 3, 3))


def test_feature_map_for_a_linear_layer_suggests_flatten(net):
    with raises(ValueError, "node 'fc': the linear layer expects 256 features, got shape (4, 8, 8). Add a Flatten"):
        net.add("fc", layers.Linear(256, 10), "relu")
    with raises(ValueError, "node 'pool': MaxPool2d takes a feature map (C, H, W), got shape (256,)"):
        net.add("pool", layers.MaxPool2d(2), net.add("flat", layers.Flatten(), "relu"))


def test_kernel_size_error_shows_the_sum(net):
    text = "the kernel is larger than the padded input: "
    with raises(ValueError, f"node 'next': {text}width 8 + padding 1 + 1 = 10 < kernel 11."):
        net.add("next", layers.Conv2d(4, 4, (3, 11), padding=(0, 1)), "relu")
    with raises(ValueError, f"node 'next': {text}height 8 + padding 0 + 0 = 8 < kernel 9."):
        net.add("next", layers.MaxPool2d((9, 3)), "relu")
    with raises(ValueError, f"{text}height 4 + padding 1 + 0 = 5 < kernel 6."):
        kernels.avg_pool2d.forward(zeros(1, 1, 4, 9), 6, padding=((1, 0), (0, 0)))
    with raises(ValueError, f"{text}width 4 + padding 0 + 0 = 4 < kernel 5."):
        kernels.conv2d.forward(zeros(1, 1, 9, 4), zeros(1, 1, 5, 5))


def test_concat_error_names_the_branch_and_ceil_mode():
    g = mg.Graph(image=(3, 7, 7))
    g.add("left", layers.MaxPool2d(3, 2), "image")
    g.add("odd", layers.MaxPool2d(2, 2, ceil_mode=True), "image")
    g.add("right", layers.Conv2d(3, 2, 3, stride=2), "image")
    text = "node 'join': concat needs inputs of equal height and width: input 'odd' is 4 x 4, input 'left' is 3 x 3"
    with raises(ValueError, text, "ceil_mode"):
        g.add("join", layers.Concat(), "left", "odd", "right")
    assert "join" not in g.nodes


def test_concat_error_suggests_ceil_mode_only_for_rounding():
    with raises(ValueError, "concat needs inputs of equal height and width", "input 2 is 7 x 4, input 0 is 4 x 4"):
        kernels.concat.forward(zeros(1, 2, 4, 4), zeros(1, 2, 4, 4), zeros(1, 2, 7, 4))
    with pytest.raises(ValueError, match=r"4 x 4$"):
        kernels.concat.forward(zeros(1, 2, 4, 4), zeros(1, 2, 4, 4), zeros(1, 2, 7, 4))
    with raises(ValueError, "concat needs equal batch sizes: input 0 has 1 images, input 1 has 2"):
        kernels.concat.forward(zeros(1, 2), zeros(2, 2))
    with raises(ValueError, "concat needs at least one input, got none"):
        kernels.concat.forward()


def test_add_names_the_odd_branch(net):
    with raises(
        ValueError, "node 'sum': add needs equal shapes: input 'conv' is (4, 8, 8), input 'image' is (3, 8, 8)"
    ):
        net.add("sum", layers.Add(), "image", "conv")


def test_unknown_wire_error_suggests_a_name(net):
    with raises(ValueError, "node 'next': unknown wire 'rellu'. Did you mean 'relu'?"):
        net.add("next", layers.ReLU(), "rellu")
    with raises(ValueError, "node 'next': unknown wire 'xyz'. The first wires are ['image', 'conv', 'relu']"):
        net.add("next", layers.ReLU(), "xyz")
    with raises(ValueError, "outputs: unknown wire 'cnv'. Did you mean 'conv'?"):
        net.forward({"image": X}, ["cnv"])
    with raises(ValueError, "the inputs of the graph are ['image'], got ['imag']"):
        net.forward({"imag": X})
    _, tape = net.forward({"image": X})
    with raises(ValueError, "backward: unknown wire 'relo'. Did you mean 'relu'?"):
        net.backward({"relo": zeros(2, 4, 8, 8)}, tape)
    with raises(ValueError, "backward: unknown wire 'cov'. Did you mean 'conv'?"):
        net.backward({"relu": zeros(2, 4, 8, 8)}, tape, wires=["cov"])


def test_wires_in_a_list_raise(net):
    with raises(TypeError, "node 'join'", "['conv', 'relu']"):
        net.add("join", layers.Concat(), ["conv", "relu"])


def test_duplicate_name_raises(net):
    for name in ("relu", "image"):
        with raises(ValueError, f"node '{name}': this name is already used"):
            net.add(name, layers.ReLU(), "conv")
    with raises(ValueError, "node 'again': this layer object is already used by node 'relu'"):
        net.add("again", net.nodes["relu"].layer, "conv")


def test_other_objects_than_layers_raise(net):
    with raises(TypeError, "node 'next': expected a layer, got <class", "Try ReLU(...)."):
        net.add("next", layers.ReLU, "conv")
    with raises(TypeError, "node 'next': expected a layer, got <ufunc 'tanh'>"):
        net.add("next", np.tanh, "conv")
    with raises(TypeError, "a node's name must be a string, got 3"):
        net.add(3, layers.ReLU(), "conv")
    with raises(ValueError, "node 'next': ReLU expects 1 input, got 2 wires ('conv', 'image')", "Concat or Add"):
        net.add("next", layers.ReLU(), "conv", "image")
    with raises(ValueError, "node 'next': ReLU expects 1 input, got no wires. Pass their names"):
        net.add("next", layers.ReLU())


def test_label_range_error_shows_the_index():
    with raises(ValueError, "labels must be in 0 .. 4", "label 5 at index 1 is not (2 of 3 labels are out of range)"):
        softmax_cross_entropy(zeros(3, 5), np.array([0, 5, 7]))
    with raises(ValueError, "labels must be in 0 .. 4", "label -1 at index 2 is not (1 of 3 labels are out of range)"):
        softmax_cross_entropy(zeros(3, 5), [0, 4, -1])


def test_labels_of_the_wrong_type_raise():
    for labels, kind in ((np.array([0.0, 1, 1]), "float64"), ([True, False, True], "bool"), (list("abc"), "<U1")):
        with raises(TypeError, f"labels must be integers, got {kind}"):
            softmax_cross_entropy(zeros(3, 5), labels)
    with raises(ValueError, "labels must have shape (3,), one per row of logits, got (3, 5)", "labels.argmax(axis=1)"):
        softmax_cross_entropy(zeros(3, 5), np.eye(5, dtype=int)[:3])
    with raises(ValueError, "labels must have shape (3,), one per row of logits, got (2,)"):
        softmax_cross_entropy(zeros(3, 5), [0, 1])


def test_integer_images_raise_with_a_fix(net):
    with raises(TypeError, "input 'image' must have dtype float32", "got uint8. Try x.astype(np.float32)"):
        net(X.astype(np.uint8))
    for forward in (
        lambda x: kernels.conv2d.forward(x, zeros(2, 3, 3, 3)),
        lambda x: kernels.max_pool2d.forward(x, 2),
        lambda x: kernels.avg_pool2d.forward(x, 2),
        lambda x: kernels.adaptive_avg_pool2d.forward(x, 2),
        kernels.relu.forward,
        kernels.local_response_norm.forward,
        kernels.softmax.forward,
    ):
        with raises(TypeError, "x must have dtype float32", "got int64. Try x.astype(np.float32)"):
            forward(X.astype(np.int64))
    with raises(TypeError, "input 'image' must be a NumPy array, got list. Try np.asarray(...)."):
        net([[1]])


def test_max_pooling_and_relu_have_no_complex_order():
    for forward in (lambda x: kernels.max_pool2d.forward(x, 2), kernels.relu.forward):
        with raises(TypeError, "x must have dtype float32 or float64, got complex128"):
            forward(X.astype(complex))


def test_empty_batch_raises(net):
    with raises(ValueError, "input 'image' is an empty batch: shape (0, 3, 8, 8) contains no images"):
        net(X[:0])
    for layer in (
        layers.Conv2d(3, 2, 3),
        layers.MaxPool2d(2),
        layers.AvgPool2d(2),
        layers.AdaptiveAvgPool2d(2),
        layers.GlobalAvgPool2d(),
        layers.LocalResponseNorm(),
        layers.BatchNorm2d(3),
        layers.ReLU(),
        layers.Dropout(),
        layers.Flatten(),
        layers.Softmax(),
    ):
        for train in (False, True):
            with raises(ValueError, "x is an empty batch: shape (0, 3, 8, 8) contains no images"):
                layer.forward(X[:0], train=train)
    with raises(ValueError, "logits is an empty batch: shape (0, 5)"):
        softmax_cross_entropy(zeros(0, 5), [])
    with raises(ValueError, "x has no values: shape (1, 3, 0, 5) has an axis of length 0"):
        kernels.conv2d.forward(zeros(1, 3, 0, 5), zeros(2, 3, 1, 1))


def test_image_shape_error_suggests_a_fix(net):
    with raises(ValueError, "input 'image' must be (N, 3, 8, 8), got (3, 8, 8). Add the batch axis: x[None]"):
        net(X[0])
    with raises(ValueError, "input 'image' must be (N, 3, 8, 8), got (2, 8, 8, 3)", "x.transpose(0, 3, 1, 2)"):
        net(X.transpose(0, 2, 3, 1))
    with raises(
        ValueError,
        "input 'image' must be (N, 3, 8, 8), got (2, 3, 8, 7). Resize the images to 8 x 8, or build the graph for "
        "(3, 8, 7).",
    ):
        net(X[..., :7])
    with raises(ValueError, "x must have shape (N, C, H, W), got (3, 8, 8)", "x[None]"):
        kernels.conv2d.forward(X[0], zeros(2, 3, 3, 3))
    with raises(TypeError, "inputs must be a dict {'image': array}, got ndarray. Pass {'image': x}."):
        net.forward(X)
    with raises(ValueError, "the inputs of the graph are ['image'], got ['image', 'conv']"):
        net.forward({"image": X, "conv": X})


def test_unequal_batch_sizes_raise():
    g = mg.Graph(a=(2,), b=(2,))
    g.add("sum", layers.Add(), "a", "b")
    with raises(ValueError, "all inputs must have the same number of images, got {'a': 1, 'b': 2}"):
        g({"a": zeros(1, 2), "b": zeros(2, 2)})
    with raises(ValueError, "the inputs of the graph are ['a', 'b'], got ['a']"):
        g({"a": zeros(1, 2)})


def test_non_finite_values_are_named_on_request(net):
    x = X.copy()
    x[1, 2, 0, 5] = np.nan
    text = "wire 'image' is the first wire with a NaN or an infinity: 1 of 384 values"
    with raises(ValueError, text, "the first is nan at index (1, 2, 0, 5)"):
        net.forward({"image": x}, check_finite=True)
    assert np.isnan(net.forward({"image": x})[0]["relu"]).any()
    assert np.isfinite(net.forward({"image": X}, check_finite=True)[0]["relu"]).all()


def test_first_wire_that_overflows_is_named(net):
    net.params["conv/weight"][:] = 3e38
    with (
        np.errstate(all="ignore"),
        raises(
            ValueError,
            "wire 'conv' is the first wire with a NaN or an infinity: 512 of 512 values",
            "the first is inf at index (0, 0, 0, 0)",
        ),
    ):
        net.forward({"image": X + 1}, check_finite=True)


def test_read_only_and_not_contiguous_images_work(net):
    _, tape = net.forward({"image": awkward(X + 1)})
    grads, _ = net.backward({"relu": awkward(np.ones((2, 4, 8, 8), np.float32))}, tape)
    assert grads["image"].shape == X.shape


def test_gradient_shape_error_shows_both_shapes(net):
    _, tape = net.forward({"image": X})
    with raises(ValueError, "the gradient of wire 'relu'", "(2, 4, 8, 8), got (2, 4, 8, 7)"):
        net.backward({"relu": zeros(2, 4, 8, 7)}, tape)
    with raises(TypeError, "the gradient of wire 'relu'", "got int64"):
        net.backward({"relu": zeros(2, 4, 8, 8, dtype=int)}, tape)
    with raises(TypeError, "backward expects {wire: gradient} with at least one entry, got an empty dict"):
        net.backward({}, tape)


def test_gradient_without_a_wire_raises(net):
    _, tape = net.forward({"image": X})
    with raises(TypeError, "backward expects {wire: gradient}"):
        net.backward(zeros(2, 4, 8, 8), tape)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Conv2d(2, 3, 3, padding=1),
        lambda: layers.MaxPool2d(2),
        lambda: layers.AvgPool2d(2),
        lambda: layers.AdaptiveAvgPool2d(2),
        layers.GlobalAvgPool2d,
        layers.LocalResponseNorm,
        lambda: layers.BatchNorm2d(2),
        layers.ReLU,
        layers.Dropout,
        layers.Flatten,
        layers.Concat,
        layers.Add,
        layers.Softmax,
    ],
)
def test_every_layer_rejects_a_gradient_of_the_wrong_shape(make, train):
    layer = make()
    y, cache = layer.forward(zeros(2, 2, 4, 4), train=train)
    wrong = (*y.shape[:-1], y.shape[-1] + 1)
    with raises(ValueError, "grad", f"must have shape {y.shape}, got {wrong}"):
        layer.backward(zeros(*wrong), cache)


def test_pool_backward_rejects_other_window_counts():
    with raises(ValueError, "grad_y has 9 x 9 windows, but an input of 4 x 4 with kernel (2, 2)", "has 2 x 2"):
        kernels.avg_pool2d.backward(zeros(1, 2, 9, 9), (4, 4), 2)
    _, argmax = kernels.max_pool2d.forward(zeros(1, 2, 5, 5), 2)
    with raises(ValueError, "argmax has 2 x 2 windows, but an input of 2 x 2", "has 1 x 1"):
        kernels.max_pool2d.backward(zeros(1, 2, 2, 2), argmax, (2, 2), 2)
    with raises(ValueError, "grad_y", "(1, 2, 2, 2), got (1, 2, 3, 3)"):
        kernels.max_pool2d.backward(zeros(1, 2, 3, 3), argmax, (5, 5), 2)


def test_reusing_a_tape_raises(net):
    _, tape = net.forward({"image": X})
    net.backward({"relu": zeros(2, 4, 8, 8)}, tape)
    with raises(ValueError, "this tape has already been used", "Run forward() again"):
        net.backward({"relu": zeros(2, 4, 8, 8)}, tape)
    with raises(TypeError, "backward expects the tape that forward returned, got dict"):
        net.backward({"relu": zeros(2, 4, 8, 8)}, {})


def test_uncomputed_wire_raises(net):
    _, tape = net.forward({"image": X}, "conv")
    with raises(ValueError, "wire 'relu' was not computed by this forward pass. Name it in outputs=[...]."):
        net.backward({"relu": zeros(2, 4, 8, 8)}, tape)


def test_batch_norm_needs_more_than_one_value_to_train():
    with raises(ValueError, "batch norm needs more than one value per channel to train, got shape (1, 2, 1, 1)"):
        layers.BatchNorm2d(2).forward(zeros(1, 2, 1, 1), train=True)


def test_batch_norm_statistics_come_both_or_neither():
    for statistics in ({"mean": zeros(2)}, {"var": zeros(2)}):
        with raises(ValueError, "batch norm", "mean", "var"):
            kernels.batch_norm2d.forward(zeros(2, 2, 2, 2), zeros(2), zeros(2), **statistics)


def test_parameters_that_do_not_fit_raise():
    with raises(ValueError, "bias must have shape (3,), got (2,)"):
        kernels.conv2d.forward(zeros(1, 1, 2, 2), zeros(3, 1, 1, 1), zeros(2))
    with raises(ValueError, "groups must divide the number of filters: 3 filters, 2 groups"):
        kernels.conv2d.forward(zeros(1, 2, 2, 2), zeros(3, 1, 1, 1), groups=2)
    with raises(TypeError, "weight is complex128 but the input is float32. Pass the input as complex128 too."):
        kernels.conv2d.forward(zeros(1, 1, 2, 2), zeros(1, 1, 1, 1, dtype=complex))


def test_wrong_result_of_a_layer_names_its_node():
    class Odd(layers.ReLU):
        def forward(self, x, train=False):
            return x[:, :1], None

        def backward(self, grad_output, cache):
            return (grad_output, grad_output), {}

    g = mg.Graph(x=(2,))
    g.add("odd", Odd(), "x")
    with raises(ValueError, "node 'odd': forward must return shape (3, 2), got (3, 1)"):
        g(zeros(3, 2))
    Odd.forward = layers.ReLU.forward
    _, tape = g.forward({"x": zeros(3, 2)})
    with raises(ValueError, "node 'odd': backward returned 2 gradients for 1 inputs"):
        g.backward({"odd": zeros(3, 2)}, tape)


def test_common_mistakes_get_a_hint(net):
    with raises(ValueError, "labels must have shape (4,)", "(4, 10)", "labels.argmax(axis=1)"):
        mg.losses.softmax_cross_entropy(zeros(4, 10), np.eye(10)[:4])
    with raises(TypeError, "labels must be integers, got float64. Try labels.astype(int)."):
        mg.losses.softmax_cross_entropy(zeros(4, 10), np.zeros(4))
    with raises(TypeError, "logits must be a NumPy array", "got a dict. Pass one of its arrays: 'fc'"):
        mg.losses.softmax_cross_entropy({"fc": zeros(4, 10)}, np.zeros(4, int))
    _, tape = net.forward({"image": X})
    with raises(TypeError, "the gradient of wire 'relu'", "a single number", "did you mean the gradient?"):
        net.backward({"relu": np.float32(2.3)}, tape)
    with raises(TypeError, "params and grads must be dicts", "g.params"):
        mg.optim.sgd_step(net, {}, {}, lr=0.1)
    with raises(TypeError, "count expects a graph or a layer, got str. Try mg.models.build('googlenet')."):
        mg.count("googlenet")
    with raises(TypeError, "count expects a graph or a layer, got function. Call it: googlenet()."):
        mg.count(mg.models.googlenet)
    with raises(TypeError, "with_classes expects a graph, got 3"):
        mg.models.with_classes(3, 4)
    with raises(TypeError, "num_classes must be an integer, got 2.5"):
        mg.models.with_classes(mg.models.mini_googlenet(10), 2.5)
    with raises(ValueError, "mean needs 3 numbers for RGB, got 1"):
        mg.data.Pixels(mean=1)
    with raises(TypeError, "data must be ", "got 2 values (int, int)"):
        mg.data.as_split(mg.data.Split(1, 2), 3)
    with raises(TypeError, "plan expects a graph, got str"):
        mg.plan("googlenet")
    with raises(ValueError, "unknown wire 'img'. Did you mean 'image'?"):
        mg.models.inception(net, "img", "module", 1, 1, 1, 1, 1, 1)
    with raises(
        ValueError,
        "node 'conv': Conv2d",
        "takes a feature map (C, H, W), got shape (8, 3, 28, 28). Shapes exclude the batch axis.",
    ):
        mg.Graph(image=(8, 3, 28, 28)).add("conv", layers.Conv2d(3, 4, 3), "image")
    with raises(ValueError, "node 'fc'", "Try Linear(8, 10)."):
        mg.Graph(x=(8,)).add("fc", layers.Linear(9, 10), "x")
    with pytest.raises(KeyError, match=r"params has no entry 'con/weight'\. Did you mean 'conv/weight'"):
        net.params["con/weight"]


def test_concat_error_suggests_missing_padding():
    g = mg.Graph(image=(2, 28, 28))
    g.add("a", layers.Conv2d(2, 2, 5), "image")
    with raises(
        ValueError,
        "node 'join'",
        "input 'a' is 24 x 24",
        "The smaller map lacks 4 rows and columns: increase its convolution's padding by 2.",
    ):
        g.add("join", layers.Concat(), "image", "image", "a")


def test_grey_images_for_a_colour_network_raise():
    g = mg.Graph(image=(3, 4, 4))
    g.add("relu", layers.ReLU(), "image")
    with raises(ValueError, "input 'image'", "These images are grey: use np.repeat(x, 3, axis=1)"):
        g(np.zeros((2, 1, 4, 4), np.float32))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: layers.BatchNorm2d(3, eps=-1), "eps must be at least 0, got -1"),
        (lambda: layers.BatchNorm2d(3, momentum=5), "momentum must be in [0, 1], got 5"),
        (lambda: layers.Conv2d(3, 4, 3, bias_init=float("nan")), "bias_init must be finite, got nan"),
        (lambda: layers.Linear(3, 4, bias_init="0"), "bias_init must be a number, got '0'"),
        (lambda: layers.LocalResponseNorm(alpha=float("inf")), "alpha must be finite, got inf"),
        (lambda: layers.LocalResponseNorm(beta=None), "beta must be a number, got None"),
    ],
)
def test_layer_rejects_a_number_that_it_cannot_use(build, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        build()
    assert str(caught.value) == message


def test_batch_norm_error_explains_the_shape_of_its_weight():
    with raises(ValueError, "weight, with one value per channel of x, must have shape (4,), got (3,)"):
        layers.BatchNorm2d(3).forward(zeros(2, 4, 5, 5))
