// SPDX-License-Identifier: Apache-2.0
// COSE_Sign1: what one says, whether a key signed it, and what the header of a seal must be. Sections 6.1 and 10.3 of the specification.
'use strict';

const { scan, encode, encodeHead } = require('./cbor');
const { HASHES, hashOf } = require('./container');
const keys = require('./keys');
const tpm = require('./tpm');

const SEAL = 'application/vnd.evidence-bundle.seal+cose';
const MANIFEST = 'application/vnd.evidence-bundle.manifest+cbor';
const TAG = 18;
const LABEL = { alg: 1, crit: 2, content: 3, kid: 4, claims: 15, typ: 16, x5t: 34, hash: 258, preimage: 259 };
const ECDSA = (curve, hash, size) => ({
  scheme: { type: 'ecdsa', hash, raw: true }, fits: (k) => k.kind === 'ec' && k.curve === curve, size,
});
const EDDSA = { scheme: { type: 'eddsa' }, fits: (k) => k.kind === 'ed25519', size: 64 };
const RSA = (type, salt) => ({
  scheme: { type, hash: 'sha256', salt }, fits: (k) => k.kind === 'rsa' && k.bits >= 2048 && k.bits <= 16384,
});
const ALGORITHMS = {
  '-9': ECDSA('prime256v1', 'sha256', 64), '-51': ECDSA('secp384r1', 'sha384', 96), '-52': ECDSA('secp521r1', 'sha512', 132),
  '-19': EDDSA, '-37': RSA('pss', 32), '-257': RSA('pkcs1'),
  '-49': { scheme: { type: 'ml-dsa' }, fits: (k) => k.name === 'ML-DSA-65' },
  '-7': ECDSA('prime256v1', 'sha256', 64), '-35': ECDSA('secp384r1', 'sha384', 96), '-36': ECDSA('secp521r1', 'sha512', 132), '-8': EDDSA,
};

class CoseError extends Error {}

function refuse(why) {
  throw new CoseError(why);
}

/** A COSE_Sign1: maps from label to node for both headers, and the byte strings as they stand. CoseError or Malformed where it is none. */
function decodeCose(value) {
  const outer = scan(value, 0, { tags: [TAG] });
  if (outer.kind !== 'tag' || outer.value.kind !== 'array') refuse('no COSE_Sign1');
  const kinds = outer.value.value.map((n) => n.kind).join();
  if (kinds !== 'bytes,map,bytes,bytes' && kinds !== 'bytes,map,null,bytes') refuse('no COSE_Sign1');
  const [raw, open, payload, signature] = outer.value.value;
  const header = raw.value.length === 0 ? { kind: 'map', value: [] } : scan(raw.value);
  if (header.kind !== 'map' || (raw.value.length && header.value.length === 0)) refuse('protected header');
  const guarded = new Map(header.value.map(([k, v]) => [k.value, v]));
  const loose = new Map(open.value.map(([k, v]) => [k.value, v]));
  for (const label of loose.keys()) if (guarded.has(label)) refuse(`label ${label} twice`);
  const alg = guarded.get(LABEL.alg)?.value ?? null;
  return { raw: raw.value, alg, guarded, loose, payload: payload.value, signature: signature.value };
}

/** The same message with nothing in its unprotected header, as it is registered. */
function bare({ raw, payload, signature }) {
  return Buffer.concat([encodeHead(6, TAG), encode([raw, new Map(), payload, signature])]);
}

/** The hash of what is signed by an algorithm, or null where it takes none. */
function hashOfAlgorithm(alg) {
  return ALGORITHMS[alg]?.scheme.hash ?? null;
}

/** The hashes that tie a signature to the manifest and to its signer: of the payload, of what is signed, of x5t or kid. */
function hashesOf({ alg, guarded }) {
  const kid = guarded.get(LABEL.kid);
  const nameHash = kid?.kind === 'bytes' && kid.value.length > 2 ? tpm.HASHES[kid.value.readUInt16BE(0)]?.[0] : null;
  return [HASHES[guarded.get(LABEL.hash)?.value]?.[0], hashOfAlgorithm(alg), guarded.has(LABEL.x5t) ? 'sha256' : nameHash];
}

/** Whether `key` signed `payload` under these headers: passed, failed, or indeterminate where one of the two is not computed here. */
function verifyCose({ raw, alg, signature }, payload, key) {
  if (typeof alg !== 'number' && typeof alg !== 'bigint') return 'failed';
  const algorithm = ALGORITHMS[alg];
  if (!algorithm || !key || key.kind === 'unknown') return 'indeterminate';
  if (!algorithm.fits(key) || (algorithm.size && signature.length !== algorithm.size)) return 'failed';
  const signed = encode(['Signature1', raw, Buffer.alloc(0), payload]);
  return keys.verify(key, algorithm.scheme, signed, signature) ? 'passed' : 'failed';
}

function isX5t(node) {
  if (node.kind !== 'array' || node.value.length !== 2) return false;
  const [alg, value] = node.value;
  return alg.value === -16 && value.kind === 'bytes' && value.value.length === 32;
}

/** What `header` and payload say, and `fault`: why the seal is none over this manifest, signature and `alg` aside. */
function readHeader({ alg, guarded, loose, payload }, manifestBytes) {
  const claims = guarded.get(LABEL.claims);
  const claim = new Map(claims?.kind === 'map' ? claims.value.map(([k, v]) => [k.value, v]) : []);
  const time = claim.get(6);
  const out = { alg, x5t: null, kid: null, hash: null };
  out.time = time?.kind === 'int' && time.value >= 0 ? Number(time.value) : null;
  const faults = [];
  for (const label of [LABEL.crit, LABEL.content, LABEL.claims, LABEL.typ, LABEL.hash, LABEL.preimage]) {
    if (loose.has(label)) faults.push(`label ${label} is not protected`);
  }
  if (guarded.has(LABEL.content)) faults.push('label 3');
  const crit = guarded.get(LABEL.crit);
  if (crit?.kind !== 'array' || crit.value.map((n) => n.value).join() !== '16,258') faults.push('crit');
  if (guarded.get(LABEL.typ)?.value !== SEAL) faults.push('typ');
  if (guarded.get(LABEL.preimage)?.value !== MANIFEST) faults.push('preimage content type');
  if (claim.get(1)?.kind !== 'text' || claim.get(2)?.kind !== 'text' || out.time === null) faults.push('CWT claims');
  const x5t = guarded.get(LABEL.x5t);
  const kid = guarded.get(LABEL.kid);
  if ((x5t === undefined) === (kid === undefined)) faults.push('not exactly one of x5t and kid');
  if (x5t) out.x5t = isX5t(x5t) ? x5t.value[1].value : Buffer.alloc(0);
  if (x5t && !isX5t(x5t)) faults.push('x5t');
  if (kid) out.kid = kid.kind === 'bytes' ? kid.value : Buffer.alloc(0);
  if (kid && (out.kid.length < 4 || out.kid.length > 66)) faults.push('kid');
  const hash = guarded.get(LABEL.hash)?.kind === 'int' ? guarded.get(LABEL.hash).value : null;
  if (!HASHES[hash]) faults.push('payload-hash-alg');
  else {
    [out.hash] = HASHES[hash];
    if (payload === null || !hashOf(hash, manifestBytes).equals(payload)) faults.push('payload');
  }
  return { ...out, fault: faults.join(', ') || null };
}

module.exports = { CoseError, LABEL, decodeCose, readHeader, verifyCose, hashOfAlgorithm, hashesOf, bare };
