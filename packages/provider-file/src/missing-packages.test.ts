import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { ageFiles } from './age/age-files.ts'
import { sopsDocument } from './sops/sops-document.ts'
import { context, failure, fixtures, identity } from './testing/temporary-files.ts'

afterEach(() => {
  vi.doUnmock('age-encryption')
  vi.doUnmock('yaml')
})

function withhold(name: string): void {
  vi.doMock(name, () => {
    throw new Error(`Cannot find package '${name}'`)
  })
}

it('a package that cannot be loaded is CONFIGURATION, with its name and what to do', async () => {
  withhold('yaml')
  const yaml = await failure(() => sopsDocument({ file: join(fixtures, 'sops/secrets.yaml'), identity }).get('token', context))
  expect(yaml).toMatchObject({ code: 'CONFIGURATION', problem: expect.stringMatching(/^the package for YAML cannot be loaded: /) })
  expect((await sopsDocument({ file: join(fixtures, 'sops/secrets.json'), identity }).get('token', context))?.value).toBe('c4n4ry-of-sops')
  vi.resetModules()
  withhold('age-encryption')
  const age = await failure(() => ageFiles({ folder: join(fixtures, 'age'), identity }).get('TOKEN', context))
  expect(age).toMatchObject({ code: 'CONFIGURATION', problem: expect.stringMatching(/^the package for age files cannot be loaded: /) })
  expect([yaml.remedy, age.remedy]).toEqual([expect.stringContaining('yaml'), expect.stringContaining('age-encryption')])
})
