"""Makes a table of the ledger anew with other rules, and copies its rows: SQLite cannot change the rules of one."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

_TYPES = {"VARCHAR": "TEXT", "BIGINT": "INTEGER", "BOOLEAN": "INTEGER", "FLOAT": "REAL"}
"""Types of columns that a STRICT table does not know."""


def make_anew(connection: sa.Connection, table: str, rules: Mapping[str, str], *, strict: bool = True) -> None:
    """Make a table anew with its columns, keys, indexes and triggers; `rules` are checks by their names.

    Runs without enforced foreign keys (`schema.migrate`).
    """
    columns = columns_of(connection, table)
    key = [str(column["name"]) for column in sorted(columns, key=lambda one: int(str(one["pk"]))) if column["pk"]]
    parts = [_column(column) for column in columns]
    parts.append(f"CONSTRAINT pk_{table} PRIMARY KEY ({', '.join(key)})")
    parts += _references(connection, table)
    parts += _unique(connection, table)
    parts += [f"CONSTRAINT ck_{table}_{name} CHECK ({rule})" for name, rule in rules.items()]
    query = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL"
    beside = connection.exec_driver_sql(query, (table,)).scalars().all()
    lines = ",\n\t".join(parts)
    connection.exec_driver_sql(f"CREATE TABLE new_{table} (\n\t{lines}\n){' STRICT' if strict else ''}")
    names = ", ".join(str(column["name"]) for column in columns)
    connection.exec_driver_sql(f"INSERT INTO new_{table} ({names}) SELECT {names} FROM {table}")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE new_{table} RENAME TO {table}")
    for statement in beside:
        connection.exec_driver_sql(statement)


def columns_of(connection: sa.Connection, table: str) -> list[dict[str, str | int | None]]:
    """Return the columns of a table as SQLite tells them."""
    return [dict(row) for row in connection.exec_driver_sql(f"PRAGMA table_info({table})").mappings()]


def strict_type(declared: str) -> str:
    """Return the type of a column in a STRICT table."""
    kind = declared.partition("(")[0]
    return _TYPES.get(kind, kind)


def _column(column: Mapping[str, str | int | None]) -> str:
    kind, default = strict_type(str(column["type"])), column["dflt_value"]
    if default is not None and kind == "INTEGER":
        default = str(default).strip("'")
    words = "" if default is None else f" DEFAULT {default}"
    return f"{column['name']} {kind}{words}{' NOT NULL' if column['notnull'] else ''}"


def _references(connection: sa.Connection, table: str) -> list[str]:
    found = connection.exec_driver_sql(f"PRAGMA foreign_key_list({table})").mappings().all()
    return [
        f"CONSTRAINT fk_{table}_{one['from']} FOREIGN KEY({one['from']}) REFERENCES {one['table']} ({one['to']})"
        + ("" if one["on_delete"] == "NO ACTION" else f" ON DELETE {one['on_delete']}")
        for one in found
    ]


def _unique(connection: sa.Connection, table: str) -> list[str]:
    """Return the constraints of uniqueness that were declared with the table; indexes are made by themselves."""
    made = []
    for index in connection.exec_driver_sql(f"PRAGMA index_list({table})").mappings().all():
        if index["origin"] == "u":
            named = connection.exec_driver_sql(f"PRAGMA index_info({index['name']})").mappings()
            names = [str(one["name"]) for one in named]
            made.append(f"CONSTRAINT uq_{table}_{names[0]} UNIQUE ({', '.join(names)})")
    return made
