// SPDX-License-Identifier: Apache-2.0
// Receipts of transparency logs in a COSE seal: whether a log that is known has registered the seal.
// Section 6.1 of the specification, "Receipts"; RFC 9942, RFC 9162 section 2.1.3.2.
'use strict';

const { createHash } = require('node:crypto');
const { scan, member, Malformed } = require('./cbor');
const { CoseError, LABEL, decodeCose, verifyCose, hashOfAlgorithm, bare } = require('./cose');
const ended = require('./ended');

const RECEIPTS = 394;
const TREE = 395;
const PROOFS = 396;
const RFC9162_SHA256 = 1;
const INCLUSION = -1;
const MAX_RECEIPTS = 16;
// what a log may write, and section 2 refuses
const OTHER_ENCODING = ['non-shortest', 'indefinite-length', 'key-order', 'float', 'bignum', 'simple-value', 'unlisted-tag'];
const UNDERSTOOD = [...Object.values(LABEL), TREE];

function refuse(why) {
  throw new CoseError(why);
}

function sha256(...parts) {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

function decodeProof(raw) {
  const node = scan(raw);
  if (node.kind !== 'array' || node.value.map((n) => n.kind).join() !== 'int,int,array') refuse('proof');
  const [size, index, path] = node.value;
  if (size.value < 0 || index.value < 0) refuse('proof');
  if (!path.value.every((n) => n.kind === 'bytes' && n.value.length === 32)) refuse('node');
  return { size: BigInt(size.value), index: BigInt(index.value), path: path.value.map((n) => n.value) };
}

/** {message, proof}, or {} for what shows nothing here; CoseError or Malformed where it cannot be read. */
function decodeReceipt(raw) {
  const message = decodeCose(raw);
  if (message.guarded.get(TREE)?.value !== RFC9162_SHA256) return {};
  const proofs = message.loose.get(PROOFS);
  if (proofs && proofs.kind !== 'map') refuse('proofs');
  const found = proofs && member(proofs, INCLUSION);
  if (!found) return {};
  if (found.kind !== 'array' || found.value.length !== 1 || found.value[0].kind !== 'bytes') refuse('not one proof');
  const proof = decodeProof(found.value[0].value);
  if (message.payload !== null) refuse('the payload is attached');
  return { message, proof };
}

/** The same, and {fault}; {} also for another encoding. */
function readReceipt(raw) {
  try {
    return decodeReceipt(raw);
  } catch (error) {
    if (error instanceof Malformed && OTHER_ENCODING.includes(error.code)) return {};
    if (error instanceof Malformed || error instanceof CoseError) return { fault: error.message };
    throw error;
  }
}

/** Whether something is critical that is not understood here, or says so in a wrong way (RFC 9052 section 3.1). */
function hasStrangeCrit({ guarded, loose }) {
  const crit = guarded.get(LABEL.crit);
  if (!crit) return loose.has(LABEL.crit);
  return crit.kind !== 'array' || crit.value.length === 0 || !crit.value.every((n) => UNDERSTOOD.includes(n.value) && guarded.has(n.value));
}

/** The root of the tree in which `entry` has this place, or null where no tree of that size has such a proof. */
function rootOf(entry, { size, index, path }) {
  if (index >= size) return null;
  let place = index;
  let last = size - 1n;
  let root = sha256(Buffer.from([0]), entry);
  for (const node of path) {
    if (last === 0n) return null;
    if (place % 2n === 1n || place === last) {
      root = sha256(Buffer.from([1]), node, root);
      while (place % 2n === 0n && place !== 0n) {
        place /= 2n;
        last /= 2n;
      }
    } else root = sha256(Buffer.from([1]), root, node);
    place /= 2n;
    last /= 2n;
  }
  return last === 0n ? root : null;
}

/** Whether a seal that can be read carries receipts, in whatever place. */
function carriesReceipts({ guarded, loose }) {
  return guarded.has(RECEIPTS) || loose.has(RECEIPTS);
}

/** What seal.receipt finds, {outcome, why}; `existed` is by when renewals show that the seal existed, or null. */
function judgeReceipts(seal, policy, existed) {
  if (!carriesReceipts(seal)) return { outcome: 'skipped', why: 'none' };
  const list = seal.loose.get(RECEIPTS);
  if (!list) return { outcome: 'failed', why: 'they are protected' };
  if (list.kind !== 'array' || list.value.length === 0 || !list.value.every((n) => n.kind === 'bytes')) {
    return { outcome: 'failed', why: 'no list of byte strings' };
  }
  if (list.value.length > MAX_RECEIPTS) return { outcome: 'indeterminate', why: 'too many' };
  const receipts = list.value.map((n) => readReceipt(n.value));
  const { fault } = receipts.find((r) => r.fault) ?? {};
  if (fault) return { outcome: 'failed', why: fault };
  const entry = bare(seal);
  const known = receipts.filter((r) => r.proof).map(({ message, proof }) => ({ message, root: rootOf(entry, proof) }));
  if (known.some((r) => r.root === null)) return { outcome: 'failed', why: 'a proof that no tree of that size has' };
  if (policy.anchors_log.length === 0) return { outcome: 'skipped', why: 'no log is known' };
  if (known.length === 0) return { outcome: 'skipped', why: 'they show something else' };
  const signed = known.filter((r) => !hasStrangeCrit(r.message)).flatMap(({ message, root }) =>
    policy.anchors_log.filter((key) => verifyCose(message, root, key) === 'passed').map((key) => ({ key, message })));
  const standing = signed.some(({ key, message: { alg } }) =>
    !ended.judge(policy, [key], [hashOfAlgorithm(alg), 'sha256'], null, existed));
  return standing ? { outcome: 'passed' } : { outcome: 'indeterminate', why: signed.length ? 'algorithm' : 'by no log that is known' };
}

module.exports = { judgeReceipts, carriesReceipts };
