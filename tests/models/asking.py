"""What the tests of models share: a question with its answer type, a world that never waits, a client over a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.models.wire.server import GOOD_KEY, Server
from trajectory_compiler.config import ModelOptions, ProviderOptions
from trajectory_compiler.models import CallPlace, Client, ModelName, Request, open_client
from trajectory_compiler.models.client import Scan
from trajectory_compiler.models.surroundings import Surroundings
from trajectory_compiler.store import Store

KEYS = dict.fromkeys(("GOOGLE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "QWEN_KEY"), GOOD_KEY)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "the prompt's own words"


class Word(msgspec.Struct, frozen=True):
    """An answer of one word."""

    word: str


@dataclass
class World:
    """Time that stands still but for what is slept through; chance that is always one half."""

    slept: list[float] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=lambda: KEYS)

    async def sleep(self, seconds: float) -> None:
        """Remember how long, and come back at once."""
        self.slept.append(seconds)

    def surroundings(self) -> Surroundings:
        """Return it in the form that the client takes."""
        return Surroundings(now=lambda: NOW, sleep=self.sleep, chance=lambda: 0.5, environment=self.environment)


def options_for(server: Server, *, timeout_seconds: float = 4.0, tries: int = 3) -> ModelOptions:
    """Return options under which a dialect's provider is the loopback server; `mine` is one of the user's own."""
    own = ProviderOptions(base_url=server.base_url)
    mine = ProviderOptions(base_url=server.base_url, key_env="QWEN_KEY")
    return ModelOptions(providers={server.dialect.name: own, "mine": mine}, timeout_seconds=timeout_seconds, tries=tries)


def model_of(server: Server) -> ModelName:
    """Return the first model that a server knows."""
    return ModelName(server.dialect.name, server.dialect.models[0])


def ask_for_a_word(model: ModelName, prompt: str = SECRET, *, round: int = 0) -> Request[Word]:  # noqa: A002
    """Return a small request."""
    return Request(
        model=model,
        instructions="Answer with one word.",
        prompt=prompt,
        answer_type=Word,
        max_output_tokens=50,
        temperature=0.0,
        round=round,
    )


HERE = CallPlace(stage="synthesis", prompt_version="test-1", source="log", session_id="s1", row_ids=("1", "2"))


@asynccontextmanager
async def client_on(
    folder: Path, options: ModelOptions, world: World | None = None, scan: Scan | None = None
) -> AsyncIterator[tuple[Client, Store]]:
    """Give a client that books a run of its own in the store of a folder, and the store."""
    with Store.open(folder / "store.db", clock=lambda: NOW.strftime("%Y-%m-%dT%H:%M:%SZ")) as store:
        run = store.begin_run("test", "log", "{}", "1")
        async with open_client(options, store.call_ledger(run), scan, (world or World()).surroundings()) as client:
            yield client, store
