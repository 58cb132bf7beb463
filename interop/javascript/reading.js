// SPDX-License-Identifier: Apache-2.0
// What may be wrong with bytes that a stranger wrote, apart from the verifier's own errors.
'use strict';

const x509 = require('./x509');
const tpm = require('./tpm');
const openpgp = require('./openpgp');
const { CoseError } = require('./cose');
const { ProofError } = require('./opentimestamps');
const { Malformed } = require('./cbor');

const UNREADABLE = [tpm.TpmError, openpgp.PgpError, CoseError, ProofError, Malformed];

function isUnreadable(error) {
  return UNREADABLE.some((kind) => error instanceof kind) || x509.isUnreadable(error);
}

/** {value}, {error} for bytes that cannot be decoded, {strange} for what is not computed here. */
function attempt(decode) {
  try {
    return { value: decode() };
  } catch (error) {
    if (error instanceof tpm.NotComputed) return { strange: error.message };
    if (isUnreadable(error)) return { error: error.message || 'unreadable' };
    throw error;
  }
}

module.exports = { attempt };
