"""The record of training images: small, valid after the images are moved, and marked as an estimate if it is one."""

import json

import numpy as np
import pytest

from minigooglenet.data import seen


def _files(folder, names, content=b""):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content + name.encode())
    return list(names)


def _round_trip(record):
    return seen.from_json(json.loads(json.dumps(record.to_json())))


def test_images_are_recognised_after_a_move(tmp_path):
    files = _files(tmp_path / "train" / "cat", [f"{i}.png" for i in range(20)])
    record = _round_trip(seen.record(tmp_path / "train" / "cat", files))
    assert (record.count, record.halvings, len(record.hashes)) == (20, 0, 20)
    (tmp_path / "train").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "cat").rename(tmp_path / "elsewhere" / "felines")
    moved = [f"felines/{name}" for name in files]
    assert seen.overlap([record], tmp_path / "elsewhere", moved) == (20, 20, True)
    _files(tmp_path / "val" / "cat", files, b"another image ")
    assert seen.overlap([record], tmp_path / "val" / "cat", files) == (0, 20, True)


def test_unicode_forms_of_a_name_are_one_image(tmp_path):
    content = b"same"
    for form, folder in (("caf\u00e9.png", "a"), ("cafe\u0301.png", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / form).write_bytes(content)
    record = seen.record(tmp_path / "a", ["caf\u00e9.png"])
    assert seen.overlap([record], tmp_path / "b", ["cafe\u0301.png"]).count == 1


def test_beginning_end_and_size_of_a_long_file_count(tmp_path):
    whole = bytearray(3 * seen.PART)
    (tmp_path / "x.bmp").write_bytes(whole)
    record = seen.record(tmp_path, ["x.bmp"])
    for index in (0, seen.PART - 1, len(whole) - 1):
        changed = bytearray(whole)
        changed[index] = 1
        (tmp_path / "x.bmp").write_bytes(changed)
        assert seen.overlap([record], tmp_path, ["x.bmp"]).count == 0
    (tmp_path / "x.bmp").write_bytes(bytes(len(whole) + 1))
    assert seen.overlap([record], tmp_path, ["x.bmp"]).count == 0
    (tmp_path / "x.bmp").write_bytes(whole)
    assert seen.overlap([record], tmp_path, ["x.bmp"]).count == 1


def test_overlap_of_many_images_is_estimated_from_a_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(seen, "MOST", 200)
    files = _files(tmp_path, [f"image_{i}.jpg" for i in range(3000)])
    record = _round_trip(seen.record(tmp_path, files[:2000]))
    assert record.count == 2000
    assert record.halvings >= 4
    assert 50 < len(record.hashes) <= 200
    overlap = seen.overlap([record], tmp_path, files[1000:])
    assert overlap.of == 2000
    assert not overlap.exact
    assert 600 < overlap.count < 1400  # 1,000
    assert seen.overlap([record], tmp_path, files[2000:]).count == 0


def test_record_reads_only_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(seen, "MOST", 10)
    read = []
    monkeypatch.setattr(seen, "_tail", lambda path: read.append(path) or 0)
    seen.record(tmp_path, [f"{i}.png" for i in range(1000)])
    assert 0 < len(read) <= 10


def test_records_of_several_runs_are_joined(tmp_path, monkeypatch):
    files = _files(tmp_path, [f"{i}.png" for i in range(300)])
    first, second = (seen.record(tmp_path, files[at : at + 100]) for at in (0, 50))
    both = seen.merged([first, None, second])
    assert len(both.hashes) == 150
    assert seen.overlap([both], tmp_path, files) == seen.overlap([first, second], tmp_path, files) == (150, 300, True)
    monkeypatch.setattr(seen, "MOST", 30)
    sampled = seen.merged([seen.record(tmp_path, files), first])
    assert sampled.count == 300
    assert sampled.halvings > 0
    assert len(sampled.hashes) <= 30
    assert seen.merged([None]) is None
    assert seen.overlap([None, None], tmp_path, files) is None


def test_missing_files_have_no_hashes(tmp_path):
    record = seen.record(tmp_path, ["gone.png", "lost.png"])
    assert (record.count, len(record.hashes)) == (2, 0)
    assert seen.overlap([record], tmp_path, ["gone.png"]) == (0, 1, True)


def test_record_takes_64_kilobytes_at_most():
    record = seen.SeenImages(10**6, 7, np.arange(seen.MOST, dtype=np.uint64) << np.uint64(20))
    text = json.dumps(record.to_json())
    assert len(text) < 66_000
    assert np.array_equal(_round_trip(record).hashes, record.hashes)


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        {"count": 1, "halvings": 0},
        {"count": -1, "halvings": 0, "hashes": ""},
        {"count": True, "halvings": 0, "hashes": ""},
        {"count": 1, "halvings": 25, "hashes": ""},
        {"count": 1, "halvings": 0, "hashes": 3},
        {"count": 1, "halvings": 0, "hashes": "!!"},
        {"count": 1, "halvings": 0, "hashes": "AAAA"},
        {"count": 1, "halvings": 0, "hashes": "AAAAAAAAAAAAAAAA"},
        {"count": 10**6, "halvings": 0, "hashes": "A" * 8 * (seen.MOST + 1)},
    ],
)
def test_false_records_are_rejected(values):
    with pytest.raises((ValueError, TypeError)):
        seen.from_json(values)
