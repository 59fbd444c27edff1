"""Types that several threads decode for the first time at once do not end the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

RACE = """
import sys, threading
import firstline.app.build
import msgspec
from firstline.app.structs import prepare_structs
from firstline.tasks.task_file import TaskFile

prepare_structs()
TREE = {"kind": "classify", "instruction": "Sort.", "labels": [{"name": "a"}, {"name": "b"}]}
sys.setswitchinterval(1e-6)
together = threading.Barrier(8)

def decode():
    together.wait()
    for _ in range(50):
        try:
            msgspec.convert(TREE, TaskFile)
        except msgspec.ValidationError:
            pass

threads = [threading.Thread(target=decode) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.mark.parametrize("time", range(4))
def test_threads_may_decode_a_type_for_the_first_time_at_once(time: int) -> None:
    """Without the preparation about every second process of these ends with a segmentation fault."""
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
