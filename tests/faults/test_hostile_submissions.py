"""Hundreds of hostile class entries: one row or sentence each, no traceback, no hang, no formula in the CSV."""

import csv
import io
import json
import os
import random
import stat
import sys
import tarfile
import unicodedata
import zipfile

import pytest

from minigooglenet.course import cells, originality
from minigooglenet.course.grading import comparer, gradebook, grader, serialisation, submissions
from minigooglenet.exercises.find import everything

SEED = 20_261_129
ENTRIES = 400
NUMBERS = tuple(number for number in everything() if number.startswith("03."))
SOURCES = ["def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))", "check('03.1', conv_db)"]
TEXT = json.dumps({"cells": [{"cell_type": "code", "source": source} for source in SOURCES]})
NAMES = [
    "=1+1",
    "+x",
    "-x",
    "@SUM(A1)",
    "|cmd",
    "%y",
    "\uff1d1",
    ";",
    ",",
    "\t",
    "\r",
    "\n",
    '"',
    "'",
    " ",
    "ada",
    "bob",
]
NAMES += [
    "\x1b[2J",
    "\x1b]0;t\x07",
    "\u202e",
    "\u200b",
    "\u3164",
    "\x9b1A",
    "e\u0301",
    "\u738b",
    "\u0627",
    "[red]",
    "{0}",
]
CODE = [
    "(",
    ")",
    "x=",
    "-" * 3000,
    "not " * 500,
    "\n" * 2000,
    "%a\n" * 50,
    "!b\n" * 50,
    "a?\n",
    "'''",
    "\\\n",
    "\x00",
    "#%%\n",
]
CODE += [
    "check('03.1', conv_db)\n",
    "def conv_db(dout):\n    return dout\n",
    "import gc\n",
    "lambda:" * 200,
    "9" * 5000,
    "f'{" * 99,
]
unix = pytest.mark.skipif(sys.platform == "win32", reason="names, links and pipes of Unix")


def name_of(rng):
    text = "".join(rng.choice(NAMES) for _ in range(rng.randint(1, 9))) + rng.choice(["", "n" * 150])
    return text.replace("/", "_")[:60].lstrip(".~").strip() or "empty"


def archive_of(rng, ending):
    """Return an archive with hostile members, sometimes corrupt."""
    data, name = io.BytesIO(), name_of(rng)
    if ending == "zip":
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
            for index in range(rng.randint(0, 9)):
                kind = rng.choice([stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO, 0])
                member = zipfile.ZipInfo(rng.choice(["", "../", "/", "a/" * 40, "..\\"]) + f"{name}{index}.ipynb")
                member.create_system, member.external_attr = 3, (kind | 0o644) << 16
                file.writestr(member, rng.choice([TEXT, "", "\0" * 1_000_000]))
    else:
        with tarfile.open(fileobj=data, mode=f"w:{ending}") as file:
            for index in range(rng.randint(0, 9)):
                member = tarfile.TarInfo(rng.choice(["", "../", "/", "a/" * 40]) + f"{name}{index}.ipynb")
                member.type = rng.choice([*b"0012345678Z"]).to_bytes(1, "little")
                member.linkname = rng.choice(["ada", "/etc/passwd", "../x"])
                member.size = len(TEXT) if member.type in (b"0", b"7", b"Z") else 0
                file.addfile(member, io.BytesIO(TEXT.encode()))
    made = bytearray(data.getvalue())
    for _ in range(rng.choice([0, 0, 1, 20])):
        if made:
            made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made[: rng.choice([len(made), len(made), len(made) // 2])])


def notebook_of(rng):
    """Return the bytes of a notebook, a Python file, or a file that resembles one."""
    code = "".join(rng.choice(CODE) for _ in range(rng.randint(1, 12)))
    made = rng.choice(
        [
            TEXT,
            json.dumps({"cells": [{"cell_type": "code", "source": code}]}),
            code,
            json.dumps({"cells": code}),
            '{"cells": ' + "[" * 100_000,
            '{"cells": [' + "0," * 300_000 + "0]}",
            "",
        ]
    )
    return made.encode(rng.choice(["utf-8", "utf-16", "utf-32", "utf-8-sig"]), "replace")


def entry(rng, folder):
    """Create one hostile entry in a folder."""
    name = name_of(rng)
    parent = folder if rng.random() < 0.5 else folder / name_of(rng)
    parent.mkdir(exist_ok=True)
    path = parent / f"{name}{rng.choice(['.ipynb', '.py', '', '.ipynb.txt', '.pdf', '/'])}"
    kind = rng.choice(
        ["file", "file", "file", "zip", "gz", "bz2", "xz", "link", "loop", "hard", "pipe", "sparse", "deep"]
    )
    if os.path.lexists(path):
        return
    if kind in ("zip", "gz", "bz2", "xz"):
        ending = "zip" if kind == "zip" else f"tar.{kind}"
        path.with_name(f"{name}.{ending}").write_bytes(archive_of(rng, kind))
    elif kind == "link":
        path.symlink_to(rng.choice([folder / "ada", folder / "ada" / "03_gradients.ipynb", "/dev/zero", "/dev/stdin"]))
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "hard":
        path.hardlink_to(folder / "ada" / "03_gradients.ipynb")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(rng.choice([1 << 20, 3 << 30]))
    elif kind == "deep":
        (path / "/".join("d" * rng.randint(1, 60))).mkdir(parents=True)
    else:
        path.write_bytes(notebook_of(rng))


def fields(text):
    """Yield every field that a spreadsheet may read from the lines: four separators, with and without quotes."""
    for separator in ",;|\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting):
                yield from row


@unix
@pytest.mark.faults
def test_hostile_entries_have_a_row_or_a_sentence(tmp_path, monkeypatch):
    rng, folder = random.Random(SEED), tmp_path / "class"
    (folder / "ada").mkdir(parents=True)
    (folder / "ada" / "03_gradients.ipynb").write_text(TEXT, encoding="utf-8")
    while len(list(folder.iterdir())) < ENTRIES:
        entry(rng, folder)
    passed = serialisation.pack({"number": "03.1", "calls": []}) + serialisation.pack({"end": True})
    monkeypatch.setattr(grader, "run", lambda *_: (passed, 0))  # other tests run notebooks
    sentences = []
    options = grader.GradingOptions(seconds=20.0, lesson="03")
    rows, _, whole = grader.grade(folder, tmp_path / "out.csv", options, report=sentences.append)
    assert whole
    students = {row["student"] for row in rows}
    assert all(sum(row["student"] == student for row in rows) == len(NUMBERS) for student in students)
    text = (tmp_path / "out.csv").read_bytes().decode("utf-8-sig")
    report = "\n".join(
        [*sentences, *(f"{row['student']} {row['file']} {row['message']} {row['note']}" for row in rows)]
    )
    for path in folder.iterdir():
        name = submissions.file_names.clean(path.name)
        assert name.partition(".")[0] in report or name.startswith("."), repr(name)
    assert all(letter.isprintable() for letter in text.replace("\n", ""))
    assert all(gradebook.safe(sentence).isprintable() for sentence in sentences)
    first = {unicodedata.normalize("NFKC", field).strip(' "')[:1] for field in fields(text)}
    assert not first & set("=+-@|%\t\r")
    assert {row["student"]: row for row in rows}["ada"]["status"] != "missing"


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(150))
def test_forged_records_end_in_rows(seed, monkeypatch):
    """Use records of plain values with changed bytes, and headers that no honest process writes."""
    rng = random.Random(seed)
    monkeypatch.setattr(comparer, "LEAST_SECONDS", 1.0)
    values = [
        10**4000,
        float("nan"),
        "x" * 9000,
        list(range(rng.randint(0, 60_000))),
        {"a": [None] * 99},
        [[[]]],
        b"",
        True,
    ]
    stream = b""
    for _ in range(rng.randint(1, 9)):
        number, value = rng.choice(["03.1", "03.5", "07.1", "99.9"]), rng.choice(values)
        key = rng.choice(["calls", "answer", "value", "verdict", "missing", "failed", "ran", "demand"])
        try:
            record = bytearray(serialisation.pack({"number": number, key: value, "student": rng.choice(values)}))
        except serialisation.NotPlainError:
            continue
        for _ in range(rng.choice([0, 0, 1, 9])):
            record[rng.randrange(16, len(record))] = rng.randrange(256)
        stream += bytes(record)
    numbers = ["03.1", "03.5", "07.1"]
    comparer.prepare(numbers, 5)
    marked = comparer.compare(stream, numbers, 5, 1.0)
    assert [row["exercise"] for row in marked["rows"]] == numbers
    assert not any(row["status"] == "passed" for row in marked["rows"])
    json.dumps(marked)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(60))
def test_any_text_is_read_without_errors(tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / f"ada.{'ipynb' if seed % 2 else 'py'}"
    for _ in range(3):
        path.write_bytes(notebook_of(rng))
        submissions._submission(submissions.class_folder.File(path, path.name, (), "ada"), "ada")
        originality.notes([("ada", path, NUMBERS)])
        try:
            sources = cells.read(path)
        except ValueError:
            continue
        cells.needed(sources)
