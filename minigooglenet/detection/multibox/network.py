"""MultiBox: a network that proposes boxes for objects of any class, in one forward pass."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minigooglenet import console, layers, weights
from minigooglenet.data import transforms
from minigooglenet.data.pixels import UNIT
from minigooglenet.detection.boxes import area, checked, clipped, from_normalised, to_centre
from minigooglenet.detection.multibox.coding import decode
from minigooglenet.detection.multibox.priors import grid_priors, kmeans
from minigooglenet.detection.suppression import nms
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Builder, Style
from minigooglenet.models.mini_googlenet import MINI_STAGES
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, FloatArray, PathLike, Rng, UInt8Array
from minigooglenet.weights.contents import Contents, reading
from minigooglenet.weights.network import build, contents_of
from minigooglenet.weights.safetensors import write

FORMS = {"convolutional": 4, "fully_connected": 100}  # {form: default number of priors}
OFFSETS, LOGITS = "multibox/offsets", "multibox/confidences"  # the outputs of the graph
PRIORS = "multibox/priors"  # in a file
FORM = "multibox form"  # note in a file
DUPLICATE = 0.7  # IoU with a better proposal above which a proposal is dropped
LEAST_SIZE = 32
BATCH = 64
RARE = -3.0  # first logits: a confidence of 5%, because most priors have no object


class MultiBoxProposals(NamedTuple):
    """Proposals of one image: boxes (M, 4) in its pixels, and confidences `scores` (M,), the largest first.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import MultiBoxProposals
    >>> MultiBoxProposals(np.array([[0.0, 0.0, 8.0, 4.0]]), np.array([0.9])).scores
    array([0.9])
    """

    boxes: FloatArray
    scores: FloatArray

    def __repr__(self) -> str:
        return console.brief(self)


class MultiBox:
    """A network with one confidence and four offsets for each prior. It knows objects, but no classes.

    Parameters
    ----------
    graph : Graph with an input (3, S, S) and the outputs "multibox/offsets" and "multibox/confidences"
    priors : (K, 4) in fractions of the image's sides
    form : "convolutional" or "fully_connected", which decides how priors are matched in training

    Examples
    --------
    >>> import minigooglenet as mg
    >>> from minigooglenet.detection.multibox import multibox_network
    >>> scenes = mg.data.shapes(8, 64)
    >>> multibox = multibox_network(scenes.boxes / 64, rng=0)
    >>> multibox
    MultiBox(convolutional, 256 priors, 3x64x64)
    >>> multibox.propose(scenes.images[0], count=10)  # not trained yet
    MultiBoxProposals(boxes=float64 (10, 4), scores=float64 (10,))
    """

    def __init__(self, graph: Graph, priors: Array, form: str = "convolutional") -> None:
        self.graph, self.priors, self.form = graph, checked(priors, what="priors"), checked_form(form)
        sizes = [int(np.prod(graph.shape(wire))) for wire in (OFFSETS, LOGITS)]
        if sizes != [4 * len(self.priors), len(self.priors)]:
            raise ValueError(
                f"{len(self.priors)} priors need {4 * len(self.priors)} offsets and {len(self.priors)} confidences, "
                f"but the network has {sizes[0]} and {sizes[1]}"
            )

    def __repr__(self) -> str:
        return f"MultiBox({self.form}, {len(self.priors)} priors, {console.text(self.graph.inputs[self.input])})"

    def inputs(self, images: UInt8Array | Sequence[UInt8Array]) -> FloatArray:
        """Return the network's inputs (N, 3, S, S) for images (3, H, W) of any size, which are resized."""
        shape = channels, height, width = self.graph.inputs[self.input]
        for index, image in enumerate(images):
            if np.ndim(image) != 3 or len(image) != channels or np.asarray(image).dtype != np.uint8:
                kind = f"{np.shape(image)} {getattr(image, 'dtype', type(image).__name__)}"
                raise ValueError(f"images[{index}] must be ({channels}, H, W) uint8, got {kind}")
        resized = [image if image.shape == shape else transforms.resize(image, height, width) for image in images]
        return UNIT.to_input(np.stack(resized) if resized else np.empty((0, *shape), np.uint8))

    def propose(
        self, images: UInt8Array | Sequence[UInt8Array], count: int = 20
    ) -> MultiBoxProposals | list[MultiBoxProposals]:
        """Return the `count` boxes of each image that most likely contain an object, clipped to the image.

        A box that overlaps a better one by more than 0.7 (IoU) is dropped, because neighbouring priors find the same
        object.

        Parameters
        ----------
        images : one image (3, H, W) uint8, or several: (N, 3, H, W) or a list of images of any size
        count : number of proposals per image; there are fewer if the network does not predict so many different boxes
            inside the image

        Returns
        -------
        MultiBoxProposals of one image, or a list of them
        """
        if isinstance(images, np.ndarray) and images.ndim == 3:
            return self.propose_all([images], count)[0]
        return self.propose_all(images, count)

    def propose_all(self, images: UInt8Array | Sequence[UInt8Array], count: int = 20) -> list[MultiBoxProposals]:
        """Return the proposals of several images, a list of `propose`."""
        count, results = integer(count, "count", 1), list[MultiBoxProposals]()
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            outputs = self.graph.infer({self.input: self.inputs(batch)}, (OFFSETS, LOGITS))
            offsets, logits = by_prior(outputs[OFFSETS], 4), by_prior(outputs[LOGITS], 1)[..., 0]
            results += [self._decoded(offsets[i], logits[i], batch[i].shape[1:], count) for i in range(len(batch))]
        return results

    def _decoded(self, offsets, logits, size, count):
        boxes, _ = clipped(from_normalised(decode(offsets, self.priors), size), size)
        inside = np.flatnonzero(area(boxes) > 0)
        best = inside[nms(boxes[inside], logits[inside], DUPLICATE)][:count]
        return MultiBoxProposals(boxes[best], np.exp(-np.logaddexp(0, -logits[best].astype(np.float64))))

    @property
    def input(self) -> str:
        """The name of the graph's input."""
        return next(iter(self.graph.inputs))

    def contents(self) -> Contents:
        """Return the contents of a weights file: the graph with its parameters, the priors and the form."""
        contents = contents_of(self.graph, UNIT, notes={FORM: self.form})
        contents.arrays[PRIORS] = self.priors
        return contents

    def save(self, path: PathLike) -> None:
        """Write the network and its priors to a .safetensors file, atomically; `load_multibox` reads it."""
        write(self.contents(), path)


def load_multibox(path: PathLike) -> MultiBox:
    """Return the MultiBox that `MultiBox.save` wrote.

    Raises
    ------
    WeightsError
        If the file cannot be read, or is not a MultiBox.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> from minigooglenet.detection.multibox import load_multibox, multibox_network
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "multibox.safetensors")
    ...     multibox_network(mg.data.shapes(8, 64).boxes / 64, rng=0).save(path)
    ...     load_multibox(path)
    MultiBox(convolutional, 256 priors, 3x64x64)
    """
    contents = weights.read(path)
    with reading(path):
        if PRIORS not in contents.arrays or FORM not in contents.notes:
            raise ValueError("it is not a MultiBox: it has no priors")
        priors = contents.arrays.pop(PRIORS)
        graph = build(contents)
        weights.fill(graph, contents.arrays)
        return MultiBox(graph, priors, contents.notes[FORM])


def multibox_network(
    boxes: Array,
    size: int = 64,
    *,
    form: str = "convolutional",
    priors: int | None = None,
    width: float = 1.0,
    rng: Rng = None,
) -> MultiBox:
    """Return a MultiBox for images of size x size, with initial weights.

    A mini GoogLeNet of four Inception modules computes a feature map with an eighth of the size. The convolutional form
    predicts boxes at each of its positions, by a 1x1 convolution (Szegedy et al. 2014). So all positions learn from
    every object. In the fully connected form (Erhan et al. 2014), each prior has its own weights for every position,
    and learns only from the objects that it is matched to. So it learns more slowly.

    The backbone has He initialisation. The weights of the outputs are 0, so that an untrained network proposes its
    priors: random weights would add random offsets, which training must remove first.

    Parameters
    ----------
    boxes : (M, 4) of the training set in fractions of the image, see `to_normalised`: their k-means gives the priors
    size : height and width of the input, at least 32
    form : "convolutional" or "fully_connected"
    priors : number of priors; for the convolutional form at each position (default: 4, or 100 fully connected)
    width : factor on every channel count of the backbone
    rng : Generator, int or None for k-means and the weights

    Examples
    --------
    >>> import minigooglenet as mg
    >>> from minigooglenet.detection.multibox import multibox_network
    >>> boxes = mg.data.shapes(50, 64).boxes / 64
    >>> multibox_network(boxes, form="fully_connected", priors=20, rng=0)
    MultiBox(fully_connected, 20 priors, 3x64x64)
    """
    boxes, size, form = checked(boxes, size=(1, 1)), integer(size, "size", LEAST_SIZE), checked_form(form)
    priors = integer(FORMS[form] if priors is None else priors, "priors", 1)
    rng = np.random.default_rng(rng)
    g = Builder(Graph(image=(3, size, size)), Style(norm="batch", init="he", width=width, rng=rng))
    wire = _backbone(g)
    if form == "convolutional":
        cells = g.graph.shape(wire)[1]
        prior_boxes = grid_priors(cells, kmeans(to_centre(boxes)[:, 2:], priors, rng=rng))
        channels = g.graph.shape(wire)[0]
        g.add(OFFSETS, layers.Conv2d(channels, 4 * priors, 1, init="zeros"), wire)
        g.add(LOGITS, layers.Conv2d(channels, priors, 1, init="zeros", bias_init=RARE), wire)
    else:
        prior_boxes = kmeans(boxes, priors, rng=rng)
        wire = g.add("multibox/flatten", layers.Flatten(), wire)
        features = g.graph.shape(wire)[0]
        g.add(OFFSETS, layers.Linear(features, 4 * priors, init="zeros"), wire)
        g.add(LOGITS, layers.Linear(features, priors, init="zeros", bias_init=RARE), wire)
    g.graph.outputs = OFFSETS, LOGITS
    return MultiBox(g.graph, prior_boxes, form)


def checked_form(form: str) -> str:
    """Return the name of a form, or raise a ValueError."""
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(map(repr, FORMS))}, got {form!r}")
    return form


def _backbone(g):
    """Add the modules of a mini GoogLeNet without its classifier; return the wire, an eighth of the image's size."""
    wire = g.conv_relu("image", "conv1", "5x5_s2", 24, 5, 2, 2)
    wire = g.max_pool(wire, "pool1/3x3_s2")
    for stage, modules in MINI_STAGES.items():
        for letter, filters in zip("ab", modules, strict=True):
            wire = g.inception(wire, f"inception_{stage}{letter}", *filters)
        if stage == "3":
            wire = g.max_pool(wire, "pool3/3x3_s2")
    return wire


def by_prior(output: Array, values: int) -> Array:
    """Return an output (N, P * values, H, W) or (N, P * values) as (N, H * W * P, values), one row per prior."""
    count, channels = output.shape[:2]
    split = output.reshape(count, channels // values, values, -1)
    return split.transpose(0, 3, 1, 2).reshape(count, -1, values)


def by_channel(grad: Array, shape: tuple[int, ...]) -> Array:
    """Return a gradient (N, K, values) in the shape of the output: the inverse of `by_prior`, and so its backward."""
    count, channels = shape[:2]
    values = grad.shape[2]
    split = grad.reshape(count, -1, channels // values, values)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 1).reshape(shape))
