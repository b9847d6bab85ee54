"""Notebooks from reviewed sources: without solutions for students, with solutions for instructors, without outputs.

A source is a Python file in jupytext's percent format. Solutions are marked with nbgrader's `### BEGIN SOLUTION` and
`### END SOLUTION`. In a function, a solution becomes a NotImplementedError that names the exercise; outside of
functions, every name that it assigns becomes `name = ...`. A cell that answers a prediction loses its asserts.

The same source gives the same bytes on every machine: cell IDs are hashes.
"""

import ast
import hashlib
import re
import tomllib
from pathlib import Path

from minigooglenet import extras, files

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_NUMBER = re.compile(r"exercise (\d\d\.\d+\w?)", re.IGNORECASE)


def student(text: str, name: str, repository: str | None = None) -> str:
    """Return the notebook for students as JSON, from the text of a source.

    name : of the lesson, "03_gradients";  repository : "owner/name" on GitHub for a link that opens it in Colab
    """
    return _notebook(text, name, repository, solutions=False)


def solution(text: str, name: str, repository: str | None = None) -> str:
    """Return the notebook with solutions as JSON, from the text of a source."""
    return _notebook(text, name, repository, solutions=True)


def both(source, edit=lambda stem, text: text, more=None) -> dict[str, str]:
    """Return {path in the lessons folder: notebook} for every source, for students and with solutions.

    edit : returns the text that is used for a source, or None to skip it
    more : {lesson: additional cells as text}, after the cells of the lesson, or in a separate notebook
    """
    made, repository = {}, github(Path(source).resolve())
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (lesson_files if more else sources)(source)}
    for lesson, cells in (more or {}).items():
        stem = next((stem for stem in texts if stem.startswith(lesson)), f"{lesson}_exercises")
        first = texts.get(stem, f"# %% [markdown]\n# # {lesson} Exercises\n")
        texts[stem] = f"{first.rstrip()}\n{cells}"
    for stem, text in texts.items():
        text = edit(stem, text)
        if text is None:
            continue
        for make, subfolder in ((student, ""), (solution, "solutions/")):
            made[f"{subfolder}{stem}.ipynb"] = make(text, stem, repository)
    return made


def sources(folder) -> list[Path]:
    """Return the sources of the lessons in a folder, or raise a FileNotFoundError if it has none."""
    paths = lesson_files(folder)
    if not paths:
        raise FileNotFoundError(f"{folder} contains no lesson sources, such as 03_gradients.py")
    return paths


def lesson_files(folder) -> list[Path]:
    """Return the sources of the lessons in a folder or in its subfolders such as lesson_03_gradients/, in order."""
    paths = [path for subfolder in ("", "lesson_*/") for path in Path(folder).glob(f"{subfolder}[0-9][0-9]_*.py")]
    return sorted(paths, key=lambda path: path.name)


def generate(source, folder) -> list[Path]:
    """Write the notebooks of all sources in `source` to `folder` and `folder`/solutions; return their paths."""
    written = []
    for name, notebook in both(source).items():
        written.append(Path(folder) / name)
        written[-1].parent.mkdir(parents=True, exist_ok=True)
        files.write_text(written[-1], notebook)
    return written


def with_text(text: str, words: str) -> str:
    """Return a source with an additional Markdown cell after its first cell."""
    cell = "\n".join(["# %% [markdown]", *(f"# {line}".rstrip() for line in words.splitlines()), "", ""])
    cells = [match.start() for match in re.finditer(r"^# %%", text, re.MULTILINE)]
    position = cells[1] if len(cells) > 1 else len(text)
    return f"{text[:position]}{cell}{text[position:]}"


def github(folder) -> str | None:
    """Return "owner/name" of the GitHub repository in this package's pyproject.toml above `folder`, or None."""
    for parent in Path(folder).parents:
        if (parent / "pyproject.toml").is_file():
            project = tomllib.loads((parent / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
            urls = project.get("urls", {}).values() if project.get("name") == "minigooglenet" else ()
            matches = (re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?", url) for url in urls)
            return next((match.group(1) for match in matches if match), None)
    return None


def colab_url(repository: str, notebook: str) -> str:
    """Return the address that opens a notebook below lessons/ of a GitHub repository in Colab."""
    return f"https://colab.research.google.com/github/{repository}/blob/main/lessons/{notebook}"


def _colab(repository, name, solutions):
    link = colab_url(repository, f"{'solutions/' if solutions else ''}{name}.ipynb")
    install = f'%pip install "minigooglenet[course] @ git+https://github.com/{repository}"'
    return f"[Open this lesson in Colab]({link}); there, first run `{install}`."


def _notebook(text, name, repository, solutions):
    with extras.needed("course", "making notebooks"):
        import jupytext
        import nbformat

    notebook = jupytext.reads(text, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        identity = hashlib.sha256(f"{name}/{number}/{cell.source}".encode()).hexdigest()[:12]
        try:
            source = cell.source if solutions or cell.cell_type != "code" else without_solution(cell.source)
        except ValueError as error:
            raise ValueError(f"{name}, cell {number + 1}: {error}") from None
        if number == 0 and repository:
            source += "\n\n" + _colab(repository, name, solutions)
        cell.update(id=identity, metadata=_slide(cell), source=source)
    notebook.update(metadata=METADATA, nbformat=4, nbformat_minor=5)
    return nbformat.writes(notebook) + "\n"


def _slide(cell):
    """Return the metadata that start a new slide at a heading, for `nbconvert --to slides`."""
    heading = re.match(r"#{1,3} ", cell.source) if cell.cell_type == "markdown" else None
    if heading is None:
        return {}
    return {"slideshow": {"slide_type": "subslide" if heading.end() == 4 else "slide"}}


def without_solution(source: str) -> str:
    """Return a code cell in which every solution is replaced by a stub."""
    lines, kept, inside = source.splitlines(), [], None
    exercise = _NUMBER.search(source)
    for number, line in enumerate(lines, 1):
        if line.strip() == BEGIN:
            if inside is not None:
                raise ValueError(f"line {number}: {BEGIN} inside a solution")
            inside = []
        elif line.strip() == END:
            if inside is None:
                raise ValueError(f"line {number}: {END} without {BEGIN}")
            kept += _stub(inside, exercise.group(1) if exercise else None)
            inside = None
        elif inside is None:
            kept.append(line)
        else:
            inside.append(line)
    if inside is not None:
        raise ValueError(f"{BEGIN} without {END}")
    return _unspoiled("\n".join(kept))


def _unspoiled(source):
    """Return a cell that answers a prediction without its asserts, which would reveal the answer."""
    if "outcome(" not in source:
        return source
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # IPython syntax
        return source
    asserts = [statement for statement in statements if isinstance(statement, ast.Assert)]
    removed = {number for node in asserts for number in range(node.lineno, node.end_lineno + 1)}
    return "\n".join(line for number, line in enumerate(source.splitlines(), 1) if number not in removed).rstrip()


def _stub(solution, exercise):
    first = next((line for line in solution if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    which = f"exercise {exercise}: " if exercise else ""
    stop = f'raise NotImplementedError("{which}write this")'
    return [indent + stop] if indent else _unassigned(solution, stop) or [stop]


def _unassigned(solution, stop):
    """Return lines that bind the names of a solution outside of functions to placeholders."""
    lines = []
    for statement in ast.parse("\n".join(solution)).body:
        if isinstance(statement, ast.FunctionDef):
            apart = "\n\n" if lines else ""
            lines.append(f"{apart}def {statement.name}({ast.unparse(statement.args)}):\n    {stop}")
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            nodes = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            names = [node.id for node in sorted(nodes, key=_position) if isinstance(node.ctx, ast.Store)]
            lines += [f"{name} = ...  # your answer" for name in names]
    return list(dict.fromkeys(lines))


def _position(node):
    return node.lineno, node.col_offset
