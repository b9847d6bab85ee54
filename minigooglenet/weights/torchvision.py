"""State dicts, {name: tensor}, of public networks: torchvision's files, and weights trained from them.

A state dict is in a safetensors file or in a .pth file from torch. `state_dicts.known` lists the networks.
"""

import functools

import numpy as np

from minigooglenet import models
from minigooglenet.data.pixel_names import pixels_of
from minigooglenet.weights import torch_state
from minigooglenet.weights.contents import (
    CLASSES,
    NOT_VERIFIED,
    PIXELS_UNKNOWN,
    Contents,
    WeightsReader,
    digest_of,
    single,
    some,
)
from minigooglenet.weights.published import PUBLISHED
from minigooglenet.weights.state_dicts import googlenet

COUNTERS = ".num_batches_tracked"  # of batch norm; unused in computations
UNKNOWN = (
    "it does not record how images become inputs, and training scripts differ. Pass pixels=, or --pixels, such as "
    "'imagenet' (torchvision's usual transform), 'unit' (-1 to 1) or 'zero-one'."
)


class Reader(WeightsReader):
    """The state dict of a public network.

    The file decides the number of classes and whether there are auxiliary heads. A prefix from a training script
    (`module.`, `_orig_mod.`, `model.`) is removed, with a note. The pixels are known only for published files,
    identified by their SHA-256; otherwise `pixels` is None and a note gives the reason.

    file : the open file
    reader : the reader of any state dict in this file, safetensors or torch
    known : the network, a `state_dicts.known.StateDict`
    """

    FORMAT = "torchvision's networks"

    def __init__(self, file, reader, known):
        self._file, self._reader, self._known = file, reader, known
        self.FORMAT = f"{known.source}'s {known.title}"

    @functools.cached_property
    def _state(self):
        """({name: placeholder}, notes), without a prefix and without batch norm counters."""
        notes = {name: text for name, text in self._reader.declared.notes.items() if name != NOT_VERIFIED}
        tensors, prefix = torch_state.without_prefix(self._reader.declared.arrays, self._known.mark[0])
        tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTERS)}
        return tensors, {**notes, **prefix}

    def _value(self, name):
        """Return the array that has this name without the prefix."""
        return self._reader.array(self._in_file[name])

    @functools.cached_property
    def _in_file(self):
        """{name without the prefix: name in the file}."""
        return torch_state.without_prefix({name: name for name in self._reader.declared.arrays}, self._known.mark[0])[0]

    @functools.cached_property
    def _names(self):
        """{name in the file: array name in this package}, with auxiliary heads if the file has them."""
        heads = self._known.heads
        return {**self._known.names, **(heads if any(name in heads for name in self._state[0]) else {})}

    @functools.cached_property
    def declared(self):
        known, notes = self._known, self._state[1]
        arguments = {"num_classes": self._classes(), **known.arguments}
        if known.heads:
            arguments["aux"] = len(self._names) > len(known.names)
        graph = models.build(known.model, **arguments, init="zeros")
        targets = {**graph.params, **graph.buffers}
        self._check({key: targets[name].shape for key, name in self._names.items()})
        digest = digest_of(self._file, "sha256")
        notes = {"from": known.source, **notes}
        pixels = None
        if one := next((one for one in PUBLISHED if one.pixels and one.sha256 and digest.startswith(one.sha256)), None):
            pixels = pixels_of(one.pixels)
            notes |= {CLASSES: one.classes, "crops": str(one.crops)}
        else:
            notes[PIXELS_UNKNOWN] = UNKNOWN
        arrays = {name: targets[name] for name in self._names.values()}
        return Contents(arrays, known.model, arguments, pixels, notes=notes)

    def arrays(self):
        """Return {name: array} in single precision, after checking that all values are finite."""
        assert self.declared  # the file fits the network
        return {name: single(key, self._value(key)) for key, name in self._names.items()}

    def arrays_for(self, graph):
        """Return the arrays of the state dict by the names of `graph`, or of this package.

        Only the arrays that `graph` has are read; the others are placeholders.
        """
        renamed, targets, arrays = self._names, {**graph.params, **graph.buffers}, {}
        for key, tensor in self._state[0].items():
            name = key if key in targets else renamed.get(key, key)
            shape = tuple(tensor.shape)
            if name not in targets or shape != targets[name].shape:
                arrays[name] = np.broadcast_to(np.zeros((), np.float32), shape)
            elif _floats(tensor):
                arrays[name] = single(key, self._value(key))
            else:
                arrays[name] = self._value(key)  # rejected later by `fill`
        return arrays

    def _classes(self):
        name, tensors = self._known.classifier, self._state[0]
        shape = tensors[name].shape if name in tensors else ()
        if len(shape) < 2 or 0 in shape:
            raise ValueError(f"{self._is_not()} it has no matrix {name!r}. {self._part()}")
        return shape[0]

    def _check(self, expected):
        """Raise an error if the names, shapes or dtypes differ from {name: shape}."""
        tensors = self._state[0]
        for what, differing in (
            ("also has", [name for name in tensors if name not in expected]),
            ("lacks", [name for name in expected if name not in tensors]),
        ):
            if differing:
                names = f"{', '.join(map(some, differing[:3]))} ({len(differing)} in total)"
                raise ValueError(f"{self._is_not()} it {what} {names}. {self._part()}")
        for name, shape in expected.items():
            if tensors[name].shape != shape:
                actual, source = tuple(tensors[name].shape), self._known.source
                reason = f"array {name!r} must have the shape {shape}, as in {source}, got {actual}"
                raise ValueError(f"{reason}. {self._part()}")
            if not _floats(tensors[name]):
                raise TypeError(f"array {name!r} must have floats, got {tensors[name].dtype}")

    def _is_not(self):
        return f"it is not {self._known.source}'s {self._known.title}, because"

    def _part(self):
        patterns = list(self._known.backbone)
        return f"To load the other arrays, use weights.load_into(graph, path, only={patterns})."


def names(aux: bool = True) -> dict[str, str]:
    """Return {name in torchvision's GoogLeNet: array name in this package}, with or without auxiliary heads."""
    return googlenet.names() | (googlenet.heads() if aux else {})


def _floats(tensor) -> bool:
    return "float" in str(tensor.dtype)
