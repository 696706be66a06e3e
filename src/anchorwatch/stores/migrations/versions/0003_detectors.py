"""Sequential detectors: where each stands, and what it raised."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """One step on."""
    op.create_table(
        "detector_states",
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("detector", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"]),
        sa.PrimaryKeyConstraint("model_id", "detector"),
    )
    op.create_table(
        "detections",
        sa.Column("id", _ID, nullable=False),
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("detector", sa.String(length=80), nullable=False),
        sa.Column("slice_id", _ID, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"]),
        sa.ForeignKeyConstraint(["slice_id"], ["slices.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("detections_by_window", "detections", ["model_id", "start"])
