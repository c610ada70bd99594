import type { KeyObject } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { AuditSink, PartHealth } from '@finchat/secrets-core'
import {
  assertWholeNumber,
  assertWithin,
  configurationError,
  knownOptions,
  longestTimerMs,
  type MembersOf,
} from '@finchat/secrets-core/provider'
import { checkpointFolder } from '../checkpoints/checkpoint-folder.ts'
import { signerOf } from '../keys/signature.ts'
import { assertReady } from '../format/folder-key.ts'
import { trailIdOf } from '../format/first-entry.ts'
import { assertFolder } from '../record/errors.ts'
import { GroupCommit } from './group-commit.ts'
import type { CheckpointOptions } from './checkpoint-sender.ts'
import type { RotationOptions } from './segment-rotation.ts'
import { writesTo } from '../trail/trail-of-sink.ts'
import { watchedPlaces } from '../sinks/watched-places.ts'

/** Where checkpoints go, and how often. */
export interface AuditCheckpoints {
  readonly to: string | AuditSink
  /** Milliseconds. Default: 1,000. */
  readonly everyMs?: number | undefined
  /**
   * A private Ed25519 key, as PEM (PKCS #8) or a `KeyObject`, that also signs each checkpoint. An
   * auditor with the public key then detects checkpoints forged with the auditor's key.
   */
  readonly signingKey?: string | KeyObject | undefined
}

/** What `jsonLinesFile` takes. */
export interface JsonLinesFileOptions {
  /** On a local disk, made ready once by `initAuditFolder`. Processes of one host may share it. */
  readonly folder: string
  /** In errors and warnings. Default: `file`. */
  readonly name?: string | undefined
  /** `false`: no `fdatasync`; a crash of the machine loses the last seconds. Default: true. */
  readonly durable?: boolean | undefined
  /**
   * The size at which a new segment begins, bytes. Another begins each day, within five minutes of
   * midnight (UTC). Default: 64 MiB.
   */
  readonly maxSegmentBytes?: number | undefined
  /**
   * Begins another folder with each year or month (UTC), within this one. `rotateAuditFolder` does
   * that at any time. A folder of 20,000 lines in its index is left in any case. Default: neither.
   */
  readonly folderPer?: 'year' | 'month' | undefined
  /**
   * A folder or a sink that this host can append to and not rewrite. Without checkpoints a
   * truncated end may go unnoticed.
   */
  readonly checkpoints?: AuditCheckpoints | undefined
}

const members: MembersOf<JsonLinesFileOptions> = {
  folder: 'string',
  name: 'string',
  durable: 'boolean',
  maxSegmentBytes: 'number',
  folderPer: 'string',
  checkpoints: 'any',
}

/**
 * A sink that writes records into a folder as lines of JSON, mode 0600. They are sealed in groups:
 * with the folder's first key an auditor detects any record that was changed, removed, moved or
 * added. An attacker who takes the host cannot forge what was sealed before. A record is
 * acknowledged when it is on disk; concurrent records share one `fdatasync`.
 *
 * Throws `CONFIGURATION` for invalid options, and for a folder that `initAuditFolder` did not make
 * ready or this process may not read. Writing rejects with `AUDIT_FAILED` if the disk is full,
 * read-only or failing, or 64 MiB of records wait for it. It rejects with `CONFIGURATION` if the
 * folder lost its key, and with `INTEGRITY` if its index is not as it was left.
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
  const file = new GroupCommit(known)
  const health = known.checkpoints?.health
  const sink: AuditSink = {
    specificationVersion: 'v1',
    name: known.name,
    durable: known.isDurable,
    write: (record, context) => file.write(record, context),
    health: health && (() => ({ checkpoints: health() })),
    close: () => file.close(),
  }
  return writesTo(sink, () => trailIdOf(known.folder))
}

interface Checked extends RotationOptions {
  readonly name: string
  readonly checkpoints: (CheckpointOptions & { readonly health: () => PartHealth }) | undefined
}

function checked(options: JsonLinesFileOptions): Checked {
  const {
    folder,
    name = 'file',
    durable = true,
    maxSegmentBytes = 64 * 1024 * 1024,
    folderPer,
    checkpoints,
  } = knownOptions(options, members)
  assertFolder(folder)
  if (folderPer !== undefined && folderPer !== 'year' && folderPer !== 'month')
    throw configurationError("`folderPer` is neither 'year' nor 'month'", 'pass one of the two, or leave it out')
  assertWholeNumber('maxSegmentBytes', maxSegmentBytes, 4096, Number.MAX_SAFE_INTEGER)
  const to = checkpoints?.to
  if (typeof to === 'string' && to !== '' && resolve(to) === resolve(folder))
    throw configurationError('`checkpoints.to` is the folder of the trail itself', 'name another one, which this host cannot rewrite')
  const own = { folder: resolve(folder), name, isDurable: durable, maxSegmentBytes, folderPer }
  return { ...own, checkpoints: checkedCheckpoints(checkpoints) }
}

function checkedCheckpoints(checkpoints: JsonLinesFileOptions['checkpoints']): Checked['checkpoints'] {
  if (checkpoints === undefined) return undefined
  if (typeof checkpoints === 'string') throw configurationError('`checkpoints` is text instead of an object', "pass { to: 'folder' }")
  const { to, everyMs = 1_000, signingKey } = knownOptions(checkpoints, { to: 'any', everyMs: 'number', signingKey: 'any' })
  assertWithin('everyMs', everyMs, 1, longestTimerMs)
  const sign = signingKey === undefined ? undefined : signerOf('checkpoints.signingKey', signingKey)
  if (typeof to === 'string' && to !== '') return { ...watchedPlaces((name) => checkpointFolder(join(to, name))), everyMs, sign }
  if (typeof to === 'object' && to !== null && typeof to.write === 'function') return { ...watchedPlaces(() => to), everyMs, sign }
  throw configurationError('`checkpoints.to` is neither a folder nor a sink', 'name one that this host cannot rewrite')
}
