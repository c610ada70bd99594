import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface ModuleRun {
  /** The folder from which the module's imports are resolved. */
  readonly cwd: string
  /** Flags of Node.js. */
  readonly flags?: readonly string[]
  /** `process.argv.slice(1)` of the module. */
  readonly args?: readonly string[]
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs the text of an ES module in a Node.js process that reads packages from their sources.
 * Returns what it prints; rejects if the process fails.
 */
export async function runModule(code: string, { cwd, flags = [], args = [], env = {} }: ModuleRun): Promise<string> {
  const own = ['--conditions=@finchat/source', '--no-warnings', ...flags, '--input-type=module', '--eval', code, '--', ...args]
  const { stdout } = await promisify(execFile)(process.execPath, own, { cwd, env: { ...process.env, ...env } })
  return stdout
}

/**
 * Modes of Node.js in which a package must do what it does otherwise: a title and the flags, for
 * `test.each`.
 */
export function restrictedModes(readableFolder: string): readonly (readonly [title: string, flags: readonly string[]])[] {
  return [
    ['with frozen intrinsics', ['--frozen-intrinsics']],
    ['with no right except to read its code', ['--permission', `--allow-fs-read=${readableFolder}`]],
    ['without code generated from strings', ['--disallow-code-generation-from-strings']],
    ['without __proto__', ['--disable-proto=throw']],
  ]
}
