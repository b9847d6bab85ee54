"""Notes about originality ignore the handout, and recognise solutions, engine calls and equal answers."""

import ast
import json
from pathlib import Path

import pytest

from minigooglenet.course import answers, handout, originality, release
from minigooglenet.exercises.find import everything

LESSONS = Path(__file__).parents[2] / "lessons"
NOTEBOOKS = sorted(LESSONS.glob("[0-9][0-9]_*.ipynb"))


def numbers(lesson):
    return tuple(number for number in everything() if number.startswith(f"{lesson}."))


def notes_of(*files, lesson="01", handout=None):
    submitted = [(path.stem, path, numbers(lesson)) for path in files]
    return [
        {number: texts for number, texts in notes.items() if texts} for notes in originality.notes(submitted, handout)
    ]


def write(path, *sources):
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_untouched_handout_has_no_note(path):
    assert notes_of(path, lesson=path.stem[:2]) == [{}]


def test_two_untouched_handouts_have_no_note(tmp_path):
    copies = [tmp_path / f"{name}.ipynb" for name in ("ada", "bob")]
    for copy in copies:
        copy.write_bytes(NOTEBOOKS[1].read_bytes())
    assert notes_of(*copies) == [{}, {}]


class Renamed(ast.NodeTransformer):
    """A transformer that renames the local names of a function."""

    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.names.get(node.arg, node.arg)
        return node


def disguised(source):
    """Return a cell without comments, with other spacing, and with other names of variables in its functions."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    for index, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef):
            nodes = list(ast.walk(node))
            stored = {child.id for child in nodes if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)}
            answer_names = stored | {child.arg for child in nodes if isinstance(child, ast.arg)}
            tree.body[index] = Renamed({name: f"my_{name}" for name in answer_names}).visit(node)
    return ast.unparse(tree)


@pytest.mark.parametrize("change", [lambda source: source, disguised], ids=["word for word", "disguised"])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_official_solutions_get_a_note(path, change, tmp_path):
    made = json.loads((LESSONS / "solutions" / path.name).read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    (result,) = notes_of(write(tmp_path / "ada.ipynb", *map(change, sources)), lesson=path.stem[:2])
    assert [
        texts for number, texts in result.items() if number and texts[0].startswith("the same code as the official")
    ]
    assert ("" in result and "markers" in result[""][0]) == (change is not disguised)


IMPORTS = "import numpy as np\nimport minigooglenet as mg\nfrom minigooglenet.kernels import conv2d, im2col\n"
IMPORTS += "from minigooglenet.exercises import check"
HEAD = "def conv_forward(x, w, b, stride, pad):\n    "
DELEGATED = {
    "a call": f"{HEAD}return conv2d.forward(x, w, b, stride, pad)",
    "through the package": f"{HEAD}return mg.kernels.conv2d.forward(x, w, b, stride, pad)",
    "the kernel itself": "conv_forward = conv2d.forward",
    "through a helper": f"def helper(*all):\n    return conv2d.forward(*all)\n{HEAD}return helper(x, w, b)",
    "imported inside": f"{HEAD}from minigooglenet.kernels.loops import conv2d as c\n    return c.forward(x, w, b)",
    "by a text": f"{HEAD}return importlib.import_module('minigooglenet.kernels.conv2d').forward(x, w, b)",
    "a layer": f"{HEAD}return mg.layers.Conv2d(3, 4, 3).forward(x)",
}


@pytest.mark.parametrize("source", DELEGATED.values(), ids=DELEGATED)
def test_engine_call_gets_a_note(source, tmp_path):
    (result,) = notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source, "check('01.3', conv_forward)"))
    assert result["01.3"][0].startswith("calls the engine: ")
    (result,) = notes_of(
        write(tmp_path / "bob.ipynb", IMPORTS, source.replace("conv_forward", "f"), "check('01.3', f)")
    )
    assert "01.3" in result


def test_engine_call_that_the_exercise_allows_has_no_note(tmp_path):
    source = "def inception(x, weights, biases):\n    return conv2d.forward(x, weights, biases, 1, 0)"
    name = everything()["07.3"].name
    assert notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source.replace("inception", name)), lesson="07") == [{}]


def test_original_answer_has_no_note(tmp_path):
    local = "def conv_forward(x, w, b, stride, pad):\n    mg = im2col = conv2d = x\n    return mg + conv2d * im2col"
    short = "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))"
    assert notes_of(write(tmp_path / "ada.ipynb", IMPORTS, local, "check('01.3', conv_forward)")) == [{}]
    assert notes_of(write(tmp_path / "bob.ipynb", IMPORTS, short, "check('03.1', conv_db)"), lesson="03") == [{}]


@pytest.mark.parametrize(
    "source",
    [
        "def f(*all):\n    return find('01.3').reference_function(*all)",
        "f = getattr(find('01.3'), 'reference_function')",
        "from minigooglenet.lessons.lesson_01_feature_map.one_value import conv_at as f",
        "import minigooglenet.lessons.lesson_01_feature_map.one_value as hidden\nf = hidden.conv_at",
    ],
)
def test_solution_lookup_gets_a_note(source, tmp_path):
    (result,) = notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source, "check('01.3', f)"))
    assert result[""][0].startswith("looks up solutions: ")


def test_edited_handout_cell_has_no_note(tmp_path):
    made = json.loads((LESSONS / "04_trust.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    sources[0] += "\nimport math"
    assert notes_of(write(tmp_path / "ada.ipynb", *sources), lesson="04") == [{}]


OWN = """
def conv_forward(x, w, b, stride, pad):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = range(0, padded.shape[2] - w.shape[2] + 1, stride)
    columns = range(0, padded.shape[3] - w.shape[3] + 1, stride)
    made = [[padded[:, :, i : i + w.shape[2], j : j + w.shape[3]] for j in columns] for i in rows]
    return np.einsum("ijncuv,kcuv->nkij", np.array(made), w) + b[None, :, None, None]
"""


def test_equal_files_both_get_a_note(tmp_path):
    files = [write(tmp_path / f"{name}.ipynb", IMPORTS, OWN) for name in ("ada", "bob", "cem", "dan", "eve")]
    result = notes_of(*files)
    assert result[0][""] == ["the same file as bob, cem, dan and 1 more"]
    assert result[4][""] == ["the same file as ada, bob, cem and 1 more"]


def test_equal_code_with_other_names_gets_a_note(tmp_path):
    ada = write(tmp_path / "ada.ipynb", IMPORTS, OWN)
    bob = write(tmp_path / "bob.ipynb", IMPORTS, "# by bob\n" + OWN)
    cem = write(tmp_path / "cem.ipynb", IMPORTS, disguised(OWN), "x = 3")
    dan = write(tmp_path / "dan.ipynb", IMPORTS, OWN.replace("stride)", "stride * 1)"))
    result = notes_of(ada, bob, cem, dan)
    assert result[0][""] == ["the same code as bob"]
    assert result[2]["01.3"] == ["the same code as ada, bob"]
    assert result[3] == {}


def test_handout_of_the_course_is_ignored(tmp_path):
    (tmp_path / "src").mkdir()
    text = (handout.sources()[1]).read_text(encoding="utf-8")
    peek = "from minigooglenet.lessons.lesson_01_feature_map.one_value import something"
    (tmp_path / "src" / "01_feature_map.py").write_text(f"{text}\n\n# %%\n{peek}\n", encoding="utf-8")
    release.release(tmp_path / "src", tmp_path / "out")
    path = tmp_path / "out" / "01_feature_map.ipynb"
    assert "looks up" in notes_of(path)[0][""][0]
    assert notes_of(path, handout=tmp_path / "out") == [{}]


def test_unreadable_file_has_no_note(tmp_path):
    (tmp_path / "ada.ipynb").write_text("{", encoding="utf-8")
    assert notes_of(tmp_path / "ada.ipynb") == [{}]


def test_deeply_nested_code_has_a_note(tmp_path):
    source = "def conv_forward(x):\n    return " + "+".join(["x"] * 2000)
    (result,) = notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source))
    assert result in (
        {"": ["its code is nested too deeply to be compared"]},
        {},
    )  # depends on the nesting limit of this Python


def test_renamed_helper_does_not_hide_a_solution(tmp_path):
    made = json.loads((LESSONS / "solutions" / "01_feature_map.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    answer_names = [disguised(source).replace("conv_at", "one_pixel") for source in sources]
    (result,) = notes_of(write(tmp_path / "ada.ipynb", *answer_names))
    assert {number for number, texts in result.items() if "official" in texts[0]} >= {"01.1", "01.3"}


def test_canonical_form_ignores_names_but_not_operations():
    plain, renamed = (ast.parse(f"def f({a}):\n    '''Text.'''\n    return {a} + 1").body[0] for a in "ab")
    other = ast.parse("def f(a):\n    return a - 1").body[0]
    assert answers.canonical(plain) == answers.canonical(renamed) != answers.canonical(other)


def test_engine_call_that_the_course_allows_has_no_note(tmp_path):
    path = write(tmp_path / "ada.ipynb", IMPORTS, DELEGATED["a call"], "check('01.3', conv_forward)")
    submitted = [("ada", path, numbers("01"))]
    assert "calls the engine" in originality.notes(submitted, allowed={"engine": False})[0]["01.3"][0]
    assert not any(originality.notes(submitted, allowed={"engine": True})[0].values())


def test_scipy_gets_a_note_only_if_forbidden(tmp_path):
    path = write(tmp_path / "ada.ipynb", IMPORTS, "from scipy import signal\n" + OWN)
    submitted = [("ada", path, numbers("01"))]
    assert originality.notes(submitted, allowed={"scipy": False})[0][""] == [
        "uses SciPy, which this course does not allow"
    ]
    for allowed in ({}, {"scipy": True}):
        assert not any(originality.notes(submitted, allowed=allowed)[0].values())


def test_equal_code_has_no_note_if_sharing_is_allowed(tmp_path):
    submitted = [(name, write(tmp_path / f"{name}.ipynb", IMPORTS, OWN), numbers("01")) for name in ("ada", "bob")]
    assert [len(notes[""]) for notes in originality.notes(submitted, allowed={"each_other": False})] == [1, 1]
    assert not any(any(notes.values()) for notes in originality.notes(submitted, allowed={"each_other": True}))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_untouched_handout_has_no_note_with_any_rules(path):
    submitted = [("ada", path, numbers(path.stem[:2]))]
    for value in (True, False):
        allowed = dict.fromkeys(("engine", "scipy", "each_other", "assistants"), value)
        assert not any(originality.notes(submitted, allowed=allowed)[0].values())


def test_solutions_of_the_course_get_a_note(tmp_path):
    (tmp_path / "src").mkdir()
    solved = OWN.replace("    return", "    ### BEGIN SOLUTION\n    return", 1) + "    ### END SOLUTION\n"
    source = f"# %%\n# exercise 01.3\n{solved}\n\n# %%\ncheck('01.3', conv_forward)\n"
    (tmp_path / "src" / "01_feature_map.py").write_text(source, encoding="utf-8")
    release.release(tmp_path / "src", tmp_path / "out", tmp_path / "hidden")
    path = write(tmp_path / "ada.ipynb", IMPORTS, OWN, "check('01.3', conv_forward)")
    submitted = [("ada", path, numbers("01"))]
    assert not any(originality.notes(submitted)[0].values())
    (result,) = originality.notes(submitted, tmp_path / "out", solutions=tmp_path / "hidden")
    assert result["01.3"] == ["the same code as the official solution"]
