// SPDX-License-Identifier: Apache-2.0
// Public keys as values that can be compared, how strong they are, and signatures by them.
// Sections 8.1 (rule 2), 8.8 and 10.3 of the specification.
'use strict';

const crypto = require('node:crypto');
const der = require('./der');
const mldsa = require('./mldsa');

const RSA_OIDS = { '1.2.840.113549.1.1.1': 'rsa', '1.2.840.113549.1.1.7': 'oaep', '1.2.840.113549.1.1.10': 'pss' };
const EC_OID = '1.2.840.10045.2.1';
// curve OID to [name for OpenSSL, bits of the group]
const CURVES = {
  '1.2.840.10045.3.1.1': ['prime192v1', 192],
  '1.3.132.0.33': ['secp224r1', 224],
  '1.2.840.10045.3.1.7': ['prime256v1', 256],
  '1.3.132.0.10': ['secp256k1', 256],
  '1.3.132.0.34': ['secp384r1', 384],
  '1.3.132.0.35': ['secp521r1', 521],
  '1.3.36.3.3.2.8.1.1.7': ['brainpoolP256r1', 256],
  '1.3.36.3.3.2.8.1.1.11': ['brainpoolP384r1', 384],
  '1.3.36.3.3.2.8.1.1.13': ['brainpoolP512r1', 512],
};
const EDWARDS = { '1.3.101.112': ['ed25519', 32], '1.3.101.113': ['ed448', 57] };
const ML_DSA = {
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44', '2.16.840.1.101.3.4.3.18': 'ML-DSA-65', '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
};

class KeyError extends Error {}

function bitLength(big) {
  return big === 0n ? 0 : big.toString(2).length;
}

function big(bytes) {
  return bytes.length ? BigInt(`0x${bytes.toString('hex')}`) : 0n;
}

function bytesOf(value, size = null) {
  let hex = value.toString(16);
  if (hex.length % 2) hex = `0${hex}`;
  const raw = Buffer.from(hex, 'hex');
  return size === null || raw.length >= size ? raw : Buffer.concat([Buffer.alloc(size - raw.length), raw]);
}

function spki(algorithm, keyBits) {
  return der.encode(der.SEQUENCE, algorithm, der.encode(der.BIT_STRING, Buffer.from([0]), keyBits));
}

function rsaKey(n, e) {
  if (n <= 0n || e <= 1n || e % 2n === 0n) throw new KeyError('no RSA key');
  const encoded = spki(
    der.encode(der.SEQUENCE, der.encodeOid('1.2.840.113549.1.1.1'), der.encode(5)),
    der.encode(der.SEQUENCE, der.encodeUnsigned(bytesOf(n)), der.encodeUnsigned(bytesOf(e))),
  );
  return { kind: 'rsa', n, e, bits: bitLength(n), same: `rsa ${n} ${e}`, spki: encoded };
}

function ecKey(curveOid, point) {
  const curve = CURVES[curveOid];
  if (!curve) return { kind: 'unknown', what: `curve ${curveOid}` };
  let whole;
  try {
    whole = crypto.ECDH.convertKey(point, curve[0], undefined, undefined, 'uncompressed');
  } catch {
    return { kind: 'unknown', what: 'no point of the curve', broken: true };
  }
  const algorithm = der.encode(der.SEQUENCE, der.encodeOid(EC_OID), der.encodeOid(curveOid));
  const [name, bits] = curve;
  return { kind: 'ec', curve: name, bits, same: `${name} ${whole.toString('hex')}`, spki: spki(algorithm, whole), point: whole };
}

function edKey(kind, raw) {
  const [oid, [, size]] = Object.entries(EDWARDS).find(([, value]) => value[0] === kind);
  if (raw.length !== size) throw new KeyError('size of an Edwards key');
  return {
    kind, bits: kind === 'ed25519' ? 256 : 448, same: `${kind} ${raw.toString('hex')}`, raw,
    spki: spki(der.encode(der.SEQUENCE, der.encodeOid(oid)), raw),
  };
}

const FIELDS = { ed25519: (1n << 255n) - 19n, ed448: (1n << 448n) - (1n << 224n) - 1n };
/** y of the points of order eight of Ed25519; those of orders one, two and four have y = 1, -1 and 0, on both curves. */
const OF_ORDER_8 = BigInt('0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7');

/** Whether one signature of an Edwards key fits every message, or every eighth: its point has small order, in whatever encoding. */
function hasSmallOrder(key) {
  const field = FIELDS[key.kind];
  if (field === undefined) return false;
  const bytes = Buffer.from(key.raw).reverse();
  bytes[0] &= 0x7f; // the sign of x
  const y = big(bytes) % field;
  const small = key.kind === 'ed25519' ? [OF_ORDER_8, field - OF_ORDER_8] : [];
  return [0n, 1n, field - 1n, ...small].includes(y);
}

/** The key of a SubjectPublicKeyInfo; its kind is `unknown` where it is not computed here. DerError or KeyError where it is wrong. */
function fromSpki(raw) {
  const reader = new der.DerReader(der.single(raw, der.SEQUENCE).body);
  const algorithm = reader.next(der.SEQUENCE);
  const bits = der.octetsOfBits(reader.next(der.BIT_STRING));
  reader.end();
  const parts = new der.DerReader(algorithm.body);
  const oid = der.oid(parts.next(der.OID));
  if (RSA_OIDS[oid]) {
    const inner = new der.DerReader(der.single(bits, der.SEQUENCE).body);
    const n = der.integer(inner.next(der.INTEGER));
    const e = der.integer(inner.next(der.INTEGER));
    inner.end();
    return { ...rsaKey(n, e), usage: RSA_OIDS[oid] };
  }
  if (oid === EC_OID) {
    if (parts.peek() !== der.OID) return { kind: 'unknown', what: 'explicit curve' };
    const curve = der.oid(parts.next(der.OID));
    parts.end();
    return ecKey(curve, bits);
  }
  if (EDWARDS[oid] || ML_DSA[oid]) parts.end();
  if (EDWARDS[oid]) return edKey(EDWARDS[oid][0], bits);
  if (ML_DSA[oid]) {
    return { kind: 'ml-dsa', name: ML_DSA[oid], bits: 0, same: `${ML_DSA[oid]} ${bits.toString('hex')}`, raw: bits };
  }
  return { kind: 'unknown', what: `algorithm ${oid}` };
}

const ROCA_PRIMES = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167];

/** CVE-2017-15361: a modulus that is a power of 65537 modulo each small prime. */
function isRoca(n) {
  return ROCA_PRIMES.every((prime) => {
    const rest = Number(n % BigInt(prime));
    let power = 1;
    for (let i = 0; i < prime; i++) {
      if (power === rest) return true;
      power = (power * (65537 % prime)) % prime;
    }
    return false;
  });
}

/** Why a key is too weak, or null (rule 2 of section 8.1). */
function weakness(key) {
  if (key.kind === 'rsa') {
    if (key.bits < 2048 || key.bits > 16384) return `RSA of ${key.bits} bits`;
    if (key.n % 2n === 0n) return 'even modulus';
    if (isRoca(key.n)) return 'CVE-2017-15361';
  }
  if (key.kind === 'ec' && key.bits < 256) return `curve of ${key.bits} bits`;
  if (hasSmallOrder(key)) return 'a key of small order';
  return null;
}

/**
 * Whether `signature` over `data` is by `key`. `scheme` is {type: pkcs1 | pss | ecdsa | eddsa | ml-dsa, hash, salt, raw}; `raw` says
 * that r and s stand one behind the other.
 */
function verify(key, scheme, data, signature) {
  if (scheme.type === 'ml-dsa') return key.kind === 'ml-dsa' && mldsa.verify(key.name, key.raw, data, signature);
  const fits = { pkcs1: ['rsa'], pss: ['rsa'], ecdsa: ['ec'], eddsa: ['ed25519', 'ed448'] }[scheme.type];
  if (!fits.includes(key.kind) || hasSmallOrder(key)) return false;
  const options = { key: key.spki, format: 'der', type: 'spki' };
  try {
    if (scheme.type === 'eddsa') return crypto.verify(null, data, options, signature);
    if (scheme.type === 'pkcs1') options.padding = crypto.constants.RSA_PKCS1_PADDING;
    if (scheme.type === 'pss') {
      options.padding = crypto.constants.RSA_PKCS1_PSS_PADDING;
      options.saltLength = scheme.salt ?? crypto.constants.RSA_PSS_SALTLEN_AUTO;
    }
    if (scheme.type === 'ecdsa') options.dsaEncoding = scheme.raw ? 'ieee-p1363' : 'der';
    return crypto.verify(scheme.hash, data, options, signature);
  } catch {
    return false;
  }
}

module.exports = { KeyError, fromSpki, rsaKey, ecKey, edKey, weakness, isRoca, verify, big, bytesOf, bitLength, CURVES };
