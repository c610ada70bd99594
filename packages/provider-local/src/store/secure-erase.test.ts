import { execFileSync } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import type { SecretsError } from '@finchat/secrets-core'
import { describe, expect, test, vi } from 'vitest'
import type { LocalProvider } from '../local-provider.ts'
import { bytesOnDisk, context, failure, key, opened, otherKey, temporaryPath, within } from '../testing/temporary-store.ts'

vi.setConfig({ testTimeout: 120_000 }) // hundreds of writes, each to the disk

/** The ciphertexts in the store's rows. */
function ciphertexts(path: string): Buffer[] {
  const sqlite = new DatabaseSync(path)
  const rows = sqlite.prepare('SELECT sealed FROM secrets WHERE version > 0').all()
  sqlite.close()
  // the column is a BLOB in a STRICT table
  return rows.map(({ sealed }) => Buffer.from(sealed as Uint8Array))
}

/** Enough values of different lengths that SQLite splits pages and moves rows. */
async function grownStore(path: string, round: number): Promise<void> {
  await within(path, async (provider) => {
    for (let n = 0; n < 250; n++) {
      await provider.put(`service/${(n * 7919) % 97}`, { value: 'x'.repeat(20 + ((n * 31 + round * 17) % 400)) }, context)
    }
  })
}

const removals: Readonly<Record<string, (provider: LocalProvider) => Promise<unknown>>> = {
  're-encryption': (provider) => provider.reencrypt(),
  pruning: (provider) => provider.prune({ keepVersions: 1 }),
  purging: async (provider) => {
    for (let n = 0; n < 40; n++) await provider.delete(`service/${n}`, { purge: true }, context)
  },
}

describe('in a store with split pages', () => {
  for (const [what, remove] of Object.entries(removals)) {
    test(`${what} erases even nonces of what it removed, while the store stays open`, async () => {
      for (let round = 0; round < 4; round++) {
        const path = temporaryPath()
        await grownStore(path, round)
        const before = ciphertexts(path)
        await remove(opened(path, { keys: what === 're-encryption' ? [otherKey, key] : [key] }))
        const [kept, onDisk] = [ciphertexts(path), bytesOnDisk(path)]
        const removed = before.filter((ciphertext) => !kept.some((row) => row.equals(ciphertext)))
        expect(removed.length).toBeGreaterThan(30)
        expect(removed.filter((ciphertext) => onDisk.includes(ciphertext.subarray(0, 12)))).toEqual([])
      }
    })
  }
})

test('old ciphertext is erased from file and log while the store stays open', async () => {
  const path = temporaryPath()
  await within(path, async (provider) => {
    for (let n = 0; n < 3; n++) await provider.put('reencrypted', { value: 'r'.repeat(100) }, context)
    for (let n = 0; n < 3; n++) await provider.put('purged', { value: 'p'.repeat(10_000) }, context)
    for (let n = 0; n < 3; n++) await provider.put('pruned', { value: 'q'.repeat(100) }, context)
  })
  const before = ciphertexts(path)
  expect(before).toHaveLength(9)
  for (const ciphertext of before) expect(bytesOnDisk(path).includes(ciphertext.subarray(0, 64))).toBe(true)

  const provider = opened(path, { keys: [otherKey, key] })
  await provider.delete('purged', { purge: true }, context)
  await provider.prune({ keepVersions: 1, path: 'pruned' })
  await provider.reencrypt()
  const after = bytesOnDisk(path)
  for (const ciphertext of before) {
    for (let start = 0; start + 16 <= ciphertext.length; start += 997)
      expect(after.includes(ciphertext.subarray(start, start + 16))).toBe(false)
  }
})

test('purge, prune, discard and a pruning write each erase what they removed', async () => {
  const path = temporaryPath()
  const steps = [
    (provider: LocalProvider) => provider.delete('a', { purge: true }, context),
    (provider: LocalProvider) => provider.prune({ keepVersions: 1 }),
    async (provider: LocalProvider) => provider.staging.discard('a', (await provider.staging.get('a', context)) ?? {}, context),
    (provider: LocalProvider) => provider.put('a', { value: 'v3' }, context),
  ]
  for (const [index, step] of steps.entries()) {
    const before = await within(path, async (provider) => {
      for (const value of ['v1', 'v2']) await provider.put('a', { value }, context)
      if (index === 2) await provider.staging.put('a', { value: 'pending' }, context)
    }).then(() => ciphertexts(path))
    const provider = opened(path, index === 3 ? { keepVersions: 1 } : {})
    await step(provider)
    const left = bytesOnDisk(path)
    const removed = before.filter((ciphertext) => !left.includes(ciphertext))
    await provider.close()
    const rows = ciphertexts(path)
    expect(removed.length).toBeGreaterThan(0)
    for (const ciphertext of before) expect(left.includes(ciphertext.subarray(0, 20))).toBe(rows.some((row) => row.equals(ciphertext)))
  }
})

test('versions removed by default are erased from file and log after 16 such writes or on close', async () => {
  const path = temporaryPath()
  const fill = async (provider: LocalProvider): Promise<void> => {
    for (let n = 1; n <= 100; n++) await provider.put('name', { value: `v${n}` }, context)
  }
  await within(path, fill)
  const [first] = ciphertexts(path)
  const inFile = (): boolean => execFileSync('cat', [path]).includes(first ?? '')
  // another connection, since closing the last one empties the log anyway
  const [provider, kept] = [opened(path), opened(path)]
  await kept.get('name', context)
  expect(inFile()).toBe(true)
  for (let n = 1; n <= 16; n++) await provider.put('name', { value: 'new' }, context)
  expect([inFile(), bytesOnDisk(path).includes(first ?? '')]).toEqual([false, false])
  const [next] = ciphertexts(path)
  await provider.put('name', { value: 'new' }, context)
  await provider.close()
  expect(bytesOnDisk(path).includes(next ?? '')).toBe(false)
})

test('a long reader delays no write by default, and residue is erased once it has gone', async () => {
  const path = temporaryPath()
  // another connection, since closing the last one empties the log anyway
  const [provider, kept] = [opened(path), opened(path)]
  for (let n = 1; n <= 100; n++) await provider.put('name', { value: `v${n}` }, context)
  await kept.get('name', context)
  const [first] = ciphertexts(path)
  const reader = new DatabaseSync(path)
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM secrets').get() // as a tool that copies the log continuously
  const begun = performance.now()
  for (let n = 1; n <= 20; n++) await provider.put('name', { value: 'new' }, context)
  expect(performance.now() - begun).toBeLessThan(4_000)
  expect(bytesOnDisk(path).includes(first ?? '')).toBe(true)
  reader.close()
  await provider.put('other', { value: 'other' }, context)
  expect(bytesOnDisk(path).includes(first ?? '')).toBe(false)
})

describe('a reader that blocks emptying the log', () => {
  /**
   * The error of a purge whose caller gives up when the rows are removed and the log still holds
   * them.
   */
  async function givenUpOnceGone(path: string, provider: LocalProvider): Promise<SecretsError> {
    const giveUp = new AbortController()
    const purging = failure(provider.delete('name', { purge: true }, { signal: giveUp.signal }))
    await expect.poll(() => ciphertexts(path)).toEqual([])
    giveUp.abort()
    return purging
  }

  const late: Readonly<Record<string, (provider: LocalProvider) => Promise<unknown>>> = {
    'the next write': (provider) => provider.put('other', { value: 'other' }, context),
    closing: (provider) => provider.close(),
  }
  for (const [what, then] of Object.entries(late)) {
    test(`is waited for; if the signal fires first the effect is done, and ${what} erases the residue`, async () => {
      const path = temporaryPath()
      const provider = opened(path)
      // another connection, since closing the last one empties the log anyway
      const kept = opened(path)
      await provider.put('name', { value: 'value' }, context)
      await kept.get('name', context)
      const [row] = ciphertexts(path)
      const reader = new DatabaseSync(path)
      reader.exec('BEGIN; SELECT count(*) FROM secrets')
      reader.prepare('SELECT count(*) FROM secrets').get()
      const error = await givenUpOnceGone(path, provider)
      expect(error).toMatchObject({ code: 'ABORTED', effect: 'done' })
      expect(await provider.get('name', context)).toBeUndefined()
      expect(bytesOnDisk(path).includes(row ?? '')).toBe(true)
      reader.close()
      await then(provider)
      expect(bytesOnDisk(path).includes(row ?? '')).toBe(false)
    })
  }

  test('and outlives the process leaves the residue to the next process that writes', async () => {
    const path = temporaryPath()
    const [provider, later] = [opened(path), opened(path)]
    await provider.put('name', { value: 'value' }, context)
    const [row] = ciphertexts(path)
    const reader = new DatabaseSync(path)
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM secrets').get()
    await givenUpOnceGone(path, provider) // and never comes back
    reader.close()
    await later.put('other', { value: 'other' }, context)
    expect(bytesOnDisk(path).includes(row ?? '')).toBe(false)
  })
})
