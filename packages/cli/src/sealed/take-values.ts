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

/** They are programs of Node.js, so they would take the values, and they start another one without the pipe. */
function packageManager(script = ''): string | undefined {
  return /^(npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(-cli|-\d[\w.-]*)?(\.[cm]?js)?$/.exec(basename(script))?.[1]
}

function ask(): Message {
  if (!isPipeThere()) throw isClosed()
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

const remedy = 'start Node.js itself, also in a script of package.json: finchat-secrets run --sealed -- node app.js'

function isTaken(): UsageError {
  return new UsageError('another program of Node.js took the sealed secrets before this one', remedy)
}

/** Node.js passes no descriptor on by itself. */
function isClosed(): UsageError {
  return new UsageError('a program between, such as node --watch, node --run or npm, did not pass the sealed secrets on', remedy)
}

function doesNotPassOn(name: string): UsageError {
  return new UsageError(`${name} does not pass sealed secrets on to the program that it starts`, remedy)
}
