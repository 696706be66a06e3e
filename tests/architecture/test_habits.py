"""Habits that no linter knows: time, chance and files stay at the edge, excuses have reasons, nothing is said twice."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from scripts.tools.house import LAYERS, ROOT, Source, imports, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = sources()
PURE = {unit for layer in LAYERS[:6] for unit in layer.units}

# Units that read a clock of their own, and what they may call.
CLOCKS = {
    # It is the clock.
    "core/clock.py": {"datetime.now", "time.monotonic"},
    # The client stamps events, times predictions and paces retries in the caller's own process, where a clock
    # handed through would cost the serving thread more than the reading.
    "client": {"time.time", "time.monotonic", "time.perf_counter", "time.sleep"},
}

# Broad excepts: how many, and why catching everything is right there.
BROAD = {
    "app/courier.py": (2, "whatever a channel trips over is told veiled and tried again; the loop goes on"),
    "app/imports.py": (1, "users' modules may raise anything; told as an error of the configuration"),
    "app/notify.py": (
        2,
        "the loop logs what a round trips over and goes on; a test says why it failed, veiled",
    ),
    "app/story.py": (1, "a message goes without a part that cannot be found out; logged with its trace"),
    "app/watch.py": (1, "lets go of the lock, raises on"),
    "app/worker.py": (1, "the loop logs what a round trips over and goes on"),
    "channels/bounded.py": (1, "handed to the thread that asked, raised there"),
    "client/encode.py": (2, "users' objects may raise anything; told as an unreadable event"),
    "client/model.py": (4, "the serving thread must go on; counted and told"),
    "client/sender.py": (2, "the loop logs and tries again; a batch goes back, raises on"),
    "client/tally.py": (1, "the user's callback must not stop the sender; logged"),
    "flow/aside.py": (2, "a batch that fails alone is set aside with its trace; what fails again says why"),
    "flow/pump.py": (1, "a consumer's trouble is logged, shown in the status, tried again"),
    "metrics/custom.py": (1, "users' measures may raise anything; told as the reason why there is no value"),
    "stores/delta_table.py": (2, "half-written files are removed, raises on"),
    "stores/ledger/ledger.py": (1, "caches of an undone transaction are emptied, raises on"),
}

CLOCK_CALL = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today)$"
    r"|^time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|sleep)$"
)
IMPURE = {
    "io",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "uuid",
}
IMPURE_CALL = re.compile(
    r"^open$|^os\.(?!cpu_count$)|(^|\.)random\.(?!Generator|default_rng|SeedSequence|PCG64)\w+$"
)


def calls(source: Source) -> Iterator[tuple[int, str]]:
    """Names called, with their lines; those imported out of a module in full, such as `time.sleep`."""
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "random", "os"}
        for alias in node.names
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            yield node.lineno, imported.get(name, name)


def clock_calls(source: Source) -> list[str]:
    """Readings of the time outside the clock."""
    let = CLOCKS.get(source.path) or CLOCKS.get(source.unit, set())
    return [
        f"{source.path}:{line}: {name}()"
        for line, name in calls(source)
        if CLOCK_CALL.search(name) and name not in let
    ]


def impure(source: Source) -> list[str]:
    """What a pure layer may not touch: files, sockets, processes, chance without a seed."""
    found = [
        f"{source.path}:{line}: import {parts[0]}" for line, parts in imports(source) if parts[0] in IMPURE
    ]
    called = [f"{source.path}:{line}: {name}()" for line, name in calls(source) if IMPURE_CALL.search(name)]
    return found + called


def broad(source: Source) -> int:
    """How many handlers catch everything."""
    handlers = [node for node in ast.walk(source.tree) if isinstance(node, ast.ExceptHandler)]
    return sum(
        node.type is None
        or bool(
            {"Exception", "BaseException"} & {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
        )
        for node in handlers
    )


def bare_excuses(source: Source) -> list[str]:
    """`noqa` without a rule, or for a rule whose reason the module never gives; `type: ignore` without a code."""
    excused: set[str] = set()
    found = []
    for number, line in enumerate(source.text.splitlines(), 1):
        match = re.search(
            r"# (?:noqa(?P<rules>: [A-Z]+\d+(?:, ?[A-Z]+\d+)*)?(?P<reason> - \S)?|type: ignore(?P<code>\[)?)",
            line,
        )
        if match is None or match["code"]:
            continue
        rules = set(re.findall(r"[A-Z]+\d+", match["rules"] or ""))
        if match["reason"]:
            excused |= rules
        if not rules or rules - excused:
            found.append(f"{source.path}:{number}: {line.strip()}")
    return found


def twins(all_sources: list[Source]) -> list[str]:
    """Functions of six statements or more whose bodies are the same but for docstrings."""
    seen = defaultdict(list)
    for source in all_sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if sum(isinstance(item, ast.stmt) for part in body for item in ast.walk(part)) >= 6:
                    seen["".join(map(ast.dump, body))].append(f"{source.path}:{node.name}")
    return [" = ".join(places) for places in seen.values() if len(places) > 1]


def test_only_the_clock_reads_the_time() -> None:
    """Time comes in as an argument; nothing sleeps."""
    wrong = [line for source in SOURCES for line in clock_calls(source)]
    assert not wrong, "\n".join(wrong)


def test_pure_layers_touch_nothing() -> None:
    """Below `flow` nothing opens a file, a socket or a process, or draws a number without a seed."""
    wrong = [line for source in SOURCES if source.unit in PURE for line in impure(source)]
    assert not wrong, "\n".join(wrong)


def test_broad_excepts_are_listed_with_their_reason() -> None:
    """Whoever catches everything is listed, with what re-reports; the list holds nobody else."""
    found = Counter({source.path: broad(source) for source in SOURCES})
    assert +found == Counter({path: count for path, (count, _) in BROAD.items()})


def test_excuses_name_their_rule_and_reason() -> None:
    """Every `noqa` names a rule, with its reason where the module first does; every `type: ignore` its error."""
    wrong = [line for source in SOURCES for line in bare_excuses(source)]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_written_twice() -> None:
    """No two functions have the same body."""
    assert not twins(SOURCES)


def sleeps(source: Source) -> list[str]:
    """Sleeps; `asyncio.sleep(0)`, which lets others run, is none."""
    return [
        f"{source.path}:{node.lineno}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] == "sleep"
        and ast.unparse(node) != "asyncio.sleep(0)"
    ]


def test_no_test_sleeps() -> None:
    """Tests wait for events or are given the time."""
    wrong = [line for s in sources(ROOT / "tests") if s.unit != "bench" for line in sleeps(s)]
    assert not wrong, "\n".join(wrong)


def test_the_gates_are_closed() -> None:
    """Each rule finds a made-up offence and lets honest code through."""
    assert len(clock_calls(Source.of("flow/a.py", "datetime.datetime.now()\ntime.time()\nclock.now()"))) == 2
    assert len(clock_calls(Source.of("flow/a.py", "from time import sleep as nap\nnap(1)"))) == 1
    assert clock_calls(Source.of("client/a.py", "time.perf_counter()")) == []
    assert (
        len(impure(Source.of("rules/a.py", "import socket\nopen('x')\nnp.random.rand(3)\nos.remove('x')")))
        == 4
    )
    assert impure(Source.of("rules/a.py", "np.random.default_rng(seed)")) == []
    assert broad(Source.of("a.py", "try: pass\nexcept (ValueError, Exception): pass")) == 1
    assert broad(Source.of("a.py", "try: pass\nexcept ValueError: pass")) == 0
    hush = "# no" + "qa"
    lines = [
        f"a = 1  {hush}",
        f"b = 2  {hush}: E501",
        f"c = 3  {hush}: E501 - a table",
        f"d = 4  {hush}: E501",
    ]
    assert len(bare_excuses(Source.of("a.py", "\n".join(lines)))) == 2
    text = "def f(a):\n" + "\n".join(f"    a += {n}" for n in range(6))
    assert len(twins([Source.of("a.py", text), Source.of("b.py", text.replace("f(", "g("))])) == 1
    assert len(sleeps(Source.of("a.py", "asyncio.sleep(0)\ntime.sleep(1)\nsleep(2)"))) == 2
