"""What layers learn: the images with the largest responses of a channel, and the part of an image that mattered."""

from typing import NamedTuple

import numpy as np

from minigooglenet import figures
from minigooglenet.kernels import softmax

GREY = 0.0  # halfway between the background of a digit, -1, and its ink, 1


class Response(NamedTuple):
    """The largest value of one channel for one image: index of the image, position in the feature map, and value."""

    image: int
    row: int
    column: int
    value: float


def responses(net, images, wire, batch=100):
    """Return the feature maps (N, C, H, W) of a wire in inference mode."""
    parts = [net.infer({"image": images[start : start + batch]}, wire)[wire] for start in range(0, len(images), batch)]
    return np.concatenate(parts)


def strongest(maps, channel, count=9):
    """Return the `count` strongest Responses of a channel of feature maps (N, C, H, W), at most one per image."""
    values = maps[:, channel].reshape(len(maps), -1)
    best = np.argsort(-values.max(axis=1), kind="stable")[:count]
    positions = [divmod(int(values[image].argmax()), maps.shape[3]) for image in best]
    return [
        Response(int(image), *position, float(values[image].max()))
        for image, position in zip(best, positions, strict=True)
    ]


def purity(maps, labels, count=9):
    """Return for each channel that is not always 0 the largest fraction of its strongest images with the same label."""
    peaks = maps.max(axis=(2, 3))
    best = np.argsort(-peaks[:, peaks.max(axis=0) > 0], axis=0, kind="stable")[:count]
    return np.array([np.bincount(column).max() for column in labels[best].T]) / count


def window(net, wire, response):
    """Return (top, left, bottom, right), the receptive field of a Response, clipped to the image."""
    spans = {wire: np.array([response[1:3], response[1:3]])}  # first and last position, as (row, column)
    for name, (layer, inputs) in reversed(net.nodes.items()):
        if name not in spans:
            continue
        first, last = spans[name]
        if hasattr(layer, "kernel_size"):
            start = np.array(layer.padding)[:, 0]
            first, last = first * layer.stride - start, last * layer.stride - start + np.array(layer.kernel_size) - 1
        for source in inputs:
            known = spans.get(source, (first, last))
            inside = np.array(net.shapes[source][1:]) - 1
            spans[source] = np.array(
                [np.minimum(first, known[0]).clip(0), np.maximum(last, known[1]).clip(None, inside)]
            )
    first, last = spans["image"]
    return (*map(int, first), *map(int, last + 1))


def show_strongest(net, images, wires, count=6, seed=0):
    """Draw the strongest images of one channel of each wire, with a frame around the receptive field.

    Returns
    -------
    figure, text
    """
    rng = np.random.default_rng(seed)
    figure, axes = figures.new(1.4 * count, 1.5 * len(wires) + 0.2, nrows=len(wires), ncols=count, squeeze=False)
    lines, titles = [], []
    for row, wire in zip(axes, wires, strict=True):
        maps = responses(net, images, wire)
        channel = int(rng.choice(np.flatnonzero(maps.max(axis=(0, 2, 3)) > 0)))
        best = strongest(maps, channel, count)
        for axis, response in zip(row, best, strict=True):
            top, left, bottom, right = window(net, wire, response)
            axis.imshow(images[response.image, 0], cmap="gray")
            x, y = (left, right, right, left, left), (top, top, bottom, bottom, top)
            axis.plot(np.array(x) - 0.5, np.array(y) - 0.5, color=figures.PALETTE[1], linewidth=1.5)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        titles.append(f"{wire}, channel {channel}")
        row[0].set_title(titles[-1], fontsize=9, loc="left")
        values = ", ".join(f"no. {response.image} ({response.value:.2g})" for response in best)
        lines.append(f"{titles[-1]}: {values}")
    alt = f"{count} images in each row, with a frame around the receptive field; {'; '.join(titles)}"
    head = "strongest images, with the value of the channel"
    return figures.described(figure, "\n".join([head, *lines]), alt=alt)


def occlusion(net, image, label, fill, side=6, step=2, batch=100):
    """Return (drop, classes), both (H', W'), for each position of a square that covers a part of an image.

    drop : decrease of the probability of `label`;  classes : the predicted class
    image : (C, H, W);  fill : value of the pixels in the square
    """
    rows, columns = (range(0, extent - side + 1, step) for extent in image.shape[1:])
    covered = np.repeat(image[None], len(rows) * len(columns), axis=0)
    for copy, (top, left) in zip(covered, ((top, left) for top in rows for left in columns), strict=True):
        copy[:, top : top + side, left : left + side] = fill
    logits = np.concatenate([net(covered[start : start + batch]) for start in range(0, len(covered), batch)])
    before = softmax.forward(net(image[None]))[0, label]
    shape = len(rows), len(columns)
    return (before - softmax.forward(logits)[:, label]).reshape(shape), logits.argmax(axis=1).reshape(shape)


def show_occlusion(net, images, labels, fills, side=6, step=2):
    """Draw the decrease of the label's probability for each position of a square that covers a part of an image.

    images : (N, C, H, W);  fills : {name of the square: its value}

    Returns
    -------
    figure, text
    """
    rows, columns = len(images), 1 + len(fills)
    figure, axes = figures.new(2.5 * columns + 0.6, 2.5 * rows, nrows=rows, ncols=columns, squeeze=False)
    lines = ["decrease of the probability, for each position of a square on an image"]
    for row, image, label in zip(axes, images, labels, strict=True):
        row[0].imshow(image[0], cmap="gray")
        row[0].set_title(f"a {label}", fontsize=10)
        for axis, (name, fill) in zip(row[1:], fills.items(), strict=True):
            drop, _ = occlusion(net, image, label, fill, side, step)
            shown = axis.imshow(drop, cmap=figures.DIVERGING, vmin=-1, vmax=1)
            axis.set_title(f"a {label}, {name} square", fontsize=10)
            top, left = np.unravel_index(drop.argmax(), drop.shape)
            maximum = f"{drop.max():.2f} (at row {top}, column {left})"
            lines.append(f"a {label}, {name}: from {drop.min():.2f} to {maximum}")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    figure.colorbar(shown, ax=axes, label="decrease of the probability", shrink=0.6)
    return figures.described(figure, "\n".join(lines))
