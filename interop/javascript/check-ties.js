// SPDX-License-Identifier: Apache-2.0
// Step 8, what ties the keys together: binding.* and activation.* of checks.md. Sections 8.6, 10.7, 10.9 and 10.10.
'use strict';

const credential = require('./credential');
const challenge = require('./challenge');
const tpm = require('./tpm');
const own = require('./own-extension');
const { fill } = require('./judgement');
const { attempt } = require('./reading');
const { issuedBy } = require('./check-cross');
const { checkRevocation } = require('./check-piv');

const BINDING = ['form', 'chain', 'revocation', 'key', 'contents'].map((c) => `binding.${c}`);

/** What the extension of a tpm-binding-certificate names; DerError where it is none. */
function bindingNames(certificate) {
  own.requireEndEntity(certificate);
  return own.tpmBinding(certificate);
}

/** failed, indeterminate, skipped or passed: the worst of several comparisons. */
function worst(outcomes) {
  return ['failed', 'indeterminate', 'skipped'].find((o) => outcomes.includes(o)) ?? 'passed';
}

function compareKey(area, key) {
  if (area.error) return 'skipped';
  if (area.strange || !area.value.key.same) return 'indeterminate';
  return area.value.key.same === key.same ? 'passed' : 'failed';
}

function compareName(area, name) {
  if (area.error) return 'skipped';
  const own = area.strange ? area : attempt(() => tpm.nameOf(area.value));
  if (own.strange) return 'indeterminate';
  return own.value.equals(name) ? 'passed' : 'failed';
}

function checkBindingCertificate(j, label) {
  if (j.absent(label)) {
    for (const check of BINDING) j.missing(check, label);
    return;
  }
  const read = j.certificate(label);
  if (!read.value) {
    for (const check of BINDING) j.add(check, check === 'binding.form' ? 'failed' : 'skipped', label, read.error);
    return;
  }
  const certificate = read.value;
  const form = attempt(() => bindingNames(certificate));
  j.add('binding.form', form.value ? 'passed' : 'failed', label, form.error);
  const names = attempt(() => own.tpmBinding(certificate)).value;
  const by = j.one(label, 'by', 'piv-certificate');
  let path = null;
  if (!by) j.add('binding.chain', 'skipped', label, 'references');
  else if (!j.missing('binding.chain', by, label)) {
    const issuer = j.certificate(by).value;
    const found = issuer ? issuedBy(j, certificate, issuer) : { outcome: 'skipped', path: null };
    path = found.path;
    j.add('binding.chain', found.outcome, label, found.why);
  }
  if (by && j.absent(by)) j.missing('binding.revocation', by, label);
  else checkRevocation(j, 'binding.revocation', path, label);
  const key = j.one(label, 'key', 'key-public');
  const ek = j.one(label, 'ek', 'ek-public');
  const ak = j.one(label, 'ak', 'ak-public');
  if (!key) j.add('binding.key', 'skipped', label, 'references');
  else if (!j.missing('binding.key', key, label)) j.add('binding.key', compareKey(j.area(key), certificate.key), label);
  if (!key || !ek || !ak || !names) j.add('binding.contents', 'skipped', label, 'references');
  else {
    const rows = [[ek, compareKey, names.ek], [ak, compareName, names.akName], [key, compareName, names.keyName]];
    const outcome = worst(rows.filter(([l]) => !j.absent(l)).map(([l, compare, named]) => compare(j.area(l), named)));
    // what is here and wrong is so whatever else is withheld
    if (outcome === 'failed' || !j.missing('binding.contents', [ek, ak, key], label)) j.add('binding.contents', outcome, label);
  }
}

function checkBinding(j) {
  for (const label of j.withRole('tpm-binding-certificate')) checkBindingCertificate(j, label);
  fill(j, BINDING);
}

/** A check of a record against its keys. */
function checkRecord(j, check, label, needed, holds) {
  if (j.missing(check, label)) return;
  const read = j.read(label, 'activation', credential.decodeRecord);
  const record = read.value;
  const [ek, ak] = [j.one(label, 'ek', 'ek-public'), j.one(label, 'ak', 'ak-public')];
  if (!record || needed.some((m) => !record[m]) || !ek || !ak) return void j.add(check, 'skipped', label, 'cannot be computed again');
  const labels = check === 'activation.blob' ? [ek, ak] : [ek];
  if (j.missing(check, labels, label)) return;
  const areas = [ek, ak].map((l) => (j.absent(l) ? {} : j.area(l)));
  if (labels.some((l, i) => !areas[i].value)) return void j.add(check, 'skipped', label);
  const result = attempt(() => holds(record, areas[0].value, areas[1].value));
  j.add(check, result.strange ? 'skipped' : result.value ? 'passed' : 'failed', label);
}

/** What the verifier's own challenge says of a pair: an outcome, or {missing}. */
function pairOutcome(j, kept, ek, ak) {
  const pair = kept.pairs.find((p) => p.ek === ek && p.ak === ak);
  if (!pair) return 'indeterminate';
  const gone = [ek, ak].filter((l) => j.absent(l));
  if (gone.length) return { missing: gone };
  const areas = [j.area(ek), j.area(ak)];
  if (areas.some((a) => a.error)) return 'skipped';
  if (areas.some((a) => a.strange)) return 'indeterminate';
  const record = { ...pair.secret, blob: pair.blob, 'encrypted-secret': pair['encrypted-secret'] };
  const [ekArea, akArea] = areas.map((a) => a.value);
  const made = attempt(() => credential.blobHolds(record, ekArea, akArea) && credential.secretHolds(record, ekArea));
  if (made.strange) return 'indeterminate';
  if (!made.value) return 'failed';
  if (!kept.answered) return 'indeterminate';
  return kept.answerTo.equals(kept.hash) && challenge.proofOf(kept, pair).equals(pair.proof) ? 'passed' : 'failed';
}

function checkConfirmed(j, eks, aks) {
  const check = 'activation.confirmed';
  j.confirmedPairs = new Set();
  if (!j.confirmed || aks.length === 0) return void j.add(check, 'skipped', [], 'no kept file');
  const kept = challenge.decodeKept(j.confirmed);
  if (!challenge.namesManifest(kept, j.bundle.manifest.raw)) return void j.add(check, 'failed', aks, 'of another bundle');
  if (eks.length === 0) return void j.add(check, 'skipped', [], 'no endorsement key');
  for (const ak of aks) {
    const outcomes = eks.map((ek) => {
      const outcome = pairOutcome(j, kept, ek, ak);
      if (outcome === 'passed') j.confirmedPairs.add(`${ek} ${ak}`);
      return outcome;
    });
    const missing = outcomes.filter((o) => o.missing).flatMap((o) => o.missing);
    if (!outcomes.includes('failed') && missing.length) j.missing(check, missing, ak);
    else j.add(check, worst(outcomes), ak);
  }
  return undefined;
}

function checkActivation(j) {
  const eks = j.withRole('ek-public');
  const aks = j.withRole('ak-public');
  const records = j.withRole('credential-activation');
  for (const label of records) {
    if (!j.missing('activation.form', label)) {
      const read = j.read(label, 'activation', credential.decodeRecord);
      j.add('activation.form', read.value ? 'passed' : 'failed', label, read.error);
    }
    checkRecord(j, 'activation.blob', label, ['seed'], (record, ek, ak) => credential.blobHolds(record, ek, ak));
    checkRecord(j, 'activation.secret', label, ['seed', 'ephemeral'], (record, ek) => credential.secretHolds(record, ek));
  }
  checkConfirmed(j, eks, aks);
  for (const ak of aks) {
    if (eks.length === 0) j.add('activation.made', 'skipped', ak, 'no endorsement key');
    const open = [];
    const gone = [];
    for (const ek of eks) {
      if (j.confirmedPairs.has(`${ek} ${ak}`)) continue;
      const named = records.filter((r) => j.one(r, 'ek') === ek && j.one(r, 'ak') === ak);
      if (named.some((r) => !j.absent(r))) continue;
      if (named.length) gone.push(...named);
      else open.push(ek);
    }
    if (open.length) j.add('activation.made', j.policy.allow_unactivated ? 'skipped' : 'indeterminate', ak);
    else if (gone.length) j.missing('activation.made', gone, ak);
    else if (eks.length) j.add('activation.made', 'passed', ak);
  }
  fill(j, ['made', 'form', 'blob', 'secret', 'confirmed'].map((c) => `activation.${c}`));
}

module.exports = { checkBinding, checkActivation };
