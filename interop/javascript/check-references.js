// SPDX-License-Identifier: Apache-2.0
// Step 9, reference values: reference.* of checks.md. Section 8.3 of the specification.
'use strict';

const { decodeReference } = require('./references');
const { quotedFor } = require('./check-logs');
const { decodePcrValues } = require('./pcr');

const SHA1 = 0x04;
const FIRMWARE_PCRS = 8;
const LOGS = ['firmware-log', 'userspace-log'];

function worst(outcomes) {
  return ['failed', 'indeterminate'].find((o) => outcomes.includes(o)) ?? 'passed';
}

function checkPcrs(j, { name }, reference, quoted) {
  const check = 'reference.pcrs';
  if (reference.pcrs.length === 0) {
    if (reference.events.length) j.add(check, 'skipped', [], `${name} has events only`);
    else j.add(check, 'indeterminate', [], `${name} lists nothing`);
    return;
  }
  if (quoted.unreadable) return void j.add(check, 'skipped', [], 'PCR values cannot be read');
  const strong = new Set(reference.pcrs.filter((p) => p.bank !== SHA1).map((p) => p.pcr));
  const outcomes = [reference.doubt || quoted.absent ? 'indeterminate' : 'passed'];
  for (const { bank, pcr, values } of reference.pcrs) {
    const found = quoted.banks.map((b) => b.get(bank)?.get(pcr)).filter(Boolean);
    if (found.some((value) => !values.some((v) => v.equals(value)))) outcomes.push('failed');
    if (found.length === 0 || (!strong.has(pcr) && !j.policy.allow_sha1)) outcomes.push('indeterminate');
  }
  return void j.add(check, worst(outcomes), [], name);
}

/** Events of all logs that could be read: {pcr, digests, attested, banks that are quoted}. */
function eventsOf(j) {
  return j.withRole(...LOGS).filter((l) => !j.absent(l) && j.log(l).value).flatMap((l) =>
    j.log(l).value.events.filter((e) => j.role(l) === 'firmware-log' || e.pcr >= FIRMWARE_PCRS));
}

function oneEvent(j, event) {
  const events = eventsOf(j).filter((e) => event.pcr === null || e.pcr === event.pcr);
  const same = events.filter((e) => event.digests.some(({ bank, digest }) => e.digests.get(bank)?.equals(digest)));
  const measured = same.some((e) => event.digests.some(({ bank, digest }) => e.digests.get(bank)?.equals(digest)
    && e.attested?.has(bank) && (bank !== SHA1 || j.policy.allow_sha1)));
  if (measured) return 'passed';
  if (same.length) return 'indeterminate';
  const isStatic = event.pcr !== null && event.pcr < FIRMWARE_PCRS;
  const logLabels = j.withRole(...(isStatic ? LOGS.slice(0, 1) : LOGS));
  const says = (l) => j.log(l).value && !quotedFor(j, l).unreadable && event.digests.some(({ bank }) => j.log(l).value.banks.includes(bank));
  const unread = j.withRole('pcr-values').some((l) => j.absent(l)) || logLabels.some((l) => j.absent(l) || !says(l));
  const ima = j.withRole('ima-log').length > 0 && (event.pcr === null || event.pcr >= FIRMWARE_PCRS);
  return logLabels.length === 0 || unread || ima ? 'indeterminate' : 'failed';
}

function checkReferences(j) {
  const labels = j.withRole('pcr-values');
  const read = labels.filter((l) => !j.absent(l)).map((l) => j.read(l, 'pcrs', decodePcrValues));
  const quoted = {
    banks: read.map((r) => r.value).filter(Boolean), unreadable: read.some((r) => r.error), absent: labels.some((l) => j.absent(l)),
  };
  for (const file of j.policy.references) {
    const reference = decodeReference(file.data, j.at);
    checkPcrs(j, file, reference, quoted);
    if (reference.events.length === 0) j.add('reference.events', 'skipped', [], `${file.name} has no events`);
    else {
      const outcomes = reference.events.map((e) => oneEvent(j, e));
      const outcome = worst(outcomes);
      j.add('reference.events', outcome === 'passed' && reference.doubt ? 'indeterminate' : outcome, [], file.name);
    }
  }
  if (j.policy.references.length === 0) for (const c of ['pcrs', 'events']) j.add(`reference.${c}`, 'skipped', [], 'no reference');
}

module.exports = { checkReferences };
