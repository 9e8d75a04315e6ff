"""The Allen-Cahn law of the published models."""
