// SPDX-License-Identifier: Apache-2.0
// How an OpenPGP certificate, and a key that signed, stood at a time: what is in force and the rules, each with the check that fails.
// Section 8.7 of the specification, "Whose word" to "The signer".
'use strict';

const pgp = require('./openpgp');
const keys = require('./keys');
const ended = require('./ended');

const { SUB, HASHES } = pgp;
const STRENGTH = { sha224: 224, sha256: 256, sha384: 384, sha512: 512, 'sha3-256': 256, 'sha3-512': 512 };
const SIGN = 0x02;
const SOFT = [1, 3];
const CERTIFICATION = [0x10, 0x11, 0x12, 0x13];
const CHECKS = ['time', 'binding', 'subkey', 'flags', 'expiry', 'revocation', 'algorithms', 'critical', 'policy'];

function understood(subpacket) {
  const { type } = subpacket;
  return (type >= 2 && type <= 7) || [9, 11, 12, 16, 39].includes(type) || (type >= 21 && type <= 35);
}

function criticalHolds(signature) {
  return signature.hashed.every((s) => !s.critical || (understood(s) && s.type !== SUB.notation));
}

function digestStrong(signature, key) {
  const size = STRENGTH[HASHES[signature.hash]] ?? 0;
  const least = key.key.kind === 'ed25519' ? 256 : key.key.kind === 'ed448' ? 512 : 224;
  return size >= least;
}

function expired(signature, time) {
  return signature.expires !== 0 && signature.created + signature.expires <= time;
}

function sound(signature, key, time) {
  return digestStrong(signature, key) && !expired(signature, time) && criticalHolds(signature);
}

/** The newest of `signatures` made from `since` to `time`; of two in one second the later packet. */
function newest(signatures, since, time) {
  let out = null;
  for (const s of signatures) {
    if (s.created === null || s.created < since || s.created > time) continue;
    if (out === null || s.created >= out.created) out = s;
  }
  return out;
}

/** Sorts a certificate's signatures by what they are and whether the primary key made them. */
class Holder {
  constructor(certificate) {
    this.certificate = certificate;
    this.primary = certificate.primary;
    this.cache = new Map();
    const parts = [certificate.primary, ...certificate.userIds, ...certificate.attributes, ...certificate.subkeys];
    this.everywhere = parts.flatMap((p) => p.signatures);
    this.unread = parts.flatMap((p) => p.unread);
  }

  /** Signatures of `types` over `object` among `signatures` that are good by the primary key; `doubt` if one cannot be computed. */
  own(signatures, types, object) {
    const out = { good: [], doubt: false };
    for (const s of signatures) {
      if (!types.includes(s.type) || !pgp.mayBeBy(s, this.primary)) continue;
      const result = this.result(s, object);
      if (result === 'good') out.good.push(s);
      if (result === 'unknown') out.doubt = true;
    }
    return out;
  }

  result(signature, object) {
    const id = `${object.length} ${object.toString('latin1')}`;
    let known = this.cache.get(signature);
    if (!known) this.cache.set(signature, (known = new Map()));
    if (!known.has(id)) known.set(id, pgp.check(signature, this.primary, object));
    return known.get(id);
  }

  direct() {
    return this.own(this.everywhere, [0x1f], this.primary.object);
  }

  certifications(userId) {
    return this.own(userId.signatures, CERTIFICATION, Buffer.concat([this.primary.object, userId.object]));
  }

  withdrawals(userId) {
    return this.own(userId.signatures, [0x30], Buffer.concat([this.primary.object, userId.object]));
  }

  bindings(subkey) {
    return this.own(subkey.signatures, [0x18], Buffer.concat([this.primary.object, subkey.object]));
  }

  revocations(key) {
    if (key === this.primary) return this.own(this.everywhere, [0x20], this.primary.object);
    return this.own(this.everywhere, [0x28], Buffer.concat([this.primary.object, key.object]));
  }

  /** What of the primary key is in force at `time`: {statements, doubt}. */
  inForce(time) {
    const since = this.primary.created;
    const direct = this.direct();
    let doubt = direct.doubt;
    const candidates = [];
    for (const userId of this.certificate.userIds) {
      const found = this.certifications(userId);
      doubt = doubt || found.doubt;
      const certification = newest(found.good, since, time);
      if (!certification) continue;
      const withdrawn = this.withdrawals(userId).good.some((s) =>
        s.created !== null && s.created >= certification.created && s.created <= time);
      candidates.push({ userId, certification, withdrawn, sound: sound(certification, this.primary, time) });
    }
    candidates.sort((a, b) => b.sound - a.sound || a.withdrawn - b.withdrawn
      || b.certification.primary - a.certification.primary || b.certification.created - a.certification.created
      || Buffer.compare(a.userId.body, b.userId.body));
    let statements = [candidates[0]?.certification, newest(direct.good, since, time)].filter(Boolean);
    const good = statements.filter((s) => sound(s, this.primary, time));
    if (good.length) statements = good;
    return { statements, doubt };
  }

  hasRevoker() {
    const statements = [this.direct(), ...this.certificate.userIds.map((u) => this.certifications(u)),
      ...this.certificate.subkeys.map((k) => this.bindings(k))].flatMap((f) => f.good);
    return statements.some((s) => s.hasRevoker);
  }

  /** Revocations of type 0x20 and 0x28 that are not the primary key's. */
  foreignRevocations() {
    return this.everywhere.filter((s) => {
      if (s.type !== 0x20 && s.type !== 0x28) return false;
      const about = s.type === 0x20 ? [this.primary] : this.certificate.subkeys;
      return !about.some((k) => this.revocations(k).good.includes(s));
    });
  }

  /** Back-signatures in a binding: {newest, doubt}. */
  backSignature(binding, subkey, time) {
    const object = Buffer.concat([this.primary.object, subkey.object]);
    let doubt = false;
    const good = [];
    for (const area of [binding.hashed, binding.unhashed]) {
      for (const s of area.filter((x) => x.type === SUB.embedded)) {
        let embedded;
        try {
          embedded = pgp.decodeSignature(s.value);
        } catch (error) {
          if (!(error instanceof pgp.PgpError)) throw error;
          continue;
        }
        if (embedded.type !== 0x19) continue;
        const result = pgp.check(embedded, subkey, object);
        if (result === 'good') good.push(embedded);
        if (result === 'unknown') doubt = true;
      }
    }
    return { newest: newest(good, subkey.created, time), doubt };
  }
}

/**
 * How `certificate` stands at `time`: outcomes by check. `signed` is {key, signature, lapse} for a seal by one of its keys, else null;
 * `policy` says which algorithms end, `existed` by when the signature is known to have been there, or null. Adds `ended`, what that leaves
 * of the seal.
 */
function judge(certificate, time, signed, policy, existed = null) {
  const out = Object.fromEntries(CHECKS.map((c) => [c, 'skipped']));
  if (!certificate.primary.known) {
    for (const c of CHECKS) if (signed || (c !== 'subkey' && c !== 'flags')) out[c] = 'indeterminate';
    return { ...out, ended: null };
  }
  const holder = new Holder(certificate);
  const { primary } = certificate;
  const signer = signed ? signed.key : primary;
  const both = signer === primary ? [primary] : [primary, signer];
  out.time = both.some((k) => k.created > time) ? 'failed' : 'passed';

  const force = holder.inForce(time);
  let binding = null;
  let bindingDoubt = false;
  if (signer !== primary) {
    const found = holder.bindings(signer);
    binding = newest(found.good, signer.created, time);
    bindingDoubt = found.doubt;
  }
  const held = force.statements.length > 0 && (signer === primary || binding !== null);
  const mayBeHeld = (force.statements.length > 0 || force.doubt) && (signer === primary || binding !== null || bindingDoubt);
  if (out.time === 'passed') out.binding = held ? 'passed' : mayBeHeld ? 'indeterminate' : 'failed';

  const mine = signer === primary ? force.statements : binding ? [binding] : [];
  const all = [...force.statements, ...(binding ? [binding] : [])];
  if (out.binding === 'passed') {
    if (signed && signer !== primary) {
      const back = holder.backSignature(binding, signer, time);
      if (back.newest && sound(back.newest, signer, time)) out.subkey = 'passed';
      else out.subkey = !back.newest && back.doubt ? 'indeterminate' : 'failed';
    }
    if (signed) {
      const given = mine.filter((s) => s.flags !== null);
      out.flags = given.length && given.every((s) => (s.flags[0] ?? 0) & SIGN) ? 'passed' : 'failed';
    }
    const over = (key, statements) => statements.some((s) => s.keyExpires !== 0 && key.created + s.keyExpires <= time);
    const late = over(primary, force.statements) || (signer !== primary && over(signer, mine)) || all.some((s) => expired(s, time))
      || (signed && expired(signed.signature, signed.lapse));
    out.expiry = late ? 'failed' : 'passed';
  }

  out.revocation = judgeRevocation(holder, both, { primary: force.statements, signer: mine }, time);
  const weakKey = both.some((k) => k.key.kind === 'dsa' || (k.key.kind === 'rsa' && (k.key.bits < 2048 || keys.isRoca(k.key.n))));
  const weakDigest = all.some((s) => !digestStrong(s, primary)) || (signed && !digestStrong(signed.signature, signer));
  out.algorithms = weakKey || weakDigest ? 'failed' : 'passed';
  out.critical = all.concat(signed ? [signed.signature] : []).every(criticalHolds) ? 'passed' : 'failed';

  // No other implementation is asked. What the text says that others refuse is refused, their one known gap, the Brainpool curves, is a doubt.
  const others = CHECKS.filter((c) => c !== 'policy').map((c) => out[c]);
  if (!others.includes('failed')) {
    const gap = both.some((k) => (k.key.curve ?? '').startsWith('brainpool'));
    if (signed && isRefusedElsewhere(signed)) out.policy = 'failed';
    else out.policy = gap ? 'indeterminate' : 'passed';
  }
  if (!signed) return { ...out, ended: null };
  const hashes = [signed.signature, ...all].map((s) => HASHES[s.hash]);
  return { ...out, ended: ended.judge(policy, both.map((k) => k.key), hashes, signed.signature.created, existed) };
}

/** Whether another implementation refuses a signature that every other check takes: see openpgp.policy of checks.md. */
function isRefusedElsewhere({ signature, key }) {
  return !pgp.names(signature, key) || signature.created > Date.now() / 1000;
}

function judgeRevocation(holder, both, force, time) {
  let doubt = holder.unread.some((type) => type === 0x20 || type === 0x28);
  for (const key of both) {
    const found = holder.revocations(key);
    doubt = doubt || found.doubt;
    const statements = key === holder.primary ? force.primary : force.signer;
    const since = statements.length ? Math.max(...statements.map((s) => s.created)) : -Infinity;
    for (const s of found.good) {
      const hard = s.created === null || !SOFT.includes(s.reason);
      if (hard || (s.created <= time && s.created >= since)) return 'failed';
    }
  }
  if (holder.hasRevoker() && holder.foreignRevocations().length) doubt = true;
  return doubt ? 'indeterminate' : 'passed';
}

/**
 * The signer of `signature` over `object` among `candidates` ([{label, certificate}]): {label, certificate, key, judged}, or null; the
 * first for which every rule holds, else one in doubt ({uncomputed} where nobody computes with its key), else the first refused. `lapse` is
 * when the signature's own expiry is judged, `existed` by when it is known to have been there, or null: a certificate without a label is
 * covered by nothing.
 */
function findSigner(signature, object, candidates, time, { lapse, policy, existed }) {
  const found = pgp.computes(signature) ? [] : [{ uncomputed: true }];
  for (const { label, certificate } of candidates) {
    if (!certificate.primary.known) {
      found.push({ uncomputed: true });
      continue;
    }
    for (const key of [certificate.primary, ...certificate.subkeys]) {
      const result = pgp.check(signature, key, object);
      if (result === 'unknown') found.push({ uncomputed: true });
      if (result !== 'good') continue;
      const covered = label === null ? null : existed;
      found.push({ label, certificate, key, judged: judge(certificate, time, { key, signature, lapse }, policy, covered) });
    }
  }
  const rank = ({ judged, uncomputed }) => {
    if (uncomputed) return 2;
    const outcomes = CHECKS.map((c) => judged[c]);
    if (outcomes.includes('failed')) return 3;
    return outcomes.includes('indeterminate') ? 1 : 0;
  };
  found.sort((a, b) => rank(a) - rank(b));
  return found[0] ?? null;
}

module.exports = { Holder, judge, findSigner, newest, sound, CHECKS, CERTIFICATION };
