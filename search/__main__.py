"""`python -m search`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts the working directory first, where a user's spaces.py would hide our package.
    if not sys.flags.safe_path and not (Path.cwd() / "search" / "__main__.py").is_file():
        sys.path.append(sys.path.pop(0))
    from search.cli.app import main

    main()
