import type { AuditedOperation } from '../contract/audit.ts'
import { hasCode } from '../kit/error-code.ts'
import type { ProviderCache } from '../cache/provider-cache.ts'
import { type CallOptions, knownCallOptions } from '../options/call-options.ts'
import type { CallContext, NewSecret, SecretProvider, WriteReceipt } from '../contract/provider.ts'
import type { Metadata, Observer } from '../observe/operation.ts'
import { tellChange } from '../observe/own-changes.ts'
import { own } from '../errors/own-properties.ts'
import { type Location, locationsOf, type Route } from '../chain/routing.ts'
import { SecretNotFoundError, SecretsError, withContext } from '../errors/secrets-error.ts'
import { put } from './put.ts'
import type { FallbackTraversal } from '../chain/chain.ts'
import {
  choiceMembers,
  deleteMembers,
  type DeleteOptions,
  knownTags,
  knownWriteOptions,
  type ProviderChoice,
  type WriteOptions,
} from './write-options.ts'
import { describeAt } from '../chain/describe.ts'
import { locationAt, recordProvider, type Target, targetOfCurrent, targetOfStore, wholeAt } from './write-target.ts'
import { type SecretFields, writtenValue } from './input-value.ts'

/** Where the secret was written, and in which version. */
export interface SecretReceipt extends WriteReceipt {
  readonly provider: string
}

/** What a deletion did. */
export interface DeleteReceipt {
  readonly provider: string
  /** The end of the time for `restoreSecret`, in epoch milliseconds. */
  readonly restorableUntil?: number | undefined
  /** The provider that answers for this name now. */
  readonly answersNext?: string | undefined
}

export interface WriterOptions {
  readonly locate: (name: string) => Route
  readonly traversal: (route: Route) => FallbackTraversal<Location>
  readonly observer: Observer
  readonly writeTo: string | undefined
  readonly closing: AbortSignal
}

/** Codes of a provider that answered without a current secret. */
const isAnswer: ReadonlySet<string> = new Set(['NOT_FOUND', 'DELETED', 'UNSUPPORTED'])

/** Each call changes one provider, and never falls back. */
export class Writer {
  readonly #options: WriterOptions

  constructor(options: WriterOptions) {
    this.#options = options
  }

  storeSecret(name: string, value: string | Uint8Array | SecretFields, write: WriteOptions = {}): Promise<SecretReceipt> {
    return this.#write('store', name, value, write, (options, context, route) => this.#targetOfStore(route, options, context))
  }

  rotateSecret(name: string, value: string | Uint8Array | SecretFields, write: WriteOptions = {}): Promise<SecretReceipt> {
    return this.#write('rotate', name, value, write, (...call) => this.targetOfNext(...call))
  }

  /** Where the next version goes: to the provider of the current one, or as a first version. */
  async targetOfNext(options: ProviderChoice, context: CallContext, route: Route, describeCall: typeof wholeAt): Promise<Target> {
    const current =
      options.provider === undefined ? await targetOfCurrent(this.#options.traversal(route), context, describeCall) : undefined
    return current ?? this.#targetOfStore(route, options, context)
  }

  async deleteSecret(name: string, remove: DeleteOptions = {}): Promise<DeleteReceipt> {
    const options = knownCallOptions(remove, deleteMembers)
    return this.effect('delete', this.#options.locate(name), options, async (context, metadata, route) => {
      const location = whole(await this.#locationOfCurrent(route, options, context, options.purge))
      const { name: provider } = recordProvider(metadata, location)
      const call = able(location, 'delete')
      const { purge = false } = options
      const receipt = await this.changing(location, () => call(location.path, { purge }, context), purge ? 'purged' : withdrawn)
      return { provider, ...receipt, answersNext: await this.#answering(route, context) }
    })
  }

  async restoreSecret(name: string, choice: ProviderChoice = {}): Promise<{ readonly provider: string }> {
    const options = knownCallOptions(choice, choiceMembers)
    return this.effect('restore', this.#options.locate(name), options, async (context, metadata, route) => {
      const location = whole(
        options.provider === undefined
          ? await this.#locationOfWithdrawn(route, context)
          : locationAt(name, locationsOf(route), options.provider),
      )
      const { name: provider } = recordProvider(metadata, location)
      const restore = able(location, 'restore')
      await this.changing(location, async () => {
        await restore(location.path, context)
      })
      return { provider }
    })
  }

  async tagSecret(
    name: string,
    tags: Readonly<Record<string, string | null>>,
    choice: ProviderChoice = {},
  ): Promise<{ readonly provider: string }> {
    const options = knownCallOptions(choice, choiceMembers)
    const changes = knownTags(tags, true)
    return this.effect('tag', this.#options.locate(name), options, async (context, metadata, route) => {
      const location = await this.#locationOfCurrent(route, options, context)
      const { name: provider } = recordProvider(metadata, location)
      await able(location, 'tag')(location.path, changes, context)
      return { provider }
    })
  }

  #targetOfStore(route: Route, { provider = this.#options.writeTo }: ProviderChoice, context: CallContext): Promise<Target> {
    return targetOfStore(route.name, locationsOf(route), provider, context)
  }

  async #write(
    operation: AuditedOperation,
    name: string,
    value: string | Uint8Array | SecretFields,
    write: WriteOptions,
    find: (options: WriteOptions, context: CallContext, route: Route, describeCall: typeof wholeAt) => Promise<Target>,
  ): Promise<SecretReceipt> {
    const route = this.#options.locate(name)
    const { value: content, shape } = writtenValue(value)
    const options = knownWriteOptions(write)
    const secret: NewSecret = { value: content, shape, version: options.version, ifCurrent: undefined, tags: options.tags }
    return this.effect(operation, route, options, async (context, metadata) => {
      const isWhole = options.field === undefined && shape === undefined
      const target = await find(options, context, route, isWhole ? wholeAt : describeAt)
      const { name: provider } = recordProvider(metadata, target.location)
      const fields = options.field === undefined ? target.location.fields : [...target.location.fields, options.field]
      const receipt = await this.changing(target.location, () => put(target, fields, secret, context))
      Object.assign(metadata, receipt)
      return { provider, ...receipt }
    })
  }

  /** Runs a call that changes a store: its intent is recorded first, and its outcome afterwards. */
  async effect<T>(
    operation: AuditedOperation,
    route: Route,
    options: CallOptions,
    run: (context: CallContext, metadata: Metadata, route: Route) => Promise<T>,
  ): Promise<T> {
    const context: CallContext = { signal: options.signal ?? this.#options.closing }
    return this.#options.observer.observe({ operation, name: route.name, effect: true }, options, (metadata) =>
      run(context, metadata, route),
    )
  }

  /**
   * Values read before are not served afterwards. If nothing was written, they may still be served
   * stale.
   */
  async changing<T>({ chainEntry, path }: Location, change: () => Promise<T>, end?: SecretsError | 'purged'): Promise<T> {
    const { store, storeId, provider } = chainEntry
    const begunAt = performance.now()
    const [result] = await Promise.allSettled([change()])
    if (result.status === 'rejected') recordFailedChange(store, path, result.reason)
    else if (end === 'purged') store.purged(path)
    else store.changed(path, end)
    if (result.status === 'rejected' && isWithoutEffect(result.reason)) throw withContext(result.reason, { provider: provider.name })
    const leastVersion = result.status === 'fulfilled' ? leastVersionAfter(result.value, end) : undefined
    const [acknowledged] = await Promise.allSettled([store.invalidate(path, leastVersion, begunAt)])
    tellChange(storeId, path)
    if (result.status === 'rejected') throw withContext(result.reason, { provider: provider.name })
    if (acknowledged.status === 'rejected') throw withContext(acknowledged.reason, { provider: provider.name })
    return result.value
  }

  /** `orDeleted`: also accepts the location of a withdrawn secret. */
  async #locationOfCurrent(route: Route, { provider }: ProviderChoice, context: CallContext, orDeleted = false): Promise<Location> {
    if (provider !== undefined) return locationAt(route.name, locationsOf(route), provider)
    const traversal = this.#options.traversal(route)
    try {
      const target = await targetOfCurrent(traversal, context)
      if (target !== undefined) return target.location
    } catch (error) {
      const stoppedAt = orDeleted && hasCode(error, 'DELETED') ? error : undefined
      if (stoppedAt?.provider === undefined) throw error
      // An unreachable earlier provider may have the current one.
      if (stoppedAt.attempts?.some(({ code }) => !isAnswer.has(code))) throw traversal.notSure(stoppedAt.provider)
      return locationAt(route.name, locationsOf(route), stoppedAt.provider)
    }
    throw new SecretNotFoundError(route.name)
  }

  async #locationOfWithdrawn(route: Route, context: CallContext): Promise<Location> {
    for (const location of locationsOf(route)) {
      const [answer] = await Promise.allSettled([describeAt(location, context)])
      if (answer.status === 'rejected' && hasCode(answer.reason, 'DELETED')) return location
      if (answer.status === 'rejected') throw answer.reason
      if (answer.value !== undefined)
        throw new SecretsError('INVALID_ARGUMENT', 'not withdrawn, so there is nothing to restore', {
          provider: location.chainEntry.provider.name,
        })
    }
    throw new SecretNotFoundError(route.name)
  }

  /** The provider of the current secret; undefined after a withdrawal that stops the chain. */
  async #answering(route: Route, context: CallContext): Promise<string | undefined> {
    try {
      return (await targetOfCurrent(this.#options.traversal(route), context))?.location.chainEntry.provider.name
    } catch {
      return undefined
    }
  }
}

function isWithoutEffect(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.effect === undefined && !isOfSecret.has(error.code)
}

/** Codes of a failed write that concern the secret itself. */
const isOfSecret: ReadonlySet<string> = new Set(['NOT_FOUND', 'DELETED', 'VERSION_CONFLICT', 'UNAUTHENTICATED'])
/** Codes that reads would get too; the right to write is a separate one. */
const isOfReadsToo: ReadonlySet<string> = new Set(['DELETED', 'UNAUTHENTICATED'])

function recordFailedChange(store: ProviderCache, path: string, error: unknown): void {
  const failure = SecretsError.isInstance(error) ? error : undefined
  if (failure !== undefined && isOfReadsToo.has(failure.code)) store.recordChange(path, failure)
  else if (isWithoutEffect(error)) store.doubt(path)
  else if (failure?.code !== 'NOT_FOUND') store.recordChange(path)
}

/** Only after a delete (`end`) or a restore (no receipt) may a lower number be current. */
function leastVersionAfter(receipt: unknown, end: unknown): number | undefined {
  if (end !== undefined || receipt === undefined) return 0
  const written = own(receipt, 'version')
  return typeof written === 'number' ? written : undefined
}

/** What reads get while the store is unreachable. */
const withdrawn = new SecretsError('DELETED', 'it was deleted by this process')

/** Withdrawing one field's name must not withdraw the other fields. */
function whole(location: Location): Location {
  if (location.fields.length === 0) return location
  throw new SecretsError('UNSUPPORTED', 'the name is one field of a secret, which can only be withdrawn whole', {
    provider: location.chainEntry.provider.name,
    remedy: 'use a name that is placed at the whole secret',
  })
}

function able<Member extends 'delete' | 'restore' | 'tag'>(
  { chainEntry: { provider } }: Location,
  member: Member,
): NonNullable<SecretProvider[Member]> {
  const call = provider[member]
  if (call !== undefined) return call
  throw new SecretsError('UNSUPPORTED', `the provider has no ${member}`, {
    provider: provider.name,
    remedy: 'do it in the store itself, or name another `provider`',
  })
}
