"""The public networks match torchvision's: outputs, all gradients, running statistics and the names in state dicts."""

import math

import numpy as np
import pytest
from numeric import assert_close, draw
from torchvision_oracle import module, randomised

import minigooglenet as mg
from minigooglenet.weights.state_dicts.known import KNOWN, TORCHVISION

# {network: torchvision's module}; GoogLeNet and Inception-v3, which have heads, are in files of their own
MODULES = {
    "resnet18": "resnet",
    "resnet50": "resnet",
    "resnext50_32x4d": "resnet",
    "squeezenet1_0": "squeezenet",
    "squeezenet1_1": "squeezenet",
    "mobilenet_v2": "mobilenetv2",
}
STATE_DICTS = {one.model: one for one in KNOWN if one.model in MODULES}


def theirs(name):
    """Return torchvision's network with random weights in double precision and without dropout."""
    pytest.importorskip("torch")
    settings = {} if MODULES[name] == "resnet" else {"dropout": 0.0}
    model = randomised(getattr(module(MODULES[name]), name)(num_classes=5, **settings))
    for key, value in model.state_dict().items():
        if name == "mobilenet_v2" and key.endswith("bias"):
            value.mul_(10)  # so that ReLU6 clips
    return model


def ours(name, model, size):
    """Return this package's network with the weights of torchvision's."""
    settings = {} if MODULES[name] == "resnet" else {"dropout": False}
    g = mg.models.build(name, 5, size=size, init="zeros", **settings).astype(np.float64)
    state = model.state_dict()
    for key, array in STATE_DICTS[name].names.items():
        (g.params if array in g.params else g.buffers)[array] = state[key].numpy().copy()
    return g


def relative(array, tensor):
    expected = tensor.detach().numpy()
    return abs(array - expected).max() / abs(expected).max()


def assert_equal_gradients(gradients, parameters):
    """Compare {array: gradient} with {array: parameter of torch}.

    An offset before another batch norm has the gradient zero, apart from round-off. So the largest gradient of the
    network counts too.
    """
    assert gradients.keys() == parameters.keys()
    largest = max(float(value.grad.abs().max()) for value in parameters.values())
    for name, value in parameters.items():
        expected = value.grad.numpy()
        assert abs(gradients[name] - expected).max() < 1e-7 * max(abs(expected).max(), 1e-3 * largest), name


def trained(g, model, size, count=3):
    """Run both networks forward and backward; return our outputs and gradients, the tape and their input."""
    import torch

    x, grad = draw(count, 3, size, size), draw(count, 5, seed=1)
    image = torch.from_numpy(x).requires_grad_()
    expected = model.train()(image)
    expected.backward(torch.from_numpy(grad))
    output, tape = g.forward({"image": x}, train=True)
    assert_close(output["classifier"], expected.detach().numpy(), tolerance=1e-9)
    grad_inputs, grad_params = g.backward({"classifier": grad}, tape)
    assert relative(grad_inputs["image"], image.grad) < 1e-7
    return grad_params


@pytest.mark.parametrize("name", MODULES)
def test_every_array_of_torchvision_has_a_name(name):
    state = {key: value for key, value in theirs(name).state_dict().items() if not key.endswith("num_batches_tracked")}
    g = mg.models.build(name, 5, init="zeros")
    names = STATE_DICTS[name].names
    assert names.keys() == state.keys()
    assert {names[key]: tuple(value.shape) for key, value in state.items()} == {
        array: value.shape for view in (g.params, g.buffers) for array, value in view.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_outputs_gradients_and_statistics_equal_torchvisions(name):
    model = theirs(name)
    size = 65 if MODULES[name] == "squeezenet" else 33  # below, all gradients of SqueezeNet are zero
    g = ours(name, model, size)
    gradients = trained(g, model, size)
    names = STATE_DICTS[name].names
    assert_equal_gradients(gradients, {names[key]: value for key, value in model.named_parameters()})
    statistics = {names[key]: value for key, value in model.named_buffers() if key in names}
    assert all(relative(g.buffers[key], value) < 1e-9 for key, value in statistics.items())


@pytest.mark.parametrize("name", MODULES)
def test_outputs_of_inference_equal_torchvisions(name):
    torch = pytest.importorskip("torch")
    model = theirs(name)
    x = draw(1, 3, 97, 97)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(x)).numpy()
    assert_close(ours(name, model, 97)(x), expected, tolerance=1e-9)


def lite0():
    """Return torchvision's EfficientNet as Lite0: without squeeze-and-excitation, with ReLU6 and SAME padding."""
    torch = pytest.importorskip("torch")
    efficientnet = module("efficientnet")

    class Same(torch.nn.Conv2d):
        def forward(self, x):
            both = []
            for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size, self.stride, strict=True):
                total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
                both += [total // 2, total - total // 2]
            return torch.nn.functional.conv2d(
                torch.nn.functional.pad(x, both), self.weight, None, self.stride, groups=self.groups
            )

    settings, last = efficientnet._efficientnet_conf("efficientnet_b0", width_mult=1.0, depth_mult=1.0)
    for stage in settings:
        stage.block = lambda *args: efficientnet.MBConv(*args, se_layer=lambda *_, **__: torch.nn.Identity())
    model = efficientnet.EfficientNet(
        settings, 0.0, stochastic_depth_prob=0.0, num_classes=5, last_channel=last, norm_layer=norm(torch)
    )
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, torch.nn.SiLU):
                setattr(parent, name, torch.nn.ReLU6())
            elif isinstance(child, torch.nn.Conv2d):
                child.__class__ = Same
    return randomised(model)


def norm(torch):
    return lambda channels: torch.nn.BatchNorm2d(channels, eps=1e-3)


@pytest.mark.parametrize("size", [33, 32])
def test_efficientnet_lite0_equals_torchvisions_blocks(size):
    torch = pytest.importorskip("torch")
    model = lite0()
    g = mg.models.efficientnet_lite0(5, dropout=False, size=size, init="zeros").astype(np.float64)
    parts = [
        part for part in model.modules() if isinstance(part, (torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.Linear))
    ]
    nodes = [name for name, (layer, _) in g.nodes.items() if layer.params]
    expected = {}
    for node, part in zip(nodes, parts, strict=True):  # both have the order of the computation
        for key, value in part.state_dict().items():
            if key != "num_batches_tracked":
                view = g.params if f"{node}/{key}" in g.params else g.buffers
                view[f"{node}/{key}"] = value.numpy().copy()
        expected |= {f"{node}/{key}": value for key, value in part.named_parameters()}
    assert_equal_gradients(trained(g, model, size), expected)


def test_list_has_every_network_of_torchvision():
    here = {"googlenet", "inception_v3", *MODULES}
    assert {one.model for one in KNOWN if one.source == TORCHVISION} == here
