"""torchvision's GoogLeNet: the weights that torchvision publishes, and others trained from them.

They come as a state dict, {name: tensor}, in a safetensors file or, as torch saves it, in a .pth file. The network is
`googlenet(variant="torchvision")`.
"""

import functools

import numpy as np

from minigooglenet.data.pixels import UNIT
from minigooglenet.models.googlenet import MODULES, googlenet
from minigooglenet.weights import torch_state
from minigooglenet.weights.contents import PIXELS_UNKNOWN, Contents, WeightsReader, digest_of, single, some

# Module of torchvision's -> node of ours
STEM = {"conv1": "conv1/7x7_s2", "conv2": "conv2/3x3_reduce", "conv3": "conv2/3x3"}
BRANCHES = {
    "branch1": "1x1",
    "branch2.0": "3x3_reduce",
    "branch2.1": "3x3",
    "branch3.0": "5x5_reduce",
    "branch3.1": "5x5",
    "branch4.1": "pool_proj",
}
HEADS = {"aux1": "loss1", "aux2": "loss2"}
CLASSIFIER = "fc.weight"
COUNTERS = ".num_batches_tracked"  # of batch norm; nothing is computed with it
FIRST = "inception3a.branch1.conv.weight"  # a name that only this network has
PUBLISHED = "1378be20"  # the SHA-256 of torchvision's own file begins with it, as its name googlenet-1378be20.pth says
PART = "to take the other arrays, use weights.load_into(graph, path, only=['conv*', 'inception_*'])"
UNKNOWN = (
    "it does not say how images become inputs; training scripts differ: pass pixels=, or --pixels, such as "
    "'imagenet' (torchvision's usual transform), 'unit' (-1 to 1) or 'zero-one'"
)


class Reader(WeightsReader):
    """torchvision's GoogLeNet from a state dict, and for `arrays_for` any other state dict.

    The number of classes, and whether the auxiliary heads are there, are as in the file. What a training script put
    before the names (`module.`, `_orig_mod.`, `model.`) is removed, and a note says so. Only the file that torchvision
    publishes, known by its SHA-256, is known to take pixels of -1 to 1; otherwise `pixels` is None and a note says why.

    file : the open file
    held : the reader of a safetensors file; without it, torch reads the file
    """

    FORMAT = "torchvision's GoogLeNet"

    def __init__(self, file, held=None):
        self._file, self._held = file, held

    @functools.cached_property
    def _state(self):
        """({name: tensor or placeholder}, notes): names without a prefix, and no counters of batch norm."""
        tensors, notes = (self._held.declared.arrays, {}) if self._held else torch_state.read(self._file)
        tensors, prefix = torch_state.without_prefix(tensors, FIRST)
        tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTERS)}
        return tensors, {**notes, **prefix}

    @functools.cached_property
    def _held_values(self):
        return torch_state.without_prefix(self._held.arrays(), FIRST)[0]

    @functools.cached_property
    def declared(self):
        tensors, notes = self._state
        aux = any(name.startswith(tuple(HEADS)) for name in tensors)
        arguments = {"num_classes": _classes(tensors), "aux": aux, "variant": "torchvision"}
        graph = googlenet(**arguments, init="zeros")
        _check(tensors, graph)
        targets = {**graph.params, **graph.buffers}
        pixels = UNIT if digest_of(self._file, "sha256").startswith(PUBLISHED) else None
        notes = {"from": "torchvision", **notes}
        if pixels is None:
            notes[PIXELS_UNKNOWN] = UNKNOWN
        return Contents(
            {name: targets[name] for name in names(aux).values()}, "googlenet", arguments, pixels, notes=notes
        )

    def arrays(self):
        """Return {name: array} in single precision, once all values are finite."""
        aux = self.declared.arguments["aux"]
        return {ours: single(theirs, self._value(theirs)) for theirs, ours in names(aux).items()}

    def arrays_for(self, graph):
        """Return the arrays of any state dict: those of torchvision's GoogLeNet by their names here.

        Only the arrays that `graph` has are read; the others are placeholders.
        """
        ours, targets, found = names(), {**graph.params, **graph.buffers}, {}
        for theirs, tensor in self._state[0].items():
            name = theirs if theirs in targets else ours.get(theirs, theirs)
            shape = tuple(tensor.shape)
            if name not in targets or shape != targets[name].shape:
                found[name] = np.broadcast_to(np.zeros((), np.float32), shape)
            elif _floats(tensor):
                found[name] = single(theirs, self._value(theirs))
            else:
                found[name] = self._value(theirs)  # `fill` has the words for it
        return found

    def _value(self, name):
        if self._held:
            return self._held_values[name]
        tensor = self._state[0][name].detach()
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def names(aux=True) -> dict[str, str]:
    """Return {name in torchvision's state dict: name of the array here}, with or without the auxiliary heads."""
    convolutions = {
        **STEM,
        **{
            f"inception{module}.{theirs}": f"inception_{module}/{ours}"
            for module in MODULES
            for theirs, ours in BRANCHES.items()
        },
    }
    linear = {"fc": "loss3/classifier"}
    if aux:
        convolutions |= {f"{theirs}.conv": f"{ours}/conv" for theirs, ours in HEADS.items()}
        linear |= {f"{theirs}.fc1": f"{ours}/fc" for theirs, ours in HEADS.items()}
        linear |= {f"{theirs}.fc2": f"{ours}/classifier" for theirs, ours in HEADS.items()}
    found = {}
    for theirs, ours in convolutions.items():
        found[f"{theirs}.conv.weight"] = f"{ours}/weight"
        module, _, name = ours.partition("/")
        norm = f"{module}/bn_{name.removesuffix('_s2')}"
        found |= {f"{theirs}.bn.{key}": f"{norm}/{key}" for key in ("weight", "bias", "running_mean", "running_var")}
    for theirs, ours in linear.items():
        found |= {f"{theirs}.{key}": f"{ours}/{key}" for key in ("weight", "bias")}
    return found


def _floats(tensor) -> bool:
    return "float" in str(tensor.dtype)


def _classes(tensors) -> int:
    shape = tensors[CLASSIFIER].shape if CLASSIFIER in tensors else ()
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"it is not torchvision's GoogLeNet, which has a matrix {CLASSIFIER!r}; {PART}")
    return shape[0]


def _check(tensors, graph):
    """Reject names, shapes and types that are not those of torchvision's network, which `graph` is."""
    targets = {**graph.params, **graph.buffers}
    expected = {theirs: targets[ours].shape for theirs, ours in names().items() if ours in targets}
    for what, found in (
        ("it is not torchvision's GoogLeNet, which has no", [name for name in tensors if name not in expected]),
        ("of torchvision's GoogLeNet it lacks", [name for name in expected if name not in tensors]),
    ):
        if found:
            raise ValueError(f"{what} {', '.join(map(some, found[:3]))} ({len(found)} such arrays in all); {PART}")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            found = tuple(tensors[name].shape)
            raise ValueError(f"array {name!r} has the shape {found}, torchvision's has {shape}; {PART}")
        if not _floats(tensors[name]):
            raise TypeError(f"array {name!r} holds {tensors[name].dtype}, not floats")
