"""Jobs on other machines, through Dask distributed (the extra `cluster`).

Worker machines share nothing with this one: files travel as bytes, verified by their sums.
"""
