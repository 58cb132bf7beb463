// SPDX-License-Identifier: Apache-2.0
// Verification of ML-DSA signatures with an empty context (FIPS 204, algorithms 3 and 8), for a runtime that has none.
'use strict';

const { createHash } = require('node:crypto');

const Q = 8380417;
const N = 256;
const D = 13;
// k, l, gamma1 as a power of two, gamma2, tau, beta, omega, bytes of the challenge
const SETS = {
  'ML-DSA-44': { k: 4, l: 4, gamma1: 17, gamma2: (Q - 1) / 88, tau: 39, beta: 78, omega: 80, lambda: 32 },
  'ML-DSA-65': { k: 6, l: 5, gamma1: 19, gamma2: (Q - 1) / 32, tau: 49, beta: 196, omega: 55, lambda: 48 },
  'ML-DSA-87': { k: 8, l: 7, gamma1: 19, gamma2: (Q - 1) / 32, tau: 60, beta: 120, omega: 75, lambda: 64 },
};

function shake(name, size, ...parts) {
  const hash = createHash(name, { outputLength: size });
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const mul = (a, b) => {
  // the product has up to 46 bits, which a double holds exactly
  return (a * b) % Q;
};

function power(base, exponent) {
  let out = 1;
  let b = base;
  for (let e = exponent; e > 0; e = Math.floor(e / 2)) {
    if (e % 2) out = mul(out, b);
    b = mul(b, b);
  }
  return out;
}

function reversed(i) {
  let out = 0;
  for (let b = 0; b < 8; b++) out |= ((i >> b) & 1) << (7 - b);
  return out;
}

const ZETAS = Array.from({ length: N }, (_, i) => power(1753, reversed(i)));

function ntt(polynomial) {
  const w = Float64Array.from(polynomial);
  let m = 0;
  for (let length = 128; length >= 1; length >>= 1) {
    for (let start = 0; start < N; start += 2 * length) {
      const zeta = ZETAS[++m];
      for (let j = start; j < start + length; j++) {
        const t = mul(zeta, w[j + length]);
        w[j + length] = (w[j] - t + Q) % Q;
        w[j] = (w[j] + t) % Q;
      }
    }
  }
  return w;
}

function inverseNtt(polynomial) {
  const w = Float64Array.from(polynomial);
  let m = N;
  for (let length = 1; length < N; length <<= 1) {
    for (let start = 0; start < N; start += 2 * length) {
      const zeta = Q - ZETAS[--m];
      for (let j = start; j < start + length; j++) {
        const t = w[j];
        w[j] = (t + w[j + length]) % Q;
        w[j + length] = mul(zeta, (t - w[j + length] + Q) % Q);
      }
    }
  }
  const scale = 8347681; // 256 to the power of -1
  return w.map((x) => mul(x, scale));
}

function unpack(bytes, width) {
  const out = new Array(N);
  let position = 0;
  let have = 0;
  let value = 0;
  for (let i = 0; i < N; i++) {
    while (have < width) {
      value += bytes[position++] * 2 ** have;
      have += 8;
    }
    out[i] = value % 2 ** width;
    value = Math.floor(value / 2 ** width);
    have -= width;
  }
  return out;
}

function expandA(rho, k, l) {
  const rows = [];
  for (let r = 0; r < k; r++) {
    const row = [];
    for (let s = 0; s < l; s++) {
      const polynomial = new Float64Array(N);
      const stream = shake('shake128', 1344, rho, Buffer.from([s, r]));
      let filled = 0;
      for (let i = 0; filled < N; i += 3) {
        const candidate = stream[i] | (stream[i + 1] << 8) | ((stream[i + 2] & 127) << 16);
        if (candidate < Q) polynomial[filled++] = candidate;
      }
      row.push(polynomial);
    }
    rows.push(row);
  }
  return rows;
}

function sampleInBall(seed, tau) {
  const stream = shake('shake256', 1024, seed);
  const c = new Array(N).fill(0);
  let position = 8;
  for (let i = N - tau; i < N; i++) {
    let j = stream[position++];
    while (j > i) j = stream[position++];
    c[i] = c[j];
    const bit = i + tau - N;
    c[j] = (stream[bit >> 3] >> (bit & 7)) & 1 ? Q - 1 : 1;
  }
  return c;
}

function unpackHints(bytes, k, omega) {
  const hints = Array.from({ length: k }, () => new Uint8Array(N));
  let index = 0;
  for (let i = 0; i < k; i++) {
    const end = bytes[omega + i];
    if (end < index || end > omega) return null;
    for (const first = index; index < end; index++) {
      if (index > first && bytes[index - 1] >= bytes[index]) return null;
      hints[i][bytes[index]] = 1;
    }
  }
  for (; index < omega; index++) if (bytes[index] !== 0) return null;
  return hints;
}

function useHint(hint, r, gamma2) {
  const m = (Q - 1) / (2 * gamma2);
  let low = r % (2 * gamma2);
  if (low > gamma2) low -= 2 * gamma2;
  let high;
  if (r - low === Q - 1) {
    high = 0;
    low -= 1;
  } else high = (r - low) / (2 * gamma2);
  if (!hint) return high;
  return low > 0 ? (high + 1) % m : (high - 1 + m) % m;
}

function packHigh(values, width) {
  const out = Buffer.alloc((N * width) / 8);
  let bit = 0;
  for (const value of values) {
    for (let b = 0; b < width; b++, bit++) out[bit >> 3] |= ((value >> b) & 1) << (bit & 7);
  }
  return out;
}

function verify(name, publicKey, message, signature) {
  const set = SETS[name];
  const { k, l, gamma2, tau, beta, omega, lambda } = set;
  const widthZ = set.gamma1 + 1;
  const gamma1 = 2 ** set.gamma1;
  if (publicKey.length !== 32 + 320 * k || signature.length !== lambda + l * 32 * widthZ + omega + k) return false;
  const challenge = signature.subarray(0, lambda);
  const z = [];
  for (let i = 0; i < l; i++) {
    const start = lambda + i * 32 * widthZ;
    const polynomial = unpack(signature.subarray(start, start + 32 * widthZ), widthZ).map((x) => gamma1 - x);
    if (polynomial.some((x) => Math.abs(x) >= gamma1 - beta)) return false;
    z.push(ntt(polynomial.map((x) => (x + Q) % Q)));
  }
  const hints = unpackHints(signature.subarray(signature.length - omega - k), k, omega);
  if (!hints) return false;
  const matrix = expandA(publicKey.subarray(0, 32), k, l);
  const tr = shake('shake256', 64, publicKey);
  const mu = shake('shake256', 64, tr, Buffer.from([0, 0]), message);
  const c = ntt(sampleInBall(challenge, tau));
  const packed = [];
  for (let i = 0; i < k; i++) {
    const t1 = ntt(unpack(publicKey.subarray(32 + 320 * i, 352 + 320 * i), 10).map((x) => x * 2 ** D));
    const sum = new Float64Array(N);
    for (let j = 0; j < N; j++) {
      let value = Q - mul(c[j], t1[j]);
      for (let s = 0; s < l; s++) value += mul(matrix[i][s][j], z[s][j]);
      sum[j] = value % Q;
    }
    const w = inverseNtt(sum);
    packed.push(packHigh(Array.from(w, (x, j) => useHint(hints[i][j], x, gamma2)), name === 'ML-DSA-44' ? 6 : 4));
  }
  return shake('shake256', lambda, mu, ...packed).equals(challenge);
}

module.exports = { verify };
