"""The stages of a training: their recipes, their data sets, and proposals that are computed once."""

import numpy as np
import pytest

from minigooglenet import data, models, weights
from minigooglenet.detection import region_training
from minigooglenet.detection.region_training import ObjectRecipe, RegionRecipe
from minigooglenet.detection.regions import smaller
from minigooglenet.training import Settings
from minigooglenet.training import recipe as recipes


def test_recipe_of_regions_is_read_as_it_was_written(tmp_path):
    recipe = RegionRecipe("shapes", 48, side=16, scenes=3, held_out=1, superpixels=3, settings=Settings(epochs=2))
    recipe.write(tmp_path)
    assert recipes.read(tmp_path, RegionRecipe) == recipe
    with pytest.raises(ValueError, match="unknown field 'side'"):
        recipes.read(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hard": True}, "hard needs start"),
        ({"side": 0}, "side must be"),
        ({"superpixels": 0}, "superpixels must be"),
    ],
)
def test_recipe_rejects_impossible_fields(arguments, message):
    with pytest.raises(ValueError, match=message):
        RegionRecipe("shapes", **arguments)


def test_split_depends_only_on_the_recipe():
    recipe = RegionRecipe("shapes", 40, side=16, scenes=3, held_out=2, settings=Settings(seed=4))
    (train, held_out), (again, _) = recipe.split(), recipe.split()
    assert train.digest() == again.digest()
    assert train.classes == held_out.classes == (*data.shapes(1).classes, "background")
    assert train.augment is None
    assert RegionRecipe("shapes", 40, True, side=16, scenes=1, held_out=1).split().train.augment is not None


def test_split_reports_its_progress():
    counts = []
    RegionRecipe("shapes", 40, side=16, scenes=3, held_out=2).split(lambda *count: counts.append(count))
    assert counts == [(done, 5) for done in range(1, 6)]


def test_hard_negatives_are_chosen_by_the_network_of_the_recipe(tmp_path):
    paths, classes = [tmp_path / f"{seed}.safetensors" for seed in (0, 1)], (*data.shapes(1).classes, "background")
    for seed, path in enumerate(paths):
        weights.save(
            models.mini_googlenet(11, size=16, width=0.25, depth=2, rng=seed), path, pixels=data.UNIT, classes=classes
        )
    first, second = (
        RegionRecipe("shapes", 64, start=str(path), side=16, scenes=3, held_out=1, superpixels=0.5, hard=True).split()
        for path in paths
    )
    assert first.train.digest() != second.train.digest()
    assert first.test.digest() == second.test.digest()


def test_whole_images_are_warped_to_the_side():
    train, held_out = ObjectRecipe("shapes", side=16, scenes=5, held_out=2).split()
    assert (train.shape, len(train), len(held_out)) == ((3, 16, 16), 5, 2)
    same = ObjectRecipe("shapes", side=32, scenes=5, held_out=2).split().train
    assert np.array_equal(same.images, data.shapes(5, 32, seed=0).images)


def test_proposals_of_an_image_are_computed_once(monkeypatch):
    calls, search = [], region_training.selective_search
    monkeypatch.setattr(region_training, "selective_search", lambda *args: calls.append(args) or search(*args))
    images = data.shapes(2, 40, seed=0).images
    propose = region_training.proposer(3.5)
    boxes = [propose(image) for image in (*images, *images)]
    assert len(calls) == 2
    assert np.array_equal(boxes[0], boxes[2])
    assert propose is region_training.proposer(3.5)


def test_stage_for_single_objects_of_an_unsaved_run_is_forgotten(tmp_path):
    region_training.write(tmp_path, region_training.stages(tmp_path))
    run = {name: recipe for name, recipe in region_training.stages(tmp_path).items() if name != "objects"}
    region_training.write(tmp_path, run)
    assert list(region_training.read(tmp_path)) == ["regions", "hard"]


def test_large_image_is_searched_at_a_smaller_size():
    scene = data.shapes(1, 300).images[0]
    large = scene.repeat(4, axis=1).repeat(4, axis=2)[:, :, :1197]
    boxes = region_training.proposer(2.0)(large)
    small = region_training.proposer(2.0)(smaller(large)[0])
    assert len(boxes) == len(small)
    assert boxes.max(axis=0)[2:].tolist() == [1197, 1200]
    np.testing.assert_allclose(boxes, small * np.tile([1197 / 499, 1200 / 500], 2))


def test_remembered_proposals_are_limited(monkeypatch):
    images, propose = data.shapes(2, 48).images, region_training.proposer(2.5)
    monkeypatch.setattr(region_training, "MOST_REMEMBERED", len(propose(images[0])))
    assert propose(images[0]) is propose(images[0])
    assert propose(images[1]) is not propose(images[1])
