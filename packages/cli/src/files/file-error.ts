import { basename } from 'node:path'
import { configurationError, fileFailure, type FileFailure } from '@finchat/secrets-core/provider'
import { KnownError, UsageError } from '../terminal/known-error.ts'

type Words = Readonly<Partial<Record<FileFailure, readonly [problem: string, remedy: string]>>>

/** The name is wrong: the command was called wrongly. */
const wrongNames: Words = {
  exists: ['is there already, and is not overwritten', 'name another file, or move that one away'],
  missing: ['cannot be made: its folder does not exist', 'make the folder, or name another'],
  'not-a-folder': ['cannot be made: its folder is no folder', 'name another folder'],
  'not-a-file': ['is no file', 'move it away, or name another'],
  'name-too-long': ['cannot be made: its name is too long', 'give it a shorter name'],
}

const others: Words = {
  denied: ['cannot be written: access is denied', 'name a file in a folder that this user may write to'],
  'read-only': ['cannot be written: its disk is read-only', 'name a file on another disk'],
  'disk-full': ['cannot be written: the disk is full', 'make room on the disk, and run this again'],
  'quota-used-up': ['cannot be written: the disk quota is used up', 'make room on the disk, and run this again'],
}

/** Why a file could not be written, without the system's text, which quotes the whole path. */
export function fileError(path: string, error: unknown): Error {
  if (error instanceof KnownError) return error
  return fileProblem(path, fileFailure(error) ?? 'input-output')
}

export function fileProblem(path: string, failure: FileFailure): Error {
  const [wrong, other = ['cannot be written', 'name another file']] = [wrongNames[failure], others[failure]]
  if (wrong !== undefined) return new UsageError(`${basename(path)} ${wrong[0]}`, wrong[1])
  return configurationError(`${basename(path)} ${other[0]}`, other[1])
}
