import assert from 'node:assert/strict'
import type { OptionalMember } from '@finchat/secrets-core/provider'
import type { Breakage, FailureMode } from './harness.ts'
import { hostilePaths } from '../../leaks/hostile-paths.ts'
import type { Suite } from './trial.ts'

/** Listed by name, so that a member of the contract that is missing here fails to type-check. */
const optionalMembers: Record<OptionalMember, 'function' | 'object'> = {
  getVersion: 'function',
  getMany: 'function',
  describe: 'function',
  list: 'function',
  put: 'function',
  tag: 'function',
  delete: 'function',
  restore: 'function',
  staging: 'object',
  checkHealth: 'function',
}

const breakages: readonly Breakage[] = ['denied', 'unauthenticated', 'unreachable', 'hung', 'throttled', 'garbage']

/** The provider is what it says that it is. */
export function testStatement(suite: Suite): void {
  testMembers(suite)
  testLocations(suite)
  testFailureModes(suite)
}

function testMembers({ manifest, test, supports }: Suite): void {
  test('statement: it has the members that its manifest declares, and no others', async ({ provider }) => {
    assert.equal(provider.specificationVersion, 'v1')
    assert.ok(provider.name.length > 0, 'a provider has a name')
    assert.equal(typeof provider.get, 'function')
    for (const [member, type] of Object.entries(optionalMembers)) {
      const has = typeof provider[member as OptionalMember] === type // the record above has exactly these keys
      assert.equal(has, supports(member as OptionalMember), `\`${member}\`: the manifest and the provider disagree`)
    }
  })

  test('statement: what its manifest says of values, paths and numbers is consistent', async ({ path }) => {
    const { minBytes, maxBytes } = manifest.values
    assert.ok(
      Number.isSafeInteger(minBytes) && Number.isSafeInteger(maxBytes) && minBytes >= 0 && minBytes <= maxBytes,
      'the limits of values',
    )
    for (const n of [1, 2, 10]) assert.ok(manifest.canHoldPath(path(n)), `the harness's path ${n} is one that the store can hold`)
    assert.ok(
      !(supports('put') && supports('getVersion')) || manifest.numbering !== undefined,
      'numbered versions that can be written have a `numbering`',
    )
    assert.ok(!supports('restore') || supports('delete'), 'what can restore can delete')
  })
}

function testLocations({ manifest, test }: Suite): void {
  test('statement: it locates a name only at a path that its store can hold', async ({ provider }) => {
    for (const name of hostilePaths) {
      const location = provider.locate?.(name)
      assert.ok(
        location === undefined || manifest.canHoldPath(location.path),
        `${JSON.stringify(name.slice(0, 40))} is located where the store cannot hold it`,
      )
      assert.deepEqual(provider.locate?.(name), location, '`locate` is pure')
    }
  })
}

function testFailureModes({ test, canHappen, cannotHappen }: Suite): void {
  test('statement: the harness can bring about every failure mode, or says why it cannot happen', async ({ harness, provider }) => {
    const able = (mode: FailureMode): boolean =>
      (mode === 'withdrawn' ? (harness.withdraw ?? provider.delete) : harness.breakStore[mode]) !== undefined
    for (const mode of [...breakages, 'withdrawn'] as const) {
      assert.equal(able(mode), canHappen(mode), `${mode}: give either the way to bring it about or the reason in \`cannotHappen\``)
      assert.ok(cannotHappen[mode] !== '', `${mode}: the reason is empty`)
    }
  })
}
