import { readFileSync } from 'node:fs'
import { run } from './run.ts'
import { endQuietly, endUnanswered, quietWarnings } from './terminal/process-events.ts'

/** Runs the program in this process, and leaves its exit code there. `manifest` is our own. */
export async function start(program: NodeJS.Process, manifest: URL): Promise<void> {
  quietWarnings(program)
  endQuietly(program)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string } // our own
  const hasAnswer = endUnanswered(program)
  program.exitCode = await run(program.argv.slice(2), program, version)
  hasAnswer()
}
