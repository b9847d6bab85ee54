"""The part `scaling` of the bench: its records, its tables and its figure."""

import json

import pytest

from minigooglenet.bench import run, scaling
from minigooglenet.bench.scaling_prediction import Constants, predict

CONSTANTS = Constants(image_seconds=0.03, step_seconds=0.02, gradient_bytes=53_000_000)


def record(workers, threads, shards, speed_up, batch=16):
    """Return a record of strong scaling."""
    return {
        "scaling": "strong",
        "model": "mini",
        "batch": batch,
        "workers": workers,
        "threads": threads,
        "shards": shards,
        "median_seconds": 1 / speed_up,
        "minimum_seconds": 1 / speed_up,
        "rounds": 3,
        "images_per_second": batch * speed_up,
        "speed_up": speed_up,
        "efficiency": speed_up / workers / threads,
        "computing_fraction": 0.9,
        "waiting_fraction": 0.06,
        "exchanging_fraction": 0.04,
        "sent_bytes_per_step_and_worker": 53e6 * (workers - 1),
    }


def example():
    """Return a result as `measure` does."""
    rows = [(1, 1, 8, 1.0), (2, 1, 8, 1.8), (1, 2, 8, 1.5), (1, 1, None, 1.0), (1, 2, None, 1.9)]
    prediction = {"threads": 2, "batch": 16, "shards": 8, "constants": CONSTANTS._asdict()}
    prediction["records"] = predict(CONSTANTS, 16, 2)
    return {"model": "mini", "records": [record(*row) for row in rows], "predictions": [prediction]}


def test_scaling_is_measured_with_workers_and_threads(quick, silent):
    quick.batches = (4,)
    result = scaling.measure(quick, silent)
    rows = [(r["scaling"], r["batch"], r["workers"], r["threads"], r["shards"]) for r in result["records"]]
    strong = [(1, 1, 4), (2, 1, 4), (1, 2, 4), (1, 1, None), (1, 2, None)]
    assert rows == [("strong", 4, *row) for row in strong] + [("weak", 4, 1, 1, 4), ("weak", 8, 2, 1, 8)]
    for r in result["records"]:
        parts = sum(r[f"{part}_fraction"] for part in ("computing", "waiting", "exchanging"))
        assert parts == pytest.approx(1)
        assert r["efficiency"] == pytest.approx(r["speed_up"] / r["workers"] / r["threads"])
        assert (r["sent_bytes_per_step_and_worker"] > 0) == (r["workers"] > 1)
    assert [r["speed_up"] for r in result["records"] if r["workers"] * r["threads"] == 1] == [1, 1, 1]
    (prediction,) = result["predictions"]
    assert prediction["constants"]["gradient_bytes"] > 1000
    read = json.loads(json.dumps(result, allow_nan=False))
    assert list(map(str, scaling.tables(read))) == list(map(str, scaling.tables(result)))


def test_one_core_measures_one_worker(quick, silent):
    quick.threads = 1
    result = scaling.measure(quick, silent)
    assert [(r["scaling"], r["workers"], r["shards"]) for r in result["records"]] == [
        ("strong", 1, 2),
        ("strong", 1, None),
        ("weak", 1, 2),
    ]
    assert scaling.ratio_notes(result["records"][:2]) == []


def test_quick_run_replaces_only_the_default_network(quick, silent, monkeypatch):
    models = []
    monkeypatch.setattr(
        scaling, "_records", lambda kind, works, *rest: (models.append(works[0].model) or [], CONSTANTS)
    )
    for name, fast in (("googlenet", True), ("googlenet", False), ("nin", True)):
        quick.model, quick.quick = name, fast
        scaling.measure(quick, silent)
    assert models == ["mini", "mini", "googlenet", "googlenet", "nin", "nin"]


def test_notes_compare_workers_with_threads():
    (note,) = scaling.ratio_notes(example()["records"])
    assert "2 workers are 1.80x as fast as one" in note
    assert "0.95 of the speed-up of 2 threads without shards (1.90x), and 1.20 of that with shards (1.50x)" in note


def test_tables_have_measurements_and_a_labelled_prediction():
    result = example()
    weak = {**record(1, 1, 8, 1.0), "scaling": "weak"}
    strong, weak, prediction = scaling.tables({**result, "records": [*result["records"], weak]})
    assert strong.rows[1][:4] == (16, 2, 1, 8)
    assert strong.rows[1][-6:] == ("1.80x", "90%", "90%", "6.0%", "4.0%", "53.0")
    assert strong.rows[3][3] == "-"
    assert len(weak.rows) == 1
    assert prediction.title.startswith("Prediction, not measured")
    assert len(prediction.rows) == 14
    assert "a = 30.0 ms per image, u = 20.0 ms per step" in prediction.notes[1]


def test_figure_and_its_text_are_a_prediction(tmp_path):
    image, words = run.save_figures("scaling", example(), tmp_path)
    assert image.read_bytes().startswith(b"\x89PNG")
    lines = words.read_text().splitlines()
    assert lines[0].startswith("Prediction, not measured: speed-up of training mini on 64 machines")
    assert [line.split()[:2] for line in lines if line.startswith("weak")][-1] == ["weak", "64"]
    assert len([line for line in lines if line.startswith(("strong", "weak"))]) == 14


def test_parts_without_a_figure_write_none(tmp_path):
    assert run.save_figures("network", {}, tmp_path) == []
