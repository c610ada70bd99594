// node-vault alone, as its README shows it.
import { Agent } from 'node:https'
import nodeVault from 'node-vault'
import { sinceStart } from '../harness/measure.ts'
import type { Contender } from '../harness/scenario.ts'
import * as work from './vault-work.ts'

function reader(server: work.Server, requestOptions: object = { ca: work.caOf(server) }): work.ReadSecret {
  const client = nodeVault({ endpoint: server.url, token: server.token, requestOptions })
  return async (path) => {
    const answer = (await client.read(`secret/data/${path}`)) as { data: { data: { value: string } } } // what KV v2 answers
    return answer.data.data.value
  }
}

export const reads: Contender = (task) => {
  const read = reader(work.serverOf(task))
  return { round: () => work.crowd(task, 1_000, read) }
}

/** With an agent that keeps connections, which node-vault does not have by default. */
export const readsByOwnAgent: Contender = (task) => {
  const server = work.serverOf(task)
  const read = reader(server, { httpsAgent: new Agent({ keepAlive: true, ca: work.caOf(server) }) })
  return { round: () => work.crowd(task, 2_000, read) }
}

export const handshakes: Contender = (task) => work.handshakes(task, reader)

export const start: Contender = (task) => ({
  round: async () => {
    await reader(work.serverOf(task))('app/secret-0')
    return sinceStart(task.spawnedAt)
  },
})
