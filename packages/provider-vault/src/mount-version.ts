import { isObject, member } from './answer.ts'
import { untilEnded } from './deadline.ts'
import type { KvVersion } from './kv-mount.ts'
import { asSecretsErrors } from './unanswered.ts'
import type { VaultApi } from './vault-api.ts'

/** What the server tells of a mount: its version of KV, that it is none of KV, or nothing to this token. */
export type MountKind = KvVersion | 'no KV' | undefined

/** KV v1, asked as if it were v2, answers that nothing exists: what was found out is not believed for ever. */
const believedMs = 60_000

/** Finds out what a mount is, once for all who ask at the same time, and remembers it. */
export class MountVersion {
  readonly #api: VaultApi
  readonly #mount: string
  #known: { readonly kind: MountKind; readonly until: number } | undefined
  #finding: Promise<MountKind> | undefined

  constructor(api: VaultApi, mount: string) {
    this.#api = api
    this.#mount = mount
  }

  /** Whether it was found out in the last minute. */
  get isFresh(): boolean {
    return this.#known !== undefined && Date.now() < this.#known.until
  }

  /** The version that was found out, if it was. */
  get version(): KvVersion | undefined {
    const kind = this.#known?.kind
    return kind === 'no KV' ? undefined : kind
  }

  /** Whoever gives up waiting leaves it to the others. */
  async kind(signal: AbortSignal): Promise<MountKind> {
    if (this.#known !== undefined) return this.#known.kind
    this.#finding ??= this.#find().finally(() => (this.#finding = undefined))
    const finding = this.#finding
    return asSecretsErrors(false, () => untilEnded(finding, signal))
  }

  forget(): void {
    this.#known = undefined
  }

  async #find(): Promise<MountKind> {
    const kind = await kindOf(this.#api, this.#mount)
    if (kind !== undefined) this.#known = { kind, until: Date.now() + believedMs }
    return kind
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
