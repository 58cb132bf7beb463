// SPDX-License-Identifier: Apache-2.0
// Step 10, the renewals: renewal.* of checks.md. What one authority cannot show leaves no doubt where another shows it.
'use strict';

const CHECKS = ['form', 'covers', 'imprint', 'signature', 'authority', 'chain', 'order', 'kept', 'revocation'];

/** What renewal.form finds of one that is not read as a timestamp. */
function formOf({ excess, error, isByBlocks }) {
  if (excess) return 'indeterminate';
  return error && !isByBlocks ? 'failed' : 'skipped';
}

function checkRenewal(j, renewal) {
  const add = (check, outcome) => j.add(`renewal.${check}`, outcome, `renewal ${renewal.index + 1}`);
  if (!renewal.token) {
    add('form', formOf(renewal));
    for (const check of CHECKS.slice(1)) add(check, 'skipped');
    return;
  }
  const { holding } = j.renewals;
  const doubt = (outcome) => (outcome === 'indeterminate' && holding.length ? 'skipped' : outcome);
  add('form', 'passed');
  add('covers', renewal.covering);
  add('imprint', renewal.imprint);
  add('signature', doubt(renewal.signature));
  add('authority', renewal.authority);
  add('chain', doubt(renewal.chained));
  add('order', renewal.order);
  const earlier = holding.some((r) => r.index < renewal.index);
  add('kept', renewal.revocation === 'failed' || (renewal.kept === 'indeterminate' && earlier) ? 'skipped' : renewal.kept);
  add('revocation', renewal.revocation === 'failed' && holding.length ? 'skipped' : renewal.revocation);
}

function checkRenewals(j) {
  for (const renewal of j.renewals.all) checkRenewal(j, renewal);
  if (j.renewals.all.length === 0) for (const check of CHECKS) j.add(`renewal.${check}`, 'skipped', [], 'no renewals');
}

module.exports = { checkRenewals, CHECKS };
