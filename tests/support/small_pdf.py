"""Writes small PDF files by hand."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont


def pdf(
    *pages: str, page: str = "", resources: str = "", catalog: str = "", trailer: str = "", extra: tuple[str, ...] = ()
) -> bytes:
    """Write a PDF by hand: a page for each content stream; `page` goes into every page, `resources` into what it uses,
    `extra` are more objects, numbered from 4 and twice the count of pages."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, content in enumerate(pages):
        box = "" if "/MediaBox" in page else "/MediaBox [0 0 595 842]"
        objects += [
            f"<< /Type /Page /Parent 2 0 R {box} /Resources << /Font << /F1 3 0 R >> {resources} >> "
            f"/Contents {5 + 2 * number} 0 R {page} >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        ]
    out = b"%PDF-1.7\n"
    places = []
    for number, body in enumerate((*objects, *extra), start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(out)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{rows}".encode()
    return out + f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF".encode()


def shown(words: list[tuple[int, int, str]], size: int = 11) -> str:
    """Write the content of a page: each word at its place, in points from the lower left."""
    return "\n".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, text in words)


def stream(entries: str, body: str) -> str:
    """Write an object that holds bytes, as latin-1."""
    return f"<< {entries} /Length {len(body)} >>\nstream\n{body}\nendstream"


def image_object(picture: Pillow.Image) -> str:
    """Write an image as an object, packed as JPEG."""
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=90)
    entries = f"/Type /XObject /Subtype /Image /Width {picture.width} /Height {picture.height} /ColorSpace /DeviceRGB"
    return stream(f"{entries} /BitsPerComponent 8 /Filter /DCTDecode", out.getvalue().decode("latin-1"))


def scan(lines: list[tuple[int, int, str]], *, size: tuple[int, int] = (595, 842), points: int = 12) -> Pillow.Image:
    """Draw lines at places in points from the upper left, as a scanner of 150 dpi would see a page of that size."""
    scale = 150 / 72
    sheet = Pillow.new("L", (round(size[0] * scale), round(size[1] * scale)), "white")
    font = ImageFont.load_default(points * scale)
    for x, y, words in lines:
        ImageDraw.Draw(sheet).text((x * scale, y * scale), words, font=font, fill=20)
    return sheet
