import { type AuditTrail, createSecretsManager } from '@finchat/secrets-core'
import { bounded, configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { assertGrace, assertTarget, type RotateOptions, runOf } from '../engine/rotate-options.ts'
import type { AwsRotationClient } from './client.ts'
import { current, pending, wasInterrupted } from './labels.ts'
import { type AwsRotationEvent, checkedEvent, type LambdaContext, signalOf } from './rotation-event.ts'
import { deleted, notPending, notRotated, unknownVersion } from './rotation-refusals.ts'
import { barPromotion, rotationStore, tidy } from './rotation-store.ts'
import { SecretVersions } from './secret-versions.ts'
import { steps } from './steps.ts'

/** Options of `awsRotationHandler`. */
export interface AwsRotationOptions extends Pick<RotateOptions, 'target' | 'generate' | 'graceSeconds' | 'onState' | 'actor'> {
  /** `new SecretsManager()` of `@aws-sdk/client-secrets-manager`. */
  readonly client: AwsRotationClient
  /**
   * The target gets this field alone, a key or a JSON pointer. Other fields are copied as they are
   * written. Absent: the whole value, of which the target changes what it knows.
   */
  readonly field?: string | undefined
  /** Records each step, with the id of Lambda's request. It stays open for the next step. */
  readonly audit?: AuditTrail | undefined
}

/** A Lambda function. */
export type AwsRotationHandler = (event: AwsRotationEvent, context?: LambdaContext) => Promise<void>

/**
 * Returns a Lambda function for the rotation by AWS Secrets Manager: createSecret, setSecret,
 * testSecret and finishSecret. Each step may be repeated. finishSecret tests before it makes the
 * version current. A late step is refused by the fence of the target. A value that the target
 * refuses is rolled back.
 *
 * It rejects as `rotate` does. `VERSION_CONFLICT`: the version is not AWSPENDING any more.
 * `INVALID_ARGUMENT`: it is no version of the secret. `CONFIGURATION`: rotation is switched off. AWS
 * then tries again.
 *
 * @example
 * import { SecretsManager } from '@aws-sdk/client-secrets-manager'
 * import { functionTarget, passwordGenerator } from '@finchat/secrets-rotation'
 * import { awsRotationHandler } from '@finchat/secrets-rotation/aws'
 *
 * let password = '' // in production: a database
 * const target = functionTarget({
 *   apply: async (value) => void (password = value.reveal()),
 *   test: async (value) => (value.reveal() === password ? 'accepted' : 'refused'),
 * })
 * const client = new SecretsManager({ region: 'eu-west-1' })
 * export const handler = awsRotationHandler({ client, target, generate: passwordGenerator(), graceSeconds: 3600 })
 */
export function awsRotationHandler(options: AwsRotationOptions): AwsRotationHandler {
  const known = checkedOptions(options)
  return async (given, context) => {
    const event = checkedEvent(given)
    const signal = signalOf(context)
    const versions = new SecretVersions(known.client, event)
    if (await isOpen(versions, event, signal)) await runStep(known, versions, event, signal, context?.awsRequestId)
  }
}

const members: MembersOf<AwsRotationOptions> = {
  client: 'any',
  target: 'any',
  generate: 'any',
  graceSeconds: 'any',
  field: 'string',
  onState: 'any',
  actor: 'string',
  audit: 'any',
}

function checkedOptions(options: AwsRotationOptions): AwsRotationOptions {
  const known = knownOptions(options, members)
  const { client, target, generate, graceSeconds, field, audit } = known
  const actions = ['describeSecret', 'getSecretValue', 'putSecretValue', 'updateSecretVersionStage'] as const
  if (!actions.every((action) => typeof Object(client)[action] === 'function'))
    throw configurationError('`client` is no client of AWS Secrets Manager', 'pass new SecretsManager(), not a SecretsManagerClient')
  assertTarget(target)
  assertGrace(graceSeconds)
  if (typeof generate !== 'function') throw configurationError('`generate` is not a function', 'pass passwordGenerator()')
  if (audit !== undefined && typeof Object(audit).record !== 'function')
    throw configurationError('`audit` is no trail', 'make one of a sink: auditTrail({ sinks: [it] })')
  if (field === '') throw configurationError('`field` is empty', 'pass a key or a JSON pointer, or leave it out')
  return known
}

/** False: the version is current already. Rejects if the event is not about a version that waits. */
async function isOpen(
  versions: SecretVersions,
  { Step, SecretId, ClientRequestToken: token }: AwsRotationEvent,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { isDeleted, isRotated, labelsById } = await within(signal, (bound) => versions.describe(bound))
  const labels = Object.hasOwn(labelsById, token) ? labelsById[token] : undefined
  if (isDeleted) throw deleted(SecretId)
  if (!isRotated) throw notRotated(SecretId)
  if (labels === undefined) throw unknownVersion(SecretId)
  const isPending = labels.includes(pending)
  if (labels.includes(current)) {
    if (isPending) await within(signal, (bound) => tidy(versions, token, bound))
    return false
  }
  if (isPending || (Step === 'createSecret' && wasInterrupted(labelsById, token))) return true
  throw notPending(SecretId)
}

async function runStep(
  { target, generate, graceSeconds, field, onState, actor, audit }: AwsRotationOptions,
  versions: SecretVersions,
  { Step, SecretId, ClientRequestToken: token }: AwsRotationEvent,
  signal: AbortSignal | undefined,
  requestId: string | undefined,
): Promise<void> {
  const store = rotationStore(versions, token, field)
  const secrets = createSecretsManager({ providers: [store.provider], audit: audit && keptOpen(audit), deadlineMs: callMs })
  const run = {
    ...runOf(secrets, SecretId, { target, graceSeconds, onState, actor, signal, requestId }),
    barPromotion: () => within(signal, (bound) => barPromotion(versions, token, bound)),
  }
  try {
    const attempt = (): Promise<number> => within(signal, (bound) => versions.attempt(bound))
    await run.progress.reporting(() => steps[Step]({ run, generate, token, store, attempt }))
  } finally {
    await secrets.close().catch(() => undefined) // the step has an outcome of its own
  }
}

/** A manager closes its trail with itself, but each step has a manager of its own. */
function keptOpen(audit: AuditTrail): AuditTrail {
  return { specificationVersion: audit.specificationVersion, record: async (event, context) => audit.record(event, context) }
}

/** The SDK has no time limit. */
const callMs = 5_000

function within<T>(signal: AbortSignal | undefined, call: (bound: AbortSignal) => Promise<T>): Promise<T> {
  return bounded(call, { deadlineMs: callMs, signal, closing: neverAborted, owner: 'the rotation function' })
}

const neverAborted = new AbortController().signal
