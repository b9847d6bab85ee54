"""Workers that an MPI launcher starts: the same bits as in one process, and no worker that waits forever."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from minigooglenet import cli
from tests.distributed import worker_runs

pytest.importorskip("mpi4py", reason="mpi4py is not installed")

# MPICH is installed next to Python; a second environment may have Open MPI, whose files have the same names.
PREFIXES = {
    "MPICH": os.environ.get("MINIGOOGLENET_MPICH", sysconfig.get_path("data")),
    "Open MPI": os.environ.get("MINIGOOGLENET_OPENMPI", ""),
}
OPTIONS = {"MPICH": [], "Open MPI": ["--allow-run-as-root", "--oversubscribe"]}
RUN = [
    "--size",
    16,
    "--depth",
    2,
    "--width",
    0.25,
    "--heads",
    "--average",
    0.5,
    "--batch",
    16,
    "--label-smoothing",
    0.1,
]


class Launcher:
    """An MPI implementation: its mpiexec and the variables that make mpi4py load its library."""

    def __init__(self, name):
        folder = Path(PREFIXES[name])
        found = shutil.which("mpiexec", path=str(folder / "bin")) if PREFIXES[name] else None
        if found is None or os.name == "nt":
            pytest.skip(f"{name} is not installed from its wheel")
        self.words = [found, *OPTIONS[name]]
        self.environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(folder / "lib"),
            "DYLD_LIBRARY_PATH": str(folder / "lib"),
        }
        # mpi4py prefers the library next to Python, which may be the other one.
        pattern = "libmpi.*dylib" if sys.platform == "darwin" else "libmpi.so.*"
        self.environment["MPI4PY_LIBMPI"] = str(next((folder / "lib").glob(pattern)))

    def start(self, *groups, module=("-m", "mpi4py", "-m", "minigooglenet")):
        """Start (number of workers, arguments of `train`) each, and return the process."""
        words = list(self.words)
        for number, (workers, arguments) in enumerate(groups):
            words += [":"] * bool(number) + ["-n", workers, sys.executable, *module, "train", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(list(map(str, words)), env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *groups, **options):
        """Return (exit status, everything that was printed)."""
        output, errors = (process := self.start(*groups, **options)).communicate(timeout=240)
        return process.returncode, output + errors


@pytest.fixture(scope="module", params=PREFIXES)
def launcher(request):
    return Launcher(request.param)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return worker_runs.folder(tmp_path_factory.mktemp("data") / "bars")


@pytest.fixture(scope="module")
def expected(data, tmp_path_factory):
    """The digest of a run of four epochs in one process."""
    return alone(data, 4, tmp_path_factory.mktemp("alone"))


def alone(data, epochs, out):
    words = ["train", "--data", data, *RUN, "--epochs", epochs, "--shards", 8, "--out", out]
    assert cli.main(list(map(str, words))) == 0
    return worker_runs.digest(out)


def test_workers_of_mpi_change_no_bit(launcher, data, expected, tmp_path):
    status, text = launcher.run((4, ["--data", data, *RUN, "--epochs", 4, "--out", tmp_path]))
    assert status == 0, text
    assert worker_runs.digest(tmp_path) == expected


def test_workers_of_mpi_train_digits_to_the_same_bits(launcher, tmp_path):
    pytest.importorskip("sklearn")
    status, text = launcher.run((2, ["--data", "digits", *RUN, "--epochs", 1, "--out", tmp_path / "two"]))
    assert status == 0, text
    assert worker_runs.digest(tmp_path / "two") == alone("digits", 1, tmp_path / "alone")


def test_different_settings_end_all_workers(launcher, data, tmp_path):
    same = ["--data", data, *RUN, "--epochs", 4, "--out", tmp_path]
    status, text = launcher.run((1, same), (1, [*same, "--seed", 1]))
    assert status != 0
    assert "worker 1 differs from worker 0: recipe weights_seed 1 instead of 0; settings seed 1 instead of 0" in text
    assert not list(tmp_path.glob("*.safetensors"))


def test_error_of_one_worker_ends_all(launcher, data, tmp_path):
    status, text = launcher.run((2, ["--data", data, *RUN, "--epochs", 4, "--lr", 1e30, "--out", tmp_path]))
    assert status != 0
    assert "the loss of step" in text


def send(number, process, out):
    """Send a signal to one of the workers with the folder `out` that `process` has started."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if str(out).encode() in words and b"-n" not in words:
            os.kill(int(path.parent.name), number)
            return
    process.communicate(timeout=240)
    pytest.skip("this system does not list its processes in /proc")


def test_stopped_workers_do_not_abort(launcher, data, tmp_path):
    process = launcher.start((2, ["--data", data, *RUN, "--epochs", 400, "--out", tmp_path]))
    for line in process.stdout:
        if line.startswith("epoch   1"):
            break
    send(signal.SIGTERM, process, tmp_path)
    output, text = process.communicate(timeout=60)
    assert "Stopped and saved after step" in output
    assert "abort" not in (output + text).lower()
    assert process.returncode == 130


def test_killed_worker_ends_the_others_and_the_run_resumes(launcher, data, expected, tmp_path):
    process = launcher.start((2, ["--data", data, *RUN, "--epochs", 4, "--out", tmp_path]))
    for line in process.stdout:
        if line.startswith("epoch   2"):
            break
    send(signal.SIGKILL, process, tmp_path)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert cli.main(["train", "--resume", "--workers", "2", "--out", str(tmp_path)]) == 0
    assert worker_runs.digest(tmp_path) == expected


def test_start_without_mpi4py_is_explained(launcher, data, tmp_path):
    arguments = ["--data", data, *RUN, "--out", tmp_path]
    status, text = launcher.run((2, arguments), module=("-m", "minigooglenet"))
    assert status != 0
    assert "but each of them would train alone" in text
    assert not list(tmp_path.iterdir())


def test_wrong_number_of_workers_is_explained(launcher, data, tmp_path):
    status, text = launcher.run((3, ["--data", data, *RUN, "--out", tmp_path]))
    assert status != 0
    assert "3 workers cannot share 8 shards equally" in text


def test_missing_library_of_mpi_is_explained(data, tmp_path):
    environment = {**os.environ, "MPI4PY_LIBMPI": str(tmp_path / "libmpi.so")}  # mpi4py loads this file only
    words = [sys.executable, "-m", "mpi4py", "-m", "minigooglenet", "train", "--data", data, "--out", tmp_path / "run"]
    result = subprocess.run(list(map(str, words)), env=environment, capture_output=True, text=True, timeout=240)
    assert result.returncode == 1
    assert "mpi4py cannot start: cannot load MPI library" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()
