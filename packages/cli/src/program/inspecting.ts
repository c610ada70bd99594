import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { called, ownPart } from './called.ts'
import { commonFlags, flagsOf, listFlag, switchFlag, text, wholeNumber } from './flags.ts'

export const scan: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/scan.ts'), 'default')),
  parameters: {
    positional: { kind: 'array', parameter: { brief: 'A file or folder; by default the current one', placeholder: 'path', parse: text } },
    flags: flagsOf({
      ...commonFlags,
      history: switchFlag('Search all commits of the git repository'),
      staged: switchFlag('Search what the next commit holds, for a hook'),
      built: listFlag('folder', 'A folder of build output, with its node_modules; again for several'),
      exclude: listFlag('glob', 'Leave out such paths or names; again for several'),
      versions: switchFlag('Look for former versions too'),
      onlyValues: switchFlag('Look for declared secrets only, not for well-known forms'),
      sarif: switchFlag('Print SARIF, for code scanning in CI'),
    }),
  },
  docs: {
    brief: 'Find values of the secrets in files, git history and build output',
    fullDescription:
      'Looks for each secret under "secrets" in the configuration: plain, base64, hex, URL-encoded and in JSON; and for well-known forms of tokens. Exit code 1 if something is found. It prints places, never values.',
    customUsage: [
      '[PATH...] [--history] [--staged] [--built FOLDER] [--exclude GLOB] [--versions] [--only-values] [--json | --sarif]',
      { input: '', brief: 'the files below the current folder' },
      { input: '--staged', brief: 'as a pre-commit hook' },
      { input: '--history --versions', brief: 'every commit, for every version of the secrets' },
      { input: '--built dist --only-values', brief: 'whether a bundler put a value into the output' },
    ],
  },
})

export const doctor: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/doctor.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      ...commonFlags,
      processes: {
        kind: 'parsed',
        parse: wholeNumber,
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
      { input: '', brief: 'the problems, and their remedies' },
      { input: '--write --provider vault', brief: 'whether a secret can be written there' },
      { input: `| awk -F'\\t' '$2 != "ok"'`, brief: 'what is not ok: the second of five columns, parted by tabs' },
    ],
  },
})
