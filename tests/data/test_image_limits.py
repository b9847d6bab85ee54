"""Image files with large demands are rejected by their header; converting large images in bands changes no pixel."""

import struct

import image_bombs
import numpy as np
import pytest
from image_bombs import IMAGES, jpeg_scans, noise
from PIL import Image

from minigooglenet import data
from minigooglenet.data import image_headers, image_limits, photos, tiff_tags, upright

REJECTED = {
    "a PNG of one row": "149000000 x 1 pixels, which need 4,619,001,045 bytes to decode",
    "a PNG of one column": "1 x 100000000 pixels, which need",
    "a PNG that is narrow": "50 x 2900000 pixels, which need 1,107,802,213 bytes",
    "a JPEG of 1,500 scans": "at least 101 scans of 3000 x 3000 pixels, more than 100 scans",
    "a progressive JPEG, truncated": "12200 x 12200 pixels, which need 902,684,100 bytes to decode",
    "a JPEG whose EXIF overlaps": "entries of 3,200,000,000 bytes in a file of",
    "a JPEG of segments": "at least 10,001 segments, more than 10,000",
    "a JPEG with junk": "bytes between two segments, more than 65,536",
    "a JPEG 2000 of 65,025 tiles": "255 x 255 pixels, which need 702,",
    "a JPEG 2000 of 16,384 components": "16,384 components, more than 4",
    "a JPEG 2000 of small precincts": "5000 x 5000 pixels, which need 10,",
    "a JPEG 2000 of 144 million pixels": "12000 x 12000 pixels, which need 3,253,156,921 bytes",
    "a TIFF whose entries overlap": "entries of 3,200,000,000 bytes in a file of 908,122, more than 67,108,864",
    "a TIFF with one large tile": "8 x 8 pixels, which need 7,200,",
    "a TIFF with one strip": "12000 x 12000 pixels, which need 864,672,500 bytes",
    "a TIFF of 900,000 strips": "900,000 strips or tiles, more than 100,000",
    "a WebP with a large canvas": "16000 x 9000 pixels, which need",
    "a BMP that skips rows": "140000000 x 1 pixels, which need",
    "a PPM with a long comment": "a header of more than 65,536 bytes",
    "an AVIF with a large frame": "12000 x 12000 pixels, which need",
}
TRANSPOSITIONS = (None, *Image.Transpose)


@pytest.mark.parametrize("name", [name for name in REJECTED if name in IMAGES])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_headers_reject_small_files_with_large_demands(name, tmp_path):
    (tmp_path / "image").write_bytes(IMAGES[name]())
    with pytest.raises(data.BadImageError, match=REJECTED[name]):
        photos.decode(tmp_path / "image", 150_000_000, 64)


def test_whole_images_have_a_lower_limit_than_reduced_ones():
    sides, demand = (10_000, 10_000), image_limits.Demand()
    assert image_limits.memory(sides, sides, "RGB", "PNG", demand, whole=False) < image_limits.MOST_BYTES
    with pytest.raises(data.BadImageError, match=r"700,560,000 bytes to decode .7 bytes per pixel"):
        image_limits.memory(sides, sides, "RGB", "PNG", demand, whole=True)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_ordinary_jpeg_scans_are_counted(options, tmp_path):
    noise((40, 60, 3)).save(tmp_path / "a.jpg", **options)
    per_pixel = image_headers.demand(tmp_path / "a.jpg").per_pixel
    assert per_pixel == (3.0 if "progressive" in options else 0)  # 4:2:0, two bytes for each of 1.5 samples


def test_scans_times_pixels_are_limited(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg_scans(20, 32))
    assert photos.decode(path, 10_000).size == (32, 32)
    monkeypatch.setattr(image_headers, "MOST_SCANNED", 20 * 32 * 32)
    with pytest.raises(data.BadImageError, match=r"at least 21 scans of 32 x 32 pixels.* 20,480 pixels in total"):
        photos.decode(path, 10_000)


def test_marker_inside_a_comment_does_not_end_the_scan_count(tmp_path):
    content = jpeg_scans(1, 32)
    last = content.rindex(b"\xff\xda")
    comment = b"\xff\xfe\0\4\xff\xd9"  # its content looks like an end-of-image marker
    path = tmp_path / "a.jpg"
    path.write_bytes(content[:last] + (comment + content[last:-2]) * 150 + b"\xff\xd9")
    with pytest.raises(data.BadImageError, match="at least 101 scans"):
        photos.decode(path, 10_000)


def test_png_texts_count_as_unpacked(tmp_path):
    for count, accepted in ((40, True), (70, False)):
        before = [(b"zTXt", b"k%d\0\0" % i + bytes(1_000)) for i in range(count)]
        (tmp_path / "a.png").write_bytes(image_bombs.png(8, 8, before=before))
        least = count * 1_000 * image_headers.DEFLATE
        if accepted:
            assert image_headers.demand(tmp_path / "a.png").fixed >= least
        else:
            with pytest.raises(data.BadImageError, match="when decompressed, more than"):
                image_headers.demand(tmp_path / "a.png")


def test_tiff_entries_are_added_up_in_both_byte_orders_and_sizes():
    for order, start in (("<", b"II"), (">", b"MM")):
        plain = start + struct.pack(order + "HLH", 42, 8, 2) + struct.pack(order + "HHLL", 1, 7, 1000, 0) * 2
        big = start + struct.pack(order + "HHHQQ", 43, 8, 0, 16, 1) + struct.pack(order + "HHQQ", 1, 12, 1000, 0)
        for content, expected in ((plain, 2_000), (big, 8_000)):
            assert tiff_tags.total(lambda at, n, content=content: content[at : at + n], len(content)) == expected


@pytest.mark.parametrize("transposition", TRANSPOSITIONS)
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "I;16"])
def test_bands_give_the_same_pixels_as_the_whole_image(mode, transposition, monkeypatch):
    image = Image.effect_noise((37, 53), 90) if mode != "I;16" else None
    if image is None:
        values = np.random.default_rng(0).integers(0, 65_536, (53, 37)).astype(np.uint16)
        image = Image.fromarray(values)
        image.format = "PNG"
    else:
        image = Image.merge("RGB", [image, image.rotate(180), image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)])
        image = image.convert(mode)
    for factor in (1, 2, 5):
        monkeypatch.undo()
        whole = upright.convert(image, transposition, factor)
        monkeypatch.setattr(upright, "BAND", 150)
        banded = upright.convert(image, transposition, factor)
        assert np.array_equal(np.asarray(whole), np.asarray(banded)), factor
        for channels in ("RGB", "L"):
            values = upright.values(banded, channels)
            assert np.array_equal(values, np.asarray(whole.convert(channels)))


def test_only_large_images_are_decoded_one_at_a_time():
    assert image_limits.decoding_lock(image_limits.LARGE + 1) is image_limits.decoding_lock(2 * image_limits.LARGE)
    with image_limits.decoding_lock(image_limits.LARGE), image_limits.decoding_lock(100):
        pass
