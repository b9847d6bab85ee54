"""Compiled kernels on disk: only intact files from private folders are loaded, and no error stops a computation."""

import errno
import hashlib
import importlib.util
import os
import pickle
import re
import shutil
import stat
import sys
import types
from pathlib import Path

import numba
import numpy as np
import pytest

from minigooglenet.kernels.fast import compile_cache
from minigooglenet.kernels.fast.jit import compiled

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no such permissions")
as_root = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away")


def _twice(x):
    return 2 * x + 1


def fresh():
    """Return the function as in a new process: not compiled."""
    return compiled(types.FunctionType(_twice.__code__, globals(), _twice.__name__))


def compiled_again(function):
    """Check the result of a call and return whether it had to compile."""
    assert function(np.int64(20)) == 41
    return sum(function.stats.cache_misses.values()) == 1


@pytest.fixture
def new_process(monkeypatch):
    """Return a function that clears the process's decisions about folders; restore them afterwards."""

    def forget():
        monkeypatch.setattr(compile_cache, "_reported", set())
        monkeypatch.setattr(compile_cache, "_safe", set())
        compile_cache.folders.cache_clear()

    forget()
    yield forget
    compile_cache.folders.cache_clear()


@pytest.fixture
def cache(new_process, monkeypatch, tmp_path):
    """Return a cache folder for this test, with another home folder for files that cannot be cached there."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "cache"


def kept(folder):
    """Return the only file in a cache."""
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path


def test_kernel_is_kept_and_loaded_with_one_file(cache, new_process, capsys):
    assert compiled_again(fresh())
    new_process()
    assert kept(cache).suffix == ".nbc"
    assert not compiled_again(fresh())
    assert "cannot" not in capsys.readouterr().err


def test_every_changed_bit_is_found_and_rebuilt(cache):
    assert compiled_again(fresh())
    path = kept(cache)
    content = path.read_bytes()
    positions = [*range(120), *np.random.default_rng(0).integers(0, len(content), 200), len(content) - 1]
    function = fresh()
    for position in positions:
        changed = bytearray(content)
        changed[position] ^= 1 << (position % 8)
        path.write_bytes(changed)
        assert function._cache.load_overload((numba.int64,), function.targetctx) is None
    assert compiled_again(function)
    assert not compiled_again(fresh())


@pytest.mark.parametrize("length", [0, 1, 22, 54, 55, 56, 1000, -1])
def test_truncated_file_is_rebuilt(cache, length):
    compiled_again(fresh())
    path = kept(cache)
    path.write_bytes(path.read_bytes()[:length])
    assert compiled_again(fresh())
    assert not compiled_again(fresh())


class _Bomb:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("sealed", [False, True])
def test_foreign_pickle_is_never_unpickled(cache, monkeypatch, tmp_path, sealed):
    monkeypatch.chdir(tmp_path)
    compiled_again(fresh())
    content = pickle.dumps(_Bomb())
    head = compile_cache.MAGIC + hashlib.blake2b(content, digest_size=32).digest() if sealed else b""
    kept(cache).write_bytes(head + content)
    assert compiled_again(fresh())
    assert not Path("exploded").exists()


def test_kernel_of_other_types_or_versions_is_ignored(cache, monkeypatch):
    function = fresh()
    compiled_again(function)
    path = kept(cache)
    monkeypatch.setattr(compile_cache, "_VERSIONS", ("0.1", *compile_cache._VERSIONS[1:]))
    assert compiled_again(fresh())
    assert kept(cache) == path  # an upgrade replaces files, so that old files do not accumulate
    assert function(20.5) == 42.0
    (other,) = (file for file in cache.rglob("*.nbc") if file != path)
    shutil.copyfile(other, path)
    assert compiled_again(fresh())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, getattr(errno, "ESTALE", 5)])
def test_failed_write_is_reported_once_and_computes(cache, monkeypatch, capsys, tmp_path, number):
    def fail(self, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", fail)
    assert compiled_again(fresh())
    assert compiled_again(fresh())
    error = capsys.readouterr().err
    assert error.count("compiled kernels cannot be cached") == 1
    assert os.strerror(number) in error
    assert "NUMBA_CACHE_DIR" in error
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_failed_read_compiles(cache, monkeypatch):
    compiled_again(fresh())

    def fail(path):
        raise OSError(errno.EIO, "input/output error", path)

    monkeypatch.setattr(compile_cache.files, "open_regular", fail)
    assert compiled_again(fresh())


def test_vanished_folder_is_made_again(cache):
    compiled_again(fresh())
    shutil.rmtree(cache)
    assert compiled_again(fresh())
    assert kept(cache)


def test_file_instead_of_a_folder_is_reported(cache, new_process, capsys, tmp_path):
    cache.write_text("in the way")
    assert compiled_again(fresh())
    error = capsys.readouterr().err
    assert error.count(f"compiled kernels are not cached in NUMBA_CACHE_DIR={cache}: ") == 1
    assert kept(tmp_path / "home")
    new_process()
    assert not compiled_again(fresh())


@posix
def test_pipe_in_place_of_a_kernel_does_not_hang(cache):
    compiled_again(fresh())
    path = kept(cache)
    path.unlink()
    os.mkfifo(path)
    assert compiled_again(fresh())


def _open_to_all(path):
    path.chmod(0o777)


def _open_to_group(path):
    path.chmod(0o775)
    os.chown(path, -1, 54321)


def _sticky(path):
    path.chmod(0o1777)


def _parent_open(path):
    path.parent.chmod(0o777)


def _given_away(path):
    os.chown(path, 54321, -1)


def _parent_given_away(path):
    os.chown(path.parent, 54321, -1)


@posix
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_open_to_all, "every user may write to"),
        pytest.param(_open_to_group, "a group may write to", marks=as_root),
        (_sticky, "every user may write to"),
        (_parent_open, "every user may write to"),
        pytest.param(_given_away, r"belongs to another user \(ID 54321\)", marks=as_root),
        pytest.param(_parent_given_away, r"belongs to another user \(ID 54321\)", marks=as_root),
    ],
)
@pytest.mark.parametrize("linked", [False, True])
def test_folder_that_others_can_write_is_rejected(
    cache, new_process, monkeypatch, capsys, tmp_path, change, reason, linked
):
    compiled_again(fresh())
    path = kept(cache)
    before = path.read_bytes()
    change(path.parent)
    if linked:
        (tmp_path / "link").symlink_to(cache)
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "link"))
    new_process()
    assert compiled_again(fresh())
    error = capsys.readouterr().err
    assert error.count("compiled kernels are not cached in NUMBA_CACHE_DIR=") == 1
    assert re.search(reason, error)
    assert path.read_bytes() == before
    assert kept(tmp_path / "home")


@posix
def test_sticky_folder_above_is_safe(cache, capsys):
    cache.mkdir()
    cache.chmod(0o1777)
    compiled_again(fresh())
    assert not compiled_again(fresh())
    assert "not kept" not in capsys.readouterr().err


@posix
def test_kernel_file_that_others_can_write_is_ignored(cache):
    compiled_again(fresh())
    kept(cache).chmod(0o666)
    assert compiled_again(fresh())
    assert stat.S_IMODE(kept(cache).stat().st_mode) & 0o022 == 0


@as_root
def test_kernel_file_of_another_user_is_ignored(cache):
    compiled_again(fresh())
    os.chown(kept(cache), 54321, -1)
    assert compiled_again(fresh())


@posix
def test_folders_are_private_for_every_umask(cache):
    before = os.umask(0)
    try:
        compiled_again(fresh())
    finally:
        os.umask(before)
    for path in (cache, *cache.rglob("*")):
        assert path.stat().st_mode & 0o022 == 0


@posix
def test_folder_that_appears_later_is_checked_then(cache, new_process, capsys):
    compiled_again(fresh())
    folder = kept(cache).parent
    new_process()
    function = fresh()
    compile_cache.folders(function._cache.file.parent)
    folder.chmod(0o777)
    assert compiled_again(function)
    assert "every user may write to" in capsys.readouterr().err


def test_relative_folder_is_rejected(cache, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "cache")
    compiled_again(fresh())
    assert "NUMBA_CACHE_DIR=cache: the path is relative" in capsys.readouterr().err
    assert not cache.exists()


def test_folder_in_the_configuration_of_numba_is_ignored(cache, monkeypatch, tmp_path):
    # Numba reads .numba_config.yaml in the current folder, which may belong to someone else.
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "nowhere.Locator", raising=False)
    compiled_again(fresh())
    assert kept(cache)
    assert not (tmp_path / "elsewhere").exists()


@posix
def test_folder_next_to_the_sources_is_checked_too(cache, monkeypatch, tmp_path):
    source = tmp_path / "kernels"
    (source / "__pycache__").mkdir(parents=True)
    tmp_path.chmod(0o777)  # anyone who can write here can change the sources
    assert compile_cache.unsafe(source / "__pycache__", source) is None
    (source / "__pycache__").chmod(0o777)
    assert "every user may write to" in compile_cache.unsafe(source / "__pycache__", source)
    tmp_path.chmod(0o700)
    (tmp_path / "link").symlink_to(source)
    assert "contains a link" in compile_cache.unsafe(tmp_path / "link" / "__pycache__", source)


MODULE = """
from minigooglenet.kernels.fast.jit import compiled


@compiled
def twice(x):
    return 2 * x + 1
"""


def module_in(folder):
    """Return the function of a new module in a folder, as if a package were installed there."""
    folder.mkdir(exist_ok=True)
    (folder / "twice_here.py").write_text(MODULE, encoding="utf-8")
    specification = importlib.util.spec_from_file_location("twice_here", folder / "twice_here.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.twice


def test_kernel_is_kept_next_to_its_sources_by_default(cache, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert compiled_again(module_in(tmp_path / "package"))
    assert list((tmp_path / "package" / "__pycache__").glob("*.nbc"))
    assert not compiled_again(module_in(tmp_path / "package"))
    assert "not kept" not in capsys.readouterr().err


@posix
def test_writable_folder_next_to_the_sources_is_reported(cache, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    function = module_in(tmp_path / "package")
    (tmp_path / "package" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "package" / "__pycache__").chmod(0o777)
    assert compiled_again(function)
    assert capsys.readouterr().err.count("every user may write to") == 1
    assert kept(tmp_path / "home").suffix == ".nbc"
    assert not compiled_again(module_in(tmp_path / "package"))


def test_kernel_in_a_read_only_folder_is_loaded(cache, monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    compiled_again(module_in(tmp_path / "package"))
    monkeypatch.setattr(compile_cache, "_made", lambda folder: "read-only file system")
    assert not compiled_again(module_in(tmp_path / "package"))


@as_root
def test_folder_of_the_owner_of_the_sources_is_safe(tmp_path):
    source = tmp_path / "kernels"
    (source / "__pycache__").mkdir(parents=True)
    os.chown(source / "__pycache__", 54321, -1)
    assert "belongs to another user" in compile_cache.unsafe(source / "__pycache__", source)
    os.chown(source, 54321, -1)
    assert compile_cache.unsafe(source / "__pycache__", source) is None


@posix
def test_group_of_the_same_name_without_members_is_private(monkeypatch, tmp_path):
    grp, pwd = pytest.importorskip("grp"), pytest.importorskip("pwd")
    members = []
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: types.SimpleNamespace(pw_name="ada", pw_gid=777))
    monkeypatch.setattr(grp, "getgrgid", lambda gid: types.SimpleNamespace(gr_name="ada", gr_mem=members))
    assert compile_cache._is_private(tmp_path, 777)
    assert not compile_cache._is_private(tmp_path, 778)
    members.append("bob")
    assert not compile_cache._is_private(tmp_path, 777)
    members.clear()
    monkeypatch.setattr(os, "listxattr", lambda path: ["system.posix_acl_access"], raising=False)
    assert not compile_cache._is_private(tmp_path, 777)


def test_numba_with_other_internals_compiles_and_reports(cache, monkeypatch, capsys):
    def fail(*_):
        raise AttributeError("CompileResult has no _rebuild")

    compiled_again(fresh())
    from numba.core.compiler import CompileResult

    monkeypatch.setattr(CompileResult, "_rebuild", fail)
    assert compiled_again(fresh())
    monkeypatch.setattr(CompileResult, "_reduce", fail)
    assert compiled_again(fresh())
    monkeypatch.setattr(compile_cache, "KernelCache", fail)
    assert fresh()(np.int64(20)) == 41
    error = capsys.readouterr().err
    assert error.count("cached kernels cannot be loaded (CompileResult has no _rebuild)") == 1
    assert error.count("compiled kernels cannot be cached") == 1


def test_keep_nothing_writes_nothing_and_still_loads(cache, monkeypatch):
    monkeypatch.setattr(compile_cache, "_keeping", True)
    compiled_again(fresh())
    compile_cache.keep_nothing()
    assert not compiled_again(fresh())
    kept(cache).unlink()
    assert compiled_again(fresh())
    assert list(cache.rglob("*.nbc")) == []


def test_stream_that_cannot_be_written_stops_nothing(monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for stream in (Full(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        compile_cache.print_line("compiling")
