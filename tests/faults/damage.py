"""Functions that corrupt the folder of a run, each called with a random generator and chosen by a seed."""

import json
import os
import shutil

import numpy as np

RECORDS = ("steps.csv", "epochs.csv", "gradients.csv")
FILES = (*RECORDS, "recipe.json", "checkpoint.safetensors", "weights.safetensors", "best.safetensors")
VALUES = (
    *(None, True, False, 0, -1, 7, 1.5, -2.5, 1e308, 10**30, -(10**30), 10**400, float("nan"), float("inf")),
    *("", "x", "0", "\0", "\ud800", "a" * 5000, "../../x", "conv1*", [], [1], ["x"], [None], {}, {"a": 1}, [[[]]]),
)


def damage(number, folder, other) -> str:
    """Corrupt a folder in the way that `number` selects, and describe it; `other` is the folder of another run."""
    rng = np.random.default_rng(number)
    kinds = (_bytes, _bytes, _kind, _rows, _rows, _recipe, _recipe, _recipe, _state, _state, _arrays, _another)
    return kinds[number % len(kinds)](rng, folder, other)


def _pick(rng, values):
    return values[int(rng.integers(len(values)))]


def _bytes(rng, folder, other):
    name = _pick(rng, FILES)
    content = bytearray((folder / name).read_bytes())
    at = int(rng.integers(max(1, len(content))))

    def flipped():
        content[at] ^= 1 << int(rng.integers(8))
        return content

    ways = {
        "a bit flipped": flipped,
        "truncated": lambda: content[:at],
        "emptied": lambda: b"",
        "zeros": lambda: bytes(len(content)),
        "zeros in the middle": lambda: content[:at] + bytes(100) + content[at + 100 :],
        "its end repeated": lambda: content + content[at:],
        "noise": lambda: rng.bytes(300),
        "noise in the middle": lambda: content[:at] + rng.bytes(9) + content[at:],
        "utf-16": lambda: content.decode("latin-1").encode("utf-16"),
        "windows line ends": lambda: content.replace(b"\n", b"\r\n"),
        "a byte order mark": lambda: b"\xef\xbb\xbf" + content,
        "a latin letter": lambda: content[:at] + b"\xe9" + content[at:],
        "a long line": lambda: content[:at] + b"9" * 200_000 + content[at:],
        "quotes": lambda: content[:at] + b'"' + content[at:],
        "many brackets": lambda: b"[" * 100_000,
    }
    way = _pick(rng, list(ways))
    (folder / name).write_bytes(ways[way]())
    return f"{name}: {way}"


def _kind(rng, folder, other):
    name = _pick(rng, (*FILES, ".training.lock"))
    path, way = (
        folder / name,
        _pick(rng, ("folder", "full folder", "link to itself", "lost link", "pipe", "link", "gone")),
    )
    path.unlink(missing_ok=True)
    if way.endswith("folder"):
        path.mkdir()
        if way == "full folder":
            (path / "x").write_text("x", encoding="utf-8")
    elif way == "link to itself":
        path.symlink_to(path.name)
    elif way == "lost link":
        path.symlink_to("nowhere")
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "link":
        path.symlink_to(other / name)
    return f"{name}: {way}"


def _rows(rng, folder, other):
    name = _pick(rng, RECORDS)
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    at, to = (int(value) for value in rng.integers(1, len(lines), 2))
    cells = lines[at].split(",")
    index = int(rng.integers(len(cells)))

    def cell(text):
        return [*lines[:at], ",".join([*cells[:index], text, *cells[index + 1 :]]), *lines[at + 1 :]]

    texts = ("", "x", "nan", "inf", "-1", "1e400", "0x1", "1_0", "9" * 5000, "\0", "=1+1", "1;2", '"', "\u0661", " 1")
    ways = {
        "a row twice": lambda: [*lines[:at], lines[at], *lines[at:]],
        "a row moved": lambda: [*[line for k, line in enumerate(lines) if k != at], lines[at]],
        "two rows exchanged": lambda: [{at: lines[to], to: lines[at]}.get(k, line) for k, line in enumerate(lines)],
        "a row lost": lambda: [line for k, line in enumerate(lines) if k != at],
        "no header": lambda: lines[1:],
        "another header": lambda: ["a,b,c", *lines[1:]],
        "a column more": lambda: [f"{line},1" for line in lines],
        "a column less": lambda: [line.rpartition(",")[0] for line in lines],
        "semicolons": lambda: [line.replace(",", ";") for line in lines],
        "an empty row": lambda: [*lines[:at], "", *lines[at:]],
        "words": lambda: [*lines[:at], "a,b,c,d,e,f,g", *lines[at:]],
        "rows after the end": lambda: [*lines, *lines[1:]],
        "a cell": lambda: cell(_pick(rng, texts)),
        "another cell": lambda: cell(_pick(rng, texts)),
    }
    way = _pick(rng, list(ways))
    (folder / name).write_text("\n".join(ways[way]()) + "\n", encoding="utf-8")
    return f"{name}: {way}"


def _changed(rng, values, names):
    """Change one field of a dict, and describe the change."""
    name, way = _pick(rng, names), _pick(rng, ("value", "value", "value", "gone", "unknown", "renamed"))
    if way == "value":
        values[name] = _pick(rng, VALUES)
        return f"{name} = {str(values[name])[:40]!r}"
    if way == "unknown":
        values[f"{name}x"] = 1
    else:
        old = values.pop(name, None)
        if way == "renamed":
            values[name.upper()] = old
    return f"{name} {way}"


def _recipe(rng, folder, other):
    path = folder / "recipe.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    inner = _pick(rng, ("settings", "settings", "arguments", None, None))
    if inner is None:
        change = _changed(rng, values, list(values))
    else:
        change = f"{inner}: {_changed(rng, values[inner], list(values[inner]))}"
    path.write_text(json.dumps(values), encoding="utf-8")
    return f"recipe.json: {change}"


def _contents(folder):
    from minigooglenet.weights import detect

    return detect.read(folder / "checkpoint.safetensors")


def _state(rng, folder, other):
    from minigooglenet.weights import safetensors

    contents = _contents(folder)
    state = json.loads(contents.arrays["trainer/state"].tobytes())
    inner = _pick(rng, ("run", "settings", "epochs", "tally", "generators", None, None, None))
    if inner is None:
        change = _changed(rng, state, list(state))
    elif inner == "run":
        change = f"run: {_changed(rng, state['run'], list(state['run']))}"
    elif inner == "settings":
        change = f"run settings: {_changed(rng, state['run']['settings'], list(state['run']['settings']))}"
    else:
        value = _pick(rng, VALUES)
        index = int(rng.integers(len(state[inner]) + 1))
        state[inner][index : index + 1] = [value]
        change = f"{inner}[{index}] = {str(value)[:40]!r}"
    contents.arrays["trainer/state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    safetensors.write(contents, folder / "checkpoint.safetensors")
    return f"checkpoint: state {change}"


def _arrays(rng, folder, other):
    from minigooglenet.weights import safetensors

    contents = _contents(folder)
    name = _pick(rng, list(contents.arrays))
    array = contents.arrays.pop(name)
    ways = {
        "gone": lambda: None,
        "renamed": lambda: {f"{name}x": array},
        "of another group": lambda: {f"velocity/{name.partition('/')[2]}": array},
        "of another shape": lambda: {name: np.concatenate([array.ravel(), array.ravel()])},
        "of doubles": lambda: {name: array.astype(np.float64)},
        "of integers": lambda: {name: array.astype(np.int32)},
        "negative": lambda: {name: -np.abs(array.astype(np.float32)) - 1},
        "a scalar": lambda: {name: np.float32(1).reshape(())},
        "empty": lambda: {name: array.ravel()[:0]},
        "not a state": lambda: {name: array, "trainer/state": np.zeros(3, np.float32)},
    }
    way = _pick(rng, list(ways))
    contents.arrays |= ways[way]() or {}
    safetensors.write(contents, folder / "checkpoint.safetensors")
    return f"checkpoint: {name} {way}"


def _another(rng, folder, other):
    name = _pick(rng, FILES)
    shutil.copy(other / name, folder / name)
    return f"{name}: another run's"
