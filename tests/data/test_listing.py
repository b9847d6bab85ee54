"""Which files of a class are images: suffixes, names without a suffix, system files, links and Unicode forms."""

import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image

from minigooglenet import data
from minigooglenet.data import listing
from minigooglenet.data.formats import SUFFIXES

NFC, NFD = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))


def _save(path, kind="PNG", seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(path, kind)
    return path


def _forms_differ(folder):
    (folder / NFC).mkdir(parents=True)
    return not (folder / NFD).exists()  # on macOS both names are the same folder


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_suffix_counts_in_any_capitals(tmp_path, suffix):
    for number, name in enumerate((suffix, suffix.upper(), suffix.capitalize())):
        _save(tmp_path / "cat" / f"{number}{name}")
    images, skipped = listing.listed(tmp_path)
    assert (len(images["cat"]), skipped) == (3, {})


def test_jfif_and_jpe_are_decoded(tmp_path):
    for name in ("a.jfif", "b.JPE", "c.JPEG", "d.jif"):
        _save(tmp_path / "cat" / name, "JPEG")
        _save(tmp_path / "dog" / name, "JPEG")
    split = data.image_folder(tmp_path, 8)
    assert len(split.train) + len(split.test) == 8
    assert all(part.load(index).shape == (3, 8, 8) for part in split for index in range(len(part)))


def test_name_without_suffix_is_decided_by_content(tmp_path):
    for name, kind in (("photo", "JPEG"), ("icon", "PNG"), ("moving", "GIF"), ("web", "WEBP")):
        _save(tmp_path / "cat" / name, kind)
    (tmp_path / "cat" / "README").write_text("not an image", encoding="utf-8")
    (tmp_path / "cat" / "nothing").write_bytes(b"")
    images, skipped = listing.listed(tmp_path)
    assert images["cat"] == [f"cat/{name}" for name in ("icon", "moving", "photo", "web")]
    assert skipped == dict.fromkeys(("cat/README", "cat/nothing"), "its name does not have the suffix of an image")


def test_other_suffix_is_skipped_and_listed_even_for_an_image(tmp_path):
    _save(tmp_path / "cat" / "a.jpg_large", "JPEG")
    _save(tmp_path / "cat" / "b.png~")
    (tmp_path / "cat" / "c.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(9))
    (tmp_path / "cat" / "desktop.ini").write_text("[x]", encoding="utf-8")
    images, skipped = listing.listed(tmp_path)
    assert images["cat"] == []
    assert {name: reason.partition("starts as ")[2] for name, reason in skipped.items()} == {
        "cat/a.jpg_large": "JPEG. Rename or convert it.",
        "cat/b.png~": "PNG. Rename or convert it.",
        "cat/c.heic": "HEIC. Rename or convert it.",
        "cat/desktop.ini": "",
    }


def test_hidden_and_system_entries_are_ignored(tmp_path):
    for name in ("cat", "dog"):
        _save(tmp_path / name / "1.png")
        _save(tmp_path / name / "2.png")
        _save(tmp_path / name / "._1.png")
        (tmp_path / name / ".DS_Store").write_bytes(b"x")
    for name in ("__MACOSX/cat", "@eaDir", ".git", "System Volume Information"):
        (tmp_path / name).mkdir(parents=True)
    train, test = data.image_folder(tmp_path, 8)
    assert (train.classes, len(train) + len(test), train.skipped) == (("cat", "dog"), 4, {})


def test_both_unicode_forms_of_a_class_are_one_class(tmp_path):
    for part, form in (("train", NFC), ("val", NFD)):
        _save(tmp_path / part / form / "1.png")
        _save(tmp_path / part / "tea" / "1.png")
    train, test = data.image_folder(tmp_path, 8)
    assert train.classes == test.classes == (NFC, "tea")
    assert test.labels.tolist() == [0, 1]
    assert test.load(0).shape == (3, 8, 8)


def test_class_folders_of_both_unicode_forms_are_merged(tmp_path):
    if not _forms_differ(tmp_path):
        pytest.skip("this file system has one form")
    _save(tmp_path / NFC / "1.png")
    _save(tmp_path / NFD / "2.png")
    _save(tmp_path / NFC / f"{NFC}.png")
    _save(tmp_path / NFC / f"{NFD}.png")
    images, skipped = listing.listed(tmp_path)
    assert list(images) == [NFC]
    assert len(images[NFC]) == 3
    (reason,) = skipped.values()
    assert reason.endswith("in another Unicode form")


def test_folder_digest_ignores_the_unicode_form(tmp_path):
    digests = set()
    for form in (NFC, NFD):
        for name in ("cat", form):
            _save(tmp_path / form / "root" / name / f"{form}.png")
            _save(tmp_path / form / "root" / name / "1.png")
        split = data.image_folder(tmp_path / form / "root", 8)
        digests.add((split.train.digest(), split.test.digest()))
    assert len(digests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs links without special rights")
def test_links_to_images_and_classes_are_followed(tmp_path):
    _save(tmp_path / "store" / "1.png")
    (tmp_path / "set" / "cat").mkdir(parents=True)
    (tmp_path / "set" / "cat" / "1.png").symlink_to(tmp_path / "store" / "1.png")
    (tmp_path / "set" / "dog").symlink_to(tmp_path / "store", target_is_directory=True)
    (tmp_path / "set" / "cat" / "loop.png").symlink_to("loop.png")
    (tmp_path / "set" / "loop").symlink_to("loop")
    images, skipped = listing.listed(tmp_path / "set")
    assert images == {"cat": ["cat/1.png"], "dog": ["dog/1.png"]}
    assert skipped == {"cat/loop.png": "it is a link that leads back to itself"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("name", ["two words", " leading", "a\u4e2d\u6587", 'comma, quote"', "back\\slash"])
def test_unusual_class_names_work(tmp_path, name):
    for i in range(4):
        _save(tmp_path / name / f"{i}.png", seed=i)
        _save(tmp_path / "zebra" / f"{i}.png", seed=i)
    train, _ = data.image_folder(tmp_path, 8)
    assert set(train.classes) == {name, "zebra"}
    assert train.load(0).shape == (3, 8, 8)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_class_name_with_a_line_break_is_rejected(tmp_path):
    for name in ("a\nb", "c"):
        _save(tmp_path / name / "1.png")
    with pytest.raises(ValueError, match="a class name with unprintable characters"):
        data.image_folder(tmp_path, 8)
