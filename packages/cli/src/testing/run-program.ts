import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { generateKey } from '@finchat/secrets-provider-local'
import { run } from '../run.ts'

/** What is piped in, at once or piece by piece. */
type Input = string | Uint8Array | AsyncIterable<string>

/** What a run of the program printed, and its exit code. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly folder: string
  readonly key: string
  /** Runs it with pipes; `input` is what is piped in. */
  readonly run: (args: readonly string[], input?: Input) => Promise<Outcome>
  /** Runs it as if stdout were a terminal. */
  readonly show: (args: readonly string[]) => Promise<Outcome>
}

/** A project with a local store, whose key is in `APP_KEY`. */
export function makeProgram(config: object = localConfig, env: Record<string, string> = {}): Program {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-cli-'))
  const key = generateKey()
  writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(config))
  return { folder, key, ...programIn(folder, { APP_KEY: key, ...env }) }
}

/** The program in a folder as it is. */
export function programIn(folder: string, env: Record<string, string> = {}): Pick<Program, 'run' | 'show'> {
  return {
    run: async (args, input = '') => outcomeOf(args, { folder, env, input, isTTY: false }),
    show: async (args) => outcomeOf(args, { folder, env, input: '', isTTY: true }),
  }
}

export const localConfig = { provider: 'local', local: { key: { variable: 'APP_KEY' } } }

interface Setup {
  readonly folder: string
  readonly env: Record<string, string>
  readonly input: Input
  readonly isTTY: boolean
}

async function outcomeOf(args: readonly string[], { folder, env, input, isTTY }: Setup): Promise<Outcome> {
  const [out, error]: Buffer[][] = [[], []]
  const stdin = Readable.from(
    typeof input === 'string' || input instanceof Uint8Array ? [Buffer.from(input)] : input,
  ) as unknown as NodeJS.ReadStream // what is read of it
  const into = (chunks: Buffer[] | undefined) => (data: string | Uint8Array) => chunks?.push(Buffer.from(data as Buffer))
  const terminal = {
    stdin,
    stdout: { write: into(out), isTTY },
    stderr: { write: into(error) },
    env: { ...env, NO_COLOR: '1' },
    cwd: () => folder,
  }
  const code = await run(args, terminal, '1.2.3')
  return { code, stdout: Buffer.concat(out ?? []).toString(), stderr: Buffer.concat(error ?? []).toString() }
}
