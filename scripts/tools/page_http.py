"""docs/reference/http.md: every route, from the server's OpenAPI document."""

from __future__ import annotations

from typing import Any

METHODS = ("get", "put", "post", "patch", "delete")


def text() -> str:
    """The page."""
    from anchorwatch.server.document import openapi  # noqa: PLC0415 - its own page alone needs the server

    return render(openapi())


def render(document: dict[str, Any]) -> str:
    """An OpenAPI document as a page: routes in order of their path, with parameters and answers."""
    lines = [
        "# HTTP API",
        "",
        " ".join(document["info"].get("description", "").split()),
        "",
        "The machine-readable document is served at `/api/v1/openapi.json`.",
    ]
    for path, operations in sorted(document["paths"].items()):
        for method in METHODS:
            if method in operations:
                lines += _operation(method.upper(), path, operations[method])
    return "\n".join(lines)


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    about = operation.get("description") or operation.get("summary", "")
    lines = ["", f"## {method} {path}", "", about.strip()]
    parameters = operation.get("parameters", ())
    if parameters:
        lines += ["", "| parameter | in | meaning |", "|---|---|---|"]
        lines += [
            f"| `{item['name']}`{' (needed)' if item.get('required') else ''} | {item['in']} | "
            f"{' '.join(item.get('description', '').split())} |"
            for item in parameters
        ]
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        lines += ["", "Body: " + ", ".join(f"`{kind}`" for kind in body) + "."]
    answers = [
        f"**{code}** {answer.get('description', '')}"
        for code, answer in operation.get("responses", {}).items()
    ]
    return [*lines, "", "Answers: " + " · ".join(answer.rstrip(".") for answer in answers) + "."]
