import {
  type Application,
  type ApplicationText,
  buildApplication,
  buildRouteMap,
  type Command,
  type RouteMap,
  text_en,
} from '@stricli/core'
import type { CommandContext } from '../commands/context.ts'
import { type Failure, failureOf } from '../terminal/failure.ts'
import { audit } from './audit.ts'
import { check, get, list, verify, versions } from './reading.ts'
import { run } from './running.ts'
import { rotate } from './rotating.ts'
import { doctor, scan } from './inspecting.ts'
import { backup, reencrypt, restore } from './store.ts'
import { completion, generate, init, keygen } from './setup.ts'
import { argumentFailure, usageFailure } from './usage-failure.ts'
import { exportFile, importFile, migrate } from './transferring.ts'
import { remove, set, tag } from './writing.ts'

/** Without a prototype: `finchat-secrets constructor` is no command. */
const routes: Record<string, Command<CommandContext> | RouteMap<CommandContext>> = Object.assign(Object.create(null), {
  get,
  set,
  list,
  versions,
  verify,
  check,
  run,
  delete: remove,
  restore,
  tag,
  rotate,
  migrate,
  import: importFile,
  export: exportFile,
  scan,
  backup,
  reencrypt,
  audit,
  doctor,
  init,
  keygen,
  generate,
  completion,
})

const docs = {
  brief: 'Read, write and check secrets of @finchat/secrets',
  fullDescription: `Secrets of this project, in the stores that finchat-secrets.config.json or FINCHAT_* variables name.

  finchat-secrets set FINCHAT_TOKEN               asks for the value, hidden
  finchat-secrets get FINCHAT_TOKEN --reveal      shows it
  printf %s "$VALUE" | finchat-secrets set NAME   takes it from a pipe, never from an argument

Data goes to stdout, all else to stderr. Exit codes: 64 usage, 65 integrity, 66 not found,
69 unavailable, 77 denied, 70 any other error. COMMAND --help has examples.`,
}

const noAliases: Record<string, never> = Object.create(null) as Record<string, never>

/** How errors are shown. */
interface Showing {
  /** What failed, by what a command threw. */
  readonly failed: (error: unknown) => Failure
  readonly show: (failure: Failure) => string
}

/** The program. */
export function application(version: string, showing: Showing): Application<CommandContext> {
  const config = {
    name: 'finchat-secrets',
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { onlyRequiredInUsageLine: true },
    localization: { text: textsOf(showing) },
    determineExitCode: (error: unknown) => failureOf(error).exitCode,
  } as const
  return buildApplication(buildRouteMap({ routes, docs, aliases: noAliases }), config)
}

/** Stricli adds the last newline itself. */
function textsOf({ failed, show }: Showing): ApplicationText {
  const shown = (failure: Failure): string => show(failure).trimEnd()
  return {
    ...text_en,
    exceptionWhileParsingArguments: (error) => shown(argumentFailure(error)),
    exceptionWhileLoadingCommandFunction: (error) => shown(failureOf(error)),
    exceptionWhileLoadingCommandContext: (error) => shown(failureOf(error)),
    exceptionWhileRunningCommand: (error) => shown(failed(error)),
    commandErrorResult: (error) => shown(failed(error)),
    noCommandRegisteredForInput: ({ corrections }) =>
      shown(
        usageFailure(
          'there is no such command',
          corrections.length > 0 ? `did you mean ${corrections.join(' or ')}?` : 'see finchat-secrets --help',
        ),
      ),
  }
}
