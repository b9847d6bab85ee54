"""How to train, as plain values that a file can carry along."""

import fnmatch
import numbers
import sys
from dataclasses import dataclass

from minigooglenet import adaptive, losses, optim, schedules
from minigooglenet.shapes import integer

OPTIMIZERS = ("sgd", "adamw")


@dataclass(frozen=True)
class Settings:
    """How to train.

    epochs, batch_size : how often every image is seen, and how many at a time
    lr, momentum, weight_decay : of SGD (`optim.sgd_step`); for AdamW, momentum is the first beta
    schedule : of the rate, a name in `schedules.SCHEDULES`
    caffe_biases : whether biases learn at twice the rate and do not decay, as in BVLC's replication
    heads : weight of each auxiliary head's loss, 0.3 in the paper; 0 leaves them out
    average_from : share of the steps after which the running mean of the weights begins, which then is what is
        tested and kept (Polyak averaging); None for no mean
    freeze : patterns of node names that stay as they are, such as "inception_[345]*"
    gradients_every : steps between two records of each node's gradient norm; 0 for none
    save_every : seconds after which a checkpoint is written within an epoch too
    seed : of the order, the augmentation and the dropout
    optimizer : "sgd" or "adamw" (`adaptive.adamw_step`), which leaves biases and batch norm without weight decay
    beta2 : the second beta of AdamW
    warmup : epochs in which the rate rises linearly to lr, before the schedule; fractions are allowed
    patience : epochs without a better held-out result after which training stops; None for never
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

    def __post_init__(self):
        for name, least in (("epochs", 1), ("batch_size", 1), ("gradients_every", 0), ("seed", 0)):
            object.__setattr__(self, name, integer(getattr(self, name), name, least))
        if self.patience is not None:
            object.__setattr__(self, "patience", integer(self.patience, "patience", 1))
        flag(self.caffe_biases, "caffe_biases")
        for name in ("lr", "momentum", "weight_decay", "heads", "save_every", "average_from", "beta2", "warmup"):
            if name != "average_from" or self.average_from is not None:
                object.__setattr__(self, name, number(getattr(self, name), name))
        if not self.lr > 0:
            raise ValueError(f"lr must be above 0, got {self.lr!r}")
        for name in ("momentum", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, got {getattr(self, name)!r}")
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
                f"average_from is the share of the steps before the mean begins, at least 0 and below 1, "
                f"got {self.average_from!r}"
            )
        freeze = (self.freeze,) if isinstance(self.freeze, str) else self.freeze
        if not isinstance(freeze, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in freeze):
            raise TypeError(f"freeze must be patterns of node names, such as ('conv1*',), got {self.freeze!r}")
        object.__setattr__(self, "freeze", tuple(freeze))

    def rate(self, step, steps, steps_per_epoch) -> float:
        """Return the learning rate of step 0, 1, ... of `steps`."""
        schedule, warmup = schedules.SCHEDULES[self.schedule], min(round(self.warmup * steps_per_epoch), steps - 1)
        return schedules.warmed_up(schedule, self.lr, step, steps, steps_per_epoch, warmup)

    def multipliers(self, params) -> dict[str, tuple[float, float]]:
        """Return {name: (factor on the rate, factor on the weight decay)} of the parameters with other than 1 and 1."""
        special = adaptive.without_decay(params) if self.optimizer == "adamw" else {}
        return special | (optim.caffe_multipliers(params) if self.caffe_biases else {})

    def move(self, params, grads, velocity, adam, rate, multipliers) -> None:
        """Do one step of the optimizer in place; `velocity` is the state of SGD, `adam` that of AdamW."""
        common = {"lr": rate, "weight_decay": self.weight_decay, "multipliers": multipliers}
        if self.optimizer == "adamw":
            adaptive.adamw_step(params, grads, adam, betas=(self.momentum, self.beta2), **common)
        else:
            optim.sgd_step(params, grads, velocity, momentum=self.momentum, **common)

    def frozen(self, graph) -> frozenset[str]:
        """Return the nodes of `graph` that the patterns name; a pattern that names none is refused."""
        found = set()
        for pattern in self.freeze:
            matches = fnmatch.filter(graph.nodes, pattern)
            if not matches:
                raise ValueError(f"freeze: no node is named like {pattern!r}; there are {list(graph.nodes)[:6]} ...")
            found.update(matches)
        return frozenset(found)

    def head_weights(self, graph, frozen=frozenset()) -> dict[str, float]:
        """Return {wire: weight of its loss}: 1 for the main head; no head that nothing trains for."""
        main = graph.main
        heads = losses.head_weights(graph, self.heads) if self.heads else {}
        weights = {wire: weight for wire, weight in heads.items() if wire != main and _trains(graph, wire, frozen)}
        if not _trains(graph, main, frozen):
            raise ValueError("everything is frozen: nothing is left to train")
        return {**weights, main: 1.0}


def number(value, name) -> float:
    """Return a finite real number as a float, or raise with its name."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not abs(value) <= sys.float_info.max:
        raise ValueError(f"{name} must be finite, got {value if isinstance(value, float) else 'a larger integer'!r}")
    return float(value)


def flag(value, name) -> bool:
    """Return True or False, or raise with its name: the text "false" would count as true."""
    if type(value) is not bool:
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def _trains(graph, wire, frozen):
    return any(
        name not in frozen and getattr(graph.nodes[name].layer, "params", ()) for name, _ in graph.schedule([wire])
    )
