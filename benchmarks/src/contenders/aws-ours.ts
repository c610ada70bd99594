import { createSecretsManager, loadSecrets, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { inFlight, sinceStart, timed } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { credentials, preloads, region, secretNames, singleReads, widthOfReads } from './aws-work.ts'

function newProvider({ setting }: Task): SecretProvider {
  return awsProvider({ endpoint: String(setting['url']), region, clientConfig: { credentials } })
}

/** A manager that holds nothing yet, for each preload; the provider keeps its connections, as the SDK's client does. */
function preloading(task: Task, preload: (secrets: SecretsManager) => Promise<unknown>): ReturnType<Contender> {
  const provider = newProvider(task)
  return { round: () => preloads(task, () => preload(createSecretsManager({ providers: [provider] }))) }
}

export const getSecrets: Contender = (task) => preloading(task, (secrets) => secrets.getSecrets(secretNames))

const specification = Object.fromEntries(secretNames.map((name) => [name, {}]))

export const load: Contender = (task) => preloading(task, (secrets) => loadSecrets(secrets, specification))

export const reads: Contender = (task) => {
  const secrets = createSecretsManager({ providers: [newProvider(task)] })
  return { round: () => singleReads(task, () => secrets.getSecret('app/db', { fresh: true })) }
}

export const crowdedReads: Contender = (task) => {
  const secrets = createSecretsManager({ providers: [newProvider(task)], autoCleanup: true })
  const calls = Math.ceil(2_000 * task.scale)
  const names = Array.from({ length: widthOfReads + 1 }, (_, index) => `app/db-${index}`)
  const read = (index: number): Promise<string> => secrets.getSecret(String(names[index % names.length]))
  return { round: () => timed(calls, 'µs', () => inFlight(calls, widthOfReads, read)) }
}

export const start: Contender = (task) => ({
  round: async () => {
    await createSecretsManager({ providers: [newProvider(task)] }).getSecret('app/db')
    return sinceStart(task.spawnedAt)
  },
})
