// The Secrets of a cluster, as the reference of the Kubernetes API documents them (API concepts):
// resource versions, watches from a version, chunks of a list, finalizers, and immutable secrets.
// stub-cluster.test.ts proves it with a client that others wrote.

export interface StubSecret {
  readonly apiVersion: 'v1'
  readonly kind: 'Secret'
  readonly type: string
  readonly immutable?: boolean
  readonly data?: Record<string, string>
  readonly metadata: StubMetadata
}

interface StubMetadata {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly annotations?: Record<string, string>
  readonly labels?: Record<string, string>
  readonly finalizers?: readonly string[]
}

export interface StubEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: StubSecret
}

/** What the API answers instead of an object. */
export class StubRefusal extends Error {
  readonly code: number
  readonly reason: string
  readonly details: object

  constructor(code: number, reason: string, details: object = {}) {
    super(reason)
    this.code = code
    this.reason = reason
    this.details = details
  }
}

export type StubChange = Partial<Pick<StubSecret, 'type' | 'immutable' | 'data'>> & { readonly metadata?: Partial<StubMetadata> }

interface Chunk {
  readonly items: readonly StubSecret[]
  readonly revision: string
  readonly next: string | undefined
}

const mostBytes = 1_048_576

export class StubCluster {
  readonly namespaces: Set<string> = new Set(['default', 'suite', 'other'])
  readonly #secrets = new Map<string, StubSecret>()
  readonly #events: StubEvent[] = []
  readonly #snapshots = new Map<number, readonly StubSecret[]>()
  readonly #watchers = new Set<(event: StubEvent) => void>()
  #revision = 100
  #oldest = 0

  get revision(): string {
    return String(this.#revision)
  }

  get(namespace: string, name: string): StubSecret {
    const found = this.#secrets.get(`${namespace}/${name}`)
    if (found === undefined) throw new StubRefusal(404, 'NotFound', { name, kind: 'secrets' })
    return found
  }

  create(namespace: string, { metadata, ...rest }: StubChange): StubSecret {
    const name = metadata?.name ?? ''
    if (!this.namespaces.has(namespace)) throw new StubRefusal(404, 'NotFound', { name: namespace, kind: 'namespaces' })
    if (this.#secrets.has(`${namespace}/${name}`)) throw new StubRefusal(409, 'AlreadyExists', { name, kind: 'secrets' })
    const created = { uid: crypto.randomUUID(), creationTimestamp: secondOf(new Date()) }
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      ...rest,
      metadata: { ...metadata, name, namespace, ...created },
    } as const
    return this.#commit('ADDED', valid(secret as StubSecret)) // it gets its resource version now
  }

  /** `change`: a merge patch (RFC 7396), or the whole object of a PUT. */
  update(namespace: string, name: string, change: StubChange, isWhole = false): StubSecret {
    const former = this.get(namespace, name)
    const expected = change.metadata?.resourceVersion
    if (expected !== undefined && expected !== former.metadata.resourceVersion)
      throw new StubRefusal(409, 'Conflict', { name, kind: 'secrets' })
    const { uid, creationTimestamp, deletionTimestamp, resourceVersion } = former.metadata
    const merged = (isWhole ? change : merge(former, change)) as StubSecret // as the server decodes it
    const kept = { namespace, name, uid, creationTimestamp, resourceVersion, ...(deletionTimestamp && { deletionTimestamp }) }
    const next = { ...merged, metadata: { ...merged.metadata, ...kept } }
    if (former.immutable === true && JSON.stringify(next.data) !== JSON.stringify(former.data))
      throw new StubRefusal(422, 'Invalid', { name, kind: 'secrets' })
    // A write that changes nothing makes no version.
    if (JSON.stringify(next) === JSON.stringify(former)) return former
    const isEnded = deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0
    return this.#commit(isEnded ? 'DELETED' : 'MODIFIED', valid(next))
  }

  /** A secret with finalizers stays until they are gone. */
  remove(namespace: string, name: string): StubSecret {
    const former = this.get(namespace, name)
    if ((former.metadata.finalizers ?? []).length === 0) return this.#commit('DELETED', former)
    if (former.metadata.deletionTimestamp !== undefined) return former
    return this.#commit('MODIFIED', { ...former, metadata: { ...former.metadata, deletionTimestamp: secondOf(new Date()) } })
  }

  /** A chunk of the list as it was when its first chunk was read. */
  list(namespace: string, limit: number, token: string | undefined): Chunk {
    const [revision = this.#revision, start = 0] = token === undefined ? [] : token.split('.').map(Number)
    if (token === undefined) this.#snapshots.set(revision, this.#all(namespace))
    const all = this.#snapshots.get(revision)
    if (all === undefined) throw new StubRefusal(410, 'Expired')
    const end = limit === 0 ? all.length : start + limit
    return { items: all.slice(start, end), revision: String(revision), next: end < all.length ? `${revision}.${end}` : undefined }
  }

  /** Sends the events after this version, or the current state. Returns what ends the watch. */
  watch(namespace: string, from: string | undefined, heard: (event: StubEvent) => void): () => void {
    const since = from === undefined || from === '0' ? undefined : Number(from)
    if (since !== undefined && since < this.#oldest) throw new StubRefusal(410, 'Expired')
    const here = (event: StubEvent): void => {
      if (event.type === 'BOOKMARK' || event.object.metadata.namespace === namespace) heard(event)
    }
    if (since === undefined) for (const object of this.#all(namespace)) heard({ type: 'ADDED', object })
    else for (const event of this.#events) if (Number(event.object.metadata.resourceVersion) > since) here(event)
    this.#watchers.add(here)
    return () => void this.#watchers.delete(here)
  }

  /** Forgets the history and the lists under way. */
  compact(): void {
    this.#oldest = this.#revision
    this.#events.length = 0
    this.#snapshots.clear()
  }

  /** Sends every watch the version that it has reached. */
  bookmark(): void {
    this.#revision += 1
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { resourceVersion: this.revision, creationTimestamp: null } }
    for (const watcher of this.#watchers) watcher({ type: 'BOOKMARK', object: object as unknown as StubSecret }) // it has no other members
  }

  #all(namespace: string): readonly StubSecret[] {
    const here = [...this.#secrets.values()].filter(({ metadata }) => metadata.namespace === namespace)
    return here.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  }

  #commit(type: StubEvent['type'], secret: StubSecret): StubSecret {
    this.#revision += 1
    const { namespace, name } = secret.metadata
    const object = { ...secret, metadata: { ...secret.metadata, resourceVersion: this.revision } }
    if (type === 'DELETED') this.#secrets.delete(`${namespace}/${name}`)
    else this.#secrets.set(`${namespace}/${name}`, object)
    const event = { type, object }
    this.#events.push(event)
    for (const watcher of this.#watchers) watcher(event)
    return object
  }
}

function valid(secret: StubSecret): StubSecret {
  const bytes = Object.values(secret.data ?? {}).map((field) => {
    if (Buffer.from(field, 'base64').toString('base64') !== field) throw new StubRefusal(400, 'BadRequest')
    return Buffer.byteLength(field, 'base64')
  })
  if (bytes.reduce((sum, one) => sum + one, 0) > mostBytes) throw new StubRefusal(422, 'Invalid', { kind: 'secrets' })
  if (Object.keys(secret.data ?? {}).some((name) => !/^[-._a-zA-Z0-9]{1,253}$/.test(name)))
    throw new StubRefusal(422, 'Invalid', { kind: 'secrets' })
  if (secret.type === 'kubernetes.io/tls' && secret.data?.['tls.crt'] === undefined)
    throw new StubRefusal(422, 'Invalid', { kind: 'secrets' })
  return secret
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const merged = new Map(Object.entries(typeof target === 'object' && target !== null ? target : {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, merge(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}

function secondOf(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
