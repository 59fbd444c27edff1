"""What several tests need: where the real model lies that tests marked `model` run."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from firstline import settings

# The same examples on every machine, however slow: what fails, fails for everybody and can be looked into.
hypothesis.settings.register_profile("firstline", deadline=None, derandomize=True)
hypothesis.settings.load_profile("firstline")

_SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The GGUF of local/smollm2-135m: below the data folder MODELS_FOR_TESTS names, else below the product's own.

    The product's own follows the settings: it is where `scripts/test` pulls to. It fails where the file is missing: a
    test of a real model that is skipped proves nothing.
    """
    named = os.environ.get("MODELS_FOR_TESTS")
    data = Path(named) if named else settings.load().settings.data_path
    for path in sorted((data / "models").glob(f"**/{_SMOLLM2}")):
        return path
    pytest.fail(f"{_SMOLLM2} is not below {data}/models: run `firstline models pull local/smollm2-135m`")
