"""A process that asks many questions and may be killed at any instant: `python -m tests.models.killed FOLDER URL COUNT`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.models.asking import HERE, ask_for_a_word, client_on
from trajectory_compiler.config import ModelOptions, ProviderOptions
from trajectory_compiler.models import ModelName

MODEL = ModelName("mine", "qwen")


async def ask_all(folder: Path, base_url: str, count: int) -> int:
    """Ask `count` different questions; return how many were answered."""
    options = ModelOptions(providers={"mine": ProviderOptions(base_url=base_url, key_env="QWEN_KEY")}, max_concurrency=3)
    async with client_on(folder, options) as (client, _):
        asked = [client.ask(ask_for_a_word(MODEL, f"word {number}"), HERE) for number in range(count)]
        return len(await asyncio.gather(*asked))


if __name__ == "__main__":
    print(asyncio.run(ask_all(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))  # noqa: T201
