import { configurationError } from '@finchat/secrets-core/provider'
import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import type { VaultAnswer } from '../http/answer.ts'
import { isOtherVersion } from '../protocol/responses.ts'
import { type KvVersion, type MountKind, VersionDetection } from './version-detection.ts'
import { encodedPath } from '../shared/paths.ts'
import type { Ask, Right, VaultApi } from '../token/vault-api.ts'

export type KvPart = 'data' | 'metadata' | 'delete' | 'undelete' | 'destroy'

interface KvAsk extends Omit<Ask, 'path' | 'right'> {
  readonly part?: KvPart
  readonly query?: string
  readonly capability: Right['capability']
  readonly otherwise?: Right['otherwise']
}

export interface KvMount {
  readonly ask: (path: string, ask: KvAsk, signal: AbortSignal) => Promise<VaultAnswer>
  /**
   * Runs with a KV version that was probed within the last second. Runs again if the server answers
   * that it is the other version.
   */
  readonly on: <T>(signal: AbortSignal, run: (version: KvVersion) => Promise<T>) => Promise<T>
  /**
   * Runs with the remembered KV version. If the read finds nothing, the mount is probed again,
   * because its version may have changed.
   */
  readonly read: <T>(signal: AbortSignal, run: (version: KvVersion) => Promise<T | undefined>) => Promise<T | undefined>
}

export function kvMount(api: VaultApi, mount: string, configured: KvVersion | undefined): KvMount {
  const version = new MountVersion(new VersionDetection(api, mount), configured)
  return {
    ask: (path, ask, signal) => askMount(api, mount, path, ask, signal),
    on: (signal, task) => version.on(signal, task),
    read: (signal, task) => version.read(signal, task),
  }
}

/** Runs tasks with the version of a mount, which is configured or detected. */
class MountVersion {
  readonly #found: VersionDetection
  readonly #configured: KvVersion | undefined

  constructor(found: VersionDetection, configured: KvVersion | undefined) {
    this.#found = found
    this.#configured = configured
  }

  async on<T>(signal: AbortSignal, task: (version: KvVersion) => Promise<T>): Promise<T> {
    const { isRecent, version, mark } = this.#found
    if (!isRecent || version !== (this.#configured ?? version)) await this.#versionSince(mark, signal)
    return this.#run(signal, task)
  }

  async read<T>(signal: AbortSignal, task: (version: KvVersion) => Promise<T | undefined>): Promise<T | undefined> {
    const { mark } = this.#found
    let asked: KvVersion | undefined
    const answer = await this.#run(signal, (version) => task((asked = version)))
    if (answer !== undefined) {
      this.#found.confirmed()
      return answer
    }
    // KV v1 answers "does not exist" to every request of v2.
    return (await this.#versionSince(mark, signal)) === asked ? undefined : this.#run(signal, task)
  }

  async #run<T>(signal: AbortSignal, task: (version: KvVersion) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task(this.#configured ?? this.#found.version ?? asVersion(await this.#found.kind(signal)))
      } catch (error) {
        if (!(error instanceof OtherVersion)) throw error
        if (attempt === 2 || this.#configured !== undefined) throw otherVersion()
        await this.#found.kindSince(this.#found.mark, signal) // a probe under way may have begun before
      }
    }
  }

  /** The version by a probe after the mark; `configured` if the server does not tell. */
  async #versionSince(mark: number, signal: AbortSignal): Promise<KvVersion> {
    if (this.#configured === undefined) return asVersion(await this.#found.kindSince(mark, signal))
    const kind = await this.#found.kindSince(mark, signal).catch(unlessOutage)
    if (kind === 'no KV') throw noKv()
    if (kind !== undefined && kind !== this.#configured) throw otherVersion()
    return this.#configured
  }
}

const outage: ReadonlySet<SecretsErrorCode> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'ABORTED'])

/** If the server denies the probe, `kvVersion` stands. An outage confirms nothing. */
function unlessOutage(error: unknown): undefined {
  if (!SecretsError.isInstance(error) || outage.has(error.code)) throw error
}

/** A mount that the token may not see is used as KV v2: its answer names the error. */
function asVersion(kind: MountKind): KvVersion {
  if (kind === 'no KV') throw noKv()
  return kind ?? 2
}

/** Always caught above. */
class OtherVersion extends Error {}

function askMount(api: VaultApi, mount: string, path: string, ask: KvAsk, signal: AbortSignal): Promise<VaultAnswer> {
  const { method, call, body, contentType, part, query = '', takes } = ask
  const place = part === undefined ? mount : `${mount}/${part}`
  const whole = path === '' ? place : `${place}/${path}`
  const right = (): Right => ({
    capability: ask.capability,
    on: whole,
    otherwise: ask.otherwise ?? insteadOf(path),
    inside: pathInside(mount, path),
  })
  const judged = (given: VaultAnswer): boolean => isOtherVersion(given) || (takes?.(given) ?? false)
  const asked = api.ask({ method, call, body, contentType, path: encodedPath(whole) + query, right, takes: judged }, signal)
  return asked.then(({ answer }) => {
    if (isOtherVersion(answer)) throw new OtherVersion()
    return answer
  })
}

/** The path that was meant, if one begins with the mount's name or `data/`, as in the HTTP API. */
function pathInside(mount: string, path: string): string | undefined {
  const inner = path.startsWith(`${mount}/`) ? path.slice(mount.length + 1) : path
  const meant = inner.startsWith('data/') ? inner.slice('data/'.length) : inner
  return meant === path || meant === '' ? undefined : meant
}

/** Vault's own engines use such paths, as in `database/creds/app`. */
function insteadOf(path: string): string | undefined {
  return `/${path}`.includes('/creds/') ? 'route the name away, or, if it is a dynamic secret, name it in `leased`' : undefined
}

function noKv(): SecretsError {
  return configurationError('the mount is none of KV', 'correct `mount`; a folder belongs into `prefix`')
}

function otherVersion(): SecretsError {
  return configurationError('the mount is of another version of KV', 'correct `kvVersion`, or leave it out')
}
