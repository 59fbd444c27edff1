"""What child processes keep of the environment: what Python and the system need. All else may be a secret."""

from __future__ import annotations

from typing import Final

from firstline.settings import kept_environment

_RUN: Final = frozenset(
    (
        *("PATH", "HOME", "TZ", "LANG", "LANGUAGE", "TEMP", "TMP", "TMPDIR", "OMP_NUM_THREADS"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        *("SYSTEMROOT", "WINDIR", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "PROGRAMDATA"),
    )
)
_GRAPHICS: Final = ("CUDA_", "NVIDIA_", "HIP_", "HSA_", "ROCR_", "GGML_", "VK_", "MTL_")
"""How the variables begin that choose and drive graphics processors."""


def child_environment(*, graphics: bool = False) -> dict[str, str]:
    """Return the environment of a child process; with `graphics` of one that may compute on a graphics processor."""
    prefixes = ("LC_", *_GRAPHICS) if graphics else ("LC_",)
    return kept_environment(lambda name: name.upper() in _RUN or name.startswith(prefixes))
