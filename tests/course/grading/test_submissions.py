"""Submissions in class folders of many layouts: students, lessons, and reports about all other files."""

import io
import json
import os
import tarfile
import zipfile

import pytest

from minigooglenet.course.grading import archives, file_names, submissions

ONE = ["def conv_at(x, w, b, n, k, i, j, stride, pad):\n    return 0.0", "check('01.1', conv_at)"]
TWO = ["check('02.1', None)"]
SEVEN = ["check('07.1', None)"]
SCRATCH = ["x = 1"]
OWN = "01_feature_map.ipynb"


def text(sources):
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def archive(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in members.items():
            file.writestr(name, content if isinstance(content, (str, bytes)) else text(content))
    return data.getvalue()


def tarball(members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        for name, sources in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(text(sources)), 1_000_000_000
            file.addfile(member, io.BytesIO(text(sources).encode()))
    return data.getvalue()


@pytest.fixture
def collect(tmp_path):
    """Return a function that collects the submissions in a class folder, {path: sources, text or bytes}."""

    def collected(tree, lesson=None):
        folder, scratch = tmp_path / "class", tmp_path / "scratch"
        folder.mkdir(exist_ok=True)
        scratch.mkdir()
        for name, content in tree.items():
            path = folder / name
            if name.endswith("/"):
                path.mkdir(parents=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else text(content).encode())
        return submissions.collect(folder, scratch, lesson)

    return collected


def lessons(result):
    """Return {student: lessons of the graded files}."""
    made = {}
    for file in result.to_grade:
        made.setdefault(file.student, set()).update(number[:2] for number in file.numbers)
    return {student: sorted(group) for student, group in made.items()}


MOODLE = "_123456_assignsubmission_file_"
DATE = "attempt_2025-11-03-10-11-12"
FORMS = {
    "a notebook for each student": ({"ada.ipynb": ONE}, {"ada": ["01"]}),
    "an ending in capitals": ({"dan.IPYNB": ONE}, {"dan": ["01"]}),
    "a Python file": ({"ada.py": b"def conv_at(): pass\n"}, {"ada": ["01"]}),
    "a Python file in a folder": ({"wim/01_feature_map.py": b"def conv_at(): pass\n"}, {"wim": ["01"]}),
    "a browser's ending": ({"ada.ipynb.txt": ONE, "bea.json": ONE}, {"ada": ["01"], "bea": ["01"]}),
    "nested folders": ({f"eve/week1/{OWN}": ONE, f"bob/{OWN}": ONE}, {"eve": ["01"], "bob": ["01"]}),
    "nbgrader": ({f"submitted/ian/lesson01/{OWN}": ONE, f"release/lesson01/{OWN}": ONE}, {"ian": ["01"]}),
    "nbgrader, by its assignments": (
        {f"ian/lesson01/{OWN}": ONE, "ian/lesson02/02_matrix.ipynb": TWO},
        {"ian": ["01", "02"]},
    ),
    "an assignment's folder": (
        {f"Lesson 01/fay - {OWN}": ONE, f"Lesson 01/gus - {OWN}": ONE},
        {"fay": ["01"], "gus": ["01"]},
    ),
    "an assignment's folder with a title": (
        {"Convolutions/fay_01_feature_map.ipynb": ONE, "Convolutions/gus_01_feature_map.ipynb": ONE},
        {"fay": ["01"], "gus": ["01"]},
    ),
    "Canvas": (
        {"gil_12345_67890_01_feature_map.ipynb": ONE, "gil_LATE_12345_67891_02_matrix-1.ipynb": TWO},
        {"gil": ["01", "02"]},
    ),
    "Moodle": ({f"Hal Ito{MOODLE}/{OWN}": ONE}, {"Hal Ito": ["01"]}),
    "Moodle without folders": ({f"Hal Ito{MOODLE}{OWN}": ONE}, {"Hal Ito": ["01"]}),
    "Moodle, an archive for each": ({f"Hal Ito{MOODLE}/hw.zip": archive({OWN: ONE})}, {"Hal Ito": ["01"]}),
    "Blackboard": ({f"Homework 1_ada99_{DATE}_{OWN}": ONE}, {"ada99": ["01"]}),
    "Brightspace": ({f"123-456 - Ada Lovelace - Nov 3, 2025 1011 AM/{OWN}": ONE}, {"Ada Lovelace": ["01"]}),
    "GitHub Classroom": ({f"lesson01-ada/{OWN}": ONE, f"lesson01-bob/{OWN}": ONE}, {"ada": ["01"], "bob": ["01"]}),
    "sections": (
        {f"section A/ada/{OWN}": ONE, f"section B/bob/{OWN}": ONE},
        {"ada": ["01"], "bob": ["01"]},
    ),
    "a folder around the class": (
        {f"winter/{name}/{OWN}": ONE for name in ("ada", "bob", "cem")},
        {"ada": ["01"], "bob": ["01"], "cem": ["01"]},
    ),
    "copies": (
        {"jan.ipynb": ONE, "jan-Copy1.ipynb": ONE, "kim (1).ipynb": ONE, "lea - Copy.ipynb": ONE},
        {"jan": ["01"], "kim": ["01"], "lea": ["01"]},
    ),
    "the lesson's name in front": (
        {"01_feature_map_ada.ipynb": ONE, "lesson01_bob.ipynb": ONE},
        {"ada": ["01"], "bob": ["01"]},
    ),
    "dates and teams": (
        {"yukawa_2025-11-03_hw.ipynb": ONE, "zeno_team_07_hw1.ipynb": ONE},
        {"yukawa_2025-11-03_hw": ["01"], "zeno_team_07_hw1": ["01"]},
    ),
    "an archive": ({"ada.zip": archive({f"ada/{OWN}": ONE, "__MACOSX/ada/._x.ipynb": b"\0"})}, {"ada": ["01"]}),
    "an archive of a class": (
        {"submissions.zip": archive({f"{name}_123_456_{OWN}": ONE for name in ("ada", "bob")})},
        {"ada": ["01"], "bob": ["01"]},
    ),
    "an archive in an archive": ({"all.zip": archive({"ada.zip": archive({"hw/a.ipynb": ONE})})}, {"ada": ["01"]}),
    "a tarball": ({"ada.tar.gz": tarball({OWN: ONE})}, {"ada": ["01"]}),
    "accents in two forms": ({f"Zoe\u0308/{OWN}": ONE, "Zo\u00eb/02_matrix.ipynb": TWO}, {"Zo\u00eb": ["01", "02"]}),
    "a name with a number": (
        {"student 1.ipynb": ONE, "student 10.ipynb": ONE},
        {"student 1": ["01"], "student 10": ["01"]},
    ),
    "namesakes": (
        {f"Hal Ito_1{MOODLE[4:]}/{OWN}": ONE, f"Hal Ito_2{MOODLE[4:]}/{OWN}": ONE},
        {"Hal Ito (1456)": ["01"], "Hal Ito (2456)": ["01"]},
    ),
    "students by number": (
        {f"01/{OWN}": ONE, f"02/{OWN}": ONE, "31/02_matrix.ipynb": TWO},
        {"01": ["01"], "02": ["01"], "31": ["02"]},
    ),
    "lessons by number": (
        {"01/ada_01_feature_map.ipynb": ONE, "02/ada_02_matrix.ipynb": TWO},
        {"ada": ["01", "02"]},
    ),
    "nothing but the number in the name": ({"03_ada.ipynb": SCRATCH}, {"03_ada": ["03"]}),
    "an export among notebooks": (
        {
            "ada.ipynb": ONE,
            "moodle export.zip": archive({f"Hal Ito{MOODLE}/{OWN}": ONE, f"Val Kay_9{MOODLE[4:]}/hw.ipynb": ONE}),
            f"download/bob_123_456_{OWN}": ONE,
            f"download/cem_124_457_{OWN}": ONE,
            f"one/Wim Dee{MOODLE}/{OWN}": ONE,
        },
        {name: ["01"] for name in ("ada", "Hal Ito", "Val Kay", "bob", "cem", "Wim Dee")},
    ),
    "a student's folder with a name like Canvas's in it": ({f"ada/hw_2025_1103_last/{OWN}": ONE}, {"ada": ["01"]}),
    "Teams": (
        {f"Submitted files/Ada Byron/Week 1/Version {n}/{OWN}": ONE for n in (1, 2)},
        {"Ada Byron": ["01"]},
    ),
    "a name in brackets": ({"01_feature_map (Bo Li).ipynb": ONE}, {"Bo Li": ["01"]}),
    "a zipped notebook": ({"ada.ipynb.zip": archive({"x.ipynb": ONE})}, {"ada": ["01"]}),
    "copies in other languages": (
        {
            f"{name}.ipynb": ONE
            for name in (
                *(
                    "Copy of ada",
                    "Copy of Copy of bob",
                    "Kopie von cem",
                    "Copie de dan",
                    "Copia de eve",
                    "C\u00f3pia de fay",
                ),
                *(
                    "gus (Kopie)",
                    "hal - Kopie",
                    "ian - Kopie (2)",
                    "jan - copie",
                    "kim - Copia",
                    "lea copy 2",
                    "mia (copy)",
                ),
                *("ned - \u30b3\u30d4\u30fc", "Kopie von 01_feature_map_oda", "Copy_of_pia", "quy \u526f\u672c"),
            )
        },
        {
            name: ["01"]
            for name in "ada bob cem dan eve fay gus hal ian jan kim lea mia ned oda pia quy".split()  # noqa: SIM905
        },
    ),
    "copies of folders": (
        {
            f"{name}/{OWN}": ONE
            for name in ("ada", "ada - Copy", "Kopie von ada", "bob", "bob (1)", "Li Wei (1)", "Li Wei (2)")
        },
        {"ada": ["01"], "bob": ["01"], "Li Wei (1)": ["01"], "Li Wei (2)": ["01"]},
    ),
    "a notebook without an ending": ({"ada": ONE, "bob.ipynb": ONE}, {"ada": ["01"], "bob": ["01"]}),
    "Teams, with unfinished work": (
        {f"Submitted files/Ada/{OWN}": ONE, f"Working files/Bob/{OWN}": ONE},
        {"Ada": ["01"], "Bob": ["01"]},
    ),
    "nbgrader's own files": (
        {f"submitted/ian/lesson01/{OWN}": ONE, "nbgrader_config.py": b"c = get_config()\n"},
        {"ian": ["01"]},
    ),
    "no check cells": ({"ada.ipynb": ONE[:1]}, {"ada": ["01"]}),
}


@pytest.mark.parametrize(("tree", "expected"), FORMS.values(), ids=FORMS)
def test_folder_layout_gives_students_and_lessons(collect, tree, expected):
    assert lessons(collect(tree)) == expected


def test_every_file_and_student_is_accounted_for(collect):
    tree = {
        f"ada/{OWN}": ONE,
        "ada/notes.txt": b"hello",
        "ada/utils.py": b"x = 1\n",
        f"bob/{OWN}": ONE,
        "bea.pdf": b"%PDF",
        "cem.html": b"<html>",
        "dan.zip": b"not an archive",
        "eve.zip": archive({"notes.pdf": b"%PDF"}),
        "fay/": b"",
        "roster.csv": b"name\n",
        "._mia.ipynb": b"\0",
        "__MACOSX/ada/x.ipynb": ONE,
        "gil.7z": b"7z",
    }
    result = collect(tree)
    absent = {missing.student: missing for missing in result.absent}
    assert lessons(result) == {"ada": ["01"], "bob": ["01"]}
    assert set(absent) == {"bea", "cem", "dan", "eve", "fay", "gil"}
    assert absent["bea"].file == "bea.pdf"
    assert "it is a PDF. Hand in the notebook (.ipynb)" in absent["bea"].reason
    assert "a web page" in absent["cem"].reason
    assert "dan.zip: it cannot be unpacked" in absent["dan"].reason
    assert "eve.zip/notes.pdf" not in absent["eve"].reason or "a PDF" in absent["eve"].reason
    assert "the folder is empty" in absent["fay"].reason
    sentences = "\n".join(result.sentences)
    for name in ("ada/notes.txt", "ada/utils.py", "roster.csv", "._mia.ipynb", "__MACOSX"):
        assert name in sentences


def test_platform_file_without_a_notebook_has_rows(collect):
    names = {
        "lee": "lee_447_text.html",
        "gil": "gil_LATE_448_link.html",
        "kim": "kim_449_704_photo.png",
        "ada99": f"Homework 1_ada99_{DATE}.txt",
    }
    result = collect(dict.fromkeys(names.values(), b"x") | {f"bob_450_705_{OWN}": ONE})
    assert {missing.student: missing.file for missing in result.absent} == names


def test_hidden_files_are_reported(collect):
    tree = {
        "ada/.01_feature_map.ipynb.icloud": b"bplist00",
        "bob/.ipynb_checkpoints/01_feature_map-checkpoint.ipynb": ONE,
        "cem/": b"",
        f"dan/{OWN}": ONE,
        "dan/.cache": b"x",
    }
    reasons = {missing.student: missing.reason for missing in collect(tree).absent}
    assert "01_feature_map.ipynb.icloud: it is an iCloud placeholder" in reasons["ada"]
    assert reasons["bob"].endswith("the only files are hidden: bob/.ipynb_checkpoints")
    assert reasons["cem"].endswith("the folder is empty")


def test_similar_names_are_reported(collect):
    result = collect({f"{name}.ipynb": ONE for name in ("Ada Byron", "ada_byron", "bob", "cem")})
    assert len(result.to_grade) == 4
    assert result.sentences == [
        "'Ada Byron' and 'ada_byron' may be the same student. A roster with aliases would join them."
    ]


def test_index_page_of_a_download_has_no_student(collect):
    result = collect({f"123-456 - Ada Byron - Nov 3, 2025 1011 AM/{OWN}": ONE, "index.html": b"<html>"})
    assert lessons(result) == {"Ada Byron": ["01"]}
    assert (result.absent, result.sentences) == ([], ["index.html is not graded: it is a web page"])


def test_stray_notebook_does_not_affect_other_students(collect):
    tree = {f"{name}/{OWN}": ONE for name in ("ada", "bob", "cem")}
    result = collect(
        tree | {"bob_07_scratch.ipynb": SCRATCH, "cem/07_x.ipynb": SCRATCH, "ada/07_inception.ipynb": SEVEN}
    )
    assert lessons(result) == {"ada": ["01", "07"], "bob": ["01"], "cem": ["01"]}
    assert result.absent == []
    assert any("Lesson 07 was handed in only by ada" in sentence for sentence in result.sentences)
    assert any(sentence.startswith("bob: not graded: bob_07_scratch.ipynb") for sentence in result.sentences)
    assert any(sentence.startswith("cem: not graded: cem/07_x.ipynb") for sentence in result.sentences)


def test_choice_among_two_notebooks_names_the_rule(collect, tmp_path):
    result = collect({"leo/final.ipynb": ONE, "leo/first.ipynb": ONE[:1], "leo/02_matrix.ipynb": TWO}, "01")
    (file,) = result.to_grade
    assert file.name == "final.ipynb"
    assert "2 files of lesson 01; graded: leo/final.ipynb, the most complete of the same age" in file.note
    assert "not graded: leo/first.ipynb" in file.note
    for age, name in ((5_000, "final"), (0, "first")):
        path = tmp_path / "class" / "leo" / f"{name}.ipynb"
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    (file,) = submissions.collect(tmp_path / "class", tmp_path / "scratch", "01").to_grade
    assert "graded: leo/first.ipynb, the newest" in file.note


def test_imported_module_is_never_graded(collect, tmp_path):
    helper = b"import sums\n\n\ndef conv_at(x, w, b, n, k, i, j, stride, pad):\n    return sums.total(x)\n"
    tree = {
        f"leo/{OWN}": ["from helper import conv_at", "check('01.1', conv_at)"],
        "leo/helper.py": helper,
        "leo/sums.py": b"import helper\n",
        "leo/unused.py": b"x = 1\n",
        f"ada/{OWN}": ["import unused", "check('01.1', None)"],
    }
    collect(tree)
    later = tmp_path / "class" / "leo" / "helper.py"
    os.utime(later, (later.stat().st_mtime + 5_000,) * 2)
    result = submissions.collect(tmp_path / "class", tmp_path / "scratch", "01")
    ada, leo = result.to_grade
    assert (leo.name, leo.note) == (OWN, "with its own modules helper.py, sums.py")
    assert [path.name for path in leo.modules] == ["helper.py", "sums.py"]
    assert (ada.note, ada.modules) == ("", ())  # a module of another student
    assert "leo: not graded: leo/unused.py (without exercises)" in result.sentences


def test_linked_module_is_never_imported(collect, tmp_path):
    collect({f"leo/{OWN}": ["import helper", "check('01.1', None)"]})
    (tmp_path / "secret.py").write_text("x = 1\n", encoding="utf-8")
    try:
        (tmp_path / "class" / "leo" / "helper.py").symlink_to(tmp_path / "secret.py")
    except OSError:
        pytest.skip("not tried: links cannot be created here")
    (leo,) = submissions.collect(tmp_path / "class", tmp_path / "scratch", "01").to_grade
    assert (leo.name, leo.modules) == (OWN, ())


def test_notebook_of_another_lesson_is_named_in_the_row(collect):
    result = collect({f"ada/{OWN}": ONE, "gil.ipynb": TWO}, "01")
    assert [(missing.student, missing.lesson) for missing in result.absent] == [("gil", "01")]
    assert "gil.ipynb is for lesson 02" in result.absent[0].reason


def test_name_of_another_lesson_gets_a_note(collect):
    (file,) = collect({"ada/02_matrix.ipynb": ONE}).to_grade
    assert file.numbers[0] == "01.1"
    assert "is named after lesson 02, but it checks exercises of lesson 01" in file.note


def test_broken_notebook_has_rows(collect):
    result = collect({f"ada/{OWN}": ONE, "bob.ipynb": b"{", f"cem/{OWN}": b""})
    assert lessons(result) == {"ada": ["01"], "bob": ["01"], "cem": ["01"]}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_pipes_and_links_have_rows_or_a_sentence(collect, tmp_path):
    (tmp_path / "class").mkdir()
    os.mkfifo(tmp_path / "class" / "pipe.ipynb")
    (tmp_path / "class" / "loop").symlink_to(tmp_path / "class")
    (tmp_path / "class" / "cem.ipynb").symlink_to("/dev/zero")
    (tmp_path / "class" / "notes.txt").symlink_to("/dev/zero")
    result = collect({"ada.ipynb": ONE})
    assert lessons(result) == {"ada": ["01"], "cem": ["01"]}
    reasons = {missing.student: missing.reason for missing in result.absent}
    assert reasons["pipe"] == "no notebook of lesson 01; pipe.ipynb: it is not a file"
    assert reasons["loop"] == "no notebook of lesson 01; loop: it is a link, which is not followed"
    assert "notes.txt is not graded: it is a link, which is not followed" in result.sentences


@pytest.mark.parametrize("name", ["1", "01", "lesson 1", "01_feature_map", "Lesson01"])
def test_lesson_number_accepts_number_or_name(name):
    assert submissions.lesson_number(name) == "01"


def test_unknown_lesson_raises_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown lesson '77'; choose from 00, 01"):
        submissions.lesson_number("77")


def test_folder_without_notebooks_raises_with_its_contents(collect):
    with pytest.raises(ValueError, match="It contains 2 x PDF"):
        collect({"ada.pdf": b"%PDF", "bob.pdf": b"%PDF"})


@pytest.mark.parametrize(
    ("tree", "lesson", "expected"),
    [
        ({}, None, r"class is empty\.$"),
        ({}, "01", r"class is empty\.$"),
        ({"notes.csv": b""}, "01", r"It contains 1 x \.csv file\.$"),
        ({"notes.csv": b""}, None, r"1 x \.csv file\. Pass the lesson, such as --lesson 03\.$"),
    ],
)
def test_lesson_advice_appears_only_if_it_helps(collect, tree, lesson, expected):
    with pytest.raises(ValueError, match=expected):
        collect(tree, lesson)


@pytest.mark.parametrize("name", ["../../evil.ipynb", "/evil.ipynb", "a/../../evil.ipynb", "..\\evil.ipynb"])
def test_archive_writes_only_below_its_target(tmp_path, name):
    (tmp_path / "in" / "target").mkdir(parents=True)
    path = tmp_path / "bad.zip"
    path.write_bytes(archive({name: ONE}))
    archives.unpack(path, tmp_path / "in" / "target")
    outside = [path for path in tmp_path.rglob("evil.ipynb") if not path.is_relative_to(tmp_path / "in" / "target")]
    assert outside == []


def test_archive_bomb_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_UNPACKED", 1000)
    path = tmp_path / "bomb.zip"
    path.write_bytes(archive({"a.ipynb": "0" * 600, "b.ipynb": "0" * 600}))
    with pytest.raises(ValueError, match="too large"):
        archives.unpack(path, tmp_path / "target")


@pytest.mark.parametrize(
    ("name", "student"),
    [("2025", "2025"), ("01", None), ("Week 3 Gradients", None), ("lesson01", None), ("ada_lesson01", "ada")],
)
def test_folder_name_is_a_student_or_a_unit(name, student):
    assert file_names.student_of_folder(name) == student
