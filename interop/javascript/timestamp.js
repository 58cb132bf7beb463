// SPDX-License-Identifier: Apache-2.0
// A TimeStampToken: what it says, whose it is, and whether that signed it. Facts only; renewals.js judges them.
// Section 7 of the specification, "A token" and "The time"; RFC 3161, RFC 5652, RFC 5035.
'use strict';

const { createHash } = require('node:crypto');
const der = require('./der');
const keys = require('./keys');
const x509 = require('./x509');
const { attempt } = require('./reading');
const { decodeCrl } = require('./revocation');

const { DerError, DerReader, SEQUENCE, SET, INTEGER, OID, OCTET_STRING } = der;
const SIGNED_DATA = '1.2.840.113549.1.7.2';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const ATTRIBUTE = {
  contentType: '1.2.840.113549.1.9.3', messageDigest: '1.2.840.113549.1.9.4', certificate: '1.2.840.113549.1.9.16.2.12',
  certificateV2: '1.2.840.113549.1.9.16.2.47',
};
// algorithms of keys that stand in place of a signature's
const STAND_INS = { '1.2.840.113549.1.1.1': 'pkcs1', '1.2.840.10045.2.1': 'ecdsa' };
const VERSIONS = { signedData: [3n, 4n, 5n], byIssuer: 1n, byKey: 3n };
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
const STRONG = ['sha256', 'sha384', 'sha512'];
const MAX_BYTES = 1048576;
const MAX_BESIDE = 64;
const MAX_ATTRIBUTES = 64;

function algorithmOid(element) {
  return der.oid(new DerReader(element.body).next(OID));
}

function hashName(element) {
  if (element.tag !== SEQUENCE) throw new DerError('no algorithm');
  return x509.HASH_OIDS[algorithmOid(element)] ?? null;
}

/** genTime with its accuracy, as whole seconds around it: {time, earliest, latest}. */
function instant(element, accuracy) {
  const [, whole, fraction = ''] = /^(\d{14})(?:\.(\d{1,18}))?Z$/.exec(element.body.toString('latin1')) ?? [];
  if (element.tag !== 0x18 || !whole) throw new DerError('bad time');
  const time = der.time({ tag: 0x18, body: Buffer.from(`${whole}Z`) });
  const unit = 10n ** 18n;
  const point = BigInt(time) * unit + BigInt(fraction.padEnd(18, '0'));
  const margin = accuracy.seconds * unit + accuracy.millis * (unit / 1000n) + accuracy.micros * (unit / 1000000n);
  return { time, earliest: Number((point - margin) / unit), latest: Number((point + margin + unit - 1n) / unit) };
}

function decodeAccuracy(element) {
  const out = { seconds: 0n, millis: 0n, micros: 0n };
  if (!element) return out;
  const reader = new DerReader(element.body);
  for (const [name, tag, most] of [['seconds', INTEGER, 2n ** 31n - 1n], ['millis', 0x80, 999n], ['micros', 0x81, 999n]]) {
    const found = reader.optional(tag);
    if (!found) continue;
    out[name] = der.integer(found);
    if (out[name] < 0n || out[name] > most) throw new DerError('accuracy');
  }
  reader.end();
  return out;
}

function decodeInfo(raw) {
  const reader = new DerReader(der.single(raw, SEQUENCE).body);
  if (der.integer(reader.next(INTEGER)) !== 1n) throw new DerError('version of TSTInfo');
  der.oid(reader.next(OID));
  const imprint = new DerReader(reader.next(SEQUENCE).body);
  const hash = hashName(imprint.next(SEQUENCE));
  const digest = imprint.next(OCTET_STRING).body;
  imprint.end();
  der.integer(reader.next(INTEGER));
  const time = reader.next();
  const accuracy = decodeAccuracy(reader.optional(SEQUENCE));
  const ordering = reader.optional(1);
  if (ordering) der.boolean(ordering);
  const nonce = reader.optional(INTEGER);
  if (nonce) der.integer(nonce);
  reader.optional(0xa0);
  const more = reader.optional(0xa1);
  reader.end();
  const extensions = more ? x509.extensions(more) : new Map();
  if ([...extensions.values()].some((e) => e.critical)) throw new DerError('critical extension');
  return { hash, digest, ...instant(time, accuracy) };
}

/** Attributes by OID, each once and with one value. */
function decodeAttributes(element) {
  const out = new Map();
  const all = der.children(element);
  if (all.length > MAX_ATTRIBUTES) throw new DerError('too many attributes');
  for (const each of all) {
    if (each.tag !== SEQUENCE) throw new DerError('no attribute');
    const reader = new DerReader(each.body);
    const oid = der.oid(reader.next(OID));
    const values = der.children(reader.next(SET));
    reader.end();
    if (out.has(oid) || values.length !== 1) throw new DerError(`attribute ${oid} twice`);
    out.set(oid, values[0]);
  }
  return out;
}

/** A certificate by the bytes of its issuer's name, which `nameOf` reads, and serial number. */
function decodeNumber(element, nameOf) {
  const reader = new DerReader(element.body);
  const issuer = nameOf(reader).raw;
  const serial = der.integer(reader.next(INTEGER));
  reader.end();
  return { issuer, serial };
}

function isNumberOf({ issuer, serial }, certificate) {
  return certificate.issuer.raw.equals(issuer) && certificate.serial === serial;
}

function decodeSigner(element) {
  if (element.tag !== SEQUENCE) throw new DerError('no signer');
  const reader = new DerReader(element.body);
  const version = der.integer(reader.next(INTEGER));
  const identifier = reader.next();
  const signer = { number: null, keyIdentifier: null };
  if (identifier.tag === SEQUENCE) signer.number = decodeNumber(identifier, (inner) => inner.next(SEQUENCE));
  else if (identifier.tag === 0x80) signer.keyIdentifier = identifier.body;
  else throw new DerError('signer identifier');
  if (version !== (signer.number ? VERSIONS.byIssuer : VERSIONS.byKey)) throw new DerError('version of SignerInfo');
  signer.hash = hashName(reader.next(SEQUENCE));
  const attributes = reader.next(0xa0);
  signer.signed = Buffer.concat([Buffer.from([SET]), attributes.raw.subarray(1)]);
  signer.attributes = decodeAttributes(attributes);
  const algorithm = reader.next(SEQUENCE);
  const type = STAND_INS[algorithmOid(algorithm)];
  signer.scheme = type && signer.hash ? { type, hash: signer.hash } : x509.signatureScheme(algorithm);
  signer.signature = reader.next(OCTET_STRING).body;
  reader.optional(0xa1);
  reader.end();
  return signer;
}

/** What stands beside a signature, and can be read: certificates or lists. Other forms of either are passed over. */
function decodeBeside(element, decode) {
  const all = element ? der.children(element) : [];
  if (all.length > MAX_BESIDE) throw new DerError('too many certificates or lists');
  return all.filter((e) => e.tag === SEQUENCE).map((e) => attempt(() => decode(e.raw)).value).filter(Boolean);
}

/** A TimeStampToken; DerError where it is none, or not as section 7 asks. */
function decodeToken(raw) {
  if (raw.length > MAX_BYTES) throw new DerError('too long');
  const outer = new DerReader(der.single(raw, SEQUENCE).body);
  if (der.oid(outer.next(OID)) !== SIGNED_DATA) throw new DerError('no SignedData');
  const reader = new DerReader(der.single(outer.next(0xa0).body, SEQUENCE).body);
  outer.end();
  if (!VERSIONS.signedData.includes(der.integer(reader.next(INTEGER)))) throw new DerError('version of SignedData');
  const announced = der.children(reader.next(SET)).map(hashName);
  const content = new DerReader(reader.next(SEQUENCE).body);
  if (der.oid(content.next(OID)) !== TST_INFO) throw new DerError('no TSTInfo');
  const bytes = der.single(content.next(0xa0).body, OCTET_STRING).body;
  content.end();
  const certificates = reader.optional(0xa0);
  const revocation = reader.optional(0xa1);
  const signers = der.children(reader.next(SET));
  reader.end();
  if (signers.length !== 1) throw new DerError('not one signer');
  const signer = decodeSigner(signers[0]);
  if (!announced.includes(signer.hash)) throw new DerError('hash that is not announced');
  return {
    bytes,
    info: decodeInfo(bytes),
    certificates: decodeBeside(certificates, x509.decodeCertificate),
    lists: decodeBeside(revocation, decodeCrl),
    signer,
  };
}

/** How the signed attributes name the signer's certificate, {hash, digest, number}; DerError where none does. */
function certificateNamed(signer) {
  for (const [oid, v2] of [[ATTRIBUTE.certificateV2, true], [ATTRIBUTE.certificate, false]]) {
    if (!signer.attributes.has(oid)) continue;
    const list = new DerReader(new DerReader(attribute(signer, oid).body).next(SEQUENCE).body);
    const first = new DerReader(list.next(SEQUENCE).body);
    const algorithm = v2 ? first.optional(SEQUENCE) : null;
    const digest = first.next(OCTET_STRING).body;
    const number = first.optional(SEQUENCE);
    first.end();
    return {
      hash: algorithm ? hashName(algorithm) : v2 ? 'sha256' : 'sha1', digest, number: number && decodeNumber(number, directoryName),
    };
  }
  throw new DerError('no certificate is named');
}

/** The one name of GeneralNames. */
function directoryName(reader) {
  const names = der.children(reader.next(SEQUENCE));
  if (names.length !== 1 || names[0].tag !== 0xa4) throw new DerError('not one directory name');
  return der.single(names[0].body, SEQUENCE);
}

/** Whether the imprint is of `bytes`, by a hash of section 2. */
function isOver({ info }, bytes) {
  return STRONG.includes(info.hash) && createHash(info.hash).update(bytes).digest().equals(info.digest);
}

function attribute(signer, oid) {
  const found = signer.attributes.get(oid);
  if (!found) throw new DerError(`attribute ${oid} is missing`);
  return found;
}

function fits(signer, certificate) {
  if (signer.number) return isNumberOf(signer.number, certificate);
  const found = certificate.extensions.get(SUBJECT_KEY_IDENTIFIER);
  return Boolean(found) && der.single(found.value, OCTET_STRING).body.equals(signer.keyIdentifier);
}

/**
 * Whose a token is, among `certificates`, and whether that signed it: {outcome, why, certificate, named}. The outcome is passed, failed,
 * or indeterminate where the certificate is not here or nobody computes with its algorithm.
 */
function verifyToken(token, certificates, { allowSha1 }) {
  const { signer } = token;
  const read = attempt(() => {
    if (der.oid(attribute(signer, ATTRIBUTE.contentType)) !== TST_INFO) throw new DerError('content type');
    const digest = der.single(attribute(signer, ATTRIBUTE.messageDigest).raw, OCTET_STRING).body;
    if (!STRONG.includes(signer.hash)) throw new DerError('hash of what is signed');
    if (!createHash(signer.hash).update(token.bytes).digest().equals(digest)) throw new DerError('digest of what is signed');
    return certificateNamed(signer);
  });
  if (read.error) return { outcome: 'failed', why: read.error };
  const named = read.value;
  if (named.hash === 'sha1' && !allowSha1) return { outcome: 'failed', why: 'named by SHA-1' };
  if (named.hash !== 'sha1' && !STRONG.includes(named.hash)) return { outcome: 'indeterminate', why: 'hash of the certificate' };
  const certificate = certificates.find((c) => createHash(named.hash).update(c.raw).digest().equals(named.digest));
  if (!certificate) return { outcome: 'indeterminate', why: 'the certificate is not here' };
  const fit = attempt(() => fits(signer, certificate) && (!named.number || isNumberOf(named.number, certificate)));
  if (!fit.value) return { outcome: 'failed', why: 'identifier of another certificate' };
  const { key } = certificate;
  if (signer.scheme === null || key.kind === 'unknown') return { outcome: 'indeterminate', why: 'algorithm' };
  if (signer.scheme.hash === 'sha1') return { outcome: 'failed', why: 'SHA-1' };
  const weak = keys.weakness(key);
  if (weak) return { outcome: 'failed', why: weak };
  if (!keys.verify(key, signer.scheme, signer.signed, signer.signature)) return { outcome: 'failed', why: 'signature' };
  return { outcome: 'passed', certificate, named };
}

module.exports = { decodeToken, isOver, verifyToken };
