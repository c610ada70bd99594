import { Readable } from 'node:stream'
import { run } from '../run.ts'

/** What is piped in, at once or piece by piece. */
type Input = string | Uint8Array | AsyncIterable<string>

/** What a run of the program printed, and its exit code. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The program in one folder. */
export interface ProgramIn {
  /** Runs it with pipes; `input` is what is piped in. */
  readonly run: (args: readonly string[], input?: Input) => Promise<Outcome>
  /** Runs it as if stdout were a terminal. */
  readonly show: (args: readonly string[]) => Promise<Outcome>
}

/** The program in a folder as it is. */
export function programIn(folder: string, env: Record<string, string> = {}): ProgramIn {
  return {
    run: async (args, input = '') => outcomeOf(args, { folder, env, input, isTTY: false }),
    show: async (args) => outcomeOf(args, { folder, env, input: '', isTTY: true }),
  }
}

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
  const into = (chunks: Buffer[] | undefined) => (data: string | Uint8Array, written?: () => void) => {
    chunks?.push(Buffer.from(data as Buffer))
    written?.()
  }
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
