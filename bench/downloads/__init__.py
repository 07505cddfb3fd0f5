"""Downloads of corpora and weights: what is needed, fetched, checked, unpacked and noted.

No other package opens a connection to fetch files.
"""
