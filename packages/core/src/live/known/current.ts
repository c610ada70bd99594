import type { SecretDescription, WriteReceipt } from '../../contract/provider.ts'
import { describeAt, describeCurrent } from '../../chain/describe.ts'
import type { Location, Route } from '../../chain/routing.ts'
import { SecretNotFoundError, SecretsError } from '../../errors/secrets-error.ts'
import type { ManagerParts } from '../../manager/parts.ts'
import { knownReadOptions, readOneMembers, type ReadOneOptions } from '../../read/read-options.ts'
import { valueOf } from '../../read/deliver.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import { hasIdentity } from './same-secret.ts'

export interface CurrentSecret {
  readonly value: SecretValue
  /** A fresh read of a lease would replace it. */
  readonly isLease: boolean
  /** A read that began later has a higher number. */
  readonly read: number
}

let reads = 0

/** Reads through the manager's cache, audited and traced as any read. */
export function readCurrent({ observer, reader }: ManagerParts, route: Route, read: ReadOneOptions = {}): Promise<CurrentSecret> {
  const options = knownReadOptions(read, readOneMembers)
  const number = (reads += 1)
  return observer.observe({ operation: 'get', name: route.name, effect: false }, options, (metadata) =>
    reader.readObserved(reader.traversal(route, undefined), options, metadata, (reading) => ({
      value: valueOf(reading),
      isLease: reading.held.metadata.exclusive === true,
      read: number,
    })),
  )
}

/** What a store says of its current version. `degraded`: a store before it could not be asked. */
export interface Probed extends WriteReceipt {
  readonly provider: string
  readonly degraded: boolean
}

/**
 * Asks the chain in order for the identity of the current version, without its value.
 * `undefined`: one of its providers has none, so only a read tells. Not audited, since nothing is
 * handed out.
 */
export async function probeCurrent({ reader, bounds }: ManagerParts, route: Route): Promise<Probed | undefined> {
  if (!route.locations.every(canBeProbed)) return undefined
  const steps = reader.traversal(route, undefined)
  const found = await describeCurrent(steps, { signal: bounds.closing }, probeAt)
  if (found === undefined) throw new SecretNotFoundError(route.name)
  const { version, revision, exclusive } = found.description
  if (exclusive || !hasIdentity({ version, revision })) return undefined
  return { provider: found.location.chainEntry.provider.name, version, revision, degraded: steps.degraded }
}

function canBeProbed({ chainEntry: { provider } }: Location): boolean {
  return provider.probe !== undefined || provider.describe !== undefined
}

async function probeAt(location: Location, context: Parameters<typeof describeAt>[1]): Promise<SecretDescription | undefined> {
  const { chainEntry, path } = location
  const { probe } = chainEntry.provider
  try {
    if (probe !== undefined) return await chainEntry.store.describe(path, () => probe(path, context))
  } catch (error) {
    if (!SecretsError.isInstance(error) || error.code !== 'UNSUPPORTED') throw error
  }
  return describeAt(location, context)
}
