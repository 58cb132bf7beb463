// SPDX-License-Identifier: Apache-2.0
// An OpenTimestamps proof and headers of blocks of Bitcoin: what the one leads to and what the others say. Facts only.
// Section 7 of the specification, "Blocks".
'use strict';

const { createHash } = require('node:crypto');
const { scan, member } = require('./cbor');

const MAGIC = Buffer.from('\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94', 'latin1');
const VERSION = 1n;
const SHA256 = 0x08;
const APPEND = 0xf0;
const PREPEND = 0xf1;
const FORK = 0xff;
const ATTESTATION = 0x00;
const NOT_COMPUTED = [0x02, 0x03, 0x67, 0xf2, 0xf3];
const BITCOIN = '0588960d73d71901';
const KIND_SIZE = 8;
const DIGEST_SIZE = 32;
const HEADER_SIZE = 80;
const MAX_PROOF = 65536;
const MAX_STEPS = 4096;
const MAX_MESSAGE = 4096;
const MAX_PAYLOAD = 8192;
const MAX_NUMBER = 9; // bytes

class ProofError extends Error {}

function refuse(why) {
  throw new ProofError(why);
}

function sha256(data) {
  return createHash('sha256').update(data).digest();
}

class Reader {
  constructor(data) {
    this.data = data;
    this.position = 0;
  }

  take(size) {
    if (size > this.data.length - this.position) refuse('cut short');
    this.position += size;
    return this.data.subarray(this.position - size, this.position);
  }

  byte() {
    return this.take(1)[0];
  }

  /** Seven bits in each byte, the least first, in the shortest form. */
  number() {
    let value = 0n;
    for (let place = 0; place < MAX_NUMBER; place++) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << BigInt(7 * place);
      if (byte < 128) {
        if (byte === 0 && place > 0) refuse('number not shortest');
        return value;
      }
    }
    return refuse('number too long');
  }

  octets(least, most) {
    const size = this.number();
    if (size < least || size > most) refuse('length');
    return this.take(Number(size));
  }

  end() {
    if (this.position !== this.data.length) refuse('bytes left over');
  }
}

function decodeAttestation(reader, message) {
  const kind = reader.take(KIND_SIZE).toString('hex');
  const payload = new Reader(reader.octets(0, MAX_PAYLOAD));
  if (kind !== BITCOIN) return [];
  const height = payload.number();
  payload.end();
  return [{ height, message }];
}

/** What comes of an operation on a message; null of one that is not computed, and of any on that. */
function apply(operation, reader, message) {
  if (operation === APPEND || operation === PREPEND) {
    const bytes = reader.octets(1, MAX_MESSAGE);
    if (message === null) return null;
    const out = Buffer.concat(operation === APPEND ? [message, bytes] : [bytes, message]);
    if (out.length > MAX_MESSAGE) refuse('message too long');
    return out;
  }
  if (operation === SHA256) return message && sha256(message);
  if (!NOT_COMPUTED.includes(operation)) refuse('unknown operation');
  return null;
}

/** {digest, ends}: what the proof is over, and the height and message of each line that ends in a block of Bitcoin. */
function decodeProof(raw) {
  if (raw.length > MAX_PROOF) refuse('too long');
  const reader = new Reader(raw);
  if (!reader.take(MAGIC.length).equals(MAGIC)) refuse('no OpenTimestamps proof');
  if (reader.number() !== VERSION) refuse('version');
  if (reader.byte() !== SHA256) refuse('not over SHA-256');
  const digest = reader.take(DIGEST_SIZE);
  const forks = [];
  const ends = [];
  let message = digest;
  let forking = false;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const step = reader.byte();
    if (step === FORK && forking) refuse('a fork of nothing');
    forking = step === FORK;
    if (forking) forks.push(message);
    else if (step !== ATTESTATION) message = apply(step, reader, message);
    else {
      ends.push(...decodeAttestation(reader, message));
      if (forks.length === 0) {
        reader.end();
        return { digest, ends };
      }
      message = forks.pop();
    }
  }
  return refuse('too many steps');
}

/** The number up to which the hash of a header may go, by its bits; null where they are none. */
function target(bits) {
  if (bits & 0x800000) return null;
  const size = BigInt(bits >>> 24);
  const digits = BigInt(bits & 0x7fffff);
  const number = size >= 3n ? digits << (8n * (size - 3n)) : digits >> (8n * (3n - size));
  return number < 1n << 256n ? number : null;
}

function decodeHeader(raw) {
  if (raw.length !== HEADER_SIZE) refuse('header');
  const hash = sha256(sha256(raw)).reverse().toString('hex');
  const most = target(raw.readUInt32LE(72));
  const worked = most !== null && BigInt(`0x${hash}`) <= most;
  return { root: raw.subarray(36, 68), time: raw.readUInt32LE(68), hash, worked };
}

/** The proof of a renewal by blocks: {digest, ends, headers by height}; ProofError or Malformed where it is none. */
function decodeBlocks(raw) {
  const node = scan(raw);
  if (node.kind !== 'map' || node.value.map(([key]) => key.value).sort().join() !== 'headers,ots') refuse('members');
  const ots = member(node, 'ots');
  const headers = member(node, 'headers');
  if (ots.kind !== 'bytes' || headers.kind !== 'map') refuse('members');
  const read = headers.value.map(([height, header]) => {
    if (height.kind !== 'int' || height.value < 0 || header.kind !== 'bytes') refuse('header');
    return [BigInt(height.value), decodeHeader(header.value)];
  });
  return { ...decodeProof(ots.value), headers: new Map(read) };
}

module.exports = { ProofError, decodeBlocks };
