"""Putting a texture of the mean face onto the face of a photo so that it looks painted (in progress).

API (stable): ``Surface.canonical(pixels, face)``, ``Surface.photo(pixels, face)``,
``Surface.mean_face(size)``, ``apply(surface, textures) -> B×3×h×w``, ``area(surface, textures, opacity)``
and ``paint(pixels, face, pattern) -> Painted``.
"""
