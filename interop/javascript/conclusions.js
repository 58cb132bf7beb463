// SPDX-License-Identifier: Apache-2.0
// What follows from the findings, each conclusion with its basis; and what the policy requires of them.
// Section 8 of the specification, "Conclusions"; section 8.8, "Required conclusions".
'use strict';

const { PRIVATE } = require('./roles');
const { CHECKS: RENEWAL_CHECKS } = require('./check-renewals');
const { carriesTimestamp } = require('./seal-timestamp');
const { carriesReceipts } = require('./receipt');

const LIFETIMES = ['re-derivable', 'persistent', 'saved-context', 'session'];
const RANK = { unproven: 0, vouched: 1, proven: 2 };
const SOUND = ['container.digest', 'container.refs'];
const QUOTE = ['form', 'signature', 'signer', 'binding', 'selection', 'bank', 'pcrs'].map((c) => `quote.${c}`);
const CERTIFY = ['form', 'signature', 'signer', 'binding', 'subject'];
const PIV = ['form', 'key', 'signature', 'usage', 'chain', 'revocation'].map((c) => `piv.${c}`);
const GENUINE = [...SOUND, 'ek.form', 'ek.certificate', 'ek.chain', 'ek.key'];
const AK = [...SOUND, 'ak.form', 'ak.attributes', 'ak.scheme'];
const RECORDS = ['ek.form', 'activation.made', 'activation.form'];
const JUDGED_BY = {
  'piv.revocation': 'piv-certificate', 'ek.revocation': 'ek-certificate', 'ak.revocation': 'ak-certificate',
  'cross.revocation': 'cross-certificate', 'binding.revocation': 'tpm-binding-certificate',
};

function weaker(...bases) {
  return bases.reduce((a, b) => (RANK[a] <= RANK[b] ? a : b));
}

class Conclusions {
  constructor(j) {
    this.j = j;
    this.byCheck = new Map();
    for (const f of j.findings) this.byCheck.set(f.check, [...(this.byCheck.get(f.check) ?? []), f]);
    this.drawn = [];
  }

  findings(check) {
    return this.byCheck.get(check) ?? [];
  }

  /** The check passed, and neither failed, nor was in doubt, nor was skipped for an item. */
  holds(check) {
    const all = this.findings(check);
    const spoilt = (f) => f.outcome === 'failed' || f.outcome === 'indeterminate'
      || (f.outcome === 'skipped' && f.items.some((l) => this.j.items.has(l) && !PRIVATE.includes(this.j.role(l))));
    return all.some((f) => f.outcome === 'passed') && !all.some(spoilt);
  }

  all(checks) {
    return checks.every((c) => this.holds(c));
  }

  clean(check) {
    return this.findings(check).every((f) => f.outcome !== 'failed' && f.outcome !== 'indeterminate');
  }

  unfailed(check) {
    return this.findings(check).every((f) => f.outcome !== 'failed');
  }

  ownIssuers() {
    const { j } = this;
    return j.withRole('piv-certificate').every((l) => !j.absent(l) && j.certificate(l).value?.selfIssued);
  }

  /** No fault or doubt of the check, and no withheld list or response that could speak against what it judges. */
  unrevoked(check) {
    const { j } = this;
    if (!this.clean(check)) return false;
    const judged = j.withRole(JUDGED_BY[check]);
    const above = new Set(judged);
    const climb = (label) => {
      for (const name of ['issuer', 'by']) {
        for (const next of j.refs(label, name)) {
          if (above.has(next)) continue;
          above.add(next);
          climb(next);
        }
      }
    };
    judged.forEach(climb);
    const anyIssuer = check === 'ek.revocation' || check === 'ak.revocation' || (check === 'piv.revocation' && !this.ownIssuers());
    const kept = j.withRole('crl', 'ocsp').filter((l) => j.absent(l));
    return !kept.some((l) => j.refs(l, 'issuer').some((i) => above.has(i) || (anyIssuer && j.role(i) === 'certificate-issuer')));
  }

  draw(id, basis, restsOn) {
    this.drawn.push({ id, basis, restsOn });
    return basis;
  }
}

/** The label, role and key of each pinned identity that sealed. */
function pinnedSigners(j) {
  return j.seals.filter((s) => s.outcome === 'passed' && j.pinned.has(`${s.signer.kind} ${s.signer.identity}`)).map((s) => s.signer);
}

function crossedBothWays(j) {
  const labels = (kind) => pinnedSigners(j).filter((s) => s.kind === kind).map((s) => s.label);
  return labels('openpgp').some((o) => labels('piv').some((p) =>
    j.crossed.some((c) => c.from === 'openpgp' && c.by === o && c.over === p)
    && j.crossed.some((c) => c.from === 'piv' && c.by === p && c.over === o)));
}

/** Whether `claimed` says one of the lifetimes of section 10.11, the same for every attestation key. */
function oneLifetime(j) {
  const said = j.withRole('ak-public').map((l) => j.items.get(l).claimed.get('lifetime')).map((n) => (n?.kind === 'text' ? n.value : null));
  return said.length > 0 && LIFETIMES.includes(said[0]) && said.every((s) => s === said[0]);
}

function conclude(j) {
  const c = new Conclusions(j);
  const given = (condition, basis) => (condition ? basis : 'unproven');
  const withheld = (role) => j.withRole(role).some((l) => j.absent(l));

  const sealedChecks = ['container.digest', 'seal.validity', 'seal.anchor', ...PIV];
  const issuersHere = !withheld('piv-certificate') && (!withheld('certificate-issuer') || c.ownIssuers());
  const sealing = c.all(sealedChecks.slice(0, 3)) && PIV.every((p) => c.clean(p)) && issuersHere && c.unrevoked('piv.revocation');
  const sealed = c.draw('identity.sealed', given(sealing, 'proven'), sealedChecks);
  const isSealed = sealed === 'proven';

  if (j.withRole('piv-attestation', 'openpgp-attestation').length) {
    const checks = ['container.refs', ...['form', 'chain', 'key', 'origin'].map((x) => `hardware.${x}`)];
    const signers = pinnedSigners(j);
    const stated = signers.every((s) => s.key?.same && j.attested.some((a) => a.certificate.key.same === s.key.same));
    c.draw('identity.hardware', given(isSealed && c.all(checks) && signers.length > 0 && stated, 'proven'), [...checks, ...sealedChecks]);
  }
  if (j.withRole('cross-signature', 'cross-certificate').length) {
    const checks = ['container.refs', 'cross.form', 'cross.signature', 'cross.key'];
    c.draw('identity.crossed', given(isSealed && c.all(checks) && c.unrevoked('cross.revocation') && crossedBothWays(j), 'proven'),
      [...checks, 'cross.revocation', ...sealedChecks]);
  }

  const isGenuine = c.all(GENUINE) && c.unrevoked('ek.revocation');
  c.draw('tpm.genuine', given(isGenuine, 'proven'), [...GENUINE, 'ek.revocation']);

  const aks = j.withRole('ak-public');
  const confirmed = c.all(['activation.confirmed', 'ek.template']) && isGenuine;
  const certified = aks.length > 0 && aks.every((l) => j.one(l, 'certificate', 'ak-certificate')) && c.holds('ak.certificate')
    && c.unrevoked('ak.revocation');
  const recorded = c.all(RECORDS) && ['activation.blob', 'activation.secret'].every((x) => c.unfailed(x)) && isSealed;
  let resident = 'unproven';
  if (c.all(AK)) resident = confirmed || certified ? 'proven' : given(recorded, 'vouched');
  let akChecks = [...AK, ...RECORDS, 'activation.blob', 'activation.secret', ...sealedChecks];
  if (resident === 'proven') {
    akChecks = confirmed ? [...AK, ...GENUINE, 'ek.revocation', 'ek.template', 'activation.confirmed']
      : [...AK, 'ak.certificate', 'ak.revocation'];
  }
  c.draw('ak.resident', resident, akChecks);

  const speakers = new Set(j.withRole('quote', 'certify', 'certify-creation').map((l) => j.refs(l, 'by').join()));
  const isOne = speakers.size <= 1 || (confirmed && resident === 'proven');
  const oneTpm = isOne ? resident : weaker(resident, given(recorded, 'vouched'));
  const oneChecks = isOne ? akChecks : [...akChecks, ...RECORDS, 'activation.blob', 'activation.secret', ...sealedChecks];
  const state = [...QUOTE, ...SOUND, 'container.binding'];
  c.draw('platform.state', given(c.all(state), oneTpm), [...state, ...oneChecks]);

  const keyChecks = ['key.form', 'key.attributes', 'key.scheme', 'key.certified', ...SOUND, 'container.binding'];
  if (j.withRole('certify').length) keyChecks.push(...CERTIFY.map((x) => `certify.${x}`));
  if (j.withRole('certify-creation').length) keyChecks.push(...CERTIFY.map((x) => `creation.${x}`));
  c.draw('key.resident', given(c.all(keyChecks), oneTpm), [...keyChecks, ...oneChecks]);

  if (j.withRole('tpm-binding-certificate').length) {
    const checks = ['container.refs', 'binding.form', 'binding.chain', 'binding.key', 'binding.contents'];
    const issuers = pinnedSigners(j).filter((s) => s.kind === 'piv').map((s) => s.label);
    const certificates = j.withRole('tpm-binding-certificate').filter((l) => issuers.includes(j.one(l, 'by')));
    const every = j.withRole('key-public').every((k) => certificates.some((l) => j.one(l, 'key') === k));
    c.draw('key.bound', given(isSealed && c.all(checks) && c.unrevoked('binding.revocation') && every && certificates.length > 0, 'proven'),
      [...checks, 'binding.revocation', ...sealedChecks]);
  }
  if (j.withRole('firmware-log').length) {
    const checks = [...state, 'log.form', 'log.replay'];
    const one = j.withRole('firmware-log').length === 1 && j.bootMeasured;
    c.draw('platform.boot', given(c.all(checks) && one, oneTpm), [...checks, ...oneChecks]);
  }

  const templates = j.withRole('ak-template');
  const every = aks.length > 0 && aks.every((a) => templates.some((t) => j.one(t, 'of') === a));
  const template = every && c.holds('ak.template') && !templates.some((t) => j.absent(t));
  const told = templates.length ? template : oneLifetime(j);
  c.draw('ak.lifetime', given(told && c.all(AK) && isSealed, 'vouched'), [...AK, 'ak.template', ...sealedChecks]);
  if (j.previous) {
    const checks = [...AK, 'previous.digest', 'previous.ak'];
    const same = c.draw('ak.same', given(c.all(checks), 'proven'), checks);
    c.draw('tpm.same', given(same === 'proven', oneTpm), [...checks, ...oneChecks]);
  }
  if (j.bundle.renewals.length) {
    const checks = RENEWAL_CHECKS.map((x) => `renewal.${x}`);
    const shown = checks.every((x) => (x === 'renewal.revocation' ? c.clean(x) : c.holds(x))) && j.renewals.holding.length > 0;
    c.draw('time.existed', given(shown, 'proven'), checks);
  }
  if (j.renewals.byBlocks.length) {
    const checks = ['block.form', 'block.known'];
    c.draw('time.mined', given(c.all(checks), 'proven'), checks);
  }
  const messages = j.messages.map((m) => m.value).filter(Boolean);
  for (const [id, check, carries] of [['time.sealed', 'timestamp', carriesTimestamp], ['seal.registered', 'receipt', carriesReceipts]]) {
    const checks = ['form', 'signature', check].map((x) => `seal.${x}`);
    if (messages.some(carries)) c.draw(id, given(c.all(checks), 'proven'), checks);
  }
  return c.drawn;
}

/** Step 11: each conclusion that the policy requires has the basis that is enough. */
function checkRequired(j, conclusions) {
  const required = Object.entries(j.policy.require ?? {});
  if (required.length === 0) j.add('policy.required', 'skipped', [], 'none is required');
  for (const [id, basis] of required) {
    const drawn = conclusions.find((c) => c.id === id);
    if (!drawn) j.add('policy.required', 'indeterminate', [], `${id} is not drawn`);
    else if (RANK[drawn.basis] >= RANK[basis]) j.add('policy.required', 'passed', [], id);
    else j.add('policy.required', drawn.restsOn.some((check) => j.has(check, 'failed')) ? 'failed' : 'indeterminate', [], id);
  }
}

module.exports = { conclude, checkRequired };
