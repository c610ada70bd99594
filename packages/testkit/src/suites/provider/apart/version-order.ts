import assert from 'node:assert/strict'
import type { StoredSecret, WriteReceipt } from '@finchat/secrets-core'
import { assertValue, member, reads, register, rejects, type Rules, type Suite, type Trial } from '../trial.ts'

/** The order of versions is that of their writes, and numbers are whole. */
export function testVersionOrder(suite: Suite): void {
  register(suite, manyVersionsRules(suite))
  if (!suite.supports('getVersion')) return
  if (suite.supports('put') && suite.manifest.numbering === 'any') register(suite, skippedRules)
  if (suite.supports('put', 'staging') && suite.manifest.numbering !== undefined) register(suite, discardedRules)
}

const manyVersionsRules = ({ supports, manifest }: Suite): Rules => ({
  'versions: the twelfth version is current, and the eleventh previous': async (trial) => {
    const numbers: (number | undefined)[] = []
    for (let n = 1; n <= 12; n += 1) {
      await trial.seed(trial.path(1), trial.value(n))
      numbers.push((await trial.get(trial.path(1)))?.version)
    }
    await reads(trial, trial.path(1), trial.value(12))
    await assertDescribed(trial, numbers.at(-1))
    if (!supports('getVersion')) return
    assertValue(await versionOf(trial, 'previous'), trial.value(11), 'getVersion')
    if (manifest.numbering === undefined) return
    for (const n of [2, 9, 10, 11]) {
      const number = numbers[n - 1]
      const secret = number === undefined ? undefined : await versionOf(trial, number)
      if (secret !== undefined || n === 11) assertValue(secret, trial.value(n), 'getVersion') // a store may forget old ones
    }
  },
})

async function assertDescribed({ provider, path, context }: Trial, number: number | undefined): Promise<void> {
  for (const key of ['describe', 'probe'] as const) {
    const answer = await provider[key]?.(path(1), context)
    assert.equal(answer === undefined ? number : answer.version, number, `${key} has another version than get`)
  }
}

function versionOf(trial: Trial, version: number | 'previous'): Promise<StoredSecret | undefined> {
  return member(trial, 'getVersion')(trial.path(1), version, trial.context)
}

const skippedRules: Rules = {
  'versions: `previous` is the former version, also if numbers were skipped': async (trial) => {
    for (const version of [1, 10, 100]) {
      await put(trial, version, version)
      await reads(trial, trial.path(1), trial.value(version))
    }
    const previous = await versionOf(trial, 'previous')
    assertValue(previous, trial.value(10), 'getVersion')
    assert.equal(previous?.version, 10)
    assert.equal(await versionOf(trial, 99), undefined, 'getVersion answered a number that was skipped')
  },

  'versions: a number of more than 32 bits is exact': async (trial) => {
    for (const [n, version] of large.entries()) assert.equal((await put(trial, n, version)).version, version)
    for (const [n, version] of large.entries()) {
      const secret = await versionOf(trial, version)
      assertValue(secret, trial.value(n), 'getVersion')
      assert.equal(secret?.version, version)
    }
    assert.equal((await trial.get(trial.path(1)))?.version, large.at(-1))
    await assertDescribed(trial, large.at(-1))
    assert.equal(await versionOf(trial, 2 ** 32 + 7), undefined, 'getVersion cut a number to 32 bits')
    await rejects(put(trial, 9, 7), 'VERSION_CONFLICT')
  },
}

const large = [7, 2 ** 31 + 1, 2 ** 32 + 1, 2 ** 40, 2 ** 53 - 2]

function put(trial: Trial, n: number, version?: number): Promise<WriteReceipt> {
  return member(trial, 'put')(trial.path(1), { value: trial.value(n), version }, trial.context)
}

const discardedRules: Rules = {
  'versions: `previous` is the former version, also if a staged one was discarded between': async (trial) => {
    await put(trial, 1)
    const { put: stage, discard } = member(trial, 'staging')
    await discard(trial.path(1), await stage(trial.path(1), { value: trial.value(2) }, trial.context), trial.context)
    await put(trial, 3)
    assertValue(await versionOf(trial, 'previous'), trial.value(1), 'getVersion')
  },
}
