// SPDX-License-Identifier: Apache-2.0
// Step 7, measurement logs: log.* of checks.md. Section 8.2 of the specification.
'use strict';

const { createHash } = require('node:crypto');
const logs = require('./logs');
const { HASHES } = require('./tpm');
const { fill } = require('./judgement');
const { decodePcrValues } = require('./pcr');

const SHA1 = 0x04;
const FIRMWARE_PCRS = 8;
const DECODERS = { 'firmware-log': logs.decodeFirmware, 'userspace-log': logs.decodeUserspace, 'ima-log': logs.decodeIma };
const SEPARATORS = ['00000000', 'ffffffff'];
const ERROR_SEPARATOR = '01000000';
const STRENGTH = [0x0d, 0x29, 0x0c, 0x28, 0x0b, 0x12, 0x27, SHA1];

function readLog(j, label) {
  try {
    return { value: DECODERS[j.role(label)](j.bytes(label)) };
  } catch (error) {
    if (error instanceof logs.LogError) return { error: error.message };
    throw error;
  }
}

/** The pcr-values that a log is to explain: {labels, absent, unreadable, banks: [Map]}. */
function quotedFor(j, label) {
  const named = j.refs(label, 'pcrs');
  const labels = named.length ? named : j.withRole('pcr-values');
  const here = labels.filter((l) => !j.absent(l));
  const read = here.map((l) => j.read(l, 'pcrs', decodePcrValues));
  return {
    absent: labels.filter((l) => j.absent(l)), unreadable: read.some((r) => r.error), banks: read.map((r) => r.value).filter(Boolean),
  };
}

/** The start values of a PCR: one, or two for those of a dynamic launch. */
function starts(pcr, size, locality) {
  const zero = Buffer.alloc(size);
  if (pcr >= 17 && pcr <= 22) return [Buffer.alloc(size, 0xff), zero];
  if (pcr === 0) zero[size - 1] = locality;
  return [zero];
}

/**
 * How many events of a PCR its quoted value came of: all of `firmware` and a first part of `userspace`; null where none fits. An event
 * without a digest of the bank ends what can be extended.
 */
function explained(bank, pcr, quoted, firmware, userspace, locality) {
  for (const start of starts(pcr, quoted.length, locality)) {
    let value = start;
    let whole = true;
    for (const event of firmware) {
      const digest = event.digests.get(bank);
      if (!digest) whole = false;
      else value = logs.extend(bank, value, digest);
    }
    if (!whole) continue;
    if (value.equals(quoted)) return firmware.length;
    for (let i = 0; i < userspace.length; i++) {
      const digest = userspace[i].digests.get(bank);
      if (!digest) break;
      value = logs.extend(bank, value, digest);
      if (value.equals(quoted)) return firmware.length + i + 1;
    }
  }
  return null;
}

/** Replays firmware and userspace events against quoted values: {outcome, why, boot}; marks events by `attested`. */
function replay(j, firmware, userspace, quoted) {
  const events = firmware?.events ?? [];
  const later = userspace.flatMap((u) => u.events).filter((e) => e.pcr >= FIRMWARE_PCRS);
  const carried = new Set(firmware?.banks ?? userspace.flatMap((u) => u.banks));
  const extended = new Set([...events, ...later].map((e) => e.pcr));
  const doubts = [];
  const faults = [];
  let count = 0;
  let compared = 0;
  const weak = new Set();
  const strong = new Set();
  for (const banks of quoted.banks) {
    for (const [bank, values] of banks) {
      if (!carried.has(bank)) continue;
      if (!HASHES[bank]) {
        doubts.push('hash');
        continue;
      }
      for (const [pcr, value] of values) {
        const mine = [events, later].map((list) => list.filter((e) => e.pcr === pcr));
        if (!extended.has(pcr) && !(firmware && pcr < FIRMWARE_PCRS)) continue;
        if (extended.has(pcr)) compared += 1;
        const used = explained(bank, pcr, value, mine[0], mine[1], firmware?.locality ?? 0);
        if (used === null) (pcr < FIRMWARE_PCRS ? faults : doubts).push(`PCR ${pcr}`);
        else if (extended.has(pcr)) {
          (bank === SHA1 ? weak : strong).add(pcr);
          for (const event of mine.flat().slice(0, used)) (event.attested ??= new Set()).add(bank);
          count += used;
        }
      }
    }
  }
  if (faults.length) return { outcome: 'failed', why: faults.join() };
  if (doubts.length) return { outcome: 'indeterminate', why: doubts.join() };
  if (compared === 0) return { outcome: 'indeterminate', why: 'no PCR of the log is quoted' };
  if (count === 0) return { outcome: 'indeterminate', why: 'no event is in the quote' };
  if (!j.policy.allow_sha1 && [...weak].some((pcr) => !strong.has(pcr))) return { outcome: 'indeterminate', why: 'SHA-1 alone' };
  return { outcome: 'passed', boot: events.some((e) => e.pcr < FIRMWARE_PCRS && e.attested) };
}

function checkReplay(j, label, firmware, userspaceLabels) {
  const quoted = quotedFor(j, label);
  const read = userspaceLabels.map((l) => (j.absent(l) ? { absent: l } : j.log(l)));
  if (read.some((r) => r.error) || quoted.unreadable) return void j.add('log.replay', 'skipped', label, 'cannot be read');
  const result = replay(j, firmware, read.filter((r) => r.value).map((r) => r.value), quoted);
  const gone = [...userspaceLabels.filter((l) => j.absent(l)), ...quoted.absent];
  if (result.outcome !== 'failed' && gone.length) return void j.missing('log.replay', gone, label);
  if (result.boot) j.bootMeasured = true;
  return void j.add('log.replay', result.outcome, label, result.why);
}

function checkSeparators(j, label, log) {
  const needed = j.withRole('userspace-log');
  const values = quotedFor(j, label);
  const gone = [...needed.filter((l) => j.absent(l)), ...values.absent];
  if (gone.length) return void ['separators', 'coverage'].forEach((c) => j.missing(`log.${c}`, gone, label));
  if (values.unreadable || needed.some((l) => j.log(l).error)) {
    return void ['separators', 'coverage'].forEach((c) => j.add(`log.${c}`, 'skipped', label, 'cannot be read'));
  }
  const banks = new Set(values.banks.flatMap((b) => [...b.keys()]));
  const carried = [log, ...needed.map((l) => j.log(l).value)].flatMap((l) => l.banks);
  if (carried.some((b) => banks.has(b) && !HASHES[b])) {
    return void ['separators', 'coverage'].forEach((c) => j.add(`log.${c}`, 'indeterminate', label, 'hash'));
  }
  const bank = STRENGTH.find((b) => banks.has(b) && log.banks.includes(b));
  if (!bank) return void ['separators', 'coverage'].forEach((c) => j.add(`log.${c}`, 'skipped', label, 'no bank of it is quoted'));
  const digest = (data) => createHash(HASHES[bank][0]).update(data).digest();
  const good = SEPARATORS.map((s) => digest(Buffer.from(s, 'hex')));
  const error = digest(Buffer.from(ERROR_SEPARATOR, 'hex'));
  const faults = [];
  for (let pcr = 0; pcr < FIRMWARE_PCRS; pcr++) {
    const mine = log.events.filter((e) => e.pcr === pcr).map((e) => e.digests.get(bank)).filter(Boolean);
    if (log.events.some((e) => e.pcr === pcr) && !mine.some((d) => good.some((g) => g.equals(d)))) faults.push(pcr);
    if (mine.some((d) => d.equals(error))) faults.push(pcr);
  }
  j.add('log.separators', faults.length ? 'indeterminate' : 'passed', label, faults.join());
  // Which parts of an event a digest is of decides no verdict; only whole data is looked at here.
  const open = log.events.filter((e) => e.digests.has(bank) && !digest(e.data).equals(e.digests.get(bank)));
  return void j.add('log.coverage', open.length ? 'skipped' : 'passed', label, `${open.length} events`);
}

const TEMPLATE_HASHES = { 20: 0x04, 32: 0x0b, 48: 0x0c, 64: 0x0d };

/** The number of entries whose extension gives `quoted`: 0 for the start, null for none. `digestOf` gives what an entry extends. */
function firstPart(bank, entries, quoted, digestOf) {
  let value = Buffer.alloc(quoted.length);
  if (value.equals(quoted)) return 0;
  for (let i = 0; i < entries.length; i++) {
    const digest = digestOf(entries[i]);
    if (!digest) return null;
    value = logs.extend(bank, value, digest);
    if (value.equals(quoted)) return i + 1;
  }
  return null;
}

function imaPcr(bank, entries, quoted, templateAlg) {
  const size = quoted.length;
  const violation = (e) => e.digest.every((b) => b === 0);
  const hash = (alg, e) => createHash(HASHES[alg][0]).update(e.hashed).digest();
  const asItStands = (e) => (violation(e) ? Buffer.alloc(size, 0xff) : e.digest);
  const again = (e) => (violation(e) ? Buffer.alloc(size, 0xff) : e.hashed && hash(bank, e));
  const ones = (e) => Buffer.alloc(e.digest.length, 0xff);
  const padded = (e) => Buffer.concat([violation(e) ? ones(e) : e.digest, Buffer.alloc(size - e.digest.length)]);
  let stated = bank === templateAlg;
  let count = firstPart(bank, entries, quoted, stated ? asItStands : again);
  let weak = bank === SHA1;
  if (count === null && !stated && templateAlg === SHA1) {
    count = firstPart(bank, entries, quoted, padded);
    stated = true;
    weak = true;
  }
  if (count === null) return { outcome: 'failed' };
  if (count === 0) return { outcome: 'indeterminate' };
  const other = stated && entries.slice(0, count).find((e) => !violation(e) && !(e.hashed && hash(templateAlg, e).equals(e.digest)));
  if (other) return { outcome: other.ascii ? 'indeterminate' : 'failed' };
  return { outcome: 'passed', weak };
}

function checkIma(j, label, log) {
  const quoted = quotedFor(j, label);
  if (quoted.unreadable) return void j.add('log.ima', 'skipped', label);
  const templateAlg = TEMPLATE_HASHES[log.digestSize];
  if (!templateAlg) return void j.add('log.ima', 'indeterminate', label, 'hash of the template digests');
  const outcomes = [];
  for (const pcr of new Set(log.entries.map((e) => e.pcr))) {
    const entries = log.entries.filter((e) => e.pcr === pcr);
    const results = [];
    for (const banks of quoted.banks) {
      for (const [bank, values] of banks) {
        if (!values.has(pcr)) continue;
        results.push(HASHES[bank] ? imaPcr(bank, entries, values.get(pcr), templateAlg) : { outcome: 'indeterminate' });
      }
    }
    outcomes.push(...results.map((r) => r.outcome));
    if (results.length === 0) outcomes.push('indeterminate');
    else if (!j.policy.allow_sha1 && results.every((r) => r.outcome === 'passed' && r.weak)) outcomes.push('indeterminate');
  }
  if (outcomes.includes('failed')) j.add('log.ima', 'failed', label);
  else if (quoted.absent.length) j.missing('log.ima', quoted.absent, label);
  else j.add('log.ima', outcomes.includes('indeterminate') ? 'indeterminate' : 'passed', label);
  return undefined;
}

function checkLogs(j) {
  const cache = new Map();
  j.log = (label) => {
    if (!cache.has(label)) cache.set(label, readLog(j, label));
    return cache.get(label);
  };
  const userspace = j.withRole('userspace-log');
  const firmware = j.withRole('firmware-log');
  const checks = {
    'firmware-log': ['form', 'replay', 'separators', 'coverage'],
    'userspace-log': firmware.length ? ['form'] : ['form', 'replay'],
    'ima-log': ['form', 'ima'],
  };
  for (const label of [...firmware, ...userspace, ...j.withRole('ima-log')]) {
    const mine = checks[j.role(label)];
    if (j.absent(label)) {
      for (const check of mine) j.missing(`log.${check}`, label);
      continue;
    }
    const { value, error } = j.log(label);
    if (error) {
      for (const check of mine) j.add(`log.${check}`, check === 'form' ? 'failed' : 'skipped', label, error);
      continue;
    }
    j.add('log.form', 'passed', label);
    if (j.role(label) === 'ima-log') checkIma(j, label, value);
    else if (j.role(label) === 'firmware-log') {
      checkReplay(j, label, value, userspace);
      checkSeparators(j, label, value);
    } else if (firmware.length === 0) checkReplay(j, label, null, [label]);
  }
  fill(j, ['form', 'replay', 'ima', 'separators', 'coverage'].map((c) => `log.${c}`));
}

module.exports = { checkLogs, quotedFor };
