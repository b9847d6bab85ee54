"""The roster: students by all of their names and aliases."""

import pytest

from minigooglenet.course.roster import Person, Roster, people_of

ROSTER = Roster(
    [
        Person("Ada Byron", ("countess",), "101", "a.byron@example.org"),
        Person("Bo Li", (), "102", "bo@example.org"),
        Person("Zo\u00eb Kay", ("zeno",)),
        Person("Hal Ito"),
        Person("Ito Hal"),
        Person("Ana Mar\u00eda de la Cruz"),
    ]
)


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("Ada Byron", "Ada Byron"),
        ("byronada", "Ada Byron"),
        ("ADA_BYRON", "Ada Byron"),
        ("Byron, Ada", "Ada Byron"),
        ("Countess", "Ada Byron"),
        ("101", "Ada Byron"),
        ("a.byron", "Ada Byron"),
        ("a.byron@example.org", "Ada Byron"),
        ("zoe kay", "Zo\u00eb Kay"),
        ("Zoe\u0308 Kay", "Zo\u00eb Kay"),
        ("Hal Ito", "Hal Ito"),
        ("itohal", None),  # two students, because words may be in any order
        ("", None),
        ("unknown", None),
    ],
)
def test_roster_finds_a_student_by_any_spelling(name, student):
    result = ROSTER.find(name)
    assert (result and result.name) == student


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("zeno_team_07_hw1", "Zo\u00eb Kay"),
        ("hw1 final Bo Li", "Bo Li"),
        ("01_feature_map_countess (2)", "Ada Byron"),
        ("ada_byron_and_bo_li", None),  # two students
        ("robo_limit", None),
        ("bo", "Bo Li"),  # the part of the address before the @
        ("homework_101", None),  # a number may mean anything
    ],
)
def test_roster_finds_the_only_name_inside_a_longer_one(name, student):
    result = ROSTER.within(name)
    assert (result and result.name) == student


@pytest.mark.parametrize(
    ("name", "students"),
    [
        ("ada_byron_and_bo_li", ["Ada Byron", "Bo Li"]),
        ("team 7 - Bo Li, zeno", ["Bo Li", "Zo\u00eb Kay"]),
        ("countess ada_byron", []),  # one student, found by `within`
        ("Ada Byron Ada", []),  # two readings
        ("team_07_hw1", []),
    ],
)
def test_roster_finds_several_names_in_one(name, students):
    assert [person.name for person in ROSTER.several(name)] == students


def test_overlapping_names_match_nobody():
    roster = Roster([Person("Ana Maria"), Person("Maria Lopez")])
    assert roster.several("ana_maria_lopez") == []
    assert [person.name for person in roster.several("ana maria & maria lopez")] == ["Ana Maria", "Maria Lopez"]


CANVAS = "Student\tSIS User ID\tSIS Login ID\tEmail\tSection\nPoints Possible\t\n"
CANVAS += "Ada Byron\t7\tabyron\tada@x.org\tA\nBo Li\t8\n"


@pytest.mark.parametrize(
    "text",
    [
        "name,id,email,section\nAda Byron,7,ada@x.org,A\nBo Li,8,,\n",
        "\ufeffFirst name;Last name;ID number;Email address;Group\r\nAda;Byron;7;ada@x.org;A\r\nBo;Li;8;;\r\n",
        CANVAS,
        'Full name,ID,E-mail,Sections,Aliases\n"Ada Byron",7,ada@x.org,A,"abyron; ada b"\nBo Li,8,,,\n\n',
    ],
    ids=["plain", "Moodle in Excel", "Canvas", "aliases"],
)
def test_roster_reads_exports_of_platforms(tmp_path, text):
    (tmp_path / "roster.csv").write_bytes(text.encode("utf-8"))
    ada, bo = people_of(tmp_path / "roster.csv")
    assert (ada.name, ada.id, ada.email, ada.section) == ("Ada Byron", "7", "ada@x.org", "A")
    assert (bo.name, bo.id, bo.email) == ("Bo Li", "8", "")
    assert ada.aliases in ((), ("abyron",), ("abyron", "ada b"))


def test_roster_reads_utf_16(tmp_path):
    (tmp_path / "roster.csv").write_bytes("name\nZo\u00eb Kay\n".encode("utf-16"))
    assert people_of(tmp_path / "roster.csv") == [Person("Zo\u00eb Kay")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"who,what\nada,1\n", "has no column 'name', or 'first name' and 'last name'; its first line is: who, what"),
        (b"", "its first line is: nothing"),
        (b"name\n", "contains no students after its first line"),
        (b"name\nZo\xeb\n", "is not valid UTF-8: line 2 has the byte 0xeb"),
    ],
)
def test_invalid_roster_file_raises(tmp_path, data, expected):
    (tmp_path / "roster.csv").write_bytes(data)
    with pytest.raises(ValueError, match=r"roster\.csv") as caught:
        people_of(tmp_path / "roster.csv")
    assert expected in str(caught.value)


def test_duplicate_names_or_aliases_are_rejected():
    with pytest.raises(ValueError, match="'Ada' is on the roster twice"):
        Roster([Person("Ada"), Person("Ada")])
    with pytest.raises(ValueError, match="'x1' is an alias, an id or an email of both 'Ada' and 'Bob'"):
        Roster([Person("Ada", ("X1",)), Person("Bob", ("x_1",))])
