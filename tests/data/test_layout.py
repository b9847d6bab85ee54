"""Which folder is for training, which is held out, and the notes about other folders."""

import warnings

import pytest
from PIL import Image

from minigooglenet import data
from minigooglenet.data import layout


def _images(folder, *classes, count=2):
    for name in classes or ("",):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.new("RGB", (4, 4), (i, 0, 0)).save(folder / name / f"{i}.png")
    return folder


@pytest.mark.parametrize("name", [*layout.VALIDATION, *layout.TEST, "Val", "TEST", "Dev", "Testing"])
def test_held_out_folder_is_found_by_name(tmp_path, name):
    _images(tmp_path / "train", "cat", "dog", count=3)
    _images(tmp_path / name, "dog", count=1)
    train, test = data.image_folder(tmp_path, 8)
    assert (len(train), test.folder, test.files, test.labels.tolist()) == (6, tmp_path / name, ["dog/0.png"], [1])
    assert train.notes == ()


@pytest.mark.parametrize("name", ["TRAIN", "Training"])
def test_training_folder_is_found_by_name(tmp_path, name):
    _images(tmp_path / name, "cat", "dog", count=3)
    _images(tmp_path / "valid", "cat", "dog", count=1)
    train, test = data.image_folder(tmp_path, 8)
    assert (train.folder, len(train), len(test)) == (tmp_path / name, 6, 2)


def test_validation_is_held_out_and_test_gets_a_note(tmp_path):
    for name in ("train", "valid", "testing"):
        _images(tmp_path / name, "cat", "dog")
    train, test = data.image_folder(tmp_path, 8)
    assert test.folder == tmp_path / "valid"
    assert train.notes == test.notes
    assert train.notes[0].endswith("testing is not used (`evaluate --held-out testing` evaluates on it)")
    assert data.load(tmp_path, 8, held_out="testing").test.folder == tmp_path / "testing"


@pytest.mark.parametrize(
    ("first", "second"), [("val", "valid"), ("dev", "validation"), ("test", "eval"), ("val", "VAL")]
)
def test_two_names_for_one_part_are_rejected(tmp_path, first, second):
    for name in ("train", first, second):
        _images(tmp_path / name, "cat", "dog")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system ignores capitalisation")
    with pytest.raises(ValueError, match="which are names for the same part") as raised:
        data.image_folder(tmp_path, 8)
    assert first in str(raised.value)
    assert second in str(raised.value)


def test_loose_test_images_warn_and_train_is_split(tmp_path):
    _images(tmp_path / "train", "cat", "dog", count=10)
    _images(tmp_path / "test")
    with pytest.warns(
        data.FolderWarning, match=r"test has no class folders, so it is not used\. A fraction of train is"
    ):
        train, test = data.image_folder(tmp_path, 8)
    assert len(train) + len(test) == 20
    assert test.folder == tmp_path / "train"
    assert "not used" in test.notes[0]


def test_loose_test_images_next_to_validation_get_a_note(tmp_path):
    _images(tmp_path / "train", "cat", "dog")
    _images(tmp_path / "val", "cat", "dog")
    _images(tmp_path / "test")  # as in ImageNet, whose test images have no labels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, test = data.image_folder(tmp_path, 8)
    assert test.folder == tmp_path / "val"
    assert train.notes == (f"{tmp_path / 'test'} has no class folders, so it is not used",)


def test_loose_validation_images_are_rejected_with_advice(tmp_path):
    _images(tmp_path / "train", "cat", "dog")
    _images(tmp_path / "val")
    (tmp_path / "val" / "labels.txt").write_text("0.png cat\n1.png dog\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"val has images, but no class folders. .*; a file of labels is not read"):
        data.image_folder(tmp_path, 8)


def test_empty_validation_folder_is_rejected(tmp_path):
    _images(tmp_path / "train", "cat", "dog")
    (tmp_path / "validation").mkdir()
    with pytest.raises(ValueError, match=r"validation has no class folders\. Add one folder per class, named as in"):
        data.image_folder(tmp_path, 8)


@pytest.mark.parametrize("name", ["holdout", "test_set", "tst", "valuation"])
def test_unknown_folder_with_the_classes_is_rejected_by_name(tmp_path, name):
    _images(tmp_path / "train", "cat", "dog")
    _images(tmp_path / name, "Cat")
    with pytest.raises(ValueError, match=f"{name} has images of the class 'Cat'.* pass held_out='{name}'"):
        data.image_folder(tmp_path, 8)
    _images(tmp_path / "val", "cat")
    assert data.image_folder(tmp_path, 8).train.notes == (f"{tmp_path / name} is not used",)


def test_other_folders_next_to_train_get_notes(tmp_path):
    _images(tmp_path / "train", "cat", "dog", count=5)
    for name in ("annotations/cat", "loose", ".git", "__MACOSX/train"):
        (tmp_path / name).mkdir(parents=True)
    notes = data.image_folder(tmp_path, 8).train.notes
    assert notes[:2] == tuple(f"{tmp_path / name} is not used" for name in ("annotations", "loose"))


def test_parts_without_train_are_rejected_with_advice(tmp_path):
    for part in ("training_set", "test"):
        _images(tmp_path / part, "cat", "dog")
    with pytest.raises(
        ValueError,
        match="If test is not a class but a part of the data set, name the folder of the training part train",
    ):
        data.image_folder(tmp_path, 8)


def test_class_in_other_capitals_is_suggested(tmp_path):
    _images(tmp_path / "train", "Cat", "Dog")
    _images(tmp_path / "val", "cat")
    with pytest.raises(ValueError, match=r"has classes that .* lacks: cat\. Did you mean 'Cat'\?"):
        data.image_folder(tmp_path, 8)


def test_nested_class_folders_are_rejected_with_advice(tmp_path):
    _images(tmp_path, "cat/2023", "cat/2024", "dog")
    with pytest.raises(ValueError, match=r"cat has subfolders \(2023, 2024\)\. Put the images directly into the"):
        data.image_folder(tmp_path, 8)


@pytest.mark.parametrize("name", ["train", "missing", "loose"])
def test_chosen_folder_must_be_next_to_train(tmp_path, name):
    _images(tmp_path / "train", "cat", "dog")
    _images(tmp_path / "loose")
    with pytest.raises(ValueError, match=r"next to a folder train|has images, but no class folders"):
        data.image_folder(tmp_path, 8, held_out=name)
    with pytest.raises(ValueError, match="held_out='val' is only for folders of images; shapes has one test set"):
        data.load("shapes", held_out="val")


def test_chosen_folder_may_have_any_name(tmp_path):
    _images(tmp_path / "train", "cat", "dog")
    _images(tmp_path / "holdout", "cat", count=1)
    _images(tmp_path / "val", "dog", count=1)
    split = data.image_folder(tmp_path, 8, held_out="holdout")
    assert (split.test.files, split.train.notes) == (["cat/0.png"], ())
