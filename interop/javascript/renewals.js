// SPDX-License-Identifier: Apache-2.0
// The renewals of a bundle: what each covers, which of them hold, by when all that is in the file existed.
// Section 7 of the specification; the outcomes are those of renewal.* of checks.md before any other renewal is looked at.
'use strict';

const { scan, member } = require('./cbor');
const { HASHES, hashOf, isLabel } = require('./container');
const { DerError } = require('./der');
const { attempt } = require('./reading');
const { decodeCertificate } = require('./x509');
const { decodeToken, isOver } = require('./timestamp');
const { decodeCrl, decodeOcsp } = require('./revocation');
const { judgeWord, judgeKept } = require('./authority');

const TOKEN = 'application/vnd.evidence-bundle.timestamp-token';
const BLOCKS = 'application/vnd.evidence-bundle.opentimestamps+cbor';
const MAX_RENEWALS = 256;
const REQUIRED = ['alg', 'manifest', 'content', 'seals', 'renewals'];
const CARRIED = ['certificates', 'revocation'];

function refuse(why) {
  throw new DerError(why);
}

function closed(node, required, optional = []) {
  if (node?.kind !== 'map') refuse('no map');
  const names = node.value.map(([key]) => key.value);
  if (!required.every((n) => names.includes(n)) || !names.every((n) => [...required, ...optional].includes(n))) refuse('members');
}

function octets(node, size = null) {
  if (node.kind !== 'bytes' || (size !== null && node.value.length !== size)) refuse('no byte string of this length');
  return node.value;
}

function list(node) {
  if (node.kind !== 'array') refuse('no array');
  return node.value;
}

function decodeCoverage(raw) {
  const node = scan(raw);
  closed(node, REQUIRED, CARRIED);
  const { kind, value: alg } = member(node, 'alg');
  if (kind !== 'int' || !HASHES[alg]) refuse('algorithm');
  const digest = (each) => octets(each, HASHES[alg][1]);
  const content = member(node, 'content');
  if (content.kind !== 'map' || !content.value.every(([k]) => isLabel(k))) refuse('content');
  const out = { alg, manifest: digest(member(node, 'manifest')), content: new Map(content.value.map(([k, v]) => [k.value, digest(v)])) };
  for (const name of ['seals', 'renewals']) out[name] = list(member(node, name)).map(digest);
  for (const name of CARRIED) {
    const found = member(node, name);
    out[name] = found ? list(found).map((each) => octets(each)) : [];
    if (found && out[name].length === 0) refuse('empty list');
  }
  return out;
}

/** A renewal, its two parts not looked into: {covers, type, proof}; DerError or Malformed where it is none. */
function decodeRenewal(raw) {
  const node = scan(raw);
  closed(node, ['covers', 'proof']);
  const covers = octets(member(node, 'covers'));
  const proof = list(member(node, 'proof'));
  if (proof.length !== 2 || proof[0].kind !== 'text') refuse('proof');
  return { covers, type: proof[0].value, proof: octets(proof[1]) };
}

/** Whether `covered` are the digests of the first of `values`; all of them where `whole`. */
function begins(alg, covered, values, whole) {
  if (covered.length > values.length || (whole && covered.length < values.length)) return false;
  return covered.every((digest, i) => hashOf(alg, values[i]).equals(digest));
}

function coversOutcome(coverage, { manifest, content, seals, renewals }, index) {
  const { alg } = coverage;
  if (!hashOf(alg, manifest.raw).equals(coverage.manifest)) return 'failed';
  if (!begins(alg, coverage.seals, seals.map((s) => s.value), false)) return 'failed';
  if (!begins(alg, coverage.renewals, renewals.slice(0, index), true)) return 'failed';
  for (const [label, digest] of coverage.content) {
    if (!manifest.items.has(label)) return 'failed';
    if (content.has(label) && !hashOf(alg, content.get(label).value).equals(digest)) return 'failed';
  }
  return [...content.keys()].every((label) => coverage.content.has(label)) ? 'passed' : 'indeterminate';
}

function least(times) {
  return times.length ? Math.min(...times) : null;
}

class Renewals {
  constructor(bundle, policy) {
    this.bundle = bundle;
    this.policy = policy;
    this.all = bundle.renewals.map((raw, index) => this.read(raw, index));
    this.readable = this.all.filter((r) => r.token);
    this.carried = this.readable.flatMap(({ coverage, index }) => coverage.certificates.map((raw) => (
      { index, certificate: attempt(() => decodeCertificate(raw)).value }))).filter((c) => c.certificate);
    this.statements = this.readable.flatMap(({ coverage, index }) => coverage.revocation.map((raw) => (
      { index, statement: attempt(() => decodeCrl(raw)).value ?? attempt(() => decodeOcsp(raw)).value }))).filter((s) => s.statement);
    for (const renewal of this.readable) this.judgeToken(renewal);
    this.time = policy.at ?? policy.now ?? Math.max(...this.readable.map((r) => r.time));
    for (const renewal of this.readable) renewal.order = this.order(renewal);
    for (const renewal of [...this.readable].reverse()) this.judgeKept(renewal);
    this.holding = this.readable.filter((r) => r.holds);
  }

  read(raw, index) {
    const outer = attempt(() => decodeRenewal(raw));
    const out = { index, excess: index >= MAX_RENEWALS, isByBlocks: outer.value?.type === BLOCKS, ...outer.value };
    if (outer.error || out.excess || !(out.type === TOKEN || out.isByBlocks)) return { ...out, error: outer.error };
    const { value, error } = attempt(() => ({ coverage: decodeCoverage(out.covers), token: out.isByBlocks ? null : decodeToken(out.proof) }));
    if (error) return { ...out, error };
    out.covering = coversOutcome(value.coverage, this.bundle, index);
    if (out.isByBlocks) return { ...out, coverage: value.coverage };
    const { time, earliest, latest } = value.token.info;
    return { ...out, ...value, time, earliest, latest };
  }

  /** Those whose proof is by blocks, and which nothing here judges. */
  get byBlocks() {
    return this.all.filter((r) => r.isByBlocks);
  }

  /** Certificates that a token may lead through: its own, and those that any renewal carries. */
  certificatesFor(token) {
    return [...token.certificates, ...this.carried.map((c) => c.certificate)];
  }

  judgeToken(renewal) {
    const { coverage, covers, token } = renewal;
    renewal.imprint = HASHES[coverage.alg][0] === token.info.hash && isOver(token, covers) ? 'passed' : 'failed';
    Object.assign(renewal, judgeWord(token, this.certificatesFor(token), this.policy));
    renewal.sound = [renewal.covering, renewal.imprint, renewal.chained].every((o) => o === 'passed');
  }

  order(renewal) {
    const { latest } = renewal;
    const before = this.readable.filter(({ index, sound }) => index < renewal.index && sound);
    if (renewal.time > this.time) return 'skipped';
    return renewal.chained === 'passed' && before.some((r) => latest < r.earliest) ? 'failed' : 'passed';
  }

  /** Whether it could be believed until the next one that holds took over. Later ones are judged already. */
  judgeKept(renewal) {
    const behind = this.readable.filter((r) => r.index > renewal.index && r.holds);
    const takeover = least(behind.map((r) => r.latest));
    const at = Math.min(this.time, takeover ?? Infinity);
    const takenOver = (index) => least(behind.filter((r) => r.index >= index).map((r) => r.latest));
    renewal.kept = 'skipped';
    renewal.revocation = 'skipped';
    renewal.holds = false;
    if (!renewal.sound || renewal.order !== 'passed') return;
    const { token, index } = renewal;
    Object.assign(renewal, judgeKept(renewal, {
      certificates: this.certificatesFor(token),
      statements: this.statements.filter((s) => s.index >= index).map((s) => ({ ...s.statement, existed: takenOver(s.index) })),
      hashes: [token.info.hash], policy: this.policy, at, takeover, existedOf: (c) => takenOver(this.firstCarrier(c)),
    }));
  }

  /** By when the manifest, and all that is here, existed; null where nothing shows it. */
  get manifestTime() {
    return least(this.holding.map((r) => r.latest));
  }

  /** By when the seal at `index` existed, or null. */
  sealTime(index) {
    return least(this.holding.filter((r) => index < r.coverage.seals.length).map((r) => r.latest));
  }

  /** By when what the renewal at `index` carries existed, or null. */
  carriedTime(index) {
    return least(this.holding.filter((r) => r.index >= index).map((r) => r.latest));
  }

  /** The first renewal that carries a certificate, or Infinity. */
  firstCarrier(certificate) {
    return Math.min(...this.carried.filter((c) => c.certificate.sha256 === certificate.sha256).map((c) => c.index));
  }

  /** By when a certificate that is carried existed, or null. */
  certificateTime(certificate) {
    return this.carriedTime(this.firstCarrier(certificate));
  }
}

module.exports = { Renewals };
