"""What pyproject.toml cannot say: a wheel takes the lessons along, which live beside the package and not in it."""

from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py

LESSONS = ("*.ipynb", "README.md", "src/*.py")


class WithLessons(build_py):
    """The usual build, and lessons/ as minigooglenet/lessons/. An editable installation reads them where they are."""

    def run(self):
        """Copy the modules, then the lessons."""
        super().run()
        if not self.editable_mode:
            for path in sorted(path for pattern in LESSONS for path in Path("lessons").glob(pattern)):
                target = Path(self.build_lib, "minigooglenet", path)
                target.parent.mkdir(parents=True, exist_ok=True)
                copyfile(path, target)


setup(cmdclass={"build_py": WithLessons})
