"""Image-text models behind one interface."""
