import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ClaimsDirectory, FileDirectory } from '../../../central/people/directory.ts';
import { Fault } from '../../../protocol/fault.ts';
import { scratch } from '../../support/scratch.ts';

const claims = (subject: string, all: Record<string, unknown> = {}) => ({ issuer: 'https://i', subject, all });

test('groups and cloud identity come from the file; who is not in it is in no group', async (t) => {
  const file = path.join(scratch(t), 'people.json');
  const write = (people: unknown) => writeFileSync(file, JSON.stringify({ people }));
  write([
    { id: 'b', name: 'Ben', azureObjectId: '5A1F0C64-9D0E-4F6B-8A53-1C2D3E4F5A02', groups: ['leads'] },
    { id: 'a', name: 'Ann', groups: ['leads', 'sre'] },
  ]);
  const directory = new FileDirectory(file, 'https://i');
  await directory.reload();
  assert.deepEqual(
    directory.members('leads').map(({ name }) => name),
    ['Ann', 'Ben'],
  );
  assert.equal(directory.actor(claims('b', { groups: ['admins'], oid: 'x' })).principals.azure, '5a1f0c64-9d0e-4f6b-8a53-1c2d3e4f5a02');
  const stranger = directory.actor(claims('z', { name: 'Zoe', groups: ['leads'], oid: 'x' }));
  assert.deepEqual([stranger.person.name, stranger.groups, stranger.principals], ['Zoe', [], {}]);

  for (const [people, words] of [
    [[{ id: 'a' }], /people\.0\.name: is missing/],
    [
      [
        { id: 'a', name: 'A' },
        { id: 'a', name: 'B' },
      ],
      /"a" is there twice/,
    ],
    [[{ id: 'a', name: 'A', azureObjectId: 'x' }], /people\.0\.azureObjectId/],
    [[{ id: 'a', name: 'A', group: [] }], /people\.0\.group: is not known here/],
  ] as const) {
    write(people);
    await assert.rejects(directory.reload(), (error) => error instanceof Fault && words.test(error.message));
  }
  assert.equal(directory.members('leads').length, 2, 'a bad file leaves what was known');
});

test('without a file everything comes from named claims, and only from strings', () => {
  const directory = new ClaimsDirectory({ name: 'n', email: 'mail', groups: 'roles', azureObjectId: 'oid' });
  const ann = directory.actor(claims('a', { n: 'Ann', mail: 'a@x', roles: ['sre', 7, null], oid: 'OID' }));
  assert.deepEqual([ann.person, ann.groups, ann.principals], [{ id: 'a', name: 'Ann', email: 'a@x' }, ['sre'], { azure: 'oid' }]);
  assert.deepEqual(
    directory.members('sre').map(({ name }) => name),
    ['Ann'],
  );
  const odd = directory.actor(claims('b', { n: { x: 1 }, roles: 'sre', oid: 5 }));
  assert.deepEqual([odd.person.name, odd.groups, odd.principals], ['b', [], {}]);
  assert.equal(directory.find('nobody'), undefined);
});
