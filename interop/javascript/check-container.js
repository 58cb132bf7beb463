// SPDX-License-Identifier: Apache-2.0
// Step 1, the container: container.* of checks.md.
'use strict';

const { hashOf } = require('./container');
const { TYPES, UNJUDGED, PRIVATE, BOUND, PLURAL, NEEDS, NAMES, KNOWN } = require('./roles');

const SNAPSHOT = 'tag:evidence-bundle,2026:snapshot';
const SNAPSHOT_ROLES = ['ak-public', 'quote', 'tpm-signature', 'pcr-values'];

function checkContainer(j) {
  const { manifest, content } = j.bundle;
  for (const [label, item] of j.items) {
    const record = content.get(label);
    const known = item.role in TYPES;
    if ((record && record.type !== item.type) || (known && TYPES[item.role] !== null && TYPES[item.role] !== item.type)) {
      j.add('container.types', 'failed', label, 'another media type');
    } else j.add('container.types', known && !UNJUDGED.includes(item.role) ? 'passed' : 'skipped', label, 'kept, not judged');
  }

  if (content.size === 0) j.add('container.digest', 'skipped', [], 'no content');
  for (const [label, record] of content) {
    const { digest, size } = j.items.get(label);
    const equal = record.value.length === size && hashOf(digest.alg, record.value).equals(digest.value);
    j.add('container.digest', equal ? 'passed' : 'failed', label);
  }

  let complete = true;
  for (const [label, item] of j.items) {
    const here = content.has(label);
    if (here && !item.detached) continue;
    complete = false;
    if (here) j.add('container.complete', 'failed', label, 'detached, and here');
    else {
      const skip = j.policy.allow_withheld || PRIVATE.includes(item.role);
      j.add('container.complete', skip ? 'skipped' : 'indeterminate', label, 'not here');
    }
  }
  if (complete) j.add('container.complete', 'passed');

  checkRefs(j);

  for (const name of manifest.unknown) j.add('container.profile', 'skipped', [], `member ${name} is kept, not judged`);
  if (manifest.profile !== SNAPSHOT) j.add('container.profile', 'indeterminate', [], 'unknown profile');
  else {
    const lacks = SNAPSHOT_ROLES.filter((role) => j.withRole(role).length === 0);
    j.add('container.profile', lacks.length ? 'failed' : 'passed', [], lacks.join(', '));
  }

  const free = j.withRole(...BOUND).filter((label) => !manifest.binding.over.includes(label));
  j.add('container.binding', free.length ? 'failed' : 'passed', free);
}

function checkRefs(j) {
  let known = 0;
  for (const [label, item] of j.items) {
    if (!(item.role in TYPES)) continue;
    known += 1;
    const table = NAMES[item.role] ?? {};
    const faults = [];
    for (const name of NEEDS[item.role] ?? []) if (!item.refs[name]) faults.push(`lacks ${name}`);
    for (const [name, labels] of Object.entries(item.refs)) {
      if (KNOWN.has(name) && labels.length > 1 && !PLURAL.includes(name)) faults.push(`${name} is plural`);
      if (table[name] && labels.some((l) => !table[name].includes(j.role(l)))) faults.push(`${name} of a wrong role`);
    }
    j.add('container.refs', faults.length ? 'failed' : 'passed', label, faults.join(', '));
  }
  if (known === 0) j.add('container.refs', 'skipped');
}

module.exports = { checkContainer };
