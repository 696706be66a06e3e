"""The ledger's tables. Times are integers: microseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

_id = Integer().with_variant(BigInteger(), "postgresql")


def _model() -> Column[int]:
    return Column("model_id", _id, ForeignKey("models.id"), nullable=False)


meta = Table(
    "meta", metadata, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False)
)

models = Table(
    "models",
    metadata,
    Column("id", _id, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("spec", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("watermark", BigInteger),  # newest prediction time seen
    Column("outcomes_until", BigInteger),  # newest outcome time seen
    Column("arrived_at", BigInteger),  # when the newest event was rolled, by the wall clock
)

versions = Table(
    "versions",
    metadata,
    Column("id", _id, primary_key=True),
    _model(),
    Column("version", String(200), nullable=False),
    Column("grid_id", _id, ForeignKey("grids.id")),
    Column("first_at", BigInteger),
    Column("last_at", BigInteger),
    Column("events", BigInteger, nullable=False, default=0),
    UniqueConstraint("model_id", "version"),
)

grids = Table(
    "grids",
    metadata,
    Column("id", _id, primary_key=True),
    _model(),
    Column("digest", String(64), nullable=False),
    Column("blob", LargeBinary, nullable=False),
    UniqueConstraint("model_id", "digest"),
)

references = Table(
    "reference_profiles",
    metadata,
    Column("grid_id", _id, ForeignKey("grids.id"), primary_key=True),
    Column("start", BigInteger, primary_key=True),  # -1: the whole reference; else one of its windows
    Column("blob", LargeBinary, nullable=False),
)

slices = Table(
    "slices",
    metadata,
    Column("id", _id, primary_key=True),
    _model(),
    Column("version", String(200), nullable=False),
    Column("segment", String(420), nullable=False),
    Column("every", Integer, nullable=False, default=0),  # 1: all versions together
    UniqueConstraint("model_id", "every", "version", "segment"),
)

profiles = Table(
    "profiles",
    metadata,
    Column("slice_id", _id, ForeignKey("slices.id"), primary_key=True),
    Column("grain", String(8), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("stage", String(8), primary_key=True),
    Column("grid_id", _id, ForeignKey("grids.id"), nullable=False),
    Column("blob", LargeBinary, nullable=False),
)

layouts = Table(
    "layouts",
    metadata,
    Column("id", _id, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("entries", Text, nullable=False),
)

# Heads: what was measured of the model as a whole. A year of one number reads nothing else, row after row.
results = Table(
    "results",
    metadata,
    Column("slice_id", _id, ForeignKey("slices.id"), primary_key=True),
    Column("grain", String(8), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("finish", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("joined", BigInteger, nullable=False),
    Column("layout_id", _id, ForeignKey("layouts.id"), nullable=False),
    Column("blob", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Tails: what was measured of columns and classes.
details = Table(
    "details",
    metadata,
    Column("slice_id", _id, ForeignKey("slices.id"), primary_key=True),
    Column("grain", String(8), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("layout_id", _id, ForeignKey("layouts.id"), nullable=False),
    Column("blob", LargeBinary, nullable=False),
)

offsets = Table(
    "offsets",
    metadata,
    Column("consumer", String(20), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

dropped = Table(
    "dropped",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("rows", LargeBinary, nullable=False),  # int32 positions of duplicates within the batch
)

runs = Table(
    "runs",
    metadata,
    Column("name", String(80), primary_key=True),
    _model(),
    Column("kind", String(12), nullable=False),
    Column("day", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("oldest", BigInteger, nullable=False),
    Column("newest", BigInteger, nullable=False),
)

orphans = Table(
    "orphans",
    metadata,
    Column("model_id", _id, ForeignKey("models.id"), primary_key=True),
    Column("key", LargeBinary(16), primary_key=True),
    Column("outcome", LargeBinary(8), nullable=False),  # one little-endian double
    Column("at", BigInteger, nullable=False),
    Column("came", BigInteger),  # the outcome's own time; absent in rows older than this column
)

outcome_days = Table(
    "outcome_days",
    metadata,
    _model(),
    Column("start", BigInteger, nullable=False),  # of the window of the prediction
    Column("day", Integer, nullable=False),  # since 1970, far from the window: a rebuild would not look there
    PrimaryKeyConstraint("model_id", "start", "day"),
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("consumer", String(20), primary_key=True),
    Column("model", String(100), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),  # when the batch arrived
    Column("payload", LargeBinary, nullable=False),
    Column("dropped", LargeBinary),  # int32 positions of duplicates, where the roller knew them
    Column("reason", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
)

dirty = Table(
    "dirty",
    metadata,
    Column("model_id", _id, ForeignKey("models.id"), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("finish", BigInteger, nullable=False),
    Column("rebuild", Integer, nullable=False, default=0),
)

judged = Table(
    "judged",
    metadata,
    Column("model_id", _id, ForeignKey("models.id"), primary_key=True),
    Column("stage", String(8), primary_key=True),
    Column("start", BigInteger, primary_key=True),
)

states = Table(
    "rule_states",
    metadata,
    Column("model_id", _id, ForeignKey("models.id"), primary_key=True),
    Column("key", String(20), primary_key=True),
    Column("body", Text, nullable=False),
)

detector_states = Table(
    "detector_states",
    metadata,
    Column("model_id", _id, ForeignKey("models.id"), primary_key=True),
    Column("detector", String(80), primary_key=True),
    Column("body", Text, nullable=False),
)

detections = Table(
    "detections",
    metadata,
    Column("id", _id, primary_key=True),
    _model(),
    Column("detector", String(80), nullable=False),
    Column("slice_id", _id, ForeignKey("slices.id"), nullable=False),
    Column("start", BigInteger, nullable=False),  # of the window of the prediction
    Column("since", BigInteger, nullable=False),  # losses since the detector's start before it
    Column("value", Float, nullable=False),  # their mean
    Index("detections_by_window", "model_id", "start"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", _id, primary_key=True),
    _model(),
    Column("start", BigInteger, nullable=False),
    Column("measure", String(80), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("version", String(200), nullable=False),
    Column("segment", String(420), nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("model_id", "start", "rule", "subject", "version", "segment"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", _id, primary_key=True),
    _model(),
    Column("cause", String(100), nullable=False),
    Column("state", String(12), nullable=False),
    Column("severity", String(12), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("incidents_by_state", "model_id", "state"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("scopes", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("act", String(60), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("detail", Text, nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("id", _id, primary_key=True),
    Column("channel", String(200), nullable=False),
    Column("model", String(100), nullable=False),
    Column("state", String(12), nullable=False),
    Column("said_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("threads_by_state", "state", "model"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _id, primary_key=True),
    Column("channel", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("thread", _id, nullable=False),  # 0: of none, such as a digest
    Column("model", String(100), nullable=False),
    Column("incident", _id, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("delivered_at", BigInteger),
    Column("body", Text),  # the message, once composed
    Column("chart", LargeBinary),
    Index("deliveries_by_state", "state", "channel", "due_at"),
    Index("deliveries_by_thread", "thread", "state"),
    Index("deliveries_by_incident", "incident"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", _id, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", _id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("model", String(100), nullable=False),
    Column("incident", _id, nullable=False),
    Column("channel", String(200), nullable=False),
    Column("told", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("delivery", _id, nullable=False),
    Index("decisions_by_incident", "incident"),
    Index("decisions_by_time", "at"),
)
