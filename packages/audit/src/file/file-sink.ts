import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { type AuditSink, SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { checkpointFolder } from './checkpoint-folder.ts'
import { checkpointSigner } from '../format/checkpoint-signature.ts'
import { assertReady } from '../format/folder-key.ts'
import { RecordFile } from './group-commit.ts'
import type { RecordFileOptions } from './segment-rotation.ts'

/** Where signed checkpoints go, and how often. */
export interface AuditCheckpoints {
  readonly to: string | AuditSink
  /** Default: 1,000. */
  readonly everyMs?: number | undefined
  /**
   * A private Ed25519 key, as PEM (PKCS #8) or a `KeyObject`, with which each checkpoint is signed too.
   * Then whoever verifies with the public key cannot forge one, even with the auditor's key. Whoever
   * takes this host has both.
   */
  readonly signingKey?: string | KeyObject | undefined
}

/** What `jsonLinesFile` takes. */
export interface JsonLinesFileOptions {
  /** Made ready once by `initAuditFolder`. Any number of processes of one host may share it. On a local disk. */
  readonly folder: string
  /** In errors and warnings. Default: `file`. */
  readonly name?: string | undefined
  /** `false`: records are not forced to disk (no `fdatasync`). A crash of the machine loses the last seconds. Default: true. */
  readonly durable?: boolean | undefined
  /**
   * A new segment begins when one has this size, bytes; and with each day, some minutes after
   * midnight (UTC). Default: 64 MiB.
   */
  readonly maxSegmentBytes?: number | undefined
  /** Where signed checkpoints go: a folder, or a sink, that this host can append to and not rewrite. Without them a cut tail may go unnoticed. */
  readonly checkpoints?: AuditCheckpoints | undefined
}

const members: MembersOf<JsonLinesFileOptions> = {
  folder: 'string',
  name: 'string',
  durable: 'boolean',
  maxSegmentBytes: 'number',
  checkpoints: 'any',
}

/**
 * A sink that writes records as lines of JSON into a folder, mode 0600, sealed in groups so that an auditor who has the folder's first key can tell
 * whether one was changed, left out, moved or added; whoever takes the host can forge nothing that was sealed before. A record is acknowledged when it is on
 * disk (`fdatasync`), and records that come at once share that cost. The folder is opened by the first record, or soon after the sink is made.
 *
 * Throws `CONFIGURATION` for options that make no sense, and for a folder that `initAuditFolder` did not make ready or that this process may not read, so that a
 * service says so when it starts. Rejects with `AUDIT_FAILED` if the disk is full, read-only or fails, or hangs and 64 MiB of records wait for it, with
 * `CONFIGURATION` if the folder lost its key since, with `INTEGRITY` if its index is not as it was left.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const { key } = await initAuditFolder('audit-of-webapp') // once: key is for the auditor
 * const audit = auditTrail({ sinks: [jsonLinesFile({ folder: 'audit-of-webapp' })] })
 * const secrets = createSecretsManager({ providers: [envProvider()], audit })
 * await secrets.getSecret('FINCHAT_TOKEN')
 * await secrets.close()
 * console.log(key.length) // 53
 */
export function jsonLinesFile(options: JsonLinesFileOptions): AuditSink {
  const known = checked(options)
  assertReady(known.folder)
  const file = new RecordFile(known)
  return {
    specificationVersion: 'v1',
    name: known.name,
    durable: known.isDurable,
    write: (record, context) => file.write(record, context),
    close: () => file.close(),
  }
}

interface Checked extends RecordFileOptions {
  readonly name: string
}

function checked(options: JsonLinesFileOptions): Checked {
  const { folder, name = 'file', durable = true, maxSegmentBytes = 64 * 1024 * 1024, checkpoints } = knownOptions(options, members)
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) throw misconfigured('`folder` is no path', 'name a folder')
  if (!Number.isSafeInteger(maxSegmentBytes) || maxSegmentBytes < 4096)
    throw misconfigured('`maxSegmentBytes` is no size', 'pass 4096 or more')
  const to = checkpoints?.to
  if (typeof to === 'string' && to !== '' && resolve(to) === resolve(folder))
    throw misconfigured('`checkpoints.to` is the folder of the trail itself', 'name another one, which this host cannot rewrite')
  return { folder: resolve(folder), name, isDurable: durable, maxSegmentBytes, checkpoints: checkedCheckpoints(checkpoints) }
}

function checkedCheckpoints(checkpoints: JsonLinesFileOptions['checkpoints']): Checked['checkpoints'] {
  if (checkpoints === undefined) return undefined
  if (typeof checkpoints === 'string') throw misconfigured('`checkpoints` is text instead of an object', "pass { to: 'folder' }")
  const { to, everyMs = 1_000, signingKey } = knownOptions(checkpoints, { to: 'any', everyMs: 'number', signingKey: 'any' })
  if (!(everyMs >= 1 && everyMs < 2 ** 31)) throw misconfigured('`everyMs` is no time', 'pass milliseconds, 1 or more')
  const sign = signingKey === undefined ? undefined : checkpointSigner(signingKey)
  if (typeof to === 'string' && to !== '') return { to: checkpointFolder(to), everyMs, sign }
  if (typeof to === 'object' && to !== null && typeof to.write === 'function') return { to, everyMs, sign }
  throw misconfigured('`checkpoints.to` is neither a folder nor a sink', 'name one that this host cannot rewrite')
}

function misconfigured(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
