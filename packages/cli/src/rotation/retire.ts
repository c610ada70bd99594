import type { Retirement } from '@finchat/secrets-rotation'
import { exitCodes } from '../terminal/exit-codes.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { timeOf } from './words.ts'

export function printRetirement(name: string, { outcome, retireAt, usage }: Retirement, asJson: boolean, terminal: Terminal): void {
  const at = timeOf(retireAt)
  if (asJson) return void terminal.stdout.write(`${JSON.stringify({ name, outcome, retireAt: at, usage })}\n`)
  const until = outcome === 'inGrace' && at !== undefined ? `: not before ${at}` : ''
  note(terminal, `${name}: ${words[outcome]}${until}`)
}

const words: { readonly [outcome in Retirement['outcome']]: string } = {
  retired: 'the former value is withdrawn',
  nothing: 'there is no former value that works at the target',
  inGrace: 'the former value may still be used; --force withdraws it now',
  rotating: 'a rotation has begun and comes first: finchat-secrets rotate finishes it',
  unproven: 'the target refuses the current value, so the former one was left',
  notSafe: 'the former value is still used, or may be: see --status',
}

/** Whether the former value is gone. */
export function exitCodeOfRetirement({ outcome }: Retirement): number {
  return outcome === 'retired' || outcome === 'nothing' ? exitCodes.ok : exitCodes.differs
}
