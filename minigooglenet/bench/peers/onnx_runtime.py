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
    """Do nothing: a session is told its number of threads when it is made."""
    yield


def inference(graph, x, count):
    """Return {contender: build} for the main output of `graph` on x (N, C, H, W) with `count` threads."""

    def build():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = count, 1
        # Its threads spin on between calls by default, measured on 2 cores as 20 to 50 ms long: whoever came next took
        # 1.2 (ours) to 1.7 times as long (OpenVINO). Stopping when a call returns costs its own time nothing.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        whole = model(graph, outputs=graph.main, batch=len(x)).SerializeToString()
        session = onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: x}
        return lambda: session.run(None, feed)[0]

    return {TITLE: build}
