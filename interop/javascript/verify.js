// SPDX-License-Identifier: Apache-2.0
// The steps of section 8 in order, and the verdict.
'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { decodeBundle } = require('./container');
const { decodeCertificate } = require('./x509');
const { fromSpki, weakness } = require('./keys');
const { attempt } = require('./reading');
const { Judgement } = require('./judgement');
const { checkContainer } = require('./check-container');
const { checkSeals, checkOpenpgp } = require('./check-seals');
const { checkPiv } = require('./check-piv');
const { checkHardware } = require('./check-hardware');
const { checkCross } = require('./check-cross');
const { checkTpmKeys } = require('./check-tpm-keys');
const { checkStatements } = require('./check-statements');
const { checkLogs } = require('./check-logs');
const { checkBinding, checkActivation } = require('./check-ties');
const { checkPrevious } = require('./check-previous');
const { checkReferences } = require('./check-references');
const { checkRenewals } = require('./check-renewals');
const { checkBlocks } = require('./check-blocks');
const { conclude, checkRequired } = require('./conclusions');

const STEPS = [
  checkContainer,
  checkSeals, checkOpenpgp, checkPiv, checkHardware,
  checkCross,
  checkTpmKeys,
  checkStatements,
  checkLogs,
  checkBinding, checkActivation,
  checkPrevious, checkReferences,
  checkRenewals, checkBlocks,
];

/** The key of a log, of a certificate or a SubjectPublicKeyInfo by itself; null where nothing counts that it signed. */
function logKey(raw) {
  const key = attempt(() => decodeCertificate(raw)).value?.key ?? attempt(() => fromSpki(raw)).value;
  return key && !weakness(key) ? key : null;
}

function readPolicy(path, keys) {
  const { policy } = JSON.parse(readFileSync(path, 'utf8'));
  const certificates = (names) => names.map((name) => decodeCertificate(readFileSync(join(keys, name))));
  return {
    ...policy,
    anchors: certificates(policy.anchors),
    anchors_piv: certificates(policy.anchors_piv),
    anchors_hardware: certificates(policy.anchors_hardware),
    anchors_time: certificates(policy.anchors_time),
    anchors_log: (policy.anchors_log ?? []).map((name) => logKey(readFileSync(join(keys, name)))).filter(Boolean),
    pins_block: policy.pins_block ?? [],
    references: policy.references.map((name) => ({ name, data: readFileSync(join(keys, name)) })),
  };
}

function verdictOf(findings) {
  const outcomes = findings.map((f) => f.outcome);
  if (outcomes.includes('failed')) return 'FAILED';
  return outcomes.includes('indeterminate') || !outcomes.includes('passed') ? 'INDETERMINATE' : 'PASSED';
}

function verify(bundle, options) {
  const j = new Judgement(bundle, readPolicy(options.policy, options.keys), {
    previous: options.previous ? decodeBundle(readFileSync(options.previous)) : null,
    confirmed: options.confirmed ? readFileSync(options.confirmed) : null,
  });
  for (const step of STEPS) step(j);
  const conclusions = conclude(j);
  checkRequired(j, conclusions);
  return { verdict: verdictOf(j.findings), findings: j.findings, conclusions };
}

module.exports = { verify };
