"""Figures for papers: info -> matplotlib."""
