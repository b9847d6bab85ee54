"""What a photograph loses on its way into a network is reported, and a photograph that loses nothing is not."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from minigooglenet.viewer.conversions import conversions

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
RGB = Image.fromarray(PIXELS)


def with_alpha(value):
    """Return the image with an alpha of `value` in 12 of its 600 pixels."""
    image = RGB.convert("RGBA")
    image.putalpha(Image.fromarray(np.where(np.arange(600).reshape(20, 30) < 12, value, 255).astype(np.uint8)))
    return image


def profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


@pytest.mark.parametrize(
    ("name", "image", "options"),
    [
        ("plain.jpg", RGB, {}),
        ("opaque.png", with_alpha(255), {}),
        ("palette.png", RGB.quantize(), {}),
        ("grey.png", RGB.convert("L"), {}),
        ("profile.png", RGB, {"icc_profile": profile("sRGB")}),
        ("rotated.jpg", RGB, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"}),
    ],
)
def test_photograph_that_loses_nothing_has_no_note(tmp_path, name, image, options):
    image.save(tmp_path / name, **options)
    assert conversions(tmp_path / name, name) == []


@pytest.mark.parametrize(
    ("name", "image", "options", "note"),
    [
        ("alpha.png", with_alpha(0), {}, "alpha.png is transparent in 2% of its pixels."),
        ("alpha.webp", with_alpha(100), {"lossless": True}, "alpha.webp is transparent in 2% of its pixels."),
        ("grey.png", with_alpha(0).convert("LA"), {}, "grey.png is transparent in 2% of its pixels."),
        ("one.png", Image.fromarray(np.eye(20, dtype=np.uint8)), {"transparency": 1}, "transparent in 5% of its"),
        ("palette.gif", RGB.quantize(2), {"transparency": 0}, "palette.gif is transparent in "),
        ("deep.png", Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)), {}, "more than 8 bits"),
        ("cmyk.jpg", RGB.convert("CMYK"), {}, "cmyk.jpg has CMYK colours"),
        ("wide.png", RGB, {"icc_profile": b"Display P3" * 20}, "a colour profile other than sRGB, which is not"),
        ("moving.gif", RGB, {"save_all": True, "append_images": [RGB.rotate(90)]}, "The page shows number 1."),
        ("pages.tif", RGB, {"save_all": True, "append_images": [RGB.rotate(90)]}, "The page shows number 1."),
    ],
)
def test_photograph_that_loses_something_has_one_note(tmp_path, name, image, options, note):
    image.save(tmp_path / name, **options)
    (found,) = conversions(tmp_path / name, name)
    assert note in found


def test_sixteen_bits_of_colour_are_recognised(tmp_path):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.tobytes() for row in (257 * PIXELS.astype(">u2")))
    parts = chunk(b"IHDR", struct.pack(">IIBBBBB", 30, 20, 16, 2, 0, 0, 0)), chunk(b"IDAT", zlib.compress(rows))
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b""))
    assert conversions(tmp_path / "deep.png", "it") == ["it has more than 8 bits per channel. The network gets 8."]


def test_pillow_image_that_was_not_rotated_is_reported(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    RGB.save(tmp_path / "phone.jpg", exif=exif)
    with Image.open(tmp_path / "phone.jpg") as image:
        (note,) = conversions(image, "image")
    assert note.startswith("image records that it must be rotated, and the page shows it as it is.")
    assert conversions(PIXELS, "image") == []
