"""Torch files (.pth, .pt), read without torch: the object that was saved, with a `StoredTensor` for each tensor.

torch writes one of two formats. Since version 1.6 (2020): an uncompressed zip archive with the object as a pickle
(NAME/data.pkl) and one member for the values of each storage (NAME/data/KEY). Before: a stream of five pickles (a magic
number, a version, facts about the computer, the object, the keys of the storages), then for each key the number of its
values and the values. A storage is a flat array. Tensors are views of storages, with an offset and strides, and several
tensors can share a storage.
"""

import io
import math
import struct
import zipfile
import zlib
from typing import Any

import numpy as np

from minigooglenet.weights import pickles
from minigooglenet.weights.contents import MOST_SHOWN, size_of

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001  # the first two pickles of a stream
MOST_DIRECTORY = 16 * 1024**2  # bytes of the list of members of an archive; GoogLeNet has 30,000
MOST_AXES = 32
CHUNK = 1024**2
TORCHSCRIPT = "it is a TorchScript program. Save its state_dict() with torch.save or as safetensors."

# {dtype of torch: (NumPy dtype in the file, NumPy dtype of the values)}. bfloat16 is the upper half of a float32.
DTYPES = {
    "float32": ("f4", "f4"),
    "float64": ("f8", "f8"),
    "float16": ("f2", "f4"),
    "bfloat16": ("u2", "f4"),
    "bool": ("?", "?"),
    **{f"{kind}int{8 * size}": (f"{kind or 'i'}{size}",) * 2 for kind in ("u", "") for size in (1, 2, 4, 8)},
}
# Types that cannot become an array here, in bytes. They are read only as far as others are next to them.
OTHERS = {"complex32": 4, "complex64": 8, "complex128": 16}
OTHERS |= dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"), 1)
STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}


class Storage:
    """A flat array in a file.

    file : the _TorchFile
    key : its name in the file
    dtype : torch's name of its dtype
    whole : number of its values
    first, count : the values that are used, in old files possibly a part of the whole
    """

    def __init__(self, file, key, dtype, whole, first, count):
        self.file, self.key, self.dtype, self.whole, self.first, self.count = file, key, dtype, whole, first, count

    @property
    def nbytes(self):
        """Its size in bytes."""
        return self.whole * _itemsize(self.dtype)


class StoredTensor:
    """A tensor in a file: a view of a storage. `values` reads it; everything else is known before.

    kind : torch's name of its dtype, such as "bfloat16"
    dtype : NumPy dtype of its values, float32 for half precision and bfloat16; None if NumPy or this package lacks it
    shape : tuple of integers
    """

    def __init__(self, storage, kind, offset, shape, strides):
        self._storage, self._offset, self._strides = storage, offset, strides
        self.kind, self.shape = kind, shape
        self.dtype = np.dtype(DTYPES[kind][1]) if kind in DTYPES else None

    @property
    def size(self) -> int:
        """Its number of values."""
        return math.prod(self.shape)

    def values(self) -> np.ndarray:
        """Return a copy of its values as a contiguous array."""
        if self.dtype is None:
            raise TypeError(f"it has dtype {self.kind}")
        if self.size == 0:
            return np.zeros(self.shape, self.dtype)
        storage, dtype = self._storage, np.dtype(DTYPES[self.kind][0])
        file = storage.file
        start = file.spans[storage.key][0] + storage.first * _itemsize(storage.dtype) + self._offset * dtype.itemsize
        mapped = np.memmap(file.file, np.uint8, "r", start, _extent(self.shape, self._strides) * dtype.itemsize)
        strides = tuple(stride * dtype.itemsize for stride in self._strides)
        view = np.ndarray(self.shape, dtype.newbyteorder(file.byteorder), mapped, strides=strides)
        if self.kind != "bfloat16":
            return np.array(view, self.dtype, order="C")
        bits = np.array(view, np.uint32, order="C")
        bits <<= 16
        return bits.view(np.float32)


class _TorchFile:
    """An open file with its storages.

    byteorder : "<" or ">"
    spans : {key of a storage: (first byte, number of bytes)}
    storages : the storages that the pickle names
    """

    def __init__(self, file):
        self.file, self.size, self.byteorder = file, size_of(file), "<"
        self.spans: dict[str, tuple[int, int]] = {}
        self.storages: list[Storage] = []

    def storage(self, what, kind, key, location, whole, view=None):
        """Return the Storage that a record in a pickle describes."""
        if what != "storage" or not isinstance(kind, pickles.Name) or not isinstance(key, str):
            raise TypeError
        name = kind.name.rpartition(".")[2]
        if name not in (*STORAGES, "UntypedStorage"):
            raise TypeError
        _, first, count = (None, 0, whole) if view is None else view
        if not _sizes(whole, first, count) or first + count > whole:
            raise TypeError
        self.storages.append(Storage(self, key, STORAGES.get(name, "uint8"), whole, first, count))
        return self.storages[-1]

    def check(self):
        """Raise an error unless every storage has the size that the pickle declares."""
        for storage in self.storages:
            name = f"storage {storage.key[:MOST_SHOWN]!r}"
            if storage.key not in self.spans:
                raise ValueError(f"it is corrupt: {name} is missing")
            if (nbytes := self.spans[storage.key][1]) != storage.nbytes:
                raise ValueError(
                    f"it is corrupt: {name} has {nbytes:,} bytes, but {storage.whole:,} values of {storage.dtype} need "
                    f"{storage.nbytes:,}"
                )


def read(file) -> Any:
    """Return the object in an open torch file. It consists of plain values, `StoredTensor` and `pickles.Skipped`.

    Raises
    ------
    ValueError
        If the file is corrupt, or contains anything else, such as a pickled module.
    """
    torch_file = _TorchFile(file)
    file.seek(0)
    value = _of_archive(torch_file) if file.read(2) == b"PK" else _of_stream(torch_file)
    torch_file.check()
    return value


def _of_archive(torch_file):
    members = _members(torch_file)
    folder = next(iter(members), "").partition("/")[0]
    if f"{folder}/constants.pkl" in members:
        raise ValueError(TORCHSCRIPT)
    for name, (start, nbytes) in members.items():
        if name.startswith(f"{folder}/data/"):
            torch_file.spans[name.removeprefix(f"{folder}/data/")] = start, nbytes
    order = _content(torch_file, members, f"{folder}/byteorder", b"little")
    if order not in (b"little", b"big"):
        raise ValueError(f"its byte order is {order!r}, not little or big")
    torch_file.byteorder = "<" if order == b"little" else ">"
    pickled = _content(torch_file, members, f"{folder}/data.pkl")
    return pickles.run(io.BytesIO(pickled), PERMITTED, torch_file.storage)


def _members(torch_file):
    """Return {name: (first byte, number of bytes)} of an archive, after comparing each member with its checksum."""
    file, size = torch_file.file, torch_file.size
    if (start := _directory(file, size)) < size - MOST_DIRECTORY:
        raise ValueError(f"its directory takes {size - start:,} bytes, more than {MOST_DIRECTORY:,}")
    try:
        listed = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise ValueError(f"it is a truncated or corrupt zip archive: {error}") from error
    unpacked = sum(member.file_size for member in listed)
    if unpacked > size or any(member.compress_type or member.file_size != member.compress_size for member in listed):
        raise ValueError(f"it has {size:,} bytes and would unpack to {unpacked:,}, but torch never compresses")
    checked = any(member.CRC for member in listed)  # torch.serialization.set_crc32_options(False) writes zeros
    members = {}
    for member in listed:
        shown = f"its member {member.filename[:MOST_SHOWN]!r}"
        if member.filename in members:
            raise ValueError(f"it is corrupt: {shown} appears twice")
        file.seek(max(0, member.header_offset))
        header = file.read(30).ljust(30, b"\0")
        start = member.header_offset + 30 + sum(struct.unpack_from("<HH", header, 26))
        if member.flag_bits & 1:
            raise ValueError(f"{shown} is encrypted")
        if member.header_offset < 0 or not header.startswith(b"PK\3\4") or start + member.file_size > size:
            raise ValueError(f"it is corrupt: {shown} is not where the directory has it")
        if checked and _checksum(file, start, member.file_size) != member.CRC:
            raise ValueError(f"it is corrupt: {shown} does not match its checksum")
        members[member.filename] = start, member.file_size
    return members


def _content(torch_file, members, name, otherwise=None):
    """Return the bytes of a small member."""
    if name not in members and otherwise is not None:
        return otherwise
    if name not in members:
        raise ValueError(f"it is corrupt: its member {name[:MOST_SHOWN]!r} is missing")
    start, nbytes = members[name]
    if nbytes > pickles.MOST_BYTES:
        raise ValueError(f"its member {name[:MOST_SHOWN]!r} has {nbytes:,} bytes, more than {pickles.MOST_BYTES:,}")
    torch_file.file.seek(start)
    return torch_file.file.read(nbytes)


def _checksum(file, start, nbytes) -> int:
    file.seek(start)
    checksum = 0
    for done in range(0, nbytes, CHUNK):
        checksum = zlib.crc32(file.read(min(CHUNK, nbytes - done)), checksum)
    return checksum


def _directory(file, size) -> int:
    """Return the offset of the list of members in an archive, or 0 if the end of the archive is missing."""
    tail = min(size, 65_557)  # the longest comment and the end of the directory
    file.seek(size - tail)
    end = file.read()
    at = end.rfind(b"PK\5\6")
    if at < 0 or len(end) - at < 22:
        return 0
    length, offset = struct.unpack_from("<II", end, at + 12)
    if 0xFFFFFFFF in (length, offset):  # in the 64-bit record before it
        wide = end.rfind(b"PK\6\6", 0, at)
        if wide < 0 or at - wide < 56:
            return 0
        length = struct.unpack_from("<Q", end, wide + 40)[0]
    return size - tail + at - length


def _of_stream(torch_file):
    file = torch_file.file
    file.seek(0)
    pickled = io.BytesIO(file.read(min(torch_file.size, pickles.MOST_BYTES)))
    magic, version, _, value, keys = (pickles.run(pickled, PERMITTED, torch_file.storage) for _ in range(5))
    if magic != MAGIC or version != VERSION:
        raise ValueError(f"it does not begin with the numbers of a torch file of version {VERSION}")
    dtypes = {storage.key: storage.dtype for storage in torch_file.storages}
    at = pickled.tell()
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in dtypes or key in torch_file.spans:
            raise ValueError("it is corrupt: its list of storages differs from its tensors")
        file.seek(at)
        nbytes = int.from_bytes(file.read(8), "little") * _itemsize(dtypes[key])
        torch_file.spans[key] = at + 8, nbytes
        at += 8 + nbytes
        if at > torch_file.size:
            raise ValueError(f"it declares {at:,} bytes but has {torch_file.size:,}: it is truncated")
    return value


def _tensor(storage, offset, shape, strides, requires_grad=False, hooks=None, metadata=None):
    """Return the StoredTensor for torch._utils._rebuild_tensor_v2."""
    return _tensor_of(storage, offset, shape, strides, storage.dtype, metadata)


def _tensor_with_dtype(storage, offset, shape, strides, requires_grad, hooks, dtype, metadata=None):
    """Return the StoredTensor for torch._utils._rebuild_tensor_v3, which views bytes as one of torch's newer dtypes."""
    kind = dtype.name.removeprefix("torch.")
    if kind not in DTYPES and kind not in OTHERS:
        raise TypeError
    return _tensor_of(storage, offset, shape, strides, kind, metadata)


def _tensor_of(storage, offset, shape, strides, kind, metadata):
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise TypeError
    if not _sizes(offset, *shape, *strides) or len(shape) != len(strides):
        raise TypeError
    if len(shape) > MOST_AXES:
        raise ValueError(f"it has a tensor of {len(shape):,} axes, more than {MOST_AXES}")
    if metadata:  # negated or conjugated when it is read
        raise ValueError("it has a tensor that torch must change when it reads it. Save tensor.resolve_neg().")
    needed = (offset + _extent(shape, strides)) * _itemsize(kind)
    if math.prod(shape) and needed > storage.count * _itemsize(storage.dtype):
        raise ValueError(f"it has a tensor of shape {shape} that exceeds its storage of {storage.count:,} values")
    return StoredTensor(storage, kind, offset, shape, strides)


def _parameter(tensor, requires_grad, hooks, state=None):
    """Return the tensor of a torch.nn.Parameter."""
    if not isinstance(tensor, StoredTensor):
        raise TypeError
    return tensor


def _with_attributes(name, kind, arguments, state):
    """Return the tensor that has attributes, without these."""
    if name.function not in REBUILT.values():
        raise TypeError
    return name.function(*arguments)


def _ordered(items=()):
    """Return the dict for an OrderedDict; Python 2 passes its items."""
    for pair in items:  # check first: a list of few bytes can contain one long list many times
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
            raise TypeError
    return dict(items)


def _extent(shape, strides) -> int:
    """Return the number of values from the first to the last one of a tensor that is not empty."""
    return 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))


def _sizes(*values) -> bool:
    """Return whether all values are sizes, integers of at least 0."""
    return all(type(value) is int and 0 <= value < 2**63 for value in values)


def _itemsize(kind) -> int:
    return np.dtype(DTYPES[kind][0]).itemsize if kind in DTYPES else OTHERS[kind]


REBUILT = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_with_dtype,
}
# Objects that checkpoints have next to the state dict. They are accepted, but their contents are not read.
SKIPPED = (
    "argparse.Namespace",
    "torch.Size",
    "torch.device",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "_codecs.encode",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.frozenset",
    "builtins.set",
    "collections.deque",
)
PERMITTED = {
    **REBUILT,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _with_attributes,
    "collections.OrderedDict": _ordered,
    "collections.Counter": pickles.Skipped,
    "collections.defaultdict": pickles.Skipped,
    "torch.Tensor": None,
    "torch.nn.parameter.Parameter": None,
    **dict.fromkeys(f"builtins.{name}" for name in ("dict", "float", "int", "list", "str")),
    "torch.storage.UntypedStorage": None,
    **dict.fromkeys(f"torch.{name}" for name in STORAGES),
    **dict.fromkeys(f"torch.cuda.{name}" for name in STORAGES),
    **dict.fromkeys(f"torch.{name}" for name in (*DTYPES, *OTHERS)),
    **dict.fromkeys(SKIPPED, pickles.Skipped),
}
