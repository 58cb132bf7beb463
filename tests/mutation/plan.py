# SPDX-License-Identifier: Apache-2.0
"""Which tests are to notice a fault in which module: the quick and relevant ones, not the whole suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CONCLUDING: Final = ("tests/verify/test_weaker.py", "tests/verify/test_conclusions.py")
_SOUND: Final = ("tests/test_soundness.py",)
_STATEMENTS: Final = ("tests/verify/test_statements.py",)
_EK: Final = ("tests/verify/test_ek.py",)
_PIV: Final = ("tests/verify/test_piv.py",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """`areas` are those of the vectors that are tried first, `tests` files for pytest after them.

    `refused` adds the vectors that a decoder refuses, `every` tries all vectors at last.
    """

    areas: tuple[str, ...]
    tests: tuple[str, ...]
    refused: bool = False
    every: bool = False


def _verify(*areas: str, tests: tuple[str, ...] = _SOUND, every: bool = False) -> Tested:
    return Tested(areas=areas, tests=tests, every=every)


# module -> its tests, the most important modules first
PLAN: Final[dict[str, Tested]] = {
    "bundlefmt.verify.conclusions": _verify("activation", "previous", "log", "ak", tests=_CONCLUDING),
    "bundlefmt.verify.held": _verify("activation", "piv", "ek", "cross", tests=_CONCLUDING),
    "bundlefmt.verify.identities": _verify("hardware", "cross", "binding", "piv", tests=_CONCLUDING),
    "bundlefmt.verify.statement": _verify(
        "quote", "certify", "clock", "nv", "creation", tests=_STATEMENTS, every=True
    ),
    "bundlefmt.verify.chains": _verify("ek", "piv", "ak", tests=(*_EK, *_PIV, *_STATEMENTS), every=True),
    "bundlefmt.verify.previous": _verify("previous", tests=("tests/verify/test_previous.py",)),
    "bundlefmt.verify.activation": _verify("activation", "quote", tests=(*_STATEMENTS, *_SOUND)),
    "bundlefmt.cbor": Tested(areas=("container",), tests=("tests/test_cbor.py",), refused=True),
    "bundlefmt.cose": Tested(areas=("seal",), tests=("tests/test_cose.py",), refused=True),
    "bundlefmt.manifest": Tested(areas=("container",), tests=("tests/test_manifest.py",), refused=True),
    "bundlefmt.bundle": Tested(
        areas=("container",), tests=("tests/test_bundle.py", "tests/render/test_inspection.py"), refused=True
    ),
    "bundlefmt.verify.signers": _verify("seal", "openpgp", "container"),
    "bundlefmt.verify.seals": _verify("seal", "container"),
    "bundlefmt.verify.seal_header": _verify("seal"),
    "bundlefmt.verify.seal_stamps": _verify("seal"),
    "bundlefmt.verify.registration": _verify("seal"),
    "bundlefmt.verify.blocks": _verify("block"),
    "bundlefmt.verify.container": _verify("container"),
    "bundlefmt.verify.quote": _verify("quote"),
    "bundlefmt.verify.hardware": _verify("hardware", tests=("tests/verify/test_hardware.py",)),
    "bundlefmt.verify.cross": _verify("cross", tests=("tests/verify/test_cross.py",)),
    "bundlefmt.verify.binding": _verify("binding", tests=("tests/verify/test_binding.py",)),
    "bundlefmt.verify.certify": _verify("certify"),
    "bundlefmt.verify.creation": _verify("creation"),
    "bundlefmt.verify.tpm_key": _verify("ak", "key"),
    "bundlefmt.verify.ak": _verify("ak"),
    "bundlefmt.verify.ak_certificate": _verify("ak"),
    "bundlefmt.verify.ek": _verify("ek", tests=_EK),
    "bundlefmt.verify.key": _verify("key"),
    "bundlefmt.verify.piv": _verify("piv", tests=_PIV),
    "bundlefmt.verify.issued": _verify("cross", "binding", tests=("tests/verify/test_binding.py",)),
    "bundlefmt.verify.clock": _verify("clock"),
    "bundlefmt.verify.context": _verify("key", "ak", "certify", "container", every=True),
    "bundlefmt.verify.checks": _verify("container", "quote", every=True),
    "bundlefmt.verify.findings": _verify("container", "quote", every=True),
}
