import { member } from '@finchat/secrets-core/http'
import { type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { assertVersionNumber, hasCode } from '@finchat/secrets-core/provider'
import type { VaultAnswer } from '../http/answer.ts'
import { isCasRequired } from '../protocol/responses.ts'
import { metadataOf } from './answers.ts'
import type { KvMount } from './mount.ts'
import { patched } from './patch.ts'
import { type LastVersion, readLast } from './read.ts'
import { setTags } from './tags.ts'
import { assertTags, fieldsOf } from './input.ts'
import { assertPath } from '../shared/paths.ts'

/**
 * How often an unconditional write starts again, if the mount requires versions and others write
 * too.
 */
const mostAttempts = 5

interface CheckedSecret extends NewSecret {
  readonly fields: string
}

export function checkedSecret(path: string, secret: NewSecret): CheckedSecret {
  assertPath(path)
  if (secret.version !== undefined) assertVersionNumber(secret.version)
  assertTags(secret.tags ?? {})
  return { ...secret, fields: fieldsOf(secret) }
}

/** Adds a version under check-and-set, then its tags. */
export async function putVersion(mount: KvMount, path: string, secret: CheckedSecret, signal: AbortSignal): Promise<WriteReceipt> {
  const over = await baseOf(mount, path, secret, signal)
  const receipt =
    over === undefined ? await writeAnyhow(mount, path, secret.fields, signal) : await writeOver(mount, path, secret.fields, over, signal)
  if (receipt === undefined) throw await conflict(mount, path, signal)
  await setTags(mount, path, secret.tags ?? {}, signal).catch((error: unknown) => {
    throw SecretsError.isInstance(error) ? tagsLost(error) : error
  })
  return receipt
}

/** The last version's number, 0 for none, and its secret if that must still exist. */
type Base = Pick<LastVersion, 'version'> & Partial<Pick<LastVersion, 'secret'>>

/** Undefined: any version. Throws `VERSION_CONFLICT` if the last version does not match. */
export async function baseOf(
  mount: KvMount,
  path: string,
  { version, ifCurrent }: NewSecret,
  signal: AbortSignal,
): Promise<Base | undefined> {
  const wanted = version === undefined ? undefined : version - 1
  if (ifCurrent === undefined) return wanted === undefined ? undefined : { version: wanted }
  const base = await currentBase(mount, path, ifCurrent, signal)
  if (base === undefined || (wanted ?? base.version) !== base.version) throw await conflict(mount, path, signal)
  return base
}

/** The version to write over, if it is still current. `null` asks for none or a deleted one. */
async function currentBase(mount: KvMount, path: string, ifCurrent: WriteReceipt | null, signal: AbortSignal): Promise<Base | undefined> {
  const { version, revision } = ifCurrent ?? {}
  if (ifCurrent !== null && version === undefined && revision === undefined) {
    throw new SecretsError('VERSION_CONFLICT', 'the condition names no version', {
      remedy: 'give the version or the revision that a read returned, or write without a condition',
    })
  }
  const last = await readLast(mount, path, signal)
  if (ifCurrent === null) return last?.secret === undefined ? { version: last?.version ?? 0 } : undefined
  const isSame = last?.secret !== undefined && (version ?? last.version) === last.version && (revision ?? last.revision) === last.revision
  return isSame ? last : undefined
}

/** Undefined if the last version has another number, or was deleted though it must not be. */
async function writeOver(
  mount: KvMount,
  path: string,
  fields: string,
  { version: cas, secret }: Base,
  signal: AbortSignal,
): Promise<WriteReceipt | undefined> {
  try {
    const patch = secret && (await patched(mount, path, { cas, before: String(secret.value), after: fields }, signal))
    return receiptOf(patch ?? (await post(mount, path, `{"options":{"cas":${cas}},"data":${fields}}`, signal)), cas + 1)
  } catch (error) {
    if (hasCode(error, 'VERSION_CONFLICT')) return undefined
    throw error
  }
}

/** Writes without a condition, or over the last version if the mount requires one. */
async function writeAnyhow(mount: KvMount, path: string, fields: string, signal: AbortSignal): Promise<WriteReceipt | undefined> {
  const answer = await post(mount, path, `{"data":${fields}}`, signal, true)
  if (!isCasRequired(answer)) return receiptOf(answer)
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const last = await readLast(mount, path, signal)
    const receipt = await writeOver(mount, path, fields, { version: last?.version ?? 0 }, signal)
    if (receipt !== undefined) return receipt
  }
  return undefined
}

function post(mount: KvMount, path: string, body: string, signal: AbortSignal, takesRefusal = false): ReturnType<KvMount['ask']> {
  const takes = takesRefusal ? isCasRequired : undefined
  return mount.ask(
    path,
    { method: 'POST', part: 'data', body, call: 'write', capability: 'create or update or patch', ...(takes && { takes }) },
    signal,
  )
}

/** `expected`: the number of a write under check-and-set. */
function receiptOf(answer: VaultAnswer, expected?: number): WriteReceipt {
  try {
    const { version, revision } = metadataOf(answer, member(answer.body, 'data'))
    if (version === (expected ?? version)) return { version, revision }
  } catch {
    // Reported below: the write may have been done.
  }
  throw new SecretsError('INTERNAL', 'the answer to the write is not what a KV mount answers', {
    effect: 'unknown',
    remedy: 'check that `mount` is a KV mount, and read what became of it',
  })
}

/** Names the next number, if it can be read. */
async function conflict(mount: KvMount, path: string, signal: AbortSignal): Promise<SecretsError> {
  const [last] = await Promise.allSettled([readLast(mount, path, signal)])
  const problem = 'another version is current, or the number cannot be written'
  const remedy =
    last.status === 'fulfilled'
      ? `the next is ${(last.value?.version ?? 0) + 1}; read the secret and decide anew`
      : 'read the secret and decide anew'
  return new SecretsError('VERSION_CONFLICT', problem, { remedy })
}

function tagsLost(error: SecretsError): SecretsError {
  return new SecretsError(error.code, `the value was written, its tags were not: ${error.problem}`, { ...error, effect: 'done' })
}
