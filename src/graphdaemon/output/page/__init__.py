"""Pages of HTML: how templates are read, and what every page looks like."""
