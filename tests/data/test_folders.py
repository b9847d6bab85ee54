"""Image folders: classes, the split, and all kinds of files that users have in them."""

import contextlib
import io
import os
import shutil
import socket
import struct
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigooglenet import data
from minigooglenet.data import photos

RED, BLUE = (200, 30, 30), (30, 30, 200)


def _save(path, colour=RED, size=(40, 30), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path, **options)
    return path


def _two_classes(folder, count=5):
    for i in range(count):
        _save(folder / "red" / f"{i}.png", RED)
        _save(folder / "blue" / f"{i}.jpg", BLUE)
    return folder


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _bomb(path, width, height):
    """Write a PNG of a few bytes that declares width x height pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b""))


def _inputs(dataset):
    """Return {name: input} of the usable images."""
    inputs = {}
    for batch in data.batches(dataset, np.arange(len(dataset)), 4, workers=2):
        inputs |= {dataset.name(i): x for i, x in zip(batch.indices, batch.x, strict=True)}
    return inputs


def test_image_folder_finds_classes_and_holds_images_out(tmp_path):
    train, test = data.image_folder(_two_classes(tmp_path, 10), 16)
    assert train.classes == test.classes == ("blue", "red")
    assert len(train) + len(test) == 20
    assert np.bincount(test.labels).tolist() == [2, 2]  # the same names in both classes
    assert train.labels.dtype == np.int64
    assert set(train.files) & set(test.files) == set()
    assert {name.split("/")[0] == "red" for name, label in zip(train.files, train.labels, strict=True) if label} == {
        True
    }
    again = data.image_folder(tmp_path, 16)
    assert (again.train.files, again.test.files) == (train.files, test.files)


def test_image_becomes_its_mean_subtracted_centre(tmp_path):
    train, _ = data.load(_two_classes(tmp_path), 16)
    x = _inputs(train)
    assert len(x) == len(train)
    name = next(name for name in train.files if name.startswith("red"))
    assert x[name].shape == train.shape == (3, 16, 16)
    assert x[name][:, 3, 5].tolist() == [200 - 123, 30 - 117, 30 - 104]
    assert train.skipped == {}


def test_folder_has_size_224_and_no_augmentation_by_default(tmp_path):
    plain = data.load(_two_classes(tmp_path))
    assert (plain.train.shape, plain.train.augment) == ((3, 224, 224), None)
    split = data.load(str(tmp_path), 20, augment=True)
    assert split.test.augment is None
    one, other = (next(data.batches(split.train, [0], 1, seed=0, epoch=epoch)).x for epoch in (0, 1))
    assert one.shape == (1, 3, 20, 20)
    assert not np.array_equal(one, other)


def test_training_folder_without_held_out_folder_is_split(tmp_path):
    train, test = data.image_folder(_two_classes(tmp_path / "train").parent, 16)
    assert (len(train), len(test)) == (8, 2)


def test_class_can_be_named_train(tmp_path):
    for i in range(2):
        _save(tmp_path / "train" / f"{i}.png")
        _save(tmp_path / "bus" / f"{i}.png")
    assert data.image_folder(tmp_path, 16).train.classes == ("bus", "train")


def test_unusable_folders_are_rejected_with_the_reason(tmp_path):
    with pytest.raises(ValueError, match=r"has no subfolders\. Put the images into one folder per class"):
        data.image_folder(tmp_path)
    _save(tmp_path / "red" / "1.png")
    _save(tmp_path / "red" / "2.png")
    with pytest.raises(ValueError, match="has only one class, 'red'"):
        data.image_folder(tmp_path)
    (tmp_path / "blue").mkdir()
    (tmp_path / "blue" / "notes.txt").write_text("later", encoding="utf-8")
    with pytest.raises(ValueError, match="has classes without images: blue"):
        data.image_folder(tmp_path)
    _save(tmp_path / "blue" / "1.png")
    with pytest.raises(ValueError, match=r"class 'blue' of .* has 1 image, but needs at least 2"):
        data.image_folder(tmp_path)
    names = "'digits', 'shapes', 'cifar10', 'mnist', 'fashion-mnist'"
    with pytest.raises(ValueError, match=f"data must be {names} or an existing folder, got 'shape'"):
        data.load("shape")


def test_held_out_folder_with_other_classes_is_rejected(tmp_path):
    _two_classes(tmp_path / "train", 2)
    _save(tmp_path / "val" / "green" / "1.png")
    with pytest.raises(ValueError, match=r"has classes that .* lacks: green"):
        data.image_folder(tmp_path)
    _save(tmp_path / "val" / "green" / "1.png").unlink()
    (tmp_path / "val" / "green").rename(tmp_path / "val" / "red")
    with pytest.raises(ValueError, match="val has no images"):
        data.image_folder(tmp_path)


def _hostile(folder):
    """Fill a class with unusable files; return {name: part of the reason}."""
    folder.mkdir(parents=True)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8))
    for name in ("truncated.jpg", "truncated.png", "truncated.webp", "truncated.gif"):
        noise.save(folder / name)
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
    noise.save(folder / "corrupt.png")
    whole = bytearray((folder / "corrupt.png").read_bytes())
    whole[200:300] = bytes(100)
    (folder / "corrupt.png").write_bytes(whole)
    (folder / "text.jpg").write_text("not an image", encoding="utf-8")
    (folder / "program.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", encoding="utf-8")
    (folder / "empty.jpg").write_bytes(b"")
    _bomb(folder / "bomb.png", 100_000, 100_000)
    _bomb(folder / "large.png", 12_000, 8_000)  # Pillow would only warn
    Image.new("1", (8_000, 7_000)).save(folder / "white.png")  # a valid image: 56 million pixels in few bytes
    assert (folder / "white.png").stat().st_size < 20_000
    return {
        **dict.fromkeys(("truncated.jpg", "truncated.png", "truncated.webp", "truncated.gif", "corrupt.png"), ""),
        **dict.fromkeys(("text.jpg", "program.png"), "it is not an image in one of these formats: JPEG, PNG"),
        "empty.jpg": "the file is empty",
        "bomb.png": "it declares more than 50,000,000 pixels",
        "large.png": "",
        "white.png": "declares 8000 x 7000 pixels, more than 50,000,000",
    }


@pytest.mark.parametrize("warned", ["error", "ignore"])
def test_bad_files_are_skipped_and_listed(tmp_path, warned):
    _two_classes(tmp_path / "train", 3)
    reasons = _hostile(tmp_path / "train" / "bad")
    _save(tmp_path / "train" / "bad" / "good.png")
    _two_classes(tmp_path / "val", 1)
    with warnings.catch_warnings():
        warnings.simplefilter(warned)
        train, _ = data.image_folder(tmp_path, 16)
        inputs = _inputs(train)
    assert set(inputs) == {"bad/good.png", *(f for f in train.files if not f.startswith("bad"))}
    assert set(train.skipped) == {f"bad/{name}" for name in reasons}
    for name, reason in reasons.items():
        assert reason in train.skipped[f"bad/{name}"]
        assert train.skipped[f"bad/{name}"]
    with pytest.raises(data.BadImageError) as raised:
        train.image(train.files.index("bad/empty.jpg"))
    assert raised.value.__notes__ == [str(tmp_path / "train" / "bad" / "empty.jpg")]


def test_images_of_unusual_formats_are_used(tmp_path):
    _two_classes(tmp_path / "train", 1)
    odd = tmp_path / "train" / "odd"
    values = np.full((30, 40), 51_400, np.uint16)
    odd.mkdir()
    Image.fromarray(values).save(odd / "deep.png")
    _save(odd / "print.jpg", mode="CMYK", quality=95)
    _save(odd / "grey.jpg", mode="L", quality=95)
    _save(odd / "bits.png", mode="1")
    _save(odd / "clear.png", mode="RGBA")
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, BLUE)]
    frames[0].save(odd / "moving.gif", save_all=True, append_images=frames[1:])
    palette = Image.new("RGB", (40, 30), RED).convert("P")
    palette.save(odd / "palette.png", transparency=bytes([0, 128, 255]))
    _save(odd / "UPPER.JPEG", quality=95)
    _save(odd / "wide.png", size=(3000, 1))
    _save(odd / "dot.png", size=(1, 1))
    train, _ = data.image_folder(_two_classes(tmp_path / "val", 1).parent, 16)
    middles = {name[4:]: x[:, 8, 8] + (123, 117, 104) for name, x in _inputs(train).items() if name.startswith("odd")}
    assert train.skipped == {}
    assert set(middles) == {path.name for path in odd.iterdir()}
    assert middles["deep.png"].tolist() == [200] * 3
    for name in ("moving.gif", "palette.png", "clear.png", "UPPER.JPEG", "print.jpg", "wide.png", "dot.png"):
        assert np.abs(middles[name] - RED).max() < 6, name


def test_other_entries_are_skipped_when_listing(tmp_path):
    _two_classes(tmp_path)
    (tmp_path / "red" / "folder.jpg").mkdir()
    (tmp_path / "red" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "red" / ".hidden.jpg").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    (tmp_path / "readme.txt").write_text("", encoding="utf-8")
    train, test = data.image_folder(tmp_path)
    assert train.classes == ("blue", "red")
    assert len(train) + len(test) == 10
    assert train.skipped == {
        "red/folder.jpg": "it is a folder; images must be directly in the folder of their class",
        "red/Thumbs.db": "its name does not have the suffix of an image",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and links without special rights")
def test_pipes_sockets_and_broken_links_are_skipped_with_the_reason(tmp_path, monkeypatch):
    _two_classes(tmp_path)
    os.mkfifo(tmp_path / "red" / "pipe.jpg")
    (tmp_path / "red" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "red" / "self.jpg").symlink_to("self.jpg")
    with socket.socket(socket.AF_UNIX) as unix:
        monkeypatch.chdir(tmp_path)  # the name of a socket must be short
        unix.bind("red/socket.jpg")
        train, _ = data.image_folder(tmp_path)
    advice = "not a file. Save its content to a file first."
    assert train.skipped == {
        "red/pipe.jpg": f"it is a pipe, {advice}",
        "red/socket.jpg": f"it is a socket, {advice}",
        "red/gone.jpg": "it is a link to nothing",
        "red/self.jpg": "it is a link that leads back to itself",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_to_the_folder_itself_end(tmp_path):
    _two_classes(tmp_path)
    (tmp_path / "red" / "up").symlink_to(tmp_path)
    train, test = data.image_folder(tmp_path)
    assert len(train) + len(test) == 10
    assert "it is a folder" in train.skipped["red/up"]
    (tmp_path / "train").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="train"):
        data.image_folder(tmp_path)


def test_vanished_and_unreadable_files_are_skipped(tmp_path, monkeypatch):
    train, _ = data.image_folder(_two_classes(tmp_path), 16)
    gone, shut = train.files[:2]
    (tmp_path / gone).unlink()
    opened = Image.open

    def refusing(path, **options):
        if path == tmp_path / shut:
            raise PermissionError(13, "permission denied", str(path))
        return opened(path, **options)

    monkeypatch.setattr(photos.Image, "open", refusing)
    assert len(_inputs(train)) == len(train) - 2
    assert train.skipped == {gone: "no such file or directory", shut: "permission denied"}


def test_vanished_folder_is_an_error(tmp_path):
    train, _ = data.image_folder(_two_classes(tmp_path), 16)
    shutil.rmtree(tmp_path / "red")
    with pytest.raises(FileNotFoundError, match=r"the folder of the images has disappeared\. Put it back: .*red"):
        _inputs(train)


def test_file_that_exceeds_the_memory_is_skipped(tmp_path, monkeypatch):
    train, _ = data.image_folder(_two_classes(tmp_path), 16)

    def failing(image):
        raise MemoryError

    monkeypatch.setattr(photos.modes, "to_rgb", failing)
    assert _inputs(train) == {}
    assert set(train.skipped.values()) == {"MemoryError"}


def test_pixel_limit_can_be_chosen(tmp_path):
    train, _ = data.image_folder(_two_classes(tmp_path), 16, most_pixels=40 * 30 - 1)
    assert _inputs(train) == {}
    assert train.skipped[train.files[0]] == "it declares 40 x 30 pixels, more than 1,199; make it smaller first"


def test_large_image_is_reduced_and_looks_the_same(tmp_path):
    ramp = np.linspace(0, 255, 1600).astype(np.uint8)[None, :, None].repeat(1200, 0).repeat(3, 2)
    for name in ("1.jpg", "1.png", "2.jpg"):
        (tmp_path / "red").mkdir(exist_ok=True)
        Image.fromarray(ramp).save(tmp_path / "red" / name)
    _save(tmp_path / "blue" / "1.png")
    _save(tmp_path / "blue" / "2.png")
    train, test = data.image_folder(tmp_path, 64)
    by_name = {name: (one, i) for one in (train, test) for i, name in enumerate(one.files)}
    jpeg, png = ((one.image(i), one.load(i)) for one, i in (by_name["red/1.jpg"], by_name["red/1.png"]))
    assert jpeg[0].shape == (3, 150, 200)
    assert png[0].shape == (3, 134, 178)  # divided by 9, so that both sides are at least 2 x 64
    assert np.abs(jpeg[1] - png[1]).max() < 3


@given(st.data())
def test_corrupt_bytes_raise_only_bad_image_errors(draw):
    kind = draw.draw(st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "PPM"]))
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if kind in ("JPEG", "PNG", "TIFF", "WEBP") else {}
    Image.effect_mandelbrot((32, 24), (-2, -1, 1, 1), 20).convert("RGB").save(stream, kind, **options)
    content = bytearray(stream.getvalue())
    for _ in range(draw.draw(st.integers(1, 8))):
        content[draw.draw(st.integers(0, len(content) - 1))] = draw.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed"
        path.write_bytes(content[: draw.draw(st.integers(0, len(content)))])
        with contextlib.suppress(data.BadImageError):
            assert photos.decode(path, 1_000_000, 16).mode == "RGB"
