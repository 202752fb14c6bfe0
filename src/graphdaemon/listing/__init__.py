"""One complete listing, and what proves that it is complete; `listing.py` names the steps."""
