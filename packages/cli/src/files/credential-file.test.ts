import { chmodSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { assertCredentialFile, mayBeCredential } from './credential-file.ts'

function errorOf(folder: string, name: string): SecretsError {
  try {
    assertCredentialFile('local.key', { name, folder }, 'bring it')
  } catch (error) {
    if (SecretsError.isInstance(error)) return error
  }
  throw new Error('it threw no SecretsError')
}

it('takes a regular file, by a link too', () => {
  const folder = makeProject({ key: '' })
  symlinkSync('key', join(folder, 'link'))
  for (const name of ['key', 'link', join(folder, 'key')])
    expect(() => assertCredentialFile('local.key', { name, folder }, '')).not.toThrow()
})

it.each([
  ['none', 'CREDENTIALS_MISSING', 'does not exist'],
  ['key/below', 'CREDENTIALS_MISSING', 'does not exist'],
  ['.', 'CONFIGURATION', 'is not a regular file'],
  ['loop', 'CONFIGURATION', 'cannot be read'],
  ['a\0b', 'CONFIGURATION', 'cannot be read'],
])('says of %j why it cannot be had, and where it should be', (name, code, why) => {
  const folder = makeProject({ key: '' })
  symlinkSync('loop', join(folder, 'loop'))
  const { code: found, problem, remedy } = errorOf(folder, name)
  expect([found, remedy]).toEqual([code, 'bring it'])
  expect(problem).toBe(`local.key is in the file ${join(folder, name).replace('\0', String.raw`\u{0}`)}, which ${why}`)
})

it('says that this user may not read it', () => {
  const folder = makeProject({ key: '' })
  chmodSync(folder, 0)
  const isRoot = process.getuid?.() === 0 // who may read everything
  if (isRoot) process.seteuid?.(65_534)
  try {
    expect(errorOf(folder, 'key')).toMatchObject({ code: 'PERMISSION_DENIED', problem: expect.stringContaining('this user may not read') })
  } finally {
    if (isRoot) process.seteuid?.(0)
    chmodSync(folder, 0o700)
  }
})

it.each([
  ['.secrets.key', false],
  ['keys/finchat-secrets-production.key', false],
  ['/var/run/secrets/kubernetes.io/serviceaccount/token', false],
  ['/run/credentials/finchat@1.service/app.key', false],
  [`AGE-SECRET-KEY-1${'Q'.repeat(30)}`, true],
  ['6f1ed002ab5595859014ebf0951522d9', true],
  ['b1946ac9-2ab5-5958-5901-4ebf0951522d', true],
  ['hvs.CAESIB0123456789abcdefghijklmnop', true],
])('whether %j may be a credential: %s', (name, expected) => {
  expect(mayBeCredential(name)).toBe(expected)
})
