"""Every kernel compiled ahead, so that no first call takes seconds: by running small networks that call them all."""

import time
from pathlib import Path

import numpy as np
from numba.core import event

from minigooglenet import kernels, models
from minigooglenet.losses import head_weights, weighted_sum
from minigooglenet.optim import adamw_step, sgd_step
from minigooglenet.plan import plan


def warmup(progress=lambda done, steps, text: None):
    """Compile what inference, training and the gradient checks call, or find it compiled already.

    Parameters
    ----------
    progress : called with (steps done, steps, what comes next)

    Returns
    -------
    dict with "compiled", how many functions had to be compiled, "seconds" and "folder", where they are kept (None where
    no folder can be written)
    """
    tasks = [
        ("inference", _infer),
        ("training", lambda: _train("lrn", np.float32)),
        ("training with batch norm", lambda: _train("batch", np.float32)),
        ("gradient checks, in double precision", lambda: _train("lrn", np.float64)),
        ("gradient checks with batch norm", lambda: _train("batch", np.float64)),
    ]
    started = time.perf_counter()
    with _Counter() as counter:
        for number, (text, task) in enumerate(tasks):
            progress(number, len(tasks), text)
            task()
        progress(len(tasks), len(tasks), "done")
    return {"compiled": counter.count, "seconds": time.perf_counter() - started, "folder": folder()}


def folder() -> Path | None:
    """Return where compiled kernels are kept."""
    path = getattr(getattr(kernels.max_pool2d.best_of_windows.in_vectors, "_cache", None), "cache_path", None)
    return None if path is None else Path(path)


class _Counter(event.Listener):
    """Counts the kernels that are compiled inside."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        event.register("numba:compile", self)
        return self

    def __exit__(self, *_):
        event.unregister("numba:compile", self)

    def on_start(self, event):
        self.count += event.data["dispatcher"].py_func.__module__.startswith("minigooglenet.")

    def on_end(self, event):
        """Nothing to count."""


def _images(dtype, count):
    return np.random.default_rng(0).standard_normal((count, 3, 64, 64)).astype(dtype)


def _infer():
    g = models.googlenet(size=64, width=0.25, rng=0)
    prepared = plan(g)
    for count in (1, 9):  # few images are computed in other ways than many
        x = _images(np.float32, count)
        g(x)
        prepared(x)


def _train(norm, dtype):
    g = models.googlenet(size=64, width=0.25, norm=norm, rng=0).astype(dtype)
    for count in (2, 9):
        logits, tape = g.forward({"image": _images(dtype, count)}, train=True)
        _, _, grads = weighted_sum(logits, np.zeros(count, np.int64), head_weights(g))
        _, grad_params = g.backward(grads, tape)
        sgd_step(g.params, grad_params, {}, lr=1e-3, weight_decay=1e-4)
        adamw_step(g.params, grad_params, {}, lr=1e-3)
