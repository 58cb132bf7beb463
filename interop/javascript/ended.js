// SPDX-License-Identifier: Apache-2.0
// From when an algorithm is no longer taken, and what is known to be older. Section 8.8 of the specification, "Algorithms end".
'use strict';

const HASH_NAMES = {
  sha1: 'SHA-1', sha224: 'SHA-224', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512', 'sha3-256': 'SHA3-256',
  'sha3-384': 'SHA3-384', 'sha3-512': 'SHA3-512', sm3: 'SM3',
};

/** The earliest day on which one of `keys` and `hashes` ends, or null. */
function endOf(policy, keys, hashes) {
  let earliest = null;
  for (const [name, day] of Object.entries(policy.algorithms ?? {})) {
    const [, family, bits] = /^(RSA|ECC)-(\d+)$/.exec(name) ?? [];
    const hit = keys.some((key) => {
      if (family === 'RSA') return key.kind === 'rsa' && key.bits <= Number(bits);
      if (family === 'ECC') return ['ec', 'ed25519', 'ed448'].includes(key.kind) && key.bits <= Number(bits);
      return key.name === name;
    }) || hashes.some((hash) => HASH_NAMES[hash] === name);
    if (hit && (earliest === null || day < earliest)) earliest = day;
  }
  return earliest;
}

/**
 * null, 'indeterminate', or 'failed' where the signature says of itself that it is not older than the end. `existed` is by when renewals
 * show that it was there, or null.
 */
function judge(policy, keys, hashes, madeAt, existed) {
  const end = endOf(policy, keys, hashes.filter(Boolean));
  if (end === null) return null;
  if ((policy.now ?? Infinity) < end || (existed ?? Infinity) < end) return null;
  return madeAt !== null && madeAt >= end ? 'failed' : 'indeterminate';
}

function worst(outcomes) {
  if (outcomes.includes('failed')) return 'failed';
  return outcomes.includes('indeterminate') ? 'indeterminate' : null;
}

/** The same of a chain; `existedOf` gives the time of each certificate. */
function ofChain(path, policy, existedOf) {
  return worst(path.slice(0, -1).map((certificate, i) =>
    judge(policy, [path[i + 1].key], [certificate.scheme.hash], certificate.notBefore, existedOf(certificate))));
}

module.exports = { judge, worst, ofChain };
