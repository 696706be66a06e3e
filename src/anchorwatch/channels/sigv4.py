"""Amazon's Signature Version 4, for one form posted to one service.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from datetime import datetime

    from anchorwatch.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs; `session` where the key is a temporary one."""

    key: str
    secret: Secret
    session: Secret | None = None


def signed(
    credentials: Credentials, url: str, body: bytes, at: datetime, *, region: str, service: str
) -> dict[str, str]:
    """Headers of a form posted to the root of `url` at `at`."""
    stamp = f"{at:%Y%m%dT%H%M%SZ}"
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": urlsplit(url).netloc,
        "x-amz-date": stamp,
    }
    if credentials.session is not None:
        headers["x-amz-security-token"] = credentials.session.reveal()
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = f"POST\n{urlsplit(url).path or '/'}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    mark = hmac.new(_key(credentials.secret, scope), text.encode(), hashlib.sha256).hexdigest()
    told = f"AWS4-HMAC-SHA256 Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={mark}"
    return {**headers, "authorization": told}


def _key(secret: Secret, scope: str) -> bytes:
    """The signing key of a day, a region and a service."""
    key = f"AWS4{secret.reveal()}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
