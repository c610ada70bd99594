import { SecretsError } from '@finchat/secrets-core'
import { isObject, member, type VaultAnswer } from './answer.ts'
import { isOtherVersion } from './answer-table.ts'
import { encodedPath } from './paths.ts'
import type { Ask, Right, VaultApi } from './vault-api.ts'

export type KvVersion = 1 | 2

/** The parts of a KV v2 mount; KV v1 has none. */
export type KvPart = 'data' | 'metadata' | 'delete' | 'undelete' | 'destroy'

/** What is asked of a path. */
interface KvAsk extends Omit<Ask, 'path' | 'right'> {
  readonly part?: KvPart
  readonly query?: string
  readonly capability: Right['capability']
}

/** The KV mount that a provider reads and writes. */
export interface KvMount {
  readonly ask: (path: string, ask: KvAsk, signal: AbortSignal) => Promise<VaultAnswer>
  /** Runs for the version of KV that the mount has, as told or found out, and again if the server says that it is the other. */
  readonly on: <T>(signal: AbortSignal, run: (version: KvVersion) => Promise<T>) => Promise<T>
  /** The same for a read; what does not exist must not be due to a mount that was replaced by one of another version. */
  readonly read: <T>(signal: AbortSignal, run: (version: KvVersion) => Promise<T | undefined>) => Promise<T | undefined>
}

/** KV v1, asked as if it were v2, answers that nothing exists: what was found out is not believed for ever. */
const believedMs = 60_000

export function kvMount(api: VaultApi, mount: string, told: KvVersion | undefined): KvMount {
  let known: { readonly version: KvVersion; readonly until: number } | undefined
  const versionOf = async (signal: AbortSignal): Promise<KvVersion> => {
    if (told !== undefined || known !== undefined) return told ?? known?.version ?? 2
    const version = detected(await api.mounts(signal), mount)
    // A mount that this token may not see is asked as KV v2: the answer says what is wrong.
    if (version !== undefined) known = { version, until: Date.now() + believedMs }
    return version ?? 2
  }
  const on: KvMount['on'] = async (signal, run) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run(await versionOf(signal))
      } catch (error) {
        if (!(error instanceof OtherVersion)) throw error
        if (attempt === 2 || told !== undefined)
          throw misconfigured('the mount is of another version of KV', 'correct `kvVersion`, or leave it out')
        known = undefined
      }
    }
  }
  const read: KvMount['read'] = async (signal, run) => {
    const answer = await on(signal, run)
    if (answer !== undefined || known === undefined || Date.now() < known.until) return answer
    known = undefined
    return on(signal, run)
  }
  return { ask: (path, ask, signal) => askMount(api, mount, path, ask, signal), on, read }
}

/** The server says that the mount is of the other version. Caught above, always. */
class OtherVersion extends Error {}

async function askMount(api: VaultApi, mount: string, path: string, ask: KvAsk, signal: AbortSignal): Promise<VaultAnswer> {
  const { part, query = '', capability, takes, ...request } = ask
  const parts = [mount, ...(part === undefined ? [] : [part]), ...(path === '' ? [] : [path])]
  const answer = await api.ask(
    {
      ...request,
      path: encodedPath(...parts) + query,
      right: { capability, on: parts.join('/') },
      takes: (given) => isOtherVersion(given) || (takes?.(given) ?? false),
    },
    signal,
  )
  if (isOtherVersion(answer)) throw new OtherVersion()
  return answer
}

function detected({ body }: VaultAnswer, mount: string): KvVersion | undefined {
  const found = member(body, 'data', 'secret', `${mount}/`)
  if (!isObject(found)) return undefined
  // `generic` is what KV v1 was called once.
  if (found['type'] !== 'kv' && found['type'] !== 'generic') throw misconfigured('the mount is none of KV', 'correct `mount`')
  return member(found, 'options', 'version') === '2' ? 2 : 1
}

function misconfigured(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
