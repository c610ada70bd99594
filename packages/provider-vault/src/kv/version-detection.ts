import { isJsonObject } from '@finchat/secrets-core/provider'
import { asSecretsErrors, member, untilEnded } from '@finchat/secrets-core/http'
import { SingleFlight } from '../shared/single-flight.ts'
import type { VaultApi } from '../token/vault-api.ts'

/** The version of a key/value secrets engine. */
export type KvVersion = 1 | 2

/** The mount's KV version; `no KV` for another engine; undefined if this token may not see it. */
export type MountKind = KvVersion | 'no KV' | undefined

/** How long a write trusts a probe. */
const recentMs = 1_000

/** Detects the mount's version once for all callers. */
export class VersionDetection {
  readonly #probe: SingleFlight<MountKind>
  #known: MountKind
  #probes = 0
  /** The last successful probe. */
  #answered = 0
  #seenAt = 0

  constructor(api: VaultApi, mount: string) {
    this.#probe = new SingleFlight(async () => {
      const number = (this.#probes += 1)
      const startedAt = Date.now()
      this.#known = await kindOf(api, mount)
      this.#answered = number
      this.#seenAt = startedAt
      return this.#known
    })
  }

  /** Whether the version was confirmed within the last second. */
  get isRecent(): boolean {
    const age = Date.now() - this.#seenAt
    return this.#known !== undefined && age >= 0 && age < recentMs
  }

  /** An answer confirmed the known version. */
  confirmed(): void {
    this.#seenAt = Date.now()
  }

  /** Taken before a request, for `kindSince`. */
  get mark(): number {
    return this.#probes
  }

  get version(): KvVersion | undefined {
    return this.#known === 'no KV' ? undefined : this.#known
  }

  /** `no KV` is not remembered, because the mount may be corrected. */
  async kind(signal: AbortSignal): Promise<MountKind> {
    return this.version ?? asSecretsErrors(false, () => this.#probe.get(signal))
  }

  /** The kind by a probe that began after the mark. */
  async kindSince(mark: number, signal: AbortSignal): Promise<MountKind> {
    const { current } = this.#probe
    if (this.#answered > mark && current === undefined) return this.#known
    return asSecretsErrors(false, async () => {
      if (this.#probes === mark && current !== undefined) await untilEnded(Promise.allSettled([current]), signal)
      return this.#probe.get(signal)
    })
  }
}

async function kindOf(api: VaultApi, mount: string): Promise<MountKind> {
  const { signal } = new AbortController() // the probe is for all callers
  const { body } = await api.mounts(signal)
  const listed = member(body, 'data', 'secret', `${mount}/`)
  // The list omits other namespaces, which `mount` may name: pay/secret.
  const found = isJsonObject(listed) ? listed : await api.mountAt(mount, signal)
  const [type, path] = [member(found, 'type'), member(found, 'path')]
  if (typeof type !== 'string') return undefined
  const isFolder = typeof path === 'string' && !`${mount}/`.endsWith(path) // the mount is only a prefix of the path
  // `generic` is an old name of KV v1.
  if (isFolder || (type !== 'kv' && type !== 'generic')) return 'no KV'
  return member(found, 'options', 'version') === '2' ? 2 : 1
}
