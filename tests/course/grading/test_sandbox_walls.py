"""Attacks of a notebook on its grader fail, as root and as an ordinary user, with every mechanism."""

import json
import os
import platform
import sys
from pathlib import Path

import ordinary
import pytest

from minigooglenet.cli import grade as grade_command
from minigooglenet.cli import main
from minigooglenet.course import doctor
from minigooglenet.course.grading import sandbox
from minigooglenet.course.grading.sandbox import bubblewrap, probe, seccomp

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="not tried: only Linux has a sandbox")
BOX = Path(__file__).parent / "box.py"
LEGITIMATE = {"legitimate files", "legitimate event loop"}
NOT_HELD = {"processes", "empty files", "large files"}  # without namespaces; the total size of files is unlimited there


@linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="not tried: the attempts use numbers of x86-64")
@pytest.mark.parametrize("mechanism", sandbox.MECHANISMS)
@pytest.mark.parametrize("who", ["root", "ordinary"])
def test_attempts_from_inside_fail(mechanism, who):
    if who == "root" and os.geteuid():
        pytest.skip("not tried: the tests do not run as root")
    if probe.held(mechanism).mechanism != mechanism:
        pytest.skip(f"not tried: {mechanism} does not work here")
    with ordinary.temporary_folder() as folder:
        done = ordinary.python([BOX, mechanism], folder, as_root=who == "root", BOX_SECRET="swordfish-1234")
    result = json.loads(done.stdout)
    assert "error" not in result, result
    assert result.pop("modes") == [0o640, 0o640]
    worked = {name for name, success in result.items() if success}
    if mechanism == sandbox.LANDLOCK:
        worked -= NOT_HELD
        assert worked == {"legitimate event loop"}  # shutil.copy needs chmod
    else:
        assert worked == LEGITIMATE


@linux
def test_probe_confirms_every_promised_protection():
    for mechanism in sandbox.MECHANISMS:
        held = probe.held(mechanism)
        lacking = {"processes", "disk", "total memory"} if held.mechanism == sandbox.LANDLOCK else set()
        if platform.machine() in seccomp.MACHINES and sandbox.landlock.version() > 0:
            assert held.protections == set(sandbox.PROTECTIONS) - lacking


def test_unknown_mechanism_is_rejected(monkeypatch):
    monkeypatch.setenv(probe.CHOICE, "chroot")
    with pytest.raises(ValueError, match="choose from: bubblewrap, namespaces, landlock"):
        probe.held.__wrapped__()


@linux
def test_failing_bubblewrap_falls_back_to_namespaces(monkeypatch):
    original, tried = probe._tried, []

    def fails(mechanism):
        tried.append(mechanism)
        return None if mechanism == sandbox.BUBBLEWRAP else original(mechanism)

    monkeypatch.setattr(probe, "_tried", fails)
    monkeypatch.setattr(bubblewrap, "usable", lambda: True)
    monkeypatch.delenv(probe.CHOICE, raising=False)
    assert probe.held.__wrapped__().mechanism in (sandbox.NAMESPACES, sandbox.LANDLOCK)
    assert tried[:2] == [sandbox.BUBBLEWRAP, sandbox.NAMESPACES]


def test_bubblewrap_is_never_taken_from_the_path(tmp_path, monkeypatch):
    (tmp_path / "bwrap").write_text("#!/bin/sh\n", encoding="ascii")
    (tmp_path / "bwrap").chmod(0o777)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bubblewrap.program() in (None, *bubblewrap.PATHS)
    monkeypatch.setattr(bubblewrap, "PATHS", (str(tmp_path / "bwrap"),))
    assert bubblewrap.program() is None  # other users could change it


def test_grade_reports_missing_protections_first(tmp_path, monkeypatch, capsys):
    printed = []
    protections = frozenset(sandbox.PROTECTIONS) - {"sockets", "keys"}
    monkeypatch.setattr(probe, "held", lambda: probe.Held("landlock", protections))
    monkeypatch.setattr(
        grade_command,
        "grade",
        lambda *given: printed.append(capsys.readouterr()) or ([], set(sandbox.PROTECTIONS), True),
    )
    assert main(["grade", str(tmp_path), "--csv", "-"]) == 0
    assert printed[0].out == ""
    assert "Not enforced on this system: sockets: a notebook can talk to programs" in printed[0].err
    assert "Not enforced on this system: keys:" in printed[0].err
    assert printed[0].err.count("Not enforced") == 2


def test_doctor_lists_the_protections(monkeypatch):
    held = probe.Held("namespaces", frozenset({"network", "files"}))
    monkeypatch.setattr(probe, "held", lambda: held)
    text = doctor.sandbox().text
    assert "with namespaces restricts: network, files; missing: processes, attributes" in text
    assert "docs/grading.md" in text
