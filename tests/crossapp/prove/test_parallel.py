"""Work in processes of its own: results as they are done, a process that dies, and the end of the parent."""

import os
import select
import subprocess
import sys
from pathlib import Path

from crossapp.prove.parallel import in_parallel


def _doubled(number: int) -> int:
    if number < 0:
        os._exit(1)
    return number * 2


def test_each_item_comes_back_with_its_result() -> None:
    assert sorted(in_parallel(_doubled, [1, 2, 3], 2)) == [(1, 2), (2, 4), (3, 6)]


def test_a_process_that_dies_is_told_and_the_rest_is_done() -> None:
    found = dict(in_parallel(_doubled, [-1, 5, 6], 1))
    assert found == {-1: None, 5: 10, 6: 12}


def test_a_worker_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import os, threading\n"
        "from crossapp.prove.parallel import in_parallel\n"
        "def work(name):\n"
        "    print(os.getpid(), flush=True)\n"
        "    threading.Event().wait()\n"
        "if __name__ == '__main__':\n"
        "    list(in_parallel(work, ['a', 'b'], 2))\n",
        "utf-8",
    )
    with subprocess.Popen([sys.executable, str(parent)], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        worker = os.pidfd_open(int(started.stdout.readline()))
        started.kill()
    try:
        ended, _, _ = select.select([worker], [], [], 10)
    finally:
        os.close(worker)
    assert ended
