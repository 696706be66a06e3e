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

    def notifications(self, **asked: Any) -> Any:
        """What was said to whom."""
        return self._ask("GET", f"notifications?{httpx.QueryParams(asked)}")

    def try_channel(self, channel: str) -> Any:
        """Send a test message from the server; what became of it."""
        return self._ask("POST", "notifications/test", {"channel": channel})

    def retry_notifications(self, numbers: list[int] | None) -> Any:
        """Send dead letters again, those of `numbers` or all."""
        return self._ask("POST", "notifications/retry", {"ids": numbers})

    def silences(self) -> Any:
        """Silences that hold."""
        return self._ask("GET", "silences")

    def silence(self, body: dict[str, Any]) -> Any:
        """A new silence."""
        return self._ask("POST", "silences", body)

    def unsilence(self, number: int) -> Any:
        """End a silence."""
        return self._ask("DELETE", f"silences/{number}")

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
