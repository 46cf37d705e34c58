"""The evidence pack as one self-contained page, made to be printed and signed: no script, nothing from any network."""

from __future__ import annotations

from trajectory_compiler.exports.page import code_spans, template
from trajectory_compiler.reports.evidence import EvidencePack, Reference


def evidence_page(pack: EvidencePack) -> str:
    """Return the page as HTML. Everything that comes from a log or a config is escaped."""
    return template("evidence.html").render(pack=pack, sources=_sources(pack), spans=code_spans)


def _sources(pack: EvidencePack) -> list[Reference]:
    """Return every source of the pack once, in the order in which headings name them."""
    found: dict[str, Reference] = {}
    for section in pack.sections:
        for reference in section.because:
            found.setdefault(reference.title, reference)
    return list(found.values())
