import type { StagedSecret } from '../contract/provider.ts'
import { describeCurrent } from '../chain/describe.ts'
import type { Location, Route } from '../chain/routing.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { type ManagerParts, partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { CallOptions } from '../options/call-options.ts'
import { SecretBytes } from '../value/secret-bytes.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { knownPlainOptions } from './stage-options.ts'
import type { StagedSecretReceipt } from './stage-secret.ts'

/** A staged version with its value. It is the receipt for `promoteSecret` and `discardSecret`. */
export interface PendingSecret extends StagedSecretReceipt {
  readonly value: SecretValue
  /** When it was staged, by the store's clock. */
  readonly stagedAt?: number | undefined
  /** Who staged it and by which plan. */
  readonly note?: Readonly<Record<string, string>> | undefined
}

/**
 * Reads the staged version from the first provider that has one; `undefined` if none waits. It is
 * never cached, never shared and never stale. Audited as a read.
 */
export async function pendingSecret(secrets: SecretsManager, name: string, call: CallOptions = {}): Promise<PendingSecret | undefined> {
  const parts = partsOf(secrets)
  return readPending(parts, parts.locate(name), knownPlainOptions(call))
}

export function readPending(parts: ManagerParts, route: Route, options: CallOptions = {}): Promise<PendingSecret | undefined> {
  const context = { signal: options.signal ?? parts.bounds.closing }
  return parts.observer.observe({ operation: 'get', name: route.name, effect: false }, options, async (metadata) => {
    const steps = parts.reader.traversal(route, undefined)
    const found = await waiting(steps, context)
    if (found === undefined) return undefined
    const { version, revision } = found.description
    Object.assign(metadata, {
      provider: found.location.chainEntry.provider.name,
      version,
      revision,
      degraded: steps.degraded,
      from: 'store',
    })
    return pendingOf(parts, found.location, found.description, steps.degraded)
  })
}

/** A chain without any staging has nothing that waits. */
async function waiting(
  steps: Parameters<typeof describeCurrent>[0],
  context: Parameters<typeof describeCurrent>[1],
): Promise<{ location: Location; description: StagedSecret } | undefined> {
  try {
    return await describeCurrent(steps, context, stagedAt)
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'UNSUPPORTED') return undefined
    throw error
  }
}

async function stagedAt({ chainEntry, path }: Location, context: Parameters<typeof describeCurrent>[1]): Promise<StagedSecret | undefined> {
  const { staging } = chainEntry.provider
  if (staging !== undefined) return staging.get(path, context)
  throw new SecretsError('UNSUPPORTED', 'the provider has no staged versions')
}

function pendingOf(
  { zeroizer }: ManagerParts,
  { chainEntry, fields }: Location,
  { value, shape, attempt, stagedAt: at, note, ...facts }: StagedSecret,
  degraded: boolean,
): PendingSecret {
  const provider = chainEntry.provider.name
  const held = new SecretBytes({ value, shape }, { ...facts, provider, askedAt: Date.now() }, zeroizer)
  const part = fields.length === 0 ? held : held.part(fields)
  const { version, revision } = facts
  const pending = { provider, version, revision, attempt, stagedAt: at, note, value: part.value(false, degraded) }
  if (part !== held) held.release()
  return pending
}
