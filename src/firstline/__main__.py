"""`python -m firstline` is `firstline`."""

from __future__ import annotations

from firstline.cli.main import main

if __name__ == "__main__":
    main()
