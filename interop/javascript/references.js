// SPDX-License-Identifier: Apache-2.0
// Files of reference values, recognised by content: bundles, the project's own form, CoRIM, pcrlock components.
// Section 8.3 of the specification; draft-ietf-rats-corim-10.
'use strict';

const { decodeBundle, hashOf } = require('./container');
const { decodePcrValues } = require('./pcr');
const { recordDigests } = require('./logs');

const BANKS = { sha1: 4, sha256: 0x0b, sha384: 0x0c, sha512: 0x0d, sm3_256: 0x12, 'sha3_256': 0x27, 'sha3_384': 0x28, 'sha3_512': 0x29 };
const SCHEMA = 'evidence-bundle-reference/1';
const CORIM_BANKS = { 1: 0x0b, 7: 0x0c, 8: 0x0d, '-16': 0x0b, '-43': 0x0c, '-44': 0x0d };

class UnreadableReference extends Error {}

/** {pcrs: [{bank, pcr, values}], events: [{pcr | null, digests: [{bank, digest}]}], doubt}. */
function fromOwn(document) {
  const out = { pcrs: [], events: [], doubt: null };
  for (const [name, values] of Object.entries(document.pcrs ?? {})) {
    for (const [pcr, value] of Object.entries(values)) {
      out.pcrs.push({ bank: BANKS[name], pcr: Number(pcr), values: [].concat(value).map((v) => Buffer.from(v, 'hex')) });
    }
  }
  for (const { pcr, bank, digest } of document.events ?? []) {
    out.events.push({ pcr: pcr ?? null, digests: [{ bank: BANKS[bank ?? 'sha256'], digest: Buffer.from(digest, 'hex') }] });
  }
  return out;
}

function fromPcrlock(document) {
  const events = document.records.map((record) => ({
    pcr: record.pcr ?? null,
    digests: record.digests.flatMap((d) => [...recordDigests({ digests: [d] })].map(([bank, digest]) => ({ bank, digest }))),
  }));
  return { pcrs: [], events, doubt: null };
}

function fromBundle(data) {
  const { manifest, content } = decodeBundle(data);
  const values = new Map();
  for (const [label, item] of manifest.items) {
    const record = content.get(label);
    if (item.role !== 'pcr-values' || !record || !hashOf(item.digest.alg, record.value).equals(item.digest.value)) continue;
    for (const [bank, pcrs] of decodePcrValues(record.value)) {
      for (const [pcr, value] of pcrs) values.set(`${bank} ${pcr}`, [...(values.get(`${bank} ${pcr}`) ?? []), value]);
    }
  }
  const pcrs = [...values].map(([key, list]) => ({ bank: Number(key.split(' ')[0]), pcr: Number(key.split(' ')[1]), values: list }));
  return { pcrs, events: [], doubt: null };
}

/** TOML as far as reference files need it: tables, strings, integers, arrays of strings, comments. */
function parseToml(text) {
  const root = {};
  let table = root;
  const value = (raw) => {
    const t = raw.trim();
    if (t.startsWith('[')) return [...t.matchAll(/"([^"]*)"/g)].map((m) => m[1]);
    if (t.startsWith('"')) return t.slice(1, t.lastIndexOf('"'));
    return Number(t);
  };
  const lines = text.replace(/\[\s*\n([^\]]*)\]/g, (whole) => whole.replace(/\n/g, ' ')).split('\n');
  for (const line of lines.map((l) => l.trim()).filter((l) => l && !l.startsWith('#'))) {
    const array = /^\[\[([\w.-]+)\]\]$/.exec(line);
    const head = /^\[([\w.-]+)\]$/.exec(line);
    if (array) {
      table = {};
      (root[array[1]] ??= []).push(table);
    } else if (head) {
      table = head[1].split('.').reduce((t, part) => (t[part] ??= {}), root);
    } else {
      const equals = line.indexOf('=');
      if (equals < 0) throw new UnreadableReference('no TOML');
      table[line.slice(0, equals).trim().replace(/^"|"$/g, '')] = value(line.slice(equals + 1));
    }
  }
  return root;
}

/** CBOR of a CoRIM, which need not be deterministic: numbers, strings, arrays, Maps, {tag, value}. */
function parseCbor(data) {
  let at = 0;
  const item = () => {
    const major = data[at] >> 5;
    const info = data[at] & 31;
    at += 1;
    let n = info;
    if (info >= 24 && info <= 27) {
      const size = 1 << (info - 24);
      n = size === 8 ? Number(data.readBigUInt64BE(at)) : data.readUIntBE(at, size);
      at += size;
    } else if (info > 27) throw new UnreadableReference('length');
    if (major === 0) return n;
    if (major === 1) return -1 - n;
    if (major === 2 || major === 3) {
      const raw = data.subarray(at, at + n);
      at += n;
      return major === 2 ? raw : raw.toString('utf8');
    }
    if (major === 4) return Array.from({ length: n }, item);
    if (major === 5) return new Map(Array.from({ length: n }, () => [item(), item()]));
    if (major === 6) return { tag: n, value: item() };
    return { 20: false, 21: true, 22: null }[n];
  };
  const out = item();
  if (at !== data.length) throw new UnreadableReference('bytes left over');
  return out;
}

function corimDigests(list, out) {
  const known = list.filter(([alg]) => CORIM_BANKS[alg]).map(([alg, digest]) => ({ bank: CORIM_BANKS[alg], digest }));
  if (known.length === 0) out.doubt = 'not all of it could be read';
  return known;
}

function fromCorim(node, at) {
  const out = { pcrs: [], events: [], doubt: null };
  let corim = node;
  if (corim.tag === 18) {
    out.doubt = 'its signature is not judged';
    corim = parseCbor(corim.value[2]);
  }
  if (corim.tag === 501) corim = corim.value;
  const validity = corim.get(4);
  const time = (t) => (t && typeof t === 'object' ? t.value : t);
  if (validity) {
    const [from, to] = [time(validity.get(0)), time(validity.get(1))];
    if ((from !== undefined && at < from) || (to !== undefined && at > to)) out.doubt = 'not valid at that time';
  }
  for (const tagged of corim.get(1)) {
    if (tagged.tag !== 506) {
      out.doubt = out.doubt ?? 'not all of it could be read';
      continue;
    }
    const comid = Buffer.isBuffer(tagged.value) ? parseCbor(tagged.value) : tagged.value;
    for (const [, measurements] of comid.get(4).get(0) ?? []) {
      for (const measurement of measurements) {
        const values = measurement.get(1);
        for (const [index, list] of values.get(14) ?? []) {
          for (const { bank, digest } of corimDigests(list, out)) out.pcrs.push({ bank, pcr: Number(index), values: [digest] });
        }
        if (values.get(2)) {
          const digests = corimDigests(values.get(2), out);
          if (digests.length) out.events.push({ pcr: null, digests });
        }
      }
    }
  }
  return out;
}

function decodeReference(data, at) {
  if (data.subarray(0, 8).toString('hex') === 'd9d9f7da45564231') return fromBundle(data);
  if (data[0] >= 0xc0) return fromCorim(parseCbor(data), at);
  const text = data.toString('utf8');
  const document = text.trimStart().startsWith('{') ? JSON.parse(text) : parseToml(text);
  if (document.schema === SCHEMA) return fromOwn(document);
  if (Array.isArray(document.records)) return fromPcrlock(document);
  throw new UnreadableReference('no reference');
}

module.exports = { decodeReference };
