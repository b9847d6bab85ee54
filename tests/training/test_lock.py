"""The lock of a run's folder: one holder at a time across processes, and an error that names the holder."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import filelock
import pytest

from minigooglenet.training.lock import FILE, Hold, locked

POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX only")
HOLDER = """
import sys
from minigooglenet.training.lock import Hold
hold = Hold(sys.argv[1])
hold.take()
print("held", flush=True)
input()
"""


@contextlib.contextmanager
def _other_process(folder):
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline().strip() == b"held"
            yield process
        finally:
            process.kill()


def test_lock_file_stays_after_release(tmp_path):
    with locked(tmp_path):
        inode = (tmp_path / FILE).stat().st_ino
    with locked(tmp_path):
        assert (tmp_path / FILE).stat().st_ino == inode
    assert (tmp_path / FILE).read_bytes() == b""


def test_locked_folder_is_rejected_with_its_process(tmp_path):
    with _other_process(tmp_path) as process:
        with pytest.raises(
            BlockingIOError, match=rf"another process is training in .* \(process {process.pid}, since 20"
        ):
            Hold(tmp_path).take()
        process.stdin.close()  # input() ends
        process.wait()
        Hold(tmp_path).take()


def test_killed_holder_releases_its_folder(tmp_path):
    with _other_process(tmp_path) as process:
        process.kill()
        process.wait()
        assert b'"process"' in (tmp_path / FILE).read_bytes()
        with locked(tmp_path):
            pass


def test_second_hold_in_a_process_is_rejected(tmp_path):
    with locked(tmp_path) as hold:
        with pytest.raises(BlockingIOError, match=rf"\(process {os.getpid()}, this one, since"), locked(tmp_path):
            pass
        with locked(tmp_path, hold) as same:
            assert same is hold
    assert not hold.taken
    with locked(tmp_path, hold) as other:  # a released hold locks nothing
        assert other is not hold


def test_holder_on_another_host_is_named(tmp_path, monkeypatch):
    with locked(tmp_path):
        monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
        host = os.uname().nodename if os.name != "nt" else ""
        with pytest.raises(BlockingIOError, match=f"on {host}"):
            Hold(tmp_path).take()


@POSIX  # on Windows no other process can write there
@pytest.mark.parametrize("noted", [b"", b"\n", b"\n\xff\xfe", b"\n[1]", b'\n{"process": "1"}', b"\n" + b"[" * 3000])
def test_lock_of_an_unknown_holder_is_respected(tmp_path, noted):
    with locked(tmp_path):
        (tmp_path / FILE).write_bytes(noted)
        with pytest.raises(BlockingIOError, match=r"another process is training in [^(]*$"):
            Hold(tmp_path).take()


def test_only_one_of_many_threads_holds(tmp_path):
    inside, worst, taken = [], [], []

    def race():
        for _ in range(30):
            with contextlib.suppress(BlockingIOError), locked(tmp_path):
                inside.append(1)
                worst.append(len(inside))
                taken.append(1)
                inside.pop()

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken
    assert max(worst) == 1


@POSIX
def test_forked_child_does_not_hold_the_lock(tmp_path):
    script = textwrap.dedent(
        """
        import os, sys, time
        from minigooglenet.training.lock import Hold
        hold = Hold(sys.argv[1]); hold.take()
        child = os.fork()
        if child == 0:
            hold.release()  # has no effect in the child
            os.write(1, f"child {hold.taken}\\n".encode())  # unbuffered, so that lines are not mixed
            time.sleep(60)
            os._exit(0)
        os.write(1, f"parent {hold.taken} {child}\\n".encode())
        time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        output = dict(parent.stdout.readline().strip().split(" ", 1) for _ in range(2))
        child = int(output["parent"].split()[1])
        try:
            assert output["child"] == "False"
            assert output["parent"].startswith("True")
            with pytest.raises(BlockingIOError):
                Hold(tmp_path).take()
            parent.kill()
            parent.wait()
            with locked(tmp_path):  # although the child is still running
                os.kill(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_lock_other_than_a_file_is_rejected(tmp_path, kind):
    path, target = tmp_path / FILE, tmp_path / "other"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(target)
    elif hasattr(os, "mkfifo"):
        os.mkfifo(path)
    else:
        pytest.skip("this system has no pipes with names")
    name = "not a regular file" if kind == "pipe" else f"a {kind}"
    with pytest.raises(OSError, match=rf"cannot lock .* is {name}\. Move it away"):
        Hold(tmp_path).take()
    assert not target.exists()


def test_missing_folder_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot train in .*: the folder does not exist"):
        Hold(tmp_path / "gone").take()


@POSIX
def test_folder_without_permission_is_reported(tmp_path):
    tmp_path.chmod(0o555)
    try:
        if os.geteuid() != 0:
            with pytest.raises(PermissionError):
                Hold(tmp_path).take()
            return
        child = os.fork()
        if child == 0:
            os.setuid(12345)
            try:
                Hold(tmp_path).take()
            except PermissionError:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    finally:
        tmp_path.chmod(0o755)


def test_file_system_without_locks_is_reported(tmp_path, monkeypatch):
    def unsupported(file, blocking):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(filelock, "lock_descriptor", unsupported)
    with pytest.raises(
        OSError, match=r"its file system does not support locks \(.*\). Choose a folder on a local disk"
    ):
        Hold(tmp_path).take()


@POSIX
def test_removed_lock_file_is_detected(tmp_path):
    with locked(tmp_path) as hold:
        (tmp_path / FILE).unlink()
        with pytest.raises(FileNotFoundError, match="was removed, moved or replaced"), locked(tmp_path, hold):
            pass


@POSIX
def test_lock_on_a_removed_file_does_not_count(tmp_path, monkeypatch):
    real, removed = filelock.lock_descriptor, []

    def remove_first(file, blocking):
        if not removed:
            removed.append((tmp_path / FILE).stat().st_ino)
            (tmp_path / FILE).rename(tmp_path / "old")  # as version 0.2.0 did on release
        return real(file, blocking=blocking)

    monkeypatch.setattr(filelock, "lock_descriptor", remove_first)
    with locked(tmp_path):
        assert (tmp_path / FILE).stat().st_ino != removed[0]
        monkeypatch.undo()
        with pytest.raises(BlockingIOError):
            Hold(tmp_path).take()


def test_racing_processes_hold_one_at_a_time(tmp_path):
    sys.path.insert(0, str(Path(__file__).parent.parent / "faults"))
    try:
        import lock_race
    finally:
        sys.path.pop(0)
    counts = lock_race.race(tmp_path, processes=3, tries=60)
    assert counts["double"] == 0
    assert counts["held"] > 0
