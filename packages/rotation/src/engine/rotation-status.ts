import type { CallOptions, SecretsManager, SecretValue, WriteReceipt } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import type { RotationTarget } from '../targets/target.ts'
import { type FormerUsage, formerUsage } from './former-usage.ts'
import { type LastUse, lastUses, type UseRecords } from './last-uses.ts'
import { assertTarget } from './rotate-options.ts'
import { type Asked, readCurrent, readFormer } from './stored-versions.ts'

/** Options of `rotationStatus`. */
export interface RotationStatusOptions extends CallOptions {
  /** Tells which version has another credential, and sessions of the former one, if it can. */
  readonly target?: RotationTarget | undefined
  /** Records of an audit trail, such as `readAuditRecords(folder)`. */
  readonly records?: UseRecords | undefined
}

/** Whether the former version of a secret may be withdrawn, and who uses it. */
export interface RotationStatus extends Omit<FormerUsage, 'verdict'> {
  /** As `FormerUsage`; `nothing`: there surely is no former version with another credential. */
  readonly verdict: FormerUsage['verdict'] | 'nothing'
  readonly current: WriteReceipt
  readonly previous?: WriteReceipt | undefined
  /** From the records, the latest first. It does not decide: a record tells no goodbye. */
  readonly lastUses: readonly LastUse[]
}

const members: MembersOf<RotationStatusOptions> = {
  target: 'any',
  records: 'any',
  signal: 'any',
  actor: 'string',
  requestId: 'string',
}

/**
 * Tells who still uses the version before the current one. It asks usage marks in the shared cache,
 * sessions at the target, and reads in an audit trail. `retirePrevious` with
 * `whenUnused` asks the first two. Rejects if the store or the target cannot be asked.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { registerUse } from '@finchat/secrets-core/live'
 * import { rotationStatus } from '@finchat/secrets-rotation'
 * import { memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
 *
 * const provider = memoryProvider({ sharedAs: 'store', secrets: { db: 'old' } }) // in production: AWS, Vault
 * const secrets = createSecretsManager({ providers: [provider], cache: { shared: memorySharedCache() } }) // in production: keyvCache
 * const use = registerUse(secrets, 'db', { actor: 'importer' })
 * await use.uses(await secrets.getSecretValue('db'))
 * await secrets.rotateSecret('db', 'new')
 * const { verdict, users } = await rotationStatus(secrets, 'db')
 * console.log(verdict, users.map(({ actor }) => actor)) // inUse [ 'importer' ]
 * await secrets.close()
 */
export async function rotationStatus(secrets: SecretsManager, name: string, options: RotationStatusOptions = {}): Promise<RotationStatus> {
  const { target, records = [], ...call } = knownOptions(options, members, 'INVALID_ARGUMENT')
  if (target !== undefined) assertTarget(target)
  const asked: Asked = { secrets, name, call }
  const reads = await lastUses(records, name)
  const current = await readCurrent(asked)
  const previous = await readFormer({ ...asked, target }, current)
  const found = { current: receiptOf(current), lastUses: reads }
  if (previous === undefined) return { ...found, verdict: 'nothing', users: [] }
  const receipt = typeof previous === 'string' ? {} : { previous: receiptOf(previous) }
  return { ...found, ...receipt, ...(await formerUsage(asked, target, current, previous)) }
}

function receiptOf({ version, revision }: SecretValue): WriteReceipt {
  return { version, revision }
}
