"""torchvision's GoogLeNet: the weights that torchvision publishes, and others trained from them.

They come as a state dict, {name: tensor}, in a safetensors file or, as torch saves it, in a .pth file. The network is
`googlenet(variant="torchvision")`.
"""

import contextlib
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from minigooglenet.data.pixels import UNIT
from minigooglenet.models.googlenet import MODULES, googlenet
from minigooglenet.weights import limits
from minigooglenet.weights.contents import Contents, cannot_read

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
UNZIPPING = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
ZIP, PICKLE = b"PK", b"\x80\x02"  # how a .pth file begins: since torch 1.6, and before


def read(path) -> Contents:
    """Read torchvision's GoogLeNet from a state dict in a safetensors or, where torch is installed, a .pth file.

    Names and shapes are checked before any array is read. The number of classes, and whether the auxiliary heads are
    there, are as in the file.

    Raises
    ------
    WeightsError
        If the file is damaged, or of another network, or holds arrays of other shapes or values that are not finite.
    """
    size = limits.file_size(path)
    with Path(path).open("rb") as file:
        start = file.read(2)
    opened = _torch_file if start in (ZIP, PICKLE) else _safetensors_file
    with opened(path, size) as (shapes, array_of):
        shapes = {name: shape for name, shape in shapes.items() if not name.endswith(COUNTERS)}
        arguments = {"num_classes": _classes(path, size, shapes), "aux": any(name.startswith("aux") for name in shapes)}
        expected = googlenet(**arguments, variant="torchvision", init="zeros")
        expected = {**expected.params, **expected.buffers}
        ours = names(arguments["aux"])
        _check(path, shapes, {theirs: expected[name].shape for theirs, name in ours.items()})
        arrays = {name: _finite(path, theirs, array_of(theirs)) for theirs, name in ours.items()}
    notes = {"from": "torchvision", "pixels": "-1 .. 1, as torchvision's transform_input makes them"}
    return Contents(arrays, "googlenet", {**arguments, "variant": "torchvision"}, UNIT, notes=notes)


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


@contextlib.contextmanager
def _safetensors_file(path, size):
    """Give {name: shape} and a function name -> array; nothing but the header is read before it is called."""
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no dict
            for name, part in slices.items():
                if not name.endswith(COUNTERS) and part.get_dtype() not in ("F16", "F32", "F64"):
                    raise cannot_read(path, f"array {name!r} holds {part.get_dtype()}; floats F16, F32, F64 are read")
            yield {name: tuple(part.get_shape()) for name, part in slices.items()}, file.get_tensor
    except safetensors.SafetensorError as error:
        raise cannot_read(path, f"it is no safetensors file, or a damaged one: {error}") from error


@contextlib.contextmanager
def _torch_file(path, size):
    """Give {name: shape} and a function name -> array for a state dict saved by torch; no code of the file is run."""
    _check_zip(path, size)
    try:
        import torch
    except ImportError as error:
        convert = "safetensors.torch.save_file(torch.load(PATH, weights_only=True), 'googlenet.safetensors')"
        raise cannot_read(path, f"a .pth file needs torch; a computer that has it converts it: {convert}") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever an unpickler meets in a damaged file
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise cannot_read(path, f"torch does not load it as weights only: {reason}") from error
    if not isinstance(state, dict) or not all(_is_array(name, value) for name, value in state.items()):
        raise cannot_read(path, "it holds no plain state dict; save it by torch.save(model.state_dict(), PATH)")

    def array_of(name):
        return state[name].detach().float().numpy()

    yield {name: tuple(value.shape) for name, value in state.items()}, array_of


def _is_array(name, value):
    import torch

    if not (isinstance(name, str) and isinstance(value, torch.Tensor) and value.layout == torch.strided):
        return False
    return value.is_floating_point() or name.endswith(COUNTERS)


def _check_zip(path, size):
    """Refuse an archive that unpacks to more than it is, since torch compresses nothing, or has wrong checksums."""
    with Path(path).open("rb") as file:
        if file.read(len(ZIP)) != ZIP:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            damaged = archive.testzip() if unpacked <= size else None
    except UNZIPPING as error:
        raise cannot_read(path, f"it is a damaged archive: {error}") from error
    if unpacked > size:
        raise cannot_read(path, f"it has {size:,} bytes and would unpack to {unpacked:,}")
    if damaged:
        raise cannot_read(path, f"it is a damaged archive: the checksum of {damaged!r} is another")


def _classes(path, size, shapes):
    shape = shapes.get(CLASSIFIER, ())
    if len(shape) != 2 or 0 in shape:
        raise cannot_read(path, f"it is not torchvision's GoogLeNet, which has a matrix {CLASSIFIER!r}")
    if math.prod(shape) > size:
        raise cannot_read(path, f"array {CLASSIFIER!r} declares the shape {shape}, more values than the file has bytes")
    return shape[0]


def _check(path, shapes, expected):
    """Refuse names and shapes that are not exactly the expected ones."""
    for what, found in (
        ("it is not torchvision's GoogLeNet, which has no", [name for name in shapes if name not in expected]),
        ("of torchvision's GoogLeNet it lacks", [name for name in expected if name not in shapes]),
    ):
        if found:
            raise cannot_read(path, f"{what} {', '.join(map(repr, found[:3]))} ({len(found)} such arrays in all)")
    for name, shape in expected.items():
        if shapes[name] != shape:
            raise cannot_read(path, f"array {name!r} has shape {shapes[name]}, torchvision's has {shape}")


def _finite(path, name, array):
    with np.errstate(over="ignore"):  # what a float32 cannot hold is told below
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise cannot_read(path, f"array {name!r} holds values that are not finite")
    return array
