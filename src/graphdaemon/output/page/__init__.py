"""HTML pages: reading templates, and the stylesheet of all pages."""
