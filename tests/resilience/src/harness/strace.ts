import { spawnSync } from 'node:child_process'
import { Tally } from './fault-injection.ts'

/** Why what needs strace cannot be run here; `undefined` if it can. */
export function straceIsMissing(): string | undefined {
  const attempt = ['-f', '-qq', '--seccomp-bpf', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO', process.execPath, '--version']
  const { status, error } = spawnSync('strace', attempt, { stdio: 'ignore' })
  if (error) return 'needs strace, which is not installed: apt-get install strace'
  return status === 0 ? undefined : 'needs strace, which may trace nothing here (CAP_SYS_PTRACE)'
}

/** Runs what needs strace; without strace the tally says why it did not run. */
export async function withStrace(run: (tally: Tally) => Promise<void>): Promise<Tally> {
  const tally = new Tally()
  const reason = straceIsMissing()
  if (reason === undefined) await run(tally)
  else tally.notRun.push(reason)
  return tally
}
