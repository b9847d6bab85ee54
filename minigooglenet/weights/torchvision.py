"""torchvision's GoogLeNet: the weights that torchvision publishes, and others trained from them.

They come as a state dict, {name: tensor}, in a safetensors file or, as torch saves it, in a .pth file. The network is
`googlenet(variant="torchvision")`.
"""

import zipfile
from pathlib import Path

import numpy as np

from minigooglenet.data.pixels import UNIT
from minigooglenet.models.googlenet import MODULES, googlenet
from minigooglenet.weights import kinds, limits, own
from minigooglenet.weights.contents import Contents

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
CONVERT = "safetensors.torch.save_file(torch.load(PATH, weights_only=True), 'googlenet.safetensors')"


def read(path) -> Contents:
    """Read torchvision's GoogLeNet from a state dict in a safetensors or, where torch is installed, a .pth file.

    The number of classes, and whether the auxiliary heads are there, are as in the file.

    Raises
    ------
    WeightsError
        If the file is damaged, or of another network, or holds arrays of other shapes or values that are not finite.
    """
    with limits.reading(path):
        of_torch = kinds.kind(path) == kinds.TORCH
        tensors = _torch_state(path) if of_torch else own.declared(path).arrays
        tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTERS)}
        aux = any(name.startswith(tuple(HEADS)) for name in tensors)
        arguments = {"num_classes": _classes(tensors), "aux": aux, "variant": "torchvision"}
        _check(tensors, googlenet(**arguments, init="zeros"))
        if of_torch:
            arrays = {name: tensor.detach().float().numpy() for name, tensor in tensors.items()}
        else:
            arrays = own.read(path).arrays
        arrays = {ours: _single(theirs, arrays[theirs]) for theirs, ours in names(aux).items()}
    notes = {"from": "torchvision", "pixels": "-1 .. 1, as torchvision's transform_input makes them"}
    return Contents(arrays, "googlenet", arguments, UNIT, notes=notes)


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


def _torch_state(path):
    """Return {name: tensor} of a state dict that torch saved; no code of the file is run."""
    size = limits.file_size(path)
    if zipfile.is_zipfile(path):
        _check_zip(path, size)
    try:
        import torch
    except ImportError as error:
        raise ValueError(f"a .pth file needs torch; a computer that has it converts it: {CONVERT}") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever an unpickler meets in a damaged file
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"torch does not load it as weights only: {reason}") from error
    if not (
        isinstance(state, dict)
        and all(isinstance(name, str) for name in state)
        and all(isinstance(value, torch.Tensor) and value.layout == torch.strided for value in state.values())
    ):
        raise TypeError("it holds no plain state dict; save it by torch.save(model.state_dict(), PATH)")
    for name, tensor in state.items():
        if tensor.numel() > size:  # one value may stand for many
            raise ValueError(f"array {name!r} has the shape {tuple(tensor.shape)}, more values than the file has bytes")
    return state


def _check_zip(path, size):
    """Refuse an archive that unpacks to more than it is, since torch compresses nothing, or has wrong checksums."""
    with zipfile.ZipFile(Path(path)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > size:
            raise ValueError(f"it has {size:,} bytes and would unpack to {unpacked:,}")
        damaged = archive.testzip()
    if damaged:
        raise ValueError(f"it is damaged: {damaged!r} in it does not match its checksum")


def _classes(tensors) -> int:
    shape = tensors[CLASSIFIER].shape if CLASSIFIER in tensors else ()
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"it is not torchvision's GoogLeNet, which has a matrix {CLASSIFIER!r}")
    return shape[0]


def _check(tensors, graph):
    """Refuse names, shapes and types that are not those of torchvision's network, which `graph` is."""
    targets = {**graph.params, **graph.buffers}
    expected = {theirs: targets[ours].shape for theirs, ours in names().items() if ours in targets}
    for what, found in (
        ("it is not torchvision's GoogLeNet, which has no", [name for name in tensors if name not in expected]),
        ("of torchvision's GoogLeNet it lacks", [name for name in expected if name not in tensors]),
    ):
        if found:
            raise ValueError(f"{what} {', '.join(map(repr, found[:3]))} ({len(found)} such arrays in all)")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise ValueError(f"array {name!r} has the shape {tuple(tensors[name].shape)}, torchvision's has {shape}")
        if "float" not in str(tensors[name].dtype):
            raise TypeError(f"array {name!r} holds {tensors[name].dtype}, not floats")


def _single(name, array):
    """Return an array of its own in single precision, once all its values are finite there."""
    with np.errstate(over="ignore"):  # what a float32 cannot hold is told below
        array = np.array(array, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} holds values that are not finite")
    return array
