"""Run by Alembic: takes the connection that `firstline.ledger.schema` opened, already inside a locked transaction."""

from __future__ import annotations

from alembic import context

from firstline.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
