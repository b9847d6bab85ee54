"""googlenet(variant="torchvision") matches torchvision's network: counts, outputs and gradients."""

import numpy as np
import pytest
from numeric import assert_close, draw
from torchvision_oracle import random_googlenet

import minigooglenet as mg
from minigooglenet.data.pixels import UNIT
from minigooglenet.weights.torchvision import names

OUTPUTS = ("loss3/classifier", "loss2/classifier", "loss1/classifier")  # in torchvision's order


def twin(model, **arguments):
    """Return our network with torchvision's weights, and torchvision's names of the arrays."""
    g = mg.models.googlenet(5, variant="torchvision", dropout=False, init="zeros", **arguments)
    g = g.astype(next(model.parameters()).detach().numpy().dtype)
    state = model.state_dict()
    for theirs, ours in names(aux=True).items():
        (g.params if ours in g.params else g.buffers)[ours] = state[theirs].numpy().copy()
    return g


def test_variant_has_the_published_parameters_and_macs():
    g = mg.models.googlenet(variant="torchvision", init="zeros")
    whole, main = mg.count(g), mg.count(g, outputs=["loss3/classifier"])
    assert (whole.params, whole.macs) == (13_004_888, 1_506_748_416)
    assert (main.params, main.macs) == (6_624_904, 1_498_376_192)
    assert mg.count(mg.models.googlenet(variant="torchvision", aux=False, init="zeros")).params == 6_624_904


def test_variant_differs_from_the_paper_in_five_nodes():
    ours = mg.models.googlenet(variant="torchvision", init="zeros").nodes
    paper = mg.models.googlenet(norm="batch", init="zeros").nodes
    assert list(ours) == list(paper)
    settings = {
        name: (ours[name].layer.settings(), paper[name].layer.settings())
        for name in ours
        if ours[name].layer.settings() != paper[name].layer.settings()
    }
    norms = {name for name in ours if ours[name].layer.kind == "BatchNorm2d"}
    assert {(ours[name].layer.eps, paper[name].layer.eps) for name in norms} == {(1e-3, 1e-5)}
    large = {name for name in ours if name.endswith("/5x5")}
    assert {ours[name].layer.kernel_size for name in large} == {(3, 3)}
    heads = {"loss1/ave_pool", "loss2/ave_pool"}
    assert {ours[name].layer.kind for name in heads} == {"AdaptiveAvgPool2d"}
    assert ours["pool4/3x3_s2"].layer.kernel_size == (2, 2)
    assert ours["pool5/drop_7x7_s1"].layer.p == 0.2
    assert set(settings) == norms | large | heads | {"pool4/3x3_s2", "pool5/drop_7x7_s1"}


def test_outputs_gradients_and_statistics_of_training_are_torchvisions():
    torch = pytest.importorskip("torch")
    model = random_googlenet().train()
    g = twin(model)
    x, grads = draw(2, 3, 224, 224), [draw(2, 5, seed=seed) for seed in range(3)]
    image = torch.from_numpy(x).requires_grad_()
    expected = model(image)
    torch.autograd.backward(list(expected), [torch.from_numpy(grad) for grad in grads])
    outputs, tape = g.forward({"image": x}, train=True)
    for wire, values in zip(OUTPUTS, expected, strict=True):
        assert_close(outputs[wire], values.detach().numpy())
    grad_inputs, grad_params = g.backward(dict(zip(OUTPUTS, grads, strict=True)), tape)
    assert relative(grad_inputs["image"], image.grad) < 1e-8
    parameters = {names()[theirs]: value.grad for theirs, value in model.named_parameters()}
    assert grad_params.keys() == parameters.keys()
    assert max(relative(grad_params[name], grad) for name, grad in parameters.items()) < 1e-8
    buffers = {names()[theirs]: value for theirs, value in model.named_buffers() if theirs in names()}
    assert max(relative(g.buffers[name], value) for name, value in buffers.items()) < 1e-10


@pytest.mark.parametrize(("dtype", "size", "tolerance"), [("float32", 224, 1e-5), ("float64", 97, 1e-12)])
def test_outputs_of_inference_are_torchvisions(dtype, size, tolerance):
    torch = pytest.importorskip("torch")
    model = random_googlenet(seed=1).to(getattr(torch, dtype)).eval()
    model.training = True  # only of the outermost module, so that the heads run, in inference mode
    g = twin(model, size=size)
    x = draw(2, 3, size, size, dtype=dtype)
    with torch.no_grad():
        expected = model(torch.from_numpy(x))
    outputs = g.infer({"image": x}, OUTPUTS)
    planned = mg.plan(g.astype(np.float32), OUTPUTS)(x.astype(np.float32))
    for wire, values in zip(OUTPUTS, expected, strict=True):
        assert relative(outputs[wire], values) < tolerance
        assert relative(planned[wire], values) < 1e-5


def test_pixels_are_those_of_torchvisions_input_transform():
    torch = pytest.importorskip("torch")
    model = random_googlenet(aux=False)
    model.transform_input = True
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 6, 7)).astype(np.uint8)
    mean, std = (np.array(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    normalised = torch.from_numpy((pixels / 255 - mean) / std)
    assert np.abs(model._transform_input(normalised).numpy() - UNIT.to_input(pixels)).max() < 1e-6


def test_variant_can_be_rebuilt_and_trained():
    g = mg.models.googlenet(7, size=64, width=0.1, variant="torchvision", rng=0)
    name, arguments = g.made_by
    assert arguments["variant"] == "torchvision"
    assert mg.models.build(name, **arguments).shapes == g.shapes
    x = np.random.default_rng(1).standard_normal((2, 3, 64, 64))
    assert mg.gradcheck.directional_check(g, x, np.array([1, 4])).relative_error < 1e-5


def relative(actual, expected):
    """Return the largest difference, relative to the largest expected value."""
    expected = expected.numpy()
    assert actual.shape == expected.shape
    return np.abs(actual - expected).max() / np.abs(expected).max()
