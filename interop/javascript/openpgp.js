// SPDX-License-Identifier: Apache-2.0
// OpenPGP packets: certificates, keys, signatures and what a signature covers. Facts only; openpgp-judge.js judges them.
// Section 8.7 of the specification, "Reading" and "What a signature covers"; RFC 9580.
'use strict';

const crypto = require('node:crypto');
const keys = require('./keys');

const MAX_BYTES = 4194304;
const MAX_PACKETS = 4096;
const MAX_SUBKEYS = 128;
const MAX_SUBPACKETS = 64;
const MAX_RSA_BITS = 16384;

const PACKET = {
  signature: 2, secretKey: 5, publicKey: 6, secretSubkey: 7, marker: 10, trust: 12, userId: 13, publicSubkey: 14, userAttribute: 17,
  padding: 21,
};
const HASHES = {
  1: 'md5', 2: 'sha1', 3: 'ripemd160', 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224', 12: 'sha3-256', 14: 'sha3-512',
};
const SALTS = { 8: 16, 9: 24, 10: 32, 11: 16, 12: 16, 14: 32 };
const SUB = {
  created: 2, expires: 3, keyExpires: 9, revoker: 12, issuer: 16, notation: 20, primary: 25, flags: 27, reason: 29, embedded: 32,
  fingerprint: 33,
};
const ONCE = [2, 3, 9, 25, 27, 29];
const SIZES = { 2: 4, 3: 4, 9: 4, 16: 8, 25: 1, 12: 22 };
const LEAST = { 20: 8, 29: 1, 33: 1 };
// the curves as OpenPGP names them, to the object identifiers of X.509
const CURVE_OIDS = {
  '2a8648ce3d030107': '1.2.840.10045.3.1.7', '2b81040022': '1.3.132.0.34', '2b81040023': '1.3.132.0.35',
  '2b2403030208010107': '1.3.36.3.3.2.8.1.1.7', '2b240303020801010b': '1.3.36.3.3.2.8.1.1.11',
  '2b240303020801010d': '1.3.36.3.3.2.8.1.1.13',
};
const ED25519_LEGACY = '2b06010401da470f01';

class PgpError extends Error {}

class Reader {
  constructor(data) {
    this.data = data;
    this.position = 0;
  }

  get done() {
    return this.position >= this.data.length;
  }

  take(size) {
    if (this.position + size > this.data.length) throw new PgpError('cut short');
    this.position += size;
    return this.data.subarray(this.position - size, this.position);
  }

  number(size) {
    return this.take(size).readUIntBE(0, size);
  }

  mpi() {
    const bits = this.number(2);
    const raw = this.take(Math.ceil(bits / 8));
    const value = keys.big(raw);
    if (keys.bitLength(value) !== bits) throw new PgpError('bits of an MPI');
    return value;
  }

  end() {
    if (!this.done) throw new PgpError('bytes left over');
  }
}

/** All packets of `data`, each {type, body}, in either format and of one definite length. */
function packets(data) {
  const reader = new Reader(data);
  const out = [];
  while (!reader.done) {
    const first = reader.number(1);
    if (!(first & 0x80)) throw new PgpError('no packet');
    let type;
    let size;
    if (first & 0x40) {
      type = first & 63;
      size = reader.number(1);
      if (size >= 192 && size < 224) size = ((size - 192) << 8) + reader.number(1) + 192;
      else if (size === 255) size = reader.number(4);
      else if (size >= 224) throw new PgpError('partial length');
    } else {
      type = (first >> 2) & 15;
      if ((first & 3) === 3) throw new PgpError('indeterminate length');
      size = reader.number(1 << (first & 3));
    }
    out.push({ type, body: reader.take(size) });
    if (out.length > MAX_PACKETS) throw new PgpError('too many packets');
  }
  return out;
}

function unknownKey(what) {
  return { kind: 'unknown', what };
}

/** What is no key of its algorithm has made no signature. */
function brokenKey(what) {
  return { ...unknownKey(what), broken: true };
}

function material(reader, algorithm) {
  if ([1, 2, 3].includes(algorithm)) {
    const [n, e] = [reader.mpi(), reader.mpi()];
    return n > 0n && e > 1n && e % 2n === 1n ? keys.rsaKey(n, e) : brokenKey('no RSA key');
  }
  if (algorithm === 17) {
    const [p] = [reader.mpi(), reader.mpi(), reader.mpi(), reader.mpi()];
    return { kind: 'dsa', bits: keys.bitLength(p), what: 'DSA' };
  }
  if (algorithm === 16) {
    for (let i = 0; i < 3; i++) reader.mpi();
    return unknownKey('Elgamal');
  }
  if ([18, 19, 22].includes(algorithm)) {
    const oid = reader.take(reader.number(1)).toString('hex');
    const point = keys.bytesOf(reader.mpi());
    if (algorithm === 18) {
      reader.take(reader.number(1));
      return unknownKey('ECDH');
    }
    try {
      if (algorithm === 22) {
        if (oid !== ED25519_LEGACY) return unknownKey('curve');
        return point[0] === 0x40 ? keys.edKey('ed25519', point.subarray(1)) : brokenKey('no native point');
      }
      return CURVE_OIDS[oid] ? keys.ecKey(CURVE_OIDS[oid], point) : unknownKey('curve');
    } catch (error) {
      if (error instanceof keys.KeyError) return brokenKey('no point');
      throw error;
    }
  }
  if (algorithm === 27) return keys.edKey('ed25519', reader.take(32));
  if (algorithm === 28) return keys.edKey('ed448', reader.take(57));
  if (algorithm === 25 || algorithm === 26) {
    reader.take(algorithm === 25 ? 32 : 56);
    return unknownKey('X25519 or X448');
  }
  reader.take(reader.data.length - reader.position);
  return unknownKey(`algorithm ${algorithm}`);
}

/** The body of a key packet. */
function decodeKey(body) {
  const reader = new Reader(body);
  const version = reader.number(1);
  if (version !== 4 && version !== 6) return { version, body, known: false };
  const created = reader.number(4);
  const algorithm = reader.number(1);
  if (version === 6 && reader.number(4) !== body.length - 10) throw new PgpError('length of key material');
  const key = material(reader, algorithm);
  reader.end();
  const prefixed = keyObject(version, body);
  const fingerprint = crypto.createHash(version === 4 ? 'sha1' : 'sha256').update(prefixed).digest();
  const keyId = version === 4 ? fingerprint.subarray(12) : fingerprint.subarray(0, 8);
  return { version, body, known: true, created, algorithm, key, fingerprint, keyId, object: prefixed };
}

function keyObject(version, body) {
  const head = Buffer.alloc(version === 4 ? 3 : 5);
  head[0] = version === 4 ? 0x99 : 0x9b;
  if (version === 4) head.writeUInt16BE(body.length & 0xffff, 1);
  else head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function textObject(octet, body) {
  const head = Buffer.alloc(5);
  head[0] = octet;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function subpackets(area, hashed) {
  const reader = new Reader(area);
  const out = [];
  while (!reader.done) {
    let size = reader.number(1);
    if (size === 255) size = reader.number(4);
    else if (size >= 192) size = ((size - 192) << 8) + reader.number(1) + 192;
    if (size === 0) throw new PgpError('empty subpacket');
    const raw = reader.take(size);
    const type = raw[0] & 127;
    const value = raw.subarray(1);
    if (SIZES[type] !== undefined && value.length !== SIZES[type]) throw new PgpError('size of a subpacket');
    if (LEAST[type] !== undefined && value.length < LEAST[type]) throw new PgpError('size of a subpacket');
    if (hashed && ONCE.includes(type) && out.some((s) => s.type === type)) throw new PgpError('subpacket twice');
    out.push({ type, critical: raw[0] >= 128, value });
    if (out.length > MAX_SUBPACKETS) throw new PgpError('too many subpackets');
  }
  return out;
}

/** The body of a signature packet of version 4 or 6. */
function decodeSignature(body) {
  const reader = new Reader(body);
  const version = reader.number(1);
  if (version !== 4 && version !== 6) throw new PgpError(`version ${version}`);
  const wide = version === 4 ? 2 : 4;
  const [type, algorithm, hash] = [reader.number(1), reader.number(1), reader.number(1)];
  const hashed = subpackets(reader.take(reader.number(wide)), true);
  const header = body.subarray(0, reader.position);
  const unhashed = subpackets(reader.take(reader.number(wide)), false);
  const left = reader.take(2);
  const salt = version === 6 ? reader.take(reader.number(1)) : Buffer.alloc(0);
  if (version === 6 && SALTS[hash] !== undefined && salt.length !== SALTS[hash]) throw new PgpError('size of the salt');
  const signature = { version, type, algorithm, hash, hashed, unhashed, header, left, salt, body };
  signature.numbers = signatureNumbers(reader, algorithm);
  reader.end();
  const one = (kind) => hashed.find((s) => s.type === kind)?.value;
  const created = one(SUB.created);
  signature.created = created ? created.readUInt32BE(0) : null;
  signature.expires = one(SUB.expires)?.readUInt32BE(0) ?? 0;
  signature.keyExpires = one(SUB.keyExpires)?.readUInt32BE(0) ?? 0;
  signature.flags = one(SUB.flags) ?? null;
  signature.primary = Boolean(one(SUB.primary)?.[0]);
  signature.reason = one(SUB.reason)?.[0] ?? null;
  signature.hasRevoker = hashed.some((s) => s.type === SUB.revoker);
  return signature;
}

function signatureNumbers(reader, algorithm) {
  if ([1, 2, 3].includes(algorithm)) return [reader.mpi()];
  if ([17, 19, 22].includes(algorithm)) return [reader.mpi(), reader.mpi()];
  if (algorithm === 27) return [reader.take(64)];
  if (algorithm === 28) return [reader.take(114)];
  return [reader.take(reader.data.length - reader.position)];
}

/** The key IDs and fingerprints in the issuer subpackets of a signature, in either area. */
function issuersOf(signature) {
  const all = [...signature.hashed, ...signature.unhashed];
  const ids = all.filter((s) => s.type === SUB.issuer).map((s) => s.value);
  return [...ids, ...all.filter((s) => s.type === SUB.fingerprint).map((s) => s.value.subarray(1))];
}

function names(signature, key) {
  return issuersOf(signature).some((issuer) => issuer.equals(key.keyId) || issuer.equals(key.fingerprint));
}

/** Whether a signature may be by `key`, as its issuer subpackets have it: they name it, or nobody. */
function mayBeBy(signature, key) {
  return issuersOf(signature).length === 0 || names(signature, key);
}

/** Whether the digest of what a signature covers is computed here. */
function computes(signature) {
  return Boolean(HASHES[signature.hash]) && !(signature.version === 6 && SALTS[signature.hash] === undefined);
}

/** 'good', 'bad', or 'unknown' where it cannot be computed here: `signature` by `key` over `object`. */
function check(signature, key, object) {
  if (!key.known || signature.version !== key.version || signature.algorithm !== key.algorithm) return 'bad';
  const hash = HASHES[signature.hash];
  if (hash === 'ripemd160') return 'bad';
  if (!computes(signature)) return 'unknown';
  const trailer = Buffer.alloc(6);
  trailer[0] = signature.version;
  trailer[1] = 0xff;
  trailer.writeUInt32BE(signature.header.length, 2);
  const data = Buffer.concat([signature.salt, object, signature.header, trailer]);
  const digest = crypto.createHash(hash).update(data).digest();
  if (!digest.subarray(0, 2).equals(signature.left)) return 'bad';
  const { kind, broken } = key.key;
  if (broken) return 'bad';
  if (!['rsa', 'ec', 'ed25519', 'ed448'].includes(kind) || (kind === 'rsa' && key.key.bits > MAX_RSA_BITS)) return 'unknown';
  const [first, second] = signature.numbers;
  let good;
  if (kind === 'rsa') {
    good = keys.verify(key.key, { type: 'pkcs1', hash }, data, keys.bytesOf(first, Math.ceil(key.key.bits / 8)));
  } else if (kind === 'ec') {
    const size = Math.ceil(key.key.bits / 8);
    const pair = [first, second].map((v) => keys.bytesOf(v, size));
    good = pair.every((p) => p.length === size) && keys.verify(key.key, { type: 'ecdsa', hash, raw: true }, data, Buffer.concat(pair));
  } else {
    const raw = typeof first === 'bigint' ? Buffer.concat([first, second].map((v) => keys.bytesOf(v, 32))) : first;
    good = keys.verify(key.key, { type: 'eddsa' }, digest, raw);
  }
  return good ? 'good' : 'bad';
}

/** Signatures that stand behind a key, user id or subkey: those that are read, and those that are not, by the type they claim. */
function addSignature(part, body) {
  try {
    part.signatures.push(decodeSignature(body));
  } catch (error) {
    if (!(error instanceof PgpError)) throw error;
    part.unread.push(body[0] === 3 ? body[2] : body[1]);
  }
}

/** One transferable public key: {primary, userIds, attributes, subkeys}, each part with its signatures. */
function decodeCertificate(data) {
  if (data.length > MAX_BYTES) throw new PgpError('too large');
  const all = packets(data);
  if (all.length === 0 || all[0].type !== PACKET.publicKey) throw new PgpError('no public key');
  const part = (value) => ({ ...value, signatures: [], unread: [] });
  const out = { primary: part(decodeKey(all[0].body)), userIds: [], attributes: [], subkeys: [] };
  if (!out.primary.known) return out;
  let current = out.primary;
  let subkeys = 0;
  for (const { type, body } of all.slice(1)) {
    if (type === PACKET.signature) {
      if (current) addSignature(current, body);
    } else if (type === PACKET.userId || type === PACKET.userAttribute) {
      if (subkeys) throw new PgpError('user id behind a subkey');
      const list = type === PACKET.userId ? out.userIds : out.attributes;
      current = list.find((u) => u.body.equals(body));
      if (!current) {
        current = part({ body, object: textObject(type === PACKET.userId ? 0xb4 : 0xd1, body) });
        list.push(current);
      }
    } else if (type === PACKET.publicSubkey) {
      subkeys += 1;
      if (subkeys > MAX_SUBKEYS) throw new PgpError('too many subkeys');
      const key = decodeKey(body);
      current = [out.primary, ...out.subkeys].find((k) => k.body.equals(body));
      if (!current) {
        current = part(key);
        if (key.known && key.version === out.primary.version) out.subkeys.push(current);
      }
    } else if (type === PACKET.secretKey || type === PACKET.secretSubkey) throw new PgpError('SECRET KEY');
    else if (![PACKET.marker, PACKET.trust, PACKET.padding].includes(type) && type < 40) throw new PgpError(`packet ${type}`);
  }
  return out;
}

/** Exactly one signature packet. */
function decodeDetached(data) {
  const all = packets(data);
  if (all.length !== 1 || all[0].type !== PACKET.signature) throw new PgpError('not one signature packet');
  return decodeSignature(all[0].body);
}

module.exports = { computes, PgpError, HASHES, SUB, decodeCertificate, decodeDetached, decodeSignature, names, mayBeBy, check };
