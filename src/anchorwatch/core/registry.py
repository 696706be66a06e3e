"""A registry refuses duplicates and suggests near names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Generic, TypeVar

from anchorwatch.core.errors import ConflictError, UnknownError

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind; ours register through the same call as anybody's.

    >>> colours = Registry[int]("colour")
    >>> colours.add("red", 1)
    1
    >>> colours["rad"]
    Traceback (most recent call last):
    anchorwatch.core.errors.UnknownError: no colour is named 'rad'; did you mean 'red'?
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Register `thing` under `name`; raises `ConflictError` when the name is taken."""
        if name in self._things:
            raise ConflictError(f"a {self.kind} named {name!r} is registered already; choose another name")
        self._things[name] = thing
        return thing

    def replace(self, name: str, thing: T) -> T:
        """Put `thing` in the place of what is registered under `name`; raises `UnknownError` when nothing is."""
        self[name]
        self._things[name] = thing
        return thing

    def __getitem__(self, name: str) -> T:
        try:
            return self._things[name]
        except KeyError:
            raise UnknownError(unknown(self.kind, name, self._things)) from None

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def values(self) -> list[T]:
        """All things, in order of registration."""
        return list(self._things.values())


def unknown(kind: str, name: str, known: object) -> str:
    """Say that `name` is not known, with the nearest known name or the list of a few."""
    names = sorted(str(item) for item in known)  # type: ignore[attr-defined]
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"no {kind} is named {name!r}; did you mean {near[0]!r}?"
    shown = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"no {kind} is named {name!r}; known: {shown or 'none yet'}"
