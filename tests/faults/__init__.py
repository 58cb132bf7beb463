# SPDX-License-Identifier: Apache-2.0
"""What a command leaves behind when it is killed, the disk fills or fails, or others are in its way."""
