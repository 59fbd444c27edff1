"""The child process of `engines.ocr`: pictures in on standard input, segments out on standard output.

Run by `confined`, with nothing else of the package loaded but its side of the pipe (`piped_worker`). A message is a
picture's file; the answer is JSON, `{"width", "height", "turned", "segments": [[text, x0, y0, x1, y1, confidence], …]}`
or `{"error": …}` for a picture that cannot be decoded. Its argument is `engines.ocr.Options` as JSON.
"""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rapidocr
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from rapidocr.main import RapidOCRError

from firstline.engines.piped_worker import serve

Pixels = NDArray[np.uint8]
Quads = NDArray[np.float32]

_MOST_PIXELS = 30_000_000
"""A picture with more is shrunk before its pixels are copied; what is read is brought to far fewer anyway."""
_TALL = 1.5
"""A box so much higher than wide holds a line of text that stands on its side."""


def main(given: str) -> None:
    """Read pictures until the input ends; `given` are the options as JSON."""
    options = json.loads(given)
    engine = _engine(options)
    serve(lambda data: json.dumps(_answer(engine, data, options)).encode())


def _engine(options: dict[str, Any]) -> Any:
    # The models are named by path, so that the library never looks for them on the network.
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_vertical_padding": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": options["threads"],
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Det.limit_side_len": options["det_side"],
            "Det.limit_type": options["det_limit"],
            "Det.box_thresh": options["box_threshold"],
            "Det.unclip_ratio": options["unclip"],
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Rec.rec_batch_num": options["batch"],
            "Rec.rec_img_shape": [3, 48, options["rec_width"]],
        }
    )


def _answer(engine: Any, data: bytes, options: dict[str, Any]) -> dict[str, Any]:
    try:
        picture, share = _decode(data)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "it takes more memory than a picture may"}
    picture, scale = _resize(picture, options["max_side"], options["min_side"])
    scale *= share
    picture, boxes, crops, turned = _upright(engine, picture)
    segments = []
    if crops:
        found = engine.recognize_txt(crops)
        segments = [
            (_halfwidth(text), box, float(score))
            for text, box, score in zip(found.txts, boxes, found.scores, strict=True)
            if text.strip() and score >= options["min_confidence"]
        ]
    angle = _angle([box for _, box, _ in segments])
    level = _level([box for _, box, _ in segments], angle, picture.shape[1], picture.shape[0])
    return {
        "turned": turned - math.degrees(angle),
        "width": round(picture.shape[1] / scale),
        "height": round(picture.shape[0] / scale),
        "segments": [
            [text, *(side / scale for side in sides), score]
            for (text, _, score), sides in zip(segments, level, strict=True)
        ],
    }


def _decode(data: bytes) -> tuple[Pixels, float]:
    """Decode a picture, a large one at a half, a third … of its size; gives the share as well."""
    Image.MAX_IMAGE_PIXELS = None  # the parent has checked the size
    with Image.open(io.BytesIO(data)) as image:
        width, factor = image.width, _factor(image)
        if factor > 1:
            image.draft(None, (image.width // factor, image.height // factor))  # a JPEG is decoded smaller at once
            factor = _factor(image)
        share = image.width / width / factor
        upright = ImageOps.exif_transpose(_shrunk(image, factor) if factor > 1 else image)
        if upright.has_transparency_data:
            sheet = Image.new("RGBA", upright.size, "white")
            sheet.alpha_composite(upright.convert("RGBA"))
            upright = sheet
        return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[:, :, ::-1]), share


def _factor(image: Image.Image) -> int:
    return max(1, math.ceil(math.sqrt(image.width * image.height / _MOST_PIXELS)))


def _shrunk(image: Image.Image, factor: int) -> Image.Image:
    """Make one pixel of each square of `factor` × `factor`."""
    if image.mode not in ("RGB", "L"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.reduce(factor)


def _resize(picture: Pixels, max_side: int, min_side: int) -> tuple[Pixels, float]:
    """Bring the longer side to `max_side` at most; within that, enlarge up to threefold for a side of `min_side`."""
    height, width = picture.shape[:2]
    scale = min(max(1.0, min(3.0, min_side / min(height, width))), max_side / max(height, width))
    if scale == 1.0:
        return picture, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8), scale


def _upright(engine: Any, picture: Pixels) -> tuple[Pixels, Quads, list[Pixels], int]:
    """Find the lines of text, and turn a picture that lies on its side or stands on its head; returns the degrees
    clockwise as well."""
    boxes, crops = _detect(engine, picture)
    turned = 0
    if sum(_is_tall(box) for box in boxes) > len(boxes) / 2:
        picture = np.ascontiguousarray(np.rot90(picture))
        boxes, crops = _detect(engine, picture)
        turned = -90
    if crops and _is_upside_down(engine, crops):
        height, width = picture.shape[:2]
        picture = np.ascontiguousarray(np.rot90(picture, 2))
        crops = [np.ascontiguousarray(np.rot90(crop, 2)) for crop in crops]
        boxes = np.array([width, height], dtype=np.float32) - boxes[:, [2, 3, 0, 1]]
        turned += 180
    return picture, boxes, crops, turned


def _detect(engine: Any, picture: Pixels) -> tuple[Quads, list[Pixels]]:
    height, width = picture.shape[:2]
    # A narrow strip, such as one cut-out line, is not seen without some margin around it.
    margin = 48 if height < 64 or width > 8 * height else 0
    padded = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    try:
        crops, found = engine.detect_and_crop(padded, {})
    except RapidOCRError:  # how the library says that there is no text
        return np.zeros((0, 4, 2), dtype=np.float32), []
    return np.asarray(found.boxes, dtype=np.float32) - margin, crops


def _halfwidth(text: str) -> str:
    """Write full-width ASCII, which the model likes to give for brackets and colons, as ASCII outside CJK text."""
    if any("\u3040" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af" for character in text):
        return text
    return text.translate({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x3002: "."})


def _is_tall(box: Quads) -> bool:
    across, down = _sides(box)
    return down > _TALL * across


def _is_upside_down(engine: Any, crops: list[Pixels]) -> bool:
    """Let the longest lines vote: one line alone is judged wrongly too often, most of them are not."""
    longest = sorted(crops, key=lambda crop: -crop.shape[1] / crop.shape[0])[:12]
    _, votes = engine.cls_and_rotate(longest)
    turned = [label for label, _ in votes.cls_res if label == "180"]
    return len(turned) > len(longest) / 2


def _sides(box: Quads) -> tuple[float, float]:
    across = (math.dist(box[0], box[1]) + math.dist(box[3], box[2])) / 2
    down = (math.dist(box[0], box[3]) + math.dist(box[1], box[2])) / 2
    return across, down


def _level(boxes: list[Quads], angle: float, width: int, height: int) -> list[tuple[float, float, float, float]]:
    """Turn the boxes about the picture's middle by their common angle and return x0, y0, x1, y1 of each."""
    cosine, sine = math.cos(angle), math.sin(angle)
    out = []
    for box in boxes:
        across, down = _sides(box)
        x, y = (float(value) for value in box.mean(axis=0))
        x, y = x - width / 2, y - height / 2
        x, y = x * cosine + y * sine + width / 2, y * cosine - x * sine + height / 2
        if down > _TALL * across and abs(angle) < 0.01:
            across, down = float(np.ptp(box[:, 0])), float(np.ptp(box[:, 1]))
        out.append((x - across / 2, y - down / 2, x + across / 2, y + down / 2))
    return out


def _angle(boxes: list[Quads]) -> float:
    """The median slope in radians of the boxes' upper and lower edges, weighted by length; short boxes say nothing."""
    slopes = []
    for box in boxes:
        across, down = _sides(box)
        if across > 3 * down:
            edge = (box[1] - box[0]) + (box[2] - box[3])
            slopes.append((math.atan2(float(edge[1]), float(edge[0])), across))
    slopes.sort()
    half = sum(weight for _, weight in slopes) / 2
    for angle, weight in slopes:
        half -= weight
        if half <= 0:
            return angle
    return 0.0
