# SPDX-License-Identifier: Apache-2.0
"""Mutation testing: does a test fail when one thing in the code is wrong?"""
