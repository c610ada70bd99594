import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Assignment, Report } from './contender-process.ts'
import type { Sample } from './scenario.ts'

const program = fileURLToPath(new URL(`contender-process${extname(import.meta.url)}`, import.meta.url))

export interface ContenderProcess {
  readonly round: () => Promise<Sample>
  readonly end: () => Promise<void>
}

/** Starts a contender that stays for all rounds; resolves when it is ready. */
export async function startContender(assignment: Assignment, nodeOptions: readonly string[]): Promise<ContenderProcess> {
  const child = spawn(assignment, nodeOptions)
  await nextReport(child, assignment)
  return {
    round: async () => {
      child.send('round')
      return sampleIn(await nextReport(child, assignment))
    },
    end: () => ended(child),
  }
}

/** Starts a process for one round. */
export async function runOnce(assignment: Assignment, nodeOptions: readonly string[]): Promise<Sample> {
  const spawnedAt = performance.timeOrigin + performance.now()
  const child = spawn({ ...assignment, task: { ...assignment.task, spawnedAt } }, nodeOptions)
  try {
    return sampleIn(await nextReport(child, assignment))
  } finally {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

function spawn(assignment: Assignment, nodeOptions: readonly string[]): ChildProcess {
  const { PATH, HOME, TMPDIR } = process.env
  return fork(program, [JSON.stringify(assignment)], {
    // No proxies, credentials or addresses of this machine.
    env: { PATH, HOME, TMPDIR, AWS_EC2_METADATA_DISABLED: 'true', AWS_LAMBDA_FUNCTION_NAME: '' },
    execArgv: [...process.execArgv, ...nodeOptions],
    serialization: 'json',
  })
}

async function nextReport(child: ChildProcess, { scenario, entrant }: Assignment): Promise<Report> {
  const listening = new AbortController()
  const report = await Promise.race([
    once(child, 'message', listening).then(([message]) => message as Report), // what contender-process.ts sends
    once(child, 'exit', listening).then(([code, signal]): Report => ({ failure: `the process ended with ${String(code ?? signal)}` })),
  ])
  listening.abort()
  if (typeof report === 'object' && 'failure' in report) {
    child.kill()
    throw new Error(`${scenario}, ${entrant}: ${report.failure}`)
  }
  return report
}

function sampleIn(report: Report): Sample {
  if (typeof report === 'object' && 'sample' in report) return report.sample
  throw new Error('a contender reported something else than a sample')
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.send('end')
  const giveUp = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await exit
  clearTimeout(giveUp)
}
