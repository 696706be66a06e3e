"""Ways to people: thin senders, one file each, registered in `CHANNELS`.

A channel says one message within a bounded time and returns a handle, or raises `ChannelError`. It never retries,
keeps no state, follows no redirect, and shows its secrets nowhere.
"""

from anchorwatch.channels.alertmanager import Alertmanager
from anchorwatch.channels.apprise import Apprise
from anchorwatch.channels.console import Console
from anchorwatch.channels.email import Email
from anchorwatch.channels.kinds import CHANNELS, ChannelKind, channel
from anchorwatch.channels.pagerduty import PagerDuty
from anchorwatch.channels.read import read_channel, read_channels
from anchorwatch.channels.slack import Slack
from anchorwatch.channels.sns import Sns
from anchorwatch.channels.twilio import Twilio
from anchorwatch.channels.vault import Vault
from anchorwatch.channels.webhook import Webhook

__all__ = [
    "CHANNELS",
    "Alertmanager",
    "Apprise",
    "ChannelKind",
    "Console",
    "Email",
    "PagerDuty",
    "Slack",
    "Sns",
    "Twilio",
    "Vault",
    "Webhook",
    "channel",
    "read_channel",
    "read_channels",
]
