// @aws-lambda-powertools/parameters, over the same client of the SDK.
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets'
import { sinceStart } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { newClient } from './aws-sdk.ts'
import { preloads, secretNames, singleReads } from './aws-work.ts'

const newProvider = (task: Task): SecretsProvider => new SecretsProvider({ awsSdkV3Client: newClient(task) })

/** It has no batch of secrets: all at once. */
export const preload: Contender = (task) => {
  const provider = newProvider(task)
  const all = (): Promise<unknown> => Promise.all(secretNames.map((name) => provider.get(name, { forceFetch: true })))
  return { round: () => preloads(task, all) }
}

export const reads: Contender = (task) => {
  const provider = newProvider(task)
  return { round: () => singleReads(task, () => provider.get('app/db', { forceFetch: true })) }
}

export const start: Contender = (task) => ({
  round: async () => {
    await newProvider(task).get('app/db')
    return sinceStart(task.spawnedAt)
  },
})
