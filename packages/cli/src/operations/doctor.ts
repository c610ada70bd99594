import { diagnose } from '../doctor/diagnose.ts'
import { exitCodeOfAll } from '../doctor/finding.ts'
import { printSections } from '../doctor/print-sections.ts'
import { probeName } from '../doctor/probe-writes.ts'
import { showSpinner } from '../terminal/spinner.ts'
import { note, operator } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, explained } from '../commands/context.ts'

interface DoctorFlags extends CommonFlags {
  readonly strict?: boolean
  readonly write?: boolean
  readonly processes?: number
}

const defaultProcesses = 10

/** Says of each provider and of this machine what is right, what is wrong, and what to do. */
export default async function doctor(context: CommandContext, flags: DoctorFlags): Promise<void> {
  const { terminal } = context
  const { config, provider, processes = defaultProcesses, write = false, strict = false } = flags
  const name = probeName()
  let end = (): void => {}
  const begin = (chain: readonly string[]): void => {
    if (write) note(terminal, `writes ${name} at ${chain.join(', ')}, and deletes it again`)
    end = showSpinner(terminal, `checking ${chain.join(', ')}`)
  }
  const place = { cwd: terminal.cwd(), env: terminal.env, actor: operator() }
  const sections = await explained('nothing was checked', async () =>
    diagnose({ ...place, config, provider, processes, write, begin, probeName: name }),
  ).finally(() => end())
  if (flags.json) terminal.stdout.write(`${JSON.stringify({ sections })}\n`)
  else await printSections(sections, terminal)
  context.process.exitCode = exitCodeOfAll(
    sections.flatMap(({ findings }) => findings),
    strict,
  )
}
