"""Evaluation of networks on a data set, for several numbers of crops and of models in one pass."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigooglenet import checks, console
from minigooglenet.data.dataset import BadImageError, Dataset
from minigooglenet.data.pixels import Pixels
from minigooglenet.evaluation.prediction import BATCH_SIZE, is_model, predictions
from minigooglenet.typing import FloatArray, IntArray, UInt8Array


@dataclass
class Evaluation:
    """The predictions of each model for each image, with each number of crops.

    Attributes
    ----------
    answers : (N, models, crop counts, classes) probabilities, the means over the crops
    counts : the numbers of crops, smallest first
    indices, labels : (N,) integers, the indices of the images in the data set and their labels
    skipped : {name: reason} of images that could not be used

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> answers = np.array([[[[0.8, 0.2]], [[0.4, 0.6]]]])  # 1 image, 2 models, 1 crop count, 2 classes
    >>> evaluation = mg.evaluation.Evaluation(answers, (1,), np.array([0]), np.array([0]))
    >>> evaluation.probabilities(models=2).round(2).tolist()
    [[0.6, 0.4]]
    """

    answers: FloatArray
    counts: tuple[int, ...]
    indices: IntArray
    labels: IntArray
    skipped: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return console.brief(self)

    def probabilities(self, models: int | None = None, crops: int | None = None) -> FloatArray:
        """Return (N, classes): the mean over the first `models` (default: all) with `crops` (default: the most).

        It is always the first models, so that the effect of a larger number can be compared.
        """
        count = self.answers.shape[1]
        models, crops = count if models is None else models, self.counts[-1] if crops is None else crops
        if crops not in self.counts:
            raise ValueError(f"crops must be one of {', '.join(map(str, self.counts))}, as evaluated, got {crops}")
        if not 1 <= models <= count:
            raise ValueError(f"models must be in 1 .. {count}, got {models}")
        return np.asarray(self.answers[:, :models, self.counts.index(crops)].mean(axis=1))


def evaluate(
    models: Any,
    dataset: Dataset,
    crops: Sequence[int] = (1,),
    *,
    pixels: Pixels | None = None,
    indices: Sequence[int] | IntArray | None = None,
    batch_size: int = BATCH_SIZE,
    on_batch: Callable[[int], object] | None = None,
    rule: str = "box",
) -> Evaluation:
    """Evaluate models on a data set, with several numbers of crops in one pass.

    Parameters
    ----------
    models : one or several Graphs, plans or results of `weights.load`, with the same shapes of inputs and outputs
    dataset : Dataset; images that cannot be used are left out and recorded in `skipped`
    crops : numbers of crops: 1, 10, 144, and 0 for the whole image
    pixels : Pixels that the models were trained with; by default those of the first loaded model, or else those of the
        data set
    indices : indices of the images to use, by default all
    batch_size, on_batch, rule : as for `probabilities`; with the rule "torchvision", set `dataset.shrink = False`

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> import minigooglenet as mg
    >>> train, test = mg.data.load("digits")
    >>> g = mg.models.mini_googlenet(10, in_channels=1, rng=0)
    >>> mg.evaluation.evaluate(g, test, indices=range(4)).answers.shape  # images, models, crop counts, classes
    (4, 1, 1, 10)
    """
    chosen = range(len(dataset)) if indices is None else indices
    models = [models] if is_model(models) else list(models)
    pixels = pixels or next(filter(None, (getattr(model, "pixels", None) for model in models)), dataset.pixels)
    counts, used, skipped = tuple(sorted(set(crops))), list[int](), dict[str, str]()

    def images() -> Iterator[UInt8Array]:
        for index in chosen:
            try:
                image = dataset.image(int(index))
            except BadImageError as error:
                skipped[dataset.name(int(index))] = str(error)
                continue
            used.append(int(index))
            yield image
            del image  # frees its memory before the next image is decoded

    answers = list(predictions(models, images(), pixels, counts, batch_size=batch_size, on_batch=on_batch, rule=rule))
    if not answers:
        raise ValueError(f"no image could be used: {len(skipped)} of {len(chosen)} were rejected")
    usable = np.array(used)
    labels = checks.labels(dataset.labels[usable], len(usable), answers[0].shape[-1])
    return Evaluation(np.stack(answers), counts, usable, labels, {**dataset.skipped, **skipped})
