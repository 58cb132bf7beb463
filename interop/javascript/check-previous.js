// SPDX-License-Identifier: Apache-2.0
// Step 9, the snapshot before: previous.* of checks.md. Sections 4, 5 and 8.
'use strict';

const tpm = require('./tpm');
const { hashOf, bindingDigest } = require('./container');
const { Judgement } = require('./judgement');
const { placeOf, oneSignature } = require('./check-statements');

/** Names of attestation keys that quoted, over the whole binding, in a bundle; as hexadecimal. */
function quotingNames(j) {
  const out = new Set();
  const binding = bindingDigest(j.bundle.manifest);
  for (const quote of j.withRole('quote')) {
    const ak = j.one(quote, 'by', 'ak-public');
    if (!ak || j.absent(ak) || j.absent(quote)) continue;
    const { digest } = j.items.get(ak);
    const attest = j.read(quote, 'attest', tpm.decodeAttest);
    const area = j.area(ak);
    if (attest.value?.type !== tpm.TYPES.quote || !area.value || !hashOf(digest.alg, j.bytes(ak)).equals(digest.value)) continue;
    const signatures = j.withRole('tpm-signature').filter((l) => j.one(l, 'over') === quote);
    if (signatures.length === 0 || !signatures.every((s) => oneSignature(j, s, ak, quote) === 'passed')) continue;
    if (!placeOf(j, ak, attest.value.signer).hierarchy || !attest.value.extraData.equals(binding)) continue;
    out.add(tpm.nameOf(area.value).toString('hex'));
  }
  return out;
}

function checkPrevious(j) {
  if (!j.previous) {
    j.add('previous.digest', 'skipped', [], 'no bundle was given');
    j.add('previous.ak', 'skipped', [], 'no bundle was given');
    return;
  }
  const { previous } = j.bundle.manifest;
  const equal = previous && hashOf(previous.alg, j.previous.manifest.raw).equals(previous.value);
  j.add('previous.digest', equal ? 'passed' : 'failed');
  const before = new Judgement(j.previous, j.policy);
  const there = quotingNames(before);
  const both = [...quotingNames(j)].some((name) => there.has(name));
  const another = !bindingDigest(j.previous.manifest).equals(bindingDigest(j.bundle.manifest));
  j.add('previous.ak', both && another ? 'passed' : 'skipped');
}

module.exports = { checkPrevious };
