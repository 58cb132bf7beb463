# SPDX-License-Identifier: Apache-2.0
"""Facts read from measurement logs."""
