"""The storeys of every operation agree, and `mg.use` chooses which of them, or which of your pairs, computes."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import assert_close, draw, needs_numba

import minigooglenet as mg
from minigooglenet import kernels, layers, parallel
from minigooglenet.kernels import compiled, forms, loops, signatures
from minigooglenet.kernels import numpy as readable

STOREYS = forms.STOREYS
OPERATIONS = tuple(signatures.SIGNATURES)
REAL_ONLY = ("max_pool2d", "relu", "global_max_pool2d")
EVERY = pytest.mark.parametrize("operation", OPERATIONS)


@pytest.fixture(autouse=True)
def own_choice():
    before = forms.choice.get()
    yield
    mg.use(before[""], **{name: form for name, form in before.items() if name})


class Drawn:
    """Shapes, hyperparameters and arrays drawn by hypothesis."""

    def __init__(self, data, dtype):
        self.data, self.dtype, self.count = data, np.dtype(dtype), 0
        self.seed = self.integer(0, 99)

    def integer(self, least, most):
        return self.data.draw(st.integers(least, most))

    def choice(self, *values):
        return self.data.draw(st.sampled_from(values))

    def pair(self, least, most):
        return self.integer(least, most), self.integer(least, most)

    def flag(self):
        return self.choice(False, True)

    def array(self, *shape):
        self.count += 1
        values = draw(*shape, seed=self.seed + self.count)
        if self.dtype.kind == "c":
            values = values + 0.1j * draw(*shape, seed=self.seed + self.count + 50)
        return values.astype(self.dtype)

    def images(self):
        return self.array(*self.pair(1, 3), *self.pair(1, 6))

    def pool(self):
        """Return (x, kernel_size, stride, padding)."""
        kernel, stride = self.pair(1, 4), self.pair(1, 3)
        padding = tuple(tuple(min(side, k - 1) for side in self.pair(0, 3)) for k in kernel)
        size = [max(1, k - sum(sides)) + self.integer(0, 4) for k, sides in zip(kernel, padding, strict=True)]
        return self.array(*self.pair(1, 2), *size), kernel, stride, padding


class Middle(Drawn):
    """One fixed example."""

    def __init__(self, dtype):
        super().__init__(None, dtype)

    def integer(self, least, most):
        return (least + most + 1) // 2

    def choice(self, *values):
        return values[-1]


# {operation: (function that returns the arguments of forward, function (results of forward, upstream gradient) that
# returns the arguments of backward)}
def conv2d(drawn):
    groups, kernel, stride = drawn.integer(1, 2), drawn.pair(1, 3), drawn.pair(1, 2)
    padding = drawn.pair(0, 2), drawn.pair(0, 2)
    size = [max(1, k - sum(sides)) + drawn.integer(0, 3) for k, sides in zip(kernel, padding, strict=True)]
    channels, filters = drawn.pair(1, 2)
    weight = drawn.array(filters * groups, channels, *kernel)
    bias = drawn.array(filters * groups) if drawn.flag() else None
    arguments = drawn.array(drawn.integer(1, 2), channels * groups, *size), weight, bias, stride, padding, groups
    return arguments, lambda results, grad: (grad, *arguments)


def linear(drawn):
    inputs, outputs = drawn.pair(1, 5)
    bias = drawn.array(outputs) if drawn.flag() else None
    arguments = drawn.array(drawn.integer(1, 4), inputs), drawn.array(outputs, inputs), bias
    return arguments, lambda results, grad: (grad, *arguments)


def max_pool2d(drawn):
    x, *pool = drawn.pool()
    x = x.round(1)  # so that ties are common
    return (x, *pool, drawn.flag()), lambda results, grad: (grad, results[1], x.shape[2:], *pool)


def avg_pool2d(drawn):
    (x, *pool), ceil_mode, count = drawn.pool(), drawn.flag(), drawn.flag()
    return (x, *pool, ceil_mode, count), lambda results, grad: (grad, x.shape[2:], *pool, count)


def adaptive_avg_pool2d(drawn):
    x = drawn.images()
    return (x, drawn.pair(1, 4)), lambda results, grad: (grad, x.shape[2:])


def global_avg_pool2d(drawn):
    x = drawn.images()
    return (x,), lambda results, grad: (grad, x.shape[2:])


def local_response_norm(drawn):
    x, size = drawn.array(drawn.integer(1, 2), drawn.integer(1, 7), *drawn.pair(1, 3)), drawn.integer(1, 6)
    alpha, beta, k = drawn.choice((1e-4, 0.75, 1.0), (1.5, 0.5, 2.0))
    return (x, size, alpha, beta, k), lambda results, grad: (grad, x, results[1], size, alpha, beta)


def batch_norm2d(drawn):
    x = drawn.array(drawn.integer(2, 3), drawn.integer(1, 3), *drawn.pair(1, 4))
    weight, bias, mean = (drawn.array(x.shape[1]) for _ in range(3))
    given_ = drawn.flag()
    statistics = (mean, mean.real.astype(x.dtype) ** 2 + x.dtype.type(0.5)) if given_ else (None, None)
    eps = 1e-2
    return (
        (x, weight, bias, *statistics, eps),
        lambda results, grad: (grad, x, weight, results[1], results[2], eps, not given_),
    )


def relu(drawn):
    return (drawn.images(),), lambda results, grad: (grad, results[1])


def dropout(drawn):
    p = drawn.choice(0.0, 0.9, 0.3)
    return (drawn.images(), p, drawn.seed), lambda results, grad: (grad, results[1], p)


def softmax(drawn):
    return (drawn.images(),), lambda results, grad: (grad, results[0])


def softmax_cross_entropy(drawn):
    images, classes = drawn.pair(1, 5)
    labels = np.random.default_rng(drawn.seed).integers(classes, size=images)
    return (drawn.array(images, classes), labels), lambda results, grad: (results[1], labels)


def concat(drawn):
    shape = drawn.integer(1, 2), *drawn.pair(1, 3)
    channels = [drawn.integer(1, 3) for _ in range(drawn.integer(1, 3))]
    return tuple(drawn.array(shape[0], c, *shape[1:]) for c in channels), lambda results, grad: (grad, channels)


def add(drawn):
    x = drawn.images()
    xs = (x, *(drawn.array(*x.shape) for _ in range(drawn.integer(0, 2))))
    return xs, lambda results, grad: (grad, len(xs))


def elementwise(drawn):
    kinked = [("clip", (-0.5, 0.7)), ("clip", (-np.inf, 0.2)), ("leaky_relu", (0.2,)), ("hard_swish", ())]
    analytic = [("sigmoid", ()), ("tanh", ()), ("silu", ())]
    function, parameters = drawn.choice(*(analytic if drawn.dtype.kind == "c" else kinked + analytic))
    x = 3 * drawn.images()
    return (x, function, parameters), lambda results, grad: (grad, x, function, parameters)


def scale(drawn):
    x = drawn.array(*drawn.choice(drawn.pair(1, 3), (*drawn.pair(1, 3), *drawn.pair(1, 4))))
    bias = drawn.array(x.shape[1]) if drawn.flag() else None
    arguments = x, drawn.array(x.shape[1]), bias
    return arguments, lambda results, grad: (grad, *arguments)


def multiply(drawn):
    shape = (*drawn.pair(1, 3), *drawn.pair(1, 4))
    kinds = shape, shape[:2], (*shape[:2], 1, 1), (shape[0], 1, *shape[2:]), shape[:1], shape[:2]
    xs = [drawn.array(*shape), *(drawn.array(*drawn.choice(*kinds)) for _ in range(drawn.integer(1, 2)))]
    xs = tuple(xs[:: drawn.choice(1, -1)])
    return xs, lambda results, grad: (grad, *xs)


def global_max_pool2d(drawn):
    x = drawn.images().round(1)  # so that ties are common
    return (x,), lambda results, grad: (grad, results[1], x.shape[2:])


def pad(drawn):
    padding = drawn.pair(0, 2), drawn.pair(0, 2)
    return (drawn.images(), padding, drawn.choice(0.0, -1.5)), lambda results, grad: (grad, padding)


def channel_shuffle(drawn):
    groups, size = drawn.pair(1, 4)
    x = drawn.array(*drawn.choice((2, groups * size), (2, groups * size, *drawn.pair(1, 3))))
    return (x, groups), lambda results, grad: (grad, groups)


def channel_slice(drawn):
    start, size = drawn.pair(0, 3)
    channels = start + size + 1 + drawn.choice(0, 1, 2)
    x = drawn.array(*drawn.choice((2, channels), (2, channels, *drawn.pair(1, 3))))
    return (x, start, start + size + 1), lambda results, grad: (grad, start, channels)


CASES = {
    "conv2d": conv2d,
    "linear": linear,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "global_avg_pool2d": global_avg_pool2d,
    "local_response_norm": local_response_norm,
    "batch_norm2d": batch_norm2d,
    "relu": relu,
    "dropout": dropout,
    "softmax": softmax,
    "log_softmax": softmax,
    "softmax_cross_entropy": softmax_cross_entropy,
    "concat": concat,
    "add": add,
    "elementwise": elementwise,
    "scale": scale,
    "multiply": multiply,
    "global_max_pool2d": global_max_pool2d,
    "pad": pad,
    "channel_shuffle": channel_shuffle,
    "channel_slice": channel_slice,
}


def results_of(values):
    return values if isinstance(values, tuple) else (values,)


def forward_on(storey, operation, arguments):
    with mg.use(storey):
        return results_of(getattr(kernels, operation).forward(*arguments))


def backward_on(storey, operation, arguments):
    with mg.use(storey):
        return results_of(getattr(kernels, operation).backward(*arguments))


def compare(values, expected, dtype):
    loose = 2e-4 if np.dtype(dtype) == np.float32 else 1e-10
    for value, right in zip(values, expected, strict=True):
        assert (value is None) == (right is None)
        if right is not None:
            assert value.dtype == right.dtype
            assert_close(value, right, loose)


def test_every_operation_has_a_case_and_two_storeys():
    assert CASES.keys() == signatures.SIGNATURES.keys()
    for operation in OPERATIONS:
        for module in (loops, readable):
            assert callable(getattr(module, operation).forward)
            assert callable(getattr(module, operation).backward)


@EVERY
@settings(max_examples=25)
@given(data=st.data())
def test_forward_of_one_storey_works_with_backward_of_another(operation, data):
    dtypes = [np.float32, np.float64, *([] if operation in REAL_ONLY else [np.complex128])]
    dtype = data.draw(st.sampled_from(dtypes))
    drawn = Drawn(data, dtype)
    arguments, to_backward = CASES[operation](drawn)
    expected = forward_on("loops", operation, arguments)
    grad = drawn.array(*expected[0].shape)
    expected_grads = backward_on("loops", operation, to_backward(expected, grad))
    for first in STOREYS:
        results = forward_on(first, operation, arguments)
        compare(results, expected, dtype)
        for second in STOREYS:
            compare(backward_on(second, operation, to_backward(results, grad)), expected_grads, dtype)


def one_case(operation, dtype=np.float32):
    """Return (arguments of forward, function that returns those of backward, upstream gradient)."""
    drawn = Middle(dtype)
    arguments, to_backward = CASES[operation](drawn)
    y = forward_on("numpy", operation, arguments)[0]
    return arguments, to_backward, drawn.array(*y.shape)


# Mistakes of a pair.


def pair_of(operation, storey=readable):
    module = getattr(storey, operation)
    return module.forward, module.backward


def replaced(operation, direction, change):
    """Return the functions of the NumPy form, with `change` applied to the results of one direction."""
    forward, backward = pair_of(operation)
    if direction == "forward":
        return (lambda *args: change(forward(*args))), backward
    return forward, lambda *args: change(backward(*args))


def run(operation, direction):
    arguments, to_backward, grad = one_case(operation)
    results = results_of(getattr(kernels, operation).forward(*arguments))
    if direction == "backward":
        return results_of(getattr(kernels, operation).backward(*to_backward(results, grad)))
    return results


def first_changed(change):
    """Return a function that changes the first of several results, or the only one."""
    return lambda values: (change(values[0]), *values[1:]) if isinstance(values, tuple) else change(values)


def names_of(operation, direction):
    names = signatures.SIGNATURES[operation][("forward", "backward").index(direction)][1]
    return "gradient 0" if names == "grads" else names.split(", ")[0]


DIRECTION = pytest.mark.parametrize("direction", ["forward", "backward"])


def wrong(operation, direction, change):
    """Return a context in which the NumPy form computes an operation with changed results in one direction."""
    return mg.use(**{operation: replaced(operation, direction, change)})


@EVERY
@DIRECTION
def test_pair_that_returns_none_is_reported_with_the_operation(operation, direction):
    text = rf"^{operation}: .*{direction} must .*, got None\. Is a return missing\?$"
    with wrong(operation, direction, lambda values: None), pytest.raises((TypeError, ValueError), match=text):
        run(operation, direction)


@EVERY
@DIRECTION
def test_pair_that_returns_none_names_the_result(operation, direction):
    result = f"{operation}: {names_of(operation, direction)} from {direction}"
    text = rf"^{result} must be a NumPy array, got None\. Is a return missing\?$"
    with wrong(operation, direction, first_changed(lambda value: None)), pytest.raises(TypeError, match=text):
        run(operation, direction)


def run_names(operation, direction):
    return signatures.SIGNATURES[operation][("forward", "backward").index(direction)][1].split(", ")


@EVERY
@DIRECTION
def test_pair_that_returns_a_wrong_shape_is_reported(operation, direction):
    result = f"{operation}: {names_of(operation, direction)} from {direction}"
    text = rf"^{result} must have shape \(.*\), got \(2,.*\)$"
    with (
        wrong(operation, direction, first_changed(lambda value: np.stack([value, value]))),
        pytest.raises(ValueError, match=text),
    ):
        run(operation, direction)


@EVERY
@DIRECTION
@pytest.mark.parametrize("dtype", [np.complex128, object])
def test_pair_that_returns_a_wrong_type_is_reported(operation, direction, dtype):
    result = f"{operation}: {names_of(operation, direction)} from {direction}"
    text = rf"^{result} must be float32, got {np.dtype(dtype).name}$"
    with (
        wrong(operation, direction, first_changed(lambda value: np.asarray(value).astype(dtype))),
        pytest.raises(TypeError, match=text),
    ):
        run(operation, direction)


@EVERY
@DIRECTION
def test_pair_that_returns_a_wrong_count_is_reported(operation, direction):
    names = run_names(operation, direction)
    if len(names) == 1 and names != ["grads"]:
        text = rf"^{operation}: \w+ from {direction} must be a NumPy array, got tuple$"
        change = lambda value: (value, value)  # noqa: E731
    else:
        text = rf"^{operation}: {direction} must return .*, got \d values$"
        change = lambda values: values[:-1]  # noqa: E731
    with wrong(operation, direction, change), pytest.raises((TypeError, ValueError), match=text):
        run(operation, direction)


@EVERY
@DIRECTION
def test_float64_results_of_a_pair_become_float32(operation, direction):
    change = first_changed(lambda value: np.asarray(value).astype(np.float64))
    expected = run(operation, direction)
    with wrong(operation, direction, change):
        compare(run(operation, direction), expected, np.float32)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda argmax: argmax.astype(float), TypeError, r"^argmax must be the integers that forward returned"),
        (lambda argmax: argmax.astype(int) + 4, ValueError, r"^4 argmax values point outside their window"),
        (lambda argmax: argmax.astype(int) - 4, ValueError, r"^4 argmax values point outside their window"),
    ],
)
def test_argmax_of_a_pair_must_be_window_positions(change, error, text):
    with (
        wrong("max_pool2d", "forward", lambda values: (values[0], change(values[1]))),
        pytest.raises(error, match=text),
    ):
        kernels.max_pool2d.forward(np.zeros((1, 1, 4, 4)), 2)


def test_backward_of_a_pair_gets_a_signed_argmax():
    seen = []

    def backward(grad_y, argmax, *rest):
        seen.append(argmax - 9)
        return readable.max_pool2d.backward(grad_y, argmax, *rest)

    y, argmax = kernels.max_pool2d.forward(draw(2, 3, 5, 6), 3, 1, 1)
    with mg.use(max_pool2d=(readable.max_pool2d.forward, backward)):
        kernels.max_pool2d.backward(y, argmax, (5, 6), 3, 1, 1)
    np.testing.assert_array_equal(seen[0], argmax.astype(int) - 9)


@EVERY
def test_pair_with_a_wrong_signature_is_rejected_at_once(operation):
    def mine(a, b, c, d, e, f, g, h, i):
        pass

    before = forms.choice.get()
    for pair in ((mine, pair_of(operation)[1]), (pair_of(operation)[0], mine)):
        with pytest.raises(
            TypeError, match=rf"^{operation}: mine is called as mine\(.*\): missing a required argument"
        ):
            mg.use(**{operation: pair})
    assert forms.choice.get() is before


def test_signatures_of_all_storeys_are_the_table():
    for operation, directions in signatures.SIGNATURES.items():
        for module in (loops, readable, *([compiled.fast()] if compiled.fast() else [])):
            if hasattr(module, operation):
                signatures.pair(operation, *pair_of(operation, module))
                for function, (arguments, _) in zip(pair_of(operation, module), directions, strict=True):
                    code = function.__code__
                    names = code.co_varnames[: code.co_argcount + bool(code.co_flags & 4)]
                    # A convolution's dilation is passed by keyword, if there is one.
                    listed = [name for name in names if (operation, name) != ("conv2d", "dilation")]
                    assert ", ".join(listed) == arguments.replace("*", ""), (module.__name__, operation)


@pytest.mark.parametrize(
    ("choice", "error", "text"),
    [
        (lambda: mg.use("slow"), ValueError, r"^unknown form 'slow'\. Choose 'loops', 'numpy' or 'fast'\.$"),
        (lambda: mg.use(3), ValueError, r"^unknown form 3\. Choose 'loops', 'numpy' or 'fast'\.$"),
        (lambda: mg.use(relu="slow"), ValueError, r"^unknown form 'slow' for relu\. Choose"),
        (
            lambda: mg.use(max_pool="numpy"),
            ValueError,
            r"^unknown operation 'max_pool'\. Did you mean 'max_pool2d' or ",
        ),
        (lambda: mg.use(xyzzy="numpy"), ValueError, r"^unknown operation 'xyzzy'\. Choose from conv2d, linear, "),
        (
            lambda: mg.use(relu=3),
            TypeError,
            r"^relu must be the name of a form or a pair \(forward, backward\), got 3$",
        ),
        (lambda: mg.use(relu=(abs,)), TypeError, r"^relu must be the name of a form or a pair"),
        (lambda: mg.use(relu=(abs, 3)), TypeError, r"^relu must be the name of a form or a pair"),
    ],
)
def test_unknown_choice_is_rejected_and_changes_nothing(choice, error, text):
    mg.use("numpy")
    before = forms.choice.get()
    with pytest.raises(error, match=text):
        choice()
    assert forms.choice.get() is before


# Which form runs.


@pytest.fixture
def ran(monkeypatch):
    """Return a list of (storey, thread) that gets an entry for every call of ReLU."""
    calls = []
    modules = {"loops": loops.relu, "numpy": readable.relu}
    if compiled.fast():
        modules["fast"] = compiled.fast().relu
    for storey, module in modules.items():

        def forward(x, storey=storey, right=module.forward):
            calls.append((storey, threading.get_ident()))
            return right(x)

        monkeypatch.setattr(module, "forward", forward)
        monkeypatch.delattr(module, "infer", raising=False)
    return calls


X = np.array([[-1.0, 2.0]], np.float32)


def storeys(ran):
    names = [name for name, _ in ran]
    ran.clear()
    return names


@needs_numba
def test_use_is_a_call_and_a_context_manager(ran):
    mg.use("fast")
    kernels.relu.forward(X)
    mg.use("numpy")
    kernels.relu.forward(X)
    with mg.use("loops"):
        kernels.relu.forward(X)
        with mg.use(relu="fast"):
            kernels.relu.forward(X)
        kernels.relu.forward(X)
    kernels.relu.forward(X)
    assert storeys(ran) == ["fast", "numpy", "loops", "fast", "loops", "numpy"]


def test_use_gives_the_choice_back_after_an_error(ran):
    mg.use("numpy")
    with pytest.raises(KeyError), mg.use("loops"):
        raise KeyError
    kernels.relu.forward(X)
    assert storeys(ran) == ["numpy"]


def test_complex_arrays_never_use_fast():
    for operation in OPERATIONS:
        assert forms.form_of(operation, np.dtype(complex)) is getattr(readable, operation)
    with mg.use("loops"):
        assert forms.form_of("conv2d", np.dtype(complex)) is loops.conv2d


def test_naming_a_storey_removes_earlier_pairs(ran):
    mg.use("numpy", relu=(lambda x: (x, x > 0), lambda grad_y, mask: grad_y))
    kernels.relu.forward(X)
    assert storeys(ran) == []
    mg.use(max_pool2d="loops")
    kernels.relu.forward(X)
    assert storeys(ran) == []
    mg.use("numpy")
    kernels.relu.forward(X)
    assert storeys(ran) == ["numpy"]
    assert forms.choice.get() == {"": "numpy"}


def test_storey_can_be_set_per_operation(ran):
    mg.use("numpy", relu="loops")
    kernels.relu.forward(X)
    assert storeys(ran) == ["loops"]
    assert forms.form_of("add", X.dtype) is readable.add


def test_thread_of_the_caller_begins_with_the_default():
    mg.use("loops")
    seen = []
    thread = threading.Thread(target=lambda: seen.append((forms.choice.get(), mg.use("numpy"))))
    thread.start()
    thread.join()
    assert seen[0][0] == {"": "fast" if not os.environ.get(forms.VARIABLE) else os.environ[forms.VARIABLE]}
    assert forms.choice.get() == {"": "loops"}


@pytest.mark.parametrize("storey", ["loops", "numpy"])
def test_threads_of_the_engine_inherit_the_choice(own_threads, storey):
    mg.set_num_threads(3)
    seen = []

    def task(start, stop):
        time.sleep(0.05)  # so that every thread gets a chunk
        seen.append((forms.choice.get()[""], threading.get_ident()))

    with mg.use(storey):
        parallel.parallel_for(task, 30)
    assert {name for name, _ in seen} == {storey}
    assert len({thread for _, thread in seen}) > 1


def test_threads_of_a_team_inherit_the_choice(own_threads):
    mg.set_num_threads(2)
    seen = []
    with mg.use("loops"):
        assert parallel.as_team(lambda number: seen.append((number, forms.choice.get()[""])), 2)
    assert sorted(seen) == [(0, "loops"), (1, "loops")]


def test_two_callers_keep_their_own_choice_on_shared_threads(own_threads):
    mg.set_num_threads(3)
    seen = {"loops": set(), "numpy": set()}

    def call(storey):
        mg.use(storey)
        for _ in range(10):
            parallel.parallel_for(lambda start, stop: (time.sleep(0.002), seen[storey].add(forms.choice.get()[""])), 12)

    callers = [threading.Thread(target=call, args=[storey]) for storey in seen]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert seen == {"loops": {"loops"}, "numpy": {"numpy"}}


def test_plan_keeps_its_forms_on_every_thread(own_threads, ran, monkeypatch):
    g = mg.Graph(image=(2, 3, 3))
    g.add("relu", layers.ReLU(), "image")
    slow = readable.relu.forward
    monkeypatch.setattr(readable.relu, "forward", lambda x: (time.sleep(0.05), slow(x))[1])
    mg.set_num_threads(3)
    with mg.use("numpy"):
        plan = mg.plan(g)
    mg.use("loops")
    x = draw(24, 2, 3, 3, dtype=np.float32)
    assert (plan(x) == np.maximum(x, 0)).all()
    assert len({thread for _, thread in ran}) > 1
    assert set(storeys(ran)) == {"numpy"}
    g(x[:1])
    assert storeys(ran) == ["loops"]


def test_choice_prints_the_file_of_every_operation():
    mg.use("numpy", relu=(my_forward, my_backward), add="loops")
    table = [line.strip("| ").split() for line in str(mg.use()).splitlines()]
    rows = {cells[0]: [cell for cell in cells[1:] if cell != "|"] for cells in table if len(cells) > 1}
    assert rows["conv2d"] == ["numpy", "kernels/numpy/conv2d.py"]
    assert rows["add"] == ["loops", "kernels/loops/add.py"]
    assert rows["relu"] == ["yours", "my_forward,", "my_backward"]
    assert set(OPERATIONS) <= rows.keys()
    text = str(mg.use("fast"))
    assert ("kernels/fast/max_pool2d.py" in text) == bool(compiled.fast())
    assert "kernels/numpy/softmax.py" in text  # no fast file


def my_forward(x):
    return np.where(x > 0, x, 0 * x), x > 0


def my_backward(grad_y, mask):
    return grad_y * mask


@pytest.mark.parametrize("algorithm", ["loops", "im2col"])
@pytest.mark.parametrize("storey", STOREYS)
def test_algorithm_of_a_convolution_comes_before_use(monkeypatch, algorithm, storey):
    calls = []
    for name, module in (("loops", loops.conv2d), ("im2col", readable.conv2d)):
        right = module.forward
        monkeypatch.setattr(module, "forward", lambda *args, n=name, r=right: calls.append(n) or r(*args))
    g = mg.Graph(image=(2, 4, 4))
    g.add("conv", layers.Conv2d(2, 3, 3, algorithm=algorithm, rng=0), "image")
    x = draw(2, 2, 4, 4, dtype=np.float32)
    with mg.use(storey):
        plan = mg.plan(g)
        for run_ in (g, plan):
            run_(x)
            assert set(calls) == {algorithm}
            calls.clear()
    with mg.use(conv2d=(lambda *args: 1 / 0, lambda *args: 1 / 0)):
        g(x)
    assert calls == [algorithm]


# Your own pair runs in every network.


EXAMPLES = {
    "conv2d": (lambda: layers.Conv2d(2, 3, 3, padding=1, rng=0), 1),
    "linear": (None, 1),
    "max_pool2d": (lambda: layers.MaxPool2d(2), 1),
    "avg_pool2d": (lambda: layers.AvgPool2d(2), 1),
    "adaptive_avg_pool2d": (lambda: layers.AdaptiveAvgPool2d(2), 1),
    "global_avg_pool2d": (layers.GlobalAvgPool2d, 1),
    "local_response_norm": (layers.LocalResponseNorm, 1),
    "batch_norm2d": (lambda: layers.BatchNorm2d(2), 1),
    "relu": (layers.ReLU, 1),
    "softmax": (layers.Softmax, 1),
    "concat": (layers.Concat, 2),
    "add": (layers.Add, 2),
}


def doubled(operation):
    """Return a pair whose output and gradients are twice the correct ones."""
    forward, backward = pair_of(operation)

    def my_forward(*args):
        values = forward(*args)
        return (2 * values[0], *values[1:]) if isinstance(values, tuple) else 2 * values

    def my_backward(*args):
        grads = backward(*args)
        return tuple(None if g is None else 2 * g for g in grads) if isinstance(grads, tuple) else 2 * grads

    return my_forward, my_backward


@pytest.mark.parametrize("operation", EXAMPLES)
@pytest.mark.parametrize("images", [1, 5])
def test_pair_runs_in_graph_and_plan_forward_and_backward(operation, images):
    build, count = EXAMPLES[operation]
    g = mg.Graph(a=(2, 6, 6), b=(2, 6, 6)) if count == 2 else mg.Graph(a=(2, 6, 6))
    wires = list(g.inputs)
    if operation == "linear":
        wires, build = [g.add("flat", layers.Flatten(), "a")], lambda: layers.Linear(72, 3, rng=0)
    g.add("node", build(), *wires)
    x = {name: draw(images, 2, 6, 6, seed=i, dtype=np.float32) for i, name in enumerate(g.inputs)}

    def everything():
        outputs, tape = g.forward(x)
        grads = g.backward({"node": np.ones_like(outputs["node"])}, tape)
        plans = [mg.plan(g)(x), mg.plan(g, fuse=False, join=False, split_batch=False)(x)]
        return [outputs["node"], g(x), *plans], [*grads[0].values(), *grads[1].values()]

    expected, expected_grads = everything()
    with mg.use(**{operation: doubled(operation)}):
        outputs, grads = everything()
    for got, right in zip(outputs, expected, strict=True):
        assert_close(got, 2 * right)
    if operation not in ("softmax",):  # its gradient also depends on the doubled output
        for got, right in zip(grads, expected_grads, strict=True):
            assert_close(got, 2 * right)


@pytest.mark.parametrize("follower", [layers.ReLU, lambda: layers.BatchNorm2d(3)])
def test_plan_keeps_the_pair_of_a_follower(follower):
    g = mg.Graph(image=(2, 6, 6))
    g.add("conv", layers.Conv2d(2, 3, 3, rng=0), "image")
    g.add("next", follower(), "conv")
    x = draw(3, 2, 6, 6, dtype=np.float32)
    expected = 2 * g(x)
    with mg.use(relu=doubled("relu"), batch_norm2d=doubled("batch_norm2d")):
        assert_close(mg.plan(g)(x), expected)
    with mg.use(conv2d=doubled("conv2d")):
        assert_close(mg.plan(g)(x), g(x))


USED = {  # operations of GoogLeNet with auxiliary heads, and whether loops are fast enough (few values)
    "conv2d": readable,
    "relu": readable,
    "max_pool2d": readable,
    "local_response_norm": readable,
    "concat": readable,
    "avg_pool2d": readable,
    "linear": readable,
    "global_avg_pool2d": loops,
    "dropout": loops,
    "softmax_cross_entropy": loops,
}


def googlenet_step(g):
    x = draw(2, 3, 64, 64, dtype=np.float32)
    outputs, tape = g.forward({"image": x}, train=True)
    loss, _, grads = mg.losses.weighted_sum(outputs, np.array([1, 3]), mg.losses.head_weights(g))
    _, grad_params = g.backward(grads, tape, inputs=False)
    return np.float32(loss), outputs, grad_params


def test_googlenet_runs_on_your_own_pairs():
    def build():
        return mg.models.googlenet(10, size=64, width=0.25, rng=0)

    calls = set()

    def recorded(operation, module):
        def record(direction, function):
            return lambda *args: calls.add((operation, direction)) or function(*args)

        return tuple(map(record, ("forward", "backward"), pair_of(operation, module)))

    x = draw(5, 3, 64, 64, seed=1, dtype=np.float32)
    expected = googlenet_step(build())
    g = build()
    with mg.use(**{operation: recorded(operation, module) for operation, module in USED.items()}):
        loss, outputs, grads = googlenet_step(g)
        used = {operation for operation, _ in calls}
        assert used == {operation for operation in USED if (operation, "backward") in calls}
        assert {"conv2d", "relu", "max_pool2d", "local_response_norm", "concat", "linear", "dropout"} <= used
        calls.clear()
        plan = mg.plan(g)
    in_plan = plan(x)
    assert {"conv2d", "relu", "max_pool2d", "local_response_norm", "concat", "linear"} <= {name for name, _ in calls}
    assert_close(loss, expected[0], 1e-4)
    for got, right in ((outputs, expected[1]), (grads, expected[2])):
        assert got.keys() == right.keys()
        for key in right:
            assert np.abs(got[key] - right[key]).max() <= 1e-3 * np.abs(right[key]).max(), key
    assert_close(in_plan, g(x), 1e-4)


def whole_network():
    g = mg.Graph(image=(3, 9, 10))
    wire = g.add("conv", layers.Conv2d(3, 4, 3, padding=1, rng=0), "image")
    wire = g.add("norm", layers.BatchNorm2d(4), wire)
    wire = g.add("relu", layers.ReLU(), wire)
    wire = g.add("lrn", layers.LocalResponseNorm(3, alpha=1.0), wire)
    left = g.add("max", layers.MaxPool2d(3, 2, ceil_mode=True), wire)
    right = g.add("mean", layers.AvgPool2d(3, 2, ceil_mode=True), wire)
    both = g.add("both", layers.Concat(), left, right)
    skip = g.add("skip", layers.Add(), left, right)
    side = g.add("side", layers.AdaptiveAvgPool2d((2, 2)), skip)
    side = g.add("flat", layers.Flatten(), side)
    g.add("head", layers.Linear(16, 3, rng=1), side)
    wire = g.add("global", layers.GlobalAvgPool2d(), both)
    wire = g.add("drop", layers.Dropout(0.4, rng=3), wire)
    g.add("main", layers.Linear(8, 3, rng=2), wire)
    return g.astype(np.float64)


def network_step():
    g, x = whole_network(), draw(2, 3, 9, 10)
    outputs, tape = g.forward({"image": x}, train=True)
    loss, _, grads = mg.losses.weighted_sum(outputs, np.array([0, 2]), {"head": 0.3, "main": 1.0})
    grad_inputs, grad_params = g.backward(grads, tape, wires=["both"])
    velocity = {}
    mg.optim.sgd_step(g.params, grad_params, velocity, lr=0.1, weight_decay=1e-3)
    arrays = {"loss": np.float64(loss), **outputs, **grad_params, "image": grad_inputs["image"], **dict(g.buffers)}
    arrays |= {f"new {key}": value for key, value in g.params.items()}
    return arrays | {"inference": g(x), "plan": mg.plan(g)(x)}


@pytest.mark.parametrize("storey", ["numpy", "fast"])
def test_training_step_of_a_network_agrees_with_the_loops(storey):
    with mg.use("loops"):
        expected = network_step()
    with mg.use(storey):
        result = network_step()
    assert result.keys() == expected.keys()
    for key, right in expected.items():
        assert_close(result[key], right, 1e-9)


# Separate processes.


def child(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


SHOW = "import minigooglenet as mg; from minigooglenet.kernels import forms; print(forms.choice.get()); print(mg.use())"


@pytest.mark.parametrize(("value", "file"), [("loops", "kernels/loops/relu.py"), (" numpy ", "kernels/numpy/relu.py")])
def test_environment_names_the_storey_of_a_process(value, file):
    process = child(SHOW, MINIGOOGLENET_FORM=value)
    assert process.stdout.startswith(f"{{'': '{value.strip()}'}}\n")
    assert file in process.stdout


def test_wrong_storey_in_the_environment_is_reported():
    process = child(SHOW, MINIGOOGLENET_FORM="numba")
    text = "ValueError: unknown form 'numba' in MINIGOOGLENET_FORM. Choose 'loops', 'numpy' or 'fast'."
    assert process.stderr.strip().endswith(text)


IMPORTS = (
    "import sys, minigooglenet; print(sorted({name.partition('.')[0] for name in sys.modules} & {'numba', 'llvmlite'}))"
)


def test_importing_the_package_does_not_import_numba():
    assert child(IMPORTS).stdout == "[]\n"
