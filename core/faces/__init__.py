"""Faces in a photo: where they are, how they are turned, and which skin belongs to them."""
