// SPDX-License-Identifier: Apache-2.0
// PCR values and the digest that a quote has of them. Sections 10.2 and 10.6 of the specification.
'use strict';

const { scan, Malformed } = require('./cbor');
const tpm = require('./tpm');

const MAX_INDEX = 31;

/** A Map from bank to a Map from PCR index to value; TpmError. */
function decodePcrValues(data) {
  let node;
  try {
    node = scan(data);
  } catch (error) {
    if (error instanceof Malformed) throw new tpm.TpmError(error.message);
    throw error;
  }
  const wrong = (message) => {
    throw new tpm.TpmError(message);
  };
  if (node.kind !== 'map') wrong('no map of banks');
  const banks = new Map();
  for (const [bank, values] of node.value) {
    if (bank.kind !== 'int' || bank.value < 0 || bank.value > 0xffff) wrong('no bank');
    if (values.kind !== 'map' || values.value.length === 0) wrong('an empty bank');
    const pcrs = new Map();
    let size = tpm.HASHES[bank.value]?.[1] ?? null;
    for (const [index, value] of values.value) {
      if (index.kind !== 'int' || index.value < 0 || index.value > MAX_INDEX) wrong('no PCR');
      if (value.kind !== 'bytes' || value.value.length < 1 || value.value.length > 64) wrong('no digest');
      size = size ?? value.value.length;
      if (value.value.length !== size) wrong('a digest of another size');
      pcrs.set(index.value, value.value);
    }
    banks.set(bank.value, pcrs);
  }
  return banks;
}

/** The digest of a quote by `hashAlg`, or null where a value is missing. */
function quoteDigest(selections, banks, hashAlg) {
  const values = [];
  for (const { bank, pcrs } of selections) {
    for (const index of pcrs) {
      const value = banks.get(bank)?.get(index);
      if (!value) return null;
      values.push(value);
    }
  }
  return tpm.hash(hashAlg, ...values);
}

module.exports = { decodePcrValues, quoteDigest };
