"""COCO's result format: files that are read back, here and by pycocotools."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.detection import Detections, read_results, results_json, write_results

DETECTIONS = [
    Detections([(10, 5, 30, 35), (0.1, 0.2, 7.3, 9.7)], [0.75, 1 / 3], [1, 0]).checked(),
    Detections([], [], []).checked(),
    Detections([(1, 1, 2, 2)], [1e-9], [0]).checked(),
]
IMAGES, CATEGORIES = [7, 2, 9], [3, 90]


def test_results_have_coco_s_keys():
    assert json.loads(results_json(DETECTIONS, IMAGES, CATEGORIES))[0] == {
        "image_id": 7,
        "category_id": 90,
        "bbox": [10, 5, 20, 30],
        "score": 0.75,
    }
    assert json.loads(results_json([], [], [])) == []


def test_results_are_read_back(tmp_path):
    path = tmp_path / "results.json"
    write_results(path, DETECTIONS, IMAGES, CATEGORIES)
    for one, other in zip(read_results(path, IMAGES, CATEGORIES), DETECTIONS, strict=True):
        assert np.abs(one.boxes - other.boxes).max(initial=0) < 1e-12
        assert np.array_equal(one.scores, other.scores)
        assert np.array_equal(one.labels, other.labels)
        assert (one.boxes.dtype, one.labels.dtype) == (np.float64, np.int64)
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_failed_writing_keeps_the_old_file(tmp_path):
    path = tmp_path / "results.json"
    write_results(path, DETECTIONS, IMAGES, CATEGORIES)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="image 7: label 1 at index 0"):
        write_results(path, DETECTIONS, IMAGES, CATEGORIES[:1])
    assert path.read_bytes() == before


def test_pycocotools_reads_the_results(tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    write_results(tmp_path / "results.json", DETECTIONS, IMAGES, CATEGORIES)
    truth = {
        "info": {},
        "images": [{"id": image, "width": 60, "height": 40, "file_name": "a.jpg"} for image in IMAGES],
        "categories": [{"id": category, "name": str(category)} for category in CATEGORIES],
        "annotations": [],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    loaded = coco.COCO(tmp_path / "truth.json").loadRes(str(tmp_path / "results.json"))
    for image, one in zip(IMAGES, DETECTIONS, strict=True):
        entries = loaded.loadAnns(loaded.getAnnIds(imgIds=[image]))
        boxes = np.array([entry["bbox"] for entry in entries]).reshape(-1, 4)
        assert np.allclose(boxes, one.boxes - np.tile(one.boxes[:, :2], 2) * [0, 0, 1, 1], rtol=0, atol=1e-12)
        assert [entry["score"] for entry in entries] == one.scores.tolist()
        assert [CATEGORIES.index(entry["category_id"]) for entry in entries] == one.labels.tolist()
    capsys.readouterr()


@given(
    st.lists(
        st.tuples(*[st.floats(0, 500)] * 2, *[st.floats(1e-3, 500)] * 2, st.floats(0, 1), st.integers(0, 1)), max_size=9
    )
)
def test_any_results_are_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("results") / "results.json"
    boxes = [(x, y, x + w, y + h) for x, y, w, h, *_ in rows]
    one = Detections(boxes, [row[4] for row in rows], [row[5] for row in rows]).checked()
    write_results(path, [one], ["image"], CATEGORIES)
    other = read_results(path, ["image"], CATEGORIES)[0]
    assert np.abs(one.boxes - other.boxes).max(initial=0) <= 1e-12
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(one.labels, other.labels)


def test_ids_may_be_numpy_integers():
    text = results_json(DETECTIONS, np.array(IMAGES), np.array(CATEGORIES))
    assert text == results_json(DETECTIONS, IMAGES, CATEGORIES)


RESULT = {"image_id": 7, "category_id": 3, "bbox": [10, 5, 20, 30], "score": 0.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 8}, "image_id 8 is unknown; the images are 7, 2, 9"),
        ({"category_id": 4}, "category_id 4 is unknown; the categories are 3, 90"),
        ({"score": None}, "score must be a finite number, got None"),
        ({"score": 10**400}, "int too large to convert to float"),
        ({"bbox": [1, 2, 3]}, "bbox must be four numbers"),
        ({"bbox": [1, 2, 0, 4]}, r"bbox \[1, 2, 0, 4\] has no area, or a value that is not finite"),
        ({"bbox": [1, 2, -3, 4]}, r"bbox \[1, 2, -3, 4\] has a negative width or height"),
    ],
)
def test_wrong_result_is_named(tmp_path, change, message):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([RESULT, RESULT | change]))
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: result 1: {message}"):
        read_results(path, IMAGES, CATEGORIES)


def test_file_that_is_not_a_list_of_results_is_rejected(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"must be a list of results, got \{\}"):
        read_results(path, IMAGES, CATEGORIES)
    path.write_text("[3]")
    with pytest.raises(ValueError, match="result 0: it must be an object, got 3"):
        read_results(path, IMAGES, CATEGORIES)


def test_ids_that_do_not_fit_are_rejected(tmp_path):
    with pytest.raises(ValueError, match="detections and image_ids must have equal lengths, got 3 and 1"):
        results_json(DETECTIONS, [7], CATEGORIES)
    path = tmp_path / "results.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match="must not repeat an ID"):
        read_results(path, [7, 7], CATEGORIES)
