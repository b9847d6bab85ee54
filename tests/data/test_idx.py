"""The idx format: plain and compressed files, wrong headers, truncated files, and files that declare too much."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.data import idx


def encoded(array, kind=8):
    """Return an array as the bytes of an idx file."""
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "images"


@given(st.lists(st.integers(1, 5), min_size=3, max_size=3), st.booleans(), st.integers(0, 99))
def test_written_images_are_read_back(tmp_path_factory, shape, compressed, seed):
    images = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    path = tmp_path_factory.mktemp("idx") / "images.gz"  # the content decides, not the suffix
    path.write_bytes(gzip.compress(encoded(images)) if compressed else encoded(images))
    assert np.array_equal(idx.read(path, 3), images)


def test_labels_have_one_axis(path):
    path.write_bytes(encoded(np.array([3, 1, 2], np.uint8)))
    assert idx.read(path, 1).tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encoded(IMAGES[0, 0]), r"starts with 00 00 08 01, not 00 00 08 03: it has labels instead of images"),
        (encoded(IMAGES[0]), "it has arrays of 2 axes instead of images"),
        (encoded(IMAGES, kind=13), "00 00 0d 03, not 00 00 08 03: its values are not unsigned bytes"),
        (b"\x89PNG and more", "it starts with 89 50 4e 47, not 00 00 08 03"),
        (b"", "it starts with nothing"),
        (encoded(IMAGES)[:9], "it ends within its header, which has 16 bytes"),
        (
            encoded(IMAGES)[:-1],
            "its header declares 2 x 3 x 4 = 24 bytes, but the file is too small|but only 23 follow",
        ),
        (encoded(IMAGES) + b"\0", "its header declares 2 x 3 x 4 = 24 bytes, but more follow"),
        (encoded(IMAGES[:0]), "its header declares 0 x 3 x 4 values, so it is empty"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "more than the limit of 1,073,741,824"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 1000, 1000, 1000), "but the file is too small for them"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_wrong_file_is_rejected_with_its_fault(path, content, reason, compressed):
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(ValueError, match=rf"cannot read .* as an idx file: .*(?:{reason})"):
        idx.read(path, 3)


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:15], lambda b: b[:-5] + b"\0" + b[-4:]])
def test_corrupt_compressed_file_is_rejected(path, damage):
    path.write_bytes(damage(gzip.compress(encoded(np.zeros((9, 50, 50), np.uint8)))))
    with pytest.raises(ValueError, match=r"cannot read .* as an idx file"):
        idx.read(path, 3)


def test_bomb_is_read_only_as_far_as_declared(path):
    content = encoded(IMAGES) + bytes(50_000_000)
    path.write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match="24 bytes, but more follow"):
        idx.read(path, 3)


def test_pipe_or_folder_is_not_an_idx_file(tmp_path):
    with pytest.raises(OSError, match="it is a folder, not a file"):
        idx.read(tmp_path, 3)
