"""Adversarial camouflage: paintable patterns against face recognition (arXiv:2603.21867)."""
