"""The command `detect`, end to end with a tiny network: training that resumes, images with boxes, results, errors."""

import json
import os
import shutil
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


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory):
    """Return the folder of a detector with a MultiBox, trained without interruption."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region_training, "MULTIBOX_EPOCHS", 2)
        assert train(start, out, "--multibox") == 0
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


def test_multibox_adds_its_proposals(whole):
    image = region_training.load("test", size=48, count=1).images[0]
    detector = region_training.detector(whole)
    added = (
        load_multibox(whole / "multibox" / "weights.safetensors")
        .propose(image, region_training.MULTIBOX_PROPOSALS)
        .boxes
    )
    searched = region_training.proposer(region_training.SUPERPIXELS)(image)
    assert {*map(tuple, detector.proposals(image))} == {*map(tuple, added), *map(tuple, searched)}


def test_training_rejects_a_folder_with_only_a_multibox(start, tmp_path, capsys):
    (tmp_path / "multibox").mkdir()
    (tmp_path / "multibox" / "weights.safetensors").touch()
    assert train(start, tmp_path, "--multibox") == 1
    assert "already contains a run. Continue it with --resume" in capsys.readouterr().err


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


@pytest.mark.parametrize(("learner", "which"), [(MultiBoxTrainer, "multibox"), (Trainer, "regions"), (Trainer, "hard")])
def test_moved_run_resumes_bit_identically(start, whole, tmp_path, monkeypatch, capsys, learner, which):
    monkeypatch.setattr(region_training, "MULTIBOX_EPOCHS", 2)
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        learn = "_learn" if learner is MultiBoxTrainer else "learn"
        original = getattr(learner, learn)

        def interrupted(self, *arguments):
            if which == "multibox" or self.out.name == which:
                os.kill(os.getpid(), signal.SIGINT)
            return original(self, *arguments)

        patch.setattr(learner, learn, interrupted)
        assert train(start, "before", "--multibox") == 130
    assert "Stopped and saved" in capsys.readouterr().out
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "before").rename(tmp_path / "elsewhere" / "after")
    out = tmp_path / "elsewhere" / "after"
    assert main(["detect", "train", "--out", str(out), "--resume"]) == 0
    for name in ("multibox", "regions", "hard"):
        assert (out / name / "weights.safetensors").read_bytes() == (whole / name / "weights.safetensors").read_bytes()


def test_run_records_its_files_relative_to_itself(whole, start):
    recipes = [json.loads((whole / name / "recipe.json").read_text(encoding="utf-8")) for name in ("regions", "hard")]
    assert [recipe["multibox"] for recipe in recipes] == ["../multibox/weights.safetensors"] * 2
    assert [recipe["start"] for recipe in recipes] == [os.path.realpath(start), "../regions/weights.safetensors"]


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
    corrupt = tmp_path / "corrupt"
    shutil.copytree(coco, corrupt)
    (corrupt / "val_1.png").write_bytes(b"not an image")
    assert main(["detect", "evaluate", *options, "--data", str(corrupt)]) == 1
    out = capsys.readouterr().out
    assert "val_1.png" in out
    assert f"2 images of {corrupt}, validation; rule voc" in out
    assert "image 1," not in (drawn / "failures.txt").read_text(encoding="utf-8")


@pytest.fixture
def voc(tmp_path):
    """Return a folder with VOC's files, JPEG and PNG images of mixed sizes, and one box that extends past its image."""
    home = tmp_path / "my photos \u00e4"
    home.mkdir()
    for number, size in enumerate((40, 48, 56, 64, 40, 48, 56, 64)):
        scenes = region_training.load("train", size=size, count=number + 1)
        image, truths = scenes.images[number], scenes.truths[number]
        file = f"scene {number}.{'png' if number % 2 else 'jpg'}"
        Image.fromarray(image.transpose(1, 2, 0)).save(home / file)
        objects = ""
        for (x1, y1, x2, y2), label in zip(truths.boxes.tolist(), truths.labels.tolist(), strict=True):
            right = size + 1 if not objects and not number else x2
            corners = (("xmin", x1 + 1), ("ymin", y1 + 1), ("xmax", right), ("ymax", y2))
            sides = "".join(f"<{side}>{value:g}</{side}>" for side, value in corners)
            objects += f"<object><name>{'ab'[label % 2]}</name><bndbox>{sides}</bndbox></object>"
        sizes = f"<size><width>{size}</width><height>{size}</height><depth>3</depth></size>"
        text = f"<annotation><filename>{file}</filename>{sizes}{objects}</annotation>"
        (home / f"scene {number}.xml").write_text(text, encoding="utf-8")
    return home


def test_folder_in_the_layout_of_voc_trains_a_detector(voc, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["detect", "train", "--data", str(voc), "--out", str(out), "--epochs", "1"]) == 0
    assert f"{voc}: boxes that extend past their image, clipped: 1" in capsys.readouterr().out
    assert weights.load(out / "hard").classes == ("a", "b", "background")
    results = tmp_path / "r.json"
    assert main(["detect", "evaluate", "--data", str(voc), "--weights", str(out), "--json", str(results)]) == 0
    printed = capsys.readouterr().out
    assert "extend past their image, clipped: 1" in printed
    number = len(region_training.load("validation", str(voc)))
    assert f"{number} images of {voc}, validation; rule voc" in printed
    results = json.loads(results.read_text(encoding="utf-8"))
    assert {result["image_id"] for result in results} <= {f"scene {number}" for number in range(8)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annotations": []}, "training images have no objects that are not difficult"),
        ({"images": [], "annotations": []}, "has no training images: it has 0 in total"),
        ({"categories": [{"id": 7, "name": "a"}, {"id": 9, "name": "background"}]}, "'background' must not be a class"),
    ],
)
def test_unusable_data_stop_before_training(coco, tmp_path, capsys, change, message):
    for path in coco.iterdir():
        shutil.copy(path, tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    assert main(["detect", "train", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_size_of_scenes_is_checked_before_training(tmp_path, capsys):
    assert main(["detect", "train", "--out", str(tmp_path / "run"), "--size", "8"]) == 1
    assert "size must be at least 32, got 8" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_multibox_needs_objects_of_several_sizes(coco, tmp_path, capsys):
    for path in coco.iterdir():
        shutil.copy(path, tmp_path)
    for path in tmp_path.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        for entry in content["annotations"]:
            entry["bbox"] = [1, 2, 3, 4]
        path.write_text(json.dumps(content), encoding="utf-8")
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "run"), "--multibox"]
    assert main(["detect", "train", *options]) == 1
    assert (
        "needs objects of 4 different sizes for its priors, and the 2 training images have 1" in capsys.readouterr().err
    )
    for path in tmp_path.glob("train_*.png"):
        path.write_bytes(b"")
    assert main(["detect", "train", *options]) == 1
    assert "MultiBox has no images, because none of 3 can be read: " in capsys.readouterr().err


def test_class_without_training_objects_is_listed(coco, tmp_path):
    for path in coco.iterdir():
        shutil.copy(path, tmp_path)
    for path in tmp_path.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["categories"].append({"id": 11, "name": "rare"})
        path.write_text(json.dumps(content), encoding="utf-8")
    assert region_training.check_data(str(tmp_path)) == ["Classes without training objects: rare."]


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


def test_drawings_never_replace_an_image(trained, tmp_path, capsys):
    for name in ("0002_a.png", "a.png"):
        Image.new("RGB", (40, 40)).save(tmp_path / name)
    before = (tmp_path / "0002_a.png").read_bytes()
    assert main(["detect", "run", str(tmp_path), "--weights", str(trained), "--out", str(tmp_path)]) == 1
    assert "0002_a.png is an image and would be overwritten." in capsys.readouterr().err
    assert (tmp_path / "0002_a.png").read_bytes() == before


@pytest.mark.parametrize("data", ["", "instances_val.json"])
def test_results_never_replace_annotations(coco, trained, capsys, data):
    path = coco / "instances_val.json"
    before = path.read_bytes()
    options = ["--data", str(coco / data), "--weights", str(trained), "--json", str(path)]
    assert main(["detect", "evaluate", *options]) == 1
    assert "whose JSON files are annotations. Choose another path for --json." in capsys.readouterr().err
    assert path.read_bytes() == before


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
    assert main(["detect", "run", str(tmp_path / "black.png"), "--weights", str(tmp_path / "nowhere")]) == 1
    assert "nowhere does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("inside", ["hard", "hard/weights.safetensors"])
def test_folder_of_a_stage_is_not_a_detector(trained, capsys, inside):
    assert main(["detect", "evaluate", "--weights", str(trained / inside)]) == 1
    assert f"Pass the folder of the whole run, {trained}." in capsys.readouterr().err


def test_evaluation_names_the_classes_that_differ(trained, coco, tmp_path, capsys):
    assert main(["detect", "train", "--data", str(coco), "--out", str(tmp_path), "--epochs", "1"]) == 0
    assert main(["detect", "evaluate", "--weights", str(tmp_path)]) == 1
    assert "has the classes 'a', 'b', but shapes has 'circle'" in capsys.readouterr().err


def test_least_confidence_outside_its_range_is_rejected(capsys):
    with pytest.raises(SystemExit) as error:
        main(["detect", "run", "x.png", "--weights", "w", "--least", "2"])
    assert error.value.code == 2
    assert "must be a number in [0, 1], got '2'" in capsys.readouterr().err
