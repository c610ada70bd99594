// The steps of `npm test`, `npm run test:machine` and `npm run test:consumers`. Prints one line a
// step, and the output of a step that failed.
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters, styleText } from 'node:util'
import { root } from './files.ts'

interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly notRun: readonly string[]
}

/**
 * Each is a script of package.json, so that `pnpm lint` does what this does. The last four look at
 * what is built. Servers come first, since they may have to be fetched; without one, its tests are
 * named at the end as not run.
 */
const steps = {
  servers: 'servers for the tests',
  typecheck: 'types',
  lint: 'lint',
  'format:check': 'format',
  structure: 'structure',
  knip: 'unused code and dependencies',
  examples: 'examples in documentation',
  unit: 'tests',
  build: 'build',
  api: 'public surface',
  size: 'size of imports',
  packed: 'packed packages',
}
/**
 * Tests that would disturb others, be disturbed, or take long. A command of their own, so that each
 * ends in ten minutes.
 */
const machineSteps = {
  servers: 'servers for the tests',
  'unit:alone': 'tests that need the machine',
  'unit:thorough': 'long and thorough tests',
}
/**
 * What those meet who install the packages: outside the workspace, from packed tarballs, with a
 * registry. Once all is built two steps run at a time, since each waits for one program after
 * another. Long ones come first.
 */
const built = { build: 'build' }
const consumerSteps = {
  consumers: 'compilers, runners and managers',
  'ranges:lowest': 'lowest version of each range',
  copied: 'examples that are copied out',
  bundles: 'bundlers and runtimes',
  'ranges:newest': 'newest version of each range',
  migrated: 'an application moved by the command line',
  site: 'documentation site',
  'release:check': 'what a release needs',
}
type Steps = Readonly<Record<string, string>>
/** What runs one by one, and then what runs two at a time. */
const kinds: Readonly<Record<string, readonly [oneByOne: Steps, inPairs?: Steps]>> = {
  machine: [machineSteps],
  consumers: [built, consumerSteps],
}
const kind = process.argv[2] ?? ''
const [oneByOne, inPairs = {}] = kinds[kind] ?? [steps]
/** The steps write into a pipe; what reaches a terminal shall have its colours all the same. */
const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }
const testReport = (script: string): string => join(root, `node_modules/.cache/vitest-report-${script.replace(':', '-')}.json`)

async function runStep(script: string, title: string): Promise<Outcome> {
  const started = Date.now()
  const isTests = script.startsWith('unit')
  const reporters = ['dot', 'json', './tests/servers/src/not-run-reporter.ts'].map((reporter) => `--reporter=${reporter}`)
  const report = isTests ? [...reporters, `--outputFile.json=${testReport(script)}`] : []
  const { ok, output } = await run(['--silent', 'run', script, ...report])
  const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6)
  const notRun = output.split('\n').filter((line) => line.startsWith('NOT '))
  const mark = !ok ? styleText('red', '✗') : notRun.length > 0 ? styleText('yellow', '–') : styleText('green', '✓')
  console.log(`${mark} ${title.padEnd(32)} ${styleText('dim', `${seconds} s`)}`)
  if (!ok) console.log(`\n${output.replace(/^\[ELIFECYCLE\].*$/m, '').trim()}\n\n${styleText('dim', `again: pnpm ${script}`)}\n`)
  else if (isTests) console.log(summaryOf(output))
  else if (kind === 'consumers') console.log(output.trim()) // its tables
  return { ...(isTests ? testOutcome(script, ok) : checkOutcome(output, ok, notRun.length > 0)), notRun }
}

function run(args: string[]): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('pnpm', args, { cwd: root, env: { ...process.env, ...colours }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer): void => void (output += chunk.toString())
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', reject)
    child.on('close', (status) => resolve({ ok: status === 0, output: process.stdout.isTTY ? output : stripVTControlCharacters(output) }))
  })
}

/** vitest's own last lines: files, tests, duration. */
function summaryOf(output: string): string {
  return output
    .split('\n')
    .filter((line) => /^ *(Test Files|Tests|Duration) /.test(stripVTControlCharacters(line)))
    .join('\n')
}

/** The counts that its last line tells, without what was not run; a check without any counts as one. */
function checkOutcome(output: string, ok: boolean, isPartial: boolean): Omit<Outcome, 'notRun'> {
  const [, passed, failed] = /(\d+) passed, (\d+) failed\s*$/.exec(stripVTControlCharacters(output)) ?? []
  if (passed === undefined) return { passed: ok && !isPartial ? 1 : 0, failed: ok ? 0 : 1 }
  return { passed: Number(passed), failed: ok ? Number(failed) : Math.max(Number(failed), 1) }
}

/**
 * A run that fails without a failed test, such as a file that does not load, counts as one failure.
 */
function testOutcome(script: string, ok: boolean): Omit<Outcome, 'notRun'> {
  try {
    const report = JSON.parse(readFileSync(testReport(script), 'utf8')) as { numPassedTests: number; numFailedTests: number } // vitest's format
    return { passed: report.numPassedTests, failed: ok ? report.numFailedTests : Math.max(report.numFailedTests, 1) }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

async function runSteps(chosen: Steps, atOnce: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const queue = Object.entries(chosen)
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      rmSync(testReport(next[0]), { force: true })
      outcomes.push(await runStep(...next))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return outcomes
}

const started = Date.now()
const outcomes = [...(await runSteps(oneByOne, 1)), ...(await runSteps(inPairs, 2))]
const notRun = outcomes.flatMap((outcome) => outcome.notRun)
const sumOf = (count: 'passed' | 'failed'): number => outcomes.reduce((sum, outcome) => sum + outcome[count], 0)
if (notRun.length > 0) console.log(styleText('yellow', `\n${notRun.join('\n')}`))
console.log(styleText('dim', `\ntests and checks, in ${((Date.now() - started) / 1000).toFixed(0)} s:`))
console.log(`${sumOf('passed')} passed, ${sumOf('failed')} failed`)
process.exitCode = sumOf('failed') > 0 ? 1 : 0
