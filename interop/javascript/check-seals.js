// SPDX-License-Identifier: Apache-2.0
// Step 2, the seals, and what openpgp.* finds of each: seal.* and openpgp.* of checks.md. Sections 6, 8.7 and 10.3.
'use strict';

const { createHash } = require('node:crypto');
const { COSE_TYPE, PGP_TYPE } = require('./container');
const { readHeader, verifyCose, hashOfAlgorithm } = require('./cose');
const tpm = require('./tpm');
const pgp = require('./openpgp');
const x509 = require('./x509');
const { judgeReceipts } = require('./receipt');
const ended = require('./ended');
const judgePgp = require('./openpgp-judge');
const { attempt } = require('./reading');

const CHECKS = ['form', 'signer', 'signature', 'validity'];
const ADDITIONS = ['timestamp', 'receipt'];

/** Form failed and the seal cannot be read: nothing else is looked at. */
function unreadable(j, name, why) {
  j.add('seal.form', 'failed', name, why);
  for (const check of CHECKS.slice(1)) j.add(`seal.${check}`, 'skipped', name, 'cannot be read');
  return { signer: null, outcome: 'skipped' };
}

function sealCose(j, seal, name, existed, { value: cose, error }) {
  if (error) return unreadable(j, name, error);
  const header = readHeader(cose, j.bundle.manifest.raw);
  j.add('seal.form', header.fault ? 'failed' : 'passed', name, header.fault ?? '');
  let signer = { outcome: 'failed' };
  if (header.x5t) signer = certificateSigner(j, seal, header.x5t);
  else if (header.kid) signer = keySigner(j, header.kid);
  j.add('seal.signer', signer.outcome, name);
  if (signer.outcome !== 'passed') {
    const outcome = signer.outcome === 'indeterminate' ? 'indeterminate' : 'skipped';
    j.add('seal.signature', outcome, name, 'signer');
    j.add('seal.validity', header.time === null ? 'failed' : outcome, name, 'signer');
    return { signer: null, outcome };
  }
  const outcome = header.fault ? 'failed' : coseSignature(j, cose, header, signer, existed);
  j.add('seal.signature', outcome, name);
  const time = Math.min(header.time, existed ?? Infinity);
  if (header.time === null) j.add('seal.validity', 'failed', name, 'no time');
  else if (signer.certificate) {
    const { notBefore, notAfter } = signer.certificate;
    j.add('seal.validity', time >= notBefore && time <= notAfter ? 'passed' : 'failed', name);
  } else j.add('seal.validity', signer.area ? 'passed' : 'skipped', name);
  return { signer, outcome, existed };
}

function coseSignature(j, cose, header, signer, existed) {
  const outcome = verifyCose(cose, cose.payload, signer.key);
  if (outcome !== 'passed') return outcome;
  return ended.judge(j.policy, [signer.key], [hashOfAlgorithm(header.alg), header.hash], header.time, existed) ?? 'passed';
}

function certificateSigner(j, seal, x5t) {
  const wanted = x5t.toString('hex');
  const labels = j.withRole('piv-certificate');
  const label = labels.find((l) => !j.absent(l) && j.sha256(l) === wanted);
  const own = seal.key && createHash('sha256').update(seal.key).digest('hex') === wanted;
  if (!label && !own) return { outcome: labels.some((l) => j.absent(l)) ? 'indeterminate' : 'failed' };
  const read = label ? j.certificate(label) : attempt(() => x509.decodeCertificate(seal.key));
  return { outcome: 'passed', label, kind: 'piv', identity: wanted, certificate: read.value, key: read.value?.key };
}

function keySigner(j, kid) {
  const labels = j.withRole('key-public');
  for (const label of labels) {
    if (j.absent(label)) continue;
    const { value } = j.area(label);
    const name = value && attempt(() => tpm.nameOf(value));
    if (name?.value && name.value.equals(kid)) return { outcome: 'passed', label, kind: 'tpm', area: value, key: value.key };
  }
  return { outcome: labels.some((l) => j.absent(l)) ? 'indeterminate' : 'failed' };
}

function sealPgp(j, seal, name, existed) {
  const read = attempt(() => pgp.decodeDetached(seal.value));
  const fault = read.error ?? (read.value.type !== 0 ? 'another type' : null);
  if (fault) return unreadable(j, name, fault);
  j.add('seal.form', 'passed', name);
  const signature = read.value;
  if (signature.created === null) {
    j.add('seal.validity', 'failed', name, 'no time');
    for (const check of ['signer', 'signature']) j.add(`seal.${check}`, 'skipped', name, 'no time');
    return { signer: null, outcome: 'skipped' };
  }
  const labels = j.withRole('openpgp-certificate');
  const candidates = labels.filter((l) => !j.absent(l) && j.pgp(l).value).map((l) => ({ label: l, certificate: j.pgp(l).value }));
  const own = seal.key && attempt(() => pgp.decodeCertificate(seal.key)).value;
  if (own) candidates.push({ label: null, certificate: own });
  const time = Math.min(signature.created, existed ?? Infinity);
  const found = judgePgp.findSigner(signature, j.bundle.manifest.raw, candidates, time,
    { lapse: Math.min(j.asked, existed ?? Infinity), policy: j.policy, existed });
  if (!found || found.uncomputed) {
    const outcome = found || labels.some((l) => j.absent(l)) ? 'indeterminate' : 'failed';
    j.add('seal.signer', outcome, name);
    const rest = outcome === 'failed' ? 'skipped' : outcome;
    j.add('seal.signature', rest, name, 'signer');
    j.add('seal.validity', rest, name, 'signer');
    return { signer: null, outcome: rest };
  }
  const { judged } = found;
  j.add('seal.signer', 'passed', name);
  j.add('seal.validity', 'passed', name);
  for (const check of judgePgp.CHECKS) j.add(`openpgp.${check}`, judged[check], name);
  const outcomes = judgePgp.CHECKS.map((c) => judged[c]);
  let outcome = judged.ended ?? 'passed';
  if (outcomes.includes('failed')) outcome = 'skipped';
  else if (outcomes.includes('indeterminate')) outcome = 'indeterminate';
  j.add('seal.signature', outcome, name);
  const identity = found.certificate.primary.fingerprint.toString('hex');
  return { signer: { label: found.label, kind: 'openpgp', identity, pgp: found, key: found.key.key }, outcome, existed };
}

/** What was added to a COSE seal after it was made: a timestamp, receipts. */
function checkAdditions(j, index, name) {
  const timestamp = j.timestamps[index];
  j.add('seal.timestamp', timestamp.outcome, name, timestamp.why);
  const { value } = j.messages[index];
  const receipt = value ? judgeReceipts(value, j.policy, j.renewals.sealTime(index)) : { outcome: 'skipped', why: 'cannot be read' };
  j.add('seal.receipt', receipt.outcome, name, receipt.why);
}

function checkSeals(j) {
  const { manifest, seals } = j.bundle;
  j.seals = seals.map((seal, i) => {
    const name = `seal ${i + 1}`;
    const existed = j.sealTime(i);
    if (seal.type === COSE_TYPE) {
      checkAdditions(j, i, name);
      return sealCose(j, seal, name, existed, j.messages[i]);
    }
    if (seal.type === PGP_TYPE) return sealPgp(j, seal, name, existed);
    for (const check of CHECKS) j.add(`seal.${check}`, 'skipped', name, 'unknown type');
    return { signer: null, outcome: 'skipped' };
  });
  for (const check of [...CHECKS, ...ADDITIONS]) if (j.outcomes(`seal.${check}`).length === 0) j.add(`seal.${check}`, 'skipped');

  const sealed = j.seals.filter((s) => s.outcome === 'passed');
  const undecided = j.seals.filter((s) => s.outcome === 'indeterminate');
  for (const { item } of manifest.signers) {
    let outcome = 'failed';
    if (sealed.some((s) => s.signer.label === item)) outcome = 'passed';
    else if (undecided.some((s) => (s.signer ? s.signer.label === item : j.absent(item)))) outcome = 'indeterminate';
    j.add('seal.required', outcome, item);
  }

  const { policy } = j;
  const identities = new Set(sealed.filter((s) => s.signer.identity).map((s) => `${s.signer.kind} ${s.signer.identity}`));
  const wanted = [...policy.pins_openpgp.map((p) => `openpgp ${p}`), ...policy.pins_piv.map((p) => `piv ${p}`)];
  const known = [...policy.known_openpgp.map((p) => `openpgp ${p}`), ...policy.known_piv.map((p) => `piv ${p}`)]
    .filter((p) => identities.has(p));
  for (const pin of wanted) {
    j.add('seal.anchor', identities.has(pin) ? 'passed' : undecided.length ? 'indeterminate' : 'failed', [], pin);
  }
  for (const pin of known.filter((p) => !wanted.includes(p))) j.add('seal.anchor', 'passed', [], pin);
  if (wanted.length + known.length === 0) j.add('seal.anchor', 'indeterminate', [], 'nothing is pinned');
  j.pinned = new Set([...wanted.filter((p) => identities.has(p)), ...known]);
}

/** Step 3, the OpenPGP certificates themselves, at `at`. */
function checkOpenpgp(j) {
  const labels = j.withRole('openpgp-certificate');
  const checks = ['form', ...judgePgp.CHECKS];
  for (const label of labels) {
    const mine = checks.filter((c) => c !== 'subkey' && c !== 'flags');
    if (j.absent(label)) {
      for (const check of mine) j.missing(`openpgp.${check}`, label);
      continue;
    }
    const { value, error } = j.pgp(label);
    if (error) {
      for (const check of mine) j.add(`openpgp.${check}`, check === 'form' ? 'failed' : 'skipped', label, error);
      continue;
    }
    j.add('openpgp.form', value.primary.known ? 'passed' : 'indeterminate', label);
    const judged = judgePgp.judge(value, j.at, null, j.policy);
    for (const check of mine.slice(1)) j.add(`openpgp.${check}`, judged[check], label);
  }
  for (const check of checks) if (j.outcomes(`openpgp.${check}`).length === 0) j.add(`openpgp.${check}`, 'skipped');
}

module.exports = { checkSeals, checkOpenpgp };
