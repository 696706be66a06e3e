"""What the pages need of whoever keeps sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Principal(Protocol):
    """Who asks."""

    @property
    def name(self) -> str:
        """As people say it."""
        ...

    def may(self, scope: str) -> bool:
        """Whether `scope` is granted."""
        ...


class Session(Protocol):
    """Who is there, and whether a form came from one of our pages."""

    def principal(self, request: Request) -> Principal | None:
        """Who asks; None when nobody is signed in."""
        ...

    def csrf_token(self, request: Request) -> str:
        """What a form must bring back; bound to the session."""
        ...

    def check_csrf(self, request: Request, given: str) -> bool:
        """Whether a form brought it back."""
        ...

    def sign_in(self, request: Request, response: Response, token: str) -> Principal | None:
        """Set the session cookie on `response` when `token` is somebody's."""
        ...

    def sign_out(self, request: Request, response: Response) -> None:
        """Forget the session."""
        ...
