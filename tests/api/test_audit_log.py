"""`/v1/audit_log` on a real server: for keys of administration, page by page."""

from __future__ import annotations

from pathlib import Path

from support.error_shapes import check_error
from support.served import client_of, made_key, served


async def test_an_administrator_reads_who_changed_what(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        secret, shop = await made_key(server, "root", rights=("admin",)), await made_key(server, "shop")
        await server.services.ledger.keys.switch("shop", "disabled")
        await server.services.ledger.keys.switch("shop", "active")
        async with client_of(server, secret) as client:
            page = (await client.get("/v1/audit_log?limit=3")).json()
            assert [one["action"] for one in page["data"]] == ["key.enable", "key.disable", "key.create"]
            assert page["has_more"] is True
            assert page["data"][0]["actor"]["type"] == "user"
            rest = (await client.get("/v1/audit_log", params={"after": page["last_id"]})).json()
            assert [one["details"]["name"] for one in rest["data"]] == ["root"]
            subject = page["data"][0]["subject"]
            named = (await client.get("/v1/audit_log", params={"subject": subject, "action": "key.d"})).json()["data"]
            assert [one["action"] for one in named] == ["key.disable"]
            for wrong in ("nothing", "change_99", "change_x", "99"):
                check_error(await client.get("/v1/audit_log", params={"after": wrong}), 404, "not_found")
        async with client_of(server, shop) as client:
            check_error(await client.get("/v1/audit_log"), 403, "missing_right")
