import type { Duplex } from 'node:stream'
import type { ChildVariables } from '../child/variables.ts'
import { UsageError } from '../terminal/known-error.ts'
import { pipeDescriptor, pipeVariable } from './pipe.ts'
import { messageOf } from './packed-values.ts'

/** What stands in the environment in place of values, by their name. */
export type Decoys = Readonly<Record<string, string>>

/** The variables of a child that takes its secrets from the pipe. */
export interface SealedVariables extends ChildVariables {
  /** Sends the values to the first program that asks for them, and to none after it. */
  readonly onPipe: (pipe: Duplex) => void
  readonly isTaken: () => boolean
}

/** Takes the values out of the variables. `register` is the file URL of what asks for them. */
export function sealVariables({ env, values }: ChildVariables, decoys: Decoys, register: string): SealedVariables {
  const { NODE_OPTIONS: nodeOptions } = env
  const names = new Set(values.map(({ name }) => name))
  for (const name of ['NODE_OPTIONS', pipeVariable]) if (names.has(name)) throw neededInTheEnvironment(name)
  const rest = Object.entries(env).filter(([name]) => !names.has(name))
  const message = messageOf(nodeOptions, Object.fromEntries(Object.entries(env).filter(([name]) => names.has(name))))
  let isTaken = false
  const onPipe = (pipe: Duplex): void => {
    pipe.on('error', () => undefined) // the program may have ended without reading
    pipe.once('data', () => {
      isTaken = true
      pipe.end(message)
    })
  }
  const options = [nodeOptions, `--import=${register}`].filter(Boolean).join(' ')
  const added = { ...decoys, NODE_OPTIONS: options, [pipeVariable]: String(pipeDescriptor) }
  return { env: { ...Object.fromEntries(rest), ...added }, values, onPipe, isTaken: () => isTaken }
}

function neededInTheEnvironment(name: string): UsageError {
  return new UsageError(`${name} must be in the environment, so it cannot be sealed`, 'leave it out by --only, or run without --sealed')
}
