"""Frame encoders of facial expression behind one interface."""
