"""What a process that died left open, ended by the next that opens the ledger."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, update

from firstline.ledger import rows, wallet
from firstline.ledger.audits import free_claims
from firstline.ledger.session import is_alive
from firstline.ledger.tables import entries, runs
from firstline.ledger.writer import Transaction
from firstline.money import ZERO


def end_interrupted(transaction: Transaction, folder: Path) -> None:
    """End what dead processes left open: their runs, and the holds of their calls, which are given back.

    What such a call has used nobody knows, nor whether its caller saw an answer: its wallet pays nothing, and its
    budgets count the hold.
    """
    connection, unfinished = transaction.connection, runs.c.verdict.is_(None)
    held = entries.c.state == "held"
    open_runs = select(runs.c.session).where(unfinished).distinct()
    open_entries = select(runs.c.session).join(entries, entries.c.run_id == runs.c.id).where(held).distinct()
    for name in connection.execute(open_runs.union(open_entries)).scalars().all():
        if is_alive(folder, name):
            continue
        of_it = entries.c.run_id.in_(select(runs.c.id).where(runs.c.session == name))
        ended = update(entries).where(held, of_it).values(state="failed", error=rows.CUT_OFF)
        returning = ended.returning(entries.c.key_id, entries.c.hold_nano_usd, entries.c.created)
        for entry in connection.execute(returning).all():
            if entry.key_id is not None:
                wallet.settle(transaction, wallet.Held(*entry), ZERO, entry.hold_nano_usd)
        free_claims(connection, name)
        statement = update(runs).where(unfinished, runs.c.session == name)
        ended_so = {"verdict": rows.UNVERIFIED, "error_code": rows.INTERRUPTED, "reason": rows.INTERRUPTED}
        connection.execute(statement.values(ended_so))
