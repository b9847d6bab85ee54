"""MNIST and Fashion-MNIST from small idx files: in a folder, from Debian's package, and downloaded."""

import functools
import gzip
import hashlib
import http.server
import threading

import numpy as np
import pytest
from test_idx import encoded

from minigooglenet import data, training
from minigooglenet.cli import main
from minigooglenet.data import download, mnist_sets

LABELS = np.array([1, 0, 2, 2, 9, 7], np.uint8)


def arrays(test=2, side=28):
    """Return the arrays of the four files, in the order of FILES."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (many, side, side), np.uint8) for many in (len(LABELS), test)]
    return images[0], LABELS, images[1], LABELS[:test]


def write(folder, contents, suffix=".gz"):
    """Write the four idx files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(mnist_sets.FILES, contents, strict=True):
        content = encoded(array)
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content, mtime=0) if suffix == ".gz" else content)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data folder, without network, without Debian's package."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    monkeypatch.setenv("MINIGOOGLENET_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(mnist_sets, "DEBIAN", tmp_path / "debian")
    for name, folder in (("MNIST", "mnist"), ("FASHION", "fashion-mnist")):
        monkeypatch.delenv(f"MINIGOOGLENET_{folder.upper().replace('-', '_')}_URLS", raising=False)
        sources = getattr(mnist_sets, f"{name}_SOURCES")
        monkeypatch.setattr(
            mnist_sets, f"{name}_SOURCES", [_small(*each) for each in zip(sources, arrays(), strict=True)]
        )
    return tmp_path / "data"


def _small(source, array):
    content = gzip.compress(encoded(array), mtime=0)
    return download.Source(source.name, len(content), hashlib.sha256(content).hexdigest(), ("http://127.0.0.1:9/x",))


@pytest.fixture
def mirror(tmp_path):
    """The URL of a server of the four files."""
    folder = write(tmp_path / "served", arrays())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()
        thread.join()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_folder_of_idx_files_is_a_data_set(tmp_path, suffix):
    images, labels, _, test_labels = arrays()
    train, test = data.load(write(tmp_path, arrays(), suffix))
    assert train.classes == tuple("0123456789")
    assert train.pixels == data.GREY_UNIT
    assert train.labels.tolist() == labels.tolist()
    assert test.labels.tolist() == test_labels.tolist()
    assert train.shape == test.shape == (1, 32, 32)
    assert np.array_equal(train.images[:, 0, 2:-2, 2:-2], images)
    assert train.images.sum() == images.sum()  # the border is black


def test_unpacked_names_with_a_dot_are_found(tmp_path):
    for path in write(tmp_path, arrays(), "").iterdir():
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
    assert len(data.idx_folder(tmp_path).train) == len(LABELS)


def test_size_adds_a_border_or_is_rejected(tmp_path):
    write(tmp_path, arrays())
    assert data.load(tmp_path, 28).train.shape == (1, 28, 28)
    odd = data.load(tmp_path, 31).train.images
    assert (odd[:, :, :1].sum(), odd[:, :, -2:].sum()) == (0, 0)
    with pytest.raises(ValueError, match="size must be at least 28, because these images are 28 x 28"):
        data.load(tmp_path, 24)
    with pytest.raises(ValueError, match="held_out='val' is only for folders of images"):
        data.load(tmp_path, held_out="val")


def test_long_rows_do_not_fill_the_memory(tmp_path):
    row = np.zeros((1, 1, 40_000), np.uint8)
    folder = write(tmp_path, (row, LABELS[:1], row, LABELS[:1]))
    with pytest.raises(ValueError, match=r"has 1 x 1 x 40,000 values.*take 1,600,000,000 bytes.*Pass size=40000"):
        data.idx_folder(folder)


def test_fashion_is_recognised_by_its_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_sets, "FASHION_LABELS", hashlib.sha256(LABELS.tobytes()).hexdigest())
    train, test = data.load(write(tmp_path, arrays()), augment=True)
    assert train.classes == test.classes == mnist_sets.FASHION
    assert train.classes[LABELS[4]] == "Ankle boot"
    assert train.augment is data.transforms.small_augmentation


def test_digits_are_shifted_but_not_mirrored(tmp_path):
    train = data.load(write(tmp_path, arrays()), augment=True).train
    assert (train.augment.func, train.augment.keywords) == (data.transforms.shift, {"most": 2})


def test_debians_folder_is_used_if_it_is_complete(home, tmp_path, monkeypatch):
    write(tmp_path / "debian", arrays())
    with pytest.raises(ValueError, match="debian does not have the labels of Fashion-MNIST"):
        data.load("fashion-mnist")
    monkeypatch.setattr(mnist_sets, "FASHION_LABELS", hashlib.sha256(LABELS.tobytes()).hexdigest())
    assert data.load("fashion-mnist").train.classes == mnist_sets.FASHION
    (tmp_path / "debian" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"debian lacks t10k-labels-idx1-ubyte \(or the same name with \.gz\)"):
        data.load("fashion-mnist")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_files_are_downloaded_once_into_their_folder(home, mirror, monkeypatch, name):
    variable, seen = f"MINIGOOGLENET_{name.upper().replace('-', '_')}_URLS", []
    monkeypatch.setenv(variable, f"http://127.0.0.1:9/gone {mirror}/")
    train, _ = data.load(name, on_bytes=lambda *progress: seen.append(progress))
    assert len(train) == len(LABELS)
    assert seen
    assert sorted(path.name for path in (home / name).iterdir()) == sorted(f"{one}.gz" for one in mnist_sets.FILES)
    monkeypatch.delenv(variable)
    assert len(data.load(name).test) == 2


def test_missing_network_is_reported_with_the_manual_way(home):
    with pytest.raises(OSError, match=r"cannot download mnist.train-images-idx3-ubyte.gz .* save it as "):
        data.mnist()


def test_downloaded_file_must_be_the_published_one(home):
    write(home / "mnist", arrays())
    assert len(data.mnist().train) == len(LABELS)
    write(home / "mnist", arrays(side=20))
    with pytest.raises(ValueError, match="is not the expected file: its size is"):
        data.mnist()


def test_files_of_different_data_sets_are_rejected(tmp_path):
    images, labels, test_images, test_labels = arrays()
    write(tmp_path, (images[:-1], labels, test_images, test_labels))
    with pytest.raises(ValueError, match=r"has 5 images, but .*train-labels.* has 6 labels\. Use two files"):
        data.load(tmp_path)
    write(tmp_path, (images, labels, test_images[:, :20], test_labels))
    with pytest.raises(ValueError, match=r"has images of \(28, 28\), but .*t10k.* has images of \(20, 28\)"):
        data.load(tmp_path)


def test_commands_train_and_evaluate_on_idx_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mnist_sets, "FASHION_LABELS", hashlib.sha256(LABELS.tobytes()).hexdigest())
    folder, run = write(tmp_path / "idx", arrays()), tmp_path / "run"
    assert main(["train", "--data", str(folder), "--out", str(run), "--epochs", "1", "--width", "0.25"]) == 0
    assert main(["evaluate", "--data", str(folder), "--weights", str(run)]) == 0
    assert "T-shirt/top" in capsys.readouterr().out
    recipe = training.recipe.read(run)
    assert (recipe.settings.batch_size, recipe.augment) == (64, False)
    assert main(["evaluate", "--data", str(folder), "--weights", str(run), "--held-out", "val"]) == 1
    assert "held_out='val' is only for folders of images" in capsys.readouterr().err


def test_published_facts_are_those_of_the_real_files():
    sizes = {source.name: source.size for source in (*mnist_sets.MNIST_SOURCES, *mnist_sets.FASHION_SOURCES)}
    assert sizes["mnist/train-images-idx3-ubyte.gz"] == 9_912_422
    assert sizes["fashion-mnist/t10k-labels-idx1-ubyte.gz"] == 5_148
    assert len({source.sha256 for source in (*mnist_sets.MNIST_SOURCES, *mnist_sets.FASHION_SOURCES)}) == 8
    assert len(mnist_sets.FASHION) == len(set(mnist_sets.FASHION)) == 10


@pytest.mark.skipif(not mnist_sets.is_idx_folder(mnist_sets.DEBIAN), reason="needs dataset-fashion-mnist")
def test_debians_fashion_mnist_has_its_known_content():
    train, test = data.load("fashion-mnist")
    assert repr(data.Split(train, test)) == "Split(60000 train, 10000 test, 10 classes, 1x32x32)"
    assert np.bincount(train.labels).tolist() == [6000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert train.classes[train.labels[0]] == "Ankle boot"
