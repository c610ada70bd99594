// A registry for tests: npm logs in there by the identity of a workflow, reads and publishes.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Document {
  readonly name: string
  readonly 'dist-tags': Record<string, string>
  readonly versions: Record<string, object>
}

/** What npm sends. */
interface Sent extends Document {
  readonly access: string
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

/** `private`, or npm would add a provenance, which needs the log of Sigstore. */
const identity = ['', Buffer.from('{ "repository_visibility": "private" }').toString('base64'), ''].join('.')

export class TestRegistry {
  readonly documents = new Map<string, Document>()
  /** The tarballs that were published, in their order. */
  readonly published: { readonly name: string; readonly access: string; readonly tarball: Buffer }[] = []
  /** The package that it does not take. */
  refused?: string
  isDown = false
  readonly #server: Server = createServer((request, response) => {
    void this.#answer(request).then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)))
  })

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/` // it listens on a port
  }

  /** What npm needs to find it, and to have an identity. */
  environment(folder: string): Record<string, string> {
    return {
      npm_config_registry: this.url,
      npm_config_cache: folder,
      npm_config_userconfig: `${folder}/npmrc`,
      npm_config_fetch_retries: '0',
      npm_config_update_notifier: 'false',
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `${this.url}identity`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-job',
    }
  }

  add(name: string, version: string, tarball: Buffer = Buffer.from('')): void {
    const document = this.documents.get(name) ?? { name, 'dist-tags': {}, versions: {} }
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    document.versions[version] = { name, version, dist: { integrity, tarball: `${this.url}${name}.tgz` } }
    document['dist-tags']['latest'] = version
    this.documents.set(name, document)
  }

  async #answer(request: IncomingMessage): Promise<[number, object]> {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const { authorization } = request.headers
    if (this.isDown) return [503, {}]
    if (path.startsWith('identity')) return authorization === 'Bearer of-the-job' ? [200, { value: identity }] : [401, {}]
    const asked = /^-\/npm\/v1\/oidc\/token\/exchange\/package\/(.+)$/.exec(path)?.[1]
    if (asked !== undefined) return authorization === `Bearer ${identity}` ? [201, { token: `for-${asked}` }] : [401, {}]
    if (request.method === 'PUT') return authorization === `Bearer for-${path}` ? this.#take(await textOf(request)) : [401, {}]
    return [this.documents.has(path) ? 200 : 404, this.documents.get(path) ?? {}]
  }

  #take(body: string): [number, object] {
    const { name, access, versions, _attachments: attachments } = JSON.parse(body) as Sent // npm's own
    if (name === this.refused) return [422, {}]
    const [version = ''] = Object.keys(versions)
    const tarball = Buffer.from(attachments[`${name}-${version}.tgz`]?.data ?? '', 'base64')
    this.published.push({ name, access, tarball })
    this.add(name, version, tarball)
    return [200, {}]
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer) // no encoding is set
  return Buffer.concat(chunks).toString()
}
