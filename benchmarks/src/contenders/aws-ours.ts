import { createSecretsManager, loadSecrets, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { sinceStart } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { credentials, crowd, preloads, region, secretNames, singleReads } from './aws-work.ts'

function newProvider({ setting }: Task): SecretProvider {
  return awsProvider({ endpoint: String(setting['url']), region, clientConfig: { credentials } })
}

/**
 * A manager that holds nothing yet, for each preload; the provider keeps its connections, as the
 * SDK's client does.
 */
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
  return { round: () => crowd(task, (name) => secrets.getSecret(name)) }
}

export const start: Contender = (task) => ({
  round: async () => {
    await createSecretsManager({ providers: [newProvider(task)] }).getSecret('app/db')
    return sinceStart(task.spawnedAt)
  },
})
