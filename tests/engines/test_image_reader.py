"""The decoder of images: what it gives, what it takes of the server's memory, and who waits for whom."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from PIL import Image as Pillow

from firstline.engines.images import ImageAnswer, ImageReader
from firstline.engines.piped import PipedChildren, Reader
from firstline.errors import EngineOutputError, ImageError
from firstline.media.images import read_image
from firstline.settings_sections import Limits
from support.processes import children

LIMITS = Limits()
WORKER = "image_worker"


def file(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def blank_png(width: int, height: int) -> bytes:
    """A PNG whose rows are all alike: a few bytes for each megapixel."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (1 + 3 * width)) for _ in range(height)) + packer.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


RECEIPT = file(Pillow.effect_noise((600, 900), 40).convert("RGB"), "JPEG")
SEEN = file(Pillow.new("RGBA", (30, 20), (255, 0, 0, 128)), "PNG")


@pytest.fixture
async def reader() -> AsyncIterator[ImageReader]:
    images = ImageReader(LIMITS)
    yield images
    await images.close()


async def test_it_gives_what_decoding_here_would_give(reader: ImageReader) -> None:
    for data in (RECEIPT, SEEN, file(Pillow.linear_gradient("L"), "WEBP"), file(Pillow.linear_gradient("L"), "TIFF")):
        assert await reader.read(data) == read_image(data, LIMITS)
    assert len(children(os.getpid(), WORKER)) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"words", "declared as image/png, but the content is text"),
        (RECEIPT[:5_000], "damaged or cut short"),
        (blank_png(20_000, 1), "longest side"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
    ],
)
async def test_an_unusable_image_is_explained(reader: ImageReader, data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        await reader.read(data, declared="image/png")
    assert caught.value.hint


async def test_more_pixels_than_the_header_says_are_refused(reader: ImageReader) -> None:
    # A frame after the first overrules it for the decoder: the size that was judged must be the one that is decoded.
    small, large = file(Pillow.new("L", (8, 8)), "JPEG"), file(Pillow.new("L", (4_000, 4_000)), "JPEG")
    at = small.index(b"\xff\xc0")
    frame = small[at : at + 2 + struct.unpack_from(">H", small, at + 2)[0]]
    with pytest.raises(ImageError, match="more than its header says"):
        await reader.read(large[:2] + frame + large[2:])


async def test_a_process_that_somebody_ended_is_started_again_within_the_call(reader: ImageReader) -> None:
    await reader.read(RECEIPT)
    (first,) = children(os.getpid(), WORKER)
    os.kill(first, signal.SIGKILL)
    assert await reader.read(SEEN) == read_image(SEEN, LIMITS)


async def test_an_image_whose_decoder_dies_again_is_unusable_and_the_next_is_decoded(reader: ImageReader) -> None:
    reading = asyncio.ensure_future(reader.read(RECEIPT))
    ended = set()
    while not reading.done():
        for pid in children(os.getpid(), WORKER):
            ended.add(pid)
            with suppress(ProcessLookupError):  # it ended by the last blow meanwhile
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0)
    with pytest.raises(ImageError, match="the decoder of images ended"):
        await reading
    assert len(ended) == 2
    assert (await reader.read(RECEIPT)).data == RECEIPT


async def test_one_that_takes_too_long_ends_its_process() -> None:
    images = ImageReader(Limits(image_s=0.001))
    with pytest.raises(ImageError, match=r"longer than 0\.001 s"):
        await images.read(RECEIPT)
    assert children(os.getpid(), WORKER) == []


async def test_a_key_with_many_images_does_not_hold_up_another(reader: ImageReader) -> None:
    done: list[str] = []

    async def read(party: str, data: bytes) -> None:
        await reader.read(data, party=party)
        done.append(party)

    await asyncio.gather(reader.read(SEEN, party="many"), reader.read(SEEN, party="one"))  # starts both children
    large = blank_png(4_000, 4_000)
    many = [asyncio.create_task(read("many", large)) for _ in range(6)]
    await asyncio.sleep(0)
    await read("one", RECEIPT)
    assert done.count("many") <= 3  # in the order of arrival it would be five
    await asyncio.gather(*many)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are kept on Linux alone")
async def test_one_that_takes_more_memory_than_it_may_is_told_and_the_next_is_decoded() -> None:
    images = ImageReader(Limits(image_memory_mb=10.0))
    with pytest.raises(ImageError, match="takes about 324 MB of memory, an image may take 10"):
        await images.read(blank_png(9_000, 9_000))
    # As if nothing had been estimated: the child's own limit is what holds.
    images._limits = Limits(image_memory_mb=10_000.0)
    with pytest.raises(ImageError, match="more memory than a picture may"):
        await images.read(blank_png(9_000, 9_000))
    assert (await images.read(RECEIPT)).data == RECEIPT
    await images.close()


_GROWTH = """
import asyncio, re, sys
from pathlib import Path
from firstline.engines.images import ImageReader
from firstline.settings_sections import Limits

def held():
    found = re.findall(r"Vm(?:HWM|RSS):\\s+(\\d+)", Path("/proc/self/status").read_text())
    return [int(one) // 1000 for one in found]

async def main(data):
    images = ImageReader(Limits())
    before = held()[1]
    await asyncio.gather(*(images.read(data, party=str(party)) for party in range(3)))
    assert "PIL" not in sys.modules
    children = Path(f"/proc/self/task/{__import__('os').getpid()}/children").read_text().split()
    kept = [int(re.search(r"VmRSS:\\s+(\\d+)", Path(f"/proc/{one}/status").read_text())[1]) // 1000 for one in children]
    print(held()[0] - before, sum(kept))
    await images.close()

asyncio.run(main(Path(sys.argv[1]).read_bytes()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_large_images_grow_neither_the_server_nor_what_its_children_keep(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(blank_png(7_000, 7_000))
    command = [sys.executable, "-c", _GROWTH, str(tmp_path / "large.png")]
    grown, kept = map(int, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())
    assert grown < 40, "the server decoded something"
    assert kept < 120, "children keep the memory of large images"


async def test_a_child_that_says_what_it_should_not_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken_over.py").write_text(
        "from firstline.engines.piped_worker import serve\ndef main():\n    serve(lambda message: message)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    children_of = PipedChildren(Reader(module="taken_over", what="the child", memory=None, keep_mb=1_000))
    decoder = msgspec.msgpack.Decoder(ImageAnswer)
    for said in (b"", b"nonsense", msgspec.msgpack.encode({"media_type": "text/html"})):
        with pytest.raises(EngineOutputError, match="the child answered what cannot be read"):
            await children_of.ask(said, decoder.decode, timeout_s=30)
    assert children(os.getpid(), "taken_over") == []
