import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { commonFlags, flagsOf, nameArgument, switchFlag, textFlag, versionToRead } from './flags.ts'
import { called, ownPart } from './called.ts'

const oneName = { kind: 'tuple', parameters: [nameArgument] } as const
const field = textFlag('field', 'One field of the value: a key, or a JSON pointer such as /db/port')
const exact = switchFlag('Keep the line end behind a piped value')

export const get: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/get.ts'), 'default')),
  parameters: {
    positional: oneName,
    flags: flagsOf({
      ...commonFlags,
      field,
      version: { kind: 'parsed', parse: versionToRead, brief: 'A number, previous or pending', placeholder: 'version', optional: true },
      reveal: switchFlag('Show the value on a terminal'),
    }),
  },
  docs: {
    brief: 'Print a secret: masked on a terminal, exact in a pipe',
    customUsage: [
      'NAME [--reveal] [--field FIELD] [--version VERSION] [--provider NAME] [--json]',
      { input: 'FINCHAT_TOKEN --reveal', brief: 'shows it on this terminal' },
      { input: 'FINCHAT_TOKEN | wc -c', brief: 'pipes its bytes, with nothing added' },
      { input: 'DATABASE --field password --version previous', brief: 'one field of the version before the current one' },
    ],
  },
})

export const list: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/list.ts'), 'default')),
  parameters: { flags: flagsOf({ ...commonFlags, prefix: textFlag('prefix', 'Only paths that begin with it') }) },
  docs: {
    brief: 'List the names and paths that the stores have, without values',
    customUsage: [
      '[--prefix PREFIX] [--provider NAME] [--json]',
      { input: '--prefix prod/', brief: 'what begins with prod/, at every provider that can list' },
      { input: '--provider vault | cut -f2', brief: 'the paths alone: columns are parted by tabs in a pipe' },
    ],
  },
})

export const versions: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/versions.ts'), 'default')),
  parameters: { positional: oneName, flags: flagsOf(commonFlags) },
  docs: {
    brief: 'List the versions of a secret, without values',
    customUsage: [
      'NAME [--provider NAME] [--json]',
      { input: 'FINCHAT_TOKEN', brief: 'which versions there are, and since when the current one is' },
    ],
  },
})

export const check: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/check.ts'), 'default')),
  parameters: { flags: flagsOf(commonFlags) },
  docs: {
    brief: 'Check that every declared secret is there and as declared, without values',
    fullDescription:
      'Reads what the configuration file lists under "secrets". Exit code 66 if one is missing, 1 if one is not as declared.',
    customUsage: ['[--provider NAME] [--json]', { input: '&& node app.js', brief: 'starts the application only with all its secrets' }],
  },
})

export const verify: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/verify.ts'), 'default')),
  parameters: { positional: oneName, flags: flagsOf({ ...commonFlags, field, exact }) },
  docs: {
    brief: 'Compare a value with a secret, without showing either',
    fullDescription:
      'Asks for the value, or reads it from a pipe. Exit code 0 if it matches the current version, 1 if it differs, 66 if there is no such secret.',
    customUsage: [
      'NAME [--field FIELD] [--exact] [--provider NAME] [--json]',
      { input: 'FINCHAT_TOKEN', brief: 'asks for the value, hidden' },
      { input: 'FINCHAT_TOKEN < token.txt', brief: 'whether this file holds the current value' },
    ],
  },
})
