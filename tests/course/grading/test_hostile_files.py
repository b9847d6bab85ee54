"""Hostile files in a class folder: unreadable, linked, endless or huge files, and malicious archives.

Each has a row or a sentence, and does not affect other students.
"""

import io
import json
import os
import stat
import sys
import tarfile
import warnings
import zipfile

import pytest

from minigooglenet.course import reading, safe_open
from minigooglenet.course.grading import archives, class_folder, submissions

SOURCES = ["import numpy as np", "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))", "check('03.1', conv_db)"]
TEXT = json.dumps({"cells": [{"cell_type": "code", "source": source} for source in SOURCES]})
NAME = "03_gradients.ipynb"
unix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and permissions of Unix")


@pytest.fixture
def folder(tmp_path):
    """A class folder with the notebook of ada."""
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "class" / "ada" / NAME).write_text(TEXT, encoding="utf-8")
    return tmp_path / "class"


def collect(folder):
    """Return ({student: file}, {student: reason}, sentences)."""
    result = submissions.collect(folder, folder.parent / "scratch", "03")
    return {file.student: file.path for file in result.to_grade}, _reasons(result), result.sentences


def _reasons(result):
    return {missing.student: missing.reason for missing in result.absent}


def tar(members, **options):
    """Return a tar archive of [(name, type, content or target)]."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", **options) as file:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, content if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            body = content.encode() if kind == tarfile.REGTYPE else b""
            member.size = len(body)
            file.addfile(member, io.BytesIO(body))
    return data.getvalue()


@unix
def test_linked_folder_is_never_graded(folder):
    (folder / "bob").symlink_to(folder / "ada")
    (folder / "cem").mkdir()
    (folder / "cem" / "week1").symlink_to(folder / "ada")
    (folder / "dan").mkdir()
    (folder / "dan" / NAME).symlink_to(folder / "ada" / NAME)
    handed, reasons, _ = collect(folder)
    assert set(handed) == {"ada", "dan"}
    assert safe_open.is_link(handed["dan"])
    assert reasons["bob"] == "no notebook of lesson 03; bob: it is a link, which is not followed"
    assert "cem/week1: it is a link, which is not followed" in reasons["cem"]


@unix
def test_hard_links_are_reported(folder):
    (folder / "bob").mkdir()
    (folder / "bob" / NAME).hardlink_to(folder / "ada" / NAME)
    _, _, sentences = collect(folder)
    assert sentences == [f"ada/{NAME} and bob/{NAME} are 2 names of the same file (hard links)"]


@unix
def test_unreadable_folders_and_files_have_rows(folder, monkeypatch):
    for name in ("bob", "cem", "dan", "eve"):
        (folder / name).mkdir()
        (folder / name / NAME).write_text(TEXT, encoding="utf-8")
    lstat, scandir, os_open = class_folder.Path.lstat, os.scandir, os.open

    def refuse(path, name, error):
        if str(path).endswith(name):
            raise error

    def look(path):
        refuse(path, f"cem/{NAME}", OSError(5, "Input/output error"))
        refuse(path, f"dan/{NAME}", FileNotFoundError(2, "No such file or directory"))
        return lstat(path)

    def entries(path):
        refuse(path, "bob", PermissionError(13, "Permission denied"))
        return scandir(path)

    def opens(path, *how, **more):
        refuse(path, f"eve/{NAME}", PermissionError(13, "Permission denied"))
        return os_open(path, *how, **more)

    monkeypatch.setattr(class_folder.Path, "lstat", look)
    monkeypatch.setattr(os, "scandir", entries)
    monkeypatch.setattr(os, "open", opens)
    handed, reasons, _ = collect(folder)
    assert set(handed) == {"ada", "eve"}
    assert "bob: it is a folder that cannot be read: Permission denied" in reasons["bob"]
    assert f"cem/{NAME}: it cannot be read: Input/output error" in reasons["cem"]
    assert f"dan/{NAME}: it cannot be read: No such file or directory" in reasons["dan"]
    assert "Hand in" not in reasons["bob"]


@unix
def test_ordinary_user_can_grade_a_class_with_closed_folders(folder):
    """In a child process without rights of root, because root may read everything."""
    for name, mode in (("bob", 0), ("cem", stat.S_IRUSR), ("dan", stat.S_IXUSR)):
        (folder / name).mkdir()
        (folder / name / NAME).write_text(TEXT, encoding="utf-8")
        (folder / name).chmod(mode)
    (folder / "eve.ipynb").write_text(TEXT, encoding="utf-8")
    (folder / "eve.ipynb").chmod(0)
    if os.geteuid() == 0:
        for path in (folder.parent, *folder.parent.rglob("*")):
            os.chown(path, 54321, 54321)
    read_end, write_end = os.pipe()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads
        child = os.fork()
    if child == 0:
        try:
            os.chdir(folder.parent)
            if os.geteuid() == 0:
                os.setgid(54321)
                os.setuid(54321)
            result = submissions.collect(class_folder.Path("class"), class_folder.Path("scratch"), "03")
            students = {file.student for file in result.to_grade} | {missing.student for missing in result.absent}
            os.write(write_end, json.dumps(sorted(students)).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        students = json.loads(pipe.read() or b"null")
    os.waitpid(child, 0)
    for name in ("bob", "cem", "dan"):
        (folder / name).chmod(0o700)
    assert students == ["ada", "bob", "cem", "dan", "eve"]


@unix
def test_pipes_devices_and_huge_files_are_rejected(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.ipynb")
    with (tmp_path / "huge.ipynb").open("wb") as file:
        file.truncate(3 << 30)
    (tmp_path / "zero.ipynb").symlink_to("/dev/zero")
    for name, expected in (("pipe", "a pipe"), ("huge", "3,221,225,472 bytes"), ("zero", "a link to another file")):
        with pytest.raises(ValueError, match=expected):
            reading.read(tmp_path / f"{name}.ipynb", follow=False)
    with pytest.raises(ValueError, match="it is a device"):
        reading.read("/dev/zero")
    assert safe_open.digest(tmp_path / "huge.ipynb", 1000).startswith("3221225472 bytes")


def test_growing_file_is_rejected_at_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"x" * 100)
    monkeypatch.setattr(safe_open.os, "fstat", lambda number: os.stat_result((stat.S_IFREG, *[0] * 9)))
    with pytest.raises(safe_open.TooLargeError, match="11 bytes; at most 10"):
        safe_open.read(path, 10)


def test_links_and_devices_in_an_archive_have_rows(folder):
    members = [
        ("bob", tarfile.SYMTYPE, "ada"),
        (f"cem/{NAME}", tarfile.LNKTYPE, f"ada/{NAME}"),
        (f"dan/{NAME}", tarfile.SYMTYPE, "/etc/passwd"),
        (f"eve/{NAME}", tarfile.CHRTYPE, ""),
        (f"fay/{NAME}", tarfile.REGTYPE, TEXT),
    ]
    (folder.parent / "class.tar").write_bytes(tar(members))
    handed, reasons, _ = collect(folder.parent / "class.tar")
    assert set(handed) == {"fay"}
    assert "bob: it was not unpacked: it is a link" in reasons["bob"]
    for name, expected in (("cem", "it is a link"), ("dan", "it is a link"), ("eve", "it is not a file")):
        assert f"{name}/{NAME}: it was not unpacked: {expected}" in reasons[name]


def test_corrupt_archive_member_does_not_affect_others(folder):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in ("bob", "cem", "n" * 300, "/".join("d" * 3000)):
            file.writestr(f"{name}/{NAME}", TEXT + name[:9])
        link = zipfile.ZipInfo(f"dan/{NAME}")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, f"../bob/{NAME}")
        file.writestr("bob", "a file with the name of a folder")
    corrupt = data.getvalue().replace((TEXT + "cem").encode(), (TEXT + "CEM").encode(), 1)  # wrong checksum
    (folder.parent / "class.zip").write_bytes(corrupt)
    handed, reasons, _ = collect(folder.parent / "class.zip")
    assert set(handed) == {"bob"}
    assert "it was not unpacked: Bad CRC-32" in reasons["cem"]
    assert "it was not unpacked: it is a link" in reasons["dan"]


@pytest.mark.parametrize("ending", ["tar.gz", "tar.bz2", "tar.xz"])
def test_small_tar_bomb_is_rejected(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(archives, "MOST_ARCHIVE", 1 << 20)
    path, kind = tmp_path / f"bomb.{ending}", ending.rpartition(".")[2]
    with tarfile.open(path, f"w:{kind}") as file:
        member = tarfile.TarInfo("skipped")
        member.type, member.size = b"Z", 4 << 20  # an unknown type, whose content is skipped
        file.addfile(member, io.BytesIO(bytes(4 << 20)))
        file.addfile(tarfile.TarInfo("ada.ipynb"), io.BytesIO())
    (tmp_path / "target").mkdir()
    with pytest.raises(ValueError, match="it is too large"):
        archives.unpack(path, tmp_path / "target")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_long_archive_header_is_rejected(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(safe_open, "MOST_AT_ONCE", 1 << 20)
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, 2 << 20
    path = tmp_path / "bomb.tar"
    path.write_bytes(header.tobuf() + bytes(2 << 20) + tar([("ada.ipynb", tarfile.REGTYPE, TEXT)]))
    (tmp_path / "target").mkdir()
    with pytest.raises(ValueError, match="a part that is too large"):
        archives.unpack(path, tmp_path / "target")


def test_archives_of_a_class_have_a_common_limit(tmp_path):
    (tmp_path / "target").mkdir()
    path = tmp_path / "a.tar"
    path.write_bytes(tar([("ada.ipynb", tarfile.REGTYPE, TEXT)]))
    budget = archives.Budget(members=1)
    assert archives.unpack(path, tmp_path / "target", budget) == []
    with pytest.raises(ValueError, match="too large in total"):
        archives.unpack(path, tmp_path / "target", budget)
