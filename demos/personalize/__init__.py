"""The tab of TTA-CaP: an image-text model that becomes one person's, frame by frame, without a gradient."""
