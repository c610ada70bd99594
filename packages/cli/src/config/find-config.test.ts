import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { findConfig, missingConfig } from './find-config.ts'
import { installCommand } from './install-command.ts'

const file = 'finchat-secrets.config.json'
const repository = { '.git/HEAD': '', 'package.json': '{}' }

describe('findConfig', () => {
  it('finds the nearest file, up to the root of the repository', () => {
    const folder = makeProject({
      ...repository,
      [file]: '{}',
      'packages/app/package.json': '{}',
      'packages/app/src/a.ts': '',
      'packages/own/deep/b.ts': '',
      [`packages/own/${file}`]: '{}',
    })
    expect(findConfig(join(folder, 'packages/app/src'))).toBe(join(folder, file))
    expect(findConfig(join(folder, 'packages/own/deep'))).toBe(join(folder, 'packages/own', file))
  })

  it('looks no further than the root of the repository, or without one of the package', () => {
    const inRepository = makeProject({ [file]: '{}', 'clone/.git/HEAD': '', 'clone/src/a.ts': '' })
    expect(findConfig(join(inRepository, 'clone/src'))).toBeUndefined()
    const inPackage = makeProject({ [file]: '{}', 'app/package.json': '{}', 'app/src/a.ts': '' })
    expect(findConfig(join(inPackage, 'app/src'))).toBeUndefined()
    const inFolder = makeProject({ [file]: '{}', 'app/src/a.ts': '' })
    expect(findConfig(join(inFolder, 'app/src'))).toBeUndefined()
    expect(findConfig(inFolder)).toBe(join(inFolder, file))
  })
})

describe('missingConfig', () => {
  it('names the folders in which the file was looked for, and no others', () => {
    const folder = makeProject({ 'app/package.json': '{}', 'app/src/a.ts': '', 'loose/a.ts': '' })
    const [app, src, loose] = ['app', 'app/src', 'loose'].map((path) => join(folder, path))
    expect(missingConfig(src ?? '', {})).toBe(`no ${file} was found in ${src} or above, up to ${app}`)
    expect(missingConfig(app ?? '', {})).toBe(`no ${file} was found in ${app}`)
    expect(missingConfig(loose ?? '', {})).toBe(`no ${file} was found in ${loose}`)
  })
})

describe('installCommand', () => {
  it.each([
    ['pnpm-lock.yaml', 'pnpm add'],
    ['yarn.lock', 'yarn add'],
    ['bun.lock', 'bun add'],
    ['package-lock.json', 'npm install'],
    ['none', 'npm install'],
  ])('of a project with %s is %s', (lockfile, command) => {
    const folder = makeProject({ ...repository, [lockfile]: '', 'packages/app/package.json': '{}' })
    expect(installCommand(['a', 'b'], join(folder, 'packages/app'))).toBe(`${command} a b`)
  })

  it('goes by the nearest lockfile', () => {
    const folder = makeProject({ ...repository, 'package-lock.json': '', 'app/yarn.lock': '' })
    expect(installCommand(['a'], join(folder, 'app'))).toBe('yarn add a')
  })
})
