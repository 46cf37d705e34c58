"""Exports: stored pairs as data sets for evaluation and training, each with a manifest of digests and counts."""

from trajectory_compiler.exports.export import export
from trajectory_compiler.exports.request import (
    FORMATS,
    NO_CONTEXT,
    Context,
    ExportedFile,
    ExportRequest,
    Manifest,
    parse_context,
)

__all__ = [
    "FORMATS",
    "NO_CONTEXT",
    "Context",
    "ExportRequest",
    "ExportedFile",
    "Manifest",
    "export",
    "parse_context",
]
