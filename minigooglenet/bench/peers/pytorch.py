"""PyTorch: the same graph with PyTorch's modules, in channels-first (NCHW) and channels-last memory layout."""

import contextlib
import copy

import torch
from torch import nn

TITLE = "PyTorch"
LAYOUTS = {"PyTorch": torch.contiguous_format, "PyTorch channels-last": torch.channels_last}


def version() -> str:
    """Return PyTorch's version."""
    return torch.__version__


@contextlib.contextmanager
def threads(count):
    """Set the number of threads of PyTorch in the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def inference(graph, x, count, prepare=None):
    """Return {name: build} for the main output of `graph` on x (N, C, H, W); `prepare(net)` replaces the network."""

    def build(layout):
        net = Walk(graph, (graph.main,)).eval().to(memory_format=layout)
        net = prepare(net) if prepare else net
        images = torch.from_numpy(x).to(memory_format=layout)

        def call():
            with torch.inference_mode():
                return net(images)[0].numpy()

        return call

    return {name: lambda layout=layout: build(layout) for name, layout in LAYOUTS.items()}


def training(graph, x, labels, weights, lr, momentum, prepare=None):
    """Return {name: build}; a step is a forward pass, the losses {wire: weight}, a backward pass and an SGD update.

    `prepare(net)` replaces the network.
    """

    def build(layout):
        net = Walk(graph, tuple(weights)).train().to(memory_format=layout)
        net = prepare(net) if prepare else net
        images, targets = torch.from_numpy(x).to(memory_format=layout), torch.from_numpy(labels)
        optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)

        def step():
            optimizer.zero_grad(set_to_none=True)
            losses = (nn.functional.cross_entropy(logits, targets) for logits in net(images))
            loss = sum(weight * part for weight, part in zip(weights.values(), losses, strict=True))
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    return {name: lambda layout=layout: build(layout) for name, layout in LAYOUTS.items()}


def gradients(graph, x, labels, weights):
    """Return (logits of each loss, {"node/weight": gradient of the sum}) without dropout, to compare with ours."""
    net = Walk(graph, tuple(weights)).eval()
    logits, targets = net(torch.from_numpy(x)), torch.from_numpy(labels)
    losses = (nn.functional.cross_entropy(output, targets) for output in logits)
    sum(weight * loss for weight, loss in zip(weights.values(), losses, strict=True)).backward()
    return [output.detach().numpy() for output in logits], {
        f"{name}/{key}": parameter.grad.numpy()
        for name, module, _, _ in net.steps
        for key, parameter in module.named_parameters()
    }


def operation(layer, xs, grad):
    """Return {name: (forward, backward)} of one layer in training, on inputs `xs` and an upstream gradient."""
    feature_maps = all(x.ndim == 4 for x in (*xs, grad))
    layouts = LAYOUTS if feature_maps else {"PyTorch": torch.contiguous_format}
    return {name: _operation(layer, xs, grad, layout) for name, layout in layouts.items()}


def _operation(layer, xs, grad, layout):
    net = module(layer).train().to(memory_format=layout)
    inputs = [torch.from_numpy(x).to(memory_format=layout, copy=True).requires_grad_() for x in xs]
    upstream = torch.from_numpy(grad).to(memory_format=layout)
    variables = [*inputs, *net.parameters()]
    y = net(*inputs)

    def forward():
        return net(*inputs).detach().numpy()

    def backward():
        return tuple(grad.numpy() for grad in torch.autograd.grad(y, variables, upstream, retain_graph=True))

    return forward, backward


class Walk(nn.Module):
    """One of our graphs with PyTorch's modules, from its input to `outputs`."""

    def __init__(self, graph, outputs):
        super().__init__()
        (self.image,) = graph.inputs
        self.outputs = outputs
        schedule = graph.schedule(outputs)
        self.steps = []
        for name, free in schedule:
            layer, wires = graph.nodes[name]
            # PyTorch is fastest in place, which is safe if nothing else reads the input: no other node, and not the
            # backward pass of the layer before. Convolution, batch norm and linear layers only need their own inputs.
            only_consumer = all(wire in graph.nodes and len(_consumers(graph, wire)) == 1 for wire in wires)
            self.steps.append((name, module(layer, in_place=only_consumer and _before(graph, wires)), wires, free))
        self.parts = nn.ModuleList(part for _, part, _, _ in self.steps)

    def forward(self, x):
        values = {self.image: x}
        for name, part, wires, free in self.steps:
            values[name] = part(*(values[wire] for wire in wires))
            for wire in free:
                del values[wire]
        return tuple(values[wire] for wire in self.outputs)


def _consumers(graph, wire):
    return [name for name, node in graph.nodes.items() if wire in node.wires]


def _before(graph, wires):
    return all(graph.nodes[wire].layer.kind in ("Conv2d", "BatchNorm2d", "Linear") for wire in wires)


class _Concat(nn.Module):
    def forward(self, *xs):
        return torch.cat(xs, 1)


class _Add(nn.Module):
    def forward(self, *xs):
        return sum(xs[1:], start=xs[0])


class _Slice(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.start, self.stop = layer.start, layer.stop

    def forward(self, x):
        return x[:, self.start : self.stop]


class _Multiply(nn.Module):
    def forward(self, *xs):
        rank = max(x.ndim for x in xs)
        first, *others = (x.reshape(*x.shape, *[1] * (rank - x.ndim)) for x in xs)
        for other in others:
            first = first * other
        return first


class _Scale(nn.Module):
    """Parameters and buffers of a Scale, with zeros until they are filled."""

    def __init__(self, layer):
        super().__init__()
        for name, value in layer.params.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(value.shape)))
        for name, value in layer.buffers.items():
            self.register_buffer(name, torch.zeros(value.shape))

    def forward(self, x):
        shape = -1, *[1] * (x.ndim - 2)
        y = x * self.weight.reshape(shape)
        return y + self.bias.reshape(shape) if hasattr(self, "bias") else y


def module(layer, in_place=False):
    """Return the PyTorch module for one of our layers, with copies of its parameters."""
    if layer.kind not in _MODULES:
        raise ValueError(f"{layer.kind} is not supported in the PyTorch version of a network")
    made = _MODULES[layer.kind](layer)
    if isinstance(made, (nn.ReLU, nn.Hardtanh, nn.LeakyReLU, nn.Hardswish, nn.SiLU)):
        made.inplace = in_place
    arrays = dict(made.named_parameters()) | dict(made.named_buffers())
    with torch.no_grad():
        for name, value in (layer.params | layer.buffers).items():
            arrays[name].copy_(torch.from_numpy(copy.copy(value)))
    return made


class _PaddedConv2d(nn.Conv2d):
    """A convolution that pads each side by itself."""

    def __init__(self, sides, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.sides = sides

    def forward(self, x):
        return super().forward(nn.functional.pad(x, self.sides))


def _conv(layer):
    settings = {"dilation": layer.dilation, "groups": layer.groups, "bias": "bias" in layer.params}
    sizes = layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride
    (top, bottom), (left, right) = layer.padding
    if top != bottom or left != right:
        return _PaddedConv2d((left, right, top, bottom), *sizes, 0, **settings)
    return nn.Conv2d(*sizes, _padding(layer), **settings)


def _max_pool(layer):
    return nn.MaxPool2d(layer.kernel_size, layer.stride, _padding(layer), ceil_mode=layer.ceil_mode)


def _avg_pool(layer):
    modes = {"ceil_mode": layer.ceil_mode, "count_include_pad": layer.count_include_pad}
    return nn.AvgPool2d(layer.kernel_size, layer.stride, _padding(layer), **modes)


def _padding(layer):
    (top, bottom), (left, right) = layer.padding
    if top != bottom or left != right:
        raise ValueError(f"PyTorch pads both sides equally, but this layer has padding {layer.padding}")
    return top, left


def _pad(layer):
    (top, bottom), (left, right) = layer.padding
    return nn.ConstantPad2d((left, right, top, bottom), layer.value)


_MODULES = {
    "Conv2d": _conv,
    "MaxPool2d": _max_pool,
    "AvgPool2d": _avg_pool,
    "AdaptiveAvgPool2d": lambda layer: nn.AdaptiveAvgPool2d(layer.output_size),
    "GlobalAvgPool2d": lambda layer: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "LocalResponseNorm": lambda layer: nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k),
    "BatchNorm2d": lambda layer: nn.BatchNorm2d(layer.num_features, layer.eps, layer.momentum),
    "Linear": lambda layer: nn.Linear(layer.in_features, layer.out_features, bias="bias" in layer.params),
    "ReLU": lambda layer: nn.ReLU(),
    "Dropout": lambda layer: nn.Dropout(layer.p),
    "Flatten": lambda layer: nn.Flatten(),
    "Softmax": lambda layer: nn.Softmax(dim=1),
    "Concat": lambda layer: _Concat(),
    "Add": lambda layer: _Add(),
    "Clip": lambda layer: nn.Hardtanh(*layer.parameters),
    "ReLU6": lambda layer: nn.ReLU6(),
    "LeakyReLU": lambda layer: nn.LeakyReLU(layer.slope),
    "Sigmoid": lambda layer: nn.Sigmoid(),
    "Tanh": lambda layer: nn.Tanh(),
    "HardSwish": lambda layer: nn.Hardswish(),
    "SiLU": lambda layer: nn.SiLU(),
    "Scale": _Scale,
    "Multiply": lambda layer: _Multiply(),
    "GlobalMaxPool2d": lambda layer: nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten()),
    "Pad": _pad,
    "ChannelShuffle": lambda layer: nn.ChannelShuffle(layer.groups),
    "ChannelSlice": _Slice,
}
