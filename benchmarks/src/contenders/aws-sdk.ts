// The SDK alone.
import { BatchGetSecretValueCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { sinceStart, timed } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { credentials, crowd, preloads, region, secretNames, singleReads } from './aws-work.ts'

export function newClient({ setting }: Task): SecretsManagerClient {
  return new SecretsManagerClient({ endpoint: String(setting['url']), region, credentials })
}

const valueOf = async (client: SecretsManagerClient, name: string): Promise<string | undefined> =>
  (await client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString

/** The least that a preload can take: one round of batches, all at once. */
export const batches: Contender = (task) => {
  const client = newClient(task)
  const batch = async (ids: string[]): Promise<void> => {
    const { SecretValues: values = [] } = await client.send(new BatchGetSecretValueCommand({ SecretIdList: ids }))
    if (values.length !== ids.length) throw new Error('a secret is missing')
  }
  const twenties = [0, 20, 40, 60, 80].map((start) => secretNames.slice(start, start + 20))
  return { round: () => preloads(task, () => Promise.all(twenties.map(batch))) }
}

export const oneByOne: Contender = (task) => {
  const client = newClient(task)
  const preload = async (): Promise<void> => {
    for (const name of secretNames.slice(0, Math.ceil(secretNames.length * task.scale))) await valueOf(client, name)
  }
  return { round: () => timed(1, 'ms', preload) }
}

export const inParallel: Contender = (task) => {
  const client = newClient(task)
  return { round: () => preloads(task, () => Promise.all(secretNames.map((name) => valueOf(client, name)))) }
}

export const reads: Contender = (task) => {
  const client = newClient(task)
  return { round: () => singleReads(task, () => valueOf(client, 'app/db')) }
}

export const crowdedReads: Contender = (task) => {
  const client = newClient(task)
  return { round: () => crowd(task, (name) => valueOf(client, name)) }
}

export const start: Contender = (task) => ({
  round: async () => {
    await valueOf(newClient(task), 'app/db')
    return sinceStart(task.spawnedAt)
  },
})
