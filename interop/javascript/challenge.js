// SPDX-License-Identifier: Apache-2.0
// What a verifier kept of its own challenge: the file, and the proof for a pair. Section 10.10 of the specification.
'use strict';

const crypto = require('node:crypto');
const { scan, encode, Malformed } = require('./cbor');
const { HASHES } = require('./container');

const KINDS = { challenge: 'd9d9f7da45564331', answer: 'd9d9f7da45564131', kept: 'd9d9f7da45564b31' };

class ChallengeError extends Error {}

/** The value of a file of one kind, as plain objects of members; ChallengeError. */
function read(data, kind) {
  const magic = Buffer.from(KINDS[kind], 'hex');
  if (!data.subarray(0, 8).equals(magic)) throw new ChallengeError(`no ${kind}`);
  try {
    return plain(scan(data, 0, { start: magic.length }));
  } catch (error) {
    if (error instanceof Malformed) throw new ChallengeError(error.message);
    throw error;
  }
}

function plain(node) {
  if (node.kind === 'array') return node.value.map(plain);
  if (node.kind === 'map') return Object.fromEntries(node.value.map(([k, v]) => [k.value, plain(v)]));
  return node.value;
}

const sha256 = (data) => crypto.createHash('sha256').update(data).digest();

/** {manifest: [alg, value], pairs: [{ek, ak, blob, encrypted-secret, secret, proof}], hash, confirmed}; ChallengeError. */
function decodeKept(data) {
  const kept = read(data, 'kept');
  const challenge = read(kept.challenge, 'challenge');
  const hash = sha256(kept.challenge);
  const answer = kept.answer ? read(kept.answer, 'answer') : null;
  if (Boolean(kept.answer) !== (kept.confirmed !== undefined)) throw new ChallengeError('answer without confirmed');
  if (kept.secrets.length !== challenge.pairs.length) throw new ChallengeError('one secret for each pair');
  if (answer && answer.proofs.length !== challenge.pairs.length) throw new ChallengeError('one proof for each pair');
  const pairs = challenge.pairs.map((pair, i) => ({ ...pair, secret: kept.secrets[i], proof: answer ? answer.proofs[i] : null }));
  return { manifest: challenge.manifest, pairs, hash, answered: answer !== null, answerTo: answer?.challenge ?? null };
}

function proofOf(kept, pair) {
  const message = encode(['evidence-bundle/1 answer', kept.hash, pair.ek, pair.ak]);
  return crypto.createHmac('sha256', pair.secret.credential).update(message).digest();
}

/** Whether the challenge names the manifest with these bytes. */
function namesManifest(kept, raw) {
  const [alg, value] = kept.manifest;
  return Boolean(HASHES[alg]) && crypto.createHash(HASHES[alg][0]).update(raw).digest().equals(value);
}

module.exports = { decodeKept, proofOf, namesManifest, ChallengeError };
