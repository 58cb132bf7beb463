// SPDX-License-Identifier: Apache-2.0
// What all checks share: the bundle's items, artifacts decoded once, and the findings. Section 8 of the specification, "Findings".
'use strict';

const { createHash } = require('node:crypto');
const x509 = require('./x509');
const tpm = require('./tpm');
const openpgp = require('./openpgp');
const { COSE_TYPE } = require('./container');
const { decodeCose } = require('./cose');
const { attempt } = require('./reading');
const { Renewals } = require('./renewals');
const { readTimestamp, judgeTimestamp } = require('./seal-timestamp');
const { PRIVATE } = require('./roles');

class Judgement {
  constructor(bundle, policy, { previous = null, confirmed = null } = {}) {
    this.bundle = bundle;
    this.items = bundle.manifest.items;
    this.policy = policy;
    /** Each seal that is COSE, as far as it can be read. */
    this.messages = bundle.seals.map((seal) => (seal.type === COSE_TYPE ? attempt(() => decodeCose(seal.value)) : {}));
    const stamps = this.messages.map(({ value }) => readTimestamp(value));
    this.renewals = new Renewals(bundle, policy);
    this.timestamps = stamps.map((stamp, i) => judgeTimestamp(stamp, this.messages[i].value, i, this.renewals, policy));
    /** By when renewals show that the manifest, and every item that is here, existed; or null. */
    this.existed = this.renewals.manifestTime;
    this.asked = policy.at ?? Number(bundle.manifest.created);
    this.at = Math.min(this.asked, this.existed ?? Infinity);
    this.previous = previous;
    this.confirmed = confirmed;
    this.findings = [];
    this.cache = new Map();
  }

  /** By when the seal at `index` existed, as renewals or a timestamp of its own show; or null. */
  sealTime(index) {
    const times = [this.renewals.sealTime(index), this.timestamps[index].latest].filter((t) => (t ?? null) !== null);
    return times.length ? Math.min(...times) : null;
  }

  add(check, outcome, items = [], message = '') {
    this.findings.push({ check, outcome, items: [].concat(items), message });
  }

  withRole(...roles) {
    return [...this.items].filter(([, item]) => roles.includes(item.role)).map(([label]) => label).sort();
  }

  role(label) {
    return this.items.get(label).role;
  }

  bytes(label) {
    return this.bundle.content.get(label)?.value ?? null;
  }

  absent(label) {
    return !this.bundle.content.has(label);
  }

  /** The items that a reference names; `one` is the single one or null. */
  refs(label, name) {
    return this.items.get(label).refs[name] ?? [];
  }

  one(label, name, ...roles) {
    const named = this.refs(label, name);
    if (named.length !== 1) return null;
    return roles.length === 0 || roles.includes(this.role(named[0])) ? named[0] : null;
  }

  /** A finding for an artifact that is not here: indeterminate, or skipped where that is allowed. True where one was made. */
  missing(check, labels, about = labels) {
    const gone = [].concat(labels).filter((label) => label && this.absent(label));
    if (gone.length === 0) return false;
    const skip = this.policy.allow_withheld || gone.every((label) => PRIVATE.includes(this.role(label)));
    this.add(check, skip ? 'skipped' : 'indeterminate', about, `${gone.join(', ')} is not here`);
    return true;
  }

  /** `decode` of an artifact, once: {value} or {error: message}; other errors are the verifier's own. */
  read(label, kind, decode) {
    const id = `${kind} ${label}`;
    if (!this.cache.has(id)) this.cache.set(id, attempt(() => decode(this.bytes(label))));
    return this.cache.get(id);
  }

  certificate(label) {
    return this.read(label, 'x509', x509.decodeCertificate);
  }

  pgp(label) {
    return this.read(label, 'openpgp', openpgp.decodeCertificate);
  }

  /** The public area, with `key`, whose kind is `unknown` where it is not computed; `strange` where the area cannot even be read. */
  area(label) {
    return this.read(label, 'public', (data) => {
      const area = tpm.decodePublic(data);
      area.key = tpm.publicKey(area);
      return area;
    });
  }

  sha256(label) {
    return createHash('sha256').update(this.bytes(label)).digest('hex');
  }

  outcomes(check) {
    return this.findings.filter((f) => f.check === check).map((f) => f.outcome);
  }

  has(check, outcome) {
    return this.outcomes(check).includes(outcome);
  }
}

/** Adds a skipped finding for every check of `checks` that has none. */
function fill(j, checks) {
  for (const check of checks) if (j.outcomes(check).length === 0) j.add(check, 'skipped', [], 'nothing there');
}

module.exports = { Judgement, fill };
