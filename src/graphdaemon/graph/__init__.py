"""One request to Graph: address, attempts, pages, batches, and which link may be followed."""
