import { buildCommand, type Command } from '@stricli/core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import type { OnRotation } from '../operations/run.ts'
import { UsageError } from '../terminal/failure.ts'
import { called, ownPart } from './called.ts'
import { commonFlags, flagsOf, listFlag, switchFlag, text } from './flags.ts'

const signals: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGINT', 'SIGQUIT']

function onRotation(input: string): OnRotation {
  if (input === 'none' || input === 'restart') return input
  const signal = signals.find((each) => input === `signal:${each}`)
  if (signal !== undefined) return { signal }
  throw new UsageError('it is none, restart or signal:NAME', `NAME is one of ${signals.join(', ')}`)
}

const mostSeconds = 86_400

function secondsFrom(least: number): (input: string) => number {
  return (input) => {
    const given = /^\d{1,5}(\.\d{1,3})?$/.test(input) ? Number(input) : 0
    if (given >= least && given <= mostSeconds) return given
    throw new UsageError(`it is no number of seconds from ${least} to ${mostSeconds}`, 'give a number, such as 10')
  }
}

function secondsFlag(least: number, brief: string) {
  return { kind: 'parsed', parse: secondsFrom(least), brief, placeholder: 'seconds', optional: true } as const
}

export const run: Command<CommandContext> = buildCommand({
  loader: async () => called(await loadOnUse(ownPart, async () => import('../operations/run.ts'), 'default')),
  parameters: {
    positional: { kind: 'array', parameter: { brief: 'The command and its arguments, behind --', placeholder: 'command', parse: text } },
    flags: flagsOf({
      ...commonFlags,
      only: listFlag('name', 'Only this secret, or those of a glob such as DB_*; again for several'),
      pristine: switchFlag('Inherit nothing but PATH, HOME, TERM and the like'),
      keepCredentials: switchFlag('Let the command see the credentials of the stores too'),
      sealed: switchFlag('Hand the secrets to a Node.js program alone, not by the environment'),
      decoys: switchFlag('With --sealed: leave imitations in the environment, whose use is reported'),
      onRotation: {
        kind: 'parsed',
        parse: onRotation,
        brief: 'When a secret changes: none, restart, or signal:SIGHUP',
        placeholder: 'reaction',
        optional: true,
      },
      interval: secondsFlag(1, 'How often the stores are asked whether a secret changed; 30 by default'),
      killAfter: secondsFlag(0.001, 'How long a restart waits after SIGTERM before SIGKILL; 10 by default'),
      redact: { kind: 'boolean', brief: 'Hide values in its output, also on a terminal; --no-redact: nowhere', optional: true },
    }),
  },
  docs: {
    brief: 'Run a command with the declared secrets in its environment',
    fullDescription: `Reads what the configuration file lists under "secrets", and sets a variable for each. Nothing is started if one
is missing or not as declared. Credentials of the stores, such as FINCHAT_ENCRYPTION_KEY, are not passed on.
In a pipe or a file its output is redacted: values as they are, and as base64, hex, URLs, JSON and others write them. Signals are passed on,
and its exit code is ours; 127: there is no such command, 126: it may not be executed. npm and npx pass SIGTERM on to
nothing but a shell: write exec before finchat-secrets in a script of package.json, and name it without npx in a service.
A signal of --on-rotation cannot change the variables of a running command: it is for one that reads its secrets itself.
With --sealed process.env has the secrets, but neither /proc nor a child of the program. Start Node.js itself, not npm.`,
    customUsage: [
      '[--only NAME] [--pristine] [--keep-credentials] [--redact | --no-redact] [--sealed [--decoys]] [--on-rotation REACTION] [--provider NAME] -- COMMAND [ARGUMENT...]',
      { input: '-- node app.js', brief: 'the application finds its secrets in process.env' },
      { input: "--only 'DB_*' --pristine -- psql", brief: 'a few of them, and nothing else of this shell' },
      { input: '--sealed -- node app.js', brief: 'what the application starts, and who lists its environment, gets none' },
      { input: '--on-rotation restart -- node app.js', brief: 'starts it anew with the new values when a secret changes' },
      { input: '-- npm test > log.txt', brief: 'the log holds no value' },
    ],
  },
})
