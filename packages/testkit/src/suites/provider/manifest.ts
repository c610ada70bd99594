import assert from 'node:assert/strict'
import type { OptionalMember } from '@finchat/secrets-core/provider'
import type { Breakage } from './harness.ts'
import { hostilePaths } from '../../leaks/hostile-paths.ts'
import { canUndo, register, type Rules, type Suite, type Trial } from './trial.ts'

/** A record, so that a member of the contract that is missing here fails to type-check. */
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
  probe: 'function',
  changes: 'function',
  checkHealth: 'function',
}

/** `failing`, `lost` and `garbled` are optional. */
const breakages: readonly Breakage[] = ['denied', 'unauthenticated', 'unreachable', 'hung', 'throttled', 'garbage']

/** The manifest is true, and the harness complete. */
export function testManifest(suite: Suite): void {
  register(suite, membersRules(suite))
  register(suite, locationsRules(suite))
  register(suite, failureModeRules(suite))
}

const membersRules = ({ manifest, supports }: Suite): Rules => ({
  'manifest: the provider has the declared members, and no others': async ({ provider }) => {
    assert.equal(provider.specificationVersion, 'v1')
    assert.ok(provider.name.length > 0, 'a provider has a name')
    assert.equal(typeof provider.get, 'function')
    for (const [member, type] of Object.entries(optionalMembers)) {
      const has = typeof provider[member as OptionalMember] === type // these are the keys of the record
      assert.equal(has, supports(member as OptionalMember), `\`${member}\`: the manifest and the provider disagree`)
    }
  },

  'manifest: limits of values, paths and numbers are consistent': async ({ path, seed, value, get }) => {
    const { minBytes, maxBytes } = manifest.values
    assert.ok(
      Number.isSafeInteger(minBytes) && Number.isSafeInteger(maxBytes) && minBytes >= 0 && minBytes <= maxBytes,
      '`values.minBytes` and `values.maxBytes` are integers, the first not above the second',
    )
    for (const n of [1, 2, 10]) assert.ok(manifest.canHoldPath(path(n)), `the store can hold path ${n} of the harness`)
    await seed(path(1), value(1))
    const isNumbered = (await get(path(1)))?.version !== undefined
    assert.ok(!isNumbered || manifest.numbering !== undefined, 'a manifest of a provider that numbers versions has a `numbering`')
    assert.ok(!supports('restore') || supports('delete'), 'a manifest with `restore` has `delete`')
  },
})

const locationsRules = ({ manifest }: Suite): Rules => ({
  'manifest: `locate` returns only paths that the store can hold': async ({ provider }) => {
    for (const name of hostilePaths) {
      const location = provider.locate?.(name)
      assert.ok(
        location === undefined || manifest.canHoldPath(location.path),
        `${JSON.stringify(name.slice(0, 40))} is located at a path that the store cannot hold`,
      )
      assert.deepEqual(provider.locate?.(name), location, '`locate` is pure')
    }
  },
})

const failureModeRules = ({ canHappen, cannotHappen }: Suite): Rules => ({
  'manifest: the harness can cause every failure, or gives the reason why it cannot happen': async (trial) => {
    for (const mode of [...breakages, 'withdrawn'] as const) {
      const isAble = mode === 'withdrawn' ? await canWithdraw(trial) : trial.harness.breakStore[mode] !== undefined
      assert.equal(isAble, canHappen(mode), `${mode}: the harness must cause it, or \`cannotHappen\` give the reason`)
      assert.ok(cannotHappen[mode] !== '', `${mode}: the reason is empty`)
    }
  },
})

/** A provider that deletes for good only cannot withdraw. */
async function canWithdraw(trial: Trial): Promise<boolean> {
  if (trial.harness.withdraw !== undefined) return true
  return trial.provider.delete !== undefined && canUndo(trial)
}
