# SPDX-License-Identifier: Apache-2.0
"""YubiKeys through yubikit: which are attached, one of them by its serial number, and its refusals in words.

The libraries are imported when a device is looked for, so that verifying needs none. Connections are opened
here and not by ykman's own function, which ends every scdaemon that it finds in its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from bundlefmt.frozen import frozen
from bundletools.devices import DeviceError

if TYPE_CHECKING:
    from yubikit.core.smartcard import SmartCardConnection

# PC/SC (winscard.h): SCARD_E_NO_SERVICE, SCARD_E_SERVICE_STOPPED
_SERVICE: Final = ("the smart card service does not run", "systemctl start pcscd.socket")
# result code -> what it means, and what to do
_PCSC: Final = {
    0x8010001D: _SERVICE,
    0x8010001E: _SERVICE,
    # SCARD_W_SECURITY_VIOLATION
    0x8010006A: ("the smart card service refuses this user", "see polkit's rules for org.debian.pcsc-lite"),
    # SCARD_E_SHARING_VIOLATION
    0x8010000B: ("another program holds the YubiKey", "if it is gpg: gpgconf --kill scdaemon"),
}
_PUT_IN: Final = "put it in again and start anew"


@frozen
class YubiKeyInfo:
    """What a device says of itself; nothing proves it. `serial` is None where it is kept invisible."""

    serial: int | None
    firmware: tuple[int, int, int]
    form_factor: str
    reader: str

    @property
    def name(self) -> str:
        return "YubiKey without a serial number" if self.serial is None else f"YubiKey {self.serial}"


@frozen
class YubiKey:
    """An open connection to a device's smart card interface."""

    info: YubiKeyInfo
    connection: SmartCardConnection


def need_library() -> None:
    """Raises DeviceError where yubikey-manager is missing."""
    try:
        import ykman.pcsc  # noqa: F401 - these imports are the test
        import yubikit.piv  # noqa: F401 - these imports are the test
    except ImportError as error:
        raise DeviceError(
            f"yubikey-manager cannot be loaded: {error}", hint="pip install 'evidence-bundle[tools]'"
        ) from None


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """The refusals of service, reader and device while doing `what`, as DeviceError."""
    from smartcard.Exceptions import NoCardException, SmartcardException
    from smartcard.pcsc.PCSCExceptions import BaseSCardException
    from yubikit.core import (
        ApplicationNotAvailableError,
        BadResponseError,
        InvalidPinError,
        NotSupportedError,
    )
    from yubikit.core.smartcard import ApduError

    try:
        yield
    except InvalidPinError as error:
        raise wrong_pin(what, error.attempts_remaining) from None
    except ApduError as error:
        raise DeviceError(f"{what}: the YubiKey answers {error.sw:04X}") from None
    except ApplicationNotAvailableError:
        raise DeviceError(
            f"{what}: this application is absent or switched off", hint="ykman info shows the applications"
        ) from None
    except NotSupportedError as error:
        raise DeviceError(
            f"{what}: {error}", hint="firmware cannot be changed: take a newer YubiKey"
        ) from None
    except BadResponseError as error:
        raise DeviceError(f"{what}: the answer makes no sense: {error}") from None
    except NoCardException:
        raise DeviceError(f"{what}: the YubiKey is not there", hint=_PUT_IN) from None
    except (SmartcardException, BaseSCardException) as error:
        gone = ("the YubiKey was pulled out or does not answer", _PUT_IN)
        text, hint = _PCSC.get(error.hresult & 0xFFFFFFFF, gone)
        raise DeviceError(f"{what}: {text}", hint=hint) from None


def wrong_pin(what: str, left: int) -> DeviceError:
    """The error after a wrong PIN, with the number of tries that are `left`."""
    if left:
        tries = "1 try is" if left == 1 else f"{left} tries are"
        return DeviceError(f"{what}: wrong PIN; {tries} left")
    return DeviceError(
        f"{what}: the PIN is blocked",
        hint="ykman piv access unblock-pin, or gpg --card-edit, sets a new one with PUK or admin PIN",
    )


def _connect(device: Any) -> SmartCardConnection:
    """Exclusive, so that no other program speaks in between."""
    from smartcard.ExclusiveConnectCardConnection import ExclusiveConnectCardConnection
    from ykman.pcsc import ScardSmartCardConnection

    exclusive = ExclusiveConnectCardConnection(device.reader.createConnection())
    connection: SmartCardConnection = ScardSmartCardConnection(exclusive)  # type: ignore[no-untyped-call] # ykman's
    return connection


def _info(device: Any, connection: SmartCardConnection) -> YubiKeyInfo:
    from yubikit.support import read_info

    info = read_info(connection, device.pid)
    return YubiKeyInfo(
        serial=info.serial,
        firmware=(info.version.major, info.version.minor, info.version.patch),
        form_factor=str(info.form_factor),
        reader=device.reader.name,
    )


def _readers() -> Sequence[Any]:
    from ykman.pcsc import list_devices

    with refusals("look for YubiKeys"):
        found: list[Any] = list_devices()  # type: ignore[no-untyped-call] # ykman's
    return found


def _look() -> tuple[list[YubiKeyInfo], list[DeviceError]]:
    """What is attached, and why the rest cannot be read."""
    need_library()
    from smartcard.Exceptions import NoCardException

    found, unread = [], []
    for device in _readers():
        try:
            with (
                refusals(f"read {device.reader.name}"),
                suppress(NoCardException),
                _connect(device) as opened,
            ):
                found.append(_info(device, opened))
        except DeviceError as error:
            unread.append(error)
    return found, unread


def attached() -> list[YubiKeyInfo]:
    """All attached YubiKeys. Raises DeviceError, also where one cannot be read."""
    found, unread = _look()
    if unread:
        raise unread[0]
    return found


def _choose(serial: int | None) -> YubiKeyInfo:
    """One that cannot be read may be the one that is meant, so without a serial number it counts."""
    found, unread = _look()
    chosen = [info for info in found if serial in (None, info.serial)]
    listed = ", ".join(str(info.serial) for info in found)
    if len(chosen) == 1 and (serial is not None or not unread):
        return chosen[0]
    if len(chosen) + (len(unread) if serial is None else 0) > 1:
        raise DeviceError("several YubiKeys are attached", hint=f"name one of them: {listed}")
    if unread:
        raise unread[0]
    if found:
        raise DeviceError(f"YubiKey {serial} is not attached", hint=f"attached: {listed}")
    raise DeviceError("no YubiKey is attached", hint="pcsc_scan or lsusb shows whether the system sees it")


@contextmanager
def open_yubikey(serial: int | None) -> Iterator[YubiKey]:
    """The YubiKey of this serial number; without one, the only one attached. Raises DeviceError."""
    chosen = _choose(serial)
    for device in _readers():
        if device.reader.name != chosen.reader:
            continue
        with ExitStack() as stack:
            with refusals(f"open {chosen.name}"):
                connection = stack.enter_context(_connect(device))
                if _info(device, connection) != chosen:
                    raise DeviceError(f"{chosen.name} was exchanged for another", hint=_PUT_IN)
            yield YubiKey(info=chosen, connection=connection)
            return
    raise DeviceError(f"{chosen.name} is gone", hint=_PUT_IN)
