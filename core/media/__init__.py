"""The only doors through which bytes come in or go out."""
