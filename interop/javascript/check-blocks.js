// SPDX-License-Identifier: Apache-2.0
// Step 10, the renewals by blocks: block.* of checks.md. Section 7 of the specification, "Blocks".
'use strict';

const { hashOf } = require('./container');
const { decodeBlocks } = require('./opentimestamps');
const { attempt } = require('./reading');
const ended = require('./ended');

const CHECKS = ['form', 'known'];
const SHA256 = -16;

/** What block.form finds: {outcome, why}; and the headers of the blocks that the lines that are computed lead to, where it passed. */
function judgeForm({ excess, covers, coverage, covering, error, proof }) {
  const failed = (why) => ({ outcome: 'failed', why });
  if (excess) return { outcome: 'indeterminate', why: 'too many renewals' };
  if (error) return failed(error);
  if (coverage.alg !== SHA256) return failed('coverage by another algorithm');
  const read = attempt(() => decodeBlocks(proof));
  if (read.error) return failed(read.error);
  const { digest, ends, headers } = read.value;
  if (!hashOf(SHA256, covers).equals(digest)) return failed('over something else');
  for (const [height, header] of headers) {
    const lines = ends.filter((end) => end.height === height);
    if (lines.length === 0) return failed('a header that it does not lead to');
    if (lines.some(({ message }) => message && !message.equals(header.root))) return failed('another root');
    if (!header.worked) return failed('work');
  }
  const led = new Set(ends.filter((end) => end.message && headers.has(end.height)).map((end) => headers.get(end.height)));
  return { outcome: covering, why: 'an artifact is not covered', led: [...led] };
}

/** What block.known finds. */
function judgeKnown({ outcome, led }, policy) {
  if (outcome !== 'passed') return { outcome: 'skipped', why: 'form' };
  if (policy.pins_block.length === 0) return { outcome: 'skipped', why: 'no block is known' };
  if (led.length === 0) return { outcome: 'skipped', why: 'it leads to no block' };
  const known = led.filter((header) => policy.pins_block.includes(header.hash));
  if (known.length === 0) return { outcome: 'indeterminate', why: 'another block' };
  const asked = policy.at ?? policy.now ?? Infinity;
  if (known.every((header) => header.time > asked)) return { outcome: 'skipped', why: 'mined after the time that is asked about' };
  const past = ended.judge(policy, [], ['sha256'], null, null);
  return past ? { outcome: 'indeterminate', why: 'SHA-256 ended' } : { outcome: 'passed' };
}

function checkBlocks(j) {
  const renewals = j.renewals.byBlocks;
  if (renewals.length === 0) for (const check of CHECKS) j.add(`block.${check}`, 'skipped', [], 'no renewal by blocks');
  for (const renewal of renewals) {
    const name = `renewal ${renewal.index + 1}`;
    const form = judgeForm(renewal);
    j.add('block.form', form.outcome, name, form.why);
    const known = judgeKnown(form, j.policy);
    j.add('block.known', known.outcome, name, known.why);
  }
}

module.exports = { checkBlocks };
