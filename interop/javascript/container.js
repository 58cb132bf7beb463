// SPDX-License-Identifier: Apache-2.0
// The file, its manifest, content, seals and renewals: what a decoder accepts, and with which code it refuses the rest.
// Sections 3 to 7 of the specification.
'use strict';

const { createHash } = require('node:crypto');
const { Malformed, scan, encode } = require('./cbor');

const MAGIC = Buffer.from('d9d9f7da45564231', 'hex');
const COSE_TYPE = 'application/cose; cose-type="cose-sign1"';
const PGP_TYPE = 'application/pgp-signature';
const CONTENT_TYPE = 'tag:evidence-bundle,2026:content';
const MAX_MANIFEST = 4194304;
const MAX_SEALS = 64;
const LABEL = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
const HASHES = { '-16': ['sha256', 32], '-43': ['sha384', 48], '-44': ['sha512', 64] };
const MEMBERS = ['version', 'profile', 'created', 'items', 'binding', 'signers', 'title', 'previous', 'critical'];
const REQUIRED = MEMBERS.slice(0, 6);
const PARTS = ['operator', 'witness', 'platform'];

function refuse(code, node) {
  throw new Malformed(code, node.offset);
}

function expect(node, kind) {
  if (node.kind !== kind) refuse('wrong-type', node);
  return node.value;
}

function unsigned(node) {
  const value = expect(node, 'int');
  if (value < 0) refuse('wrong-type', node);
  return value;
}

function label(node) {
  const value = expect(node, 'text');
  if (!LABEL.test(value)) refuse('bad-label', node);
  return value;
}

function itemLabel(node, items) {
  const value = label(node);
  if (!items.has(value)) refuse('unknown-label', node);
  return value;
}

/** A map with text keys as {member: node}; `known` closes it, `required` are those that must be there. */
function members(node, { known = null, required = [] } = {}) {
  const out = new Map();
  for (const [key, value] of expect(node, 'map')) {
    const name = expect(key, 'text');
    if (known && !known.includes(name)) refuse('unknown-member', key);
    out.set(name, value);
  }
  for (const name of required) if (!out.has(name)) refuse('missing-member', node);
  return out;
}

function elements(node, least, most = Infinity) {
  const value = expect(node, 'array');
  if (value.length < least || value.length > most) refuse('wrong-length', node);
  return value;
}

function hashAlgorithm(node) {
  const value = expect(node, 'int');
  if (!HASHES[value]) refuse('bad-value', node);
  return value;
}

function digest(node) {
  const [algNode, valueNode] = elements(node, 2, 2);
  const alg = hashAlgorithm(algNode);
  const value = expect(valueNode, 'bytes');
  if (value.length !== HASHES[alg][1]) refuse('wrong-length', valueNode);
  return { alg, value };
}

function checkMagic(data) {
  if (data.length === 0) throw new Malformed('wrong-magic', 0);
  const have = Math.min(data.length, 7);
  if (!data.subarray(0, have).equals(MAGIC.subarray(0, have))) throw new Malformed('wrong-magic', 0);
  if (data.length < 8) throw new Malformed('truncated', 0);
  if (data[7] !== MAGIC[7]) throw new Malformed('unknown-major-version', 7);
}

function placeLimits(path, major, argument, offset) {
  if (path.length !== 1) return;
  if (path[0] === 0 && major === 2 && argument > BigInt(MAX_MANIFEST)) throw new Malformed('size-limit', offset);
  if (path[0] === 2 && major === 4 && argument > BigInt(MAX_SEALS)) throw new Malformed('count-limit', offset);
}

function decodeItem(node) {
  const map = members(node, {
    known: ['type', 'role', 'digest', 'size', 'refs', 'detached', 'claimed'],
    required: ['type', 'role', 'digest', 'size'],
  });
  const item = {
    type: expect(map.get('type'), 'text'),
    role: expect(map.get('role'), 'text'),
    digest: digest(map.get('digest')),
    size: unsigned(map.get('size')),
    refs: Object.create(null),
    detached: false,
    claimed: new Map(),
    refNodes: [],
  };
  if (map.has('refs')) {
    const refs = members(map.get('refs'));
    if (refs.size === 0) refuse('wrong-length', map.get('refs'));
    for (const [name, value] of refs) {
      const nodes = value.kind === 'array' ? elements(value, 1) : [value];
      item.refs[name] = nodes.map(label);
      item.refNodes.push(...nodes);
    }
  }
  if (map.has('detached')) {
    if (expect(map.get('detached'), 'bool') !== true) refuse('bad-value', map.get('detached'));
    item.detached = true;
  }
  if (map.has('claimed')) {
    item.claimed = members(map.get('claimed'));
    if (item.claimed.size === 0) refuse('wrong-length', map.get('claimed'));
  }
  return item;
}

function decodeBinding(node, items) {
  const map = members(node, { known: ['alg', 'nonce', 'over'], required: ['alg', 'nonce', 'over'] });
  const nonce = expect(map.get('nonce'), 'bytes');
  if (nonce.length < 16 || nonce.length > 64) refuse('wrong-length', map.get('nonce'));
  const over = [];
  for (const entry of elements(map.get('over'), 0)) {
    const name = itemLabel(entry, items);
    if (over.length && !(over[over.length - 1] < name)) refuse('bad-value', map.get('over'));
    over.push(name);
  }
  return { alg: hashAlgorithm(map.get('alg')), nonce, over };
}

function decodeManifest(raw, base) {
  const node = scan(raw, base);
  const all = members(node);
  if (all.has('version')) {
    const version = elements(all.get('version'), 2, 2);
    if (unsigned(version[0]) !== 1) refuse('unknown-major-version', version[0]);
    unsigned(version[1]);
  }
  for (const name of REQUIRED) if (!all.has(name)) refuse('missing-member', node);
  if (all.has('critical')) {
    for (const entry of elements(all.get('critical'), 1)) {
      const name = expect(entry, 'text');
      if (!MEMBERS.includes(name)) refuse('unknown-critical', entry);
      if (!all.has(name)) refuse('bad-value', entry);
    }
  }
  const items = new Map();
  for (const [key, value] of expect(all.get('items'), 'map')) items.set(label(key), decodeItem(value));
  if (items.size === 0) refuse('wrong-length', all.get('items'));
  for (const item of items.values()) for (const ref of item.refNodes) itemLabel(ref, items);
  const manifest = {
    raw,
    items,
    profile: expect(all.get('profile'), 'text'),
    created: unsigned(all.get('created')),
    binding: decodeBinding(all.get('binding'), items),
    signers: elements(all.get('signers'), 1).map((entry) => {
      const map = members(entry, { known: ['item', 'part'], required: ['item', 'part'] });
      const part = expect(map.get('part'), 'text');
      if (!PARTS.includes(part)) refuse('bad-value', map.get('part'));
      return { item: itemLabel(map.get('item'), items), part };
    }),
    previous: all.has('previous') ? digest(all.get('previous')) : null,
    unknown: [...all.keys()].filter((name) => !MEMBERS.includes(name)),
  };
  if (all.has('title')) expect(all.get('title'), 'text');
  return manifest;
}

function decodeContent(node, items) {
  const content = new Map();
  const entries = expect(node, 'map');
  let marked = false;
  for (const [key, value] of entries) {
    if (expect(key, 'text') === '__cmwc_t') {
      if (expect(value, 'text') !== CONTENT_TYPE) refuse('bad-value', value);
      marked = true;
      continue;
    }
    const name = itemLabel(key, items);
    const record = elements(value, 2, 3);
    content.set(name, { type: expect(record[0], 'text'), value: expect(record[1], 'bytes') });
    if (record.length === 3) unsigned(record[2]);
  }
  if (!marked) refuse('missing-member', node);
  return content;
}

function decodeSeal(node) {
  const parts = elements(node, 2, 3);
  return {
    type: expect(parts[0], 'text'),
    value: expect(parts[1], 'bytes'),
    key: parts.length === 3 ? expect(parts[2], 'bytes') : null,
  };
}

/** A bundle, or Malformed. */
function decodeBundle(data) {
  checkMagic(data);
  const node = scan(data, 0, { start: MAGIC.length, headCheck: placeLimits });
  const parts = elements(node, 4, 4);
  const manifest = decodeManifest(expect(parts[0], 'bytes'), parts[0].start);
  const content = decodeContent(parts[1], manifest.items);
  const seals = elements(parts[2], 0).map(decodeSeal);
  const renewals = elements(parts[3], 0).map((entry) => {
    const raw = expect(entry, 'bytes');
    expect(scan(raw, entry.start), 'map');
    return raw;
  });
  return { manifest, content, seals, renewals };
}

function hashOf(alg, data) {
  return createHash(HASHES[alg][0]).update(data).digest();
}

/** The digest that the TPM has to repeat (section 5). */
function bindingDigest(manifest) {
  const entries = new Map();
  for (const name of manifest.binding.over) {
    const { alg, value } = manifest.items.get(name).digest;
    entries.set(name, [alg, value]);
  }
  const preimage = ['evidence-bundle/1 binding', manifest.binding.nonce, entries];
  if (manifest.previous) preimage.push([manifest.previous.alg, manifest.previous.value]);
  return hashOf(manifest.binding.alg, encode(preimage));
}

/** Whether a node is a label. */
function isLabel(node) {
  return node.kind === 'text' && LABEL.test(node.value);
}

module.exports = { COSE_TYPE, PGP_TYPE, decodeBundle, bindingDigest, hashOf, isLabel, HASHES };
