"""The command `detect`, end to end with a tiny network: training that resumes, images with boxes, results, errors."""

import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from minigooglenet import data, models, weights
from minigooglenet.cli import main
from minigooglenet.detection import region_training
from minigooglenet.detection.multibox import MultiBoxTrainer, load_multibox
from minigooglenet.training.trainer import Trainer

SCENES = 6


@pytest.fixture(scope="module", autouse=True)
def few_scenes():
    """Draw few scenes for held-out regions, so that a test takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region_training, "HELD_OUT", 2)
        yield


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Return a weights file of a tiny network for images of single objects."""
    path = tmp_path_factory.mktemp("start") / "tiny.safetensors"
    classes = data.shapes(1).classes
    graph = models.mini_googlenet(len(classes), width=0.25, depth=2, rng=0)
    weights.save(graph, path, pixels=data.UNIT, classes=classes)
    return path


@pytest.fixture(scope="module")
def trained(start, tmp_path_factory):
    """Return the folder of a trained detector."""
    out = tmp_path_factory.mktemp("detector")
    assert train(start, out) == 0
    return out


def train(start, out, *more):
    options = ["--weights", str(start), "--size", "32", "--scenes", str(SCENES), "--epochs", "1"]
    return main(["detect", "train", "--out", str(out), *options, *more])


def test_training_writes_both_stages(trained):
    for name in ("regions", "hard"):
        loaded = weights.load(trained / name / "weights.safetensors")
        assert loaded.classes == (*data.shapes(1).classes, "background")
        assert (trained / name / "training_curve.png").exists()
        recipe = json.loads((trained / name / "recipe.json").read_text(encoding="utf-8"))
        assert recipe["scenes"] == SCENES
        assert recipe["hard"] == (name == "hard")


def test_multibox_adds_its_proposals_and_resumes(start, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(region_training, "MULTIBOX_EPOCHS", 2)
    assert train(start, tmp_path / "whole", "--multibox") == 0
    with monkeypatch.context() as patch:
        learn = MultiBoxTrainer._learn

        def interrupted(self, indices):
            os.kill(os.getpid(), signal.SIGINT)
            return learn(self, indices)

        patch.setattr(MultiBoxTrainer, "_learn", interrupted)
        assert train(start, tmp_path / "parts", "--multibox") == 130
    assert "Stopped and saved; continue with --resume." in capsys.readouterr().out
    assert main(["detect", "train", "--out", str(tmp_path / "parts"), "--resume"]) == 0
    whole, parts = (tmp_path / name / "multibox" / "weights.safetensors" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()
    image = region_training.load("test", size=48, count=1).images[0]
    detector = region_training.detector(tmp_path / "whole")
    added = load_multibox(whole).propose(image, region_training.MULTIBOX_PROPOSALS).boxes
    searched = region_training.proposer(region_training.SUPERPIXELS)(image)
    assert {*map(tuple, detector.proposals(image))} == {*map(tuple, added), *map(tuple, searched)}


@pytest.mark.parametrize("stage", ["regions", "hard"])
def test_resumed_detector_is_bit_identical(start, trained, tmp_path, monkeypatch, capsys, stage):
    with monkeypatch.context() as patch:
        learn = Trainer.learn

        def interrupted(self, batch, rate):
            if self.out.name == stage and self.step == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return learn(self, batch, rate)

        patch.setattr(Trainer, "learn", interrupted)
        assert train(start, tmp_path) == 130
    assert "Stopped and saved after step 2; continue with --resume." in capsys.readouterr().out
    assert main(["detect", "train", "--out", str(tmp_path), "--resume"]) == 0
    out = capsys.readouterr().out
    assert "Resuming at step 2 of" in out
    assert ("Stage 1 of 2: regions of scenes." in out) == (stage == "regions")
    for name in ("regions", "hard"):
        whole, parts = (
            weights.load(folder / name / "weights.safetensors").graph.params for folder in (trained, tmp_path)
        )
        assert all(np.array_equal(whole[key], parts[key]) for key in whole)


def test_drawn_scenes_have_a_stage_for_single_objects(tmp_path):
    run = region_training.stages(tmp_path)
    assert list(run) == ["objects", "regions", "hard"]
    assert run["objects"].start is None
    for name, before in (("regions", "objects"), ("hard", "regions")):
        assert run[name].start == os.path.realpath(tmp_path / before / "weights.safetensors")
    region_training.write(tmp_path, run)
    assert region_training.read(tmp_path) == run
    assert region_training.begun(tmp_path) == []


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """Return a folder in COCO's layout, with one training image that cannot be read."""
    home = tmp_path_factory.mktemp("coco")
    for part, name in (("train", "train"), ("validation", "val")):
        scenes = region_training.load(part, size=40, count=3)
        content = {"images": [], "annotations": [], "categories": [{"id": 7, "name": "a"}, {"id": 9, "name": "b"}]}
        for number, (image, truths) in enumerate(zip(scenes.images, scenes.truths, strict=True)):
            file = f"{name}_{number}.png"
            Image.fromarray(image.transpose(1, 2, 0)).save(home / file)
            content["images"].append({"id": number, "file_name": file, "width": 40, "height": 40})
            for (x1, y1, x2, y2), label in zip(truths.boxes.tolist(), truths.labels.tolist(), strict=True):
                entry = {"image_id": number, "category_id": 7 + 2 * (label % 2), "bbox": [x1, y1, x2 - x1, y2 - y1]}
                content["annotations"].append({"id": len(content["annotations"]), "iscrowd": 0, **entry})
        (home / f"instances_{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (home / "train_1.png").write_bytes(b"not an image")
    return home


def test_folder_in_the_layout_of_coco_trains_a_detector(coco, tmp_path, capsys):
    assert main(["detect", "train", "--data", str(coco), "--out", str(tmp_path), "--epochs", "1"]) == 0
    assert "train_1.png" in (tmp_path / "regions" / "skipped.csv").read_text(encoding="utf-8")
    assert weights.load(tmp_path / "hard").classes == ("a", "b", "background")
    capsys.readouterr()
    drawn = tmp_path / "figures"
    options = ["--data", str(coco), "--weights", str(tmp_path), "--json", str(tmp_path / "r.json"), "--out", str(drawn)]
    assert main(["detect", "evaluate", *options]) == 0
    assert {path.name for path in drawn.iterdir()} == {"errors.png", "errors.txt", "failures.png", "failures.txt"}
    assert "missed" in (drawn / "errors.txt").read_text(encoding="utf-8")
    assert f"3 images of {coco}, validation; rule voc" in capsys.readouterr().out
    assert {result["category_id"] for result in json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))} <= {7, 9}


def test_run_draws_boxes_and_writes_results(trained, tmp_path, capsys):
    scenes = region_training.load("test", size=48, count=2)
    for number, image in enumerate(scenes.images):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "bad.png").write_bytes(b"not an image")
    options = [
        "--weights",
        str(trained),
        "--least",
        "0",
        "--out",
        str(tmp_path / "drawn"),
        "--json",
        str(tmp_path / "r.json"),
    ]
    assert main(["detect", "run", str(tmp_path), *options]) == 1
    out = capsys.readouterr().out
    assert "bad.png as an image" in out
    assert " objects (confidence, class, box x1 y1 x2 y2)" in out
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["0001_0.png", "0002_1.png"]
    with Image.open(tmp_path / "drawn" / "0001_0.png") as drawing:
        assert drawing.size == (480, 480)
    results = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert {result["image_id"] for result in results} == {str(tmp_path / f"{number}.png") for number in range(2)}
    for result in results:
        x, y, width, height = result["bbox"]
        assert 0 <= x < x + width <= 48
        assert 0 <= y < y + height <= 48
        assert 1 <= result["category_id"] <= 10
        assert 0 <= result["score"] <= 1


def test_results_can_go_to_standard_output(trained, tmp_path, capsys):
    Image.new("RGB", (40, 40)).save(tmp_path / "black.png")
    assert main(["detect", "run", str(tmp_path / "black.png"), "--weights", str(trained), "--json", "-"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)


def test_evaluation_prints_a_table_for_each_rule(trained, capsys):
    for rule in ("voc", "coco"):
        options = ["--size", "32", "--scenes", "4", "--rule", rule]
        assert main(["detect", "evaluate", "--weights", str(trained), *options]) == 0
        out = capsys.readouterr().out
        assert f"4 images of shapes, test; rule {rule}" in out
        assert "Proposals per image:" in out
        assert "mean" in out


def test_ensemble_of_one_detector_twice_gives_the_same_results(trained, tmp_path, capsys):
    for name, folders in (("one", [trained]), ("two", [trained, trained])):
        options = ["--size", "32", "--scenes", "2", "--json", str(tmp_path / f"{name}.json")]
        assert main(["detect", "evaluate", *[f"--weights={folder}" for folder in folders], *options]) == 0
    capsys.readouterr()
    one, two = (json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in ("one", "two"))
    assert one == two
    assert len(one)


def test_ensemble_needs_the_same_proposals(start, trained, tmp_path, capsys):
    assert train(start, tmp_path, "--superpixels", "4") == 0
    assert main(["detect", "evaluate", "--weights", str(trained), "--weights", str(tmp_path)]) == 1
    assert "must have the same superpixels" in capsys.readouterr().err


def test_training_rejects_a_folder_with_a_run(start, trained, capsys):
    assert train(start, trained) == 1
    assert "already contains a run. Continue it with --resume" in capsys.readouterr().err


def test_resume_rejects_other_settings(trained, capsys):
    assert main(["detect", "train", "--out", str(trained), "--resume", "--superpixels", "1"]) == 1
    assert "Leave out --superpixels." in capsys.readouterr().err


@pytest.mark.parametrize("action", [["train", "--out"], ["evaluate", "--weights"]])
def test_folder_rejects_options_for_drawn_scenes(coco, tmp_path, capsys, action):
    assert main(["detect", *action, str(tmp_path), "--data", str(coco), "--size", "48"]) == 1
    assert "Leave out --size." in capsys.readouterr().err


def test_detection_needs_a_trained_detector(tmp_path, capsys):
    Image.new("RGB", (40, 40)).save(tmp_path / "black.png")
    assert main(["detect", "run", str(tmp_path / "black.png"), "--weights", str(tmp_path)]) == 1
    assert "has no trained region network" in capsys.readouterr().err


def test_least_confidence_outside_its_range_is_rejected(capsys):
    with pytest.raises(SystemExit) as error:
        main(["detect", "run", "x.png", "--weights", "w", "--least", "2"])
    assert error.value.code == 2
    assert "must be a number in [0, 1], got '2'" in capsys.readouterr().err
