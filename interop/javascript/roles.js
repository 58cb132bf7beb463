// SPDX-License-Identifier: Apache-2.0
// Roles, their media types, and which references they need. Section 10.1 of the specification.
'use strict';

const TPM = 'application/vnd.evidence-bundle.tpm';
const CERTIFICATE = 'application/pkix-cert';
const ANY = null;

/** Tables are asked with words of strangers, so they have no members but their own. */
function table(entries) {
  return Object.assign(Object.create(null), entries);
}

const TYPES = table({
  'openpgp-certificate': 'application/pgp-keys', 'openpgp-attestation': CERTIFICATE, 'piv-attestation': CERTIFICATE,
  'piv-certificate': CERTIFICATE, 'attestation-issuer': CERTIFICATE, 'certificate-issuer': CERTIFICATE,
  'cross-signature': 'application/pgp-signature', 'cross-certificate': CERTIFICATE, 'tpm-binding-certificate': CERTIFICATE,
  'ek-certificate': CERTIFICATE, 'ek-public': TPM, 'ak-public': TPM, 'key-public': TPM, 'parent-public': TPM, 'ak-certificate': CERTIFICATE,
  'ak-name': TPM, 'key-name': TPM, 'ak-template': TPM, quote: TPM, certify: TPM, 'certify-creation': TPM, time: TPM, 'nv-certify': TPM,
  'tpm-signature': TPM, 'creation-data': TPM, 'creation-ticket': TPM,
  'pcr-values': 'application/vnd.evidence-bundle.pcr-values+cbor',
  'credential-activation': 'application/vnd.evidence-bundle.credential-activation+cbor',
  'firmware-log': ANY, 'ima-log': ANY, 'userspace-log': ANY, crl: 'application/pkix-crl', ocsp: 'application/ocsp-response',
  minutes: ANY, media: ANY,
});
const UNJUDGED = ['minutes', 'media'];
const PRIVATE = ['ak-template', 'minutes', 'media'];
const BOUND = ['openpgp-certificate', 'piv-certificate', 'ek-certificate', 'ek-public', 'ak-public', 'key-public'];
const STATEMENTS = ['quote', 'certify', 'certify-creation', 'time', 'nv-certify'];
const PLURAL = ['issuer', 'quoted-by', 'pcrs'];

const NEEDS = table({
  'openpgp-attestation': ['subject', 'issuer'], 'piv-attestation': ['subject', 'issuer'], 'cross-signature': ['by', 'over'],
  'cross-certificate': ['by', 'over'], 'tpm-binding-certificate': ['by', 'ek', 'ak', 'key'], 'ak-name': ['of'], 'key-name': ['of'],
  'ak-template': ['of'], quote: ['by'], certify: ['by', 'subject'], 'certify-creation': ['by', 'subject'], time: ['by'],
  'nv-certify': ['by'], 'tpm-signature': ['by', 'over'], 'creation-data': ['of'], 'creation-ticket': ['of'], 'pcr-values': ['quoted-by'],
  'credential-activation': ['ek', 'ak'], crl: ['issuer'], ocsp: ['issuer'],
});

const AK_OR_KEY = ['ak-public', 'key-public'];
/** Which roles a reference of a role may name; what is not here may name any. */
const NAMES = table({
  'ak-name': { of: ['ak-public'] }, 'ak-template': { of: ['ak-public'] }, 'key-name': { of: ['key-public'] },
  'creation-data': { of: AK_OR_KEY }, 'creation-ticket': { of: AK_OR_KEY },
  'credential-activation': { ek: ['ek-public'], ak: ['ak-public'] },
  quote: { by: ['ak-public'] }, time: { by: ['ak-public'] }, 'nv-certify': { by: ['ak-public'] },
  certify: { by: ['ak-public'], subject: AK_OR_KEY }, 'certify-creation': { by: ['ak-public'], subject: AK_OR_KEY },
  'tpm-signature': { by: AK_OR_KEY, over: [...STATEMENTS, 'openpgp-certificate', 'piv-certificate'] },
  'cross-signature': { by: ['openpgp-certificate'], over: ['piv-certificate'] },
  'cross-certificate': { by: ['piv-certificate'], over: ['openpgp-certificate'] },
  'tpm-binding-certificate': { by: ['piv-certificate'], ek: ['ek-public'], ak: ['ak-public'], key: ['key-public'] },
  'openpgp-attestation': { subject: ['openpgp-certificate'], issuer: ['attestation-issuer'] },
  'piv-attestation': { subject: ['piv-certificate'], issuer: ['attestation-issuer'] },
  'pcr-values': { 'quoted-by': ['quote'] },
  'firmware-log': { pcrs: ['pcr-values'] }, 'userspace-log': { pcrs: ['pcr-values'] }, 'ima-log': { pcrs: ['pcr-values'] },
  'ek-public': { certificate: ['ek-certificate'] },
  'ak-public': { certificate: ['ak-certificate'], parent: ['ek-public', 'parent-public'] },
  'key-public': { parent: ['ek-public', 'parent-public'] }, 'parent-public': { parent: ['ek-public', 'parent-public'] },
  'ek-certificate': { issuer: ['certificate-issuer'] }, 'ak-certificate': { issuer: ['certificate-issuer'] },
});
for (const role of Object.keys(NAMES)) NAMES[role] = table(NAMES[role]);

/** The references of section 10.1, whatever the role. */
const KNOWN = new Set([...Object.values(NEEDS).flat(), ...Object.values(NAMES).flatMap(Object.keys)]);

module.exports = { TYPES, UNJUDGED, PRIVATE, BOUND, STATEMENTS, PLURAL, NEEDS, NAMES, KNOWN };
