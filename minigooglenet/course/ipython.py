"""Conversion of cells to Python: IPython syntax (%magics, !commands, name?) becomes calls of `get_ipython()`.

If IPython is installed, it rewrites cells that are not valid Python. Otherwise the lines with syntax errors are
rewritten here, one after another, if they look like magics. Strings, comments and valid code do not change.
"""

import ast
import functools
import re
import textwrap
import warnings

# Cell magics whose body is not code of the notebook. Any other cell magic runs its body.
OPAQUE = (
    *("!", "bash", "sh", "script", "sx", "system", "html", "HTML", "javascript", "js", "latex", "markdown", "svg"),
    *("perl", "ruby", "cmd", "powershell", "python", "python2", "python3", "pypy", "writefile", "file", "timeit"),
    *("sql", "R", "cython"),
)
# Line magics that work without the % in a cell of one line.
AUTOMATIC = (
    *("alias", "autoreload", "bookmark", "cat", "cd", "clear", "conda", "config", "cp", "debug", "dirs", "env", "hist"),
    *("history", "ldir", "less", "lf", "lk", "ll", "load", "load_ext", "ls", "lsmagic", "lx", "magic", "man"),
    *("matplotlib", "micromamba", "mkdir", "more", "mv", "notebook", "pdb", "pinfo", "pip", "popd", "precision"),
    *("psearch", "pushd", "pwd", "pylab", "quickref", "recall", "reload_ext", "reset", "rm", "rmdir", "run"),
    *("store", "time", "timeit", "unload_ext", "uv", "who", "who_ls", "whos", "xmode"),
)
MOST_WORK = 2_000_000  # characters of a cell times its magics, because each magic scans all characters
MOST_LINES = 200  # lines that are rewritten in one cell without IPython
_CALL = re.compile(
    r"^(?P<before>[^\S\n]*(?:[^\n#'\"()]*=[^\S\n]*)?)get_ipython\(\)\.run_line_magic\('(?:time|prun)', "
    r"(?P<code>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")\)[^\S\n]*$",
    re.MULTILINE,
)
_OPTIONS = re.compile(r"^(?:-(?:[lsTDnrp]\s*\S+|[a-z]+|-[\w-]+)\s+)*")
_TARGET = r"[\w.,\[\]'\"][\w.,\s\[\]'\"]*=\s*"  # no leading space, to avoid exponential backtracking
_MAGIC = re.compile(rf"^(\s*)({_TARGET})?(?<!%)%(\w+)[^\S\n]?(.*)$")
_COMMAND = re.compile(rf"^(\s*)({_TARGET})?!!?(.*)$")
_LIKE_MAGIC = re.compile(r"^[^\S\n]*[%!?]|=[^\S\n]*[%!]|\?[^\S\n]*$", re.MULTILINE)
_HELP = re.compile(r"^(\s*)(?:\?{1,2}\s*([%\w.*]+)|(?:\w[\w\s]*=\s*)?([%\w.*]+)\s*\?{1,2})\s*$")


@functools.lru_cache(maxsize=4096)
def python(source: str) -> str:
    """Return a cell as Python. Valid Python does not change, nor does a cell that cannot be converted."""
    if valid(source) and not _automatic(source):
        return _unpacked(source) if "get_ipython()" in source else source
    above = source[: len(source) - len(source.lstrip("\n"))]  # keeps line numbers
    cell = source[len(above) :]
    if magic := re.match(r"%%([\w!]+)[^\S\n]*(.*)", cell):
        return above + _cell_magic(*magic.groups(), cell.partition("\n")[2])
    if _automatic(source):
        name, _, rest = cell.strip().partition(" ")
        return above + _CALL.sub(_timed, f"get_ipython().run_line_magic({name!r}, {rest!r})")
    return above + _CALL.sub(_timed, _lines(cell))


def _unpacked(source):
    """Return a cell exported by nbconvert in which each call of a magic is replaced by the code that it runs."""
    lines = _CALL.sub(_timed, source).split("\n")
    for statement in reversed(ast.parse("\n".join(lines)).body):
        match statement:
            case ast.Expr(
                ast.Call(
                    ast.Attribute(ast.Call(ast.Name("get_ipython")), "run_cell_magic"),
                    [ast.Constant(str(name)), ast.Constant(str(options)), ast.Constant(str(body))],
                )
            ) if name not in OPAQUE:
                lines[statement.lineno - 1 : statement.end_lineno] = _cell_magic(name, options, body).split("\n")
    return "\n".join(lines)


def valid(source: str) -> bool:
    """Return whether a cell is valid Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # "\d" in a student's text
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _automatic(source):
    """Return whether a cell is a single line with a magic without its %."""
    text = source.strip()
    name = text.split(maxsplit=1)[0] if text else ""
    if name not in AUTOMATIC or "\n" in text:
        return False
    return text == name or re.match(r"\w+\s+-[a-zA-Z]", text) is not None or not valid(text)


def _cell_magic(name, options, body):
    if name in OPAQUE:
        return f"get_ipython().run_cell_magic({name!r}, {options!r}, {body!r})"
    kept = next((word for word in options.split() if word.isidentifier()), None) if name == "capture" else None
    first = f"{kept} = get_ipython().captured()" if kept else ""
    return f"{first}\n{python(body)}"


def _timed(call):
    """Return the statement of a %time or %prun, which runs in the namespace of the notebook."""
    code = ast.literal_eval(call["code"])
    statement = code[_OPTIONS.match(code).end() :]
    return call["before"] + statement if valid(statement) and "\n" not in statement else call[0]


def _lines(cell):
    if len(cell) * len(_LIKE_MAGIC.findall(cell)) > MOST_WORK:
        return cell
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return _rewritten(cell)
    try:
        return TransformerManager().transform_cell(cell)
    except (SyntaxError, ValueError, RuntimeError, MemoryError):
        return cell


def _rewritten(cell):
    """Return a cell whose lines with syntax errors are rewritten, as long as they look like IPython syntax."""
    lines = textwrap.dedent(cell).split("\n")
    for _ in range(MOST_LINES):
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            at = _first(lines, (error.lineno or 0) - 1)
            if at is None:
                break
            end = at
            while lines[end].endswith("\\") and end + 1 < len(lines):
                end += 1
            lines[at] = _rewritten_line("\n".join(lines[at : end + 1]).replace("\\\n", " "))
            lines[at + 1 : end + 1] = [""] * (end - at)
        except (ValueError, RecursionError, MemoryError):
            break
        else:
            return "\n".join(lines)
    return cell


def _first(lines, stop):
    """Return the index of the line to rewrite: the one with the syntax error, or the one before it."""
    return next((at for at in (stop, stop - 1) if 0 <= at < len(lines) and _rewritten_line(lines[at])), None)


def _rewritten_line(line):
    if match := _MAGIC.match(line):
        space, target, name, rest = match.groups()
        return f"{space}{target or ''}get_ipython().run_line_magic({name!r}, {rest!r})"
    if match := _COMMAND.match(line):
        space, target, command = match.groups()
        return f"{space}{target or ''}get_ipython().{'getoutput' if target else 'system'}({command!r})"
    if match := _HELP.match(line):
        return f"{match[1]}get_ipython().run_line_magic('pinfo', {match[2] or match[3]!r})"
    return None
