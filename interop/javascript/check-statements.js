// SPDX-License-Identifier: Apache-2.0
// Step 6, the TPM's statements: quote.*, certify.*, creation.*, clock.*, nv.* of checks.md. Sections 5 and 10.6 of the specification.
'use strict';

const tpm = require('./tpm');
const ended = require('./ended');
const { bindingDigest } = require('./container');
const { fill } = require('./judgement');
const { attempt } = require('./reading');
const { decodePcrValues, quoteDigest } = require('./pcr');

const AREAS = {
  quote: ['quote', [tpm.TYPES.quote]], certify: ['certify', [tpm.TYPES.certify]], 'certify-creation': ['creation', [tpm.TYPES.creation]],
  time: ['clock', [tpm.TYPES.time]], 'nv-certify': ['nv', [tpm.TYPES.nv, tpm.TYPES.nvDigest]],
};
const MAX_PARENTS = 8;
const NAMES = Object.keys(tpm.HIERARCHIES);

/**
 * Public areas above a key: {areas} from its parent upwards; else {outcome} by which a check ends: skipped, failed, indeterminate, or
 * {missing} for a label that is not here.
 */
function parentsOf(j, label) {
  const areas = [];
  const seen = new Set([label]);
  let current = label;
  while (j.items.get(current).refs.parent) {
    const parent = j.one(current, 'parent', 'ek-public', 'parent-public');
    if (!parent) return { outcome: 'skipped' };
    if (seen.has(parent) || areas.length >= MAX_PARENTS) return { outcome: 'failed' };
    if (j.absent(parent)) return { missing: parent };
    const read = j.area(parent);
    if (!read.value) return { outcome: read.strange ? 'indeterminate' : 'skipped' };
    areas.push(read.value);
    seen.add(parent);
    current = parent;
  }
  return { areas };
}

/** In which hierarchy `name` is the qualified name of the key `label`: {hierarchy}, or {outcome} or {missing} as above. */
function placeOf(j, label, name) {
  if (j.absent(label)) return { missing: label };
  const read = j.area(label);
  if (!read.value) return { outcome: read.strange ? 'indeterminate' : 'skipped' };
  const parents = parentsOf(j, label);
  if (!parents.areas) return parents;
  const found = attempt(() => NAMES.find((h) => tpm.qualifiedName(read.value, parents.areas, h).equals(name)));
  if (found.strange) return { outcome: 'indeterminate' };
  return found.value ? { hierarchy: found.value } : { outcome: 'failed' };
}

function addPlace(j, check, label, place) {
  if (place.missing) j.missing(check, place.missing, label);
  else j.add(check, place.hierarchy ? 'passed' : place.outcome, label, place.hierarchy ?? '');
}

/** Outcome of one tpm-signature over a statement by `ak`. */
function oneSignature(j, label, ak, statement) {
  if (j.one(label, 'by') !== ak) return 'failed';
  if (j.absent(label)) return 'missing';
  const read = j.read(label, 'signature', tpm.decodeSignature);
  if (read.error) return 'failed';
  const area = j.area(ak);
  if (area.error) return 'skipped';
  if (area.strange || read.strange) return 'indeterminate';
  const good = attempt(() => tpm.verifySignature(area.value, read.value, j.bytes(statement)));
  if (good.strange) return 'indeterminate';
  if (!good.value) return 'failed';
  return ended.judge(j.policy, [area.value.key], [tpm.HASHES[read.value.hash]?.[0]], j.bundle.manifest.created, j.existed) ?? 'passed';
}

function checkSignature(j, check, label) {
  const ak = j.one(label, 'by', 'ak-public');
  const signatures = j.withRole('tpm-signature').filter((l) => j.one(l, 'over') === label);
  if (!ak) return void j.add(check, 'skipped', label, 'references');
  if (signatures.length === 0) return void j.add(check, 'failed', label, 'no signature');
  if (j.missing(check, ak, label)) return undefined;
  if (j.area(ak).error) return void j.add(check, 'skipped', label, 'the key cannot be read');
  const outcomes = signatures.map((s) => oneSignature(j, s, ak, label));
  if (outcomes.includes('failed')) return void j.add(check, 'failed', label);
  if (outcomes.includes('missing')) return void j.missing(check, signatures, label);
  const worst = ['indeterminate', 'skipped', 'passed'].find((o) => outcomes.includes(o));
  return void j.add(check, worst, label);
}

function checkBound(j, check, label, attest) {
  if (attest.extraData.equals(j.bindingDigest)) j.add(check, 'passed', label);
  else if (attest.extraData.equals(j.bundle.manifest.binding.nonce)) {
    j.add(check, j.policy.allow_nonce_binding ? 'passed' : 'indeterminate', label, 'nonce only');
  } else j.add(check, 'failed', label);
}

/** Form, signature, signer and binding of a statement; its facts or null. */
function checkStatement(j, label, more) {
  const [area, types] = AREAS[j.role(label)];
  const checks = ['signature', 'signer', 'binding', ...more];
  if (j.absent(label)) {
    for (const check of ['form', 'signer', 'binding', ...more]) j.missing(`${area}.${check}`, label);
    if (j.withRole('tpm-signature').some((l) => j.one(l, 'over') === label)) j.missing(`${area}.signature`, label);
    else j.add(`${area}.signature`, 'failed', label, 'no signature');
    return null;
  }
  const read = j.read(label, 'attest', tpm.decodeAttest);
  checkSignature(j, `${area}.signature`, label);
  if (!read.value) {
    j.add(`${area}.form`, 'failed', label, read.error);
    for (const check of checks.slice(1)) j.add(`${area}.${check}`, 'skipped', label);
    return null;
  }
  const right = types.includes(read.value.type);
  j.add(`${area}.form`, right ? 'passed' : 'failed', label);
  const ak = j.one(label, 'by', 'ak-public');
  const place = ak ? placeOf(j, ak, read.value.signer) : { outcome: 'skipped' };
  addPlace(j, `${area}.signer`, label, place);
  checkBound(j, `${area}.binding`, label, read.value);
  if (right) j.statements.push({ label, ak, attest: read.value, hierarchy: place.hierarchy ?? null });
  if (!right) for (const check of more) j.add(`${area}.${check}`, 'skipped', label);
  return right ? read.value : null;
}

function selectionFault(selections) {
  const seen = new Set();
  for (const { bank, pcrs } of selections) {
    for (const index of pcrs) {
      if (seen.has(`${bank} ${index}`)) return 'a PCR twice';
      seen.add(`${bank} ${index}`);
    }
  }
  return seen.size === 0 ? 'no PCR' : null;
}

function sameSelection(selections, banks) {
  const quoted = selections.flatMap(({ bank, pcrs }) => pcrs.map((i) => `${bank} ${i}`)).sort();
  const given = [...banks].flatMap(([bank, pcrs]) => [...pcrs.keys()].map((i) => `${bank} ${i}`)).sort();
  return quoted.join() === given.join();
}

function checkQuote(j, label) {
  const attest = checkStatement(j, label, ['selection', 'bank', 'pcrs']);
  if (!attest) return;
  const { selections, digest } = attest.attested;
  const values = j.withRole('pcr-values').filter((l) => j.refs(l, 'quoted-by').includes(label));
  const here = values.filter((l) => !j.absent(l));
  const read = here.map((l) => j.read(l, 'pcrs', decodePcrValues));

  const fault = selectionFault(selections);
  if (fault) j.add('quote.selection', 'failed', label, fault);
  else if (read.some((r) => r.error || !sameSelection(selections, r.value))) j.add('quote.selection', 'failed', label);
  else if (here.length < values.length) j.missing('quote.selection', values, label);
  else j.add('quote.selection', 'passed', label);

  const strong = new Set(selections.filter((s) => s.bank !== 4).flatMap((s) => s.pcrs));
  const weak = selections.filter((s) => s.bank === 4).flatMap((s) => s.pcrs);
  if (selections.every((s) => s.pcrs.length === 0)) j.add('quote.bank', 'skipped', label);
  else if (selections.some((s) => !tpm.HASHES[s.bank] && s.pcrs.length)) j.add('quote.bank', 'indeterminate', label);
  else j.add('quote.bank', j.policy.allow_sha1 || weak.every((i) => strong.has(i)) ? 'passed' : 'failed', label);

  checkDigest(j, label, { selections, digest, values, here, read });
}

function checkDigest(j, label, { selections, digest, values, here, read }) {
  const check = 'quote.pcrs';
  const ak = j.one(label, 'by', 'ak-public');
  if (!ak) return void j.add(check, 'skipped', label, 'references');
  if (values.length === 0) return void j.add(check, 'indeterminate', label, 'no values');
  if (j.missing(check, ak, label)) return undefined;
  if (here.length === 0) return void j.missing(check, values, label);
  const area = j.area(ak);
  if (area.strange) return void j.add(check, 'indeterminate', label);
  if (area.error || read.some((r) => r.error) || !area.value.scheme) return void j.add(check, 'skipped', label);
  const computed = attempt(() => read.map((r) => quoteDigest(selections, r.value, area.value.scheme.hash)));
  if (computed.strange) return void j.add(check, 'indeterminate', label);
  const equal = computed.value.every((d) => d !== null && d.equals(digest));
  if (equal && here.length < values.length) return void j.missing(check, values, label);
  return void j.add(check, equal ? 'passed' : 'failed', label);
}

/** Whether the Name and, for certify, the qualified name of the subject are those attested. */
function checkSubject(j, label, attest) {
  const area = AREAS[j.role(label)][0];
  const check = `${area}.subject`;
  const subject = j.one(label, 'subject', 'key-public', 'ak-public');
  const ak = j.one(label, 'by', 'ak-public');
  if (!subject) return void j.add(check, 'skipped', label, 'references');
  if (subject === ak && (j.absent(ak) || !j.area(ak).error)) return void j.add(check, 'failed', label, 'certifies itself');
  if (j.missing(check, subject, label)) return undefined;
  const read = j.area(subject);
  if (!read.value) return void j.add(check, read.strange ? 'indeterminate' : 'skipped', label);
  const name = attempt(() => tpm.nameOf(read.value));
  if (name.strange) return void j.add(check, 'indeterminate', label);
  if (!name.value.equals(attest.attested.name)) return void j.add(check, 'failed', label, 'Name');
  if (ak && j.missing(check, ak, label)) return undefined;
  const own = ak ? j.area(ak) : {};
  if (own.error) return void j.add(check, 'skipped', label);
  const ownName = own.value ? attempt(() => tpm.nameOf(own.value)) : own;
  if (ownName.strange) return void j.add(check, 'indeterminate', label);
  if (own.value && own.value.raw.equals(read.value.raw)) return void j.add(check, 'failed', label, 'certifies itself');
  if (area === 'certify') return addPlace(j, check, label, placeOf(j, subject, attest.attested.qualifiedName));
  return void j.add(check, 'passed', label);
}

/** A statement that was read, if it is of this type. */
function ofType(read, type) {
  return read.value && read.value.type !== type ? { error: 'another type' } : read;
}

function parentFault(j, of, data) {
  const parents = parentsOf(j, of);
  if (!parents.areas) return parents;
  const places = parents.areas.length
    ? NAMES.map((h) => [tpm.nameOf(parents.areas[0]), tpm.qualifiedName(parents.areas[0], parents.areas.slice(1), h)])
    : NAMES.map((h) => [Buffer.from(tpm.HIERARCHIES[h], 'hex'), Buffer.from(tpm.HIERARCHIES[h], 'hex')]);
  const good = places.some(([name, qualified]) => name.equals(data.parentName) && qualified.equals(data.parentQualifiedName));
  return good ? {} : { outcome: 'failed' };
}

function checkCreationData(j, label) {
  const check = 'creation.data';
  const of = j.one(label, 'of', 'key-public', 'ak-public');
  if (j.missing(check, label)) return undefined;
  const read = j.read(label, 'creation', tpm.decodeCreationData);
  if (read.error) return void j.add(check, 'failed', label, read.error);
  if (!read.value.outsideInfo.equals(j.bundle.manifest.binding.nonce)) return void j.add(check, 'failed', label, 'outsideInfo');
  if (!of) return void j.add(check, 'skipped', label, 'references');
  const parent = attempt(() => parentFault(j, of, read.value));
  if (!parent.strange && parent.value.outcome === 'failed') return void j.add(check, 'failed', label, 'parent');
  if (j.missing(check, of, label)) return undefined;
  const area = j.area(of);
  if (!area.value) return void j.add(check, area.strange ? 'indeterminate' : 'skipped', label);
  const statements = j.withRole('certify-creation').filter((l) => j.one(l, 'subject') === of);
  if (statements.length === 0) return void j.add(check, 'indeterminate', label, 'no statement');
  const attests = statements.map((l) => (j.absent(l) ? {} : ofType(j.read(l, 'attest', tpm.decodeAttest), tpm.TYPES.creation)));
  const digest = attempt(() => tpm.hash(area.value.nameAlg, j.bytes(label)));
  if (digest.strange) return void j.add(check, 'indeterminate', label);
  if (attests.some((a) => a.error)) return void j.add(check, 'skipped', label);
  if (attests.some((a) => a.value && !a.value.attested.creationHash.equals(digest.value))) {
    return void j.add(check, 'failed', label, 'hash');
  }
  if (parent.strange) return void j.add(check, 'indeterminate', label);
  if (parent.value.missing) return void j.missing(check, parent.value.missing, label);
  if (parent.value.outcome) return void j.add(check, parent.value.outcome, label, 'parent');
  if (j.missing(check, statements, label)) return undefined;
  return void j.add(check, 'passed', label);
}

function checkClock(j) {
  const groups = new Map();
  const group = (key, statement) => groups.set(key, [...(groups.get(key) ?? []), statement]);
  for (const s of j.statements.filter((x) => x.ak)) {
    group(s.ak, s);
    if (s.hierarchy === 'endorsement' || s.hierarchy === 'platform') group('*', s);
  }
  for (const [key, statements] of groups) {
    const boots = new Set(statements.map(({ attest: { clock, firmware } }) => `${clock.reset} ${clock.restart} ${firmware}`));
    j.add('clock.boot', boots.size === 1 || j.policy.allow_several_boots ? 'passed' : 'indeterminate', statements.map((s) => s.label));
    if (key !== '*') j.add('clock.safe', statements.every((s) => s.attest.clock.safe) ? 'passed' : 'skipped', key);
  }
}

function checkStatements(j) {
  j.statements = [];
  j.bindingDigest = bindingDigest(j.bundle.manifest);
  for (const label of j.withRole('quote')) checkQuote(j, label);
  for (const label of j.withRole('certify', 'certify-creation')) {
    const attest = checkStatement(j, label, ['subject']);
    if (attest) checkSubject(j, label, attest);
  }
  for (const label of j.withRole('creation-ticket')) {
    if (j.missing('creation.ticket', label)) continue;
    const read = j.read(label, 'ticket', tpm.decodeCreationTicket);
    j.add('creation.ticket', read.value ? 'passed' : 'failed', label, read.error);
  }
  for (const label of j.withRole('creation-data')) checkCreationData(j, label);
  for (const label of j.withRole('time', 'nv-certify')) checkStatement(j, label, []);
  checkClock(j);
  const common = ['form', 'signature', 'signer', 'binding'];
  fill(j, ['quote', 'certify', 'creation', 'clock', 'nv'].flatMap((a) => common.map((c) => `${a}.${c}`)));
  fill(j, ['quote.selection', 'quote.bank', 'quote.pcrs', 'certify.subject', 'creation.subject', 'creation.ticket', 'creation.data',
    'clock.boot', 'clock.safe']);
}

module.exports = { checkStatements, placeOf, oneSignature };
