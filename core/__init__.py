"""Everything in Facet that computes. Nothing here imports gradio."""
