import { fork, spawnSync } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { getHeapSnapshot } from 'node:v8'
import { getEnvironmentData, SHARE_ENV, Worker } from 'node:worker_threads'

/** Looks for the value of `TOKEN` in one way, and returns all that it saw. */
export type Attack = () => string | Promise<string>

/** What runs inside of the application, as a hostile dependency does. */
const inProcess: Readonly<Record<string, Attack>> = {
  'heap snapshot, before the application reads the value': async () => text(getHeapSnapshot()),
  'heap snapshot, while the application holds the value': async () => {
    const held = { token: process.env['TOKEN'] }
    const seen = await text(getHeapSnapshot())
    return Object.keys(held).join('') + seen
  },
  'process.env.TOKEN': () => String(process.env['TOKEN']),
  'property descriptor of TOKEN': () => inspect(Object.getOwnPropertyDescriptor(process.env, 'TOKEN')),
  'each of getOwnPropertyNames(process.env)': () => Object.getOwnPropertyNames(process.env).map(valueOf).join('\n'),
  'a hook in place of process.env': hooked,
  'inspector: Runtime.evaluate': evaluated,
  'the data for worker threads': () => Buffer.from((getEnvironmentData('@finchat/secrets-cli/register') ?? []) as Uint8Array).toString(),
  'own memory: /proc/self/mem': () => memoryOf('self'),
  'memory of the wrapper: /proc/<parent>/mem': () => memoryOf(process.ppid),
  'JSON.stringify(process.env)': () => JSON.stringify(process.env),
  'Object.entries(process.env)': () => Object.entries(process.env).join('\n'),
  'for … in process.env': () => enumerated(process.env).map(valueOf).join('\n'),
  '{ ...process.env }': () => JSON.stringify({ ...process.env }),
  'util.inspect(process.env)': () => inspect(process.env, { showHidden: true, showProxy: true, maxStringLength: Infinity }),
  'structuredClone(process.env)': () => JSON.stringify(structuredClone(process.env)),
  'URLSearchParams of process.env': () => new URLSearchParams(process.env as Record<string, string>).toString(),
  '/proc/self/environ': () => readFileSync('/proc/self/environ', 'latin1'),
  '/proc/self/task/*/environ': () => eachOf('/proc/self/task', (id) => readFileSync(`/proc/self/task/${id}/environ`, 'latin1')),
  '/proc/<parent>/environ': () => readFileSync(`/proc/${process.ppid}/environ`, 'latin1'),
  '/proc/self/cmdline and of the parent': () =>
    ['self', process.ppid].map((id) => readFileSync(`/proc/${id}/cmdline`, 'latin1')).join('\n'),
  'process.report.getReport()': () => JSON.stringify(process.report.getReport()),
  'process.report.writeReport()': () =>
    readFileSync(process.report.writeReport(join(mkdtempSync(join(tmpdir(), 'secrets-report-')), 'report.json')), 'utf8'),
  'worker thread: process.env.TOKEN': () => inWorker('process.env.TOKEN', {}),
  'worker thread: its whole environment': () => inWorker('JSON.stringify(process.env)', {}),
  'worker thread of a text: process.env.TOKEN': async () =>
    messageOf(new Worker("require('node:worker_threads').parentPort.postMessage(String(process.env.TOKEN))", { eval: true })),
  'worker thread with a copy of the environment': () => inWorker('JSON.stringify(process.env)', { env: { ...process.env } }),
  'worker thread that shares the environment': () => inWorker('JSON.stringify(process.env)', { env: SHARE_ENV }),
}

/** What runs in a process that the application starts. */
const inChild: Readonly<Record<string, Attack>> = {
  'child: env': () => output('env', []),
  'child: printenv TOKEN': () => output('printenv', ['TOKEN']),
  'child: sh -c echo': () => output('sh', ['-c', 'echo "$TOKEN"']),
  'child: env, with a spread of process.env': () => spawnSync('env', { env: { ...process.env }, encoding: 'utf8' }).stdout,
  'child: Node.js reads process.env.TOKEN': () => output(process.execPath, ['-p', 'process.env.TOKEN']),
  'child: Node.js asks again for what is sealed': askedAgain,
  'child: fork()': async () => messageOf(fork(process.execPath, { execPath: process.execPath, execArgv: ['-e', sendEnvironment] })),
  'child: cluster.fork()': async () => {
    cluster.setupPrimary({ exec: process.argv[1] ?? '', args: ['cluster'] })
    const worker = cluster.fork()
    const [message] = (await once(worker, 'message')) as [unknown]
    worker.kill()
    return String(message)
  },
  'child: /proc/<application>/environ': () => output('cat', [`/proc/${process.pid}/environ`]),
  'child: ps eww of the application': () => output('ps', ['eww', '-p', String(process.pid)]),
  'child: environment of every process': () => output('sh', ['-c', `cat /proc/${process.pid}/environ /proc/${process.ppid}/environ`]),
  'child: files in HOME and TMPDIR': () => output('sh', ['-c', 'grep -rah sk_live_ "$HOME" "$TMPDIR" --exclude=report.json']),
}

/** But for pipes: Node.js stands still if somebody reads those by which it handles signals. */
const byDescriptor: Readonly<Record<string, Attack>> = {
  'child: /proc/<application>/fd/*': () =>
    output('sh', ['-c', `for f in /proc/${process.pid}/fd/*; do [ -p "$f" ] || timeout 0.05 cat "$f"; done`]),
  'inherited descriptors 3 to 255': () => descriptors(),
  '/proc/self/fd/*': () => eachOf('/proc/self/fd', (descriptor) => opened(`/proc/self/fd/${descriptor}`)),
  '/proc/<parent>/fd/*': () => eachOf(`/proc/${process.ppid}/fd`, (descriptor) => opened(`/proc/${process.ppid}/fd/${descriptor}`)),
}

export const attacks: Readonly<Record<string, Attack>> = { ...inProcess, ...inChild, ...byDescriptor }

const sendEnvironment = 'process.send(`${process.env.TOKEN} ${JSON.stringify(process.env)}`); process.disconnect()'

function valueOf(name: string): string {
  return String(process.env[name])
}

function enumerated(variables: object): string[] {
  const names: string[] = []
  for (const name in variables) names.push(name)
  return names
}

/** Waits until the application reads. */
function hooked(): string {
  const own = process.env
  const seen: string[] = []
  process.env = new Proxy(own, {
    get: (variables, name) => (seen.push(String(Reflect.get(variables, name))), Reflect.get(variables, name)),
  })
  const value = valueOf('TOKEN')
  process.env = own
  return value === '' ? '' : seen.join('\n')
}

async function evaluated(): Promise<string> {
  const session = new Session()
  session.connect()
  const { result } = await session.post('Runtime.evaluate', { expression: 'process.env.TOKEN' })
  session.disconnect()
  return String(result.value)
}

async function inWorker(expression: string, options: { readonly env?: NodeJS.ProcessEnv | typeof SHARE_ENV }): Promise<string> {
  const code = `import { parentPort } from 'node:worker_threads'; parentPort.postMessage(String(${expression}))`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), options)
  return messageOf(worker)
}

async function messageOf(child: NodeJS.EventEmitter): Promise<string> {
  const [message] = (await once(child, 'message')) as [unknown]
  return String(message)
}

function output(command: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000, maxBuffer: 2 ** 28 })
  return `${stdout}${stderr}`
}

/** As the wrapper starts a program, but the pipe is closed. */
function askedAgain(): string {
  const env = { ...process.env, NODE_OPTIONS: process.env['HOSTILE_OPTIONS'], FINCHAT_SEALED_PIPE: '3' }
  const { stdout, stderr } = spawnSync(process.execPath, ['-p', 'process.env.TOKEN'], { env, encoding: 'utf8' })
  return `${stdout}${stderr}`
}

function eachOf(folder: string, look: (name: string) => string): string {
  return readdirSync(folder)
    .map((name) => attempt(() => look(name)))
    .join('\n')
}

function attempt(run: () => string): string {
  try {
    return run()
  } catch (error) {
    return String(error)
  }
}

/** Those of the standard streams are the test's own. */
function descriptors(): string {
  const sockets = readdirSync('/proc/self/fd').filter((descriptor) => Number(descriptor) > 2 && isStream(`/proc/self/fd/${descriptor}`))
  return sockets.map((descriptor) => attempt(() => read(Number(descriptor)))).join('\n')
}

function isStream(path: string): boolean {
  return attempt(() => readlinkSync(path)).startsWith('socket:')
}

function opened(path: string): string {
  if (statSync(path).isFIFO()) return ''
  const descriptor = openSync(path, constants.O_RDONLY + constants.O_NONBLOCK)
  const seen = attempt(() => read(descriptor))
  closeSync(descriptor)
  return seen
}

function read(descriptor: number): string {
  const bytes = Buffer.alloc(65_536)
  return bytes.toString('latin1', 0, readSync(descriptor, bytes))
}

/** The writable memory of a process that may be traced. */
function memoryOf(id: number | 'self'): string {
  const memory = openSync(`/proc/${id}/mem`, 'r')
  const ranges = readFileSync(`/proc/${id}/maps`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(' rw'))
  const found = ranges.map((line) => attempt(() => tokensIn(memory, line)))
  closeSync(memory)
  return found.join('\n')
}

/** All of it would be too much to return. */
function tokensIn(memory: number, line: string): string {
  const [from = 0, to = 0] =
    line
      .split(' ')[0]
      ?.split('-')
      .map((address) => Number.parseInt(address, 16)) ?? []
  const bytes = Buffer.alloc(Math.min(to - from, 2 ** 28))
  const seen = bytes.toString('latin1', 0, readSync(memory, bytes, 0, bytes.length, from))
  return seen.match(/sk_live_[0-9A-Za-z]{24}/g)?.join('\n') ?? ''
}
