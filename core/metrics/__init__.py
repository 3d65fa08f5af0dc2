"""Figures shared by all systems, each checked against an independent library."""
