"""`/notifications`: what was said to whom, what could not be delivered, and who is left in peace."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from anchorwatch.app import notices
from anchorwatch.core.errors import InputError
from anchorwatch.core.times import micros
from anchorwatch.flow.notices import DeliveryState
from anchorwatch.server.pages.site import Go, View

if TYPE_CHECKING:
    from anchorwatch.server.pages.site import Ask

PAGE_SIZE = 50
SPANS = {"1 hour": timedelta(hours=1), "8 hours": timedelta(hours=8), "1 day": timedelta(days=1)}
SPANS |= {"1 week": timedelta(days=7)}
LOOKS = {"delivered": "ok", "waiting": "info", "held": "info", "dead": "page", "dropped": "unknown"}
"""Each state's colour and shape."""


def notifications(ask: Ask) -> View:
    """Channels, dead letters, deliveries and silences."""
    state, channel, before = ask.param("state"), ask.param("channel"), ask.param("before")
    found = notices.deliveries(
        ask.watch,
        state=state,
        channel=channel,
        before=int(before) if before.isdigit() else None,
        limit=PAGE_SIZE + 1,
    )
    shown = found[:PAGE_SIZE]
    context = {
        "deliveries": shown,
        "older": shown[-1]["id"] if len(found) > PAGE_SIZE else None,
        "channels": notices.channels(ask.watch),
        "silences": notices.silences(ask.watch),
        "chosen": {"state": state, "channel": channel},
        "states": tuple(DeliveryState),
        "looks": LOOKS,
        "spans": tuple(SPANS),
        "may_operate": ask.who is not None and ask.who.may("operate"),
    }
    twin = {name: context[name] for name in ("deliveries", "channels", "silences")}
    return View("notifications.html", context, twin=twin)


def retry(ask: Ask) -> Go:
    """Send one dead letter again, or all of them."""
    number = str(ask.form.get("id", ""))
    ask.watch.notifier.retry([int(number)] if number.isdigit() else None, who=_who(ask))
    return Go("/notifications")


def trial(ask: Ask) -> Go:
    """Send a test message."""
    ask.watch.notifier.test(str(ask.form.get("channel", "")), who=_who(ask))
    return Go("/notifications")


def silence(ask: Ask) -> Go:
    """Tell nobody of a model's incidents for a while."""
    length = str(ask.form.get("for", ""))
    if length not in SPANS:
        raise InputError(f"for {length!r}: take one of {', '.join(SPANS)}")
    words = {word: [text] for word in notices.WORDS if (text := str(ask.form.get(word, "")).strip())}
    until = micros(ask.site.clock.now() + SPANS[length])
    reason = str(ask.form.get("reason", "")).strip()[:500]
    ask.watch.notifier.silence(notices.match_of(words), until, who=_who(ask), reason=reason)
    return Go("/notifications")


def unsilence(ask: Ask) -> Go:
    """End a silence."""
    number = str(ask.form.get("id", ""))
    ask.watch.notifier.unsilence(int(number) if number.isdigit() else 0, who=_who(ask))
    return Go("/notifications")


def _who(ask: Ask) -> str:
    return ask.who.name if ask.who is not None else ""
