"""The closed list of words that a quality report may use. Whatever is not on it is counted as `other`.

Names of agents, tools, sources and models, ids and texts come from outside; families, gates, stages, reasons and kinds come
from this program. Only the latter are published, so a name that nobody foresaw cannot slip through.
"""

from __future__ import annotations

from trajectory_compiler.exports.in_words import FAILED_WORDS, STAGE_WORDS
from trajectory_compiler.redaction.policy import KINDS
from trajectory_compiler.sources.findings import REASONS as SOURCE_REASONS
from trajectory_compiler.synthesis.acc import REASONS as ACC_REASONS
from trajectory_compiler.synthesis.reasons import PARAPHRASE, PROPOSALS
from trajectory_compiler.synthesis.reasons import REASONS as MODEL_REASONS
from trajectory_compiler.synthesis.reasons import STAGE as SYNTHESIS

OTHER = "other"
OTHER_REASONS = ("blocked", "compiler_error", "unknown")
STAGES = frozenset((*STAGE_WORDS, SYNTHESIS, PROPOSALS, PARAPHRASE, "ledger", "verification", "sync"))
REASONS = frozenset((*FAILED_WORDS, *SOURCE_REASONS, *ACC_REASONS, *MODEL_REASONS, *OTHER_REASONS))
PROVIDERS = frozenset(("google", "openai", "anthropic", "local"))
ORIGINS = frozenset(("dataflow", "model", "program", "acc"))
SPLITS = frozenset(("train", "dev", "test"))


def known(word: str, words: frozenset[str] | tuple[str, ...]) -> str:
    """Return a word of the list, or `other`."""
    return word if word in words else OTHER


def kind(word: str) -> str:
    """Return a kind of the shipped redaction rules, or `OWN` for one that a policy of the user's names."""
    return word if word in KINDS else "OWN"
