"""Random ONNX networks of all opsets match ONNX Runtime or are rejected with the name of an operator."""

import numpy as np
import pytest
from onnx_made import network, node, onnx, read

import minigooglenet as mg
from minigooglenet.weights.contents import WeightsError

onnxruntime = pytest.importorskip("onnxruntime")

SHAPES = ((4, 7, 6), (4, 6, 6), (4, 1, 1), (4, 9, 7), (4,))
SQUEEZE, REDUCE = 13, 18  # opsets since which the axes are an input
MOVING = ("Reshape", "Squeeze", "Transpose", "Unsqueeze", "Flatten")  # they change only the layout


class Draws:
    """A random network under construction."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.opset, self.arrays = int(self.rng.integers(7, 23)), {}

    def pick(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def array(self, *shape, value=None):
        name = f"a{len(self.arrays)}"
        self.arrays[name] = self.rng.standard_normal(shape).astype(np.float32) if value is None else np.asarray(value)
        return name

    def window(self, kernel):
        mode = self.pick("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
        pads = {"pads": self.rng.integers(0, 3, 4).tolist()} if mode == "NOTSET" else {"auto_pad": mode}
        dilations = {"dilations": [2, 1]} if self.rng.random() < 0.2 else {}
        return {"kernel_shape": kernel, "strides": self.rng.integers(1, 4, 2).tolist()} | pads | dilations

    def axes(self, since, *choices):
        values = self.pick(*choices)
        return ([self.array(value=values)], {}) if self.opset >= since else ([], {"axes": values})

    def node(self, name, wires):
        """Return a node that writes `name` and reads the last wires, with random settings."""
        pick, array, x, kernel = self.pick, self.array, wires[-1], self.rng.integers(1, 4, 2).tolist()
        ceil = {"ceil_mode": pick(0, 1)} if self.opset >= 10 else {}
        operator = pick(*OPERATORS)
        inputs, attributes, outputs = [x], {}, [name]
        match operator:
            case "Conv":
                inputs, attributes = [x, array(4, 4, *kernel), array(4)], self.window(kernel)
            case "MaxPool":
                attributes, outputs = self.window(kernel) | ceil, pick([name], [name, f"{name}i"])
            case "AveragePool":
                attributes = self.window(kernel) | ceil | {"count_include_pad": pick(0, 1)}
            case "BatchNormalization":
                inputs = [x, array(4), array(4), array(4), array(value=np.ones(4, np.float32))]
                outputs = [name, *(f"{name}{s}" for s in pick("", "", "abcd" if self.opset < 14 else "ab"))]
                attributes = {"training_mode": 1} if len(outputs) == 3 else {}
            case "LRN":
                attributes = {"size": pick(1, 3, 5, 2), "alpha": 1.5, "beta": 0.6}
            case "Gemm":
                inputs = [x, array(4, 4), array(*pick((4,), (1, 4), (1,), (), (2, 1)))]
                attributes = pick({}, {"transB": 1}, {"alpha": 2.0}, {"beta": 0.5}, {"transA": 1})
            case "MatMul":
                inputs = [x, array(4, 4)]
            case "Add" | "Sum" | "Sub" | "Mul" | "Div":
                shape = pick((4,), (1, 4), (4, 1, 1), (1, 4, 1, 1), (1, 1, 4), ())
                inputs = pick([x, wires[0]], [x, x], [x, array(*shape)], [array(*shape), x])
            case "Max" | "Min":
                inputs = pick([x, array()], [x, array(4, 1, 1)], [x, wires[0]])
            case "Clip":
                bounds = pick((-0.5, 0.5), (0.0, 6.0), (0.0, None), (None, None))
                if self.opset < 11:
                    names = zip(("min", "max"), bounds, strict=True)
                    attributes = {key: bound for key, bound in names if bound is not None}
                else:
                    inputs += ["" if bound is None else array(value=np.float32(bound)) for bound in bounds]
            case "HardSigmoid":
                attributes = pick({}, {"alpha": 1 / 6, "beta": 0.5})
            case "LeakyRelu":
                attributes = pick({}, {"alpha": 0.3})
            case "PRelu":
                inputs = [x, pick(array(1), array(4, 1, 1), array(value=np.full((4, 1, 1), 0.2, np.float32)))]
            case "Pad":
                pads = [0, 0, *self.rng.integers(0, 3, 2).tolist(), 0, 0, *self.rng.integers(0, 3, 2).tolist()]
                value = pick(0.0, 0.0, 1.5)
                if self.opset < 11:
                    attributes = {"pads": pads, "value": value}
                else:
                    inputs += [array(value=pads), array(value=np.float32(value))]
            case "Transpose":
                attributes = {"perm": pick([0, 2, 3, 1], [0, 3, 1, 2], [0, 3, 1, 2], [0, 2, 1, 3], [0, 1])}
            case "Unsqueeze":
                more, attributes = self.axes(SQUEEZE, [2, 3], [-1], [1])
                inputs = [x, *more]
            case "Split":
                outputs, attributes = [name, f"{name}s"], {"axis": pick(1, 1, -1)}
                attributes |= {"num_outputs": 2} if self.opset >= 18 else {}
            case "Gather":
                inputs, attributes = [x, array(value=pick(1, [0], [1, 2], [2, 1]))], {"axis": pick(1, 1, 2)}
            case "Concat":
                inputs, attributes = [x, pick(*wires)], {"axis": pick(1, 1, -3, -1, 2)}
            case "Flatten":
                attributes = {"axis": pick(1, 1, 2, 0)}
            case "Reshape":
                shapes = [
                    [0, -1],
                    [-1, 4],
                    [2, -1],
                    [-1, 0],
                    [1, -1],
                    [0, 0, -1],
                    [0, 2, -1, 6],
                    [0, -1, 6, 6],
                    [0, 4, 1, 1],
                ]
                inputs = [x, array(value=pick(*shapes))]
            case "Squeeze":
                more, attributes = self.axes(SQUEEZE, [2, 3], [-1, -2], [3], [1])
                inputs = [x, *more]
            case "ReduceMean" | "ReduceMax":
                # Opset 20 gave ReduceMax other dtypes only.
                more, attributes = self.axes(REDUCE, [2, 3], [-1, -2], [3], [1], [1, 2])
                inputs, attributes = [x, *more], attributes | {"keepdims": pick(0, 1)}
            case "Softmax":
                attributes = {"axis": pick(1, -1, 2)}
            case "Dropout":
                more = [array(value=np.float32(0.3)), array(value=pick(False, True))] if self.opset >= 12 else []
                inputs, outputs = [x, *more], pick([name], [name, f"{name}m"])
        return node(operator, inputs, outputs, name=f"node {name}", **attributes)


OPERATORS = (
    "Conv", "MaxPool", "AveragePool", "BatchNormalization", "LRN", "Gemm", "MatMul", "Add", "Sum", "Concat", "Flatten",
    "Reshape", "Squeeze", "ReduceMean", "Softmax", "Dropout", "Identity", "Relu", "GlobalAveragePool", "Sub", "Mul",
    "Div", "Max", "Min", "Neg", "Clip", "HardSigmoid", "LeakyRelu", "PRelu", "Sigmoid", "Tanh", "Pad", "Transpose",
    "Unsqueeze", "Split", "Gather", "ReduceMax", "GlobalMaxPool", *MOVING,
)  # fmt: skip


def drawn(seed):
    """Return (model, shape of its input, names of its outputs)."""
    draws, nodes, wires = Draws(seed), [], ["x"]
    shape = draws.pick(*SHAPES)
    for number in range(draws.rng.integers(1, 5)):
        nodes.append(draws.node(f"{draws.pick('t', '/t')}{number}", wires))
        wires.append(nodes[-1].output[0])
    count = draws.rng.integers(1, len(wires))
    outputs = draws.rng.permutation(wires[1:])[:count].tolist() if draws.rng.random() < 0.5 else wires[-1:]
    return network(nodes, shape, draws.arrays, opset=draws.opset, outputs=outputs), shape, outputs


def runtime(whole, x):
    """Return the outputs from ONNX Runtime, or None if it fails."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(whole.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})
    except Exception:  # its exceptions have no common base class
        return None


def close(actual, expected):
    return actual.shape == expected.shape and np.allclose(actual, expected, rtol=0, atol=1e-4 * abs(expected).max())


@pytest.mark.parametrize("block", range(4))
def test_random_networks_match_onnx_runtime_or_are_rejected(block, tmp_path):
    compared = rejected = 0
    for seed in range(1000 * block, 1000 * block + 300):
        whole, shape, outputs = drawn(seed)
        try:
            graph = read(whole, tmp_path).graph
        except WeightsError as error:
            graph, reason = None, str(error)
        if graph is None:
            rejected += 1
            assert any(f"{n.op_type} (" in reason for n in whole.graph.node), f"seed {seed}: {reason}"
            continue
        x = np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)
        expected = runtime(whole, x)
        if expected is None:  # an unused node, or an attribute of a later opset
            continue
        compared += 1
        if graph.shapes["x"] != shape:  # an input (H, W, C) that the file transposes at once
            x = x.transpose(0, 3, 1, 2).copy()
        actual, planned = graph.infer({"x": x}), mg.plan(graph, graph.outputs)(x)
        planned = planned if len(outputs) > 1 else {graph.main: planned}
        assert len(actual) == len(outputs), f"seed {seed}"
        for (wire, values), right in zip(actual.items(), expected, strict=True):
            assert close(values, right), f"seed {seed}, output {wire}"
            assert close(planned[wire], right), f"seed {seed}, output {wire} of the plan"
    assert min(compared, rejected) > 50
    assert onnx.defs.onnx_opset_version() >= 22
