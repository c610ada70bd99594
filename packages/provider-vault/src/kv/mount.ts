import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import type { VaultAnswer } from '../http/answer.ts'
import { isOtherVersion } from '../protocol/responses.ts'
import { type KvVersion, type MountKind, VersionDetection } from './version-detection.ts'
import { encodedPath } from '../shared/paths.ts'
import type { Ask, Right, VaultApi } from '../token/vault-api.ts'

/** The parts of a KV v2 mount; KV v1 has none. */
export type KvPart = 'data' | 'metadata' | 'delete' | 'undelete' | 'destroy'

/** What is asked of a path. */
interface KvAsk extends Omit<Ask, 'path' | 'right'> {
  readonly part?: KvPart
  readonly query?: string
  readonly capability: Right['capability']
  readonly otherwise?: Right['otherwise']
}

/** The KV mount that a provider reads and writes. */
export interface KvMount {
  readonly ask: (path: string, ask: KvAsk, signal: AbortSignal) => Promise<VaultAnswer>
  /**
   * Runs with the KV version of the mount, which was probed within the last second. Runs again if
   * the server says that it is the other version.
   */
  readonly on: <T>(signal: AbortSignal, run: (version: KvVersion) => Promise<T>) => Promise<T>
  /**
   * Runs a read with the KV version that is remembered. If it finds nothing, the mount is probed
   * again, because it may have been replaced by one of the other version.
   */
  readonly read: <T>(signal: AbortSignal, run: (version: KvVersion) => Promise<T | undefined>) => Promise<T | undefined>
}

export function kvMount(api: VaultApi, mount: string, told: KvVersion | undefined): KvMount {
  const found = new VersionDetection(api, mount)
  const versionOf = async (signal: AbortSignal): Promise<KvVersion> => asVersion(await found.kind(signal))
  /** The version by a probe that began after the mark. If the server does not tell: `told`. */
  const versionSince = async (mark: number, signal: AbortSignal): Promise<KvVersion> => {
    if (told === undefined) return asVersion(await found.kindSince(mark, signal))
    const kind = await found.kindSince(mark, signal).catch(unlessOutage)
    if (kind === 'no KV') throw noKv()
    if (kind !== undefined && kind !== told) throw otherVersion()
    return told
  }
  const run: KvMount['on'] = async (signal, task) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task(told ?? found.version ?? (await versionOf(signal)))
      } catch (error) {
        if (!(error instanceof OtherVersion)) throw error
        if (attempt === 2 || told !== undefined) throw otherVersion()
        await found.kindSince(found.mark, signal) // a probe under way may have begun before
      }
    }
  }
  const on: KvMount['on'] = async (signal, task) => {
    if (!found.isRecent || found.version !== (told ?? found.version)) await versionSince(found.mark, signal)
    return run(signal, task)
  }
  const read: KvMount['read'] = async <T>(signal: AbortSignal, task: (version: KvVersion) => Promise<T | undefined>) => {
    const { mark } = found
    let asked: KvVersion | undefined
    const answer = await run(signal, (version) => task((asked = version)))
    if (answer !== undefined) {
      found.confirmed()
      return answer
    }
    // KV v1, asked as if it were v2, answers that nothing exists.
    return (await versionSince(mark, signal)) === asked ? undefined : run(signal, task)
  }
  return { ask: (path, ask, signal) => askMount(api, mount, path, ask, signal), on, read }
}

const outage: ReadonlySet<SecretsErrorCode> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'ABORTED'])

/** A server that denies the probe leaves it at `kvVersion`. One that is down confirms nothing. */
function unlessOutage(error: unknown): undefined {
  if (!SecretsError.isInstance(error) || outage.has(error.code)) throw error
}

/** A mount that this token may not see is asked as KV v2: the answer says what is wrong. */
function asVersion(kind: MountKind): KvVersion {
  if (kind === 'no KV') throw noKv()
  return kind ?? 2
}

/** The server says that the mount is of the other version. Caught above, always. */
class OtherVersion extends Error {}

function askMount(api: VaultApi, mount: string, path: string, ask: KvAsk, signal: AbortSignal): Promise<VaultAnswer> {
  const { method, call, body, contentType, part, query = '', takes } = ask
  const place = part === undefined ? mount : `${mount}/${part}`
  const whole = path === '' ? place : `${place}/${path}`
  const right = (): Right => ({ capability: ask.capability, on: whole, otherwise: ask.otherwise ?? insteadOf(path) })
  const judged = (given: VaultAnswer): boolean => isOtherVersion(given) || (takes?.(given) ?? false)
  const asked = api.ask({ method, call, body, contentType, path: encodedPath(whole) + query, right, takes: judged }, signal)
  return asked.then(({ answer }) => {
    if (isOtherVersion(answer)) throw new OtherVersion()
    return answer
  })
}

/** Where Vault's own engines make accounts, as `database/creds/app` does, a secret of KV lies seldom. */
function insteadOf(path: string): string | undefined {
  return `/${path}`.includes('/creds/') ? 'route the name away, or, if it is a dynamic secret, name it in `leased`' : undefined
}

function noKv(): SecretsError {
  return misconfigured('the mount is none of KV', 'correct `mount`; a folder belongs into `prefix`')
}

function otherVersion(): SecretsError {
  return misconfigured('the mount is of another version of KV', 'correct `kvVersion`, or leave it out')
}

function misconfigured(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
