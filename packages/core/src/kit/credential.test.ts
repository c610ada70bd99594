import { execFileSync } from 'node:child_process'
import { mkdtempSync, promises, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SecretsError } from '../errors/secrets-error.ts'
import { refusal } from '../testing/refusal.ts'
import { assertCredential, callSource, readCredential, withoutLineEnd } from './credential.ts'

const canary = 'canary-77aa-of-a-credential'
const { signal } = new AbortController()

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'secrets-credential-'))))
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

function file(content: string | Uint8Array): { readonly file: string } {
  const path = join(folder, 'token')
  writeFileSync(path, content)
  return { file: path }
}

async function codeOf(reading: Promise<unknown>): Promise<string> {
  const error = await refusal(reading)
  expect(`${error.message} ${JSON.stringify(error)}`).not.toMatch(new RegExp(`${canary}|${folder}`))
  return `${error.code}: ${error.problem}`
}

describe('readCredential', () => {
  it.each([
    ['a text', () => canary],
    ['a function', () => () => canary],
    ['a function that waits', () => async () => canary],
    ['a file', () => file(canary)],
    ['a file that ends in a line feed', () => file(`${canary}\n`)],
    ['a file that ends as on Windows', () => file(`${canary}\r\n`)],
    ['a file that begins with a byte order mark', () => file(`\ufeff${canary}\r\n`)],
    [
      'a link to a file',
      () => {
        symlinkSync(file(canary).file, join(folder, 'link'))
        return { file: join(folder, 'link') }
      },
    ],
  ])('reads %s', async (_, source) => {
    expect(await readCredential(source(), 'the token', signal)).toBe(canary)
  })

  it('reads a file again at each call', async () => {
    const source = file('first')
    const first = await readCredential(source, 'the token', signal)
    writeFileSync(source.file, 'second')
    expect([first, await readCredential(source, 'the token', signal)]).toEqual(['first', 'second'])
  })

  it('accepts PEM with remarks in another encoding, but no other such text', async () => {
    const pem = Buffer.concat([Buffer.of(0xe9), Buffer.from('\n-----BEGIN CERTIFICATE-----\n')])
    expect(await readCredential(file(pem), 'tls.ca', signal)).toContain('-----BEGIN')
    const latin1 = Buffer.concat([Buffer.from(canary), Buffer.of(0xe9)])
    expect(await codeOf(readCredential(file(latin1), 'the token', signal))).toBe('CONFIGURATION: the token is no text in UTF-8')
  })

  it.each([
    ['no text', () => ''],
    ['an empty file', () => file('')],
    ['a file with a line end alone', () => file('\n')],
    ['a file with a byte order mark alone', () => file('\ufeff')],
    ['a file that is not there', () => ({ file: join(folder, 'other') })],
  ])('is CREDENTIALS_MISSING for %s, so that a chain asks the next provider', async (_, source) => {
    expect(await codeOf(readCredential(source(), 'the token', signal))).toMatch(/^CREDENTIALS_MISSING: /)
  })

  it.each([
    [
      'a FIFO without a writer',
      () => {
        execFileSync('mkfifo', [join(folder, 'fifo')])
        return { file: join(folder, 'fifo') }
      },
    ],
    ['a device without an end', () => ({ file: '/dev/zero' })],
    ['an empty device', () => ({ file: '/dev/null' })],
    ['a folder', () => ({ file: folder })],
    [
      'a huge file',
      () => {
        const source = file('')
        truncateSync(source.file, 2 ** 40)
        return source
      },
    ],
    ['a lone surrogate', () => '\ud800'],
    ['a function that returns no text', () => () => 7 as unknown as string],
  ])('is CONFIGURATION for %s, so that a chain stops', async (_, source) => {
    expect(await codeOf(readCredential(source(), 'the token', signal))).toMatch(/^CONFIGURATION: /)
  })

  it.each([
    ['is no regular file', () => ({ file: folder }), 'the file of the token is not a regular file'],
    ['is too large', () => file('x'.repeat(65_537)), 'the file of the token is larger than 65536 bytes'],
  ])('says that the file %s', async (_, source, problem) => {
    expect(await codeOf(readCredential(source(), 'the token', signal))).toBe(`CONFIGURATION: ${problem}`)
  })

  it('is ABORTED if the signal is aborted before the file is read', async () => {
    expect((await refusal(readCredential(file(canary), 'the token', AbortSignal.abort()))).code).toBe('ABORTED')
  })

  it('overwrites the bytes of a file that is no UTF-8', async () => {
    const { from } = Buffer
    const copies: Buffer[] = []
    vi.spyOn(Buffer, 'from').mockImplementation((...args: unknown[]) => {
      const copy = Reflect.apply(from, Buffer, args) as Buffer<ArrayBuffer> // what Buffer.from returns
      copies.push(copy)
      return copy
    })
    const source = file(Uint8Array.of(0xe9, 0xe8, 0xe7))
    await refusal(readCredential(source, 'the token', signal))
    expect(copies.map((copy) => [...copy])).toContainEqual([0, 0, 0])
    expect(copies.map((copy) => [...copy])).not.toContainEqual([0xe9, 0xe8, 0xe7])
  })

  it.each(['EACCES', 'EIO'])('is CONFIGURATION for a file that cannot be read (%s)', async (code) => {
    vi.spyOn(promises, 'open').mockRejectedValue(Object.assign(new Error(canary), { code }))
    const error = await refusal(readCredential(file(canary), 'the token', signal))
    expect(error).toMatchObject({ code: 'CONFIGURATION', problem: 'the file of the token cannot be read', storeStatus: code })
  })

  it('keeps only a SecretsError that a function throws', async () => {
    const throwing = (): string => {
      throw new Error(canary)
    }
    expect(await codeOf(readCredential(throwing, 'the token', signal))).toBe('UNAVAILABLE: the function that gives the token failed')
    const ours = new SecretsError('RATE_LIMITED', 'too many')
    expect(await refusal(readCredential(async () => Promise.reject(ours), 'the token', signal))).toBe(ours)
  })

  it('waits for a function no longer than its signal', async () => {
    const controller = new AbortController()
    const waiting = readCredential(() => new Promise(() => {}), 'the token', controller.signal)
    controller.abort()
    expect((await refusal(waiting)).code).toBe('ABORTED')
  })
})

it('callSource returns what the function returns', async () => {
  expect(await callSource(async () => ({ user: 'bob' }), 'the login', signal)).toEqual({ user: 'bob' })
})

it('withoutLineEnd removes one line end', () => {
  expect(['a\n', 'a\r\n', 'a\n\n', 'a\r', 'a', '\n', ''].map(withoutLineEnd)).toEqual(['a', 'a', 'a\n', 'a\r', 'a', '', ''])
})

it('assertCredential accepts only sources', () => {
  for (const source of ['', 'text', { file: 'path' }, () => 'text']) expect(() => assertCredential(source, 'it')).not.toThrow()
  for (const other of [undefined, null, 7, {}, { file: '' }, { file: 7 }, ['text'], new URL('file:///x')]) {
    expect(() => assertCredential(other, 'the token')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  }
})

it('assertCredential takes no file from a polluted prototype', () => {
  Object.assign(Object.prototype, { file: '/run/secrets/theirs' })
  try {
    expect(() => assertCredential({}, 'the token')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  } finally {
    Reflect.deleteProperty(Object.prototype, 'file')
  }
})
