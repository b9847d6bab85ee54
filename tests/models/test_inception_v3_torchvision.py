"""inception_v3 matches torchvision's network: outputs, all gradients and running statistics."""

import numpy as np
import pytest
from numeric import assert_close, draw
from torchvision_oracle import module, randomised

import minigooglenet as mg
from minigooglenet.weights.state_dicts import inception_v3

NAMES = inception_v3.names() | inception_v3.head()
OUTPUTS = ("classifier", "aux/classifier")  # in torchvision's order


def pair():
    """Return torchvision's network in double precision without dropout, and ours with its weights."""
    pytest.importorskip("torch")
    model = randomised(module("inception").Inception3(5, init_weights=False, dropout=0.0))
    g = mg.models.inception_v3(5, dropout=False, init="zeros").astype(np.float64)
    state = model.state_dict()
    for theirs, ours in NAMES.items():
        (g.params if ours in g.params else g.buffers)[ours] = state[theirs].numpy().copy()
    return model, g


def relative(array, tensor):
    expected = tensor.detach().numpy()
    return abs(array - expected).max() / abs(expected).max()


def test_every_array_of_torchvision_has_a_name():
    pytest.importorskip("torch")
    model = module("inception").Inception3(5, init_weights=False)
    state = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    g = mg.models.inception_v3(5, init="zeros")
    arrays = {**g.params, **g.buffers}
    assert set(NAMES) == set(state)
    assert {NAMES[name]: tuple(value.shape) for name, value in state.items()} == {
        name: array.shape for name, array in arrays.items()
    }
    plain = mg.models.inception_v3(5, aux=False, init="zeros")
    assert set(inception_v3.names().values()) == {*plain.params, *plain.buffers}


def test_outputs_gradients_and_statistics_of_training_equal_torchvisions():
    torch = pytest.importorskip("torch")
    model, g = pair()
    model.train()
    x, grads = draw(2, 3, 299, 299), [draw(2, 5, seed=seed) for seed in range(2)]
    image = torch.from_numpy(x).requires_grad_()
    expected = list(model(image))
    torch.autograd.backward(expected, [torch.from_numpy(grad) for grad in grads])
    outputs, tape = g.forward({"image": x}, train=True)
    for wire, values in zip(OUTPUTS, expected, strict=True):
        assert_close(outputs[wire], values.detach().numpy())
    grad_inputs, grad_params = g.backward(dict(zip(OUTPUTS, grads, strict=True)), tape)
    assert relative(grad_inputs["image"], image.grad) < 1e-8
    parameters = {NAMES[theirs]: value.grad for theirs, value in model.named_parameters()}
    assert grad_params.keys() == parameters.keys()
    assert max(relative(grad_params[name], grad) for name, grad in parameters.items()) < 1e-8
    buffers = {NAMES[theirs]: value for theirs, value in model.named_buffers() if theirs in NAMES}
    assert max(relative(g.buffers[name], value) for name, value in buffers.items()) < 1e-10


@pytest.mark.parametrize("size", [75, 107])
def test_outputs_of_inference_at_other_sizes_equal_torchvisions(size):
    torch = pytest.importorskip("torch")
    model, g = pair()
    other = mg.models.inception_v3(5, aux=False, dropout=False, size=size, init="zeros").astype(np.float64)
    for target, source in ((other.params, g.params), (other.buffers, g.buffers)):
        target.update({name: source[name] for name in target})
    x = draw(2, 3, size, size)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(x)).numpy()
    assert_close(other(x), expected)
