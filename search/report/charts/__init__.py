"""Interactive charts of the page: info -> plotly."""
