import { execFileSync, fork } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NameKeys } from './name-keys.ts'
import { erasedRowText, nameRowText, noticeText, rowsIn, trailsIn } from './name-rows.ts'
import { nameIdOf, openedName, pseudonymIn, sealedName } from './sealed-name.ts'

const folder = mkdtempSync(join(tmpdir(), 'audit-names-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const newFile = (): string => join(folder, `${count++}.key`)

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
)

describe('a sealed name', () => {
  it('is the same text for the same key, is opened by that key, and by no other', () => {
    fc.assert(
      fc.property(key, key, name, (own, other, text) => {
        const sealed = sealedName(own, text)
        expect([sealedName(own, text), openedName(own, sealed)]).toEqual([sealed, text])
        expect(pseudonymIn(sealed)).toBe(nameIdOf(own))
        if (!own.equals(other)) expect(openedName(other, sealed)).toBeUndefined()
      }),
    )
  })

  it('is none if a character of it is another one', () => {
    fc.assert(
      fc.property(key, name, fc.nat(), fc.constantFrom('A', '9', '_', ':'), (own, text, at, character) => {
        const sealed = sealedName(own, text)
        const start = 'sealed:'.length + 33
        const place = start + (at % (sealed.length - start))
        const altered = sealed.slice(0, place) + character + sealed.slice(place + 1)
        const opened = openedName(own, altered)
        // The last character of base64 has bits that mean nothing.
        if (altered !== sealed && place < sealed.length - 1) expect(opened).toBeUndefined()
      }),
    )
  })

  it('is none without its padding in full, so that no text opens under two keys as two names', () => {
    const own = Buffer.alloc(32, 1)
    const sealedPlain = (plain: Buffer): string => {
      const cipher = createCipheriv('aes-256-gcm', own, Buffer.alloc(12), { authTagLength: 16 }).setAAD(
        Buffer.from('finchat audit name v1'),
      )
      const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
      return `sealed:${nameIdOf(own)}:${sealed.toString('base64url')}`
    }
    const padded = (rest: Buffer): string => sealedPlain(Buffer.concat([Buffer.from('alice'), Buffer.from([0x80]), rest]))
    expect(openedName(own, padded(Buffer.alloc(26)))).toBe('alice')
    expect(openedName(own, padded(Buffer.alloc(58)))).toBeUndefined()
    expect(openedName(own, padded(Buffer.alloc(26, 'x')))).toBeUndefined()
  })

  it('tells of a name’s length no more than how many times 32 bytes it takes', () => {
    const own = Buffer.alloc(32, 1)
    const lengths = [0, 1, 31, 32, 63, 64].map((length) => sealedName(own, 'x'.repeat(length)).length)
    expect(new Set(lengths.slice(0, 3)).size).toBe(1)
    expect(new Set(lengths).size).toBe(3)
  })
})

describe('the rows of a file', () => {
  it('are read as they were written, whatever stands between them', () => {
    const noise = fc.constantFrom('', '\n', '   \n', '{"key":"', 'noise\n', '{"v":2}\n', '[]\n', '{"key":"AA","name":"x","v":1}\n')
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, fc.record({ name, key }))), noise, (parts, last) => {
        const content = Buffer.from(parts.map(([before, row]) => before + nameRowText(row)).join('') + last)
        const read = [...rowsIn(content)]
        expect(read.flatMap(({ row }) => row ?? [])).toEqual(parts.map(([, row]) => row))
        for (const { at, length, row } of read) {
          const text = content.toString('utf8', at, at + length)
          expect([text.includes('\n'), row === undefined || JSON.parse(text).name === row.name]).toEqual([false, true])
        }
      }),
    )
  })

  it.each([0, 1, 10, 60])('end where a process died, %i bytes before the end of the last', (missing) => {
    const rows = ['alice', 'bob'].map((text) => nameRowText({ name: text, key: Buffer.alloc(32, 7) }))
    const torn = Buffer.from(rows.join('').slice(0, -missing - 1))
    const names = [...rowsIn(Buffer.concat([torn, Buffer.from(nameRowText({ name: 'carol', key: Buffer.alloc(32, 8) }))]))]
    expect(names.flatMap(({ row }) => row?.name ?? [])).toEqual(missing === 0 ? ['alice', 'bob', 'carol'] : ['alice', 'carol'])
  })
})

describe('the keys of names', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('seal a name alike in each process and after a restart, in a file for its owner alone', async () => {
    const file = newFile()
    const [one, other] = [new NameKeys(file), new NameKeys(file)]
    const sealed = one.seal('alice')
    expect([other.seal('alice'), one.seal('alice'), new NameKeys(file).seal('alice')]).toEqual([sealed, sealed, sealed])
    expect(other.seal('bob')).toBe(one.seal('bob'))
    await one.synced
    expect([statSync(file).mode & 0o777, one.synced]).toEqual([0o600, undefined])
    expect(sealed).not.toContain('alice')
  })

  it('are on disk before a record under them counts, also those that another process wrote', async () => {
    const file = newFile()
    const [one, other] = [new NameKeys(file), new NameKeys(file)]
    one.seal('alice')
    expect(other.seal('alice')).toBe(one.seal('alice'))
    expect(other.synced).toBeInstanceOf(Promise)
    await other.synced
    expect(other.synced).toBeUndefined()
  })

  it('are synced again after that failed, for each record under them', async () => {
    const file = newFile()
    const keys = new NameKeys(file)
    keys.seal('alice')
    rmSync(file)
    for (let record = 0; record < 2; record++) await expect(keys.synced).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    writeFileSync(file, '')
    await expect(keys.synced).resolves.toBeUndefined()
    expect(keys.synced).toBeUndefined()
  })

  it('are forgotten within a minute once they are overwritten, and a name gets another one', () => {
    const file = newFile()
    const keys = new NameKeys(file)
    const [alice, bob] = [keys.seal('alice'), keys.seal('bob')]
    const content = readFileSync(file, 'utf8')
    vi.advanceTimersByTime(1_000)
    writeFileSync(
      file,
      content.replace(/.*alice.*/, (row) => ' '.repeat(row.length)),
    )
    expect(keys.seal('alice')).toBe(alice)
    vi.advanceTimersByTime(60_000)
    expect([keys.seal('bob'), keys.seal('alice') === alice]).toEqual([bob, false])
    expect(pseudonymIn(keys.seal('alice'))).not.toBe(pseudonymIn(alice))
  })

  it('are forgotten by a process that adds a name while others are overwritten', () => {
    const file = newFile()
    const keys = new NameKeys(file)
    const [alice, bob] = [keys.seal('alice'), keys.seal('bob')]
    const erased = readFileSync(file, 'utf8').replace(/.*alice.*/, (row) => erasedRowText(pseudonymIn(alice) ?? '', row.length))
    writeFileSync(file, erased)
    keys.seal('carol') // the file's time is now that of the own row
    appendFileSync(file, noticeText(Date.now()))
    expect([keys.seal('dave') === '', keys.seal('alice') === alice, keys.seal('bob')]).toEqual([false, false, bob])
  })

  it('are all forgotten with their file, also where that is gone while a name is added', () => {
    const file = newFile()
    const keys = new NameKeys(file)
    const alice = keys.seal('alice')
    rmSync(file)
    keys.seal('bob')
    expect(keys.seal('alice')).not.toBe(alice)
    expect(existsSync(file)).toBe(true)
  })

  it('go on behind a row that a process left unfinished', () => {
    const file = newFile()
    const keys = new NameKeys(file)
    keys.seal('alice')
    appendFileSync(file, '\n{"key":"AAAA')
    const bob = keys.seal('bob')
    expect(new NameKeys(file).seal('bob')).toBe(bob)
  })

  it('are bound to the trails of the process that adds the first, and refused for another', () => {
    const file = newFile()
    const [one, other] = ['0f8fad5b-d9cb-469f-a165-70867728950e', '7c9e6679-7425-40de-944b-e07fc1f90ae7']
    new NameKeys(file).seal('of no trail')
    const sealed = new NameKeys(file, () => [one]).seal('alice')
    expect([...trailsIn(readFileSync(file))]).toEqual([one])
    const sameTrail = new NameKeys(file, () => [one])
    sameTrail.assertOwn()
    expect([sameTrail.seal('alice'), new NameKeys(file).seal('alice')]).toEqual([sealed, sealed])
    const before = readFileSync(file)
    const strange = new NameKeys(file, () => [one, other])
    const refused = expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('another trail') })
    expect(() => strange.assertOwn()).toThrow(refused)
    expect(() => strange.seal('bob')).toThrow(refused)
    expect(readFileSync(file)).toEqual(before)
  })

  it('are bound again in a file that takes the place of a lost one', () => {
    const file = newFile()
    const keys = new NameKeys(file, () => ['of this trail'])
    keys.seal('alice')
    rmSync(file)
    for (const text of ['bob', 'carol']) keys.seal(text)
    expect([...trailsIn(readFileSync(file))]).toEqual(['of this trail'])
  })

  it('that cannot be written are AUDIT_FAILED, which names the file and no name', () => {
    const file = join(folder, 'none', 'names.key')
    const failed = (): string => new NameKeys(file).seal('alice@example.com')
    expect(failed).toThrow(expect.objectContaining({ code: 'AUDIT_FAILED', message: expect.stringContaining(file) }))
    expect(failed).not.toThrow(/alice/)
  })

  it('are no FIFO and no device: opening one could wait for ever', () => {
    const fifo = newFile()
    execFileSync('mkfifo', [fifo])
    for (const path of [fifo, '/dev/null']) {
      const refused = expect.objectContaining({ code: 'AUDIT_FAILED', message: expect.stringContaining('not a regular file') })
      expect(() => new NameKeys(path).seal('alice'), path).toThrow(refused)
    }
  })
})

it('of one name that ten processes add at once, one key seals it in all of them', async () => {
  const file = newFile()
  const program = join(import.meta.dirname, '../testing/name-process.ts')
  const children = Array.from({ length: 10 }, () =>
    fork(program, [file, 'alice', 'bob'], { execArgv: ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning'] }),
  )
  const sealed = await Promise.all(
    children.map(async (child) => {
      const [[texts]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
      return texts as string[]
    }),
  )
  expect(new Set(sealed.map((texts) => texts.join(' '))).size).toBe(1)
}, 60_000)
