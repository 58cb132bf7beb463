// SPDX-License-Identifier: Apache-2.0
// Step 4, cross-signatures: cross.* of checks.md. Section 8.5 of the specification.
'use strict';

const pgp = require('./openpgp');
const tpm = require('./tpm');
const ended = require('./ended');
const x509 = require('./x509');
const own = require('./own-extension');
const { fill } = require('./judgement');
const { attempt } = require('./reading');
const { build } = require('./chain');
const { checkRevocation } = require('./check-piv');
const { findSigner, CHECKS, CERTIFICATION } = require('./openpgp-judge');

/** The fingerprint in a cross-certificate; DerError where it is none. */
function crossFingerprint(certificate) {
  own.requireEndEntity(certificate);
  return own.openpgpKey(certificate);
}

/** A chain of a certificate and its only issuer: {path, outcome}. */
function issuedBy(j, certificate, issuer) {
  const found = build(certificate, [], [issuer], {
    policy: j.policy, at: j.at, existedOf: () => j.existed, understood: [own.TPM_BINDING, own.OPENPGP_KEY],
  });
  return { path: found.ended ? null : found.path, outcome: found.path ? found.ended ?? 'passed' : 'failed', why: found.why };
}

function signatureOutcome(j, signature, by, over) {
  if (signature.created === null) return 'failed';
  const holder = j.pgp(by);
  if (!holder.value) return 'skipped';
  if (!holder.value.primary.known) return 'indeterminate';
  const found = findSigner(signature, j.bytes(over), [{ label: by, certificate: holder.value }], signature.created,
    { lapse: j.at, policy: j.policy, existed: j.existed });
  if (!found) return 'failed';
  if (found.uncomputed) return 'indeterminate';
  const outcomes = CHECKS.map((c) => found.judged[c]);
  if (outcomes.includes('failed')) return 'failed';
  if (outcomes.includes('indeterminate')) return 'indeterminate';
  j.crossed.push({ by, over, from: 'openpgp' });
  return found.judged.ended ?? 'passed';
}

function checkSignature(j, label) {
  if (j.absent(label)) {
    for (const check of ['cross.form', 'cross.signature']) j.missing(check, label);
    return;
  }
  const read = j.read(label, 'detached', pgp.decodeDetached);
  if (!read.value || read.value.type !== 0) {
    j.add('cross.form', 'failed', label, read.error ?? 'another type');
    j.add('cross.signature', 'skipped', label);
    return;
  }
  j.add('cross.form', 'passed', label);
  const by = j.one(label, 'by', 'openpgp-certificate');
  const over = j.one(label, 'over', 'piv-certificate');
  if (!by || !over) j.add('cross.signature', 'skipped', label, 'references');
  else if (!j.missing('cross.signature', [by, over], label)) j.add('cross.signature', signatureOutcome(j, read.value, by, over), label);
}

function checkCertificate(j, label) {
  const checks = ['cross.form', 'cross.signature', 'cross.key', 'cross.revocation'];
  if (j.absent(label)) {
    for (const check of checks) j.missing(check, label);
    return;
  }
  const read = j.certificate(label);
  if (!read.value) {
    for (const check of checks) j.add(check, check === 'cross.form' ? 'failed' : 'skipped', label, read.error);
    return;
  }
  const certificate = read.value;
  const form = attempt(() => crossFingerprint(certificate));
  j.add('cross.form', form.value ? 'passed' : 'failed', label, form.error);
  const fingerprint = attempt(() => own.openpgpKey(certificate)).value;
  const by = j.one(label, 'by', 'piv-certificate');
  const over = j.one(label, 'over', 'openpgp-certificate');
  let path = null;
  if (!by) j.add('cross.signature', 'skipped', label, 'references');
  else if (!j.missing('cross.signature', by, label)) {
    const issuer = j.certificate(by).value;
    const found = issuer ? issuedBy(j, certificate, issuer) : { outcome: 'skipped', path: null };
    path = found.path;
    j.add('cross.signature', found.outcome, label, found.why);
  }
  if (by && j.absent(by)) j.missing('cross.revocation', by, label);
  else checkRevocation(j, 'cross.revocation', path, label);
  if (!over || !fingerprint) j.add('cross.key', 'skipped', label, 'references or extension');
  else if (!j.missing('cross.key', over, label)) {
    const { value } = j.pgp(over);
    let outcome = 'skipped';
    if (value && (!value.primary.known || !value.primary.key.same)) outcome = 'indeterminate';
    else if (value) {
      outcome = value.primary.key.same === certificate.key.same && value.primary.fingerprint.equals(fingerprint) ? 'passed' : 'failed';
    }
    if (outcome === 'passed' && path) j.crossed.push({ by, over, from: 'piv' });
    j.add('cross.key', outcome, label);
  }
}

/** Whether a tpm-signature over bytes that are no statement is by the signing key that it names. */
function checkTpmSignature(j, label, over) {
  const by = j.one(label, 'by');
  if (by && j.role(by) === 'ak-public') j.add('cross.tpm', 'failed', label, 'by an attestation key');
  else if (!by || j.role(by) !== 'key-public') j.add('cross.tpm', 'skipped', label, 'references');
  else if (!j.missing('cross.tpm', [label, by, over], label)) {
    const signature = j.read(label, 'signature', tpm.decodeSignature);
    const area = j.area(by);
    if (signature.error) j.add('cross.tpm', 'failed', label, signature.error);
    else if (area.error) j.add('cross.tpm', 'skipped', label);
    else if (area.strange || signature.strange) j.add('cross.tpm', 'indeterminate', label);
    else {
      const good = attempt(() => tpm.verifySignature(area.value, signature.value, j.bytes(over)));
      const past = ended.judge(j.policy, [area.value.key], [tpm.HASHES[signature.value.hash]?.[0]], j.bundle.manifest.created, j.existed);
      j.add('cross.tpm', good.strange ? 'indeterminate' : good.value ? past ?? 'passed' : 'failed', label);
    }
  }
}

function certified(subject, other) {
  const primary = other.primary;
  const made = (s, types, object) => types.includes(s.type) && pgp.mayBeBy(s, primary) && pgp.check(s, primary, object) === 'good';
  return subject.userIds.some((userId) => {
    const object = Buffer.concat([subject.primary.object, userId.object]);
    return userId.signatures.some((s) => made(s, CERTIFICATION, object)) && !userId.signatures.some((s) => made(s, [0x30], object));
  });
}

function checkCertifications(j) {
  const labels = j.withRole('openpgp-certificate');
  for (const label of labels) {
    const gone = labels.filter((l) => j.absent(l));
    const others = labels.filter((l) => l !== label && !j.absent(l)).map((l) => j.pgp(l).value).filter((c) => c?.primary.known);
    const mine = j.absent(label) ? null : j.pgp(label).value;
    const found = mine?.primary.known && others.some((c) => !c.primary.body.equals(mine.primary.body) && certified(mine, c));
    if (found) j.add('cross.certification', 'passed', label);
    else if (gone.length) j.missing('cross.certification', gone, label);
    else if (mine && !mine.primary.known) j.add('cross.certification', 'indeterminate', label);
    else j.add('cross.certification', 'skipped', label);
  }
}

function checkCross(j) {
  j.crossed = [];
  for (const label of j.withRole('cross-signature')) checkSignature(j, label);
  for (const label of j.withRole('cross-certificate')) checkCertificate(j, label);
  for (const label of j.withRole('tpm-signature')) {
    const over = j.one(label, 'over', 'openpgp-certificate', 'piv-certificate');
    if (over) checkTpmSignature(j, label, over);
  }
  checkCertifications(j);
  fill(j, ['form', 'signature', 'key', 'revocation', 'tpm', 'certification'].map((c) => `cross.${c}`));
}

module.exports = { checkCross, issuedBy };
