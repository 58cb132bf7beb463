// SPDX-License-Identifier: Apache-2.0
// Step 3, hardware attestation: hardware.* of checks.md. Sections 8.4 and 10.8 of the specification.
'use strict';

const der = require('./der');
const { checkChain, existenceOf, issuersOf } = require('./check-piv');
const { attempt } = require('./reading');
const { Holder } = require('./openpgp-judge');
const x509 = require('./x509');
const { build } = require('./chain');

const ARC = '1.3.6.1.4.1.41482';
const APPLICATIONS = {
  'piv-attestation': { subject: /^YubiKey PIV Attestation ([0-9a-f]{2})$/, firmware: '3.3', needs: ['3.3'], slots: pivSlots() },
  'openpgp-attestation': {
    subject: /^YubiKey OPGP Attestation ([A-Z]{3})$/, firmware: '5.3', needs: ['5.2', '5.3'], slots: ['SIG', 'DEC', 'AUT'],
  },
};
const ABOUT = { 'piv-attestation': 'piv-certificate', 'openpgp-attestation': 'openpgp-certificate' };
const STATEMENT_MARKS = ['3.7', '3.8', '5.2', '5.4', '5.7'];
const SUBJECT = /^YubiKey (?:PIV|OPGP) Attestation /;
const COMMON_NAME = '2.5.4.3';
const ADVISORIES = [
  { name: 'YSA-2017-01', from: [4, 2, 6], before: [4, 3, 5], keys: ['rsa'] },
  { name: 'YSA-2019-02', from: [4, 4, 2], before: [4, 4, 5], keys: ['rsa', 'ec'] },
  { name: 'YSA-2024-03', from: [0, 0, 0], before: [5, 7, 0], keys: ['ec'] },
];
const CHECKS = ['form', 'chain', 'key', 'origin', 'advisory'];

function pivSlots() {
  const retired = Array.from({ length: 0x95 - 0x82 + 1 }, (_, i) => (0x82 + i).toString(16));
  return ['9a', '9c', '9d', '9e', ...retired];
}

function commonNames(name) {
  return name.rdns.flat().filter((a) => a.oid === COMMON_NAME).map((a) => a.text);
}

const octets = (size) => (value) => {
  const { body } = der.single(value, der.OCTET_STRING);
  if (size !== null && body.length !== size) throw new der.DerError('size');
  return body;
};
const plain = (size) => (value) => {
  if (value.length !== size) throw new der.DerError('size');
  return value;
};
const integer = (value) => {
  const out = der.integer(der.single(value, der.INTEGER));
  if (out < 0n) throw new der.DerError('negative');
  return out;
};
const text = (value) => {
  if (x509.textOf(der.single(value)) === null) throw new der.DerError('no text');
};
const SHAPES = {
  'piv-attestation': { 3.3: plain(3), 3.7: integer, 3.8: plain(2), 3.9: plain(1) },
  'openpgp-attestation': {
    5.1: text, 5.2: integer, 5.3: octets(3), 5.4: octets(20), 5.5: octets(4), 5.6: integer, 5.7: integer, 5.8: octets(1), 5.9: octets(1),
  },
};

/** What a statement says: {slot, firmware, imported}, of a certificate. */
function decodeStatement(certificate, role) {
  const kind = APPLICATIONS[role];
  const names = commonNames(certificate.subject);
  const slot = names.length === 1 && kind.subject.exec(names[0] ?? '');
  if (!slot) throw new der.DerError('subject of no statement');
  const values = {};
  for (const [oid, { value }] of certificate.extensions) {
    if (!oid.startsWith(`${ARC}.`)) continue;
    const name = oid.slice(ARC.length + 1);
    const shape = SHAPES[role][name];
    if (shape) values[name] = shape(value);
  }
  for (const name of kind.needs) if (!(name in values)) throw new der.DerError(`extension ${name} is missing`);
  const source = values['5.2'];
  if (source !== undefined && source !== 0n && source !== 1n) throw new der.DerError('source');
  return { certificate, slot: slot[1], firmware: [...values[kind.firmware]], imported: source === 0n, slots: kind.slots };
}

function isStatement(certificate) {
  return commonNames(certificate.subject).some((n) => SUBJECT.test(n ?? ''))
    || STATEMENT_MARKS.some((m) => certificate.extensions.has(`${ARC}.${m}`));
}

/** What the chain of a statement must keep beyond section 8.1. */
function chainRule(statement) {
  return (issuer, path) => {
    if (isStatement(issuer)) return 'a statement above a statement';
    if (path.length !== 1) return null;
    const firmware = issuer.extensions.get(`${ARC}.3.3`);
    if (firmware && !firmware.value.equals(Buffer.from(statement.firmware))) return 'another firmware';
    return null;
  };
}

function checkStatementChain(j, label, statement) {
  const { certificates } = issuersOf(j, 'attestation-issuer');
  const pinned = certificates.filter((c) => j.policy.pins_hardware.includes(c.sha256));
  const anchors = [...j.policy.anchors_hardware, ...pinned];
  const options = { issuerRole: 'attestation-issuer', noConstraints: j.policy.allow_ca_without_constraints };
  const rule = chainRule(statement);
  const plain = build(statement.certificate, certificates, anchors, { policy: j.policy, at: j.at, existedOf: existenceOf(j), ...options });
  const fault = plain.path && plain.path.slice(1).map((c, i) => rule(c, plain.path.slice(0, i + 1))).find(Boolean);
  if (fault && !build(statement.certificate, certificates, anchors, { policy: j.policy, at: j.at, ...options, issuerRule: rule }).path) {
    j.add('hardware.chain', 'failed', label, fault);
    return;
  }
  checkChain(j, 'hardware.chain', label, statement.certificate, anchors, { ...options, issuerRule: rule });
}

/** passed, failed, or indeterminate: whether the statement's key is one of the certificate that it is about. */
function keyOutcome(j, label, statement) {
  const subject = j.one(label, 'subject', ABOUT[j.role(label)]);
  if (!subject) return 'skipped';
  const { key } = statement.certificate;
  if (j.role(subject) === 'piv-certificate') {
    const { value } = j.certificate(subject);
    if (!value) return 'skipped';
    if (value.key.kind === 'unknown' || key.kind === 'unknown') {
      return value.spki.equals(statement.certificate.spki) ? 'passed' : 'failed';
    }
    return value.key.same === key.same ? 'passed' : 'failed';
  }
  const { value } = j.pgp(subject);
  if (!value) return 'skipped';
  if (!value.primary.known) return 'indeterminate';
  if (value.primary.key.same === key.same && key.same) return 'passed';
  const holder = new Holder(value);
  let doubt = key.kind === 'unknown' || value.primary.key.kind === 'unknown';
  for (const subkey of value.subkeys) {
    if (subkey.key.kind === 'unknown') doubt = true;
    if (subkey.key.same !== key.same || !key.same) continue;
    const bindings = holder.bindings(subkey);
    if (bindings.doubt) doubt = true;
    if (bindings.good.length === 0) continue;
    if (statement.slot !== 'SIG') return 'passed';
    const backs = bindings.good.map((b) => holder.backSignature(b, subkey, Infinity));
    if (backs.some((b) => b.newest)) return 'passed';
    if (backs.some((b) => b.doubt)) doubt = true;
  }
  return doubt ? 'indeterminate' : 'failed';
}

function before(a, b) {
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}

function advisoriesOf(statement) {
  return ADVISORIES.filter((a) => !before(statement.firmware, a.from) && before(statement.firmware, a.before)
    && a.keys.includes(statement.certificate.key.kind));
}

function checkHardware(j) {
  const labels = j.withRole('piv-attestation', 'openpgp-attestation');
  j.attested = [];
  for (const label of labels) {
    if (j.absent(label)) {
      for (const check of CHECKS) j.missing(`hardware.${check}`, label);
      continue;
    }
    const read = attempt(() => decodeStatement(x509.decodeCertificate(j.bytes(label)), j.role(label)));
    if (!read.value) {
      for (const check of CHECKS) j.add(`hardware.${check}`, check === 'form' ? 'failed' : 'skipped', label, read.error);
      continue;
    }
    const statement = read.value;
    j.attested.push(statement);
    j.add('hardware.form', 'passed', label);
    checkStatementChain(j, label, statement);
    const subject = j.one(label, 'subject');
    if (!(subject && j.missing('hardware.key', subject, label))) j.add('hardware.key', keyOutcome(j, label, statement), label);
    j.add('hardware.origin', !statement.imported && statement.slots.includes(statement.slot) ? 'passed' : 'failed', label);
    const concerned = advisoriesOf(statement);
    const doubt = j.policy.require_no_advisories ? 'indeterminate' : 'skipped';
    j.add('hardware.advisory', concerned.length ? doubt : 'passed', label, concerned.map((a) => a.name).join(', '));
  }
  for (const check of CHECKS) if (labels.length === 0) j.add(`hardware.${check}`, 'skipped');
}

module.exports = { checkHardware };
