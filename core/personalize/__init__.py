"""Image-text models made one person's own at test time, by caches of embeddings and without a gradient.

Sharafi et al., "Test-Time Adaptation via Cache Personalization for Facial Expression Recognition in Videos"
(TTA-CaP), arXiv 2603.21309. Everything here works on embeddings; which model gave them does not matter.
"""
