"""The words of the project: expressions that stay out of code, messages, documentation and lessons.

CONTRIBUTING.md has the voice and the glossary. This test decides what a machine can decide.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("minigooglenet", "tests", "docs", "lessons")
FILES = sorted(
    path
    for root in (ROOT, *(ROOT / folder for folder in FOLDERS))
    for path in (root.glob("*") if root == ROOT else root.rglob("*"))
    if path.suffix in (".py", ".md", ".tsv") and "_build" not in path.parts and path != Path(__file__)
)
# {expression: (pattern, what to write, lines that keep it because it is a name, a key or a file name)}
EXPRESSIONS = {
    "is no": (r"\b(?:is|are|was|were) no [a-z]", "not a ..., has no ..., does not exist", ""),
    "there is no": (r"\b[Tt]here (?:is|are) no\b|\bthere are \{", "unknown ..., does not exist, choose from ...", ""),
    "perhaps": (r"; perhaps \S+", "Try ..., Did you mean ...?", ""),
    "bear, stand, lie": (r"\b(?:bears?|bore|stands?|stood|lies?|lay)\b", "is, has, appears", ""),
    "go on, anew": (r"\b(?:goes?|going|went) on\b|\banew\b", "continue, resume; again, from scratch", ""),
    "in place of": (r"\bin place of\b|\bunless (?:given|told)\b", "instead of, by default", ""),
    "help of": (r'help=f?"(?:of|for|how|so|only|also) ', "a noun phrase", ""),
    "picture": (
        r"\b[Pp]ictures?\b",
        "image, figure",
        r"\bpictures?['\"=.,`]|pictures? is now|Pictures|(def|return) picture|\.pictures?\b",
    ),
    "winner": (r"\b[Ww]inners?\b", "argmax, maximum", r"\"winners\"|`winners="),
    "turned": (r"\bturned\b", "transposed, rotated by 180 degrees, flipped", ""),
    "trunk": (r"\b[Tt]runks?\b", "backbone", r"trained_trunk|attic|hats"),
    "truncated, corrupt, rejected": (
        r"\b(?:cut (?:off|short)|dama[g]ed|re[f]used)\b",
        "truncated, corrupt, rejected",
        r"\.dama[g]ed-1|\"re[f]used\"",
    ),
    "whole number": (
        r"\b[Ww]hole numbers?\b|\bin one piece\b|\bbatch of zero\b|\bper cent\b",
        "integer, contiguous, empty batch, 4%",
        "",
    ),
    "4 %": (r"\d %(?! \d)", "4%", ""),
    "shall": (
        r"\boverhang|\bchequer|\bdear(?:est)?\b|\bshall\b|\bseldom\b|\bmany a\b|\bby heart\b|\bto learn from\b",
        "the glossary",
        "",
    ),
    "def _": (r"def _\(", "the mistake as the name of the function", ""),
    "test of what": (
        r"def test_(?:what|who|where|without|of)_|def test_(?:\w+?_){11,}",
        "subject first, at most nine words",
        "",
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression_does_not_occur(name):
    pattern, instead, kept = EXPRESSIONS[name]
    hits = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line) and not (kept and re.search(kept, line))
    ]
    assert not hits, f"write {instead}:\n" + "\n".join(hits)


def test_glossary_is_sorted_and_has_one_row_per_term():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Glossary")[2]
    terms = [row.partition("|")[0].strip() for row in re.findall(r"^\| (.*)\|$", text, re.M)[2:]]
    assert len(terms) > 55
    assert len({*terms}) == len(terms)
    assert terms == sorted(terms, key=lambda term: term.replace("`", "").lower())
