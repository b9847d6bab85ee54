"""OpenVINO on the CPU in float32; by default it would use bfloat16 if the processor supports it."""

import contextlib

import openvino

from minigooglenet.weights.onnx import model

TITLE = "OpenVINO"


def version() -> str:
    """Return OpenVINO's version."""
    return openvino.__version__.split("-")[0]


@contextlib.contextmanager
def threads(count):
    """Do nothing: the number of threads of a model is fixed when it is compiled."""
    yield


def inference(graph, x, count):
    """Return {name: build} for the main output of `graph` on x (N, C, H, W) with `count` threads."""

    def build():
        core = openvino.Core()
        whole = core.read_model(model(graph, outputs=graph.main, batch=len(x)).SerializeToString())
        hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": count, "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(whole, "CPU", hints).create_infer_request()
        return lambda: request.infer({0: x}, share_inputs=True)[0]

    return {TITLE: build}
