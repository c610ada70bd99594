// The least that a read can cost: Node.js' own client, connections kept, and the answer parsed.
import http from 'node:http'
import https from 'node:https'
import type { Contender } from '../harness/scenario.ts'
import * as work from './vault-work.ts'

function reader(server: work.Server): work.ReadSecret {
  const ca = work.caOf(server)
  const agent = ca === undefined ? new http.Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true, ca })
  const request = ca === undefined ? http.request : https.request
  const headers = { 'X-Vault-Token': server.token, 'X-Vault-Request': 'true' }
  return (path) =>
    new Promise((resolve, reject) => {
      const outgoing = request(`${server.url}/v1/secret/data/${path}`, { agent, headers }, (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => (text += chunk))
        incoming.on('end', () => resolve(JSON.parse(text)))
      })
      outgoing.on('error', reject).end()
    })
}

export const reads: Contender = (task) => {
  const read = reader(work.serverOf(task))
  return { round: () => work.crowd(task, 3_000, read) }
}

export const handshakes: Contender = (task) => work.handshakes(task, reader)
