import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { commonFlags, flagsOf, nameArgument, nameArgumentOf, providerFlag, switchFlag, text, textFlag, versionNumber } from './flags.ts'
import { called, ownPart } from './called.ts'

const oneName = { kind: 'tuple', parameters: [nameArgument] } as const
const flags = { ...commonFlags, provider: providerFlag('The provider to change') }
/** The name, and what may follow it. */
const nameAndMore = (brief: string) => ({ kind: 'array', parameter: nameArgumentOf(brief), minimum: 1 }) as const

export const set: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/set.ts'), 'default')),
  parameters: {
    // A second argument is taken to be refused with its reason.
    positional: nameAndMore('The name of the secret, and nothing else'),
    flags: flagsOf({
      ...flags,
      field: textFlag('field', 'Write only this field, and keep the others'),
      version: {
        kind: 'parsed',
        parse: versionNumber,
        brief: 'The number to create; 1 only if it never existed',
        placeholder: 'number',
        optional: true,
      },
      tag: {
        kind: 'parsed',
        parse: text,
        brief: 'A tag to set, again for several',
        placeholder: 'key=value',
        variadic: true,
        optional: true,
      },
      exact: switchFlag('Keep the line end behind a piped value'),
      declare: switchFlag('Also add the name under "secrets" of the configuration file'),
      force: switchFlag('Although the declaration of the name forbids the value'),
    }),
  },
  docs: {
    brief: 'Store a secret from a hidden prompt or a pipe, never from an argument',
    fullDescription:
      'On a terminal it asks. From a pipe it takes every byte, but drops one line end behind a single line, since `echo` adds it; --exact keeps it.',
    customUsage: [
      'NAME [--field FIELD] [--version NUMBER] [--tag KEY=VALUE] [--exact] [--declare] [--force] [--provider NAME] [--json]',
      { input: 'FINCHAT_TOKEN', brief: 'asks for the value, hidden' },
      { input: 'SMTP_PASSWORD --declare', brief: 'a new secret, which check and run then read' },
      { input: 'TLS_KEY < key.pem', brief: 'a file of several lines, to the byte' },
      { input: 'DATABASE --field password --provider vault', brief: 'one field, at the provider vault' },
    ],
  },
})

export const remove: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/delete.ts'), 'default')),
  parameters: {
    positional: oneName,
    flags: flagsOf({ ...flags, purge: switchFlag('For good, with all versions'), yes: switchFlag('Do not ask') }),
  },
  docs: {
    brief: 'Withdraw a secret; --purge deletes it for good',
    customUsage: [
      'NAME [--purge [--yes]] [--provider NAME] [--json]',
      { input: 'OLD_TOKEN', brief: 'can be undone by restore, as far as the store allows' },
      { input: 'OLD_TOKEN --purge --yes', brief: 'for good, without a question, for scripts' },
    ],
  },
})

export const tag: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/tag.ts'), 'default')),
  parameters: {
    positional: nameAndMore('The name of the secret, then tags as key=value'),
    flags: flagsOf({
      ...flags,
      remove: {
        kind: 'parsed',
        parse: text,
        brief: 'A tag to remove, again for several',
        placeholder: 'key',
        variadic: true,
        optional: true,
      },
    }),
  },
  docs: {
    brief: 'Set and remove tags of a secret',
    fullDescription: 'Tags are not secret: stores show them in lists and do not encrypt them.',
    customUsage: [
      'NAME [KEY=VALUE...] [--remove KEY] [--provider NAME] [--json]',
      { input: 'FINCHAT_TOKEN team=pay owner=ada', brief: 'sets two tags, and leaves the others' },
      { input: 'FINCHAT_TOKEN --remove owner', brief: 'removes one' },
    ],
  },
})
