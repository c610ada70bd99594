import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { storeChoice } from '../config/settings.ts'
import { commonFlags, flagsOf, listFlag, switchFlag, text, textFlag } from './flags.ts'
import { called, ownPart } from './called.ts'

const neededFlag = (placeholder: string, brief: string) => ({ kind: 'parsed', parse: text, brief, placeholder }) as const

const { config, json } = commonFlags
const only = listFlag('name', 'Only this name, or a pattern such as finchat/*; again for several')
const format = textFlag('format', 'dotenv, json, yaml, k8s or age; by default as the file is named')
const inner = textFlag('format', 'The format inside an age file: json or dotenv')
const writing = {
  config,
  json,
  only,
  apply: switchFlag('Write; without it nothing is written'),
  force: switchFlag('Overwrite what differs, and write what a declaration forbids'),
}

export const migrate: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/migrate.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      ...writing,
      from: neededFlag('source', 'env, dotenv:FILE, or a provider'),
      to: neededFlag('provider', storeChoice),
    }),
  },
  docs: {
    brief: 'Move secrets to another store: a plan first, then with --apply',
    fullDescription:
      'The plan says of each secret whether it is new, same, different or cannot be mapped. --apply writes what is new, reads each value back, and can be run again after any interruption.',
    customUsage: [
      '--from SOURCE --to PROVIDER [--only NAME] [--apply [--force]] [--json]',
      { input: '--from env --to vault', brief: 'what would be written, and what comes next' },
      {
        input: '--from dotenv:.env --to local --apply',
        brief: 'writes those names of the file that are declared, or all if none is declared',
      },
      { input: "--from vault --to local --only 'finchat/*' --apply --force", brief: 'also overwrites what differs' },
    ],
  },
})

export const importFile: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/import.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      ...writing,
      from: neededFlag('file', 'The file, or - for a pipe'),
      to: textFlag('provider', 'The store; by default the first of the chain'),
      format,
      identity: textFlag('file', 'The file of the identity that opens an age file'),
      inner,
    }),
  },
  docs: {
    brief: 'Write the secrets of a file into a store: a plan first, then with --apply',
    customUsage: [
      '--from FILE [--format FORMAT] [--to PROVIDER] [--only NAME] [--apply [--force]] [--json]',
      { input: '--from secrets.json --apply', brief: 'writes what the store does not have' },
      { input: '--from - --format k8s < secret.yaml', brief: 'a plan for a pipe' },
      { input: '--from secrets.json.age --identity key.txt --apply', brief: 'opens an age file' },
    ],
  },
})

export const exportFile: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/export.ts'), 'default')),
  parameters: {
    flags: flagsOf({
      ...commonFlags,
      only,
      format,
      output: textFlag('file', 'The file to create, for its owner alone'),
      force: switchFlag('Overwrite the file'),
      reveal: switchFlag('Show the values on a terminal'),
      recipient: listFlag('recipient', 'Who may open the age file: age1… or age1pq1…; again for several'),
      inner,
      secretName: textFlag('name', 'The name of the Kubernetes Secret; finchat-secrets by default'),
    }),
  },
  docs: {
    brief: 'Write secrets into a file or a pipe',
    fullDescription: 'Every format but age is plain text. The file is created for its owner alone, whole or not at all.',
    customUsage: [
      '--format FORMAT [--output FILE [--force]] [--only NAME] [--reveal] [--provider NAME] [--json]',
      { input: '--output secrets.json.age --recipient age1…', brief: 'encrypted to one recipient' },
      { input: '--format k8s --secret-name app | kubectl apply --server-side -f -', brief: 'as a Kubernetes Secret, through a pipe' },
      { input: "--format dotenv --output .env --only 'DB_*'", brief: 'some of them, for dotenv' },
    ],
  },
})
