// SPDX-License-Identifier: Apache-2.0
// Step 3, the people's X.509 certificates: piv.* of checks.md; and the lists, responses and issuers that other areas use too.
'use strict';

const keys = require('./keys');
const { USAGE, isUnreadable } = require('./x509');
const { build, schemeFault, MAX_ISSUERS } = require('./chain');
const revocation = require('./revocation');

const CHECKS = ['form', 'key', 'signature', 'usage', 'chain', 'revocation'];

/** Certificates of a role that can be read, those that renewals carry for it, and whether one is absent. */
function issuersOf(j, role = 'certificate-issuer') {
  const labels = j.withRole(role);
  const carried = role === 'certificate-issuer' ? j.renewals.carried.map((c) => c.certificate) : [];
  return {
    labels,
    certificates: [...labels.filter((l) => !j.absent(l) && j.certificate(l).value).map((l) => j.certificate(l).value), ...carried],
    absent: labels.some((l) => j.absent(l)),
  };
}

/** By when a certificate of a chain existed: one that only a renewal carries by that, any other as the items did. */
function existenceOf(j) {
  const items = new Set([...j.items.keys()].filter((l) => !j.absent(l)).map((l) => j.sha256(l)));
  return (certificate) => (items.has(certificate.sha256) ? j.existed : j.renewals.certificateTime(certificate));
}

/** All crl and ocsp items, and what renewals carry, decoded: {statements, unreadable, absent}. */
function statementsOf(j) {
  const out = { statements: [], unreadable: [], absent: [] };
  for (const label of j.withRole('crl', 'ocsp')) {
    if (j.absent(label)) {
      out.absent.push(label);
      continue;
    }
    const decode = j.role(label) === 'crl' ? revocation.decodeCrl : revocation.decodeOcsp;
    const read = j.read(label, 'revocation', decode);
    if (read.value) out.statements.push({ ...read.value, existed: j.existed });
    else out.unreadable.push(label);
  }
  for (const { index, statement } of j.renewals.statements) {
    out.statements.push({ ...statement, existed: j.renewals.carriedTime(index), carried: true });
  }
  return out;
}

/** The finding of a revocation check for one chain ([leaf, ..., anchor]), or for none (null). */
function checkRevocation(j, check, path, label, at = j.at) {
  if (!path) {
    j.add(check, 'skipped', label, 'no chain');
    return;
  }
  const { statements, unreadable, absent } = statementsOf(j);
  const said = revocation.judgeChain(path, statements, { at, policy: j.policy });
  if (said.revoked) j.add(check, 'failed', label, 'taken away');
  else if (unreadable.length) j.add(check, 'failed', unreadable, 'cannot be read');
  else if (said.doubtful) j.add(check, 'indeterminate', label, 'none counts');
  else if (absent.length) j.missing(check, absent);
  else j.add(check, said.counted ? 'passed' : 'skipped', label);
}

/**
 * A chain check: builds from `leaf` to one of `anchors` and adds the finding. Returns the path or null.
 */
function checkChain(j, check, label, leaf, anchors, options = {}) {
  const { labels, certificates, absent } = issuersOf(j, options.issuerRole);
  if (labels.length > MAX_ISSUERS) {
    j.add(check, 'indeterminate', label, 'too many issuers');
    return null;
  }
  if (anchors.length === 0) {
    j.add(check, 'indeterminate', label, 'no anchor');
    return null;
  }
  const found = build(leaf, certificates, anchors, { policy: j.policy, at: j.at, existedOf: existenceOf(j), ...options });
  if (found.path) {
    j.add(check, found.ended ?? 'passed', label);
    return found.ended ? null : found.path;
  }
  if (absent) j.add(check, j.policy.allow_withheld ? 'skipped' : 'indeterminate', label, 'an issuer is not here');
  else j.add(check, 'failed', label, found.why);
  return null;
}

function useFault(certificate, sealed, issued) {
  const usage = certificate.keyUsage;
  if (sealed && usage && !usage.has(USAGE.digitalSignature) && !usage.has(USAGE.nonRepudiation)) return 'sealed';
  const constraints = certificate.basicConstraints;
  if (issued && (!constraints || !constraints.ca || (usage && !usage.has(USAGE.keyCertSign)))) return 'issued';
  return null;
}

function checkUsage(j, label, certificate) {
  const sealed = j.seals.some((s) => s.outcome === 'passed' && s.signer.label === label);
  const issued = j.withRole('cross-certificate', 'tpm-binding-certificate').some((l) => j.one(l, 'by') === label);
  let fault;
  try {
    fault = useFault(certificate, sealed, issued);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    fault = 'an extension cannot be read';
  }
  j.add('piv.usage', fault ? 'failed' : 'passed', label, fault ?? '');
}

function checkSelf(j, label, certificate) {
  if (!certificate.selfIssued) {
    j.add('piv.signature', 'skipped', label, 'another authority issued it');
    return;
  }
  const { scheme, key } = certificate;
  if (scheme === null || key.kind === 'unknown') j.add('piv.signature', 'indeterminate', label);
  else if (schemeFault(scheme, j.policy.allow_sha1_certificates)) j.add('piv.signature', 'failed', label, 'SHA-1');
  else if (!certificate.signedBy(key)) j.add('piv.signature', 'failed', label);
  else j.add('piv.signature', 'passed', label);
}

function checkIssued(j, label, certificate) {
  const skip = (why) => {
    j.add('piv.chain', 'skipped', label, why);
    j.add('piv.revocation', 'skipped', label, why);
  };
  if (certificate.selfIssued) return skip('its own issuer');
  const { labels, certificates, absent } = issuersOf(j);
  const anchors = j.policy.anchors_piv;
  if (labels.length > MAX_ISSUERS) {
    j.add('piv.chain', 'indeterminate', label, 'too many issuers');
    return j.add('piv.revocation', 'skipped', label, 'no chain');
  }
  const seals = j.seals.filter((s) => s.signer?.label === label).map((s) => Math.min(j.asked, s.existed ?? Infinity));
  const options = { policy: j.policy, at: seals.length ? Math.max(...seals) : j.at, existedOf: existenceOf(j) };
  const anchored = build(certificate, certificates, anchors, options);
  if (anchored.path) {
    j.add('piv.chain', anchored.ended ?? 'passed', label);
    return checkRevocation(j, 'piv.revocation', anchored.ended ? null : anchored.path, label, options.at);
  }
  const items = labels.filter((l) => !j.absent(l) && j.certificate(l).value).map((l) => j.certificate(l).value);
  const roots = items.filter((c) => c.selfIssued);
  const rooted = build(certificate, certificates, [...anchors, ...roots], options);
  if (rooted.path) {
    j.add('piv.chain', rooted.ended ?? 'skipped', label, 'ends at a certificate that is no anchor');
    return checkRevocation(j, 'piv.revocation', rooted.ended ? null : rooted.path, label, options.at);
  }
  const named = [...items, ...anchors].some((c) => c.subject.compare === certificate.issuer.compare);
  if (named && absent) j.add('piv.chain', j.policy.allow_withheld ? 'skipped' : 'indeterminate', label, 'an issuer is not here');
  else if (named) j.add('piv.chain', 'failed', label, anchored.why);
  else j.add('piv.chain', 'skipped', label, 'believed for its pin alone');
  return j.add('piv.revocation', 'skipped', label, 'no chain');
}

function checkPiv(j) {
  const labels = j.withRole('piv-certificate');
  for (const label of labels) {
    if (j.absent(label)) {
      for (const check of CHECKS) j.missing(`piv.${check}`, label);
      continue;
    }
    const { value, error } = j.certificate(label);
    if (error) {
      for (const check of CHECKS) j.add(`piv.${check}`, check === 'form' ? 'failed' : 'skipped', label, error);
      continue;
    }
    j.add('piv.form', 'passed', label);
    const weak = keys.weakness(value.key);
    j.add('piv.key', value.key.kind === 'unknown' ? 'indeterminate' : weak ? 'failed' : 'passed', label, weak ?? '');
    checkSelf(j, label, value);
    checkUsage(j, label, value);
    checkIssued(j, label, value);
  }
  for (const check of CHECKS) if (labels.length === 0) j.add(`piv.${check}`, 'skipped');
}

module.exports = { checkPiv, checkChain, checkRevocation, existenceOf, issuersOf };
