import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SecretsErrorCode } from '@finchat/secrets-core'
import { fileFailure, SecretsError } from '@finchat/secrets-core/provider'

/** A file as the configuration names it, relative to its folder. */
export interface NamedFile {
  readonly name: string
  readonly folder: string
}

/** Throws unless this process can read a credential's file. `place` is the setting that names it. */
export function assertCredentialFile(place: string, file: NamedFile, remedy: string): void {
  const problem = problemOf(resolve(file.folder, file.name))
  if (problem === undefined) return
  const shown = mayBeCredential(file.name)
    ? 'a file whose name may be the credential itself'
    : `the file ${resolve(file.folder, file.name)}`
  throw new SecretsError(problem.code, `${place} is in ${shown}, which ${problem.text}`, { remedy })
}

interface Problem {
  readonly code: SecretsErrorCode
  readonly text: string
}

function problemOf(path: string): Problem | undefined {
  try {
    if (!statSync(path).isFile()) return { code: 'CONFIGURATION', text: 'is not a regular file' }
    accessSync(path, constants.R_OK)
    return undefined
  } catch (error) {
    const failure = fileFailure(error)
    if (failure === 'denied') return { code: 'PERMISSION_DENIED', text: 'this user may not read' }
    if (failure === 'missing' || failure === 'not-a-folder') return { code: 'CREDENTIALS_MISSING', text: 'does not exist' }
    return { code: 'CONFIGURATION', text: 'cannot be read' }
  }
}

const shortestCredential = 24

/** A key or a token in the place of a path. Without a regular expression, since V8 keeps its last input. */
export function mayBeCredential(name: string): boolean {
  let [length, hasDigit] = [0, false]
  for (const character of name) {
    const isPart = isLetterOrDigit(character) || '+=_-'.includes(character)
    hasDigit = isPart && (hasDigit || isDigit(character))
    length = isPart ? length + 1 : 0
    if (length >= shortestCredential && hasDigit) return true
  }
  return false
}

function isLetterOrDigit(character: string): boolean {
  return isDigit(character) || character.toLowerCase() !== character.toUpperCase()
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9'
}
