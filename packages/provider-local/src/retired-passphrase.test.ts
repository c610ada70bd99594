import { createDecipheriv, scryptSync } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { lengthPrefixed } from '@finchat/secrets-core/sealing'
import { expect, test, vi } from 'vitest'
import { referenceHkdf } from './testing/reference-crypto.ts'
import { bytesOnDisk, context, opened, otherKey, temporaryPath, within } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 180_000 }) // scrypt is slow by design

const passphrases = ['the old passphrase of the company, 1998', 'the next passphrase of the company, 1999'] as const

/** What whoever has the file can compute from a guessed passphrase. */
interface Guess {
  readonly derived: readonly Buffer[]
  readonly id: Buffer
  readonly wrapping: Buffer
  readonly storeId: Buffer
}

function guess(path: string, passphrase: string): Guess {
  const sqlite = new DatabaseSync(path, { readOnly: true })
  // the columns that are used are BLOBs
  const row = sqlite.prepare('SELECT * FROM store').get() as Record<string, Uint8Array>
  sqlite.close()
  const [storeId, salt] = [Buffer.from(row['store_id'] ?? ''), Buffer.from(row['salt'] ?? '')]
  const root = scryptSync(passphrase, salt, 32, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 })
  const of = (purpose: string): Buffer => referenceHkdf(root, salt, Buffer.from(`finchat-secrets/local/2/${purpose}`), 32)
  const [id, values, wrapping] = [of('id'), of('values'), of('wrapping')]
  return { derived: [root, id, values, wrapping], id, wrapping, storeId }
}

/**
 * The first halves of all that is derived, as bytes and as text: half an id is enough to test a
 * guess.
 */
function traces({ derived }: Guess): Buffer[] {
  return derived.flatMap((each) => [
    each.subarray(0, 8),
    each.subarray(24),
    ...(['hex', 'base64url'] as const).map((encoding) => Buffer.from(each.toString(encoding).slice(0, 12))),
  ])
}

/** How many places of the file the guess opens: the index key wrapped for it. */
function opensAt(file: Buffer, { id, wrapping, storeId }: Guess): number {
  const data = lengthPrefixed(['finchat-secrets/local/index-key', 2, storeId, id.toString('base64url')])
  let places = 0
  for (let at = 0; at + 60 <= file.length; at++) {
    const decipher = createDecipheriv('aes-256-gcm', wrapping, file.subarray(at, at + 12), { authTagLength: 16 })
    decipher.setAAD(data).setAuthTag(file.subarray(at + 12, at + 28))
    decipher.update(file.subarray(at + 28, at + 60))
    try {
      decipher.final()
      places++
    } catch {
      // Nothing here belongs to the guess.
    }
  }
  return places
}

function isTestable(path: string, passphrase: string): { readonly traces: number; readonly places: number } {
  const [file, known] = [bytesOnDisk(path), guess(path, passphrase)]
  return { traces: traces(known).filter((trace) => file.includes(trace)).length, places: opensAt(file, known) }
}

async function fill(path: string, ...keys: readonly (string | Uint8Array)[]): Promise<void> {
  await within(
    path,
    async (provider) => {
      for (let n = 0; n < 12; n++) await provider.put(`secret/${n % 4}`, { value: `value ${n}` }, context)
      await provider.put('purged', { value: 'gone' }, context)
      await provider.delete('purged', { purge: true }, context)
      await provider.staging.put('secret/1', { value: 'pending' }, context)
      await provider.staging.discard('secret/1', (await provider.staging.get('secret/1', context)) ?? {}, context)
      await provider.staging.put('secret/1', { value: 'pending' }, context)
      await provider.put('withdrawn', { value: 'gone' }, context)
      await provider.delete('withdrawn', { purge: false }, context)
    },
    { keys },
  )
}

test('after a passphrase is replaced, file and log do not help to test a guess of it', async () => {
  const path = temporaryPath()
  const [old, next] = passphrases
  await fill(path, old)
  const before = isTestable(path, old)
  expect(before.traces).toBeGreaterThan(0)
  expect(before.places).toBeGreaterThan(0)

  const provider = opened(path, { keys: [next, old] })
  await provider.reencrypt()
  expect(isTestable(path, old)).toEqual({ traces: 0, places: 0 }) // with its log, while it is open
  expect(isTestable(path, next).places).toBe(1)
  await provider.put('secret/1', { value: 'new' }, context)
  await provider.close()
  expect(isTestable(path, old)).toEqual({ traces: 0, places: 0 })

  const last = opened(path, { keys: [otherKey, next] })
  await last.reencrypt()
  for (const each of passphrases) expect(isTestable(path, each)).toEqual({ traces: 0, places: 0 })
  expect((await last.get('secret/3', context))?.value).toBe('value 11')
})
