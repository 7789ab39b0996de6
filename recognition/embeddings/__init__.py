"""Aligned faces to embeddings: numbers that are near to each other for one person."""
