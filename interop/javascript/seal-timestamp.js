// SPDX-License-Identifier: Apache-2.0
// The timestamp that a COSE seal carries: whether it is over the seal's signature, and can be believed still.
// Section 6.1 of the specification, "A timestamp of its own"; RFC 9921.
'use strict';

const { encode } = require('./cbor');
const { hashesOf } = require('./cose');
const { attempt } = require('./reading');
const { decodeToken, isOver } = require('./timestamp');
const { judgeWord, judgeKept } = require('./authority');

const OF_PAYLOAD = 269; // 3161-ttc
const OF_SIGNATURE = 270; // 3161-ctt

/** What a seal carries: {token}, {fault} where that is none or has no place there, {why} where there is nothing to judge. */
function readTimestamp(message) {
  if (!message) return { why: 'no COSE seal that can be read' };
  const { guarded, loose } = message;
  if (guarded.has(OF_SIGNATURE)) return { fault: `label ${OF_SIGNATURE} is protected` };
  if (loose.has(OF_PAYLOAD)) return { fault: `label ${OF_PAYLOAD} is not protected` };
  const node = loose.get(OF_SIGNATURE);
  if (!node) return { why: guarded.has(OF_PAYLOAD) ? 'over the payload' : 'none' };
  if (node.kind !== 'bytes') return { fault: 'no byte string' };
  const read = attempt(() => decodeToken(node.value));
  return read.error ? { fault: read.error } : { token: read.value };
}

/** Whether a seal carries something to judge as a timestamp, good or bad. */
function carriesTimestamp(message) {
  return readTimestamp(message).why === undefined;
}

/** What seal.timestamp finds of the seal at `index`, {outcome, why}; `latest`, by when the seal existed, where that passed. */
function judgeTimestamp({ token, fault, why }, message, index, renewals, policy) {
  if (fault) return { outcome: 'failed', why: fault };
  if (!token) return { outcome: 'skipped', why };
  if (!isOver(token, encode(message.signature))) return { outcome: 'failed', why: 'over something else' };
  const certificates = renewals.certificatesFor(token);
  const word = judgeWord(token, certificates, policy);
  if (word.signature === 'failed' || word.authority === 'failed') return { outcome: 'failed', why: 'by whoever may not' };
  const { time, earliest, latest } = token.info;
  const takeover = renewals.sealTime(index);
  const asked = policy.at ?? policy.now ?? Math.max(renewals.time, time);
  const doubt = (outcome, reason) => ({ outcome: takeover === null ? outcome : 'skipped', why: reason });
  if (word.signature !== 'passed') return doubt('indeterminate', 'nobody signed it');
  if (time > asked) return { outcome: 'skipped', why: 'made after the time that is asked about' };
  if (word.chained !== 'passed') return doubt('indeterminate', 'nothing leads to an anchor');
  if (takeover !== null && earliest > takeover) return { outcome: 'failed', why: 'later than a renewal' };
  const { kept, revocation } = judgeKept({ token, ...word }, {
    certificates, policy, takeover,
    statements: renewals.statements.map((s) => ({ ...s.statement, existed: renewals.carriedTime(s.index) })),
    hashes: [token.info.hash, ...hashesOf(message)],
    at: Math.min(asked, takeover ?? Infinity),
    existedOf: (certificate) => renewals.certificateTime(certificate),
  });
  if (revocation === 'failed') return doubt('failed', 'the authority was revoked');
  return kept === 'passed' ? { outcome: 'passed', latest } : doubt('indeterminate', 'it had lapsed');
}

module.exports = { readTimestamp, judgeTimestamp, carriesTimestamp };
