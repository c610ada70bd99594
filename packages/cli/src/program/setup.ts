import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { providerNames } from '../config/settings.ts'
import type { Shell } from '../setup/completion-scripts.ts'
import { commonFlags, flagsOf, switchFlag, textFlag } from './flags.ts'
import { called, ownPart } from './called.ts'

const { config, json } = commonFlags

export const keygen: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/keygen.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      json,
      output: textFlag('file', 'Write it to a new file that only you may read'),
      keychain: textFlag('name', "Keep it in this entry of the operating system's keychain"),
      age: switchFlag('An age identity; its recipient goes to stderr'),
      postQuantum: switchFlag('With --age: a hybrid identity, also safe from quantum computers'),
      signingKeys: {
        kind: 'enum',
        values: ['EdDSA', 'ES256', 'RS256'],
        brief: 'The first ring of keys for a rotation with the target signingKeys',
        placeholder: 'algorithm',
        optional: true,
      },
    }),
  },
  docs: {
    brief: 'Make an encryption key, an age identity, or a ring of signing keys',
    fullDescription: 'Prints the key, unless a place is given. It never overwrites a file or a keychain entry.',
    customUsage: [
      '[--output FILE | --keychain NAME] [--age [--post-quantum] | --signing-keys ALGORITHM] [--json]',
      { input: '--keychain my-app', brief: 'kept in the keychain, and shown nowhere' },
      { input: '--output /run/keys/app.key', brief: 'a new file of mode 0600' },
      { input: '| kubectl create secret generic app --from-file=key=/dev/stdin', brief: 'straight into another store' },
      { input: '--age --post-quantum --output age.key', brief: 'an identity for age and SOPS files' },
      { input: '--signing-keys ES256 | finchat-secrets set JWT_KEYS', brief: 'the first value of a ring that rotate renews' },
    ],
  },
})

export const init: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/init.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      json,
      provider: { kind: 'enum', values: providerNames, brief: 'The store; local by default', optional: true },
      key: {
        kind: 'enum',
        values: ['file', 'variable', 'keychain'],
        brief: 'Where the key of the local store goes; file by default',
        optional: true,
      },
      keyName: textFlag('name', 'The file, variable or keychain entry of the key'),
      typescript: switchFlag('Write finchat-secrets.config.mts, which runs only if --config names it'),
      dryRun: switchFlag('Print the file, and write nothing'),
      force: switchFlag('Replace a configuration file; a key is never replaced'),
      yes: switchFlag('Ask nothing'),
    }),
  },
  docs: {
    brief: 'Set up this folder: a configuration file, the secrets that the code reads, a key',
    fullDescription:
      'Looks for names in .env files and in process.env of the sources, and shows where each is. It reads no value out. Without a terminal it asks nothing.',
    customUsage: [
      '[--provider NAME] [--key KIND] [--key-name NAME] [--typescript] [--dry-run] [--force] [--yes] [--json]',
      { input: '', brief: 'asks which store, where the key goes, and which secrets' },
      { input: '--yes --key keychain', brief: 'the local store, its key in the keychain, all found secrets' },
      { input: '--provider vault --dry-run', brief: 'shows what it would write' },
    ],
  },
})

const types: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/generate-types.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      config,
      json,
      output: textFlag('file', 'Where to write it; finchat-secrets.d.ts beside the configuration by default, - for stdout'),
      check: switchFlag('Write nothing; exit code 1 if the file is out of date'),
    }),
  },
  docs: {
    brief: 'Write the types of the declared names, for process.env and loadConfig()',
    customUsage: [
      '[--output FILE] [--check] [--config FILE] [--json]',
      { input: '', brief: 'writes finchat-secrets.d.ts' },
      { input: '--check', brief: 'for CI: fails if the file is out of date' },
    ],
  },
})

export const generate: RouteMap<CommandContext> = buildRouteMap({
  routes: { types },
  docs: { brief: 'Write files from the configuration: types' },
})

const shells: readonly (readonly [shell: Shell, use: string])[] = [
  ['bash', '>> ~/.bashrc'],
  ['zsh', '>> ~/.zshrc'],
  ['fish', '> ~/.config/fish/completions/finchat-secrets.fish'],
  ['powershell', '>> $PROFILE'],
]

function scriptFor(shell: Shell, use: string): Command<CommandContext> {
  return buildCommand({
    loader: async () => {
      const { default: print } = await loadOnUse(ownPart, async () => import('../operations/completion.ts'), 'default')
      return called({ default: async (context: CommandContext) => print(context, shell) })
    },
    parameters: { flags: flagsOf({}) },
    docs: { brief: `Print the script for ${shell}`, customUsage: [{ input: use, brief: 'for every new shell' }] },
  })
}

export const completion: RouteMap<CommandContext> = buildRouteMap({
  routes: Object.fromEntries(shells.map(([shell, use]) => [shell, scriptFor(shell, use)])),
  docs: {
    brief: 'Print the completion script of bash, zsh, fish or powershell',
    fullDescription: 'A script offers commands, flags, and the names that finchat-secrets.config.json declares. It asks no store.',
  },
})
