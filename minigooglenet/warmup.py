"""Compile every kernel in advance, so that no first call takes seconds, by running small networks that call them all.

A kernel is compiled for each combination of argument types. So every layer runs here with each hyperparameter that
selects a different kernel, in each precision.
"""

import functools
import time
from pathlib import Path

import numpy as np

from minigooglenet import layers, models
from minigooglenet.adaptive import adamw_step
from minigooglenet.graph import Graph
from minigooglenet.kernels import compiled
from minigooglenet.losses import head_weights, weighted_sum
from minigooglenet.optim import sgd_step
from minigooglenet.planning import plan


def warmup(progress=lambda done, steps, text: None):
    """Compile all kernels that inference, training and gradient checks call, unless they are compiled already.

    Parameters
    ----------
    progress : called with (steps done, number of steps, name of the next step)

    Returns
    -------
    dict with "compiled" (number of functions that were compiled), "seconds" and "folder" (of the cached kernels, or
    None if no folder is writable or Numba is missing)
    """
    if compiled.fast() is None:
        return {"compiled": 0, "seconds": 0.0, "folder": None}
    tasks = [
        ("inference", _infer),
        ("training", lambda: _train("lrn", np.float32)),
        ("training with batch norm", lambda: _train("batch", np.float32)),
        ("every layer", lambda: _every_layer(np.float32)),
        ("gradient checks, in double precision", lambda: _train("batch", np.float64)),
        ("every layer, in double precision", lambda: _every_layer(np.float64)),
        ("complex steps", _complex_steps),
        ("kernels of lesson 13", _rungs),
        ("waiting for other threads", _waiting),
    ]
    started = time.perf_counter()
    with compiled.fast().jit.Counter() as counter:
        for index, (text, task) in enumerate(tasks):
            progress(index, len(tasks), text)
            task()
        progress(len(tasks), len(tasks), "done")
    return {"compiled": counter.count, "seconds": time.perf_counter() - started, "folder": folder()}


def folder() -> Path | None:
    """Return the folder of cached kernels, or None."""
    fast = compiled.fast()
    return None if fast is None else fast.compile_cache.kept_in(Path(fast.__file__).parent)


def _images(dtype, count):
    return np.random.default_rng(0).standard_normal((count, 3, 64, 64)).astype(dtype)


def _infer():
    g = models.googlenet(size=64, width=0.25, rng=0)
    prepared = plan(g)
    for count in (1, 9):  # small and large batches use different kernels
        x = _images(np.float32, count)
        g(x)
        prepared(x)


def _train(norm, dtype):
    g = models.googlenet(size=64, width=0.25, norm=norm, rng=0).astype(dtype)
    for count in (2, 9):
        logits, tape = g.forward({"image": _images(dtype, count)}, train=True)
        _, _, grads = weighted_sum(logits, np.zeros(count, np.int64), head_weights(g))
        _, grad_params = g.backward(grads, tape)
        for writable in (True, False):  # the sum of all workers is read-only
            for grad in grad_params.values():
                grad.flags.writeable = writable
            sgd_step(g.params, grad_params, {}, lr=1e-3, weight_decay=1e-4)
            adamw_step(g.params, grad_params, {}, lr=1e-3)


# (layer, shape of its input): every layer, with an example of each hyperparameter that selects a different kernel.
EVERY_LAYER = (
    (lambda: layers.Conv2d(8, 8, 3, padding=1, algorithm="winograd"), (8, 10, 9)),
    (lambda: layers.Conv2d(8, 8, 3, padding=1, groups=2, algorithm="winograd"), (8, 40, 40)),
    (lambda: layers.Conv2d(6, 4, 1), (6, 5, 4)),
    (lambda: layers.Conv2d(6, 40, 1), (6, 3, 3)),
    (lambda: layers.Conv2d(6, 4, 5, stride=2, padding=2, groups=2, bias=False), (6, 9, 8)),
    (lambda: layers.Conv2d(6, 4, 4, stride=2, padding=2, groups=2, bias=False), (6, 9, 8)),
    (lambda: layers.Conv2d(3, 4, 3, padding=1), (3, 6, 5)),
    *(
        (functools.partial(layers.Conv2d, 4, 4, kernel, stride, kernel // 2, groups=groups), (4, size, size))
        for kernel, groups in ((3, 4), (5, 4), (3, 2))  # depthwise, and two filters that share their inputs
        for stride in (1, 2)
        for size in (7, 20)  # half vectors, whole vectors
    ),
    (lambda: layers.MaxPool2d(3, 2, 1, ceil_mode=True), (3, 9, 8)),
    (lambda: layers.MaxPool2d(2, 1), (3, 9, 8)),
    (lambda: layers.MaxPool2d(3), (3, 9, 9)),  # strides above 2 are computed value by value
    (lambda: layers.MaxPool2d(17), (2, 18, 17)),  # more than 256 positions in a window
    (lambda: layers.AvgPool2d(3, 2, 1), (3, 9, 8)),
    (lambda: layers.AdaptiveAvgPool2d((2, 3)), (3, 9, 8)),
    (layers.GlobalAvgPool2d, (3, 9, 8)),
    (lambda: layers.LocalResponseNorm(5), (3, 9, 8)),
    (lambda: layers.BatchNorm2d(3), (3, 9, 8)),
    (layers.ReLU, (3, 9, 8)),
    (layers.ReLU, (5,)),
    (lambda: layers.Linear(5, 3), (5,)),
    (layers.Flatten, (3, 4, 4)),
    (layers.Dropout, (3, 4, 4)),
    (layers.Softmax, (5,)),
    (layers.ReLU6, (3, 4, 4)),
    (layers.LeakyReLU, (3, 4, 4)),
    (layers.HardSwish, (3, 4, 4)),
    (layers.SiLU, (3, 4, 4)),
    (lambda: layers.Scale(3), (3, 4, 4)),
    (lambda: layers.Scale(3, bias=False), (3, 4, 4)),
    (layers.Add, (3, 4, 4)),
    (layers.Multiply, (3, 4, 4)),
)


def _every_layer(dtype):
    for build, shape in EVERY_LAYER:
        g = Graph(x=shape)
        layer = build()
        g.add("layer", layer, *["x"] * (2 if isinstance(layer, (layers.Add, layers.Multiply)) else 1))
        g = g.astype(dtype)
        prepared = plan(g)
        for count in (1, 9):
            x = np.random.default_rng(0).standard_normal((count, *shape)).astype(dtype)
            g(x)
            prepared(x)
            for train in (False, True):
                outputs, tape = g.forward({"x": x}, train=train)
                _, grad_params = g.backward(outputs, tape)
            sgd_step(g.params, grad_params, {}, lr=1e-3)
        if len(shape) == 3:
            _with_channels_last(build(), shape, dtype)


def _with_channels_last(layer, shape, dtype):
    """Compile what a plan and a live plan need for a layer after a convolution."""
    g = Graph(x=shape)
    wire = g.add("convolution", layers.Conv2d(shape[0], shape[0], 1), "x")
    wire = g.add("layer", layer, *[wire] * (2 if isinstance(layer, (layers.Add, layers.Multiply)) else 1))
    g.add("relu", layers.ReLU(), wire)
    g, x = g.astype(dtype), np.ones((1, *shape), dtype)
    for run in (plan(g), g, g, g):  # the third call compares the weights with those of the second
        run(x)


def _complex_steps():
    for layer in (layers.AvgPool2d(3, 2, 1), layers.AdaptiveAvgPool2d((2, 3))):
        y, cache = layer.forward(np.ones((2, 3, 9, 8), np.complex128))
        layer.backward(y, cache)


def _rungs():
    from minigooglenet.lessons.lesson_13_fast import rungs  # imports Numba

    x, weight, bias = (np.ones(shape, np.float32) for shape in ((1, 2, 5, 5), (2, 2, 3, 3), (2,)))
    y = np.empty((1, 2, 3, 3), np.float32)
    for rung in (rungs.compiled_loops, rungs.along_rows, rungs.along_columns):
        rung(x, weight, bias, y)


def _waiting():
    """Compile the kernels that run only if a thread waits long, or if other programs leave the processors free."""
    from minigooglenet.planning import barrier  # imports Numba

    compiled.fast().waiting.wait(np.zeros(8, np.int64), np.ones(8, np.int64), 0, 1, 0)
    barrier.spin(np.zeros(3, np.int64), 1, 1)
