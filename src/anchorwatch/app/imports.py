"""Modules of the user's own, whose measures register as they are imported.

What may be imported is said on the machine alone: by `imports` of `watch.yaml` and by `anchorwatch serve --import`,
never over HTTP.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def import_modules(names: Iterable[str], folder: Path) -> None:
    """Import modules, which may lie in `folder`; raises `ConfigError` naming the module and what is wrong with it.

    >>> from pathlib import Path
    >>> import_modules(["no_such_module_of_mine"], Path())
    Traceback (most recent call last):
    anchorwatch.core.errors.ConfigError: cannot import 'no_such_module_of_mine': ...
    """
    here = str(folder.resolve())
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"cannot import {name!r}: write a module as Python does, such as my_package.measures"
            )
        if here not in sys.path:
            # Last: nothing that is installed is hidden by a file that lies there.
            sys.path.append(here)
        try:
            import_module(name)
        except Exception as problem:
            raise ConfigError(
                f"cannot import {name!r}: {type(problem).__name__}: {problem}; "
                f"modules are looked for in the environment and in {folder}"
            ) from problem
