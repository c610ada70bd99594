import type { UsagePath } from '@finchat/secrets-core'
import type { Field } from '@finchat/secrets-core/sealing'
import { hash, type NameOptions } from './key-names.ts'

/** Names of what is kept of who uses one path. All have the hash tag of the path. */
export interface UsageNames {
  /** Which chain of rosters is in use. */
  readonly head: string
  /** The number of a late roster of a chain: the last one is that or a later one. */
  readonly hint: (chain: string) => string
  readonly roster: (chain: string, number: number) => string
  /** Held by the process whose turn it is to change the roster. */
  readonly turn: string
  /** A process's last sign of life. */
  readonly life: (process: string) => string
}

export function usageNamesOf({ sharedAs, path }: UsagePath, options: NameOptions): UsageNames {
  const fields: Field[] = [options.namespace, sharedAs, path]
  const tag = `${options.keyPrefix}{${hash(options, ['path', ...fields])}}`
  const name = (letter: string, kind: string, ...more: Field[]): string => `${tag}${letter}${hash(options, [kind, ...fields, ...more])}`
  return {
    head: name('h', 'usage head'),
    hint: (chain) => name('n', 'usage hint', chain),
    roster: (chain, number) => name('r', 'usage roster', chain, number),
    turn: name('t', 'usage turn'),
    life: (process) => name('l', 'usage life', process),
  }
}
