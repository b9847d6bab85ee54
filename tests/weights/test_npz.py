"""NumPy archives: as the tour writes them, and in all variants of the format."""

import io
import zipfile

import numpy as np
import pytest
import weight_files as make

import minigooglenet as mg
from minigooglenet import weights
from minigooglenet.weights import npz


def _saved(tmp_path, arrays, save=np.savez):
    with (tmp_path / "a.npz").open("wb") as file:
        save(file, **arrays)
    return tmp_path / "a.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_tour_archives_are_loaded(tmp_path, save):
    g = mg.models.mini_googlenet(in_channels=1, width=0.3, rng=0)
    path = _saved(tmp_path, {**g.params, **g.buffers}, save)
    other = mg.models.mini_googlenet(in_channels=1, width=0.3, rng=1)
    assert weights.load_into(other, path) == [*g.params, *g.buffers]
    assert all(np.array_equal(other.params[key], value) for key, value in g.params.items())
    assert "not verified" in weights.read(path).notes


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", ">i8", "|b1", "<u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_byte_and_axis_order_become_native(tmp_path, dtype, order):
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    read = weights.read(_saved(tmp_path, {"a": np.asarray(values, order=order)})).arrays["a"]
    assert np.array_equal(read, values)
    assert read.dtype == values.dtype.newbyteorder("=")
    assert read.dtype.isnative
    assert read.flags.c_contiguous
    assert read.flags.writeable


def test_scalar_and_empty_arrays_are_read(tmp_path):
    arrays = weights.read(_saved(tmp_path, {"one": np.float32(3), "none": np.zeros((0, 4))})).arrays
    assert arrays["one"] == 3
    assert arrays["none"].shape == (0, 4)


def test_old_npy_headers_are_read(tmp_path):
    members = {
        "new": make.npy(version=(2, 0), data=np.array([1, 2], np.float32).tobytes()),
        "old": make.npy(shape="(2L,)", data=np.array([3, 4], np.float32).tobytes()),
    }
    (tmp_path / "a.npz").write_bytes(make.archive([(f"{name}.npy", data) for name, data in members.items()]))
    arrays = weights.read(tmp_path / "a.npz").arrays
    assert [array.tolist() for array in arrays.values()] == [[1, 2], [3, 4]]


def test_npz_reader_unpickles_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("pickle.load", lambda *a, **k: pytest.fail("it was unpickled"))
    with pytest.raises(weights.WeightsError, match="array 'a' contains pickled objects"):
        weights.read(_saved(tmp_path, {"a": np.array([{}, None])}))


def test_small_compressed_archives_are_read(tmp_path):
    small = {"a": np.zeros(3 * 1024**2, np.float32)}
    assert weights.read(_saved(tmp_path, small, np.savez_compressed)).arrays["a"].shape == (3 * 1024**2,)
    large = {"a": np.zeros(5 * 1024**2, np.float32)}
    path = _saved(tmp_path, large, np.savez_compressed)
    with pytest.raises(weights.WeightsError, match=r"unpacks to 20,971,6.., more than 16,777,216: .* np\.savez, which"):
        weights.read(path)
    assert weights.read(_saved(tmp_path, large)).arrays["a"].shape == (5 * 1024**2,)


def test_overlapping_members_are_counted_separately(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", make.npy(shape="(1000000,)", data=bytes(4_000_000)))
        for number in range(50):
            twin = zipfile.ZipInfo(f"{number}.npy")
            info = archive.getinfo("a.npy")
            for key in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(twin, key, getattr(info, key))
            archive.filelist.append(twin)
        archive._didModify = True
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    with pytest.raises(weights.WeightsError, match="unpacks to 204,0"):
        weights.read(tmp_path / "a.npz")


def test_written_archive_is_standard_and_atomic(tmp_path):
    arrays = make.arrays()
    npz.write(weights.Contents(arrays), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert list(file) == list(arrays)
        assert all(np.array_equal(file[name], arrays[name]) for name in arrays)
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        npz.write(weights.Contents({"a": np.array([None])}), tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
