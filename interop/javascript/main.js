// SPDX-License-Identifier: Apache-2.0
// The two verbs of test-vectors/README.md: decode BUNDLE; verify BUNDLE --policy VECTOR_JSON --keys FOLDER. With `batch`, one line of
// JSON is read for each command, {"folder", "words"}, and one is written.
'use strict';

const { readFileSync } = require('node:fs');
const { createInterface } = require('node:readline');
const { Malformed } = require('./cbor');
const { decodeBundle } = require('./container');
const { verify } = require('./verify');

function options(words) {
  const out = {};
  for (let i = 0; i < words.length; i += 2) out[words[i].replace(/^--/, '')] = words[i + 1];
  return out;
}

function answer([verb, path, ...rest]) {
  try {
    const bundle = decodeBundle(readFileSync(path));
    return verb === 'decode' ? {} : verify(bundle, options(rest));
  } catch (error) {
    if (error instanceof Malformed) return { error: error.code, offset: error.offset };
    throw error;
  }
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function batch() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { folder, words } = JSON.parse(line);
    process.chdir(folder);
    try {
      print(answer(words));
    } catch (error) {
      print({ internal: error.stack });
    }
  }
}

const words = process.argv.slice(2);
if (words[0] === 'batch') batch();
else print(answer(words));
