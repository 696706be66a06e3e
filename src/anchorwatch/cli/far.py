"""Acts on a server, which the client that models import has no use for."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from anchorwatch.client.transport import TransportDown
from anchorwatch.core.errors import AnchorwatchError, ConflictError, DeniedError, InputError, UnknownError

_ERRORS: dict[int, type[AnchorwatchError]] = {
    401: DeniedError,
    403: DeniedError,
    404: UnknownError,
    409: ConflictError,
}


class Far:
    """A server's API; every method raises what the same act on a store would."""

    def __init__(self, url: str, token: str | None, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url.rstrip("/")
        self._client = partial(
            httpx.Client, base_url=f"{self._url}/api/v1/", headers=headers, timeout=30, transport=transport
        )

    def act(self, number: int, act: str, body: dict[str, Any]) -> Any:
        """`acknowledge`, `silence` or `resolve` an incident."""
        return self._ask("POST", f"incidents/{number}/{act}", body)

    def replay(self, model: str, body: dict[str, Any]) -> Any:
        """What rules would have fired."""
        return self._ask("POST", f"models/{quote(model, safe='')}/replay", body)

    def tokens(self) -> Any:
        """Every token, without its secret."""
        return self._ask("GET", "tokens")

    def make_token(self, name: str, scopes: list[str]) -> Any:
        """A new token, with its text this once."""
        return self._ask("POST", "tokens", {"name": name, "scopes": scopes})

    def revoke_token(self, number: str) -> None:
        """From now on the token is nobody's."""
        self._ask("DELETE", f"tokens/{number}")

    def retry_set_aside(self) -> Any:
        """Do again the batches that were set aside; each with its `problem`."""
        return self._ask("POST", "set-aside/retry")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            with self._client() as client:
                answer = client.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise TransportDown(f"{self._url}: {problem or type(problem).__name__}") from None
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _ERRORS.get(answer.status_code, InputError if answer.is_client_error else TransportDown)(
            _detail(answer)
        )


def _detail(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return str(body.get("detail") or body.get("title") or f"the server answered {answer.status_code}")
    return f"the server answered {answer.status_code}"
