import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, onFreePort } from './free-port.ts'
import { listen } from './http-proxy.ts'
import { removeFolder, serverFolder, StartError, startProcess, threadStates, waitUntilReady, type ServerProcess } from './server-process.ts'

function folder(): string {
  const created = serverFolder('test')
  onTestFinished(() => removeFolder(created))
  return created
}

async function start(script: string, where: string = folder()): Promise<ServerProcess> {
  const server = await startProcess({ folder: where, program: '/bin/sh', args: ['-c', script] })
  onTestFinished(server.end)
  return server
}

const yes = async (): Promise<boolean> => true

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a server writes into its log, and ends with end()', async () => {
  const server = await start('echo "in $PWD"; echo oops >&2; exec sleep 60')
  await waitUntilReady('it', server, /oops/, yes)
  expect(readFileSync(server.log, 'utf8')).toMatch(/^in .*finchat-test-\w+\noops\n$/)
  expect([server.isRunning(), exists(server.pid)]).toEqual([true, true])
  await server.end()
  expect([server.isRunning(), exists(server.pid)]).toEqual([false, false])
})

test('a server sees nothing of our environment but the PATH', async () => {
  process.env['AWS_SECRET_ACCESS_KEY'] = 'from the test'
  onTestFinished(() => void delete process.env['AWS_SECRET_ACCESS_KEY'])
  const server = await start('env; exec sleep 60')
  await waitUntilReady('it', server, /^PATH=/m, yes)
  expect(readFileSync(server.log, 'utf8')).not.toContain('from the test')
})

test.runIf(existsSync('/proc/self/task'))('none of the threads of a server runs after SIGSTOP', async () => {
  const busy = "for (let each = 0; each < 8; each += 1) new (require('node:worker_threads').Worker)('for (;;);', { eval: true })"
  const server = await start(`echo up; exec ${process.execPath} -e "${busy}"`)
  await expect.poll(() => threadStates(server.pid).filter((state) => state === 'R').length).toBeGreaterThan(7)
  for (let times = 0; times < 20; times += 1) {
    server.signal('SIGSTOP')
    expect(new Set(threadStates(server.pid))).toEqual(new Set(['T']))
    server.signal('SIGCONT')
  }
})

test('a server that hangs is ended too', async () => {
  const server = await start('echo up; exec sleep 60')
  await waitUntilReady('it', server, /up/, yes)
  server.signal('SIGSTOP')
  await server.end()
  expect(exists(server.pid)).toBe(false)
})

test('a server that does not mean to end is killed', async () => {
  const server = await start('trap "" TERM; echo up; while :; do sleep 0.1; done')
  await waitUntilReady('it', server, /up/, yes)
  await server.end()
  expect(exists(server.pid)).toBe(false)
})

test('a server that ends as it starts shows what it printed', async () => {
  const server = await start('echo "no such option: --tsl"; exit 3')
  const starting = waitUntilReady('OpenBao', server, /up/, yes)
  await expect(starting).rejects.toThrow('OpenBao ended as it started. It printed:\nno such option: --tsl\n')
})

test('a program that is not there says so', async () => {
  const server = await startProcess({ folder: folder(), program: '/nowhere/bao', args: [] })
  await expect(waitUntilReady('OpenBao', server, /up/, yes)).rejects.toThrow(/OpenBao ended as it started[^]*\/nowhere\/bao/)
})

// As a test runner may end: by itself, by Ctrl-C (which signals the whole group), by a crash.
test.each<[string, (runner: ReturnType<typeof spawn>) => unknown]>([
  ['ends', (runner) => runner.stdin?.end()],
  ['is interrupted', (runner) => process.kill(-Number(runner.pid), 'SIGINT')],
  ['is killed', (runner) => runner.kill('SIGKILL')],
])('a server ends with its folder when the process that started it %s', async (_, finish) => {
  const where = folder()
  const runner = spawn(process.execPath, [join(import.meta.dirname, 'testing/server-starter.ts'), where], { detached: true })
  onTestFinished(() => void runner.kill('SIGKILL'))
  let pid = 0
  runner.stdout.on('data', (chunk: Buffer) => (pid = Number(chunk.toString())))
  await expect.poll(() => pid && exists(pid)).toBe(true)
  finish(runner)
  await expect.poll(() => [exists(pid), existsSync(where)]).toEqual([false, false])
})

test('a server whose port somebody took is started on another', async () => {
  const other = createServer()
  onTestFinished(() => void other.close())
  const taken = await listen(other)
  const tried: number[] = []
  const port = await onFreePort(async (free) => {
    tried.push(free)
    const server = await start(tried.length === 1 ? `echo "listen ${taken}: address already in use"; exit 1` : 'echo up; exec sleep 60')
    await waitUntilReady('it', server, /up/, yes)
    return free
  })
  expect([tried.length, tried.includes(taken), tried.at(-1)]).toEqual([2, false, port])
})

test('a port is given once, though it is free again', async () => {
  const ports = new Set<number>()
  // By chance some of 2,000 are the same: the system chooses from about 14,000.
  for (let times = 0; times < 2_000; times += 1) ports.add(await freePort())
  expect(ports.size).toBe(2_000)
})

test('a server that fails for another reason is not started again', async () => {
  let tries = 0
  const starting = onFreePort(async () => {
    tries += 1
    const server = await start('echo "cannot read the configuration"; exit 1')
    await waitUntilReady('it', server, /up/, yes)
  })
  await expect(starting).rejects.toBeInstanceOf(StartError)
  expect(tries).toBe(1)
})

test('an answer before the server itself listens is somebody else', async () => {
  const where = folder()
  const server = await start('until [ -e go ]; do sleep 0.02; done; echo listening; exec sleep 60', where)
  let ready = false
  const starting = waitUntilReady('it', server, /listening/, yes).then(() => (ready = true))
  await new Promise((resolve) => void setTimeout(resolve, 60))
  expect(ready).toBe(false)
  writeFileSync(join(where, 'go'), '')
  expect(await starting).toBe(true)
})
