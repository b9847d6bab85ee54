"""The reader's image: what the network sees of it, as its input and as a PNG."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minigooglenet import checks, data
from minigooglenet.data import modes, photos, transforms
from minigooglenet.data.pixel_names import NAMED, pixels_of
from minigooglenet.evaluation.classification import read_image
from minigooglenet.evaluation.multicrop import crops
from minigooglenet.names import unknown
from minigooglenet.viewer import png
from minigooglenet.viewer.conversions import conversions


def prepared(image: Any, source: Any, pixels: Any = None) -> tuple[dict[str, np.ndarray], dict[str, Any], list[str]]:
    """Return ({input: (1, C, H, W) float32}, the page's entry for the image, notes), prepared as `classify` does.

    Parameters
    ----------
    image : file, PIL image, uint8 array (H, W, 3), (H, W) or (C, H, W), or the float input itself, (C, H, W) with or
        without the batch axis, or {input: float array} for several inputs
    source : Source of the network
    pixels : Pixels or a text for `data.pixels_of`, instead of the rule of the source
    """
    shapes = source.graph.inputs
    (wire, shape), *others = shapes.items()
    if isinstance(image, dict):
        if {*image} != {*shapes}:
            raise ValueError(f"image must have an array for each of the inputs {list(shapes)}, got {list(image)}")
        made = {w: _as_input(np.asarray(x), shapes[w], source, pixels, w) for w, x in image.items()}
        return {w: x for w, (x, _, _) in made.items()}, *made[wire][1:]
    if others or len(shape) != 3:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"an image needs a network with one input (C, H, W), this one has {listed}. Pass {{input: array}}."
        )
    name = _name(image)
    if not isinstance(image, (str, Path, Image.Image)):
        image = np.asarray(checks.unmasked(image, "image"))
        if image.dtype != np.uint8:
            x, *rest = _as_input(image, shape, source, pixels, name)
            return {wire: x}, *rest
    if shape[0] not in (1, 3):
        raise ValueError(
            f"the network reads {shape}, but an image has 3 channels or 1. Pass its input as a float array {shape}."
        )
    rule, notes = _rule(source, shape[0], pixels)
    seen = _fitted(_pixels(image, shape, source), shape, source)
    return {wire: rule.to_input(seen[None])}, _entry(name, seen), notes


def checked(image: Any) -> list[str]:
    """Return notes on what is lost of an image before any network sees it.

    Raises
    ------
    ValueError
        If it is a file that cannot be read as an image. It is decoded at a small size, which is fast.
    """
    if isinstance(image, (str, Path)):
        _read(image, 3, 1)
    return conversions(image, _name(image))


def label_of(label: Any, classes: Any, outputs: int) -> int:
    """Return the index of a class that is given by name or index."""
    names = list(classes or ())
    if label in names:
        return names.index(label)
    if isinstance(label, str) and not (label.isascii() and label.isdigit()):
        if not names:
            raise ValueError(f"label {label!r}: the network has no class names. Give an index, 0 to {outputs - 1}.")
        raise ValueError(unknown("class", label, names) if len(names) <= 20 else _unknown_of_many(label, names))
    index = int(label)
    if not 0 <= index < outputs:
        raise ValueError(f"label must be a class from 0 to {outputs - 1}, got {index}")
    return index


def _name(image):
    return Path(image).name if isinstance(image, (str, Path)) else "image"


def _read(path, channels, size):
    try:
        return read_image(path, channels, size)
    except data.BadImageError as error:
        raise ValueError(f"cannot read {path} as an image: {error}") from error


def _unknown_of_many(label, names):
    text = unknown("class", label, names)
    return text if "Did you mean" in text else f"unknown class {label!r}; the classes are {names[0]}, {names[1]}, ..."


def _rule(source, channels, pixels):
    """Return (Pixels, notes) for the network's number of channels."""
    notes = []
    rule = source.pixels if pixels is None else pixels_of(pixels)
    if rule is None:
        if source.unknown_pixels:
            raise ValueError(f"{source.name}: {source.unknown_pixels} Give pixels=, such as {', '.join(NAMED)}.")
        rule = data.Pixels() if channels == 3 else data.GREY_UNIT
        notes.append(f"{source.name} does not record how pixels become inputs. This page uses {rule}.")
    if rule.channels != channels:
        raise ValueError(f"pixels {rule.colours} has {rule.channels} channels, but the network reads {channels}")
    return rule, notes


def _pixels(image, shape, source):
    """Return the whole image as uint8 (C, H, W)."""
    if isinstance(image, (str, Path)):
        return _read(image, shape[0], None if source.rule == "torchvision" else max(shape[1:]))
    if not isinstance(image, Image.Image):
        if image.ndim == 3 and image.shape[2] not in (1, 3) and image.shape[0] in (1, 3):
            image = image.transpose(1, 2, 0)
        if image.ndim == 3 and image.shape[2] == 1:
            image = image[:, :, 0]
        if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] != 3):
            raise ValueError(f"image must be uint8 (H, W, 3), or (H, W) in grey, got {image.shape}")
        image = Image.fromarray(np.ascontiguousarray(image))
    return photos.as_array(modes.to_rgb(image), shape[0])


def _fitted(values, shape, source):
    """Return uint8 (C, H, W) of the network's size: the crop of `classify`, or the middle of an oblong image."""
    _, height, width = shape
    if height == width:
        return crops(values, width, source.crops, source.rule)[0]
    rows, columns = values.shape[1:]
    scale = min(rows / height, columns / width)
    left, top = (columns - scale * width) / 2, (rows - scale * height) / 2
    return transforms.resize(values, height, width, box=(left, top, left + scale * width, top + scale * height))


def _as_input(x, shape, source, pixels, name):
    """Return a float input, and the image that it was made from, as far as that is known."""
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"image must be uint8 pixels or float inputs, got {x.dtype}")
    x = x[None] if x.shape == shape else x
    if x.shape != (1, *shape):
        raise ValueError(f"the input must be {shape} or (1, {', '.join(map(str, shape))}), got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("the input has a NaN or an infinity")
    rule = source.pixels if pixels is None else pixels_of(pixels)
    if rule is not None and len(shape) == 3 and rule.channels == shape[0]:
        return x.astype(np.float32), _entry(name, rule.to_pixels(x[0])), []
    shown = x[0]
    if len(shape) != 3:
        shown = shown.reshape(1, 1, -1)
    elif shape[0] not in (1, 3):
        shown = shown.mean(axis=0, keepdims=True)
    low, high = float(shown.min()), float(shown.max())
    shown = np.rint(255 * (shown - low) / ((high - low) or 1)).astype(np.uint8)
    note = f"The image shows the input from {low:.4g} (black) to {high:.4g} (white)."
    return x.astype(np.float32), _entry(name, shown), [note]


def _entry(name, values):
    channels, height, width = values.shape
    pixels = values[0] if channels == 1 else values.transpose(1, 2, 0)
    return {"name": name, "width": width, "height": height, "png": png.data_uri(pixels)}
