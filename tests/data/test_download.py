"""Downloads with faults: concurrent, truncated, slow, endless, redirected, on a full disk; never a wrong file."""

import contextlib
import errno
import hashlib
import http.server
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import Request

import pytest

from minigooglenet.data import download, transfer

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
posix = pytest.mark.skipif(os.name != "posix", reason="only on POSIX systems")


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; the path names the fault."""

    def do_GET(self):
        requested = self.headers.get("Range")
        self.server.requests.append((self.path, requested))
        with contextlib.suppress(OSError):
            getattr(self, self.path.strip("/"))(int(requested.split("=")[1].rstrip("-")) if requested else 0)

    def head(self, begin=0, length=None):
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def whole(self, begin):
        self.head(begin, len(CONTENT) - begin)
        for start in range(begin, len(CONTENT), 4096):
            self.wfile.write(CONTENT[start : start + 4096])
            time.sleep(self.server.pause)

    def truncated(self, begin):
        self.head(begin, len(CONTENT) - begin)
        self.wfile.write(CONTENT[begin : begin + 30_000])

    def truncated_without_length(self, begin):
        if begin:
            self.send_error(404)
        else:
            self.head()
            self.wfile.write(CONTENT[:30_000])

    def no_more(self, begin):
        if begin:
            self.send_error(416)
        else:
            self.whole(0)

    def moved(self, begin):
        self.send_response(302)
        self.send_header("Location", "/whole")
        self.end_headers()

    def endless(self, begin):
        self.head()
        while not self.server.over:
            self.wfile.write(CONTENT)

    def dribbling(self, begin):
        self.head(begin, len(CONTENT) - begin)
        while not self.server.over:
            self.wfile.write(b"x")
            time.sleep(0.02)

    def dribbling_header(self, begin):
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
        while not self.server.over:
            self.wfile.write(b"x")
            time.sleep(0.02)

    def silent(self, begin):
        while not self.server.over:
            time.sleep(0.02)

    def odd_length(self, begin):
        self.head(0, "-5")

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as one:
        one.daemon_threads, one.requests, one.over, one.pause = True, [], False, 0.0
        one.url = f"http://127.0.0.1:{one.server_port}"
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.over = True
        one.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGOOGLENET_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def source(server, *paths):
    return download.Source("file", len(CONTENT), SHA256, tuple(f"{server.url}/{path}" for path in paths))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def check(file):
    return hashlib.file_digest(file, "sha256").hexdigest()


PROGRAM = """
import sys
from minigooglenet.data.download import Source, fetch
path = fetch(Source("file", int(sys.argv[1]), sys.argv[2], (sys.argv[3],)))
print(path.stat().st_size)
"""


def started(server, path="whole"):
    arguments = [str(len(CONTENT)), SHA256, f"{server.url}/{path}"]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_concurrent_processes_download_once(server, home):
    server.pause = 0.02
    processes = [started(server) for _ in range(3)]
    for process in processes:
        assert process.communicate(timeout=100) == (f"{len(CONTENT)}{os.linesep}".encode(), b"")
    assert len(server.requests) == 1
    assert names(home) == ["file"]


def test_concurrent_threads_download_once(server, home):
    server.pause = 0.005
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(download.fetch(source(server, "whole")))) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [home / "file"] * 4
    assert len(server.requests) == 1
    assert names(home) == ["file"]


@posix
def test_killed_download_releases_its_lock_and_is_resumed(server, home):
    server.pause = 0.1
    process = started(server)
    part = home / "file.part"
    while not part.exists() or part.stat().st_size < 8192:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    have, server.pause = part.stat().st_size, 0.0
    download.fetch(source(server, "whole"))
    assert server.requests[-1] == ("/whole", f"bytes={have}-")
    assert (home / "file").read_bytes() == CONTENT


def test_interrupted_download_is_resumed(server, home):
    def interrupt(have, total):
        if have > 20_000:
            raise KeyboardInterrupt

    server.pause = 0.001
    with pytest.raises(KeyboardInterrupt):
        download.fetch(source(server, "whole"), on_bytes=interrupt)
    have = (home / "file.part").stat().st_size
    assert have > 20_000
    download.fetch(source(server, "whole"))
    assert server.requests[-1] == ("/whole", f"bytes={have}-")
    assert names(home) == ["file"]


def test_wrong_part_is_downloaded_again_from_scratch(server, home):
    home.mkdir()
    (home / "file.part").write_bytes(b"a sign-in page" * 100)
    assert download.fetch(source(server, "whole")).read_bytes() == CONTENT
    assert [requested for _, requested in server.requests] == ["bytes=1400-", None]


def test_part_that_the_server_cannot_continue_starts_from_scratch(server, home):
    home.mkdir()
    (home / "file.part").write_bytes(CONTENT[:100])
    assert download.fetch(source(server, "no_more")).read_bytes() == CONTENT
    assert [requested for _, requested in server.requests] == ["bytes=100-", None]


def test_part_beyond_the_size_starts_from_scratch(server, home):
    home.mkdir()
    (home / "file.part").write_bytes(CONTENT + b"more")
    assert download.fetch(source(server, "whole")).read_bytes() == CONTENT


def test_redirect_is_followed_unless_it_drops_encryption(server, home):
    assert download.fetch(source(server, "moved")).read_bytes() == CONTENT
    rule = transfer._redirects()()
    for target in ("http://a/b", "ftp://a/b", "file:///etc/passwd"):
        with pytest.raises(transfer.UnusableError, match=r"the server redirects to '.*', which is not secure"):
            rule.redirect_request(Request("https://a/b"), None, 302, "", {}, target)
    with pytest.raises(transfer.UnusableError):
        rule.redirect_request(Request("http://a/b"), None, 302, "", {}, "file:///etc/passwd")
    assert rule.redirect_request(Request("https://a/b"), None, 302, "", {}, "https://c/d").full_url == "https://c/d"


@pytest.mark.parametrize("path", ["dribbling", "dribbling_header", "silent"])
def test_response_without_progress_raises_with_the_reason(server, home, monkeypatch, path):
    monkeypatch.setattr(transfer, "SLOW", (0.3, 10_000))
    with pytest.raises(OSError, match=r"cannot download file .* the server is too slow: it sent .* bytes in 0.3 s"):
        download.fetch(source(server, path))
    assert not (home / "file").exists()
    assert download.fetch(source(server, "whole")).read_bytes() == CONTENT


def test_endless_response_is_bounded(server, home, tmp_path):
    with pytest.raises(OSError, match="the URL provided another file: its size is 102,401 bytes"):
        download.fetch(source(server, "endless"))
    with pytest.raises(
        transfer.UnavailableError, match="the server sends more than 500,000 bytes; the part file was deleted"
    ):
        transfer.obtain(tmp_path / "other", [f"{server.url}/endless"], check, most=500_000)
    assert names(tmp_path) == ["data"]
    assert names(home) == []


def test_invalid_length_is_reported(server, home):
    with pytest.raises(OSError, match="the server declares the length '-5', which is not a number"):
        download.fetch(source(server, "odd_length"))


def test_truncated_download_is_completed_from_the_next_url(server, home):
    assert download.fetch(source(server, "truncated_without_length", "whole")).read_bytes() == CONTENT
    assert server.requests[-1] == ("/whole", "bytes=30000-")


def test_download_without_a_checksum_is_never_continued(server, tmp_path):
    (tmp_path / "other.part").write_bytes(CONTENT[:100])
    with pytest.raises(transfer.UnavailableError, match="the response ended after 30,000 of 102,400 bytes"):
        transfer.obtain(tmp_path / "other", [f"{server.url}/truncated"], check, resumes=False)
    assert names(tmp_path) == []
    assert transfer.obtain(tmp_path / "other", [f"{server.url}/whole"], check, resumes=False) == SHA256
    assert {requested for _, requested in server.requests} == {None}


def test_full_disk_is_reported_and_the_part_kept(server, home, monkeypatch):
    class Full(io.BufferedRandom):
        def write(self, data):
            if self.tell() + len(data) > 50_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    opened = transfer._opened

    def full(part):
        file = Full(opened(part).detach())
        file.seek(0, os.SEEK_END)
        return file

    server.pause = 0.001
    with monkeypatch.context() as patch:
        patch.setattr(transfer, "_opened", full)
        with pytest.raises(OSError, match=r"cannot write .*file\.part: no space left.*next download continues"):
            download.fetch(source(server, "whole"))
    have = (home / "file.part").stat().st_size
    assert 0 < have <= 50_000
    assert not (home / "file").exists()
    download.fetch(source(server, "whole"))
    assert server.requests[-1] == ("/whole", f"bytes={have}-")


@posix
def test_limit_on_file_sizes_is_reported(server, home):
    import resource

    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(len(CONTENT)), SHA256, f"{server.url}/whole"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "cannot write" in process.stderr
    assert "file too large" in process.stderr
    assert names(home) == ["file.part"]


def test_process_without_progress_ends_the_wait(server, home, monkeypatch):
    monkeypatch.setattr(transfer, "WAIT", 0.3)
    home.mkdir()
    reason = r"another process is downloading .*file and has not made progress for 0.3 s"
    with transfer._locked(home / "file.part", home / "file"), pytest.raises(OSError, match=reason):
        download.fetch(source(server, "whole"))
    assert download.fetch(source(server, "whole"))


def test_folder_instead_of_the_file_is_reported(server, home):
    (home / "file").mkdir(parents=True)
    with pytest.raises(OSError, match="it is a folder, not a file"):
        download.fetch(source(server, "whole"))
    assert server.requests == []


@posix
@pytest.mark.parametrize("name", ["file", "file.part"])
def test_pipe_or_link_instead_of_the_file_is_reported(server, home, name):
    home.mkdir()
    os.mkfifo(home / name)
    with pytest.raises(OSError, match="is a pipe, not a file"):
        download.fetch(source(server, "whole"))
    (home / name).unlink()
    (home / name).symlink_to(home / name)
    with pytest.raises(OSError, match="is a link"):
        download.fetch(source(server, "whole"))
    assert server.requests == []


@posix
def test_file_is_synced_before_rename_and_folder_after(server, home, monkeypatch):
    events = []

    def fsync(descriptor):
        kind = "folder" if os.path.isdir(f"/dev/fd/{descriptor}") else "file"  # noqa: PTH112
        events.append(f"sync {kind}")

    replace = Path.replace
    home.mkdir()
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", lambda self, target: events.append("rename") or replace(self, target))
    download.fetch(source(server, "whole"))
    assert events == ["sync file", "rename", "sync folder"]
