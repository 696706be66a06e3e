"""Forks, exits and kills, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import anchorwatch.client as aw

    Connect = Callable[..., aw.Watching]

HEAD = """
import os, signal, sys, threading
import anchorwatch.client as aw
url, folder = sys.argv[1:3]
"""


def start(script: str, *args: Any) -> subprocess.Popen[str]:
    """Run a script of a model service."""
    code = HEAD + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, *map(str, args)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(script: str, *args: Any) -> None:
    """Run it to its end."""
    process = start(script, *args)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err, err


def texts(server: Any) -> list[str]:
    """The feature `n` of all events, sorted."""
    return sorted(event["features"]["n"] for event in server.events)


def test_what_is_logged_last_leaves_at_exit(server: Any, tmp_path: Path) -> None:
    """A process that just ends has sent everything."""
    run("m = aw.connect(url, linger=30.0).model('m')\nfor n in range(100): m.log({'n': str(n)}, prediction=1)",
        server.url, tmp_path)  # fmt: skip
    assert len(server.events) == 100


def test_the_exit_is_not_held_up_by_a_dead_server(server: Any, tmp_path: Path) -> None:
    """Bounded by `exit_timeout`, whatever the server does."""
    server.always = "hang"
    run(
        "m = aw.connect(url, exit_timeout=0.1).model('m')\nm.log({'n': '1'}, prediction=1)",
        server.url,
        tmp_path,
    )
    assert server.events == []


@pytest.mark.parametrize("spooled", [False, True])
def test_parent_and_child_send_their_own(spooled: bool, server: Any, tmp_path: Path) -> None:
    """Logging before, during and after forks: each event once, each id once, whoever forks when."""
    run(
        """
        options = {"spool": folder} if sys.argv[3] == "True" else {}
        watch = aw.connect(url, linger=0.005, **options)
        m = watch.model('m')
        ids = [m.log({'n': f'before {n}'}, prediction=1) for n in range(500)]
        children = []
        for child in range(4):
            pid = os.fork()
            if pid == 0:
                mine = [m.log({'n': f'child {child} {n}'}, prediction=1) for n in range(300)]
                open(f'{folder}/ids-{child}', 'w').write(' '.join(mine))
                ok = m.flush(20) and m.stats.sent == 300 and m.stats.accepted == 300
                os._exit(0 if ok else 1)
            children.append(pid)
            ids += [m.log({'n': f'parent {child} {n}'}, prediction=1) for n in range(300)]
        open(f'{folder}/ids', 'w').write(' '.join(ids))
        assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
        assert m.flush(20) and m.stats.sent == 1700, m.stats
        """,
        server.url, tmp_path, spooled,
    )  # fmt: skip
    wanted = [f"before {n}" for n in range(500)]
    wanted += [f"{who} {child} {n}" for who in ("child", "parent") for child in range(4) for n in range(300)]
    assert texts(server) == sorted(wanted)
    ids = [name for path in tmp_path.glob("ids*") for name in path.read_text().split()]
    assert len(set(ids)) == len(ids) == 2900
    assert sorted(event["id"] for event in server.events) == sorted(ids)


def test_a_fork_in_an_outage_leaves_the_spool_to_the_parent(server: Any, tmp_path: Path) -> None:
    """The child begins with a spool of its own and does not touch its parent's."""
    server.stop()
    process = start(
        """
        watch = aw.connect(url, spool=folder, linger=0.0, backoff=0.005, backoff_cap=0.01)
        m = watch.model('m')
        m.log({'n': 'parent'}, prediction=1)
        m.flush(0.2)
        assert m.stats.spooled == 1, m.stats
        pid = os.fork()
        m.log({'n': 'child' if pid == 0 else 'parent too'}, prediction=1)
        m.flush(0.1)
        if pid == 0:
            ok = m.stats.accepted == 1 and m.flush(30)
            watch.close(1)
            os._exit(0 if ok else 1)
        print('spooled', flush=True)
        assert m.flush(30), m.stats
        assert os.waitpid(pid, 0)[1] == 0
        """,
        server.url, tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "spooled\n"
    server.start()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert texts(server) == ["child", "parent", "parent too"]
    assert list(tmp_path.glob("*/*.seg")) == []


def test_a_living_child_does_not_keep_its_dead_parents_spool(
    server: Any, connect: Connect, tmp_path: Path
) -> None:
    """The lock ends with the process that spooled, whoever was forked from it."""
    server.stop()
    process = start(
        """
        m = aw.connect(url, spool=folder, linger=0.0, backoff=0.005, backoff_cap=0.01).model('m')
        m.log({'n': 'left'}, prediction=1)
        while m.stats.spooled == 0:
            m.flush(0.02)
        if os.fork() == 0:
            print('forked', flush=True)
            sys.stdin.read()
            os._exit(0)
        threading.Event().wait()
        """,
        server.url, tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "forked\n"
    process.kill()
    process.wait(10)
    server.start()
    connect(spool=tmp_path).flush()
    assert server.wait(lambda: texts(server) == ["left"])
    process.communicate(timeout=10)


def test_workers_of_multiprocessing_flush_when_they_end(server: Any, tmp_path: Path) -> None:
    """They skip `atexit`, as Uvicorn's workers do, and still send what they logged last."""
    script = tmp_path / "service.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys
            import anchorwatch.client as aw

            def work(url, name):
                aw.connect(url, linger=30.0).model('m').log({'n': name}, prediction=1)

            if __name__ == '__main__':
                for kind in ('fork', 'spawn'):
                    worker = multiprocessing.get_context(kind).Process(target=work, args=(sys.argv[1], kind))
                    worker.start()
                    worker.join(30)
            """
        )
    )
    subprocess.run([sys.executable, str(script), server.url], check=True, timeout=60)
    assert texts(server) == ["fork", "spawn"]


@pytest.mark.parametrize("moment", [1, 7, 23])
def test_a_kill_loses_and_doubles_nothing_spooled(
    moment: int, server: Any, connect: Connect, tmp_path: Path
) -> None:
    """Killed while it drains its spool, a process leaves the rest to the next one: every event once, in order."""
    server.stop()
    script = """
        watch = aw.connect(url, spool=folder, linger=0.0, batch_events=10, backoff=0.005, backoff_cap=0.01)
        m = watch.model('m')
        for n in range(1000):
            m.log({'n': f'{n:05d}'}, prediction=1)
        while m.stats.spooled < 1000:
            m.flush(0.02)
        print('spooled', flush=True)
        threading.Event().wait()
        """
    process = start(script, server.url, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "spooled\n"
    server.start()
    assert server.wait(lambda: len(server.batches) >= moment)
    process.kill()
    process.communicate(timeout=10)
    heir = connect(spool=tmp_path).model("m")
    heir.log({"n": "99999"}, prediction=1)
    assert heir.flush()
    assert server.wait(lambda: len(server.events) == 1001)
    arrived = [event["features"]["n"] for event in server.events]
    assert arrived == [*(f"{n:05d}" for n in range(1000)), "99999"]
    assert list(tmp_path.glob("*/*.seg")) == []
