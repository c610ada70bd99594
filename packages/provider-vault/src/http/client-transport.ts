import { knownLoadFailure } from '@finchat/secrets-core/provider'
import { vaultAnswer, type VaultAnswer } from './answer.ts'
import type { Transport, VaultRequest } from './transport.ts'
import { member, TransportError, untilEnded } from '@finchat/secrets-core/http'

/**
 * The part of a `node-vault` client that the provider uses, with its properties `token` and
 * `namespace`.
 */
export interface VaultClient {
  readonly request: (options: {
    path: string
    method: string
    headers: Record<string, string>
    json: unknown
    [option: string]: unknown
  }) => Promise<unknown>
}

/**
 * Requests by the application's client: its address, TLS, redirects and proxies. It is never closed
 * here.
 */
export function ownClientTransport(client: VaultClient): Transport {
  return {
    exchange: async (request, signal) => {
      if (request.path.includes('sys/health')) {
        throw new TransportError('CONFIGURATION', 'node-vault takes every answer for a path with sys/health in it as a success', {
          remedy: 'use a path without it, or `url` in place of `client`',
        })
      }
      return untilEnded(ask(client, request), signal, true)
    },
    close: () => {},
  }
}

async function ask(client: VaultClient, { path, method, headers, body }: VaultRequest): Promise<VaultAnswer> {
  const json: unknown = body === undefined ? true : JSON.parse(body)
  const [settled] = await Promise.allSettled([client.request({ path: `/${path}`, method, headers: { ...headers }, json })])
  if (settled.status === 'fulfilled') return successful(settled.value)
  const status = member(settled.reason, 'response', 'statusCode')
  if (typeof status !== 'number') throw unanswered(settled.reason)
  return vaultAnswer(status, textOf(member(settled.reason, 'response', 'body')))
}

/** The client may load its parts at its first request. */
function unanswered(error: unknown): TransportError {
  const unloaded = knownLoadFailure({ what: 'the `client`', name: 'node-vault' }, error)
  if (unloaded) return new TransportError(unloaded.code, unloaded.problem, { remedy: unloaded.remedy })
  const remedy = 'look at the server, and at how the client reaches it'
  return new TransportError('UNAVAILABLE', 'the client got no answer', { remedy, sent: true })
}

function successful(body: unknown): VaultAnswer {
  return vaultAnswer(body === '' || body === undefined ? 204 : 200, textOf(body))
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : (JSON.stringify(body) ?? '')
}
