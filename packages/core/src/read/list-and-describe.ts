import { hasCode } from '../kit/error-code.ts'
import { bounded, type Bounds } from '../guard/deadline.ts'
import { callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import type { CallContext, ListedSecret, SecretDescription, SecretProvider } from '../contract/provider.ts'
import { quoted } from '../errors/format.ts'
import type { ChainEntry, Location, Route } from '../chain/routing.ts'
import { describeAt, describeCurrent } from '../chain/describe.ts'
import type { Observer } from '../observe/operation.ts'
import type { MembersOf } from '../options/known-options.ts'
import { listedEntries } from '../guard/listed-entries.ts'
import { type FallbackPolicy, knownFallbackPolicy } from '../chain/fallback-policy.ts'
import { SecretNotFoundError, SecretsError, withContext } from '../errors/secrets-error.ts'
import type { FallbackTraversal } from '../chain/chain.ts'

/** Options of `describeSecret`. */
export interface DescribeOptions extends CallOptions {
  readonly fallback?: FallbackPolicy | undefined
}

/** Options of `listSecrets`. */
export interface ListOptions extends CallOptions {
  /** Only this provider. Default: all that can list, in the chain's order. */
  readonly provider?: string | undefined
  /** Only the store's own paths with this prefix. */
  readonly prefix?: string | undefined
}

/** A secret without its value. */
export interface DescribedSecret extends SecretDescription {
  readonly provider: string
  /** A later provider's: an earlier one could not be asked, or `fallback` overrode its refusal. */
  readonly degraded?: true | undefined
}

/** A secret under its store's own path. Several names may lead to it, or none. */
export interface CatalogEntry extends ListedSecret {
  readonly provider: string
}

export interface CatalogOptions {
  readonly chainEntries: readonly ChainEntry[]
  readonly locate: (name: string) => Route
  readonly traversal: (route: Route, fallback: FallbackPolicy | undefined) => FallbackTraversal<Location>
  readonly observer: Observer
  readonly bounds: Bounds
}

const describeMembers: MembersOf<DescribeOptions> = { ...callMembers, fallback: 'any' }
const listMembers: MembersOf<ListOptions> = { ...callMembers, provider: 'string', prefix: 'string' }

export class Catalog {
  readonly #options: CatalogOptions

  constructor(options: CatalogOptions) {
    this.#options = options
  }

  async describeSecret(name: string, describe: DescribeOptions = {}): Promise<DescribedSecret> {
    const { locate, observer, traversal, bounds } = this.#options
    const route = locate(name)
    const options = knownCallOptions(describe, describeMembers)
    const fallback = knownFallbackPolicy(options.fallback)
    const context: CallContext = { signal: options.signal ?? bounds.closing }
    return observer.observe({ operation: 'describe', name, effect: false }, options, async (metadata) => {
      const steps = traversal(route, fallback)
      const current = await describeCurrent(steps, context, describeAt)
      if (current === undefined) throw new SecretNotFoundError(name)
      const { version, revision } = current.description
      const provider = current.location.chainEntry.provider.name
      Object.assign(metadata, { provider, version, revision, degraded: steps.degraded })
      return { ...current.description, provider, ...(steps.degraded && { degraded: true }) }
    })
  }

  async *listSecrets(list: ListOptions = {}): AsyncGenerator<CatalogEntry, void, undefined> {
    const options = knownCallOptions(list, listMembers)
    const { prefix = '' } = options
    const operation = { operation: 'list', name: `${prefix}*`, effect: false } as const
    const providers = this.#listing(options.provider)
    await this.#options.observer.observe(operation, options, async () => {})
    for (const provider of providers) {
      try {
        yield* this.#entriesOf(provider, prefix, options)
      } catch (error) {
        if (hasCode(error, 'UNSUPPORTED') && options.provider === undefined) continue
        await this.#options.observer.observe(operation, options, async () => Promise.reject(inProvider(error, provider)))
      }
    }
  }

  #listing(only: string | undefined): readonly SecretProvider[] {
    const providers = this.#options.chainEntries
      .map(({ provider }) => provider)
      .filter(({ name, list }) => list !== undefined && (only === undefined || name === only))
    if (providers.length > 0) return providers
    throw new SecretsError(
      'UNSUPPORTED',
      only === undefined ? 'no provider can list its secrets' : `no provider ${quoted(only)} that can list its secrets`,
      { remedy: 'name, or put into the chain, one that can, such as a vault or a local store' },
    )
  }

  /** Each page has the deadline and ends with the caller's abort. */
  async *#entriesOf(
    { name: provider, list }: SecretProvider,
    prefix: string,
    { signal }: ListOptions,
  ): AsyncGenerator<CatalogEntry, void, undefined> {
    const { bounds } = this.#options
    if (list === undefined) return
    const entries = listedEntries(list, prefix, { signal: signal ?? bounds.closing })
    try {
      for (;;) {
        const next = await bounded(() => entries.next(), { ...bounds, signal })
        if (next.done) return
        yield { ...next.value, provider }
      }
    } finally {
      // Not awaited: a page that hangs must not hold its reader.
      void ended(entries)
    }
  }
}

async function ended(entries: AsyncIterator<unknown>): Promise<void> {
  await Promise.allSettled([(async () => entries.return?.())()])
}

function inProvider(error: unknown, { name: provider }: SecretProvider): unknown {
  return SecretsError.isInstance(error) ? withContext(error, { provider }) : error
}
