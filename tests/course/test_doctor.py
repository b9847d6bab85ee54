"""The doctor: its checks on this machine, and what it reports if something is wrong."""

import sys
from importlib import metadata

import pytest
from numeric import needs_numba

from minigooglenet import warmup
from minigooglenet.cli import main
from minigooglenet.course import doctor


def test_doctor_prints_one_line_per_check(capsys):
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert code == (1 if any(line.startswith("WRONG") for line in lines) else 0)
    assert sum(line.startswith(("ok ", "WRONG ")) for line in lines) >= 15
    assert all(line.isascii() for line in lines)


def test_failed_check_gives_exit_code_1(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "diagnose", lambda: [doctor.Diagnosis(False, "no numpy", "get it")])
    assert main(["doctor"]) == 1
    assert "1 of 1 checks needs attention" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("version", "floor", "ok"),
    [("2.2", "2.2", True), ("2.10", "2.2", True), ("2.1.9", "2.2", False), ("4.0.0rc1", "4", True), ("2", "2.0", True)],
)
def test_versions_compare_as_numbers(version, floor, ok, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: version)
    assert doctor.package("numpy", floor).ok is ok


def test_missing_package_comes_with_its_install_command():
    diagnosis = doctor.package("no-such-package", "1.0")
    assert not diagnosis.ok
    assert diagnosis.remedy.endswith('-m pip install "no-such-package>=1.0"')


@needs_numba
def test_unwritable_cache_folder_is_detected(monkeypatch, tmp_path):
    monkeypatch.setattr(warmup, "folder", lambda: None)
    assert "NUMBA_CACHE_DIR" in doctor.cache().remedy
    (tmp_path / "file").touch()
    monkeypatch.setattr(warmup, "folder", lambda: tmp_path / "file")
    assert not doctor.cache().ok


def test_low_memory_old_python_and_missing_jupyterlab_are_detected(monkeypatch):
    monkeypatch.setattr(doctor, "available_memory", lambda: 100 << 20)
    assert not doctor.memory().ok
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    assert not doctor.python().ok
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not doctor.jupyter().ok
    assert not doctor.kernel().ok


def test_check_that_raises_has_failed(monkeypatch):
    def broken():
        raise RuntimeError("no\nidea")

    monkeypatch.setattr(doctor, "memory", broken)
    (diagnosis,) = [diagnosis for diagnosis in doctor.diagnose() if not diagnosis.ok and "no idea" in diagnosis.text]
    assert "RuntimeError" in diagnosis.text


def test_available_memory_is_plausible():
    assert doctor.available_memory() is None or doctor.available_memory() > 1 << 20
