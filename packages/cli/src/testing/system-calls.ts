import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programArgs, withoutCache } from './child.ts'

/** A system call that starts a program or writes: all its texts, and the descriptor that it writes to. */
export interface SystemCall {
  readonly name: string
  readonly text: string
  readonly target: string
}

interface Traced {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

const recorded = [
  'execve',
  'execveat',
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'pwritev2',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'openat',
]

/** Longer than anything that is written at once, so that nothing is cut. */
const longest = `${2 ** 24}`

const strace = ['-f', '-qq', '--seccomp-bpf', '-v', '-xx', '-y', '-s', longest, '-e', 'signal=none', '-e', `trace=${recorded.join()}`]

/** What a test needs that cannot be traced here; `undefined` if it can. */
export function missingStrace(): string | undefined {
  return spawnSync('strace', [...strace, '-o', '/dev/null', 'true']).status === 0 ? undefined : 'strace, with the right to trace'
}

/** The system calls of the program and of all its children, and its exit code. */
export async function tracedProgram(
  args: readonly string[],
  where: Traced,
): Promise<{ readonly code: number; readonly calls: SystemCall[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-trace-'))
  try {
    const file = join(folder, 'trace')
    const code = await exitCodeOf([...strace, '-o', file, process.execPath, ...programArgs, ...args], where)
    return { code, calls: callsIn(readFileSync(file, 'latin1')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function exitCodeOf(args: readonly string[], { cwd, env = {}, input = '' }: Traced): Promise<number> {
  const child = spawn('strace', args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...withoutCache, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? -1))
  })
}

/** In the trace each byte of a text is written as `\x2f`, and the descriptor's file stands in `<…>`. */
function callsIn(trace: string): SystemCall[] {
  return trace.split('\n').flatMap((line) => {
    const [, name, args] = /^\d+ +(\w+)\((.*)/.exec(line) ?? []
    if (name === undefined || args === undefined) return []
    const [, target = ''] = /^\d+<([^>]*)>/.exec(args) ?? []
    return [{ name, text: bytesIn(args), target: bytesIn(target) }]
  })
}

function bytesIn(text: string): string {
  return text.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
