import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { called, ownPart } from './called.ts'
import { commonFlags, flagsOf, nameArgument, switchFlag, textFlag, wholeNumber } from './flags.ts'

const { config, json } = commonFlags
const countFlag = (brief: string) => ({ kind: 'parsed', parse: wholeNumber, brief, placeholder: 'number', optional: true }) as const

export const rotate: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/rotate.ts'), 'default')),
  parameters: {
    positional: { kind: 'tuple', parameters: [{ ...nameArgument, optional: true }] },
    flags: flagsOf({
      config,
      json,
      due: switchFlag('Rotate all that are due, for cron'),
      status: switchFlag('Show the users of the former version'),
      retire: switchFlag('Withdraw the former value at the target, once its grace period is over'),
      discard: switchFlag('Withdraw the version that a rotation staged and did not finish'),
      yes: switchFlag('With --discard: do not ask'),
      generate: {
        kind: 'enum',
        values: ['password', 'token', 'uuid', 'keyPair'],
        brief: 'How the new value is made',
        placeholder: 'kind',
        optional: true,
      },
      length: countFlag('Characters of a password'),
      bytes: countFlag('Random bytes of a token'),
      valueFromStdin: switchFlag('Take the new value from a hidden prompt or a pipe'),
      grace: textFlag('duration', 'How long the former value still works at a target that keeps two, such as 1h'),
      force: switchFlag('Although the grace period is not over, the former value is used, or the declaration forbids the new one'),
      whenUnused: switchFlag('Only when the former value is unused'),
    }),
  },
  docs: {
    brief: 'Give a secret a new value, in the store and at its target',
    fullDescription:
      'Stages the value, sets it at the target, tests it and makes it current. A rotation that was broken off is finished by the next call. The configuration file says under "rotation" how each secret is rotated. Exit code 1: --retire withdrew nothing yet; --status: it is used, or may be.',
    customUsage: [
      'NAME [--generate KIND | --value-from-stdin] [--grace DURATION] [--force] [--when-unused] [--json]',
      'NAME --status | NAME --retire | NAME --discard [--yes] | --due',
      { input: 'DATABASE', brief: 'as the configuration says' },
      { input: 'SESSION_KEY --generate token --bytes 32', brief: 'a random token, in the store alone' },
      { input: '--due', brief: 'all that are due, from a cron job' },
      { input: 'DATABASE --status && finchat-secrets rotate DATABASE --retire', brief: 'withdraws an unused value' },
    ],
  },
})
