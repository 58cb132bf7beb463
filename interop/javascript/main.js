// SPDX-License-Identifier: Apache-2.0
// The two verbs of test-vectors/README.md: decode BUNDLE; verify BUNDLE --policy VECTOR_JSON --keys FOLDER.
'use strict';

const { readFileSync } = require('node:fs');
const { Malformed } = require('./cbor');
const { decodeBundle } = require('./container');

function options(words) {
  const out = {};
  for (let i = 0; i < words.length; i += 2) out[words[i].replace(/^--/, '')] = words[i + 1];
  return out;
}

function main([verb, path, ...rest]) {
  try {
    const bundle = decodeBundle(readFileSync(path));
    if (verb === 'decode') return {};
    const { verify } = require('./verify');
    return verify(bundle, options(rest));
  } catch (error) {
    if (error instanceof Malformed) return { error: error.code, offset: error.offset };
    throw error;
  }
}

process.stdout.write(`${JSON.stringify(main(process.argv.slice(2)))}\n`);
