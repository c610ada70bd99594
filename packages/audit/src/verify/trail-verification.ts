import { pause, SecretsError } from '@finchat/secrets-core/provider'
import { ChangedMeanwhile } from '../disk/changed-meanwhile.ts'
import { shownPath } from '../disk/folder-errors.ts'
import { withoutCopies } from '../file/copy-lock.ts'
import type { SegmentGroup } from '../format/segment-reader.ts'
import type { LineDigests } from '../tables/line-digests.ts'
import type { AuditVerification } from './audit-verification.ts'
import { ReadGroups } from './trail-folder-verification.ts'
import { TrailPass } from './trail-pass.ts'
import type { CheckedVerifyOptions } from './verify-options.ts'

/** A removal, a copy or a tool that compresses segments takes files away while they are read. */
const mostTries = 20
const firstPauseMs = 10

/**
 * Verifies a trail while its groups are read, once. Begins again if files were taken away meanwhile:
 * what was found of them before counts no more.
 */
export class TrailVerification {
  readonly #folder: string
  readonly #begun: () => TrailPass
  #pass: TrailPass

  /** `keepsLines`: for a comparison of two trails. Takes 40 bytes for each line of the index. */
  constructor(folder: string, options: CheckedVerifyOptions, keepsLines = false) {
    const read = new ReadGroups()
    this.#folder = folder
    this.#begun = () => new TrailPass(folder, { options, keepsLines, read })
    this.#pass = this.#begun()
  }

  /**
   * The authentic groups, in order, each once. Overwrites the keys that it derived; the caller overwrites
   * the first. Throws `AUDIT_FAILED` if the folder cannot be read.
   */
  async *groups(): AsyncGenerator<SegmentGroup> {
    let letCopy: (() => void) | undefined
    try {
      for (let tries = 1; ; tries++) {
        try {
          return yield* this.#pass.groups()
        } catch (error) {
          if (!(error instanceof ChangedMeanwhile)) throw error
          if (tries === mostTries) throw neverStill(this.#folder)
        }
        letCopy ??= await withoutCopies(this.#folder) // copies that follow one another leave no time for a verification
        await pause(firstPauseMs * tries)
        this.#pass = this.#begun()
      }
    } finally {
      letCopy?.()
    }
  }

  /** By the id of each folder, the hash of each authentic line of its index, if they are kept. */
  get lines(): ReadonlyMap<string, LineDigests> {
    return this.#pass.lines
  }

  /** Complete once the groups were read to their end. */
  result(): AuditVerification {
    return this.#pass.result()
  }
}

function neverStill(folder: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `files of ${shownPath(folder)} or of its checkpoints went away whenever they were read`, {
    remedy: 'verify it again once what removes or moves them has ended, or verify a copy',
  })
}
