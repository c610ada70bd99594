import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { NewSecret, SecretsError, WriteReceipt } from '@finchat/secrets-core'
import {
  assertRejected,
  assertValue,
  canary,
  canUndo,
  member,
  reads,
  refusesBefore,
  register,
  rejects,
  valueOf,
  type Rules,
  type Suite,
  type Trial,
} from './trial.ts'

/** A write makes one new current version, or none. */
export function testWriting(suite: Suite): void {
  if (!suite.supports('put')) return
  const { numbering } = suite.manifest
  register(suite, putRules(suite))
  register(suite, firstOnlyRules)
  register(suite, numbering === 'assigned' ? assignedRules : comparisonRules)
  register(suite, concurrencyRules)
  if (numbering === undefined) return
  register(suite, numbersRules)
  if (numbering !== 'assigned') register(suite, chosenNumbersRules(suite))
  register(suite, raceForNumbersRules(suite))
  if (suite.supports('delete')) for (const purge of [false, true]) register(suite, numberAfterDeleteRule(purge))
}

const putRules = ({ supports }: Suite): Rules => ({
  'writing: a write creates a secret or a new current version, which its receipt names': async (trial) => {
    for (const n of [1, 2]) {
      const receipt = await put(trial, { value: trial.value(n) })
      const current = await trial.get(trial.path(1))
      assertValue(current, trial.value(n))
      assert.deepEqual(identityOf(receipt), identityOf(current), 'the receipt must equal what a read returns')
    }
    if (supports('getVersion')) assertValue(await member(trial, 'getVersion')(trial.path(1), 'previous', trial.context), trial.value(1))
  },

  'writing: a write changes no other path': async (trial) => {
    await trial.seed(trial.path(2), trial.value(2))
    await put(trial, { value: trial.value(1) })
    await reads(trial, trial.path(2), trial.value(2))
  },

  'writing: the same value again is a new version': async (trial) => {
    const first = await put(trial, { value: trial.value(1) })
    const second = await put(trial, { value: trial.value(1) })
    if (first.version !== undefined) assert.notEqual(second.version, first.version, 'put wrote no version for the same value')
    assert.deepEqual(identityOf(await trial.get(trial.path(1))), identityOf(second))
  },

  'writing: a map comes back with the same fields': async (trial) => {
    const fields = { user: 'app', password: `${canary}-1`, pin: '00123', port: '42', empty: '' }
    await put(trial, { value: JSON.stringify(fields), shape: 'map' })
    const secret = await trial.get(trial.path(1))
    assert.equal(typeof secret?.value, 'string')
    assert.deepEqual(JSON.parse(String(secret?.value)), fields)
    const says = trial.provider.keepsFields?.(trial.path(1)) ?? false
    assert.equal(says, secret?.shape === 'map', '`keepsFields` must agree with the shape of a read')
  },

  'writing: a write whose signal is already aborted rejects and writes nothing': async (trial) => {
    const signal = AbortSignal.abort()
    await rejects(member(trial, 'put')(trial.path(1), { value: trial.value(1) }, { signal }), 'ABORTED', 'DEADLINE_EXCEEDED')
    await reads(trial, trial.path(1), undefined)
  },
})

const firstOnlyRules: Rules = {
  'writing: `ifCurrent: null` writes only if there is no secret': async (trial) => {
    if (!(await canCompare(trial))) return
    await put(trial, { value: trial.value(1), ifCurrent: null })
    await rejects(put(trial, { value: trial.value(2), ifCurrent: null }), 'VERSION_CONFLICT')
    await reads(trial, trial.path(1), trial.value(1))
  },
}

const assignedRules: Rules = {
  'writing: a store that assigns numbers takes the number 1 for a first version only': async (trial) => {
    if (!(await canCompare(trial))) return
    assert.equal((await put(trial, { value: trial.value(1), version: 1 })).version, 1)
    await rejects(put(trial, { value: trial.value(2), version: 1 }), 'VERSION_CONFLICT')
    await reads(trial, trial.path(1), trial.value(1))
  },

  'writing: a store that assigns numbers rejects what it cannot compare with UNSUPPORTED, and writes nothing': async (trial) => {
    const first = await put(trial, { value: trial.value(1) })
    const others = [{ version: 2 }, { version: 3 }, { version: 2, ifCurrent: null }]
    for (const condition of [...others, ...[first, { revision: 'x' }, {}].map((ifCurrent) => ({ ifCurrent }))])
      await rejects(put(trial, { value: trial.value(2), ...condition }), 'UNSUPPORTED')
    await reads(trial, trial.path(1), trial.value(1))
  },
}

const comparisonRules: Rules = {
  'writing: a store without a comparison rejects every `ifCurrent` with UNSUPPORTED, and writes nothing': async (trial) => {
    if (await canCompare(trial)) return
    const first = await put(trial, { value: trial.value(1) })
    for (const ifCurrent of [null, first, { version: 1 }, { revision: 'x' }, {}])
      await rejects(put(trial, { value: trial.value(2), ifCurrent }), 'UNSUPPORTED')
    await reads(trial, trial.path(1), trial.value(1))
  },

  'writing: an `ifCurrent` that names no version writes nothing': async (trial) => {
    if (!(await canCompare(trial))) return
    for (const exists of [false, true]) {
      if (exists) await put(trial, { value: trial.value(1) })
      await rejects(put(trial, { value: trial.value(2), ifCurrent: {} }), 'VERSION_CONFLICT', 'INVALID_ARGUMENT')
      await reads(trial, trial.path(1), exists ? trial.value(1) : undefined)
    }
  },

  'writing: `ifCurrent` replaces the version that it names': async (trial) => {
    if (!(await canCompare(trial))) return
    const first = await put(trial, { value: trial.value(1) })
    const second = await put(trial, { value: trial.value(2), ifCurrent: first })
    for (const key of ['version', 'revision'] as const) {
      if (second[key] === undefined) continue
      const current = await trial.get(trial.path(1))
      await put(trial, { value: trial.value(3), ifCurrent: { [key]: current?.[key] } })
    }
    await reads(trial, trial.path(1), trial.value(second.version === undefined && second.revision === undefined ? 2 : 3))
  },

  'writing: `ifCurrent` of another version is a conflict and writes nothing': async (trial) => {
    if (!(await canCompare(trial))) return
    const first = await put(trial, { value: trial.value(1) })
    const second = await put(trial, { value: trial.value(2) })
    const mixed = second.version === undefined || first.revision === undefined ? [] : [{ ...first, version: second.version }]
    const cut = first.version === undefined ? [] : [{ version: first.version + 1 + 2 ** 32 }]
    for (const stale of [first, ...partsOf(first), ...mixed, ...cut])
      await rejects(put(trial, { value: trial.value(3), ifCurrent: stale }), 'VERSION_CONFLICT')
    await reads(trial, trial.path(1), trial.value(2))
    await rejects(put(trial, { value: trial.value(3), ifCurrent: first }, trial.path(2)), 'VERSION_CONFLICT')
    await reads(trial, trial.path(2), undefined)
  },

  'writing: one of several concurrent writers with the same `ifCurrent` wins': async (trial) => {
    if (!(await canCompare(trial))) return
    const first = await put(trial, { value: trial.value(1) })
    const writers = [2, 3, 4, 5]
    const settled = await Promise.allSettled(writers.map((n) => put(trial, { value: trial.value(n), ifCurrent: first })))
    const winners = writers.filter((_, index) => settled[index]?.status === 'fulfilled')
    assert.equal(winners.length, 1, `${winners.length} writers won`)
    for (const result of settled) if (result.status === 'rejected') assertRejected('put', result, 'VERSION_CONFLICT')
    await reads(trial, trial.path(1), trial.value(winners[0] ?? 0))
  },
}

const concurrencyRules: Rules = {
  'writing: concurrent writers without a condition get different versions': async (trial) => {
    const settled = await Promise.allSettled([1, 2, 3, 4].map((n) => put(trial, { value: trial.value(n) })))
    for (const result of settled) if (result.status === 'rejected') assertRejected('put', result, 'VERSION_CONFLICT')
    const receipts = settled.filter((result) => result.status === 'fulfilled').map(({ value }) => JSON.stringify(identityOf(value)))
    assert.ok(receipts.length > 0, 'at least one writer must succeed')
    if (receipts.every((receipt) => receipt === '{}')) return // the store has no identities
    assert.equal(new Set(receipts).size, receipts.length, 'two writes got the same version')
  },

  'writing: a concurrent reader sees the old version or the new one': async (trial) => {
    const receipts = new Map([[trial.value(0), await put(trial, { value: trial.value(0) })]])
    const state = { writing: true }
    const seen: Awaited<ReturnType<Trial['get']>>[] = []
    const reader = async (): Promise<void> => {
      while (state.writing) {
        seen.push(await trial.get(trial.path(1)))
        await turn() // a store that answers at once must not starve the writer
      }
    }
    const writer = async (): Promise<void> => {
      for (let n = 1; n <= 5; n += 1) receipts.set(trial.value(n), await put(trial, { value: trial.value(n) }))
    }
    await Promise.all([reader(), writer().finally(() => void (state.writing = false))])
    assert.ok(seen.length > 0)
    for (const secret of seen) assert.deepEqual(identityOf(secret), identityOf(receipts.get(String(valueOf(secret)))), 'a torn read')
  },
}

const numbersRules: Rules = {
  'writing: numbers are consecutive': async (trial) => {
    for (const n of [1, 2, 3]) assert.equal((await put(trial, { value: trial.value(n) })).version, n)
  },

  'writing: a number that is not a positive integer is refused before any call': async (trial) => {
    for (const version of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await refusesBefore(trial, () => put(trial, { value: trial.value(1), version }))
    }
    await reads(trial, trial.path(1), undefined)
  },
}

const chosenNumbersRules = ({ manifest }: Suite): Rules => ({
  'writing: a write may name the next number': async (trial) => {
    for (const n of [1, 2]) assert.equal((await put(trial, { value: trial.value(n), version: n })).version, n)
    await reads(trial, trial.path(1), trial.value(2))
  },

  'writing: a used number is a conflict that names the next, and writes nothing': async (trial) => {
    for (const n of [1, 2]) await put(trial, { value: trial.value(n) })
    for (const used of [1, 2]) assertNames(await rejects(put(trial, { value: trial.value(9), version: used }), 'VERSION_CONFLICT'), 3)
    await reads(trial, trial.path(1), trial.value(2))
    assert.equal((await put(trial, { value: trial.value(3) })).version, 3, 'a refused write must not use a number')
  },

  ...(manifest.numbering === 'any'
    ? {
        'writing: numbers may be skipped, and skipped numbers are not available afterwards': async (trial) => {
          assert.equal((await put(trial, { value: trial.value(1), version: 10 })).version, 10)
          assertNames(await rejects(put(trial, { value: trial.value(2), version: 9 }), 'VERSION_CONFLICT'), 11)
          assert.equal((await put(trial, { value: trial.value(2) })).version, 11)
        },
      }
    : {
        'writing: a number beyond the next is a conflict that names the next': async (trial) => {
          await put(trial, { value: trial.value(1) })
          assertNames(await rejects(put(trial, { value: trial.value(2), version: 10 }), 'VERSION_CONFLICT'), 2)
          await reads(trial, trial.path(1), trial.value(1))
        },
      }),
})

const raceForNumbersRules = ({ manifest }: Suite): Rules => ({
  'writing: one of several concurrent writers with the same number wins': async (trial) => {
    const isAssigned = manifest.numbering === 'assigned'
    if (isAssigned && !(await canCompare(trial))) return
    for (const version of isAssigned ? [1] : [1, 2, 3, 4, 5]) {
      const values = [1, 2, 3].map((n) => 10 * version + n)
      const settled = await Promise.allSettled(values.map((n) => put(trial, { value: trial.value(n), version })))
      const winners = values.filter((_, index) => settled[index]?.status === 'fulfilled')
      assert.equal(winners.length, 1, `${winners.length} writers won`)
      for (const result of settled) if (result.status === 'rejected') assertRejected('put', result, 'VERSION_CONFLICT')
      assert.equal((await trial.get(trial.path(1)))?.version, version)
      await reads(trial, trial.path(1), trial.value(winners[0] ?? 0))
    }
  },
})

const numberAfterDeleteRule = (purge: boolean): Rules => ({
  [`writing: the number of a ${purge ? 'purged' : 'deleted'} version is not used again`]: async (trial) => {
    if (!purge && !(await canUndo(trial))) return
    for (const n of [1, 2]) await put(trial, { value: trial.value(n) })
    await member(trial, 'delete')(trial.path(1), { purge }, trial.context)
    if (purge && (await isForgotten(trial))) return // a store that forgot the secret does not know its numbers
    const [again] = await Promise.allSettled([put(trial, { value: trial.value(3) })])
    if (again.status === 'fulfilled') assert.ok((again.value.version ?? 0) > 2, 'a number was used again')
    else assertRejected('put', again, 'DELETED')
  },
})

async function isForgotten(trial: Trial): Promise<boolean> {
  const [read] = await Promise.allSettled([trial.get(trial.path(1))])
  return read.status === 'fulfilled' && read.value === undefined
}

/** Whether the store compares with absence at least, or rejects that at another path with UNSUPPORTED. */
async function canCompare(trial: Trial): Promise<boolean> {
  const path = trial.path(9)
  const [settled] = await Promise.allSettled([put(trial, { value: trial.value(9), ifCurrent: null }, path)])
  if (settled.status === 'fulfilled') return true
  assertRejected('put', settled, 'UNSUPPORTED')
  await reads(trial, path, undefined)
  return false
}

function put(trial: Trial, secret: NewSecret, path: string = trial.path(1)): Promise<WriteReceipt> {
  return member(trial, 'put')(path, secret, trial.context)
}

/** Version and revision, each alone. */
function partsOf({ version, revision }: WriteReceipt): readonly WriteReceipt[] {
  return [...(version === undefined ? [] : [{ version }]), ...(revision === undefined ? [] : [{ revision }])]
}

export function identityOf(secret: WriteReceipt | undefined): WriteReceipt | undefined {
  return secret && { version: secret.version, revision: secret.revision }
}

function assertNames(error: SecretsError, next: number): void {
  assert.match(error.message, new RegExp(String.raw`\b${next}\b`), 'a conflict must name the next number')
}
