import { expect, it } from 'vitest'
import type { Location } from '../chain/routing.ts'
import type { SecretProvider } from '../contract/provider.ts'
import { partsOf } from '../manager/parts.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import { SkippedNumbers } from './skipped-numbers.ts'

type Described = Awaited<ReturnType<NonNullable<SecretProvider['describe']>>>

/** The number below this one in a store that describes the secret so. */
function below(version: number, described: Described): Promise<number | undefined> {
  const provider: SecretProvider = {
    specificationVersion: 'v1',
    name: 'store',
    get: async () => undefined,
    describe: async () => described,
  }
  const [location] = partsOf(createSecretsManager({ providers: [provider] })).locate('db').locations
  const held = { metadata: { version } } as SecretBytes // no other member is asked
  return new SkippedNumbers().below({ held, location: location as Location }) // there is one provider
}

it.each<[string, Described, number | undefined]>([
  ['the largest one below', { version: 7, versions: [{ version: 2 }, { version: 7 }, { version: 4 }, { version: 9 }] }, 4],
  ['none if none is below', { version: 7, versions: [{ version: 7 }, { version: 8 }] }, undefined],
  ['none if versions are not listed', { version: 7 }, undefined],
  ['none of versions without a number', { version: 7, versions: [{ revision: 'a' }] }, undefined],
  ['none of a replica that lags', { version: 6, versions: [{ version: 5 }] }, undefined],
  ['none of a secret that is gone', undefined, undefined],
])('the number before a skipped one is %s', async (_, described, number) => {
  expect(await below(7, described)).toBe(number)
})
