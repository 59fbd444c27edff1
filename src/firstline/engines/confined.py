"""The way into a child process that reads what strangers send: it confines itself, then loads the reader and runs it.

    python -P -B -m firstline.engines.confined MODULE SPEC ARGUMENT…

SPEC is JSON, the arguments of `confinement.confine`; MODULE has a `main` that takes the further arguments. Nothing of
a reader's libraries is loaded before the limits hold.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

from firstline.engines.confinement import close_others, confine


def main() -> None:
    """Confine this process and run the reader."""
    module, spec, *arguments = sys.argv[1:]
    close_others()
    confine(**json.loads(spec))
    import_module(module).main(*arguments)


if __name__ == "__main__":
    main()
