from __future__ import annotations

import asyncio

from firstline.engines.slots import Slots

INVOICES = "Read the invoice and answer with its total, its date and its number as JSON, nothing else.\n"
RECEIPTS = "Classify the message of a customer of a bank by one of the labels that follow, nothing else.\n"


async def test_like_goes_to_like() -> None:
    slots = Slots(2)
    async with slots.lease(INVOICES + "one") as invoices, slots.lease(RECEIPTS + "one") as receipts:
        assert {invoices, receipts} == {0, 1}
    for text, slot in ((RECEIPTS, receipts), (RECEIPTS, receipts), (INVOICES, invoices), (RECEIPTS, receipts)):
        async with slots.lease(text + "another") as got:
            assert got == slot


async def test_a_new_prompt_takes_the_slot_idle_longest() -> None:
    slots = Slots(3)
    for expected in (0, 1, 2, 0):
        async with slots.lease(f"{expected}") as slot:
            assert slot == expected


async def test_whoever_comes_when_all_are_taken_waits() -> None:
    slots = Slots(1)
    order: list[str] = []

    async def use(name: str) -> None:
        async with slots.lease(name):
            order.append(f"{name} in")
            await asyncio.sleep(0)
            order.append(f"{name} out")

    await asyncio.gather(use("a"), use("b"))
    assert order == ["a in", "a out", "b in", "b out"]
