// SPDX-License-Identifier: Apache-2.0
// Certificates of this format: cross-certificate and tpm-binding-certificate. Section 10.9 of the specification.
'use strict';

const der = require('./der');
const { USAGE, keyIn } = require('./x509');

const ARC = '2.25.301811018989160515094759140174596903577';
const TPM_BINDING = `${ARC}.1`;
const OPENPGP_KEY = `${ARC}.2`;
const NAME_SIZES = [22, 34, 50, 66];

function members(value) {
  const reader = new der.DerReader(der.single(value, der.SEQUENCE).body);
  if (der.integer(reader.next(der.INTEGER)) !== 1n) throw new der.DerError('version');
  return reader;
}

function octets(reader, sizes) {
  const { body } = reader.next(der.OCTET_STRING);
  if (!sizes.includes(body.length)) throw new der.DerError('length');
  return body;
}

/** {ek, akName, keyName}; DerError. */
function tpmBinding(certificate) {
  const reader = members(extension(certificate, TPM_BINDING));
  const ek = keyIn(reader.next(der.SEQUENCE).raw);
  const out = { ek, akName: octets(reader, NAME_SIZES), keyName: octets(reader, NAME_SIZES) };
  reader.end();
  return out;
}

/** The fingerprint; DerError. */
function openpgpKey(certificate) {
  const reader = members(extension(certificate, OPENPGP_KEY));
  const out = octets(reader, [20, 32]);
  reader.end();
  return out;
}

function extension(certificate, oid) {
  const found = certificate.extensions.get(oid);
  if (!found) throw new der.DerError('extension is missing');
  return found.value;
}

/** DerError where a certificate is an authority's, or is not for a key that signs. */
function requireEndEntity(certificate) {
  const constraints = certificate.basicConstraints;
  const usage = certificate.keyUsage;
  if (!constraints || constraints.ca) throw new der.DerError('basic constraints');
  if (!usage || !usage.has(USAGE.digitalSignature) || usage.has(USAGE.keyCertSign) || usage.has(USAGE.cRLSign)) {
    throw new der.DerError('key usage');
  }
}

module.exports = { tpmBinding, openpgpKey, requireEndEntity, TPM_BINDING, OPENPGP_KEY };
