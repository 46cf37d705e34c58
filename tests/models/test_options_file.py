"""The table [models] of trajc.toml."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from trajectory_compiler.config import ModelOptions, ProviderOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.models import address_of, options_file, read_model_options, resolve_model


def written(folder: Path, text: str) -> Path:
    """Write a config file."""
    path = folder / "trajc.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_or_a_table_the_defaults_count(tmp_path: Path) -> None:
    """No file, and a file about something else, leave every default."""
    assert read_model_options(tmp_path / "missing.toml") == ModelOptions()
    assert read_model_options(written(tmp_path, '[redaction]\npolicy = "strict"\n')) == ModelOptions()


def test_the_example_of_the_documentation_is_read_as_it_says(tmp_path: Path) -> None:
    """The example in the module's docstring is valid; its amounts are exact decimals."""
    example = (options_file.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
    options = read_model_options(written(tmp_path, example))
    assert tomllib.loads(example)["models"]["strong"] == options.strong
    assert options.limits.run_usd == Decimal("0.5")
    assert options.limits.session_usd is None
    assert options.providers["ollama"] == ProviderOptions(
        base_url="http://localhost:11434/v1", input_usd_per_million=Decimal(0), output_usd_per_million=Decimal(0)
    )
    address = address_of(resolve_model("ollama:llama3", options), options)
    assert (address.host, address.leaves_machine) == ("localhost:11434", False)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("[models]\ncheep = 'google:x'", "not as it must be"),
        ("[models]\ntries = 0", "1 or more"),
        ("[models]\ntimeout_seconds = 0", "more than 0"),
        ("[models.limits]\nrun_usd = -1", "negative"),
        ("[models.limits]\nrun_usd = nan", "negative or no number"),
        ("[models.providers.x]\nbase_url = 'http://h'\ninput_usd_per_million = 1", "input or output alone"),
        ("[models.providers.x]\nspeaks = 'french'", "not as it must be"),
        ("[models", "no TOML"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(tmp_path: Path, text: str, seen: str) -> None:
    """A wrong name, a value out of range, a broken file: the sentence names the file and what is wrong."""
    with pytest.raises(OptionError, match=seen) as caught:
        read_model_options(written(tmp_path, text))
    assert "trajc.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_with_a_password_is_not_shown_with_it() -> None:
    """The host that a question names holds no credentials of the address."""
    options = ModelOptions(providers={"x": ProviderOptions(base_url="https://me:secret@models.example/v1")})
    address = address_of(resolve_model("x:m", options), options)
    assert (address.host, address.leaves_machine) == ("models.example", True)
