"""Recipes: how every trained or converted file in weights/ was made."""
