import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { expect, it } from 'vitest'
import { failure, temporaryFolder } from '../testing/temporary-files.ts'
import { mountedFromEnv } from './from-env.ts'

it('reads folder, names and line ends from the variables', async () => {
  const folder = temporaryFolder()
  await writeFile(join(folder, 'token.json'), '{"token":"from the file"}\n')
  await writeFile(join(folder, 'PLAIN'), 'plain\n')
  const env = {
    FINCHAT_SECRETS_PROVIDER: 'mounted',
    FINCHAT_MOUNTED_FOLDER: folder,
    FINCHAT_MOUNTED_NAMES: 'TOKEN=token.json#token',
    FINCHAT_MOUNTED_WITHOUT_LINE_END: 'true',
  }
  const secrets = secretsManagerFromEnv({ mounted: mountedFromEnv }, { env })
  expect([await secrets.getSecret('TOKEN'), await secrets.getSecret('PLAIN')]).toEqual(['from the file', 'plain'])
  await secrets.close()
})

it('names a misspelt variable, and the package that is missing', async () => {
  const env = { FINCHAT_SECRETS_PROVIDER: 'mounted', FINCHAT_MOUNTED_WITHOUT_LINE_END: 'True' }
  const error = await failure(() => secretsManagerFromEnv({ mounted: mountedFromEnv }, { env }))
  expect(error.message).toContain('FINCHAT_MOUNTED_WITHOUT_LINE_END is neither true nor false')
  const missing = await failure(() => secretsManagerFromEnv({}, { env }))
  expect(missing.message).toContain('install @finchat/secrets-provider-file and pass its mountedFromEnv')
})

it('reads /run/secrets by default', () => {
  const asked: string[] = []
  const provider = mountedFromEnv({
    optional: (variable) => void asked.push(variable),
    required: () => '',
    names: () => ({}),
    problem: () => {},
  })
  expect(asked.toSorted()).toEqual(['FOLDER', 'ONLY_NAMED', 'PREFIX', 'WITHOUT_LINE_END'].map((option) => `FINCHAT_MOUNTED_${option}`))
  expect(provider.name).toBe('mounted')
})
