"""ONNX Runtime on the CPU."""

import contextlib

import onnxruntime

from minigooglenet.weights.onnx import model

TITLE = "ONNX Runtime"


def version() -> str:
    """Return ONNX Runtime's version."""
    return onnxruntime.__version__


@contextlib.contextmanager
def threads(count):
    """Do nothing: the number of threads of a session is fixed when it is created."""
    yield


def inference(graph, x, count):
    """Return {name: build} for the main output of `graph` on x (N, C, H, W) with `count` threads."""

    def build():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = count, 1
        # By default its threads spin for 20 to 50 ms after a call (measured on 2 cores), and the next engine took 1.2
        # (ours) to 1.7 times (OpenVINO) as long. Stopping them at the end of a call does not slow down ONNX Runtime.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        whole = model(graph, outputs=graph.main, batch=len(x)).SerializeToString()
        session = onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: x}
        return lambda: session.run(None, feed)[0]

    return {TITLE: build}
