"""Writes a model of a few hundred kB with random weights: a LLaMA text model and its CLIP/LLaVA projector.

What it says is noise; that it loads, sees and ends is what tests want to know. The file format is GGUF version 3; keys
and tensor names are those that llama.cpp reads for the architectures `llama` and `clip` (projector `mlp`, LLaVA 1.5).
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH = 64
"""Size of an embedding; the projector's output has it too."""
IMAGE_SIDE = 32
PATCH = 8
IMAGE_TOKENS = (IMAGE_SIDE // PATCH) ** 2
"""Tokens that a picture becomes, whatever its size: it is scaled to one square."""

_HEADS = 4
_FEED = 96
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_pair(folder: Path, *, seed: int = 0, context: int = 1024) -> tuple[Path, Path]:
    """Write `tiny.gguf` and `mmproj-tiny.gguf` and give their paths. The same seed gives the same bytes."""
    return write_text_model(folder / "tiny.gguf", seed=seed, context=context), write_projector(
        folder / "mmproj-tiny.gguf", seed=seed
    )


def write_text_model(path: Path, *, seed: int = 0, context: int = 1024) -> Path:
    """Write a text model of two layers whose tokens are the 256 bytes and ChatML's marks."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(2)
    writer.add_feed_forward_length(_FEED)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // _HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    size = _add_vocabulary(writer)
    _add(writer, random, "token_embd.weight", size, WIDTH)
    _add(writer, random, "output.weight", size, WIDTH)
    _add_ones(writer, "output_norm.weight")
    for block in range(2):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            _add(writer, random, f"blk.{block}.{name}.weight", WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            _add(writer, random, f"blk.{block}.{name}.weight", _FEED, WIDTH)
        _add(writer, random, f"blk.{block}.ffn_down.weight", WIDTH, _FEED)
        _add_ones(writer, f"blk.{block}.attn_norm.weight")
        _add_ones(writer, f"blk.{block}.ffn_norm.weight")
    return _write(writer, path)


def write_projector(path: Path, *, seed: int = 0) -> Path:
    """Write a vision transformer of two layers and the two-layer projector behind it."""
    random = np.random.default_rng(seed + 1)
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name("tiny")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    for key, value in {
        "image_size": IMAGE_SIDE,
        "patch_size": PATCH,
        "embedding_length": WIDTH,
        "feed_forward_length": _FEED,
        "projection_dim": WIDTH,
        "block_count": 2,
        "attention.head_count": _HEADS,
    }.items():
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    _add(writer, random, "v.patch_embd.weight", WIDTH, 3, PATCH, PATCH)
    _add(writer, random, "v.class_embd", WIDTH)
    _add(writer, random, "v.position_embd.weight", IMAGE_TOKENS + 1, WIDTH)
    for norm in ("v.pre_ln", *(f"v.blk.{block}.ln{n}" for block in range(2) for n in (1, 2))):
        _add_ones(writer, f"{norm}.weight")
        _add(writer, random, f"{norm}.bias", WIDTH)
    for block in range(2):
        for name, out, into in (
            *((f"attn_{which}", WIDTH, WIDTH) for which in ("q", "k", "v", "out")),
            ("ffn_up", _FEED, WIDTH),
            ("ffn_down", WIDTH, _FEED),
        ):
            _add(writer, random, f"v.blk.{block}.{name}.weight", out, into)
            _add(writer, random, f"v.blk.{block}.{name}.bias", out)
    for layer in (0, 2):
        _add(writer, random, f"mm.{layer}.weight", WIDTH, WIDTH)
        _add(writer, random, f"mm.{layer}.bias", WIDTH)
    return _write(writer, path)


def _add_vocabulary(writer: gguf.GGUFWriter) -> int:
    control, byte = gguf.TokenType.CONTROL, gguf.TokenType.BYTE
    tokens = [("<unk>", gguf.TokenType.UNKNOWN), ("<s>", control), ("</s>", control)]
    tokens += [(f"<0x{code:02X}>", byte) for code in range(256)]
    tokens += [("<|im_start|>", control), ("<|im_end|>", control)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(_CHAT)
    writer.add_vocab_size(len(tokens))
    return len(tokens)


def _add(writer: gguf.GGUFWriter, random: np.random.Generator, name: str, *shape: int) -> None:
    fan_in = shape[-1] if len(shape) == 2 else int(np.prod(shape[1:])) or 1
    writer.add_tensor(name, (random.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))


def _add_ones(writer: gguf.GGUFWriter, name: str) -> None:
    writer.add_tensor(name, np.ones(WIDTH, dtype=np.float32))


def _write(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
