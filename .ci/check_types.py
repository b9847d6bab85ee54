"""Check the types of the public surface with mypy: every file that defines a public name, and a user's script.

The user's script is checked in strict mode. In the package, private functions need no annotations.
"""

import inspect
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from public_names import members, methods  # noqa: E402

UNTYPED = ["--allow-untyped-defs", "--allow-untyped-calls", "--allow-incomplete-defs", "--allow-untyped-decorators"]


def public_files():
    """Return the files that define a public name."""
    names = members()
    objects = [inspect.unwrap(value) for value in [*names.values(), *methods(names).values()]]
    files = {Path(inspect.getfile(value)) for value in objects if value.__module__.startswith("minigooglenet")}
    return sorted(path.relative_to(ROOT) for path in files if path.is_absolute())  # a dataclass makes methods of text


def main():
    """Run mypy twice; return its exit code."""
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--ignore-missing-imports"]
    package = subprocess.run([*mypy, *UNTYPED, "--no-warn-return-any", *public_files()], check=False, cwd=ROOT)
    script = subprocess.run([*mypy, "tests/typing/user_script.py"], check=False, cwd=ROOT)
    return package.returncode or script.returncode


if __name__ == "__main__":
    sys.exit(main())
