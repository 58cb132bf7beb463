# SPDX-License-Identifier: Apache-2.0
"""The whole ceremony in one guided command: a plan, a journal, and the steps between them."""
