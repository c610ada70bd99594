// A stand-in for what a cluster does: it makes tokens of service accounts, and says whose they are.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export interface Cluster {
  /** What Vault asks for a TokenReview. */
  readonly url: string
  readonly stop: () => void
}

/** As Kubernetes makes them, but not signed: the review below looks at no signature. */
export function serviceAccountToken(namespace: string, name: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: 'https://kubernetes.default.svc',
    sub: `system:serviceaccount:${namespace}:${name}`,
    aud: ['vault'],
    iat: now - 10,
    exp: now + 3_600,
    'kubernetes.io': { namespace, serviceaccount: { name, uid: 'example' } },
  }
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.alloc(256, 7).toString('base64url')}`
}

async function review(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { spec } = (await json(request)) as { spec: { token: string; audiences?: string[] } } // a TokenReview
  const { sub: username } = JSON.parse(Buffer.from(spec.token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string } // made above
  const user = { username, uid: 'example', groups: ['system:serviceaccounts'] }
  const status = { authenticated: true, user, audiences: spec.audiences ?? [] }
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status }
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export async function startCluster(): Promise<Cluster> {
  const server = createServer((request, response) => void review(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}
