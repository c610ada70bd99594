import { expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { loadManifest, loadPackage } from './provider-packages.ts'

it('a package that a command needs is missing with the command that installs it', async () => {
  const folder = makeProject({ 'pnpm-lock.yaml': '', 'package.json': '{}' })
  await expect(loadPackage('no-such-yaml', 'parse', folder)).rejects.toMatchObject({
    code: 'CONFIGURATION',
    problem: 'this needs no-such-yaml, which is not installed',
    remedy: 'run: pnpm add no-such-yaml',
  })
})

it('a package says what its store can hold', async () => {
  const folder = makeProject({})
  expect((await loadManifest('vault', folder))?.values.binary).toBe(false)
  expect(await loadManifest('env', folder)).toBeUndefined()
})
