"""Training of a MultiBox, with checkpoints from which it resumes bit-identically."""

import functools
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigooglenet import checks, weights
from minigooglenet.detection.boxes import checked, to_normalised
from minigooglenet.detection.multibox.coding import encode
from minigooglenet.detection.multibox.loss import ALPHA, Loss, multibox_loss
from minigooglenet.detection.multibox.matching import match
from minigooglenet.detection.multibox.network import LOGITS, OFFSETS, MultiBox, by_channel, by_prior
from minigooglenet.graph.restoring import restored_on_error
from minigooglenet.training.clipping import clipped
from minigooglenet.training.interrupt import signals_wait
from minigooglenet.training.settings import Settings
from minigooglenet.typing import Array, ArrayLike, PathLike, UInt8Array
from minigooglenet.weights.contents import reading
from minigooglenet.weights.safetensors import write

THRESHOLD = 0.5  # IoU from which a prior of the convolutional form is matched too
STATE = "multibox/training"  # text, as bytes, in a checkpoint
UNUSED = ("average_from", "freeze", "gradients_every", "label_smoothing", "patience")  # settings of a Trainer
SETTINGS = Settings(lr=0.02, schedule="cosine", clip_norm=10.0)


class MultiBoxStep(NamedTuple):
    """The result of one training step: its number from 0, of `count`, and the loss of its batch with its two parts.

    Examples
    --------
    >>> from minigooglenet.detection.multibox import MultiBoxStep
    >>> MultiBoxStep(number=0, count=90, loss=21.5, localisation=1.5, confidence=20.0)
    MultiBoxStep(number=0, count=90, loss=21.5, localisation=1.5, confidence=20.0)
    """

    number: int
    count: int  # type: ignore[assignment]
    loss: float
    localisation: float
    confidence: float


class MultiBoxTrainer:
    """A training run of a MultiBox, which changes in place.

    Parameters
    ----------
    multibox : MultiBox
    images : (M, 3, H, W) uint8, or a list of images of any size
    boxes : one array (N, 4) per image, in its pixels; an image without objects has (0, 4)
    settings : training.Settings (default: 5 epochs of SGD, whose learning rate is 0.02 and falls as a cosine, with
        clip_norm 10); `average_from`, `freeze`, `gradients_every`, `label_smoothing` and `patience` are not supported
    alpha : loss weight of the localisation
    checkpoint : .safetensors file for the state, or None for no checkpoints

    Attributes
    ----------
    step, steps : number of steps done, and in total

    Examples
    --------
    >>> import minigooglenet as mg
    >>> from minigooglenet.detection.multibox import MultiBoxTrainer, multibox_network
    >>> scenes = mg.data.shapes(16, 64, objects=3)
    >>> multibox = multibox_network(scenes.boxes.reshape(-1, 4) / 64, width=0.25, rng=0)
    >>> settings = mg.training.Settings(epochs=2, batch_size=8, lr=0.02)
    >>> trainer = MultiBoxTrainer(multibox, scenes.images, list(scenes.boxes), settings)
    >>> trainer.run()
    True
    >>> trainer.step
    4
    """

    def __init__(
        self,
        multibox: MultiBox,
        images: UInt8Array | Sequence[UInt8Array],
        boxes: Sequence[ArrayLike],
        settings: Settings | None = None,
        *,
        alpha: float = ALPHA,
        checkpoint: PathLike | None = None,
    ) -> None:
        if len(images) != len(boxes) or not len(images):
            raise ValueError(f"every image needs an array of boxes, got {len(images)} images and {len(boxes)} arrays")
        settings = SETTINGS if settings is None else settings
        for name in UNUSED:
            if getattr(settings, name) != getattr(Settings, name):
                raise ValueError(f"MultiBoxTrainer does not support {name}, got {getattr(settings, name)!r}")
        self.multibox, self.settings, self.alpha = multibox, settings, checks.number(alpha, "alpha", 0)
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.inputs = multibox.inputs(images)
        self.boxes = [
            to_normalised(checked(rows, image.shape[1:], f"boxes[{index}]"), image.shape[1:])
            for index, (image, rows) in enumerate(zip(images, boxes, strict=True))
        ]
        threshold = THRESHOLD if multibox.form == "convolutional" else None
        self.matches = np.stack([match(rows, multibox.priors, threshold) for rows in self.boxes])
        self.steps_per_epoch = -(-len(images) // settings.batch_size)
        self.step, self.steps = 0, self.steps_per_epoch * settings.epochs
        self.velocity: dict[str, Array] = {}
        self.adam: dict[str, Any] = {"mean": {}, "square": {}, "count": {}}

    def __repr__(self) -> str:
        return f"MultiBoxTrainer({self.multibox!r}, {len(self.inputs)} images, step {self.step} of {self.steps})"

    def run(self, on_step: Callable[[MultiBoxStep], object] | None = None) -> bool:
        """Train to the end and return True. After Ctrl-C, finish the current step, save the state and return False.

        Parameters
        ----------
        on_step : called with each `MultiBoxStep`

        Raises
        ------
        FloatingPointError
            If a loss is not finite. The last checkpoint is kept.
        """
        saved = time.monotonic()
        with signals_wait() as interrupts:
            for indices in self._batches():
                result = self._learn(indices)
                self.step += 1
                if on_step:
                    on_step(result)
                if interrupts:
                    break
                if time.monotonic() - saved > self.settings.save_every:
                    self.save()
                    saved = time.monotonic()
            self.save()
        return self.step == self.steps

    def _batches(self) -> Iterator[Array]:
        """Yield the indices of the images of each remaining step; they depend only on the seed and the step."""
        for step in range(self.step, self.steps):
            epoch, batch = divmod(step, self.steps_per_epoch)
            order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(self.inputs))
            yield order[batch * self.settings.batch_size :][: self.settings.batch_size]

    def targets(self, indices: Array) -> tuple[Array, Array]:
        """Return the offsets (N, K, 4) of the objects of the priors, and whether a prior has an object, (N, K)."""
        priors, kind = self.multibox.priors, self.inputs.dtype
        targets = np.zeros((len(indices), len(priors), 4), kind)
        for target, index in zip(targets, indices, strict=True):
            matched = np.flatnonzero(self.matches[index] >= 0)
            target[matched] = encode(self.boxes[index][self.matches[index][matched]], priors[matched])
        return targets, self.matches[indices] >= 0

    def gradients(self, indices: Array) -> tuple[Loss, dict[str, Array]]:
        """Return (Loss, {name: gradient}) of the images with these indices, after one forward and one backward pass."""
        g = self.multibox.graph
        with restored_on_error(g.nodes), np.errstate(over="ignore", invalid="ignore"):
            x = {self.multibox.input: self.inputs[indices]}
            outputs, tape = g.forward(x, outputs=(OFFSETS, LOGITS), train=True)
            offsets, logits = by_prior(outputs[OFFSETS], 4), by_prior(outputs[LOGITS], 1)[..., 0]
            loss = multibox_loss(offsets, logits, *self.targets(indices), alpha=self.alpha)
            if not math.isfinite(loss.total):
                raise FloatingPointError(f"the loss of step {self.step} is not finite. Try a smaller learning rate.")
            grads = {
                OFFSETS: by_channel(loss.grad_offsets, outputs[OFFSETS].shape),
                LOGITS: by_channel(loss.grad_logits[..., None], outputs[LOGITS].shape),
            }
            return loss, g.backward(grads, tape, inputs=False)[1]

    def _learn(self, indices) -> MultiBoxStep:
        """Do one optimizer step on a batch."""
        loss, grads = self.gradients(indices)
        params, settings = self.multibox.graph.params, self.settings
        rate = settings.rate(self.step, self.steps, self.steps_per_epoch)
        smaller, multipliers = clipped(grads, settings.clip_norm), settings.multipliers(params)
        settings.move(params, smaller, self.velocity, self.adam, rate, multipliers)
        return MultiBoxStep(self.step, self.steps, loss.total, loss.localisation, loss.confidence)

    def save(self) -> None:
        """Write the checkpoint atomically, if there is a file for it."""
        if self.checkpoint is None:
            return
        contents = self.multibox.contents()
        for group, arrays in self._optimizer().items():
            contents.arrays |= {f"{group}/{name}": array for name, array in arrays.items()}
        state = {"step": self.step, "counts": self.adam["count"], "run": self._fingerprint}
        contents.arrays[STATE] = np.frombuffer(json.dumps(state).encode(), np.uint8)
        write(contents, self.checkpoint)

    def resume(self) -> bool:
        """Continue from the checkpoint; return False, with nothing changed, if the file does not exist.

        Raises
        ------
        ValueError
            If the checkpoint cannot be read, or belongs to another network, other images or other settings.
        """
        if self.checkpoint is None or not self.checkpoint.exists():
            return False
        arrays = weights.read(self.checkpoint).arrays
        with reading(self.checkpoint):
            if STATE not in arrays:
                raise ValueError("it is not the checkpoint of a MultiBox: it has no training state")
            state = json.loads(arrays.pop(STATE).tobytes())
            here, there = self._fingerprint, state["run"]
            if different := [name for name in here if here[name] != there.get(name)]:
                raise ValueError(
                    f"it belongs to another run, with different {', '.join(different)}. Undo the difference, or choose "
                    "another file."
                )
            if not 0 <= state["step"] <= self.steps:
                raise ValueError(f"its step must be in 0 .. {self.steps}, got {state['step']!r}")
            of_network = {**self.multibox.graph.params, **self.multibox.graph.buffers}
            weights.fill(self.multibox.graph, {name: arrays[name] for name in arrays if name in of_network})
            for group, target in self._optimizer().items():
                prefix = f"{group}/"
                target.clear()
                target |= {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            self.step, self.adam["count"] = state["step"], state["counts"]
        return True

    def _optimizer(self):
        return {"velocity": self.velocity, "mean": self.adam["mean"], "square": self.adam["square"]}

    @functools.cached_property
    def _fingerprint(self):
        """Return everything besides the state that determines the bits of the run, as plain values by name."""
        graph = self.multibox.graph
        settings = {name: value for name, value in asdict(self.settings).items() if name != "save_every"}
        nodes = [(name, type(node.layer).__name__, graph.shapes[name]) for name, node in graph.nodes.items()]
        return {
            "settings": [repr(sorted(settings.items())), self.alpha],
            "network": hashlib.sha256(repr((graph.inputs, nodes)).encode()).hexdigest(),
            "priors": _digest([self.multibox.priors]),
            "images": _digest(self.inputs),
            "boxes": _digest(self.boxes),
        }


def _digest(arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
