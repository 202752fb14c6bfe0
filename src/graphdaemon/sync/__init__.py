"""A store that stays in step with the directory; `sync.py` names the steps."""
