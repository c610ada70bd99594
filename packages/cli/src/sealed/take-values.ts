import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { prefixLength } from '@finchat/secrets-core/sealing'
import { UsageError } from '../terminal/known-error.ts'
import { type Message, openMessage } from './packed-values.ts'
import { pipeDescriptor, pipeVariable } from './pipe.ts'

/** Whether `finchat-secrets run --sealed` started this program, or one above it. */
export function isSealed({ env }: NodeJS.Process): boolean {
  return env[pipeVariable] !== undefined
}

/**
 * Asks the wrapper for the values, waits for them, and removes what led here: the descriptor, its
 * variable and our part of `NODE_OPTIONS`, so that a child of this program does not ask again.
 */
export function takeValues(program: NodeJS.Process): Uint8Array {
  const name = packageManager(program.argv[1])
  if (name !== undefined) throw doesNotPassOn(name)
  const { nodeOptions, values } = ask()
  delete program.env[pipeVariable]
  if (nodeOptions === undefined) delete program.env['NODE_OPTIONS']
  else program.env['NODE_OPTIONS'] = nodeOptions
  return values
}

/** They close the pipe before they start the program. */
function packageManager(script = ''): string | undefined {
  return /^(npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(-cli)?(\.[cm]?js)?$/.exec(basename(script))?.[1]
}

function ask(): Message {
  if (!isPipeThere()) throw isTaken()
  try {
    writeSync(pipeDescriptor, '?')
    const length = readExactly(prefixLength).readUInt32BE()
    return openMessage(readExactly(length))
  } catch {
    throw isTaken()
  } finally {
    closeSync(pipeDescriptor)
  }
}

/** Otherwise the descriptor is another file, or one of Node.js itself, which closing it would abort. */
function isPipeThere(): boolean {
  try {
    return fstatSync(pipeDescriptor).isSocket()
  } catch {
    return false
  }
}

function readExactly(length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length;) {
    const read = readSync(pipeDescriptor, bytes, at, length - at, null)
    if (read === 0) throw isTaken()
    at += read
  }
  return bytes
}

function isTaken(): UsageError {
  return new UsageError(
    'another program took the sealed secrets, or one between closed their pipe',
    'start this program alone: finchat-secrets run --sealed -- node app.js',
  )
}

function doesNotPassOn(name: string): UsageError {
  return new UsageError(
    `${name} does not pass sealed secrets on to the program that it starts`,
    'start the program itself: finchat-secrets run --sealed -- node app.js',
  )
}
