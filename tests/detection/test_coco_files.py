"""COCO's annotation files: boxes, classes and errors that name the entry."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet import files
from minigooglenet.detection import annotations, read_coco

IMAGE = {"id": 7, "file_name": "a.jpg", "width": 60, "height": 40}
BOX = {"id": 90, "image_id": 7, "category_id": 3, "bbox": [10, 5, 20, 30], "iscrowd": 0}
CATEGORIES = [{"id": 3, "name": "cat", "supercategory": "animal"}, {"id": 1, "name": "dog"}]


def _write(path, images=(IMAGE,), boxes=(BOX,), categories=CATEGORIES):
    text = json.dumps({"images": list(images), "annotations": list(boxes), "categories": list(categories)})
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "instances.json"


def test_coco_boxes_become_half_open_corners(file):
    other = {"id": 2, "file_name": "b/c.png", "width": 8, "height": 9}
    crowd = BOX | {"category_id": 1, "bbox": [0.5, 0, 1.25, 40], "iscrowd": 1, "segmentation": {"counts": [1, 2]}}
    content = read_coco(_write(file, (IMAGE, other), (BOX, crowd)))
    assert content.files == ["a.jpg", "b/c.png"]
    assert content.sizes == [(40, 60), (9, 8)]
    assert content.ids == [7, 2]
    assert content.classes == ("dog", "cat")  # ordered by ID
    assert content.category_ids == (1, 3)
    boxes, labels, difficult = content.truths[0]
    assert boxes.tolist() == [[10, 5, 30, 35], [0.5, 0, 1.75, 40]]
    assert labels.tolist() == [1, 0]
    assert difficult.tolist() == [False, True]
    assert content.truths[1].boxes.shape == (0, 4)
    assert content.notes == ()


def test_outlines_are_dropped_while_reading(file):
    _write(file, boxes=[BOX | {"segmentation": [[1, 2, 3, 4, 5, 6]]}])
    assert annotations.json_of(file)["annotations"] == [BOX]


def test_classes_give_the_order_of_labels(file):
    content = read_coco(_write(file), classes=["cat", "dog"])
    assert (content.classes, content.category_ids) == (("cat", "dog"), (3, 1))
    assert content.truths[0].labels.tolist() == [0]
    with pytest.raises(ValueError, match=r"has no category 'cow'; it has 'dog', 'cat'$"):
        read_coco(file, classes=["cat", "cow"])
    with pytest.raises(
        ValueError, match=r"annotations\[0\] \(id 90\): its category 'cat' is not one of the 1 classes$"
    ):
        read_coco(file, classes=["dog"])


def test_boxes_past_the_edge_are_clipped_and_counted(file):
    content = read_coco(_write(file, boxes=(BOX, BOX | {"bbox": [-0.01, 5, 80, 35.004]})))
    assert content.truths[0].boxes.tolist() == [[10, 5, 30, 35], [0, 5, 60, 40]]
    assert content.notes == (f"{file}: boxes that extend past their image, clipped: 1",)


@pytest.mark.parametrize("box", [[10, 5, 0, 30], [10, 5, 20, 0], [10, 5, 1e-30, 3]])
def test_boxes_without_area_are_dropped_and_counted(file, box):
    content = read_coco(_write(file, boxes=(BOX | {"bbox": box}, BOX)))
    assert content.truths[0].boxes.tolist() == [[10, 5, 30, 35]]
    assert content.notes == (f"{file}: boxes without area, dropped: 1",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 8}, "image_id 8 is not in 'images'"),
        ({"image_id": [7]}, r"image_id \[7\] is not in 'images'"),
        ({"category_id": 2}, "category_id 2 is not in 'categories', which has 3, 1"),
        ({"category_id": True}, "category_id True is not in 'categories'"),
        ({"iscrowd": 2}, "iscrowd must be 0 or 1, got 2"),
        ({"bbox": [1, 2, 3]}, r"bbox must be four numbers, x, y, width and height, got \[1, 2, 3\]"),
        ({"bbox": [1, 2, "3", 4]}, r"bbox must be four numbers, x, y, width and height, got \[1, 2, '3', 4\]"),
        ({"bbox": None}, "bbox must be four numbers, x, y, width and height, got None"),
        ({"bbox": [30, 35, -20, -30]}, r"bbox \[30, 35, -20, -30\] has a negative width or height"),
        ({"bbox": [1e308, 0, 1e308, 1]}, r"its box \(1e\+308, 0, inf, 1\) has a value that is not finite"),
        ({"bbox": [10**400, 0, 1, 1]}, "int too large to convert to float"),
        (
            {"bbox": [60, 5, 20, 30]},
            r"its box \(60, 5, 80, 35\) \(x1, y1, x2, y2\) is outside its image, which is 60 wide and 40 high",
        ),
    ],
)
def test_wrong_annotation_is_named(file, change, message):
    _write(file, boxes=(BOX, BOX | change))
    with pytest.raises(ValueError, match=rf"^{re.escape(str(file))}: annotations\[1\] \(id 90\): {message}"):
        read_coco(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": 7}, r"images\[1\] has the id 7 of an earlier entry"),
        ({"id": None}, r"images\[1\] must have an 'id', integer or text, got "),
        ({"width": 0}, r"images\[1\] must have 'height' and 'width', positive integers, got \(40, 0\)"),
        ({"height": 40.5}, r"images\[1\] must have 'height' and 'width', positive integers, got \(40.5, 60\)"),
        ({"file_name": "../a.jpg"}, r"images\[1\] must have a 'file_name' inside the folder of the images, got '../a"),
        ({"file_name": "/etc/a.jpg"}, r"images\[1\] must have a 'file_name' inside"),
        ({"file_name": "C:a.jpg"}, r"images\[1\] must have a 'file_name' inside"),
        ({"file_name": "b\\..\\..\\a.jpg"}, r"images\[1\] must have a 'file_name' inside"),
        ({"file_name": ""}, r"images\[1\] must have a 'file_name' inside"),
        ({"file_name": 5}, r"images\[1\] must have a 'file_name' inside the folder of the images, got 5"),
    ],
)
def test_wrong_image_entry_is_named(file, change, message):
    _write(file, (IMAGE, IMAGE | {"id": 8} | change))
    with pytest.raises(ValueError, match=rf"^{re.escape(str(file))}: {message}"):
        read_coco(file)


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([], " has no categories"),
        ([{"id": "3", "name": "cat"}], r": categories\[0\] must have an 'id', integer, got "),
        ([{"id": 3}], r": categories\[0\] must have a printable 'name', got None"),
        ([{"id": 3, "name": "c\x1bat"}], r": categories\[0\] must have a printable 'name', got 'c\\x1bat'"),
        ([{"id": 3, "name": "cat"}, {"id": 4, "name": "cat"}], r": categories\[1\] has the name 'cat' of another cat"),
        (["cat"], r": categories\[0\] must have an 'id', integer, got 'cat'"),
    ],
)
def test_wrong_category_is_named(file, categories, message):
    with pytest.raises(ValueError, match=f"^{re.escape(str(file))}{message}"):
        read_coco(_write(file, categories=categories))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "cannot read .*: it is empty"),
        (b"{", "cannot read .*: invalid JSON at line 1, column 2"),
        (b'{"images": [NaN]}', "cannot read .*: NaN is not valid JSON"),
        (b"\xff\xfe", "is not UTF-8 text: byte 0 is invalid"),
        (b"[" * 100_000, "cannot read .*: it is nested too deeply"),
        (b"3", "must have images, annotations and categories, got 3"),
        (b"[]", r"got \[\]. It looks like a file of results, which read_results reads."),
        (b'{"images": [], "categories": []}', "is not a COCO file: it has no list 'annotations'"),
        (
            b'{"images": [], "annotations": [3], "categories": [{"id": 1, "name": "a"}]}',
            r"annotations\[0\]: it must be",
        ),
        (b"1" * 5000, "cannot read .*: Exceeds the limit"),
    ],
)
def test_file_that_is_not_coco_is_rejected(file, text, message):
    file.write_bytes(text)
    with pytest.raises(ValueError, match=message):
        read_coco(file)


def test_byte_order_mark_is_ignored(file):
    _write(file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(read_coco(file).truths[0].boxes) == 1


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [
        ("MOST_BYTES", 100, "bytes, more than the limit of 100"),
        ("MOST_BOXES", 1, "has 2 boxes, more than the limit of 1"),
        ("MOST_BRACKETS", 9, "has 11 lists and objects, more than the limit of 9"),
    ],
)
def test_file_beyond_a_limit_is_rejected(file, monkeypatch, name, limit, message):
    _write(file, boxes=(BOX, BOX))
    monkeypatch.setattr(annotations, name, limit)
    with pytest.raises(ValueError, match=message):
        read_coco(file)


def test_folder_instead_of_a_coco_file_is_rejected(tmp_path):
    with pytest.raises(files.NotAFileError):
        read_coco(tmp_path)


@given(st.lists(st.tuples(*[st.floats(-100, 100)] * 2, *[st.floats(0, 100)] * 2), max_size=5))
def test_boxes_of_coco_files_are_clipped_dropped_or_named(tmp_path_factory, boxes):
    file = tmp_path_factory.mktemp("coco") / "instances.json"
    _write(file, boxes=[BOX | {"bbox": box} for box in boxes])
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes]).reshape(-1, 4)
    corners = corners[(corners[:, :2] < corners[:, 2:]).all(axis=1)]
    inside = np.clip(corners, 0, [60, 40, 60, 40])
    if (inside[:, :2] < inside[:, 2:]).all():
        assert np.array_equal(read_coco(file).truths[0].checked(2, (40, 60)).boxes, inside)
    else:
        with pytest.raises(ValueError, match="is outside its image"):
            read_coco(file)
