"""Firstline: a small local model answers first, every answer is checked, and only what fails climbs."""
