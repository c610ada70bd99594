import { createHmac } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import { ChainKey, folderIdOf, parsedKey } from '../keys/key-chain.ts'
import { parsedState, readKey, stateText } from './folder-key.ts'
import { decodedKey, encodedKey } from '../keys/key-text.ts'
import { canonicalLine } from '../record/canonical.ts'
import { asSeal } from './segment-format.ts'
import { asIndexEntry, type EndedSegment, indexLine, isAuthentic, isLineAuthentic } from './index-line.ts'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { emptyFolder, linesIn, removeTestFolders, trailOf } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

afterAll(removeTestFolders)

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('the text of a key', () => {
  it('is base64url behind a prefix, and gives the key back', () => {
    fc.assert(
      fc.property(bytes, (key) => {
        const text = encodedKey(key)
        expect(text.toString('latin1')).toBe(`audit-key:${Buffer.from(key).toString('base64url')}`)
        expect(decodedKey(text)).toEqual(Buffer.from(key))
      }),
    )
  })

  it('is none if one character of it is another one, or is missing', () => {
    fc.assert(
      fc.property(bytes, fc.nat({ max: 52 }), fc.nat({ max: 255 }), (key, at, character) => {
        const text = Buffer.from(encodedKey(key))
        if (text[at] === character) return
        text[at] = character
        const decoded = decodedKey(text)
        expect(decoded === undefined || encodedKey(decoded).equals(text)).toBe(true)
        expect(decodedKey(text.subarray(0, -1))).toBeUndefined()
      }),
    )
  })

  it.each(['audit-key:', 'audit-key:é'.padEnd(53, 'A'), 'Ł'.repeat(53), 5, null, undefined])('is not %j', (text) => {
    expect(() => parsedKey(text)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it('may end in one line end, as a file or a variable does, and in nothing else', () => {
    const text = encodedKey(Buffer.alloc(32, 7)).toString('latin1')
    for (const end of ['\n', '\r\n']) {
      expect(parsedKey(Buffer.from(text + end)).equals(parsedKey(text))).toBe(true)
      expect(parsedKey(text + end).equals(parsedKey(text))).toBe(true)
    }
    for (const end of ['\n\n', ' ', '\r', '\n\r\n', '\r\r\n']) {
      expect(() => parsedKey(Buffer.from(text + end))).toThrow(/not an auditor's key .*without whitespace around it/)
      expect(() => parsedKey(text + end)).toThrow(/not an auditor's key .*without whitespace around it/)
    }
  })

  it('is left as it is where it was given as bytes', () => {
    const text = encodedKey(Buffer.alloc(32, 7))
    const before = Buffer.from(text)
    parsedKey(text).wipe()
    expect(text).toEqual(before)
  })
})

describe('a key of the chain', () => {
  it('makes what HMAC-SHA256 of Node.js makes', () => {
    const parts = fc.array(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 300_000 }), fc.constant('x'.repeat(90_000))),
    )
    fc.assert(
      fc.property(bytes, parts, (raw, data) => {
        const hmac = createHmac('sha256', raw).update('seal\0')
        for (const part of data) hmac.update(part)
        expect(new ChainKey(Uint8Array.from(raw)).mac('seal', ...data)).toEqual(hmac.digest())
      }),
      { numRuns: 30 },
    )
  })

  it('goes on as its derivations do, and is no use once it is overwritten', () => {
    const key = new ChainKey(new Uint8Array(32).fill(1))
    expect(key.later(3).equals(key.derived('next').derived('next').derived('next'))).toBe(true)
    key.wipe()
    for (const use of [() => key.mac('seal'), () => key.derived('next')]) expect(use).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  it('takes the bytes over that it is made of, and shows none of them', () => {
    const raw = new Uint8Array(32).fill(173)
    const key = new ChainKey(raw)
    expect(raw).toEqual(new Uint8Array(32))
    for (const shown of [inspect(key, { showHidden: true, depth: 9 }), JSON.stringify(key)]) expect(shown).not.toMatch(/173|ra2t|adad/)
  })
})

describe('the key file', () => {
  const state = fc.record({
    folder: fc.string({ unit: 'grapheme' }),
    step: fc.maxSafeNat(),
    live: fc.array(fc.maxSafeNat()),
    unused: fc.array(fc.maxSafeNat()),
  })

  it('gives back what was written, and its bytes hold no key then', () => {
    fc.assert(
      fc.property(state, bytes, (members, raw) => {
        const text = stateText({ ...members, key: new ChainKey(Uint8Array.from(raw)) })
        expect(JSON.parse(text.toString())).toEqual({ ...members, key: `audit-key:${Buffer.from(raw).toString('base64url')}`, v: 2 })
        const { key, ...read } = Object(parsedState(text))
        expect(read).toEqual(members)
        expect(key.equals(new ChainKey(Uint8Array.from(raw)))).toBe(true)
        expect(text.includes(Buffer.from(raw).toString('base64url').slice(0, 20))).toBe(false)
      }),
    )
  })

  it('is none, and no error, whatever else stands there', () => {
    const whole = stateText({ folder: 'f', step: 1, live: [], unused: [], key: new ChainKey(new Uint8Array(32)) })
    const cut = fc.nat({ max: whole.length - 2 }).map((end) => Buffer.from(whole.subarray(0, end)))
    const zeros = fc.nat({ max: whole.length - 2 }).map((end) => Buffer.from(whole).fill(0, 0, end + 1))
    const noise = fc.uint8Array().map((noised) => Buffer.from(noised))
    fc.assert(
      fc.property(fc.oneof(cut, zeros, noise), (text) => {
        expect(parsedState(text)).toBeUndefined()
      }),
    )
  })

  it('has nothing of its old content left where that stood on the disk, nor what was prepared and not put there', async () => {
    const { folder } = await trailOf(1)
    const { open } = await import('node:fs/promises')
    const old = await open(join(folder, 'key.json'), 'r')
    await advanceEpoch(folder, { ended: [] })
    expect((await old.readFile()).every((byte) => byte === 0)).toBe(true)
    await old.close()

    await writeFile(join(folder, 'key.json.new'), await readFile(join(folder, 'key.json')))
    const left = await open(join(folder, 'key.json.new'), 'r')
    const { key } = await readKey(folder)
    await advanceEpoch(folder, { ended: [] })
    expect((await left.readFile()).includes(key.text())).toBe(false)
    await left.close()
  })
})

describe('a folder that an earlier version made', () => {
  it('is refused for writing and for verifying, and it is said what to do', async () => {
    const { folder, key } = await trailOf(1)
    const older = (text: string): string => text.replaceAll('"v":2', '"v":1')
    for (const file of ['key.json', 'index.jsonl']) {
      const path = join(folder, file)
      await writeFile(path, older(await readFile(path, 'utf8')))
    }
    const isOlder = {
      code: 'CONFIGURATION',
      message: expect.stringMatching(/was made by an older version of this package \(keep it, and verify/),
    }
    await expect(advanceEpoch(folder, { ended: [] })).rejects.toMatchObject(isOlder)
    await expect(verifyAuditTrail(folder, { key })).rejects.toMatchObject(isOlder)
    await rm(join(folder, 'key.json'))
    await expect(verifyAuditTrail(folder, { key })).rejects.toMatchObject(isOlder)
  })
})

describe('the first key', () => {
  it('comes as bytes that are asked for, and says which folder it is for', async () => {
    const folder = await emptyFolder()
    const { folder: id, key } = await initAuditFolder(join(folder, 'a'), { keyAs: 'bytes' })
    expect(id).toBe(folderIdOf(parsedKey(key)))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(JSON.parse((await linesIn(join(folder, 'a', 'index.jsonl')))[0] ?? '')).toMatchObject({ folder: id, step: 0 })
    expect(await verifyAuditTrail(join(folder, 'a'), { key })).toMatchObject({ ok: true })
    expect(Buffer.from(key).toString('latin1')).toMatch(/^audit-key:[\w-]{43}$/)
  })

  it.each([{ keyAs: 'hex' }, { keyas: 'bytes' }, { keyAs: 5 }, null])('comes in no other form: %j', async (options) => {
    const folder = join(await emptyFolder(), 'a')
    await expect(Reflect.apply(initAuditFolder, undefined, [folder, options])).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })
})

it('a line of the index counts only as it is written, under the key of its step', () => {
  const count = fc.maxSafeNat()
  const found = fc.constantFrom<EndedSegment['found'][]>('ended', 'cut', 'missing', 'unused')
  const name = fc.constantFrom('2026-12-01', '2027-01-31-2', '9999-99-99-999999')
  const ended = fc.record({ step: count, bytes: count, group: count, records: count, torn: count, seals: fc.base64String(), found })
  const entry = fc.record(
    {
      v: fc.constant(2 as const),
      before: fc.base64String(),
      folder: fc.uuid(),
      step: count,
      time: count,
      host: fc.string({ unit: 'grapheme' }),
      pid: count,
      opens: fc.boolean(),
      ended: fc.array(ended, { maxLength: 3 }),
      cut: count,
      hold: fc.record({ isHeld: fc.boolean(), reason: fc.string({ unit: 'grapheme' }) }),
      successor: fc.record({ folder: fc.string({ unit: 'grapheme' }), name }),
      follows: fc.array(fc.record({ folder: fc.uuid(), name: fc.oneof(fc.constant(''), name), step: count }), {
        minLength: 1,
        maxLength: 3,
      }),
    },
    { requiredKeys: ['v', 'before', 'folder', 'step', 'time', 'host', 'pid', 'opens', 'ended'] },
  )
  const [key, other] = [new ChainKey(new Uint8Array(32).fill(1)), new ChainKey(new Uint8Array(32).fill(2))]
  const isOurs = (line: Buffer, by: ChainKey): boolean => {
    const read = asIndexEntry(line)
    const isLine = read !== undefined && isLineAuthentic(line, read.mac, by)
    expect(isLine).toBe(read !== undefined && isAuthentic(read, by))
    return isLine
  }
  fc.assert(
    fc.property(entry, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, at, change) => {
      const line = Buffer.from(indexLine(written, key))
      const { mac: _, ...read } = Object(asIndexEntry(line))
      expect(read).toEqual(written)
      expect([isOurs(line, key), isOurs(line, other)]).toEqual([true, false])
      line[at % line.length] = (line[at % line.length] ?? 0) ^ change
      expect(isOurs(line, key)).toBe(false)
    }),
  )
})

it.each([
  ['successor', { folder: 'f', name: '../elsewhere' }],
  ['successor', { folder: 'f', name: '' }],
  ['successor', { folder: 'f', name: '2026-12-01/..' }],
  ['successor', { folder: 5, name: '2026-12-01' }],
  ['follows', []],
  ['follows', [{ folder: 'f', name: '..', step: 1 }]],
  ['follows', [{ folder: 'f', name: '2026-12-01', step: -1 }]],
  ['hold', { isHeld: 'yes', reason: '' }],
])('no line of the index has as its %s %j', (member, value) => {
  const entry = { v: 2, folder: 'f', step: 1, time: 1, host: 'h', pid: 1, before: '', opens: false, ended: [], mac: '' }
  const lineWith = (more: object): Buffer => Buffer.from(canonicalLine({ ...entry, ...more }))
  expect([asIndexEntry(lineWith({})) === undefined, asIndexEntry(lineWith({ [member]: value }))]).toEqual([false, undefined])
})

it('a seal counts only as it is written', () => {
  const count = fc.maxSafeNat()
  const line = fc.tuple(fc.boolean(), count, fc.base64String(), count, count)
  fc.assert(
    fc.property(line, fc.nat(), fc.nat({ max: 255 }), ([end, group, mac, records, start], at, byte) => {
      const text = Buffer.from(
        `{${end ? '"end":true,' : ''}"group":${group},"kind":"seal","mac":"${mac.replaceAll(/[+/=]/g, '_')}","records":${records},"start":${start}}\n`,
      )
      expect(asSeal(text)).toMatchObject({ group, records, start })
      text[at % text.length] = byte
      const seal = asSeal(text)
      if (seal === undefined) return
      const { end: isEnd, group: own, mac: other, records: many, start: from } = seal
      const ownText = `{${isEnd === true ? '"end":true,' : ''}"group":${own},"kind":"seal","mac":"${other}","records":${many},"start":${from}}\n`
      expect(ownText).toBe(text.toString('latin1'))
    }),
  )
})
