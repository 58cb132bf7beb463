# SPDX-License-Identifier: Apache-2.0
"""Results as Parquet: the members of a line as columns, written and read a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bundlefmt.errors import MalformedError
from bundlefmt.many.extra import extra
from bundlefmt.many.results import ResultsError
from bundlefmt.render.result_reading import checked

_ROWS: Final = 4096  # in memory at a time, and in a row group


def _schema(pa: Any) -> Any:
    text, number = pa.string(), pa.uint64()
    finding = {"check": text, "outcome": text, "message": text}
    boot = {
        "ak_name": text,
        "obfuscated": pa.bool_(),
        "reset_count": pa.uint32(),
        "restart_count": pa.uint32(),
        "clock": number,
        "safe": pa.bool_(),
        "firmware_version": text,
    }
    tag = {"pcr": pa.uint32(), "tag": text}
    bank = {"bank": text, "sha256": text, "tags": pa.list_(_struct(pa, tag))}
    columns = {
        "schema": text,
        "path": text,
        "size": number,
        "sha256": text,
        "policy_sha256": text,
        "error": _struct(pa, {"code": text, "message": text, "offset": number}),
        "verdict": text,
        "findings": pa.list_(_struct(pa, finding)),
        "conclusions": pa.list_(_struct(pa, {"id": text, "basis": text})),
        "timed": pa.bool_(),
        "manifest_sha256": text,
        "manifest_sha384": text,
        "manifest_sha512": text,
        "created": number,
        "previous": _struct(pa, {"alg": text, "value": text}),
        "ak_names": pa.list_(text),
        "ek_sha256": pa.list_(text),
        "boots": pa.list_(_struct(pa, boot)),
        "pcrs": pa.list_(_struct(pa, bank)),
        "cut": pa.bool_(),
    }
    return pa.schema(list(columns.items()))


def _struct(pa: Any, members: dict[str, Any]) -> Any:
    return pa.struct(list(members.items()))


def require() -> None:
    """Raises MissingExtraError where pyarrow is not installed: to be asked before long work."""
    extra("pyarrow.parquet", "batch", "Parquet")


def write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Raises OSError, ResultsError."""
    pa = extra("pyarrow", "batch", "Parquet")
    parquet = extra("pyarrow.parquet", "batch", "Parquet")
    schema, each = _schema(pa), iter(lines)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while rows := list(islice(each, _ROWS)):
            shown = [{**row, "path": _utf8(row["path"])} for row in rows]
            writer.write_table(pa.Table.from_pylist(shown, schema=schema))


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines again. Raises OSError; ResultsError where they are not such."""
    pa = extra("pyarrow", "batch", "Parquet")
    parquet = extra("pyarrow.parquet", "batch", "Parquet")
    try:
        with parquet.ParquetFile(path) as file:
            if not file.schema_arrow.equals(_schema(pa)):
                raise ResultsError(f"{path}: other columns than results have")
            for batch in file.iter_batches(batch_size=_ROWS):
                yield from map(checked, batch.to_pylist())
    except MalformedError as error:
        raise ResultsError(f"{path}: {error.message}") from None
    except pa.ArrowInvalid as error:
        raise ResultsError(f"{path}: {str(error).splitlines()[0]}") from None


def _utf8(name: str) -> str:
    """Bytes of a name that are no text stand as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
