"""Optional packages: a missing one gives one sentence with the command, and the engine needs none of them."""

import subprocess
import sys
import textwrap

import pytest

from minigooglenet import extras

# What each extra is for, tried without its packages.
USES = {
    "weights": (("safetensors", "google.protobuf"), "mg.weights.save(g, 'w.safetensors')"),
    "training": (("filelock",), "mg.training.train_ensemble(mg.training.Recipe('digits', models=2), 'run')"),
    "dask": (("distributed",), "next(__import__('minigooglenet.jobs').jobs.on_dask([], address='tcp://nowhere'))"),
    "onnx": (("onnx",), "mg.weights.onnx.export(g, 'net.onnx')"),
    "course": (("sklearn",), "mg.data.digits()"),
}
PROGRAM = """
import sys

for name in {missing}:
    sys.modules[name] = None

import minigooglenet as mg

g = mg.Graph(image=(1, 8, 8))
g.add("relu", mg.layers.ReLU(), "image")
try:
    {call}
except ModuleNotFoundError as error:
    print(error)
"""


@pytest.mark.parametrize("extra", USES)
def test_missing_package_gives_the_command_that_installs_it(extra, tmp_path):
    missing, call = USES[extra]
    program = PROGRAM.format(missing=missing, call=call)
    finished = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    (line,) = finished.stdout.splitlines()
    assert line.endswith(f'Run: pip install "minigooglenet[{extra}]"'), line
    assert missing[0].partition(".")[0] in line


def test_engine_works_without_any_extra(tmp_path):
    program = """
    import sys
    for name in ("safetensors", "google.protobuf", "sklearn", "filelock", "onnx", "jupytext", "nbformat"):
        sys.modules[name] = None
    import numpy as np, minigooglenet as mg
    g = mg.models.mini_googlenet(rng=0)
    x, labels = np.zeros((4, 3, 32, 32), np.float32), np.arange(4)
    mg.training.train(g, x, labels, epochs=1)
    print(mg.count(g).params, mg.plan(g)(x).shape, mg.gradcheck.check_layer(mg.layers.ReLU(), (4,)).verdict)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert finished.stdout.split()[-1] == "PASS"


def test_requirements_contain_those_of_nested_extras():
    names = {requirement.name for requirement in extras.requirements("course")}
    assert {"numpy", "pillow", "safetensors", "filelock", "scikit-learn"} <= names
    assert not names & {"minigooglenet", "onnx", "sphinx"}


def test_import_error_of_the_package_keeps_its_text():
    with pytest.raises(ModuleNotFoundError, match="no_such_part"), extras.needed("course", "this"):
        import minigooglenet.no_such_part  # noqa: F401


def test_file_of_a_package_is_found_without_running_its_code(tmp_path, monkeypatch):
    package = tmp_path / "has_code"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('code of the package was run')", encoding="utf-8")
    (package / "data" / "a.bin").write_bytes(b"a")
    record = tmp_path / "has_code-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: has-code\nVersion: 1.0\n", encoding="utf-8")
    (record / "RECORD").write_text(
        "has_code/__init__.py,,\nhas_code/data/a.bin,,\nhas_code/b.bin,,\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert extras.file_of("has-code", "a.bin").read_bytes() == b"a"
    assert extras.file_of("has-code", "b.bin") is None  # deleted after the installation
    assert extras.file_of("has-code", "c.bin") is None
    assert extras.file_of("no-such-package", "a.bin") is None
    (record / "RECORD").unlink()
    assert extras.file_of("has-code", "a.bin") is None
