// The tasks of `npm test`, `npm run demo` and the like: gets Node, pnpm and the locked dependencies where
// they are missing, then runs the task. Runs on Node 20 with nothing installed:
// plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { root, SetupError, toolchain } from './toolchain.mjs'

const fromSources = (path) => ['--conditions=@finchat/source', path]
const firstAct = fromSources('examples/quick-start/src/main.ts')
const secondAct = fromSources('tests/examples/src/fallback-chain/main.ts')
/** What the first act says at its end. */
const hint = { DEMO_NEXT: 'The same on real servers, which fail: npm run demo -- --live' }
const tasks = {
  test: () => [['scripts/check.ts']],
  'test:machine': () => [['scripts/check.ts', 'machine']],
  'test:consumers': () => [['scripts/check.ts', 'consumers']],
  smoke: () => [['scripts/build.mjs', '--output-logs=errors-only'], ['scripts/check-smoke.ts']],
  'release:pack': () => [
    ['scripts/build.mjs', '--output-logs=errors-only'],
    ['scripts/check-release.ts', '--keep', '.cache/release'],
    ['scripts/check-rebuilt.ts', '.cache/release'],
  ],
  mutate: () => [['scripts/mutate.ts']],
  properties: () => [
    ['tests/servers/src/get-servers.ts'],
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.properties.config.ts'],
  ],
  stryker: () => [['node_modules/@stryker-mutator/core/bin/stryker.js', 'run', 'stryker.config.mjs']],
  demo: (args) => (args.includes('--live') ? [firstAct, secondAct] : [firstAct]),
}

function main([task, ...args]) {
  const env = { ...setUp(), ...(task === 'demo' && !args.includes('--live') && hint) }
  process.on('SIGINT', () => {}) // Ctrl-C is for the program, which may have servers to end; this waits for it
  for (const program of tasks[task](args)) {
    const { status } = spawnSync('node', [...program, ...args], { cwd: root, env, stdio: 'inherit' })
    if (status !== 0) return status ?? 1
  }
  return 0
}

/** Says in one line what it sets up, and nothing when there is nothing to do. */
function setUp() {
  const started = Date.now()
  const { fetches, prepare } = toolchain()
  const work = [...fetches, ...(dependenciesAreInstalled() ? [] : ['the locked dependencies'])]
  if (work.length > 0) process.stderr.write(`Setting up once, into this folder: ${work.join(', ')} ... `)
  try {
    const env = prepare()
    install(env)
    if (work.length > 0) process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n\n`)
    return env
  } catch (error) {
    if (work.length > 0) process.stderr.write('failed: ')
    throw error
  }
}

/** Takes 50 ms if nothing is missing; only pnpm can tell. */
function install(env) {
  const { status, stdout, stderr } = spawnSync('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts'], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  if (status === 0) return
  const reason = `${stderr}\n${stdout}`.match(/\b(ERR_[A-Z_]+|ENOSPC|EROFS|EACCES)\b/)?.[0] ?? `status ${status}`
  throw new SetupError(`the dependencies could not be installed (${reason}): run \`pnpm install\` with a network to see why.`)
}

function dependenciesAreInstalled() {
  const [locked, installed] = [join(root, 'pnpm-lock.yaml'), join(root, 'node_modules/.pnpm/lock.yaml')]
  return existsSync(installed) && readFileSync(locked).equals(readFileSync(installed))
}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
