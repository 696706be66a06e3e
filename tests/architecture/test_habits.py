"""Habits that no linter knows: time, chance and files stay at the edge, excuses have reasons, nothing is said twice."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from scripts.tools.house import LAYERS, ROOT, Source, imports, sources

SOURCES = sources()
PURE = {unit for layer in LAYERS[:6] for unit in layer.units}

# Modules that read a clock of their own, and why `core.clock` does not serve there.
CLOCKS = {
    "core/clock.py": "is the clock",
}
CLIENT_CLOCK = {"time.monotonic", "time.perf_counter", "time.perf_counter_ns"}
"""The client times predictions in the caller's thread, where an indirection would cost more than the reading."""

# Broad excepts: how many, and what re-reports.
BROAD: dict[str, tuple[int, str]] = {}

CLOCK_CALL = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today)$|^time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|sleep)$")
IMPURE = {"io", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading", "uuid"}


def calls(source: Source) -> Iterator[tuple[int, str]]:
    """Names called, as written, with their lines."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def clock_calls(source: Source) -> list[str]:
    """Readings of the time outside the clock."""
    if source.path in CLOCKS:
        return []
    let = CLIENT_CLOCK if source.unit == "client" else set()
    return [
        f"{source.path}:{line}: {name}()" for line, name in calls(source) if CLOCK_CALL.search(name) and name not in let
    ]


def impure(source: Source) -> list[str]:
    """What a pure layer may not touch: files, sockets, processes, chance without a seed."""
    found = [f"{source.path}:{line}: import {parts[0]}" for line, parts in imports(source) if parts[0] in IMPURE]
    unseeded = [
        f"{source.path}:{line}: {name}()"
        for line, name in calls(source)
        if name == "open" or re.search(r"(^|\.)random\.(?!Generator|default_rng|SeedSequence|PCG64)\w+$", name)
    ]
    return found + unseeded


def broad(source: Source) -> int:
    """How many handlers catch everything."""
    handlers = [node for node in ast.walk(source.tree) if isinstance(node, ast.ExceptHandler)]
    return sum(
        node.type is None or bool({"Exception", "BaseException"} & {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)})
        for node in handlers
    )


def bare_excuses(source: Source) -> list[str]:
    """`noqa` without a code and a reason, `type: ignore` without a code."""
    lines = enumerate(source.text.splitlines(), 1)
    wrong = re.compile(r"# noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)* - \S)|# type: ignore(?!\[)")
    return [f"{source.path}:{number}: {line.strip()}" for number, line in lines if wrong.search(line)]


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
    """Every `noqa` names a rule and says why; every `type: ignore` names its error."""
    wrong = [line for source in SOURCES for line in bare_excuses(source)]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_written_twice() -> None:
    """No two functions have the same body."""
    assert not twins(SOURCES)


def test_no_test_sleeps() -> None:
    """Tests wait for events or are given the time."""
    own = sources(ROOT / "tests")
    slept = [f"{s.path}:{line}" for s in own for line, name in calls(s) if re.search(r"(^|\.)sleep$", name)]
    assert not slept, "\n".join(slept)


def test_the_gates_are_closed() -> None:
    """Each rule finds a made-up offence and lets honest code through."""
    assert len(clock_calls(Source.of("flow/a.py", "datetime.datetime.now()\ntime.time()\nclock.now()"))) == 2
    assert clock_calls(Source.of("client/a.py", "time.perf_counter()")) == []
    assert len(impure(Source.of("rules/a.py", "import socket\nopen('x')\nnp.random.rand(3)"))) == 3
    assert impure(Source.of("rules/a.py", "np.random.default_rng(seed)")) == []
    assert broad(Source.of("a.py", "try: pass\nexcept (ValueError, Exception): pass")) == 1
    assert broad(Source.of("a.py", "try: pass\nexcept ValueError: pass")) == 0
    hush = "# no" + "qa"
    assert len(bare_excuses(Source.of("a.py", f"x = 1  {hush}\ny = 2  {hush}: E501\nz = 3  {hush}: E501 - a table"))) == 2
    text = "def f(a):\n" + "\n".join(f"    a += {n}" for n in range(6))
    assert len(twins([Source.of("a.py", text), Source.of("b.py", text.replace("f(", "g("))])) == 1
