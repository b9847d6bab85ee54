"""Training of a region network in stages: whole images of single objects, regions of scenes, hard negatives.

Each stage is a `training.Recipe` with a `training.Trainer`, a folder and a checkpoint of its own, and starts from the
weights of the stage before it. So an interrupted run continues at its stage, and ends bit-identical.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from minigooglenet import checks, data, files, weights
from minigooglenet.data import UNIT
from minigooglenet.data.transforms import small_augmentation
from minigooglenet.detection.boxes import clipped, to_centre, to_normalised
from minigooglenet.detection.detector import LEAST, Detector
from minigooglenet.detection.folders import DetectionFolder, folder, parts
from minigooglenet.detection.multibox import MultiBoxStep, MultiBoxTrainer, load_multibox, multibox_network
from minigooglenet.detection.multibox.network import FORMS
from minigooglenet.detection.multibox.training import SETTINGS
from minigooglenet.detection.region_classifier import BACKGROUND, Propose, region_classes, region_images, unique
from minigooglenet.detection.regions import smaller, warped_whole
from minigooglenet.detection.scenes import DetectionScenes, shapes_detection
from minigooglenet.detection.selective_search import SCALE, selective_search
from minigooglenet.evaluation.held_out import only_input
from minigooglenet.shapes import integer
from minigooglenet.training import Recipe, Settings
from minigooglenet.training import recipe as recipes
from minigooglenet.training.run_files import CHECKPOINT, WEIGHTS, trained
from minigooglenet.training.settings import flag
from minigooglenet.typing import FloatArray, PathLike, UInt8Array

OBJECTS, MULTIBOX, REGIONS, HARD = "objects", "multibox", "regions", "hard"  # folders of the stages
SHAPES = "shapes"  # the name of the drawn scenes; other data are folders
SIZE, SIDE = 64, 24  # of a drawn scene, and of a region
SCENES, HELD_OUT = 300, 30  # drawn for training, and held out
WHOLE_IMAGES = 2000  # of single objects
MOST_OBJECTS = 6  # in a drawn scene
SUPERPIXELS = 2.0  # their size as a factor of `selective_search.SCALE`; the paper doubles it too
ARGUMENTS = {"width": 0.5, "dropout": False}  # of the mini GoogLeNet, so that it learns in a minute
OBJECTS_EPOCHS, EPOCHS = 6, 5  # of the whole images, and of the regions
LR, HARD_LR = 0.05, 0.02  # learning rate, and that of the last stage
MOST_REMEMBERED = 4_000_000  # boxes, 128 MB; a folder of photographs can have more
MULTIBOX_SIZE, MULTIBOX_EPOCHS = 64, 10  # input of MultiBox, and its training
MULTIBOX_PROPOSALS = 20  # per image; the paper added 200 for photographs

Scenes = DetectionScenes | DetectionFolder


@dataclass(frozen=True)
class RegionRecipe(Recipe):
    """A Recipe whose images are the regions of scenes.

    Attributes
    ----------
    data : "shapes", or a folder for `detection.folder`
    size : height and width of drawn scenes; None for a folder, whose images have their own sizes
    side : height and width of a region, the input of the network
    scenes, held_out : numbers of drawn scenes for training and for the held-out regions
    superpixels : their size, as a factor of the scales of `selective_search`
    multibox : weights file of a `multibox.MultiBox` whose proposals are added, or None
    hard : whether the negatives are hard: chosen by the network in the weights file `start`

    Examples
    --------
    >>> from minigooglenet.detection.region_training import RegionRecipe
    >>> recipe = RegionRecipe("shapes", size=64, scenes=2, held_out=1)
    >>> recipe.split().train.classes[-1]
    'background'
    """

    side: int = SIDE
    scenes: int = SCENES
    held_out: int = HELD_OUT
    superpixels: float = SUPERPIXELS
    multibox: str | None = None
    hard: bool = False
    INSIDE: ClassVar = ("start", "multibox")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.multibox is not None:
            object.__setattr__(self, "multibox", os.path.realpath(self.multibox))
        for name in ("side", "scenes", "held_out"):
            integer(getattr(self, name), name, 1)
        object.__setattr__(self, "superpixels", checks.number(self.superpixels, "superpixels", 0.1, 100))
        if flag(self.hard, "hard") and self.start is None:
            raise ValueError("hard needs start, the weights file of a network that was trained on regions")

    def split(self, on_bytes: Callable[[int, int], object] | None = None) -> data.Split:
        """Return the regions as a data.Split; `on_bytes` is called with (scenes done, all scenes)."""
        networks, pixels = None, UNIT
        if self.start is not None:
            loaded = weights.load(self.start)
            networks, pixels = loaded.graph if self.hard else None, loaded.pixels or pixels
        train = load("train", self.data, self.size, self.scenes)
        test = load("validation", self.data, self.size, self.held_out, train.classes)
        done, total, regions = 0, len(train.truths) + len(test.truths), []
        for scenes, miner in ((train, networks), (test, None)):
            images = region_images(
                scenes.images,
                scenes.truths,
                proposer(self.superpixels, self.multibox),
                scenes.classes,
                self.side,
                pixels=pixels,
                networks=miner,
                seed=self.settings.seed,
                on_image=None if on_bytes is None else functools.partial(_after, on_bytes, done, total),
            )
            regions.append(images)
            done += len(scenes.truths)
        if not self.augment:
            regions[0].augment = None
        return data.Split(*regions)


@dataclass(frozen=True)
class ObjectRecipe(Recipe):
    """A Recipe whose images are drawn scenes of single objects, warped as a whole to the size of a region.

    Attributes
    ----------
    side : height and width of a region
    scenes, held_out : numbers of scenes for training, and held out

    Examples
    --------
    >>> from minigooglenet.detection.region_training import ObjectRecipe
    >>> ObjectRecipe("shapes", side=24, scenes=4, held_out=2).split()
    Split(4 train, 2 test, 10 classes, 3x24x24)
    """

    side: int = SIDE
    scenes: int = WHOLE_IMAGES
    held_out: int = HELD_OUT

    def split(self, on_bytes: Callable[[int, int], object] | None = None) -> data.Split:
        """Return the warped images as a data.Split; `on_bytes` is called once, at the end."""
        parts = []
        for seed, count in enumerate((self.scenes, self.held_out)):
            drawn = data.shapes(count, seed=seed)
            parts.append(data.Images(warped_whole(drawn.images, self.side), drawn.labels, drawn.classes, UNIT))
        if self.augment:
            parts[0].augment = small_augmentation
        if on_bytes is not None:
            on_bytes(self.scenes + self.held_out, self.scenes + self.held_out)
        return data.Split(*parts)


def load(
    part: str, data: str = SHAPES, size: int | None = SIZE, count: int = SCENES, classes: tuple[str, ...] | None = None
) -> Scenes:
    """Return scenes with boxes: "train", "validation" or "test", drawn or from a folder.

    Parameters
    ----------
    part : "train", "validation" or "test"
    data : "shapes" or a folder
    size, count : height and width, and number, of drawn scenes
    classes : names of the classes of a folder in the order of their labels, by default its own

    Examples
    --------
    >>> from minigooglenet.detection import region_training
    >>> len(region_training.load("test", count=2).truths)
    2
    """
    if data == SHAPES:
        return shapes_detection(count, SIZE if size is None else size, MOST_OBJECTS, part=part)
    return folder(data, part, classes)


def check_data(data: str = SHAPES, size: int | None = None) -> list[str]:
    """Return sentences about the data of a training: clipped or dropped boxes, and classes without training objects.

    Call it before a training, which needs minutes until it uses the last part.

    Parameters
    ----------
    data : "shapes" or a folder
    size : height and width of drawn scenes

    Raises
    ------
    ValueError, FileNotFoundError
        If a part has no images, if the training images have no objects, or as `load` does.

    Examples
    --------
    >>> from minigooglenet.detection import region_training
    >>> region_training.check_data(size=64)
    []
    """
    if data == SHAPES:
        load("train", size=size, count=1)
        return []
    train = load("train", data)
    test = load("validation", data, classes=train.classes)
    for part, scenes in (("training", train), ("validation", test)):
        if not len(scenes.truths):
            raise ValueError(f"{data} has no {part} images: it has {len(train.truths) + len(test.truths)} in total")
    labels = np.concatenate([truths.labels[~truths.difficult] for truths in train.truths])
    if not len(labels):
        raise ValueError(f"{data}: the {len(train.truths):,} training images have no objects that are not difficult")
    region_classes(train.classes)
    rare = [name for label, name in enumerate(train.classes) if label not in labels]
    notes = [f"Classes without training objects: {', '.join(rare)}."] * bool(rare)
    return [*notes, *dict.fromkeys(getattr(train, "notes", ()) + getattr(test, "notes", ()))]


def held_out_part(data: str = SHAPES) -> str:
    """Return the part of the data to evaluate on: "test", or "validation" for a folder without a test part.

    Examples
    --------
    >>> from minigooglenet.detection import region_training
    >>> region_training.held_out_part()
    'test'
    """
    return "test" if data == SHAPES or "test" in parts(data) else "validation"


@functools.cache
def proposer(superpixels: float, multibox: str | None = None) -> Propose:
    """Return the function (image) -> boxes of Selective Search, and of MultiBox. It remembers 4 million boxes at most.

    superpixels : their size, as a factor of the scales of `selective_search`
    multibox : weights file of a `multibox.MultiBox`, or None for Selective Search only

    Examples
    --------
    >>> import minigooglenet as mg
    >>> from minigooglenet.detection import region_training
    >>> propose = region_training.proposer(2.0)
    >>> image = mg.data.shapes(1, 48).images[0]
    >>> propose(image) is propose(image)
    True
    """
    known: dict[bytes, FloatArray] = {}
    network = None if multibox is None else load_multibox(multibox)

    def propose(image: UInt8Array) -> FloatArray:
        key = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()
        if key not in known:
            small, factors = smaller(image)
            boxes: FloatArray = selective_search(small, [superpixels * scale for scale in SCALE]).boxes / factors
            boxes, _ = clipped(boxes, image.shape[1:])  # a division can exceed a side of the image by rounding
            if network is not None:
                (predicted,) = network.propose_all([image], MULTIBOX_PROPOSALS)
                boxes = unique(np.concatenate([boxes, predicted.boxes]))
            if sum(map(len, known.values())) + len(boxes) > MOST_REMEMBERED:
                return boxes
            known[key] = boxes
        return known[key]

    return propose


def stages(
    out: PathLike,
    data: str = SHAPES,
    *,
    start: str | None = None,
    size: int | None = None,
    scenes: int = SCENES,
    superpixels: float = SUPERPIXELS,
    multibox: bool = False,
    epochs: int = EPOCHS,
    seed: int = 0,
) -> dict[str, Recipe]:
    """Return the stages of a training in the folder `out` as {name of its folder: Recipe}, in their order.

    Parameters
    ----------
    out : folder of the run
    data : "shapes" or a folder for `detection.folder`
    start : weights file of a network for whole images; by default, drawn scenes have a stage for it, and the network
        for a folder starts from He initialisation
    size, scenes : height and width, and number, of drawn scenes
    superpixels : their size, as a factor of the scales of `selective_search`
    multibox : whether the proposals of a MultiBox are added; train it with `train_multibox` before the regions
    epochs : of the regions; the stage with hard negatives has half as many
    seed : random seed for everything

    Examples
    --------
    >>> from minigooglenet.detection import region_training
    >>> list(region_training.stages("run"))
    ['objects', 'regions', 'hard']
    """
    run, side = dict[str, Recipe](), SIDE
    if start is not None:
        graph = weights.load(start).graph
        side = graph.inputs[only_input(graph)][-1]
    elif data == SHAPES:
        settings = Settings(epochs=OBJECTS_EPOCHS, lr=LR, seed=seed)
        run[OBJECTS] = ObjectRecipe(SHAPES, None, True, "mini", ARGUMENTS, None, seed, settings)
        start = str(Path(out) / OBJECTS / WEIGHTS)
    size = (size or SIZE) if data == SHAPES else None
    settings = Settings(epochs=epochs, lr=LR, seed=seed)
    first = RegionRecipe(
        data, size, True, "mini", ARGUMENTS, start, seed, settings,
        side=side, scenes=scenes, held_out=HELD_OUT, superpixels=superpixels,
        multibox=str(Path(out) / MULTIBOX / WEIGHTS) if multibox else None,
    )  # fmt: skip
    settings = replace(settings, epochs=max(1, epochs // 2), lr=HARD_LR)
    hard = replace(first, start=str(Path(out) / REGIONS / WEIGHTS), settings=settings, hard=True)
    return {**run, REGIONS: first, HARD: hard}


def write(out: PathLike, run: dict[str, Recipe]) -> None:
    """Write the recipe of each stage into its folder in `out`, so that `read` returns them at any time."""
    if OBJECTS not in run:  # an earlier run, which saved nothing, may have left its recipe
        (Path(out) / OBJECTS / recipes.FILE).unlink(missing_ok=True)
    for name, recipe in run.items():
        files.make_folder(Path(out) / name)
        recipe.write(Path(out) / name)


def read(out: PathLike) -> dict[str, Recipe]:
    """Return the stages of the run in the folder `out`, as from `stages`.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder has no run, or a recipe is not valid.
    """
    run = dict[str, Recipe]()
    if (Path(out) / OBJECTS / recipes.FILE).exists():
        run[OBJECTS] = recipes.read(Path(out) / OBJECTS, ObjectRecipe)
    for name in (REGIONS, HARD):
        run[name] = recipes.read(Path(out) / name, RegionRecipe)
    return run


def train_multibox(recipe: RegionRecipe, on_step: Callable[[MultiBoxStep], object] | None = None) -> bool:
    """Train the MultiBox of a recipe on its training scenes, write its weights file and return True.

    After Ctrl-C it writes a checkpoint next to that file, with which the next call continues, and returns False.

    Parameters
    ----------
    recipe : RegionRecipe with a `multibox`
    on_step : called with each `multibox.MultiBoxStep`

    Raises
    ------
    ValueError
        If the recipe has no MultiBox, if no image can be read, or if the checkpoint belongs to other scenes.
    """
    if recipe.multibox is None:
        raise ValueError("this recipe has no multibox, the weights file to write")
    scenes, images, boxes = load("train", recipe.data, recipe.size, recipe.scenes), list[UInt8Array](), []
    unreadable = list[str]()
    for index, truths in enumerate(scenes.truths):
        try:
            image = scenes.images[index]
        except data.BadImageError as error:
            unreadable.append(str(error))  # `region_images` reports all of them
            continue
        if len(image) == 1:
            image = image.repeat(3, axis=0)
        images.append(image)
        boxes.append(truths.boxes[~truths.difficult])
    fractions = [to_normalised(rows, image.shape[1:]) for image, rows in zip(images, boxes, strict=True)]
    if not images:
        raise ValueError(f"MultiBox has no images, because none of {len(scenes.truths)} can be read: {unreadable[0]}")
    different = len(np.unique(to_centre(np.concatenate(fractions))[:, 2:], axis=0))
    if different < FORMS["convolutional"]:
        raise ValueError(
            f"MultiBox needs objects of {FORMS['convolutional']} different sizes for its priors, and the "
            f"{len(images)} training images have {different}. Add images, or train in another folder without MultiBox."
        )
    path = Path(recipe.multibox)
    files.make_folder(path.parent)
    seed = recipe.settings.seed
    network = multibox_network(np.concatenate(fractions), MULTIBOX_SIZE, rng=seed)
    settings = replace(SETTINGS, epochs=MULTIBOX_EPOCHS, seed=seed)
    trainer = MultiBoxTrainer(network, images, boxes, settings, checkpoint=path.with_name(CHECKPOINT))
    trainer.resume()
    if trainer.run(on_step):
        network.save(path)
        return True
    return False


def begun(out: PathLike) -> list[str]:
    """Return the stages in the folder `out` that have weights or a checkpoint, in their order."""
    return [name for name in (OBJECTS, MULTIBOX, REGIONS, HARD) if trained(Path(out) / name)]


def detector(*folders: PathLike, least: float = LEAST) -> Detector:
    """Return the Detector that was trained in a folder, or the ensemble of several folders.

    Parameters
    ----------
    folders : folders of runs; their last stage is used, and the MultiBox of the first folder, if it has one
    least : smallest confidence of a detection

    Raises
    ------
    ValueError
        If a folder has no region network yet, or if the folders differ in classes, pixels or proposals.
    """
    networks, facts, multiboxes = [], [], []
    for out in folders:
        last = [name for name in begun(out) if name in (REGIONS, HARD)][-1:]
        if not last:
            advice = "Train one with `minigooglenet detect train`."
            home = Path(out).parent if Path(out).is_dir() else Path(out).parent.parent
            if begun(home):  # the folder of a stage, or a file in it
                advice = f"Pass the folder of the whole run, {home}."
            lack = "has no trained region network" if os.path.lexists(out) else "does not exist"
            raise ValueError(f"{out} {lack}. {advice}")
        path = Path(out) / last[0]
        loaded, recipe = weights.load(path / WEIGHTS), recipes.read(path, RegionRecipe)
        if not loaded.classes or loaded.classes[-1] != BACKGROUND or loaded.pixels is None:
            raise ValueError(f"{path} has no region network as `minigooglenet detect train` writes it")
        networks.append(loaded.graph)
        facts.append((loaded.classes[:-1], loaded.pixels, recipe.superpixels))
        multiboxes.append(None if recipe.multibox is None else str(Path(out) / MULTIBOX / WEIGHTS))
    for out, fact in zip(folders, facts, strict=True):
        for name, value, first in zip(("classes", "pixels", "superpixels"), fact, facts[0], strict=True):
            if value != first:
                raise ValueError(
                    f"detectors of an ensemble must have the same {name}: {folders[0]} has {first}, {out} has {value}"
                )
    classes, pixels, superpixels = facts[0]
    return Detector(networks, classes, proposer(superpixels, multiboxes[0]), pixels=pixels, least=least)


def _after(on_image, before, total, done):
    on_image(before + done, total)
