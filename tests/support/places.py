"""Where the tests find the project's own files, and the published data beside the checkout."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SHARED = ROOT.parent / "shared"
PUBLISHED = SHARED / "data"
"""Published tables and recorded traffic. A plain clone has neither; tests that need them skip."""
