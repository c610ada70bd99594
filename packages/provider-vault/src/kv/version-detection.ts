import { isObject, member } from '../http/answer.ts'
import { untilEnded } from '../shared/deadline.ts'
import { SingleFlight } from '../shared/single-flight.ts'
import { asSecretsErrors } from '../shared/transport-error.ts'
import type { VaultApi } from '../token/vault-api.ts'

export type KvVersion = 1 | 2

/** What the server tells of a mount: its version of KV, that it is none of KV, or nothing to this token. */
export type MountKind = KvVersion | 'no KV' | undefined

/** For how long a write trusts a probe, or an answer that showed the version. */
const recentMs = 1_000

/** Finds out what a mount is, once for all who ask at the same time, and remembers it. */
export class VersionDetection {
  readonly #probe: SingleFlight<MountKind>
  #known: MountKind
  #probes = 0
  /** The number of the last probe that did not fail. */
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

  /** Whether what is known of the mount was true within the last second. */
  get isRecent(): boolean {
    const age = Date.now() - this.#seenAt
    return this.#known !== undefined && age >= 0 && age < recentMs
  }

  /** An answer showed that the version is still the one that is known. */
  confirmed(): void {
    this.#seenAt = Date.now()
  }

  /** Taken before a request, for `kindSince`. */
  get mark(): number {
    return this.#probes
  }

  /** The version that was found out, if it was. */
  get version(): KvVersion | undefined {
    return this.#known === 'no KV' ? undefined : this.#known
  }

  /** Whoever gives up waiting leaves it to the others. `no KV` is not remembered: it may be mended. */
  async kind(signal: AbortSignal): Promise<MountKind> {
    return this.version ?? asSecretsErrors(false, () => this.#probe.get(signal))
  }

  /** What the mount is, by a probe that began after the mark. */
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
  const { signal } = new AbortController() // nobody's: it is for all who wait
  const { body } = await api.mounts(signal)
  const listed = member(body, 'data', 'secret', `${mount}/`)
  // The list has none of another namespace, which `mount` may name: pay/secret.
  const found = isObject(listed) ? listed : await api.mountAt(mount, signal)
  const [type, path] = [member(found, 'type'), member(found, 'path')]
  if (typeof type !== 'string') return undefined
  const isFolder = typeof path === 'string' && !`${mount}/`.endsWith(path) // the mount is what is before it
  // `generic` is what KV v1 was called once.
  if (isFolder || (type !== 'kv' && type !== 'generic')) return 'no KV'
  return member(found, 'options', 'version') === '2' ? 2 : 1
}
