// SPDX-License-Identifier: Apache-2.0
// TPM 2.0 structures in wire form and what is computed from them. Section 10.6 of the specification; TPM 2.0 Library Part 2.
'use strict';

const crypto = require('node:crypto');
const keys = require('./keys');

const HASHES = {
  0x04: ['sha1', 20], 0x0b: ['sha256', 32], 0x0c: ['sha384', 48], 0x0d: ['sha512', 64], 0x12: ['sm3', 32], 0x27: ['sha3-256', 32],
  0x28: ['sha3-384', 48], 0x29: ['sha3-512', 64],
};
const ALG = { rsa: 0x01, hmac: 0x05, xor: 0x0a, null: 0x10, rsassa: 0x14, rsaes: 0x15, rsapss: 0x16, oaep: 0x17, ecdsa: 0x18, ecdh: 0x19,
  ecdaa: 0x1a, sm2: 0x1b, ecschnorr: 0x1c, ecmqv: 0x1d, ecc: 0x23, keyedHash: 0x08, symcipher: 0x25 };
const CIPHERS = [0x03, 0x06, 0x13, 0x26]; // TDES, AES, SM4, Camellia
const KNOWN = new Set([0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x10, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
  0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x20, 0x21, 0x22, 0x23, 0x25, 0x26, 0x27, 0x28, 0x29, 0x40, 0x41, 0x42, 0x43, 0x44]);
const KDFS = [0x07, 0x20, 0x21, 0x22];
const CURVES = {
  1: '1.2.840.10045.3.1.1', 2: '1.3.132.0.33', 3: '1.2.840.10045.3.1.7', 4: '1.3.132.0.34', 5: '1.3.132.0.35',
};
const ATTRIBUTES = { fixedTPM: 1, fixedParent: 4, sensitiveDataOrigin: 5, restricted: 16, decrypt: 17, sign: 18 };
const GENERATED = 0xff544347;
const TYPES = { nv: 0x8014, certify: 0x8017, quote: 0x8018, time: 0x8019, creation: 0x801a, nvDigest: 0x801c };
const HIERARCHIES = { owner: '40000001', null: '40000007', endorsement: '4000000b', platform: '4000000c' };
const TAG_CREATION = 0x8021;

/** Bytes that are no TPM structure. */
class TpmError extends Error {}

/** A structure that can be of a TPM, but whose algorithm is not read here. */
class NotComputed extends Error {}
const MAX_DIGEST = 64;

class Reader {
  constructor(data) {
    this.data = data;
    this.position = 0;
  }

  take(size) {
    if (this.position + size > this.data.length) throw new TpmError('cut short');
    this.position += size;
    return this.data.subarray(this.position - size, this.position);
  }

  number(size) {
    return this.take(size).readUIntBE(0, size);
  }

  sized() {
    return this.take(this.number(2));
  }

  end() {
    if (this.position !== this.data.length) throw new TpmError('bytes left over');
  }
}

function readAll(data, read) {
  const reader = new Reader(data);
  const value = read(reader);
  reader.end();
  return value;
}

function hash(alg, ...parts) {
  const known = HASHES[alg];
  if (!known) throw new NotComputed(`hash ${alg}`);
  const state = crypto.createHash(known[0]);
  for (const part of parts) state.update(part);
  return state.digest();
}

/** An algorithm that has a place here; TpmError where it has another, NotComputed where nobody knows it. */
function among(alg, allowed) {
  if (allowed.includes(alg)) return;
  if (KNOWN.has(alg)) throw new TpmError(`algorithm ${alg} has no place here`);
  throw new NotComputed(`algorithm ${alg}`);
}

function symmetric(reader) {
  const alg = reader.number(2);
  if (alg === ALG.null) return { alg };
  among(alg, CIPHERS);
  return { alg, bits: reader.number(2), mode: reader.number(2) };
}

function scheme(reader, known) {
  const alg = reader.number(2);
  if (alg === ALG.null) return null;
  among(alg, known);
  if (alg === ALG.rsaes) return { alg, hash: null };
  const hashAlg = reader.number(2);
  if (alg === ALG.ecdaa) reader.number(2);
  return { alg, hash: hashAlg };
}

/**
 * TPMT_PUBLIC: {raw, type, nameAlg, attributes, policy, symmetric, scheme, bits | curve, ...}. Where an algorithm is not known only what
 * stands before it, which is enough for Name and attributes, and `unread`.
 */
function decodePublic(data) {
  return readAll(data, (reader) => {
    const out = { raw: data, type: reader.number(2), nameAlg: reader.number(2), attributes: reader.number(4), policy: reader.sized() };
    if (out.policy.length > MAX_DIGEST) throw new TpmError('size of a policy');
    try {
      parameters(reader, out);
    } catch (error) {
      if (!(error instanceof NotComputed)) throw error;
      out.unread = true;
      out.scheme = null;
      reader.take(data.length - reader.position);
    }
    return out;
  });
}

/** The rest of a public area, behind its policy; NotComputed where an algorithm says how long it is that is not known. */
function parameters(reader, area) {
  const out = area;
  if (out.type === ALG.rsa) {
    out.symmetric = symmetric(reader);
    out.scheme = scheme(reader, [ALG.rsassa, ALG.rsapss, ALG.rsaes, ALG.oaep]);
    out.bits = reader.number(2);
    out.exponent = reader.number(4) || 65537;
    out.uniqueAt = reader.position;
    out.unique = reader.sized();
  } else if (out.type === ALG.ecc) {
    out.symmetric = symmetric(reader);
    out.scheme = scheme(reader, [ALG.ecdsa, ALG.ecdaa, ALG.sm2, ALG.ecschnorr, ALG.ecdh, ALG.ecmqv]);
    out.curve = reader.number(2);
    out.kdf = reader.number(2);
    if (out.kdf !== ALG.null) among(out.kdf, KDFS);
    if (out.kdf !== ALG.null) out.kdfHash = reader.number(2);
    out.uniqueAt = reader.position;
    out.unique = [reader.sized(), reader.sized()];
  } else throw new NotComputed(`type ${out.type}`);
}

/** The public key in a public area; its kind is `unknown` where it is not computed here, or is a point that no curve has. */
function publicKey(area) {
  if (area.unread) return { kind: 'unknown', what: 'algorithm' };
  if (area.type === ALG.rsa) {
    const n = keys.big(area.unique);
    if (keys.bitLength(n) !== area.bits) throw new TpmError('size of the modulus');
    try {
      return keys.rsaKey(n, BigInt(area.exponent));
    } catch {
      throw new TpmError('no RSA key');
    }
  }
  const oid = CURVES[area.curve];
  if (!oid) return { kind: 'unknown', what: `curve ${area.curve}` };
  const size = Math.ceil(keys.CURVES[oid][1] / 8);
  const [x, y] = area.unique.map((v) => keys.bytesOf(keys.big(v), size));
  if (x.length > size || y.length > size) return { kind: 'unknown', what: 'no point of the curve' };
  try {
    return keys.ecKey(oid, Buffer.concat([Buffer.from([4]), x, y]));
  } catch {
    return { kind: 'unknown', what: 'no key' };
  }
}

function has(area, attribute) {
  return Boolean((area.attributes >>> ATTRIBUTES[attribute]) & 1);
}

function alg16(alg) {
  const out = Buffer.alloc(2);
  out.writeUInt16BE(alg);
  return out;
}

function nameOf(area) {
  return Buffer.concat([alg16(area.nameAlg), hash(area.nameAlg, area.raw)]);
}

/** The qualified name of a key under a hierarchy; `parents` are public areas from the key's own parent upwards. */
function qualifiedName(area, parents, hierarchy) {
  let name = Buffer.from(HIERARCHIES[hierarchy], 'hex');
  for (const each of [...parents].reverse().concat(area)) {
    name = Buffer.concat([alg16(each.nameAlg), hash(each.nameAlg, name, nameOf(each))]);
  }
  return name;
}

function selections(reader) {
  const count = reader.number(4);
  const out = [];
  for (let i = 0; i < count; i++) {
    const bank = reader.number(2);
    const bitmap = reader.take(reader.number(1));
    const pcrs = [];
    bitmap.forEach((byte, b) => {
      for (let j = 0; j < 8; j++) if (byte & (1 << j)) pcrs.push(8 * b + j);
    });
    out.push({ bank, pcrs });
  }
  return out;
}

const ATTESTED = {
  [TYPES.quote]: (r) => ({ selections: selections(r), digest: r.sized() }),
  [TYPES.certify]: (r) => ({ name: r.sized(), qualifiedName: r.sized() }),
  [TYPES.creation]: (r) => ({ name: r.sized(), creationHash: r.sized() }),
  [TYPES.time]: (r) => {
    const time = r.take(8);
    return { time, clockInfo: clockInfo(r), firmware: r.take(8) };
  },
  [TYPES.nv]: (r) => ({ name: r.sized(), offset: r.number(2), contents: r.sized() }),
  [TYPES.nvDigest]: (r) => ({ name: r.sized(), digest: r.sized() }),
};

function clockInfo(reader) {
  const out = { clock: reader.take(8), reset: reader.number(4), restart: reader.number(4), safe: reader.number(1) };
  if (out.safe > 1) throw new TpmError('clock is neither safe nor not');
  return out;
}

/** TPMS_ATTEST of any type that a role has. */
function decodeAttest(data) {
  return readAll(data, (reader) => {
    if (reader.number(4) !== GENERATED) throw new TpmError('not TPM_GENERATED_VALUE');
    const type = reader.number(2);
    const out = { raw: data, type, signer: reader.sized(), extraData: reader.sized() };
    out.clock = clockInfo(reader);
    out.firmware = reader.take(8).toString('hex');
    out.attested = ATTESTED[type] ? ATTESTED[type](reader) : reader.take(data.length - reader.position);
    return out;
  });
}

/** TPMT_SIGNATURE of RSA or ECDSA. */
function decodeSignature(data) {
  return readAll(data, (reader) => {
    const alg = reader.number(2);
    if (![ALG.rsassa, ALG.rsapss, ALG.ecdsa, ALG.sm2, ALG.ecdaa, ALG.ecschnorr].includes(alg)) {
      if (alg === ALG.null || alg === ALG.hmac) throw new TpmError('no signature');
      return { alg, hash: null, rest: reader.take(data.length - reader.position) };
    }
    const out = { alg, hash: reader.number(2) };
    if (alg === ALG.rsassa || alg === ALG.rsapss) out.rsa = reader.sized();
    else {
      out.r = reader.sized();
      out.s = reader.sized();
    }
    return out;
  });
}

/** Whether `signature` over `data` is by the key of `area`, and by its scheme where it fixes one: true, false; NotComputed. */
function verifySignature(area, signature, data) {
  const known = HASHES[signature.hash];
  const key = publicKey(area);
  if (area.scheme && (area.scheme.alg !== signature.alg || area.scheme.hash !== signature.hash)) return false;
  if (key.kind === 'unknown') throw new NotComputed('key');
  if (signature.rest) throw new NotComputed(`scheme ${signature.alg}`);
  if ((key.kind === 'rsa') !== (signature.rsa !== undefined)) return false;
  if (!known) throw new NotComputed('hash');
  if (signature.alg === ALG.rsassa) return keys.verify(key, { type: 'pkcs1', hash: known[0] }, data, signature.rsa);
  if (signature.alg === ALG.rsapss) return keys.verify(key, { type: 'pss', hash: known[0] }, data, signature.rsa);
  if (signature.alg !== ALG.ecdsa) throw new NotComputed(`scheme ${signature.alg}`);
  const size = Math.ceil(key.bits / 8);
  const [r, s] = [signature.r, signature.s].map((v) => keys.bytesOf(keys.big(v), size));
  if (r.length > size || s.length > size) return false;
  return keys.verify(key, { type: 'ecdsa', hash: known[0], raw: true }, data, Buffer.concat([r, s]));
}

/** TPMS_CREATION_DATA. */
function decodeCreationData(data) {
  return readAll(data, (reader) => ({
    raw: data, selections: selections(reader), digest: reader.sized(), locality: reader.number(1), parentNameAlg: reader.number(2),
    parentName: reader.sized(), parentQualifiedName: reader.sized(), outsideInfo: reader.sized(),
  }));
}

/** TPMT_TK_CREATION. */
function decodeCreationTicket(data) {
  return readAll(data, (reader) => {
    if (reader.number(2) !== TAG_CREATION) throw new TpmError('no creation ticket');
    return { hierarchy: reader.number(4), digest: reader.sized() };
  });
}

module.exports = {
  TpmError, NotComputed, Reader, readAll, HASHES, ALG, TYPES, HIERARCHIES, hash, decodePublic, publicKey, has, nameOf, qualifiedName,
  decodeAttest, decodeSignature, verifySignature, decodeCreationData, decodeCreationTicket, alg16,
};
