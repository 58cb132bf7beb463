# SPDX-License-Identifier: Apache-2.0
"""Facts read from measurement logs, and replay to quoted PCR values; no file, clock or network.

What to call, in the order in which a verifier would:

- `recognise.recognise(data)` says which kind of log it is, `recognise.decode_log(data)` decodes any kind.
- Firmware: `log = tcg.FirmwareLog.decode(data)`, then `replays = replay.replay(log.events, bank, quoted,
  locality=replay.declared_locality(log.events))`: one `PcrReplay` for each quoted PCR. Only `Outcome.MATCH`
  explains a value. A userspace log (`systemd.SystemdLog.decode`) extends some of the same PCRs later and is
  chained: `replay.replay((*log.events, *userspace.records), ...)`.
- `platform.summarise(log.events, bank, replays)`: facts with their standing, to be shown or judged. They are
  as good as the replays given: without them nothing stands higher than LOGGED. Only for logs that count PCRs,
  not the registers of confidential computing.
- One event: `reading.read_log(events, bank)`, or `coverage.cover(event, bank)` and
  `content.decode_content(event)`.
- IMA: `ima.ImaList.decode(data)` or `ima_ascii.ImaAsciiList.decode(data)`, then
  `ima_replay.replay_ima(entries, template_alg, bank, index, quoted)`: how many entries the quote covers.
  `ima_template.boot_aggregate` joins the list to the firmware's PCRs.
- CEL: `cel.decode_cel_tlv`, `cel_cbor.decode_cel_cbor`, `cel_json.decode_cel_json`; `cel.firmware_events` and
  `cel.ima_entries` turn the records into the above.

Decoders raise `MalformedError` and nothing else; functions that hash raise `UnsupportedAlgorithmError` for a
bank that is not computed here. `untrusted_*` names what no digest covers, or not until `coverage` says so.
"""
