"""What a model service imports: light, never raises, never blocks."""

from anchorwatch.client.model import Model, Predicting
from anchorwatch.client.options import ClientOptions, SpoolSync, WhenFull
from anchorwatch.client.tally import Drop, Reason, Stats
from anchorwatch.client.transport import HttpTransport, Outgoing, Refused, Transport, TransportDown
from anchorwatch.client.watch import RemoteWatch, Watching, connect

__all__ = [
    "ClientOptions",
    "Drop",
    "HttpTransport",
    "Model",
    "Outgoing",
    "Predicting",
    "Reason",
    "Refused",
    "RemoteWatch",
    "SpoolSync",
    "Stats",
    "Transport",
    "TransportDown",
    "Watching",
    "WhenFull",
    "connect",
]
