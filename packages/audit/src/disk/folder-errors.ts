import { resolve } from 'node:path'
import { fileFailure, type FileFailure, SecretsError } from '@finchat/secrets-core/provider'

/** Both folders fail in the same ways. */
export type Holder = 'the audit trail' | 'the checkpoints'

type Said = readonly [problem: (of: Holder) => string, remedy: string | Readonly<Record<Holder, string>>]

const ready: Readonly<Record<Holder, string>> = {
  'the audit trail': 'name a folder that initAuditFolder made ready',
  'the checkpoints': 'name the folder or the file that has them; it is made with the first checkpoint',
}

const table: Partial<Record<FileFailure, Said>> = {
  missing: [(of) => `the folder of ${of}, or a file in it, does not exist`, ready],
  'not-a-folder': [(of) => `the folder of ${of} is not a folder`, 'correct the path'],
  denied: [(of) => `this process may not read or write the folder of ${of}`, 'give it the right'],
  'read-only': [(of) => `the file system of ${of} is read-only`, 'mount it writable'],
  'disk-full': [(of) => `the disk of ${of} is full`, 'make room'],
  'quota-used-up': [(of) => `the disk quota of ${of} is used up`, 'make room'],
  'too-large': [(of) => `a file of ${of} is larger than this process may write`, 'raise the limit, or lower `maxSegmentBytes`'],
  'input-output': [(of) => `the disk of ${of} reported an input or output error`, 'look at the disk'],
  'too-many-open': [() => 'this process has too many files open', 'raise the limit'],
  exists: [(of) => `a file that ${of} would create is already there`, 'name another folder, or look at who put it there'],
}

const unknown: Said = [(of) => `the folder of ${of} could not be read or written, for an unknown reason`, 'look at the folder']

/** Never quotes the file system's own message. */
export function folderError(error: unknown, folder: string, of: Holder = 'the audit trail'): SecretsError {
  if (SecretsError.isInstance(error)) return error
  const failure = fileFailure(error)
  const [problem, remedy] = (failure && table[failure]) ?? unknown
  return new SecretsError('AUDIT_FAILED', `${problem(of)}: ${shownPath(folder)}`, {
    remedy: typeof remedy === 'string' ? remedy : remedy[of],
  })
}

/** Absolute: a relative path looks right in the wrong working directory. */
export function shownPath(path: string): string {
  return JSON.stringify(resolve(path))
}

/** For a file that others may remove. */
export function unlessMissing(error: unknown): undefined {
  if (fileFailure(error) === 'missing') return undefined
  throw error
}
