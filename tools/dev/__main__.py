# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from dev.cli import main  # noqa: E402  (the line above makes the package importable)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
