"""A paper's table beside ours, as Markdown, CSV, HTML, LaTeX and plots.

Results come from the tracking store, and from what its runs keep.

What draws is imported only when it is needed: Matplotlib and seaborn take two seconds to import,
and the table on a terminal needs neither.
"""
