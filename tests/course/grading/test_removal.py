"""Removal of folders with untrusted contents, of any depth and with any permissions."""

import os
import sys
import warnings
from pathlib import Path

import pytest

from minigooglenet.course.grading import removal

DEEP = 3_000
unix = pytest.mark.skipif(sys.platform == "win32", reason="paths and permissions of Unix")


def descend(folder, names):
    """Create nested folders of any path length and a file in the last one, then return to the present folder."""
    present = Path.cwd()
    os.chdir(folder)
    for name in names:
        Path(name).mkdir()
        os.chdir(name)
    Path("file").write_text("x", encoding="utf-8")
    os.chdir(present)


def test_full_folder_is_removed(tmp_path):
    for name in ("a/b/c", "a/d", "e"):
        (tmp_path / "top" / name).mkdir(parents=True)
        (tmp_path / "top" / name / "file").write_text("x", encoding="utf-8")
    (tmp_path / "top" / "a" / "locked").write_text("x", encoding="utf-8")
    (tmp_path / "top" / "a" / "locked").chmod(0o400)
    assert removal.remove(tmp_path / "top")
    assert list(tmp_path.iterdir()) == []
    assert removal.remove(tmp_path / "top")


@unix
@pytest.mark.parametrize("names", [["d"] * DEEP, ["n" * 255] * 40], ids=["3,000 folders", "a path beyond PATH_MAX"])
def test_nested_folders_are_removed(tmp_path, names):
    with removal.temporary_folder() as folder:
        descend(folder, names)
    assert not os.path.lexists(folder)


@unix
def test_folders_without_permissions_are_removed(tmp_path):
    """In a child process of an ordinary user, because root needs no permissions."""
    folder = tmp_path / "top"
    (folder / "a" / "b" / "c").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x", encoding="utf-8")
    if os.geteuid() == 0:
        for path in (tmp_path, *tmp_path.rglob("*")):
            os.chown(path, 54321, 54321)
    for path in (folder / "a" / "b" / "c", folder / "a" / "b", folder / "a", folder):
        path.chmod(0)
    if os.geteuid() != 0:
        assert removal.remove(folder)
        return
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads
        child = os.fork()
    if child == 0:
        try:
            os.chdir(tmp_path)
            os.setgid(54321)
            os.setuid(54321)
            os._exit(0 if removal.remove("top") else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@unix
def test_link_in_a_folder_is_removed_and_not_followed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x", encoding="utf-8")
    (tmp_path / "top" / "inner").mkdir(parents=True)
    for link in ("top/link", "top/inner/link"):
        (tmp_path / link).symlink_to(tmp_path / "kept")
    assert not removal.remove(tmp_path / "top" / "link")
    assert removal.remove(tmp_path / "top")
    assert (tmp_path / "kept" / "file").exists()
