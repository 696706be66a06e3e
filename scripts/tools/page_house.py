"""docs/explanation/house.md: the layers, from the table that the tests judge by."""

from __future__ import annotations

from scripts.tools.house import ALLOWED, picture, sources


def text() -> str:
    """The page."""
    present = sources()
    units = {source.unit for source in present}
    allowed = [
        f"| `{unit}` | {', '.join(names) or 'none'} |" for unit, names in ALLOWED.items() if unit in units
    ]
    return "\n".join(
        [
            "# How the house is built",
            "",
            "The package is a stack of layers. A module imports from lower layers only, never from a sibling and",
            "never upward; a test reads every import, also those inside functions, and draws this picture from",
            "the same table.",
            "",
            "```text",
            picture(present),
            "```",
            "",
            "Why it is so: what is below can be read, tested and reused without what is above. Everything up to",
            "`incidents` is pure: it opens no file, reads no clock and draws no random number. Time comes in as an",
            "argument, randomness as a seed, so a month of windows is tested in milliseconds. Adapters to databases",
            "and to other people's systems stand above the flow and are named by `app` alone; whoever wants another",
            "ledger or lake writes one module and changes one line there.",
            "",
            "Libraries stay where they belong, too:",
            "",
            "| layer | may import |",
            "|---|---|",
            *allowed,
            "",
            "Other habits that tests keep: bounds on the size of functions, classes, modules and signatures; one",
            "clock; every broad `except` listed with what re-reports; no function written twice; every excuse to",
            "the linter with its reason. They stand in `tests/architecture`, each with a made-up offence that it",
            "must find.",
        ]
    )
