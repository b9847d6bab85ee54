"""Subnormal numbers are zero in kernels, for every number of threads, and not changed outside."""

import warnings

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

import minigooglenet as mg
from minigooglenet import adaptive, optim, parallel
from minigooglenet.kernels.fast import subnormals
from minigooglenet.kernels.loops import relu as loops_relu

pytestmark = pytest.mark.skipif(subnormals.FAMILY is None, reason="the register of this processor is unknown")
TINY = np.float32(1e-40)
K = mg.kernels


def is_flushing():
    return bool(np.array([TINY]) * np.float32(1) == 0)


def tiny(*shape, dtype=np.float32):
    """Return values of which two fifths are subnormal and the others zero, nearly subnormal or around 1."""
    rng = np.random.default_rng(5)
    smallest = float(np.finfo(dtype).smallest_normal)
    values = rng.standard_normal(shape) * rng.choice([0, smallest / 10, smallest / 1e4, smallest * 2, 1], shape)
    return values.astype(dtype)


KERNELS = {
    "conv2d numba": lambda x: K.conv2d.forward(x, tiny(8, 8, 3, 3), tiny(8), padding=1, algorithm="numba"),
    "conv2d winograd": lambda x: K.conv2d.forward(x, tiny(8, 8, 3, 3), tiny(8), padding=1, algorithm="winograd"),
    "conv2d im2col": lambda x: K.conv2d.forward(x, tiny(8, 8, 3, 3), tiny(8), padding=1, algorithm="im2col"),
    "conv2d gradient": lambda x: K.conv2d.backward(x, x, tiny(8, 8, 3, 3), tiny(8), padding=1, algorithm="numba"),
    "winograd gradient": lambda x: K.conv2d.backward(x, x, tiny(8, 8, 3, 3), tiny(8), padding=1, algorithm="winograd"),
    "linear": lambda x: K.linear.forward(x.reshape(len(x), -1), tiny(6, x[0].size), tiny(6)),
    "linear gradient": lambda x: K.linear.backward(tiny(len(x), 6), x.reshape(len(x), -1), tiny(6, x[0].size), tiny(6)),
    "relu": lambda x: K.relu.forward(x),
    "max_pool2d": lambda x: K.max_pool2d.forward(x, 3, stride=2),
    "avg_pool2d": lambda x: K.avg_pool2d.forward(x, 3, stride=2),
    "global_avg_pool2d": lambda x: K.global_avg_pool2d.forward(x),
    "global_avg_pool2d gradient": lambda x: K.global_avg_pool2d.backward(x[:, :, 0, 0], (9, 7)),
    "batch_norm2d": lambda x: K.batch_norm2d.forward(x, tiny(8), tiny(8)),
    "local_response_norm": lambda x: K.local_response_norm.forward(x),
    "add": lambda x: K.add.forward(x, x, x),
    "concat": lambda x: K.concat.forward(x, x),
    "dropout": lambda x: K.dropout.forward(x, 0.5, 0),
    "softmax": lambda x: K.softmax.forward(x),
    "log_softmax": lambda x: K.log_softmax.forward(x * np.float32(100)),
    "softmax_cross_entropy": lambda x: K.softmax_cross_entropy.backward(
        K.log_softmax.forward(x[:, :, 0, 0] * np.float32(40)), [0] * len(x)
    ),
    "adamw": lambda x: _step(adaptive.adamw_step, x),
    "adam": lambda x: _step(adaptive.adam_step, x),
    "rmsprop": lambda x: _step(adaptive.rmsprop_step, x),
    "sgd": lambda x: _step(optim.sgd_step, x),
}


def _step(step, x):
    params, state = {"w": x.copy()}, {}
    for _ in range(3):
        step(params, {"w": x}, state, lr=1e-3)
    return params["w"]


def arrays(result):
    results = result if isinstance(result, tuple) else (result,)
    return [value for value in results if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("images", [3, 40])
def test_subnormal_inputs_are_bit_identical_for_any_thread_count(own_threads, name, images):
    x = tiny(images, 8, 13, 13)
    results = []
    for threads in (1, 2, 3):
        mg.set_num_threads(threads)
        results.append([array.tobytes() for array in arrays(KERNELS[name](x))])
        assert not is_flushing()
    assert results[0] == results[1] == results[2]


def test_a_nan_plane_keeps_the_subnormals_of_its_neighbours(own_threads):
    x = tiny(40, 8, 13, 13)  # `max_pool2d` computes planes in chunks, but another way if a value is not finite
    x[::3, 5, 0, 0] = np.nan
    results = []
    for threads in (1, 2, 3):
        mg.set_num_threads(threads)
        results.append([array.tobytes() for array in K.max_pool2d.forward(x, 3, stride=1, padding=1)])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("name", sorted(set(KERNELS) - {"relu", "max_pool2d", "concat"}))
def test_kernels_compute_no_subnormal_numbers(name):
    for array in arrays(KERNELS[name](tiny(3, 8, 13, 13))):
        if array.dtype.kind == "f":
            smallest = np.finfo(array.dtype).smallest_normal
            assert not ((array != 0) & (np.abs(array) < smallest)).any()


def network():
    g = mg.Graph(image=(3, 12, 12))
    g.add("conv", mg.layers.Conv2d(3, 8, 3, padding=1, rng=0), "image")
    g.add("norm", mg.layers.BatchNorm2d(8), "conv")
    g.add("relu", mg.layers.ReLU(), "norm")
    g.add("dense", mg.layers.Linear(8, 5, rng=1), g.add("pool", mg.layers.GlobalAvgPool2d(), "relu"))
    return g


def test_network_is_bit_identical_for_any_thread_count(own_threads):
    g, x = network(), tiny(9, 3, 12, 12)
    g.nodes["conv"].layer.params["weight"] *= np.float32(1e-38)
    g.nodes["norm"].layer.params["weight"] *= np.float32(1e-36)
    plan, results = mg.plan(g), []
    for threads in (1, 2, 4):
        mg.set_num_threads(threads)
        outputs, tape = g.forward({"image": x}, train=True)
        _, grads = g.backward({"dense": outputs["dense"]}, tape)
        everything = [g(x), plan(x), plan(x[:1]), outputs["dense"], *grads.values()]
        results.append([array.tobytes() for array in everything])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("threads", [1, 2])
def test_numpy_sees_subnormal_numbers_again_after_an_error(own_threads, threads):
    mg.set_num_threads(threads)
    inside = []

    def fail(*_):
        inside.append(is_flushing())
        raise ValueError("on purpose")

    for call in (lambda: parallel.run([fail, fail]), lambda: parallel.parallel_for(fail, 1)):
        with pytest.raises(ValueError, match="on purpose"):
            call()
        assert not is_flushing()
    assert inside
    assert all(inside)


def test_nested_regions_put_the_state_back_once():
    with parallel.computing():
        with parallel.flushing():
            assert is_flushing()
        assert is_flushing()
    assert not is_flushing()


def test_register_state_of_the_caller_is_restored():
    before = subnormals.read()
    try:
        subnormals.write(before | subnormals.BITS)
        network()(tiny(2, 3, 12, 12))
        assert is_flushing()
    finally:
        subnormals.write(before)
    assert not is_flushing()


def test_numpy_warns_of_no_type_inside_or_after():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with parallel.computing():
            np.finfo(np.float32), np.finfo(np.float64), np.finfo(np.float16), np.finfo(np.longdouble)
        assert np.finfo(np.float32).smallest_subnormal > 0
        assert np.finfo(np.float64).smallest_subnormal > 0


def test_normal_numbers_keep_their_bits():
    x = np.random.default_rng(0).standard_normal((2, 3, 12, 12)).astype(np.float32)
    expected = loops_relu.forward(x)
    np.testing.assert_array_equal(K.relu.forward(x)[0], expected[0] if isinstance(expected, tuple) else expected)
    with parallel.flushing():
        inside = [np.exp(x), x @ x, x * np.float32(1e-30)]
    for array, outside in zip(inside, [np.exp(x), x @ x, x * np.float32(1e-30)], strict=True):
        np.testing.assert_array_equal(array, outside)


def test_complex_step_works_with_a_step_of_1e_200():
    x = np.random.default_rng(0).random((2, 4, 6, 6)) + 0j
    x[0, 0, 2, 3] += 1e-200j
    settings, real = (3, 1.0, 0.75, 1.0), x.real.copy()
    y, _ = K.local_response_norm.forward(x, *settings)
    _, scale = K.local_response_norm.forward(real, *settings)
    grad = K.local_response_norm.backward(np.ones(x.shape), real, scale, *settings[:3])
    np.testing.assert_allclose(y.imag.sum() / 1e-200, grad[0, 0, 2, 3], rtol=1e-12)


@pytest.mark.parametrize(("machine", "triple"), [("x86_64", "x86_64-linux-gnu"), ("arm64", "aarch64-linux-gnu")])
def test_instructions_of_each_processor_are_known(machine, triple):
    family = subnormals.family(machine)
    module = ir.Module()
    module.triple = triple
    real = ir.IntType(64)
    function = ir.Function(module, ir.FunctionType(real, [real]), "exchange")
    builder = ir.IRBuilder(function.append_basic_block())
    before = subnormals.emit_read(builder, family)
    subnormals.emit_write(builder, family, function.args[0])
    builder.ret(before)
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine()
    code = machine.emit_assembly(llvm.parse_assembly(str(module))).lower()
    words = {"x86": ("stmxcsr", "ldmxcsr"), "arm": ("mrs", "msr")}[family]
    assert all(word in code for word in words)
