"""The child process of `firstline.schema.child`: compiles schemas, searches them for contradictions, checks documents.

A message is a `SchemaJob`, the answer a `SchemaAnswer`, both as MessagePack behind a 4-byte big-endian length.
"""

from __future__ import annotations

import os
import queue
import struct
import sys
import threading
from typing import BinaryIO

import msgspec

from firstline import strict_json
from firstline.errors import SchemaError
from firstline.schema.child import SchemaAnswer, SchemaJob
from firstline.schema.schema import compile_here, conflict_here


def main() -> None:
    """Answer jobs until the input ends: at once then, even in the midst of one, to never outlive the parent."""
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, inbox), daemon=True).start()
    while True:
        body = msgspec.msgpack.encode(_answer(msgspec.msgpack.decode(inbox.get(), type=SchemaJob)))
        sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
        sys.stdout.buffer.flush()


def _answer(job: SchemaJob) -> SchemaAnswer:
    schema = msgspec.json.decode(job.schema)
    try:
        if job.kind == "conflict":
            return SchemaAnswer(words=conflict_here(schema))
        validator = compile_here(schema, formats=job.formats)
        if job.kind == "compile":
            return SchemaAnswer()
        return SchemaAnswer(mismatches=msgspec.json.encode(validator.mismatches(strict_json.read(job.document).value)))
    except SchemaError as error:
        return SchemaAnswer(error=error.message, hint=error.hint)


def _receive(stream: BinaryIO, inbox: queue.SimpleQueue[bytes]) -> None:
    while head := stream.read(4):
        inbox.put(stream.read(struct.unpack(">I", head)[0]))
    os._exit(0)
