"""Loopback servers that speak the wire protocols of the model providers, strictly."""
