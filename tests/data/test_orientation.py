"""The orientation of an image file is orientation even if the rest of its EXIF block is corrupt."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from minigooglenet.data import photos
from minigooglenet.data.orientation import _of_exif, transposition

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
SIX = (0x112, 3, 1, struct.pack("<HH", 6, 0))
FAR = struct.pack("<L", 0x7FFFFFFF)
BEFORE_AND_AFTER = {
    "text outside the block": (0x10F, 2, 100, FAR),
    "endless text": (0x10F, 2, 0xFFFFFFFF, struct.pack("<L", 8)),
    "unknown type": (0x10F, 99, 1, bytes(4)),
    "fraction outside the block": (0x11A, 5, 1, FAR),
    "wrong type": (0x8298, 3, 1, struct.pack("<HH", 5, 0)),
    "sub-directory outside the block": (0x8769, 4, 1, FAR),
    "sub-directory that is its own parent": (0x8769, 4, 1, struct.pack("<L", 8)),
}


def _exif(*entries):
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHL4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + body + bytes(4)


def _jpeg(exif):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG", quality=95)
    plain = stream.getvalue()
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]


@pytest.mark.filterwarnings("ignore::UserWarning")  # from Pillow, which reads the resolution in the block
@pytest.mark.parametrize("name", BEFORE_AND_AFTER)
def test_bad_exif_entry_keeps_image_and_orientation(tmp_path, name):
    for entries in ((BEFORE_AND_AFTER[name], SIX), (SIX, BEFORE_AND_AFTER[name])):
        (tmp_path / "x.jpg").write_bytes(_jpeg(_exif(*entries)))
        assert photos.decode(tmp_path / "x.jpg", 10**6).size == (20, 30)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0\x12\x34garbage",
        b"Exif\0\0II*\0\x08\0\0\0\x05",
        b"Exif\0\0II*\0" + FAR,
        _exif((0x112, 3, 0xFFFFFFFF, struct.pack("<HH", 6, 0))),
        _exif((0x112, 2, 2, b"6\0\0\0")),
        _exif((0x112, 3, 1, struct.pack("<HH", 9, 0))),
        _exif((0x112, 3, 1, bytes(4))),
    ],
)
def test_exif_without_orientation_keeps_the_image(tmp_path, exif):
    (tmp_path / "x.jpg").write_bytes(_jpeg(exif))
    decoded = np.asarray(photos.decode(tmp_path / "x.jpg", 10**6)).astype(int)
    assert decoded.shape == PIXELS.shape


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_becomes_upright(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(PIXELS).save(path, exif=exif.tobytes())
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(np.asarray(photos.decode(path, 10**6)), expected)


def test_orientation_is_read_from_other_metadata():
    upside_down = Image.Transpose.ROTATE_180
    big = b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHLHH", 0x112, 3, 1, 3, 0) + bytes(4)
    for info in (
        {"exif": big},
        {"Raw profile type exif": f"\nexif\n{len(big):8}\n{big.hex()}\n"},
        {"XML:com.adobe.xmp": '<rdf tiff:Orientation="3"/>'},
        {"xmp": b"<tiff:Orientation>3</tiff:Orientation>"},
    ):
        image = Image.new("RGB", (2, 2))
        image.info = info
        assert transposition(image) == upside_down
    image.info = {"Raw profile type exif": "\nexif\n 3\nxyz"}
    assert transposition(image) is None


@given(st.binary(max_size=60))
def test_any_bytes_have_an_orientation_or_none(content):
    for start in (b"", b"II*\0\x08\0\0\0", b"Exif\0\0MM\0*\0\0\0\x08"):
        orientation = _of_exif(start + content)
        assert orientation is None or 0 <= orientation < 2**32
