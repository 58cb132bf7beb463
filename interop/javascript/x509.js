// SPDX-License-Identifier: Apache-2.0
// What an X.509 certificate says: names, validity, key, extensions, signature. Facts only; chain.js judges them.
// Section 8.1 of the specification; RFC 5280 section 4.
'use strict';

const { createHash } = require('node:crypto');
const der = require('./der');
const keys = require('./keys');

const { DerError, DerReader } = der;
const EXT = {
  keyUsage: '2.5.29.15', subjectAltName: '2.5.29.17', basicConstraints: '2.5.29.19', nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31', certificatePolicies: '2.5.29.32', policyConstraints: '2.5.29.36', extKeyUsage: '2.5.29.37',
  issuingDistributionPoint: '2.5.29.28', deltaCrl: '2.5.29.27', reasonCode: '2.5.29.21', inhibitAnyPolicy: '2.5.29.54',
};
const USAGE = {
  digitalSignature: 0, nonRepudiation: 1, keyEncipherment: 2, dataEncipherment: 3, keyAgreement: 4, keyCertSign: 5, cRLSign: 6,
};
const NO_END = '99991231235959Z';

const HASH_OIDS = {
  '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.4': 'sha224', '2.16.840.1.101.3.4.2.1': 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512', '2.16.840.1.101.3.4.2.8': 'sha3-256', '2.16.840.1.101.3.4.2.9': 'sha3-384',
  '2.16.840.1.101.3.4.2.10': 'sha3-512',
};
const SIGNATURES = {
  '1.2.840.113549.1.1.5': ['pkcs1', 'sha1'], '1.2.840.113549.1.1.14': ['pkcs1', 'sha224'], '1.2.840.113549.1.1.11': ['pkcs1', 'sha256'],
  '1.2.840.113549.1.1.12': ['pkcs1', 'sha384'], '1.2.840.113549.1.1.13': ['pkcs1', 'sha512'],
  '1.2.840.10045.4.1': ['ecdsa', 'sha1'], '1.2.840.10045.4.3.1': ['ecdsa', 'sha224'], '1.2.840.10045.4.3.2': ['ecdsa', 'sha256'],
  '1.2.840.10045.4.3.3': ['ecdsa', 'sha384'], '1.2.840.10045.4.3.4': ['ecdsa', 'sha512'],
  '1.3.101.112': ['eddsa', null], '1.3.101.113': ['eddsa', null],
  '2.16.840.1.101.3.4.3.17': ['ml-dsa', null], '2.16.840.1.101.3.4.3.18': ['ml-dsa', null], '2.16.840.1.101.3.4.3.19': ['ml-dsa', null],
};
const STRINGS = { 0x0c: 'utf8', 0x13: 'latin1', 0x16: 'latin1', 0x14: 'latin1', 0x1e: 'ucs2', 0x1c: 'ucs4', 0x12: 'latin1' };

function hashAlgorithm(element) {
  const reader = new DerReader(element.body);
  return HASH_OIDS[der.oid(reader.next(der.OID))];
}

/** The scheme of an AlgorithmIdentifier, or null where it is not of rule 2. */
function signatureScheme(element) {
  const reader = new DerReader(element.body);
  const oid = der.oid(reader.next(der.OID));
  if (oid !== '1.2.840.113549.1.1.10') {
    const found = SIGNATURES[oid];
    return found ? { type: found[0], hash: found[1] } : null;
  }
  let hash = 'sha1';
  let mask = 'sha1';
  let salt = 20;
  if (reader.done) return null;
  const inner = new DerReader(reader.next(der.SEQUENCE).body);
  const first = inner.optional(0xa0);
  if (first) hash = hashAlgorithm(der.single(first.body, der.SEQUENCE));
  const second = inner.optional(0xa1);
  if (second) {
    const mgf = new DerReader(der.single(second.body, der.SEQUENCE).body);
    if (der.oid(mgf.next(der.OID)) !== '1.2.840.113549.1.1.8') return null;
    mask = hashAlgorithm(mgf.next(der.SEQUENCE));
  }
  const third = inner.optional(0xa2);
  if (third) salt = Number(der.integer(der.single(third.body, der.INTEGER)));
  const trailer = inner.optional(0xa3);
  if (trailer && der.integer(der.single(trailer.body, der.INTEGER)) !== 1n) return null;
  inner.end();
  return hash && hash === mask ? { type: 'pss', hash, salt } : null;
}

/** Text in UTF-8, or null where it is none. */
function utf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function attributeText(element) {
  const encoding = STRINGS[element.tag];
  if (!encoding) return null;
  if (encoding === 'utf8') return utf8(element.body);
  if (encoding === 'latin1') return element.body.toString('latin1');
  const width = encoding === 'ucs2' ? 2 : 4;
  let out = '';
  for (let i = 0; i + width <= element.body.length; i += width) out += String.fromCodePoint(element.body.readUIntBE(i, width));
  return out;
}

/** Distinguished name: `rdns` as arrays of {oid, text, raw}, `compare` a string that is equal for names that match (rule 1). */
function name(element) {
  const rdns = der.children(element).map((rdn) => {
    if (rdn.tag !== der.SET) throw new DerError('no relative name');
    return der.children(rdn).map((attribute) => {
      if (attribute.tag !== der.SEQUENCE) throw new DerError('no attribute');
      const reader = new DerReader(attribute.body);
      const oid = der.oid(reader.next(der.OID));
      const value = reader.next();
      reader.end();
      return { oid, text: attributeText(value), raw: value.raw };
    });
  });
  const compare = JSON.stringify(rdns.map((rdn) => rdn.map(({ oid, text, raw }) => {
    if (text === null) return `${oid}#${raw.toString('hex')}`;
    const folded = text.replace(/[A-Z]/g, (c) => c.toLowerCase()).replace(/ +/g, ' ').replace(/^ | $/g, '');
    return `${oid}=${folded}`;
  }).sort()));
  return { rdns, compare, raw: element.raw };
}

function extensions(element) {
  const out = new Map();
  for (const each of der.children(element)) {
    if (each.tag !== der.SEQUENCE) throw new DerError('no extension');
    const reader = new DerReader(each.body);
    const oid = der.oid(reader.next(der.OID));
    const critical = reader.peek() === 1 ? der.boolean(reader.next()) : false;
    const value = reader.next(der.OCTET_STRING).body;
    reader.end();
    if (out.has(oid)) throw new DerError(`extension ${oid} twice`);
    out.set(oid, { critical, value });
  }
  return out;
}

function basicConstraints(value) {
  const reader = new DerReader(der.single(value, der.SEQUENCE).body);
  const ca = reader.peek() === 1 ? der.boolean(reader.next()) : false;
  const path = reader.optional(der.INTEGER);
  reader.end();
  const pathLength = path ? Number(der.integer(path)) : null;
  if (pathLength !== null && pathLength < 0) throw new DerError('a negative path length');
  return { ca, pathLength };
}

/** The key in a certificate, of an unknown kind where it cannot be read: the certificate around it can. */
function keyIn(spki) {
  try {
    return keys.fromSpki(spki);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { kind: 'unknown', what: 'no key' };
  }
}

function purpose(element) {
  if (element.tag !== der.OID) throw new DerError('no purpose');
  return der.oid(element);
}

/** A certificate's facts. `extension(name)` decodes on demand, so that an extension which cannot be read is the reader's finding. */
class Certificate {
  constructor(raw) {
    this.raw = raw;
    const outer = new DerReader(der.single(raw, der.SEQUENCE).body);
    const tbs = outer.next(der.SEQUENCE);
    const algorithm = outer.next(der.SEQUENCE);
    this.signature = der.octetsOfBits(outer.next(der.BIT_STRING));
    outer.end();
    this.tbs = tbs.raw;
    const reader = new DerReader(tbs.body);
    const version = reader.optional(0xa0);
    this.version = version ? Number(der.integer(der.single(version.body, der.INTEGER))) + 1 : 1;
    if (this.version < 1 || this.version > 3) throw new DerError('version');
    this.serial = der.integer(reader.next(der.INTEGER));
    const inside = reader.next(der.SEQUENCE);
    if (!inside.raw.equals(algorithm.raw)) throw new DerError('two signature algorithms');
    this.scheme = signatureScheme(algorithm);
    this.issuer = name(reader.next(der.SEQUENCE));
    const validity = der.children(reader.next(der.SEQUENCE));
    if (validity.length !== 2) throw new DerError('validity');
    this.notBefore = der.time(validity[0]);
    this.notAfter = validity[1].body.toString('latin1') === NO_END ? Infinity : der.time(validity[1]);
    this.subject = name(reader.next(der.SEQUENCE));
    this.spki = reader.next(der.SEQUENCE).raw;
    reader.optional(0x81);
    reader.optional(0x82);
    const last = reader.optional(0xa3);
    if (last && this.version !== 3) throw new DerError('extensions of another version');
    this.extensions = last ? extensions(der.single(last.body, der.SEQUENCE)) : new Map();
    reader.end();
    this.key = keyIn(this.spki);
    this.sha256 = createHash('sha256').update(raw).digest('hex');
  }

  get selfIssued() {
    return this.issuer.compare === this.subject.compare;
  }

  get basicConstraints() {
    const found = this.extensions.get(EXT.basicConstraints);
    return found ? { critical: found.critical, ...basicConstraints(found.value) } : null;
  }

  /** Set of bit numbers, or null. */
  get keyUsage() {
    const found = this.extensions.get(EXT.keyUsage);
    return found ? der.bits(der.single(found.value, der.BIT_STRING)) : null;
  }

  get extKeyUsageCritical() {
    return this.extensions.get(EXT.extKeyUsage)?.critical ?? false;
  }

  get extKeyUsage() {
    const found = this.extensions.get(EXT.extKeyUsage);
    return found ? der.children(der.single(found.value, der.SEQUENCE)).map(purpose) : null;
  }

  /** Whether `key` signed this certificate. */
  signedBy(key) {
    return this.scheme !== null && keys.verify(key, this.scheme, this.tbs, this.signature);
  }
}

function decodeCertificate(raw) {
  return new Certificate(raw);
}

/** Whether `error` says that bytes are no certificate. */
function isUnreadable(error) {
  return error instanceof DerError || error instanceof keys.KeyError;
}

module.exports = { decodeCertificate, keyIn, textOf: attributeText, isUnreadable, name, extensions, signatureScheme, EXT, USAGE, HASH_OIDS, SIGNATURES };
