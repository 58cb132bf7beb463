# SPDX-License-Identifier: Apache-2.0
"""Many bundles: where they are, who judges them side by side, and the file that keeps the results.

What a library here is for is imported where it is needed: pyarrow, fsspec, distributed and ray are extras.
"""
