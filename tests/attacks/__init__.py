# SPDX-License-Identifier: Apache-2.0
"""The verifier from an attacker's side: what can be made of honest bundles, and must not be believed."""
