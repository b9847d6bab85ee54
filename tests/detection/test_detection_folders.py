"""Folders with boxes: their layouts, their parts, and images that are decoded when they are indexed."""

import json

import numpy as np
import pytest
from PIL import Image

from minigooglenet import data
from minigooglenet.detection import folder, parts

SIZE = (60, 40)  # width, height


def _image(path, colour=(200, 30, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, colour).save(path)


def _coco(path, names, classes=("cat",)):
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = SIZE
    content = {
        "images": [{"id": i, "file_name": name, "width": width, "height": height} for i, name in enumerate(names)],
        "annotations": [{"image_id": i, "category_id": 1, "bbox": [1, 2, 3, 4]} for i in range(len(names))],
        "categories": [{"id": 1 + i, "name": name} for i, name in enumerate(classes)],
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def _voc(path, name, of="cat"):
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = SIZE
    box = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>6</ymax></bndbox>"
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    path.write_text(
        f"<annotation><filename>{name}</filename>{size}<object><name>{of}</name>{box}</object></annotation>",
        encoding="utf-8",
    )


def _is_read(read, count=1):
    """Check that a folder has red images with one cat each."""
    assert len(read) == len(read.images) == len(read.truths) == len(read.image_ids) == count
    assert read.classes == ("cat",)
    for image, truths in zip(read.images, read.truths, strict=True):
        assert (image.shape, image.dtype) == ((3, 40, 60), np.uint8)
        assert image[:, 0, 0].tolist() == [200, 30, 30]
        assert truths.boxes.tolist() == [[1, 2, 4, 6]]
    return True


def test_coco_s_own_layout_is_recognised(tmp_path):
    for part in ("train2017", "val2017"):
        _coco(tmp_path / "annotations" / f"instances_{part}.json", [f"{part}.png"])
        (tmp_path / "annotations" / f"captions_{part}.json").write_text("{}")
        _image(tmp_path / part / f"{part}.png")
    assert parts(tmp_path) == ("train", "validation")
    assert _is_read(folder(tmp_path, "train"))
    assert folder(tmp_path, "validation").images.paths == [tmp_path / "val2017" / "val2017.png"]
    with pytest.raises(ValueError, match=r"has several parts: 'train', 'validation'. Pass part='train'.$"):
        folder(tmp_path)
    with pytest.raises(ValueError, match=r"has no part 'test'; choose from 'train', 'validation'$"):
        folder(tmp_path, "test")


@pytest.mark.parametrize("home", [".", "images", "images/train"])
def test_images_are_found_near_a_coco_file(tmp_path, home):
    _coco(tmp_path / "train.json", ["a.png", "b.png"])
    for name in ("a.png", "b.png"):
        _image(tmp_path / home / name)
    assert _is_read(folder(tmp_path), 2)
    assert _is_read(folder(tmp_path / "train.json"), 2)


def test_voc_s_own_layout_is_recognised(tmp_path):
    for name in ("01", "02", "03"):
        _voc(tmp_path / "Annotations" / f"{name}.xml", f"{name}.png")
        _image(tmp_path / "JPEGImages" / f"{name}.png")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("01\n03 1\n")
    (lists / "val.txt").write_text("02\n")
    (lists / "trainval.txt").write_text("01\n02\n03\n")
    assert parts(tmp_path) == ("train", "validation")
    train = folder(tmp_path, "train")
    assert _is_read(train, 2)
    assert train.image_ids == ["01", "03"]
    assert folder(tmp_path, "validation", classes=("dog", "cat")).truths[0].labels.tolist() == [1]
    (lists / "train.txt").write_text("01\n../02\n")
    with pytest.raises(FileNotFoundError, match=r"train.txt lists '../02', but .* has no such .xml file; 1 of 2 are"):
        folder(tmp_path, "train")


def test_voc_files_next_to_their_images_are_recognised(tmp_path):
    _voc(tmp_path / "a.xml", "a.png")
    _image(tmp_path / "a.png")
    assert _is_read(folder(tmp_path))


@pytest.mark.parametrize("layout", ["coco", "voc"])
def test_folders_of_parts_are_recognised(tmp_path, layout):
    for part in ("train", "valid", "test"):
        if layout == "coco":
            _coco(tmp_path / part / "_annotations.coco.json", ["a.png"])
        else:
            _voc(tmp_path / part / "a.xml", "a.png")
        _image(tmp_path / part / "a.png")
    assert parts(tmp_path) == ("train", "validation", "test")
    for part in parts(tmp_path):
        assert _is_read(folder(tmp_path, part))


@pytest.mark.parametrize("file", ["boxes.json", "instances_train.json"])
def test_names_hold_a_fifth_out_of_the_only_part(tmp_path, file):
    names = [f"{i}.png" for i in range(50)]
    for name in names:
        _image(tmp_path / name)
    _coco(tmp_path / file, names)
    assert parts(tmp_path) == ("train", "validation")
    train, held_out = (folder(tmp_path, part) for part in parts(tmp_path))
    assert sorted(train.images.paths + held_out.images.paths) == sorted(tmp_path / name for name in names)
    assert 2 < len(held_out) < 20
    assert _is_read(folder(tmp_path), 50)
    _coco(tmp_path / file, names[:40])
    assert {*folder(tmp_path, "validation").images.paths} <= {*held_out.images.paths}
    with pytest.raises(ValueError, match=r"has no part 'test'; choose from 'train', 'validation'"):
        folder(tmp_path, "test")


def test_folder_without_images_is_empty(tmp_path):
    _coco(tmp_path / "boxes.json", [])
    assert [len(folder(tmp_path, part)) for part in (None, "train", "validation")] == [0, 0, 0]


def test_missing_images_are_named_and_counted(tmp_path):
    name = "a_name_that_is_longer_than_thirty_letters.png"
    _coco(tmp_path / "boxes.json", [name, "b.png"])
    with pytest.raises(FileNotFoundError, match=rf"boxes.json: image '{name}' does not exist in .*; 2 of 2 images are"):
        folder(tmp_path)
    _image(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"boxes.json: image 'b.png' does not exist in .*; 1 of 2 images are"):
        folder(tmp_path)


def test_image_of_another_size_or_without_pixels_is_named(tmp_path):
    _coco(tmp_path / "boxes.json", ["a.png", "b.png"])
    Image.new("RGB", (40, 60)).save(tmp_path / "a.png")
    (tmp_path / "b.png").touch()
    read = folder(tmp_path)
    message = (
        r"a.png is 40 x 60 pixels, but its annotations are for 60 x 40. Photographs are rotated as their EXIF data"
    )
    with pytest.raises(data.BadImageError, match=message):
        read.images[0]
    with pytest.raises(data.BadImageError, match=r"b.png: the file is empty"):
        read.images[1]
    with pytest.raises(IndexError):
        read.images[2]


def test_unclear_folders_are_rejected(tmp_path):
    with pytest.raises(ValueError, match=r"has no annotations. Add a COCO file \(.json\) or VOC's files \(.xml\).$"):
        folder(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist$"):
        folder(tmp_path / "nowhere")
    for name in ("a.json", "b.json"):
        _coco(tmp_path / name, ["a.png"])
    with pytest.raises(ValueError, match=r"has several COCO files, .* val and test: 'a.json', 'b.json'. Rename them"):
        folder(tmp_path)
    for name in ("val", "valid"):
        _coco(tmp_path / "parts" / name / "boxes.json", ["a.png"])
    with pytest.raises(ValueError, match="has two folders for the part 'validation'"):
        parts(tmp_path / "parts")
    for name in ("train", "val"):
        _coco(tmp_path / "nested" / "train" / f"{name}.json", ["a.png"])
    with pytest.raises(ValueError, match="is a part of a data set, but has parts itself: 'train', 'validation'"):
        parts(tmp_path / "nested")


def test_part_without_annotations_is_left_out(tmp_path):
    for part in ("train", "val"):
        _coco(tmp_path / part / "boxes.json", ["a.png"])
    _image(tmp_path / "test" / "a.png")
    assert parts(tmp_path) == ("train", "validation")


def test_list_with_missing_files_stops_only_its_part(tmp_path):
    _voc(tmp_path / "a.xml", "a.png")
    _image(tmp_path / "a.png")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a")
    (lists / "test.txt").write_bytes(b"\xff")
    assert _is_read(folder(tmp_path, "train"))
    with pytest.raises(FileNotFoundError, match=r"test.txt lists .* 1 of 1 are missing"):
        folder(tmp_path, "test")
