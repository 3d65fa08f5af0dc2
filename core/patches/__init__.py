"""Adversarial patches in one forward pass against re-identification (arXiv 2603.15396)."""
