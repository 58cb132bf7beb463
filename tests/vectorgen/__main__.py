# SPDX-License-Identifier: Apache-2.0
"""Writes the test vectors, or tells with `--check` what writing them would change."""

from __future__ import annotations

import argparse
import sys

from tests.vectorgen import publication


def main() -> int:
    """0, or 1 where the published vectors are not those that the generator makes."""
    parser = argparse.ArgumentParser(prog="python -m tests.vectorgen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, tell what differs")
    if not parser.parse_args().check:
        publication.write(publication.ROOT)
        print(f"{len(publication.vectors())} vectors written")
        return 0
    found = publication.differences(publication.ROOT)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
