import { basename, dirname, join, resolve } from 'node:path'
import { findConfig } from '../config/find-config.ts'
import { readConfig } from '../config/read-config.ts'
import { readableByAll, writeOutput } from '../files/output-file.ts'
import { readRegular } from '../files/read-file.ts'
import { nameTypes } from '../setup/name-types.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import { UsageError } from '../terminal/failure.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'

interface TypesFlags {
  readonly config?: string
  readonly output?: string
  readonly check?: boolean
  readonly json?: boolean
}

/** Writes the types of the declared names, or says whether the file has them. It asks no store. */
export default async function generateTypes(context: CommandContext, flags: TypesFlags): Promise<void> {
  const { terminal } = context
  await explained('no types were written', async () => {
    const config = configFile(terminal, flags)
    const text = nameTypes((await readConfig(config)).secrets ?? {})
    if (flags.output === '-') terminal.stdout.write(text)
    else await writeTypes(context, flags, { config, text })
  })
}

interface Types {
  readonly config: string
  readonly text: string
}

async function writeTypes({ terminal, process }: CommandContext, flags: TypesFlags, { config, text }: Types): Promise<void> {
  const file = flags.output === undefined ? join(dirname(config), 'finchat-secrets.d.ts') : resolve(terminal.cwd(), flags.output)
  const isCurrent = hasText(file, text)
  if (!isCurrent && !flags.check) await writeOutput(file, text, { replace: true, mode: readableByAll })
  report({ file, isCurrent, isChecked: flags.check === true, asJson: flags.json === true }, terminal)
  if (flags.check && !isCurrent) process.exitCode = exitCodes.differs
}

function hasText(file: string, text: string): boolean {
  const bytes = Buffer.from(text)
  const content = readRegular(file, bytes.length)
  return 'bytes' in content && content.bytes.equals(bytes)
}

function configFile({ cwd }: Terminal, { config }: TypesFlags): string {
  const file = config === undefined ? findConfig(resolve(cwd())) : resolve(cwd(), config)
  if (file === undefined) throw new UsageError('there is no configuration file', 'make one by `finchat-secrets init`')
  return file
}

interface Outcome {
  readonly file: string
  readonly isCurrent: boolean
  readonly isChecked: boolean
  readonly asJson: boolean
}

function report({ file, isCurrent, isChecked, asJson }: Outcome, terminal: Terminal): void {
  if (asJson) return void terminal.stdout.write(`${JSON.stringify({ file, current: isCurrent || !isChecked })}\n`)
  const name = basename(file)
  if (isCurrent) note(terminal, `${name} is up to date`)
  else note(terminal, isChecked ? `${name} is out of date: run \`finchat-secrets generate types\`` : `${name} is written`)
}
