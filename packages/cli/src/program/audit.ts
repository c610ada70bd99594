import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { UsageError } from '../terminal/failure.ts'
import { called, ownPart } from './called.ts'
import { commonFlags, flagsOf, listFlag, switchFlag, text, textFlag } from './flags.ts'
import { endTime, pastTime, startTime } from './times.ts'

const { json } = commonFlags
const checkpoints = textFlag('path', 'Where the checkpoints are: a folder or a file')
const folderArgument = { brief: 'The folder of the trail', placeholder: 'folder', parse: text } as const
const oneFolder = { kind: 'tuple', parameters: [folderArgument] } as const
const manyFolders = {
  kind: 'array',
  parameter: { ...folderArgument, brief: 'The folder of a trail, or of a copy of it; several make one report' },
  minimum: 1,
} as const
const force = switchFlag('Replace a file of that name')

const parsed = <Value>(placeholder: string, brief: string, parse: (input: string) => Value) =>
  ({ kind: 'parsed', parse, brief, placeholder, optional: true }) as const
const oneOf = <const Word extends string>(brief: string, ...values: readonly Word[]) =>
  ({ kind: 'enum', values, brief, optional: true }) as const

const proofFlags = {
  json,
  keyFile: textFlag('file', "A file with the auditor's key, or several, a line each; else FINCHAT_AUDITOR_KEY, a pipe or a prompt"),
  auditorKey: textFlag('file', "The auditor's private key, for folders whose key was sealed for it"),
  checkpoints,
  checkpointKey: textFlag('file', 'The public key of signed checkpoints'),
  pruneKey: textFlag('file', 'The public key for the signatures of removals'),
  from: parsed('time', 'From this day or time on, such as 2026-11-01, or 45d for the last 45 days', startTime),
  to: parsed('time', 'Until the end of this day, before this time, or until an age such as 7d', endTime),
} as const
const names = listFlag('file', 'The keys of sealed names of persons: shows those that were not erased; may be given again')
const unverified = switchFlag('Do not verify, for those who have no key')

function count(input: string): number {
  if (/^[1-9]\d{0,8}$/.test(input)) return Number(input)
  throw new UsageError('it is a whole number from 1', 'such as 100')
}

const init: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/init.ts'), 'default')),
  parameters: {
    positional: oneFolder,
    flags: flagsOf({
      json,
      keyFile: textFlag('file', "Write the auditor's key to this new file"),
      auditor: textFlag('file', "The auditor's public key: seal the key for it, and give none out"),
      reveal: switchFlag("Show the auditor's key on this terminal"),
    }),
  },
  docs: {
    brief: "Make a folder ready for sealed records, and give out the auditor's key, once",
    fullDescription:
      'The key verifies all that is ever written to the folder, and could forge it. It belongs to the auditor, not to this host.',
    customUsage: [
      'FOLDER [--key-file FILE | --auditor FILE | --reveal] [--json]',
      { input: '/var/lib/app/audit --key-file /mnt/usb/audit.key', brief: 'writes the key to a file for you alone' },
      { input: '/var/lib/app/audit | pass insert -e audit-key', brief: 'pipes the key to a password manager' },
      { input: '/var/lib/app/audit --auditor auditor.pub', brief: 'for a container: seals the key for the auditor' },
    ],
  },
})

const verify: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/verify.ts'), 'default')),
  parameters: { positional: manyFolders, flags: flagsOf(proofFlags) },
  docs: {
    brief: 'Verify that a trail is as it was written',
    fullDescription: `Says in words what is proven, until when, and what is not. Exit codes: 0 proven; 65 altered; 64 a wrong
call, or the key of another folder; 1 not altered, but neither the service nor a checkpoint proves that nothing was removed
at an end, a removal for age has no signature, segments were left out by time, or one of several folders could not be
verified; any other: it could not be verified.`,
    customUsage: [
      'FOLDER… [--checkpoints PATH] [--key-file FILE | --auditor-key FILE] [--checkpoint-key FILE] [--from TIME] [--to TIME] [--json]',
      { input: 'copy/audit --checkpoints copy/checkpoints', brief: 'asks for the key, hidden' },
      { input: 'copy', brief: 'what audit copy made: the trail with its checkpoints' },
      { input: 'copy/audit --checkpoints copy/checkpoints --key-file audit.key', brief: 'in a scheduled job' },
    ],
  },
})

const report: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/report.ts'), 'default')),
  parameters: {
    positional: manyFolders,
    flags: flagsOf({
      ...proofFlags,
      names,
      unverified,
      format: oneOf('By default that of the output file, else text', 'text', 'html', 'csv', 'json'),
      output: textFlag('file', 'Write to this file, for you alone'),
      force,
      title: textFlag('title', 'The title of the report'),
      expect: listFlag('name', 'A host or service that must be there, such as web-1 or web-*; may be given again'),
      notRotatedDays: parsed('days', 'List what did not change for so many days; 90 by default', count),
    }),
  },
  docs: {
    brief: 'Report who read, changed and was denied what, what was not rotated, and which host is missing',
    customUsage: [
      'FOLDER… [--checkpoints PATH] [--key-file FILE] [--output FILE] [--format FORMAT] [--expect NAME] [--from TIME] [--to TIME]',
      { input: 'copy/audit --checkpoints copy/checkpoints --output audit.html', brief: 'one page with charts, for a mail' },
      { input: 'copies/* --key-file keys --expect web-1 --expect web-2', brief: 'one report over many hosts; names a missing one' },
      { input: 'copy --output audit.csv', brief: 'every table whole, for a spreadsheet' },
    ],
  },
})

const query: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/query.ts'), 'default')),
  parameters: {
    positional: manyFolders,
    flags: flagsOf({
      ...proofFlags,
      names,
      unverified,
      name: textFlag('name', 'The name of a secret, or its begin and *'),
      actor: textFlag('actor', 'Who'),
      provider: textFlag('provider', 'The provider that answered'),
      operation: textFlag('operation', 'Such as get, rotate or verify'),
      outcome: oneOf('How it ended', 'ok', 'error'),
      limit: parsed('number', 'Only the first ones', count),
      csv: switchFlag('Print CSV for a spreadsheet'),
    }),
  },
  docs: {
    brief: 'Print the records of a trail that match',
    fullDescription:
      'Columns are parted by tabs in a pipe; --json prints a record a line, and --csv what a spreadsheet reads. The whole trail is verified in the same pass, also with --from and --to. Exit codes are those of `audit verify`.',
    customUsage: [
      'FOLDER… [--name NAME] [--actor ACTOR] [--operation OPERATION] [--outcome OUTCOME] [--from TIME] [--to TIME] [--limit NUMBER]',
      { input: "copy/audit --name 'prod/*' --from 2026-03-01 --to 2026-03-31", brief: 'who used these secrets in March' },
      { input: 'copy/audit --csv > audit.csv', brief: 'for a spreadsheet, without formulas that a name could hold' },
      { input: '/var/lib/app/audit --outcome error --unverified', brief: "without the auditor's key: what failed" },
    ],
  },
})

const copy: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/copy.ts'), 'default')),
  parameters: {
    positional: { kind: 'tuple', parameters: [folderArgument, { brief: 'The folder of the copy', placeholder: 'target', parse: text }] },
    flags: flagsOf({ json, checkpoints }),
  },
  docs: {
    brief: 'Copy a trail that is being written, so that the copy can be verified',
    fullDescription: 'Makes TARGET/audit, and TARGET/checkpoints. Run it again after an interruption, or later: it copies what is new.',
    customUsage: [
      'FOLDER TARGET [--checkpoints PATH] [--json]',
      { input: '/var/lib/app/audit copy --checkpoints /mnt/append-only/checkpoints', brief: 'what the auditor gets' },
    ],
  },
})

const reason = { kind: 'parsed', parse: text, brief: 'The reason, for the auditor', placeholder: 'text' } as const

const prune: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/prune.ts'), 'default')),
  parameters: {
    positional: oneFolder,
    flags: flagsOf({
      before: { kind: 'parsed', parse: pastTime, brief: 'An age such as 400d, a day or a time', placeholder: 'time' },
      reason,
      signingKey: textFlag('file', 'A private Ed25519 key, which this host does not keep'),
      acceptGap: switchFlag('Also if nothing was written for a month, which a clock that is ahead looks like'),
      yes: switchFlag('Do not ask'),
      json,
    }),
  },
  docs: {
    brief: 'Remove old segments of a trail, which still verifies',
    fullDescription: 'Copy and verify the trail first. A segment that is brought back from the copy verifies again.',
    customUsage: [
      'FOLDER --before TIME --reason TEXT [--signing-key FILE] [--accept-gap] [--yes] [--json]',
      { input: "/var/lib/app/audit --before 400d --reason 'retention of 400 days' --yes", brief: 'in a monthly job' },
    ],
  },
})

const hold: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/hold.ts'), 'default')),
  parameters: {
    positional: oneFolder,
    flags: flagsOf({ reason, release: switchFlag('End a hold'), hold: textFlag('text', 'With --release: the reason of the hold to end') }),
  },
  docs: {
    brief: 'Begin or end a legal hold, which forbids pruning and erasure',
    fullDescription: 'A hold is known by its reason. Where several are in force, --hold says which one ends.',
    customUsage: [
      'FOLDER --reason TEXT [--release [--hold TEXT]]',
      { input: "/var/lib/app/audit --reason 'case 4711'", brief: 'nothing is pruned from now on' },
      { input: "/var/lib/app/audit --release --hold 'case 4711' --reason 'case 4711 is closed'", brief: 'the others stay in force' },
    ],
  },
})

const rotate: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/rotate.ts'), 'default')),
  parameters: { positional: oneFolder, flags: flagsOf({ json }) },
  docs: {
    brief: 'Begin the next folder of a trail, within the first one',
    fullDescription: 'Services go on there without a restart. The folder before can be archived as a whole.',
    customUsage: ['FOLDER [--json]', { input: '/var/lib/app/audit', brief: 'in a monthly or yearly job' }],
  },
})

const erase: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../audit/erase.ts'), 'default')),
  parameters: {
    positional: {
      kind: 'array',
      parameter: { brief: 'The folder of the trail, then names as records had them', placeholder: 'argument', parse: text },
      minimum: 2,
    },
    flags: flagsOf({
      names: { kind: 'parsed', parse: text, brief: 'The file with the keys of names', placeholder: 'file' },
      reason,
      yes: switchFlag('Do not ask'),
      json,
    }),
  },
  docs: {
    brief: 'Erase names of persons from a trail, which still verifies',
    fullDescription:
      'For trails whose names are sealed (`sealNames`). Records keep a pseudonym, and the index says when and why. Not under a legal hold.',
    customUsage: [
      'FOLDER NAME… --names FILE --reason TEXT [--yes] [--json]',
      {
        input: "/var/lib/app/audit alice@example.com --names /var/lib/app/audit-names.key --reason 'request 17'",
        brief: 'after a request for erasure',
      },
    ],
  },
})

const routes = Object.assign(Object.create(null) as object, { init, verify, report, query, copy, prune, hold, rotate, erase })
const aliases = Object.create(null) as Record<string, never>

export const audit: RouteMap<CommandContext> = buildRouteMap({
  routes,
  aliases,
  docs: {
    brief: 'Make, verify, report, query, copy and prune an audit trail',
    fullDescription: `What an auditor needs, on any machine and without a configuration file:

  finchat-secrets audit copy /var/lib/app/audit copy --checkpoints /mnt/append-only/checkpoints
  npx @finchat/secrets-cli audit verify copy/audit --checkpoints copy/checkpoints`,
  },
})
