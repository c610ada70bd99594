import { spawnSync } from 'node:child_process'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contender, Sample, Task } from '../harness/scenario.ts'

const isBuilt = extname(import.meta.url) === '.js'
const cli = fileURLToPath(new URL('..', import.meta.resolve('@finchat/secrets-cli')))
const program = join(cli, isBuilt ? 'dist/main.js' : 'src/main.ts')

/** Prints what the process has used when it ends. */
const reporter = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs'
  process.on('exit', () => { const { user, system } = process.cpuUsage(); writeSync(3, String((user + system) / 1000)) })
`)}`

/** One run of Node.js in the project, and the processor time of that process. */
function run(args: readonly string[], printed: string, { setting }: Task): Sample {
  const { key, path, folder: cwd = '.' } = setting
  const started = performance.now()
  const conditions = isBuilt ? [] : ['--conditions=@finchat/source']
  const child = spawnSync(process.execPath, ['--import', reporter, ...conditions, ...args], {
    cwd,
    env: { BENCH_KEY: key, BENCH_PATH: path, XDG_CACHE_HOME: join(cwd, 'cache') },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    encoding: 'utf8',
  })
  if (child.stdout !== printed) throw new Error(`it printed something else than ${printed}`)
  return { time: performance.now() - started, cpu: Number(child.output[3]) }
}

export const bareNode: Contender = (task) => ({ round: async () => run(['--input-type=module', '--eval', ''], '', task) })

export const commandLine: Contender = (task) => ({ round: async () => run([program, 'get', 'TOKEN'], 'v1', task) })

/** The same read by the packages that the command line uses, without it. */
export const library: Contender = (task) => ({ round: async () => run(['--input-type=module', '--eval', reading], 'v1', task) })

const reading = `
  import { secretsManagerFromEnv } from '${import.meta.resolve('@finchat/secrets-core')}'
  import { localFromEnv } from '${import.meta.resolve('@finchat/secrets-provider-local')}'
  const { BENCH_KEY, BENCH_PATH } = process.env
  const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_ENCRYPTION_KEY: BENCH_KEY, FINCHAT_LOCAL_PATH: BENCH_PATH }
  const secrets = secretsManagerFromEnv({ local: localFromEnv }, { env })
  process.stdout.write(await secrets.getSecret('TOKEN'))
  await secrets.close()
`
