// SPDX-License-Identifier: Apache-2.0
// CBOR in the core deterministic encoding and nothing else: a scanner that keeps offsets, and an encoder.
// Sections 2 and 10.5 of the specification.
'use strict';

const MAX_DEPTH = 16;
const MAX_ITEMS = 65536;
const MAX_TEXT = 65536;
const MAX_BYTES = 4294967295n;

/** What a decoder refuses: a code of Appendix A, and the offset of the data item at fault. */
class Malformed extends Error {
  constructor(code, offset) {
    super(`${code} at ${offset}`);
    this.code = code;
    this.offset = offset;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * One CBOR text. Nodes are {kind, value, offset}; kinds are int, bytes, text, array, map, tag, bool, null. The value of a map is an
 * array of [key, value] nodes; integers are numbers where they fit and BigInt elsewhere.
 */
class Scanner {
  constructor(data, base, { tags = [], headCheck = null, start = 0, maxItems = MAX_ITEMS } = {}) {
    this.data = data;
    this.base = base;
    this.tags = tags; // tags that may stand around the whole text
    this.headCheck = headCheck; // called as (path, major, argument) for limits that belong to a place
    this.position = start;
    this.items = 0;
    this.maxItems = maxItems;
    this.path = [];
  }

  fail(code, position) {
    throw new Malformed(code, this.base + position);
  }

  whole() {
    const node = this.item(0);
    if (this.position < this.data.length) this.fail('trailing-bytes', this.position);
    return node;
  }

  head() {
    const at = this.position;
    if (at >= this.data.length) this.fail('truncated', at);
    const first = this.data[at];
    const major = first >> 5;
    const info = first & 31;
    if (info >= 28 && info <= 30) this.fail('reserved-head', at);
    if (info === 31) this.fail('indefinite-length', at);
    if (major === 7) {
      if (info >= 25) this.fail('float', at);
      if (info < 20 || info > 22) this.fail('simple-value', at);
      this.position += 1;
      return [major, BigInt(info)];
    }
    if (info < 24) {
      this.position += 1;
      return [major, BigInt(info)];
    }
    const size = 1 << (info - 24);
    if (at + 1 + size > this.data.length) this.fail('truncated', at);
    let argument = 0n;
    for (let i = 0; i < size; i++) argument = (argument << 8n) | BigInt(this.data[at + 1 + i]);
    const least = [24n, 256n, 65536n, 4294967296n][info - 24];
    if (argument < least) this.fail('non-shortest', at);
    this.position += 1 + size;
    return [major, argument];
  }

  item(depth) {
    const at = this.position;
    const [major, argument] = this.head();
    this.items += 1;
    if (this.items > this.maxItems) this.fail('count-limit', at);
    const offset = this.base + at;
    if (this.headCheck) this.headCheck(this.path, major, argument, offset);
    if (major === 0) return { kind: 'int', value: number(argument), offset };
    if (major === 1) return { kind: 'int', value: number(-1n - argument), offset };
    if (major === 2 || major === 3) return this.string(major, argument, at);
    if (major === 7) {
      const value = { 20: false, 21: true, 22: null }[Number(argument)];
      return { kind: value === null ? 'null' : 'bool', value, offset };
    }
    if (major === 6) {
      if (argument === 2n || argument === 3n) this.fail('bignum', at);
      if (!(depth === 0 && this.tags.includes(Number(argument)))) this.fail('unlisted-tag', at);
    }
    if (depth >= MAX_DEPTH) this.fail('depth-limit', at);
    if (major === 6) return { kind: 'tag', tag: Number(argument), value: this.item(depth + 1), offset };
    if (argument * (major === 5 ? 2n : 1n) > BigInt(MAX_ITEMS)) this.fail('count-limit', at);
    return major === 4 ? this.array(Number(argument), depth, offset) : this.map(Number(argument), depth, offset);
  }

  string(major, argument, at) {
    if (argument > (major === 2 ? MAX_BYTES : BigInt(MAX_TEXT))) this.fail('size-limit', at);
    const start = this.position;
    const end = start + Number(argument);
    if (end > this.data.length) this.fail('truncated', at);
    this.position = end;
    const raw = this.data.subarray(start, end);
    const offset = this.base + at;
    if (major === 2) return { kind: 'bytes', value: raw, offset, start: this.base + start };
    try {
      return { kind: 'text', value: utf8.decode(raw), offset };
    } catch {
      return this.fail('invalid-utf8', at);
    }
  }

  array(count, depth, offset) {
    const value = [];
    for (let i = 0; i < count; i++) {
      this.path.push(i);
      value.push(this.item(depth + 1));
      this.path.pop();
    }
    return { kind: 'array', value, offset };
  }

  map(count, depth, offset) {
    const value = [];
    let last = null;
    for (let i = 0; i < count; i++) {
      const at = this.position;
      this.path.push(`key ${i}`);
      const key = this.item(depth + 1);
      this.path.pop();
      if (key.kind !== 'int' && key.kind !== 'text') this.fail('wrong-type', at);
      const encoded = this.data.subarray(at, this.position);
      if (last !== null) {
        const order = Buffer.compare(last, encoded);
        if (order === 0) this.fail('duplicate-key', at);
        if (order > 0) this.fail('key-order', at);
      }
      last = encoded;
      this.path.push(`value ${i}`);
      value.push([key, this.item(depth + 1)]);
      this.path.pop();
    }
    return { kind: 'map', value, offset };
  }
}

function number(big) {
  const small = Number(big);
  return Number.isSafeInteger(small) ? small : big;
}

function scan(data, base = 0, options = {}) {
  return new Scanner(data, base, options).whole();
}

/** The value of a member of a map node, or undefined. */
function member(map, key) {
  const entry = map.value.find(([k]) => k.value === key);
  return entry && entry[1];
}

function encodeHead(major, argument) {
  const n = BigInt(argument);
  if (n < 24n) return Buffer.from([(major << 5) | Number(n)]);
  const size = n < 256n ? 1 : n < 65536n ? 2 : n < 4294967296n ? 4 : 8;
  const out = Buffer.alloc(1 + size);
  out[0] = (major << 5) | { 1: 24, 2: 25, 4: 26, 8: 27 }[size];
  let rest = n;
  for (let i = size; i >= 1; i--, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

/** The deterministic encoding of numbers, strings, Buffers, arrays, Maps and null. */
function encode(value) {
  if (value === null) return Buffer.from([0xf6]);
  if (typeof value === 'number' || typeof value === 'bigint') {
    return value >= 0 ? encodeHead(0, value) : encodeHead(1, -1n - BigInt(value));
  }
  if (typeof value === 'string') {
    const raw = Buffer.from(value, 'utf8');
    return Buffer.concat([encodeHead(3, raw.length), raw]);
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([encodeHead(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([encodeHead(4, value.length), ...value.map(encode)]);
  if (value instanceof Map) {
    const entries = [...value].map(([k, v]) => [encode(k), encode(v)]).sort((a, b) => Buffer.compare(a[0], b[0]));
    return Buffer.concat([encodeHead(5, entries.length), ...entries.flat()]);
  }
  throw new TypeError(`cannot encode ${typeof value}`);
}

module.exports = { Malformed, scan, member, encode, encodeHead };
