"""Read one complete listing, and prove that it is complete; `listing.py` names the steps."""
