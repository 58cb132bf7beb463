// SPDX-License-Identifier: Apache-2.0
// Revocation lists and OCSP responses: what they say of a certificate. Section 8.1 of the specification; RFC 5280 section 5, RFC 6960.
'use strict';

const { createHash } = require('node:crypto');
const der = require('./der');
const keys = require('./keys');
const x509 = require('./x509');
const { schemeFault } = require('./chain');
const ended = require('./ended');

const { DerError, DerReader, SEQUENCE, INTEGER, OID, OCTET_STRING, BIT_STRING } = der;
const { EXT, USAGE } = x509;
const MAX_ENTRIES = 200000;
const MAX_ANSWERS = 256;
const MAX_DELEGATES = 16;
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
// reasons that do not reach back: affiliationChanged, superseded, cessationOfOperation, certificateHold
const PLAIN_REASONS = [3, 4, 5, 6];
const NO_REASON = 0;

function reasonOf(found) {
  return Number(der.integer({ body: der.single(found.value, 0x0a).body }));
}

function isTime(tag) {
  return tag === 0x17 || tag === 0x18;
}

/** A CertificateList. */
function decodeCrl(raw) {
  const outer = new DerReader(der.single(raw, SEQUENCE).body);
  const tbs = outer.next(SEQUENCE);
  const algorithm = outer.next(SEQUENCE);
  const signature = der.octetsOfBits(outer.next(BIT_STRING));
  outer.end();
  const reader = new DerReader(tbs.body);
  const version = reader.optional(INTEGER);
  if (version && der.integer(version) !== 1n) throw new DerError('version');
  if (!reader.next(SEQUENCE).raw.equals(algorithm.raw)) throw new DerError('two signature algorithms');
  const issuer = x509.name(reader.next(SEQUENCE));
  const thisUpdate = der.time(reader.next());
  const nextUpdate = isTime(reader.peek()) ? der.time(reader.next()) : null;
  const list = reader.optional(SEQUENCE);
  const entries = list ? der.children(list).map((entry) => {
    const each = new DerReader(entry.body);
    const serial = der.integer(each.next(INTEGER));
    const date = der.time(each.next());
    const more = each.optional(SEQUENCE);
    each.end();
    const extensions = more ? x509.extensions(more) : new Map();
    const reason = extensions.get(EXT.reasonCode);
    return { serial, date, extensions, reason: reason ? reasonOf(reason) : NO_REASON };
  }) : [];
  if (entries.length > MAX_ENTRIES) throw new DerError('too many entries');
  const last = reader.optional(0xa0);
  reader.end();
  const extensions = last ? x509.extensions(der.single(last.body, SEQUENCE)) : new Map();
  const scheme = x509.signatureScheme(algorithm);
  return { kind: 'crl', tbs: tbs.raw, scheme, signature, issuer, thisUpdate, nextUpdate, entries, extensions };
}

function distributionPoint(value) {
  const out = { name: null, users: false, authorities: false, someReasons: false, indirect: false, attributes: false };
  for (const each of der.children(der.single(value, SEQUENCE))) {
    if (each.tag === 0xa0) out.name = each.body.toString('hex');
    else if (each.tag === 0xa3 || each.tag === 0x83) out.someReasons = true;
    else {
      const member = { 0x81: 'users', 0x82: 'authorities', 0x84: 'indirect', 0x85: 'attributes' }[each.tag];
      if (!member) throw new DerError('distribution point');
      out[member] = der.boolean(each);
    }
  }
  return out;
}

/** General names of a DistributionPointName [0] fullName, as hexadecimal. */
function fullNames(hex) {
  const inner = new DerReader(Buffer.from(hex, 'hex'));
  const choice = inner.next();
  return choice.tag === 0xa0 ? der.children(choice).map((n) => n.raw.toString('hex')) : [choice.raw.toString('hex')];
}

function pointsOf(certificate) {
  const found = certificate.extensions.get(EXT.crlDistributionPoints);
  if (!found) return [];
  return der.children(der.single(found.value, SEQUENCE)).flatMap((point) =>
    der.children(point).filter((e) => e.tag === 0xa0).flatMap((e) => fullNames(e.body.toString('hex'))));
}

function listInScope(list, certificate) {
  const found = list.extensions.get(EXT.issuingDistributionPoint);
  if (!found) return true;
  const point = distributionPoint(found.value);
  if (point.indirect || point.someReasons || point.attributes) return false;
  const ca = Boolean(certificate.basicConstraints && certificate.basicConstraints.ca);
  if ((point.users && ca) || (point.authorities && !ca)) return false;
  if (point.name === null) return true;
  const mine = pointsOf(certificate);
  return fullNames(point.name).some((n) => mine.includes(n));
}

/** revoked, good, none of both (null), by a date and a reason. */
function takesAway(date, reason, at) {
  return date <= at || !PLAIN_REASONS.includes(reason);
}

/** What a list says of a certificate: {concerns, counts, revoked}. */
function judgeCrl(list, certificate, issuer, { at, policy }) {
  if (list.issuer.compare !== certificate.issuer.compare) return { concerns: false };
  const doubt = { concerns: true, counts: false, revoked: false };
  const usage = issuer.keyUsage;
  if (usage && !usage.has(USAGE.cRLSign)) return doubt;
  if (schemeFault(list.scheme, policy.allow_sha1_certificates)) return doubt;
  if (!keys.verify(issuer.key, list.scheme, list.tbs, list.signature)) return doubt;
  if (list.extensions.has(EXT.deltaCrl)) return doubt;
  for (const [oid, { critical }] of list.extensions) if (critical && oid !== EXT.issuingDistributionPoint) return doubt;
  if (list.entries.some((e) => [...e.extensions].some(([oid, x]) => x.critical && oid !== EXT.reasonCode))) return doubt;
  if (!listInScope(list, certificate)) return doubt;
  const entries = list.entries.filter((e) => e.serial === certificate.serial);
  if (entries.some((e) => takesAway(e.date, e.reason, at))) return { concerns: true, counts: true, revoked: true };
  if (ended.judge(policy, [issuer.key], [list.scheme.hash], null, list.existed)) return doubt;
  const current = list.thisUpdate <= at && list.nextUpdate !== null && at <= list.nextUpdate;
  const later = list.thisUpdate > at && list.thisUpdate <= certificate.notAfter;
  return { ...doubt, counts: entries.length > 0 || current || later };
}

/** An OCSPResponse that is a successful basic one. */
function decodeOcsp(raw) {
  const outer = new DerReader(der.single(raw, SEQUENCE).body);
  const status = outer.next(0x0a);
  if (der.integer(status) !== 0n) throw new DerError('no successful response');
  const bytes = new DerReader(der.single(outer.next(0xa0).body, SEQUENCE).body);
  outer.end();
  if (der.oid(bytes.next(OID)) !== BASIC_RESPONSE) throw new DerError('no basic response');
  const basic = new DerReader(der.single(bytes.next(OCTET_STRING).body, SEQUENCE).body);
  bytes.end();
  const tbs = basic.next(SEQUENCE);
  const algorithm = basic.next(SEQUENCE);
  const signature = der.octetsOfBits(basic.next(BIT_STRING));
  const certs = basic.optional(0xa0);
  basic.end();
  const reader = new DerReader(tbs.body);
  reader.optional(0xa0);
  const responder = reader.next();
  if (responder.tag !== 0xa1 && responder.tag !== 0xa2) throw new DerError('responder');
  const producedAt = der.time(reader.next(0x18));
  const answers = der.children(reader.next(SEQUENCE)).map(decodeAnswer);
  const more = reader.optional(0xa1);
  reader.end();
  const delegates = certs ? der.children(der.single(certs.body, SEQUENCE)) : [];
  if (answers.length > MAX_ANSWERS || delegates.length > MAX_DELEGATES) throw new DerError('too many');
  const extensions = more ? x509.extensions(der.single(more.body, SEQUENCE)) : new Map();
  return { kind: 'ocsp', tbs: tbs.raw, scheme: schemeOf(algorithm), signature, producedAt, answers, delegates: readable(delegates), extensions };
}

/** The scheme, or null where there is none. */
function schemeOf(algorithm) {
  try {
    return x509.signatureScheme(algorithm);
  } catch (error) {
    if (!x509.isUnreadable(error)) throw error;
    return null;
  }
}

/** The certificates among elements; what is none speaks for nobody. */
function readable(elements) {
  return elements.flatMap((e) => {
    try {
      return [x509.decodeCertificate(e.raw)];
    } catch (error) {
      if (!x509.isUnreadable(error)) throw error;
      return [];
    }
  });
}

function decodeAnswer(element) {
  const reader = new DerReader(element.body);
  const id = new DerReader(reader.next(SEQUENCE).body);
  const hash = x509.HASH_OIDS[der.oid(new DerReader(id.next(SEQUENCE).body).next(OID))];
  const nameHash = id.next(OCTET_STRING).body;
  const keyHash = id.next(OCTET_STRING).body;
  const serial = der.integer(id.next(INTEGER));
  id.end();
  const status = reader.next();
  const answer = { hash, nameHash, keyHash, serial, status: null, date: null, reason: NO_REASON };
  if (status.tag === 0x80) answer.status = 'good';
  else if (status.tag === 0x82) answer.status = 'unknown';
  else if (status.tag === 0xa1) {
    answer.status = 'revoked';
    const inner = new DerReader(status.body);
    answer.date = der.time(inner.next(0x18));
    const reason = inner.optional(0xa0);
    if (reason) answer.reason = reasonOf({ value: reason.body });
    inner.end();
  } else throw new DerError('status');
  answer.thisUpdate = der.time(reader.next(0x18));
  const next = reader.optional(0xa0);
  answer.nextUpdate = next ? der.time(der.single(next.body, 0x18)) : null;
  const more = reader.optional(0xa1);
  reader.end();
  answer.extensions = more ? x509.extensions(der.single(more.body, SEQUENCE)) : new Map();
  return answer;
}

function isAbout(answer, certificate, issuer) {
  if (answer.serial !== certificate.serial || !['sha1', 'sha256', 'sha384', 'sha512'].includes(answer.hash)) return false;
  const hash = (data) => createHash(answer.hash).update(data).digest();
  const reader = new DerReader(der.single(issuer.spki).body);
  reader.next();
  const keyBits = der.octetsOfBits(reader.next(BIT_STRING));
  const names = [certificate.issuer.raw, issuer.subject.raw];
  return names.some((n) => hash(n).equals(answer.nameHash)) && hash(keyBits).equals(answer.keyHash);
}

function isDelegate(certificate, issuer, producedAt, policy) {
  if (certificate.issuer.compare !== issuer.subject.compare) return false;
  if (schemeFault(certificate.scheme, policy.allow_sha1_certificates) || !certificate.signedBy(issuer.key)) return false;
  if (keys.weakness(certificate.key)) return false;
  const usages = certificate.extKeyUsage;
  if (!usages || !usages.includes(OCSP_SIGNING)) return false;
  if (certificate.keyUsage && !certificate.keyUsage.has(USAGE.digitalSignature)) return false;
  if (producedAt < certificate.notBefore || producedAt > certificate.notAfter) return false;
  const understood = [EXT.basicConstraints, EXT.keyUsage, EXT.extKeyUsage];
  return [...certificate.extensions].every(([oid, { critical }]) => !critical || understood.includes(oid));
}

function judgeOcsp(response, certificate, issuer, { at, policy }) {
  const answers = response.answers.filter((a) => isAbout(a, certificate, issuer));
  if (answers.length === 0) return { concerns: false };
  const doubt = { concerns: true, counts: false, revoked: false };
  if ([...response.extensions.values()].some((e) => e.critical)) return doubt;
  if (schemeFault(response.scheme, policy.allow_sha1_certificates)) return doubt;
  const delegates = response.delegates.filter((c) => {
    try {
      return isDelegate(c, issuer, response.producedAt, policy);
    } catch (error) {
      if (x509.isUnreadable(error)) return false;
      throw error;
    }
  });
  const signers = [issuer, ...delegates].filter((c) => keys.verify(c.key, response.scheme, response.tbs, response.signature));
  if (signers.length === 0) return doubt;
  const hashes = [response.scheme.hash, ...response.delegates.map((c) => c.scheme?.hash)];
  const past = ended.judge(policy, [issuer, ...response.delegates].map((c) => c.key), hashes, null, response.existed);
  let counts = false;
  for (const answer of answers) {
    if ([...answer.extensions.values()].some((e) => e.critical)) continue;
    if (answer.status === 'revoked') {
      if (takesAway(answer.date, answer.reason, at)) return { concerns: true, counts: true, revoked: true };
      counts = counts || !past;
    } else if (answer.status === 'good' && !past) {
      const current = answer.nextUpdate !== null && answer.thisUpdate <= at && at <= answer.nextUpdate;
      const later = answer.thisUpdate > at && answer.thisUpdate <= certificate.notAfter;
      counts = counts || current || later;
    }
  }
  return { ...doubt, counts };
}

/**
 * What lists and responses say of each certificate of a chain but the last: {concerned, counted, revoked, doubtful}. Each has `existed`,
 * by when it is known to have existed or null; what is `carried` by a renewal leaves no doubt.
 */
function judgeChain(path, statements, options) {
  const out = { concerned: false, counted: false, revoked: false, doubtful: false };
  path.slice(0, -1).forEach((certificate, i) => {
    const results = statements.map((s) => (s.kind === 'crl' ? judgeCrl : judgeOcsp)(s, certificate, path[i + 1], options))
      .filter((r, n) => r.concerns && (r.counts || !statements[n].carried));
    if (results.length === 0) return;
    out.concerned = true;
    if (results.some((r) => r.revoked)) out.revoked = true;
    if (results.some((r) => r.counts)) out.counted = true;
    else out.doubtful = true;
  });
  return out;
}

module.exports = { decodeCrl, decodeOcsp, judgeChain };
