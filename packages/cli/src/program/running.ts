import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { called, ownPart } from './called.ts'
import { commonFlags, flagsOf, listFlag, switchFlag, text } from './flags.ts'

export const run: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../commands/run.ts'), 'default')),
  parameters: {
    positional: { kind: 'array', parameter: { brief: 'The command and its arguments, behind --', placeholder: 'command', parse: text } },
    flags: flagsOf({
      ...commonFlags,
      only: listFlag('name', 'Only this secret, or those of a glob such as DB_*; again for several'),
      pristine: switchFlag('Inherit nothing but PATH, HOME, TERM and the like'),
      keepCredentials: switchFlag('Let the command see the credentials of the stores too'),
      sealed: switchFlag('Hand the secrets to a Node.js program alone, not by the environment'),
      decoys: switchFlag('With --sealed: leave imitations in the environment, whose use is reported'),
      redact: { kind: 'boolean', brief: 'Hide values in its output, also on a terminal; --no-redact: nowhere', optional: true },
    }),
  },
  docs: {
    brief: 'Run a command with the declared secrets in its environment',
    fullDescription: `Reads what the configuration file lists under "secrets", and sets a variable for each. Nothing is started if one
is missing or not as declared. Credentials of the stores, such as FINCHAT_ENCRYPTION_KEY, are not passed on.
In a pipe or a file its output is redacted: plain values, base64, hex, URL-encoded and JSON. Signals are passed on,
and its exit code is ours; 127: there is no such command, 126: it may not be executed.
With --sealed process.env has the secrets, but neither /proc nor a child of the program. Start Node.js itself, not npm.`,
    customUsage: [
      '[--only NAME] [--pristine] [--keep-credentials] [--redact | --no-redact] [--sealed [--decoys]] [--provider NAME] -- COMMAND [ARGUMENT...]',
      { input: '-- node app.js', brief: 'the application finds its secrets in process.env' },
      { input: "--only 'DB_*' --pristine -- psql", brief: 'a few of them, and nothing else of this shell' },
      { input: '--sealed -- node app.js', brief: 'what the application starts, and who lists its environment, gets none' },
      { input: '-- npm test > log.txt', brief: 'the log holds no value' },
    ],
  },
})
