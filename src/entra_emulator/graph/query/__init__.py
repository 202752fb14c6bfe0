"""OData query options as Graph supports them: reading, checking and compiling them."""
