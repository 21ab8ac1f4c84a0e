"""Every knob in one frozen object: flag > ``RAG_*`` variable > ``rag.toml`` > default.

Read once, at the edge (the command line, the page, ``rag.build``); the rooms get plain values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.embedder import PACKAGED_MODEL
from rag.errors import UsageError

SETTINGS_FILE = "rag.toml"


class Settings(BaseSettings):
    """What a user can set. Unknown keys are refused, every number has bounds."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_", frozen=True, extra="forbid", toml_file=SETTINGS_FILE
    )

    corpus: Path = Field(default=Path("seeds"), description="The folder of articles.")
    index: Path = Field(default=Path("index"), description="Where the index is kept.")
    embedding_model: str = Field(
        default=PACKAGED_MODEL,
        min_length=1,
        description=(
            "`packaged` (all-MiniLM-L6-v2, offline), a folder with a sentence-transformers model, "
            "or a model's name; only a name may ask the model hub. Changing it rebuilds the index."
        ),
    )
    passage_words: int = Field(
        default=110,
        ge=20,
        le=1000,
        description="Words a passage aims at. Changing it rebuilds the index.",
    )
    language: str = Field(
        default="en",
        pattern=r"^[a-z]{2,3}$",
        description="Language of the articles, for splitting sentences. Changing it rebuilds.",
    )
    max_file_mb: float = Field(
        default=20.0, gt=0, le=2000, description="Larger files are skipped, and listed as such."
    )
    retrieval: Literal["hybrid", "dense", "bm25"] = Field(
        default="hybrid", description="Which search finds passages."
    )
    bm25_weight: float = Field(
        default=0.5, ge=0, le=1, description="Share of BM25 in hybrid search; the rest is dense."
    )
    candidates: int = Field(
        default=24, ge=1, le=500, description="Passages that are looked at for an answer."
    )
    max_statements: int = Field(
        default=4, ge=1, le=20, description="Statements that an answer has at most."
    )
    reader: bool = Field(
        default=True,
        description="Whether the trained reader chooses; without it, retrieval alone answers.",
    )
    caution: Literal["strict", "balanced", "eager"] = Field(
        default="balanced",
        description="When to answer: strict says no sooner, eager answers on weaker evidence.",
    )

    llm_base_url: str = Field(
        default="",
        pattern=r"^(?:https?://[^/@\s]+(?:/\S*)?)?$",
        description=(
            "OpenAI-compatible address of a language model, with its `/v1`; empty for none. The "
            "question and the passages found for it go there."
        ),
    )
    llm_model: str = Field(default="", description="The model's name at that address.")
    llm_api_key: SecretStr | None = Field(
        default=None,
        description="Key of that address; only from RAG_LLM_API_KEY, never from `rag.toml`.",
    )
    llm_api_key_file: Path | None = Field(
        default=None, description="File with that key on one line, instead of RAG_LLM_API_KEY."
    )
    llm_first_token_s: float = Field(
        default=60.0, gt=0, le=600, description="Seconds a model may take to begin its answer."
    )
    llm_token_s: float = Field(
        default=15.0, gt=0, le=300, description="Seconds from one word of a model to the next."
    )
    llm_timeout_s: float = Field(
        default=180.0, gt=0, le=3600, description="Seconds a model may take for a whole answer."
    )
    llm_max_tokens: int = Field(
        default=600, ge=16, le=8000, description="Tokens a model's answer has at most."
    )
    llm_passages: int = Field(
        default=8, ge=1, le=50, description="Passages a model is given; fewer if it reads less."
    )

    chat_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address of the chat page; any but this machine's own needs a password.",
    )
    chat_port: int = Field(default=7860, ge=1, le=65535, description="Port of the chat page.")
    chat_names: str = Field(
        default="",
        description="Host names under which the page may be asked for, besides its address and "
        "`localhost`; separated by commas.",
    )
    chat_user: str = Field(
        default="reader", min_length=1, pattern="^[^:]+$", description="User of the chat page."
    )
    chat_password: SecretStr | None = Field(
        default=None, description="Password of the chat page; without one it asks for none."
    )
    chat_conversations: Path | None = Field(
        default=None,
        description="File of the conversations; by default `conversations.sqlite` in the index.",
    )
    chat_uploads: bool = Field(
        default=True, description="Whether articles can be added and removed in the chat page."
    )
    chat_upload_mb: float = Field(
        default=5.0, gt=0, le=100, description="Size of an added file, at most."
    )
    chat_answers_at_once: int = Field(
        default=2, ge=1, le=64, description="Questions the chat page answers at the same time."
    )

    serve_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address of `rag serve`; any but this machine's own needs a token.",
    )
    serve_port: int = Field(default=7861, ge=1, le=65535, description="Port of `rag serve`.")
    serve_names: str = Field(
        default="",
        description="Host names under which `rag serve` may be asked, besides its address and "
        "`localhost`; separated by commas.",
    )
    serve_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Token that every request to `rag serve` must carry (16 characters or more).",
    )
    serve_token_file: Path | None = Field(
        default=None, description="File with the token, instead of `serve_token`."
    )
    serve_max_body_kb: int = Field(
        default=1000, ge=1, le=100_000, description="Size of a request's body, at most."
    )
    serve_requests_per_minute: int = Field(
        default=300,
        ge=1,
        le=1_000_000,
        description="Requests that `rag serve` takes from one address in a minute.",
    )
    serve_answers_at_once: int = Field(
        default=2, ge=1, le=64, description="Questions `rag serve` answers at the same time."
    )
    serve_waiting: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Questions that may wait besides; further ones are told to come back.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the order of precedence: what is passed in, the environment, then the file."""
        file = TomlConfigSettingsSource(settings_cls)
        if "llm_api_key" in file.toml_data:
            # A settings file is shared and committed; a key must not be.
            raise ValueError("llm_api_key does not belong in the file")
        return init_settings, env_settings, file


def load_settings(**overrides: Any) -> Settings:
    """Return the settings in force; an override of None counts as not given.

    Raises:
        UsageError: If a value is out of bounds, a key is unknown or ``rag.toml`` cannot be read.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise UsageError(
            f"The setting `{name}` cannot be used: {first['msg']}.",
            remedy=f"Mend it in {SETTINGS_FILE}, the RAG_* variables or the flags; "
            f"known settings: {', '.join(sorted(Settings.model_fields))}.",
        ) from error
    except ValueError as error:  # tomllib.TOMLDecodeError is one
        if "llm_api_key" in str(error):
            raise UsageError(
                f"{SETTINGS_FILE} holds llm_api_key.",
                remedy="Take it out; set RAG_LLM_API_KEY, or llm_api_key_file to a file of yours.",
            ) from None
        raise UsageError(
            f"{SETTINGS_FILE} is not valid TOML: {error}.", remedy=f"Mend {SETTINGS_FILE}."
        ) from error
