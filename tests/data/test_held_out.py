"""The held-out images: only their names decide, not the other files in the folder."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigooglenet import data
from minigooglenet.data import names

POSITIONS = [0.467521, 0.414426, 0.519768]
BUILT_IN = {  # digests of the two parts
    "digits": ["e923f0b6ffa6f803", "4df9f46a7060ffbe"],
    "shapes": ["165b24580fa830cb", "7438627ffc93d22c"],
}
NAMES = [f"IMG_{number:04}.jpg" for number in range(1000)]


def test_about_a_fifth_is_held_out():
    assert 160 < len(names.held_out(NAMES)[0]) < 240


@given(st.sets(st.integers(0, 999), min_size=30, max_size=60), st.sets(st.integers(0, 999), max_size=60))
def test_new_images_never_move_old_ones(old, new):
    before, by_rule = names.held_out([NAMES[i] for i in sorted(old)])
    after, _ = names.held_out([NAMES[i] for i in sorted(old | new)])
    assert by_rule == (not any(names.position(NAMES[i]) < names.TEST_FRACTION for i in old))
    if not by_rule:
        assert after & {NAMES[i] for i in old} == before


def test_position_is_fixed_forever():
    assert [round(names.position(name), 6) for name in ("cat.jpg", "IMG_0001.jpg", "caf\u00e9")] == POSITIONS


def test_same_stem_has_the_same_position():
    for other in ("1.png", "1.JPG", "1.jpeg", "1"):
        assert names.position(other) == names.position("1.jpg")
    assert names.position("cafe\u0301.jpg") == names.position("caf\u00e9.jpg") == names.position("CAFE\u0301.png")
    assert names.position("scan.v1.jpg") != names.position("scan.v2.jpg")
    assert names.position("lone \udc80 byte.jpg") < 1


@given(st.lists(st.text("abc.", min_size=1, max_size=4), min_size=2, max_size=6, unique=True))
def test_every_class_has_training_and_held_out_images(files):
    chosen, _ = names.held_out(files)
    assert 0 < len(chosen) < len(files)
    assert chosen <= set(files)


def test_one_image_in_two_formats_stays_together():
    for number in range(60):
        files = [f"{number}.jpg", f"{number}.png", f"{number + 1}.jpg", f"{number + 1}.png"]
        chosen, _ = names.held_out(files)
        assert {file.partition(".")[0] for file in chosen}.isdisjoint(
            file.partition(".")[0] for file in set(files) - chosen
        )


def _fill(folder, count):
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(np.full((4, 4, 3), i, np.uint8)).save(folder / name / f"{i}.png")
    return folder


def test_images_keep_their_side_in_a_growing_folder(tmp_path):
    small = data.image_folder(_fill(tmp_path, 15), 8)
    assert small.train.notes == ()
    for count in (16, 20, 40):
        large = data.image_folder(_fill(tmp_path, count), 8)
        assert set(small.test.files) <= set(large.test.files)
        assert set(small.train.files) <= set(large.train.files)


def test_class_with_one_empty_side_gets_a_note(tmp_path):
    held_in = [name for name in NAMES if names.position(name) > names.TEST_FRACTION][:4]
    _fill(tmp_path, 15)
    for path in (tmp_path / "dog").iterdir():
        path.unlink()
    for name in held_in:
        Image.new("RGB", (4, 4)).save(tmp_path / "dog" / name)
    train, test = data.image_folder(tmp_path, 8)
    assert (test.labels == 1).sum() == 1
    (note,) = train.notes
    assert note.startswith("dog: the names of the images put all of them on one side of the split")
    assert "may change sides when images are added" in note


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_built_in_sets_keep_their_split(name):
    if name == "digits":
        pytest.importorskip("sklearn")
    split = data.load(name)
    assert [part.digest()[:16] for part in split] == BUILT_IN[name]
