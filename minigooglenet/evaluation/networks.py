"""A whole test set asked once, with every number of crops and of models that is wanted."""

from dataclasses import dataclass, field

import numpy as np

from minigooglenet import checks, console
from minigooglenet.data.dataset import BadImageError
from minigooglenet.evaluation.prediction import BATCH_SIZE, is_model, predictions


@dataclass
class Evaluation:
    """What each model says of each image with each number of crops.

    answers : (N, models, crop counts, classes) probabilities, the means over the crops
    counts : the numbers of crops, smallest first
    indices, labels : (N,) integers, which images of the data set these are and what they show
    skipped : {name: reason} of images that could not be used
    """

    answers: np.ndarray
    counts: tuple[int, ...]
    indices: np.ndarray
    labels: np.ndarray
    skipped: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return console.brief(self)

    def probabilities(self, models=None, crops=None) -> np.ndarray:
        """Return (N, classes): the mean over the first `models`, all unless given, with `crops`, the most unless given.

        The first models are a fixed choice, so that what more of them are worth is seen on the same ones.
        """
        count = self.answers.shape[1]
        models, crops = count if models is None else models, self.counts[-1] if crops is None else crops
        if crops not in self.counts:
            raise ValueError(f"{crops} crops were not asked for, only {', '.join(map(str, self.counts))}")
        if not 1 <= models <= count:
            raise ValueError(f"models must lie in 1 .. {count}, got {models}")
        return self.answers[:, :models, self.counts.index(crops)].mean(axis=1)


def evaluate(
    models, dataset, crops=(1,), *, pixels=None, indices=None, batch_size=BATCH_SIZE, on_batch=None, rule="box"
):
    """Ask models about the images of a data set, with several numbers of crops in one pass.

    Parameters
    ----------
    models : Graphs, plans or what `weights.load` returns, that take and give the same; one of them or several
    dataset : Dataset; an image that it cannot give is left out and noted
    crops : numbers of crops, of 1, 10 and 144, and 0 for the whole image
    pixels : Pixels that the models were trained with; by default those of the first that was loaded, or else those of
        the data set
    indices : which images, all unless given
    batch_size, on_batch, rule : as for `probabilities`; with the rule "torchvision", set `dataset.shrink = False`

    Returns
    -------
    Evaluation
    """
    indices = range(len(dataset)) if indices is None else indices
    models = [models] if is_model(models) else list(models)
    pixels = pixels or next(filter(None, (getattr(model, "pixels", None) for model in models)), dataset.pixels)
    counts, used, skipped = tuple(sorted(set(crops))), [], {}

    def images():
        for index in indices:
            try:
                image = dataset.image(int(index))
            except BadImageError as error:
                skipped[dataset.name(int(index))] = str(error)
                continue
            used.append(int(index))
            yield image
            del image  # before the next is decoded

    asked = predictions(models, images(), pixels, counts, batch_size=batch_size, on_batch=on_batch, rule=rule)
    answers = list(asked)
    if not answers:
        raise ValueError(f"no image could be used: of {len(indices)}, {len(skipped)} were bad")
    used = np.array(used)
    labels = checks.labels(dataset.labels[used], len(used), answers[0].shape[-1])
    return Evaluation(np.stack(answers), counts, used, labels, {**dataset.skipped, **skipped})
