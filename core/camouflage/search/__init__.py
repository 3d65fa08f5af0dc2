"""Searching the pattern space: strategies behind one ask/tell interface, and the loop that drives them."""

from core.camouflage.search import cma, differential, evolution, gradient, random
from core.camouflage.search.base import Strategy, strategies
from core.camouflage.search.loop import Budget, Search, SearchOptions, SearchResult

__all__ = [
    "Budget",
    "Search",
    "SearchOptions",
    "SearchResult",
    "Strategy",
    "cma",
    "differential",
    "evolution",
    "gradient",
    "random",
    "strategies",
]
