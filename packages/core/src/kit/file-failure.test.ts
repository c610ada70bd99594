import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { fileFailure, systemCode } from './file-failure.ts'

const failing = (code: unknown): Error => Object.assign(new Error('open /run/hunter2'), { code })

it.each([
  ['a missing file', () => open(join(import.meta.dirname, 'no-such-file')), 'missing'],
  ['a folder', () => readFile(import.meta.dirname), 'not-a-file'],
  ['a file as a folder', () => open(join(import.meta.filename, 'x')), 'not-a-folder'],
  ['a path with NUL', () => open('a\0b'), 'not-a-file'],
  ['a name too long', () => open(join(import.meta.dirname, 'x'.repeat(300))), 'name-too-long'],
  ['a file that is there', () => open(import.meta.filename, 'wx'), 'exists'],
])('tells %s', async (_, call, expected) => {
  expect(await call().catch(fileFailure)).toBe(expected)
})

it('knows an error of another realm, as Node.js gives under Jest', () => {
  const foreign: unknown = runInNewContext("Object.assign(new Error('open'), { code: 'ENOENT' })")
  expect([fileFailure(foreign), systemCode(foreign)]).toEqual(['missing', 'ENOENT'])
})

it.each([
  ['EACCES', 'denied'],
  ['EPERM', 'denied'],
  ['ERR_ACCESS_DENIED', 'denied'],
  ['EROFS', 'read-only'],
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'quota-used-up'],
  ['EFBIG', 'too-large'],
  ['EIO', 'input-output'],
  ['EMFILE', 'too-many-open'],
  ['ENFILE', 'too-many-open'],
  ['ELOOP', 'link-loop'],
  ['ENXIO', 'not-a-file'],
  ['ENODEV', 'not-a-file'],
  ['ENOTSUP', 'not-a-file'],
])('tells %s', (code, expected) => {
  expect(fileFailure(failing(code))).toBe(expected)
})

it.each([failing('ESOMETHING'), failing('constructor'), failing(2), new Error('x'), 'ENOENT', undefined])(
  'knows nothing of %s',
  (error) => {
    expect(fileFailure(error)).toBeUndefined()
  },
)

it('knows no code from a polluted prototype', () => {
  Object.assign(Object.prototype, { ESOMETHING: 'missing' })
  try {
    expect(fileFailure(failing('ESOMETHING'))).toBeUndefined()
  } finally {
    Reflect.deleteProperty(Object.prototype, 'ESOMETHING')
  }
})

it('returns a plausible code, and undefined for anything else', () => {
  const codes = ['ECONNREFUSED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'hunter2', 'E', 'E HUNTER2', 'X'.repeat(62), 7, undefined]
  expect(codes.map((code) => systemCode(failing(code)))).toEqual([
    'ECONNREFUSED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    ...Array.from({ length: 6 }, () => undefined),
  ])
  expect(systemCode({ code: 'ENOENT' })).toBeUndefined()
})
