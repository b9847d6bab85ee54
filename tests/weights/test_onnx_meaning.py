"""Changes in the meaning of an ONNX operator are rejected: training modes, further outputs, other domains."""

import numpy as np
import pytest
from onnx_made import network, node, onnx, random, read, require_as_runtime

from minigooglenet.weights.contents import WeightsError

TRAINING = {  # {how a batch normalisation declares training mode: (opset, outputs, attributes, part of the message)}
    "five outputs": (9, "yabcd", {}, "it has 5 outputs, so it normalises with the statistics of the batch"),
    "five outputs of old": (7, "yabcd", {"spatial": 1}, "it has 5 outputs"),
    "five outputs, four without a name": (13, ["y", "", "", "", ""], {}, "it has 5 outputs"),
    "three outputs": (15, "yab", {}, "it has 3 outputs"),
    "training mode": (15, "yab", {"training_mode": 1}, "attribute training_mode is 1; only 0 is supported"),
    "training mode and one output": (
        14,
        "y",
        {"training_mode": 1},
        "attribute training_mode is 1; only 0 is supported",
    ),
    "statistics for each position": (8, "y", {"spatial": 0}, "attribute spatial is 0; only 1 is supported"),
}


@pytest.mark.parametrize("form", TRAINING)
def test_batch_norm_in_training_mode_is_rejected(form, tmp_path):
    opset, outputs, attributes, sentence = TRAINING[form]
    norm = node("BatchNormalization", ["r", "n", "n", "n", "n"], list(outputs), name="bn1", **attributes)
    whole = network(
        [node("Relu", ["x"], ["r"]), norm, node("Relu", ["y"], ["z"])],
        arrays={"n": abs(random(4))}, opset=opset, outputs=("z",),
    )  # fmt: skip
    with pytest.raises(WeightsError, match=rf"BatchNormalization \(1 node, 'bn1'\): {sentence}"):
        read(whole, tmp_path)


def test_output_running_statistics_are_rejected(tmp_path):
    norm = node("BatchNormalization", ["x", "n", "n", "n", "n"], ["y", "mean", "var"], training_mode=1)
    with pytest.raises(WeightsError, match=r"BatchNormalization .1 node, 'y'.: attribute training_mode is 1"):
        read(network([norm], arrays={"n": abs(random(4))}, outputs=("y", "mean")), tmp_path)


@pytest.mark.parametrize(
    ("operator", "inputs", "outputs", "advice"),
    [
        ("TopK", ["x", "k"], ["v", "y"], "Cut the network before it, and compute it from the output: np.argsort"),
        ("InstanceNormalization", ["x", "n", "n"], ["y"], "Replace it and train the network again: BatchNorm2d"),
        ("Gelu", ["x"], ["y"], "Replace it and train the network again: SiLU"),
        ("Resize", ["x", "", "n"], ["y"], "Upsampling has no layer in this package"),
        ("GRU", ["x", "n", "n"], ["p", "y"], "Recurrent layers are not in this package"),
        ("QuantizeLinear", ["x", "n"], ["y"], "Export the model before quantisation"),
        ("Sin", ["x"], ["y"], "Write it with operators of docs/onnx.md, or build the network from layers"),
    ],
)
def test_unsupported_operator_is_named_with_advice(operator, inputs, outputs, advice, tmp_path):
    whole = network([node(operator, inputs, outputs)], arrays={"k": np.array([2]), "n": random(4)})
    message = rf"{operator} \(1 node, '{outputs[0]}'\): no layer supports this operator\. {advice}"
    with pytest.raises(WeightsError, match=message):
        read(whole, tmp_path)


def test_operator_of_another_domain_is_rejected(tmp_path):
    for domain, advice in (("com.example", "Write it with"), ("com.microsoft", "ONNX Runtime writes such operators")):
        whole = network([node("Relu", ["x"], ["y"], domain=domain)])
        with pytest.raises(WeightsError, match=rf"{domain}.Relu \(1 node, 'y'\): no layer .*operator. {advice}"):
            read(whole, tmp_path)


def test_missing_operators_are_reported_before_anything_else(tmp_path):
    whole = network(
        [node("Conv", ["x", "w"], ["c"], strides=[0, 0]), node("Gelu", ["c"], ["y"])], arrays={"w": random(4, 4, 1, 1)}
    )
    whole.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"  # an error, too
    whole.graph.initializer[0].raw_data = b""  # not read
    with pytest.raises(WeightsError) as caught:
        read(whole, tmp_path)
    assert str(caught.value).split("as weights: ")[1].split(". ")[0] == (
        "no layer supports 1 of its nodes\n  Gelu (1 node, 'y'): no layer supports this operator"
    )


def test_duplicate_attribute_is_rejected(tmp_path):
    pool = node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])
    pool.attribute.append(onnx.helper.make_attribute("kernel_shape", [3, 3]))
    with pytest.raises(WeightsError, match=r"MaxPool .1 node, 'y'.: it has an attribute twice: kernel_shape"):
        read(network([pool]), tmp_path)


def test_indices_output_of_a_pool_is_rejected(tmp_path):
    pool = node("MaxPool", ["x"], ["y", "where"], kernel_shape=[2, 2], storage_order=1)
    assert list(read(network([pool]), tmp_path).graph.nodes) == ["y"]
    with pytest.raises(WeightsError, match=r"MaxPool .1 node, 'y'.: its output 2, 'where', is also used"):
        read(network([pool], outputs=("y", "where")), tmp_path)


@pytest.mark.parametrize("inputs", [["x", "infinite"], ["x", "", "minus"]])
def test_infinite_bound_of_the_wrong_sign_is_rejected(inputs, tmp_path):
    whole = network(
        [node("Clip", inputs, ["y"])], arrays={"infinite": np.float32(np.inf), "minus": np.float32(-np.inf)}
    )
    with pytest.raises(WeightsError, match=r"Clip .1 node, 'y'.: an attribute is -?inf, which is not a finite float32"):
        read(whole, tmp_path)


def test_bound_of_the_largest_float32_is_kept(tmp_path):
    largest = np.finfo(np.float32).max
    whole = network([node("Clip", ["x", "bound"], ["y"])], arrays={"bound": largest})
    assert np.all(read(whole, tmp_path).graph(random(1, 4, 7, 6)) == largest)


@pytest.mark.parametrize("end", [-1, -2, 1, 2**40 - 1])
def test_slice_of_the_batch_is_rejected(end, tmp_path):
    arrays = {"start": np.array([0, 1]), "end": np.array([end, 3])}
    with pytest.raises(WeightsError, match=r"Slice .1 node, 'y'.: it takes a part of the batch"):
        read(network([node("Slice", ["x", "start", "end"], ["y"])], arrays=arrays), tmp_path)


@pytest.mark.parametrize("end", [2**31 - 1, 2**63 - 1])
def test_slice_of_the_whole_batch_is_read(end, tmp_path):
    arrays = {"start": np.array([0, 1]), "end": np.array([end, 3])}
    require_as_runtime(network([node("Slice", ["x", "start", "end"], ["y"])], arrays=arrays), tmp_path)


def test_empty_list_of_squeezed_axes_means_all(tmp_path):
    squeeze = node("Squeeze", ["x", "axes"], ["y"])
    whole = network([squeeze], (1, 4, 1), {"axes": np.zeros(0, np.int64)})
    assert require_as_runtime(whole, tmp_path).shapes["y"] == (4,)
