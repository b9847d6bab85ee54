"""Settings of a training run, as plain values that a file can store."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minigooglenet import adaptive, losses, optim, schedules
from minigooglenet.checks import number
from minigooglenet.graph import Graph
from minigooglenet.label_smoothing import fraction
from minigooglenet.shapes import integer
from minigooglenet.typing import Array

SHARDS = 8  # the usual number, so that 1, 2, 4 or 8 workers can share a batch
OPTIMIZERS = ("sgd", "adamw", "adam", "rmsprop")
NUMBERS = (
    *("lr", "momentum", "weight_decay", "heads", "save_every", "average_from", "beta2", "warmup"),
    *("decay", "eps", "label_smoothing", "clip_norm"),
)
OPTIONAL = ("average_from", "eps", "clip_norm")  # numbers that may be None


@dataclass(frozen=True)
class Settings:
    """Settings of a training run.

    Attributes
    ----------
    epochs, batch_size : number of passes over the training images, and images per step
    lr, momentum, weight_decay : hyperparameters of the optimizer; for Adam and AdamW, momentum is the first beta
    schedule : learning-rate schedule, a name in `schedules.SCHEDULES`
    caffe_biases : whether biases have twice the learning rate and no weight decay, as in BVLC's replication
    heads : loss weight of each auxiliary head, 0.3 in the paper; 0 removes the auxiliary heads
    average_from : fraction of the steps after which averaging of the parameters starts (Polyak averaging); the mean is
        then evaluated and saved. None for no averaging
    freeze : patterns of names of nodes that are not trained, such as "inception_[345]*"
    gradients_every : steps between two records of the gradient norm of each node; 0 for no records
    save_every : seconds after which a checkpoint is also written within an epoch
    seed : random seed for order, augmentation and dropout
    optimizer : "sgd" (`optim.sgd_step`); or "adamw", "adam" or "rmsprop" (`adaptive`), which apply no weight decay to
        biases and batch norm
    beta2 : the second beta of Adam and AdamW
    warmup : number of epochs in which the learning rate rises linearly to lr before the schedule; may be a fraction
    patience : number of epochs without improvement on held-out images after which training stops; None for never
    decay : fraction of the running mean of squares that a step of RMSProp keeps
    eps : eps of the optimizer; None for 1e-8 (Adam, AdamW) or 1.0 (RMSProp, as in the paper of Inception-v3)
    label_smoothing : fraction of each target that is spread over all classes (`losses.softmax_cross_entropy`), 0.1 in
        the paper of Inception-v3; only for the training loss
    clip_norm : largest norm of all gradients together, 2.0 in that paper; None for no gradient clipping
    shards : number of parts of each batch whose gradients are computed separately and then added, so that several
        workers can share a batch (`distributed`); it must divide the batch. None for whole batches

    Examples
    --------
    >>> import minigooglenet as mg
    >>> settings = mg.training.Settings(epochs=10, lr=0.1, schedule="cosine", warmup=1)
    >>> [round(settings.rate(step, 100, 10), 3) for step in (0, 9, 55, 99)]
    [0.01, 0.1, 0.05, 0.0]
    """

    epochs: int = 5
    batch_size: int = 32
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 2e-4
    schedule: str = "polynomial"
    caffe_biases: bool = False
    heads: float = 0.3
    average_from: float | None = None
    freeze: tuple[str, ...] = ()
    gradients_every: int = 0
    save_every: float = 300.0
    seed: int = 0
    optimizer: str = "sgd"
    beta2: float = 0.999
    warmup: float = 0.0
    patience: int | None = None
    decay: float = 0.9
    eps: float | None = None
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    shards: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("gradients_every", 0), ("seed", 0)):
            object.__setattr__(self, name, integer(getattr(self, name), name, least))
        if self.patience is not None:
            object.__setattr__(self, "patience", integer(self.patience, "patience", 1))
        if self.shards is not None:
            object.__setattr__(self, "shards", integer(self.shards, "shards", 1))
            equal_parts(self.batch_size, f"a batch of {self.batch_size} images", self.shards, "shards")
        flag(self.caffe_biases, "caffe_biases")
        for name in NUMBERS:
            if name not in OPTIONAL or getattr(self, name) is not None:
                object.__setattr__(self, name, number(getattr(self, name), name))
        for name in ("lr", "eps", "clip_norm"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}")
        fraction(self.label_smoothing, "label_smoothing")
        for name in ("momentum", "beta2", "decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)!r}")
        for name in ("weight_decay", "heads", "save_every", "warmup"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)!r}")
        for name, choices in (("schedule", tuple(schedules.SCHEDULES)), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        if self.warmup >= self.epochs:
            raise ValueError(f"warmup must be shorter than the training, got {self.warmup:g} of {self.epochs} epochs")
        if self.average_from is not None and not 0 <= self.average_from < 1:
            raise ValueError(
                f"average_from must be in [0, 1), got {self.average_from!r}: it is the fraction of the steps after "
                "which averaging starts"
            )
        freeze = (self.freeze,) if isinstance(self.freeze, str) else self.freeze
        if not isinstance(freeze, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in freeze):
            raise TypeError(f"freeze must be patterns of node names, such as ('conv1*',), got {self.freeze!r}")
        object.__setattr__(self, "freeze", tuple(freeze))

    def rate(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the learning rate of step 0, 1, ... of `steps`."""
        schedule, warmup = schedules.SCHEDULES[self.schedule], min(round(self.warmup * steps_per_epoch), steps - 1)
        return float(schedules.warmed_up(schedule, self.lr, step, steps, steps_per_epoch, warmup))

    def multipliers(self, params: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
        """Return {name: (factor for the learning rate, factor for the weight decay)} of parameters unlike (1, 1)."""
        special = {} if self.optimizer == "sgd" else adaptive.without_decay(params)
        return special | (optim.caffe_multipliers(params) if self.caffe_biases else {})

    def move(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        velocity: dict[str, Array],
        adam: dict[str, Any],
        rate: float,
        multipliers: Mapping[str, tuple[float, float]],
    ) -> None:
        """Do one optimizer step in place; SGD uses `velocity`, Adam and AdamW use `adam`, RMSProp parts of both."""
        common: dict[str, Any] = {"lr": rate, "weight_decay": self.weight_decay, "multipliers": multipliers}
        if self.optimizer == "sgd":
            optim.sgd_step(params, grads, velocity, momentum=self.momentum, **common)
            return
        common |= {} if self.eps is None else {"eps": self.eps}
        if self.optimizer == "rmsprop":
            state = {"square": adam["square"], "velocity": velocity}
            adaptive.rmsprop_step(params, grads, state, decay=self.decay, momentum=self.momentum, **common)
        else:
            step = adaptive.adamw_step if self.optimizer == "adamw" else adaptive.adam_step
            step(params, grads, adam, betas=(self.momentum, self.beta2), **common)

    def frozen(self, graph: Graph) -> frozenset[str]:
        """Return the nodes of `graph` that match a pattern; raise if a pattern matches none."""
        nodes = set[str]()
        for pattern in self.freeze:
            matches = fnmatch.filter(graph.nodes, pattern)
            if not matches:
                first = ", ".join(map(repr, list(graph.nodes)[:6]))
                raise ValueError(f"freeze: no node matches {pattern!r}; the first nodes are {first}")
            nodes.update(matches)
        return frozenset(nodes)

    def head_weights(self, graph: Graph, frozen: frozenset[str] = frozenset()) -> dict[str, float]:
        """Return {wire: loss weight}: 1 for the main classifier; heads without trainable layers are left out."""
        main = graph.main
        heads = losses.head_weights(graph, self.heads) if self.heads else {}
        weights = {wire: weight for wire, weight in heads.items() if wire != main and _trains(graph, wire, frozen)}
        if not _trains(graph, main, frozen):
            raise ValueError("every layer is frozen, so there is nothing to train. Freeze fewer layers.")
        return {**weights, main: 1.0}


def flag(value: Any, name: str) -> bool:
    """Return True or False, or raise an error with its name: the text "false" would count as true."""
    if type(value) is not bool:
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def equal_parts(total: int, whole: str, parts: int, noun: str) -> None:
    """Raise a ValueError unless `parts` divides `total`; the message suggests the nearest numbers that do.

    Examples
    --------
    >>> from minigooglenet.training.settings import equal_parts
    >>> equal_parts(8, "8 shards", 3, "workers")
    Traceback (most recent call last):
    ...
    ValueError: 3 workers cannot share 8 shards equally: 8 / 3 is not an integer. Try 2 or 4 workers.
    """
    integer(parts, noun, 1)
    if total % parts == 0:
        return
    divisors = [count for count in range(1, total + 1) if total % count == 0]
    below, above = (d for d in divisors if d < parts), (d for d in divisors if d > parts)
    near = [*[*below][-1:], *[*above][:1]]
    raise ValueError(
        f"{parts} {noun} cannot share {whole} equally: {total} / {parts} is not an integer. "
        f"Try {' or '.join(map(str, near))} {noun if near != [1] else noun[:-1]}."
    )


def _trains(graph, wire, frozen):
    return any(
        name not in frozen and getattr(graph.nodes[name].layer, "params", ()) for name, _ in graph.schedule([wire])
    )
