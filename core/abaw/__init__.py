"""Frame-wise understanding of a face in video: expression, valence-arousal, action units and violence.

Savchenko and Tsypliakova, "HSEmotion Team at ABAW-10 Competition", arXiv 2603.12693.
"""
