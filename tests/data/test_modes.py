"""Every image mode: the mode and the header decide which value is white, never the pixels."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from minigooglenet import data
from minigooglenet.data import formats, photos

LEVELS = np.linspace(0, 65_535, 64).astype(np.uint16)[None].repeat(48, 0)
FLOATS, INTEGERS = "its pixels are floats", "its pixels are signed or 32-bit integers"


def _decoded(folder, content, name="image"):
    (folder / name).write_bytes(content)
    return np.asarray(photos.decode(folder / name, 10**7))


def _saved(values, kind, **options):
    stream = io.BytesIO()
    (values if isinstance(values, Image.Image) else Image.fromarray(values)).save(stream, kind, **options)
    return stream.getvalue()


def _tiff(values, *, bits=None, form=1, photometric=1, width=None):
    """Return an uncompressed TIFF of one channel with the bytes of `values` in their byte order."""
    order = ">" if values.dtype.byteorder == ">" else "<"
    pixels = values.tobytes()
    entries = {
        256: (4, width or values.shape[1]),
        257: (4, values.shape[0]),
        258: (3, bits or 8 * values.itemsize),
        259: (3, 1),
        262: (3, photometric),
        273: (4, 8),
        277: (3, 1),
        278: (4, values.shape[0]),
        279: (4, len(pixels)),
        339: (3, form),
    }
    file = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8 + len(pixels)) + pixels
    file += struct.pack(order + "H", len(entries))
    for tag, (kind, value) in entries.items():
        packed = struct.pack(order + ("HH" if kind == 3 else "L"), *((value, 0) if kind == 3 else (value,)))
        file += struct.pack(order + "HHL", tag, kind, 1) + packed
    return file + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("brightest", [255, 256, 4_095, 65_535])
def test_sixteen_bit_scale_ignores_brightest_pixel(tmp_path, order, brightest):
    values = np.full((8, 8), 200, np.uint16)
    values[0, 0] = brightest
    expected = values // 257
    for content in (_tiff(values.astype(order + "u2")), _saved(values, "PNG"), _saved(values, "TIFF")):
        assert np.array_equal(_decoded(tmp_path, content)[..., 0], expected)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_sixteen_bit_tiff_keeps_its_scale(tmp_path, order, compression):
    content = _saved(LEVELS.astype(order + "u2"), "TIFF", compression=compression)
    assert np.array_equal(_decoded(tmp_path, content)[..., 1], LEVELS // 257)


def test_sixteen_bit_tiff_with_white_zero_is_inverted(tmp_path):
    decoded = _decoded(tmp_path, _tiff(LEVELS.astype("<u2"), photometric=0))
    assert np.array_equal(decoded[..., 0], (65_535 - LEVELS.astype(int)) // 257)


def test_pgm_is_scaled_by_its_stated_maximum(tmp_path):
    for most, values in ((4_095, LEVELS >> 4), (65_535, LEVELS), (1_000, LEVELS.astype(int) * 1_000 // 65_535)):
        content = f"P5 64 48 {most}\n".encode() + values.astype(">u2").tobytes()
        decoded = _decoded(tmp_path, content)[..., 0]
        assert np.abs(decoded - values * 255.0 / most).max() <= 1


def test_packed_twelve_bit_tiff_is_scaled_by_its_stated_bits(tmp_path):
    values = LEVELS >> 4
    packed = np.zeros((48, 96), np.uint8)
    first, second = values[:, ::2], values[:, 1::2]
    packed[:, 0::3], packed[:, 1::3], packed[:, 2::3] = first >> 4, (first & 15) << 4 | second >> 8, second & 255
    decoded = _decoded(tmp_path, _tiff(packed, bits=12, width=64))[..., 0]
    assert np.array_equal(decoded, values.astype(int) * 255 // 4_095)


def test_sixteen_bit_colour_keeps_the_upper_byte(tmp_path):
    content = b"P6 64 48 65535\n" + np.stack([LEVELS] * 3, axis=2).astype(">u2").tobytes()
    assert np.abs(_decoded(tmp_path, content).astype(int) - (LEVELS >> 8)[..., None]).max() <= 1


@pytest.mark.parametrize("scale", [1, 255, 65_535])
def test_float_tiff_is_rejected_with_advice(tmp_path, scale):
    values = (LEVELS / np.float32(65_535) * scale).astype(np.float32)
    for content in (_saved(values, "TIFF"), _tiff(values.astype(">f4"), form=3)):
        with pytest.raises(data.BadImageError, match=f"{FLOATS}.*save it with 8 or 16 bits"):
            _decoded(tmp_path, content)


def test_float_pfm_is_rejected_with_advice(tmp_path):
    with pytest.raises(data.BadImageError, match=FLOATS):
        _decoded(tmp_path, b"Pf\n64 48\n-1.0\n" + LEVELS.astype("<f4").tobytes())


def test_signed_and_32_bit_integers_are_rejected_with_advice(tmp_path):
    for content in (
        _tiff(LEVELS.astype("<u4")),
        _tiff(LEVELS.astype(">i4"), form=2),
        _tiff((LEVELS // 2).astype("<i2"), form=2),
        _saved(LEVELS.astype(np.int32), "TIFF"),
    ):
        with pytest.raises(data.BadImageError, match=INTEGERS):
            _decoded(tmp_path, content)


def test_unreadable_tiff_is_named_in_the_error(tmp_path):
    with pytest.raises(data.BadImageError, match="it starts as TIFF, but its header is corrupt or of a variant"):
        _decoded(tmp_path, _tiff(LEVELS.astype("<f8"), form=3))


def test_heic_is_rejected_with_advice(tmp_path):
    with pytest.raises(data.BadImageError, match=r"it is HEIC, .*\. Convert it to JPEG or PNG first"):
        _decoded(tmp_path, struct.pack(">L", 24) + b"ftypheic" + bytes(16), "phone.jpg")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "LA", "PA", "RGBX", "HSV"])
def test_all_modes_of_8_bits_look_the_same(tmp_path, mode):
    grey, saved = Image.fromarray((LEVELS >> 8).astype(np.uint8)).convert("RGB"), 0
    if mode == "LAB":
        profiles = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
        image = ImageCms.applyTransform(grey, ImageCms.buildTransform(*profiles, "RGB", "LAB"))
    else:
        image = grey.convert(mode)
    for kind in ("TIFF", "PNG", "JPEG", "WEBP", "BMP", "GIF", "JPEG2000", "PPM"):
        if (kind, mode) == ("TIFF", "YCbCr"):  # Pillow 11.0 cannot read the file that it writes
            continue
        try:
            content = _saved(image, kind)
        except (OSError, ValueError):  # this format does not support this mode
            continue
        saved += 1
        blocks = _decoded(tmp_path, content).reshape(6, 8, 8, 8, 3).mean(axis=(1, 3))  # 1-bit images are dithered
        assert np.abs(blocks - np.asarray(grey).reshape(6, 8, 8, 8, 3).mean(axis=(1, 3))).max() < 12, kind
    assert saved


def test_alpha_multiplied_into_grey_or_colour_is_divided_out():
    for mode, whole in (("La", (100, 128)), ("RGBa", (100, 50, 0, 128))):
        image = Image.new(mode, (2, 2), whole)
        colour = np.asarray(photos.modes.to_rgb(image))[0, 0]
        expected = [min(255, round(v * 255 / 128)) for v in (whole[:3] if mode == "RGBa" else whole[:1] * 3)]
        assert np.abs(colour - expected).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_first_of_several_frames_is_used(tmp_path, kind):
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    content = _saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(_decoded(tmp_path, content).reshape(-1, 3).mean(axis=0) - (255, 0, 0)).max() < 4


@pytest.mark.skipif("AVIF" not in formats.readable() or "AVIF" not in Image.SAVE, reason="this Pillow has no AVIF")
def test_avif_is_read_if_pillow_supports_it(tmp_path):
    assert np.abs(_decoded(tmp_path, _saved(Image.new("RGB", (40, 30), "red"), "AVIF")) - [255, 0, 0]).max() < 6


def test_prepare_rejects_image_of_unknown_scale():
    with pytest.raises(ValueError, match=FLOATS):
        data.prepare(Image.fromarray(LEVELS.astype(np.float32)))
    with pytest.raises(ValueError, match=INTEGERS):
        data.prepare(Image.fromarray(LEVELS.astype(np.int32)))
