"""The report: reads metrics and examples of a publication, and renders the HTML page and the terminal output."""
