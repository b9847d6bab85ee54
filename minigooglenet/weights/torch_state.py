"""State dicts, {name: tensor}, as torch and training scripts save them."""

import re

import numpy as np

from minigooglenet.weights import pickles, torch_files
from minigooglenet.weights.contents import (
    MOST_TEXT,
    NOT_VERIFIED,
    Contents,
    WeightsReader,
    array_name,
    most_unpacked,
    size_of,
    some,
)
from minigooglenet.weights.torch_files import StoredTensor

# Prefixes that DataParallel, torch.compile and Lightning add to every name, possibly several at once.
PREFIX = re.compile(r"(?:(?:module|_orig_mod|model)\.)+")
AVERAGED = ("state_dict_ema", "ema_state_dict", "model_ema", "ema")  # as in this package, averaged weights come first
INSIDE = (*AVERAGED, "state_dict", "model_state_dict", "model")  # its key in a checkpoint, the most likely first
UPDATES = "n_averaged"  # torch.optim.swa_utils.AveragedModel counts its updates
SAVE = "torch.save(model.state_dict(), PATH)"
_NOTE = "a torch file has no checksums over its names"


class Reader(WeightsReader):
    """Any state dict in a torch file. Its names are known on construction, its values are read later."""

    FORMAT = "torch state dict"

    def __init__(self, file):
        self._tensors, notes = read(file)
        arrays = {name: np.broadcast_to(np.zeros((), one.dtype), one.shape) for name, one in self._tensors.items()}
        self.declared = Contents(arrays, notes={NOT_VERIFIED: _NOTE, **notes})

    def arrays(self):
        """Return {name: array}; half precision and bfloat16 become single precision."""
        return {name: tensor.values() for name, tensor in self._tensors.items()}

    def array(self, name):
        """Return one array."""
        return self._tensors[name].values()


def read(file) -> tuple[dict[str, StoredTensor], dict[str, str]]:
    """Return ({name: tensor}, notes) from an open torch file: a state dict, or a checkpoint that contains one."""
    size = size_of(file)
    try:
        saved = torch_files.read(file)
    except pickles.NotPermittedError as error:
        raise ValueError(f"{error}. Save only the tensors: {SAVE}.") from error
    state, notes = _state_dict(saved)
    for name, tensor in state.items():
        array_name(name)
        if tensor.size > size:  # a tensor with strides of 0 repeats its values
            raise ValueError(
                f"array {some(name)} has the shape {tensor.shape}, which has more values than the file has bytes"
            )
        if tensor.dtype is None:
            raise TypeError(f"array {some(name)} has dtype {tensor.kind}. Save it as float32 first.")
    total = sum(tensor.size * tensor.dtype.itemsize for tensor in state.values())
    if total > (most := most_unpacked(size)):
        raise ValueError(f"it has {size:,} bytes, and its arrays need {total:,}, more than {most:,}")
    return state, notes


def without_prefix(tensors, known) -> tuple[dict, dict[str, str]]:
    """Return ({name: tensor}, notes) without the prefix that a training script added to the names.

    Parameters
    ----------
    tensors : {name: tensor}
    known : a name in the network; the prefix before it is removed from every name that has it. If `known` is None, or
        no name ends with it, only the common prefix of all names is removed
    """
    names = [name for name in tensors if name.endswith(known)] if known else []
    match = PREFIX.match(names[0] if names else next(iter(tensors), ""))
    prefix = match.group() if match else ""
    if names and prefix + known != names[0]:
        return tensors, {}
    if not prefix or (not names and not all(name.startswith(prefix) for name in tensors)):
        return tensors, {}
    shorter = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    if len(shorter) < len(tensors):
        raise ValueError(f"some of its names appear with and without {prefix!r}")
    return shorter, {"prefix": f"the prefix {prefix!r} was removed from the names"}


def _state_dict(saved):
    if _is_state(saved):
        return _without_updates(saved), {}
    if isinstance(saved, dict):
        different = {id(value): value for value in saved.values()}  # many keys can have the same value
        states = {identity for identity, value in different.items() if _is_state(value)}
        inside = [key for key, value in saved.items() if id(value) in states]
        for key in [key for key in INSIDE if key in inside] or inside[:1] * (len(inside) == 1):
            if isinstance(key, str):
                others = ", ".join(some(name) for name in saved if name != key and isinstance(name, str))
                note = f"{key!r} of a checkpoint, next to {others or 'nothing'}"
                return _without_updates(saved[key]), {"inside": note[:MOST_TEXT]}
    raise TypeError(f"it does not contain a plain state dict. Save one with {SAVE}.")


def _is_state(value):
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(name, str) and isinstance(tensor, StoredTensor) for name, tensor in value.items())
    )


def _without_updates(state):
    return {name: tensor for name, tensor in state.items() if name != UPDATES or tensor.shape or len(state) == 1}
