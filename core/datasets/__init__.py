"""Readers of published datasets' own layouts and of plain folders."""
