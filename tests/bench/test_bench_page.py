"""The page of a network in a browser, measured."""

import json
import subprocess
import sys

import pytest

from minigooglenet.bench import page


def test_page_is_measured_for_three_networks(tmp_path):
    pytest.importorskip("playwright")
    if page.executable() is None:
        pytest.skip("no chromium was found")
    file = tmp_path / "page.json"  # in a process of its own: one process has one playwright
    command = ["bench", "page", "--quick", "--model", "mini", "--peers", "none", "--json", str(file)]
    run = subprocess.run([sys.executable, "-m", "minigooglenet", *command], capture_output=True, text=True, timeout=500)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(file.read_text())["page"]
    names = [(r["network"], r["nodes"]) for r in result["records"]]
    assert names[:2] == [("chain", 100), ("branching graph", 100)]
    assert names[2][0] == "mini"
    assert all(r["first_paint_seconds"] > 0 for r in result["records"])
    assert all(r["hover_maximum_seconds"] >= r["hover_median_seconds"] > 0 for r in result["records"])
    assert "branching graph" in str(page.tables(result)[0])


def test_missing_playwright_or_browser_is_reported(quick, silent, monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert "Not measured: playwright is not installed" in str(page.tables(page.measure(quick, silent))[0])
    monkeypatch.setitem(sys.modules, "playwright.sync_api", type(sys)("fake"))
    sys.modules["playwright.sync_api"].sync_playwright = None
    monkeypatch.setattr(page, "BROWSERS", ("no-such-browser",))
    assert "Not measured: no chromium was found" in str(page.tables(page.measure(quick, silent))[0])
