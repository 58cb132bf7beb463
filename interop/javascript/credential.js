// SPDX-License-Identifier: Apache-2.0
// Credential activation: the record, and the challenge computed again from its randomness.
// Section 10.7 of the specification; TPM 2.0 Library Part 1, "Credential Protection" and "Secret Sharing".
'use strict';

const crypto = require('node:crypto');
const { scan, Malformed } = require('./cbor');
const keys = require('./keys');
const tpm = require('./tpm');

const SIZES = { blob: [4, 132], 'encrypted-secret': [1, 512], credential: [1, 64], seed: [1, 64], ephemeral: [1, 66] };

/** A map of section 10.7 as {member: Buffer}; TpmError. */
function decodeRecord(data) {
  let node;
  try {
    node = scan(data);
  } catch (error) {
    if (error instanceof Malformed) throw new tpm.TpmError(error.message);
    throw error;
  }
  if (node.kind !== 'map') throw new tpm.TpmError('no map');
  const out = {};
  for (const [key, value] of node.value) {
    const size = SIZES[key.value];
    if (key.kind !== 'text' || !size) throw new tpm.TpmError('a member that has no place');
    if (value.kind !== 'bytes' || value.value.length < size[0] || value.value.length > size[1]) throw new tpm.TpmError(key.value);
    out[key.value] = value.value;
  }
  for (const name of ['blob', 'encrypted-secret', 'credential']) if (!out[name]) throw new tpm.TpmError(`${name} is missing`);
  if (out.ephemeral && !out.seed) throw new tpm.TpmError('ephemeral without seed');
  splitBlob(out.blob);
  return out;
}

function splitBlob(blob) {
  return tpm.readAll(blob, (reader) => {
    const integrity = reader.sized();
    const identity = reader.take(blob.length - reader.position);
    if (integrity.length > 64 || identity.length < 2 || identity.length > 66) throw new tpm.TpmError('sizes in the blob');
    return { integrity, identity };
  });
}

function u32(n) {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(n);
  return out;
}

function hashOf(alg) {
  const known = tpm.HASHES[alg];
  if (!known) throw new tpm.NotComputed('hash');
  return known;
}

function kdfA(alg, key, label, context, bits) {
  const [hash] = hashOf(alg);
  const parts = [];
  for (let i = 1, have = 0; have < bits / 8; i++) {
    const block = crypto.createHmac(hash, key).update(u32(i)).update(`${label}\0`).update(context).update(u32(bits)).digest();
    parts.push(block);
    have += block.length;
  }
  return Buffer.concat(parts).subarray(0, bits / 8);
}

function kdfE(alg, z, label, partyU, partyV, bits) {
  const [hash] = hashOf(alg);
  const parts = [];
  for (let i = 1, have = 0; have < bits / 8; i++) {
    const block = crypto.createHash(hash).update(u32(i)).update(z).update(`${label}\0`).update(partyU).update(partyV).digest();
    parts.push(block);
    have += block.length;
  }
  return Buffer.concat(parts).subarray(0, bits / 8);
}

/** The blob that `seed` and `credential` give for the object of `name` under the EK. NotComputed. */
function makeBlob(ek, name, seed, credential) {
  const [hash, size] = hashOf(ek.nameAlg);
  const { symmetric } = ek;
  if (!symmetric || symmetric.alg !== 0x06 || symmetric.mode !== 0x43 || ![128, 192, 256].includes(symmetric.bits)) throw new tpm.NotComputed('symmetric algorithm');
  const key = kdfA(ek.nameAlg, seed, 'STORAGE', name, symmetric.bits);
  const cipher = crypto.createCipheriv(`aes-${symmetric.bits}-cfb`, key, Buffer.alloc(16));
  const identity = Buffer.concat([cipher.update(Buffer.concat([tpm.alg16(credential.length), credential])), cipher.final()]);
  const integrityKey = kdfA(ek.nameAlg, seed, 'INTEGRITY', Buffer.alloc(0), size * 8);
  const integrity = crypto.createHmac(hash, integrityKey).update(identity).update(name).digest();
  return Buffer.concat([tpm.alg16(integrity.length), integrity, identity]);
}

function mgf1(hash, seed, size) {
  const parts = [];
  for (let i = 0, have = 0; have < size; i++) {
    const block = crypto.createHash(hash).update(seed).update(u32(i)).digest();
    parts.push(block);
    have += block.length;
  }
  return Buffer.concat(parts).subarray(0, size);
}

const xor = (a, b) => Buffer.from(a.map((x, i) => x ^ b[i]));

function rsaSecret(ek, key, seed, oaepSeed) {
  const scheme = ek.scheme && ek.scheme.alg === tpm.ALG.oaep ? ek.scheme.hash : ek.nameAlg;
  const [hash, size] = hashOf(scheme);
  const width = key.bits / 8;
  if (oaepSeed.length !== size) return null;
  const label = crypto.createHash(hash).update('IDENTITY\0').digest();
  const padding = Buffer.alloc(width - 2 * size - 2 - seed.length);
  const block = Buffer.concat([label, padding, Buffer.from([1]), seed]);
  const masked = xor(block, mgf1(hash, oaepSeed, block.length));
  const maskedSeed = xor(oaepSeed, mgf1(hash, masked, size));
  return crypto.publicEncrypt(
    { key: crypto.createPublicKey({ key: key.spki, format: 'der', type: 'spki' }), padding: crypto.constants.RSA_NO_PADDING },
    Buffer.concat([Buffer.from([0]), maskedSeed, masked]),
  );
}

/** {secret, seed} that an ephemeral scalar gives for an ECC EK, or null where it is no scalar. */
function eccSecret(ek, key, ephemeral) {
  const size = Math.ceil(key.bits / 8);
  const [, hashSize] = hashOf(ek.nameAlg);
  const scalar = keys.bytesOf(keys.big(ephemeral), size);
  const ecdh = crypto.createECDH(key.curve);
  let z;
  let own;
  try {
    ecdh.setPrivateKey(scalar);
    own = ecdh.getPublicKey();
    z = ecdh.computeSecret(key.point);
  } catch {
    return null;
  }
  const [x, y] = [own.subarray(1, 1 + size), own.subarray(1 + size)];
  const seed = kdfE(ek.nameAlg, z, 'IDENTITY', x, key.point.subarray(1, 1 + size), hashSize * 8);
  const point = Buffer.concat([tpm.alg16(size), x, tpm.alg16(size), y]);
  return { secret: point, seed };
}

/** Whether the blob is the one for the Name of `ak`: true, false; NotComputed. */
function blobHolds(record, ek, ak) {
  const [, size] = hashOf(ek.nameAlg);
  if (record.seed.length !== size || record.credential.length > size) return false;
  return makeBlob(ek, tpm.nameOf(ak), record.seed, record.credential).equals(record.blob);
}

function normalPoint(secret) {
  try {
    return tpm.readAll(secret, (r) => [keys.big(r.sized()), keys.big(r.sized())].join());
  } catch {
    return null;
  }
}

/** Whether the encrypted secret is the one for the EK: true, false; NotComputed. */
function secretHolds(record, ek) {
  const { key } = ek;
  if (key.kind === 'rsa') {
    const made = rsaSecret(ek, key, record.seed, record.ephemeral);
    return made !== null && made.equals(record['encrypted-secret']);
  }
  if (key.kind !== 'ec') throw new tpm.NotComputed('key');
  const made = eccSecret(ek, key, record.ephemeral);
  const given = normalPoint(record['encrypted-secret']);
  return made !== null && made.seed.equals(record.seed) && given !== null && given === normalPoint(made.secret);
}

module.exports = { decodeRecord, blobHolds, secretHolds };
