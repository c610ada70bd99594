import type { CallContext, NewStagedSecret, StagedReceipt, Staging, WriteReceipt } from '../contract/provider.ts'
import { own } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { type Location, locationsOf } from '../chain/routing.ts'
import { describeAt } from '../chain/describe.ts'
import { type ManagerParts, partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { CallOptions } from '../options/call-options.ts'
import { type SecretFields, writtenValue } from '../write/input-value.ts'
import { locationAt, recordProvider, wholeAt } from '../write/write-target.ts'
import type { SecretReceipt } from '../write/writer.ts'
import { stagedContent } from './staged-content.ts'
import { knownPlainOptions, knownStageOptions, type StageOptions } from './stage-options.ts'

/** Which version was staged, and where. */
export interface StagedSecretReceipt extends StagedReceipt {
  readonly provider: string
}

/**
 * Stages a version where `rotateSecret` would write it: readers keep the current one until
 * `promoteSecret`. The same value and note again resolve to the same receipt.
 *
 * Rejects as `rotateSecret` does. `VERSION_CONFLICT`: another version is staged. `UNSUPPORTED`: the
 * store cannot stage.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { promoteSecret, stageSecret } from '@finchat/secrets-core/staging'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const secrets = createSecretsManager({ providers: [memoryProvider()] })
 * await secrets.storeSecret('db', 'old')
 * const receipt = await stageSecret(secrets, 'db', 'new', { note: { by: 'rotator' } })
 * console.log(await secrets.getSecret('db')) // old
 * await promoteSecret(secrets, 'db', receipt)
 * console.log(await secrets.getSecret('db')) // new
 */
export async function stageSecret(
  secrets: SecretsManager,
  name: string,
  value: string | Uint8Array | SecretFields,
  stage: StageOptions = {},
): Promise<StagedSecretReceipt> {
  const { writer, locate } = partsOf(secrets)
  const route = locate(name)
  const { value: content, shape } = writtenValue(value)
  const options = knownStageOptions(stage)
  const isWhole = options.field === undefined && shape === undefined
  return writer.effect('stage', route, options, async (context, metadata) => {
    const target = await writer.targetOfNext(options, context, route, isWhole ? wholeAt : describeAt)
    const { name: provider } = recordProvider(metadata, target.location)
    const { put } = stagingOf(target.location)
    const fields = options.field === undefined ? target.location.fields : [...target.location.fields, options.field]
    const secret = await stagedContent(target, fields, { value: content, shape, tags: options.tags }, context)
    // Own members, so that a polluted prototype adds none.
    const staged: NewStagedSecret = { version: undefined, ifCurrent: undefined, ...secret, note: options.note }
    const receipt = await put(target.location.path, staged, context)
    Object.assign(metadata, identityOf(receipt))
    return { provider, ...receipt }
  })
}

/**
 * Makes the staged version the current one; the former one becomes `previous`. Readers and the
 * fleet see it at once. Repeated after a lost answer it resolves to the same receipt.
 *
 * `VERSION_CONFLICT`: another version was written since, or it was discarded.
 */
export async function promoteSecret(
  secrets: SecretsManager,
  name: string,
  receipt: StagedSecretReceipt,
  call: CallOptions = {},
): Promise<SecretReceipt> {
  const parts = partsOf(secrets)
  const staged = knownReceipt(receipt)
  return ofStaged(parts, 'promote', name, staged, call, (location, staging, context) =>
    parts.writer.changing(location, () => staging.promote(location.path, identityOf(staged), context)),
  )
}

/**
 * Withdraws the staged version, so that it can never become current. Repeated it resolves again.
 *
 * `VERSION_CONFLICT`: it was promoted, or another version is staged.
 */
export async function discardSecret(
  secrets: SecretsManager,
  name: string,
  receipt: StagedSecretReceipt,
  call: CallOptions = {},
): Promise<{ readonly provider: string }> {
  const staged = knownReceipt(receipt)
  const { provider } = await ofStaged(partsOf(secrets), 'discard', name, staged, call, async (location, staging, context) => {
    await staging.discard(location.path, identityOf(staged), context)
    return identityOf(staged)
  })
  return { provider }
}

type Change = (location: Location, staging: Staging, context: CallContext) => Promise<WriteReceipt>

function ofStaged(
  { writer, locate }: ManagerParts,
  operation: 'promote' | 'discard',
  name: string,
  { provider }: StagedSecretReceipt,
  call: CallOptions,
  change: Change,
): Promise<SecretReceipt> {
  const route = locate(name)
  const options = knownPlainOptions(call)
  return writer.effect(operation, route, options, async (context, metadata) => {
    const location = locationAt(name, locationsOf(route), provider)
    recordProvider(metadata, location)
    const receipt = await change(location, stagingOf(location), context)
    Object.assign(metadata, identityOf(receipt))
    return { provider, ...receipt }
  })
}

/** Own members of what a caller passes, which may come from a file of its own. */
function knownReceipt(receipt: StagedSecretReceipt): StagedSecretReceipt {
  const [provider, version, revision] = ['provider', 'version', 'revision'].map((member) => own(receipt, member))
  const isVersion = version === undefined || typeof version === 'number'
  const isRevision = revision === undefined || typeof revision === 'string'
  if (typeof provider === 'string' && isVersion && isRevision) return { provider, version, revision }
  throw new SecretsError('INVALID_ARGUMENT', 'the receipt is not one of a staged version', {
    remedy: 'pass what stageSecret or pendingSecret returned',
  })
}

function identityOf({ version, revision }: WriteReceipt): WriteReceipt {
  return { version, revision }
}

function stagingOf({ chainEntry: { provider } }: Location): Staging {
  if (provider.staging !== undefined) return provider.staging
  throw new SecretsError('UNSUPPORTED', 'the provider has no staged versions', {
    provider: provider.name,
    remedy: 'write with rotateSecret, or place the name in a store that can stage',
  })
}
