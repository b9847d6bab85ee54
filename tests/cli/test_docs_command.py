"""`minigooglenet docs`: it opens what was built, and reports what is missing to build."""

import sys
import webbrowser

import pytest

from minigooglenet.cli import docs, main


@pytest.fixture
def opened(monkeypatch):
    addresses = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


def test_built_pages_are_opened_without_a_build(tmp_path, opened, capsys):
    (tmp_path / "index.html").touch()
    assert main(["docs", "--out", str(tmp_path)]) == 0
    assert opened == [(tmp_path / "index.html").as_uri()]
    assert capsys.readouterr().out.strip() == str(tmp_path / "index.html")


def test_no_open_opens_no_browser(tmp_path, opened):
    (tmp_path / "index.html").touch()
    assert main(["docs", "--out", str(tmp_path), "--no-open"]) == 0
    assert not opened


def test_missing_package_is_reported_with_its_command(tmp_path, opened, capsys, monkeypatch):
    monkeypatch.setattr(docs, "NEEDED", ("numpy", "a_package_that_is_missing"))
    assert main(["docs", "--out", str(tmp_path)]) == 1
    assert "needs a_package_that_is_missing. Run pip install -e '.[course,docs]'" in capsys.readouterr().err
    assert not opened


def test_installed_package_without_sources_is_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(docs, "SOURCE", tmp_path)
    assert main(["docs"]) == 1
    assert "the sources of the documentation are not part of an installed package" in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 1])
def test_failed_build_is_an_error(tmp_path, opened, capsys, monkeypatch, code):
    monkeypatch.setattr(docs, "NEEDED", ())
    commands = []

    class Finished:
        returncode = code

    monkeypatch.setattr(docs.subprocess, "run", lambda command, **_: commands.append(command) or Finished)
    assert main(["docs", "--out", str(tmp_path), "--rebuild"]) == code
    assert commands[0][:3] == [sys.executable, "-m", "sphinx"]
    assert "--fail-on-warning" in commands[0]
    assert ("was not built" in capsys.readouterr().err) == bool(code)
    assert len(opened) == 1 - code
