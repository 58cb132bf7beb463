# SPDX-License-Identifier: Apache-2.0
"""The Evidence Bundle format: decode, encode, verify.

The public names are those of `bundlefmt.bundle`, `bundlefmt.manifest`, `bundlefmt.cose`, `bundlefmt.errors`
and `bundlefmt.verify`; nothing is imported here, so that each costs only what it needs.
"""
