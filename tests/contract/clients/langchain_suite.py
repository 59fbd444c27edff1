"""LangChain's standard tests of a chat model, on `ChatOpenAI` with nothing changed but its address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

FILES = Path(os.environ["FIRSTLINE_FILES"])


@pytest.fixture(autouse=True)
def fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests fetch their picture and their PDF from the web: ours lie on disk."""

    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, content=(FILES / ("a.pdf" if url.endswith(".pdf") else "a.png")).read_bytes())

    monkeypatch.setattr(httpx, "get", get)


class TestChatOpenAI(ChatModelIntegrationTests):
    """Everything that gpt-4o-mini can: tools, structured outputs, JSON mode, pictures, PDF files.

    Left out, because gpt-4o-mini cannot either on Chat Completions: sound, pictures and PDF files in tool messages, and
    Anthropic's content. Pictures by https address have their own tests (`tests/media`): these here run without network.
    """

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "gpt-4o-mini",
            "base_url": os.environ["FIRSTLINE_URL"],
            "api_key": "none",
            "stream_usage": True,
            "max_retries": 0,
        }

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "fake/echo"


class TestFunctionCalling(TestChatOpenAI):
    """The same, with structured outputs by way of a tool that has to be called."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}
