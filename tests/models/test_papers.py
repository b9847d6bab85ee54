"""The list of papers covers every published network, and the tables of the documentation are written from it."""

from pathlib import Path

import pytest

import minigooglenet as mg
from minigooglenet.models.papers import PAPERS

ROOT = Path(__file__).parents[2]


def test_every_published_network_has_its_paper():
    assert {paper.name for paper in PAPERS} == set(mg.models.names()) - {"mini_googlenet"}
    assert len({paper.name for paper in PAPERS}) == len(PAPERS)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_published_error_has_a_source(paper):
    assert (paper.top5 is None) == (paper.source == "")
    assert paper.page.startswith("https://")
    assert 2012 <= paper.year <= 2020


def test_tables_are_written_from_the_list(monkeypatch):
    if not (ROOT / "docs" / "_ext").is_dir():
        pytest.skip("the documentation is not next to the package")
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    import network_table

    for path, text in network_table.texts().items():
        assert path.read_text(encoding="utf-8") == text, f"run python docs/_ext/network_table.py: {path.name} is old"
