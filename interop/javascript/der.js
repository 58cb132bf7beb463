// SPDX-License-Identifier: Apache-2.0
// DER as certificates need it: definite, shortest lengths, nothing left over, bytes kept as they stand.
// Section 8.1 of the specification, "Reading"; ITU-T X.690.
'use strict';

class DerError extends Error {}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OID = 0x06;
const SEQUENCE = 0x30;
const SET = 0x31;

/** Reads one element after another of a buffer. */
class DerReader {
  constructor(data) {
    this.data = data;
    this.position = 0;
  }

  get done() {
    return this.position >= this.data.length;
  }

  peek() {
    return this.done ? -1 : this.data[this.position];
  }

  /** The next element, {tag, body, raw}; `tag` says which it must be. */
  next(tag = null) {
    const start = this.position;
    const at = (i) => {
      if (i >= this.data.length) throw new DerError('cut short');
      return this.data[i];
    };
    const found = at(start);
    if ((found & 31) === 31) throw new DerError('tag of several bytes');
    if (tag !== null && found !== tag) throw new DerError(`tag ${found.toString(16)} for ${tag.toString(16)}`);
    let length = at(start + 1);
    let body = start + 2;
    if (length === 0x80) throw new DerError('indefinite length');
    if (length > 0x80) {
      const count = length & 127;
      if (count > 4) throw new DerError('length too long');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + at(body + i);
      body += count;
      if (length < 128 || (count > 1 && length < 256 ** (count - 1))) throw new DerError('length not shortest');
    }
    if (body + length > this.data.length) throw new DerError('cut short');
    this.position = body + length;
    return { tag: found, body: this.data.subarray(body, body + length), raw: this.data.subarray(start, body + length) };
  }

  optional(tag) {
    return this.peek() === tag ? this.next(tag) : null;
  }

  end() {
    if (!this.done) throw new DerError('bytes left over');
  }
}

/** The one element that `data` is. */
function single(data, tag = null) {
  const reader = new DerReader(data);
  const element = reader.next(tag);
  reader.end();
  return element;
}

function children(element) {
  const reader = new DerReader(element.body);
  const out = [];
  while (!reader.done) out.push(reader.next());
  return out;
}

function integer(element) {
  const { body } = element;
  if (body.length === 0) throw new DerError('empty integer');
  if (body.length > 1 && ((body[0] === 0 && body[1] < 128) || (body[0] === 255 && body[1] >= 128))) {
    throw new DerError('integer not shortest');
  }
  const value = BigInt(`0x${body.toString('hex')}`);
  return body[0] >= 128 ? value - (1n << BigInt(8 * body.length)) : value;
}

function oid(element) {
  const { body } = element;
  if (body.length === 0 || body[body.length - 1] >= 128) throw new DerError('bad object identifier');
  const arcs = [];
  let arc = 0n;
  let fresh = true;
  for (const byte of body) {
    if (fresh && byte === 0x80) throw new DerError('object identifier not shortest');
    arc = (arc << 7n) | BigInt(byte & 127);
    fresh = byte < 128;
    if (fresh) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const first = arcs[0] < 40n ? 0n : arcs[0] < 80n ? 1n : 2n;
  return [first, arcs[0] - first * 40n, ...arcs.slice(1)].join('.');
}

function boolean(element) {
  if (element.body.length !== 1 || (element.body[0] !== 0 && element.body[0] !== 255)) throw new DerError('bad boolean');
  return element.body[0] === 255;
}

/** The bytes of a bit string that has no unused bits. */
function octetsOfBits(element) {
  if (element.body.length === 0 || element.body[0] !== 0) throw new DerError('bits left over');
  return element.body.subarray(1);
}

/** The numbers of the bits that are set in a named bit list. */
function bits(element) {
  const { body } = element;
  if (body.length === 0 || body[0] > 7 || (body.length === 1 && body[0] !== 0)) throw new DerError('bad bit string');
  const out = new Set();
  for (let i = 0; i < (body.length - 1) * 8; i++) {
    if (body[1 + (i >> 3)] & (128 >> (i & 7))) {
      if (i >= (body.length - 1) * 8 - body[0]) throw new DerError('unused bits that are set');
      out.add(i);
    }
  }
  return out;
}

/** UTCTime or GeneralizedTime in the forms of RFC 5280, as seconds since the epoch. */
function time(element) {
  const text = element.body.toString('latin1');
  let fields;
  if (element.tag === 0x17) {
    fields = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
    if (fields) fields[1] = String(Number(fields[1]) + (Number(fields[1]) < 50 ? 2000 : 1900));
  } else if (element.tag === 0x18) {
    fields = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  }
  if (!fields) throw new DerError('bad time');
  const [year, month, day, hour, minute, second] = fields.slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    throw new DerError('no such time');
  }
  return Math.floor(date.getTime() / 1000);
}

function encode(tag, ...parts) {
  const body = Buffer.concat(parts);
  let length;
  if (body.length < 128) length = Buffer.from([body.length]);
  else {
    const hex = body.length.toString(16);
    const raw = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
    length = Buffer.concat([Buffer.from([0x80 | raw.length]), raw]);
  }
  return Buffer.concat([Buffer.from([tag]), length, body]);
}

function encodeUnsigned(bytes) {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const rest = bytes.subarray(start);
  return encode(INTEGER, rest[0] >= 128 ? Buffer.from([0]) : Buffer.alloc(0), rest);
}

function encodeOid(text) {
  const arcs = text.split('.').map(BigInt);
  const out = [];
  for (const arc of [arcs[0] * 40n + arcs[1], ...arcs.slice(2)]) {
    const septets = [Number(arc & 127n)];
    for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) septets.unshift(Number(rest & 127n) | 128);
    out.push(...septets);
  }
  return encode(OID, Buffer.from(out));
}

module.exports = {
  DerError, DerReader, single, children, integer, oid, boolean, octetsOfBits, bits, time, encode, encodeUnsigned, encodeOid,
  INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE, SET,
};
