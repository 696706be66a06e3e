"""The locks hold what pyproject.toml asks for, and nothing that names a place."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from scripts.tools.house import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SCENES = [
    {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.7", "sys_platform": system}
    for minor in (11, 12, 13)
    for system in ("linux", "darwin")
]


def pins(name: str) -> dict[str, list[Requirement]]:
    """A lock's requirements by name."""
    found = defaultdict(list)
    for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            found[canonicalize_name(requirement.name)].append(requirement)
    return found


def wanted(*, test: bool) -> list[Requirement]:
    """What pyproject.toml asks for."""
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["demo"]]
    return [Requirement(line) for line in lines + (PROJECT["dependency-groups"]["test"] if test else [])]


def unmet(requirement: Requirement, locked: dict[str, list[Requirement]]) -> bool:
    """Whether some machine would not get a version that fits."""
    here = locked[canonicalize_name(requirement.name)]
    for scene in SCENES:
        if requirement.marker and not requirement.marker.evaluate(scene):
            continue
        fitting = [pin for pin in here if pin.marker is None or pin.marker.evaluate(scene)]
        versions = [Version(next(iter(pin.specifier)).version) for pin in fitting]
        if len(versions) != 1 or not requirement.specifier.contains(versions[0], prereleases=True):
            return True
    return False


@pytest.mark.parametrize(("name", "test"), [("lock.txt", False), ("lock-test.txt", True)])
def test_a_lock_is_fresh(name: str, test: bool) -> None:
    """Each requirement has exactly one pinned version that fits, on every Python and system we run on."""
    missing = [str(requirement) for requirement in wanted(test=test) if unmet(requirement, pins(name))]
    assert not missing, f"run scripts/lock: {missing}"


def test_the_locks_agree() -> None:
    """The tests run with the versions that users of the demo get."""
    small, large = pins("lock.txt"), pins("lock-test.txt")
    assert {name: set(map(str, found)) for name, found in small.items()}.items() <= {
        name: set(map(str, found)) for name, found in large.items()
    }.items()


@pytest.mark.parametrize("name", ["lock.txt", "lock-test.txt"])
def test_a_lock_names_no_place(name: str) -> None:
    """Names, versions and markers only: no address, no path, no hash."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!-]+( ; .+)?", line) for line in text.splitlines())
    assert not re.search(r"://|--hash|/", text)


def test_an_unmet_requirement_is_noticed() -> None:
    """The gate is closed: a lock without a package, or with too old a version, is stale."""
    locked = defaultdict(list, {"numpy": [Requirement("numpy==1.0")]})
    assert unmet(Requirement("numpy>=2"), locked)
    assert unmet(Requirement("scipy"), locked)
    assert not unmet(Requirement("numpy>=1"), locked)
    assert not unmet(Requirement("scipy; sys_platform == 'win32'"), locked)
