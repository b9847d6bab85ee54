"""PASCAL VOC's annotation files: inclusive pixels, classes, and files that attack their reader."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.detection import annotations, read_voc, voc

CORNERS = (11, 6, 30, 35)


def _object(name="cat", corners=CORNERS, more=""):
    sides = "".join(
        f"<{side}>{value}</{side}>" for side, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    return f"<object><name>{name}</name>{more}<bndbox>{sides}</bndbox></object>"


def _file(*objects, size=(60, 40), name="a.jpg"):
    width, height = size
    sizes = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}</filename>{sizes}{''.join(objects)}</annotation>"


@pytest.fixture
def write(tmp_path):
    def write(*texts):
        paths = [tmp_path / f"{i:06}.xml" for i in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return paths

    return write


def test_inclusive_pixels_become_half_open_corners(write):
    whole, pixel = _object("dog", (1, 1, 60, 40)), _object(corners=(3, 4, 3, 4), more="<difficult>1</difficult>")
    content = read_voc(write(_file(_object(), whole), _file(pixel, name="b.jpg")))
    assert content.files == ["a.jpg", "b.jpg"]
    assert content.sizes == [(40, 60), (40, 60)]
    assert content.ids == ["000000", "000001"]
    assert (content.classes, content.category_ids) == (("cat", "dog"), (1, 2))
    assert content.truths[0].boxes.tolist() == [[10, 5, 30, 35], [0, 0, 60, 40]]
    assert content.truths[0].labels.tolist() == [0, 1]
    assert content.truths[1].boxes.tolist() == [[2, 3, 3, 4]]
    assert [truths.difficult.tolist() for truths in content.truths] == [[False, False], [True]]


def test_image_without_objects_has_no_boxes(write):
    content = read_voc(write(_file()))
    assert content.truths[0].boxes.shape == (0, 4)
    assert content.classes == ()


def test_parts_of_objects_are_not_read(write):
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    content = read_voc(write(_file(_object(more=part))))
    assert content.classes == ("cat",)
    assert content.truths[0].boxes.tolist() == [[10, 5, 30, 35]]


def test_box_at_pixel_0_is_clipped_and_counted(write):
    paths = write(_file(_object(corners=(0, 0, 61, 20.5))))
    content = read_voc(paths)
    assert content.truths[0].boxes.tolist() == [[0, 0, 60, 20.5]]
    assert content.notes == (f"{paths[0].parent}: boxes that extend past their image, clipped: 1",)


def test_classes_of_voc_give_the_order_of_labels(write):
    paths = write(_file(_object()))
    content = read_voc(paths, classes=("dog", "cat"))
    assert (content.classes, content.truths[0].labels.tolist()) == (("dog", "cat"), [1])
    with pytest.raises(ValueError, match=r"000000.xml: object 1: its class 'cat' is not one of 'dog'$"):
        read_voc(paths, classes=("dog",))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("<object/>", "it has no <name>"),
        ("<object><name>cat</name></object>", "it has no <bndbox> with <xmin>"),
        (_object(corners=("1", "x", 3, 4)), "<bndbox/ymin> must be a number, got 'x'"),
        (_object(corners=("1", "nan", 3, 4)), r"its box \(0, nan, 3, 4\) has a value that is not finite"),
        (_object(corners=(30, 6, 11, 35)), r"its box \(29, 5, 11, 35\) \(x1, y1, x2, y2\) is reversed"),
        (_object(corners=(61, 6, 70, 35)), r"its box \(60, 5, 70, 35\) .* is outside its image, which is 60 wide and"),
        (_object(more="<difficult>2</difficult>"), "difficult must be 0 or 1, got 2"),
        (_object(more="<difficult>yes</difficult>"), "<difficult> must be a number, got 'yes'"),
        (_object(name="c&#133;t"), r"its name has unprintable characters: 'c\\x85t'"),
    ],
)
def test_wrong_object_is_named(write, entry, message):
    paths = write(_file(_object(), entry))
    with pytest.raises(ValueError, match=f"^{re.escape(str(paths[0]))}: object 2: {message}"):
        read_voc(paths)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid XML: no element found"),
        ("<annotation>", "invalid XML: no element found"),
        ("<svg/>", "it starts with <svg>, not <annotation>"),
        ("<annotation/>", "it has no <size> with <height>"),
        (_file(size=(0, 40)), "<size/width> must be an integer of at least 1, got 0"),
        (_file(size=("inf", 40)), "<size/width> must be an integer of at least 1, got inf"),
        (_file(name=" "), "it has no <filename>"),
        (_file(name="../a.jpg"), "its filename must be inside the folder of the images, got '../a.jpg'"),
        ('<?xml version="1.0" encoding="no-such"?><annotation/>', "unknown encoding"),
        (b"\0", "invalid XML: "),
    ],
)
def test_file_that_is_not_voc_is_rejected(write, text, message):
    paths = write(text)
    with pytest.raises(ValueError, match=f"^{re.escape(str(paths[0]))}: {message}"):
        read_voc(paths)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "doctype", ['<!DOCTYPE a [<!ENTITY b "c">]>', '<!DOCTYPE a SYSTEM "http://a/b">', "<!DOCTYPE a>"]
)
def test_doctype_is_rejected_in_every_encoding(write, encoding, doctype):
    text = f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{_file(_object())}'
    with pytest.raises(ValueError, match=r"it has a DOCTYPE, which VOC's files do not need\. Delete it\.$"):
        read_voc(write(text.encode(encoding)))


def test_deeply_nested_file_is_read_without_recursion(write):
    content = read_voc(write(_file("<a>" * 100_000 + "</a>" * 100_000)))
    assert len(content.truths) == 1


def test_voc_files_beyond_a_limit_are_rejected(write, monkeypatch):
    paths = write(_file(_object()), _file(_object()))
    monkeypatch.setattr(annotations, "MOST_BOXES", 1)
    with pytest.raises(ValueError, match="has 2 boxes, more than the limit of 1"):
        read_voc(paths)
    monkeypatch.setattr(voc, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="bytes, more than the limit of 100"):
        read_voc(paths)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_rejected_with_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("voc") / "a.xml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        read_voc([path])
