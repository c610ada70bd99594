import { spawn } from 'node:child_process'
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { timesInMemory } from '@finchat/secrets-test-servers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { deriveKeyRing, overwriteKeyRing } from './sealed/key-ring.ts'

vi.setConfig({ testTimeout: 60_000 }) // processes are slow on a loaded machine

const purposes = ['entries', 'generations', 'announcements', 'index']

function subkeyOf(root: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, '', `finchat-secrets/cache-keyv/2/${purpose}`, 32))
}

test('subkeys equal HKDF-SHA256, and the given keys are overwritten', () => {
  const [first, second, indexRoot] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const expected = [
    ...purposes.slice(0, 3).flatMap((purpose) => [first, second].map((root) => subkeyOf(root, purpose))),
    subkeyOf(indexRoot, 'index'),
  ]
  const { seals, opens, index } = deriveKeyRing([first, second], indexRoot)
  const bytesOf = (kind: 'entries' | 'generations' | 'announcements'): Uint8Array[] =>
    opens.map(({ [kind]: key }) => (key instanceof Uint8Array ? key : key.export()))
  expect([...bytesOf('entries'), ...bytesOf('generations'), ...bytesOf('announcements'), index]).toEqual(expected)
  expect(seals).toBe(opens[0])
  for (const root of [first, second, indexRoot]) expect(root).toEqual(Buffer.alloc(32))
})

test('overwritten keys become random ones', () => {
  const keys = deriveKeyRing([randomBytes(32), randomBytes(32)], randomBytes(32))
  const bytesNow = (): string[] =>
    [
      ...[...keys.opens, ...keys.retired].flatMap(({ entries, announcements, generations }) => [
        entries,
        announcements,
        generations.export(),
      ]),
      keys.index,
    ].map((bytes) => Buffer.from(bytes).toString('hex'))
  const before = bytesNow()
  overwriteKeyRing(keys)
  const after = bytesNow()
  for (const each of after) expect([...before, '00'.repeat(32)]).not.toContain(each)
  expect(new Set(after).size).toBeGreaterThan(7)
})

// Other systems show no process the memory of another as a file.
describe.runIf(process.platform === 'linux')('the memory of a process that uses a cache', () => {
  /**
   * Occurrences of each text while the cache is used, after close(), and after a garbage
   * collection.
   */
  async function timesIn(
    form: 'bytes' | 'hex' | 'refused',
    key: Buffer,
    texts: readonly Buffer[],
  ): Promise<readonly (readonly number[])[]> {
    const hidden = Buffer.from(key.map((byte) => ~byte & 0xff)).toString('hex')
    const script = join(import.meta.dirname, 'testing/key-process.ts')
    const child = spawn(process.execPath, ['--conditions=@finchat/source', '--expose-gc', script, form, hidden])
    onTestFinished(() => void child.kill('SIGKILL'))
    const times: (readonly number[])[] = []
    for (const expected of ['used', 'closed', 'collected']) {
      const [line] = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
      expect(String(line).trim()).toBe(expected)
      times.push(timesInMemory(child.pid, texts))
      child.stdin.write('\n')
    }
    return times
  }

  test('holds no form of a key that was given as bytes, from the first use on', async () => {
    const key = randomBytes(32)
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(key).digest()
    const texts = [key.toString('hex'), key.toString('base64'), key.toString('base64url')]
    const forms = [key, extracted, ...texts.flatMap((text) => [Buffer.from(text), Buffer.from(text, 'utf16le')])]
    for (const times of await timesIn('bytes', key, forms)) expect(times).toEqual(forms.map(() => 0))
  })

  test('holds no key whose options were refused', async () => {
    const key = randomBytes(32)
    for (const times of await timesIn('refused', key, [key])) expect(times).toEqual([0])
  })

  test('holds a key that was given as text only in the text itself', async () => {
    const key = randomBytes(32)
    const [used, closed] = await timesIn('hex', key, [key, Buffer.from(key.toString('hex'))])
    expect(closed?.[0], 'the script keeps its own').toBe(1)
    expect(used?.[1]).toBeGreaterThan(0)
  })

  test('holds each subkey once until close(), and that of generations until it is collected', async () => {
    const key = randomBytes(32)
    const [used, closed, collected] = await timesIn(
      'bytes',
      key,
      purposes.map((purpose) => subkeyOf(key, purpose)),
    )
    expect(used).toEqual([1, 1, 1, 1])
    expect(closed?.filter((_, at) => purposes[at] !== 'generations')).toEqual([0, 0, 0])
    expect(collected).toEqual([0, 0, 0, 0])
  })
})
