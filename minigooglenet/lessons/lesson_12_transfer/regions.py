"""Helpers of lesson 12: a trained backbone, classifiers on stored features, and regions of a scene."""

from importlib import resources

import numpy as np
from PIL import Image

from minigooglenet import data, figures, layers, models, training, weights
from minigooglenet.graph import Graph

KNOWN = 6  # classes that the backbone was trained on
SIDE = 32  # of the images that the backbone takes
FEATURES = "pool5/global"


def trained_backbone():
    """Return a small network, trained on the first six classes of `data.shapes`, from a file in this package."""
    with resources.as_file(resources.files(__package__) / "backbones" / "shapes.safetensors") as path:
        return weights.load(path).graph


def train_backbone(path, epochs=12):
    """Train this network from scratch and save it to `path`; takes minutes."""
    scenes = data.shapes(8000, SIDE, seed=12)
    kept = scenes.labels < KNOWN
    net = models.mini_googlenet(KNOWN, width=0.5, depth=3, dropout=False, rng=0)
    images = data.pixels.UNIT.to_input(scenes.images[kept])
    training.train(net, images, scenes.labels[kept], epochs=epochs, lr=0.1, rng=0)
    weights.save(net, path, pixels=data.pixels.UNIT, classes=scenes.classes[:KNOWN])


def features(net, images):
    """Return the input of the classifier, (M, F), in inference mode."""
    parts = [
        net.infer({"image": images[start : start + 256]}, FEATURES)[FEATURES] for start in range(0, len(images), 256)
    ]
    return np.concatenate(parts)


def fitted(x, labels, classes, *, epochs=60, rng=0):
    """Train a linear classifier on x (M, F), with normalised columns, and return it as a function from x to logits."""
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-3
    head = Graph(x=x.shape[1:])
    head.add("classifier", layers.Linear(x.shape[1], classes, rng=rng), "x")
    scaled = ((x - mean) / std).astype(np.float32)
    training.train(head, scaled, labels, epochs=epochs, lr=0.05, weight_decay=5e-3, rng=rng)
    return lambda other: head(((other - mean) / std).astype(np.float32))


def crops(image, boxes):
    """Return the parts of an image (3, H, W) in boxes (x0, y0, x1, y1), resized to inputs (M, 3, SIDE, SIDE)."""
    decoded = Image.fromarray(image.transpose(1, 2, 0))
    parts = [decoded.resize((SIDE, SIDE), Image.BILINEAR, box=tuple(map(float, box))) for box in boxes]
    return data.pixels.UNIT.to_input(np.stack([np.asarray(part) for part in parts]).transpose(0, 3, 1, 2))


def windows(side, sizes, step=0.25):
    """Return square windows (M, 4) of these sizes in an image of side x side; `step` is the stride / size."""
    boxes = []
    for size in sizes:
        positions = np.arange(0, side - size + 1, max(1, round(step * size)))
        boxes += [(x, y, x + size, y + size) for y in positions for x in positions]
    return np.array(boxes, float)


def overlaps(boxes, others):
    """Return the intersection over union of each box (M, 4) with each other box (P, 4): (M, P)."""
    a, b = np.asarray(boxes, float)[:, None], np.asarray(others, float)[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    both = sides.prod(axis=-1)
    return both / ((a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1) - both)


def hits(found, truths, repeat=False, images=True, ordered=True, other=False):
    """Return whether each detection hits a truth (1.0 or 0.0), the best score first, and the indices of the hit truths.

    Parameters
    ----------
    found : list of detections (image, score, box)
    truths : list of (image, box)
    repeat : whether a truth may be hit twice
    images : whether a truth must be in the same image
    ordered : whether the detections are sorted by score
    other : whether a detection may hit another truth if its best one was hit before
    """
    taken, right = set(), []
    ious = overlaps([box for _, _, box in found], [box for _, box in truths])
    order = range(len(found))
    for i in sorted(order, key=lambda i: -found[i][1]) if ordered else order:
        candidates = [
            value if (truth[0] == found[i][0] or not images) and not (other and j in taken) else 0
            for j, (value, truth) in enumerate(zip(ious[i], truths, strict=True))
        ]
        best = int(np.argmax(candidates))
        right.append(candidates[best] >= 0.5 and (repeat or best not in taken))
        taken |= {best} if right[-1] else set()
    return np.array(right, float), taken


def staircase(found, truths):
    """Return (recall, precision, largest precision at this or any larger recall) after each detection."""
    right = np.cumsum(hits(found, truths)[0])
    precision = right / np.arange(1, len(right) + 1)
    return right / len(truths), precision, np.maximum.accumulate(precision[::-1])[::-1]


def training_windows(scenes, sizes, rng):
    """Return (inputs, labels) of windows that contain an object, and of about as many windows of background.

    The label of background is the number of classes.
    """
    inputs, labels, background = [], [], len(scenes.classes)
    for image, objects, truths in zip(scenes.images, scenes.labels, scenes.boxes, strict=True):
        boxes = windows(image.shape[1], sizes)
        ious = overlaps(boxes, truths)
        hit = np.flatnonzero(ious.max(axis=1) > 0.5)
        empty = rng.permutation(np.flatnonzero(ious.max(axis=1) < 0.3))[: max(6, len(hit))]
        inputs.append(crops(image, boxes[np.concatenate([hit, empty])]))
        labels += [*objects[ious[hit].argmax(axis=1)], *[background] * len(empty)]
    return np.concatenate(inputs), np.array(labels)


def show(image, drawn, title=""):
    """Draw boxes on an image (3, H, W); `drawn` is {name: boxes}, and each name gets its own colour and dash.

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(4.6, 4.6)
    _, height, width = image.shape
    axis.imshow(image.transpose(1, 2, 0), extent=(0, width, height, 0))
    axis.set(xticks=[], yticks=[], xlim=(-1, width + 1), ylim=(height + 1, -1))
    axis.spines[:].set_visible(False)
    axis.set_title(title, fontsize=10)
    lines = []
    for index, (name, boxes) in enumerate(drawn.items()):
        style = {"color": figures.PALETTE[(6, 0, 3)[index % 3]], "linestyle": ("-", "--", ":")[index % 3]}
        for number, (x0, y0, x1, y1) in enumerate(boxes):
            label = name if number == 0 else None
            axis.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], linewidth=2, label=label, **style)
        lines.append(
            f"{name}: {len(boxes)} boxes, " + "; ".join(" ".join(f"{v:.0f}" for v in box) for box in boxes[:8])
        )
    if any(len(boxes) for boxes in drawn.values()):
        axis.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, frameon=False)
    counts = "; ".join(f"{name}: {len(boxes)} boxes" for name, boxes in drawn.items())
    alt = f"an image with boxes{f', {title}' * bool(title)}; {counts}"
    return figures.described(figure, "\n".join(lines), alt=alt)
