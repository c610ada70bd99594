import { SecretsError } from '@finchat/secrets-core'
import { timedCall } from '@finchat/secrets-core/http'
import { ChangeListeners, hasCode, jittered, pause } from '@finchat/secrets-core/provider'
import type { KubeApi } from '../api/kube-api.ts'
import type { SecretsPath } from '../api/secrets-path.ts'
import { isGone } from '../api/status.ts'
import { placeOf } from '../shared/paths.ts'
import { WatchEvents } from './watch-events.ts'

/** The server ends a watch after this time, and the client soon after. */
const watchSeconds = 290
const watchMs = 300_000
const firstPauseMs = 1_000
const longestPauseMs = 60_000
/** Roles seldom change. */
const deniedPauseMs = 600_000
/** A watch that ends sooner, without an event, is none: a proxy may cut it, or know none. */
const shortestWatchMs = 1_000
/** Each watch holds a connection; what is read beyond is found by probes. */
const mostWatches = 32

/** No version: a change may have been missed, and the listeners were told so. */
const told = ''

export interface WatchOptions {
  readonly api: KubeApi
  readonly paths: SecretsPath
  readonly closing: AbortSignal
}

/** What one watch knows. */
interface Watched {
  readonly path: string
  /** Ends this watch alone. */
  readonly ending: AbortController
  /** The last version that this process or the watch saw. */
  seen: string | undefined
  /** Where the next watch begins; undefined: at the current state. */
  from: string | undefined
}

/** Watches the secrets that were read, each by its name, while somebody listens. */
export class SecretWatches {
  readonly listeners: ChangeListeners = new ChangeListeners(() => this.#begin())
  readonly #options: WatchOptions
  readonly #watched = new Map<string, Watched>()
  #running: AbortController | undefined

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** A read of this process, or the watch, saw this version. */
  saw(path: string, revision: string | undefined): void {
    const known = this.#watched.get(path)
    if (known === undefined) return this.#add(path, revision)
    if (known.seen === revision) return
    const isTold = known.seen === told
    known.seen = revision
    if (!isTold) this.listeners.notify(path)
  }

  /** This process wrote this version. */
  wrote(path: string, revision: string | undefined): void {
    const known = this.#watched.get(path)
    if (known === undefined) this.#add(path, revision)
    else known.seen = revision
    this.listeners.notify(path)
  }

  #add(path: string, seen: string | undefined): void {
    if (this.#watched.size >= mostWatches && (seen === undefined || !this.#giveUpAbsent())) return
    const watched = { path, ending: new AbortController(), seen, from: undefined }
    this.#watched.set(path, watched)
    if (this.#running !== undefined) void this.#follow(watched, this.#running.signal)
  }

  /** A name without a secret, asked for by mistake or not yet written, makes room for a secret. */
  #giveUpAbsent(): boolean {
    const absent = [...this.#watched.values()].find(({ seen }) => seen === undefined)
    absent?.ending.abort()
    return absent !== undefined && this.#watched.delete(absent.path)
  }

  #begin(): () => void {
    const running = new AbortController()
    this.#running = running
    for (const watched of this.#watched.values()) void this.#follow(watched, running.signal)
    return () => running.abort()
  }

  /** Watches again and again. It never rejects: a watch is a hint, and probes find what it missed. */
  async #follow(watched: Watched, stopping: AbortSignal): Promise<void> {
    const end = AbortSignal.any([stopping, watched.ending.signal])
    let failures = 0
    while (!end.aborted && !this.#options.closing.aborted) {
      const failure: unknown = await this.#watchOnce(watched, end).catch((error: unknown) => error)
      if (isGone(failure)) this.#lost(watched)
      failures = failure === undefined || isGone(failure) ? 0 : failures + 1
      await pause(pauseAfter(failure, failures), end)
    }
  }

  /** The history between is lost: any version may be current, or none, which no event would show. */
  #lost(watched: Watched): void {
    if (watched.from === undefined) return
    watched.from = undefined
    watched.seen = told
    this.listeners.notify(watched.path)
  }

  async #watchOnce(watched: Watched, end: AbortSignal): Promise<void> {
    const shortUntil = performance.now() + shortestWatchMs
    let isHeard = false
    const events = new WatchEvents(({ kind, revision }) => {
      isHeard = true
      watched.from = revision
      if (kind === 'bookmark') return
      this.saw(watched.path, kind === 'deleted' ? undefined : revision)
    })
    await this.#receive(watched, events, end)
    if (!isHeard && performance.now() < shortUntil) throw new SecretsError('UNAVAILABLE', 'the watch ended at once')
  }

  /** Ends at the first failure: the server may keep the watch open, and nothing more would be heard. */
  async #receive({ path, from }: Watched, events: WatchEvents, end: AbortSignal): Promise<void> {
    const { api, paths, closing } = this.#options
    const { namespace, name } = placeOf(path)
    const failed = new AbortController()
    const receive = (piece: Uint8Array): void => {
      events.receive(piece)
      if (events.failure !== undefined) failed.abort()
    }
    const bounds = { timeoutMs: watchMs, signal: AbortSignal.any([end, failed.signal]), closing }
    const [outcome] = await Promise.allSettled([
      timedCall(bounds, async (signal) => {
        const query = queryOf(name, from)
        await api.tell({ method: 'GET', path: `${await paths.all(namespace, signal)}?${query}`, metadata: 'object', receive }, signal)
      }),
    ])
    if (events.failure !== undefined) throw events.failure
    if (outcome.status === 'rejected') throw outcome.reason
  }
}

/** After a failure; 1 s after a watch that ended as it should. */
function pauseAfter(failure: unknown, failures: number): number {
  if (hasCode(failure, 'PERMISSION_DENIED')) return jittered(deniedPauseMs)
  const retryAt = SecretsError.isInstance(failure) ? failure.retryAt : undefined
  const askedMs = Math.min((retryAt ?? 0) - Date.now(), deniedPauseMs)
  return Math.max(jittered(Math.min(firstPauseMs * 2 ** failures, longestPauseMs)), askedMs)
}

/** Without a version the server first sends the current state. */
function queryOf(name: string, from: string | undefined): string {
  return new URLSearchParams({
    watch: 'true',
    fieldSelector: `metadata.name=${name}`,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(watchSeconds),
    ...(from !== undefined && { resourceVersion: from }),
  }).toString()
}
