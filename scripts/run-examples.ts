// Type-checks and runs examples in a folder, each as a program of its own.
import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join, parse } from 'node:path'
import { promisify } from 'node:util'
import { expectedLines, firstUnprinted, type Example } from './examples.ts'
import { root } from './files.ts'

const execute = promisify(execFile)

export interface ExampleRun {
  /** Has `node_modules` with all that the examples import. */
  readonly folder: string
  readonly node?: string
  readonly conditions?: readonly string[]
  readonly compilerOptions?: Readonly<Record<string, unknown>>
}

/**
 * Returns what is wrong: the compiler's words and each example that failed or printed something
 * else than it says.
 */
export async function runExamples(examples: readonly Example[], run: ExampleRun): Promise<string[]> {
  for (const { file, code } of examples) writeFileSync(join(run.folder, file), code)
  const faults = await typeFaults(examples, run)
  const queue = examples.filter(({ isOnlyCompiled }) => !isOnlyCompiled)
  const worker = async (): Promise<void> => {
    for (let example = queue.shift(); example; example = queue.shift()) faults.push(...(await faultsOf(example, run)))
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return faults
}

async function typeFaults(examples: readonly Example[], { folder, compilerOptions }: ExampleRun): Promise<string[]> {
  const options = { ...lenient, ...compilerOptions, typeRoots: [join(root, 'node_modules/@types')] }
  const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions: options, files: examples.map(({ file }) => file) }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  return attempt(process.execPath, [compiler, '-p', folder], folder, (output) => output)
}

/** A reader's own project: strict, but without what only a library needs. */
const lenient = {
  composite: false,
  declarationMap: false,
  isolatedDeclarations: false,
  noEmit: true,
  noUnusedLocals: false,
  rootDir: parse(root).root, // Windows has one for each drive
  tsBuildInfoFile: null,
}

async function faultsOf({ file, code }: Example, run: ExampleRun): Promise<string[]> {
  const { folder, node = process.execPath, conditions = [] } = run
  const flags = ['--disable-warning=ExperimentalWarning', ...conditions.map((condition) => `--conditions=${condition}`)]
  const workplace = mkdtempSync(join(folder, 'workplace-')) // what one example writes, no other finds
  return attempt(node, [...flags, join(folder, file)], workplace, (printed) => {
    const unprinted = firstUnprinted(expectedLines(code), printed)
    return unprinted === undefined ? '' : `${file}: did not print '${unprinted}', but:\n${printed}`
  })
}

/** `judge` says what is wrong with the output of a command that succeeded; nothing, mostly. */
async function attempt(command: string, args: string[], cwd: string, judge: (output: string) => string): Promise<string[]> {
  const env = { PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter), FINCHAT_TOKEN: 'the-token', NO_COLOR: '1' }
  try {
    const { stdout } = await execute(command, args, { cwd, env, timeout: 20_000 })
    return [judge(stdout)].filter(Boolean)
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string } // what execFile rejects with
    return [`${args.at(-1)} failed:\n${stdout}${stderr}`]
  }
}
