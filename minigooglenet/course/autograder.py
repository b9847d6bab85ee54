"""The autograder archive for Gradescope: this package, its settings and two scripts.

Gradescope unpacks the archive to /autograder/source, runs setup.sh once, and run_autograder for each submission.
"""

import io
import zipfile
from importlib import metadata
from pathlib import Path

import minigooglenet
from minigooglenet import extras, files
from minigooglenet.course import course_file, own_exercises

PACKAGE = Path(minigooglenet.__file__).parent
EXTRA = "course"
SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, when it builds the image.
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "minigooglenet needs Python 3.11 or later. Choose Ubuntu 24.04 as the base image of the autograder." >&2
  exit 1
fi
apt-get update
apt-get install --yes --no-install-recommends python3-venv bubblewrap
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --no-cache-dir -r "$root/source/requirements.txt"
cd "$root"
PYTHONPATH="$root/source" "$root/venv/bin/python" -m minigooglenet warmup
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this for each submission and reads results/results.json.
set -uo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
cd "$root"
mkdir -p results
export PYTHONPATH="$root/source"
if ! venv/bin/python -m minigooglenet grade submission --csv results/grades.csv --format gradescope@OPTIONS@; then
  why="This submission could not be graded. Hand in the notebook of the lesson. If you did, contact the teaching staff."
  printf '{"score": 0, "output": "%s"}\\n' "$why" > results/results.json
fi
"""


def write(path, handout, lesson=None, course=None, exercises=None) -> Path:
    """Write the archive and return its path.

    handout : folder that `release` wrote;  lesson : "03", if the assignment is one lesson
    course : a course file;  exercises : folder of the course's own exercises
    """
    options, made = " --handout source/handout", {}
    for notebook in sorted(Path(handout).glob("*.ipynb")):
        made[f"handout/{notebook.name}"] = notebook.read_bytes()
    if lesson is not None:
        options += f" --lesson {lesson}"
    if course is not None:
        options += " --course source/course.toml"
        made["course.toml"] = Path(course).read_bytes()
        if roster := course_file.roster_file(course):
            made[roster] = Path(course).with_name(roster).read_bytes()
    if exercises is not None:
        options += f" --exercises source/{Path(exercises).resolve().name}"
        made |= {name: text.encode() for name, text in own_exercises.handed_out(exercises).items()}
    made |= {
        "setup.sh": SETUP.encode(),
        "run_autograder": RUN.replace("@OPTIONS@", options).encode(),
        "requirements.txt": "\n".join([*requirements(), ""]).encode(),
        **_package(),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in made.items():
            entry = zipfile.ZipInfo(name)  # dated 1980, so that equal content gives equal bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name in ("setup.sh", "run_autograder") else 0o644) << 16
            archive.writestr(entry, data)
    with files.atomic(Path(path)) as target:
        target.write(file.getvalue())
    return Path(path)


def requirements() -> list[str]:
    """Return the requirements of this package with the extra for courses, without the markers of this machine."""
    needed = extras.requirements(EXTRA)
    for requirement in needed:
        requirement.marker = None
    return list(map(str, needed))


def _package():
    """Return {path: content} of this package as it runs here, and of its metadata with the version."""
    version = metadata.version("minigooglenet")
    about = f"Metadata-Version: 2.1\nName: minigooglenet\nVersion: {version}\n"
    kept = [
        path
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file() and path.suffix not in (".pyc", ".nbi", ".nbc") and "__pycache__" not in path.parts
    ]
    return {
        f"minigooglenet-{version}.dist-info/METADATA": about.encode(),
        **{path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes() for path in kept},
    }
