// SPDX-License-Identifier: Apache-2.0
// Measurement logs as lists of events: TCG firmware logs, systemd's records, IMA lists in binary and ascii form. Facts only.
// Section 8.2 of the specification; TCG PC Client Platform Firmware Profile, section 10; RFC 7464; Linux, security/integrity/ima.
'use strict';

const { createHash } = require('node:crypto');
const { HASHES } = require('./tpm');

const EV_NO_ACTION = 3;
const SPEC_ID = Buffer.from('Spec ID Event03\0');
const LOCALITY = Buffer.from('StartupLocality\0');
const SHA1 = 0x04;
const ALG_NAMES = new Map(Object.entries(HASHES).map(([alg, [name]]) =>
  [name.replace(/^sm3$/, 'sm3_256').replace(/^sha3-/, 'sha3_'), Number(alg)]));

class LogError extends Error {}

class Reader {
  constructor(data) {
    this.data = data;
    this.position = 0;
  }

  take(size) {
    if (size > this.data.length - this.position) throw new LogError('cut short');
    this.position += size;
    return this.data.subarray(this.position - size, this.position);
  }

  number(size) {
    return this.take(size).readUIntLE(0, size);
  }
}

/** Behind the last event an area may be filled with ff or 00. */
function eventsEnd(data) {
  let end = data.length;
  for (const filler of [0xff, 0x00]) {
    let i = data.length;
    while (i > 0 && data[i - 1] === filler) i -= 1;
    end = Math.min(end, i);
  }
  return end;
}

function oldEvent(reader) {
  const [pcr, type] = [reader.number(4), reader.number(4)];
  const digest = reader.take(20);
  return { pcr, type, digests: new Map([[SHA1, digest]]), data: reader.take(reader.number(4)) };
}

function specId(data) {
  const reader = new Reader(data);
  reader.take(SPEC_ID.length + 4 + 4);
  const banks = new Map();
  const count = reader.number(4);
  for (let i = 0; i < count; i++) {
    const alg = reader.number(2);
    const size = reader.number(2);
    if (banks.has(alg) || size === 0 || (HASHES[alg] && HASHES[alg][1] !== size)) throw new LogError('algorithms of the header');
    banks.set(alg, size);
  }
  if (banks.size === 0) throw new LogError('no algorithm');
  reader.take(reader.number(1));
  if (reader.position !== data.length) throw new LogError('bytes behind the header');
  return banks;
}

function newEvent(reader, banks) {
  const [pcr, type, count] = [reader.number(4), reader.number(4), reader.number(4)];
  const digests = new Map();
  for (let i = 0; i < count; i++) {
    const alg = reader.number(2);
    if (!banks.has(alg) || digests.has(alg)) throw new LogError('algorithm of an event');
    digests.set(alg, reader.take(banks.get(alg)));
  }
  return { pcr, type, digests, data: reader.take(reader.number(4)) };
}

/** A firmware log: {banks, events: [{pcr, digests}] that are extended, localities}. */
function decodeFirmware(data) {
  const reader = new Reader(data);
  const end = eventsEnd(data);
  const all = [oldEvent(reader)];
  let banks = new Map([[SHA1, 20]]);
  const agile = all[0].type === EV_NO_ACTION && all[0].data.subarray(0, SPEC_ID.length).equals(SPEC_ID);
  if (agile) banks = specId(all[0].data);
  while (reader.position < end) all.push(agile ? newEvent(reader, banks) : oldEvent(reader));
  const said = all.filter((e) => e.type === EV_NO_ACTION && e.data.length === LOCALITY.length + 1
    && e.data.subarray(0, LOCALITY.length).equals(LOCALITY)).map((e) => e.data[LOCALITY.length]);
  return { banks: [...banks.keys()], events: all.filter((e) => e.type !== EV_NO_ACTION), locality: said[0] ?? 0 };
}

function hashAlg(value) {
  const alg = typeof value === 'number' ? value : ALG_NAMES.get(String(value).toLowerCase()) ?? Number(value);
  if (!Number.isInteger(alg) || alg < 0 || alg > 0xffff) throw new LogError('hashAlg');
  return alg;
}

/** `digests` of a record as a Map from TPM_ALG_ID to bytes. */
function recordDigests(record) {
  const out = new Map();
  if (!Array.isArray(record.digests)) throw new LogError('digests');
  for (const { hashAlg: name, digest } of record.digests) {
    const alg = hashAlg(name);
    if (typeof digest !== 'string' || !/^([0-9a-fA-F]{2})+$/.test(digest) || out.has(alg)) throw new LogError('digest');
    const value = Buffer.from(digest, 'hex');
    if (HASHES[alg] && value.length !== HASHES[alg][1]) throw new LogError('size of a digest');
    out.set(alg, value);
  }
  return out;
}

/** systemd's records: {banks, events}. */
function decodeUserspace(data) {
  if (data[0] !== 0x1e) throw new LogError('no record');
  const events = [];
  for (const part of data.toString('latin1').split('\x1e').slice(1)) {
    if (!part.endsWith('\n')) throw new LogError('a record without line feed');
    let record;
    try {
      record = JSON.parse(Buffer.from(part, 'latin1').toString('utf8'));
    } catch {
      throw new LogError('no JSON');
    }
    if (record === null || typeof record !== 'object' || Array.isArray(record)) throw new LogError('no object');
    const digests = recordDigests(record);
    const isPcr = Number.isInteger(record.pcr);
    if (!isPcr && record.nv_index === undefined && record.rtmr === undefined) throw new LogError('no PCR');
    if (isPcr) events.push({ pcr: record.pcr, digests });
  }
  return { banks: [...new Set(events.flatMap((e) => [...e.digests.keys()]))], events };
}

function u32le(n) {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(n);
  return out;
}

/** What template `ima` hashes: the digest and the name, filled up to 256 bytes. */
function oldTemplateData(digest, fileName) {
  return Buffer.concat([digest, fileName, Buffer.alloc(Math.max(0, 256 - fileName.length))]);
}

const TEMPLATES = {
  ima: 'd n', 'ima-ng': 'd-ng n-ng', 'ima-sig': 'd-ng n-ng sig', 'ima-ngv2': 'd-ngv2 n-ng', 'ima-sigv2': 'd-ngv2 n-ng sig',
  'ima-buf': 'd-ng n-ng buf', 'ima-modsig': 'd-ng n-ng sig d-modsig modsig',
  'evm-sig': 'd-ng n-ng evmsig xattrnames xattrlengths xattrvalues iuid igid imode',
};
const FIELDS = new Set(Object.values(TEMPLATES).flatMap((fields) => fields.split(' ')));

/** Whether a name is a template of the kernel, or spells out fields of such. */
function isTemplate(name) {
  return Object.hasOwn(TEMPLATES, name) || name.split('|').every((field) => FIELDS.has(field));
}

function binaryEntry(reader, digestSize) {
  const pcr = reader.number(4);
  const digest = reader.take(digestSize);
  const name = reader.take(reader.number(4)).toString('latin1');
  if (!/^[\x21-\x7e]{1,255}$/.test(name)) throw new LogError('name of a template');
  if (reader.position - name.length === 8 + digestSize && !isTemplate(name)) throw new LogError('template of the first entry');
  if (pcr > 31) throw new LogError('no PCR');
  if (name === 'ima') {
    const file = reader.take(20);
    return { pcr, digest, hashed: oldTemplateData(file, reader.take(reader.number(4))) };
  }
  const hashed = reader.take(reader.number(4));
  if (reader.position - hashed.length === 12 + digestSize + name.length) fieldsOf(hashed, TEMPLATES[name]?.split(' ') ?? name.split('|'));
  return { pcr, digest, hashed };
}

/** The fields of template data, each with its length before it. */
function fieldsOf(data, names) {
  const reader = new Reader(data);
  for (let i = 0; i < names.length; i++) reader.take(reader.number(4));
  if (reader.position !== data.length) throw new LogError('bytes behind the fields');
}

function fieldOf(kind, text) {
  if (kind === 'd-ng') {
    const colon = text.lastIndexOf(':');
    if (colon < 0) throw new LogError('no algorithm');
    return Buffer.concat([Buffer.from(`${text.slice(0, colon + 1)}\0`, 'latin1'), hexadecimal(text.slice(colon + 1))]);
  }
  if (kind === 'n-ng') return Buffer.concat([Buffer.from(text, 'latin1'), Buffer.from([0])]);
  return hexadecimal(text);
}

function hexadecimal(text) {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new LogError('no hexadecimal digits');
  return Buffer.from(text, 'hex');
}

const ASCII_TEMPLATES = { 'ima-ng': ['d-ng', 'n-ng'], 'ima-sig': ['d-ng', 'n-ng', 'sig'] };

function asciiEntry(line) {
  const found = /^ ?(\d+) ([0-9a-f]+) (\S+) (.*)$/.exec(line);
  if (!found || Number(found[1]) > 31 || found[2].length % 2) throw new LogError('line');
  const [, pcr, digest, name, rest] = found;
  const entry = { pcr: Number(pcr), digest: Buffer.from(digest, 'hex'), ascii: true, hashed: null };
  const fields = ASCII_TEMPLATES[name];
  if (name === 'ima') {
    const space = rest.indexOf(' ');
    entry.hashed = oldTemplateData(hexadecimal(rest.slice(0, space)), Buffer.from(rest.slice(space + 1), 'latin1'));
  } else if (fields) {
    const first = rest.indexOf(' ');
    let values = [rest.slice(0, first), rest.slice(first + 1)];
    const last = values[1].lastIndexOf(' ');
    if (fields.length === 3) values = [values[0], values[1].slice(0, last), values[1].slice(last + 1)];
    entry.hashed = Buffer.concat(fields.flatMap((kind, i) => {
      const value = fieldOf(kind, values[i]);
      return [u32le(value.length), value];
    }));
  }
  return entry;
}

/** An IMA list: {digestSize, entries: [{pcr, digest, hashed}]}. */
function decodeIma(data) {
  if (data.length === 0) throw new LogError('no entry');
  if (/^ ?\d/.test(data.subarray(0, 2).toString('latin1'))) {
    const text = data.toString('latin1');
    if (!text.endsWith('\n')) throw new LogError('cut short');
    const entries = text.slice(0, -1).split('\n').map(asciiEntry);
    const digestSize = entries[0].digest.length;
    if (entries.some((e) => e.digest.length !== digestSize)) throw new LogError('sizes of digests');
    return { digestSize, entries };
  }
  let fault = null;
  for (const digestSize of [20, 32, 48, 64]) {
    try {
      const reader = new Reader(data);
      const entries = [];
      while (reader.position < data.length) entries.push(binaryEntry(reader, digestSize));
      return { digestSize, entries };
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      fault = error;
    }
  }
  throw fault;
}

/** `extend` of a PCR value by a digest. */
function extend(bank, value, digest) {
  return createHash(HASHES[bank][0]).update(value).update(digest).digest();
}

module.exports = { LogError, decodeFirmware, decodeUserspace, decodeIma, recordDigests, hashAlg, extend };
