"""Errors of a worker: the number of the worker stays in the message."""

import errno
import os

import pytest

from minigooglenet import cli
from minigooglenet.distributed import errors


@pytest.mark.parametrize(
    ("number", "path", "expected"),
    [
        (errno.ENOENT, "/data/cats", "worker 2: /data/cats: no such file or folder"),
        (errno.ENOSPC, None, "worker 2: the disk is full; free some space and run the command again"),
        (errno.EFBIG, "steps.csv", "worker 2: steps.csv: file too large"),
    ],
)
def test_system_error_names_its_worker(number, path, expected):
    original = OSError(number, os.strerror(number), path)
    error = errors.from_description(2, list(errors.described(original)))
    assert cli.sentence(error) == expected
    assert (error.errno, error.filename) == (number, path)
