import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

/** A store as its documentation shows it, as lines of a script. */
export interface ScriptedStore {
  readonly imports: readonly string[]
  /** Declares `store`, and what `options` names. */
  readonly open: readonly string[]
  readonly options?: string
  readonly close: readonly string[]
}

export interface ScriptOutcome {
  readonly lines: readonly string[]
  readonly stderr: string
  readonly exitCode: number | null
  /** From the line `closed` to the exit. */
  readonly exitMs: number
}

/** The default work between creating the manager and closing the store. */
export const readAndClose: readonly string[] = ["console.log(await secrets.getSecret('database'))", 'await secrets.close()']

export interface ScriptParts {
  readonly work?: readonly string[]
  /** The provider's answer, an expression. */
  readonly answer?: string
}

export function scriptOf({ imports, open, options = '', close }: ScriptedStore, parts: ScriptParts = {}): string {
  const { work = readAndClose, answer = "{ value: 'hunter2', version: 1 }" } = parts
  return [
    "import { createSecretsManager } from '@finchat/secrets-core'",
    "import { keyvCache } from '@finchat/secrets-cache-keyv'",
    ...imports,
    `const get = async () => (console.log('asked'), ${answer})`,
    "const provider = { specificationVersion: 'v1', name: 'store', sharedAs: 'store', get }",
    ...open,
    `const shared = keyvCache({ store, encryptionKey: '${'0123456789abcdef'.repeat(4)}'${options} })`,
    'const secrets = createSecretsManager({ providers: [provider], cache: { shared } })',
    ...work,
    ...close,
    "console.log('closed')",
  ].join('\n')
}

/** Runs the script in a process, which is killed if it does not end. */
export async function runScript(script: string): Promise<ScriptOutcome> {
  const flags = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning', '--input-type=module']
  const child = spawn(process.execPath, [...flags, '--eval', script], {
    cwd: join(import.meta.dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  const lines: string[] = []
  const stderr: Buffer[] = []
  let closedAt = NaN
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    if (line === 'closed') closedAt = performance.now()
  })
  child.stderr.on('data', (data: Buffer) => stderr.push(data))
  await once(child, 'close')
  return { lines, stderr: Buffer.concat(stderr).toString(), exitCode: child.exitCode, exitMs: performance.now() - closedAt }
}
