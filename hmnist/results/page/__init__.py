"""The report: one HTML file that shows a benchmark, an audit or a run in any browser.

`report` writes it. `sections` and `models` say what is in it, `assembly` puts it together with the
files in ``assets``; `pooled`, `gallery` and `repeat` prepare their parts.
"""
