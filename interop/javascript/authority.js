// SPDX-License-Identifier: Apache-2.0
// An authority of time: whose word a token is, and until when it can be believed; of a renewal as of a timestamp in a seal.
// Section 7 of the specification, "An authority of time"; section 8.8.
'use strict';

const { USAGE } = require('./x509');
const { attempt } = require('./reading');
const { verifyToken } = require('./timestamp');
const { judgeChain } = require('./revocation');
const { build } = require('./chain');
const ended = require('./ended');

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

function authorityFault(certificate, time) {
  const usages = certificate.extKeyUsage;
  if (!usages || usages.join() !== TIME_STAMPING || !certificate.extKeyUsageCritical) return 'extended key usage';
  const usage = certificate.keyUsage;
  if (usage && !usage.has(USAGE.digitalSignature) && !usage.has(USAGE.nonRepudiation)) return 'key usage';
  return time < certificate.notBefore || time > certificate.notAfter ? 'not valid at that time' : null;
}

function chainOf(certificate, certificates, options) {
  return build(certificate, certificates, options.policy.anchors_time, { usages: [TIME_STAMPING], ...options });
}

/**
 * Whether the token is by an authority that led to an anchor at genTime: the outcomes {signature, authority, chained}, each skipped where
 * the one before did not pass; and {certificate, named} where somebody signed it.
 */
function judgeWord(token, certificates, policy) {
  const { outcome, certificate, named } = verifyToken(token, certificates, { allowSha1: policy.allow_sha1_certificates });
  const out = { signature: outcome, authority: 'skipped', chained: 'skipped', certificate, named };
  if (outcome !== 'passed') return out;
  const { time } = token.info;
  const fault = attempt(() => authorityFault(certificate, time));
  out.authority = fault.error || fault.value ? 'failed' : 'passed';
  if (out.authority !== 'passed') return out;
  const { path } = chainOf(certificate, certificates, { at: time, policy: { ...policy, algorithms: {} } });
  return { ...out, chained: path ? 'passed' : 'indeterminate' };
}

/**
 * Whether a token of which `judgeWord` found nothing wrong can still be believed `at` a time: {kept, revocation, holds}. `takeover` is by
 * when renewals show that the token existed, or null; `existedOf` the same of certificates that others carry; `hashes` are those between
 * the token and what it is about.
 */
function judgeKept({ token, certificate, named }, { certificates, statements, hashes, policy, at, takeover, existedOf }) {
  const out = { kept: 'indeterminate', revocation: 'skipped', holds: false };
  const own = new Set(token.certificates.map((c) => c.sha256));
  const found = chainOf(certificate, certificates, { at, policy, existedOf: (c) => (own.has(c.sha256) ? takeover : existedOf(c)) });
  const used = [...hashes, token.signer.hash, token.signer.scheme.hash, named.hash];
  if (!found.path || found.ended || ended.judge(policy, [certificate.key], used, null, takeover)) return out;
  const lists = token.lists.map((list) => ({ ...list, existed: takeover }));
  const said = judgeChain(found.path, [...lists, ...statements], { at, policy });
  const revocation = said.revoked ? 'failed' : said.counted ? 'passed' : 'skipped';
  return { kept: 'passed', revocation, holds: !said.revoked };
}

module.exports = { judgeWord, judgeKept };
