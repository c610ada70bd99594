import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createHash, randomBytes, scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { lengthPrefixed, unseal } from '@finchat/secrets-core/sealing'
import { timesInMemory } from '@finchat/secrets-test-servers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { referenceHkdf, referenceHmac } from './testing/reference-crypto.ts'
import { temporaryPath } from './testing/temporary-store.ts'

// Each starts a process, which takes time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

/** Keys derived from a user's key, by this test's own knowledge of the format. */
interface Derived {
  readonly id: string
  readonly values: Buffer
  readonly wrapping: Buffer
}

/** The file's header, and the index key as this key opens it. */
interface Opened extends Derived {
  readonly index: Buffer
  /** HKDF's intermediate key. */
  readonly extracted: Buffer
  readonly storeId: Buffer
}

function openedBy(path: string, root: (salt: Buffer) => Buffer): Opened {
  const sqlite = new DatabaseSync(path, { readOnly: true })
  // columns of BLOBs
  const row = sqlite.prepare('SELECT store_id, salt FROM store').get() as Record<string, Uint8Array>
  const [storeId, salt] = [Buffer.from(row['store_id'] ?? ''), Buffer.from(row['salt'] ?? '')]
  const made = root(salt)
  const derived = (purpose: string): Buffer => referenceHkdf(made, salt, Buffer.from(`finchat-secrets/local/2/${purpose}`), 32)
  const [id, values, wrapping] = [derived('id').toString('base64url'), derived('values'), derived('wrapping')]
  const wrapped = sqlite.prepare('SELECT wrapped FROM keys WHERE key_id = ?').get(id)?.['wrapped']
  sqlite.close()
  const data = lengthPrefixed(['finchat-secrets/local/index-key', 2, storeId, id])
  const index = unseal(wrapping, data, Buffer.from(wrapped as Uint8Array)) // a BLOB
  if (!index) throw new Error('the key does not open the index')
  return { id, values, wrapping, index, extracted: referenceHmac(salt, made), storeId }
}

/** The key of one version, derived and used and wiped. */
function versionKey({ id, values, storeId }: Opened, version: number): Buffer {
  const place = lengthPrefixed(['finchat-secrets/local/value', 2, storeId, 'name', version, id])
  return createHash('sha256')
    .update(Buffer.concat([Buffer.of(0, 0, 0, 1), values, place]))
    .digest()
}

/** Texts that may hold a key. */
function textsOf(key: Buffer): Buffer[] {
  const texts = [key.toString('hex'), key.toString('base64url'), key.toString('base64').slice(0, 42)]
  return texts.flatMap((text) => [Buffer.from(text), Buffer.from(text, 'utf16le')])
}

/** How often each key, and any text of one, is in the process's memory. A search takes a second. */
function copiesIn({ pid }: ChildProcessWithoutNullStreams, keys: readonly Buffer[], texts: readonly Buffer[] = keys.flatMap(textsOf)) {
  const times = timesInMemory(pid, [...keys, ...texts])
  return { keys: times.slice(0, keys.length), texts: times.slice(keys.length).filter((each) => each > 0).length }
}

interface Process {
  readonly child: ChildProcessWithoutNullStreams
  readonly path: string
  readonly next: () => Promise<string>
}

async function started(form: string, keys: readonly Buffer[]): Promise<Process> {
  const [path, script] = [temporaryPath(), join(import.meta.dirname, 'testing/keys-process.ts')]
  const inverted = keys.map((key) => Buffer.from(key.map((byte) => ~byte)).toString('hex'))
  const child = spawn(process.execPath, ['--conditions=@finchat/source', '--no-warnings', script, path, form, ...inverted])
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = async (): Promise<string> => {
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    return String(line)
  }
  expect(await said()).toBe('open')
  const next = (): Promise<string> => {
    child.stdin.write('\n')
    return said()
  }
  return { child, path, next }
}

// Other systems show no process the memory of another as a file.
describe.runIf(process.platform === 'linux')('the keys of a store in the memory of its process', () => {
  it.each(['bytes', 'hex', 'base64', 'key'])(
    'stand once each while it is open, and nowhere once it is closed or they are replaced, where the key is given as %s',
    async (form) => {
      const given = [randomBytes(32), randomBytes(32)] as const
      const { child, path, next } = await started(form, given)
      const old = keysOf(openedBy(path, () => given[0]))
      // a key given as text stays
      const texts = form === 'bytes' ? undefined : [...old].flatMap(textsOf)
      expect(copiesIn(child, [...old, ...given], texts)).toEqual({ keys: [1, 1, 1, 0, 0, 0, 0, 0], texts: 0 })
      expect(await next()).toBe('closed')
      expect(copiesIn(child, [...old, ...given], texts)).toEqual({ keys: [0, 0, 0, 0, 0, 0, 0, 0], texts: 0 })

      expect(await next()).toBe('replaced')
      const now = keysOf(openedBy(path, () => given[1]))
      expect(copiesIn(child, [...now, ...old, ...given], []).keys).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
      expect(await next()).toBe('closed again')
      expect(copiesIn(child, [...now, ...old, ...given], []).keys).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    },
  )

  it('hold nothing of a stretched passphrase', async () => {
    const phrases = [1, 2].map((n) => Buffer.from(`the passphrase number ${n}: ${randomBytes(12).toString('hex')}`))
    const { child, path, next } = await started('passphrase', phrases)
    let root = Buffer.alloc(0)
    const stretched = (salt: Buffer): Buffer => (root = scryptSync(phrases[0] ?? '', salt, 32, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 }))
    const keys = keysOf(openedBy(path, stretched))
    expect(copiesIn(child, [...keys, root])).toEqual({ keys: [1, 1, 1, 0, 0, 0, 0], texts: 0 })
    expect(await next()).toBe('closed')
    expect(copiesIn(child, [...keys, root])).toEqual({ keys: [0, 0, 0, 0, 0, 0, 0], texts: 0 })
  })
})

/**
 * The three keys of an open store, those they were derived from, and two version keys, which are
 * derived for each call.
 */
function keysOf(opened: Opened): readonly Buffer[] {
  return [opened.index, opened.values, opened.wrapping, opened.extracted, versionKey(opened, 1), versionKey(opened, 2)]
}
