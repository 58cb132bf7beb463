// SPDX-License-Identifier: Apache-2.0
// Chains of certificates from a leaf to an anchor. Section 8.1 of the specification, "A chain".
'use strict';

const keys = require('./keys');
const { EXT, USAGE, isUnreadable } = require('./x509');
const ended = require('./ended');

const MAX_CHAIN = 8;
const MAX_TRIES = 64;
const ANY_USAGE = '2.5.29.37.0';
const UNDERSTOOD = [EXT.basicConstraints, EXT.keyUsage, EXT.extKeyUsage, EXT.subjectAltName, EXT.certificatePolicies];

/** Why a signature algorithm is not taken (rule 2), or null. */
function schemeFault(scheme, allowSha1) {
  if (!scheme) return 'signature algorithm';
  if (scheme.hash === 'sha1' && !allowSha1) return 'SHA-1';
  return null;
}

/** Rules that one certificate keeps or breaks by itself. */
function certificateFault(certificate, { at, usages, leaf, missingUsage, authorityUsages, understood }) {
  if (at < certificate.notBefore || at > certificate.notAfter) return 'not valid at that time';
  if (certificate.key.kind === 'unknown') return 'a key of no known kind';
  const weak = keys.weakness(certificate.key);
  if (weak) return weak;
  for (const [oid, { critical }] of certificate.extensions) {
    if (oid === EXT.nameConstraints || oid === EXT.policyConstraints) return 'constraints that are not evaluated';
    if (critical && !UNDERSTOOD.includes(oid) && !(leaf && understood.includes(oid))) return `critical extension ${oid}`;
  }
  if (usages.length) {
    const named = certificate.extKeyUsage;
    if (leaf) {
      if (named === null ? !missingUsage : !named.some((u) => usages.includes(u))) return 'extended key usage';
    } else if (named !== null && !named.some((u) => authorityUsages.includes(u) || u === ANY_USAGE)) return 'extended key usage';
  }
  return null;
}

/** Rules of an issuer; `below` is the number of authorities under it that are not self-issued; `bare`: it may lack constraints. */
function issuerFault(certificate, below, bare) {
  const constraints = certificate.basicConstraints ?? (bare ? { ca: true, pathLength: null } : null);
  if (!constraints || !constraints.ca) return 'no authority';
  const usage = certificate.keyUsage;
  if (usage && !usage.has(USAGE.keyCertSign)) return 'key usage without keyCertSign';
  if (constraints.pathLength !== null && below > constraints.pathLength) return 'path length';
  return null;
}

/**
 * The chain of `leaf`: {path, why, ended}. `path` is [leaf, ..., anchor] or null with the reason of the longest attempt; `ended` is
 * null, or 'indeterminate' or 'failed' where every chain needs an algorithm that the policy ends. `existedOf` gives by when a certificate
 * is known to have existed, or null.
 */
function build(leaf, issuers, anchors, options) {
  const { policy, at, usages = [], missingUsage = false, leafRule = null, issuerRule = null, noConstraints = false,
    existedOf = () => null } = options;
  const authorityUsages = options.authorityUsages ?? usages;
  const allowSha1 = policy.allow_sha1_certificates;
  const candidates = [...anchors, ...issuers.filter((c) => !anchors.some((a) => a.raw.equals(c.raw)))];
  const judged = { at, usages, missingUsage, authorityUsages, understood: options.understood ?? [] };
  let tries = 0;
  let longest = { length: 0, why: 'no issuer' };
  const found = [];

  const note = (length, why) => {
    if (length >= longest.length) longest = { length, why };
  };
  const faultOf = (certificate, isLeaf) => {
    try {
      return certificateFault(certificate, { ...judged, leaf: isLeaf });
    } catch (error) {
      if (isUnreadable(error)) return 'an extension cannot be read';
      throw error;
    }
  };

  const climb = (path) => {
    const top = path[path.length - 1];
    if (path.length >= MAX_CHAIN) return note(path.length, 'chain too long');
    const fault = schemeFault(top.scheme, allowSha1);
    if (fault) return note(path.length, fault);
    for (const issuer of candidates) {
      if (issuer.subject.compare !== top.issuer.compare || path.some((c) => c.raw.equals(issuer.raw))) continue;
      if (tries >= MAX_TRIES) return note(path.length, 'too many signatures');
      tries += 1;
      if (!top.signedBy(issuer.key)) {
        note(path.length, 'signature');
        continue;
      }
      const below = path.slice(1).filter((c) => !c.selfIssued).length;
      const belowAnchor = anchors.some((a) => !a.raw.equals(issuer.raw) && a.subject.compare === issuer.issuer.compare);
      const bare = noConstraints && path.length === 1 && belowAnchor;
      let why;
      try {
        why = issuerFault(issuer, below, bare) ?? faultOf(issuer, false) ?? (issuerRule && issuerRule(issuer, path));
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        why = 'an extension cannot be read';
      }
      if (why) {
        note(path.length + 1, why);
        continue;
      }
      const longer = [...path, issuer];
      if (anchors.some((a) => a.raw.equals(issuer.raw))) found.push(longer);
      else climb(longer);
    }
    return undefined;
  };

  const fault = faultOf(leaf, true) ?? (leafRule && leafRule(leaf));
  if (fault) return { path: null, why: fault, ended: null };
  climb([leaf]);
  if (found.length === 0) return { path: null, why: longest.why, ended: null };
  const rated = found.map((path) => ({ path, ended: ended.ofChain(path, policy, existedOf) }));
  return rated.find((r) => r.ended === null) ?? rated.find((r) => r.ended === 'indeterminate') ?? rated[0];
}

module.exports = { build, schemeFault, MAX_ISSUERS: 64 };
