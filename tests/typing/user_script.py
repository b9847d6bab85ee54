"""A user's script: build, count, run, check, train, save, load. It runs, and mypy --strict accepts it."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import minigooglenet as mg


def build(classes: int) -> mg.Graph:
    g = mg.Graph(image=(1, 16, 16))
    wire = g.add("conv1", mg.layers.Conv2d(1, 8, 3, padding=1, rng=0), "image")
    wire = g.add("relu1", mg.layers.ReLU(), wire)
    wire = mg.models.inception(g, wire, "module", 4, 4, 8, 2, 4, 4)
    wire = g.add("pool", mg.layers.GlobalAvgPool2d(), wire)
    g.add("classifier", mg.layers.Linear(20, classes, rng=2), wire)
    return g


def accuracy(g: mg.Graph, x: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float(np.mean(mg.evaluation.predict(g, x) == labels))


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(32) % 2
    x = rng.standard_normal((32, 1, 16, 16)).astype(np.float32) + labels[:, None, None, None].astype(np.float32)
    g = build(2)
    counted = mg.count(g)
    parameters: int = counted.params
    report = mg.gradcheck.check_layer(mg.layers.Conv2d(2, 3, 3, stride=2), (2, 7, 7))
    steps = mg.training.train(g, x, labels, epochs=4, batch_size=8, rng=0)
    losses: list[float] = [step.loss for step in steps]
    mg.weights.save(g, folder / "net.safetensors")
    again = mg.weights.load(folder / "net.safetensors").graph
    plan = mg.plan(again)
    print(
        parameters, counted.macs, report.verdict, losses[-1] < losses[0], accuracy(again, x, labels), plan(x[:1]).shape
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
