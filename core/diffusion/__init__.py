"""Latent diffusion: a small class-conditional model trained here, hub models through the same interface."""
