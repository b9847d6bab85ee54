"""A file is whole or as it was."""

import os
import sys

import pytest

from minigooglenet import files


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
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
def test_a_new_file_is_as_readable_as_any_other_and_an_old_one_keeps_its_permissions(tmp_path):
    (tmp_path / "plain").touch()
    files.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "ours").chmod(0o600)
    files.write_text(tmp_path / "ours", "again")
    assert (tmp_path / "ours").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    files.write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text(encoding="utf-8") == "text"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only where there are named pipes")
def test_what_is_no_regular_file_is_written_to_and_stays_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write_text(tmp_path / "pipe", "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_missing_folder_is_an_error_with_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write .*a\.txt: there is no folder .*nowhere"):
        files.write_text(tmp_path / "nowhere" / "a.txt", "")
