import { missingConfig } from '../config/find-config.ts'
import type { Failure } from '../terminal/failure.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Commands that need no configuration. */
const needNone: ReadonlySet<string> = new Set(['audit', 'init', 'keygen', 'completion'])

/** What a wrong folder causes. */
const causes: ReadonlySet<string> = new Set(['NOT_FOUND', 'UNSUPPORTED', 'CONFIGURATION', 'USAGE'])

/** Says of a failure that nothing configures the command here, where that is so. */
export function withConfigHint(failure: Failure, args: readonly string[], { cwd, env }: Pick<Terminal, 'cwd' | 'env'>): Failure {
  const { code, why, remedy } = failure
  if (!causes.has(code) || needNone.has(args[0] ?? '') || args.some(isConfigFlag)) return failure
  const missing = missingConfig(cwd(), env)
  if (missing === undefined) return failure
  const hint = `${missing}: go to the folder of the project, or make one by \`finchat-secrets init\``
  // The advice of a store, such as to make a key, would be for a project that is elsewhere.
  if (code === 'CONFIGURATION') return { ...failure, why: 'neither a file nor a FINCHAT_… variable configures it', remedy: hint }
  return { ...failure, why, remedy: code === 'USAGE' ? `${remedy}; ${hint}` : hint }
}

function isConfigFlag(arg: string): boolean {
  return arg === '--config' || arg.startsWith('--config=')
}
