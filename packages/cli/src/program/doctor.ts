import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { UsageError } from '../terminal/failure.ts'
import { called, ownPart } from './called.ts'
import { commonFlags, flagsOf, switchFlag } from './flags.ts'

export const doctor: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/doctor.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      ...commonFlags,
      processes: {
        kind: 'parsed',
        parse: processCount,
        brief: 'How many processes the cost is of; 10 by default',
        placeholder: 'number',
        optional: true,
      },
      write: switchFlag('Also write, read and delete a probe secret at each store'),
      strict: switchFlag('Exit code 1 for warnings, too'),
    }),
  },
  docs: {
    brief: 'Check configuration, stores, permissions, clock, keys and versions',
    fullDescription: 'Reads the declared secrets and writes nothing. The exit code is 0, or that of the gravest failure: 65, 77, 70 or 69.',
    customUsage: [
      '[--provider NAME] [--processes NUMBER] [--write] [--strict] [--json]',
      { input: '', brief: 'what is wrong, and what to do about it' },
      { input: '--write --provider vault', brief: 'whether a secret can be written there' },
      { input: '| grep -v ok', brief: 'columns are parted by tabs in a pipe' },
    ],
  },
})

function processCount(input: string): number {
  if (/^[1-9]\d{0,8}$/.test(input)) return Number(input)
  throw new UsageError('it is a whole number from 1', 'give the number of processes that read the secrets')
}
