"""How to train, as plain values that a file can carry along."""

import fnmatch
import math
import numbers
from dataclasses import dataclass

from minigooglenet import losses, optim
from minigooglenet.shapes import integer


@dataclass(frozen=True)
class Settings:
    """How to train.

    epochs, batch_size : how often every picture is seen, and how many at a time
    lr, momentum, weight_decay : of SGD (`optim.sgd_step`)
    schedule : of the rate, a name in `optim.SCHEDULES`
    caffe_biases : whether biases learn at twice the rate and do not decay, as in BVLC's replication
    heads : weight of each auxiliary head's loss, 0.3 in the paper; 0 leaves them out
    average_from : share of the steps after which the running mean of the weights begins, which then is what is
        tested and kept (Polyak averaging); None for no mean
    freeze : patterns of node names that stay as they are, such as "inception_[345]*"
    gradients_every : steps between two records of each node's gradient norm; 0 for none
    save_every : seconds after which a checkpoint is written within an epoch too
    seed : of the order, the augmentation and the dropout
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

    def __post_init__(self):
        for name, least in (("epochs", 1), ("batch_size", 1), ("gradients_every", 0), ("seed", 0)):
            object.__setattr__(self, name, integer(getattr(self, name), name, least))
        for name in ("lr", "momentum", "weight_decay", "heads", "save_every", "average_from"):
            if name != "average_from" or self.average_from is not None:
                object.__setattr__(self, name, _number(getattr(self, name), name))
        if not self.lr > 0:
            raise ValueError(f"lr must be above 0, got {self.lr!r}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1, got {self.momentum!r}")
        for name in ("weight_decay", "heads", "save_every"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)!r}")
        if self.schedule not in optim.SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(optim.SCHEDULES)}, got {self.schedule!r}")
        if self.average_from is not None and not 0 <= self.average_from < 1:
            raise ValueError(
                f"average_from is the share of the steps before the mean begins, at least 0 and below 1, "
                f"got {self.average_from!r}"
            )
        object.__setattr__(self, "freeze", (self.freeze,) if isinstance(self.freeze, str) else tuple(self.freeze))

    def rate(self, step, steps, steps_per_epoch) -> float:
        """Return the learning rate of step 0, 1, ... of `steps`."""
        return optim.SCHEDULES[self.schedule](self.lr, step, steps, steps_per_epoch)

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


def _number(value, name):
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)


def _trains(graph, wire, frozen):
    return any(
        name not in frozen and getattr(graph.nodes[name].layer, "params", ()) for name, _ in graph.schedule([wire])
    )
