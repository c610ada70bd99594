import { isValidName, type SecretProvider, SecretsError, type SecretsErrorCode, type SecretsManager } from '@finchat/secrets-core'
import { exitCodeOfError, exitCodes } from '../terminal/exit-codes.ts'
import { type Content, contentOf } from './content.ts'

/** A manager over one store alone, and its provider, which knows where each name goes. */
export interface Store {
  readonly secrets: SecretsManager
  readonly provider: SecretProvider
  readonly actor: string | undefined
}

/** Why a secret cannot be moved. */
export interface Problem {
  readonly reason: string
  readonly code?: SecretsErrorCode
  readonly exitCode: number
}

/** A secret of the source: what it holds, or why that could not be read. */
export interface Item {
  readonly name: string
  /** Where the source has it, such as the name of a variable. */
  readonly place: string
  readonly content?: Content
  readonly problem?: Problem
}

/** A name to read; `isRequired`: its absence is an error. */
export interface Wanted {
  readonly name: string
  readonly isRequired: boolean
}

export const states = ['new', 'written', 'same', 'different', 'absent', 'cannot be mapped'] as const

/** What is known of one secret. `absent`: the source does not have it, and need not. */
export interface Row {
  readonly name: string
  /** At the target; several names may be fields of one path. */
  readonly path?: string | undefined
  readonly field?: string | undefined
  readonly state: (typeof states)[number]
  readonly reason?: string
  readonly code?: SecretsErrorCode | undefined
  readonly exitCode: number
  /** A write that failed, although it was, or may be, done. */
  readonly effect?: SecretsError['effect']
}

export async function readItem({ name, isRequired }: Wanted, { secrets, provider, actor }: Store): Promise<Item> {
  if (!isValidName(name)) return { name, place: name, problem: withoutName(provider) }
  const place = provider.locate?.(name)?.path ?? name
  try {
    return { name, place, content: contentOf(await secrets.getSecretValue(name, { fresh: true, actor })) }
  } catch (error) {
    const problem = problemOf(error)
    if (problem.code !== 'NOT_FOUND') return { name, place, problem }
    const reason = 'the source does not have it'
    return { name, place, problem: isRequired ? { ...problem, reason } : { reason, exitCode: exitCodes.ok } }
  }
}

function withoutName({ name }: SecretProvider): Problem {
  return { reason: `no name leads to it: give it one in ${name}.names`, code: 'INVALID_ARGUMENT', exitCode: exitCodes.differs }
}

/** Rethrows what is no error of a store. */
export function problemOf(error: unknown): Problem {
  if (!SecretsError.isInstance(error)) throw error
  const { code, problem: reason } = error
  return { reason, code, exitCode: code === 'INVALID_ARGUMENT' ? exitCodes.differs : exitCodeOfError(error) }
}
