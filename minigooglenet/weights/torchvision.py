"""torchvision's GoogLeNet: the weights that torchvision publishes, and weights trained from them.

They are a state dict, {name: tensor}, in a safetensors file or in a .pth file from torch. The network is
`googlenet(variant="torchvision")`.
"""

import functools

import numpy as np

from minigooglenet.data.pixels import UNIT
from minigooglenet.models.googlenet import MODULES, googlenet
from minigooglenet.weights import torch_state
from minigooglenet.weights.contents import (
    NOT_VERIFIED,
    PIXELS_UNKNOWN,
    Contents,
    WeightsReader,
    digest_of,
    single,
    some,
)

# {module of torchvision: node of this package}
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
COUNTERS = ".num_batches_tracked"  # of batch norm; unused in computations
FIRST = "inception3a.branch1.conv.weight"  # a name that only this network has
PUBLISHED = "1378be20"  # beginning of the SHA-256 of torchvision's file googlenet-1378be20.pth
PART = "To load the other arrays, use weights.load_into(graph, path, only=['conv*', 'inception_*'])."
UNKNOWN = (
    "it does not record how images become inputs, and training scripts differ. Pass pixels=, or --pixels, such as "
    "'imagenet' (torchvision's usual transform), 'unit' (-1 to 1) or 'zero-one'."
)


class Reader(WeightsReader):
    """torchvision's GoogLeNet from a state dict or, for `arrays_for`, any other state dict.

    The file decides the number of classes and whether there are auxiliary heads. A prefix from a training script
    (`module.`, `_orig_mod.`, `model.`) is removed, with a note. The pixels (-1 to 1) are known only for the file that
    torchvision publishes, identified by its SHA-256; otherwise `pixels` is None and a note gives the reason.

    file : the open file
    reader : the reader of any state dict in this file, safetensors or torch
    """

    FORMAT = "torchvision's GoogLeNet"

    def __init__(self, file, reader):
        self._file, self._reader = file, reader

    @functools.cached_property
    def _state(self):
        """({name: placeholder}, notes), without a prefix and without batch norm counters."""
        notes = {name: text for name, text in self._reader.declared.notes.items() if name != NOT_VERIFIED}
        tensors, prefix = torch_state.without_prefix(self._reader.declared.arrays, FIRST)
        tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTERS)}
        return tensors, {**notes, **prefix}

    @functools.cached_property
    def _values(self):
        return torch_state.without_prefix(self._reader.arrays(), FIRST)[0]

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
        """Return {name: array} in single precision, after checking that all values are finite."""
        aux = self.declared.arguments["aux"]
        return {name: single(key, self._values[key]) for key, name in names(aux).items()}

    def arrays_for(self, graph):
        """Return the arrays of any state dict; arrays of torchvision's GoogLeNet get the names of this package.

        Only the arrays that `graph` has are read; the others are placeholders.
        """
        renamed, targets, arrays = names(), {**graph.params, **graph.buffers}, {}
        for key, tensor in self._state[0].items():
            name = key if key in targets else renamed.get(key, key)
            shape = tuple(tensor.shape)
            if name not in targets or shape != targets[name].shape:
                arrays[name] = np.broadcast_to(np.zeros((), np.float32), shape)
            elif _floats(tensor):
                arrays[name] = single(key, self._values[key])
            else:
                arrays[name] = self._values[key]  # rejected later by `fill`
        return arrays


def names(aux=True) -> dict[str, str]:
    """Return {name in torchvision's state dict: array name in this package}, with or without auxiliary heads."""
    convolutions = {
        **STEM,
        **{
            f"inception{module}.{branch}": f"inception_{module}/{node}"
            for module in MODULES
            for branch, node in BRANCHES.items()
        },
    }
    linear = {"fc": "loss3/classifier"}
    if aux:
        convolutions |= {f"{head}.conv": f"{node}/conv" for head, node in HEADS.items()}
        linear |= {f"{head}.fc1": f"{node}/fc" for head, node in HEADS.items()}
        linear |= {f"{head}.fc2": f"{node}/classifier" for head, node in HEADS.items()}
    arrays = {}
    for module, node in convolutions.items():
        arrays[f"{module}.conv.weight"] = f"{node}/weight"
        group, _, name = node.partition("/")
        norm = f"{group}/bn_{name.removesuffix('_s2')}"
        arrays |= {f"{module}.bn.{key}": f"{norm}/{key}" for key in ("weight", "bias", "running_mean", "running_var")}
    for module, node in linear.items():
        arrays |= {f"{module}.{key}": f"{node}/{key}" for key in ("weight", "bias")}
    return arrays


def _floats(tensor) -> bool:
    return "float" in str(tensor.dtype)


def _classes(tensors) -> int:
    shape = tensors[CLASSIFIER].shape if CLASSIFIER in tensors else ()
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"it is not torchvision's GoogLeNet, because it has no matrix {CLASSIFIER!r}. {PART}")
    return shape[0]


def _check(tensors, graph):
    """Raise an error if the names, shapes or dtypes differ from those of `graph`, torchvision's network."""
    targets = {**graph.params, **graph.buffers}
    expected = {key: targets[name].shape for key, name in names().items() if name in targets}
    for what, differing in (
        ("it is not torchvision's GoogLeNet, because it also has", [name for name in tensors if name not in expected]),
        ("it is not torchvision's GoogLeNet, because it lacks", [name for name in expected if name not in tensors]),
    ):
        if differing:
            raise ValueError(f"{what} {', '.join(map(some, differing[:3]))} ({len(differing)} in total). {PART}")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            actual = tuple(tensors[name].shape)
            raise ValueError(f"array {name!r} must have the shape {shape}, as in torchvision, got {actual}. {PART}")
        if not _floats(tensors[name]):
            raise TypeError(f"array {name!r} must have floats, got {tensors[name].dtype}")
