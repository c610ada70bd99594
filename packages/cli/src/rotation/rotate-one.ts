import type { Generate, RotationResult } from '@finchat/secrets-rotation'
import { SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { note, type Terminal } from '../terminal/terminal.ts'
import { timeOf } from './words.ts'
import type { Prepared } from './policy.ts'
import type { RotationKit } from './project.ts'
import type { RotationCall } from './rotation-call.ts'

interface RotateOne extends RotationCall {
  readonly prepared: Prepared
  readonly force: boolean
  /** A value that was given: it must become current, and no other. */
  readonly given: Generate | undefined
}

export async function rotateOne(kit: RotationKit, secrets: SecretsManager, name: string, one: RotateOne): Promise<RotationResult> {
  const { prepared, force, given, actor, onState, signal } = one
  const generate = given ?? prepared.generate
  const result = await kit.rotate(secrets, name, { ...prepared, generate, force, actor, onState, signal })
  if (given !== undefined && result.outcome !== 'rotated') throw notUsed(name, result)
  return result
}

function notUsed(secret: string, { outcome }: RotationResult): SecretsError {
  const why = outcome === 'finished' ? 'a rotation that was broken off was finished first' : 'another writer changed the secret meanwhile'
  return new SecretsError('VERSION_CONFLICT', `the given value is not stored: ${why}`, { secret, remedy: 'run it again with the value' })
}

export function printRotation(name: string, result: RotationResult, asJson: boolean, terminal: Terminal): void {
  const { outcome, provider, version, revision, attempt, stagedBy } = result
  const retireAt = timeOf(result.retireAt)
  if (asJson)
    return void terminal.stdout.write(`${JSON.stringify({ name, outcome, provider, version, revision, attempt, stagedBy, retireAt })}\n`)
  note(terminal, `${name} ${words[outcome]}${version === undefined ? '' : ` as version ${version}`} at '${provider}'`)
  if (retireAt !== undefined) note(terminal, `the former value may be withdrawn from ${retireAt}: finchat-secrets rotate ${name} --retire`)
}

const words: { readonly [outcome in RotationResult['outcome']]: string } = {
  rotated: 'is rotated',
  finished: 'is rotated, by what an earlier rotation had begun,',
  overtaken: 'was changed by another rotation or write meanwhile; it is current',
}
