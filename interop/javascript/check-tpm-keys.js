// SPDX-License-Identifier: Apache-2.0
// Step 5, the TPM's keys: ek.*, ak.*, key.* of checks.md. Sections 8.1 and 10.6 of the specification.
'use strict';

const der = require('./der');
const tpm = require('./tpm');
const x509 = require('./x509');
const { fill } = require('./judgement');
const { attempt } = require('./reading');
const { checkChain, checkRevocation, existenceOf, issuersOf } = require('./check-piv');
const { build } = require('./chain');

const EK_USAGE = '2.23.133.8.1';
const AK_USAGE = '2.23.133.8.3';
const TPM_ATTRIBUTES = ['2.23.133.2.1', '2.23.133.2.2', '2.23.133.2.3'];
const { USAGE, EXT } = x509;
const SIGNING = ['digitalSignature', 'nonRepudiation', 'keyCertSign', 'cRLSign'];

// TCG EK Credential Profile for TPM Family 2.0, annex B: nameAlg, attributes, policy, then what stands before `unique`
const POLICY_A = '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa';
const POLICY_B = {
  0x0b: 'ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0',
  0x0c: 'b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12',
  0x0d: 'b8221ca69e8550a4914de3faa6a18c072cc01208073a928d5d66d59ef79e49a429c41a6b269571d57edb25fbdb1838425608b413cd616a5f6db5b6071af99bea',
};
const LOW = 0x000300b2;
const HIGH = 0x000300f2;
const TEMPLATES = [
  template(1, 0x0b, LOW, POLICY_A, 128, 2048), template(0x23, 0x0b, LOW, POLICY_A, 128, 3),
  template(1, 0x0b, HIGH, POLICY_B[0x0b], 128, 2048), template(0x23, 0x0b, HIGH, POLICY_B[0x0b], 128, 3),
  template(0x23, 0x0c, HIGH, POLICY_B[0x0c], 256, 4), template(0x23, 0x0d, HIGH, POLICY_B[0x0d], 256, 5),
  template(1, 0x0c, HIGH, POLICY_B[0x0c], 256, 3072), template(1, 0x0c, HIGH, POLICY_B[0x0c], 256, 4096),
];

function template(type, nameAlg, attributes, policy, aesBits, size) {
  const u16 = (n) => n.toString(16).padStart(4, '0');
  const rest = type === 1 ? `${u16(size)}00000000` : `${u16(size)}0010`;
  return u16(type) + u16(nameAlg) + attributes.toString(16).padStart(8, '0') + u16(policy.length / 2) + policy
    + `0006${u16(aesBits)}0043` + '0010' + rest;
}

function fromTemplate(area) {
  return TEMPLATES.includes(area.raw.subarray(0, area.uniqueAt).toString('hex'));
}

/** `form` of a public area. */
function checkForm(j, check, label) {
  if (j.missing(check, label)) return;
  const read = j.area(label);
  if (read.error) j.add(check, 'failed', label, read.error);
  else j.add(check, read.strange || read.value.key.kind === 'unknown' ? 'indeterminate' : 'passed', label);
}

function tpmNameFault(certificate) {
  const found = certificate.extensions.get(EXT.subjectAltName);
  if (!found) return 'no subjectAltName';
  if (certificate.subject.rdns.length === 0 && !found.critical) return 'subjectAltName is not critical';
  const names = der.children(der.single(found.value, der.SEQUENCE)).filter((n) => n.tag === 0xa4)
    .map((n) => x509.name(der.single(n.body, der.SEQUENCE)).rdns.flat().filter((a) => a.text !== null).map((a) => a.oid));
  const whole = TPM_ATTRIBUTES.every((a) => names.flat().filter((o) => o === a).length === 1);
  return whole ? null : 'no manufacturer, model and version';
}

function ekProfileFault(certificate, policy) {
  const constraints = certificate.basicConstraints;
  if (!constraints || constraints.ca) return 'basic constraints';
  const usage = certificate.keyUsage;
  if (usage === null && !policy.allow_ek_key_usage) return 'no key usage';
  if (usage !== null) {
    if (SIGNING.some((u) => usage.has(USAGE[u]))) return 'a key that signs';
    const mine = certificate.key.kind === 'rsa' ? 'keyEncipherment' : 'keyAgreement';
    const either = policy.allow_ek_key_usage ? ['keyEncipherment', 'keyAgreement'] : [mine];
    if (!either.some((u) => usage.has(USAGE[u]))) return 'key usage';
  }
  const fault = tpmNameFault(certificate);
  return fault && policy.allow_ek_without_tpm_name ? null : fault;
}

/** Outcome of a profile rule, where an extension may be unreadable. */
function profile(rule) {
  const read = attempt(rule);
  return read.error ?? read.value;
}

function checkEkCertificate(j, label) {
  const checks = ['ek.form', 'ek.certificate', 'ek.chain', 'ek.revocation'];
  if (j.absent(label)) {
    for (const check of checks) j.missing(check, label);
    return;
  }
  const { value, error } = j.certificate(label);
  if (error) {
    for (const check of checks) j.add(check, check === 'ek.form' ? 'failed' : 'skipped', label, error);
    return;
  }
  j.add('ek.form', 'passed', label);
  const fault = profile(() => ekProfileFault(value, j.policy));
  if (value.key.kind === 'unknown') j.add('ek.certificate', 'indeterminate', label);
  else j.add('ek.certificate', fault ? 'failed' : 'passed', label, fault ?? '');
  const options = { usages: [EK_USAGE], missingUsage: j.policy.allow_missing_usage };
  const path = checkChain(j, 'ek.chain', label, value, j.policy.anchors, options);
  checkRevocation(j, 'ek.revocation', path, label);
}

function sameKey(j, check, label, certificateLabel, about) {
  if (j.missing(check, [label, certificateLabel], about)) return;
  const area = j.area(label);
  const certificate = j.certificate(certificateLabel);
  if (area.error || certificate.error) j.add(check, 'skipped', about);
  else if (area.strange || !area.value.key.same) j.add(check, 'indeterminate', about);
  else j.add(check, area.value.key.same === certificate.value.key.same ? 'passed' : 'failed', about);
}

function checkEkPublic(j, label) {
  checkForm(j, 'ek.form', label);
  const certificate = j.one(label, 'certificate', 'ek-certificate');
  if (certificate) sameKey(j, 'ek.key', label, certificate, label);
  else j.add('ek.key', 'skipped', label, 'names no certificate');
  if (j.missing('ek.template', label)) return;
  const { value } = j.area(label);
  if (!value) j.add('ek.template', 'skipped', label);
  else if (fromTemplate(value)) j.add('ek.template', 'passed', label);
  else {
    const sound = ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'decrypt'].every((a) => tpm.has(value, a));
    j.add('ek.template', sound && !tpm.has(value, 'sign') ? 'indeterminate' : 'failed', label);
  }
}

function checkName(j, check, label, role) {
  const of = j.one(label, 'of', role);
  if (!of) {
    j.add(check, 'skipped', label, 'references');
    return;
  }
  if (j.missing(check, [label, of], label)) return;
  const area = j.area(of);
  if (area.error) return void j.add(check, 'skipped', label);
  const name = area.strange ? area : attempt(() => tpm.nameOf(area.value));
  if (name.strange) j.add(check, 'indeterminate', label);
  else j.add(check, name.value.equals(j.bytes(label)) ? 'passed' : 'failed', label);
}

function schemeFault(area, policy) {
  const signing = [tpm.ALG.rsassa, tpm.ALG.rsapss, tpm.ALG.ecdsa, tpm.ALG.ecdaa, tpm.ALG.sm2, tpm.ALG.ecschnorr];
  if (!area.scheme || !signing.includes(area.scheme.alg)) return 'no fixed signing scheme';
  if (!policy.allow_sha1 && (area.scheme.hash === 4 || area.nameAlg === 4)) return 'SHA-1';
  if (area.key.kind === 'rsa' && area.key.bits < 2048) return 'RSA key is too short';
  if (area.key.kind === 'ec' && area.key.bits < 256) return 'curve is too small';
  return null;
}

function checkSigningKey(j, area, label, needed) {
  for (const check of ['attributes', 'scheme']) {
    const id = `${area}.${check}`;
    if (j.missing(id, label)) continue;
    const { value } = j.area(label);
    if (!value) j.add(id, 'skipped', label);
    else if (check === 'attributes') {
      j.add(id, needed.every((a) => tpm.has(value, a)) && !tpm.has(value, 'decrypt') ? 'passed' : 'failed', label);
    } else {
      const fault = value.unread ? null : schemeFault(value, j.policy);
      if (!fault && value.key.kind === 'unknown') j.add(id, 'skipped', label);
      else j.add(id, fault ? 'failed' : 'passed', label, fault ?? '');
    }
  }
}

function checkTemplate(j, label) {
  const of = j.one(label, 'of', 'ak-public');
  if (j.absent(label)) return void j.missing('ak.template', label);
  const read = j.read(label, 'template', tpm.decodePublic);
  if (read.error) return void j.add('ak.template', 'failed', label, read.error);
  if (!of) return void j.add('ak.template', 'skipped', label, 'references');
  if (j.items.get(of).refs.parent) return void j.add('ak.template', 'failed', label, 'the key is no primary');
  if (j.missing('ak.template', of, label)) return undefined;
  const area = j.area(of);
  if (!area.value || !read.value) return void j.add('ak.template', 'skipped', label);
  const [a, b] = [read.value, area.value].map((p) => p.raw.subarray(0, p.uniqueAt));
  return void j.add('ak.template', a.equals(b) ? 'passed' : 'failed', label);
}

function akProfileFault(certificate) {
  const constraints = certificate.basicConstraints;
  if (!constraints || constraints.ca) return 'basic constraints';
  const usage = certificate.keyUsage;
  return usage && !usage.has(USAGE.digitalSignature) ? 'key usage' : null;
}

function checkAkCertificate(j, label) {
  if (j.absent(label)) {
    for (const check of ['ak.certificate', 'ak.revocation']) j.missing(check, label);
    return;
  }
  const { value, error } = j.certificate(label);
  const named = j.withRole('ak-public').filter((l) => j.one(l, 'certificate') === label);
  let path = null;
  const fault = error ?? profile(() => akProfileFault(value)) ?? (named.length ? null : 'no key names it');
  const usages = j.policy.allow_ak_with_ek_usage ? [AK_USAGE, EK_USAGE] : [AK_USAGE];
  const options = { usages, missingUsage: j.policy.allow_missing_usage };
  /** The chain above it, whatever else is wrong with it. */
  const pathOf = () => {
    const all = { policy: j.policy, at: j.at, existedOf: existenceOf(j), ...options };
    const found = build(value, issuersOf(j).certificates, j.policy.anchors, all);
    return found.ended ? null : found.path;
  };
  if (fault) {
    j.add('ak.certificate', 'failed', label, fault);
    path = error ? null : pathOf();
  } else {
    const before = j.findings.length;
    for (const ak of named) {
      sameKey(j, 'ak.certificate', ak, label, [label, ak]);
      if (j.findings[j.findings.length - 1].outcome === 'passed') j.findings.pop();
    }
    if (j.has('ak.certificate', 'failed')) {
      path = pathOf();
    } else path = checkChain(j, 'ak.certificate', label, value, j.policy.anchors, options);
    // what is wrong decides before what is in doubt
    if (j.findings[j.findings.length - 1].outcome === 'failed') j.findings.splice(before, j.findings.length - before - 1);
  }
  checkRevocation(j, 'ak.revocation', path, label);
}

function checkCertified(j, label) {
  const statements = j.withRole('certify', 'certify-creation').filter((l) => j.one(l, 'subject') === label);
  if (statements.some((l) => !j.absent(l))) j.add('key.certified', 'passed', label);
  else if (statements.length) j.missing('key.certified', statements, label);
  else j.add('key.certified', 'failed', label);
}

function checkTpmKeys(j) {
  for (const label of j.withRole('ek-certificate')) checkEkCertificate(j, label);
  for (const label of j.withRole('ek-public')) checkEkPublic(j, label);
  fill(j, ['form', 'certificate', 'chain', 'revocation', 'key', 'template'].map((c) => `ek.${c}`));

  for (const label of j.withRole('ak-public')) {
    checkForm(j, 'ak.form', label);
    checkSigningKey(j, 'ak', label, ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'sign']);
  }
  for (const label of j.withRole('ak-name')) checkName(j, 'ak.name', label, 'ak-public');
  for (const label of j.withRole('ak-template')) checkTemplate(j, label);
  for (const label of j.withRole('ak-certificate')) checkAkCertificate(j, label);
  fill(j, ['form', 'name', 'attributes', 'scheme', 'template', 'certificate', 'revocation'].map((c) => `ak.${c}`));

  for (const label of j.withRole('key-public', 'parent-public')) checkForm(j, 'key.form', label);
  for (const label of j.withRole('key-name')) checkName(j, 'key.name', label, 'key-public');
  for (const label of j.withRole('key-public')) {
    checkSigningKey(j, 'key', label, ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'sign']);
    checkCertified(j, label);
  }
  fill(j, ['form', 'name', 'attributes', 'scheme', 'certified'].map((c) => `key.${c}`));
}

module.exports = { checkTpmKeys };
