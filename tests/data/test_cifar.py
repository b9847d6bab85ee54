"""CIFAR-10 from a small archive with the real layout, from a local server that can misbehave."""

import contextlib
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest

from minigooglenet import data
from minigooglenet.data import cifar, download

RECORDS = 4


def _member(seed, records=RECORDS):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (records, 3073), np.uint8)
    rows[:, 0] = rng.integers(0, 10, records)
    return rows


def _archive(members, kind="w:gz"):
    """Return the bytes of an archive {name: bytes}, which starts with a folder like the real one."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=kind) as archive:
        folder = tarfile.TarInfo("cifar-10-batches-bin")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _members():
    members = {name: _member(seed).tobytes() for seed, name in enumerate(cifar.TRAIN + cifar.TEST)}
    return {"cifar-10-batches-bin/batches.meta.txt": b"airplane\n", **members, "cifar-10-batches-bin/readme.html": b""}


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; `ranges`, `breaks_after` and `declares` set its faults."""

    daemon_threads = True
    content = b""
    ranges = True
    breaks_after = None  # bytes of each response
    declares = True
    status = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(http.server.BaseHTTPRequestHandler):
    """Responds with the faults of its server."""

    def do_GET(self):
        server, requested = self.server, self.headers.get("Range")
        server.requests.append(requested)
        if server.status != 200:
            self.send_error(server.status)
            return
        begin = int(requested.split("=")[1].rstrip("-")) if requested and server.ranges else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(server.content) - 1}/{len(server.content)}")
        if server.declares:
            self.send_header("Content-Length", str(len(server.content) - begin))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(server.content[begin:][: server.breaks_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch, server):
    """A data folder that does not exist yet, and an archive whose only URL is the server."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    monkeypatch.setenv("MINIGOOGLENET_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("MINIGOOGLENET_CIFAR10_URLS", raising=False)
    monkeypatch.setattr(cifar, "RECORDS", RECORDS)
    _publish(monkeypatch, server, _archive(_members()))
    return tmp_path / "data"


def _publish(monkeypatch, server, content):
    server.content = content
    digest = hashlib.sha256(content).hexdigest()
    source = download.Source(cifar.ARCHIVE.name, len(content), digest, (server.url,))
    monkeypatch.setattr(cifar, "ARCHIVE", source)


def test_archive_constants_match_the_published_file():
    assert cifar.ARCHIVE.size == 170_052_171
    assert cifar.ARCHIVE.sha256 == "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
    assert cifar.RECORDS * 3073 == 30_730_000


def test_cifar10_is_downloaded_once_and_decoded(home, server):
    seen = []
    train, test = data.load("cifar10", on_bytes=lambda *progress: seen.append(progress))
    assert (len(train), len(test), train.shape) == (5 * RECORDS, RECORDS, (3, 32, 32))
    rows = _member(2)
    assert train.labels[2 * RECORDS : 3 * RECORDS].tolist() == rows[:, 0].tolist()
    # A record is its label, then 1024 values of red by rows, of green, of blue.
    assert np.array_equal(train.images[2 * RECORDS + 1], rows[1, 1:].reshape(3, 32, 32))
    assert np.array_equal(test.images[:, 2, 31, 31], _member(5)[:, -1])
    assert seen[-1] == (len(server.content), len(server.content))
    assert data.load("cifar10", augment=True).train.augment is not None
    assert server.requests == [None]
    assert [path.name for path in home.iterdir()] == ["cifar-10-binary.tar.gz"]


def test_broken_download_resumes_at_its_end(home, server):
    server.breaks_after = len(server.content) // 3
    assert len(data.cifar10().test) == RECORDS
    third = len(server.content) // 3
    assert server.requests == [None, *(f"bytes={n * third}-" for n in range(1, len(server.requests)))]


def test_download_resumes_in_the_next_process(home, server):
    home.mkdir()
    (home / "cifar-10-binary.tar.gz.part").write_bytes(server.content[:1000])
    data.cifar10()
    assert server.requests == ["bytes=1000-"]


def test_server_without_ranges_restarts_the_download(home, server):
    server.ranges = False
    home.mkdir()
    (home / "cifar-10-binary.tar.gz.part").write_bytes(b"x" * 1000)
    assert len(data.cifar10().test) == RECORDS


def test_download_without_progress_raises_with_the_reason(home, server):
    server.ranges, server.breaks_after = False, 500
    with pytest.raises(OSError, match=r"cannot download cifar-10-binary.tar.gz \(http://127.*500"):
        data.cifar10()
    assert len(server.requests) == 2


def test_wrong_file_is_deleted_and_reported(home, server):
    server.content = server.content[:-1] + b"?"
    with pytest.raises(OSError, match=r"the URL provided another file: its SHA-256 is .*, not .*; it was deleted"):
        data.cifar10()
    assert list(home.iterdir()) == []


def test_oversized_file_is_rejected_before_it_fills_the_disk(home, server):
    size = len(server.content)
    server.content += bytes(5_000_000)
    with pytest.raises(OSError, match=rf"offers {size + 5_000_000:,} bytes, not {size:,}\. It may be the sign-in page"):
        data.cifar10()
    server.declares, seen = False, []
    with pytest.raises(OSError, match=r"the URL provided another file: its size is .* it was deleted"):
        data.cifar10(on_bytes=lambda have, size: seen.append(have))
    assert max(seen) == size + 1
    assert list(home.iterdir()) == []


def test_mirrors_are_tried_in_order_before_the_original(home, server, monkeypatch):
    monkeypatch.setattr(cifar, "ARCHIVE", cifar.ARCHIVE._replace(urls=("http://127.0.0.1:9/home",)))
    monkeypatch.setenv("MINIGOOGLENET_CIFAR10_URLS", "nonsense http://127.0.0.1:9/gone")
    with pytest.raises(OSError, match=r"\(nonsense: unknown url type.*; http://127.0.0.1:9/gone: .*; .*9/home: "):
        data.cifar10()
    monkeypatch.setenv("MINIGOOGLENET_CIFAR10_URLS", f"nonsense {server.url}")
    assert len(data.cifar10().test) == RECORDS


def test_error_without_network_explains_the_manual_download(home, server):
    server.status = 404
    with pytest.raises(OSError, match="HTTP Error 404") as raised:
        data.cifar10()
    message = str(raised.value)
    for part in (f"{len(server.content):,} bytes", cifar.ARCHIVE.sha256, str(home / cifar.ARCHIVE.name)):
        assert part in message
    assert "MINIGOOGLENET_DATA" in message
    assert len(server.requests) == 1


def test_manual_archive_is_used_if_it_is_correct(home, server):
    home.mkdir()
    (home / cifar.ARCHIVE.name).write_bytes(server.content)
    assert len(data.cifar10().test) == RECORDS
    (home / cifar.ARCHIVE.name).write_bytes(server.content[:-9])
    with pytest.raises(ValueError, match=r"is not the expected file: its size is .*\. Delete it to download it again"):
        data.cifar10()
    assert (home / cifar.ARCHIVE.name).exists()
    assert server.requests == []


def test_impossible_data_folder_is_reported(home, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MINIGOOGLENET_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(OSError, match=r"cannot create the data folder .* Set MINIGOOGLENET_DATA to another folder"):
        data.cifar10()


def _without(name):
    return {key: value for key, value in _members().items() if not key.endswith(name)}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_archive(_without("data_batch_3.bin")), "it lacks cifar-10-batches-bin/data_batch_3.bin"),
        (
            _archive(_without("test_batch.bin") | {"cifar-10-batches-bin/test_batch.bin": b"short"}),
            "test_batch.bin has 5 bytes, not 12,292",
        ),
        (_archive(_without("test_batch.bin") | {"../test_batch.bin": bytes(12_292)}), "it lacks .*/test_batch.bin"),
        (_archive(_members())[:20_000], "cannot read .* as CIFAR-10: "),
        (_archive(_members(), "w"), "cannot read .* as CIFAR-10: "),
        (b"no archive", "cannot read .* as CIFAR-10: "),
        (_archive(_members() | {cifar.TEST[0]: b"\x0a" * 12_292}), r"labels must .* 0 \.\. 9"),
    ],
)
def test_archive_of_another_layout_is_rejected(home, server, monkeypatch, content, reason):
    _publish(monkeypatch, server, content)
    with pytest.raises(ValueError, match=reason):
        data.cifar10()


def test_link_instead_of_a_member_is_rejected(home, server, monkeypatch):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo(cifar.TEST[0])
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    _publish(monkeypatch, server, stream.getvalue())
    with pytest.raises(ValueError, match=r"test_batch.bin has 0 bytes, not 12,292"):
        data.cifar10()


@pytest.mark.parametrize(
    ("platform", "variable", "end"),
    [("win32", "LOCALAPPDATA", "minigooglenet"), ("linux", "XDG_CACHE_HOME", "minigooglenet")],
)
def test_data_folder_is_the_cache_folder_of_the_system(monkeypatch, tmp_path, platform, variable, end):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.delenv("MINIGOOGLENET_DATA", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert data.data_folder() == tmp_path / end
    monkeypatch.delenv(variable)
    assert data.data_folder().name == end
    monkeypatch.setattr("sys.platform", "darwin")
    assert data.data_folder().parts[-3:] == ("Library", "Caches", "minigooglenet")
