"""Files are written atomically, only regular files are read, and no call blocks on a pipe."""

import errno
import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from minigooglenet import files


def test_failed_write_leaves_only_the_old_file(tmp_path):
    path = tmp_path / "result.txt"
    files.write_text(path, "old")

    def fail():
        with files.atomic(path, "w") as file:
            file.write("half of the n")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["result.txt"]


def test_text_is_utf8_with_plain_line_ends(tmp_path):
    files.write_text(tmp_path / "a.txt", "gr\u00fcn\n")
    assert (tmp_path / "a.txt").read_bytes() == "gr\u00fcn\n".encode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_atomic_file_has_usual_permissions(tmp_path):
    (tmp_path / "plain").touch()
    files.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "ours").chmod(0o600)
    files.write_text(tmp_path / "ours", "again")
    assert (tmp_path / "ours").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    files.write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text(encoding="utf-8") == "text"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only where there are named pipes")
def test_writing_to_a_pipe_keeps_the_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write_text(tmp_path / "pipe", "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_missing_folder_is_an_error_with_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write .*a\.txt: folder .*nowhere does not exist"):
        files.write_text(tmp_path / "nowhere" / "a.txt", "")


def test_check_of_a_path_leaves_nothing_behind(tmp_path):
    (tmp_path / "old").write_text("old", encoding="utf-8")
    for name in ("old", "new"):
        files.check_writable(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text(encoding="utf-8") == "old"
    files.check_writable(files.STDOUT)


def test_path_that_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"cannot write .*a\.txt: folder .*nowhere does not exist"):
        files.check_writable(tmp_path / "nowhere" / "a.txt")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        files.check_writable(tmp_path)

    def denied(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)  # the superuser may write to every folder
    with pytest.raises(PermissionError, match=r"cannot write .*a\.txt: permission denied\. Choose a file in another"):
        files.check_writable(tmp_path / "a.txt")


posix = pytest.mark.skipif(os.name != "posix", reason="only on POSIX systems")


@pytest.fixture
def kinds(tmp_path, monkeypatch):
    """Return {kind: path} of everything but regular files."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("self").symlink_to("self")
    Path("gone").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")
        yield {name: tmp_path / name for name in ("pipe", "folder", "self", "gone", "socket")}


@posix
@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        ("pipe", files.NotAFileError, "it is a pipe, not a file. Save its content to a file first."),
        ("socket", files.NotAFileError, "it is a socket, not a file. Save its content to a file first."),
        ("folder", files.NotAFileError, "it is a folder, not a file"),
        ("self", files.NotAFileError, "it is a link that leads back to itself"),
        ("gone", FileNotFoundError, "it is a link to nothing"),
    ],
)
def test_only_regular_files_are_opened(kinds, kind, error, reason):
    for call in (files.open_regular, files.read_bytes, files.check_regular):
        with pytest.raises(error) as caught:
            call(kinds[kind])
        assert caught.value.strerror == reason
        assert str(kinds[kind]) in str(caught.value)


@posix
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_devices_are_not_opened(device):
    if not Path(device).exists():
        pytest.skip(f"{device} does not exist here")
    with pytest.raises(files.NotAFileError, match="it is a device, not a file"):
        files.open_regular(device)


@posix
def test_pipe_that_appears_after_the_check_does_not_block(kinds, monkeypatch):
    monkeypatch.setattr(files, "check_regular", lambda path: None)
    with pytest.raises(files.NotAFileError, match="it is a pipe"):
        files.open_regular(kinds["pipe"])


def test_regular_file_is_read_through_a_link(tmp_path):
    (tmp_path / "file").write_bytes(b"text")
    assert files.read_bytes(tmp_path / "file") == b"text"
    if os.name == "posix":
        (tmp_path / "link").symlink_to("file")
        assert files.read_bytes(tmp_path / "link") == b"text"


@posix
def test_writing_to_a_pipe_without_a_reader_raises(kinds):
    with pytest.raises(OSError, match=r"cannot write .*pipe: it is a pipe without a reader"):
        files.write_text(kinds["pipe"], "text")
    with pytest.raises(OSError, match=r"cannot write .*socket: it is a socket without a reader"):
        files.write_text(kinds["socket"], "text")


@posix
def test_writing_through_a_link_to_itself_is_reported(kinds):
    with pytest.raises(OSError, match=r"cannot write .*self: it is a link that leads back to itself"):
        files.write_text(kinds["self"], "text")
    assert kinds["self"].is_symlink()


def events_of(monkeypatch):
    """Return a list that records syncs and renames in order."""
    events, replace, fsync = [], Path.replace, os.fsync

    def sync(descriptor):
        events.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    def rename(self, target):
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    return events


def test_folder_is_synced_after_the_rename(tmp_path, monkeypatch):
    events = events_of(monkeypatch)
    files.write_text(tmp_path / "a.txt", "text")
    assert events == ["sync file", "rename", *["sync folder"] * (os.name == "posix")]


@posix
def test_new_folders_are_synced_into_their_parents(tmp_path, monkeypatch):
    events = events_of(monkeypatch)
    assert files.make_folder(tmp_path / "a" / "b").is_dir()
    assert events == ["sync folder"] * 2
    files.make_folder(tmp_path / "a" / "b")
    assert events == ["sync folder"] * 2


def test_filesystem_that_cannot_sync_folders_stops_nothing(tmp_path, monkeypatch):
    fsync = os.fsync

    def sync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    files.write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "text"
