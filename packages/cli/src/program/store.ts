import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { commonFlags, flagsOf, nameArgument, switchFlag, textFlag } from './flags.ts'
import { called, ownPart } from './called.ts'

const { config, json } = commonFlags
const yes = switchFlag('Do not ask')

export const backup: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../local/backup.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      config,
      json,
      output: textFlag('file', 'The file of the backup; by default beside the store, with the time'),
      force: switchFlag('Replace a file of that name'),
    }),
  },
  docs: {
    brief: 'Make a verified copy of the local store, also while it is written',
    fullDescription: 'The copy is one file for you alone. It gets its name once every value in it was opened. Prints the name.',
    customUsage: [
      '[--output FILE] [--force] [--json]',
      { input: '--output /mnt/backup/secrets.db --force', brief: 'the same name each night' },
    ],
  },
})

export const restore: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../local/restore.ts'), 'default')),
  parameters: {
    positional: { kind: 'tuple', parameters: [{ ...nameArgument, optional: true }] },
    flags: flagsOf({
      ...commonFlags,
      provider: textFlag('name', 'The provider to change'),
      backup: textFlag('file', 'Restore the whole local store from this backup'),
      yes,
    }),
  },
  docs: {
    brief: 'Undo the deletion of a secret, or restore the local store from a backup',
    fullDescription:
      'With --backup it verifies the backup, shows what would be lost, and asks. The former file is kept. End every program that uses the store first.',
    customUsage: [
      'NAME [--provider NAME] [--json]',
      '--backup FILE [--yes] [--json]',
      { input: 'OLD_TOKEN', brief: 'makes a deleted secret current again' },
      { input: '--backup /mnt/backup/secrets.db', brief: 'sets the whole store back to this backup' },
    ],
  },
})

export const reencrypt: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../local/reencrypt.ts'), 'default')),
  parameters: { flags: flagsOf({ config, json, yes }) },
  docs: {
    brief: 'Seal the local store again after a change of its key',
    fullDescription: `To replace the key while services run:
  1. name the new key by local.otherKey for every service
  2. name the new key by local.key, and the former one by local.otherKey
  3. finchat-secrets reencrypt; if it is interrupted, run it again
  4. remove local.otherKey`,
    customUsage: ['[--yes] [--json]', { input: '--yes', brief: 'without a question, for scripts' }],
  },
})
