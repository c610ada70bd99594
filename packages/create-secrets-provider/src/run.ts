import { UsageError } from './names.ts'
import { writeProvider } from './write-provider.ts'

/** `EX_USAGE` of sysexits.h: the command was used wrongly. */
const usageCode = 64

const help = `Usage: npm create @finchat/secrets-provider NAME

Writes a provider of your own for @finchat/secrets-core into the new folder NAME: the provider, a
store that breaks, and the conformance suite over both. NAME is a package: my-store or @acme/my-store.

  --help  prints this
`

/** What the program writes to, and where it is run. */
export interface Terminal {
  readonly stdout: { readonly write: (text: string) => unknown }
  readonly stderr: { readonly write: (text: string) => unknown }
  readonly cwd: () => string
}

/** Runs the program, and returns its exit code. */
export async function run(args: readonly string[], { stdout, stderr, cwd }: Terminal): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    stdout.write(help)
    return 0
  }
  let folder = 'the folder'
  try {
    const name = onlyName(args)
    folder = folderOf(name)
    await writeProvider(name, cwd())
    stdout.write(`${name} is written. Next:\n\n  cd ${folder}\n  npm install\n  npm test\n`)
    return 0
  } catch (error) {
    const isRefused = error instanceof UsageError
    stderr.write(
      `${isRefused ? error.message : `nothing could be written: ${[codeOf(error), remedyOf(error, folder)].filter(Boolean).join(': ')}`}\n`,
    )
    return isRefused ? usageCode : 1
  }
}

function onlyName(args: readonly string[]): string {
  const option = args.find((arg) => arg.startsWith('-'))
  if (option !== undefined) throw new UsageError(`there is no option ${JSON.stringify(option)}: see --help`)
  const [name, ...others] = args
  if (name === undefined || others.length > 0) throw new UsageError('give one name, such as my-store: see --help')
  return name
}

function codeOf(error: unknown): string {
  return String(Reflect.get(Object(error), 'code') ?? 'an unknown error')
}

const denied: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])
const full: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

function remedyOf(error: unknown, folder: string): string | undefined {
  const code = codeOf(error)
  if (denied.has(code)) return 'run this in a folder that you may write to'
  return full.has(code) ? `make room on the disk, remove ${folder} if it is there, and run this again` : undefined
}

function folderOf(name: string): string {
  return name.slice(name.indexOf('/') + 1)
}
