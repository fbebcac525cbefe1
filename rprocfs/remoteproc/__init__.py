"""The remote processor framework."""
