// SPDX-License-Identifier: Apache-2.0
// Step 2, the seals, and what openpgp.* finds of each: seal.* and openpgp.* of checks.md. Sections 6, 8.7 and 10.3.
'use strict';

const { createHash } = require('node:crypto');
const { scan, encode, Malformed } = require('./cbor');
const { HASHES, hashOf } = require('./container');
const keys = require('./keys');
const tpm = require('./tpm');
const pgp = require('./openpgp');
const x509 = require('./x509');
const ended = require('./ended');
const judgePgp = require('./openpgp-judge');
const { attempt } = require('./reading');

const COSE_TYPE = 'application/cose; cose-type="cose-sign1"';
const PGP_TYPE = 'application/pgp-signature';
const SEAL = 'application/vnd.evidence-bundle.seal+cose';
const MANIFEST = 'application/vnd.evidence-bundle.manifest+cbor';
const H = { alg: 1, crit: 2, content: 3, kid: 4, claims: 15, typ: 16, x5t: 34, hash: 258, preimage: 259 };
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

/** A COSE_Sign1 that can be read: maps from label to node for both headers, and the byte strings as they stand. */
function decodeCose(value) {
  const wrong = (message) => {
    throw new pgp.PgpError(message);
  };
  let outer;
  let header;
  try {
    outer = scan(value, 0, { tags: [18] });
    if (outer.kind !== 'tag' || outer.value.kind !== 'array' || outer.value.value.length !== 4) wrong('no COSE_Sign1');
    const kinds = outer.value.value.map((n) => n.kind).join();
    if (kinds !== 'bytes,map,bytes,bytes' && kinds !== 'bytes,map,null,bytes') wrong('no COSE_Sign1');
    const raw = outer.value.value[0].value;
    header = raw.length === 0 ? { kind: 'map', value: [] } : scan(raw);
    if (header.kind !== 'map' || (raw.length && header.value.length === 0)) wrong('protected header');
  } catch (error) {
    if (error instanceof Malformed) wrong(error.message);
    throw error;
  }
  const [raw, open, payload, signature] = outer.value.value;
  const guarded = new Map(header.value.map(([k, v]) => [k.value, v]));
  const loose = new Map(open.value.map(([k, v]) => [k.value, v]));
  for (const label of loose.keys()) if (guarded.has(label)) wrong(`label ${label} twice`);
  return { raw: raw.value, guarded, loose, payload: payload.value, signature: signature.value };
}

function isX5t(node) {
  if (node.kind !== 'array' || node.value.length !== 2) return false;
  const [alg, value] = node.value;
  return alg.value === -16 && value.kind === 'bytes' && value.value.length === 32;
}

/** What `header` and payload say, and `fault`: why the seal is none over this manifest, signature and `alg` aside. */
function readHeader({ guarded, loose, payload }, manifestBytes) {
  const claims = guarded.get(H.claims);
  const claim = new Map(claims?.kind === 'map' ? claims.value.map(([k, v]) => [k.value, v]) : []);
  const time = claim.get(6);
  const out = { alg: guarded.get(H.alg)?.value ?? null, x5t: null, kid: null, hash: null };
  out.time = time?.kind === 'int' && time.value >= 0 ? time.value : null;
  const faults = [];
  for (const label of [H.crit, H.content, H.claims, H.typ, H.hash, H.preimage]) {
    if (loose.has(label)) faults.push(`label ${label} is not protected`);
  }
  if (guarded.has(H.content)) faults.push('label 3');
  const crit = guarded.get(H.crit);
  if (crit?.kind !== 'array' || crit.value.map((n) => n.value).join() !== '16,258') faults.push('crit');
  if (guarded.get(H.typ)?.value !== SEAL) faults.push('typ');
  if (guarded.get(H.preimage)?.value !== MANIFEST) faults.push('preimage content type');
  if (claim.get(1)?.kind !== 'text' || claim.get(2)?.kind !== 'text' || out.time === null) faults.push('CWT claims');
  const x5t = guarded.get(H.x5t);
  const kid = guarded.get(H.kid);
  if ((x5t === undefined) === (kid === undefined)) faults.push('not exactly one of x5t and kid');
  if (x5t) out.x5t = isX5t(x5t) ? x5t.value[1].value : Buffer.alloc(0);
  if (x5t && !isX5t(x5t)) faults.push('x5t');
  if (kid) out.kid = kid.kind === 'bytes' ? kid.value : Buffer.alloc(0);
  if (kid && (out.kid.length < 4 || out.kid.length > 66)) faults.push('kid');
  const hash = guarded.get(H.hash)?.kind === 'int' ? guarded.get(H.hash).value : null;
  if (!HASHES[hash]) faults.push('payload-hash-alg');
  else {
    [out.hash] = HASHES[hash];
    if (payload === null || !hashOf(hash, manifestBytes).equals(payload)) faults.push('payload');
  }
  return { ...out, fault: faults.join(', ') || null };
}

/** Form failed and the seal cannot be read: nothing else is looked at. */
function unreadable(j, name, why) {
  j.add('seal.form', 'failed', name, why);
  for (const check of ['signer', 'signature', 'validity']) j.add(`seal.${check}`, 'skipped', name, 'cannot be read');
  return { signer: null, outcome: 'skipped' };
}

function sealCose(j, seal, name, existed) {
  const read = attempt(() => decodeCose(seal.value));
  if (read.error) return unreadable(j, name, read.error);
  const cose = read.value;
  const header = readHeader(cose, j.bundle.manifest.raw);
  j.add('seal.form', header.fault ? 'failed' : 'passed', name, header.fault ?? '');
  let signer = { outcome: 'failed' };
  if (header.x5t) signer = certificateSigner(j, seal, header.x5t);
  else if (header.kid) signer = keySigner(j, header.kid);
  j.add('seal.signer', signer.outcome, name);
  if (signer.outcome !== 'passed') {
    const outcome = signer.outcome === 'indeterminate' ? 'indeterminate' : 'skipped';
    j.add('seal.signature', outcome, name, 'signer');
    j.add('seal.validity', header.time === null ? 'failed' : outcome, name, 'signer');
    return { signer: null, outcome };
  }
  const outcome = header.fault ? 'failed' : coseSignature(j, cose, header, signer, existed);
  j.add('seal.signature', outcome, name);
  const time = Math.min(header.time, existed ?? Infinity);
  if (header.time === null) j.add('seal.validity', 'failed', name, 'no time');
  else if (signer.certificate) {
    const { notBefore, notAfter } = signer.certificate;
    j.add('seal.validity', time >= notBefore && time <= notAfter ? 'passed' : 'failed', name);
  } else j.add('seal.validity', signer.area ? 'passed' : 'skipped', name);
  return { signer, outcome, existed };
}

function coseSignature(j, cose, header, signer, existed) {
  if (typeof header.alg !== 'number') return 'failed';
  const algorithm = ALGORITHMS[header.alg];
  if (!algorithm) return 'indeterminate';
  if (!signer.key || signer.key.kind === 'unknown') return 'indeterminate';
  if (!algorithm.fits(signer.key) || (algorithm.size && cose.signature.length !== algorithm.size)) return 'failed';
  const signed = encode(['Signature1', cose.raw, Buffer.alloc(0), cose.payload]);
  if (!keys.verify(signer.key, algorithm.scheme, signed, cose.signature)) return 'failed';
  return ended.judge(j.policy, [signer.key], [algorithm.scheme.hash, header.hash], header.time, existed) ?? 'passed';
}

function certificateSigner(j, seal, x5t) {
  const wanted = x5t.toString('hex');
  const labels = j.withRole('piv-certificate');
  const label = labels.find((l) => !j.absent(l) && j.sha256(l) === wanted);
  const own = seal.key && createHash('sha256').update(seal.key).digest('hex') === wanted;
  if (!label && !own) return { outcome: labels.some((l) => j.absent(l)) ? 'indeterminate' : 'failed' };
  const read = label ? j.certificate(label) : attempt(() => x509.decodeCertificate(seal.key));
  return { outcome: 'passed', label, kind: 'piv', identity: wanted, certificate: read.value, key: read.value?.key };
}

function keySigner(j, kid) {
  const labels = j.withRole('key-public');
  for (const label of labels) {
    if (j.absent(label)) continue;
    const { value } = j.area(label);
    const name = value && attempt(() => tpm.nameOf(value));
    if (name?.value && name.value.equals(kid)) return { outcome: 'passed', label, kind: 'tpm', area: value, key: value.key };
  }
  return { outcome: labels.some((l) => j.absent(l)) ? 'indeterminate' : 'failed' };
}

function sealPgp(j, seal, name, existed) {
  const read = attempt(() => pgp.decodeDetached(seal.value));
  const fault = read.error ?? (read.value.type !== 0 ? 'another type' : null);
  if (fault) return unreadable(j, name, fault);
  j.add('seal.form', 'passed', name);
  const signature = read.value;
  if (signature.created === null) {
    j.add('seal.validity', 'failed', name, 'no time');
    for (const check of ['signer', 'signature']) j.add(`seal.${check}`, 'skipped', name, 'no time');
    return { signer: null, outcome: 'skipped' };
  }
  const labels = j.withRole('openpgp-certificate');
  const candidates = labels.filter((l) => !j.absent(l) && j.pgp(l).value).map((l) => ({ label: l, certificate: j.pgp(l).value }));
  const own = seal.key && attempt(() => pgp.decodeCertificate(seal.key)).value;
  if (own) candidates.push({ label: null, certificate: own });
  const time = Math.min(signature.created, existed ?? Infinity);
  const found = judgePgp.findSigner(signature, j.bundle.manifest.raw, candidates, time,
    { lapse: Math.min(j.asked, existed ?? Infinity), policy: j.policy, existed });
  if (!found || found.uncomputed) {
    const outcome = found || labels.some((l) => j.absent(l)) ? 'indeterminate' : 'failed';
    j.add('seal.signer', outcome, name);
    const rest = outcome === 'failed' ? 'skipped' : outcome;
    j.add('seal.signature', rest, name, 'signer');
    j.add('seal.validity', rest, name, 'signer');
    return { signer: null, outcome: rest };
  }
  const { judged } = found;
  j.add('seal.signer', 'passed', name);
  j.add('seal.validity', 'passed', name);
  for (const check of judgePgp.CHECKS) j.add(`openpgp.${check}`, judged[check], name);
  const outcomes = judgePgp.CHECKS.map((c) => judged[c]);
  let outcome = judged.ended ?? 'passed';
  if (outcomes.includes('failed')) outcome = 'skipped';
  else if (outcomes.includes('indeterminate')) outcome = 'indeterminate';
  j.add('seal.signature', outcome, name);
  const identity = found.certificate.primary.fingerprint.toString('hex');
  return { signer: { label: found.label, kind: 'openpgp', identity, pgp: found, key: found.key.key }, outcome, existed };
}

function checkSeals(j) {
  const { manifest, seals } = j.bundle;
  j.seals = seals.map((seal, i) => {
    const name = `seal ${i + 1}`;
    const existed = j.renewals.sealTime(i);
    if (seal.type === COSE_TYPE) return sealCose(j, seal, name, existed);
    if (seal.type === PGP_TYPE) return sealPgp(j, seal, name, existed);
    for (const check of ['form', 'signer', 'signature', 'validity']) j.add(`seal.${check}`, 'skipped', name, 'unknown type');
    return { signer: null, outcome: 'skipped' };
  });
  for (const check of ['form', 'signer', 'signature', 'validity']) if (seals.length === 0) j.add(`seal.${check}`, 'skipped');

  const sealed = j.seals.filter((s) => s.outcome === 'passed');
  const undecided = j.seals.filter((s) => s.outcome === 'indeterminate');
  for (const { item } of manifest.signers) {
    let outcome = 'failed';
    if (sealed.some((s) => s.signer.label === item)) outcome = 'passed';
    else if (undecided.some((s) => (s.signer ? s.signer.label === item : j.absent(item)))) outcome = 'indeterminate';
    j.add('seal.required', outcome, item);
  }

  const { policy } = j;
  const identities = new Set(sealed.filter((s) => s.signer.identity).map((s) => `${s.signer.kind} ${s.signer.identity}`));
  const wanted = [...policy.pins_openpgp.map((p) => `openpgp ${p}`), ...policy.pins_piv.map((p) => `piv ${p}`)];
  const known = [...policy.known_openpgp.map((p) => `openpgp ${p}`), ...policy.known_piv.map((p) => `piv ${p}`)]
    .filter((p) => identities.has(p));
  for (const pin of wanted) {
    j.add('seal.anchor', identities.has(pin) ? 'passed' : undecided.length ? 'indeterminate' : 'failed', [], pin);
  }
  for (const pin of known.filter((p) => !wanted.includes(p))) j.add('seal.anchor', 'passed', [], pin);
  if (wanted.length + known.length === 0) j.add('seal.anchor', 'indeterminate', [], 'nothing is pinned');
  j.pinned = new Set([...wanted.filter((p) => identities.has(p)), ...known]);
}

/** Step 3, the OpenPGP certificates themselves, at `at`. */
function checkOpenpgp(j) {
  const labels = j.withRole('openpgp-certificate');
  const checks = ['form', ...judgePgp.CHECKS];
  for (const label of labels) {
    const mine = checks.filter((c) => c !== 'subkey' && c !== 'flags');
    if (j.absent(label)) {
      for (const check of mine) j.missing(`openpgp.${check}`, label);
      continue;
    }
    const { value, error } = j.pgp(label);
    if (error) {
      for (const check of mine) j.add(`openpgp.${check}`, check === 'form' ? 'failed' : 'skipped', label, error);
      continue;
    }
    j.add('openpgp.form', value.primary.known ? 'passed' : 'indeterminate', label);
    const judged = judgePgp.judge(value, j.at, null, j.policy);
    for (const check of mine.slice(1)) j.add(`openpgp.${check}`, judged[check], label);
  }
  for (const check of checks) if (j.outcomes(`openpgp.${check}`).length === 0) j.add(`openpgp.${check}`, 'skipped');
}

module.exports = { checkSeals, checkOpenpgp };
